//! The Failures screen: its pages, filter and order, the marks.

use std::ops::RangeInclusive;

use super::*;
use crate::journal::{FailureRow, Filter, Sort, State};
use crate::point::Payload;
use crate::tasks::{FailureDetail, Owned, Selection, Setting};

impl Console {
    /// The Failures screen of a complete job, with the points 1, 2, ... in its list.
    pub(super) fn listing(count: u64) -> Self {
        let mut console = Self::open(Phase::Complete);
        assert_eq!(console.key("3"), lists(&Filter::default(), 0));
        assert_eq!(console.list(&Filter::default(), 0, count, 1..=count), []);
        console
    }

    /// A page of the list, all of it to be retried.
    pub(super) fn list(&mut self, filter: &Filter, offset: u64, total: u64, ids: RangeInclusive<u64>) -> Vec<Effect> {
        let page = page(
            (filter, Sort::default()),
            offset,
            (total, total),
            ids.map(row).collect(),
        );
        self.event(page)
    }

    /// The word on a row.
    pub(super) fn word(&self, id: u64) -> String {
        self.app.failures.state_of(&row(id))
    }

    /// The point whose detail is open.
    pub(super) fn detail(&self) -> Option<PointId> {
        self.app.failures.detail.as_ref().map(|detail| detail.row.id)
    }
}

pub(super) fn page(
    (filter, sort): (&Filter, Sort),
    offset: u64,
    (total, retryable): (u64, u64),
    rows: Vec<FailureRow>,
) -> TaskEvent {
    TaskEvent::FailuresListed {
        filter: filter.clone(),
        sort,
        offset,
        total,
        retryable,
        rows,
    }
}

pub(in crate::app) fn row(number: u64) -> FailureRow {
    FailureRow {
        id: id(number),
        state: State::Failed,
        cause: Cause::Rejected,
        error: "400: refused".into(),
        reason: None,
        attempts: 1,
        first_at: 0,
        last_at: 0,
    }
}

pub(super) fn read(number: u64, payload: Result<Payload, String>) -> TaskEvent {
    TaskEvent::FailureRead(Box::new(FailureDetail {
        row: row(number),
        attempts: Vec::new(),
        payload,
        edit: None,
    }))
}

pub(super) fn text(text: &str) -> Filter {
    Filter {
        text: Some(text.into()),
        ..Filter::default()
    }
}

pub(super) fn cause(cause: Cause) -> Filter {
    Filter {
        cause: Some(cause),
        ..Filter::default()
    }
}

pub(super) fn lists(filter: &Filter, offset: u64) -> Vec<Effect> {
    lists_by(Sort::default(), filter, offset)
}

fn lists_by(sort: Sort, filter: &Filter, offset: u64) -> Vec<Effect> {
    sends(TaskCommand::ListFailures {
        filter: filter.clone(),
        sort,
        offset,
        limit: 200,
    })
}

#[test]
fn the_failures_screen_asks_for_one_page_until_that_is_stale() {
    let all = Filter::default();
    let mut console = Console::unopened();
    assert_eq!(console.key("3"), [], "there is no journal yet");
    assert_eq!(console.event(opened()), lists(&all, 0));
    for name in ["3", "j", "1", "3", "Tab", "Shift-Tab"] {
        assert_eq!(console.key(name), [], "{name}: one question at a time");
    }
    assert_eq!(console.list(&all, 0, 12, 1..=12), []);
    assert_eq!(console.keys(&["j", "G", "1", "3"]), [], "the page is there and fresh");

    assert_eq!(console.event(TaskEvent::PointFailed(id(13), failure())), lists(&all, 0));
    assert_eq!(console.event(TaskEvent::PointFailed(id(14), failure())), []);
    // The answer may lack what failed after the question.
    assert_eq!(console.list(&all, 0, 13, 1..=13), lists(&all, 0));
    assert_eq!(console.list(&all, 0, 14, 1..=14), []);

    console.key("1");
    assert_eq!(console.event(TaskEvent::PointFailed(id(15), failure())), []);
    assert_eq!(console.key("3"), lists(&all, 0), "asked for when it is seen");
}

