//! Points to rows: one Arrow batch from many points. Vectors are copied once, into the column's buffer.
//!
//! A payload value that fits its column goes there; everything else (unmapped keys, explicit nulls, values of another
//! type) goes into `extra`, so that [`super::decode`] gives the payload back as it was.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Float32Builder, Float64Builder, Int64Builder, LargeBinaryBuilder, StringBuilder,
};
use arrow_array::{
    ArrayRef, FixedSizeListArray, Float32Array, ListArray, RecordBatch, StringArray, StructArray, UInt32Array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType};
use serde_json::Value;

use super::schema::{Column, MAX_EMBEDDINGS, Role, TableSchema, VectorColumn, dense_type, item_field, sparse_fields};
use crate::config::ColumnType;
use crate::point::{Modality, Payload, Point, Similarity, Vector};

/// What makes a row: a point, its new embeddings, and how far the one of its own modality lies from the old one.
#[derive(Debug, Clone, Copy)]
pub struct NewRow<'a> {
    /// The point as it was read.
    pub point: &'a Point,
    /// What it is made of.
    pub modality: Modality,
    /// Its embeddings, each of its column's dimension, in the order of the table's columns of embeddings.
    pub embeddings: [Option<&'a [f32]>; MAX_EMBEDDINGS],
    /// Cosine with Qdrant's vector, where they can be compared.
    pub similarity: Option<Similarity>,
    /// The bytes of its picture or sound, where the table keeps them.
    pub media: Option<&'a [u8]>,
}

impl<'a> NewRow<'a> {
    /// A row with one embedding, in the table's first column of them.
    pub fn of(point: &'a Point, embedding: &'a [f32], similarity: Option<Similarity>) -> Self {
        Self {
            point,
            modality: Modality::hinted(&point.payload),
            embeddings: [Some(embedding), None, None, None],
            similarity,
            media: None,
        }
    }
}

/// Builds one batch of the table's schema.
///
/// # Errors
/// An embedding of another dimension than the table's, or more bytes than a column can hold.
pub fn encode(schema: &TableSchema, rows: &[NewRow<'_>]) -> Result<RecordBatch, ArrowError> {
    let columns = schema
        .columns()
        .iter()
        .map(|column| encode_column(schema, column, rows))
        .collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(Arc::clone(schema.arrow()), columns)
}

fn strings<'a>(values: impl Iterator<Item = Option<impl AsRef<str>>> + 'a) -> ArrayRef {
    let mut builder = StringBuilder::new();
    for value in values {
        builder.append_option(value);
    }
    Arc::new(builder.finish())
}

/// A column of JSON as text. Each value is written into the same room first: an allocation for every row would cost as much
/// as the writing.
fn texts<T: serde::Serialize>(values: impl Iterator<Item = Option<T>>) -> Result<ArrayRef, ArrowError> {
    let mut builder = StringBuilder::new();
    let mut room = Vec::new();
    for value in values {
        let Some(value) = value else {
            builder.append_null();
            continue;
        };
        room.clear();
        // Text keys and JSON values are always JSON, and JSON is always text.
        serde_json::to_writer(&mut room, &value).map_err(|error| ArrowError::JsonError(error.to_string()))?;
        let text = std::str::from_utf8(&room).map_err(|error| ArrowError::JsonError(error.to_string()))?;
        builder.append_value(text);
    }
    Ok(Arc::new(builder.finish()))
}

fn encode_column<'a>(schema: &TableSchema, column: &Column, rows: &[NewRow<'a>]) -> Result<ArrayRef, ArrowError> {
    let values = || rows.iter().map(|row| row.point.payload.get(&column.name));
    Ok(match &column.role {
        Role::Id => strings(rows.iter().map(|row| Some(row.point.id.to_string()))),
        Role::Modality => strings(rows.iter().map(|row| Some(row.modality.as_str()))),
        Role::Payload(ColumnType::String) => strings(values().map(|value| value.and_then(Value::as_str))),
        Role::Payload(ColumnType::Int) => {
            let mut builder = Int64Builder::with_capacity(rows.len());
            values().for_each(|value| builder.append_option(value.and_then(Value::as_i64)));
            Arc::new(builder.finish())
        }
        Role::Payload(ColumnType::Float) => {
            let mut builder = Float64Builder::with_capacity(rows.len());
            values().for_each(|value| builder.append_option(value.filter(|v| v.is_f64()).and_then(Value::as_f64)));
            Arc::new(builder.finish())
        }
        Role::Payload(ColumnType::Bool) => {
            let mut builder = BooleanBuilder::with_capacity(rows.len());
            values().for_each(|value| builder.append_option(value.and_then(Value::as_bool)));
            Arc::new(builder.finish())
        }
        Role::Payload(ColumnType::Json | ColumnType::Extra) => {
            texts(values().map(|value| value.filter(|value| !value.is_null())))?
        }
        Role::Extra => {
            let kinds: BTreeMap<&str, ColumnType> = schema.payload_columns().collect();
            texts(rows.iter().map(|row| extra_of(&kinds, &row.point.payload)))?
        }
        Role::Similarity => {
            let mut builder = Float32Builder::with_capacity(rows.len());
            for row in rows {
                builder.append_option(row.similarity.map(Similarity::get));
            }
            Arc::new(builder.finish())
        }
        Role::Embedding(size) => {
            let place = schema.embeddings().position(|(name, _)| name == column.name);
            let embedding = |row: &NewRow<'a>| row.embeddings.get(place?).copied().flatten();
            dense(rows.iter().map(embedding), rows.len(), *size)?
        }
        Role::Media => blobs(rows.iter().map(|row| row.media), rows.len())?,
        Role::Vector(name, kind) => vectors(rows, name, *kind)?,
    })
}

