//! Rows to payloads: the inverse of [`super::encode`]. Works on batches that come out of the table as well as on those
//! that have not gone in yet.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, Float64Type, Int64Type, UInt32Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use serde_json::{Number, Value};

use super::schema::{EMBEDDING, EMBEDDING_CAPTION, Role, TableSchema, VectorColumn};
use crate::config::ColumnType;
use crate::point::{Modality, Point, PointId, Similarity, Vector, Vectors};

/// One row, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// The point as it was: id, payload, and the vectors that the table keeps.
    pub point: Point,
    /// What it is made of, where the column was read.
    pub modality: Option<Modality>,
    /// The new embedding of its own modality, where the column was read.
    pub embedding: Option<Vec<f32>>,
    /// The column that holds it.
    pub embedding_column: Option<String>,
    /// The other embeddings it has, such as that of its caption, with their columns.
    pub others: Vec<(String, Vec<f32>)>,
    /// Cosine with Qdrant's vector.
    pub similarity: Option<Similarity>,
}

/// A row that cannot have come from qlance.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("row {row}, column {column:?}: {problem}")]
pub struct DecodeError {
    /// The row within its batch.
    pub row: usize,
    /// The column.
    pub column: String,
    /// What is wrong.
    pub problem: String,
}

/// Takes the rows of one batch apart. Columns that were not read are left out of what comes back.
pub struct RowDecoder<'a> {
    columns: Vec<(&'a str, &'a Role, &'a ArrayRef)>,
}

impl<'a> RowDecoder<'a> {
    /// Looks the columns up once for all rows.
    pub fn new(schema: &'a TableSchema, batch: &'a RecordBatch) -> Self {
        Self {
            columns: schema
                .columns()
                .iter()
                .filter_map(|column| {
                    let array = batch.column_by_name(&column.name)?;
                    Some((column.name.as_str(), &column.role, array))
                })
                .collect(),
        }
    }

    /// Takes one row apart.
    ///
    /// # Errors
    /// A column has another type than its role says, or JSON or an id cannot be read.
    pub fn row(&self, row: usize) -> Result<Row, DecodeError> {
        let mut id = None;
        let mut fields: BTreeMap<String, Value> = BTreeMap::new();
        let mut vectors = Vectors::new();
        let mut embeddings: Vec<(String, Vec<f32>)> = Vec::new();
        let mut modality = None;
        let mut similarity = None;
        for (name, role, array) in &self.columns {
            let error = |problem: String| DecodeError {
                row,
                column: (*name).to_owned(),
                problem,
            };
            if array.is_null(row) {
                continue;
            }
            let wrong_type = || error(format!("has the type {}", array.data_type()));
            match role {
                Role::Id => {
                    let text = array.as_string_opt::<i32>().ok_or_else(wrong_type)?.value(row);
                    id = Some(
                        text.parse()
                            .map_err(|e: crate::point::ParseIdError| error(e.to_string()))?,
                    );
                }
                Role::Payload(kind) => {
                    let value = value(*kind, array, row).map_err(error)?.ok_or_else(wrong_type)?;
                    fields.insert((*name).to_owned(), value);
                }
                Role::Extra => {
                    let text = array.as_string_opt::<i32>().ok_or_else(wrong_type)?.value(row);
                    match serde_json::from_str(text).map_err(|e| error(e.to_string()))? {
                        Value::Object(extra) => fields.extend(extra),
                        _ => return Err(error("is no JSON object".into())),
                    }
                }
                Role::Similarity => {
                    let number = array
                        .as_primitive_opt::<Float32Type>()
                        .ok_or_else(wrong_type)?
                        .value(row);
                    similarity = Similarity::new(number);
                }
                Role::Embedding(_) => {
                    embeddings.push(((*name).to_owned(), dense(array, row).ok_or_else(wrong_type)?));
                }
                // Bytes are not read with the rest of a row; what comes is where they lie.
                Role::Media => {}
                Role::Vector(vector, kind) => {
                    let read = match kind {
                        VectorColumn::Dense(_) => dense(array, row).map(Vector::Dense),
                        VectorColumn::Sparse => sparse(array, row),
                        VectorColumn::Multi(_) => multi(array, row),
                    };
                    vectors.insert(vector.clone(), read.ok_or_else(wrong_type)?);
                }
                Role::Modality => {
                    let text = array.as_string_opt::<i32>().ok_or_else(wrong_type)?.value(row);
                    modality = Modality::parse(text);
                }
            }
        }
        let (embedding_column, embedding) = own_embedding(modality, &mut embeddings).unzip();
        Ok(Row {
            point: Point {
                id: id.ok_or_else(|| DecodeError {
                    row,
                    column: "id".into(),
                    problem: "is null or was not read".into(),
                })?,
                payload: fields.into_iter().collect(),
                vectors,
            },
            modality,
            embedding,
            embedding_column,
            others: embeddings,
            similarity,
        })
    }

