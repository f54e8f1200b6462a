//! What is wrong with a row's vectors, case by case.

use std::sync::Arc;

use super::super::CheckId;
use super::super::ties::{Kind, judge_kind};
use super::*;
use crate::embed::{Gateways, Space};
use crate::point::{Payload, Vector, Vectors};
use crate::tasks::columns::Columns;

fn tally(plan: Plan, compared: Option<&str>, normalised: bool) -> Tally {
    let space = Space {
        provider: "test".into(),
        model: "m".into(),
        dimensions: 2,
        prefix: String::new(),
        normalised,
    };
    let recipe = Recipe {
        plan,
        gateways: Gateways::default(),
        media: None,
        columns: Arc::new(Columns::new(space, None, None, false)),
        compared: Arc::new([compared.map(str::to_owned), None, None]),
    };
    Tally::new(&recipe, &TableSchema::choir(2, &BTreeMap::new()))
}

fn point(old: Option<[f32; 2]>) -> Point {
    let vectors = old.map(|old| (String::new(), Vector::Dense(old.to_vec())));
    Point {
        id: PointId::Num(1),
        payload: Payload::new(),
        vectors: vectors.into_iter().collect(),
    }
}

fn row(new: Option<&[f32]>, similarity: Option<f32>) -> Row {
    Row {
        point: Point {
            id: PointId::Num(1),
            payload: Payload::new(),
            vectors: Vectors::new(),
        },
        modality: Some(Modality::Text),
        embedding: new.map(<[f32]>::to_vec),
        embedding_column: new.map(|_| EMBEDDING.to_owned()),
        others: Vec::new(),
        similarity: similarity.and_then(Similarity::new),
    }
}

fn fault(mut tally: Tally, row: &Row, point: Option<Point>) -> Option<Fault> {
    tally.look(0, row, point.map(Ok).as_ref());
    assert_eq!(tally.faults.len(), tally.offenders.len());
    tally.faults.keys().next().copied()
}

fn carry() -> Plan {
    Plan::Carry {
        vector: String::new(),
        into: None,
    }
}

#[test]
fn an_embedding_must_be_whole() {
    let old = || Some(point(Some([1.0, 0.0])));
    for (new, normalised, expected) in [
        (Some(&[1.0, 0.0][..]), true, None),
        (None, false, Some(Fault::None)),
        (Some(&[1.0][..]), false, Some(Fault::Dimension)),
        (Some(&[f32::NAN, 1.0][..]), false, Some(Fault::NotFinite)),
        (Some(&[1.0, f32::INFINITY][..]), false, Some(Fault::NotFinite)),
        (Some(&[0.0, 0.0][..]), false, Some(Fault::Zero)),
        (Some(&[2.0, 0.0][..]), false, None),
        (Some(&[2.0, 0.0][..]), true, Some(Fault::Norm)),
        (Some(&[0.999_5, 0.0][..]), true, None),
    ] {
        let tally = tally(Plan::texts("content"), Some(""), normalised);
        assert_eq!(fault(tally, &row(new, Some(1.0)), old()), expected, "{new:?}");
    }
}

#[test]
fn what_was_carried_over_is_equal() {
    for (old, new, expected) in [
        (Some([0.6, 0.8]), [0.6, 0.8], None),
        (Some([0.6, 0.8]), [0.6, 0.800_000_5], None),
        (Some([0.6, 0.8]), [0.6, 0.81], Some(Fault::Unequal)),
        (Some([0.6, 0.8]), [0.8, 0.6], Some(Fault::Unequal)),
        (None, [0.6, 0.8], Some(Fault::Unequal)),
    ] {
        let found = fault(
            tally(carry(), Some(""), false),
            &row(Some(&new), Some(1.0)),
            Some(point(old)),
        );
        assert_eq!(found, expected, "{old:?} {new:?}");
    }
}

