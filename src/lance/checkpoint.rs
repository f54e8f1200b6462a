//! How far a job has come, stored in the transaction properties of the very commit that adds the rows (invariant 3).
//!
//! Every commit of a migration carries the state of *all* ranges, so that the newest one alone tells everything. The
//! ranges ride along: a cursor can never meet another range's points.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use lance::dataset::Dataset;
use lance::dataset::transaction::Operation;
use serde::{Deserialize, Serialize};

use crate::point::{PointId, RangeProgress};

/// The key among a transaction's properties.
const PROPERTY: &str = "qlance.checkpoint";

/// The state of a job after a commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// The format, 1.
    format: u32,
    /// The job's id.
    pub job: String,
    /// Rows that were in the table before this job (an adopted table).
    pub adopted_rows: u64,
    /// Every range with its cursor and counts.
    pub ranges: Vec<RangeProgress>,
    /// What was brought over and removed since, when the source went on changing.
    #[serde(default)]
    pub caught_up: CaughtUp,
}

/// Rows that catching up with the source changed, after the scroll had ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CaughtUp {
    /// Rows of points that were new.
    pub added: u64,
    /// Rows of points that were gone.
    pub removed: u64,
}

impl Checkpoint {
    /// The state of a job that has not begun.
    pub fn new(job: &str, adopted_rows: u64, ranges: Vec<RangeProgress>) -> Self {
        Self {
            format: 1,
            job: job.into(),
            adopted_rows,
            ranges,
            caught_up: CaughtUp::default(),
        }
    }

    /// Rows that migration, catching up and retries wrote and that were not removed since. `recovered` are those of
    /// retries, which the journal counts: what is removed may be any of them. Below zero only where something else wrote
    /// to the table.
    pub fn balance(&self, recovered: u64) -> i64 {
        (self.written() + self.caught_up.added + recovered) as i64 - self.caught_up.removed as i64
    }

    /// The same as a count of rows.
    pub fn rows(&self, recovered: u64) -> u64 {
        u64::try_from(self.balance(recovered)).unwrap_or(0)
    }

    /// Points that were read and are not gone since; `recovered` and `late` (those that failed when catching up) are what
    /// the journal counts of them.
    pub fn points(&self, recovered: u64, late: u64) -> u64 {
        let CaughtUp { added, removed } = self.caught_up;
        // Of a table that was taken over, rows may go that this job never read.
        let own = removed.min(self.written() + added + recovered);
        (self.read() + added + late).saturating_sub(own)
    }

    /// Points read and settled.
    pub fn read(&self) -> u64 {
        self.ranges.iter().map(|range| range.read).sum()
    }

    /// Points written as rows by the migration itself (retries are counted in the journal).
    pub fn written(&self) -> u64 {
        self.ranges.iter().map(|range| range.written).sum()
    }

    /// Points that failed when they were read.
    pub fn failed(&self) -> u64 {
        self.ranges.iter().map(|range| range.failed).sum()
    }

    /// Rows whose similarity lay below the threshold when they were written.
    pub fn divergent(&self) -> u64 {
        self.ranges.iter().map(|range| range.divergent).sum()
    }

    /// Whether every range was scrolled to its end.
    pub fn complete(&self) -> bool {
        self.ranges.iter().all(|range| range.done)
    }

    /// Whether the point lies before its range's cursor: it was written or failed.
    pub fn settled(&self, id: PointId) -> bool {
        self.ranges.iter().any(|range| range.settled(id))
    }

    /// The properties of the commit that makes this state true.
    pub fn properties(&self) -> Arc<HashMap<String, String>> {
        let text = serde_json::to_string(self).unwrap_or_default();
        Arc::new(HashMap::from([(PROPERTY.to_owned(), text)]))
    }

    /// The newest checkpoint of a table. Indexing and compaction add versions without one, so the search walks back.
    ///
    /// # Errors
    /// The table's transactions cannot be read, or the newest checkpoint cannot be understood.
    pub async fn newest(dataset: &Dataset) -> anyhow::Result<Option<Self>> {
        let kept: BTreeSet<u64> = dataset
            .version_refs()
            .await?
            .iter()
            .map(|found| found.version)
            .collect();
        let mut version = dataset.version_id();
        while version >= 1 {
            if !kept.contains(&version) {
                version -= 1;
                continue;
            }
            let transaction = dataset.read_transaction_by_version(version).await?;
            if let Some(transaction) = transaction {
                let properties = transaction.transaction_properties.as_ref();
                if let Some(text) = properties.and_then(|properties| properties.get(PROPERTY)) {
                    let found: Self = serde_json::from_str(text).map_err(|error| {
                        anyhow::anyhow!("version {version} holds a checkpoint that cannot be read: {error}")
                    })?;
                    anyhow::ensure!(
                        found.format == 1,
                        "version {version} holds a checkpoint of format {}; this qlance reads format 1",
                        found.format
                    );
                    return Ok(Some(found));
                }
                match transaction.operation {
                    // A restored table is in the state of that older version.
                    Operation::Restore { version: older } if older < version => {
                        version = older;
                        continue;
                    }
                    Operation::Overwrite { .. } if version > 1 => return Ok(None),
                    _ => {}
                }
            }
            version -= 1;
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::IdRange;

    #[test]
    fn the_sums_are_those_of_the_ranges() {
        let mut ranges: Vec<RangeProgress> = IdRange::split((0..10).map(PointId::Num).collect(), 2)
            .into_iter()
            .map(RangeProgress::new)
            .collect();
        ranges[0].read = 7;
        ranges[0].written = 5;
        ranges[0].failed = 2;
        ranges[0].done = true;
        ranges[1].next = Some(PointId::Num(8));
        let checkpoint = Checkpoint::new("job", 0, ranges);
        assert_eq!(
            (checkpoint.read(), checkpoint.written(), checkpoint.failed()),
            (7, 5, 2)
        );
        assert!(!checkpoint.complete());
        // Of rows that a retry brought, more may go than the migration itself wrote.
        let mut shrunk = checkpoint.clone();
        shrunk.caught_up = CaughtUp { added: 1, removed: 7 };
        assert_eq!((shrunk.rows(2), shrunk.balance(0), shrunk.rows(0)), (1, -1, 0));
        assert_eq!((shrunk.points(2, 0), shrunk.points(2, 3)), (1, 4));
        // Rows that were not this job's may go: what is left is what failed.
        assert_eq!((shrunk.points(0, 0), shrunk.rows(0) + shrunk.failed()), (2, 2));
        assert!(checkpoint.settled(PointId::Num(4)) && checkpoint.settled(PointId::Num(7)));
        assert!(!checkpoint.settled(PointId::Num(8)));
        let text = &checkpoint.properties()[PROPERTY];
        assert_eq!(
            serde_json::from_str::<Checkpoint>(text).expect("its own text"),
            checkpoint
        );
    }
}
