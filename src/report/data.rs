//! What a report says, as types: serialised, they are the JSON of `qlance report`, whose keys docs/report.md explains
//! (a test holds the two together). Every text in here is clean: without control characters, credentials, and, unless
//! samples were asked for, without ids and contents.

use serde::Serialize;
use serde_json::Value;

use super::comparison::Comparison;
use crate::journal::State;
use crate::point::verdict::{Decision, Outcome, Sample};
use crate::point::{Cause, PointId, Similarity};
use crate::tasks::verify::CheckId;

/// The schema's name and version. Keys may be added within a version; one that goes or changes its meaning makes a new
/// one.
pub const SCHEMA: &str = "qlance-report/1";

/// A report. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReportData {
    /// [`SCHEMA`]; first, so that a file can be told by its beginning.
    pub schema: &'static str,
    /// When it was made.
    pub made_at: i64,
    /// Whether points are named and contents shown.
    pub with_samples: bool,
    /// What could not be had, in sentences.
    pub notes: Vec<String>,
    /// Whether the new store may take over.
    pub verdict: VerdictPart,
    /// What was moved.
    pub moved: Moved,
    /// That no point was lost.
    pub conservation: Conservation,
    /// How far the new embeddings lie from Qdrant's vectors.
    pub divergence: Divergence,
    /// Points that could not be carried over.
    pub failures: Failures,
    /// The last verification; none where there was none.
    pub verification: Option<VerificationPart>,
    /// The last comparison of both stores; none where there was none.
    pub comparison: Option<Comparison>,
    /// The configuration with every default, as in `qlance.toml`; names of variables and files, never a secret.
    pub settings: Value,
    /// Who took part.
    pub versions: Versions,
    /// When and how long.
    pub timings: Timings,
    /// What the embedder was paid.
    pub cost: Cost,
    /// Points by name, where they were asked for.
    pub samples: Option<Samples>,
}

/// The word on the report's band.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum VerdictWord {
    /// It may take over.
    Go,
    /// It may not.
    NoGo,
    /// What was seen does not say.
    Inconclusive,
    /// Nobody has looked.
    NotVerified,
}

impl VerdictWord {
    /// As it is shown.
    pub fn label(self) -> &'static str {
        match self {
            Self::Go => Decision::Go.label(),
            Self::NoGo => Decision::NoGo.label(),
            Self::Inconclusive => Decision::Inconclusive.label(),
            Self::NotVerified => "NOT VERIFIED",
        }
    }
}

impl From<Decision> for VerdictWord {
    fn from(decision: Decision) -> Self {
        match decision {
            Decision::Go => Self::Go,
            Decision::NoGo => Self::NoGo,
            Decision::Inconclusive => Self::Inconclusive,
        }
    }
}

/// Whether the new store may take over, and how far that can be relied on by now.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerdictPart {
    /// The word.
    pub decision: VerdictWord,
    /// Every reason why it is not GO.
    pub reasons: Vec<String>,
    /// When the verification began.
    pub verified_at: Option<i64>,
    /// The table's version that it looked at.
    pub table_version: Option<u64>,
    /// Whether the table has another version by now.
    pub table_changed: Option<bool>,
    /// Whether Qdrant has another number of points by now.
    pub points_changed: Option<bool>,
    /// The command that makes the verdict, or makes it anew.
    pub command: &'static str,
}

impl VerdictPart {
    /// Whether something was written since the verification.
    pub fn is_stale(&self) -> bool {
        self.table_changed == Some(true) || self.points_changed == Some(true)
    }
}

/// What was moved, from where to where.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Moved {
    /// The collection.
    pub collection: String,
    /// Points in it by now.
    pub points: u64,
    /// The table with its address.
    pub table: String,
    /// The table's version; none before there is a table.
    pub table_version: Option<u64>,
    /// Rows by now.
    pub rows: u64,
    /// Groups of files with rows of their own.
    pub fragments: u64,
    /// Bytes of the data files of this version.
    pub data_bytes: u64,
    /// The columns in their order.
    pub columns: Vec<ColumnPart>,
    /// The vector space of each column of embeddings.
    pub spaces: Vec<SpacePart>,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnPart {
    /// Its name.
    pub name: String,
    /// Its type, as Arrow says it.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it holds.
    pub holds: String,
}

/// The space of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpacePart {
    /// The column.
    pub column: String,
    /// Provider, model, dimensions and prefix.
    pub space: String,
}

/// Points read = written + failed + skipped, over all runs of the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Conservation {
    /// Points read and settled.
    pub read: u64,
    /// In the table, those brought over by retries and by catching up too.
    pub written: u64,
    /// Failed, and waiting for a decision.
    pub failed: u64,
    /// Given up by the operator, with a reason.
    pub skipped: u64,
    /// Whether the sum is right, and the table has as many rows.
    pub holds: bool,
    /// Whether every id range was read to its end.
    pub complete: bool,
    /// Rows that retries added.
    pub recovered: u64,
    /// Rows that catching up with the source added.
    pub caught_up: u64,
    /// Rows that catching up with the source removed.
    pub removed: u64,
    /// Rows that were in the table before this job.
    pub adopted_rows: u64,
    /// Rows whose text was longer than the model takes, and was truncated or embedded in pieces.
    pub shortened: u64,
}

