//! The screen left while the work goes on.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::json;

use super::Terminal;
use super::signals::{slow_world, started};
use crate::support::world::World;

/// A console that was left with the wish to keep running; the work has hardly begun.
fn left_running(world: &World) -> Terminal {
    // Slow enough that nobody is too late with the question.
    world.embeddings.latency(Duration::from_millis(500));
    let mut terminal = started(world, 24, 120);
    terminal.press("q");
    terminal.wait_for("The work is still running");
    terminal.wait_for("Keep running without the screen");
    terminal.press("r\r");
    terminal.wait_to_see("the screen is left", |screen| !screen.alternate_screen());
    // Progress, in plain words and in one line that is written over.
    terminal.wait_for("of 400  read ");
    terminal.assert_given_back();
    let ended = terminal.child.try_wait().expect("a status");
    assert!(ended.is_none(), "the work was given up with the screen: {ended:?}");
    terminal
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_running_the_work_goes_on_to_its_end_without_the_screen() {
    let world = slow_world(400).await;
    let mut terminal = left_running(&world);
    world.embeddings.latency(Duration::ZERO);
    assert_eq!(terminal.wait(), 0);
    terminal.wait_for("complete: read 400 = written 400");
    // Nothing of the screen came back.
    terminal.assert_given_back();
    assert_eq!(terminal.wire().matches("\u{1b}[?1049h").count(), 1);
    let rows = world.rows().await;
    let ids: HashSet<_> = rows.iter().map(|row| row.point.id).collect();
    assert_eq!((rows.len(), ids.len()), (400, 400));
}

#[tokio::test(flavor = "multi_thread")]
async fn kept_running_the_work_is_still_stopped_by_control_c() {
    let world = slow_world(400).await;
    let mut terminal = left_running(&world);
    // The terminal's own now: it makes a signal of it.
    terminal.press("\u{3}");
    assert_eq!(terminal.wait(), 5);
    terminal.wait_for("qlance: stopping");
    terminal.wait_for("stopped; the same command goes on");
    world.embeddings.latency(Duration::ZERO);
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (0, &json!(400)), "{report}");
}
