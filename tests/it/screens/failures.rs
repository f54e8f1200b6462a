//! The Failures screen: the list, its filter and orders, an open failure, the editor.

use qlance::app::Message;
use qlance::journal::{Attempt, Edit, FailureRow, State};
use qlance::point::{Cause, Failure, Payload, PointId};
use qlance::tasks::{FailureDetail, Owned, Snapshot, TaskCommand, TaskEvent};
use qlance::ui;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use serde_json::json;

use super::frame::{assert_says, find, is_reversed, style_of};
use super::migrate::{complete, half_way, running};
use super::{ASCII, COLORS, PLAIN, SIZES, Scene, ago, payload};

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
        let attempts: u32 = attempts.parse().expect("a number");
        let last_at = ago(hours.parse().expect("hours"));
        FailureRow {
            id: id.parse().expect("a point id"),
            state: if skipped { State::Skipped } else { State::Failed },
            cause,
            error: error.into(),
            reason: skipped.then(|| "deleted on purpose".into()),
            attempts,
            first_at: if attempts == 1 { last_at } else { ago(96) },
            last_at,
        }
    };
    ROWS.lines().map(row).collect()
}

/// The same while four of them are retried: the first waits, the second is on its way, the third has failed again, and
/// the fourth is in the table.
fn retried() -> Vec<FailureRow> {
    let mut rows = rows();
    rows[1].state = State::Retrying;
    rows[2].attempts += 1;
    rows[2].last_at = ago(0);
    rows.remove(3);
    rows
}

