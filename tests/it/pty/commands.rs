//! Commands without a screen on a terminal: what they ask there, and what they do when it goes away.

use std::time::{Duration, Instant};

use portable_pty::{Child, ExitStatus};
use qdrant_client::qdrant::DeletePointsBuilder;
use qlance::point::PointId;
use qlance::qdrant::wire;
use serde_json::json;

use super::signals::{slow_world, started};
use super::{PATIENCE, Terminal};
use crate::support::world::{World, messages, point};

/// Waits for the end of a process that has no terminal any more.
fn ended(mut child: Box<dyn Child + Send + Sync>) -> ExitStatus {
    let begun = Instant::now();
    loop {
        if let Some(status) = child.try_wait().expect("a status") {
            return status;
        }
        if begun.elapsed() > PATIENCE {
            child.kill().expect("killed");
            panic!("qlance does not end without its terminal");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Any command on a world's configuration.
fn run(world: &World, args: &[&str]) -> Terminal {
    let config = world.path().join("qlance.toml");
    let all = [&["--config", config.to_str().expect("UTF-8")][..], args].concat();
    Terminal::run(world.path(), &all, &[], 50, 160)
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_screen_too_a_terminal_that_goes_away_stops_the_run_cleanly() {
    for with_screen in [false, true] {
        let world = slow_world(4_000).await;
        let terminal = if with_screen {
            let mut terminal = started(&world, 24, 80);
            terminal.press("q");
            terminal.wait_for("Keep running");
            terminal.press("r\r");
            terminal
        } else {
            run(&world, &["run"])
        };
        terminal.wait_until("rows are written", |screen| {
            let counted = |line: &str| line.contains(" of 4000  read ") && !line.contains(" = written 0 ");
            screen.lines().any(counted)
        });
        let status = ended(terminal.close());
        let end = (status.signal(), status.exit_code());
        assert_eq!(end, (None, 5), "left from the screen: {with_screen}");
        world.embeddings.latency(Duration::ZERO);
        let (code, report) = world.run().await;
        assert_eq!(
            (code, &report["written"], &report["resumed"]),
            (0, &json!(4_000), &json!(true)),
            "{report}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_agrees_to_a_removal_has_agreed_to_nothing_else() {
    for (args, question, code) in [
        (&["sync"][..], "Bring it over? [y/N]", 0),
        (
            &["verify", "--repair", "--queries", "5", "--again", "0"],
            "Repair that? [y/N]",
            4,
        ),
    ] {
        let world = World::with(&messages(40)).await;
        world.config(&[("pipeline", "index = false\n")]);
        assert_eq!(world.run().await.0, 0);
        world.upsert(&[point(101, json!({"content": "new"}))]).await;
        let gone = DeletePointsBuilder::new("messages")
            .points(vec![wire::id_to(PointId::Num(7))])
            .wait(true);
        let client = world.source().client().clone();
        client.delete_points(gone).await.expect("a point is deleted");
        let mut terminal = run(&world, args);
        terminal.wait_for(question);
        terminal.press("n\n");
        terminal.wait_for("Remove the 1 rows whose points are gone? [y/N]");
        terminal.press("y\n");
        terminal.wait_for("0 added, 0 replaced, 1 removed, 0 failed");
        assert_eq!(terminal.wait(), code, "{args:?}");
        let requests = world.embeddings.recorded();
        let mut asked = requests.iter().flat_map(|request| &request.inputs);
        assert!(!asked.any(|text| text == "new"), "{args:?} paid for it");
        assert_eq!(world.rows().await.len(), 39, "{args:?}");
    }
}
