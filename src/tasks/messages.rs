//! What screen and work say to each other: commands down, events up. Owns the types, carries nothing out.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::journal::{Attempt, Decided, Decision, Edit, FailureRow, Filter, Sort};
use crate::lance::browse::{Anchor, Band, RankedRow};
use crate::lance::index::Step;
use crate::point::diff::RecordDiff;
use crate::point::{Failure, Payload, PointId, counted};

use super::inspect::{Agreement, PairSummary, PointDetail};
use super::plan::PlanReport;
use super::search::{Found, SearchFor};
use super::sync::{CaughtUp, Difference};
use super::verify::{Check, CheckId, Verification, Wish};
use super::{Phase, RunReport, StopReason};

/// What the operator may ask of the work.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskCommand {
    /// Begin to move points: the plan was seen.
    Start,
    /// Start no more scrolls and requests; what is in flight is finished and committed.
    Pause,
    /// Go on after a pause, or after the run was stopped by an outage.
    Resume,
    /// Make the next try now, whatever is waited for: an outage, a limit of the server's.
    TryNow,
    /// Change a setting while the work runs.
    Set(Setting),
    /// Try failed points again.
    Retry(Selection),
    /// Try one failed point again, with this text in the place of its content.
    RetryEdited(PointId, String),
    /// Give failed points up, with a reason.
    Skip(Vec<PointId>, String),
    /// Take a skip back.
    Unskip(Vec<PointId>),
    /// Write the failures to a file.
    Export(PathBuf),
    /// Read one page of failures.
    ListFailures {
        /// Which.
        filter: Filter,
        /// In which order.
        sort: Sort,
        /// The first one's place.
        offset: u64,
        /// How many at most.
        limit: u64,
    },
    /// Read one failure with its attempts and its payload.
    ReadFailure(PointId),
    /// Read one page of rows by similarity, worst first.
    ListDivergent {
        /// Which rows.
        band: Band,
        /// From where on.
        anchor: Anchor,
        /// How many at most.
        limit: usize,
    },
    /// Read one point of both stores with its neighbours.
    Inspect(PointId),
    /// Embed rows of the table once more.
    EmbedAgain(Vec<PointId>),
    /// Put Qdrant's vector in the place of the new embedding.
    KeepSourceVector(Vec<PointId>),
    /// The new embedding is right as it is, with a note.
    Accept(Vec<PointId>, String),
    /// Compare a sample of points in both stores.
    SamplePairs(SampleOf),
    /// Compare one point in both stores, field by field.
    ReadPair(PointId),
    /// Compare the nearest neighbours of a sample in both stores.
    MeasureAgreement,
    /// Ask both stores one query.
    Search(Box<SearchFor>),
    /// Go over both stores once more and say what differs; nothing is written.
    Compare,
    /// Bring over what the last comparison found.
    CatchUp {
        /// Remove rows whose points are gone from Qdrant.
        remove_gone: bool,
    },
    /// Of what the last comparison found only remove rows whose points are gone from Qdrant: nothing is brought over, and
    /// nothing is paid for. Answered as [`TaskCommand::CatchUp`] is.
    RemoveGone,
    /// Verify; one verification at a time.
    Verify(Box<Wish>),
    /// Leave the verification that is under way.
    StopVerifying,
    /// Go over both stores and say what bringing together what the last verification found takes; nothing is written.
    /// Answered as [`TaskCommand::Compare`] is; [`TaskCommand::CatchUp`] does it.
    PlanRepair,
    /// Write the offenders that the last verification kept to a file, as JSON lines.
    ExportOffenders(PathBuf),
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

/// Which points a comparison is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SampleOf {
    /// Drawn at random from both stores.
    Random,
    /// These.
    Ids(Vec<PointId>),
}

/// One setting that can be changed while the work runs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Setting {
    /// Requests in flight at most.
    InFlight(usize),
    /// Inputs a request at most.
    BatchInputs(usize),
    /// Requests a minute at most; `None` is no cap.
    RequestsPerMinute(Option<u64>),
    /// Tokens a minute at most; `None` is no cap.
    TokensPerMinute(Option<u64>),
    /// US dollars for the whole job at most; `None` is no cap.
    BudgetUsd(Option<f64>),
    /// Similarities below count as divergent.
    Threshold(f32),
}

impl Setting {
    /// What it says, in words.
    pub fn describe(self) -> String {
        let capped = |one: &str, many: &str, cap: Option<u64>| match cap {
            Some(cap) => format!("{} a minute at most", counted(cap, one, many)),
            None => format!("no cap on {many} a minute"),
        };
        match self {
            Self::InFlight(limit) => format!("{} in flight at most", counted(limit as u64, "request", "requests")),
            Self::BatchInputs(inputs) => format!("{} a request at most", counted(inputs as u64, "input", "inputs")),
            Self::RequestsPerMinute(cap) => capped("request", "requests", cap),
            Self::TokensPerMinute(cap) => capped("token", "tokens", cap),
            Self::BudgetUsd(Some(usd)) => format!("the budget is ${usd:.2}"),
            Self::BudgetUsd(None) => "no budget any more".to_owned(),
            Self::Threshold(threshold) => format!("the threshold is {threshold:.3}"),
        }
    }
}

