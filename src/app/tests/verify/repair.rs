//! What can be done with what was found: a repair, an export.

use super::*;
use crate::tasks::sync::{CaughtUp, Difference};

/// Something of everything, with something to pay for.
fn everything() -> Difference {
    Difference {
        same: 19_990,
        new: 3,
        content: 2,
        payload: 1,
        gone: 4,
        waiting: 7,
        repeats: 6,
        unindexed: true,
        unfinished: None,
        inputs: 5,
        tokens: 1_234,
        cost_usd: 0.125,
    }
}

#[test]
fn a_repair_shows_what_it_takes_and_starts_on_cancel() {
    let mut console = Console::verified();
    assert_eq!(console.key("R"), sends(TaskCommand::PlanRepair));
    assert!(console.app.verify.planning && console.app.confirm.is_none());
    assert_eq!(console.key("R"), []);
    console.assert_says("both stores are being gone over for it");
    console.event(TaskEvent::PhaseChanged(Phase::Comparing));
    assert_eq!(console.event(TaskEvent::Compared(Ok(everything()))), []);
    assert!(!console.app.verify.planning);
    for number in [
        "3 points to bring over",
        "2 points to embed again",
        "1 point to write again without embedding",
        "6 repeated rows to take out",
        "4 rows without a point in Qdrant",
        "the indexes to bring up to date",
        "19,990 rows stay",
        "5 inputs, about 1,234 tokens, $0.1250",
    ] {
        console.assert_asks(number);
    }
    assert_eq!(console.key("Enter"), []);
    assert!(console.app.confirm.is_none());
}

#[test]
fn only_what_is_there_can_be_repaired_or_removed() {
    let repairs = |remove_gone| sends(TaskCommand::CatchUp { remove_gone });
    let nothing_gone = Difference {
        gone: 0,
        ..everything()
    };
    let only_gone = Difference {
        gone: 4,
        ..Difference::default()
    };
    let only_the_index = Difference {
        unindexed: true,
        ..Difference::default()
    };
    for (found, key, effects) in [
        (everything(), "r", repairs(false)),
        (everything(), "d", repairs(true)),
        (everything(), "c", vec![]),
        (nothing_gone, "r", repairs(false)),
        (nothing_gone, "d", vec![]),
        (only_gone, "r", vec![]),
        (only_gone, "d", repairs(true)),
        (only_the_index, "r", repairs(false)),
    ] {
        let mut console = Console::verified();
        console.key("R");
        console.event(TaskEvent::Compared(Ok(found)));
        assert_eq!(console.key(key), [], "{found:?} {key}");
        assert!(console.app.confirm.is_some(), "{found:?} {key}");
        assert_eq!(console.key("Enter"), effects, "{found:?} {key}");
        assert!(console.app.confirm.is_none(), "{found:?} {key}");
    }
}

#[test]
fn a_repair_that_is_none_or_cannot_be_worked_out_says_so() {
    let none = Difference {
        same: 20_000,
        ..Difference::default()
    };
    for (result, level, said) in [
        (Ok(none), Level::Warn, "mends nothing of it"),
        (Err("no Qdrant".to_owned()), Level::Error, "no Qdrant"),
    ] {
        let mut console = Console::verified();
        console.key("R");
        assert_eq!(console.event(TaskEvent::Compared(result)), []);
        console.assert_says(said);
        assert_eq!(console.level(), Some(level));
        assert!(console.app.confirm.is_none() && !console.app.verify.planning);
        // What is compared next is not for a repair, and is asked about elsewhere.
        console.event(TaskEvent::Compared(Ok(Difference {
            repeats: 0,
            ..everything()
        })));
        assert!(console.app.confirm.is_none());
        console.key("1");
        console.assert_asks("In Qdrant since: 3 new");
    }
    let mut typing = Console::verified();
    typing.keys(&["R", "E"]);
    typing.event(TaskEvent::Compared(Ok(everything())));
    assert!(typing.app.confirm.is_none());
    typing.assert_says("the repair is planned: asked once this is closed");
    typing.key("Esc");
    typing.assert_asks("Repair: 3 points to bring over");
    let mut elsewhere = Console::verified();
    elsewhere.keys(&["R", "3"]);
    elsewhere.event(TaskEvent::Compared(Ok(everything())));
    assert_eq!(elsewhere.keys(&["d", "Enter", "r"]), [], "meant for the list");
    assert!(elsewhere.app.confirm.is_none());
    assert_eq!(elsewhere.app.asks_on(), Some(Screen::Verify));
    elsewhere.key("5");
    elsewhere.assert_asks("Repair: 3 points to bring over");
}

