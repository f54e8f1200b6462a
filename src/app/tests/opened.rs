//! An opened failure, and its content mended in place.

use serde_json::{Value, json};

use super::failures::{page, read, row};
use super::*;
use crate::app::editor::{Editor, MAX_BYTES};
use crate::journal::{Edit, FailureRow, Filter, Sort, State};
use crate::point::Payload;
use crate::tasks::{FailureDetail, Owned, Selection};

impl Console {
    /// The content of the first of three failures is being edited.
    pub(super) fn editing(content: &str) -> Self {
        let mut console = Self::listing(3);
        assert_eq!(console.key("e"), sends(TaskCommand::ReadFailure(id(1))));
        assert_eq!(console.event(holding(1, content.into())), []);
        assert_eq!(console.edited().as_deref(), Some(content));
        console
    }

    /// The text in the editor.
    fn edited(&self) -> Option<String> {
        self.app.failures.editor.as_ref().map(Editor::value)
    }
}

fn empty(number: u64) -> TaskEvent {
    read(number, Ok(Payload::new()))
}

fn holding(number: u64, content: Value) -> TaskEvent {
    read(number, Ok(Payload::from_iter([("content".to_owned(), content)])))
}

#[test]
fn only_the_detail_that_was_asked_for_is_shown() {
    let mut console = Console::listing(3);
    console.event(empty(1));
    assert_eq!(console.detail(), None, "nobody asked");
    assert_eq!(console.key("Enter"), sends(TaskCommand::ReadFailure(id(1))));
    assert_eq!(console.detail(), None, "not read yet");
    console.event(empty(2));
    assert_eq!(console.detail(), None, "not the one asked for");
    console.event(empty(1));
    assert_eq!(console.detail(), Some(id(1)));
    assert_eq!(console.keys(&["Down", "Enter"]), sends(TaskCommand::ReadFailure(id(2))));
    console.event(empty(2));
    assert_eq!(console.detail(), Some(id(2)));
    console.event(TaskEvent::RetryFinished(id(2), Ok(())));
    assert_eq!(console.detail(), None, "a retry makes it old");

    let mut nothing = Console::listing(0);
    assert_eq!(nothing.key("Enter"), []);
    nothing.assert_says("nothing is selected");
}

#[test]
fn a_detail_that_cannot_be_read_is_told_and_no_longer_waited_for() {
    let mut console = Console::listing(3);
    console.key("Enter");
    let unanswered = TaskEvent::Unanswered {
        of: Owned::Failure(id(1)),
        error: "the journal is locked".into(),
    };
    assert_eq!(console.event(unanswered), []);
    let flash = console
        .app
        .flash
        .as_ref()
        .map(|flash| (flash.level, flash.text.as_str()));
    assert_eq!(flash, Some((Level::Error, "the journal is locked")));
    console.event(empty(1));
    assert_eq!(console.detail(), None);
}

#[test]
fn tab_takes_the_keys_to_the_open_failure_and_back() {
    let mut console = Console::listing(3);
    console.keys(&["Tab", "Down"]);
    assert_eq!(console.app.failures.place(), 1, "there is nothing to go to");
    console.key("Enter");
    console.event(empty(2));
    for (name, scroll, place) in [
        ("Tab", 0, 1),
        ("Down", 1, 1),
        ("PgDn", 17, 1),
        ("g", 0, 1),
        ("Tab", 0, 1),
        ("Down", 0, 2),
    ] {
        assert_eq!(console.key(name), [], "{name}");
        assert_eq!(
            (console.app.failures.scroll, console.app.failures.place()),
            (scroll, place),
            "{name}"
        );
    }
}

#[test]
fn esc_takes_back_a_detail_that_was_not_read_yet() {
    for opened_before in [false, true] {
        let mut console = Console::listing(3);
        if opened_before {
            console.key("Enter");
            console.event(empty(1));
        }
        console.keys(&["Down", "Enter", "Esc"]);
        console.event(empty(2));
        assert_eq!(console.detail(), None, "another one was open: {opened_before}");
    }
}

