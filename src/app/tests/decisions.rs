//! What is decided about divergent points, and how far the stores agree about neighbours.

use super::divergence::{inspected, lists, unanswered};
use super::*;
use crate::app::divergence::{Asked, Pane};
use crate::journal::Decision;
use crate::lance::browse::{Anchor, Band};
use crate::tasks::inspect::Agreement;
use crate::tasks::{Owned, SampleOf};

impl Console {
    /// The points that a decision is being carried out for.
    fn at_work(&self) -> Vec<u64> {
        (1..=6)
            .filter(|number| self.app.divergence.is_deciding(id(*number)))
            .collect()
    }
}

/// The end of a decision about points, of which it was carried out for some.
fn decided_of(decision: Decision, asked: &[u64], points: &[u64], error: Option<&str>) -> TaskEvent {
    TaskEvent::Decided {
        decision,
        asked: asked.iter().copied().map(id).collect(),
        points: points.iter().copied().map(id).collect(),
        error: error.map(str::to_owned),
    }
}

/// The same where nothing was left out.
fn decided(decision: Decision, points: &[u64], error: Option<&str>) -> TaskEvent {
    decided_of(decision, points, points, error)
}

#[test]
fn points_are_embedded_again_marked_or_selected() {
    for (keys, numbers) in [
        (&["r"][..], vec![1]),
        (&["Down", "r"], vec![2]),
        (&["Space", "Down", "Space", "r"], vec![1, 3]),
    ] {
        let mut console = Console::choosing();
        let ids = numbers.iter().copied().map(id).collect();
        assert_eq!(console.keys(keys), sends(TaskCommand::EmbedAgain(ids)), "{keys:?}");
        assert_eq!(
            (console.at_work(), console.app.divergence.marked()),
            (numbers, 0),
            "{keys:?}"
        );
    }
    let mut carried = Console::diverging();
    carried.snapshot(Snapshot::default());
    assert_eq!(carried.key("r"), []);
    carried.assert_says("embed again: vectors are carried over");
    let mut opened = Console::inspecting();
    assert_eq!(
        opened.keys(&["Tab", "Tab", "Down", "Space", "Tab", "r"]),
        sends(TaskCommand::EmbedAgain(vec![id(1)]))
    );
}

#[test]
fn the_opened_point_is_acted_on_while_it_is_read_and_where_it_cannot_be() {
    for error in [None, Some("no Qdrant")] {
        let opened = || {
            let mut console = Console::choosing();
            assert_eq!(console.key("Enter"), sends(TaskCommand::Inspect(id(1))));
            if let Some(error) = error {
                console.event(unanswered(Owned::Inspection(id(1)), error));
            }
            // In the list another is marked, and yet another is selected.
            console.keys(&["Tab", "Tab", "Down", "Space", "Tab"]);
            assert_eq!(console.app.divergence.pane, Pane::Detail);
            console
        };
        for (keys, effect) in [
            (&["r"][..], Effect::Send(TaskCommand::EmbedAgain(vec![id(1)]))),
            (
                &["a", "o", "k", "Enter"],
                Effect::Send(TaskCommand::Accept(vec![id(1)], "ok".into())),
            ),
            (
                &["d"],
                Effect::Send(TaskCommand::SamplePairs(SampleOf::Ids(vec![id(1)]))),
            ),
            (
                &["K", "v", "Enter"],
                Effect::Send(TaskCommand::KeepSourceVector(vec![id(1)])),
            ),
            (&["y"], Effect::Copy("1".into())),
        ] {
            assert_eq!(opened().keys(keys), [effect], "{keys:?}, {error:?}");
        }
        let mut console = opened();
        for _ in 0..2 {
            assert_eq!(console.key("Space"), []);
            let divergence = &console.app.divergence;
            assert_eq!(
                (divergence.marked(), divergence.is_marked(id(2))),
                (1, true),
                "{error:?}"
            );
        }
    }
    let mut here = Console::inspecting();
    here.keys(&["Tab", "Tab", "Down", "Tab", "Space"]);
    assert_eq!(
        (here.app.divergence.marked(), here.app.divergence.is_marked(id(1))),
        (1, true)
    );
}

#[test]
fn keeping_qdrants_vector_asks_first_and_starts_on_cancel() {
    for (keys, numbers, asked) in [
        (&[][..], vec![1], "of point 1?"),
        (&["Space", "Space"], vec![1, 2], "of 2 points?"),
    ] {
        let keeps = sends(TaskCommand::KeepSourceVector(numbers.iter().copied().map(id).collect()));
        for (answer, effects) in [
            (&["Enter"][..], vec![]),
            (&["Esc"], vec![]),
            (&["v", "Enter"], keeps.clone()),
            (&["l", "Enter"], keeps),
        ] {
            let mut console = Console::choosing();
            console.keys(keys);
            assert_eq!(console.key("K"), []);
            console.assert_asks(asked);
            assert!(console.at_work().is_empty(), "nothing was answered");
            assert_eq!(console.keys(answer), effects, "{answer:?}");
            let at_work = if effects.is_empty() { vec![] } else { numbers.clone() };
            assert_eq!(console.at_work(), at_work, "{answer:?}");
        }
    }
    let mut console = Console::diverging();
    console.app.facts.as_mut().expect("the job is open").comparable = Err("another model".into());
    assert_eq!(console.key("K"), []);
    assert!(console.app.confirm.is_none());
    console.assert_says("keep Qdrant's: Qdrant's vectors are of another space");
}

