//! Payloads: what a row says, taken back through the inverse mapping, is its point's payload: 1 is not 1.0, null is not
//! missing. Vectors that the table keeps as they were belong to it.
//!
//! A content that was mended by hand differs on purpose: the journal says what it was and what it became, and the row is
//! held against that.

use std::collections::HashMap;

use serde_json::json;

use super::{Check, Ground};
use crate::journal::{Edit, Journal};
use crate::lance::{DecodeError, Role, Row};
use crate::point::diff::{self, FieldDiff, FieldVerdict, type_name};
use crate::point::verdict::{Limit, PAYLOADS, SAME_NUMBER, Sample, least_sample};
use crate::point::{Payload, Point, PointId, Vector, Vectors, grouped};
use crate::qdrant::ReadPoint;
use crate::tasks::prepare::Plan;

/// Differing fields that are named of one row.
const MOST_FIELDS: usize = 3;

/// A row that differs from its point, unless an edit explains it.
struct Suspect {
    id: PointId,
    point: Payload,
    row: Payload,
    /// What no edit explains.
    besides: Option<String>,
}

/// What was found so far.
pub(super) struct Tally {
    /// Names of the vectors that the table keeps.
    kept: Vec<String>,
    /// The key whose text may have been mended by hand.
    content: Option<String>,
    compared: u64,
    same: u64,
    edited: u64,
    without_point: u64,
    suspects: Vec<Suspect>,
}

impl Tally {
    pub(super) fn new(ground: &Ground<'_>) -> Self {
        let columns = ground.inspector.schema.columns().iter();
        let kept = columns.filter_map(|column| match &column.role {
            Role::Vector(name, _) => Some(name.clone()),
            _ => None,
        });
        Self {
            kept: kept.collect(),
            content: match &ground.inspector.recipe.plan {
                Plan::Embed { content, .. } => Some(content.clone()),
                Plan::Carry { .. } => None,
            },
            compared: 0,
            same: 0,
            edited: 0,
            without_point: 0,
            suspects: Vec::new(),
        }
    }

    /// Compares one row with its point. A row without one is for the check of ids.
    pub(super) fn look(&mut self, row: Row, point: Option<&ReadPoint>) {
        let point = match point {
            None => {
                self.without_point += 1;
                return;
            }
            Some(Ok(point)) => point,
            Some(Err((id, failure))) => {
                self.compared += 1;
                self.suspects.push(Suspect {
                    id: *id,
                    point: Payload::new(),
                    row: Payload::new(),
                    besides: Some(format!("the point cannot be read: {failure}")),
                });
                return;
            }
        };
        self.compared += 1;
        let besides = differing_vector(&self.kept, &point.vectors, &row.point.vectors);
        if besides.is_none() && point.payload == row.point.payload {
            self.same += 1;
            return;
        }
        self.suspects.push(Suspect {
            id: point.id,
            point: point.payload.clone(),
            row: row.point.payload,
            besides,
        });
    }

    /// A row that cannot have come from qlance.
    pub(super) fn unreadable(&mut self, id: PointId, error: &DecodeError) {
        self.compared += 1;
        self.suspects.push(Suspect {
            id,
            point: Payload::new(),
            row: Payload::new(),
            besides: Some(format!("column {:?}: {}", error.column, error.problem)),
        });
    }

    /// Holds what differs against what was mended by hand; what is left joins the check's offenders.
    pub(super) async fn settle(&mut self, ground: &Ground<'_>, check: &mut Check) -> anyhow::Result<()> {
        let suspects = std::mem::take(&mut self.suspects);
        if suspects.is_empty() {
            return Ok(());
        }
        let mut edits = HashMap::new();
        if self.content.is_some() {
            let ids: Vec<PointId> = suspects.iter().map(|suspect| suspect.id).collect();
            let journal = &ground.inspector.journal;
            edits = journal.run(move |journal| applied_edits(journal, &ids)).await?;
        }
        for suspect in suspects {
            let expected = match (&self.content, edits.get(&suspect.id)) {
                (Some(content), Some(edit)) => mended(suspect.point, content, edit),
                _ => suspect.point,
            };
            let besides = suspect.besides;
            if besides.is_none() && expected == suspect.row {
                self.edited += 1;
                continue;
            }
            let (id, row) = (suspect.id, suspect.row);
            check
                .offenders
                .add(id, || besides.unwrap_or_else(|| describe(id, expected, row)));
        }
        Ok(())
    }

