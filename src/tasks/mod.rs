//! The background tasks: the supervisor that takes commands, and the work it starts.
//!
//! Knows `qdrant`, `embed`, `lance` and `journal`; knows nothing of the screen. Screen and work talk in two directions
//! only: [`TaskCommand`]s (imperative) come down a bounded channel, [`TaskEvent`]s (past tense) go up a bounded channel
//! and are never dropped, and a [`Snapshot`] is kept current in a `watch`, where the newest wins.
//!
//! ```text
//!  commands -> supervisor -> migrate: read -> embed -> write -> commit        -> events
//!                         -> retry:   get  -> embed -----^                    -> snapshot
//! ```

#[cfg(all(feature = "embedded", feature = "minilm"))]
pub mod demo;
pub mod export;
pub mod job;
pub mod lock;
pub mod meters;
pub mod migrate;
pub mod prepare;
pub mod reconcile;
pub mod retry;
pub mod supervisor;
pub mod writer;

use std::time::Duration;

use serde::Serialize;

use crate::journal::{Attempt, FailureRow, Filter};
use crate::lance::index::Step;
use crate::point::{Failure, Payload, PointId};

pub use meters::{Snapshot, StageSnapshot};

/// Room in the channel of commands.
pub const COMMAND_ROOM: usize = 64;
/// Room in the channel of events: a burst of failures waits here while a frame is drawn.
pub const EVENT_ROOM: usize = 4_096;

/// What the operator may ask of the work.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskCommand {
    /// Start no more scrolls and requests; what is in flight is finished and committed.
    Pause,
    /// Go on after a pause, or after the run was stopped by an outage.
    Resume,
    /// So many requests in flight.
    SetConcurrency(usize),
    /// Try failed points again.
    Retry(Selection),
    /// Give failed points up, with a reason.
    Skip(Vec<PointId>, String),
    /// Take a skip back.
    Unskip(Vec<PointId>),
    /// Read one page of failures.
    ListFailures {
        /// Which.
        filter: Filter,
        /// The first one's place.
        offset: u64,
        /// How many at most.
        limit: u64,
    },
    /// Read one failure with its attempts and its payload.
    ReadFailure(PointId),
    /// Stop cleanly: commit what is embedded, leave the rest unread.
    Stop,
    /// Stop and end: nothing more will be asked.
    Quit,
    /// Go on, and end when there is nothing left to do: the screen is gone.
    EndWhenDone,
}

/// Which failed points are meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// These.
    Ids(Vec<PointId>),
    /// All that a filter shows.
    Filter(Filter),
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskEvent {
    /// Source, target and embedder answer; the job is open.
    Opened(Box<JobFacts>),
    /// The work is in another phase.
    PhaseChanged(Phase),
    /// A point failed and is in the journal.
    PointFailed(PointId, Failure),
    /// So many requests may be in flight now.
    ConcurrencySet(usize),
    /// A group is in the table.
    Committed {
        /// Rows of the group.
        rows: u64,
        /// The table's version now.
        version: u64,
    },
    /// A step of finishing the table has begun.
    StepStarted(Step),
    /// A step of finishing the table is done, with what it did.
    StepFinished(Step, String),
    /// These points are being tried again.
    RetryStarted(Vec<PointId>),
    /// One point's retry ended.
    RetryFinished(PointId, Result<(), Failure>),
    /// A retry as a whole ended; with an error, the points not reached are as they were.
    RetryEnded {
        /// Points brought over.
        recovered: u64,
        /// Points that failed again.
        failed: u64,
        /// What stopped it.
        error: Option<String>,
    },
    /// So many points were skipped (`true`) or taken back (`false`).
    Skipped(u64, bool),
    /// A page of failures, as asked for.
    FailuresListed {
        /// The filter it belongs to.
        filter: Filter,
        /// The first one's place.
        offset: u64,
        /// How many the filter shows in all.
        total: u64,
        /// The page.
        rows: Vec<FailureRow>,
    },
    /// One failure, as asked for.
    FailureRead(Box<FailureDetail>),
    /// Something the operator should know.
    Noted(Level, String),
    /// The supervisor has ended; nothing more comes.
    Ended(Box<RunReport>),
}

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Good to know.
    Info,
    /// Look at it.
    Warn,
    /// Something did not work.
    Error,
}

