//! Reading a table back: rows by id, whole scans in bounded memory, similarities for the histogram.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use arrow_array::cast::AsArray as _;
use arrow_array::types::{Float32Type, UInt64Type};
use arrow_array::{RecordBatch, UInt64Array};
use futures::{Stream, StreamExt as _, TryStreamExt as _};
use lancedb::Table;
use lancedb::query::{ExecutableQuery as _, Query, QueryBase as _, Select};

use super::browse::ids_of;
use super::decode::{Row, RowDecoder};
use super::schema::{Role, TableSchema};
use super::target::dataset_of;
use crate::point::{PointId, Similarity};

/// Bytes of files that a scan reads ahead. Lance's own default for a local directory is 256 MiB.
const SCAN_BUFFER_BYTES: u64 = 32 << 20;

/// All rows of a table, only the named columns, batch by batch.
///
/// # Errors
/// The table cannot be read.
pub async fn scan(
    table: &Table,
    columns: &[&str],
) -> anyhow::Result<impl Stream<Item = anyhow::Result<RecordBatch>> + use<>> {
    let dataset = dataset_of(table).await?;
    let mut scanner = dataset.scan();
    scanner
        .project(columns)?
        .batch_size(1_024)
        .io_buffer_size(SCAN_BUFFER_BYTES)
        .fragment_readahead(1);
    let stream = scanner.try_into_stream().await?;
    Ok(stream.map(|batch| batch.context("the table cannot be read")))
}

/// The ids of all rows, batch by batch, in the version that the handle has at this moment.
///
/// # Errors
/// The table cannot be read.
pub async fn ids(table: &Table) -> anyhow::Result<impl Stream<Item = anyhow::Result<Vec<PointId>>> + use<>> {
    let batches = scan(table, &["id"]).await?;
    Ok(batches.map(|batch| ids_of(&batch?)))
}

/// Rows by id, whole. At most 1,000 ids a call; those that are not there are left out.
/// They come in the order in which rows are numbered.
///
/// # Errors
/// The table cannot be read.
pub async fn rows_by_id(table: &Table, schema: &TableSchema, ids: &[PointId]) -> anyhow::Result<Vec<Row>> {
    numbered(table.query().only_if(id_filter(ids)), schema).await
}

/// Rows by id without their embedding: payload, kept vectors, similarity; in the order in which rows are numbered. At most
/// 1,000 ids a call; those that are not there are left out, as are columns that the table gets with its next commit.
///
/// # Errors
/// The table cannot be read.
pub async fn payloads_by_id(table: &Table, schema: &TableSchema, ids: &[PointId]) -> anyhow::Result<Vec<Row>> {
    let there = table.schema().await?;
    let columns: Vec<&str> = schema
        .columns()
        .iter()
        .filter(|column| !matches!(column.role, Role::Embedding(_) | Role::Media))
        .filter(|column| there.field_with_name(&column.name).is_ok())
        .map(|column| column.name.as_str())
        .collect();
    let query = table.query().only_if(id_filter(ids)).select(Select::columns(&columns));
    numbered(query, schema).await
}

/// Of each id the first row as rows are numbered: that which stays where rows that repeat an id are taken out.
pub fn firsts(rows: Vec<Row>) -> BTreeMap<PointId, Row> {
    let mut firsts = BTreeMap::new();
    for row in rows {
        firsts.entry(row.point.id).or_insert(row);
    }
    firsts
}

/// The rows that a query finds, in the order in which rows are numbered.
async fn numbered(query: Query, schema: &TableSchema) -> anyhow::Result<Vec<Row>> {
    let mut rows: Vec<(u64, Row)> = Vec::new();
    let mut batches = query.with_row_id().execute().await?;
    while let Some(batch) = batches.try_next().await? {
        let decoder = RowDecoder::new(schema, &batch);
        for (row, number) in numbers_of(&batch)?.values().iter().enumerate() {
            rows.push((*number, decoder.row(row)?));
        }
    }
    rows.sort_by_key(|(number, _)| *number);
    Ok(rows.into_iter().map(|(_, row)| row).collect())
}

