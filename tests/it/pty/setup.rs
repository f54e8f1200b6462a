//! The first start, without a configuration.

use std::time::{Duration, Instant};

use rustix::process::{Signal, kill_process};

use super::mouse::MODES;
use super::signals::is_stopped;
use super::{PATIENCE, Terminal};
use crate::support::world::{World, messages};

#[tokio::test(flavor = "multi_thread")]
async fn a_few_questions_make_a_configuration_and_the_plan_is_shown() {
    let world = World::with(&messages(50)).await;
    let mut terminal = Terminal::run(world.path(), &[], &[], 40, 120);
    terminal.wait_for("Where is Qdrant?");
    terminal.press("\u{15}http://127.0.0.1:1\r");
    terminal.wait_for("does not answer");
    terminal.press(&format!("\u{15}{}\r", world.qdrant.url()));
    terminal.wait_for("Which collection is moved?");
    terminal.wait_for("50 points");
    terminal.press("\r");
    terminal.wait_for("Which payload field");
    terminal.press("\r");
    terminal.wait_for("Where does the LanceDB database lie?");
    terminal.press("\r");
    terminal.wait_for("What is the table called?");
    terminal.press("\r");
    terminal.wait_for("Who makes the embeddings?");
    terminal.press("\r");
    terminal.wait_for("This will be written");
    terminal.press("\r");
    terminal.wait_for("Before the start");
    let written = std::fs::read_to_string(world.path().join("qlance.toml")).expect("a configuration");
    assert!(
        written.contains("collection = \"messages\"") && written.contains("# "),
        "{written}"
    );
    terminal.press("\r");
    terminal.wait_for("COMPLETE");
    terminal.press("q");
    assert_eq!(terminal.wait(), 0);
    terminal.assert_given_back();
}

#[tokio::test(flavor = "multi_thread")]
async fn leaving_the_questions_writes_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut terminal = Terminal::run(dir.path(), &[], &[], 24, 80);
    terminal.wait_for("Where is Qdrant?");
    terminal.press("\u{1b}");
    assert_eq!(terminal.wait(), 0);
    terminal.assert_given_back();
    assert_eq!(std::fs::read_dir(dir.path()).expect("a directory").count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_and_interrupted_from_outside_the_questions_give_the_terminal_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let mut terminal = Terminal::run(dir.path(), &[], &[], 24, 80);
    terminal.wait_for("Where is Qdrant?");
    terminal.press("\u{1a}");
    let begun = Instant::now();
    while !is_stopped(terminal.pid()) {
        assert!(begun.elapsed() < PATIENCE, "Ctrl-Z does not stop it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    terminal.assert_given_back();
    kill_process(terminal.pid(), Signal::CONT).expect("fg");
    terminal.wait_for("Where is Qdrant?");
    kill_process(terminal.pid(), Signal::INT).expect("an interrupt");
    assert_eq!(terminal.wait(), 0);
    terminal.assert_given_back();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_mouse_can_be_left_to_the_terminal() {
    let dir = tempfile::tempdir().expect("a directory");
    for (flag, captured) in [(None, true), (Some("--no-mouse"), false)] {
        let args: Vec<&str> = flag.into_iter().collect();
        let mut terminal = Terminal::run(dir.path(), &args, &[], 24, 80);
        terminal.wait_for("Where is Qdrant?");
        assert_eq!(terminal.wire().contains("\u{1b}[?1000h"), captured, "{args:?}");
        terminal.press("\u{1b}");
        assert_eq!(terminal.wait(), 0);
        terminal.assert_given_back();
        let wire = terminal.wire();
        let told = MODES.iter().any(|mode| wire.contains(mode));
        assert_eq!(told, captured, "{args:?}");
    }
}