#[test]
fn what_broke_a_migration_off_is_repaired_before_it_goes_on() {
    let mut console = Console::verified();
    let broken = || Phase::Stopped(StopReason::Broken("a row too many".into()));
    console.event(TaskEvent::PhaseChanged(broken()));
    assert_eq!(console.key("R"), sends(TaskCommand::PlanRepair));
    console.event(TaskEvent::PhaseChanged(Phase::Comparing));
    let found = Difference {
        repeats: 1,
        unfinished: Some(2),
        ..Difference::default()
    };
    console.event(TaskEvent::Compared(Ok(found)));
    console.event(TaskEvent::PhaseChanged(broken()));
    console.assert_asks(
        "2 rows ahead of the migration to take out, 1 repeated row to take out, all other rows to take over",
    );
    console.assert_asks("The migration can go on then.");
    assert_eq!(console.key("r"), []);
    assert_eq!(console.key("Enter"), sends(TaskCommand::CatchUp { remove_gone: false }));
}

#[test]
fn why_nothing_can_be_repaired() {
    let mut go = Console::verifying();
    go.event(answer(all_well()));
    let mut unfinished = Console::verified();
    unfinished.event(TaskEvent::PhaseChanged(Phase::Stopped(StopReason::ByOperator)));
    let mut too_little = Console::verifying();
    let doubt = check(CheckId::Payloads, Outcome::Inconclusive, &[]);
    too_little.event(answer(verification(Decision::Inconclusive, vec![doubt])));
    let mut finishing = Console::verified();
    finishing.event(TaskEvent::PhaseChanged(Phase::Finishing(Step::Compact)));
    let mut failed_again = Console::verified();
    failed_again.key("v");
    failed_again.event(TaskEvent::VerifyBegun(CheckId::ALL.to_vec()));
    failed_again.event(refusal("no Qdrant"));
    // On the heap: a console is large.
    let cases = vec![
        (Console::unverified(), "nothing was verified yet"),
        (Console::verifying(), "a verification is running"),
        (go, "nothing is wrong"),
        (too_little, "a repair mends nothing of what was found"),
        (unfinished, "the migration has not come to its end"),
        (finishing, "the table is still being finished"),
        (failed_again, "go back to the earlier decision first"),
    ];
    for (mut console, why) in cases {
        assert_eq!(console.key("R"), [], "{why}");
        console.assert_says(&format!("repair: {why}"));
        assert!(!console.app.verify.planning);
    }
}

#[test]
fn the_earlier_decision_is_repaired_once_it_is_seen_again() {
    let mut console = Console::verified();
    console.key("v");
    console.event(TaskEvent::VerifyBegun(CheckId::ALL.to_vec()));
    console.event(refusal("no Qdrant"));
    assert_eq!(console.key("R"), []);
    console.key("Esc");
    assert_eq!(console.key("R"), sends(TaskCommand::PlanRepair));
    // Refused before it began: what is seen is the earlier one all along.
    let mut console = Console::verified();
    console.key("v");
    console.event(refusal("something else is under way; verify when it has ended"));
    assert_eq!(console.key("R"), sends(TaskCommand::PlanRepair));
}