/// Everything known of a failure: its attempts lie evenly between the first and the last.
pub(super) fn detail(row: &FailureRow, payload: Payload, edit: Option<Edit>) -> FailureDetail {
    let steps = i64::from(row.attempts.max(2) - 1);
    let attempt = |number: u32| Attempt {
        at: row.first_at + (row.last_at - row.first_at) * i64::from(number) / steps,
        cause: row.cause,
        error: row.error.clone(),
    };
    FailureDetail {
        row: row.clone(),
        attempts: (0..row.attempts).map(attempt).collect(),
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
    // When this was read, the fourth was on its way.
    let mut under_way = retried();
    let fourth = FailureRow {
        state: State::Retrying,
        ..rows[3].clone()
    };
    under_way.insert(3, fourth);
    let scene = complete()
        .press("3")
        .listing(rows.clone())
        .press("    r")
        .event(TaskEvent::RetryStarted(rows[1..4].iter().map(|row| row.id).collect()))
        .event(TaskEvent::RetryFinished(rows[2].id, Err(again)))
        .listing(under_way)
        .event(TaskEvent::RetryFinished(rows[3].id, Ok(())))
        .press("  ");
    let before = scene.app.snapshot.clone();
    scene.seeing(Snapshot {
        written: before.written + 1,
        failed: before.failed - 1,
        ..before
    })
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
    assert_eq!(
        style_of(&scene.draw(COLORS, (120, 40)), "the journal cannot be read"),
        bad
    );
    let screen = scene.text((80, 24));
    for part in [
        "> Failures: 12 listed, 2 marked, retried 2 of 4, not up to date, by id",
        "the journal cannot be read: database disk image is malformed",
        "It is tried again every few seconds; see to it that",
        "full.",
        "all; / filters by id, cause or error",
    ] {
        assert_says(&screen, part);
    }
    // The reason is not in the way of the filter, nor of what is open.
    assert_says(&scene.press("/time").text((80, 24)), "/ time");
    let opened = opened().unanswered(Owned::Failures, "database disk image is malformed");
    for part in [
        "the journal cannot be read",
        "It is tried again",
        "all; /",
        "* 0b3d6c1e",
    ] {
        assert_says(&opened.text((60, 16)), part);
    }
}

#[test]
fn while_one_is_being_read() {
    listed().press("\n").assert_looks("failures_reading");
    let scene = opened().press("j\n");
    scene.assert_looks("failures_reading_another");
    let title = "Reading 4e1c8d2a-0000-4000-8000-000000000003 ...; below is 2f9a7b4~000002";
    assert_says(&scene.text((80, 24)), title);
    assert_says(
        &scene.text((120, 40)),
        "┌ Reading 4e1c8d2~000003 ...; below is 2f9a7b4~000002 ─",
    );
    let dim = (Color::Reset, Modifier::DIM);
    assert_eq!(style_of(&scene.draw(COLORS, (80, 24)), "too_long, 2 attempts"), dim);
    let warn = (Color::Yellow, Modifier::BOLD);
    assert_eq!(style_of(&opened().draw(COLORS, (80, 24)), "too_long, 2 attempts"), warn);
}

#[test]
fn every_attempt_has_its_whole_error() {
    let attempts: Vec<Attempt> = (0..25)
        .map(|number| Attempt {
            at: ago(30 - number),
            cause: Cause::Rejected,
            error: format!("attempt {number}: {}: end{number}", "because of that, ".repeat(20)),
        })
        .collect();
    let (first, last) = (attempts[0].clone(), attempts[24].clone());
    let mut rows = rows();
    rows[6] = FailureRow {
        cause: last.cause,
        error: last.error,
        attempts: 25,
        first_at: first.at,
        last_at: last.at,
        ..rows[6].clone()
    };
    let long = FailureDetail {
        attempts,
        ..detail(&rows[6], content(), None)
    };
    let scene = complete().press("3").listing(rows).press("jjjjjj\n");
    let scene = scene.reading(long).press("\t");
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
        "3 Failures 10",
        "> Failures: 12 listed, 10 failed, 2 marked, retried 2 of 4, by id",
        "failed again too_long        4  30m",
        // Ids that begin alike are told apart.
        "2f9a7b4~000002 failed",
        " r retry 2 marked ",
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
    let (heading, _) = find(&screen, "age error");
    for error in ["no key `content`", "400: content policy"] {
        assert_eq!(find(&screen, error).0, heading + 4, "{error}");
    }
}

#[test]
fn filtered_to_nothing() {
    let scene = listed().press("/timeout").listing(Vec::new());
    scene.assert_looks("failures_typing");
    let title = "> Failures: 0 listed, 2 marked (2 of them not shown), retried 2 of 4, by id";
    assert_says(&scene.text((80, 24)), title);
    let scene = scene.press("\n");
    scene.assert_looks("failures_filtered_to_nothing");
    let screen = scene.text((80, 24));
    assert_eq!(screen.matches(" clears").count(), 1, "once is enough:\n{screen}");
    // What is open is closed first.
    for open in [opened(), listed().press("\n")] {
        let filtered = open.press("/a\n");
        let shows = filtered.text((80, 24));
        assert_says(&shows, "holds \"a\" ");
        for screen in [shows, filtered.listing(Vec::new()).text((80, 24))] {
            assert!(!screen.contains("clears"), "{screen}");
        }
    }
}

#[test]
fn why_the_rows_are_old_is_cut_with_a_sign() {
    let long = "no page of it can be read, ".repeat(40);
    let screen = listed().unanswered(Owned::Failures, &long).text((120, 40));
    let third = screen.lines().nth(5).unwrap_or_default();
    assert!(third.trim_end_matches(['│', ' ']).ends_with('~'), "{screen}");
}

#[test]
fn filtered_by_a_class() {
    let long = retried().into_iter().filter(|row| row.cause == Cause::TooLong);
    let scene = listed().press("/too_long\n").listing(long.collect());
    scene.assert_looks("failures_of_a_class");
    // The tab counts all of them, the title those that the filter shows.
    assert_says(&scene.text((120, 40)), "Failures: 3 listed, 2 to retry, 2 marked (2 of");
}

#[test]
fn filtered_by_a_class_and_a_text() {
    let long = retried().into_iter().filter(|row| row.cause == Cause::TooLong);
    let typing = listed().press("/cause:too_long 8192").listing(long.collect());
    typing.assert_looks("failures_typing_a_class");
    typing.press("\n").assert_looks("failures_of_a_class_with_a_text");
}

#[test]
fn sorted_by_attempts() {
    let mut rows = retried();
    rows.sort_by_key(|row| (std::cmp::Reverse(row.attempts), row.id));
    let scene = listed().press("oooo").listing(rows);
    scene.assert_looks("failures_sorted");
    // The order is the last to go where there is no room.
    let title = "> Failures: 11 listed, 2 marked, retried 2 of 4, most attempts first";
    assert_says(&scene.text((80, 24)), title);
}

#[test]
fn an_open_one_stands_under_the_list_or_beside_it() {
    let scene = opened();
    scene.assert_looks("failures_opened");
    let below = scene.text((80, 24));
    for part in [
        " 4 more above, 4 below ",
        "5h ago  the same",
        "4d ago  the same",
        " more below ",
    ] {
        assert_says(&below, part);
    }
    // An error of five columns says nothing: the id has them.
    let beside = scene.text((120, 40));
    for part in [
        "> Failures: 12 listed, 2 marked, retried 2 of 4, by id ─",
        "cause         try  age│",
        "│  2f9a7b4c-0~000000002 failed ",
    ] {
        assert_says(&beside, part);
    }
    assert!(!beside.contains("more below"), "all of it is seen:\n{beside}");
}

#[test]
fn a_long_content_is_read_to_its_end() {
    let verse = "where the boats come in,\nthe choir sings\n".repeat(24);
    let long = payload(json!({ "content": verse + "the end", "thread_id": "t-204" }));
    let opened = || {
        let detail = detail(&rows()[6], long.clone(), None);
        listed().press("\n").reading(detail).press("\t")
    };
    opened().assert_looks("failures_opened_long_content");
    for size in SIZES {
        let reach = ui::reach::reach(&opened().app, Rect::new(0, 0, size.0, size.1));
        let screen = opened().take(Message::Reach(reach)).press("G").text(size);
        for part in [
            "  where the boats come in,\\n",
            "  the choir sings\\n",
            "  the end\"",
            "thread_id: \"t-204\"",
            " more above ",
        ] {
            assert_says(&screen, part);
        }
    }
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
        "skipped: deleted on purpose (u takes it back)",
        "u first; Qdrant's content has changed since: r tries that",
        "edited 2d ago, not yet written to LanceDB: What",
    ] {
        assert_says(&screen, part);
    }
    // In the list the keys mean what is marked there.
    for part in [
        "r, s and u act on the 2 marked; Tab first",
        " r retry 2 marked ",
        " s skip 2 marked ",
    ] {
        assert_says(&screen, part);
    }
    assert!(!screen.contains(" u undo skip"), "{screen}");
    let scene = scene.press("\t");
    let screen = scene.text((80, 24));
    assert_says(&screen, " u undo skip ");
    assert!(!screen.contains("act on the"), "{screen}");
    scene.press("jjjj").assert_looks("failures_opened_scrolled");
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
    let drawn = scene.draw(COLORS, (80, 24));
    for (text, style) in [
        ("payload in Qdrant now", (Color::Reset, Modifier::BOLD)),
        ("edited 2h ago", (Color::Cyan, Modifier::empty())),
        ("r tries with it", (Color::Reset, Modifier::DIM)),
        ("5h ago  the same", (Color::Reset, Modifier::empty())),
    ] {
        assert_eq!(style_of(&drawn, text), style, "{text}");
    }
    // Both keys that are named do something just now.
    for part in ["r tries with it, e changes it", " r retry ", " e edit "] {
        assert_says(&screen, part);
    }
}

