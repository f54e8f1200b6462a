//! Every commit of rows to an open table. Each is whole or not at all, and the checkpoint that it brings the job to
//! rides in it. What must not be in a commit, such as a row that the table has already, its caller sees to.

use std::sync::Arc;

use anyhow::Context as _;
use arrow_array::RecordBatch;
use lance::dataset::transaction::{Operation, TransactionBuilder};
use lance::dataset::{
    CommitBuilder, DeleteBuilder, MergeInsertBuilder, WhenMatched, WhenNotMatched, WriteMode, WriteParams,
};
use lancedb::table::{NaNVectorBehavior, WriteOptions};

use super::{Target, dataset_of, replace};
use crate::lance::checkpoint::Checkpoint;
use crate::lance::read::id_filter;
use crate::point::PointId;

impl Target {
    /// Adds rows and moves the cursor, in one commit. Points that are in the table already must not be among them.
    ///
    /// # Errors
    /// The commit failed: nothing of it is in the table.
    pub async fn append(&mut self, batches: Vec<RecordBatch>, checkpoint: &Checkpoint) -> anyhow::Result<()> {
        let params = WriteParams {
            mode: WriteMode::Append,
            transaction_properties: Some(checkpoint.properties()),
            ..Default::default()
        };
        self.opened()?
            .add(batches)
            .write_options(WriteOptions {
                lance_write_params: Some(params),
            })
            // Embeddings were checked when they came; Qdrant's other vectors are kept as they are.
            .on_nan_vectors(NaNVectorBehavior::Keep)
            .write_parallelism(1)
            .execute()
            .await
            .context("the commit failed")?;
        Ok(())
    }

    /// Moves the cursor where there are no rows to add: all points of the group failed.
    ///
    /// # Errors
    /// The commit failed.
    pub async fn advance(&mut self, checkpoint: &Checkpoint) -> anyhow::Result<()> {
        let table = self.opened()?;
        let dataset = dataset_of(table).await?;
        let operation = Operation::Append { fragments: Vec::new() };
        let transaction = TransactionBuilder::new(dataset.version_id(), operation)
            .transaction_properties(Some(checkpoint.properties()))
            .build();
        let committed = CommitBuilder::new(dataset)
            .execute(transaction)
            .await
            .context("the commit failed")?;
        replace(table, committed)
    }

    /// Removes rows by id, in one commit with a checkpoint. Returns how many there were.
    ///
    /// # Errors
    /// The commit failed: nothing was removed.
    pub async fn remove(&mut self, ids: &[PointId], checkpoint: &Checkpoint) -> anyhow::Result<u64> {
        let table = self.opened()?;
        table.checkout_latest().await?;
        let dataset = dataset_of(table).await?;
        let deleted = DeleteBuilder::new(Arc::clone(&dataset), id_filter(ids))
            .execute_uncommitted()
            .await
            .context("the rows cannot be removed")?;
        let mut transaction = deleted.transaction;
        transaction.transaction_properties = Some(checkpoint.properties());
        let mut commit = CommitBuilder::new(dataset);
        if let Some(rows) = deleted.affected_rows {
            commit = commit.with_affected_rows(rows);
        }
        let committed = commit.execute(transaction).await.context("the commit failed")?;
        replace(table, committed)?;
        Ok(deleted.num_deleted_rows)
    }

    /// Inserts or replaces rows by id, in one commit; a checkpoint may ride along. Ids within `batches` must differ.
    /// Returns how many rows were new.
    ///
    /// # Errors
    /// The commit failed: nothing of it is in the table.
    pub async fn upsert(&mut self, batches: Vec<RecordBatch>, checkpoint: Option<&Checkpoint>) -> anyhow::Result<u64> {
        let table = self.opened()?;
        // A merge against an old snapshot would insert again what it cannot see.
        table.checkout_latest().await?;
        let dataset = dataset_of(table).await?;
        let mut builder = MergeInsertBuilder::try_new(Arc::clone(&dataset), vec!["id".into()])?;
        builder
            .when_matched(WhenMatched::UpdateAll)
            .when_not_matched(WhenNotMatched::InsertAll);
        let merged = builder
            .try_build()?
            .execute_uncommitted_batches(batches)
            .await
            .context("the rows cannot be merged into the table")?;
        let inserted = merged.stats.num_inserted_rows;
        let mut transaction = merged.transaction;
        transaction.transaction_properties = checkpoint.map(Checkpoint::properties);
        let mut commit = CommitBuilder::new(dataset);
        if let Some(rows) = merged.affected_rows {
            commit = commit.with_affected_rows(rows);
        }
        let committed = commit.execute(transaction).await.context("the commit failed")?;
        replace(table, committed)?;
        Ok(inserted)
    }
}
