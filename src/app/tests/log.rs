//! The Log screen: what is worth a line, scrolling, and the level.

use super::*;
use crate::journal::Decision;
use crate::tasks::{Owned, SampleOf, Setting};

impl Console {
    fn notes(&mut self, level: Level, text: &str) {
        self.event(TaskEvent::Noted(level, text.into()));
    }

    /// The lines that are shown, oldest first.
    fn shown(&self) -> Vec<&str> {
        self.app.log.shown().map(|line| line.text.as_str()).collect()
    }
}

#[test]
fn what_is_worth_a_line() {
    let decided = |error: Option<&str>| TaskEvent::Decided {
        decision: Decision::Accepted,
        asked: vec![id(1), id(2)],
        points: vec![id(1), id(2)],
        error: error.map(str::to_owned),
    };
    let ended = |error: Option<&str>| TaskEvent::RetryEnded {
        recovered: 2,
        failed: 1,
        error: error.map(str::to_owned),
        waiting: 0,
    };
    let unanswered = TaskEvent::Unanswered {
        of: Owned::Agreement,
        error: "no table yet".into(),
    };
    for (event, line) in [
        (TaskEvent::PhaseChanged(Phase::Ready), Some((Level::Info, "ready"))),
        (
            TaskEvent::PointFailed(id(7), failure()),
            Some((Level::Warn, "point 7 failed: rejected: 400: refused")),
        ),
        (
            TaskEvent::Committed {
                rows: 20_000,
                version: 3,
            },
            Some((Level::Info, "committed 20,000 rows, table version 3")),
        ),
        (
            TaskEvent::RetryFinished(id(7), Err(failure())),
            Some((Level::Warn, "point 7 failed again: 400: refused")),
        ),
        (
            TaskEvent::RetryFinished(id(7), Ok(())),
            Some((Level::Info, "point 7 recovered")),
        ),
        (
            ended(None),
            Some((Level::Info, "retry ended: 2 recovered, 1 failed again")),
        ),
        (ended(Some("401")), Some((Level::Error, "retry stopped: 401"))),
        (decided(None), Some((Level::Info, "2 points: accepted"))),
        (
            decided(Some("busy")),
            Some((Level::Error, "2 points: accepted; then it stopped: busy")),
        ),
        (unanswered, Some((Level::Warn, "no table yet"))),
        (
            TaskEvent::Skipped(3_000, true),
            Some((Level::Info, "3,000 points skipped")),
        ),
        (
            TaskEvent::RetryStarted(vec![id(7)]),
            Some((Level::Info, "retrying 1 point")),
        ),
        (TaskEvent::Skipped(1, false), Some((Level::Info, "1 skip taken back"))),
        (
            TaskEvent::Exported(3, "f.json".into()),
            Some((Level::Info, "3 failures written to f.json")),
        ),
        (
            TaskEvent::Noted(Level::Error, "look".into()),
            Some((Level::Error, "look")),
        ),
        (TaskEvent::SettingConfirmed(Setting::Threshold(0.5)), None),
        (TaskEvent::PairsSampled(SampleOf::Random, Vec::new()), None),
    ] {
        let mut console = Console::unopened();
        console.event(event.clone());
        let last = console.app.log.lines.back();
        assert_eq!(last.map(|line| (line.level, line.text.as_str())), line, "{event:?}");
    }
}

#[test]
fn who_reads_further_up_in_the_log_stays_there() {
    let mut console = Console::open(Phase::Running);
    for number in 0..20 {
        console.notes(Level::Info, &format!("note {number}"));
    }
    console.key("7");
    let lines = console.app.log.lines.len();
    for (name, back) in [("k", 1), ("PgUp", 11), ("PgDn", 1), ("g", lines - 1), ("j", lines - 2)] {
        console.key(name);
        assert_eq!(console.app.log.back, back, "{name}");
    }
    console.notes(Level::Info, "one more");
    assert_eq!(console.app.log.back, lines - 1, "the same line is at the bottom");
    console.key("G");
    console.notes(Level::Info, "and one");
    assert_eq!(
        console.app.log.back, 0,
        "who reads the newest goes on reading the newest"
    );
    console.keys(&["k", "k", "Esc"]);
    assert_eq!(console.app.log.back, 0, "Esc goes to the newest");
}

#[test]
fn from_where_nothing_is_shown_f_shows_all_again() {
    use super::super::log::Least::{All, Errors, Warnings};
    for (level, steps) in [
        (Level::Info, [Warnings, All, Warnings]),
        (Level::Warn, [Warnings, Errors, All]),
        (Level::Error, [Warnings, Errors, All]),
    ] {
        let mut console = Console::unopened();
        console.notes(level, "one");
        console.key("7");
        for least in steps {
            console.key("f");
            assert_eq!(console.app.log.least, least, "{level:?}");
        }
    }
}

#[test]
fn f_shows_fewer_levels_and_then_all_again() {
    let mut console = Console::unopened();
    for (level, text) in [
        (Level::Info, "one"),
        (Level::Warn, "two"),
        (Level::Error, "three"),
        (Level::Info, "four"),
        (Level::Warn, "five"),
    ] {
        console.notes(level, text);
    }
    console.key("7");
    assert_eq!(console.shown(), ["one", "two", "three", "four", "five"]);
    for (label, shown) in [
        ("warnings and errors", vec!["two", "three", "five"]),
        ("errors", vec!["three"]),
        ("all levels", vec!["one", "two", "three", "four", "five"]),
        ("warnings and errors", vec!["two", "three", "five"]),
    ] {
        console.key("k");
        assert_eq!(console.key("f"), []);
        assert_eq!((console.app.log.least.label(), console.shown()), (label, shown));
        assert_eq!(console.app.log.back, 0, "{label}: from the newest on");
    }
    console.key("g");
    assert_eq!(console.app.log.back, 2, "of the lines that are shown");
    console.keys(&["G", "k"]);
    console.notes(Level::Info, "six");
    assert_eq!(console.app.log.back, 1, "a line that is not shown moves nothing");
    console.notes(Level::Warn, "seven");
    assert_eq!(console.app.log.back, 2);
    assert_eq!(console.app.log.lines.len(), 7, "all are kept");
}
