//! Failed points: recorded, listed page by page, retried, skipped, recovered.

use rusqlite::types::Value as Sql;
use rusqlite::{OptionalExtension as _, Row, params, params_from_iter};
use serde::Serialize;

use super::Journal;
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
    /// The class of the last attempt's failure.
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
    /// The class.
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
    /// Brought over by a retry.
    pub recovered: u64,
}

impl Counts {
    /// All points that ever failed.
    pub fn total(self) -> u64 {
        self.failed + self.skipped + self.recovered
    }
}

/// Which failures are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this class.
    pub cause: Option<Cause>,
    /// Only where id or message holds this text.
    pub text: Option<String>,
    /// Only these states; empty means failed, retrying and skipped: all that is still open.
    pub states: Vec<State>,
}

impl Filter {
    fn sql(&self) -> (String, Vec<Sql>) {
        let states: &[State] = if self.states.is_empty() {
            &[State::Failed, State::Retrying, State::Skipped]
        } else {
            &self.states
        };
        let mut values: Vec<Sql> = states.iter().map(|s| Sql::from(s.as_str().to_owned())).collect();
        let mut sql = format!("state IN ({})", vec!["?"; states.len()].join(","));
        if let Some(cause) = self.cause {
            sql.push_str(" AND cause = ?");
            values.push(cause.as_str().to_owned().into());
        }
        if let Some(text) = self.text.as_ref().filter(|text| !text.is_empty()) {
            sql.push_str(
                " AND (instr(lower(id), lower(?)) OR instr(lower(error), lower(?)) OR instr(cause, lower(?)))",
            );
            values.extend(std::iter::repeat_n(Sql::from(text.clone()), 3));
        }
        (sql, values)
    }
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The id: integers first, then UUIDs, as Qdrant orders them.
    #[default]
    Id,
    /// The time of the last failure.
    Age,
    /// The class.
    Cause,
    /// The number of attempts.
    Attempts,
}

/// A list's order. Equal rows follow their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    /// By what.
    pub by: Order,
    /// Greatest, latest, most first.
    pub descending: bool,
}

impl Sort {
    /// Every order once, in the order in which a key walks through them.
    pub const ALL: [Self; 5] = [
        Self {
            by: Order::Id,
            descending: false,
        },
        Self {
            by: Order::Age,
            descending: true,
        },
        Self {
            by: Order::Age,
            descending: false,
        },
        Self {
            by: Order::Cause,
            descending: false,
        },
        Self {
            by: Order::Attempts,
            descending: true,
        },
    ];

    /// The words on the screen.
    pub fn label(self) -> &'static str {
        match (self.by, self.descending) {
            (Order::Id, _) => "by id",
            (Order::Age, true) => "latest first",
            (Order::Age, false) => "oldest first",
            (Order::Cause, _) => "by cause",
            (Order::Attempts, _) => "most attempts first",
        }
    }

    fn sql(self) -> &'static str {
        match (self.by, self.descending) {
            (Order::Id, false) => "key",
            (Order::Id, true) => "key DESC",
            (Order::Age, false) => "last_at, key",
            (Order::Age, true) => "last_at DESC, key DESC",
            (Order::Cause, false) => "cause, key",
            (Order::Cause, true) => "cause DESC, key DESC",
            (Order::Attempts, false) => "attempts, key",
            (Order::Attempts, true) => "attempts DESC, key DESC",
        }
    }
}

const COLUMNS: &str = "key, state, cause, error, reason, attempts, first_at, last_at";

