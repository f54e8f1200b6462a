//! Failed points: recorded, retried, skipped, recovered.

use rusqlite::{OptionalExtension as _, Row, params};
use serde::Serialize;

use super::{Filter, Journal, edits};
use crate::point::{Cause, Failure, PointId};

/// Where a failed point stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It failed and waits for the operator.
    Failed,
    /// A retry holds it; found so at a start, the table is asked whether the row made it.
    Retrying,
    /// The operator gave it up, with a reason.
    Skipped,
    /// A retry brought it over.
    Recovered,
}

impl State {
    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Retrying => "retrying",
            Self::Skipped => "skipped",
            Self::Recovered => "recovered",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Failed, Self::Retrying, Self::Skipped, Self::Recovered]
            .into_iter()
            .find(|state| state.as_str() == word)
    }
}

/// One failed point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailureRow {
    /// The point.
    pub id: PointId,
    /// Its state.
    pub state: State,
    /// The cause of the last attempt's failure.
    pub cause: Cause,
    /// The chain of messages of the last attempt.
    pub error: String,
    /// Why it was skipped.
    pub reason: Option<String>,
    /// Attempts made; waiting and outages are none.
    pub attempts: u32,
    /// Milliseconds since 1970 of the first failure.
    pub first_at: i64,
    /// Milliseconds since 1970 of the last.
    pub last_at: i64,
}

/// One attempt at a point.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Attempt {
    /// Milliseconds since 1970.
    pub at: i64,
    /// The cause.
    pub cause: Cause,
    /// The chain of messages.
    pub error: String,
}

/// How many failed points stand where.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Failed, or being retried.
    pub failed: u64,
    /// Skipped by the operator.
    pub skipped: u64,
    /// Rows that retries added to the table.
    pub recovered: u64,
    /// Points that were found to fail when catching up, after the scroll.
    pub late: u64,
    /// Points that failed in the scroll, whatever became of them.
    pub scrolled: u64,
}

impl Counts {
    /// All points that failed in the scroll.
    pub fn total(self) -> u64 {
        self.scrolled
    }
}

/// What [`row_of`] reads.
pub(super) const COLUMNS: &str = "key, state, cause, error, reason, attempts, first_at, last_at";

pub(super) fn row_of(row: &Row<'_>) -> rusqlite::Result<FailureRow> {
    let bad =
        |column: usize| rusqlite::Error::InvalidColumnType(column, "failures".into(), rusqlite::types::Type::Blob);
    let key: Vec<u8> = row.get(0)?;
    let state: String = row.get(1)?;
    let cause: String = row.get(2)?;
    Ok(FailureRow {
        id: PointId::from_sort_key(&key).ok_or_else(|| bad(0))?,
        state: State::parse(&state).ok_or_else(|| bad(1))?,
        cause: Cause::parse(&cause).ok_or_else(|| bad(2))?,
        error: row.get(3)?,
        reason: row.get(4)?,
        attempts: row.get(5)?,
        first_at: row.get(6)?,
        last_at: row.get(7)?,
    })
}

