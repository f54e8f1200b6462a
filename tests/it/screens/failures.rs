//! The Failures screen: the list, its filter and orders, an open failure, the editor.

use qlance::journal::{Attempt, Edit, FailureRow, State};
use qlance::point::{Cause, Failure, Payload, PointId};
use qlance::tasks::{FailureDetail, Owned, Snapshot, TaskCommand, TaskEvent};
use ratatui::style::{Color, Modifier};
use serde_json::json;

use super::frame::{assert_says, find, is_reversed, style_of};
use super::migrate::{complete, half_way, running};
use super::{ASCII, COLORS, PLAIN, Scene, ago, payload};

/// Twelve failures in scroll order: id, class, attempts, age in hours, error.
const ROWS: &str = "\
17 | no_content | 1 | 2 | no key `content`
1042 | too_long | 1 | 2 | 400 Bad Request: this model's maximum context length is 8192 tokens
1043 | too_long | 3 | 1 | 400 Bad Request: this model's maximum context length is 8192 tokens
90210 | rejected | 2 | 1 | 400: content policy
18446744073709551615 | empty_content | 1 | 36 | `content` is blank
0b3d6c1e-0000-4000-8000-000000000001 | bad_vector | 1 | 1 | NaN at 17
2f9a7b4c-0000-4000-8000-000000000002 | too_long | 2 | 5 | \
    400 Bad Request: this model's maximum context length is 8192 tokens, however you requested 9310 tokens
4e1c8d2a-0000-4000-8000-000000000003 | not_text | 1 | 7 | `content` is a list
6a5b9f3e-0000-4000-8000-000000000004 | bad_payload | 1 | 9 | 1e400 is not finite
8f2c0a91-0000-4000-8000-000000000005 | no_embedder | 1 | 9 | nobody embeds audio
a7d4e6b8-0000-4000-8000-000000000006 | gone | 2 | 72 | no longer in Qdrant
c0aa11f7-0000-4000-8000-000000000007 | rejected | 1 | 9 | 400: 日本語 refused";

/// The rows of [`ROWS`]; what is gone was skipped.
pub(super) fn rows() -> Vec<FailureRow> {
    let row = |line: &str| {
        let [id, cause, attempts, hours, error] = line.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{line:?} has not five fields");
        };
        let cause = Cause::parse(cause).expect("a class");
        let skipped = cause == Cause::Gone;
        FailureRow {
            id: id.parse().expect("a point id"),
            state: if skipped { State::Skipped } else { State::Failed },
            cause,
            error: error.into(),
            reason: skipped.then(|| "deleted on purpose".into()),
            attempts: attempts.parse().expect("a number"),
            first_at: ago(96),
            last_at: ago(hours.parse().expect("hours")),
        }
    };
    ROWS.lines().map(row).collect()
}

/// Everything known of a failure.
pub(super) fn detail(row: &FailureRow, payload: Payload, edit: Option<Edit>) -> FailureDetail {
    let attempt = |at| Attempt {
        at,
        cause: row.cause,
        error: row.error.clone(),
    };
    FailureDetail {
        row: row.clone(),
        attempts: vec![attempt(ago(30)), attempt(row.last_at)],
        payload: Ok(payload),
        edit,
    }
}

fn content() -> Payload {
    payload(json!({
        "chorus_result": { "agreed": true, "score": 1.0, "votes": 3 },
        "content": "What the choir said about the harbour.",
        "created_at": "2026-03-01T08:30:00Z",
        "media": [],
        "thread_id": "t-204",
    }))
}

impl Scene {
    /// The journal's answer to what the screen asks for just now.
    pub(super) fn listing(self, rows: Vec<FailureRow>) -> Self {
        let (filter, sort) = (self.app.failures.filter(), self.app.failures.sort());
        let open = rows.iter().filter(|row| row.state == State::Failed);
        self.event(TaskEvent::FailuresListed {
            filter,
            sort,
            offset: 0,
            total: rows.len() as u64,
            retryable: open.count() as u64,
            rows,
        })
    }

    /// The answer to opening a failure, or to editing it.
    pub(super) fn reading(self, detail: FailureDetail) -> Self {
        self.event(TaskEvent::FailureRead(Box::new(detail)))
    }
}

