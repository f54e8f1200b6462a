//! Catching up from the Migrate screen: what a comparison found is asked about before anything is written. And the key
//! that waits no longer.

use super::*;
use crate::lance::index::Step;
use crate::tasks::StopReason;
use crate::tasks::meters::Waiting;
use crate::tasks::sync::{CaughtUp, Difference};

fn compared(found: Difference) -> TaskEvent {
    TaskEvent::Compared(Ok(found))
}

/// Something of everything, with something to pay for.
fn everything() -> Difference {
    Difference {
        same: 19_990,
        new: 3,
        content: 2,
        payload: 1,
        gone: 4,
        waiting: 7,
        repeats: 0,
        unindexed: false,
        unfinished: None,
        inputs: 5,
        tokens: 1_234,
        cost_usd: 0.125,
    }
}

fn catches_up(remove_gone: bool) -> Vec<Effect> {
    sends(TaskCommand::CatchUp { remove_gone })
}

#[test]
fn where_nothing_differs_it_is_only_said() {
    let mut console = Console::open(Phase::Complete);
    let found = Difference {
        same: 20_000,
        waiting: 2,
        ..Difference::default()
    };
    assert_eq!(console.event(compared(found)), []);
    console.assert_says("nothing differs: 20,000 points are the same in both stores");
    assert!(console.app.confirm.is_none());

    let mut console = Console::open(Phase::Complete);
    assert_eq!(console.event(TaskEvent::Compared(Err("no Qdrant".into()))), []);
    console.assert_says("no Qdrant");
    assert_eq!(console.app.flash.as_ref().map(|flash| flash.level), Some(Level::Error));
    assert!(console.app.confirm.is_none());
}

#[test]
fn the_question_names_the_real_numbers_and_starts_on_cancel() {
    let mut console = Console::open(Phase::Complete);
    assert_eq!(console.event(compared(everything())), []);
    for number in [
        "3 new",
        "2 with another content",
        "1 with another payload",
        "4 gone",
        "19,990 rows stay",
        "Failed and skipped points (7) are not among the new.",
        "5 inputs, about 1,234 tokens, $0.1250",
    ] {
        console.assert_asks(number);
    }
    // Nothing is to be paid for: no price is named.
    let mut console = Console::open(Phase::Complete);
    let free = Difference {
        payload: 8,
        ..Difference::default()
    };
    console.event(compared(free));
    console.assert_asks("8 with another payload");
    let question = console.app.confirm.as_ref().map_or("", |confirm| &confirm.question);
    assert!(!question.contains('$'), "{question}");
}

#[test]
fn only_what_is_there_can_be_brought_over_or_removed() {
    let nothing_gone = Difference {
        gone: 0,
        ..everything()
    };
    let only_gone = Difference {
        gone: 4,
        ..Difference::default()
    };
    // The keys, what they send, and whether the question is still open.
    for (found, keys, effects, open) in [
        (everything(), &["Enter"][..], vec![], false),
        (everything(), &["Esc"], vec![], false),
        (everything(), &["d", "c", "Enter"], vec![], false),
        (everything(), &["r", "Enter"], vec![], false),
        (everything(), &["b"], vec![], true),
        (everything(), &["d"], vec![], true),
        (everything(), &["b", "Enter"], catches_up(false), false),
        (everything(), &["d", "Enter"], catches_up(true), false),
        (everything(), &["Tab", "Enter"], catches_up(false), false),
        (everything(), &["Up", "Enter"], catches_up(true), false),
        (nothing_gone, &["Enter"], vec![], false),
        (nothing_gone, &["b", "Enter"], catches_up(false), false),
        (nothing_gone, &["d", "Enter"], vec![], false),
        (only_gone, &["Enter"], vec![], false),
        (only_gone, &["b", "Enter"], vec![], false),
        (only_gone, &["d", "Enter"], catches_up(true), false),
    ] {
        let mut console = Console::open(Phase::Complete);
        console.event(compared(found));
        assert_eq!(console.keys(keys), effects, "{found:?} {keys:?}");
        assert_eq!(console.app.confirm.is_some(), open, "{found:?} {keys:?}");
        assert_eq!(console.app.phase, Phase::Complete, "not confirmed yet");
    }
}

#[test]
fn a_question_that_comes_while_something_is_typed_takes_no_letter_of_it() {
    for letter in ["b", "d"] {
        let mut console = Console::open(Phase::Complete);
        assert_eq!(console.keys(&["$", "Ctrl-U", "1"]), []);
        console.event(compared(everything()));
        assert!(console.app.confirm.is_none());
        console.assert_says("10 points differ: asked once this is closed");
        assert_eq!(console.app.asks_on(), Some(Screen::Migrate));
        assert_eq!(console.key(letter), [], "{letter} was typed into a prompt");
        assert!(console.app.prompt.is_some());
        assert_eq!(console.key("Esc"), []);
        console.assert_asks("3 new");
    }
}