/// One failure with everything known of it.
#[derive(Debug, Clone, PartialEq)]
pub struct FailureDetail {
    /// The journal's row.
    pub row: FailureRow,
    /// Every attempt, oldest first.
    pub attempts: Vec<Attempt>,
    /// The payload as it is in Qdrant now; an error text where it cannot be read.
    pub payload: Result<Payload, String>,
}

/// What the screen may say of the job once it is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobFacts {
    /// The job's id.
    pub job: String,
    /// The collection.
    pub collection: String,
    /// Qdrant's version.
    pub qdrant_version: String,
    /// The table, with its address.
    pub table: String,
    /// The space of the new embeddings.
    pub space: String,
    /// Points in the collection.
    pub points: u64,
    /// Whether an earlier run is continued.
    pub resumed: bool,
    /// The state directory.
    pub state_dir: String,
}

/// Where the work stands. What the screen shows as done is one of these, never a key that was pressed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Phase {
    /// Asking source, target and embedder.
    #[default]
    Connecting,
    /// Moving points.
    Running,
    /// Pause was asked for; requests are still in flight.
    Pausing,
    /// Nothing is in flight.
    Paused,
    /// Stop was asked for; what is embedded is being committed.
    Stopping,
    /// All points are over; the table is being finished.
    Finishing(Step),
    /// Done.
    Complete,
    /// Stopped early; can be resumed.
    Stopped(String),
    /// Could not begin.
    Failed(String),
}

impl Phase {
    /// The word on the screen.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Connecting => "CONNECTING",
            Self::Running => "RUNNING",
            Self::Pausing => "PAUSING",
            Self::Paused => "PAUSED",
            Self::Stopping => "STOPPING",
            Self::Finishing(_) => "FINISHING",
            Self::Complete => "COMPLETE",
            Self::Stopped(_) => "STOPPED",
            Self::Failed(_) => "FAILED",
        }
    }

    /// Whether points are on their way, so that quitting needs a question.
    pub fn is_working(&self) -> bool {
        matches!(
            self,
            Self::Running | Self::Pausing | Self::Paused | Self::Stopping | Self::Finishing(_)
        )
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Every point was read; failed ones may be left.
    Complete,
    /// Stopped early, resumable.
    Stopped,
    /// Could not begin, or an invariant broke.
    Error,
}

/// What `run --json` prints. Points are those of the job in all its runs; `embedding`, `seconds` and the rate are
/// those of this run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RunReport {
    /// How it ended.
    pub status: Status,
    /// Points read and settled.
    pub read: u64,
    /// Points in the table, those brought over by retries too.
    pub written: u64,
    /// Points that failed and wait.
    pub failed: u64,
    /// Points given up by the operator.
    pub skipped: u64,
    /// Rows whose similarity lies below the threshold.
    pub divergent: u64,
    /// Seconds of this run.
    pub seconds: f64,
    /// Points settled in this run, a second.
    pub points_per_second: f64,
    /// Whether an earlier run was continued.
    pub resumed: bool,
    /// What this run asked of the embedder.
    pub embedding: EmbeddingReport,
    /// The table.
    pub table: TableReport,
    /// Why it did not complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

impl RunReport {
    /// The exit code: 0 complete, 3 complete with failed points, 5 stopped early, 1 error.
    pub fn exit_code(&self) -> u8 {
        match self.status {
            Status::Complete if self.failed > 0 => 3,
            Status::Complete => 0,
            Status::Stopped => 5,
            Status::Error => 1,
        }
    }

    /// A report of a run that could not begin.
    pub fn failed_to_begin(error: String, took: Duration) -> Self {
        Self {
            status: Status::Error,
            read: 0,
            written: 0,
            failed: 0,
            skipped: 0,
            divergent: 0,
            seconds: took.as_secs_f64(),
            points_per_second: 0.0,
            resumed: false,
            embedding: EmbeddingReport::default(),
            table: TableReport::default(),
            error: Some(error),
        }
    }
}

/// What was asked of the embedder.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct EmbeddingReport {
    /// Requests sent.
    pub requests: u64,
    /// Inputs embedded.
    pub inputs: u64,
    /// Tokens, as the server counted them.
    pub tokens: u64,
    /// What that costs at the configured price.
    pub cost_usd: f64,
}

/// The table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct TableReport {
    /// The database.
    pub uri: String,
    /// The table's name.
    pub name: String,
    /// Its version.
    pub version: u64,
    /// Its rows.
    pub rows: u64,
}

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