#[test]
fn what_makes_the_list_stale() {
    let ended = |waiting| TaskEvent::RetryEnded {
        recovered: 1,
        failed: 0,
        error: None,
        waiting,
    };
    for (event, stale) in [
        (TaskEvent::PointFailed(id(4), failure()), true),
        // What came of it is seen first.
        (TaskEvent::RetryFinished(id(1), Ok(())), false),
        (TaskEvent::RetryFinished(id(1), Err(failure())), false),
        (ended(0), true),
        (ended(1), true),
        (TaskEvent::Skipped(1, true), true),
        (TaskEvent::Skipped(1, false), true),
        (opened(), true),
        (TaskEvent::RetryStarted(vec![id(1)]), false),
        (TaskEvent::SettingConfirmed(Setting::InFlight(9)), false),
        (TaskEvent::PhaseChanged(Phase::Running), false),
        (TaskEvent::Noted(Level::Warn, "note".into()), false),
        (TaskEvent::Exported(3, "failed.json".into()), false),
        (TaskEvent::Committed { rows: 1, version: 2 }, false),
    ] {
        let mut console = Console::listing(3);
        let expected = if stale { lists(&Filter::default(), 0) } else { vec![] };
        assert_eq!(console.event(event.clone()), expected, "{event:?}");
    }
}

#[test]
fn a_journal_that_cannot_be_read_is_told_and_asked_again_when_something_happens() {
    let mut console = Console::open(Phase::Running);
    let all = Filter::default();
    assert_eq!(console.key("3"), lists(&all, 0));
    let unanswered = TaskEvent::Unanswered {
        of: Owned::Failures,
        error: "the journal is locked".into(),
    };
    assert_eq!(console.event(unanswered), [], "not for ever");
    assert_eq!(console.app.failures.error.as_deref(), Some("the journal is locked"));
    assert_eq!(console.keys(&["j", "1", "3"]), []);
    assert_eq!(console.event(TaskEvent::PointFailed(id(1), failure())), lists(&all, 0));
    assert_eq!(console.list(&all, 0, 1, 1..=1), []);
    assert_eq!(console.app.failures.error, None);
}

#[test]
fn a_journal_that_cannot_be_read_is_asked_again_after_a_while() {
    let mut console = Console::listing(3);
    console.event(TaskEvent::Skipped(1, true));
    let unanswered = || TaskEvent::Unanswered {
        of: Owned::Failures,
        error: "the journal is locked".into(),
    };
    for _ in 0..3 {
        assert_eq!(console.event(unanswered()), []);
        assert_eq!(console.app.failures.total(), 3, "the old rows stay");
        console.now += Duration::from_secs(4);
        assert_eq!(console.update(Message::Tick), []);
        console.now += Duration::from_secs(1);
        assert_eq!(console.update(Message::Tick), lists(&Filter::default(), 0));
        assert!(console.app.failures.error.is_some(), "not read yet");
    }
}

#[test]
fn the_selected_point_stays_selected_while_others_fail_above_it() {
    let all = Filter::default();
    let mut console = Console::listing(3);
    console.key("Down");
    let rows = |numbers: &[u64]| numbers.iter().copied().map(row).collect::<Vec<_>>();
    let list = |numbers: &[u64]| {
        let total = numbers.len() as u64;
        page((&all, Sort::default()), 0, (total, total), rows(numbers))
    };
    for (numbers, place, selected) in [
        (&[10, 11, 1, 2, 3][..], 3, Some(2)),
        (&[11, 2, 3], 1, Some(2)),
        (&[2], 0, Some(2)),
        // It is gone: what stands in its place was never chosen. Should it come back, it is selected again.
        (&[3, 4], 0, None),
        (&[1, 3, 4], 0, None),
        (&[1, 2, 4], 1, Some(2)),
        (&[1, 4, 5], 1, None),
    ] {
        console.event(TaskEvent::PointFailed(id(99), failure()));
        console.event(list(numbers));
        let failures = &console.app.failures;
        let found = failures.selected().map(|row| row.id);
        assert_eq!((failures.place(), found), (place, selected.map(id)), "{numbers:?}");
        assert_eq!(failures.is_lost(), selected.is_none(), "{numbers:?}");
    }
    let retry = TaskCommand::Retry(Selection::Ids(vec![id(4)]));
    assert!(console.keys(&["Down", "r"]).contains(&Effect::Send(retry)));
}

