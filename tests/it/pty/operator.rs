//! An operator's whole way through the demo.

use std::collections::HashSet;
use std::time::Duration;

use qlance::point::PointId;
use qlance::tasks::demo::message;
use serde_json::{Value, json};

use super::Terminal;
use crate::support::world::rows_of;

/// What a command says with `--json` about the demo.
fn told(dir: &std::path::Path, args: &[&str]) -> Vec<Value> {
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_qlance"))
        .args(["--config", "demo/qlance.toml"])
        .args(args)
        .current_dir(dir)
        .output()
        .expect("qlance runs");
    assert!(
        output.status.success(),
        "{args:?}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

/// Of what a command says about points, what it says about this one: exactly one thing.
fn of<'a>(told: &'a [Value], id: &Value) -> &'a Value {
    let mut about = told.iter().filter(|line| line["id"] == *id);
    let first = about.next();
    assert!(about.next().is_none(), "point {id} twice: {told:?}");
    first.unwrap_or_else(|| panic!("nothing of point {id}: {told:?}"))
}

/// Numbers of messages without content; the points are one further. The first is mended, the second given up.
const EMPTY: [u64; 2] = [61, 101];

#[tokio::test(flavor = "multi_thread")]
async fn the_whole_way_through_the_demo() {
    let [mended, skipped] = EMPTY.map(|number| message(7, number));
    let dir = tempfile::tempdir().expect("a directory");
    let mut terminal = Terminal::run(dir.path(), &["demo", "--points", "600", "--dir", "demo"], &[], 40, 120);
    terminal.wait_for("Before the start");
    terminal.wait_for("modelled");
    terminal.press("\r");
    terminal.wait_for("RUNNING");
    // Slower and faster while it runs: what is shown is what the work has confirmed.
    for (keys, limit, requests) in [("-", 1, "request"), ("++", 3, "requests")] {
        terminal.press(keys);
        terminal.wait_until(&format!("{limit} in flight while it runs"), |screen| {
            let said = screen.contains(&format!(" {limit} {requests} in flight at most"));
            let shown = screen.contains(&format!(" {limit} in flight at most;"));
            said && shown && screen.contains("RUNNING")
        });
    }
    terminal.press("p");
    terminal.wait_for("PAUSED");
    // Another process sees the same, and what it sets is seen here.
    let status = told(dir.path(), &["live", "status", "--json"]);
    assert_eq!(status[0]["job"]["phase"], "paused", "{status:?}");
    let set = told(dir.path(), &["live", "set", "--max-in-flight", "2", "--json"]);
    assert_eq!(set[0]["job"]["settings"]["max_in_flight"], 2, "{set:?}");
    terminal.wait_for(" 2 requests in flight at most");
    // And what is set here goes on from there.
    terminal.press("-");
    terminal.wait_for(" 1 request in flight at most");
    terminal.press("p");
    terminal.wait_for("COMPLETE");

    // The worst divergent point: opened, and embedded again.
    terminal.press("2");
    terminal.wait_for("worst first");
    terminal.press("\t\r");
    terminal.wait_for("nearest neighbours, cosine similarity");
    terminal.wait_for("below the threshold");
    terminal.press("r");
    terminal.wait_for("1: embedded again");
    terminal.wait_for("embedded again at");
    terminal.press("a");
    terminal.wait_for(" as embedded. Why?");
    terminal.press("the text was changed\r");
    terminal.wait_for("1: accepted");
    terminal.wait_for("the text was changed");

    // A failure without content: mended by hand, and retried to success.
    terminal.press("3");
    terminal.wait_for("Failures: ");
    terminal.press("/no_content\r");
    terminal.wait_for("cause no_content");
    terminal.wait_lit(&format!("  {} ", mended.id));
    terminal.press("e");
    terminal.wait_for(&format!("Content of {}", mended.id));
    terminal.press("mended by hand\r");
    terminal.wait_for("1 recovered, 0 failed again");

    // It is still shown for a while: its record in both stores differs in what was mended, and in nothing else.
    terminal.press("d");
    terminal.wait_for(&format!("Point {}: differs", mended.id));
    terminal.wait_for("Pairs: 0 of 1 same");
    terminal.wait_for("1 field differs");
    terminal.wait_for("~ content  (null | string)");
    terminal.wait_for("| mended by hand");
    terminal.leave_until_gone("Pairs: ");
    terminal.wait_for("cause no_content");

    // Another is given up, with a reason.
    terminal.leave_until_gone("cause no_content");
    terminal.wait_for("all; / filters");
    terminal.press("/no_content\r");
    terminal.wait_for("cause no_content");
    terminal.wait_lit(&format!("  {} ", skipped.id));
    terminal.press("s");
    terminal.wait_for(&format!(
        "Give up point {}: it will not be in the table. Why?",
        skipped.id
    ));
    terminal.press("\r");
    terminal.wait_for("a reason is needed");
    terminal.press("nothing to say\r");
    terminal.wait_for("1 skipped");
    terminal.wait_until("its row says so", |screen| {
        let row = format!("  {} ", skipped.id);
        screen
            .lines()
            .any(|line| line.contains(&row) && line.contains(" skipped "))
    });

    // Its record is in Qdrant only.
    terminal.press("d");
    terminal.wait_for(&format!("Point {}: missing in LanceDB", skipped.id));
    terminal.wait_for("< thread_id  (string | missing)");
    terminal.wait_for("| (missing)");
    terminal.leave_until_gone("Pairs: ");
    terminal.wait_for("cause no_content");
    terminal.press("\r");
    terminal.wait_for("skipped: nothing to say");
    terminal.leave_until_gone("payload in Qdrant now");
    terminal.leave_until_gone("cause no_content");
    terminal.wait_for("all; / filters");

    // Those that the embedder refused once come over when all of them are retried.
    terminal.press("/rejected\r");
    terminal.wait_until("they are listed", |screen| {
        screen.contains("cause rejected") && screen.contains(" to retry")
    });
    terminal.press("R");
    terminal.wait_for("Retry ");
    terminal.press("r\r");
    terminal.wait_until("all recovered", |screen| {
        screen.contains("recovered, 0 failed again") && !screen.contains("1 recovered")
    });
    terminal.leave_until_gone("cause rejected");
    terminal.wait_for("all; / filters");

    // A look at both stores, through the palette.
    terminal.press(":");
    terminal.wait_for("Commands");
    terminal.press("show-diffs\r");
    terminal.wait_for("Pairs: 0 of 1 same");
    terminal.press("n");
    terminal.wait_until("a sample", |screen| {
        screen.contains("Pairs: ") && !screen.contains(" of 1 same") && !screen.contains(" equal")
    });
    terminal.press("\r");
    terminal.wait_for(" equal");
    terminal.press("q");
    assert_eq!(terminal.wait(), 0, "failed points belong to the demo");
    terminal.assert_given_back();
    terminal.wait_for("Everything lies in");

    // The same story, told without a screen.
    let decided: Vec<Value> = told(dir.path(), &["divergence", "list", "--json"]);
    let accepted: Vec<&Value> = decided
        .iter()
        .filter(|row| row["decided"]["decision"] == "accepted")
        .collect();
    assert_eq!(accepted.len(), 1, "{decided:?}");
    assert_eq!(accepted[0]["decided"]["note"], "the text was changed");
    let failures = told(dir.path(), &["failures", "list", "--json"]);
    assert!(failures.iter().all(|row| row["cause"] != "rejected"), "{failures:?}");
    let given_up: Vec<&Value> = failures.iter().filter(|row| row["state"] == "skipped").collect();
    assert_eq!(given_up.len(), 1, "{failures:?}");
    let [mended_id, skipped_id] = [&mended, &skipped].map(|message| json!(message.id));
    assert_eq!(given_up[0]["id"], skipped_id);
    assert_eq!(given_up[0]["reason"], "nothing to say");
    assert!(failures.iter().all(|row| row["id"] != mended_id), "{failures:?}");
    let ids = [&mended, &skipped].map(|message| message.id.to_string());
    let shown = told(dir.path(), &["failures", "show", &ids[0], "--json"]);
    assert_eq!(shown[0]["failure"]["state"], "recovered", "{shown:?}");
    assert_eq!(shown[0]["edit"]["after"], "mended by hand", "{shown:?}");
    let pairs = told(dir.path(), &["diff", &ids[0], &ids[1], "--json"]);
    let pair = of(&pairs, &mended_id);
    assert_eq!((&pair["verdict"], &pair["differing"]), (&json!("differs"), &json!(1)));
    assert_eq!(pair["because"], "edited by hand: mended by hand");
    let pair = of(&pairs, &skipped_id);
    assert_eq!(pair["verdict"], "missing_in_lancedb");
    assert_eq!(pair["because"], "skipped: nothing to say");

    // And the table itself: every point once, what was mended with its new content, and not what was given up.
    let rows = rows_of(&dir.path().join("demo/choir.lance"), "messages").await;
    let ids: HashSet<PointId> = rows.iter().map(|row| row.point.id).collect();
    assert_eq!(rows.len(), ids.len(), "an id is in the table twice");
    assert_eq!(rows.len(), 600 - failures.len(), "in the table or among the failures");
    assert!(!ids.contains(&skipped.id), "{}", skipped.id);
    let row = rows.iter().find(|row| row.point.id == mended.id).expect("a row");
    let mut payload = mended.payload;
    payload.insert("content".to_owned(), json!("mended by hand"));
    assert_eq!(row.point.payload, payload);
}

#[test]
fn killing_the_demo_and_starting_it_again_just_goes_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let args = ["demo", "--points", "400", "--dir", "demo", "--resume"];
    let mut terminal = Terminal::run(dir.path(), &args, &[], 24, 80);
    terminal.wait_for("Before the start");
    terminal.press("\r");
    terminal.wait_for("RUNNING");
    rustix::process::kill_process(terminal.pid(), rustix::process::Signal::KILL).expect("killed");
    terminal.wait();
    let mut terminal = Terminal::run(dir.path(), &args, &[], 24, 80);
    terminal.wait_until("it goes on, or asks to begin", |screen| {
        screen.contains("RUNNING") || screen.contains("Before the start") || screen.contains("COMPLETE")
    });
    std::thread::sleep(Duration::from_millis(100));
    if terminal.screen().contains("Before the start") {
        // Killed before its first commit: nothing was begun.
        terminal.press("\r");
    }
    terminal.wait_for("COMPLETE");
    terminal.press("q");
    assert_eq!(terminal.wait(), 0);
    let plan = told(dir.path(), &["plan", "--json"]);
    assert_eq!(plan[0]["settled"], 400, "{plan:?}");
}