/// Twelve failures: some being retried, two marked, the seventh selected.
pub(super) fn listed() -> Scene {
    let rows = rows();
    let again = Failure::new(rows[2].cause, rows[2].error.clone());
    complete()
        .press("3")
        .listing(rows.clone())
        .press("    r")
        .event(TaskEvent::RetryStarted(rows[1..4].iter().map(|row| row.id).collect()))
        .event(TaskEvent::RetryFinished(rows[2].id, Err(again)))
        .event(TaskEvent::RetryFinished(rows[3].id, Ok(())))
        .listing(rows)
        .press("  ")
}

/// The same, with the selected one open.
pub(super) fn opened() -> Scene {
    listed().press("\n").reading(detail(&rows()[6], content(), None))
}

/// The journal answers no more, after it has once.
pub(super) fn unreadable() -> Scene {
    let scene = listed().unanswered(Owned::Failures, "database disk image is malformed");
    assert_eq!(scene.app.failures.total(), 12);
    scene
}

/// The content of the selected one is being edited.
pub(super) fn editing(content: &str) -> Scene {
    let payload = payload(json!({ "content": content }));
    listed().press("e").reading(detail(&rows()[6], payload, None))
}

// --- snapshots

#[test]
fn before_the_job_is_open() {
    let scene = Scene::of("messages").press("3");
    scene.assert_looks("failures_not_open");
    assert_says(&scene.text((80, 24)), "> Failures, by id ");
}

#[test]
fn before_the_journal_answers() {
    let scene = complete().press("3");
    scene.assert_looks("failures_loading");
    assert_says(&scene.text((80, 24)), "> Failures, by id ");
}

#[test]
fn the_journal_cannot_be_read() {
    let scene = complete().press("3");
    let scene = scene.unanswered(Owned::Failures, "database disk image is malformed");
    let scene = scene.later();
    scene.assert_looks("failures_unreadable");
    assert_says(&scene.text((80, 24)), "> Failures, by id ");
    let bad = (Color::Red, Modifier::BOLD);
    assert_eq!(
        style_of(&scene.draw(COLORS, (80, 24)), "the journal cannot be read"),
        bad
    );
}

#[test]
fn the_journal_cannot_be_read_any_more() {
    let scene = unreadable();
    scene.assert_looks("failures_old");
    let bad = (Color::Red, Modifier::BOLD);
    assert_eq!(style_of(&scene.draw(COLORS, (120, 40)), "old rows; the journal"), bad);
    assert_says(
        &scene.text((80, 24)),
        "cannot be read: database disk image is malformed",
    );
    // The reason is not in the way of the filter.
    assert_says(&scene.press("/time").text((80, 24)), "/ time");
}

#[test]
fn while_one_is_being_read() {
    listed().press("\n").assert_looks("failures_reading");
    let scene = opened().press("j\n");
    scene.assert_looks("failures_reading_another");
    let title = "Reading 4e1c8d2a-0000-4000-8000-000000000003 ...; below is 2f9a..0002";
    assert_says(&scene.text((80, 24)), title);
    let dim = (Color::Reset, Modifier::DIM);
    assert_eq!(style_of(&scene.draw(COLORS, (80, 24)), "too_long, 2 attempts"), dim);
    let warn = (Color::Yellow, Modifier::BOLD);
    assert_eq!(style_of(&opened().draw(COLORS, (80, 24)), "too_long, 2 attempts"), warn);
}

#[test]
fn every_attempt_has_its_whole_error() {
    let rows = rows();
    let mut long = detail(&rows[6], content(), None);
    long.attempts = (0..25)
        .map(|number| Attempt {
            at: ago(30 - number),
            cause: Cause::Rejected,
            error: format!("attempt {number}: {}: end{number}", "because of that, ".repeat(20)),
        })
        .collect();
    let scene = listed().press("\n").reading(long).press("\t");
    scene.assert_looks("failures_opened_long_errors");
    let mut seen = String::new();
    let mut scene = scene;
    for _ in 0..60 {
        seen.push_str(&scene.text((200, 60)));
        scene = scene.press("jj");
    }
    for shown in ["end24", "end5", "and 5 earlier"] {
        assert_says(&seen, shown);
    }
}

