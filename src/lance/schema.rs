//! The table's columns and what each stands for. The roles are kept in the fields' metadata, so that a table can be
//! read back into payloads without the configuration that made it.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, SchemaRef};
use serde::{Deserialize, Serialize};

use crate::config::{ColumnType, can_name_a_column};
use crate::point::Payload;

/// The metadata key of a field's role.
pub const ROLE_KEY: &str = "qlance.role";
/// The metadata key, on the field of the embedding, of its space (invariant 7).
pub const SPACE_KEY: &str = "qlance.space";
/// The metadata key, on the schema, of the job that made the table.
pub const JOB_KEY: &str = "qlance.job";

/// The column of embeddings that share the space of texts, and of all texts.
pub const EMBEDDING: &str = "embedding";
/// The column of captions and transcripts that are embedded as well, where [`EMBEDDING`] holds the media themselves.
pub const EMBEDDING_CAPTION: &str = "embedding_caption";
/// Columns of embeddings that a table can have: texts, pictures, sounds, captions.
pub const MAX_EMBEDDINGS: usize = 4;

/// Columns that are inferred at most; everything else is in `extra`.
const MAX_INFERRED: usize = 64;

/// The kinds of other vectors that a table keeps as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VectorColumn {
    /// `fixed_size_list<float32>[n]`.
    Dense(usize),
    /// `struct<indices: list<uint32>, values: list<float32>>`.
    Sparse,
    /// `list<fixed_size_list<float32>[n]>`.
    Multi(usize),
}

impl fmt::Display for VectorColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dense(size) => write!(f, "a dense vector of {size} numbers"),
            Self::Sparse => f.write_str("a sparse vector"),
            Self::Multi(size) => write!(f, "a multivector of {size} numbers each"),
        }
    }
}

/// What a column stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// The point's id as text.
    Id,
    /// A payload key whose values have one type; a value of another type is in `extra`.
    Payload(ColumnType),
    /// New embeddings of one space: n numbers.
    Embedding(usize),
    /// The bytes of a picture or a sound as they were found, kept out of line (a blob).
    Media,
    /// The modality, told from the payload. The payload's own `modality` is in `extra`.
    Modality,
    /// Cosine of the new embedding and Qdrant's vector.
    Similarity,
    /// What of the payload fits no column, as one JSON object.
    Extra,
    /// A vector of Qdrant, by its name, kept as it is.
    Vector(String, VectorColumn),
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name; of a payload column, the payload's key.
    pub name: String,
    /// What it stands for.
    pub role: Role,
}

/// The columns of a table, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableSchema {
    columns: Vec<Column>,
    arrow: SchemaRef,
}

/// A table whose columns qlance cannot use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// A field without role metadata: the table was not made by qlance.
    #[error("column {0:?} has no {ROLE_KEY} metadata: the table was not made by qlance")]
    NoRole(String),
    /// The metadata cannot be read.
    #[error("column {0:?} has {ROLE_KEY} metadata that cannot be read: {1}")]
    BadRole(String, String),
    /// No id or no `extra` column.
    #[error("the table has no {0} column")]
    Lacks(&'static str),
}

/// A Utf8 field that Lance stores as JSONB.
fn json_field(name: &str) -> Field {
    let extension = HashMap::from([("ARROW:extension:name".to_owned(), "arrow.json".to_owned())]);
    Field::new(name, DataType::Utf8, true).with_metadata(extension)
}

/// The child field of vector columns; must equal what Lance stores, or appends would be cast.
pub(super) fn item_field(kind: DataType) -> Arc<Field> {
    Arc::new(Field::new("item", kind, true))
}

pub(super) fn dense_type(size: usize) -> DataType {
    DataType::FixedSizeList(item_field(DataType::Float32), size as i32)
}

pub(super) fn sparse_fields() -> arrow_schema::Fields {
    vec![
        Field::new("indices", DataType::List(item_field(DataType::UInt32)), true),
        Field::new("values", DataType::List(item_field(DataType::Float32)), true),
    ]
    .into()
}

impl Column {
    fn new(name: impl Into<String>, role: Role) -> Self {
        Self {
            name: name.into(),
            role,
        }
    }