#[test]
fn where_qdrant_has_no_vector_there_is_none_to_be_kept() {
    let mut console = Console::inspecting();
    assert_eq!(console.key("K"), []);
    console.assert_says("keep Qdrant's: Qdrant has no vector");
    assert!(console.app.confirm.is_none());
    assert_eq!(console.keys(&["Tab", "Tab", "K"]), []);
    console.assert_says("keep Qdrant's: Qdrant has no vector");
    // Of another in the list beside it nothing is known.
    assert_eq!(console.keys(&["Down", "K"]), []);
    console.assert_asks("of point 2?");
}

#[test]
fn embedding_several_again_asks_first_where_it_is_paid_for() {
    let again = |numbers: &[u64]| sends(TaskCommand::EmbedAgain(numbers.iter().copied().map(id).collect()));
    let paid = || {
        let mut console = Console::choosing();
        console.snapshot(Snapshot {
            cost_usd: 0.31,
            ..embedding()
        });
        console
    };
    let mut one = paid();
    assert_eq!(one.key("r"), again(&[1]));
    let mut several = paid();
    assert_eq!(several.keys(&["Space", "Space", "r"]), []);
    several.assert_asks("Embed 2 points again?");
    assert!(several.at_work().is_empty());
    assert_eq!(several.keys(&["e", "Enter"]), again(&[1, 2]));
    assert_eq!(several.at_work(), [1, 2]);
    // By what the job has paid a point.
    let mut told = Console::choosing();
    told.snapshot(Snapshot {
        cost_usd: 0.31,
        written: 1_000,
        ..embedding()
    });
    assert_eq!(told.keys(&["Space", "Space", "r"]), []);
    told.assert_asks("so far: about $0.0006.");
}

#[test]
fn while_both_stores_are_gone_over_no_row_is_made_anew() {
    for (phase, why) in [
        (Phase::Comparing, "both stores are being compared"),
        (Phase::CatchingUp, "both stores are being brought together"),
    ] {
        let mut console = Console::choosing();
        console.event(TaskEvent::PhaseChanged(phase));
        for key in ["r", "K"] {
            assert_eq!(console.key(key), [], "{key}");
            console.assert_says(why);
            assert!(console.app.confirm.is_none() && console.at_work().is_empty(), "{key}");
        }
        // That only says something of a row as it is.
        console.key("a");
        assert!(console.app.prompt.is_some());
    }
}

#[test]
fn accepting_needs_a_note() {
    let mut console = Console::choosing();
    assert_eq!(console.keys(&["Space", "Space", "a"]), []);
    let question = console.app.prompt.as_ref().map_or("", |prompt| &prompt.question);
    assert!(question.contains("Accept 2 points"), "{question}");
    assert_eq!(console.key("Enter"), []);
    assert!(
        console.prompt().1.contains("a note is needed"),
        "{:?}",
        console.prompt()
    );
    assert_eq!((console.at_work(), console.app.divergence.marked()), (vec![], 2));
    console.types("a typo");
    let accepts = TaskCommand::Accept(vec![id(1), id(2)], "a typo".into());
    assert_eq!(console.key("Enter"), sends(accepts));
    assert_eq!((console.at_work(), console.app.divergence.marked()), (vec![1, 2], 0));
}

#[test]
fn what_was_decided_is_read_again() {
    use Decision::{Accepted, EmbeddedAgain, Kept};
    let list = TaskCommand::ListDivergent {
        band: Band::ALL,
        anchor: Anchor::First,
        limit: 200,
    };
    let both = vec![Effect::Send(TaskCommand::Inspect(id(1))), Effect::Send(list)];
    for (event, effects, level, said) in [
        (
            decided(EmbeddedAgain, &[1], None),
            both.clone(),
            Level::Info,
            "1: embedded again",
        ),
        (
            decided(Kept, &[1, 2], None),
            both.clone(),
            Level::Info,
            "2: Qdrant's kept",
        ),
        (decided(Accepted, &[1], None), both.clone(), Level::Info, "1: accepted"),
        (
            decided(EmbeddedAgain, &[2], None),
            lists(Band::ALL),
            Level::Info,
            "1: embedded again",
        ),
        (
            decided(Kept, &[], Some("no Qdrant")),
            lists(Band::ALL),
            Level::Error,
            "no Qdrant",
        ),
        (decided(Kept, &[1], Some("2 is gone")), both, Level::Error, "2 is gone"),
    ] {
        let mut console = Console::inspecting();
        console.key("r");
        assert_eq!(console.at_work(), [1]);
        assert_eq!(console.event(event.clone()), effects, "{event:?}");
        // Another decision that ended is not the one that was asked for here.
        let over = matches!(
            &event,
            TaskEvent::Decided { decision: EmbeddedAgain, asked, .. } if *asked == [id(1)]
        );
        assert_eq!(console.at_work().is_empty(), over, "{event:?}");
        let flash = console
            .app
            .flash
            .as_ref()
            .map(|flash| (flash.level, flash.text.as_str()));
        assert_eq!(flash, Some((level, said)));
        assert_eq!(console.opened_point(), Some(id(1)), "it stays until it is read again");
    }
    let mut console = Console::inspecting();
    console.keys(&["r", "Tab"]);
    console.event(decided(EmbeddedAgain, &[1], None));
    console.event(inspected(1));
    assert_eq!(
        console.app.divergence.pane,
        Pane::Bins,
        "who has gone on is not called back"
    );
}

