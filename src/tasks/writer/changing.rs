//! Commits beside the scroll: rows that retries bring, that decisions replace, that catching up adds and removes.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context as _;
use arrow_array::RecordBatch;
use futures::TryStreamExt as _;

use super::Task;
use super::trust::written_by_another;
use crate::journal::State;
use crate::lance::repeats::remove_repeats;
use crate::lance::{Checkpoint, Target, read};
use crate::point::{Failure, PointId, Shortened, Similarity};
use crate::tasks::invariant::conserved;
use crate::tasks::verify::repair;
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
        // A row that went meanwhile would come back by this, and nobody would have counted it.
        let there: BTreeSet<PointId> = match self.parts.target.table() {
            Some(table) => read::present(table, &ids).await?.into_iter().collect(),
            None => BTreeSet::new(),
        };
        let gone = ids.iter().filter(|id| !there.contains(id)).count();
        anyhow::ensure!(
            gone == 0,
            "{gone} of {} rows are not in the table any more; nothing was written",
            ids.len()
        );
        let added = self.upsert(rows, &ids, similarities, shortened, None).await?;
        conserved(added == 0, || {
            format!("replacing rows added {added}; the table was changed by something else")
        })?;
        self.recount(Vec::new()).await
    }

    /// Looks up what became of points that a retry left without an answer, and how far the table has come.
    pub(super) async fn settle(&mut self) -> anyhow::Result<()> {
        let settled = self.look_again().await;
        self.in_doubt = settled.is_err();
        self.or_break_down(settled)
    }

    async fn look_again(&mut self) -> anyhow::Result<()> {
        let parts = &mut self.parts;
        if let Some(newest) = parts.target.refresh(&parts.checkpoint.job).await? {
            // Unheard it is moved by a group that failed, which has broken the writer down, and, once the scroll has
            // ended, by a commit in doubt.
            let unheard = self.broken.is_some() || self.in_doubt && parts.checkpoint.complete();
            conserved(unheard || newest == parts.checkpoint, || {
                written_by_another(&parts.target, &newest.job)
            })?;
            parts.checkpoint = newest;
        }
        reconcile::settle_retries(&parts.journal, &parts.target, &parts.checkpoint).await?;
        let counts = parts.journal.run(|journal| journal.counts()).await?;
        reconcile::add_up(&parts.target, &parts.checkpoint, counts).await?;
        let (rows, adopted) = (parts.target.rows().await?, parts.checkpoint.adopted_rows > 0);
        // How many rows a table that was taken over should have, this writer alone knows.
        if adopted && !self.in_doubt && self.broken.is_none() {
            self.rows_agree(rows, "before")?;
        }
        self.rows_in_table = rows;
        self.recount(Vec::new()).await
    }

    /// Looks up what is in doubt, before anything else is written.
    pub(super) async fn leave_no_doubt(&mut self) -> anyhow::Result<()> {
        if self.in_doubt {
            self.settle().await?;
        }
        Ok(())
    }

    /// After a commit whose outcome is not known the table itself is asked how it stands. Where it cannot be asked, it
    /// is before the next commit.
    pub(super) async fn or_look_again<T>(&mut self, result: anyhow::Result<T>) -> anyhow::Result<T> {
        let result = self.or_break_down(result);
        if result.is_ok() || self.broken.is_some() {
            return result;
        }
        self.in_doubt = true;
        match self.settle().await {
            // Worse than what failed.
            Err(found) if self.broken.is_some() => Err(found),
            _ => result,
        }
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
        let found = self.parts.target.rows().await?;
        self.rows_agree(found, "after")?;
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
        let found = self.parts.target.rows().await?;
        self.rows_agree(found, "after")?;
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
    /// says how many rows there are, and of ids with several rows all but the first are taken out. Before the scroll
    /// has ended, so are rows ahead of it. Answers how many rows were taken out.
    pub(super) async fn mend(&mut self, repeats: Vec<PointId>, settled: Vec<PointId>) -> anyhow::Result<u64> {
        let result = self.take_over(repeats, settled).await;
        // What was not brought together is noticed before the next commit.
        self.in_doubt = result.is_err();
        if result.is_ok() {
            self.write_again();
        }
        result
    }

    async fn take_over(&mut self, repeats: Vec<PointId>, settled: Vec<PointId>) -> anyhow::Result<u64> {
        self.have_table().await?;
        let parts = &mut self.parts;
        if let Some(newest) = parts.target.refresh(&parts.checkpoint.job).await? {
            parts.checkpoint = newest;
        }
        reconcile::forget_unsettled(&parts.journal, &parts.checkpoint).await?;
        if self.in_doubt {
            reconcile::settle_retries(&parts.journal, &parts.target, &parts.checkpoint).await?;
        }
        let mut removed = remove_ahead(&mut parts.target, &parts.checkpoint).await?;
        let table = parts.target.table().context("the table is not open")?.clone();
        let mut with_row = Vec::new();
        for ids in settled.chunks(MOST_REPEATS) {
            with_row.extend(read::present(&table, ids).await?);
        }
        let counts = parts
            .journal
            .run(move |journal| {
                journal.set_state(&with_row, &[State::Failed, State::Skipped], State::Retrying, None)?;
                journal.recover(&with_row)?;
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

/// Takes out rows ahead of the cursor, where the scroll has not ended: this job wrote none of them, and the scroll will
/// write a row for each of their points. In a table that was taken over they were there before. Answers how many.
async fn remove_ahead(target: &mut Target, checkpoint: &Checkpoint) -> anyhow::Result<u64> {
    if checkpoint.complete() || checkpoint.adopted_rows > 0 {
        return Ok(0);
    }
    // Else every row would lie ahead, the job's own among them.
    anyhow::ensure!(checkpoint.read() > 0, repair::NO_CURSOR);
    let table = target.table().context("the table is not open")?.clone();
    let mut batches = std::pin::pin!(read::ids(&table).await?);
    let mut removed = 0;
    while let Some(ids) = batches.try_next().await? {
        let ahead: Vec<PointId> = ids.into_iter().filter(|id| !checkpoint.settled(*id)).collect();
        for ids in ahead.chunks(MOST_REPEATS) {
            // An id that repeats may have gone with the batch before.
            let there = read::present(&table, ids).await?;
            if !there.is_empty() {
                removed += target.remove(&there, checkpoint).await?;
            }
        }
    }
    Ok(removed)
}
