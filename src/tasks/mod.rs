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

pub mod backlog;
pub mod columns;
pub mod comparison;
pub mod control;
pub mod decide;
#[cfg(all(feature = "embedded", feature = "minilm"))]
pub mod demo;
pub mod evaluate;
pub mod export;
pub mod inspect;
pub mod invariant;
pub mod job;
pub mod lock;
mod messages;
pub mod meters;
pub mod migrate;
mod phase;
pub mod plan;
pub mod prepare;
mod recall;
pub mod recipe;
pub mod reconcile;
mod report;
pub mod retry;
pub mod search;
pub mod setup;
mod space;
pub mod story;
pub mod supervisor;
pub mod sync;
pub mod verify;
pub(crate) mod words;
pub mod writer;

pub use messages::{
    FailureDetail, JobFacts, Level, Owned, SampleOf, Selection, Setting, Settings, TaskCommand, TaskEvent,
};
pub use meters::{Snapshot, StageSnapshot};
pub use phase::{Phase, StopReason};
pub use report::{EmbeddingReport, RetryReport, RunReport, Status, StepOutcome, StepReport, TableReport};

/// Room in the channel of commands.
pub const COMMAND_ROOM: usize = 64;
/// Room in the channel of events: a burst of failures waits here while a frame is drawn.
pub const EVENT_ROOM: usize = 4_096;

/// Milliseconds since 1970.
pub fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
