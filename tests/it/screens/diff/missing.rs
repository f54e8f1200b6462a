//! What is missing in one store or in both, why, and what cannot be read.

use qlance::point::diff::{Because, RecordDiff, compare};
use qlance::point::{Point, PointId};
use qlance::tasks::{Owned, Phase, SampleOf};
use ratatui::style::{Color, Modifier};
use serde_json::json;

use super::super::frame::{assert_says, style_of};
use super::super::migrate::running;
use super::super::{COLORS, SIZES, Scene, payload};
use super::{listed, rain};

const WARN: (Color, Modifier) = (Color::Yellow, Modifier::BOLD);
const DIM: (Color, Modifier) = (Color::Reset, Modifier::DIM);

#[test]
fn a_pair_that_is_missing_on_one_side() {
    let missing = compare(PointId::Num(17), Some(&rain()), None, None, false);
    let scene = listed().press("\n").reading_pair(missing);
    scene.assert_looks("diff_missing");
    let screen = scene.draw(COLORS, (80, 24));
    assert_eq!(style_of(&screen, "< unnamed vector: 2 numbers"), WARN);
    assert_eq!(style_of(&screen, "< pages"), WARN);
    assert!(!scene.text((80, 24)).contains("fold"), "there is nothing to fold");
    // While points are moved, that is why.
    let moved = "points are still being moved: it may come yet";
    assert_eq!(style_of(&screen, moved), DIM);
    let screen = scene.phase(Phase::Complete).text((80, 24));
    assert!(!screen.contains(moved), "{screen}");
}

#[test]
fn a_pair_in_neither_store() {
    let neither = compare(PointId::Num(90_211), None, None, None, false);
    let scene = listed().press("jjjj\n").reading_pair(neither);
    scene.assert_looks("diff_in_neither");
    let screen = scene.draw(COLORS, (80, 24));
    assert_eq!(style_of(&screen, "neither store has this point"), WARN);
    assert_eq!(style_of(&screen, "i compares another point"), DIM);
    for part in ["there are no fields", "wrap", "~ changed"] {
        assert!(!scene.text((80, 24)).contains(part), "{part}");
    }
    // Nor is it good that one store lacks a point without fields.
    let id = PointId::Num(90_210);
    let bare = Point {
        payload: payload(json!({})),
        ..rain()
    };
    for (record, said) in [
        (compare(id, Some(&bare), None, None, false), "LanceDB lacks this point"),
        (compare(id, None, Some(&bare), None, false), "Qdrant lacks this point"),
    ] {
        let scene = listed().press("jjj\n").reading_pair(record);
        let screen = scene.draw(COLORS, (80, 24));
        assert_eq!(style_of(&screen, said), WARN, "{said}");
    }
}

/// The point that is missing because it failed, as the list says.
fn failed(error: &str) -> Scene {
    let id = "2f9a7b4c-0000-4000-8000-000000000002".parse().expect("a point id");
    let record = RecordDiff {
        because: Some(Because::Failed(error.to_owned())),
        ..compare(id, Some(&rain()), None, None, false)
    };
    listed().press("jjjjjjj\n").reading_pair(record)
}

#[test]
fn how_a_skip_is_taken_back_stands_over_the_fields_of_its_point() {
    let id = "6a5b9f3e-0000-4000-8000-000000000004".parse().expect("a point id");
    let record = RecordDiff {
        because: Some(Because::Skipped("deleted on purpose".into())),
        ..compare(id, Some(&rain()), None, None, false)
    };
    let scene = listed().press("jjjjjjjjj\n").reading_pair(record);
    let screen = scene.draw(COLORS, (80, 24));
    assert_eq!(style_of(&screen, "3 (Failures) takes the skip back"), DIM);
    assert!(!scene.text((80, 24)).contains("it may come yet"));
}

#[test]
fn why_a_point_is_missing_stands_over_its_fields() {
    let scene = failed("400 Bad Request: too many tokens");
    scene.assert_looks("diff_because");
    let screen = scene.text((80, 24));
    assert_says(&screen, "failed: 400 Bad Request: too many tokens");
    assert_says(&screen, "3 (Failures) has the whole of it");
    let colors = scene.draw(COLORS, (80, 24));
    assert_eq!(style_of(&colors, "failed: 400"), (Color::Cyan, Modifier::empty()));
    // However long it is, the fields are seen, and that it goes on.
    let long = failed(&"the server says a lot ".repeat(200));
    for size in SIZES {
        let screen = long.text(size);
        let cut = |line: &str| line.trim_end_matches(['│', ' ']).ends_with('~');
        assert!(screen.lines().any(cut), "{screen}");
        assert_says(&screen, "3 (Failures)");
        assert_says(&screen, "< content");
    }
}

#[test]
fn a_pair_that_cannot_be_read() {
    // The last one, of which the list says so already.
    let id: PointId = "7c0d1e5b-0000-4000-8000-000000000005".parse().expect("a point id");
    let error = "cannot be read from Qdrant: 1e400 is not finite";
    let scene = listed().press("G\n").unanswered(Owned::Pair(id), error).later();
    scene.assert_looks("diff_opened_unreadable");
    assert_says(&scene.text((80, 24)), &format!("Point {id} "));
    assert_says(&scene.text((80, 24)), " Enter again  n sample");
    // However long it is, what can be done is seen.
    let endless = "the server says a lot ".repeat(400);
    let scene = listed().press("\n");
    let scene = scene.unanswered(Owned::Pair(PointId::Num(17)), &endless).later();
    let none = running().press("4n");
    let none = none.unanswered(Owned::Pairs(SampleOf::Random), &endless).later();
    for size in SIZES {
        assert_says(&scene.text(size), "Enter reads it again, Esc goes back");
        assert_says(&none.text(size), "Enter asks the same again");
    }
    assert_says(&none.text((80, 24)), "~");
}
