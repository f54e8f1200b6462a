//! Commits beside the scroll: rows that retries bring, that decisions replace, that catching up adds and removes.

use std::sync::Arc;

use anyhow::Context as _;
use arrow_array::RecordBatch;

use super::Task;
use crate::journal::State;
use crate::lance::repeats::remove_repeats;
use crate::lance::{Checkpoint, read};
use crate::point::{Failure, PointId, Shortened, Similarity};
use crate::tasks::invariant::conserved;
use crate::tasks::{now_ms, reconcile};

/// Ids whose repeated rows are taken out in one commit.
const MOST_REPEATS: usize = 500;

impl Task {
    /// Inserts rows that a retry brought, and marks them recovered.
    pub(super) async fn recover(
        &mut self,
        rows: RecordBatch,
        ids: Vec<PointId>,
        similarities: Vec<Option<Similarity>>,
        shortened: Vec<(PointId, Shortened)>,
    ) -> anyhow::Result<()> {
        // Between the claim and now the run may have ended without the commit that covers these points: they will be
        // read again, and a row written now would be there twice.
        let asked = ids.clone();
        let held = self.parts.journal.run(move |journal| journal.holds(&asked)).await?;
        let settled = ids.iter().all(|id| self.parts.checkpoint.settled(*id));
        anyhow::ensure!(
            held && settled,
            "the points are not waiting for this retry any more; nothing was written"
        );
        self.alone().await?;
        self.have_table().await?;
        self.upsert(rows, &ids, similarities, shortened, None).await?;
        self.parts.journal.run(move |journal| journal.recover(&ids)).await?;
        self.recount(Vec::new()).await
    }

    /// Replaces rows by rows of the same points.
    pub(super) async fn replace(
        &mut self,
        rows: RecordBatch,
        ids: Vec<PointId>,
        similarities: Vec<Option<Similarity>>,
        shortened: Vec<(PointId, Shortened)>,
    ) -> anyhow::Result<()> {
        self.alone().await?;
        self.have_table().await?;
        let added = self.upsert(rows, &ids, similarities, shortened, None).await?;
        conserved(added == 0, || {
            format!("replacing rows added {added}; the table was changed by something else")
        })?;
        self.recount(Vec::new()).await
    }

    /// Looks up what became of points that a retry left without an answer, and how far the table has come.
    pub(super) async fn settle(&mut self) -> anyhow::Result<()> {
        let parts = &mut self.parts;
        if let Some(newest) = parts.target.refresh(&parts.checkpoint.job).await? {
            parts.checkpoint = newest;
        }
        reconcile::settle_retries(&parts.journal, &parts.target, &parts.checkpoint).await?;
        self.rows_in_table = self.parts.target.rows().await?;
        self.recount(Vec::new()).await
    }

    /// After a commit whose outcome is not known the table itself is asked how it stands.
    pub(super) async fn or_look_again<T>(&mut self, result: anyhow::Result<T>) -> anyhow::Result<T> {
        if result.is_err() {
            self.settle().await?;
        }
        result
    }

    /// Inserts or replaces rows, with a checkpoint where the counts in it change; the histogram follows. Answers how many
    /// were new.
    async fn upsert(
        &mut self,
        rows: RecordBatch,
        ids: &[PointId],
        similarities: Vec<Option<Similarity>>,
        shortened: Vec<(PointId, Shortened)>,
        checkpoint: Option<&Checkpoint>,
    ) -> anyhow::Result<u64> {
        let written = ids.to_vec();
        self.parts
            .journal
            .run(move |journal| journal.set_shortened(&written, &shortened))
            .await?;
        let meters = Arc::clone(&self.parts.meters);
        let before = match self.parts.target.table() {
            Some(table) => read::similarities_of(table, ids).await?,
            None => Vec::new(),
        };
        let upsert = self.parts.target.upsert(vec![rows], checkpoint);
        let added = meters.write.measure(upsert).await?;
        self.rows_in_table += added;
        meters.replace_similarities(&before, similarities);
        Ok(added)
    }

