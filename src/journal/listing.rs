//! Lists of failures, one page at a time, as quickly for a hundred thousand as for ten.
//!
//! Open failures in one order are a stretch of one index: a page of it is walked to from the nearer end. What is no
//! stretch of an index (a text, a cause by age) is read through once, and its ids are kept for the pages. Counts and
//! ids are good until the journal changes, whoever changes it.

use rusqlite::types::Value as Sql;
use rusqlite::{Connection, Row, params, params_from_iter};

use super::failures::{COLUMNS, FailureRow, row_of};
use super::{Filter, Journal, Order, Sort};
use crate::point::{Cause, PointId};

/// Lists that are remembered.
const MOST_LISTINGS: usize = 4;

/// Ids that are kept of one list: five megabytes. Pages of a longer one are searched for each time.
const MOST_KEPT: u64 = if cfg!(test) { 40 } else { 200_000 };

/// One page of a list, and how long the list is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// How many the filter shows in all.
    pub total: u64,
    /// How many of them can be retried: those that are neither skipped nor being retried.
    pub retryable: u64,
    /// The page.
    pub rows: Vec<FailureRow>,
}

/// What was found out about lists, good as long as the journal is what it was.
#[derive(Debug, Default)]
pub(super) struct Listings {
    /// Rows changed over this connection, and the version that changes over others give.
    stamp: Option<(u64, i64)>,
    /// The last one asked for last.
    recent: Vec<Listing>,
}

/// A filter's failures in an order.
#[derive(Debug)]
struct Listing {
    filter: Filter,
    sort: Sort,
    total: u64,
    retryable: u64,
    /// All of them, where they cannot be walked to.
    ids: Option<Vec<PointId>>,
}

impl Listings {
    fn of(&mut self, db: &Connection, filter: &Filter, sort: Sort) -> anyhow::Result<&Listing> {
        let version: i64 = db.pragma_query_value(None, "data_version", |row| row.get(0))?;
        let stamp = Some((db.total_changes(), version));
        if self.stamp != stamp {
            self.recent.clear();
            self.stamp = stamp;
        }
        let same = |listing: &Listing| listing.filter == *filter && listing.sort == sort;
        let listing = if let Some(place) = self.recent.iter().position(same) {
            self.recent.remove(place)
        } else if filter.is_stretch(sort.by) {
            let counted = self.recent.iter().find(|listing| listing.filter == *filter);
            Listing::counted(db, filter, sort, counted)?
        } else {
            Listing::searched(db, filter, sort)?
        };
        if self.recent.len() >= MOST_LISTINGS {
            self.recent.remove(0);
        }
        self.recent.push(listing);
        Ok(&self.recent[self.recent.len() - 1])
    }
}

impl Listing {
    /// A stretch of an index: only counted, where that was not done for another order.
    fn counted(db: &Connection, filter: &Filter, sort: Sort, known: Option<&Self>) -> rusqlite::Result<Self> {
        let (total, retryable) = match known {
            Some(known) => (known.total, known.retryable),
            None => count_open(db, filter.cause)?,
        };
        Ok(Self {
            filter: filter.clone(),
            sort,
            total,
            retryable,
            ids: None,
        })
    }

    /// Anything else: read through once.
    fn searched(db: &Connection, filter: &Filter, sort: Sort) -> rusqlite::Result<Self> {
        let (sql, values) = filter.sql();
        let (index, order) = (filter.index(sort.by), sort.sql());
        let sql = format!("SELECT key, state = 'failed' FROM failures {index} WHERE {sql} ORDER BY {order}");
        let mut statement = db.prepare(&sql)?;
        let mut rows = statement.query(params_from_iter(values))?;
        let (mut total, mut retryable, mut ids) = (0_u64, 0_u64, Vec::new());
        while let Some(row) = rows.next()? {
            total += 1;
            retryable += u64::from(row.get::<_, bool>(1)?);
            if total <= MOST_KEPT {
                ids.push(id_of(row)?);
            }
        }
        Ok(Self {
            filter: filter.clone(),
            sort,
            total,
            retryable,
            ids: (total <= MOST_KEPT).then_some(ids),
        })
    }

    /// The ids of a page.
    fn page(&self, db: &Connection, offset: u64, limit: u64) -> rusqlite::Result<Vec<PointId>> {
        let end = offset.saturating_add(limit).min(self.total);
        if offset >= end {
            return Ok(Vec::new());
        }
        if let Some(ids) = &self.ids {
            return Ok(ids[offset as usize..end as usize].to_vec());
        }
        let after = self.total - end;
        let (skipped, sort) = if after < offset {
            (after, self.sort.backwards())
        } else {
            (offset, self.sort)
        };
        let (sql, values) = self.filter.sql();
        let (index, order, count) = (self.filter.index(sort.by), sort.sql(), end - offset);
        let sql =
            format!("SELECT key FROM failures {index} WHERE {sql} ORDER BY {order} LIMIT {count} OFFSET {skipped}");
        let mut ids = read_ids(db, &sql, values)?;
        if after < offset {
            ids.reverse();
        }
        Ok(ids)
    }
}

