//! What a verification says: its checks with figures and offenders, and what they add up to. Serialised, it is the JSON
//! of `qlance verify --json`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

use super::offenders::Offenders;
use crate::point::verdict::{Decision, Outcome, Sample};
use crate::point::{PointId, grouped};

/// Offenders of a check that a repair takes up at once; what is left, the next one does.
pub(super) const MOST_MENDED: usize = 10_000;

/// The checks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckId {
    /// Points in Qdrant and rows, failures and skips add up.
    Counts,
    /// Every id is in both stores, once.
    Ids,
    /// Every row's payload is its point's.
    Payloads,
    /// Every row's vectors are what they should be.
    Vectors,
    /// Both stores find the same neighbours.
    Neighbours,
    /// The index covers all rows and finds what an exact search finds.
    Index,
    /// Both stores give the same ids to the same filter.
    Filters,
    /// Versions and files.
    Health,
}

impl CheckId {
    /// All checks in their order.
    pub const ALL: [Self; 8] = [
        Self::Counts,
        Self::Ids,
        Self::Payloads,
        Self::Vectors,
        Self::Neighbours,
        Self::Index,
        Self::Filters,
        Self::Health,
    ];

    /// The word on the command line, in the report and on the screen.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Counts => "counts",
            Self::Ids => "ids",
            Self::Payloads => "payloads",
            Self::Vectors => "vectors",
            Self::Neighbours => "neighbours",
            Self::Index => "index",
            Self::Filters => "filters",
            Self::Health => "health",
        }
    }

    /// What it asks, in a sentence.
    pub fn question(self) -> &'static str {
        match self {
            Self::Counts => "do points, rows, failures and skips add up?",
            Self::Ids => "is every id in both stores, once?",
            Self::Payloads => "is every row's payload its point's, types included?",
            Self::Vectors => "are the vectors whole, and those of their points?",
            Self::Neighbours => "do both stores find the same neighbours?",
            Self::Index => "does the index cover all rows and find what an exact search finds?",
            Self::Filters => "does the same filter give the same ids?",
            Self::Health => "how are the table's versions and files?",
        }
    }

    /// Whether nothing can be decided without it.
    pub fn is_needed(self) -> bool {
        self != Self::Health
    }

    /// Whether it is carried out beside those that go through all data.
    pub fn asks_little(self) -> bool {
        matches!(self, Self::Index | Self::Filters | Self::Health)
    }
}

impl fmt::Display for CheckId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A word that names no check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no check; there are: counts, ids, payloads, vectors, neighbours, index, filters, health")]
pub struct NoSuchCheck(pub String);

impl FromStr for CheckId {
    type Err = NoSuchCheck;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        let found = Self::ALL.into_iter().find(|id| id.as_str() == word.trim());
        found.ok_or_else(|| NoSuchCheck(word.trim().to_owned()))
    }
}

/// What came of one check.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// Which.
    pub id: CheckId,
    /// What came out.
    pub outcome: Outcome,
    /// The figure in words.
    pub figure: String,
    /// What it must be, in words.
    pub threshold: String,
    /// Why it is a failure or inconclusive, each with the way out.
    pub reasons: Vec<String>,
    /// What else is good to know; it changes nothing.
    pub notes: Vec<String>,
    /// All figures.
    pub numbers: Value,
    /// What a sample says of the whole; none where all were looked at.
    pub sample: Option<Sample>,
    /// Whom it finds fault with.
    pub offenders: Offenders,
    /// Points that a repair has to name; see [`super::repair`].
    #[serde(skip)]
    pub to_mend: Vec<PointId>,
    /// How long it took. Payloads and vectors share one pass, and each has its whole time.
    #[serde(rename = "seconds", serialize_with = "in_seconds", deserialize_with = "from_seconds")]
    pub took: Duration,
}

impl Check {
    /// A check that found nothing wrong so far.
    pub(super) fn new(id: CheckId) -> Self {
        Self {
            id,
            outcome: Outcome::Pass,
            figure: String::new(),
            threshold: String::new(),
            reasons: Vec::new(),
            notes: Vec::new(),
            numbers: Value::Null,
            sample: None,
            offenders: Offenders::default(),
            to_mend: Vec::new(),
            took: Duration::ZERO,
        }
    }

    /// A check that could not be carried out because the table cannot be read: such a table may not take over.
    pub(super) fn unreadable(id: CheckId, error: &anyhow::Error) -> Self {
        let mut check = Self::new(id);
        check.fail(format!("{error:#}"));
        check.figure = "the table cannot be read".into();
        check
    }

    /// Something is wrong.
    pub(super) fn fail(&mut self, reason: String) {
        self.outcome = self.outcome.and(Outcome::Fail);
        self.reasons.push(reason);
    }