impl Journal {
    /// Records failures, all or none, synced. A point that is there already gets one attempt more.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn record(&mut self, failures: &[(PointId, Failure)], now: i64) -> anyhow::Result<()> {
        self.record_found(failures, now, false)
    }

    /// The same for points that came after the scroll: no checkpoint counts them.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn record_late(&mut self, failures: &[(PointId, Failure)], now: i64) -> anyhow::Result<()> {
        self.record_found(failures, now, true)
    }

    fn record_found(&mut self, failures: &[(PointId, Failure)], now: i64, late: bool) -> anyhow::Result<()> {
        let transaction = self.db.transaction()?;
        {
            let mut insert = transaction.prepare(
                "INSERT INTO failures (key, id, cause, error, state, attempts, first_at, last_at, late)
                 VALUES (?1, ?2, ?3, ?4, 'failed', 1, ?5, ?5, ?6)
                 ON CONFLICT (key) DO UPDATE SET
                     cause = ?3, error = ?4, state = 'failed', attempts = attempts + 1, last_at = ?5,
                     again = again + (?6 AND state = 'recovered')",
            )?;
            let mut attempt = transaction.prepare("INSERT INTO attempts VALUES (?1, ?2, ?3, ?4)")?;
            for (id, failure) in failures {
                let key = id.sort_key();
                let cause = failure.cause.as_str();
                insert.execute(params![&key[..], id.to_string(), cause, failure.message, now, late])?;
                attempt.execute(params![&key[..], now, cause, failure.message])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// Records that points which were being retried failed again, all or none, synced: one attempt more each. Points that
    /// nobody holds are left alone.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn record_again(&mut self, failures: &[(PointId, Failure)], now: i64) -> anyhow::Result<u64> {
        let transaction = self.db.transaction()?;
        let mut recorded = 0;
        for (id, failure) in failures {
            let key = id.sort_key();
            let cause = failure.cause.as_str();
            let changed = transaction.execute(
                "UPDATE failures SET cause = ?2, error = ?3, state = 'failed', attempts = attempts + 1, last_at = ?4
                 WHERE key = ?1 AND state = 'retrying'",
                params![&key[..], cause, failure.message, now],
            )?;
            if changed == 1 {
                transaction.execute(
                    "INSERT INTO attempts VALUES (?1, ?2, ?3, ?4)",
                    params![&key[..], now, cause, failure.message],
                )?;
                edits::close(&transaction, *id, "dropped")?;
                recorded += 1;
            }
        }
        transaction.commit()?;
        Ok(recorded)
    }

    /// Takes points for a retry, those of them that are failed; answers which.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn claim(&mut self, ids: &[PointId]) -> anyhow::Result<Vec<PointId>> {
        let transaction = self.db.transaction()?;
        let mut claimed = Vec::with_capacity(ids.len());
        for id in ids {
            if edits::claim(&transaction, *id)? {
                claimed.push(*id);
            }
        }
        transaction.commit()?;
        Ok(claimed)
    }

    /// Whether all these points are held by a retry.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn holds(&self, ids: &[PointId]) -> anyhow::Result<bool> {
        let sql = "SELECT 1 FROM failures WHERE key = ?1 AND state = 'retrying'";
        let mut statement = self.db.prepare(sql)?;
        for id in ids {
            if !statement.exists(params![&id.sort_key()[..]])? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Points that were being retried are in the table now, with the edit that they were retried with.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn recover(&mut self, ids: &[PointId]) -> anyhow::Result<()> {
        let transaction = self.db.transaction()?;
        for id in ids {
            let sql = "UPDATE failures SET state = 'recovered', reason = NULL, brought = brought + 1
                       WHERE key = ?1 AND state = 'retrying'";
            transaction.execute(sql, params![&id.sort_key()[..]])?;
            edits::close(&transaction, *id, "applied")?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Moves points from some states to another; returns how many there were.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn set_state(
        &mut self,
        ids: &[PointId],
        from: &[State],
        to: State,
        reason: Option<&str>,
    ) -> anyhow::Result<u64> {
        let transaction = self.db.transaction()?;
        let mut moved = 0;
        {
            let list = from
                .iter()
                .map(|s| format!("'{}'", s.as_str()))
                .collect::<Vec<_>>()
                .join(",");
            let mut update = transaction.prepare(&format!(
                "UPDATE failures SET state = ?2, reason = ?3, brought = brought + (?2 = 'recovered')
                 WHERE key = ?1 AND state IN ({list})"
            ))?;
            for id in ids {
                moved += update.execute(params![&id.sort_key()[..], to.as_str(), reason])? as u64;
            }
        }
        transaction.commit()?;
        Ok(moved)
    }

    /// How many stand where.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn counts(&self) -> anyhow::Result<Counts> {
        // Most are failed: they are what is left of all. SQLite counts all of them without looking at one.
        let sql = "SELECT (SELECT count(*) FROM failures),
                          (SELECT count(*) FROM failures WHERE state = 'skipped'),
                          (SELECT count(*) FROM failures WHERE state = 'recovered'),
                          (SELECT coalesce(sum(brought), 0) FROM failures WHERE brought),
                          (SELECT count(*) FROM failures WHERE late),
                          (SELECT coalesce(sum(again), 0) FROM failures WHERE again)";
        let [all, skipped, recovered, brought, late, again] = self.db.query_row(sql, [], |row| {
            let mut numbers = [0_i64; 6];
            for (column, number) in numbers.iter_mut().enumerate() {
                *number = row.get(column)?;
            }
            Ok(numbers)
        })?;
        Ok(Counts {
            failed: (all - skipped - recovered) as u64,
            skipped: skipped as u64,
            recovered: brought as u64,
            late: (late + again) as u64,
            scrolled: (all - late) as u64,
        })
    }

    /// Open failures by cause, most first.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn by_cause(&self) -> anyhow::Result<Vec<(Cause, u64)>> {
        let mut statement = self.db.prepare(
            "SELECT cause, count(*) FROM failures WHERE state IN ('failed', 'retrying') GROUP BY cause ORDER BY 2 DESC, 1",
        )?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?)))?;
        let mut causes = Vec::new();
        for row in rows {
            let (word, count) = row?;
            if let Some(cause) = Cause::parse(&word) {
                causes.push((cause, count as u64));
            }
        }
        Ok(causes)
    }

    /// One failed point with all its attempts, oldest first.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn get(&self, id: PointId) -> anyhow::Result<Option<(FailureRow, Vec<Attempt>)>> {
        let key = id.sort_key();
        let sql = format!("SELECT {COLUMNS} FROM failures WHERE key = ?1");
        let Some(row) = self.db.query_row(&sql, params![&key[..]], row_of).optional()? else {
            return Ok(None);
        };
        let mut statement = self
            .db
            .prepare("SELECT at, cause, error FROM attempts WHERE key = ?1 ORDER BY at, rowid")?;
        let rows = statement.query_map(params![&key[..]], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, String>(2)?,
            ))
        })?;
        let mut attempts = Vec::new();
        for attempt in rows {
            let (at, cause, error) = attempt?;
            if let Some(cause) = Cause::parse(&cause) {
                attempts.push(Attempt { at, cause, error });
            }
        }
        Ok(Some((row, attempts)))
    }

    /// Forgets failures of points that no commit covers: they were recorded just before a commit that never came, and
    /// will be read again. Returns how many.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn forget_unsettled(&mut self, settled: impl Fn(PointId) -> bool) -> anyhow::Result<u64> {
        let all = Filter {
            states: vec![State::Failed, State::Retrying, State::Skipped, State::Recovered],
            ..Filter::default()
        };
        let mut after = None;
        let mut forgotten = 0;
        loop {
            let ids = self.ids_after(&all, after, 1_000)?;
            let Some(last) = ids.last() else { return Ok(forgotten) };
            after = Some(*last);
            let transaction = self.db.transaction()?;
            for id in ids.iter().filter(|id| !settled(**id)) {
                let key = id.sort_key();
                transaction.execute("DELETE FROM failures WHERE key = ?1", params![&key[..]])?;
                transaction.execute("DELETE FROM attempts WHERE key = ?1", params![&key[..]])?;
                forgotten += 1;
            }
            transaction.commit()?;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn journal_with(count: u64) -> Journal {
        let mut journal = Journal::in_memory().expect("a journal");
        let failures: Vec<(PointId, Failure)> = (0..count)
            .map(|n| {
                let cause = if n.is_multiple_of(2) {
                    Cause::NoContent
                } else {
                    Cause::Rejected
                };
                (PointId::Num(n), Failure::new(cause, format!("message {n}")))
            })
            .collect();
        journal.record(&failures, 1_000).expect("recorded");
        journal
    }

    #[test]
    fn open_failures_are_counted_by_cause() {
        let mut journal = journal_with(25);
        journal
            .set_state(&[PointId::Num(0)], &[State::Failed], State::Recovered, None)
            .expect("moved");
        assert_eq!(
            journal.by_cause().expect("causes"),
            [(Cause::NoContent, 12), (Cause::Rejected, 12)]
        );
    }

    #[test]
    fn states_move_only_from_where_they_may() {
        let mut journal = journal_with(4);
        let ids = [PointId::Num(0), PointId::Num(1), PointId::Num(99)];
        let moved = journal
            .set_state(&ids, &[State::Failed], State::Retrying, None)
            .expect("moved");
        assert_eq!(moved, 2);
        let moved = journal
            .set_state(&ids, &[State::Failed], State::Skipped, Some("no"))
            .expect("moved");
        assert_eq!(moved, 0, "a point in flight is not skipped");
        journal
            .set_state(&ids[..1], &[State::Retrying], State::Recovered, None)
            .expect("moved");
        journal
            .set_state(&[PointId::Num(3)], &[State::Failed], State::Skipped, Some("spam"))
            .expect("moved");
        let counts = journal.counts().expect("counts");
        assert_eq!(
            counts,
            Counts {
                failed: 2,
                skipped: 1,
                recovered: 1,
                late: 0,
                scrolled: 4,
            }
        );
        let (row, _) = journal.get(PointId::Num(3)).expect("read").expect("there");
        assert_eq!(row.reason.as_deref(), Some("spam"));
    }

    #[test]
    fn a_second_failure_is_a_second_attempt() {
        let mut journal = journal_with(1);
        journal
            .record(&[(PointId::Num(0), Failure::new(Cause::TooLong, "again"))], 2_000)
            .expect("recorded");
        let (row, attempts) = journal.get(PointId::Num(0)).expect("read").expect("there");
        assert_eq!(
            (row.attempts, row.cause, row.first_at, row.last_at),
            (2, Cause::TooLong, 1_000, 2_000)
        );
        assert_eq!(attempts.len(), 2);
        assert_eq!(attempts[0].error, "message 0");
    }

    #[test]
    fn every_failure_is_open_skipped_or_came_over_however_often_it_failed() {
        let id = PointId::Num(0);
        let mut journal = journal_with(2);
        let late = [(PointId::Num(9), Failure::new(Cause::Rejected, "no"))];
        let again = [(id, Failure::new(Cause::Rejected, "no"))];
        let adds_up = |journal: &Journal| {
            let counts = journal.counts().expect("counts");
            assert_eq!(
                counts.scrolled + counts.late,
                counts.failed + counts.skipped + counts.recovered,
                "{counts:?}"
            );
            counts.late
        };
        // The commit beside it did not come, and what was found is found once more.
        for _ in 0..2 {
            journal.record_late(&late, 1).expect("recorded");
            assert_eq!(adds_up(&journal), 1);
        }
        journal.claim(&[id]).expect("claimed");
        journal.recover(&[id]).expect("recovered");
        assert_eq!(adds_up(&journal), 1);
        // It went from Qdrant, came back, and failed.
        for _ in 0..2 {
            journal.record_late(&again, 2).expect("recorded");
            assert_eq!(adds_up(&journal), 2);
        }
    }

    #[test]
    fn what_no_commit_covers_is_forgotten() {
        let mut journal = journal_with(2_500);
        let forgotten = journal
            .forget_unsettled(|id| id < PointId::Num(2_100))
            .expect("forgotten");
        assert_eq!(forgotten, 400);
        assert_eq!(journal.counts().expect("counts").failed, 2_100);
        assert!(journal.get(PointId::Num(2_100)).expect("read").is_none());
    }

    #[test]
    fn the_journal_is_still_there_after_it_was_closed() {
        let dir = tempfile::tempdir().expect("a directory");
        let ranges = crate::point::IdRange::split((0..10).map(PointId::Num).collect(), 3);
        {
            let mut journal = Journal::open(dir.path()).expect("opened");
            journal.set_ranges(&ranges).expect("kept");
            journal
                .record(&[(PointId::Num(7), Failure::new(Cause::Rejected, "no"))], 5)
                .expect("recorded");
        }
        let journal = Journal::open(dir.path()).expect("opened again");
        assert_eq!(journal.ranges().expect("read"), Some(ranges));
        assert_eq!(journal.counts().expect("counts").failed, 1);
    }
}
