//! What is done about failed points: retried, given up, taken back, written to a file.

use super::failures::{cause, lists, page, row};
use super::*;
use crate::journal::{FailureRow, Filter, Sort, State};
use crate::tasks::{Selection, now_ms};

fn retries(ids: &[u64]) -> Vec<Effect> {
    let ids = ids.iter().copied().map(id).collect();
    sends(TaskCommand::Retry(Selection::Ids(ids)))
}

fn ended(error: Option<&str>, waiting: usize) -> TaskEvent {
    TaskEvent::RetryEnded {
        recovered: 2,
        failed: 1,
        error: error.map(str::to_owned),
        waiting,
    }
}

#[test]
fn a_retry_is_told_on_its_row() {
    let mut console = Console::listing(3);
    assert_eq!(console.word(1), "failed");
    assert_eq!(console.key("r"), retries(&[1]));
    for (event, word) in [
        (None, "queued"),
        (Some(TaskEvent::RetryStarted(vec![id(1)])), "attempt 2"),
        (Some(TaskEvent::RetryFinished(id(1), Err(failure()))), "failed again"),
        (Some(TaskEvent::RetryStarted(vec![id(1)])), "attempt 2"),
        (Some(TaskEvent::RetryFinished(id(1), Ok(()))), "done"),
        (Some(ended(None, 0)), "done"),
    ] {
        if let Some(event) = event {
            console.event(event);
        }
        assert_eq!([console.word(1), console.word(2)], [word, "failed"]);
    }
    console.assert_says("retry: 2 recovered, 1 failed again");
}

#[test]
fn a_retry_of_marked_points_that_stops_leaves_them_failed() {
    let mut console = Console::listing(4);
    assert_eq!(console.keys(&["Down", "Space", "Space", "g", "r"]), retries(&[2, 3]));
    assert_eq!(console.app.failures.marked(), 0);
    assert_eq!([1, 2, 3].map(|id| console.word(id)), ["failed", "queued", "queued"]);
    console.event(TaskEvent::RetryStarted(vec![id(2)]));
    assert!(console.app.is_working());
    console.event(ended(Some("401: key refused"), 0));
    assert_eq!([1, 2, 3].map(|id| console.word(id)), ["failed"; 3]);
    assert!(!console.app.is_working());
    let flash = console.app.flash.as_ref().expect("it is said");
    assert_eq!(flash.level, Level::Error);
    assert!(flash.text.contains("401: key refused"), "{}", flash.text);
}

#[test]
fn nothing_is_tried_again_while_both_stores_are_gone_over() {
    for (phase, why) in [
        (Phase::Comparing, "both stores are being compared"),
        (Phase::CatchingUp, "both stores are being brought together"),
    ] {
        let mut console = Console::listing(3);
        console.event(TaskEvent::PhaseChanged(phase));
        for (key, action) in [("r", "retry"), ("R", "retry all"), ("e", "edit")] {
            assert_eq!(console.key(key), [], "{action}");
            console.assert_says(&format!("{action}: {why}"));
        }
        console.event(TaskEvent::PhaseChanged(Phase::Complete));
        assert_eq!(console.key("r"), retries(&[1]));
    }
}

#[test]
fn what_waits_for_the_next_retry_stays_queued() {
    let mut console = Console::listing(3);
    console.key("r");
    assert_eq!(console.keys(&["Down", "r"]), retries(&[2]));
    for (event, words, under_way) in [
        (
            TaskEvent::RetryStarted(vec![id(1)]),
            ["attempt 2", "queued", "failed"],
            2,
        ),
        (TaskEvent::RetryFinished(id(1), Ok(())), ["done", "queued", "failed"], 1),
        (ended(None, 1), ["done", "queued", "failed"], 1),
        (TaskEvent::RetryStarted(vec![id(2)]), ["done", "attempt 2", "failed"], 1),
        (ended(Some("stopped"), 0), ["done", "failed", "failed"], 0),
    ] {
        console.event(event.clone());
        assert_eq!([1, 2, 3].map(|id| console.word(id)), words, "{event:?}");
        assert_eq!(console.app.failures.retrying(), under_way, "{event:?}");
        assert_eq!(console.app.is_working(), under_way > 0, "{event:?}");
    }
}