#[test]
fn what_a_check_keeps_for_a_repair_is_repaired_whatever_it_says() {
    let doubt = |to_mend| Check {
        reasons: vec!["1 points are among the failures and have a row all the same".into()],
        to_mend,
        ..check(CheckId::Counts, Outcome::Inconclusive, &[])
    };
    let planned = sends(TaskCommand::PlanRepair);
    for (to_mend, phase, effects) in [
        (vec![id(1)], Phase::Complete, planned.clone()),
        (vec![], Phase::Complete, vec![]),
        // Somebody else's rows may be all that is wrong, and are taken over.
        (
            vec![],
            Phase::Stopped(StopReason::Broken("a row too many".into())),
            planned,
        ),
    ] {
        let mut console = Console::verifying();
        console.event(answer(verification(Decision::Inconclusive, vec![doubt(to_mend)])));
        console.event(TaskEvent::PhaseChanged(phase.clone()));
        assert_eq!(console.key("R"), effects, "{phase:?}");
    }
}

#[test]
fn after_a_repair_the_decision_is_of_an_earlier_state() {
    let mut console = Console::verified();
    let at = |version| Snapshot { version, ..embedding() };
    console.snapshot(at(7));
    assert!(!console.app.verify.is_stale(console.app.snapshot.version));
    let done = CaughtUp {
        added: 3,
        ..CaughtUp::default()
    };
    console.event(TaskEvent::CaughtUp(done, None));
    console.snapshot(at(8));
    assert!(console.app.verify.is_stale(console.app.snapshot.version));
    assert_eq!(console.decision(), Some(Decision::NoGo), "and stays to be read");
    assert_eq!(console.key("v"), verifies(None));
}

#[test]
fn offenders_are_exported_to_a_file() {
    let mut console = Console::verified();
    assert_eq!(console.key("E"), []);
    assert_eq!(console.prompt(), ("verify_offenders.jsonl", ""));
    let to = |path: &str| sends(TaskCommand::ExportOffenders(path.into()));
    assert_eq!(console.key("Enter"), to("verify_offenders.jsonl"));
    console.event(TaskEvent::OffendersExported(3, "verify_offenders.jsonl".into()));
    console.assert_says("3 offenders in verify_offenders.jsonl");
    console.keys(&["E", "Ctrl-U"]);
    console.types("/tmp/bad.jsonl");
    assert_eq!(console.key("Enter"), to("/tmp/bad.jsonl"));

    let mut go = Console::verifying();
    go.event(answer(all_well()));
    for (mut console, why) in [
        (Console::unverified(), "nothing was verified yet"),
        (go, "no check finds fault with a point"),
    ] {
        assert_eq!(console.key("E"), []);
        console.assert_says(&format!("export: {why}"));
        assert!(console.app.prompt.is_none());
    }
}

#[test]
fn no_other_offenders_are_exported_than_are_seen() {
    // The first verification of all has nothing to go back to.
    let ids = check(CheckId::Ids, Outcome::Fail, &[7]);
    for (mut console, ended) in [
        (Console::verified(), "go back to the earlier decision first"),
        (Console::unverified(), "the verification did not come to its end"),
    ] {
        console.key("v");
        console.event(TaskEvent::VerifyBegun(CheckId::ALL.to_vec()));
        console.event(TaskEvent::Checked(Box::new(ids.clone())));
        assert_eq!(console.key("E"), []);
        console.assert_says("export: a verification is running");
        console.event(refusal("no Qdrant"));
        assert_eq!(console.key("E"), []);
        console.assert_says(&format!("export: {ended}"));
        assert!(console.app.prompt.is_none());
    }
    // It is asked for, and what was decided before is what is seen.
    let mut asked = Console::verified();
    assert_eq!(asked.keys(&["v", "E"]), []);
    assert_eq!(asked.prompt(), ("verify_offenders.jsonl", ""));
    let mut back = Console::verifying();
    back.event(answer(missing()));
    back.key("v");
    back.event(TaskEvent::VerifyBegun(CheckId::ALL.to_vec()));
    back.event(refusal(STOPPED));
    assert_eq!(back.keys(&["Esc", "E"]), []);
    assert_eq!(back.prompt(), ("verify_offenders.jsonl", ""));
}
