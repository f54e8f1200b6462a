//! The one writer: every commit of a job goes through this task. It puts pages back into scroll order, gathers them
//! into groups, records their failures, and commits rows and cursor together.
//!
//! ```text
//! pages (any order) -> per range: next in order? -> group -> journal, synced -> commit with checkpoint -> settled
//! ```

mod changing;
mod handle;
mod messages;
mod trust;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::Context as _;
use arrow_array::RecordBatch;
use lancedb::Table;
use tokio::sync::{mpsc, watch};

use super::invariant::{Fault, Invariant, conserved};
use super::meters::{InHand, Meters, Settled};
use super::{TaskEvent, now_ms};
use crate::journal;
use crate::lance::index::{self, Step, Wishes};
use crate::lance::{Checkpoint, TableSchema, Target, read};

pub use handle::Writer;
pub use messages::{EmbeddedPage, Limits, Message};

/// What a writer is made of.
pub struct Parts {
    /// The table.
    pub target: Target,
    /// Its columns.
    pub schema: TableSchema,
    /// The spaces of its columns of embeddings, as text.
    pub spaces: BTreeMap<String, String>,
    /// The job's state.
    pub checkpoint: Checkpoint,
    /// The journal.
    pub journal: journal::Shared,
    /// The meters.
    pub meters: Arc<Meters>,
    /// Where events go.
    pub events: mpsc::Sender<TaskEvent>,
    /// What bounds a group.
    pub limits: Limits,
    /// Below this a row counts as divergent.
    pub threshold: f32,
    /// Whether the table was let in although it may not add up: nothing is written before it is mended.
    pub unmended: bool,
}

#[derive(Default)]
struct Pending {
    next_seq: u64,
    early: BTreeMap<u64, EmbeddedPage>,
}

#[derive(Default)]
struct Group {
    pages: Vec<EmbeddedPage>,
    rows: usize,
    bytes: usize,
    since: Option<Instant>,
}

struct Task {
    parts: Parts,
    rows_in_table: u64,
    pending: Vec<Pending>,
    group: Group,
    /// Nothing is read any more: no group gets fuller by waiting.
    last_pages: bool,
    run: Arc<AtomicU64>,
    /// The version before the job has its tag.
    tagged: bool,
    /// Whether the table has every column that rows are written with.
    fits: bool,
    /// What became of the last commit beside the scroll is not known yet: it is looked up before the next.
    in_doubt: bool,
    broken: Option<Fault>,
    trouble: watch::Sender<Option<Fault>>,
    published: watch::Sender<Option<Table>>,
}

/// Bytes of a page, for bounding its group: of its rows, or of the points that they were made of where those took more of
/// the memory budget. Failures have no rows at all, and would keep the readers waiting until the group is old enough.
fn weight(page: &EmbeddedPage) -> usize {
    let rows = page.rows.as_ref().map_or(0, RecordBatch::get_array_memory_size);
    let budget = page.budget.as_ref().map_or(0, |kib| kib.num_permits() << 10);
    rows.max(budget)
}

impl Task {
    /// `broken` is why nothing is written from the beginning, where that is so.
    fn new(
        parts: Parts,
        run: Arc<AtomicU64>,
        (trouble, broken): (watch::Sender<Option<Fault>>, Option<Fault>),
        published: watch::Sender<Option<Table>>,
    ) -> Self {
        Self {
            run,
            // A job that has committed has its tag, or was begun before there were any.
            tagged: parts.checkpoint.read() > 0,
            fits: false,
            in_doubt: false,
            trouble,
            published,
            rows_in_table: 0,
            pending: parts.checkpoint.ranges.iter().map(|_| Pending::default()).collect(),
            group: Group::default(),
            last_pages: false,
            broken,
            parts,
        }
    }

    async fn run(mut self, mut inbox: mpsc::Receiver<Message>) -> Target {
        match self.parts.target.rows().await {
            Ok(rows) => self.rows_in_table = rows,
            Err(error) => self.break_down(Fault::of(&error)),
        }
        loop {
            let deadline = self.group.since.map(|since| since + self.parts.limits.age);
            let message = tokio::select! {
                message = inbox.recv() => message,
                () = wait_until(deadline) => {
                    self.commit_group().await;
                    continue;
                }
            };
            let Some(message) = message else { break };
            self.handle(message).await;
            if self.last_pages && inbox.is_empty() {
                self.commit_group().await;
            }
        }
        self.parts.target
    }