#[test]
fn a_decision_that_ends_leaves_the_others_at_work() {
    use Decision::EmbeddedAgain;
    // Two that run side by side; the third is about a point of the first once more.
    let begun = || {
        let mut console = Console::diverging();
        console.keys(&["Enter", "Space", "Space", "r", "Down", "r", "g", "r"]);
        assert_eq!(console.at_work(), [1, 2, 4]);
        console
    };
    for (asked, points, error, at_work) in [
        (&[1, 2][..], &[1, 2][..], None, &[1, 4][..]),
        (&[1, 2], &[1], Some("2 is gone"), &[1, 4]),
        (&[1, 2], &[], Some("no Qdrant"), &[1, 4]),
        (&[4], &[4], None, &[1, 2]),
        (&[4], &[], Some("no Qdrant"), &[1, 2]),
        (&[1], &[1], None, &[1, 2, 4]),
    ] {
        let mut console = begun();
        console.event(decided_of(EmbeddedAgain, asked, points, error));
        assert_eq!(console.at_work(), at_work, "{asked:?}");
        assert!(console.app.is_working(), "{asked:?}");
        console.key("q");
        assert!(
            console.app.confirm.is_some(),
            "leaving asks while {at_work:?} are at work"
        );
    }
    let mut console = begun();
    for asked in [&[4][..], &[1, 2], &[1]] {
        console.event(decided(EmbeddedAgain, asked, None));
    }
    assert!(console.at_work().is_empty() && !console.app.is_working());
}

#[test]
fn the_agreement_of_neighbours_is_measured_when_asked_for() {
    let mut console = Console::diverging();
    assert_eq!(console.app.divergence.agreement, Asked::No);
    assert_eq!(console.key("n"), sends(TaskCommand::MeasureAgreement));
    assert_eq!(console.app.divergence.agreement, Asked::Waiting);
    assert_eq!(console.key("n"), [], "one question at a time");
    console.assert_says("neighbours: they are being compared already");
    console.event(unanswered(Owned::Agreement, "there is no table yet"));
    assert_eq!(
        console.app.divergence.agreement,
        Asked::Failed("there is no table yet".into())
    );
    assert_eq!(console.key("n"), sends(TaskCommand::MeasureAgreement));
    let agreement = Agreement {
        sampled: 200,
        ..Agreement::default()
    };
    assert_eq!(console.event(TaskEvent::AgreementMeasured(agreement)), []);
    assert_eq!(console.app.divergence.agreement, Asked::Here(agreement));
    let mut unopened = Console::unopened();
    assert_eq!(unopened.keys(&["2", "n"]), []);
    unopened.assert_says("the job is not open yet");
    let mut empty = Console::open(Phase::Running);
    assert_eq!(empty.keys(&["2", "n"]), []);
    empty.assert_says("neighbours: no points in the table yet");
    assert_eq!(empty.app.divergence.agreement, Asked::No);
    empty.snapshot(Snapshot {
        written: 1,
        ..embedding()
    });
    assert_eq!(empty.key("n"), sends(TaskCommand::MeasureAgreement));
}

#[test]
fn nothing_happens_silently_to_marks_in_other_bins() {
    let mut console = Console::diverging();
    console.keys(&["Enter", "Space", "Space"]);
    assert_eq!(console.app.divergence.hidden_marks(), 0, "all are listed");
    // The best bin, which neither lies in.
    console.keys(&["Tab", "Down"]);
    assert_eq!(console.app.divergence.pane, Pane::Bins);
    assert_eq!(console.app.divergence.hidden_marks(), 2);
    console.key("Tab");
    for (name, asked) in [
        ("r", "Embed 2 marked points (2 of them not shown) again?"),
        ("K", "new embedding of 2 marked points (2 of them not shown)?"),
    ] {
        assert_eq!(console.key(name), [], "{name}");
        console.assert_asks(asked);
        assert_eq!(console.key("Esc"), []);
    }
    assert_eq!(console.key("a"), []);
    let question = console.app.prompt.as_ref().map_or("", |prompt| &prompt.question);
    assert!(
        question.contains("Accept 2 marked points (2 of them not shown)"),
        "{question}"
    );
    console.key("Esc");
    assert_eq!(
        console.keys(&["r", "e", "Enter"]),
        sends(TaskCommand::EmbedAgain(vec![id(1), id(2)]))
    );
}
