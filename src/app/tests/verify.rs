//! The Verify screen: when a verification can be asked for, what is heard of it, and what can be done with what it
//! found.

mod repair;
mod walking;

use super::*;
use crate::app::verify::{Stage, State};
use crate::lance::index::Step;
use crate::point::verdict::{Decision, Outcome};
use crate::tasks::StopReason;
use crate::tasks::verify::{Check, CheckId, Offenders, STOPPED, Verification, Wish};

impl Console {
    /// The Verify screen of a complete migration; nothing was verified yet.
    fn unverified() -> Self {
        let mut console = Self::open(Phase::Complete);
        assert_eq!(console.key("5"), []);
        console
    }

    /// A verification has begun.
    fn verifying() -> Self {
        let mut console = Self::unverified();
        assert_eq!(console.key("v"), verifies(None));
        assert_eq!(console.event(TaskEvent::VerifyBegun(CheckId::ALL.to_vec())), []);
        console
    }

    /// It came to its end: ids 1 to 3 are missing, and nothing else is wrong.
    fn verified() -> Self {
        let mut console = Self::verifying();
        assert_eq!(console.event(answer(missing())), []);
        console
    }

    fn states(&self) -> Vec<State<'_>> {
        self.app.verify.states().into_iter().map(|(_, state)| state).collect()
    }

    fn stage(&self) -> Option<&Stage> {
        self.app.verify.run().map(|run| &run.stage)
    }

    fn decision(&self) -> Option<Decision> {
        self.app.verify.found().map(|found| found.decision)
    }

    fn level(&self) -> Option<Level> {
        self.app.flash.as_ref().map(|flash| flash.level)
    }
}

fn verifies(sample: Option<u64>) -> Vec<Effect> {
    let wish = Wish {
        sample,
        ..Wish::default()
    };
    sends(TaskCommand::Verify(Box::new(wish)))
}

fn check(id: CheckId, outcome: Outcome, offenders: &[u64]) -> Check {
    let mut found = Offenders::default();
    for number in offenders {
        found.add(PointId::Num(*number), || "missing".into());
    }
    Check {
        id,
        outcome,
        figure: "a figure".into(),
        threshold: "at most 0".into(),
        reasons: Vec::new(),
        notes: Vec::new(),
        numbers: serde_json::Value::Null,
        sample: None,
        offenders: found,
        to_mend: Vec::new(),
        took: Duration::from_millis(100),
    }
}

fn verification(decision: Decision, checks: Vec<Check>) -> Verification {
    Verification {
        decision,
        reasons: Vec::new(),
        collection: "messages".into(),
        qdrant_version: "1.18.0".into(),
        table: "choir.lance/messages".into(),
        table_version: 7,
        points: 20_000,
        rows: 20_000,
        sample: None,
        seed: 1,
        checks,
        began_at: 0,
        took: Duration::from_secs(41),
    }
}

/// All is well but for three ids.
fn missing() -> Verification {
    let reason = "3 points have no row; `qlance verify --repair` or `qlance sync` brings them over";
    let checks = CheckId::ALL.into_iter().map(|id| match id {
        CheckId::Ids => Check {
            reasons: vec![reason.into()],
            ..check(id, Outcome::Fail, &[1, 2, 3])
        },
        CheckId::Health => check(id, Outcome::Info, &[]),
        _ => check(id, Outcome::Pass, &[]),
    });
    verification(Decision::NoGo, checks.collect())
}

fn all_well() -> Verification {
    let checks = CheckId::ALL.into_iter().map(|id| check(id, Outcome::Pass, &[]));
    verification(Decision::Go, checks.collect())
}

fn answer(found: Verification) -> TaskEvent {
    TaskEvent::Verified(Ok(Box::new(found)))
}

fn refusal(error: &str) -> TaskEvent {
    TaskEvent::Verified(Err(error.into()))
}

// --- asking

#[test]
fn v_verifies_everything_and_n_a_sample() {
    let mut console = Console::unverified();
    assert!(console.app.verify.states().is_empty());
    assert_eq!(console.key("v"), verifies(None));
    assert_eq!(console.stage(), Some(&Stage::Asked), "not confirmed yet");
    assert_eq!(console.states(), [State::Waiting; 8]);

    let mut console = Console::unverified();
    assert_eq!(console.key("n"), []);
    assert_eq!(console.prompt(), ("1000", ""), "the least that says anything of 20,000");
    assert_eq!(console.keys(&["Ctrl-U", "0", "Enter"]), []);
    assert!(
        console.prompt().1.contains("no number from 1"),
        "{:?}",
        console.prompt()
    );
    console.key("Ctrl-U");
    console.types("2,000");
    assert_eq!(console.key("Enter"), verifies(Some(2_000)));
    let run = console.app.verify.run().expect("it was asked for");
    assert_eq!((&run.stage, run.sample), (&Stage::Asked, Some(2_000)));
}

