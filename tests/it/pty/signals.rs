//! What a terminal does to the console: another size, Ctrl-Z, Ctrl-C; and what the console does when it is wrong itself.

use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};
use serde_json::json;

use super::{PATIENCE, Terminal};
use crate::support::world::{World, messages};

/// A job that takes a while.
pub(super) async fn slow_world(count: u64) -> World {
    let world = World::with(&messages(count)).await;
    world.embeddings.latency(Duration::from_millis(100));
    world.config(&[
        ("source", "page_points = 20\nranges = 2\n"),
        ("target", "commit_rows = 40\ncommit_seconds = 1\n"),
        ("embed.text", "max_in_flight = 2\nmax_batch_inputs = 10\n"),
    ]);
    world
}

pub(super) fn started(world: &World, rows: u16, cols: u16) -> Terminal {
    let mut terminal = Terminal::open(world, rows, cols);
    terminal.wait_for("READY");
    terminal.press("\r");
    terminal.wait_for("RUNNING");
    terminal
}

#[tokio::test(flavor = "multi_thread")]
async fn another_size_while_it_runs() {
    let world = slow_world(2_000).await;
    let mut terminal = started(&world, 24, 80);
    terminal.resize(40, 120);
    terminal.wait_for("Latest failures");
    terminal.wait_until("the new width is used", |screen| {
        screen.lines().any(|line| line.trim_end().chars().count() > 100)
    });
    terminal.resize(10, 40);
    terminal.wait_for("qlance needs 60 x 16");
    terminal.resize(24, 80);
    terminal.wait_for("in hand");
    terminal.press("\u{3}");
    assert_eq!(terminal.wait(), 5);
    terminal.assert_given_back();
}

pub(super) fn is_stopped(pid: rustix::process::Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| rest.trim_start().starts_with('T'))
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_and_brought_back() {
    let world = slow_world(2_000).await;
    let mut terminal = started(&world, 24, 80);
    terminal.press("\u{1a}");
    let begun = Instant::now();
    while !is_stopped(terminal.pid()) {
        assert!(begun.elapsed() < PATIENCE, "Ctrl-Z does not stop it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    terminal.assert_given_back();
    kill_process(terminal.pid(), Signal::CONT).expect("fg");
    terminal.wait_for("RUNNING");
    terminal.press("p");
    terminal.wait_for("PAUSED");
    terminal.press("\u{3}");
    assert_eq!(terminal.wait(), 5);
    terminal.assert_given_back();
}

#[tokio::test(flavor = "multi_thread")]
async fn control_c_once_stops_cleanly_and_twice_at_once() {
    let world = slow_world(2_000).await;
    let mut terminal = started(&world, 24, 80);
    terminal.press("\u{3}");
    assert_eq!(terminal.wait(), 5);
    terminal.assert_given_back();
    world.embeddings.latency(Duration::from_secs(30));
    let mut terminal = Terminal::open(&world, 24, 80);
    terminal.wait_for("RUNNING");
    terminal.press("\u{3}\u{3}");
    assert_eq!(terminal.wait(), 130);
    terminal.assert_given_back();
    world.embeddings.latency(Duration::ZERO);
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (0, &json!(2_000)), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_drawing_gives_the_terminal_back_with_its_message() {
    let world = slow_world(2_000).await;
    let config = world.path().join("qlance.toml");
    let args = ["--config", config.to_str().expect("UTF-8")];
    let mut terminal = Terminal::run(
        world.path(),
        &args,
        &[("QLANCE_PANIC", "drawing"), ("RUST_BACKTRACE", "0")],
        24,
        80,
    );
    terminal.wait_for("READY");
    terminal.press("\r");
    terminal.wait_for("RUNNING");
    terminal.press("7");
    let code = terminal.wait();
    assert!(code != 0 && code != 5, "{code}");
    terminal.assert_given_back();
    let screen = terminal.screen();
    assert!(screen.contains("asked to panic while drawing"), "{screen}");
    world.embeddings.latency(Duration::ZERO);
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (0, &json!(2_000)), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_in_a_task_is_told_and_leaves_the_job_resumable() {
    let world = slow_world(200).await;
    let config = world.path().join("qlance.toml");
    let args = ["--config", config.to_str().expect("UTF-8")];
    let mut terminal = Terminal::run(world.path(), &args, &[("QLANCE_PANIC", "migration")], 40, 120);
    terminal.wait_for("READY");
    terminal.press("\r");
    terminal.wait_for("STOPPED");
    terminal.wait_for("qlance itself is at fault");
    terminal.press("q");
    assert_eq!(terminal.wait(), 1, "our own fault is an error, not a stop");
    terminal.assert_given_back();
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (0, &json!(200)), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_console_writes_nothing() {
    let world = World::with(&messages(20)).await;
    world.config(&[]);
    let mut terminal = Terminal::open(&world, 24, 80);
    terminal.wait_for("READY");
    terminal.press("\r");
    terminal.wait_for("COMPLETE");
    // Rates and shares of the last five seconds run out first.
    let begun = Instant::now();
    let mut before = terminal.written().len();
    loop {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let now = terminal.written().len();
        if now == before {
            break;
        }
        assert!(begun.elapsed() < PATIENCE, "it goes on writing: {} bytes", now - before);
        before = now;
    }
    terminal.press("q");
    assert_eq!(terminal.wait(), 0);
}