/// How many failures of a cause, or of all, are open, and how many of them can be retried.
fn count_open(db: &Connection, cause: Option<Cause>) -> rusqlite::Result<(u64, u64)> {
    let Some(cause) = cause else {
        // Most are failed: they are what is left of all.
        let sql = "SELECT (SELECT count(*) FROM failures),
                          (SELECT count(*) FROM failures WHERE state = 'recovered'),
                          (SELECT count(*) FROM failures WHERE state IN ('retrying', 'skipped'))";
        let (all, recovered, held): (i64, i64, i64) =
            db.query_row(sql, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        return Ok(((all - recovered) as u64, (all - recovered - held) as u64));
    };
    let sql = "SELECT count(*), count(*) FILTER (WHERE state = 'failed') FROM failures INDEXED BY open_by_cause
               WHERE state <> 'recovered' AND cause = ?1";
    let (open, failed): (i64, i64) = db.query_row(sql, [cause.as_str()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((open as u64, failed as u64))
}

fn read_ids(db: &Connection, sql: &str, values: Vec<Sql>) -> rusqlite::Result<Vec<PointId>> {
    let mut statement = db.prepare(sql)?;
    let rows = statement.query_map(params_from_iter(values), id_of)?;
    rows.collect()
}

/// The id in the first column.
fn id_of(row: &Row<'_>) -> rusqlite::Result<PointId> {
    let bad = || rusqlite::Error::InvalidColumnType(0, "key".into(), rusqlite::types::Type::Blob);
    let key: Vec<u8> = row.get(0)?;
    PointId::from_sort_key(&key).ok_or_else(bad)
}

impl Journal {
    /// One page of what a filter shows, with its length.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn list(&self, filter: &Filter, sort: Sort, offset: u64, limit: u64) -> anyhow::Result<Listed> {
        // Counts and page are of one moment, whoever writes beside this.
        let reading = self.db.unchecked_transaction()?;
        let mut listings = self.listings.borrow_mut();
        let listing = listings.of(&reading, filter, sort)?;
        let ids = listing.page(&reading, offset, limit)?;
        let mut statement = reading.prepare(&format!("SELECT {COLUMNS} FROM failures WHERE key = ?1"))?;
        let mut rows = Vec::with_capacity(ids.len());
        for id in ids {
            rows.push(statement.query_row(params![&id.sort_key()[..]], row_of)?);
        }
        Ok(Listed {
            total: listing.total,
            retryable: listing.retryable,
            rows,
        })
    }

    /// How many a filter shows.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn count(&self, filter: &Filter) -> anyhow::Result<u64> {
        Ok(self.list(filter, Sort::default(), 0, 0)?.total)
    }

    /// One page of what a filter shows.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn page(&self, filter: &Filter, sort: Sort, offset: u64, limit: u64) -> anyhow::Result<Vec<FailureRow>> {
        Ok(self.list(filter, sort, offset, limit)?.rows)
    }

    /// The ids that a filter shows, after a given one, at most `limit`: for walking through all of them.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn ids_after(&self, filter: &Filter, after: Option<PointId>, limit: u64) -> anyhow::Result<Vec<PointId>> {
        let (sql, values) = select_after("key", filter, after, limit);
        Ok(read_ids(&self.db, &sql, values)?)
    }

    /// The same with all that is known of them: every page is as quick as the first, wherever it begins.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn rows_after(&self, filter: &Filter, after: Option<PointId>, limit: u64) -> anyhow::Result<Vec<FailureRow>> {
        let (sql, values) = select_after(COLUMNS, filter, after, limit);
        let mut statement = self.db.prepare(&sql)?;
        let rows = statement.query_map(params_from_iter(values), row_of)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// What a filter shows after a given point, in the order of the ids.