/// All settings as they hold just now. As JSON they are called what they are on the command line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Requests in flight at most.
    #[serde(rename = "max_in_flight")]
    pub in_flight: usize,
    /// Inputs a request at most.
    #[serde(rename = "max_batch_inputs")]
    pub batch_inputs: usize,
    /// Requests a minute at most.
    pub requests_per_minute: Option<u64>,
    /// Tokens a minute at most.
    pub tokens_per_minute: Option<u64>,
    /// US dollars for the whole job at most.
    pub budget_usd: Option<f64>,
}

/// What happened.
#[derive(Debug, Clone, PartialEq)]
pub enum TaskEvent {
    /// Source, target and embedder answer; the job is open.
    Opened(Box<JobFacts>),
    /// What a run would do was worked out; it waits for [`TaskCommand::Start`].
    Planned(Box<PlanReport>),
    /// The work is in another phase.
    PhaseChanged(Phase),
    /// A point failed and is in the journal.
    PointFailed(PointId, Failure),
    /// A setting holds now.
    SettingConfirmed(Setting),
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
        /// Retries that wait behind it.
        waiting: usize,
    },
    /// So many points were skipped (`true`) or taken back (`false`).
    Skipped(u64, bool),
    /// So many failures are in this file now.
    Exported(u64, PathBuf),
    /// A page of failures, as asked for.
    FailuresListed {
        /// The filter it belongs to.
        filter: Filter,
        /// Its order.
        sort: Sort,
        /// The first one's place.
        offset: u64,
        /// How many the filter shows in all.
        total: u64,
        /// How many of them can be retried: those that are neither skipped nor being retried.
        retryable: u64,
        /// The page.
        rows: Vec<FailureRow>,
    },
    /// One failure, as asked for.
    FailureRead(Box<FailureDetail>),
    /// A page of rows by similarity, as asked for.
    DivergentListed {
        /// The band it belongs to.
        band: Band,
        /// The anchor it was read from.
        anchor: Anchor,
        /// How many rows the band has in all.
        total: u64,
        /// The page, each with what was decided about it.
        rows: Vec<(RankedRow, Option<Decided>)>,
    },
    /// One point of both stores, as asked for.
    Inspected(Box<PointDetail>),
    /// Points were decided about. What could not be done says why; the others are done.
    Decided {
        /// What.
        decision: Decision,
        /// About whom it was asked for: one of several that may be under way.
        asked: Vec<PointId>,
        /// About whom it was carried out.
        points: Vec<PointId>,
        /// What stopped it.
        error: Option<String>,
    },
    /// Pairs were compared, as asked for.
    PairsSampled(SampleOf, Vec<PairSummary>),
    /// One pair, field by field.
    PairRead(Box<RecordDiff>),
    /// Neighbours of a sample were compared.
    AgreementMeasured(Agreement),
    /// Both stores answered a query, as asked for.
    Searched(Box<SearchFor>, Box<Found>),
    /// Both stores were gone over, or why they could not be.
    Compared(Result<Difference, String>),
    /// What differed was brought over, as far as nothing stopped it.
    CaughtUp(CaughtUp, Option<StopReason>),
    /// A verification has begun, with these checks.
    VerifyBegun(Vec<CheckId>),
    /// A check is so far: points, rows or queries done, of how many.
    VerifyProgressed(CheckId, u64, u64),
    /// A check came to its end.
    Checked(Box<Check>),
    /// The verification came to its end, or why it did not.
    Verified(Result<Box<Verification>, String>),
    /// So many offenders are in this file now.
    OffendersExported(u64, PathBuf),
    /// A question of the screen could not be answered.
    Unanswered {
        /// Whose answer is missing.
        of: Owned,
        /// Why.
        error: String,
    },
    /// Something the operator should know.
    Noted(Level, String),
    /// The supervisor has ended; nothing more comes.
    Ended(Box<RunReport>),
}

/// Whose question it was.
#[derive(Debug, Clone, PartialEq)]
pub enum Owned {
    /// The list of failures.
    Failures,
    /// An open failure.
    Failure(PointId),
    /// The list by similarity, of this band.
    Divergent(Band),
    /// An open point.
    Inspection(PointId),
    /// A sample of pairs.
    Pairs(SampleOf),
    /// An open pair.
    Pair(PointId),
    /// The agreement of neighbours.
    Agreement,
    /// A search.
    Search(Box<SearchFor>),
}

/// How much a note matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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
    /// The latest edit by hand; of an open failure, only where no row of the table has it.
    pub edit: Option<Edit>,
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
    /// The payload key whose text is embedded.
    pub content: String,
    /// Whether new embeddings can be compared with Qdrant's vectors; else why not.
    pub comparable: Result<(), String>,
    /// Points in the collection.
    pub points: u64,
    /// Whether an earlier run is continued.
    pub resumed: bool,
    /// The state directory.
    pub state_dir: String,
}
