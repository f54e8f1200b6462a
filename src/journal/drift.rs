//! Points that differ between Qdrant and the table, as the last comparison found them: on the disk, because their number
//! grows with the collection.

use std::collections::BTreeMap;

use rusqlite::{OptionalExtension as _, params};
use serde::Serialize;

use super::Journal;
use crate::point::PointId;

/// How a point differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Drift {
    /// In Qdrant, not in the table.
    New,
    /// Its content is another: it is embedded again.
    Content,
    /// Its payload or a kept vector is another, and its content the same: the embedding stays.
    Payload,
    /// In the table, no longer in Qdrant.
    Gone,
    /// Changed in Qdrant, but what it is now cannot be brought over; the row says what it was.
    Stuck,
}

impl Drift {
    /// All ways.
    pub const ALL: [Self; 5] = [Self::New, Self::Content, Self::Payload, Self::Gone, Self::Stuck];

    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Content => "content",
            Self::Payload => "payload",
            Self::Gone => "gone",
            Self::Stuck => "stuck",
        }
    }
}

impl Journal {
    /// Forgets the last comparison.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn clear_drift(&mut self) -> anyhow::Result<()> {
        self.db.execute("DELETE FROM drift", [])?;
        Ok(())
    }

    /// Records points that differ; an older record of the same point is replaced.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn record_drift(&mut self, points: &[(PointId, Drift, Option<String>)]) -> anyhow::Result<()> {
        let transaction = self.db.transaction()?;
        for (id, kind, error) in points {
            let values = params![&id.sort_key()[..], kind.as_str(), error];
            transaction.execute("INSERT OR REPLACE INTO drift VALUES (?1, ?2, ?3)", values)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Points that differ no more.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn settle_drift(&mut self, ids: &[PointId]) -> anyhow::Result<()> {
        let transaction = self.db.transaction()?;
        for id in ids {
            transaction.execute("DELETE FROM drift WHERE key = ?1", params![&id.sort_key()[..]])?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// How these points differ, as far as they do.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn drift_of(&self, ids: &[PointId]) -> anyhow::Result<BTreeMap<PointId, Drift>> {
        let mut statement = self.db.prepare("SELECT kind FROM drift WHERE key = ?1")?;
        let mut found = BTreeMap::new();
        for id in ids {
            let kind: Option<String> = statement
                .query_row(params![&id.sort_key()[..]], |row| row.get(0))
                .optional()?;
            let kind = kind.and_then(|word| Drift::ALL.into_iter().find(|kind| kind.as_str() == word));
            found.extend(kind.map(|kind| (*id, kind)));
        }
        Ok(found)
    }

    /// Points that differ in one way, by id, after a given one.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn drift_after(&self, kind: Drift, after: Option<PointId>, limit: u64) -> anyhow::Result<Vec<PointId>> {
        let after = after.map(|id| id.sort_key().to_vec()).unwrap_or_default();
        let sql = "SELECT key FROM drift WHERE kind = ?1 AND key > ?2 ORDER BY key LIMIT ?3";
        let mut statement = self.db.prepare(sql)?;
        let rows = statement.query_map(params![kind.as_str(), after, limit as i64], |row| row.get(0))?;
        let keys: Vec<Vec<u8>> = rows.collect::<Result<_, _>>()?;
        Ok(keys.iter().filter_map(|key| PointId::from_sort_key(key)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_walked_by_kind_and_settled() {
        let mut journal = Journal::in_memory().expect("a journal");
        let id = PointId::Num;
        let found: Vec<_> = (0..6)
            .map(|n| (id(n), if n % 2 == 0 { Drift::New } else { Drift::Gone }, None))
            .collect();
        journal.record_drift(&found).expect("recorded");
        assert_eq!(journal.drift_after(Drift::New, None, 2).expect("read"), [id(0), id(2)]);
        assert_eq!(journal.drift_after(Drift::New, Some(id(2)), 2).expect("read"), [id(4)]);
        journal
            .record_drift(&[(id(1), Drift::Stuck, Some("no content".into()))])
            .expect("replaced");
        let kinds = journal.drift_of(&[id(0), id(1), id(9)]).expect("read");
        assert_eq!(kinds, BTreeMap::from([(id(0), Drift::New), (id(1), Drift::Stuck)]));
        journal.settle_drift(&[id(3)]).expect("settled");
        assert_eq!(journal.drift_after(Drift::Gone, None, 9).expect("read"), [id(5)]);
        journal.clear_drift().expect("cleared");
        assert!(journal.drift_after(Drift::New, None, 9).expect("read").is_empty());
    }
}