#[test]
fn a_point_given_up_after_a_retry_is_shown_as_skipped() {
    let mut console = Console::listing(2);
    console.key("r");
    console.event(TaskEvent::RetryFinished(id(1), Err(failure())));
    console.key("s");
    console.types("spam");
    assert_eq!(
        console.key("Enter"),
        sends(TaskCommand::Skip(vec![id(1)], "spam".into()))
    );
    assert_eq!(console.word(1), "failed again", "not confirmed yet");
    console.event(TaskEvent::Skipped(1, true));
    let skipped = FailureRow {
        state: State::Skipped,
        ..row(1)
    };
    assert_eq!(console.app.failures.state_of(&skipped), "skipped");
}

#[test]
fn retrying_all_asks_with_the_number_that_can_be_retried() {
    let too_long = cause(Cause::TooLong);
    let retries = sends(TaskCommand::Retry(Selection::Filter(too_long.clone())));
    for (answer, effects) in [
        (&["Enter"][..], vec![]),
        (&["Esc"], vec![]),
        (&["r", "Enter"], retries.clone()),
        (&["Down", "Enter"], retries),
    ] {
        let mut console = Console::listing(12);
        console.key("/");
        console.types("too_long");
        console.key("Enter");
        // Of 312 some are skipped, or being retried already.
        let rows = (1..=200).map(row).collect();
        console.event(page((&too_long, Sort::default()), 0, (312, 290), rows));
        assert_eq!(console.key("R"), []);
        console.assert_asks("Retry all shown: 290 failed points of cause too_long?");
        assert_eq!(console.keys(answer), effects, "{answer:?}");
        assert!(console.app.confirm.is_none());
    }
    let mut empty = Console::listing(0);
    assert_eq!(empty.key("R"), []);
    assert!(empty.app.confirm.is_none());
    empty.assert_says("there are no failures");
}

#[test]
fn retrying_all_does_not_count_what_is_being_retried() {
    let mut console = Console::listing(4);
    console.app.snapshot.failed = 4;
    console.keys(&["Space", "Space", "r", "R"]);
    console.assert_asks("Retry 2 of 4 failed points? The other 2 are being retried already");
}

#[test]
fn retrying_all_never_names_the_number_of_another_filter() {
    let mut console = Console::listing(12);
    assert_eq!(console.keys(&["/", "x", "Enter", "R"]), []);
    assert!(console.app.confirm.is_none());
    console.assert_says("retry all: the journal is being read");
}

#[test]
fn giving_up_needs_a_reason_and_carries_the_ids() {
    for (marks, ids, number) in [
        (&["Down"][..], vec![id(2)], "Give up point 2:"),
        (&["Space", "Space"], vec![id(1), id(2)], "Give up 2 points:"),
    ] {
        let mut console = Console::listing(4);
        console.keys(marks);
        let marked = console.app.failures.marked();
        assert_eq!(console.key("s"), []);
        let question = console.app.prompt.as_ref().map_or("", |prompt| &prompt.question);
        assert!(question.contains(number), "{question}");
        for blank in ["", "  "] {
            console.types(blank);
            assert_eq!(console.key("Enter"), [], "a reason is needed");
            assert!(
                console.prompt().1.contains("a reason is needed"),
                "{:?}",
                console.prompt()
            );
        }
        assert_eq!(console.key("Esc"), []);
        assert!(console.app.prompt.is_none());
        assert_eq!(console.app.failures.marked(), marked, "cancelling keeps the marks");
        console.key("s");
        assert_eq!(console.types(" no R, no q "), []);
        assert_eq!(console.key("Enter"), sends(TaskCommand::Skip(ids, "no R, no q".into())));
        assert!(console.app.prompt.is_none());
        assert_eq!(console.app.failures.marked(), 0);
    }
    let mut empty = Console::listing(0);
    assert_eq!(empty.key("s"), []);
    empty.assert_says("skip: no failed point is selected");
}

