//! What differs between a point in Qdrant and its row in LanceDB: fields by path with their types told apart, vectors
//! in a few numbers. Pure.

mod because;
mod flatten;
mod vectors;
mod words;

use serde_json::Value;

use super::{Point, PointId, VectorName};
use flatten::flatten;

pub use because::Because;
pub use vectors::VectorDiff;
pub use words::{Piece, words};

/// Fields of one record that are compared at most; what lies beyond is counted as one field more.
pub const MAX_FIELDS: usize = 20_000;

/// How a point stands in both stores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Payload and carried vectors are equal, types included.
    Same,
    /// Something differs.
    Differs,
    /// The point has no row.
    MissingInLancedb,
    /// The row has no point.
    MissingInQdrant,
    /// Neither store has it.
    MissingInBoth,
}

impl Verdict {
    /// The words on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs => "differs",
            Self::MissingInLancedb => "missing in LanceDB",
            Self::MissingInQdrant => "missing in Qdrant",
            Self::MissingInBoth => "in neither store",
        }
    }
}

/// How one field stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldVerdict {
    /// Equal, type included.
    Same,
    /// Another value.
    Changed,
    /// The same number as another type: `1` and `1.0`.
    TypeOnly,
    /// Only in Qdrant.
    OnlyInQdrant,
    /// Only in LanceDB.
    OnlyInLancedb,
}

/// One field of both records. `None` is a missing field; a null is `Some(Value::Null)`.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct FieldDiff {
    /// Where it is: `a.b[2].c`.
    pub path: String,
    /// In Qdrant.
    pub qdrant: Option<Value>,
    /// In LanceDB.
    pub lancedb: Option<Value>,
    /// How the two compare.
    pub verdict: FieldVerdict,
    /// Where both are texts that differ: which words do, long equal stretches left out. Filled by
    /// [`RecordDiff::light_words`].
    #[serde(skip)]
    pub words: Option<Words>,
}

/// The words of both sides, Qdrant's first.
pub type Words = (Vec<Piece>, Vec<Piece>);

/// One point in both stores.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RecordDiff {
    /// The point.
    pub id: PointId,
    /// What is to be said of it as a whole.
    pub verdict: Verdict,
    /// Its payload's fields by path.
    pub fields: Vec<FieldDiff>,
    /// Its vectors by name; the new embedding is called `embedding`.
    pub vectors: Vec<(VectorName, VectorDiff)>,
    /// Fields beyond [`MAX_FIELDS`], which were not compared one by one.
    pub not_shown: usize,
    /// Why it stands so, where that is known. Filled by who asks the journal.
    pub because: Option<Because>,
}

impl RecordDiff {
    /// Finds the differing words of texts, for the first hundred fields that want it.
    pub fn light_words(&mut self) {
        let changed = self
            .fields
            .iter_mut()
            .filter(|field| field.verdict == FieldVerdict::Changed);
        for field in changed.take(100) {
            if let (Some(Value::String(left)), Some(Value::String(right))) = (&field.qdrant, &field.lancedb) {
                let (left, right) = words(left, right);
                field.words = Some((words::excerpt(left), words::excerpt(right)));
            }
        }
    }

    /// Fields that differ.
    pub fn differing(&self) -> usize {
        self.fields
            .iter()
            .filter(|field| field.verdict != FieldVerdict::Same)
            .count()
    }
}

/// The word for a value's type, as Qdrant's payloads tell them apart.
pub fn type_name(value: Option<&Value>) -> &'static str {
    match value {
        None => "missing",
        Some(Value::Null) => "null",
        Some(Value::Bool(_)) => "bool",
        Some(Value::Number(number)) if number.is_f64() => "double",
        Some(Value::Number(_)) => "integer",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_)) => "list",
        Some(Value::Object(_)) => "object",
    }
}

/// Compares a point with its row. `embedding` is the row's new embedding and the name of Qdrant's vector that it
/// stands beside; where `carried`, the two must be equal as the other vectors must.
pub fn compare(
    id: PointId,
    qdrant: Option<&Point>,
    lancedb: Option<&Point>,
    embedding: Option<(&str, &[f32])>,
    carried: bool,
) -> RecordDiff {
    let (left, left_more) = qdrant.map(|point| flatten(&point.payload)).unwrap_or_default();
    let (right, right_more) = lancedb.map(|point| flatten(&point.payload)).unwrap_or_default();
    let fields = align(left, right);
    let not_shown = left_more.max(right_more);
    let vectors = vectors::compare(qdrant, lancedb, embedding, carried);
    let verdict = match (qdrant, lancedb) {
        (None, None) => Verdict::MissingInBoth,
        (Some(_), None) => Verdict::MissingInLancedb,
        (None, Some(_)) => Verdict::MissingInQdrant,
        (Some(left), Some(right)) => {
            // Whatever is shown, the verdict is about the whole payload.
            let same = left.payload == right.payload && vectors.iter().all(|(_, vector)| vector.agrees);
            if same { Verdict::Same } else { Verdict::Differs }
        }
    };
    RecordDiff {
        id,
        verdict,
        fields,
        vectors,
        not_shown,
        because: None,
    }
}