/// How far the new embeddings lie from Qdrant's vectors, from the table's column `original_similarity`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Divergence {
    /// Similarities below this count as divergent.
    pub threshold: f64,
    /// Rows with a similarity.
    pub compared: u64,
    /// Rows without.
    pub incomparable: u64,
    /// Rows below the threshold.
    pub divergent: u64,
    /// Those that the operator accepted as they are.
    pub accepted: u64,
    /// Why similarities mean nothing, where they do not.
    pub not_comparable: Option<String>,
    /// The least similarity.
    pub minimum: Option<f64>,
    /// The 1st percentile.
    pub p1: Option<f64>,
    /// The 5th percentile.
    pub p5: Option<f64>,
    /// The median.
    pub median: Option<f64>,
    /// Rows by similarity, from the least occupied bin up to 1.
    pub bins: Vec<Bin>,
}

/// Rows with `from <= similarity < to`; the last bin takes in 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Bin {
    /// The lower edge.
    pub from: f64,
    /// The upper edge.
    pub to: f64,
    /// Rows.
    pub count: u64,
}

/// Points that could not be carried over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Failures {
    /// Failed or being retried.
    pub open: u64,
    /// Given up by the operator.
    pub skipped: u64,
    /// Failed once and brought over since.
    pub recovered: u64,
    /// How many of each cause stand where; causes that never came up are left out.
    pub by_cause: Vec<ByCause>,
}

/// Failures of one cause in one state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ByCause {
    /// The cause of the last attempt.
    pub cause: Cause,
    /// Where the points stand.
    pub state: State,
    /// Points.
    pub count: u64,
}

/// The last verification.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VerificationPart {
    /// Qdrant's version then.
    pub qdrant_version: String,
    /// Points in Qdrant then.
    pub points: u64,
    /// Rows in LanceDB then.
    pub rows: u64,
    /// Rows whose payloads and vectors were to be looked at; none is all.
    pub sample: Option<u64>,
    /// What was drawn at random was drawn by this.
    pub seed: u64,
    /// The checks in their order.
    pub checks: Vec<CheckPart>,
}

/// One check.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CheckPart {
    /// Which.
    pub id: CheckId,
    /// What it asks.
    pub question: &'static str,
    /// What came out.
    pub outcome: Outcome,
    /// The figure in words.
    pub figure: String,
    /// What it must be, in words.
    pub threshold: String,
    /// How long it took.
    pub seconds: f64,
    /// Why it is a failure or inconclusive.
    pub reasons: Vec<String>,
    /// What else is good to know.
    pub remarks: Vec<String>,
    /// Points that it finds fault with.
    pub offenders: u64,
    /// What a sample says of the whole; none where all were looked at.
    pub sampled: Option<Sample>,
    /// All figures; without samples only what is a number, true, false or null.
    pub numbers: Value,
}

/// Who took part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Versions {
    /// qlance.
    pub qlance: String,
    /// The Qdrant server by now.
    pub qdrant: String,
    /// The lancedb crate.
    pub lancedb: String,
    /// The lance crate.
    pub lance: String,
    /// The operating system that the report was made on.
    pub os: String,
    /// Its architecture.
    pub arch: String,
    /// Cores that qlance could use.
    pub cores: usize,
}

/// When and how long, as far as the table and the files of the job know.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Timings {
    /// The first version of the table that is kept.
    pub first_version_at: Option<i64>,
    /// The newest.
    pub newest_version_at: Option<i64>,
    /// Seconds between the two, pauses and indexes with them.
    pub seconds_between: Option<f64>,
    /// Versions that are kept.
    pub versions_kept: u64,
    /// When the verification began.
    pub verification_began_at: Option<i64>,
    /// How long it took.
    pub verification_seconds: Option<f64>,
    /// When the comparison began.
    pub comparison_began_at: Option<i64>,
    /// How long the vector index took to build, where the comparison measured it.
    pub index_seconds: Option<f64>,
}

/// What the embedder was paid, by all runs of the job.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cost {
    /// Tokens, as the server counted them.
    pub tokens: u64,
    /// US dollars at the prices of their time.
    pub usd: f64,
    /// US dollars that the job may spend; none is no cap.
    pub budget_usd: Option<f64>,
    /// The configured prices.
    pub prices: Vec<Price>,
}

/// The price of one embedder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Price {
    /// What it embeds.
    pub modality: &'static str,
    /// Its model; empty where vectors are carried over.
    pub model: String,
    /// US dollars for a million tokens.
    pub usd_per_million_tokens: f64,
}

/// Points by name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Samples {
    /// Points that a check finds fault with, the first of each check.
    pub offenders: Vec<NamedOffender>,
    /// Open failures, the first of them.
    pub failed_points: Vec<FailedPoint>,
    /// Rows below the threshold, worst first.
    pub divergent_rows: Vec<DivergentRow>,
}

/// A point that a check finds fault with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NamedOffender {
    /// The check.
    pub check: CheckId,
    /// The point.
    pub point: PointId,
    /// What is wrong with it.
    pub what: String,
}

/// A point that could not be carried over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedPoint {
    /// The point.
    pub point: PointId,
    /// Where it stands.
    pub state: State,
    /// The cause of the last attempt.
    pub cause: Cause,
    /// Attempts made.
    pub attempts: u32,
    /// The message of the last attempt.
    pub message: String,
}

/// A row whose embedding diverged.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DivergentRow {
    /// The point.
    pub point: PointId,
    /// The cosine of the new embedding and Qdrant's vector.
    pub similarity: Similarity,
    /// The beginning of its content.
    pub content: Option<String>,
}
