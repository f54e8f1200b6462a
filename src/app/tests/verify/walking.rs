//! Through the checks, the texts and the offenders, by keys and by mouse.

use super::*;
use crate::app::verify::Pane;
use crate::tasks::SampleOf;

#[test]
fn what_is_worst_is_selected_unless_something_was_chosen() {
    let doubt = |id| check(id, Outcome::Inconclusive, &[]);
    let wrong = |id| check(id, Outcome::Fail, &[]);
    for (checks, selected) in [
        (vec![doubt(CheckId::Counts), wrong(CheckId::Index)], CheckId::Index),
        (vec![doubt(CheckId::Vectors)], CheckId::Vectors),
        (vec![check(CheckId::Ids, Outcome::Pass, &[])], CheckId::Counts),
    ] {
        let mut console = Console::verifying();
        console.event(answer(verification(Decision::NoGo, checks.clone())));
        assert_eq!(console.app.verify.check_id(), selected);
        let mut chosen = Console::verifying();
        chosen.keys(&["G", "k"]);
        chosen.event(answer(verification(Decision::NoGo, checks)));
        assert_eq!(chosen.app.verify.check_id(), CheckId::Filters);
    }
}

#[test]
fn what_is_worst_of_what_came_to_its_end_is_selected_where_the_rest_did_not() {
    let ended = |keys: &[&str], error: &str| {
        let mut console = Console::verifying();
        console.keys(keys);
        for (id, outcome) in [
            (CheckId::Index, Outcome::Fail),
            (CheckId::Counts, Outcome::Pass),
            (CheckId::Ids, Outcome::Inconclusive),
        ] {
            console.event(TaskEvent::Checked(Box::new(check(id, outcome, &[]))));
        }
        console.event(refusal(error));
        console.app.verify.check_id()
    };
    for error in [STOPPED, "no Qdrant"] {
        assert_eq!(ended(&[], error), CheckId::Index, "{error}");
        assert_eq!(ended(&["G", "k"], error), CheckId::Filters, "chosen by hand: {error}");
    }
    // Refused before it began: what is shown is what was shown before.
    let mut refused = Console::verified();
    refused.keys(&["j", "v"]);
    refused.event(refusal("no Qdrant"));
    assert_eq!(refused.app.verify.check_id(), CheckId::Payloads);
}

#[test]
fn checks_are_walked_through() {
    let mut console = Console::verified();
    assert_eq!(console.app.verify.check_id(), CheckId::Ids, "the one that failed");
    for (name, selected) in [
        ("j", CheckId::Payloads),
        ("Down", CheckId::Vectors),
        ("k", CheckId::Payloads),
        ("G", CheckId::Health),
        ("j", CheckId::Health),
        ("PgUp", CheckId::Counts),
        ("Up", CheckId::Counts),
        ("PgDn", CheckId::Health),
        ("g", CheckId::Counts),
    ] {
        assert_eq!(console.key(name), [], "{name}");
        assert_eq!(console.app.verify.check_id(), selected, "{name}");
    }
    let mut nothing = Console::unverified();
    assert_eq!(nothing.keys(&["j", "Tab", "G", "Shift-Tab", "Esc"]), []);
    assert_eq!(nothing.app.verify.pane, Pane::Checks);
}

#[test]
fn offenders_are_opened_walked_through_copied_and_compared() {
    let mut console = Console::verified();
    assert_eq!(console.key("y"), []);
    console.assert_says("copy id: nothing is selected");
    assert_eq!(console.key("Enter"), []);
    assert_eq!(console.app.verify.pane, Pane::Offenders);
    for (name, number) in [("j", 2), ("G", 3), ("Down", 3), ("k", 2), ("g", 1), ("PgDn", 3)] {
        assert_eq!(console.key(name), [], "{name}");
        assert_eq!(console.app.selected_id(), Some(id(number)), "{name}");
    }
    assert_eq!(console.key("y"), [Effect::Copy("3".into())]);
    let of = SampleOf::Ids(vec![id(3)]);
    assert_eq!(console.key("Enter"), sends(TaskCommand::SamplePairs(of)));
    assert_eq!(console.app.screen, Screen::Diff);
    assert_eq!(console.key("Esc"), []);
    assert_eq!(console.app.screen, Screen::Verify, "back to where it was opened");
    assert_eq!(console.app.selected_id(), Some(id(3)), "they are still there");
    assert_eq!(console.key("Esc"), []);
    assert_eq!(
        (console.app.verify.pane, console.app.selected_id()),
        (Pane::Checks, None)
    );
    assert_eq!(console.app.verify.check_id(), CheckId::Ids);
}

