//! The Diff screen: samples, pairs by id and from other screens, one pair field by field.

use serde_json::json;

use super::*;
use crate::app::diff::Pane;
use crate::app::divergence::Asked;
use crate::point::diff::{Because, RecordDiff, Verdict, compare};
use crate::point::{Payload, Point, Vectors};
use crate::tasks::inspect::PairSummary;
use crate::tasks::{Owned, SampleOf};

impl Console {
    /// The Diff screen with the pairs 1, 2 and 3.
    fn comparing() -> Self {
        let mut console = Self::open(Phase::Complete);
        assert_eq!(console.keys(&["4", "n"]), samples(SampleOf::Random));
        assert_eq!(console.event(sampled(&[1, 2, 3])), []);
        console
    }

    /// The first of them is open; its fields a and c are equal, b and d differ, e is only in Qdrant.
    fn reading() -> Self {
        let mut console = Self::comparing();
        assert_eq!(console.key("Enter"), reads(1));
        assert_eq!(console.event(pair(1)), []);
        console
    }

    /// The pair that is open.
    fn pair(&self) -> Option<PointId> {
        self.app.diff.record.as_ref().map(|record| record.id)
    }

    fn field(&self) -> Option<&str> {
        self.app.diff.selected_field().map(|field| field.path.as_str())
    }
}

fn samples(of: SampleOf) -> Vec<Effect> {
    sends(TaskCommand::SamplePairs(of))
}

fn named(number: u64) -> Vec<Effect> {
    samples(SampleOf::Ids(vec![id(number)]))
}

fn reads(number: u64) -> Vec<Effect> {
    sends(TaskCommand::ReadPair(id(number)))
}

fn sampled(numbers: &[u64]) -> TaskEvent {
    let summary = |number: &u64| PairSummary {
        id: id(*number),
        verdict: Verdict::Differs,
        differing: 3,
        because: None,
    };
    let of = match numbers {
        [number] => SampleOf::Ids(vec![id(*number)]),
        _ => SampleOf::Random,
    };
    TaskEvent::PairsSampled(of, numbers.iter().map(summary).collect())
}

fn record(number: u64, payload: serde_json::Value) -> RecordDiff {
    let point = |payload: Payload| Point {
        id: id(number),
        payload,
        vectors: Vectors::new(),
    };
    let left = json!({"a": 1, "b": 2, "c": "3", "d": null, "e": 5});
    let left = point(left.as_object().cloned().expect("an object"));
    let right = point(payload.as_object().cloned().expect("an object"));
    compare(id(number), Some(&left), Some(&right), None, false)
}

fn pair(number: u64) -> TaskEvent {
    let payload = json!({"a": 1, "b": 20, "c": "3", "d": 4});
    TaskEvent::PairRead(Box::new(record(number, payload)))
}

fn unanswered(of: Owned, error: &str) -> TaskEvent {
    TaskEvent::Unanswered {
        of,
        error: error.into(),
    }
}

#[test]
fn a_sample_is_asked_for_and_walked_through() {
    let mut console = Console::open(Phase::Running);
    assert_eq!(console.key("4"), [], "only when it is wished");
    assert_eq!(console.app.diff.pairs, Asked::No);
    assert_eq!(console.key("n"), samples(SampleOf::Random));
    assert_eq!(console.app.diff.pairs, Asked::Waiting);
    assert_eq!(console.event(sampled(&[1, 2, 3])), [], "nobody named one of them");
    assert_eq!(console.app.diff.list().len(), 3);
    for (name, place) in [
        ("Down", 1),
        ("j", 2),
        ("Down", 2),
        ("Up", 1),
        ("G", 2),
        ("g", 0),
        ("PgDn", 2),
    ] {
        assert_eq!(console.key(name), [], "{name}");
        assert_eq!(
            (console.app.diff.place(), console.app.diff.selected()),
            (place, Some(id(place as u64 + 1)))
        );
    }
    assert_eq!(console.key("n"), samples(SampleOf::Random), "another one");
    assert_eq!((console.app.diff.list().len(), console.app.diff.place()), (0, 0));
    assert_eq!(
        console.event(unanswered(Owned::Pairs(SampleOf::Random), "no Qdrant")),
        []
    );
    assert_eq!(console.app.diff.pairs, Asked::Failed("no Qdrant".into()));
    assert_eq!(console.key("Enter"), samples(SampleOf::Random), "the same again");

    let mut unopened = Console::unopened();
    for name in ["n", "i"] {
        assert_eq!(unopened.keys(&["4", name]), [], "{name}");
        unopened.assert_says("the job is not open yet");
    }
    assert!(unopened.app.prompt.is_none());
}

