//! What the writer is told: pages, rows of retries, decisions and catching up, and what bounds a group. Types only.

use std::time::Duration;

use arrow_array::RecordBatch;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::lance::Checkpoint;
use crate::lance::index::{Step, Wishes};
use crate::point::{Failure, PointId, Shortened, Similarity};
use crate::tasks::meters::InHand;

/// One page after embedding: what is left to do is to commit it.
#[derive(Debug)]
pub struct EmbeddedPage {
    /// The run it belongs to ([`super::Writer::run`]); a page of an earlier run comes too late.
    pub run: u64,
    /// The range's place in the checkpoint.
    pub range: usize,
    /// The page's place in its range, from 0 in this run.
    pub seq: u64,
    /// Where it begins: the cursor before it.
    pub from: Option<PointId>,
    /// Its rows; `None` where every point failed.
    pub rows: Option<RecordBatch>,
    /// The similarities of the rows.
    pub similarities: Vec<Option<Similarity>>,
    /// Its failures.
    pub failures: Vec<(PointId, Failure)>,
    /// Those of its rows whose text was shortened.
    pub shortened: Vec<(PointId, Shortened)>,
    /// Points that were read.
    pub read: u64,
    /// The cursor behind it.
    pub next: Option<PointId>,
    /// Whether the range ends here.
    pub done: bool,
    /// Counted as in hand until committed.
    pub in_hand: InHand,
    /// Its share of the memory budget, in KiB.
    pub budget: Option<OwnedSemaphorePermit>,
}

/// What the writer is asked.
pub enum Message {
    /// A page of the migration. A failed commit is told through [`super::Writer::broken`] and by every later answer.
    Page(Box<EmbeddedPage>),
    /// Nothing more is read in this run, and what is in hand is on its way: it is committed as it comes, since waiting for
    /// more would only make the end later.
    LastPages,
    /// Commit what is in order, now: the run has ended, or pauses.
    Flush(oneshot::Sender<anyhow::Result<()>>),
    /// Forget what is not committed: the run ended, and those pages will be read again. The table itself says how far
    /// the job has come: a commit may have been made although it was reported as failed.
    Reset {
        /// Whether a retry holds points just now; their fate is settled when it ends.
        retrying: bool,
        /// The answer.
        done: oneshot::Sender<anyhow::Result<Checkpoint>>,
    },
    /// A retry ended: points that it left without an answer are looked up in the table.
    Settle(oneshot::Sender<anyhow::Result<()>>),
    /// Insert or replace rows that a retry brought, and mark them recovered.
    Recover {
        /// The rows.
        rows: RecordBatch,
        /// Their ids.
        ids: Vec<PointId>,
        /// Their similarities.
        similarities: Vec<Option<Similarity>>,
        /// Those whose text was shortened.
        shortened: Vec<(PointId, Shortened)>,
        /// The answer.
        done: oneshot::Sender<anyhow::Result<()>>,
    },
    /// Replace rows that are in the table by rows of the same points.
    Replace {
        /// The new rows.
        rows: RecordBatch,
        /// Their ids.
        ids: Vec<PointId>,
        /// Their similarities.
        similarities: Vec<Option<Similarity>>,
        /// Those whose text was shortened.
        shortened: Vec<(PointId, Shortened)>,
        /// The answer.
        done: oneshot::Sender<anyhow::Result<()>>,
    },
    /// Write rows that catching up brought, new or replacing; answers how many were new.
    CatchUp {
        /// The rows, where there are any.
        rows: Option<RecordBatch>,
        /// Their ids.
        ids: Vec<PointId>,
        /// Their similarities.
        similarities: Vec<Option<Similarity>>,
        /// Those whose text was shortened.
        shortened: Vec<(PointId, Shortened)>,
        /// Points that are new and failed.
        failures: Vec<(PointId, Failure)>,
        /// The answer.
        done: oneshot::Sender<anyhow::Result<u64>>,
    },
    /// Remove rows whose points are gone; answers how many there were.
    Remove {
        /// Their ids.
        ids: Vec<PointId>,
        /// The answer.
        done: oneshot::Sender<anyhow::Result<u64>>,
    },
    /// Something else wrote to the table: take over how many rows there are, and take out all rows but the first of each
    /// of these ids and, before the scroll has ended, those ahead of it; answers how many were taken out. A writer that
    /// has broken down over it writes again.
    Mend {
        /// Ids that have several rows.
        repeats: Vec<PointId>,
        /// Ids that are among the failures and have a row.
        settled: Vec<PointId>,
        /// The answer.
        done: oneshot::Sender<anyhow::Result<u64>>,
    },
    /// The journal changed behind the writer's back: count again.
    Recount(oneshot::Sender<anyhow::Result<()>>),
    /// Carry out one step of finishing the table.
    Finish(Step, Wishes, oneshot::Sender<anyhow::Result<String>>),
}

/// What bounds a group.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Rows.
    pub rows: usize,
    /// Bytes of rows.
    pub bytes: usize,
    /// Time since the group's first page.
    pub age: Duration,
}