    /// Says what came out; `of` is the number of all rows, where a sample of them was looked at.
    pub(super) fn tell(self, check: &mut Check, of: Option<u64>) {
        let differing = check.offenders.total;
        // A row without a point was not looked at.
        let sample = of.map(|of| Sample::new(self.compared, of, differing));
        check.threshold = PAYLOADS.named();
        check.figure = match &sample {
            Some(sample) => sample.text(),
            None => format!("{} of {} rows differ", grouped(differing), grouped(self.compared)),
        };
        if self.edited > 0 {
            check.notes.push(format!(
                "{} rows differ on purpose: their content was mended by hand",
                grouped(self.edited)
            ));
        }
        if differing > 0 {
            check.fail(format!(
                "{} rows are not what their points say; `qlance diff ID` shows one, `qlance verify --repair` or \
                 `qlance sync` brings them over anew",
                grouped(differing)
            ));
        } else if let Some(sample) = &sample
            && !sample.suffices()
        {
            check.doubt(too_small(sample));
        }
        check.sample = sample;
        if self.compared == 0 {
            check.saw_nothing();
        }
        check.numbers = json!({
            "compared": self.compared, "same": self.same + self.edited, "mended_by_hand": self.edited,
            "differing": differing, "without_point": self.without_point,
        });
    }
}

/// Why a sample that found nothing decides nothing.
pub(super) fn too_small(sample: &Sample) -> String {
    format!(
        "a sample of {} of {} rows is too small to decide on; take at least {} (1,000 or 1 % of the rows, whichever is \
         more)",
        grouped(sample.looked_at),
        grouped(sample.of),
        grouped(least_sample(sample.of))
    )
}

/// The edits that the rows of these points say.
pub(super) fn applied_edits(journal: &Journal, ids: &[PointId]) -> anyhow::Result<HashMap<PointId, Edit>> {
    let mut found = HashMap::new();
    for id in ids {
        if let Some(edit) = journal.applied_edit(*id)? {
            found.insert(*id, edit);
        }
    }
    Ok(found)
}

/// The payload as its row should say it, as long as Qdrant still says what was mended.
pub(super) fn mended(mut payload: Payload, content: &str, edit: &Edit) -> Payload {
    if edit.holds(&payload, content) {
        payload.insert(content.to_owned(), edit.after.clone().into());
    }
    payload
}

/// The first of the kept vectors that differs.
fn differing_vector(kept: &[String], qdrant: &Vectors, lancedb: &Vectors) -> Option<String> {
    kept.iter().find_map(|name| {
        let said = if name.is_empty() {
            "the unnamed vector".to_owned()
        } else {
            format!("vector {name:?}")
        };
        match (qdrant.get(name), lancedb.get(name)) {
            (None, None) => None,
            (Some(left), Some(right)) if same_vector(left, right) => None,
            (Some(_), Some(_)) => Some(format!("{said} differs")),
            (Some(_), None) => Some(format!("{said} is missing in LanceDB")),
            (None, Some(_)) => Some(format!("{said} is only in LanceDB")),
        }
    })
}

/// Whether two vectors are equal, each number within 1e-6.
pub(super) fn same_vector(left: &Vector, right: &Vector) -> bool {
    match (left, right) {
        (Vector::Dense(left), Vector::Dense(right)) => same_numbers(left, right),
        (
            Vector::Sparse { indices, values },
            Vector::Sparse {
                indices: others,
                values: other_values,
            },
        ) => indices == others && same_numbers(values, other_values),
        (Vector::Multi(left), Vector::Multi(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_numbers(left, right))
        }
        _ => false,
    }
}

/// Whether two lists of numbers are equal, each within 1e-6.
pub(super) fn same_numbers(left: &[f32], right: &[f32]) -> bool {
    let Limit::AtMost(most, _) = SAME_NUMBER.limit else {
        return left == right;
    };
    qlance_numbers::equal_within(left, right, most)
}

/// Which fields differ and how, without what they hold.
fn describe(id: PointId, expected: Payload, row: Payload) -> String {
    let point = |payload: Payload| Point {
        id,
        payload,
        vectors: Vectors::new(),
    };
    let found = diff::compare(id, Some(&point(expected)), Some(&point(row)), None, false);
    let differing: Vec<&FieldDiff> = found
        .fields
        .iter()
        .filter(|field| field.verdict != FieldVerdict::Same)
        .collect();
    let mut said: Vec<String> = differing.iter().take(MOST_FIELDS).map(|field| word(field)).collect();
    match differing.len().saturating_sub(MOST_FIELDS) {
        0 if said.is_empty() => said.push("differs beyond the fields that are compared one by one".to_owned()),
        0 => {}
        more => said.push(format!("{more} fields more")),
    }
    said.join("; ")
}

