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
mod tests;
