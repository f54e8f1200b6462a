//! Faults planted into a table from outside, with LanceDB alone: rows are read back, changed in one place, deleted and
//! added again; everything else of a row stays as it was. Which rows, and how, a seeded generator draws. Knows nothing of
//! verification.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::Float32Type;
use arrow_array::{Array as _, ArrayRef, FixedSizeListArray, Float32Array, RecordBatch, StringArray, new_null_array};
use arrow_schema::DataType;
use futures::TryStreamExt as _;
use lancedb::Table;
use lancedb::query::ExecutableQuery as _;
use lancedb::table::NaNVectorBehavior;
use qlance::config::ColumnType;
use qlance::lance::schema::EMBEDDING;
use qlance::lance::{RowDecoder, TableSchema};
use qlance::point::{Payload, PointId};
use rand::Rng as _;
use rand::rngs::StdRng;
use serde_json::{Map, Value, json};

use super::world::World;

/// The payload's text, of which one word is changed.
const WORDS: &str = "content";
/// A payload key whose values are doubles without a fraction: one of them becomes an integer.
pub(crate) const DOUBLE: &str = "score";
/// A payload key that no point has: one row says null there.
const ABSENT: &str = "note";
/// The column of the cosines with Qdrant's vectors.
const SIMILARITY: &str = "original_similarity";
/// Ids of rows without a point begin here.
const EXTRA: u64 = 1 << 40;

/// What can be wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fault {
    /// It is not there.
    Missing,
    /// It is there, and its point is not.
    Extra,
    /// It is there twice.
    Doubled,
    /// Another word in its text.
    AnotherWord,
    /// `1` for `1.0` in its payload.
    IntegerForDouble,
    /// Null in its payload, where its point has nothing.
    NullForMissing,
    /// Another row's embedding, which has this one's.
    SwappedVectors,
    /// A NaN in its embedding.
    NotANumber,
    /// An embedding of length 1 from nowhere near, as another model gives.
    AnotherModel,
    /// Another row's embedding, and no similarity that would tell.
    SwappedWithoutSimilarity,
}

impl Fault {
    /// All of them.
    pub(crate) const ALL: [Self; 10] = [
        Self::Missing,
        Self::Extra,
        Self::Doubled,
        Self::AnotherWord,
        Self::IntegerForDouble,
        Self::NullForMissing,
        Self::SwappedVectors,
        Self::NotANumber,
        Self::AnotherModel,
        Self::SwappedWithoutSimilarity,
    ];

    /// Rows that it takes.
    fn rows(self) -> usize {
        match self {
            Self::SwappedVectors | Self::SwappedWithoutSimilarity => 2,
            _ => 1,
        }
    }
}

/// What was planted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Planting {
    /// The fault.
    pub(crate) fault: Fault,
    /// Whose rows are wrong by it: one id, or both of a swapped pair.
    pub(crate) ids: Vec<PointId>,
}

/// A hand in the table of a [`World`].
pub(crate) struct Planter {
    table: Table,
    schema: TableSchema,
}

/// What is to be done to the table.
#[derive(Default)]
struct Work {
    delete: Vec<PointId>,
    add: Vec<RecordBatch>,
}

impl Planter {
    /// Opens the table through a handle of its own.
    pub(crate) async fn open(world: &World) -> Self {
        let dir = world.path().join("out.lance");
        let db = lancedb::connect(dir.to_str().expect("a UTF-8 path"))
            .execute()
            .await
            .expect("a database");
        let table = db.open_table("messages").execute().await.expect("a table");
        let schema = table.schema().await.expect("a schema");
        let schema = TableSchema::from_arrow(&schema).expect("qlance's columns");
        Self { table, schema }
    }

    /// The handle.
    pub(crate) fn table(&self) -> &Table {
        &self.table
    }

    /// The newest version.
    pub(crate) async fn version(&self) -> u64 {
        self.table.checkout_latest().await.expect("the newest version");
        self.table.version().await.expect("a version")
    }

    /// Takes the table back to a version, as a new one.
    pub(crate) async fn restore(&self, version: u64) {
        self.table.checkout(version).await.expect("the version");
        self.table.restore().await.expect("restored");
        self.table.checkout_latest().await.expect("the newest version");
    }