    /// The id of a row alone.
    ///
    /// # Errors
    /// The id cannot be read.
    pub fn id(&self, row: usize) -> Result<PointId, DecodeError> {
        let only = Self {
            columns: self
                .columns
                .iter()
                .filter(|(_, role, _)| **role == Role::Id)
                .copied()
                .collect(),
        };
        only.row(row).map(|row| row.point.id)
    }
}

/// Takes the embedding of a row's own modality out of all it has: that of the column named after the modality, else the
/// first. A caption's is never it.
fn own_embedding(modality: Option<Modality>, embeddings: &mut Vec<(String, Vec<f32>)>) -> Option<(String, Vec<f32>)> {
    let named = modality.map(|modality| format!("{EMBEDDING}_{}", modality.as_str()));
    let place = embeddings
        .iter()
        .position(|(name, _)| Some(name) == named.as_ref())
        .or_else(|| embeddings.iter().position(|(name, _)| name != EMBEDDING_CAPTION))?;
    Some(embeddings.remove(place))
}

/// The value of a payload column; `Ok(None)` where the array has another type than the column should.
fn value(kind: ColumnType, array: &ArrayRef, row: usize) -> Result<Option<Value>, String> {
    Ok(match kind {
        ColumnType::String => array.as_string_opt::<i32>().map(|array| array.value(row).into()),
        ColumnType::Int => array
            .as_primitive_opt::<Int64Type>()
            .map(|array| array.value(row).into()),
        ColumnType::Float => match array.as_primitive_opt::<Float64Type>() {
            Some(array) => Some(Value::Number(
                Number::from_f64(array.value(row)).ok_or("holds a number that is not finite")?,
            )),
            None => None,
        },
        ColumnType::Bool => array.as_boolean_opt().map(|array| array.value(row).into()),
        ColumnType::Json | ColumnType::Extra => match array.as_string_opt::<i32>() {
            Some(array) => Some(serde_json::from_str(array.value(row)).map_err(|error| error.to_string())?),
            None => None,
        },
    })
}

fn dense(array: &dyn Array, row: usize) -> Option<Vec<f32>> {
    let numbers = array.as_fixed_size_list_opt()?.value(row);
    Some(numbers.as_primitive_opt::<Float32Type>()?.values().to_vec())
}

fn sparse(array: &dyn Array, row: usize) -> Option<Vector> {
    let pair = array.as_struct_opt()?;
    let indices = pair.column_by_name("indices")?.as_list_opt::<i32>()?.value(row);
    let values = pair.column_by_name("values")?.as_list_opt::<i32>()?.value(row);
    Some(Vector::Sparse {
        indices: indices.as_primitive_opt::<UInt32Type>()?.values().to_vec(),
        values: values.as_primitive_opt::<Float32Type>()?.values().to_vec(),
    })
}