#[test]
fn what_has_no_offenders_cannot_be_opened() {
    let mut console = Console::verified();
    for (keys, why) in [
        (&["g", "Enter"][..], "this check finds fault with no point"),
        (&["Tab", "Enter"], "this check finds fault with no point"),
        (&["Tab", "Enter"], "nothing is selected"),
    ] {
        assert_eq!(console.keys(keys), [], "{keys:?}");
        console.assert_says(&format!("open: {why}"));
    }
    let mut nothing = Console::unverified();
    assert_eq!(nothing.key("Enter"), []);
    nothing.assert_says("open: nothing was verified yet");
}

#[test]
fn tab_goes_through_the_panes_that_are_there() {
    let mut console = Console::verified();
    for (name, pane) in [
        ("Tab", Pane::Detail),
        ("Tab", Pane::Offenders),
        ("h", Pane::Detail),
        ("l", Pane::Offenders),
        ("Tab", Pane::Decision),
        ("Tab", Pane::Checks),
        ("Shift-Tab", Pane::Decision),
        ("Esc", Pane::Checks),
    ] {
        assert_eq!(console.key(name), [], "{name}");
        assert_eq!(console.app.verify.pane, pane, "{name}");
    }
    // The selected check has no offenders.
    console.keys(&["g", "Tab", "l"]);
    assert_eq!(console.app.verify.pane, Pane::Detail);
    console.key("Tab");
    assert_eq!(console.app.verify.pane, Pane::Decision);
}

#[test]
fn offenders_that_are_gone_leave_the_keys_to_the_checks() {
    let mut console = Console::verified();
    console.keys(&["Enter", "G"]);
    console.event(answer(all_well()));
    assert_eq!(console.app.verify.pane, Pane::Checks);
    assert_eq!(console.app.selected_id(), None);
    let mut fewer = Console::verified();
    fewer.keys(&["Enter", "G"]);
    let one_left = check(CheckId::Ids, Outcome::Fail, &[9]);
    fewer.event(answer(verification(Decision::NoGo, vec![one_left])));
    assert_eq!(fewer.app.selected_id(), Some(id(9)));
    // A new verification begins at its checks.
    let mut console = Console::verified();
    assert_eq!(console.keys(&["Enter", "v"]), verifies(None));
    assert_eq!(console.app.verify.pane, Pane::Checks);
}

#[test]
fn texts_are_scrolled_as_far_as_they_go() {
    for pane in [&["Tab"][..], &["Shift-Tab"]] {
        let mut console = Console::verified();
        console.keys(pane);
        console.update(Message::Reach(Reach {
            verify: Some(3),
            ..Reach::default()
        }));
        for (name, scroll) in [
            ("j", 1),
            ("PgDn", 3),
            ("j", 3),
            ("k", 2),
            ("g", 0),
            ("G", 3),
            ("PgUp", 0),
        ] {
            console.key(name);
            assert_eq!(console.app.verify.scroll, scroll, "{pane:?} {name}");
        }
        console.keys(&["G", "Esc"]);
        assert_eq!(console.app.verify.scroll, 0);
    }
}

#[test]
fn the_mouse_chooses_a_check_or_an_offender() {
    let mut console = Console::verified();
    for (mouse, pane, check, selected) in [
        (Mouse::Row(5), Pane::Checks, CheckId::Index, None),
        (Mouse::Row(8), Pane::Checks, CheckId::Index, None),
        (Mouse::Row(1), Pane::Checks, CheckId::Ids, None),
        (Mouse::Row(9), Pane::Offenders, CheckId::Ids, Some(id(2))),
        (Mouse::Row(11), Pane::Offenders, CheckId::Ids, Some(id(2))),
        (Mouse::Wheel(Motion::Down), Pane::Offenders, CheckId::Ids, Some(id(3))),
        (Mouse::Row(0), Pane::Checks, CheckId::Counts, None),
    ] {
        assert_eq!(console.mouse(mouse), [], "{mouse:?}");
        assert_eq!(console.app.verify.pane, pane, "{mouse:?}");
        assert_eq!(console.app.verify.check_id(), check, "{mouse:?}");
        assert_eq!(console.app.selected_id(), selected, "{mouse:?}");
    }
    let mut nothing = Console::unverified();
    assert_eq!(nothing.mouse(Mouse::Row(3)), []);
    assert_eq!(nothing.app.verify.check_id(), CheckId::Counts, "there are no rows");
}
