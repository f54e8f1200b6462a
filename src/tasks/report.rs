//! How a run ended: what `run --json` prints and what the exit code says.

use std::time::Duration;

use serde::Serialize;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Every point was read; failed ones may be left.
    Complete,
    /// Stopped early, resumable.
    Stopped,
    /// Something else than moving points was asked for, and that was done; the migration has not come to its end.
    Incomplete,
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
    /// Rows whose text was longer than the model takes, and was truncated or embedded in pieces.
    pub shortened: u64,
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
    /// What became of the steps of finishing the table, where this run came to them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<StepReport>,
    /// What retries of failed points did in this run, where there were any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<RetryReport>,
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
            Status::Stopped | Status::Incomplete => 5,
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
            shortened: 0,
            seconds: took.as_secs_f64(),
            points_per_second: 0.0,
            resumed: false,
            embedding: EmbeddingReport::default(),
            table: TableReport::default(),
            steps: Vec::new(),
            retry: None,
            error: Some(error),
        }
    }
}

/// What became of one step of finishing the table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct StepReport {
    /// The step: `compact`, `id_index`, `vector_index` or `text_index`.
    pub step: &'static str,
    /// How it ended.
    pub outcome: StepOutcome,
    /// What it did, or why it failed; empty where it was left out.
    pub detail: String,
    /// Seconds it took.
    pub seconds: f64,
}

/// How a step of finishing the table ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepOutcome {
    /// It is done, or there was nothing to do.
    Done,
    /// It failed. Every row is in the table; the next run tries it again.
    Failed,
    /// The run was stopped before it; the next run does it.
    Skipped,
}

/// What retries of failed points did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct RetryReport {
    /// Points brought over.
    pub recovered: u64,
    /// Points that failed again.
    pub failed: u64,
    /// What stopped the last one, where something did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
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