    async fn handle(&mut self, message: Message) {
        match message {
            Message::Page(page) => {
                self.take(*page);
                let Limits { rows, bytes, .. } = self.parts.limits;
                if self.group.rows >= rows || self.group.bytes >= bytes {
                    self.commit_group().await;
                }
            }
            Message::LastPages => self.last_pages = true,
            Message::Flush(done) => {
                self.last_pages = false;
                let _ = done.send(self.ready().await);
            }
            Message::Reset { retrying, done } => {
                self.last_pages = false;
                let _ = done.send(self.reset(retrying).await);
            }
            Message::Settle(done) => {
                let _ = done.send(self.settle().await);
            }
            Message::Recover {
                rows,
                ids,
                similarities,
                shortened,
                done,
            } => {
                // The points of the group come first: a retry may be about one of them.
                let result = match self.ready().await {
                    Ok(()) => {
                        let result = self.recover(rows, ids, similarities, shortened).await;
                        self.or_look_again(result).await
                    }
                    error => error,
                };
                let _ = done.send(result);
            }
            Message::Replace {
                rows,
                ids,
                similarities,
                shortened,
                done,
            } => {
                let result = match self.ready().await {
                    Ok(()) => {
                        let result = self.replace(rows, ids, similarities, shortened).await;
                        self.or_break_down(result)
                    }
                    error => error,
                };
                let _ = done.send(result);
            }
            Message::CatchUp {
                rows,
                ids,
                similarities,
                shortened,
                failures,
                done,
            } => {
                let result = self.catch_up(rows, ids, similarities, shortened, failures).await;
                let _ = done.send(self.or_look_again(result).await);
            }
            Message::Remove { ids, done } => {
                let result = self.remove(ids).await;
                let _ = done.send(self.or_look_again(result).await);
            }
            Message::Mend { repeats, settled, done } => {
                let _ = done.send(self.mend(repeats, settled).await);
            }
            Message::Recount(done) => {
                let _ = done.send(self.recount(Vec::new()).await);
            }
            Message::Finish(step, wishes, done) => {
                let result = match self.ready().await {
                    Ok(()) => self.finish(step, &wishes).await,
                    Err(error) => Err(error),
                };
                let _ = done.send(result);
            }
        }
    }

    /// Commits the group that is being gathered, so that what comes next meets a table that is up to date.
    async fn ready(&mut self) -> anyhow::Result<()> {
        self.commit_group().await;
        self.sound()?;
        self.leave_no_doubt().await
    }

    /// Takes a page in, and with it every later one of its range that was waiting for it.
    fn take(&mut self, page: EmbeddedPage) {
        if page.run != self.run.load(Ordering::Acquire) {
            return;
        }
        let Some(pending) = self.pending.get_mut(page.range) else {
            return;
        };
        self.parts.meters.write.queue(page.read as i64);
        pending.early.insert(page.seq, page);
        while let Some(page) = pending.early.remove(&pending.next_seq) {
            pending.next_seq += 1;
            self.group.rows += page.rows.as_ref().map_or(0, RecordBatch::num_rows);
            self.group.bytes += weight(&page);
            self.group.since.get_or_insert_with(Instant::now);
            self.group.pages.push(page);
        }
    }

    async fn commit_group(&mut self) {
        if self.group.pages.is_empty() || self.broken.is_some() {
            return;
        }
        let group = std::mem::take(&mut self.group);
        let read: u64 = group.pages.iter().map(|page| page.read).sum();
        self.parts.meters.write.queue(-(read as i64));
        let meters = Arc::clone(&self.parts.meters);
        if let Err(error) = meters.write.measure(self.commit(group)).await {
            let fault = Fault::of(&error);
            tracing::error!(%fault, "commit failed");
            self.break_down(fault);
        }
    }

    /// Makes the table where there is none, and shows it to the readers.
    async fn have_table(&mut self) -> anyhow::Result<()> {
        let Parts {
            target,
            schema,
            checkpoint,
            spaces,
            journal,
            ..
        } = &mut self.parts;
        if self.fits && self.tagged && target.table().is_some() {
            return Ok(());
        }
        // What is there is tagged before columns are added to it.
        if target.table().is_some() && !self.tagged {
            target.tag_before(&checkpoint.job).await?;
            self.tagged = true;
        }
        target.create(schema, &checkpoint.job, spaces).await?;
        if !self.tagged {
            target.tag_before(&checkpoint.job).await?;
        }
        // Before the first commit: a table that is gone after that is never taken for one that never was.
        journal.run(journal::Journal::set_table).await?;
        self.fits = true;
        self.published.send_replace(target.table().cloned());
        self.tagged = true;
        Ok(())
    }