#[test]
fn a_verification_waits_until_both_stores_are_at_rest() {
    let stopped = Phase::Stopped(StopReason::ByOperator);
    for (phase, why) in [
        (Phase::Complete, None),
        (Phase::Ready, None),
        (stopped, None),
        (Phase::Connecting, Some("not connected yet")),
        (Phase::Running, Some("points are still being moved")),
        (Phase::Pausing, Some("points are still being moved")),
        (Phase::Paused, Some("points are still being moved")),
        (Phase::Stopping, Some("points are still being moved")),
        (
            Phase::Finishing(Step::Compact),
            Some("the table is still being finished"),
        ),
        (Phase::Comparing, Some("both stores are being compared")),
        (Phase::CatchingUp, Some("both stores are being brought together")),
        (Phase::Failed("no Qdrant".into()), Some("it could not begin")),
    ] {
        for key in ["v", "n"] {
            let mut console = Console::open(phase.clone());
            let effects = console.keys(&["5", key]);
            let asked = !effects.is_empty() || console.app.prompt.is_some();
            assert_eq!(asked, why.is_none(), "{phase:?} {key}");
            console.assert_says(why.unwrap_or_default());
        }
    }
    let mut unopened = Console::unopened();
    assert_eq!(unopened.keys(&["5", "v"]), []);
    unopened.assert_says("verify: the job is not open yet");
}

#[test]
fn one_at_a_time() {
    let mut asked = Console::unverified();
    asked.key("v");
    for mut console in [asked, Console::verifying()] {
        for key in ["v", "n"] {
            assert_eq!(console.key(key), [], "{key}");
            console.assert_says("a verification is running");
            assert!(console.app.prompt.is_none());
        }
        assert!(console.app.is_working(), "leaving asks");
        assert_eq!(console.key("q"), []);
        assert!(console.app.confirm.is_some());
    }
    // It began while a number was typed.
    let mut late = Console::unverified();
    late.key("n");
    late.event(TaskEvent::VerifyBegun(CheckId::ALL.to_vec()));
    assert_eq!(late.key("Enter"), []);
    assert_eq!(late.stage(), Some(&Stage::Running));
}

// --- what is heard of it

#[test]
fn each_check_is_as_far_as_was_said() {
    let mut console = Console::verifying();
    let mut expected = [State::Waiting; 8];
    expected[0] = State::Running(None);
    // Beside those that go through all data go those that ask little.
    expected[5] = State::Running(None);
    assert_eq!(console.states(), expected, "the first ones are under way");
    console.now += Duration::from_secs(2);
    let counts = check(CheckId::Counts, Outcome::Pass, &[]);
    console.event(TaskEvent::Checked(Box::new(counts.clone())));
    expected[0] = State::Done(&counts);
    expected[1] = State::Running(None);
    assert_eq!(console.states(), expected);
    console.event(TaskEvent::VerifyProgressed(CheckId::Ids, 10, 40_000));
    console.event(TaskEvent::VerifyProgressed(CheckId::Ids, 20, 40_000));
    expected[1] = State::Running(Some((20, 40_000)));
    assert_eq!(console.states(), expected);
    let ids = check(CheckId::Ids, Outcome::Fail, &[7]);
    console.event(TaskEvent::Checked(Box::new(ids.clone())));
    // One pass for two checks.
    console.event(TaskEvent::VerifyProgressed(CheckId::Payloads, 5, 10));
    console.event(TaskEvent::VerifyProgressed(CheckId::Vectors, 5, 10));
    expected[1] = State::Done(&ids);
    expected[2] = State::Running(Some((5, 10)));
    expected[3] = State::Running(Some((5, 10)));
    assert_eq!(console.states(), expected);
    let index = check(CheckId::Index, Outcome::Pass, &[]);
    console.event(TaskEvent::Checked(Box::new(index.clone())));
    expected[5] = State::Done(&index);
    expected[6] = State::Running(None);
    assert_eq!(console.states(), expected);
    let run = console.app.verify.run().expect("it goes on");
    assert_eq!((run.counts(), run.elapsed()), ((3, 8), Duration::from_secs(2)));
    assert_eq!(console.app.verify.decision(), None, "nothing is decided yet");
}