#[test]
fn the_stored_similarity_ties_an_embedding_to_its_point() {
    // Of the old vector (1, 0), the cosine of (0.8, 0.6) is 0.8.
    for (similarity, compared, old, expected, tied) in [
        (Some(0.8), Some(""), Some([1.0, 0.0]), None, 1),
        (Some(0.800_005), Some(""), Some([1.0, 0.0]), None, 1),
        (Some(0.81), Some(""), Some([1.0, 0.0]), Some(Fault::Disagrees), 1),
        (Some(0.8), Some(""), Some([0.0, 1.0]), Some(Fault::Disagrees), 1),
        // A swapped embedding whose similarity was taken away as well.
        (None, Some(""), Some([1.0, 0.0]), Some(Fault::Unstored), 0),
        // Nothing to hold it against.
        (None, Some(""), None, None, 0),
        (None, None, Some([1.0, 0.0]), None, 0),
        (Some(0.8), Some(""), None, None, 0),
        (Some(0.8), None, Some([1.0, 0.0]), None, 0),
    ] {
        let mut tally = tally(Plan::texts("content"), compared, false);
        tally.look(0, &row(Some(&[0.8, 0.6]), similarity), Some(&Ok(point(old))));
        let found = tally.faults.keys().next().copied();
        // What is found fault with for it is not in doubt as well.
        let untied = u64::from(expected != Some(Fault::Unstored)) - tied;
        assert_eq!(
            (found, tally.ties.of(&own())),
            (expected, (tied, untied)),
            "{similarity:?} {old:?}"
        );
    }
}

fn own() -> Kind {
    (EMBEDDING.to_owned(), false)
}

#[test]
fn a_similarity_that_was_never_stored_is_not_missed() {
    let look = |change: fn(&mut Tally)| {
        let mut tally = tally(Plan::texts("content"), Some(""), false);
        change(&mut tally);
        tally.look(0, &row(Some(&[0.8, 0.6]), None), Some(&Ok(point(Some([1.0, 0.0])))));
        tally
    };
    // A table without any, as where the spaces were said to differ: then nothing ties its rows.
    let none = look(|tally| tally.stores = false);
    assert_eq!(
        (none.faults.len(), none.unstored.len(), none.ties.of(&own())),
        (0, 0, (0, 1))
    );
    // It may have been there before this job; that is looked up.
    let adopted = look(|tally| tally.adopted = true);
    assert_eq!((adopted.faults.len(), adopted.unstored.len()), (0, 1));
    // Which of two vectors it was compared with cannot be told, and of one there is none.
    let mut either = tally(Plan::texts("content"), Some("t"), false);
    either.recipe.compared = Arc::new([Some("t".to_owned()), Some(String::new()), None]);
    let shared = either.recipe.columns.all()[EMBEDDING].clone();
    either.recipe.columns = Arc::new(Columns::new(shared.clone(), Some(shared), None, false));
    let mut picture = row(Some(&[0.8, 0.6]), None);
    picture.modality = Some(Modality::Image);
    either.look(0, &picture, Some(&Ok(point(Some([1.0, 0.0])))));
    assert_eq!((either.faults.len(), either.ties.of(&own())), (0, (0, 1)));
}

#[test]
fn what_stands_beside_a_rows_own_embedding_is_a_kind_of_its_own() {
    let mut tally = tally(Plan::texts("content"), Some(""), false);
    for place in 0..100 {
        let mut row = row(Some(&[0.8, 0.6]), Some(0.8));
        row.others = vec![("embedding_caption".to_owned(), vec![1.0, 0.0])];
        tally.look(place, &row, Some(&Ok(point(Some([1.0, 0.0])))));
    }
    let caption = ("embedding_caption".to_owned(), true);
    assert_eq!((tally.ties.of(&own()), tally.ties.of(&caption)), ((100, 0), (0, 100)));
    let rows = tally.ties.to_embed_again();
    assert_eq!((rows.untied.len(), rows.others), (1, true));
    let drawn = &rows.untied[&caption];
    assert_eq!(drawn.len(), super::super::AGAIN);
    assert!(drawn.iter().any(|place| *place >= 50), "only the first were drawn");
}