#[test]
fn a_content_is_mended_in_place_and_tried_again() {
    let mut console = Console::listing(3);
    assert_eq!(console.key("e"), sends(TaskCommand::ReadFailure(id(1))));
    assert_eq!(console.edited(), None, "nothing is known of it yet");
    assert_eq!(console.event(holding(2, "another".into())), []);
    assert_eq!(console.edited(), None, "not the one asked for");
    assert_eq!(console.event(holding(1, "helo".into())), []);
    assert_eq!(console.edited().as_deref(), Some("helo"));
    assert_eq!(console.key("Backspace"), []);
    assert_eq!(console.types("lo qR3?"), []);
    assert_eq!(console.update(Message::Paste(" - pasted".into())), []);
    assert_eq!(console.app.screen, Screen::Failures, "letters are text");
    assert!(console.app.help.is_none() && console.app.confirm.is_none() && !console.app.leaving);
    assert_eq!(console.word(1), "failed", "nothing was asked yet");
    let edited = TaskCommand::RetryEdited(id(1), "hello qR3? - pasted".into());
    assert_eq!(console.key("Enter"), sends(edited));
    assert_eq!(console.edited(), None);
    assert_eq!([1, 2].map(|id| console.word(id)), ["queued", "failed"]);
}

/// The same with what the operator wrote before, which no row has.
fn mended(number: u64, state: State) -> TaskEvent {
    let content = Value::from("what Qdrant has");
    TaskEvent::FailureRead(Box::new(FailureDetail {
        row: FailureRow { state, ..row(number) },
        attempts: Vec::new(),
        payload: Ok(Payload::from_iter([("content".to_owned(), content)])),
        edit: Some(Edit {
            before: None,
            after: "what was written".into(),
            at: 0,
        }),
    }))
}

#[test]
fn an_edit_that_no_row_has_is_taken_up_again() {
    let mut console = Console::listing(3);
    console.key("e");
    console.event(mended(1, State::Failed));
    assert_eq!(console.edited().as_deref(), Some("what was written"));
    // Of what was brought over, Qdrant's content is the one to begin with.
    let mut console = Console::listing(3);
    console.key("e");
    console.event(mended(1, State::Recovered));
    assert_eq!(console.edited().as_deref(), Some("what Qdrant has"));
}

#[test]
fn no_editor_opens_under_what_was_begun_meanwhile() {
    for keys in [&["/"][..], &["/", "x"], &["?"], &[":"], &["E"], &["Down"], &["7"]] {
        let mut console = Console::listing(3);
        console.key("e");
        console.keys(keys);
        console.event(holding(1, "text".into()));
        assert_eq!(console.edited(), None, "{keys:?}");
        let elsewhere = if keys == ["7"] { " on Failures" } else { "" };
        console.assert_says(&format!(
            "edit: point 1 was read while something else was begun; e{elsewhere} edits it"
        ));
        console.event(holding(1, "text".into()));
        assert_eq!(console.edited(), None, "{keys:?}: not later either");
    }
}

#[test]
fn in_an_opened_failure_that_point_is_meant() {
    let opened = || {
        let mut console = Console::listing(3);
        console.keys(&["Space", "Enter"]);
        console.event(empty(2));
        console.keys(&["Down", "Tab"]);
        assert_eq!(console.app.failures.place(), 2);
        console
    };
    assert_eq!(opened().app.selected_id(), Some(id(2)));
    assert_eq!(opened().key("y"), [Effect::Copy("2".into())]);
    let retry = TaskCommand::Retry(Selection::Ids(vec![id(2)]));
    assert_eq!(opened().key("r"), sends(retry));
    assert_eq!(opened().key("e"), sends(TaskCommand::ReadFailure(id(2))));
    let mut given_up = opened();
    given_up.keys(&["s", "x"]);
    assert_eq!(given_up.key("Enter"), sends(TaskCommand::Skip(vec![id(2)], "x".into())));
    assert_eq!(given_up.app.failures.marked(), 1, "the other mark stays");
    let mut marked = opened();
    marked.key("Space");
    assert!(marked.app.failures.is_marked(id(2)));
    assert_eq!(marked.app.failures.place(), 2, "the list stays where it is");
    // Back in the list, the marks are meant.
    let mut in_list = opened();
    let retry = TaskCommand::Retry(Selection::Ids(vec![id(1)]));
    assert_eq!(in_list.keys(&["Tab", "r"]), sends(retry));
}