    /// Plants these faults, each in rows of its own, in at most two commits. Answers what was planted where.
    pub(crate) async fn plant(&self, faults: &[Fault], rng: &mut StdRng) -> Vec<Planting> {
        let rows = self.rows().await;
        let wanted: usize = faults.iter().map(|fault| fault.rows()).sum();
        let drawn = rand::seq::index::sample(rng, rows.len(), wanted).into_vec();
        let mut drawn = drawn.into_iter().map(|place| &rows[place]);
        let mut work = Work::default();
        let mut planted = Vec::with_capacity(faults.len());
        for fault in faults {
            let rows: Vec<&(PointId, RecordBatch)> = drawn.by_ref().take(fault.rows()).collect();
            let ids = self.one(*fault, &rows, &mut work, rng);
            planted.push(Planting { fault: *fault, ids });
        }
        self.carry_out(work).await;
        planted
    }

    /// Puts a row with another word before a row that stays as it is: of two rows of one id only the second is right.
    /// Answers whose they are.
    pub(crate) async fn put_stale_before(&self, rng: &mut StdRng) -> PointId {
        let rows = self.rows().await;
        let row = &rows[rng.random_range(0..rows.len())];
        let mut work = Work::default();
        self.one(Fault::AnotherWord, &[row], &mut work, rng);
        self.carry_out(work).await;
        let right = Work {
            add: vec![row.1.clone()],
            ..Work::default()
        };
        self.carry_out(right).await;
        row.0
    }

    /// Deletes rows and adds them again, as they are: no index covers them now. Answers whose they are.
    pub(crate) async fn rewrite(&self, count: usize) -> Vec<PointId> {
        let (delete, add): (Vec<PointId>, Vec<RecordBatch>) = self.rows().await.into_iter().take(count).unzip();
        let ids = delete.clone();
        self.carry_out(Work { delete, add }).await;
        ids
    }

    /// Plants one fault in these rows; answers whose rows are wrong by it.
    fn one(&self, fault: Fault, rows: &[&(PointId, RecordBatch)], work: &mut Work, rng: &mut StdRng) -> Vec<PointId> {
        let (id, row) = rows[0];
        let changed = match fault {
            Fault::Missing => {
                work.delete.push(*id);
                return vec![*id];
            }
            Fault::Doubled => {
                work.add.push(row.clone());
                return vec![*id];
            }
            Fault::Extra => {
                let other = PointId::Num(EXTRA + rng.random_range(0..EXTRA));
                let text: ArrayRef = Arc::new(StringArray::from(vec![other.to_string()]));
                work.add.push(with_column(row, "id", text));
                return vec![other];
            }
            Fault::SwappedVectors | Fault::SwappedWithoutSimilarity => {
                let (other_id, other) = rows[1];
                let changed = [
                    with_column(row, EMBEDDING, column(other, EMBEDDING)),
                    with_column(other, EMBEDDING, column(row, EMBEDDING)),
                ];
                work.delete.extend([*id, *other_id]);
                work.add.extend(changed.map(|row| match fault {
                    Fault::SwappedVectors => row,
                    _ => without(&row, SIMILARITY),
                }));
                return vec![*id, *other_id];
            }
            Fault::AnotherWord => {
                let payload = self.payload(row);
                let said = payload[WORDS].as_str().expect("a text");
                let mut words: Vec<&str> = said.split(' ').collect();
                let place = rng.random_range(0..words.len());
                words[place] = "changed";
                self.with_value(row, WORDS, &json!(words.join(" ")))
            }
            Fault::IntegerForDouble => {
                let number = self.payload(row)[DOUBLE].as_f64().expect("a double");
                self.with_value(row, DOUBLE, &json!(number as i64))
            }
            Fault::NullForMissing => self.with_value(row, ABSENT, &Value::Null),
            Fault::NotANumber => {
                let mut numbers = embedding(row);
                let place = rng.random_range(0..numbers.len());
                numbers[place] = f32::NAN;
                with_embedding(row, numbers)
            }
            Fault::AnotherModel => {
                let numbers: Vec<f32> = embedding(row).iter().map(|_| rng.random_range(-1.0..1.0)).collect();
                let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
                with_embedding(row, numbers.into_iter().map(|number| number / length).collect())
            }
        };
        work.delete.push(*id);
        work.add.push(changed);
        vec![*id]
    }