#[test]
fn a_skip_is_told_and_can_be_taken_back() {
    let mut console = Console::listing(4);
    assert_eq!(console.event(TaskEvent::Skipped(2, true)), lists(&Filter::default(), 0));
    console.assert_says("2 skipped");
    let skipped = (1..=4).map(|number| FailureRow {
        state: State::Skipped,
        ..row(number)
    });
    console.event(page(
        (&Filter::default(), Sort::default()),
        0,
        (4, 0),
        skipped.collect(),
    ));
    assert_eq!(console.keys(&["Down", "u"]), sends(TaskCommand::Unskip(vec![id(2)])));
    let marked = sends(TaskCommand::Unskip(vec![id(2), id(3)]));
    assert_eq!(console.keys(&["Space", "Space", "u"]), marked);
    assert_eq!(
        console.event(TaskEvent::Skipped(2, false)),
        lists(&Filter::default(), 0)
    );
    console.assert_says("2 taken back");
}

#[test]
fn the_failures_are_written_to_the_file_that_is_named() {
    for (keys, path) in [
        (&["E", "Enter"][..], "failed_migrations.json"),
        (&["E", "Ctrl-U", "a", ".", "j", "Enter"], "a.j"),
    ] {
        let mut console = Console::listing(4);
        assert_eq!(console.keys(keys), sends(TaskCommand::Export(path.into())));
        assert!(console.app.flash.is_none(), "it is not written yet");
        assert_eq!(console.event(TaskEvent::Exported(4, path.into())), []);
        console.assert_says(&format!("4 failures in {path}"));
    }
    let mut console = Console::listing(4);
    assert_eq!(console.keys(&["E", "Ctrl-U", "Enter"]), []);
    assert_eq!(console.prompt(), ("", "a file name is needed"));
}

#[test]
fn y_copies_the_selected_id() {
    let uuid: PointId = "8f2c0a91-77aa-4c1e-9d3b-0242ac130091".parse().expect("a UUID");
    let mut console = Console::listing(3);
    assert_eq!(console.keys(&["Down", "y"]), [Effect::Copy("2".into())]);
    console.assert_says("copied 2");
    let rows = vec![FailureRow { id: uuid, ..row(1) }];
    console.event(page((&Filter::default(), Sort::default()), 0, (1, 1), rows));
    assert_eq!(console.keys(&["g", "y"]), [Effect::Copy(uuid.to_string())]);
    let mut empty = Console::listing(0);
    assert_eq!(empty.key("y"), []);
    empty.assert_says("nothing is selected");
}

#[test]
fn an_action_that_does_not_fit_says_why() {
    let skipped = FailureRow {
        state: State::Skipped,
        ..row(1)
    };
    let retrying = FailureRow {
        state: State::Retrying,
        ..row(1)
    };
    for (shown, key, why) in [
        (row(1), "u", "undo skip: not skipped"),
        (skipped.clone(), "r", "retry: skipped; undo the skip first"),
        (skipped.clone(), "s", "skip: skipped; undo the skip first"),
        (skipped, "e", "edit: skipped; undo the skip first"),
        (retrying.clone(), "r", "retry: it is being retried"),
        (retrying, "s", "skip: it is being retried"),
    ] {
        let mut console = Console::listing(1);
        console.event(page((&Filter::default(), Sort::default()), 0, (1, 0), vec![shown]));
        assert_eq!(console.key(key), [], "{why}");
        console.assert_says(why);
        assert!(console.app.prompt.is_none());
    }
    let mut done = Console::listing(2);
    done.key("r");
    done.event(TaskEvent::RetryFinished(id(1), Ok(())));
    for key in ["r", "s", "e"] {
        assert_eq!(done.key(key), [], "{key}");
        done.assert_says("it is in the table already");
    }
}