    fn field(&self) -> Field {
        let name = self.name.as_str();
        let field = match &self.role {
            Role::Id => Field::new(name, DataType::Utf8, false),
            Role::Modality => Field::new(name, DataType::Utf8, false),
            Role::Payload(ColumnType::String) => Field::new(name, DataType::Utf8, true),
            Role::Payload(ColumnType::Int) => Field::new(name, DataType::Int64, true),
            Role::Payload(ColumnType::Float) => Field::new(name, DataType::Float64, true),
            Role::Payload(ColumnType::Bool) => Field::new(name, DataType::Boolean, true),
            Role::Payload(ColumnType::Json | ColumnType::Extra) | Role::Extra => json_field(name),
            Role::Embedding(size) | Role::Vector(_, VectorColumn::Dense(size)) => {
                Field::new(name, dense_type(*size), true)
            }
            Role::Similarity => Field::new(name, DataType::Float32, true),
            Role::Media => lance::blob::blob_field(name, true),
            Role::Vector(_, VectorColumn::Sparse) => Field::new(name, DataType::Struct(sparse_fields()), true),
            Role::Vector(_, VectorColumn::Multi(size)) => {
                Field::new(name, DataType::List(item_field(dense_type(*size))), true)
            }
        };
        let mut metadata = field.metadata().clone();
        metadata.insert(ROLE_KEY.into(), serde_json::to_string(&self.role).unwrap_or_default());
        field.with_metadata(metadata)
    }
}

impl TableSchema {
    fn of(columns: Vec<Column>) -> Self {
        let fields: Vec<Field> = columns.iter().map(Column::field).collect();
        Self {
            columns,
            arrow: Arc::new(Schema::new(fields)),
        }
    }

    /// The built-in `choir` table, with an embedding of `dimensions` numbers and Qdrant's other vectors.
    pub fn choir(dimensions: usize, vectors: &BTreeMap<String, VectorColumn>) -> Self {
        let text = |name: &str| Column::new(name, Role::Payload(ColumnType::String));
        let mut columns = vec![
            Column::new("id", Role::Id),
            text("content"),
            text("thread_id"),
            text("created_at"),
            Column::new("embedding", Role::Embedding(dimensions)),
            Column::new("modality", Role::Modality),
            text("media_url"),
            Column::new("chorus_result", Role::Payload(ColumnType::Json)),
            Column::new("original_similarity", Role::Similarity),
            Column::new("extra", Role::Extra),
        ];
        columns.extend(vector_columns(vectors, &columns));
        Self::of(columns)
    }

    /// A table whose payload columns follow a sample: a key gets a column of the one type that all its values have,
    /// a JSON column where types are mixed. `overrides` is the operator's say.
    pub fn inferred(
        sample: &[Payload],
        overrides: &BTreeMap<String, ColumnType>,
        dimensions: usize,
        vectors: &BTreeMap<String, VectorColumn>,
    ) -> Self {
        let mut seen: BTreeMap<&str, (usize, Option<ColumnType>)> = BTreeMap::new();
        for (key, value) in sample.iter().flatten() {
            let entry = seen.entry(key).or_default();
            entry.0 += 1;
            if let Some(kind) = type_of(value) {
                entry.1 = Some(match entry.1 {
                    None => kind,
                    Some(before) if before == kind => kind,
                    Some(_) => ColumnType::Json,
                });
            }
        }
        let mut by_count: Vec<(&str, usize, ColumnType)> = seen
            .into_iter()
            .filter(|(key, _)| !overrides.contains_key(*key))
            .filter_map(|(key, (count, kind))| Some((key, count, kind?)))
            .collect();
        by_count.sort_by_key(|(key, count, _)| (std::cmp::Reverse(*count), *key));
        let mut payload: Vec<(&str, ColumnType)> = overrides
            .iter()
            .map(|(key, kind)| (key.as_str(), *kind))
            .filter(|(_, kind)| *kind != ColumnType::Extra)
            .collect();
        let room = MAX_INFERRED.saturating_sub(payload.len());
        payload.extend(by_count.into_iter().take(room).map(|(key, _, kind)| (key, kind)));
        payload.sort_unstable_by_key(|(key, _)| *key);
        let mut columns = vec![Column::new("id", Role::Id)];
        columns.extend(
            payload
                .into_iter()
                .filter(|(key, _)| can_name_a_column(key))
                .map(|(key, kind)| Column::new(key, Role::Payload(kind))),
        );
        columns.extend([
            Column::new("embedding", Role::Embedding(dimensions)),
            Column::new("modality", Role::Modality),
            Column::new("original_similarity", Role::Similarity),
            Column::new("extra", Role::Extra),
        ]);
        columns.extend(vector_columns(vectors, &columns));
        Self::of(columns)
    }