    async fn carry_out(&self, work: Work) {
        if !work.delete.is_empty() {
            let list: Vec<String> = work.delete.iter().map(|id| format!("'{id}'")).collect();
            let condition = format!("id IN ({})", list.join(","));
            self.table.delete(condition.as_str()).await.expect("rows are deleted");
        }
        if !work.add.is_empty() {
            self.table
                .add(work.add)
                .on_nan_vectors(NaNVectorBehavior::Keep)
                .execute()
                .await
                .expect("rows are added");
        }
    }

    /// All rows by their ids, each a batch of its own.
    async fn rows(&self) -> Vec<(PointId, RecordBatch)> {
        self.table.checkout_latest().await.expect("the newest version");
        let mut batches = self.table.query().execute().await.expect("a scan");
        let mut rows = Vec::new();
        while let Some(batch) = batches.try_next().await.expect("a batch") {
            let columns: Vec<ArrayRef> = self
                .schema
                .columns()
                .iter()
                .map(|wanted| column(&batch, &wanted.name))
                .collect();
            // What is read back is written as qlance writes it: JSON as text.
            let batch = RecordBatch::try_new(Arc::clone(self.schema.arrow()), columns).expect("the table's columns");
            let ids = column(&batch, "id");
            let ids = ids.as_string::<i32>();
            for place in 0..batch.num_rows() {
                let id: PointId = ids.value(place).parse().expect("an id");
                rows.push((id, batch.slice(place, 1)));
            }
        }
        rows.sort_by_key(|(id, _)| *id);
        rows
    }

    fn payload(&self, row: &RecordBatch) -> Payload {
        let decoded = RowDecoder::new(&self.schema, row).row(0).expect("a row");
        decoded.point.payload
    }

    /// The same row whose payload says something else under a key: in its column where that takes such a value, else in
    /// the column of everything else.
    fn with_value(&self, row: &RecordBatch, key: &str, value: &Value) -> RecordBatch {
        let kind = self.schema.payload_columns().find(|(name, _)| *name == key);
        let mut row = row.clone();
        match (kind, value) {
            (Some((_, ColumnType::String)), Value::String(text)) => {
                return with_column(&row, key, Arc::new(StringArray::from(vec![text.as_str()])));
            }
            (Some(_), _) => row = without(&row, key),
            (None, _) => {}
        }
        let held = column(&row, "extra");
        let held = held.as_string::<i32>();
        let mut extra: Map<String, Value> = if held.is_null(0) {
            Map::new()
        } else {
            serde_json::from_str(held.value(0)).expect("a JSON object")
        };
        extra.insert(key.to_owned(), value.clone());
        let text = Value::Object(extra).to_string();
        with_column(&row, "extra", Arc::new(StringArray::from(vec![text])))
    }
}

fn column(row: &RecordBatch, name: &str) -> ArrayRef {
    let found = row.column_by_name(name);
    Arc::clone(found.unwrap_or_else(|| panic!("no column {name}")))
}

/// The same row with another array in one of its columns.
fn with_column(row: &RecordBatch, name: &str, array: ArrayRef) -> RecordBatch {
    let schema = row.schema();
    let place = schema.index_of(name).expect("a column");
    let mut columns = row.columns().to_vec();
    columns[place] = array;
    RecordBatch::try_new(schema, columns).expect("a row")
}

/// The same row without a value in one of its columns.
fn without(row: &RecordBatch, name: &str) -> RecordBatch {
    let nulls = new_null_array(column(row, name).data_type(), 1);
    with_column(row, name, nulls)
}

/// The numbers of a row's embedding.
fn embedding(row: &RecordBatch) -> Vec<f32> {
    let numbers = column(row, EMBEDDING).as_fixed_size_list().value(0);
    numbers.as_primitive::<Float32Type>().values().to_vec()
}

fn with_embedding(row: &RecordBatch, numbers: Vec<f32>) -> RecordBatch {
    let held = column(row, EMBEDDING);
    let DataType::FixedSizeList(item, size) = held.data_type() else {
        panic!("{} is no column of vectors", held.data_type())
    };
    let array = FixedSizeListArray::new(Arc::clone(item), *size, Arc::new(Float32Array::from(numbers)), None);
    with_column(row, EMBEDDING, Arc::new(array))
}
