//! One pair field by field: jumps, folds, scrolled texts, and answers that come late or not at all.

use super::moves::MOST_LINES;
use super::*;
use crate::app::actions::Motion;
use crate::point::diff::compare;
use crate::point::{Point, Vectors};
use serde_json::json;

fn opened() -> Diff {
    let point = |payload: serde_json::Value| Point {
        id: PointId::Num(1),
        payload: payload.as_object().cloned().expect("an object"),
        vectors: Vectors::new(),
    };
    let left = point(json!({"a": 1, "b": 2, "c": 3, "d": 4}));
    let right = point(json!({"a": 1, "b": 20, "c": 3, "d": 40}));
    let record = compare(PointId::Num(1), Some(&left), Some(&right), None, false);
    let mut diff = Diff::new();
    diff.ask(SampleOf::Ids(vec![PointId::Num(1)]));
    let summary = PairSummary {
        id: record.id,
        verdict: record.verdict,
        differing: 2,
        because: None,
    };
    let of = SampleOf::Ids(vec![PointId::Num(1)]);
    assert_eq!(
        diff.sampled(&SampleOf::Random, Vec::new()),
        None,
        "another question's answer"
    );
    assert_eq!(
        diff.sampled(&of, vec![summary]),
        Some(PointId::Num(1)),
        "a named point is opened"
    );
    diff.read(Box::new(record));
    diff
}

fn path(diff: &Diff) -> &str {
    diff.selected_field().map_or("", |field| field.path.as_str())
}

#[test]
fn jumps_go_round_and_folding_keeps_the_field() {
    let mut diff = opened();
    assert_eq!((diff.fold, path(&diff)), (true, "b"));
    diff.toggle_fold();
    assert_eq!((diff.fields().len(), path(&diff)), (4, "b"));
    diff.jump(false);
    assert_eq!(path(&diff), "d");
    diff.jump(false);
    assert_eq!(path(&diff), "b", "round the end");
    diff.jump(true);
    assert_eq!(path(&diff), "d", "round the beginning");
    diff.toggle_fold();
    assert_eq!((diff.fields().len(), path(&diff)), (2, "d"));
    assert!(diff.back() && diff.record.is_none());
    assert!(!diff.back());
}

#[test]
fn what_is_being_read_is_known_until_it_is_here_or_cannot_be() {
    let mut diff = opened();
    let record = diff.record.clone().expect("open");
    assert_eq!(diff.reading(), None);
    diff.open();
    assert!(
        diff.record.is_some() && diff.reading().is_none(),
        "read again, it stays"
    );
    assert!(diff.back() && diff.opening.is_none());
    diff.open();
    assert_eq!((diff.reading(), diff.pane), (Some(PointId::Num(1)), Pane::Pairs));
    diff.not_read(PointId::Num(1), "no".into());
    assert_eq!((diff.reading(), diff.error.as_deref()), (None, Some("no")));
    assert_eq!(diff.not_open(), Some(PointId::Num(1)), "it is named");
    diff.open();
    assert_eq!(
        (diff.reading(), diff.error.as_deref()),
        (Some(PointId::Num(1)), None),
        "tried again"
    );
    diff.read(record);
    assert_eq!((diff.reading(), diff.pane), (None, Pane::Record));
    diff.back();
    diff.open();
    assert!(diff.back(), "reading is a step of its own");
    assert!(!diff.back());
}

#[test]
fn a_wrapped_field_is_scrolled_by_lines_and_another_begins_at_its_first() {
    let mut diff = opened();
    diff.go(Motion::Right);
    diff.go(Motion::Right);
    diff.go(Motion::Left);
    assert_eq!((diff.line, diff.column), (10, 0));
    // Stacked, each side has half of the room.
    diff.beside = false;
    diff.go(Motion::Right);
    assert_eq!(diff.line, 14);
    diff.go(Motion::Left);
    diff.beside = true;
    diff.go(Motion::Top);
    assert_eq!(diff.line, 10, "it is the first already");
    diff.go(Motion::Down);
    assert_eq!((diff.line, path(&diff)), (0, "d"));
    diff.go(Motion::Right);
    diff.jump(false);
    assert_eq!((diff.line, path(&diff)), (0, "b"));
    for _ in 0..1_000 {
        diff.go(Motion::Right);
    }
    assert_eq!(diff.line, MOST_LINES);
    diff.wrap = false;
    diff.go(Motion::Right);
    assert_eq!((diff.line, diff.column), (MOST_LINES, 10));
    diff.pane = Pane::Pairs;
    diff.wrap = true;
    diff.line = 0;
    diff.go(Motion::Right);
    assert_eq!(diff.line, 0, "the list has no lines to scroll");
}

#[test]
fn an_answer_that_nobody_waits_for_any_more_is_dropped() {
    let mut diff = opened();
    let record = diff.record.clone().expect("open");
    diff.back();
    diff.read(record);
    assert!(diff.record.is_none());
}
