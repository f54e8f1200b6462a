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

impl Decided {
    /// Whether this is an acceptance that still holds of a row with that similarity. What was accepted is the embedding
    /// with its figure, and not the point: a row that was made anew and came out otherwise has to be accepted anew. Both
    /// figures are stored exactly, so they are the same or they are not.
    pub fn accepts(&self, similarity: Option<Similarity>) -> bool {
        self.decision == Decision::Accepted && self.similarity == similarity
    }

    /// Whether this is an acceptance that was made of another similarity than the row has now.
    pub fn is_outdated(&self, similarity: Option<Similarity>) -> bool {
        self.decision == Decision::Accepted && self.similarity != similarity
    }

    /// The words on the screen, for a row with that similarity.
    pub fn label(&self, similarity: Option<Similarity>) -> &'static str {
        if self.is_outdated(similarity) {
            "was accepted"
        } else {
            self.decision.label()
        }
    }
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

    /// How many of these rows, each with its similarity as it is now, were accepted with that similarity and not decided
    /// about otherwise since. A row that comes twice counts twice.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn accepted_of(&self, rows: &[(PointId, Option<Similarity>)]) -> anyhow::Result<u64> {
        let ids: Vec<PointId> = rows.iter().map(|(id, _)| *id).collect();
        let decisions = self.decisions(&ids)?;
        let accepted = |(id, similarity): &&(PointId, Option<Similarity>)| {
            let decided = decisions.get(id);
            decided.is_some_and(|decided| decided.accepts(*similarity))
        };
        Ok(rows.iter().filter(accepted).count() as u64)
    }

    /// How many points were accepted, and not decided about otherwise since, whatever their rows have become.
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
        let others = [(two, None), (PointId::Num(3), None)];
        assert_eq!(journal.accepted_of(&others).expect("counted"), 1);
        assert_eq!(journal.accepted_of(&[]).expect("counted"), 0);
        let found = journal.decisions(&[one, two, PointId::Num(3)]).expect("read");
        assert_eq!(found.len(), 2);
        assert_eq!(found[&one].decision, Decision::EmbeddedAgain);
        assert_eq!(found[&two].note.as_deref(), Some("a typo"));
        assert_eq!(journal.accepted().expect("counted"), 1);
    }

    #[test]
    fn an_acceptance_holds_for_the_similarity_that_was_accepted() {
        let mut journal = Journal::in_memory().expect("a journal");
        let id = PointId::Num(1);
        for (accepted, now, holds) in [
            (Some(0.95), Some(0.95), true),
            // Embedded again, it came out otherwise.
            (Some(0.95), Some(0.6), false),
            (Some(0.95), Some(0.950_001), false),
            (Some(0.1_f32 + 0.2), Some(0.1_f32 + 0.2), true),
            (Some(0.95), None, false),
            // Nobody has seen the figure that the row has now.
            (None, Some(0.95), false),
        ] {
            let of = |value: Option<f32>| value.and_then(Similarity::new);
            journal
                .decide(&[(id, of(accepted))], Decision::Accepted, None, 10)
                .expect("kept");
            let counted = journal.accepted_of(&[(id, of(now))]).expect("counted");
            assert_eq!(counted, u64::from(holds), "{accepted:?} {now:?}");
            let decided = journal.decisions(&[id]).expect("read").remove(&id).expect("decided");
            let label = if holds { "accepted" } else { "was accepted" };
            assert_eq!(decided.label(of(now)), label, "{accepted:?} {now:?}");
        }
        journal.decide(&[(id, None)], Decision::Kept, None, 20).expect("kept");
        let decided = journal.decisions(&[id]).expect("read").remove(&id).expect("decided");
        assert!(!decided.accepts(None) && !decided.is_outdated(Similarity::new(1.0)));
    }
}