#[test]
fn what_came_of_a_retry_stays_on_its_row_for_a_while() {
    let all = Filter::default();
    let mut console = Console::listing(3);
    console.key("r");
    console.event(TaskEvent::RetryStarted(vec![id(1)]));
    let again = Failure::new(Cause::TooLong, "8,192 tokens at most");
    for (event, word) in [
        (TaskEvent::RetryFinished(id(1), Err(again)), "failed again"),
        (ended(None, 0), "failed again"),
        (TaskEvent::PointFailed(id(9), failure()), "failed again"),
    ] {
        assert_eq!(console.event(event), [], "the list waits");
        assert_eq!(console.word(1), word);
    }
    let failed = console.app.failures.row(0).expect("still there");
    assert_eq!(
        (failed.cause, failed.error.as_str(), failed.attempts),
        (Cause::TooLong, "8,192 tokens at most", 2)
    );
    assert!(now_ms() - failed.last_at < 60_000, "{}", failed.last_at);
    console.now += Duration::from_millis(4_900);
    assert_eq!(console.update(Message::Tick), []);
    console.now += Duration::from_millis(200);
    assert_eq!(console.update(Message::Tick), lists(&all, 0));
    assert_eq!(console.word(1), "failed");

    // Whatever asks for another list ends it at once, and so does the next retry.
    for (keys, asked) in [(&["o"][..], 1), (&["/", "x"], 1), (&["Down", "r"], 2)] {
        let mut console = Console::listing(3);
        console.key("r");
        assert_eq!(console.event(TaskEvent::RetryFinished(id(1), Ok(()))), []);
        assert_eq!(console.word(1), "done");
        assert_eq!(console.app.failures.retryable(), 2);
        assert_eq!(console.keys(keys).len(), asked, "{keys:?}");
        assert_eq!(console.word(1), "failed", "{keys:?}");
    }
}

#[test]
fn a_retry_of_all_is_told_on_the_rows_and_counted() {
    let mut console = Console::listing(4);
    console.keys(&["R", "r", "Enter"]);
    let words = |console: &Console| [1, 2, 3, 4].map(|id| console.word(id));
    assert_eq!(words(&console), ["queued"; 4]);
    assert_eq!(console.app.failures.progress(), Some((0, 4)));
    console.event(TaskEvent::RetryStarted(vec![id(1), id(2)]));
    assert_eq!(words(&console), ["attempt 2", "attempt 2", "queued", "queued"]);
    console.event(TaskEvent::RetryFinished(id(1), Ok(())));
    console.event(TaskEvent::RetryFinished(id(2), Err(failure())));
    assert_eq!(words(&console), ["done", "failed again", "queued", "queued"]);
    assert_eq!(console.app.failures.progress(), Some((2, 4)));
    assert!(console.app.is_working());
    console.event(ended(None, 0));
    assert_eq!(words(&console), ["done", "failed again", "failed", "failed"]);
    assert_eq!(console.app.failures.progress(), None);
    assert!(!console.app.is_working());
}

#[test]
fn however_many_are_retried_only_the_page_is_held() {
    let all = Filter::default();
    let mut console = Console::open(Phase::Complete);
    console.key("3");
    console.list(&all, 0, 30_000, 1..=200);
    console.keys(&["R", "r", "Enter"]);
    let numbers: Vec<u64> = (1..=30_000).collect();
    for round in numbers.chunks(64) {
        let ids: Vec<PointId> = round.iter().copied().map(id).collect();
        console.event(TaskEvent::RetryStarted(ids.clone()));
        for id in ids {
            console.event(TaskEvent::RetryFinished(id, Err(failure())));
        }
        assert!(console.app.failures.retry_states() <= 200);
    }
    assert_eq!(console.app.failures.progress(), Some((30_000, 30_000)));
    console.event(ended(None, 0));
    assert_eq!(console.app.failures.retrying(), 0);
}