    /// With another column of embeddings, after those that are there. One that is there already stays as it is.
    #[must_use]
    pub fn with_embedding(self, name: &str, dimensions: usize) -> Self {
        let mut columns = self.columns;
        if !columns.iter().any(|column| column.name == name) {
            let after = columns
                .iter()
                .rposition(|column| matches!(column.role, Role::Embedding(_)));
            let place = after.map_or(columns.len(), |place| place + 1);
            columns.insert(place, Column::new(name, Role::Embedding(dimensions)));
        }
        Self::of(columns)
    }

    /// With a column for each of these vectors of Qdrant that has none yet, after all that are there.
    #[must_use]
    pub fn with_vectors(self, vectors: &BTreeMap<String, VectorColumn>) -> Self {
        let missing: BTreeMap<String, VectorColumn> = vectors
            .iter()
            .filter(|(name, _)| self.vector(name).is_none())
            .map(|(name, kind)| (name.clone(), *kind))
            .collect();
        let mut columns = self.columns;
        columns.extend(vector_columns(&missing, &columns));
        Self::of(columns)
    }

    /// The column that keeps a vector of Qdrant: its name, and what it holds.
    pub fn vector(&self, vector: &str) -> Option<(&str, VectorColumn)> {
        self.columns.iter().find_map(|column| match &column.role {
            Role::Vector(name, kind) if name == vector => Some((column.name.as_str(), *kind)),
            _ => None,
        })
    }

    /// With a column for the bytes of media.
    #[must_use]
    pub fn with_media(self) -> Self {
        let mut columns = self.columns;
        if !columns.iter().any(|column| column.role == Role::Media) {
            columns.push(Column::new("media_bytes", Role::Media));
        }
        Self::of(columns)
    }

    /// The schema of a table that qlance made, from its fields' metadata.
    ///
    /// # Errors
    /// A field has no role, or a column that must be there is not.
    pub fn from_arrow(schema: &Schema) -> Result<Self, SchemaError> {
        let columns = schema
            .fields()
            .iter()
            .map(|field| {
                let role = field
                    .metadata()
                    .get(ROLE_KEY)
                    .ok_or_else(|| SchemaError::NoRole(field.name().clone()))?;
                let role = serde_json::from_str(role)
                    .map_err(|error| SchemaError::BadRole(field.name().clone(), error.to_string()))?;
                Ok(Column::new(field.name(), role))
            })
            .collect::<Result<Vec<_>, _>>()?;
        for (role, name) in [(Role::Id, "id"), (Role::Extra, "extra")] {
            if !columns.iter().any(|column| column.role == role) {
                return Err(SchemaError::Lacks(name));
            }
        }
        Ok(Self::of(columns))
    }

    /// The columns in order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// The Arrow schema as it is written.
    pub fn arrow(&self) -> &SchemaRef {
        &self.arrow
    }

    /// The first column of embeddings: its name and dimension.
    pub fn embedding(&self) -> Option<(&str, usize)> {
        self.embeddings().next()
    }

    /// The columns of embeddings, in order: name and dimension.
    pub fn embeddings(&self) -> impl Iterator<Item = (&str, usize)> {
        self.columns.iter().filter_map(|column| match column.role {
            Role::Embedding(size) => Some((column.name.as_str(), size)),
            _ => None,
        })
    }

    /// Whether the table keeps the bytes of media.
    pub fn keeps_media(&self) -> bool {
        self.columns.iter().any(|column| column.role == Role::Media)
    }

    /// The payload columns: key and type.
    pub fn payload_columns(&self) -> impl Iterator<Item = (&str, ColumnType)> {
        self.columns.iter().filter_map(|column| match column.role {
            Role::Payload(kind) => Some((column.name.as_str(), kind)),
            _ => None,
        })
    }
}

