//! What the checklist is made from: figures of one moment, as plain data.

use crate::point::verdict::Decision;

/// Figures of one moment. Times are milliseconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// How qlance is called for this job, such as `qlance --config other.toml`; commands begin with it.
    pub qlance: String,
    /// The collection.
    pub collection: String,
    /// The job.
    pub job: String,
    /// Now.
    pub now: i64,
    /// The database, without credentials.
    pub uri: String,
    /// The table's name.
    pub table: String,
    /// The table's version; none where there is no table yet.
    pub version: Option<u64>,
    /// When that version was made.
    pub version_at: i64,
    /// Versions that are kept.
    pub versions: u64,
    /// Whether the version before the job's first commit is tagged, which `qlance undo` needs.
    pub tagged: bool,
    /// Id ranges that were read to their end.
    pub ranges_done: u64,
    /// Id ranges.
    pub ranges: u64,
    /// Points in Qdrant.
    pub points: u64,
    /// Rows in the table.
    pub rows: u64,
    /// Rows that were in the table before this job.
    pub adopted_rows: u64,
    /// Failed points that nobody has decided about.
    pub failed: u64,
    /// Failed points that were given up, with a reason.
    pub skipped: u64,
    /// Of those that nobody has decided about, how many are gone from Qdrant: nobody has to.
    pub failed_gone: u64,
    /// Of those that were given up, how many are gone from Qdrant.
    pub skipped_gone: u64,
    /// The last verification.
    pub verified: Kept<Verified>,
    /// The last comparison of both stores.
    pub compared: Kept<Compared>,
    /// Every index that is due, or why that cannot be told.
    pub indexes: Result<Vec<Indexed>, String>,
    /// Whether the configuration has indexes built at all (`pipeline.index`).
    pub builds_indexes: bool,
}

/// A file of the state directory.
#[derive(Debug, Clone, PartialEq)]
pub enum Kept<T> {
    /// There is none.
    None,
    /// It is there and cannot be read; why.
    Unreadable(String),
    /// What it says.
    There(T),
}

/// A verification.
#[derive(Debug, Clone, PartialEq)]
pub struct Verified {
    /// What it decided.
    pub decision: Decision,
    /// Why it is not GO.
    pub reasons: Vec<String>,
    /// The table's version that it looked at.
    pub version: u64,
    /// Points in Qdrant then.
    pub points: u64,
    /// Rows whose payloads and vectors it looked at; none is all.
    pub sample: Option<u64>,
    /// Whether it compared all ids and all payloads, and found them the same.
    pub all_the_same: bool,
    /// When it began.
    pub began_at: i64,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compared {
    /// When it began.
    pub began_at: i64,
}

/// An index that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Indexed {
    /// What it is, in words: `vector index on embedding`.
    pub name: String,
    /// Whether it is there.
    pub there: bool,
    /// Whether so few rows have a value that none is needed.
    pub needless: bool,
    /// Rows that it does not cover.
    pub uncovered: u64,
}

impl Facts {
    /// Points that rows, failures and skips do not account for, or the other way round. Failed and skipped points that are
    /// gone from Qdrant make up for none. Rows that were there before the job may or may not be points.
    pub fn unaccounted(&self) -> u64 {
        let waiting = (self.failed + self.skipped).saturating_sub(self.failed_gone + self.skipped_gone);
        let sum = self.rows + waiting;
        if sum < self.points {
            self.points - sum
        } else {
            (sum - self.points).saturating_sub(self.adopted_rows)
        }
    }
}