fn row_of(row: &Row<'_>) -> rusqlite::Result<FailureRow> {
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
        let transaction = self.db.transaction()?;
        {
            let mut insert = transaction.prepare(
                "INSERT INTO failures VALUES (?1, ?2, ?3, ?4, 'failed', NULL, 1, ?5, ?5)
                 ON CONFLICT (key) DO UPDATE SET
                     cause = ?3, error = ?4, state = 'failed', attempts = attempts + 1, last_at = ?5",
            )?;
            let mut attempt = transaction.prepare("INSERT INTO attempts VALUES (?1, ?2, ?3, ?4)")?;
            for (id, failure) in failures {
                let key = id.sort_key();
                let cause = failure.cause.as_str();
                insert.execute(params![&key[..], id.to_string(), cause, failure.message, now])?;
                attempt.execute(params![&key[..], now, cause, failure.message])?;
            }
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
                "UPDATE failures SET state = ?2, reason = ?3 WHERE key = ?1 AND state IN ({list})"
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
        let mut counts = Counts::default();
        let mut statement = self.db.prepare("SELECT state, count(*) FROM failures GROUP BY state")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            let state: String = row.get(0)?;
            let count = row.get::<_, i64>(1)? as u64;
            match State::parse(&state) {
                Some(State::Skipped) => counts.skipped += count,
                Some(State::Recovered) => counts.recovered += count,
                _ => counts.failed += count,
            }
        }
        Ok(counts)
    }

    /// Open failures by class, most first.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn by_cause(&self) -> anyhow::Result<Vec<(Cause, u64)>> {
        let mut statement = self.db.prepare(
            "SELECT cause, count(*) FROM failures WHERE state IN ('failed', 'retrying') GROUP BY cause ORDER BY 2 DESC",
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

    /// How many a filter shows.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn count(&self, filter: &Filter) -> anyhow::Result<u64> {
        let (sql, values) = filter.sql();
        let sql = format!("SELECT count(*) FROM failures WHERE {sql}");
        let count: i64 = self.db.query_row(&sql, params_from_iter(values), |row| row.get(0))?;
        Ok(count as u64)
    }

    /// One page of what a filter shows.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn page(&self, filter: &Filter, sort: Sort, offset: u64, limit: u64) -> anyhow::Result<Vec<FailureRow>> {
        let (sql, values) = filter.sql();
        let order = sort.sql();
        // The plus keeps SQLite from the index on `state`, which would make it sort every row for every page.
        let sql = sql.replacen("state IN", "+state IN", 1);
        let sql = format!("SELECT {COLUMNS} FROM failures WHERE {sql} ORDER BY {order} LIMIT {limit} OFFSET {offset}");
        let mut statement = self.db.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(values), row_of)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The ids that a filter shows, after a given one, at most `limit`: for walking through all of them.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn ids_after(&self, filter: &Filter, after: Option<PointId>, limit: u64) -> anyhow::Result<Vec<PointId>> {
        let (mut sql, mut values) = filter.sql();
        if let Some(after) = after {
            sql.push_str(" AND key > ?");
            values.push(after.sort_key().to_vec().into());
        }
        let sql = format!("SELECT key FROM failures WHERE {sql} ORDER BY key LIMIT {limit}");
        let mut statement = self.db.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(values), |row| row.get::<_, Vec<u8>>(0))?;
        let keys: Vec<Vec<u8>> = rows.collect::<Result<_, _>>()?;
        Ok(keys.iter().filter_map(|key| PointId::from_sort_key(key)).collect())
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
    fn failures_are_paged_in_id_order_and_filtered() {
        let journal = journal_with(25);
        let page = journal
            .page(&Filter::default(), Sort::default(), 10, 5)
            .expect("a page");
        let ids: Vec<PointId> = page.iter().map(|row| row.id).collect();
        assert_eq!(ids, (10..15).map(PointId::Num).collect::<Vec<_>>());
        let rejected = Filter {
            cause: Some(Cause::Rejected),
            text: Some("MESSAGE 1".into()),
            ..Filter::default()
        };
        assert_eq!(journal.count(&rejected).expect("a count"), 6, "1, 11, 13, 15, 17, 19");
        assert_eq!(
            journal.by_cause().expect("causes"),
            [(Cause::NoContent, 13), (Cause::Rejected, 12)]
        );
        let mut walked = Vec::new();
        let mut after = None;
        loop {
            let ids = journal.ids_after(&Filter::default(), after, 7).expect("ids");
            let Some(last) = ids.last() else { break };
            after = Some(*last);
            walked.extend(ids);
        }
        assert_eq!(walked.len(), 25);
    }

    #[test]
    fn every_order_lists_every_failure_once() {
        let mut journal = journal_with(30);
        journal
            .record(&[(PointId::Num(3), Failure::new(Cause::TooLong, "again"))], 9_000)
            .expect("recorded");
        for sort in Sort::ALL {
            let mut seen = Vec::new();
            for offset in (0..30).step_by(7) {
                seen.extend(journal.page(&Filter::default(), sort, offset, 7).expect("a page"));
            }
            assert!(
                seen.is_sorted_by(|a, b| match (sort.by, sort.descending) {
                    (Order::Id, _) => a.id < b.id,
                    (Order::Age, true) => a.last_at >= b.last_at,
                    (Order::Age, false) => a.last_at <= b.last_at,
                    (Order::Cause, _) => a.cause.as_str() <= b.cause.as_str(),
                    (Order::Attempts, _) => a.attempts >= b.attempts,
                }),
                "{}",
                sort.label()
            );
            let mut ids: Vec<PointId> = seen.iter().map(|row| row.id).collect();
            ids.sort();
            assert_eq!(ids, (0..30).map(PointId::Num).collect::<Vec<_>>(), "{}", sort.label());
        }
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
                recovered: 1
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
