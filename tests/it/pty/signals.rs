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
    let before = terminal.written().len();
    terminal.resize(24, 80);
    // The last line of the smaller screen is the footer again, and drawn anew: the terminal keeps the old one by itself.
    terminal.wait_until("the old size again", |screen| {
        let cleared = terminal.written()[before..].windows(4).any(|bytes| bytes == b"\x1b[2J");
        cleared && screen.lines().nth(23).is_some_and(|line| line.contains("q quit"))
    });
    terminal.press("\u{3}");
    assert_eq!(terminal.wait(), 5);
    terminal.assert_given_back();
}

#[tokio::test(flavor = "multi_thread")]
async fn too_small_a_terminal_asks_for_room_in_one_line_and_a_larger_one_shows_all_again() {
    let world = World::with(&messages(20)).await;
    world.config(&[]);
    let one_line = |screen: &str| screen.trim_end() == "qlance needs 60 x 16; this is 40 x 10";
    let mut terminal = Terminal::open(&world, 10, 40);
    terminal.wait_until("one line that asks for room", one_line);
    terminal.resize(24, 80);
    terminal.wait_for("READY");
    terminal.wait_for("Before the start");
    terminal.press("\r");
    terminal.wait_for("COMPLETE");
    terminal.resize(10, 40);
    terminal.wait_until("one line that asks for room", one_line);
    // Just enough.
    terminal.resize(16, 60);
    terminal.wait_for("COMPLETE");
    terminal.wait_for("written 20");
    terminal.resize(10, 40);
    terminal.wait_until("one line that asks for room", one_line);
    // Its keys still work.
    terminal.press("q");
    assert_eq!(terminal.wait(), 0);
    terminal.assert_given_back();
}

pub(super) fn is_stopped(pid: rustix::process::Pid) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).unwrap_or_default();
    stat.rsplit(')')
        .next()
        .is_some_and(|rest| rest.trim_start().starts_with('T'))
}

/// Whether the console has the terminal: its screen, its cursor, its mouse and its keys.
fn is_taken(screen: &vt100::Screen) -> bool {
    let has_mouse = screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None;
    screen.alternate_screen() && screen.hide_cursor() && screen.bracketed_paste() && has_mouse
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_and_brought_back() {
    let world = slow_world(2_000).await;
    world.embeddings.latency(Duration::from_millis(300));
    let mut terminal = started(&world, 24, 80);
    terminal.wait_to_see("the terminal is taken", is_taken);
    assert!(terminal.is_raw());
    for (rows, cols) in [(24, 80), (40, 120)] {
        terminal.press("\u{1a}");
        let begun = Instant::now();
        while !is_stopped(terminal.pid()) {
            assert!(begun.elapsed() < PATIENCE, "Ctrl-Z does not stop it");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        terminal.assert_given_back();
        terminal.wait_to_see("what was there before", |screen| {
            !screen.alternate_screen() && screen.mouse_protocol_mode() == vt100::MouseProtocolMode::None
        });
        assert!(!terminal.screen().contains("qlance"), "{}", terminal.screen());
        // The second time the window has become larger meanwhile.
        terminal.resize(rows, cols);
        kill_process(terminal.pid(), Signal::CONT).expect("fg");
        terminal.wait_to_see("the terminal is taken again", is_taken);
        // All of it is painted anew, from the first line to the last.
        for text in ["RUNNING", "1 Migrate", "Progress", "in hand", "Stages", "q quit"] {
            terminal.wait_for(text);
        }
        terminal.wait_until("the whole width is used", |screen| {
            let widest = screen.lines().map(|line| line.chars().count()).max();
            widest == Some(usize::from(cols))
        });
        assert!(terminal.is_raw());
    }
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
    // A job that has committed nothing is not resumed, but begun.
    terminal.wait_until("rows are committed", |screen| {
        screen.contains(" = written ") && !screen.contains(" = written 0 ")
    });
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
    terminal.wait_for("asked to panic while drawing");
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