#[test]
fn an_open_one_that_cannot_be_read_in_qdrant() {
    let mut gone = detail(&rows()[6], Payload::new(), None);
    gone.payload = Err("the point is no longer in Qdrant".into());
    let scene = listed().press("\n").reading(gone);
    scene.assert_looks("failures_opened_unreadable");
    let screen = scene.text((120, 40));
    for part in [
        "Enter reads it again, s gives it up, r tries the point",
        "r, s and u act on the 2 marked; Tab first",
    ] {
        assert_says(&screen, part);
    }
    assert!(!screen.contains(" e edit "), "{screen}");
}

#[test]
fn what_the_keys_mean_is_said_where_it_is_not_what_is_open() {
    for (keys, said) in [
        ("", None),
        ("k", Some("r, s and u act on the selected row; Tab first")),
        ("k\t", None),
        // The only one that is marked is the opened one.
        (" ", None),
        ("k ", Some("r, s and u act on the 1 marked; Tab first")),
    ] {
        let scene = complete().press("3").listing(rows()).press("jjjjjjjjjj\n");
        let scene = scene.reading(detail(&rows()[10], content(), None)).press(keys);
        let screen = scene.text((120, 40));
        assert_says(&screen, "skipped: deleted on purpose (u takes it back)");
        match said {
            Some(said) => assert_says(&screen, said),
            None => assert!(!screen.contains("act on the"), "{screen}"),
        }
    }
}