#[test]
fn only_the_pair_that_was_asked_for_is_opened() {
    let mut console = Console::comparing();
    console.event(pair(1));
    assert_eq!(console.pair(), None, "nobody asked");
    assert_eq!(console.keys(&["Down", "Enter"]), reads(2));
    console.event(pair(1));
    assert_eq!(console.pair(), None, "not the one asked for");
    console.event(pair(2));
    assert_eq!((console.pair(), console.app.diff.pane), (Some(id(2)), Pane::Record));
    console.key("Esc");
    assert_eq!((console.pair(), console.app.diff.pane), (None, Pane::Pairs));
    console.event(pair(2));
    assert_eq!(console.pair(), None, "it was closed");
    console.keys(&["Enter", "Esc"]);
    console.event(pair(2));
    assert_eq!(console.pair(), None, "taken back before it came");
    console.keys(&["Enter", "n"]);
    console.event(pair(2));
    assert_eq!(console.pair(), None, "another sample was wished since");
}

#[test]
fn a_pair_that_cannot_be_read_says_why() {
    let mut console = Console::comparing();
    console.key("Enter");
    assert_eq!(console.event(unanswered(Owned::Pair(id(2)), "of another")), []);
    assert_eq!(console.app.diff.error, None);
    assert_eq!(console.event(unanswered(Owned::Pair(id(1)), "no Qdrant")), []);
    assert_eq!(
        (console.app.diff.error.as_deref(), console.pair()),
        (Some("no Qdrant"), None)
    );
    console.key("Esc");
    assert_eq!(console.app.diff.error, None);
    assert_eq!(console.key("Enter"), reads(1));
    console.event(pair(1));
    assert_eq!(console.pair(), Some(id(1)));
}

#[test]
fn a_point_is_compared_by_its_id_and_opened_at_once() {
    let uuid = "8f2c0a91-77aa-4c1e-9d3b-0242ac130091";
    for (typed, of) in [("42", id(42)), (uuid, uuid.parse().expect("a UUID"))] {
        let mut console = Console::open(Phase::Running);
        assert_eq!(console.keys(&["4", "i"]), []);
        assert_eq!(console.prompt(), ("", ""));
        assert_eq!(console.types(typed), []);
        assert_eq!(console.key("Enter"), samples(SampleOf::Ids(vec![of])));
        assert!(console.app.prompt.is_none());
    }
    let mut console = Console::open(Phase::Running);
    console.keys(&["4", "i", "x"]);
    assert_eq!(console.key("Enter"), []);
    let (value, error) = console.prompt();
    assert_eq!(value, "x");
    assert!(error.contains("no point id"), "{error}");
    console.keys(&["Backspace", "4", "2"]);
    assert_eq!(console.key("Enter"), named(42));
    assert_eq!(console.event(sampled(&[42])), reads(42));
    assert_eq!(console.event(pair(42)), []);
    assert_eq!(console.pair(), Some(id(42)));
}

#[test]
fn a_question_that_failed_is_asked_again_as_it_was() {
    let by_id = || {
        let mut console = Console::comparing();
        console.keys(&["i", "2"]);
        assert_eq!(console.key("Enter"), named(2));
        console
    };
    let from_failures = || {
        let mut console = Console::listing(3);
        console.key("Down");
        assert_eq!(console.key("d"), named(2));
        console
    };
    for mut console in [by_id(), from_failures()] {
        let of = || Owned::Pairs(SampleOf::Ids(vec![id(2)]));
        console.event(unanswered(of(), "no Qdrant"));
        assert_eq!(console.key("Enter"), named(2));
        console.event(unanswered(of(), "no Qdrant"));
        assert_eq!(console.key("Enter"), named(2), "as often as it is wished");
        assert_eq!(console.app.diff.pairs, Asked::Waiting);
        assert_eq!(console.key("Enter"), [], "it is asked already");
        assert_eq!(console.event(sampled(&[2])), reads(2), "and opened at once");
        console.event(pair(2));
        assert_eq!(console.pair(), Some(id(2)));
    }
    let mut console = by_id();
    console.event(unanswered(Owned::Pairs(SampleOf::Ids(vec![id(2)])), "no Qdrant"));
    assert_eq!(console.key("n"), samples(SampleOf::Random), "something else");
}

