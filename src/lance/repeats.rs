//! Rows of an id that has several: all but the first are taken out. Nothing of qlance's writes such rows; another writer
//! may, and a merge would then match all of them and leave all of them there.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::Context as _;
use arrow_array::cast::AsArray as _;
use arrow_array::types::UInt64Type;
use futures::TryStreamExt as _;
use lance::dataset::{CommitBuilder, DeleteBuilder};
use lancedb::Table;

use super::browse::ids_of;
use super::checkpoint::Checkpoint;
use super::read::id_filter;
use super::target::dataset_of;
use crate::point::PointId;

/// Takes out all rows but the first of each of these ids, in one commit, and counts them in the checkpoint that rides in
/// it; what the row that stays says is for the comparison to judge. At most 500 ids a call. Only the one who holds the
/// job may call this. Answers how many rows there were.
///
/// # Errors
/// The table cannot be read, or the commit failed: then nothing was taken out.
pub async fn remove_repeats(table: &Table, ids: &[PointId], checkpoint: &mut Checkpoint) -> anyhow::Result<u64> {
    table.checkout_latest().await?;
    let dataset = dataset_of(table).await?;
    let mut scanner = dataset.scan();
    scanner.project(&["id"])?.with_row_id().filter(&id_filter(ids))?;
    let mut stream = scanner.try_into_stream().await?;
    let mut rows: BTreeMap<PointId, Vec<u64>> = BTreeMap::new();
    while let Some(batch) = stream.try_next().await? {
        let places = batch
            .column_by_name("_rowid")
            .and_then(|column| column.as_primitive_opt::<UInt64Type>())
            .context("the table gave no row ids")?;
        for (id, place) in ids_of(&batch)?.into_iter().zip(places.values()) {
            rows.entry(id).or_default().push(*place);
        }
    }
    let repeats = repeats_of(rows);
    if repeats.is_empty() {
        return Ok(0);
    }
    let list: Vec<String> = repeats.iter().map(ToString::to_string).collect();
    let deleted = DeleteBuilder::new(Arc::clone(&dataset), format!("_rowid IN ({})", list.join(",")))
        .execute_uncommitted()
        .await
        .context("the repeated rows cannot be taken out")?;
    anyhow::ensure!(
        deleted.num_deleted_rows == repeats.len() as u64,
        "{} repeated rows should have been taken out, but {} would have been; nothing was",
        repeats.len(),
        deleted.num_deleted_rows
    );
    let mut next = checkpoint.clone();
    next.caught_up.removed += deleted.num_deleted_rows;
    let mut transaction = deleted.transaction;
    transaction.transaction_properties = Some(next.properties());
    let mut commit = CommitBuilder::new(dataset);
    if let Some(rows) = deleted.affected_rows {
        commit = commit.with_affected_rows(rows);
    }
    let committed = commit.execute(transaction).await.context("the commit failed")?;
    table
        .dataset()
        .context("the table is not a local or object-store table")?
        .update(committed);
    *checkpoint = next;
    Ok(deleted.num_deleted_rows)
}

/// Of each id all rows but the first: the oldest, as rows are numbered.
fn repeats_of(rows: BTreeMap<PointId, Vec<u64>>) -> Vec<u64> {
    let mut repeats: Vec<u64> = rows
        .into_values()
        .flat_map(|mut places| {
            places.sort_unstable();
            places.into_iter().skip(1)
        })
        .collect();
    repeats.sort_unstable();
    repeats
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_row_of_each_id_stays() {
        let rows = BTreeMap::from([
            (PointId::Num(1), vec![9, 4, 7]),
            (PointId::Num(2), vec![1]),
            (PointId::Num(3), vec![12, 2]),
        ]);
        assert_eq!(repeats_of(rows), [7, 9, 12]);
        assert!(repeats_of(BTreeMap::new()).is_empty());
    }
}
