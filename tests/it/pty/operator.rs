//! An operator's whole way through the demo.

use std::time::Duration;

use serde_json::Value;

use super::Terminal;

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

#[test]
fn the_whole_way_through_the_demo() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut terminal = Terminal::run(dir.path(), &["demo", "--points", "600", "--dir", "demo"], &[], 40, 120);
    terminal.wait_for("Before the start");
    terminal.wait_for("modelled");
    terminal.press("\r");
    terminal.wait_for("RUNNING");
    terminal.press("p");
    terminal.wait_for("PAUSED");
    terminal.press("-");
    terminal.wait_for("1 request in flight at most");
    terminal.press("++");
    terminal.wait_for("3 requests in flight at most");
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
    terminal.press("e");
    terminal.wait_for("Content of");
    terminal.press("mended by hand\r");
    terminal.wait_for("1 recovered, 0 failed again");

    // Another is given up, with a reason; the mended one is still shown for a while.
    terminal.press("js");
    terminal.wait_for("Why?");
    terminal.press("\r");
    terminal.wait_for("a reason is needed");
    terminal.press("nothing to say\r");
    terminal.wait_for("1 skipped");
    terminal.press("\u{1b}");
    terminal.wait_for("all; / filters");

    // Those that the embedder refused once come over when all of them are retried.
    terminal.press("/rejected\r");
    terminal.wait_for("cause rejected");
    terminal.press("R");
    terminal.wait_for("Retry ");
    terminal.press("r\r");
    terminal.wait_until("all recovered", |screen| {
        screen.contains("recovered, 0 failed again") && !screen.contains("1 recovered")
    });
    terminal.press("\u{1b}");
    terminal.wait_for("all; / filters");

    // A look at both stores, through the palette.
    terminal.press(":");
    terminal.wait_for("Commands");
    terminal.press("show-diffs\r");
    terminal.wait_for("random sample");
    terminal.press("n");
    terminal.wait_for("same");
    terminal.press("\r");
    terminal.wait_for("fields differ");
    terminal.press("q");
    assert_eq!(terminal.wait(), 0, "failed points belong to the demo");
    terminal.assert_given_back();

    // The same story, told without a screen.
    let decided: Vec<Value> = told(dir.path(), &["divergence", "list", "--json"]);
    let accepted: Vec<&Value> = decided
        .iter()
        .filter(|row| row["decided"]["decision"] == "accepted")
        .collect();
    assert_eq!(accepted.len(), 1, "{decided:?}");
    assert_eq!(accepted[0]["decided"]["note"], "the text was changed");
    let failures = told(dir.path(), &["failures", "list", "--json"]);
    let skipped: Vec<&Value> = failures.iter().filter(|row| row["state"] == "skipped").collect();
    assert_eq!(skipped.len(), 1);
    assert_eq!(skipped[0]["reason"], "nothing to say");
    assert!(failures.iter().all(|row| row["cause"] != "rejected"), "{failures:?}");
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