    /// Something cannot be said.
    pub(super) fn doubt(&mut self, reason: String) {
        self.outcome = self.outcome.and(Outcome::Inconclusive);
        self.reasons.push(reason);
    }

    /// Nothing was there to be found right: that decides nothing.
    pub(super) fn saw_nothing(&mut self) {
        if self.outcome == Outcome::Pass {
            self.outcome = Outcome::Info;
        }
    }

    /// Keeps a point for a repair.
    pub(super) fn mend(&mut self, id: PointId) {
        if self.to_mend.len() < MOST_MENDED {
            self.to_mend.push(id);
        }
    }

    /// Says that a repair does not take up all of so many points at once.
    pub(super) fn note_mending(&mut self, points: u64) {
        let most = MOST_MENDED as u64;
        if points > most {
            self.notes.push(format!(
                "a repair takes up {} of these {} points at once; repair again for what is left",
                grouped(most),
                grouped(points)
            ));
        }
    }
}

/// What a verification says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verification {
    /// Whether the new store may take over.
    pub decision: Decision,
    /// Every reason why not.
    pub reasons: Vec<String>,
    /// The collection.
    pub collection: String,
    /// Qdrant's version.
    pub qdrant_version: String,
    /// The table with its address.
    pub table: String,
    /// The version of it that was looked at.
    pub table_version: u64,
    /// Points in Qdrant.
    pub points: u64,
    /// Rows in LanceDB.
    pub rows: u64,
    /// Rows whose payloads and vectors were to be looked at; none is all.
    pub sample: Option<u64>,
    /// What was drawn at random was drawn by this.
    pub seed: u64,
    /// The checks in their order.
    pub checks: Vec<Check>,
    /// Milliseconds since 1970.
    pub began_at: i64,
    /// How long it took.
    #[serde(rename = "seconds", serialize_with = "in_seconds", deserialize_with = "from_seconds")]
    pub took: Duration,
}

impl Verification {
    /// One of its checks, where it was carried out.
    pub fn check(&self, id: CheckId) -> Option<&Check> {
        self.checks.iter().find(|check| check.id == id)
    }
}

/// A verification that came to these checks.
#[cfg(test)]
pub(super) fn verification(checks: Vec<Check>) -> Verification {
    Verification {
        decision: Decision::NoGo,
        reasons: Vec::new(),
        collection: "c".into(),
        qdrant_version: "1.18".into(),
        table: "t".into(),
        table_version: 1,
        points: 3,
        rows: 3,
        sample: None,
        seed: 1,
        checks,
        began_at: 0,
        took: Duration::ZERO,
    }
}

fn in_seconds<S: Serializer>(took: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((took.as_secs_f64() * 1e3).round() / 1e3)
}

fn from_seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let seconds = f64::deserialize(deserializer)?;
    Duration::try_from_secs_f64(seconds).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_is_found_by_its_word() {
        for id in CheckId::ALL {
            assert_eq!(id.as_str().parse(), Ok(id));
            assert!(id.question().ends_with('?'));
        }
        let error = "id".parse::<CheckId>().expect_err("no check");
        assert!(
            CheckId::ALL.iter().all(|id| error.to_string().contains(id.as_str())),
            "{error}"
        );
        assert_eq!(" ids".parse(), Ok(CheckId::Ids));
    }

    #[test]
    fn all_offenders_are_counted_and_few_are_kept() {
        let mut check = Check::new(CheckId::Ids);
        for n in 0..20_000 {
            check.offenders.add(PointId::Num(n), || "missing".to_owned());
            check.mend(PointId::Num(n));
        }
        assert_eq!((check.offenders.total, check.offenders.shown.len()), (20_000, 100));
        assert_eq!(check.to_mend.len(), MOST_MENDED);
        check.note_mending(10_000);
        assert!(check.notes.is_empty(), "all of them are taken up: {:?}", check.notes);
        check.note_mending(20_000);
        assert!(
            check.notes[0].contains("10,000 of these 20,000 points"),
            "{:?}",
            check.notes
        );
    }

    #[test]
    fn the_outcome_is_the_gravest() {
        let mut check = Check::new(CheckId::Index);
        check.doubt("unfinished".into());
        check.fail("wrong".into());
        check.doubt("few".into());
        assert_eq!((check.outcome, check.reasons.len()), (Outcome::Fail, 3));
        check.saw_nothing();
        assert_eq!(check.outcome, Outcome::Fail);
        let mut check = Check::new(CheckId::Index);
        check.saw_nothing();
        assert_eq!(check.outcome, Outcome::Info);
    }
}