    /// Writes what catching up brought: how many of its rows are new rides in the commit that adds them.
    pub(super) async fn catch_up(
        &mut self,
        rows: Option<RecordBatch>,
        ids: Vec<PointId>,
        similarities: Vec<Option<Similarity>>,
        shortened: Vec<(PointId, Shortened)>,
        failures: Vec<(PointId, Failure)>,
    ) -> anyhow::Result<u64> {
        self.sound()?;
        self.ended()?;
        self.alone().await?;
        self.parts
            .journal
            .run(move |journal| journal.record_late(&failures, now_ms()))
            .await?;
        let mut added = 0;
        if let Some(rows) = rows {
            self.have_table().await?;
            let mut there = match self.parts.target.table() {
                Some(table) => read::present(table, &ids).await?,
                None => Vec::new(),
            };
            // Of an id that has several rows all become what is written now: none of them is new.
            there.sort_unstable();
            there.dedup();
            let promised = (ids.len() - there.len()) as u64;
            let mut next = self.parts.checkpoint.clone();
            next.caught_up.added += promised;
            added = self.upsert(rows, &ids, similarities, shortened, Some(&next)).await?;
            conserved(added == promised, || {
                format!(
                    "{promised} of {} rows should have been new, but {added} were",
                    ids.len()
                )
            })?;
            self.parts.checkpoint = next;
        }
        self.recount(Vec::new()).await?;
        Ok(added)
    }

    /// Removes rows whose points are gone.
    pub(super) async fn remove(&mut self, ids: Vec<PointId>) -> anyhow::Result<u64> {
        self.sound()?;
        self.ended()?;
        self.alone().await?;
        let Some(table) = self.parts.target.table() else {
            return Ok(0);
        };
        let there = read::present(table, &ids).await?;
        if there.is_empty() {
            return Ok(0);
        }
        let before = read::similarities_of(table, &there).await?;
        let mut next = self.parts.checkpoint.clone();
        next.caught_up.removed += there.len() as u64;
        let removed = self.parts.target.remove(&there, &next).await?;
        self.rows_in_table -= removed.min(self.rows_in_table);
        conserved(removed == there.len() as u64, || {
            format!("{} rows should have been removed, but {removed} were", there.len())
        })?;
        self.parts.checkpoint = next;
        self.parts
            .journal
            .run(move |journal| journal.set_shortened(&there, &[]))
            .await?;
        self.parts.meters.replace_similarities(&before, []);
        self.recount(Vec::new()).await?;
        Ok(removed)
    }

    /// Takes the table over as something else left it: failed points that have a row are brought over, the checkpoint
    /// says how many rows there are, and of ids with several rows all but the first are taken out. Answers how many that
    /// were.
    pub(super) async fn mend(&mut self, repeats: Vec<PointId>, settled: Vec<PointId>) -> anyhow::Result<u64> {
        self.sound()?;
        self.ended()?;
        self.have_table().await?;
        let parts = &mut self.parts;
        if let Some(newest) = parts.target.refresh(&parts.checkpoint.job).await? {
            parts.checkpoint = newest;
        }
        let table = parts.target.table().context("the table is not open")?.clone();
        let settled = read::present(&table, &settled).await?;
        let counts = parts
            .journal
            .run(move |journal| {
                journal.set_state(&settled, &[State::Failed, State::Skipped], State::Retrying, None)?;
                journal.recover(&settled)?;
                journal.counts()
            })
            .await?;
        let rows = parts.target.rows().await?;
        let expected = parts.checkpoint.balance(counts.recovered);
        let excess = rows as i64 - expected;
        // How many rows a table that was taken over should have, nobody knows.
        if parts.checkpoint.adopted_rows == 0 && excess != 0 {
            tracing::warn!(
                rows,
                expected,
                "something else wrote to the table; its rows are taken over"
            );
            let mut next = parts.checkpoint.clone();
            next.caught_up.added += excess.max(0) as u64;
            next.caught_up.removed += (-excess).max(0) as u64;
            parts.target.advance(&next).await?;
            parts.checkpoint = next;
        }
        let mut removed = 0;
        for ids in repeats.chunks(MOST_REPEATS) {
            removed += remove_repeats(&table, ids, &mut parts.checkpoint).await?;
        }
        self.rows_in_table = parts.target.rows().await?;
        parts.meters.forget_similarities();
        super::restore_similarities(&parts.target, &parts.meters).await?;
        self.recount(Vec::new()).await?;
        Ok(removed)
    }

    /// While the scroll goes on, what looks new is only not read yet.
    fn ended(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.parts.checkpoint.complete(),
            "the migration has not come to its end; catching up begins after it"
        );
        Ok(())
    }
}
