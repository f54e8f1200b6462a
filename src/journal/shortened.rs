//! Points whose text was longer than the model takes: counted and listed, never silent.

use rusqlite::{Row, params};

use super::Journal;
use crate::point::{PointId, Shortened, Shortening};

impl Journal {
    /// Records what was done to the texts of points that are about to be written; those of them that went as they are
    /// lose an older record.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn set_shortened(&mut self, written: &[PointId], shortened: &[(PointId, Shortened)]) -> anyhow::Result<()> {
        let transaction = self.db.transaction()?;
        for id in written {
            transaction.execute("DELETE FROM shortened WHERE key = ?1", params![&id.sort_key()[..]])?;
        }
        for (id, record) in shortened {
            transaction.execute(
                "INSERT OR REPLACE INTO shortened VALUES (?1, ?2, ?3, ?4, ?5)",
                params![
                    &id.sort_key()[..],
                    record.how.as_str(),
                    record.tokens as i64,
                    record.embedded as i64,
                    record.pieces as i64
                ],
            )?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Forgets records of points that no commit covers: they will be read again.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn forget_unsettled_shortened(&mut self, settled: impl Fn(PointId) -> bool) -> anyhow::Result<()> {
        let mut after = None;
        loop {
            let page = self.shortened_after(after, 1_000)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            after = Some(*last);
            let transaction = self.db.transaction()?;
            for (id, _) in page.iter().filter(|(id, _)| !settled(*id)) {
                transaction.execute("DELETE FROM shortened WHERE key = ?1", params![&id.sort_key()[..]])?;
            }
            transaction.commit()?;
        }
    }

    /// How many points were shortened.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn count_shortened(&self) -> anyhow::Result<u64> {
        let count: i64 = self
            .db
            .query_row("SELECT count(*) FROM shortened", [], |row| row.get(0))?;
        Ok(count as u64)
    }

    /// The records of those of these points that were shortened.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn shortened_of(&self, ids: &[PointId]) -> anyhow::Result<Vec<(PointId, Shortened)>> {
        let sql = "SELECT key, how, tokens, embedded, pieces FROM shortened WHERE key = ?1";
        let mut statement = self.db.prepare(sql)?;
        let mut found = Vec::new();
        for id in ids {
            let mut rows = statement.query(params![&id.sort_key()[..]])?;
            while let Some(row) = rows.next()? {
                found.extend(record_of(row)?);
            }
        }
        Ok(found)
    }

    /// One page of the points that were shortened, by id, after a given one.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn shortened_after(&self, after: Option<PointId>, limit: u64) -> anyhow::Result<Vec<(PointId, Shortened)>> {
        let after = after.map(|id| id.sort_key().to_vec()).unwrap_or_default();
        let sql = "SELECT key, how, tokens, embedded, pieces FROM shortened WHERE key > ?1 ORDER BY key LIMIT ?2";
        let mut statement = self.db.prepare(sql)?;
        let mut rows = statement.query(params![after, limit as i64])?;
        let mut page = Vec::new();
        while let Some(row) = rows.next()? {
            page.extend(record_of(row)?);
        }
        Ok(page)
    }
}

fn record_of(row: &Row<'_>) -> rusqlite::Result<Option<(PointId, Shortened)>> {
    let key: Vec<u8> = row.get(0)?;
    let how: String = row.get(1)?;
    let number = |column| row.get::<_, i64>(column).map(|number| number as u64);
    let record = |how| -> rusqlite::Result<Shortened> {
        Ok(Shortened {
            how,
            tokens: number(2)?,
            embedded: number(3)?,
            pieces: number(4)?,
        })
    };
    match (PointId::from_sort_key(&key), Shortening::parse(&how)) {
        (Some(id), Some(how)) => Ok(Some((id, record(how)?))),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_listed_by_id_and_replaced() {
        let mut journal = Journal::in_memory().expect("a journal");
        let record = |tokens| Shortened {
            how: Shortening::Chunked,
            tokens,
            embedded: tokens,
            pieces: 2,
        };
        let ids: Vec<PointId> = (0..5).map(PointId::Num).collect();
        let all: Vec<_> = ids.iter().map(|id| (*id, record(300))).collect();
        journal.set_shortened(&ids, &all).expect("recorded");
        assert_eq!(journal.count_shortened().expect("counted"), 5);
        journal
            .set_shortened(&ids[..2], &[(ids[1], record(400))])
            .expect("replaced");
        let first = journal.shortened_after(None, 2).expect("listed");
        assert_eq!(first, [(ids[1], record(400)), (ids[2], record(300))]);
        let rest = journal.shortened_after(Some(ids[2]), 10).expect("listed");
        assert_eq!(rest.len(), 2);
    }
}
