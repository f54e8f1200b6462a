//! Repair: brings together what a verification found apart. What comparing both stores finds ([`crate::tasks::sync`]) is
//! joined by what only verification sees: embeddings that are not their points', repeated rows, rows that an index lacks.
//!
//! Planning writes nothing but the journal's list of what differs; carrying it out is the one writer's.

use std::collections::{BTreeMap, HashSet};

use futures::TryStreamExt as _;
use serde::Deserialize;

use super::{CheckId, Verification};
use crate::journal::Drift;
use crate::lance::target::{checkpoint_in, own_handle};
use crate::lance::{Checkpoint, read};
use crate::point::PointId;
use crate::qdrant::source::Part;
use crate::tasks::sync::{Difference, Sync, estimate};
use crate::tasks::writer::Message;

/// Points looked up at once.
const CHUNK: usize = 500;
/// Why rows of a job that has not come to its end cannot be told from those of somebody else.
pub const NO_CURSOR: &str = "no version of the table says how far this job has come (were old versions cleaned away?), \
                             so its rows cannot be told from others; take the table back with `qlance undo`, or start \
                             over in another target.table";

/// What only a verification knows of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mending {
    /// Ids that have several rows.
    pub repeats: Vec<PointId>,
    /// How many rows too many they have.
    pub rows_too_many: u64,
    /// Points whose embedding has to be made anew.
    pub embed: Vec<PointId>,
    /// Ids that are among the failures and have a row all the same.
    pub settled: Vec<PointId>,
    /// Whether an index lacks rows, or is not there.
    pub unindexed: bool,
}

/// Of what the check of the index says, what a repair goes by.
#[derive(Debug, Deserialize)]
struct Indexes {
    columns: BTreeMap<String, Index>,
    least_rows_of_an_index: u64,
    #[serde(rename = "builds_indexes")]
    wanted: bool,
}

#[derive(Debug, Deserialize)]
struct Index {
    indexed: bool,
    rows: u64,
    unindexed: u64,
}

impl Indexes {
    /// Whether building indexes, or taking rows in, would change any. Where the configuration builds none, nothing does; and
    /// an index that finds too little is not mended by the rows that it has already.
    fn lack_rows(&self) -> bool {
        let lacks = |index: &Index| {
            if index.indexed {
                index.unindexed > 0
            } else {
                index.rows >= self.least_rows_of_an_index
            }
        };
        self.wanted && self.columns.values().any(lacks)
    }
}

impl Mending {
    /// What this verification leaves to be mended.
    pub fn of(verification: &Verification) -> Self {
        let ids = |check| {
            verification
                .check(check)
                .map(|check| check.to_mend.clone())
                .unwrap_or_default()
        };
        let number = |check, name| {
            verification
                .check(check)
                .and_then(|check| check.numbers.get(name)?.as_u64())
                .unwrap_or(0)
        };
        let index = verification.check(CheckId::Index);
        let index = index.and_then(|index| serde_json::from_value::<Indexes>(index.numbers.clone()).ok());
        Self {
            repeats: ids(CheckId::Ids),
            rows_too_many: number(CheckId::Ids, "rows_too_many"),
            embed: ids(CheckId::Vectors),
            settled: ids(CheckId::Counts),
            unindexed: index.is_some_and(|index| index.lack_rows()),
        }
    }
}

/// Adds to a comparison what it could not see. The points join the journal's list of what differs.
///
/// # Errors
/// Qdrant or the journal cannot be asked, or it was stopped.
pub async fn plan(sync: &Sync, mending: &Mending, found: &mut Difference) -> anyhow::Result<()> {
    found.repeats = mending.rows_too_many;
    found.unindexed = mending.unindexed;
    let part = Part {
        payloads: true,
        vectors: false,
    };
    let mut seen = HashSet::new();
    let ids: Vec<PointId> = mending.embed.iter().copied().filter(|id| seen.insert(*id)).collect();
    for ids in ids.chunks(sync.round().min(CHUNK)) {
        sync.check_stop()?;
        let asked = ids.to_vec();
        let known = sync.journal.run(move |journal| journal.drift_of(&asked)).await?;
        let mut drift = Vec::new();
        for point in sync
            .unless_stopped(sync.parts.source.get_part(ids, part))
            .await?
            .into_iter()
            .flatten()
        {
            match known.get(&point.id) {
                None => found.same = found.same.saturating_sub(1),
                Some(Drift::Payload) => found.payload = found.payload.saturating_sub(1),
                // It is embedded anyway, or goes.
                Some(Drift::New | Drift::Content | Drift::Gone | Drift::Stuck) => continue,
            }
            found.content += 1;
            estimate(sync, &point.payload, found);
            drift.push((point.id, Drift::Content, None));
        }
        sync.journal.run(move |journal| journal.record_drift(&drift)).await?;
    }
    if let Some(gateway) = sync.parts.recipe.gateways.main() {
        found.cost_usd = gateway.budget().price_of(found.tokens);
    }
    Ok(())
}