/// Puts fields of the same path side by side. Both sides are in path order.
fn align(left: Vec<(String, Value)>, right: Vec<(String, Value)>) -> Vec<FieldDiff> {
    let mut right: std::collections::BTreeMap<String, Value> = right.into_iter().collect();
    let mut fields: Vec<FieldDiff> = left
        .into_iter()
        .map(|(path, qdrant)| {
            let lancedb = right.remove(&path);
            let verdict = match &lancedb {
                None => FieldVerdict::OnlyInQdrant,
                Some(lancedb) => judge(&qdrant, lancedb),
            };
            FieldDiff {
                path,
                qdrant: Some(qdrant),
                lancedb,
                verdict,
                words: None,
            }
        })
        .collect();
    fields.extend(right.into_iter().map(|(path, lancedb)| FieldDiff {
        path,
        qdrant: None,
        lancedb: Some(lancedb),
        verdict: FieldVerdict::OnlyInLancedb,
        words: None,
    }));
    fields.sort_by(|a, b| flatten::path_order(&a.path, &b.path));
    fields
}

fn judge(left: &Value, right: &Value) -> FieldVerdict {
    if left == right {
        return FieldVerdict::Same;
    }
    let same_number = left.as_f64().is_some_and(|number| right.as_f64() == Some(number));
    if same_number && type_name(Some(left)) != type_name(Some(right)) {
        FieldVerdict::TypeOnly
    } else {
        FieldVerdict::Changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::{Vector, Vectors};
    use serde_json::json;

    fn point(payload: &Value) -> Point {
        Point {
            id: PointId::Num(1),
            payload: payload.as_object().cloned().expect("an object"),
            vectors: Vectors::from([(String::new(), Vector::Dense(vec![1.0, 0.0]))]),
        }
    }

    fn verdicts(left: &Value, right: &Value) -> Vec<(String, FieldVerdict)> {
        let diff = compare(PointId::Num(1), Some(&point(left)), Some(&point(right)), None, false);
        diff.fields
            .into_iter()
            .map(|field| (field.path, field.verdict))
            .collect()
    }

    #[test]
    fn types_and_absence_are_told_apart() {
        use FieldVerdict::{Changed, OnlyInLancedb, OnlyInQdrant, Same, TypeOnly};
        let left = json!({"a": 1, "b": null, "c": "x", "d": {"e": [1, {"f": true}]}, "g": 2, "h": []});
        let right = json!({"a": 1.0, "c": "x", "d": {"e": [1, {"f": false}, 3]}, "g": "2", "h": {}, "i": null});
        let expected = [
            ("a", TypeOnly),
            ("b", OnlyInQdrant),
            ("c", Same),
            ("d.e[0]", Same),
            ("d.e[1].f", Changed),
            ("d.e[2]", OnlyInLancedb),
            ("g", Changed),
            ("h", Changed),
            ("i", OnlyInLancedb),
        ];
        let expected: Vec<_> = expected.map(|(path, verdict)| (path.to_owned(), verdict)).into();
        assert_eq!(verdicts(&left, &right), expected);
        assert_eq!(type_name(Some(&json!(1))), "integer");
        assert_eq!(type_name(Some(&json!(1.0))), "double");
        assert_eq!((type_name(None), type_name(Some(&Value::Null))), ("missing", "null"));
    }

    #[test]
    fn a_value_that_became_a_tree_is_one_difference_on_each_side() {
        let found = verdicts(&json!({"a": 1}), &json!({"a": {"b": 1}}));
        assert_eq!(
            found,
            [
                ("a".to_owned(), FieldVerdict::OnlyInQdrant),
                ("a.b".to_owned(), FieldVerdict::OnlyInLancedb)
            ]
        );
    }

    #[test]
    fn the_verdict_is_about_the_whole() {
        let left = point(&json!({"a": 1}));
        let id = PointId::Num(1);
        assert_eq!(
            compare(id, Some(&left), Some(&left), None, false).verdict,
            Verdict::Same
        );
        assert_eq!(
            compare(id, Some(&left), None, None, false).verdict,
            Verdict::MissingInLancedb
        );
        assert_eq!(
            compare(id, None, Some(&left), None, false).verdict,
            Verdict::MissingInQdrant
        );
        assert_eq!(compare(id, None, None, None, false).verdict, Verdict::MissingInBoth);
        let carried = compare(id, Some(&left), Some(&left), Some(("", &[0.0, 1.0])), true);
        assert_eq!(carried.verdict, Verdict::Differs, "a carried vector must be equal");
        let embedded = compare(id, Some(&left), Some(&left), Some(("", &[0.0, 1.0])), false);
        assert_eq!(embedded.verdict, Verdict::Same, "a new embedding may differ");
    }

    #[test]
    fn two_thousand_fields_and_sixty_levels_are_no_trouble() {
        let mut deep = json!("bottom");
        for _ in 0..60 {
            deep = json!([deep]);
        }
        let mut wide: serde_json::Map<String, Value> = (0..2_000).map(|n| (format!("f{n}"), json!(n))).collect();
        wide.insert("deep".into(), deep);
        let left = Value::Object(wide.clone());
        wide.insert("f1999".into(), json!("other"));
        let found = verdicts(&left, &Value::Object(wide));
        assert_eq!(found.len(), 2_001);
        assert_eq!(
            found
                .iter()
                .filter(|(_, verdict)| *verdict != FieldVerdict::Same)
                .count(),
            1
        );
    }

    #[test]
    fn more_fields_than_can_be_shown_are_counted_and_still_judged() {
        let list: Vec<u32> = (0..MAX_FIELDS as u32 + 5).collect();
        let mut other = list.clone();
        *other.last_mut().expect("not empty") = 0;
        let (left, right) = (point(&json!({"a": list})), point(&json!({"a": other})));
        let diff = compare(PointId::Num(1), Some(&left), Some(&right), None, false);
        assert_eq!(
            (diff.fields.len(), diff.not_shown, diff.differing()),
            (MAX_FIELDS, 5, 0)
        );
        assert_eq!(diff.verdict, Verdict::Differs);
    }
}