#[test]
fn no_other_point_slides_under_the_cursor_when_one_leaves_the_filter() {
    let rejected = cause(Cause::Rejected);
    let mut console = Console::listing(12);
    console.key("/");
    console.types("rejected");
    console.key("Enter");
    console.list(&rejected, 0, 3, 41..=43);
    console.keys(&["Down", "r"]);
    let again = Failure::new(Cause::TooLong, "8,192 tokens at most");
    console.event(TaskEvent::RetryFinished(id(42), Err(again)));
    console.now += Duration::from_secs(6);
    assert_eq!(console.update(Message::Tick), lists(&rejected, 0));
    let rows = [41, 43].map(row).into();
    console.event(page((&rejected, Sort::default()), 0, (2, 2), rows));
    for (key, action) in [("r", "retry"), ("s", "skip"), ("u", "undo skip"), ("e", "edit")] {
        assert_eq!(console.key(key), [], "{key}");
        console.assert_says(&format!("{action}: no failed point is selected"));
    }
    console.key("h");
    assert!(console.app.failures.chosen().is_empty(), "nothing was looked at yet");
    // What came into its place is the next one down.
    console.key("Down");
    assert_eq!(console.app.failures.chosen(), [id(43)]);
    // So is whatever is clicked at.
    console.event(TaskEvent::PointFailed(id(99), failure()));
    let rows = [41, 44].map(row).into();
    console.event(page((&rejected, Sort::default()), 0, (2, 2), rows));
    assert!(console.app.failures.chosen().is_empty());
    console.update(Message::Mouse(Mouse::Row(1)));
    assert_eq!(console.app.failures.chosen(), [id(44)]);
}

#[test]
fn the_cursor_stays_in_the_list() {
    for (keys, place) in [
        (&["Up"][..], 0),
        (&["k"], 0),
        (&["Down"], 1),
        (&["j", "j", "k"], 1),
        (&["PgDn"], 4),
        (&["PgDn", "PgDn", "PgDn"], 11),
        (&["G"], 11),
        (&["End", "Down"], 11),
        (&["G", "PgUp"], 7),
        (&["G", "g"], 0),
        (&["G", "Home", "Up"], 0),
    ] {
        let mut console = Console::listing(12);
        // Ten lines leave four rows of a page.
        assert_eq!(console.update(Message::Resized { columns: 120, rows: 10 }), []);
        assert_eq!(console.keys(keys), [], "{keys:?}");
        assert_eq!(console.app.failures.place(), place, "{keys:?}");
        let selected = console.app.failures.selected().map(|row| row.id);
        assert_eq!(selected, Some(id(place + 1)), "{keys:?}");
    }
    let mut shrinking = Console::listing(12);
    shrinking.key("G");
    shrinking.event(TaskEvent::Skipped(9, true));
    shrinking.list(&Filter::default(), 0, 3, 1..=3);
    assert_eq!(shrinking.app.failures.place(), 2);
    let mut nothing = Console::listing(0);
    nothing.keys(&["Down", "PgDn", "G"]);
    assert_eq!(nothing.app.failures.place(), 0);
}

#[test]
fn a_long_list_is_read_around_the_cursor() {
    let all = Filter::default();
    let mut console = Console::open(Phase::Complete);
    console.key("3");
    assert_eq!(console.list(&all, 0, 1_000, 1..=200), []);
    assert_eq!(console.key("G"), lists(&all, 899));
    assert_eq!(console.key("r"), [], "the row under the cursor is not known yet");
    console.assert_says("no failed point is selected");
    assert_eq!(console.list(&all, 899, 1_000, 900..=1_000), []);
    assert_eq!(console.app.failures.selected().map(|row| row.id), Some(id(1_000)));
}

#[test]
fn one_answer_is_enough_however_tall_the_terminal() {
    for rows in [24, 60, 130, 400] {
        let mut console = Console::open(Phase::Complete);
        console.update(Message::Resized { columns: 120, rows });
        let mut effects = console.key("3");
        let mut answers = 0;
        for next in ["G", "PgUp", "g"] {
            if let [
                Effect::Send(TaskCommand::ListFailures {
                    filter, offset, limit, ..
                }),
            ] = effects.as_slice()
            {
                let ids = offset + 1..=(offset + limit).min(1_000);
                assert_eq!(
                    console.list(filter, *offset, 1_000, ids),
                    [],
                    "{rows} rows before {next}"
                );
                answers += 1;
            }
            effects = console.key(next);
        }
        assert!(answers > 0, "{rows} rows");
    }
}