#[test]
fn checks_that_do_not_belong_to_it_are_left_out() {
    let mut console = Console::unverified();
    let wanted = vec![CheckId::Ids, CheckId::Vectors, CheckId::Filters, CheckId::Health];
    console.event(TaskEvent::VerifyBegun(wanted));
    let left_out = State::LeftOut;
    let mut expected = [left_out; 8];
    expected[1] = State::Running(None);
    expected[3] = State::Waiting;
    expected[6] = State::Running(None);
    expected[7] = State::Waiting;
    assert_eq!(console.states(), expected);
    let ids = check(CheckId::Ids, Outcome::Pass, &[]);
    console.event(answer(verification(Decision::Inconclusive, vec![ids.clone()])));
    let mut expected = [left_out; 8];
    expected[1] = State::Done(&ids);
    assert_eq!(console.states(), expected);
}

#[test]
fn the_end_is_said_on_any_screen() {
    for (found, level, said) in [
        (missing(), Level::Warn, "verified: NO-GO"),
        (all_well(), Level::Info, "verified: GO"),
        (
            verification(Decision::Inconclusive, Vec::new()),
            Level::Warn,
            "verified: INCONCLUSIVE",
        ),
    ] {
        let mut console = Console::verifying();
        console.key("7");
        let decision = found.decision;
        assert_eq!(console.event(answer(found)), []);
        console.assert_says(said);
        assert_eq!(console.level(), Some(level));
        assert_eq!((console.stage(), console.app.verify.decision()), (None, Some(decision)));
        assert!(!console.app.is_working());
    }
}

#[test]
fn one_of_an_earlier_session_may_come_at_any_time() {
    let mut console = Console::unopened();
    console.event(opened());
    console.event(answer(missing()));
    console.event(TaskEvent::PhaseChanged(Phase::Complete));
    assert!(console.app.flash.is_none(), "it is no news");
    assert_eq!(console.app.verify.decision(), Some(Decision::NoGo));
    assert_eq!(console.keys(&["5", "R"]), []);
    console.assert_says("that was verified in an earlier session; verify again first");
    // Asked for meanwhile: what comes is not the answer.
    let mut console = Console::unverified();
    console.key("v");
    console.event(answer(missing()));
    assert_eq!(console.stage(), Some(&Stage::Asked));
    console.event(TaskEvent::VerifyBegun(CheckId::ALL.to_vec()));
    console.event(answer(all_well()));
    assert_eq!((console.stage(), console.decision()), (None, Some(Decision::Go)));
}

#[test]
fn x_stops_it_and_what_was_decided_before_stays() {
    let mut console = Console::verified();
    assert_eq!(console.key("x"), []);
    console.assert_says("stop: no verification is running");
    console.key("v");
    console.event(TaskEvent::VerifyBegun(CheckId::ALL.to_vec()));
    let counts = check(CheckId::Counts, Outcome::Pass, &[]);
    console.event(TaskEvent::Checked(Box::new(counts.clone())));
    console.event(TaskEvent::VerifyProgressed(CheckId::Ids, 1, 2));
    assert_eq!(console.key("x"), sends(TaskCommand::StopVerifying));
    assert_eq!(console.stage(), Some(&Stage::Stopping), "not confirmed yet");
    assert_eq!(console.key("x"), []);
    console.assert_says("it is being stopped");
    assert_eq!(console.event(refusal(STOPPED)), []);
    assert_eq!(console.stage(), Some(&Stage::Ended(STOPPED.into())));
    assert_eq!(console.level(), Some(Level::Info));
    let mut expected = [State::Unfinished; 8];
    expected[0] = State::Done(&counts);
    assert_eq!(console.states(), expected);
    assert_eq!(console.decision(), Some(Decision::NoGo));
    assert!(!console.app.is_working());
    assert_eq!(console.key("Esc"), []);
    assert_eq!(console.stage(), None);
    assert!(matches!(console.states()[1], State::Done(_)), "the earlier one");

    // Stopped before the work had begun with it.
    let mut console = Console::unverified();
    assert_eq!(console.keys(&["v", "x"]), sends(TaskCommand::StopVerifying));
    console.event(TaskEvent::VerifyBegun(CheckId::ALL.to_vec()));
    assert_eq!(console.stage(), Some(&Stage::Stopping));
    console.event(refusal(STOPPED));
    console.keys(&["Esc", "Esc"]);
    assert!(console.states().is_empty() && console.stage().is_none());
    assert_eq!(console.key("v"), verifies(None), "it can be asked for again");
}

#[test]
fn what_went_wrong_is_said_and_it_can_be_asked_for_again() {
    let mut refused = Console::unverified();
    refused.key("v");
    for mut console in [refused, Console::verifying()] {
        assert_eq!(console.event(refusal("no Qdrant at localhost:6334")), []);
        console.assert_says("not verified: no Qdrant");
        assert_eq!(console.level(), Some(Level::Error));
        assert!(matches!(console.stage(), Some(Stage::Ended(error)) if error.contains("no Qdrant")));
        assert_eq!(console.key("v"), verifies(None));
    }
}