#[test]
fn the_footer_names_what_can_be_done_to_what_is_chosen() {
    let given_up = complete().press("3").listing(rows()).press("jjjjjjjjjj");
    for (scene, size, named, not_named) in [
        (
            opened(),
            (80, 24),
            &["r retry 2 marked"][..],
            &["Enter", "Space", "R "][..],
        ),
        (
            opened(),
            (120, 40),
            &["Space mark", "r retry 2 marked", "R retry all", "s skip 2 marked"],
            &["Enter"],
        ),
        (
            opened().press("j"),
            (80, 24),
            &["Enter open", "r retry 2 marked"],
            &["Space"],
        ),
        (
            opened().press("\t"),
            (120, 40),
            &["r retry  ", "s skip  "],
            &["Enter", "Space", "R "],
        ),
        // It is being read.
        (listed().press("\n"), (80, 24), &["r retry 2 marked"], &["Enter"]),
        (
            given_up,
            (80, 24),
            &["Enter open", "u undo skip"],
            &["r retry ", "s skip"],
        ),
    ] {
        let screen = scene.text(size);
        let footer = screen.lines().last().unwrap_or_default();
        for part in named {
            assert!(footer.contains(part), "{part:?} is missing: {footer:?}");
        }
        for part in not_named {
            assert!(!footer.contains(part), "{part:?} is there: {footer:?}");
        }
    }
}

#[test]
fn the_content_is_edited_in_a_line() {
    let scene = editing("What the choir said about the harbour.");
    scene.assert_looks("failures_editor");
    let screen = scene.text((80, 24));
    assert_says(&screen, "too_long; the point in Qdrant stays as it is");
    // Above it is seen whose content it is, and what failed.
    for part in ["Point 2f9a7b4c-", "too_long, 2 attempts", "400 Bad Request"] {
        assert_says(&screen, part);
    }
    assert_eq!(
        screen.matches("Esc ").count(),
        1,
        "the footer names the keys:\n{screen}"
    );
    scene.press(" And more.").assert_looks("failures_editor_changed");
}

#[test]
fn the_content_is_edited_in_several_lines() {
    let verse =
        "Down by the harbour, where the boats come in,\n\n  the choir sings the whole of the long summer night.\n";
    let scene = editing(&verse.repeat(3));
    scene.assert_looks("failures_editor_lines");
    // No row of the screen is left above it and below it.
    assert_eq!(find(&scene.draw(COLORS, (80, 24)), "> Content of").1, 2);
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
    let row = "2f9a7b4c-0~000000002";
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
    for (word, color, weight) in [
        ("queued", Color::Reset, Modifier::empty()),
        ("attempt 2", Color::Reset, Modifier::empty()),
        ("failed again", Color::Yellow, Modifier::BOLD),
        ("done", Color::Green, Modifier::empty()),
        ("skipped", Color::Reset, Modifier::DIM),
    ] {
        let screen = listed().draw(COLORS, (120, 40));
        assert_eq!(style_of(&screen, word), (color, weight), "{word}");
        assert_says(&listed().text((80, 24)), word);
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
    for (scene, size) in [
        (listed(), (80, 24)),
        (listed(), (200, 60)),
        (opened(), (120, 40)),
        // Above the rows of an old list stands why they are old.
        (unreadable(), (80, 24)),
        (unreadable(), (120, 40)),
    ] {
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