fn vector_columns(vectors: &BTreeMap<String, VectorColumn>, taken: &[Column]) -> Vec<Column> {
    let mut columns: Vec<Column> = Vec::new();
    for (name, kind) in vectors {
        let plain: String = name
            .chars()
            .map(|c| {
                if c.is_alphanumeric() || c == '_' || c == '-' {
                    c
                } else {
                    '_'
                }
            })
            .collect();
        let mut column = if name.is_empty() {
            "vector".to_owned()
        } else {
            format!("vector_{plain}")
        };
        while taken.iter().chain(&columns).any(|other| other.name == column) {
            column.push('_');
        }
        columns.push(Column::new(column, Role::Vector(name.clone(), *kind)));
    }
    columns
}

/// The column type that a value alone would get; none for null.
fn type_of(value: &serde_json::Value) -> Option<ColumnType> {
    use serde_json::Value;
    match value {
        Value::Null => None,
        Value::Bool(_) => Some(ColumnType::Bool),
        Value::String(_) => Some(ColumnType::String),
        Value::Number(number) if number.is_i64() => Some(ColumnType::Int),
        Value::Number(number) if number.is_f64() => Some(ColumnType::Float),
        Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(ColumnType::Json),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn payload(value: serde_json::Value) -> Payload {
        value.as_object().cloned().expect("an object")
    }

    #[test]
    fn vectors_that_come_later_get_columns_after_those_that_are_there() {
        let first = BTreeMap::from([("title".to_owned(), VectorColumn::Dense(2))]);
        let schema = TableSchema::choir(8, &first);
        let before = schema.columns().to_vec();
        let all = BTreeMap::from([
            ("body".to_owned(), VectorColumn::Multi(3)),
            ("title".to_owned(), VectorColumn::Dense(2)),
            ("words".to_owned(), VectorColumn::Sparse),
        ]);
        let schema = schema.with_vectors(&all);
        assert_eq!(schema.columns()[..before.len()], before[..]);
        assert_eq!(schema.vector("title"), Some(("vector_title", VectorColumn::Dense(2))));
        assert_eq!(schema.vector("body"), Some(("vector_body", VectorColumn::Multi(3))));
        assert_eq!(schema.vector("words"), Some(("vector_words", VectorColumn::Sparse)));
        assert_eq!(schema.columns().len(), before.len() + 2);
        assert_eq!(schema.clone().with_vectors(&all), schema);
    }

    #[test]
    fn the_choir_table_is_as_designed() {
        let schema = TableSchema::choir(1_536, &BTreeMap::new());
        let names: Vec<&str> = schema.columns().iter().map(|column| column.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "id",
                "content",
                "thread_id",
                "created_at",
                "embedding",
                "modality",
                "media_url",
                "chorus_result",
                "original_similarity",
                "extra"
            ]
        );
        assert_eq!(schema.embedding(), Some(("embedding", 1_536)));
    }

    #[test]
    fn columns_follow_the_sample_and_the_operator() {
        let sample = [
            payload(json!({"a": 1, "b": "x", "c": 1, "d": true, "e": null, "id": 7, "f.g": 1, "keep": 1, "x": 1.5})),
            payload(json!({"a": 2, "b": "y", "c": 1.0, "d": false, "e": null, "big": u64::MAX, "_rowid": 1})),
        ];
        let overrides = BTreeMap::from([
            ("keep".to_owned(), ColumnType::Extra),
            ("later".to_owned(), ColumnType::Float),
        ]);
        let schema = TableSchema::inferred(&sample, &overrides, 3, &BTreeMap::new());
        let columns: Vec<_> = schema.payload_columns().collect();
        assert_eq!(
            columns,
            [
                ("a", ColumnType::Int),
                ("b", ColumnType::String),
                ("big", ColumnType::Json),
                ("c", ColumnType::Json),
                ("d", ColumnType::Bool),
                ("later", ColumnType::Float),
                ("x", ColumnType::Float),
            ]
        );
    }

    #[test]
    fn the_roles_come_back_from_the_fields() {
        let vectors = BTreeMap::from([
            (String::new(), VectorColumn::Dense(4)),
            ("col bert".to_owned(), VectorColumn::Multi(2)),
            ("bm25".to_owned(), VectorColumn::Sparse),
        ]);
        let schema = TableSchema::choir(8, &vectors);
        assert_eq!(TableSchema::from_arrow(schema.arrow()), Ok(schema));
        let foreign = Schema::new(vec![Field::new("id", DataType::Utf8, false)]);
        assert_eq!(TableSchema::from_arrow(&foreign), Err(SchemaError::NoRole("id".into())));
    }
}