#[test]
fn the_question_is_asked_on_the_screen_that_wished_it() {
    for elsewhere in ["2", "3", "5", "7"] {
        let mut console = Console::open(Phase::Complete);
        console.key(elsewhere);
        console.event(compared(everything()));
        assert!(console.app.confirm.is_none(), "{elsewhere}");
        console.assert_says("10 points differ: 1 asks what to do");
        console.keys(&["r", "b", "7", "?", "?"]);
        assert!(console.app.confirm.is_none(), "{elsewhere}");
        assert_eq!(console.app.asks_on(), Some(Screen::Migrate), "{elsewhere}");
        console.key("1");
        console.assert_asks("3 new");
        assert_eq!(console.app.asks_on(), None, "{elsewhere}");
        console.key("Esc");
        console.keys(&["7", "1"]);
        assert!(console.app.confirm.is_none(), "it was answered");
    }
    // Under help, and replaced by what was found later.
    let mut console = Console::open(Phase::Complete);
    console.key("?");
    console.event(compared(everything()));
    assert!(console.app.confirm.is_none());
    console.event(compared(Difference::default()));
    console.key("?");
    assert!(console.app.confirm.is_none() && console.app.help.is_none());
}

#[test]
fn what_was_brought_over_is_said() {
    let done = CaughtUp {
        added: 3,
        replaced: 2,
        removed: 4,
        failed: 1,
    };
    for (error, level, said) in [
        (None, Level::Info, "caught up: 3 added, 2 replaced, 4 removed, 1 failed"),
        (Some("no Qdrant"), Level::Error, "1 failed; then no Qdrant"),
    ] {
        let mut console = Console::open(Phase::CatchingUp);
        let event = TaskEvent::CaughtUp(done, error.map(|error| StopReason::Trouble(error.to_owned())));
        assert_eq!(console.event(event), []);
        console.assert_says(said);
        assert_eq!(console.app.flash.as_ref().map(|flash| flash.level), Some(level));
        assert_eq!(console.app.phase, Phase::CatchingUp, "the table is being finished");
    }
}

#[test]
fn s_compares_only_when_the_migration_is_complete() {
    for (phase, effects) in [
        (Phase::Complete, sends(TaskCommand::Compare)),
        (Phase::Connecting, vec![]),
        (Phase::Ready, vec![]),
        (Phase::Running, vec![]),
        (Phase::Paused, vec![]),
        (Phase::Stopping, vec![]),
        (Phase::Finishing(Step::Compact), vec![]),
        (Phase::Comparing, vec![]),
        (Phase::CatchingUp, vec![]),
        (Phase::Stopped(StopReason::ByOperator), vec![]),
        (Phase::Failed("no Qdrant".into()), vec![]),
    ] {
        let mut console = Console::open(phase.clone());
        let refused = effects.is_empty();
        assert_eq!(console.key("s"), effects, "{phase:?}");
        console.assert_says(if refused {
            "catch up: it is not complete yet"
        } else {
            ""
        });
        assert_eq!(console.app.flash.is_some(), refused, "{phase:?}");
        assert_eq!(console.app.phase, phase);
    }
}

#[test]
fn s_waits_until_nothing_else_is_under_way() {
    let mut retrying = Console::listing(3);
    assert_eq!(retrying.keys(&["r", "1", "s"]), []);
    retrying.assert_says("catch up: points are being tried again");
    let mut verifying = Console::open(Phase::Complete);
    assert_eq!(verifying.keys(&["5", "v", "1", "s"]), []);
    verifying.assert_says("catch up: a verification is running");
}

#[test]
fn n_tries_now_only_while_something_is_waited_for() {
    let waiting = |left| {
        Some(Waiting {
            reason: "embedder outage: 503".into(),
            left,
            ..Waiting::default()
        })
    };
    for (waiting, effects) in [
        (waiting(Some(Duration::from_secs(30))), sends(TaskCommand::TryNow)),
        // Paused: nothing comes by itself.
        (waiting(None), vec![]),
        (None, vec![]),
    ] {
        let mut console = Console::open(Phase::Running);
        console.snapshot(Snapshot {
            waiting: waiting.clone(),
            ..embedding()
        });
        let refused = effects.is_empty();
        assert_eq!(console.key("n"), effects, "{waiting:?}");
        console.assert_says(if refused { "try now: nothing is waited for" } else { "" });
        assert_eq!(console.app.flash.is_some(), refused, "{waiting:?}");
        // Elsewhere the key means something else, or nothing.
        assert_eq!(console.keys(&["7", "n"]), [], "{waiting:?}");
    }
}