/// How the rows of a batch are numbered.
fn numbers_of(batch: &RecordBatch) -> anyhow::Result<&UInt64Array> {
    batch
        .column_by_name("_rowid")
        .and_then(|column| column.as_primitive_opt::<UInt64Type>())
        .context("the table gave no row ids")
}

/// The bytes of the pictures and sounds that the rows of these ids keep. Rows without are left out, as are all where the
/// table keeps none. At most 1,000 ids a call, and no more than their bytes may take in memory.
///
/// # Errors
/// The table cannot be read.
pub async fn media_by_id(
    table: &Table,
    schema: &TableSchema,
    ids: &[PointId],
) -> anyhow::Result<BTreeMap<PointId, Arc<[u8]>>> {
    let mut found = BTreeMap::new();
    let column = schema.columns().iter().find(|column| column.role == Role::Media);
    let (Some(column), false) = (column, ids.is_empty()) else {
        return Ok(found);
    };
    let dataset = Arc::new(dataset_of(table).await?);
    let mut scanner = dataset.scan();
    scanner.project(&["id"])?.with_row_id().filter(&id_filter(ids))?;
    let mut stream = scanner.try_into_stream().await?;
    let mut rows: Vec<(PointId, u64)> = Vec::new();
    while let Some(batch) = stream.try_next().await? {
        let ids = ids_of(&batch)?;
        rows.extend(ids.into_iter().zip(numbers_of(&batch)?.values().iter().copied()));
    }
    rows.sort_unstable_by_key(|(_, number)| *number);
    let row_ids: Vec<u64> = rows.iter().map(|(_, row)| *row).collect();
    let blobs = dataset.take_blobs(&row_ids, &column.name).await?;
    for ((id, _), blob) in rows.into_iter().zip(blobs) {
        if let Some(blob) = blob {
            let bytes: Arc<[u8]> = blob.read().await?.as_ref().into();
            found.entry(id).or_insert(bytes);
        }
    }
    Ok(found)
}

/// Which of these ids are in the table: each as often as it has rows. At most 1,000 a call.
///
/// # Errors
/// The table cannot be read.
pub async fn present(table: &Table, ids: &[PointId]) -> anyhow::Result<Vec<PointId>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    let query = table.query().only_if(id_filter(ids)).select(Select::columns(&["id"]));
    let mut batches = query.execute().await?;
    while let Some(batch) = batches.try_next().await? {
        let column = batch.column_by_name("id").context("the table has no column id")?;
        for id in column.as_string::<i32>().iter().flatten() {
            found.push(id.parse()?);
        }
    }
    Ok(found)
}

/// The similarities that the rows of these ids hold, in no order. At most 1,000 ids a call.
///
/// # Errors
/// The table cannot be read.
pub async fn similarities_of(table: &Table, ids: &[PointId]) -> anyhow::Result<Vec<Option<Similarity>>> {
    let mut found = Vec::with_capacity(ids.len());
    let columns = Select::columns(&["original_similarity"]);
    let mut batches = table.query().only_if(id_filter(ids)).select(columns).execute().await?;
    while let Some(batch) = batches.try_next().await? {
        found.extend(similarities_in(&batch)?);
    }
    Ok(found)
}

fn similarities_in(batch: &RecordBatch) -> anyhow::Result<impl Iterator<Item = Option<Similarity>>> {
    let column = batch
        .column_by_name("original_similarity")
        .and_then(|column| column.as_primitive_opt::<Float32Type>())
        .context("original_similarity is no float32 column")?;
    Ok(column.iter().map(|value| value.and_then(Similarity::new)))
}

/// Ids spell themselves in digits, letters and hyphens, so they need no escaping.
pub(super) fn id_filter(ids: &[PointId]) -> String {
    let list: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
    format!("id IN ({})", list.join(","))
}

/// Calls `each` with the similarity of every row.
///
/// # Errors
/// The table cannot be read.
pub async fn similarities(table: &Table, mut each: impl FnMut(Option<Similarity>)) -> anyhow::Result<()> {
    let mut batches = std::pin::pin!(scan(table, &["original_similarity"]).await?);
    while let Some(batch) = batches.try_next().await? {
        similarities_in(&batch)?.for_each(&mut each);
    }
    Ok(())
}