fn word(field: &FieldDiff) -> String {
    let path: String = field.path.chars().take(80).collect();
    let (left, right) = (type_name(field.qdrant.as_ref()), type_name(field.lancedb.as_ref()));
    match field.verdict {
        FieldVerdict::Changed if left == right => format!("{path}: another {left}"),
        FieldVerdict::Same | FieldVerdict::Changed | FieldVerdict::TypeOnly => {
            format!("{path}: {right} in LanceDB, {left} in Qdrant")
        }
        FieldVerdict::OnlyInQdrant => format!("{path}: missing in LanceDB, {left} in Qdrant"),
        FieldVerdict::OnlyInLancedb => format!("{path}: {right} in LanceDB, missing in Qdrant"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn payload(value: Value) -> Payload {
        match value {
            Value::Object(payload) => payload,
            other => panic!("no object: {other}"),
        }
    }

    #[test]
    fn fields_are_named_and_their_contents_are_not() {
        for (point, row, expected) in [
            (json!({"a": "secret"}), json!({"a": "hidden"}), "a: another string"),
            (
                json!({"a": 1}),
                json!({"a": 1.0}),
                "a: double in LanceDB, integer in Qdrant",
            ),
            (json!({"a": null}), json!({}), "a: missing in LanceDB, null in Qdrant"),
            (json!({}), json!({"a": null}), "a: null in LanceDB, missing in Qdrant"),
            (
                json!({"a": {"b": [1, 2]}}),
                json!({"a": {"b": [1, "2"]}}),
                "a.b[1]: string in LanceDB, integer in Qdrant",
            ),
            (
                json!({"a": 1, "b": 1, "c": 1, "d": 1, "e": 1}),
                json!({"a": 2, "b": 2, "c": 2, "d": 2, "e": 2}),
                "a: another integer; b: another integer; c: another integer; 2 fields more",
            ),
        ] {
            let said = describe(PointId::Num(1), payload(point), payload(row));
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn numbers_agree_within_a_millionth() {
        for (left, right, expected) in [
            (&[1.0_f32, 0.5][..], &[1.0_f32, 0.5][..], true),
            (&[1.0, 0.5], &[1.0, 0.500_000_9], true),
            (&[1.0, 0.5], &[1.0, 0.500_002], false),
            (&[1.0], &[1.0, 0.0], false),
            (&[f32::NAN], &[1.0], false),
            (&[1.0], &[f32::NAN], false),
            (&[f32::NAN], &[f32::NAN], true),
            (&[], &[], true),
        ] {
            assert_eq!(same_numbers(left, right), expected, "{left:?} {right:?}");
        }
    }

    #[test]
    fn kept_vectors_are_there_in_both_or_in_neither() {
        let dense = |x: f32| Vector::Dense(vec![x]);
        let sparse = |index: u32| Vector::Sparse {
            indices: vec![index],
            values: vec![1.0],
        };
        let kept = [String::new(), "s".to_owned()];
        for (qdrant, lancedb, expected) in [
            (vec![], vec![], None),
            (vec![("", dense(1.0))], vec![("", dense(1.0))], None),
            (
                vec![("", dense(1.0))],
                vec![("", dense(2.0))],
                Some("the unnamed vector differs"),
            ),
            (
                vec![("s", sparse(1))],
                vec![("s", sparse(2))],
                Some("vector \"s\" differs"),
            ),
            (
                vec![("s", sparse(1))],
                vec![],
                Some("vector \"s\" is missing in LanceDB"),
            ),
            (vec![], vec![("s", dense(1.0))], Some("vector \"s\" is only in LanceDB")),
            (vec![("other", dense(1.0))], vec![], None),
        ] {
            let vectors = |list: Vec<(&str, Vector)>| -> Vectors {
                list.into_iter()
                    .map(|(name, vector)| (name.to_owned(), vector))
                    .collect()
            };
            let said = differing_vector(&kept, &vectors(qdrant), &vectors(lancedb));
            assert_eq!(said.as_deref(), expected);
        }
    }

    #[test]
    fn a_mended_content_is_expected_as_long_as_qdrant_says_what_was_mended() {
        let edit = Edit {
            before: None,
            after: "mended".into(),
            at: 1,
        };
        assert_eq!(
            mended(payload(json!({"t": 1})), "content", &edit),
            payload(json!({"t": 1, "content": "mended"}))
        );
        let newer = payload(json!({"content": "newer"}));
        assert_eq!(mended(newer.clone(), "content", &edit), newer);
    }
}
