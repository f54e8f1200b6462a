//! What is wrong with a row's vectors, case by case.

use std::sync::Arc;

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
    tally.look(row, point.map(Ok).as_ref());
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
        // Nothing to hold it against.
        (None, Some(""), Some([1.0, 0.0]), None, 0),
        (Some(0.8), Some(""), None, None, 0),
        (Some(0.8), None, Some([1.0, 0.0]), None, 0),
    ] {
        let mut tally = tally(Plan::texts("content"), compared, false);
        tally.look(&row(Some(&[0.8, 0.6]), similarity), Some(&Ok(point(old))));
        let found = tally.faults.keys().next().copied();
        assert_eq!((found, tally.tied), (expected, tied), "{similarity:?} {old:?}");
        assert_eq!(tally.tied + tally.untied, 1);
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
    tally.look(&row(Some(&[1.0, 0.0]), Some(0.5)), None);
    assert_eq!((tally.without_point, tally.faults.len()), (1, 0));
    tally.look(&row(Some(&[0.0, 0.0]), Some(0.5)), None);
    assert_eq!((tally.to_mend.len(), tally.faults.len()), (0, 1));
}