/// What a repair does before the migration has come to its end: rows that something else wrote are taken out or taken
/// over, so that it can go on. Nothing is brought over: what has no row may only not be read yet.
///
/// # Errors
/// The table or the journal cannot be read, or its rows add up: then nothing keeps the migration from going on.
pub async fn plan_unfinished(sync: &Sync, checkpoint: &Checkpoint, mending: &Mending) -> anyhow::Result<Difference> {
    let table = own_handle(&sync.table()?).await?;
    // Where the run broke off over what is to be repaired, nobody has told how far the table has come.
    let newest = checkpoint_in(&table)
        .await?
        .filter(|newest| newest.job == checkpoint.job);
    let checkpoint = newest.as_ref().unwrap_or(checkpoint);
    let counts = sync.journal.run(|journal| journal.counts()).await?;
    let rows = table.count_rows(None).await? as i64;
    anyhow::ensure!(
        checkpoint.adopted_rows == 0 && rows != checkpoint.balance(counts.recovered),
        "the migration has not come to its end; let it finish first: `qlance run` goes on, and what differs is \
         repaired after it"
    );
    anyhow::ensure!(checkpoint.read() > 0, NO_CURSOR);
    let mut ahead = 0;
    let mut batches = std::pin::pin!(read::ids(&table).await?);
    while let Some(ids) = batches.try_next().await? {
        sync.check_stop()?;
        ahead += ids.iter().filter(|id| !checkpoint.settled(**id)).count() as u64;
    }
    Ok(Difference {
        repeats: mending.rows_too_many,
        unfinished: Some(ahead),
        ..Difference::default()
    })
}

/// Takes the table over as something else left it, and takes repeated rows out; what differs is then brought over as
/// catching up does. Answers how many rows were taken out.
///
/// # Errors
/// The table or the journal cannot be written.
pub async fn begin(sync: &Sync, mending: &Mending) -> anyhow::Result<u64> {
    let (repeats, settled) = (mending.repeats.clone(), mending.settled.clone());
    sync.parts
        .writer
        .ask(|done| Message::Mend { repeats, settled, done })
        .await
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Check;
    use super::super::report::verification;
    use super::*;

    #[test]
    fn each_check_says_what_it_alone_knows() {
        let mut ids = Check::new(CheckId::Ids);
        ids.mend(PointId::Num(1));
        ids.numbers = json!({"rows_too_many": 4});
        let mut vectors = Check::new(CheckId::Vectors);
        vectors.mend(PointId::Num(2));
        let mut counts = Check::new(CheckId::Counts);
        counts.mend(PointId::Num(3));
        let mut index = Check::new(CheckId::Index);
        index.numbers = indexes(true, &json!({"indexed": true, "rows": 9_000, "unindexed": 3}));
        let mending = Mending::of(&verification(vec![counts, ids, vectors, index]));
        let expected = Mending {
            repeats: vec![PointId::Num(1)],
            rows_too_many: 4,
            embed: vec![PointId::Num(2)],
            settled: vec![PointId::Num(3)],
            unindexed: true,
        };
        assert_eq!(mending, expected);
        assert_eq!(Mending::of(&verification(Vec::new())), Mending::default());
    }

    fn indexes(builds: bool, column: &serde_json::Value) -> serde_json::Value {
        json!({
            "columns": {"embedding": column}, "fragments": 1, "least_rows_of_an_index": 5_000, "builds_indexes": builds,
        })
    }

    #[test]
    fn an_index_is_repaired_where_that_changes_it() {
        for (builds, indexed, rows, unindexed, expected) in [
            (true, true, 9_000, 3, true),
            // It covers all rows; whatever it finds, taking rows in changes nothing.
            (true, true, 9_000, 0, false),
            (true, false, 9_000, 9_000, true),
            (true, false, 4_999, 4_999, false),
            (false, false, 9_000, 9_000, false),
            (false, true, 9_000, 3, false),
        ] {
            let mut index = Check::new(CheckId::Index);
            index.doubt("in doubt".into());
            let column = json!({"indexed": indexed, "rows": rows, "unindexed": unindexed, "recall_10": null});
            index.numbers = indexes(builds, &column);
            let mending = Mending::of(&verification(vec![index]));
            assert_eq!(mending.unindexed, expected, "{builds} {column}");
        }
    }
}