#[test]
fn without_any() {
    let snapshot = Snapshot {
        written: 94_392,
        failed: 0,
        ..half_way()
    };
    let scene = running().seeing(snapshot).press("3").listing(Vec::new());
    scene.assert_looks("failures_empty");
}

#[test]
fn with_marks_and_retries() {
    let scene = listed();
    scene.assert_looks("failures");
    // As many as the tab says, and what is listed beside them.
    let screen = scene.text((80, 24));
    for part in [
        "3 Failures 11",
        "> Failures: 12 listed, 11 failed, 2 marked, retried 2 of 4, by id",
    ] {
        assert_says(&screen, part);
    }
}

#[test]
fn a_long_cause_moves_no_column() {
    let mut rows = rows();
    rows[0].cause = Cause::MediaUnreachable;
    let scene = complete().press("3").listing(rows);
    let screen = scene.draw(COLORS, (80, 24));
    let (heading, _) = find(&screen, "error  ");
    for error in ["no key `content`", "400: content policy"] {
        assert_eq!(find(&screen, error).0, heading, "{error}");
    }
}

#[test]
fn filtered_to_nothing() {
    let scene = listed().press("/timeout").listing(Vec::new());
    scene.assert_looks("failures_typing");
    assert_says(&scene.text((120, 40)), "2 marked, 2 hidden by the filter");
    scene.press("\n").assert_looks("failures_filtered_to_nothing");
}

#[test]
fn filtered_by_a_class() {
    let long = rows().into_iter().filter(|row| row.cause == Cause::TooLong);
    let scene = listed().press("/too_long\n").listing(long.collect());
    scene.assert_looks("failures_of_a_class");
}

#[test]
fn filtered_by_a_class_and_a_text() {
    let long = rows().into_iter().filter(|row| row.cause == Cause::TooLong);
    let typing = listed().press("/cause:too_long 8192").listing(long.collect());
    typing.assert_looks("failures_typing_a_class");
    typing.press("\n").assert_looks("failures_of_a_class_with_a_text");
}

#[test]
fn sorted_by_attempts() {
    let mut rows = rows();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.attempts), row.id));
    listed().press("oooo").listing(rows).assert_looks("failures_sorted");
}

#[test]
fn an_open_one_stands_under_the_list_or_beside_it() {
    opened().assert_looks("failures_opened");
}

#[test]
fn an_open_one_with_an_edit_scrolled() {
    let edit = Edit {
        before: Some("What the choir said".into()),
        after: "What the choir sang about the harbour.".into(),
        at: ago(49),
    };
    let scene = listed()
        .press("jjjj\n")
        .reading(detail(&rows()[10], content(), Some(edit)));
    scene.assert_looks("failures_opened_edited");
    // It was brought back: its payload can be read.
    assert_says(&scene.text((80, 24)), "it is in Qdrant again");
    // It was skipped: only that can be taken back.
    let screen = scene.text((200, 60));
    for part in [
        "u takes the skip back first; Qdrant's content has changed since: r tries that",
        "edited 2d ago",
    ] {
        assert_says(&screen, part);
    }
    scene.press("\tjjjj").assert_looks("failures_opened_scrolled");
}

#[test]
fn an_open_one_says_that_its_edit_is_used() {
    let edit = Edit {
        before: Some("What the choir said about the harbour.".into()),
        after: "What the choir sang about the harbour.".into(),
        at: ago(2),
    };
    let scene = listed()
        .press("\n")
        .reading(detail(&rows()[6], content(), Some(edit)))
        .press("\t");
    scene.assert_looks("failures_opened_edit_kept");
    let screen = scene.text((200, 60));
    // Both keys that are named do something just now.
    for part in [
        "r tries with it (the edited content is used), e changes it",
        " r retry ",
        " e edit ",
    ] {
        assert_says(&screen, part);
    }
}