#[test]
fn a_kind_that_nothing_ties_is_judged_by_what_was_embedded_again() {
    for (compared, all, expected) in [
        (0, 300, Outcome::Inconclusive),
        (1, 300, Outcome::Inconclusive),
        (49, 300, Outcome::Inconclusive),
        (50, 300, Outcome::Pass),
        (3, 3, Outcome::Pass),
        (3, 4, Outcome::Inconclusive),
    ] {
        let mut check = Check::new(CheckId::Vectors);
        judge_kind(&mut check, &own(), None, &again::Again::of_kind(own(), compared), all);
        assert_eq!(check.outcome, expected, "{compared} of {all}: {check:?}");
        assert_eq!(check.reasons.is_empty(), expected == Outcome::Pass);
        if compared == 50 {
            assert!(check.figure.contains("so fewer than 6.00 %"), "{}", check.figure);
            assert!(check.threshold.contains("at least 50"), "{}", check.threshold);
        }
    }
}

#[test]
fn rows_that_are_tied_prove_nothing_of_those_beside_them() {
    // Texts are compared; of pictures in the same column Qdrant has no vector: 60 of these, 40 of those.
    let mut tally = tally(Plan::texts("content"), Some(""), false);
    for place in 0..100 {
        let old = (place < 60).then_some([1.0, 0.0]);
        let similarity = (place < 60).then_some(0.8);
        tally.look(place, &row(Some(&[0.8, 0.6]), similarity), Some(&Ok(point(old))));
    }
    assert_eq!((tally.faults.len(), tally.ties.of(&own())), (0, (60, 40)));
    let rows = tally.ties.to_embed_again();
    assert_eq!(
        rows.untied[&own()].iter().copied().collect::<Vec<_>>(),
        (60..100).collect::<Vec<_>>()
    );
    assert!(rows.others, "those that are tied are embedded again as well");
    for (compared, expected) in [
        (0, Outcome::Inconclusive),
        (39, Outcome::Inconclusive),
        (40, Outcome::Pass),
    ] {
        let mut check = Check::new(CheckId::Vectors);
        let again = again::Again::of_kind(own(), compared);
        tally.ties.judge(&mut check, &again, None);
        assert_eq!(check.outcome, expected, "{compared}: {check:?}");
        let reasons = match compared {
            0 => "nothing ties 40 of the embeddings in embedding to their points",
            39 => "only 39 of the 40 untied embeddings in embedding were embedded again",
            _ => "",
        };
        assert!(check.reasons.concat().starts_with(reasons), "{check:?}");
        assert_eq!(check.reasons.is_empty(), expected == Outcome::Pass, "{check:?}");
        assert!(check.notes[0].starts_with("40 rows cannot be held"), "{check:?}");
    }
}

#[test]
fn a_caption_in_the_place_of_its_picture_is_held_against_the_vector_of_texts() {
    let space = |model: &str| Space {
        provider: "test".into(),
        model: model.into(),
        dimensions: 2,
        prefix: String::new(),
        normalised: false,
    };
    let recipe = Recipe {
        plan: Plan::texts("content"),
        gateways: Gateways::default(),
        media: None,
        columns: Arc::new(Columns::new(space("texts"), Some(space("pictures")), None, false)),
        compared: Arc::new([Some("t".to_owned()), Some("p".to_owned()), None]),
    };
    let mut picture = row(Some(&[1.0, 0.0]), None);
    picture.modality = Some(Modality::Image);
    let names = |row: &Row| compared_with(&recipe, row).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(names(&picture), ["t"]);
    picture.embedding_column = Some("embedding_image".to_owned());
    assert_eq!(names(&picture), ["p"]);
    assert_eq!(names(&row(Some(&[1.0, 0.0]), None)), ["t"]);
}

#[test]
fn a_row_without_a_point_is_for_the_check_of_ids() {
    let mut tally = tally(Plan::texts("content"), Some(""), false);
    tally.look(0, &row(Some(&[1.0, 0.0]), Some(0.5)), None);
    assert_eq!((tally.without_point, tally.faults.len()), (1, 0));
    tally.look(1, &row(Some(&[0.0, 0.0]), Some(0.5)), None);
    assert_eq!((tally.to_mend.len(), tally.faults.len()), (0, 1));
}