fn multi(array: &dyn Array, row: usize) -> Option<Vector> {
    let list = array.as_list_opt::<i32>()?.value(row);
    (0..list.len())
        .map(|index| dense(&list, index))
        .collect::<Option<Vec<_>>>()
        .map(Vector::Multi)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lance::{NewRow, encode};
    use crate::point::Payload;
    use proptest::prelude::*;
    use serde_json::json;

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            prop::num::f64::NORMAL.prop_map(Value::from),
            prop::sample::select(vec![0.0, 1.0, -0.0, 1e16, 1e300, 5e-324]).prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
            prop::sample::select(vec!["", "\u{0}", "null", "1", "\"", "é𝄞"]).prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 24, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map("\\PC{0,6}", inner, 0..5)
                    .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
            ]
        })
    }

    /// Keys that meet columns, the table's own names, and others.
    fn any_payload() -> impl Strategy<Value = Payload> {
        let key = prop_oneof![
            prop::sample::select(vec![
                "content",
                "thread_id",
                "created_at",
                "media_url",
                "chorus_result",
                "modality",
                "id",
                "extra",
                "embedding",
                "original_similarity",
                "",
                "a.b",
            ])
            .prop_map(str::to_owned),
            "\\PC{0,8}",
        ];
        prop::collection::btree_map(key, any_json(), 0..8).prop_map(|map| map.into_iter().collect())
    }

    fn point(id: u64, payload: Payload) -> Point {
        let vectors = Vectors::from([
            ("d".to_owned(), Vector::Dense(vec![1.0, f32::MIN_POSITIVE])),
            (
                "s".to_owned(),
                Vector::Sparse {
                    indices: vec![3, 900],
                    values: vec![0.5, -1.0],
                },
            ),
            (
                "m".to_owned(),
                Vector::Multi(vec![vec![1.0, 2.0, 3.0], vec![4.0, 5.0, 6.0]]),
            ),
        ]);
        let keep = |name: &str| match name {
            "d" => !id.is_multiple_of(2),
            "s" => !id.is_multiple_of(3),
            _ => !id.is_multiple_of(5),
        };
        Point {
            id: PointId::Num(id),
            payload,
            vectors: vectors.into_iter().filter(|(name, _)| keep(name)).collect(),
        }
    }

    fn kinds() -> BTreeMap<String, VectorColumn> {
        BTreeMap::from([
            ("d".to_owned(), VectorColumn::Dense(2)),
            ("s".to_owned(), VectorColumn::Sparse),
            ("m".to_owned(), VectorColumn::Multi(3)),
        ])
    }

    fn round_trip(schema: &TableSchema, points: &[Point]) {
        let rows: Vec<NewRow<'_>> = points
            .iter()
            .map(|point| NewRow::of(point, &[0.5, 0.25], Similarity::new(0.75)))
            .collect();
        let batch = encode(schema, &rows).expect("a batch");
        let decoder = RowDecoder::new(schema, &batch);
        for (index, point) in points.iter().enumerate() {
            let row = decoder.row(index).expect("a row");
            assert_eq!(&row.point, point);
            assert_eq!(row.embedding.as_deref(), Some(&[0.5, 0.25][..]));
            assert_eq!(decoder.id(index).expect("an id"), point.id);
        }
    }

    proptest! {
        // 256 cases of up to 80 payloads: over 10,000 in all, through both profiles.
        #[test]
        fn payloads_come_back_from_the_rows(payloads in prop::collection::vec(any_payload(), 40..80)) {
            let inferred = TableSchema::inferred(&payloads, &BTreeMap::new(), 2, &kinds());
            let points: Vec<Point> = payloads.into_iter().enumerate().map(|(n, p)| point(n as u64, p)).collect();
            round_trip(&TableSchema::choir(2, &kinds()), &points);
            round_trip(&inferred, &points);
        }
    }

    #[test]
    fn a_value_of_another_type_is_kept_beside_its_column() {
        let schema = TableSchema::choir(2, &BTreeMap::new());
        let payload =
            json!({"content": 5, "thread_id": null, "id": "mine", "chorus_result": null, "modality": "image"});
        let point = Point {
            id: PointId::Num(1),
            payload: payload.as_object().cloned().expect("an object"),
            vectors: Vectors::new(),
        };
        let row = NewRow::of(&point, &[0.0, 1.0], None);
        let batch = encode(&schema, &[row]).expect("a batch");
        assert!(batch.column_by_name("content").expect("a column").is_null(0));
        assert_eq!(
            batch
                .column_by_name("id")
                .expect("a column")
                .as_string::<i32>()
                .value(0),
            "1"
        );
        assert_eq!(
            batch
                .column_by_name("modality")
                .expect("a column")
                .as_string::<i32>()
                .value(0),
            "image"
        );
        assert_eq!(RowDecoder::new(&schema, &batch).row(0).expect("a row").point, point);
    }

    #[test]
    fn an_embedding_of_another_dimension_is_refused() {
        let schema = TableSchema::choir(3, &BTreeMap::new());
        let point = point(1, Payload::new());
        let row = NewRow::of(&point, &[0.0, 1.0], None);
        assert!(encode(&schema, &[row]).is_err());
    }
}