#[test]
fn o_walks_through_the_orders_and_asks_for_each() {
    let all = Filter::default();
    let mut console = Console::listing(12);
    console.key("G");
    for place in 1..=Sort::ALL.len() {
        let sort = Sort::ALL[place % Sort::ALL.len()];
        assert_eq!(console.key("o"), lists_by(sort, &all, 0), "{}", sort.label());
        assert_eq!((console.app.failures.sort(), console.app.failures.place()), (sort, 0));
    }
    let by_age = Sort::ALL[1];
    assert_eq!(console.event(page((&all, by_age), 0, (700, 700), vec![row(9)])), []);
    assert_eq!(
        console.app.failures.total(),
        12,
        "an answer in another order is dropped"
    );
    assert_eq!(console.list(&all, 0, 13, 1..=13), []);
    assert_eq!(console.app.failures.total(), 13);

    assert_eq!(console.key("o"), lists_by(by_age, &all, 0));
    console.event(page((&all, by_age), 0, (2, 2), vec![row(2), row(1)]));
    assert_eq!(console.app.failures.selected().map(|row| row.id), Some(id(2)));
    assert_eq!(
        console.keys(&["/", "x"]),
        lists_by(by_age, &text("x"), 0),
        "the order holds for every filter"
    );
}

#[test]
fn marks_are_chosen_else_the_selected_row() {
    for (keys, marked, chosen) in [
        (&[][..], 0, vec![1]),
        (&["Down"], 0, vec![2]),
        (&["Space"], 1, vec![1]),
        (&["Space", "Space"], 2, vec![1, 2]),
        (&["Space", "Down", "Space", "g"], 2, vec![1, 3]),
        (&["Space", "Up", "Space"], 0, vec![2]),
        (&["Space", "Space", "Esc"], 0, vec![3]),
    ] {
        let mut console = Console::listing(4);
        assert_eq!(console.keys(keys), [], "{keys:?}");
        assert_eq!(console.app.failures.marked(), marked, "{keys:?}");
        let chosen: Vec<PointId> = chosen.into_iter().map(id).collect();
        assert_eq!(console.app.failures.chosen(), chosen, "{keys:?}");
    }
}

#[test]
fn the_filter_follows_every_letter() {
    let mut console = Console::listing(12);
    console.key("G");
    for (name, effects, filter) in [
        ("/", vec![], Filter::default()),
        ("q", lists(&text("q"), 0), text("q")),
        ("3", lists(&text("q3"), 0), text("q3")),
        ("Backspace", lists(&text("q"), 0), text("q")),
        ("R", lists(&text("qR"), 0), text("qR")),
        ("?", lists(&text("qR?"), 0), text("qR?")),
        ("Space", vec![], text("qR?")),
        ("Enter", vec![], text("qR?")),
    ] {
        assert_eq!(console.key(name), effects, "{name}");
        assert_eq!(console.app.failures.filter(), filter, "{name}");
    }
    assert_eq!(console.app.failures.place(), 0, "another list begins at its top");
    assert_eq!(
        console.app.screen,
        Screen::Failures,
        "letters are text while the filter is typed"
    );
    assert!(console.app.confirm.is_none() && console.app.help.is_none());
    assert!(console.app.failures.typing.is_none());
    assert_eq!(console.keys(&["/", "Esc"]), lists(&Filter::default(), 0));
    assert_eq!(console.app.failures.filter(), Filter::default());
}

#[test]
fn a_cause_typed_in_full_filters_by_cause() {
    let mut console = Console::listing(12);
    console.key("/");
    assert_eq!(console.types("no_conten"), lists(&text("no_conten"), 0));
    assert_eq!(console.key("t"), lists(&cause(Cause::NoContent), 0));
    assert_eq!(console.app.failures.filter(), cause(Cause::NoContent));
    assert_eq!(console.key("x"), lists(&text("no_contentx"), 0));
}

#[test]
fn a_cause_and_a_text_filter_by_both() {
    let both = Filter {
        cause: Some(Cause::Rejected),
        ..text("timeout")
    };
    let mut console = Console::listing(12);
    console.key("/");
    console.types("cause:rejecte");
    assert_eq!(console.app.failures.filter(), text("cause:rejecte"));
    console.key("d");
    assert_eq!(console.app.failures.filter(), cause(Cause::Rejected));
    console.types(" timeout");
    assert_eq!(console.app.failures.filter(), both);
    console.keys(&["Enter", "/"]);
    let typed = console
        .app
        .failures
        .typing
        .as_ref()
        .map(|input| input.value().to_owned());
    assert_eq!(typed.as_deref(), Some("cause:rejected timeout"));
    console.key("Enter");
    let retry = page((&both, Sort::default()), 0, (2, 2), vec![row(1), row(2)]);
    console.event(retry);
    console.key("R");
    console.assert_asks("Retry all shown: 2 failed points of cause rejected with \"timeout\"?");
}