fn select_after(columns: &str, filter: &Filter, after: Option<PointId>, limit: u64) -> (String, Vec<Sql>) {
    let (mut sql, mut values) = filter.sql();
    if let Some(after) = after {
        sql.push_str(" AND key > ?");
        values.push(after.sort_key().to_vec().into());
    }
    let index = filter.index(Order::Id);
    let sql = format!("SELECT {columns} FROM failures {index} WHERE {sql} ORDER BY key LIMIT {limit}");
    (sql, values)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::State;
    use crate::point::Failure;

    /// Open, skipped, retried and recovered ones, of three causes, some tried more than once.
    fn fill(journal: &mut Journal, count: u64) {
        let causes = [Cause::NoContent, Cause::Rejected, Cause::TooLong];
        let numbers: Vec<u64> = (0..count).collect();
        for (at, three) in (1_000..).zip(numbers.chunks(3)) {
            let failures: Vec<(PointId, Failure)> = three
                .iter()
                .map(|&n| {
                    let failure = Failure::new(causes[(n / 2 % 3) as usize], format!("Message {n}, 50% of a_b"));
                    (PointId::Num(n * 7 % count), failure)
                })
                .collect();
            journal.record(&failures, at).expect("recorded");
        }
        let every = |step: usize| -> Vec<PointId> { (0..count).step_by(step).map(PointId::Num).collect() };
        let again: Vec<(PointId, Failure)> = every(4)
            .into_iter()
            .map(|id| (id, Failure::new(Cause::TooLong, "again")))
            .collect();
        journal.record(&again, 9_000).expect("recorded");
        for (step, state) in [(11, State::Skipped), (13, State::Retrying), (17, State::Recovered)] {
            journal
                .set_state(&every(step), &[State::Failed], state, None)
                .expect("moved");
        }
    }

    fn filled(count: u64) -> Journal {
        let mut journal = Journal::in_memory().expect("a journal");
        fill(&mut journal, count);
        journal
    }

    fn filters() -> Vec<Filter> {
        let text = |text: &str| Filter {
            text: Some(text.into()),
            ..Filter::default()
        };
        let cause = |cause: Cause| Filter {
            cause: Some(cause),
            ..Filter::default()
        };
        vec![
            Filter::default(),
            cause(Cause::Rejected),
            cause(Cause::TooLong),
            cause(Cause::Gone),
            text("message 1"),
            text("AGAIN"),
            text("too_l"),
            text("50%"),
            text("a_b"),
            text("a%b"),
            text(r"\"),
            text("nothing holds this"),
            text(""),
            Filter {
                cause: Some(Cause::NoContent),
                ..text("message 1")
            },
            Filter {
                states: vec![State::Skipped, State::Recovered],
                ..Filter::default()
            },
            Filter {
                states: vec![State::Failed],
                ..cause(Cause::TooLong)
            },
        ]
    }

    fn orders() -> impl Iterator<Item = Sort> {
        Sort::ALL.into_iter().flat_map(|sort| [sort, sort.backwards()])
    }

    /// What a filter shows, found the plain way.
    fn plain(journal: &Journal, filter: &Filter, sort: Sort) -> Vec<FailureRow> {
        let sql = format!("SELECT {COLUMNS} FROM failures ORDER BY {}", sort.sql());
        let mut statement = journal.db.prepare(&sql).expect("a statement");
        let rows = statement.query_map([], row_of).expect("rows");
        let holds = |words: &str| {
            let text = filter.text.as_deref().unwrap_or_default().to_ascii_lowercase();
            words.to_ascii_lowercase().contains(&text)
        };
        rows.map(|row| row.expect("a row"))
            .filter(|row| filter.cause.is_none_or(|cause| row.cause == cause))
            .filter(|row| holds(&row.id.to_string()) || holds(&row.error) || holds(row.cause.as_str()))
            .filter(|row| {
                if filter.states.is_empty() {
                    row.state != State::Recovered
                } else {
                    filter.states.contains(&row.state)
                }
            })
            .collect()
    }

    /// Pages of a list, of these lengths, are what the plain way finds.
    fn check(journal: &Journal, filter: &Filter, sort: Sort, limits: &[u64]) {
        let expected = plain(journal, filter, sort);
        let total = expected.len() as u64;
        let retryable = expected.iter().filter(|row| row.state == State::Failed).count() as u64;
        for limit in limits {
            for offset in [0, total / 2, total.saturating_sub(*limit), total] {
                let end = offset.saturating_add(*limit).min(total);
                let page = Listed {
                    total,
                    retryable,
                    rows: expected[offset as usize..end as usize].to_vec(),
                };
                let listed = journal.list(filter, sort, offset, *limit).expect("a page");
                assert_eq!(listed, page, "{filter:?} {sort:?} {offset} {limit}");
            }
        }
        let beyond = journal.page(filter, sort, total + 9, 5).expect("a page");
        assert!(beyond.is_empty(), "{filter:?}");
    }

    #[test]
    fn every_page_in_every_order_under_every_filter() {
        // The longest is more than is kept.
        for count in [0, 5, 60] {
            let journal = filled(count);
            for filter in filters() {
                for sort in orders() {
                    check(&journal, &filter, sort, &[1, 7, u64::MAX]);
                }
            }
        }
    }

    #[test]
    fn counts_are_those_of_the_pages() {
        let journal = filled(60);
        for filter in filters() {
            let rows = plain(&journal, &filter, Sort::default()).len() as u64;
            assert_eq!(journal.count(&filter).expect("a count"), rows, "{filter:?}");
        }
    }

    #[test]
    fn a_change_is_seen_whoever_made_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut journal = Journal::open(dir.path()).expect("opened");
        let mut other = Journal::open(dir.path()).expect("opened beside it");
        fill(&mut journal, 30);
        let (id, new) = (PointId::Num(1), PointId::Num(77));
        let record = |journal: &mut Journal, id: PointId, cause: Cause, at: i64| {
            let failures = [(id, Failure::new(cause, "message 1, anew"))];
            journal.record(&failures, at).expect("recorded");
        };
        // One of each kind, all of them remembered.
        let [_, latest, oldest, by_cause, _] = Sort::ALL;
        let mut filters = filters();
        let lists = [
            (filters.swap_remove(4), latest),
            (filters.swap_remove(1), oldest),
            (Filter::default(), Sort::default()),
            (Filter::default(), by_cause),
        ];
        assert_eq!(lists.len(), MOST_LISTINGS);
        let look = |journal: &Journal| {
            for (filter, sort) in &lists {
                check(journal, filter, *sort, &[7]);
            }
        };
        let mut before = plain(&journal, &Filter::default(), Sort::default());
        for (beside, at) in [(false, 10_000), (true, 20_000)] {
            for change in ["skip", "take back", "fail again", "fail", "forget"] {
                look(&journal);
                let writer = if beside { &mut other } else { &mut journal };
                match change {
                    "skip" => {
                        let moved = writer.set_state(&[id], &[State::Failed], State::Skipped, Some("no"));
                        assert_eq!(moved.expect("moved"), 1);
                    }
                    "take back" => {
                        let moved = writer.set_state(&[id], &[State::Skipped], State::Failed, None);
                        assert_eq!(moved.expect("moved"), 1);
                    }
                    "fail again" => record(writer, id, Cause::Gone, at),
                    "fail" => record(writer, new, Cause::Rejected, at),
                    _ => {
                        let forgotten = writer.forget_unsettled(|id| id != new);
                        assert_eq!(forgotten.expect("forgotten"), 1);
                    }
                }
                let after = plain(&journal, &Filter::default(), Sort::default());
                assert_ne!(before, after, "{change}, beside: {beside}");
                look(&journal);
                before = after;
            }
        }
    }

    #[test]
    fn unchanged_lists_are_not_searched_again_and_few_are_remembered() {
        let journal = filled(30);
        for filter in filters() {
            journal.list(&filter, Sort::default(), 0, 5).expect("a page");
        }
        assert_eq!(journal.listings.borrow().recent.len(), MOST_LISTINGS);
        let text = filters().swap_remove(4);
        journal.list(&text, Sort::default(), 0, 5).expect("a page");
        // Were it searched for again, this would be put right.
        if let Some(listing) = journal.listings.borrow_mut().recent.last_mut() {
            listing.total = 4;
        }
        let page = journal.list(&text, Sort::default(), 2, 5).expect("a page");
        assert_eq!((page.total, page.rows.len()), (4, 2));
    }

    #[test]
    fn every_list_has_its_index() {
        let journal = filled(30);
        let cause = Filter {
            cause: Some(Cause::Rejected),
            ..Filter::default()
        };
        for (filter, sort) in orders().flat_map(|sort| [(Filter::default(), sort), (cause.clone(), sort)]) {
            if !filter.is_stretch(sort.by) {
                continue;
            }
            let (index, (sql, values), order) = (filter.index(sort.by), filter.sql(), sort.sql());
            let sql = format!("EXPLAIN QUERY PLAN SELECT key FROM failures {index} WHERE {sql} ORDER BY {order}");
            let mut statement = journal.db.prepare(&sql).expect("a statement");
            let steps = statement.query_map(params_from_iter(values), |row| row.get::<_, String>(3));
            let steps: Vec<String> = steps.expect("a plan").collect::<Result<_, _>>().expect("its steps");
            assert_eq!(steps.len(), 1, "nothing is sorted: {steps:?}");
            assert!(steps[0].contains("COVERING INDEX open_by_"), "{steps:?}");
        }
    }

    #[test]
    fn all_ids_of_a_filter_are_walked_through_in_order() {
        let journal = filled(60);
        for filter in filters() {
            let (mut walked, mut after) = (Vec::new(), None);
            loop {
                let ids = journal.ids_after(&filter, after, 7).expect("ids");
                let rows = journal.rows_after(&filter, after, 7).expect("rows");
                assert!(rows.iter().map(|row| row.id).eq(ids.iter().copied()), "{filter:?}");
                let Some(last) = ids.last() else { break };
                after = Some(*last);
                walked.extend(ids);
            }
            let expected: Vec<PointId> = plain(&journal, &filter, Sort::default())
                .iter()
                .map(|row| row.id)
                .collect();
            assert_eq!(walked, expected, "{filter:?}");
        }
    }
}