#[test]
fn the_list_says_what_the_opened_record_says() {
    let mut console = Console::reading();
    let listed = |console: &Console| console.app.diff.list()[0].clone();
    assert_eq!(
        listed(&console),
        PairSummary::of(&record(1, json!({"a": 1, "b": 20, "c": "3", "d": 4})))
    );
    let same = RecordDiff {
        because: Some(Because::Edited("Rain.".into())),
        ..record(1, json!({"a": 1, "b": 2, "c": "3", "d": null, "e": 5}))
    };
    console.keys(&["Esc", "Enter"]);
    console.event(TaskEvent::PairRead(Box::new(same)));
    let summary = PairSummary {
        id: id(1),
        verdict: Verdict::Same,
        differing: 0,
        because: Some(Because::Edited("Rain.".into())),
    };
    assert_eq!(listed(&console), summary);
    let others = console.app.diff.list()[1..].iter();
    assert!(
        others.clone().all(|pair| pair.verdict == Verdict::Differs),
        "{others:?}"
    );
}

#[test]
fn d_shows_the_point_of_another_screen() {
    let from_failures = || {
        let mut console = Console::listing(3);
        console.key("Down");
        console
    };
    let from_divergence = || {
        let mut console = Console::diverging();
        console.keys(&["Enter", "Down"]);
        console
    };
    for mut console in [from_failures(), from_divergence()] {
        assert_eq!(console.key("d"), named(2));
        assert_eq!(console.app.screen, Screen::Diff);
        assert_eq!(console.event(sampled(&[2])), reads(2));
        console.event(pair(2));
        assert_eq!(console.pair(), Some(id(2)));
    }
    for (mut console, origin) in [
        (from_failures(), Screen::Failures),
        (from_divergence(), Screen::Divergence),
    ] {
        console.key("d");
        console.event(sampled(&[2]));
        console.event(pair(2));
        assert_eq!((console.key("Esc"), console.app.screen), (vec![], origin));
        assert_eq!(console.app.selected_id(), Some(id(2)), "as it was left");
        // Who has gone on by himself stays.
        console.key("d");
        console.event(sampled(&[2]));
        console.key("n");
        console.key("Esc");
        assert_eq!(console.app.screen, Screen::Diff, "another sample was wished since");
        console.keys(&["7", "4", "Esc"]);
        assert_eq!(console.app.screen, Screen::Diff, "it was left and shown again");
    }
    let mut nothing = Console::listing(0);
    assert_eq!(nothing.key("d"), []);
    assert_eq!(nothing.app.screen, Screen::Failures);
    nothing.assert_says("diff: nothing is selected");
}

#[test]
fn jumps_go_round_the_fields_that_differ() {
    let mut console = Console::reading();
    assert!(console.app.diff.fold, "where something differs, the rest is folded");
    assert_eq!(console.field(), Some("b"));
    for (name, field, shown) in [
        ("]", "d", 3),
        ("]", "e", 3),
        ("]", "b", 3),
        ("[", "e", 3),
        ("f", "e", 5),
        ("Up", "d", 5),
        ("Up", "c", 5),
        ("]", "d", 5),
        ("[", "b", 5),
        ("g", "a", 5),
        ("G", "e", 5),
        ("f", "e", 3),
        ("g", "b", 3),
    ] {
        assert_eq!(console.key(name), [], "{name}");
        assert_eq!(
            (console.field(), console.app.diff.fields().len()),
            (Some(field), shown),
            "{name}"
        );
    }
    let mut closed = Console::comparing();
    for name in ["]", "[", "f", "w", "Y"] {
        assert_eq!(closed.key(name), [], "{name}");
        closed.assert_says("no pair is open");
    }
}

#[test]
fn where_there_is_nothing_to_jump_to_or_to_fold_the_keys_say_so() {
    for (payload, names, why) in [
        (
            json!({"a": 1, "b": 2, "c": "3", "d": null, "e": 5}),
            &["]", "["][..],
            "no field differs",
        ),
        (
            json!({"a": 2, "b": 3, "c": "4", "d": 5, "e": 6}),
            &["f"],
            "no field is equal",
        ),
    ] {
        let mut console = Console::comparing();
        console.key("Enter");
        console.event(TaskEvent::PairRead(Box::new(record(1, payload))));
        for name in names {
            assert_eq!(console.key(name), [], "{name}");
            console.assert_says(why);
            assert_eq!(console.app.diff.fields().len(), 5, "{name}");
        }
    }
}

#[test]
fn where_no_field_is_shown_there_is_nothing_to_wrap() {
    let neither = compare(id(1), None, None, None, false);
    let same = record(1, json!({"a": 1, "b": 2, "c": "3", "d": null, "e": 5}));
    for (record, names) in [(neither, &["w"][..]), (same, &["f", "w"])] {
        let mut console = Console::comparing();
        console.key("Enter");
        console.event(TaskEvent::PairRead(Box::new(record)));
        assert_eq!(console.keys(names), [], "{names:?}");
        console.assert_says("no field to wrap");
        assert!(console.app.diff.wrap, "{names:?}");
    }
}