    /// Journal first, synced; then rows and cursor in one commit; then the counts must add up.
    #[tracing::instrument(level = "debug", name = "commit", skip_all, fields(pages = group.pages.len(), rows = group.rows))]
    async fn commit(&mut self, group: Group) -> anyhow::Result<()> {
        // First: it may have to look how far the table has come.
        self.alone().await?;
        let mut next = self.parts.checkpoint.clone();
        let threshold = self.parts.threshold;
        let mut batches = Vec::new();
        let mut failures = Vec::new();
        let mut shortened = Vec::new();
        let mut similarities = Vec::new();
        let mut in_hand = Vec::new();
        let mut budget = Vec::new();
        for page in group.pages {
            let rows = page.rows.as_ref().map_or(0, RecordBatch::num_rows) as u64;
            let failed = page.failures.len() as u64;
            conserved(page.read == rows + failed, || {
                format!("a page of {} points gave {rows} rows and {failed} failures", page.read)
            })?;
            let range = next.ranges.get_mut(page.range).context("a page of an unknown range")?;
            if range.done || range.offset() != page.from {
                let message = format!(
                    "a page from {:?} came where the cursor is {:?}",
                    page.from,
                    range.offset()
                );
                return Err(Fault::broken(Invariant::ScrollOrder, message).into());
            }
            range.read += page.read;
            range.written += rows;
            range.failed += failed;
            range.divergent += page
                .similarities
                .iter()
                .flatten()
                .filter(|similarity| similarity.get() < threshold)
                .count() as u64;
            range.next = page.next.or(range.next);
            range.done |= page.done;
            batches.extend(page.rows.filter(|rows| rows.num_rows() > 0));
            failures.extend(page.failures);
            shortened.extend(page.shortened);
            similarities.extend(page.similarities);
            in_hand.push(page.in_hand);
            budget.push(page.budget);
        }
        self.have_table().await?;
        let Parts { target, journal, .. } = &mut self.parts;
        if !failures.is_empty() || !shortened.is_empty() {
            let recorded = failures.clone();
            journal
                .run(move |journal| {
                    journal.set_shortened(&[], &shortened)?;
                    journal.record(&recorded, now_ms())
                })
                .await
                .context("the journal cannot be written")?;
        }
        let rows: u64 = batches.iter().map(|batch| batch.num_rows() as u64).sum();
        let added = if batches.is_empty() {
            target.advance(&next).await?;
            0
        } else if next.adopted_rows > 0 {
            // A table taken over may hold these ids already.
            target.upsert(batches, Some(&next)).await?
        } else {
            target.append(batches, &next).await?;
            rows
        };
        self.rows_in_table += added;
        let found = target.rows().await?;
        self.rows_agree(found, "after")?;
        self.parts.checkpoint = next;
        self.parts.meters.record_similarities(similarities);
        self.recount(in_hand).await?;
        drop(budget);
        let version = self.parts.meters.settled().version;
        let events = &self.parts.events;
        for (id, failure) in failures {
            let _ = events.send(TaskEvent::PointFailed(id, failure)).await;
        }
        let _ = events.send(TaskEvent::Committed { rows, version }).await;
        Ok(())
    }

    /// Takes over what the journal says of failed points, and checks it against the checkpoint.
    async fn recount(&mut self, in_hand: Vec<InHand>) -> anyhow::Result<()> {
        let (counts, shortened) = self
            .parts
            .journal
            .run(|journal| Ok((journal.counts()?, journal.count_shortened()?)))
            .await?;
        let checkpoint = &self.parts.checkpoint;
        conserved(counts.total() == checkpoint.failed(), || {
            format!(
                "the table says that {} points failed, the journal knows {}",
                checkpoint.failed(),
                counts.total()
            )
        })?;
        let settled = Settled {
            written: checkpoint.rows(counts.recovered),
            failed: counts.failed,
            skipped: counts.skipped,
            shortened,
            read: checkpoint.points(counts.recovered, counts.late),
            version: self.parts.target.version().await?,
        };
        // Shown first: the line on the screen is off where the run stops for it.
        self.parts.meters.settle(settled, in_hand);
        conserved(settled.adds_up(), || {
            format!(
                "{} points were read, but {} rows were written, {} points failed and {} were skipped",
                settled.read, settled.written, settled.failed, settled.skipped
            )
        })?;
        Ok(())
    }

    async fn finish(&mut self, step: Step, wishes: &Wishes) -> anyhow::Result<String> {
        self.have_table().await?;
        let table = self.parts.target.table().context("the table is not open")?;
        let done = index::run(table, step, wishes).await?;
        self.recount(Vec::new()).await?;
        Ok(done)
    }
}

async fn wait_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}

/// Fills the meters' histogram from the rows that an earlier run wrote.
///
/// # Errors
/// The table cannot be read.
pub async fn restore_similarities(target: &Target, meters: &Meters) -> anyhow::Result<()> {
    let Some(table) = target.table() else { return Ok(()) };
    let mut chunk = Vec::with_capacity(4_096);
    read::similarities(table, |similarity| {
        chunk.push(similarity);
        if chunk.len() == 4_096 {
            meters.record_similarities(chunk.drain(..));
        }
    })
    .await?;
    meters.record_similarities(chunk);
    Ok(())
}