#[test]
fn an_open_one_that_cannot_be_read_in_qdrant() {
    let mut gone = detail(&rows()[6], Payload::new(), None);
    gone.payload = Err("the point is no longer in Qdrant".into());
    let scene = listed().press("\n").reading(gone);
    scene.assert_looks("failures_opened_unreadable");
}

#[test]
fn the_content_is_edited_in_a_line() {
    let scene = editing("What the choir said about the harbour.");
    scene.assert_looks("failures_editor");
    scene.press(" And more.").assert_looks("failures_editor_changed");
}

#[test]
fn the_content_is_edited_in_several_lines() {
    let verse =
        "Down by the harbour, where the boats come in,\n\n  the choir sings the whole of the long summer night.\n";
    editing(&verse.repeat(3)).assert_looks("failures_editor_lines");
}

// --- what styles mean

#[test]
fn the_selected_row_is_reversed_and_only_that() {
    for theme in [COLORS, PLAIN, ASCII] {
        let screen = listed().draw(theme, (120, 40));
        for (id, selected) in [("2f9a7b4c", true), ("0b3d6c1e", false), ("4e1c8d2a", false)] {
            assert_eq!(is_reversed(&screen, id, 1..119), selected, "{id}");
        }
    }
}

#[test]
fn the_keys_go_to_the_pane_with_the_arrow() {
    let in_list = opened().draw(COLORS, (120, 40));
    // In the list, where the id is cut; the title of the open one has it whole.
    let row = "2f9a7b4c-0000~";
    assert!(is_reversed(&in_list, row, 1..59));
    assert_eq!(style_of(&in_list, "> Failures: 12"), (Color::Cyan, Modifier::empty()));
    let in_detail = opened().press("\t").draw(COLORS, (120, 40));
    assert_eq!(
        style_of(&in_detail, "> Point 2f9a7b4c"),
        (Color::Cyan, Modifier::empty())
    );
    let elsewhere = Modifier::BOLD | Modifier::UNDERLINED;
    assert_eq!(style_of(&in_detail, row), (Color::Reset, elsewhere));
    assert_says(&opened().text((120, 40)), "too_long, 2 attempts");
    assert!(!opened().press("\tj").text((120, 40)).contains("too_long, 2 attempts"));
}

#[test]
fn how_a_retry_goes_is_said_in_words() {
    let screen = listed().text((120, 40));
    for word in ["queued", "attempt 2", "failed again", "done", "skipped"] {
        assert_says(&screen, word);
    }
}

#[test]
fn the_cursor_is_where_the_filter_is_typed() {
    for (keys, column) in [
        ("", None),
        ("/", Some(3)),
        ("/a", Some(4)),
        ("/a日", Some(6)),
        ("/a\n", None),
    ] {
        let scene = listed().press(keys);
        let screen = scene.draw(COLORS, (80, 24));
        let is_cursor = |x: &u16| screen[(*x, 3)].modifier.contains(Modifier::REVERSED);
        let seen = (1..79).find(is_cursor).map(|column| (column, 3));
        assert_eq!(seen, column.map(|column| (column, 3)), "{keys:?}");
    }
}

// --- what is asked for

#[test]
fn a_click_selects_the_row_under_it() {
    for (scene, size) in [(listed(), (80, 24)), (listed(), (200, 60)), (opened(), (120, 40))] {
        let scene = scene.click(size, "90210");
        assert_eq!(
            scene.app.failures.selected().map(|row| row.id),
            Some(PointId::Num(90_210))
        );
        let screen = scene.draw(COLORS, size);
        let (x, y) = find(&screen, "90210");
        assert!(screen[(x, y)].modifier.contains(Modifier::REVERSED), "{size:?}");
    }
}

#[test]
fn an_edited_content_is_embedded_and_an_empty_one_is_not() {
    let id = rows()[6].id;
    let sent = editing("tide").press("s\n").sent;
    assert!(sent.contains(&TaskCommand::RetryEdited(id, "tides".into())), "{sent:?}");
    let scene = editing(" ").press("\n");
    assert!(scene.app.failures.editor.is_some());
    assert_says(&scene.text((80, 24)), "an empty content cannot be embedded");
    assert!(editing("tide").press("\u{1b}").app.failures.editor.is_none());
}