#[test]
fn a_pasted_text_filters_too() {
    let mut console = Console::listing(12);
    console.key("/");
    let effects = console.update(Message::Paste("time\u{1b}\nout".into()));
    assert_eq!(console.app.failures.filter(), text("timeout"));
    assert_eq!(effects, lists(&text("timeout"), 0));
}

#[test]
fn a_list_for_another_filter_is_ignored() {
    let mut console = Console::listing(12);
    console.keys(&["/", "4"]);
    assert_eq!(console.list(&text("other"), 0, 700, 100..=200), []);
    assert_eq!(console.app.failures.total(), 12);
    assert_eq!(console.app.failures.selected().map(|row| row.id), Some(id(1)));
    assert_eq!(console.list(&text("4"), 0, 1, 4..=4), []);
    assert_eq!(console.app.failures.total(), 1);
    assert_eq!(console.app.failures.selected().map(|row| row.id), Some(id(4)));
}

#[test]
fn esc_goes_back_one_step_at_a_time() {
    let mut console = Console::listing(12);
    console.keys(&["Space", "Space", "/", "x", "Enter"]);
    console.list(&text("x"), 0, 12, 1..=12);
    console.key("Enter");
    console.event(read(1, Ok(Payload::new())));
    let all = Filter::default();
    for (effects, filter, marked) in [
        (vec![], text("x"), 2),
        (lists(&all, 0), all.clone(), 2),
        (vec![], all.clone(), 0),
        (vec![], all.clone(), 0),
    ] {
        assert_eq!(console.key("Esc"), effects);
        assert_eq!(console.detail(), None);
        assert_eq!(console.app.failures.filter(), filter);
        assert_eq!(console.app.failures.marked(), marked);
    }
    assert_eq!(console.app.screen, Screen::Failures);
}

#[test]
fn nothing_happens_silently_to_marks_that_a_filter_hides() {
    let hidden = || {
        let mut console = Console::listing(4);
        console.keys(&["Space", "Space", "Space", "/", "3", "Enter"]);
        console.event(page((&text("3"), Sort::default()), 0, (1, 1), vec![row(3)]));
        let failures = &console.app.failures;
        assert_eq!((failures.marked(), failures.hidden_marks()), (3, 2));
        console
    };
    let ids = || [1, 2, 3].map(id).to_vec();
    for (name, asked, answer, command) in [
        (
            "r",
            "Retry 3 marked points (2 of them not shown)?",
            ["r", "Enter"],
            TaskCommand::Retry(Selection::Ids(ids())),
        ),
        (
            "u",
            "Take the skip of 3 marked points (2 of them not shown) back?",
            ["u", "Enter"],
            TaskCommand::Unskip(ids()),
        ),
    ] {
        let mut console = hidden();
        assert_eq!(console.key(name), [], "{name}");
        console.assert_asks(asked);
        assert_eq!(console.key("Esc"), []);
        console.key(name);
        assert_eq!(console.keys(&answer), sends(command), "{name}");
    }
    let mut console = hidden();
    assert_eq!(console.key("s"), []);
    let question = console.app.prompt.as_ref().map_or("", |prompt| &prompt.question);
    assert!(
        question.contains("Give up 3 marked points (2 of them not shown): they"),
        "{question}"
    );
    // Shown again, they are tried at once.
    let mut console = hidden();
    console.key("Esc");
    console.list(&Filter::default(), 0, 4, 1..=4);
    assert_eq!(console.app.failures.hidden_marks(), 0);
    assert_eq!(console.key("r"), sends(TaskCommand::Retry(Selection::Ids(ids()))));
}

#[test]
fn what_is_in_the_table_is_marked_no_more() {
    let mut console = Console::listing(4);
    console.keys(&["Space", "Space"]);
    console.event(TaskEvent::RetryFinished(id(1), Ok(())));
    console.event(TaskEvent::RetryFinished(id(2), Err(failure())));
    assert_eq!(console.app.failures.marked(), 1);
    assert!(console.app.failures.is_marked(id(2)));
}