#[test]
fn an_opened_failure_that_failed_again_is_read_again() {
    let mut console = Console::listing(3);
    console.key("Enter");
    console.event(empty(1));
    console.keys(&["Tab", "Down", "r"]);
    let reads = sends(TaskCommand::ReadFailure(id(1)));
    assert_eq!(console.event(TaskEvent::RetryFinished(id(1), Err(failure()))), reads);
    assert_eq!(console.detail(), Some(id(1)), "it stays open meanwhile");
    console.event(empty(1));
    assert_eq!((console.detail(), console.app.failures.scroll), (Some(id(1)), 1));
    assert!(console.app.failures.in_detail);
    // Another one fails: that is none of its business.
    assert_eq!(console.event(TaskEvent::RetryFinished(id(2), Err(failure()))), []);
}

#[test]
fn an_opened_failure_is_scrolled_to_its_last_line() {
    let mut console = Console::listing(3);
    console.key("Enter");
    console.event(empty(1));
    console.key("Tab");
    console.update(Message::Reach(Reach {
        failure: Some(7),
        ..Reach::default()
    }));
    for (name, scroll) in [("G", 7), ("k", 6), ("End", 7), ("g", 0)] {
        console.key(name);
        assert_eq!(console.app.failures.scroll, scroll, "{name}");
    }
}

#[test]
fn several_lines_take_enter_and_are_sent_with_control_s() {
    let mut console = Console::editing("one\ntwo");
    assert_eq!(console.key("Enter"), []);
    let text = console.edited().expect("still open");
    assert_eq!((text.lines().count(), text.replace('\n', "")), (3, "onetwo".to_owned()));
    assert_eq!(console.key("Ctrl-S"), sends(TaskCommand::RetryEdited(id(1), text)));
    assert_eq!(console.edited(), None);
    let mut line = Console::editing("one");
    assert_eq!(line.key("Ctrl-S"), sends(TaskCommand::RetryEdited(id(1), "one".into())));
}

#[test]
fn what_is_no_text_is_edited_as_it_is_written() {
    for (payload, text) in [
        (json!({"content": "a text"}), "a text"),
        (json!({"content": null}), ""),
        (json!({"other": "text"}), ""),
        (json!({"content": 7}), "7"),
        (json!({"content": ["a", 1]}), "[\"a\",1]"),
    ] {
        let mut console = Console::listing(1);
        console.key("e");
        let payload = payload.as_object().cloned().expect("an object");
        console.event(read(1, Ok(payload)));
        assert_eq!(console.edited().as_deref(), Some(text));
    }
}

#[test]
fn the_payload_key_that_is_edited_is_the_one_that_is_embedded() {
    let mut console = Console::listing(1);
    console.app.facts.as_mut().expect("the job is open").content = "body".into();
    console.key("e");
    let payload = json!({"content": "no", "body": "yes"});
    console.event(read(1, Ok(payload.as_object().cloned().expect("an object"))));
    assert_eq!(console.edited().as_deref(), Some("yes"));
}

#[test]
fn an_empty_content_is_not_sent() {
    for keys in [
        &["Ctrl-U", "Enter"][..],
        &["Ctrl-U", "Space", "Enter"],
        &["Ctrl-U", "Ctrl-S"],
    ] {
        let mut console = Console::editing("text");
        assert_eq!(console.keys(keys), [], "{keys:?}");
        console.assert_says("an empty content cannot be embedded");
        assert!(console.edited().is_some(), "{keys:?}: it stays open");
        assert_eq!(console.word(1), "failed");
        console.key("x");
        let edited = console.edited().expect("still open");
        assert_eq!(console.key("Enter"), sends(TaskCommand::RetryEdited(id(1), edited)));
    }
}

#[test]
fn esc_leaves_the_content_as_it_is() {
    let mut console = Console::editing("text");
    assert_eq!(console.types("changed"), []);
    assert_eq!(console.key("Esc"), []);
    console.assert_says("Esc again drops what was typed");
    assert_eq!(console.edited().as_deref(), Some("textchanged"));
    assert_eq!(console.key("Esc"), []);
    assert_eq!((console.edited(), console.detail()), (None, Some(id(1))));
    assert_eq!(console.word(1), "failed");
    assert!(!console.app.is_working());
}

