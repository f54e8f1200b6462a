//! What the operator decided about divergent points. Every decision is kept; the latest one is shown.

use std::collections::BTreeMap;

use rusqlite::params;
use serde::Serialize;

use super::Journal;
use crate::point::{PointId, Similarity};

/// What was decided about a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// The new embedding is right as it is.
    Accepted,
    /// Qdrant's vector was put in the place of the new embedding.
    Kept,
    /// It was embedded once more.
    EmbeddedAgain,
}

impl Decision {
    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Kept => "kept",
            Self::EmbeddedAgain => "embedded_again",
        }
    }

    /// The words on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Kept => "Qdrant's kept",
            Self::EmbeddedAgain => "embedded again",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Accepted, Self::Kept, Self::EmbeddedAgain]
            .into_iter()
            .find(|decision| decision.as_str() == word)
    }
}

/// A decision as it was made.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Decided {
    /// What.
    pub decision: Decision,
    /// The row's similarity just before.
    pub similarity: Option<Similarity>,
    /// Why.
    pub note: Option<String>,
    /// Milliseconds since 1970.
    pub at: i64,
}

impl Journal {
    /// Keeps a decision about points, each with the similarity that its row had.
    ///
    /// # Errors
    /// The journal cannot be written.
    pub fn decide(
        &mut self,
        points: &[(PointId, Option<Similarity>)],
        decision: Decision,
        note: Option<&str>,
        now: i64,
    ) -> anyhow::Result<()> {
        let transaction = self.db.transaction()?;
        {
            let mut insert = transaction.prepare("INSERT INTO decisions VALUES (?1, ?2, ?3, ?4, ?5)")?;
            for (id, similarity) in points {
                let similarity = similarity.map(|similarity| f64::from(similarity.get()));
                insert.execute(params![&id.sort_key()[..], now, decision.as_str(), similarity, note])?;
            }
        }
        transaction.commit()?;
        Ok(())
    }

    /// The latest decision about each of these points.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn decisions(&self, ids: &[PointId]) -> anyhow::Result<BTreeMap<PointId, Decided>> {
        let mut statement = self.db.prepare(
            "SELECT decision, similarity, note, at FROM decisions WHERE key = ?1 ORDER BY at DESC, rowid DESC LIMIT 1",
        )?;
        let mut found = BTreeMap::new();
        for id in ids {
            let mut rows = statement.query(params![&id.sort_key()[..]])?;
            if let Some(row) = rows.next()? {
                let word: String = row.get(0)?;
                let similarity: Option<f64> = row.get(1)?;
                if let Some(decision) = Decision::parse(&word) {
                    let decided = Decided {
                        decision,
                        similarity: similarity.and_then(|value| Similarity::new(value as f32)),
                        note: row.get(2)?,
                        at: row.get(3)?,
                    };
                    found.insert(*id, decided);
                }
            }
        }
        Ok(found)
    }

    /// How many of these were accepted, and not decided about otherwise since. An id that comes twice counts twice.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn accepted_of(&self, ids: &[PointId]) -> anyhow::Result<u64> {
        let decisions = self.decisions(ids)?;
        let accepted = |id: &&PointId| {
            let decided = decisions.get(*id);
            decided.is_some_and(|decided| decided.decision == Decision::Accepted)
        };
        Ok(ids.iter().filter(accepted).count() as u64)
    }

    /// How many points were accepted, and not decided about otherwise since.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn accepted(&self) -> anyhow::Result<u64> {
        let sql = "SELECT count(*) FROM decisions AS d WHERE decision = 'accepted' AND NOT EXISTS (
                       SELECT 1 FROM decisions AS later WHERE later.key = d.key AND later.rowid > d.rowid)";
        let count: i64 = self.db.query_row(sql, [], |row| row.get(0))?;
        Ok(count as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_decision_counts_and_all_are_kept() {
        let mut journal = Journal::in_memory().expect("a journal");
        let (one, two) = (PointId::Num(1), PointId::Num(2));
        let similarity = Similarity::new(0.25);
        journal
            .decide(
                &[(one, similarity), (two, None)],
                Decision::Accepted,
                Some("a typo"),
                10,
            )
            .expect("kept");
        assert_eq!(journal.accepted().expect("counted"), 2);
        journal
            .decide(&[(one, None)], Decision::EmbeddedAgain, None, 20)
            .expect("kept");
        let others = [two, PointId::Num(3)];
        assert_eq!(journal.accepted_of(&others).expect("counted"), 1);
        assert_eq!(journal.accepted_of(&[]).expect("counted"), 0);
        let found = journal.decisions(&[one, two, PointId::Num(3)]).expect("read");
        assert_eq!(found.len(), 2);
        assert_eq!(found[&one].decision, Decision::EmbeddedAgain);
        assert_eq!(found[&two].note.as_deref(), Some("a typo"));
        assert_eq!(journal.accepted().expect("counted"), 1);
    }
}