#[test]
fn what_could_not_be_answered_is_opened_again_and_another_one_is_not() {
    let mut console = Console::comparing();
    assert!(!console.app.diff.opens_again());
    console.key("Enter");
    console.event(unanswered(Owned::Pair(id(1)), "no Qdrant"));
    assert!(console.app.diff.opens_again());
    console.key("Down");
    assert!(!console.app.diff.opens_again(), "another pair is selected");
    console.keys(&["Up", "Esc"]);
    assert!(!console.app.diff.opens_again(), "it was left");
    console.key("n");
    console.event(unanswered(Owned::Pairs(SampleOf::Random), "no Qdrant"));
    assert!(console.app.diff.opens_again());
}

#[test]
fn what_stands_in_the_place_of_the_list_keeps_the_keys_from_walking_through_it() {
    for (columns, walked) in [(120, 2), (80, 1)] {
        let mut console = Console::comparing();
        console.update(Message::Resized { columns, rows: 24 });
        console.key("Enter");
        console.event(unanswered(Owned::Pair(id(1)), "timed out"));
        console.key("Down");
        // At the narrow one the reason takes the list's place: its cursor is not seen.
        assert_eq!(console.key("Enter"), reads(walked), "{columns}");
    }
}

#[test]
fn where_nothing_differs_all_is_shown() {
    let mut console = Console::comparing();
    console.key("Enter");
    let same = record(1, json!({"a": 1, "b": 2, "c": "3", "d": null, "e": 5}));
    console.event(TaskEvent::PairRead(Box::new(same)));
    assert_eq!((console.app.diff.fold, console.app.diff.fields().len()), (false, 5));
}

#[test]
fn a_field_and_an_id_are_copied() {
    let mut console = Console::reading();
    for (keys, text, said) in [
        (&["Y"][..], "Qdrant: 2\nLanceDB: 20", "copied b"),
        (&["]", "Y"], "Qdrant: null\nLanceDB: 4", "copied d"),
        (&["]", "Y"], "Qdrant: 5\nLanceDB: missing", "copied e"),
        (&["f", "g", "Y"], "1", "copied a"),
        (&["Down", "Down", "Y"], "\"3\"", "copied c"),
        (&["y"], "1", "copied 1"),
    ] {
        assert_eq!(console.keys(keys), [Effect::Copy(text.into())], "{keys:?}");
        console.assert_says(said);
    }
    assert_eq!(
        console.keys(&["Tab", "Down", "y"]),
        [Effect::Copy("2".into())],
        "of the list"
    );
}

#[test]
fn what_no_clipboard_takes_is_not_copied() {
    for (bytes, copied) in [(70_000, true), (80_000, false)] {
        let mut console = Console::comparing();
        console.key("Enter");
        let left = Point {
            id: id(1),
            payload: json!({"a": "x".repeat(bytes)}).as_object().cloned().expect("an object"),
            vectors: Vectors::new(),
        };
        let same = compare(id(1), Some(&left), Some(&left), None, false);
        console.event(TaskEvent::PairRead(Box::new(same)));
        assert_eq!(console.key("Y").len(), usize::from(copied), "{bytes} bytes");
        console.assert_says(if copied {
            "copied a"
        } else {
            "a is too large for a terminal's clipboard: 80002 bytes, of 74000 at most"
        });
    }
}

#[test]
fn long_texts_are_wrapped_or_scrolled() {
    let mut console = Console::reading();
    assert!(console.app.diff.wrap);
    for (name, wrap, column) in [
        ("w", false, 0),
        ("l", false, 10),
        ("l", false, 20),
        ("h", false, 10),
        ("w", true, 0),
        ("h", true, 0),
    ] {
        assert_eq!(console.key(name), [], "{name}");
        assert_eq!(
            (console.app.diff.wrap, console.app.diff.column),
            (wrap, column),
            "{name}"
        );
        assert_eq!(console.field(), Some("b"), "{name} stays on its field");
    }
}

#[test]
fn tab_and_the_mouse_choose_the_pane() {
    let mut console = Console::comparing();
    console.key("Tab");
    assert_eq!(console.app.diff.pane, Pane::Pairs, "no pair is open");
    console.key("Enter");
    console.event(pair(1));
    for (name, pane) in [
        ("Tab", Pane::Pairs),
        ("Tab", Pane::Record),
        ("Shift-Tab", Pane::Pairs),
        ("]", Pane::Record),
    ] {
        console.key(name);
        assert_eq!(console.app.diff.pane, pane, "{name}");
    }
    for (row, place) in [(1, 1), (99, 2), (0, 0)] {
        assert_eq!(console.mouse(Mouse::Row(row)), []);
        assert_eq!((console.app.diff.pane, console.app.diff.place()), (Pane::Pairs, place));
    }
}