#[test]
fn what_cannot_be_edited_says_why_and_is_shown_all_the_same() {
    let long = Payload::from_iter([("content".to_owned(), Value::from("x".repeat(MAX_BYTES + 1)))]);
    for (payload, why) in [
        (Ok(long), "edit: its content is too long to be edited here"),
        (
            Err("Qdrant is gone".into()),
            "edit: its payload cannot be read: Qdrant is gone",
        ),
    ] {
        let mut console = Console::listing(3);
        console.key("e");
        assert_eq!(console.event(read(1, payload)), []);
        console.assert_says(why);
        assert_eq!((console.edited(), console.detail()), (None, Some(id(1))), "{why}");
    }
    let longest = "x".repeat(MAX_BYTES);
    let console = Console::editing(&longest);
    assert!(console.app.flash.is_none());
}

#[test]
fn what_could_not_be_read_is_not_edited_before_it_was_read_again() {
    let mut console = Console::listing(3);
    console.key("Enter");
    console.event(read(1, Err("the point is no longer in Qdrant".into())));
    assert_eq!(console.key("e"), []);
    console.assert_says("edit: its payload cannot be read");
    assert_eq!(console.keys(&["Down", "e"]), sends(TaskCommand::ReadFailure(id(2))));
    console.keys(&["Up", "Enter"]);
    console.event(holding(1, "it is back".into()));
    assert_eq!(console.key("e"), sends(TaskCommand::ReadFailure(id(1))));
}

#[test]
fn it_is_known_whether_the_keys_mean_what_is_open() {
    for (keys, meant) in [
        (&[][..], true),
        (&["Down"], false),
        (&["Down", "Tab"], true),
        (&["Space"], true),
        (&["Space", "Space"], false),
        (&["Down", "Space"], false),
        (&["Down", "Space", "Tab"], true),
    ] {
        let mut console = Console::listing(3);
        console.key("Enter");
        console.event(empty(1));
        console.keys(keys);
        assert_eq!(console.app.failures.is_opened_meant(), meant, "{keys:?}");
    }
    assert!(
        !Console::listing(3).app.failures.is_opened_meant(),
        "there is nothing open"
    );
}

#[test]
fn only_a_failed_point_of_an_embedded_job_can_be_edited() {
    for (state, why) in [
        (State::Retrying, "edit: it is being retried"),
        (State::Skipped, "edit: skipped; undo the skip first"),
        (State::Recovered, "edit: it is in the table already"),
    ] {
        let mut console = Console::listing(1);
        let rows = vec![FailureRow { state, ..row(1) }];
        console.event(page((&Filter::default(), Sort::default()), 0, (1, 0), rows));
        assert_eq!(console.key("e"), [], "{why}");
        console.assert_says(why);
    }
    let mut nothing = Console::listing(0);
    assert_eq!(nothing.key("e"), []);
    nothing.assert_says("edit: no failed point is selected");
    let mut carried = Console::listing(1);
    carried.snapshot(Snapshot::default());
    assert_eq!(carried.key("e"), []);
    carried.assert_says("edit: vectors are carried over; nothing is embedded");
}

#[test]
fn an_edit_that_was_taken_back_or_not_answered_opens_no_editor() {
    let mut back = Console::listing(3);
    back.keys(&["e", "Esc"]);
    back.event(holding(1, "late".into()));
    assert_eq!((back.edited(), back.detail()), (None, None));

    let mut unanswered = Console::listing(3);
    unanswered.key("e");
    unanswered.event(TaskEvent::Unanswered {
        of: Owned::Failure(id(1)),
        error: "no Qdrant".into(),
    });
    unanswered.assert_says("no Qdrant");
    assert_eq!(unanswered.key("Enter"), sends(TaskCommand::ReadFailure(id(1))));
    unanswered.event(holding(1, "only to be read".into()));
    assert_eq!((unanswered.edited(), unanswered.detail()), (None, Some(id(1))));
}