/// Whether a value is kept by its own column.
pub(super) fn fits(kind: ColumnType, value: &Value) -> bool {
    match kind {
        ColumnType::String => value.is_string(),
        ColumnType::Int => value.is_i64(),
        ColumnType::Float => value.is_f64(),
        ColumnType::Bool => value.is_boolean(),
        ColumnType::Json => !value.is_null(),
        ColumnType::Extra => false,
    }
}

/// What of a payload fits no column, by its keys in order; `None` where everything fits.
fn extra_of<'a>(kinds: &BTreeMap<&str, ColumnType>, payload: &'a Payload) -> Option<BTreeMap<&'a str, &'a Value>> {
    let left: BTreeMap<&str, &Value> = payload
        .iter()
        .map(|(key, value)| (key.as_str(), value))
        .filter(|(key, value)| !kinds.get(key).is_some_and(|kind| fits(*kind, value)))
        .collect();
    (!left.is_empty()).then_some(left)
}

/// A column of blobs, in the form in which Lance takes them: the bytes, or null.
fn blobs<'a>(values: impl Iterator<Item = Option<&'a [u8]>>, rows: usize) -> Result<ArrayRef, ArrowError> {
    let DataType::Struct(fields) = lance::blob::blob_field("", true).data_type().clone() else {
        unreachable!("a blob is a struct")
    };
    let mut data = LargeBinaryBuilder::with_capacity(rows, 0);
    let mut valid = Vec::with_capacity(rows);
    for value in values {
        // A null row must have no data either.
        data.append_option(value);
        valid.push(value.is_some());
    }
    let uris = StringArray::new_null(rows);
    Ok(Arc::new(StructArray::try_new(
        fields,
        vec![Arc::new(data.finish()), Arc::new(uris)],
        Some(NullBuffer::from(valid)),
    )?))
}

/// A column of dense vectors. A missing one, or one of another size, is null and takes filler numbers.
fn dense<'a>(
    vectors: impl Iterator<Item = Option<&'a [f32]>>,
    rows: usize,
    size: usize,
) -> Result<ArrayRef, ArrowError> {
    let mut numbers: Vec<f32> = Vec::with_capacity(rows * size);
    let mut valid: Vec<bool> = Vec::with_capacity(rows);
    for vector in vectors {
        if let Some(vector) = vector {
            if vector.len() != size {
                return Err(ArrowError::InvalidArgumentError(format!(
                    "a vector has {} numbers, its column {size}",
                    vector.len()
                )));
            }
            numbers.extend_from_slice(vector);
        } else {
            numbers.resize(numbers.len() + size, 0.0);
        }
        valid.push(vector.is_some());
    }
    let nulls = valid.contains(&false).then(|| NullBuffer::from(valid));
    let numbers = Float32Array::new(ScalarBuffer::from(numbers), None);
    Ok(Arc::new(FixedSizeListArray::try_new(
        item_field(DataType::Float32),
        size as i32,
        Arc::new(numbers),
        nulls,
    )?))
}

fn vectors(rows: &[NewRow<'_>], name: &str, kind: VectorColumn) -> Result<ArrayRef, ArrowError> {
    let found = || rows.iter().map(|row| row.point.vectors.get(name));
    match kind {
        VectorColumn::Dense(size) => dense(found().map(|vector| vector.and_then(Vector::dense)), rows.len(), size),
        VectorColumn::Multi(size) => {
            let lists: Vec<Option<&[Vec<f32>]>> = found()
                .map(|vector| match vector {
                    Some(Vector::Multi(list)) => Some(list.as_slice()),
                    _ => None,
                })
                .collect();
            let inner: Vec<Option<&[f32]>> = lists
                .iter()
                .copied()
                .flatten()
                .flatten()
                .map(|row| Some(row.as_slice()))
                .collect();
            let count = inner.len();
            let lengths = lists.iter().map(|list| list.map_or(0, <[Vec<f32>]>::len));
            Ok(Arc::new(ListArray::try_new(
                item_field(dense_type(size)),
                OffsetBuffer::from_lengths(lengths),
                dense(inner.into_iter(), count, size)?,
                Some(lists.iter().map(Option::is_some).collect()),
            )?))
        }
        VectorColumn::Sparse => {
            let pairs: Vec<Option<(&[u32], &[f32])>> = found()
                .map(|vector| match vector {
                    Some(Vector::Sparse { indices, values }) => Some((indices.as_slice(), values.as_slice())),
                    _ => None,
                })
                .collect();
            let offsets = |length: fn((&[u32], &[f32])) -> usize| {
                OffsetBuffer::from_lengths(pairs.iter().map(move |pair| pair.map_or(0, length)))
            };
            let indices: UInt32Array = pairs.iter().flatten().flat_map(|(i, _)| i.iter().copied()).collect();
            let values: Float32Array = pairs.iter().flatten().flat_map(|(_, v)| v.iter().copied()).collect();
            let indices = ListArray::try_new(
                item_field(DataType::UInt32),
                offsets(|(indices, _)| indices.len()),
                Arc::new(indices),
                None,
            )?;
            let values = ListArray::try_new(
                item_field(DataType::Float32),
                offsets(|(_, values)| values.len()),
                Arc::new(values),
                None,
            )?;
            Ok(Arc::new(StructArray::try_new(
                sparse_fields(),
                vec![Arc::new(indices), Arc::new(values)],
                Some(pairs.iter().map(Option::is_some).collect()),
            )?))
        }
    }
}
