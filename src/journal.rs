//! What must survive beside the table: the id ranges of the job, the points that failed and every attempt at them.
//!
//! A SQLite file in the job's state directory, written ahead and synced: what a call here returned is on the disk.
//! Progress is *not* here; that rides in the table's commits. Calls block for a disk sync, so async code goes through
//! [`Shared`]. Nothing is held in memory but the page that was asked for and, up to a limit, the ids of a list that was
//! searched for.

mod decisions;
mod drift;
mod edits;
mod failures;
mod filter;
mod listing;
mod shared;
mod shortened;

use std::cell::RefCell;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use rusqlite::{Connection, OptionalExtension as _, params};
use serde::{Deserialize, Serialize};

use crate::point::IdRange;

pub use decisions::{Decided, Decision};
pub use drift::Drift;
pub use edits::Edit;
pub use failures::{Attempt, Counts, FailureRow, State};
pub use filter::{Filter, Order, Sort};
pub use listing::Listed;
pub use shared::Shared;

/// The version of the tables below.
/// 1: failures and attempts. 2: decisions and edits. 3: what became of each edit; texts that were shortened.
const FORMAT: i64 = 3;

/// From format 2: an edit of a point that was brought over after it is what its row says.
const FROM_2: &str = "
ALTER TABLE edits ADD COLUMN state TEXT NOT NULL DEFAULT 'dropped';
UPDATE edits SET state = 'applied' WHERE key IN (SELECT key FROM failures WHERE state = 'recovered');
ALTER TABLE failures ADD COLUMN late INTEGER NOT NULL DEFAULT 0;
ALTER TABLE failures ADD COLUMN again INTEGER NOT NULL DEFAULT 0;
ALTER TABLE failures ADD COLUMN brought INTEGER NOT NULL DEFAULT 0;
UPDATE failures SET brought = 1 WHERE state = 'recovered';
";

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS failures (
    key      BLOB PRIMARY KEY,  -- sorts as the ids do
    id       TEXT NOT NULL,
    cause    TEXT NOT NULL,
    error    TEXT NOT NULL,
    state    TEXT NOT NULL,     -- failed, retrying, skipped, recovered
    reason   TEXT,              -- why it was skipped
    attempts INTEGER NOT NULL,
    first_at INTEGER NOT NULL,  -- milliseconds since 1970
    last_at  INTEGER NOT NULL,
    late     INTEGER NOT NULL DEFAULT 0, -- 1: found when catching up, after the scroll had ended
    again    INTEGER NOT NULL DEFAULT 0, -- times it went from Qdrant, came back, and failed
    brought  INTEGER NOT NULL DEFAULT 0  -- rows that retries of it added to the table
) STRICT, WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS failures_by_state ON failures (state, cause);
CREATE TABLE IF NOT EXISTS attempts (
    key   BLOB NOT NULL,
    at    INTEGER NOT NULL,
    cause TEXT NOT NULL,
    error TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS attempts_by_key ON attempts (key, at);
-- A list of open failures is a stretch of one of these; whatever it is searched by stands in the index itself.
DROP INDEX IF EXISTS failures_by_age;
DROP INDEX IF EXISTS failures_by_cause;
DROP INDEX IF EXISTS failures_by_attempts;
CREATE INDEX IF NOT EXISTS open_by_id ON failures (key, state) WHERE state <> 'recovered';
CREATE INDEX IF NOT EXISTS open_by_age ON failures (last_at, key, state) WHERE state <> 'recovered';
CREATE INDEX IF NOT EXISTS open_by_cause ON failures (cause, key, state, last_at, attempts) WHERE state <> 'recovered';
CREATE INDEX IF NOT EXISTS open_by_attempts ON failures (attempts, key, state) WHERE state <> 'recovered';
CREATE TABLE IF NOT EXISTS decisions (
    key        BLOB NOT NULL,
    at         INTEGER NOT NULL,
    decision   TEXT NOT NULL,   -- accepted, kept, embedded_again
    similarity REAL,            -- of the row when it was decided
    note       TEXT
) STRICT;
CREATE INDEX IF NOT EXISTS decisions_by_key ON decisions (key, at);
CREATE TABLE IF NOT EXISTS edits (
    key    BLOB NOT NULL,
    at     INTEGER NOT NULL,
    before TEXT,                -- null where the payload had no text there
    after  TEXT NOT NULL,
    state  TEXT NOT NULL        -- open (being tried), applied (the row says so), dropped (in no row)
) STRICT;
CREATE INDEX IF NOT EXISTS edits_by_key ON edits (key, at);
CREATE INDEX IF NOT EXISTS failures_late ON failures (late) WHERE late;
CREATE INDEX IF NOT EXISTS failures_again ON failures (again) WHERE again;
CREATE INDEX IF NOT EXISTS failures_brought ON failures (brought) WHERE brought;
CREATE TABLE IF NOT EXISTS drift (
    key   BLOB PRIMARY KEY,
    kind  TEXT NOT NULL,        -- new, content, payload, gone, stuck
    error TEXT                  -- why it is stuck
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS shortened (
    key      BLOB PRIMARY KEY,
    how      TEXT NOT NULL,     -- truncated, chunked
    tokens   INTEGER NOT NULL,
    embedded INTEGER NOT NULL,
    pieces   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// What the embedder was paid.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Spent {
    /// Tokens, as the server counted them.
    pub tokens: u64,
    /// US dollars at the prices of their time.
    pub usd: f64,
}

/// The journal of one job.
pub struct Journal {
    db: Connection,
    listings: RefCell<listing::Listings>,
}

impl Journal {
    /// Opens or makes `journal.db` in the job's state directory.
    ///
    /// # Errors
    /// The directory cannot be written, or the file is of a newer format.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("cannot make the state directory {}", dir.display()))?;
        let path = dir.join("journal.db");
        let open = || -> anyhow::Result<Self> {
            let db = Connection::open(&path)?;
            db.busy_timeout(Duration::from_secs(10))?;
            db.pragma_update(None, "journal_mode", "WAL")?;
            // Synced at every commit: a failure must be on the disk before the cursor passes its point.
            db.pragma_update(None, "synchronous", "FULL")?;
            // Kibibytes, at most: the index of a hundred thousand failures is walked without reading it from the disk.
            db.pragma_update(None, "cache_size", -8_000)?;
            let found: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0))?;
            anyhow::ensure!(found <= FORMAT, "it was written by a newer qlance (format {found})");
            if found == 2 {
                db.execute_batch(&format!("BEGIN; {FROM_2} PRAGMA user_version = {FORMAT}; COMMIT;"))?;
            }
            // In one transaction: each by itself would be synced by itself.
            db.execute_batch(&format!("BEGIN; {TABLES} COMMIT;"))?;
            if found != FORMAT {
                db.pragma_update(None, "user_version", FORMAT)?;
            }
            Ok(Self::over(db))
        };
        open().with_context(|| format!("cannot open the journal {}", path.display()))
    }

    /// Whether a job has its journal in this state directory.
    pub fn exists(dir: &Path) -> bool {
        dir.join("journal.db").exists()
    }

    /// A journal in memory: for a job that is only looked at and was never begun, and for tests.
    ///
    /// # Errors
    /// SQLite fails.
    pub fn in_memory() -> anyhow::Result<Self> {
        let db = Connection::open_in_memory()?;
        db.execute_batch(TABLES)?;
        Ok(Self::over(db))
    }

    fn over(db: Connection) -> Self {
        Self {
            db,
            listings: RefCell::default(),
        }
    }

    /// Forgets everything about points and ranges: the table was taken back to before the job. What was spent stays: the
    /// money is gone.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn forget_job(&mut self) -> anyhow::Result<()> {
        self.db.execute_batch(
            "BEGIN; DELETE FROM failures; DELETE FROM attempts; DELETE FROM decisions; DELETE FROM edits;
             DELETE FROM shortened; DELETE FROM drift; DELETE FROM facts WHERE name IN ('ranges', 'table'); COMMIT;",
        )?;
        Ok(())
    }

    /// A fact of the job by name.
    fn fact(&self, name: &str) -> anyhow::Result<Option<String>> {
        let sql = "SELECT value FROM facts WHERE name = ?1";
        Ok(self.db.query_row(sql, [name], |row| row.get(0)).optional()?)
    }

    fn set_fact(&mut self, name: &str, value: &str) -> anyhow::Result<()> {
        let sql = "INSERT INTO facts VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = ?2";
        self.db.execute(sql, params![name, value])?;
        Ok(())
    }

    /// What the embedder was paid by this job in all its runs, in tokens and US dollars.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn spent(&self) -> anyhow::Result<Spent> {
        let text = self.fact("spent")?;
        text.map(|text| serde_json::from_str(&text).context("what was spent cannot be read from the journal"))
            .transpose()
            .map(Option::unwrap_or_default)
    }

    /// Keeps what the embedder was paid.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn set_spent(&mut self, spent: Spent) -> anyhow::Result<()> {
        self.set_fact("spent", &serde_json::to_string(&spent)?)
    }

    /// Whether the job has had a table to commit to.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn has_table(&self) -> anyhow::Result<bool> {
        if self.fact("table")?.is_some() {
            return Ok(true);
        }
        // A journal from before this was kept: these come after a commit only.
        let counts = self.counts()?;
        Ok(counts.recovered + counts.skipped > 0)
    }

    /// Keeps that the job has a table to commit to; before its first commit, so that none is ever made without.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn set_table(&mut self) -> anyhow::Result<()> {
        self.set_fact("table", "made")
    }

    /// The id ranges of the job, if they were drawn.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn ranges(&self) -> anyhow::Result<Option<Vec<IdRange>>> {
        let text = self.fact("ranges")?;
        text.map(|text| serde_json::from_str(&text).context("the ranges in the journal cannot be read"))
            .transpose()
    }

    /// Keeps the id ranges of the job.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn set_ranges(&mut self, ranges: &[IdRange]) -> anyhow::Result<()> {
        self.set_fact("ranges", &serde_json::to_string(ranges)?)
    }
}
