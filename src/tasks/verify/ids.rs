//! Ids: every point has its row, every row its point, and none twice; all of them, in bounded memory.
//!
//! The table's ids are read as keys of 17 bytes and sorted; then Qdrant is scrolled, ids only, and each is looked up. Where
//! the keys would be too many at once, both stores are gone through several times, each time for the ids of one part: 10
//! million ids take two passes and about 140 MB.

use futures::TryStreamExt as _;
use serde_json::json;

use super::{Check, CheckId, Ground};
use crate::journal::{Journal, State};
use crate::point::verdict::IDS;
use crate::point::{PointId, grouped};

/// Keys held at once, unless another number is asked for: 136 MB.
pub(super) const KEYS_AT_ONCE: u64 = 8_000_000;
/// Ids of one request to Qdrant.
const PAGE: u32 = 5_000;
/// Ids looked up at once.
const CHUNK: usize = 500;

type Key = [u8; 17];

/// What was found so far.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    both: u64,
    missing: u64,
    waiting: u64,
    unread: u64,
    extra: u64,
    adopted: u64,
    /// Ids with several rows, and how many rows are too many.
    twice: u64,
    repeats: u64,
}

pub(super) async fn run(ground: &Ground<'_>) -> anyhow::Result<Check> {
    let mut check = ground.check(CheckId::Ids);
    let mut tally = Tally::default();
    let passes = ground.rows.div_ceil(ground.keys_at_once.max(1)).max(1);
    for part in 0..passes {
        one_pass(ground, &mut check, &mut tally, (part, passes)).await?;
    }
    let Tally {
        both,
        missing,
        waiting,
        unread,
        extra,
        adopted,
        twice,
        repeats,
    } = tally;
    check.threshold = IDS.named();
    check.figure = format!(
        "{} in both; {} missing, {} extra, {} twice",
        grouped(both),
        grouped(missing),
        grouped(extra),
        grouped(twice)
    );
    if waiting > 0 {
        check
            .figure
            .push_str(&format!("; {} wait among failed and skipped", grouped(waiting)));
    }
    if unread > 0 {
        check.figure.push_str(&format!("; {} not read yet", grouped(unread)));
    }
    if adopted > 0 {
        check
            .notes
            .push(format!("{} rows were there before this job", grouped(adopted)));
    }
    if missing > 0 {
        check.fail(format!(
            "{} points have no row; `qlance verify --repair` or `qlance sync` brings them over",
            grouped(missing)
        ));
    }
    if extra > 0 && ground.before.is_none() && extra <= ground.checkpoint.adopted_rows {
        check.doubt(format!(
            "{} rows have no point in Qdrant; the table had {} rows before this job, and which they were cannot be \
             told any more: the version from before is gone",
            grouped(extra),
            grouped(ground.checkpoint.adopted_rows)
        ));
    } else if extra > 0 {
        check.fail(format!(
            "{} rows have no point in Qdrant; `qlance verify --repair` or `qlance sync --remove-gone` removes them",
            grouped(extra)
        ));
    }
    if twice > 0 {
        check.fail(format!(
            "{} ids have more than one row ({} rows too many); `qlance verify --repair` takes them out",
            grouped(twice),
            grouped(repeats)
        ));
        check.note_mending(twice);
    }
    if both == 0 && adopted == 0 {
        check.saw_nothing();
    }
    check.numbers = json!({
        "in_both": both, "missing": missing, "extra": extra, "twice": twice, "rows_too_many": repeats,
        "waiting": waiting, "unread": unread, "adopted": adopted, "passes": passes,
    });
    Ok(check)
}

/// Goes through both stores for the ids of one part.
async fn one_pass(
    ground: &Ground<'_>,
    check: &mut Check,
    tally: &mut Tally,
    (part, parts): (u64, u64),
) -> anyhow::Result<()> {
    let all = (ground.rows + ground.points) * parts;
    let mut done = (ground.rows + ground.points) * part;
    // A part is a little larger or smaller than the others.
    let room = ground.rows / parts + ground.rows / parts / 50 + 1_024;
    let mut keys: Vec<Key> = Vec::with_capacity(usize::try_from(room.min(ground.rows))?);
    let mut batches = std::pin::pin!(ground.pinned.ids().await?);
    while let Some(ids) = batches.try_next().await? {
        ground.check_stop()?;
        done += ids.len() as u64;
        keys.extend(
            ids.iter()
                .map(|id| id.sort_key())
                .filter(|key| part_of(key, parts) == part),
        );
        ground.report(CheckId::Ids, done, all);
    }
    let (keys, repeated) = tokio::task::spawn_blocking(move || {
        keys.sort_unstable();
        let repeated = take_repeats(&mut keys);
        (keys, repeated)
    })
    .await?;
    for (key, rows) in repeated {
        tally.twice += 1;
        tally.repeats += rows - 1;
        if let Some(id) = PointId::from_sort_key(&key) {
            check.offenders.add(id, || format!("{rows} rows in LanceDB"));
            check.mend(id);
        }
    }
    let mut seen = Seen::new(keys.len());
    let mut lost = Vec::new();
    let mut offset = None;
    loop {
        ground.check_stop()?;
        let (ids, next) = ground.inspector.source.scroll_ids(offset, PAGE, None).await?;
        done += ids.len() as u64;
        for id in ids {
            let key = id.sort_key();
            if part_of(&key, parts) != part {
                continue;
            }
            match keys.binary_search(&key) {
                Ok(place) => seen.mark(place),
                Err(_) => lost.push(id),
            }
            if lost.len() >= CHUNK {
                without_row(ground, check, tally, std::mem::take(&mut lost)).await?;
            }
        }
        ground.report(CheckId::Ids, done.min(all), all);
        match next {
            Some(next) => offset = Some(next),
            None => break,
        }
    }
    without_row(ground, check, tally, lost).await?;
    tally.both += seen.count;
    let mut alone = Vec::new();
    for key in seen.others(&keys) {
        alone.extend(PointId::from_sort_key(key));
        if alone.len() >= CHUNK {
            without_point(ground, check, tally, std::mem::take(&mut alone)).await?;
        }
    }
    without_point(ground, check, tally, alone).await
}

/// Points without a row: waiting among the failures, not read yet, or missing.
async fn without_row(
    ground: &Ground<'_>,
    check: &mut Check,
    tally: &mut Tally,
    ids: Vec<PointId>,
) -> anyhow::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let journal = &ground.inspector.journal;
    let states = journal.run(move |journal| states_of(journal, ids)).await?;
    for (id, state) in states {
        match state {
            Some(State::Failed | State::Retrying | State::Skipped) => tally.waiting += 1,
            Some(State::Recovered) | None if !ground.checkpoint.settled(id) => tally.unread += 1,
            Some(State::Recovered) | None => {
                tally.missing += 1;
                check.offenders.add(id, || "no row in LanceDB".to_owned());
            }
        }
    }
    Ok(())
}

fn states_of(journal: &Journal, ids: Vec<PointId>) -> anyhow::Result<Vec<(PointId, Option<State>)>> {
    ids.into_iter()
        .map(|id| Ok((id, journal.get(id)?.map(|(row, _)| row.state))))
        .collect()
}

/// Rows that the scroll met no point for. Qdrant is asked once more for each, by its id: what was written meanwhile is no
/// fault of the table.
async fn without_point(
    ground: &Ground<'_>,
    check: &mut Check,
    tally: &mut Tally,
    ids: Vec<PointId>,
) -> anyhow::Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let gone = ground.inspector.source.missing(&ids).await?;
    tally.both += (ids.len() - gone.len()) as u64;
    let there_before = ground.there_before(&gone).await?;
    for id in gone {
        if there_before.contains(&id) {
            tally.adopted += 1;
        } else {
            tally.extra += 1;
            check.offenders.add(id, || "no point in Qdrant".to_owned());
        }
    }
    Ok(())
}

/// Which part an id belongs to. Ids come in runs: the bits are mixed first (the finaliser of splitmix64), so that the
/// parts are about equal.
fn part_of(key: &Key, parts: u64) -> u64 {
    if parts <= 1 {
        return 0;
    }
    let word = |from: usize| {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&key[from..from + 8]);
        u64::from_be_bytes(bytes)
    };
    let mut mixed = word(1).rotate_left(32) ^ word(9) ^ u64::from(key[0]);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % parts
}

/// Takes the repeats out of sorted keys; answers which there were, and how many of each.
fn take_repeats(keys: &mut Vec<Key>) -> Vec<(Key, u64)> {
    let repeated = keys
        .chunk_by(|a, b| a == b)
        .filter(|run| run.len() > 1)
        .map(|run| (run[0], run.len() as u64))
        .collect();
    keys.dedup();
    repeated
}

/// Which of the keys a point was met for: a bit each.
struct Seen {
    bits: Vec<u64>,
    count: u64,
}

impl Seen {
    fn new(keys: usize) -> Self {
        Self {
            bits: vec![0; keys.div_ceil(64)],
            count: 0,
        }
    }

    fn mark(&mut self, place: usize) {
        let (word, bit) = (place / 64, 1_u64 << (place % 64));
        self.count += u64::from(self.bits[word] & bit == 0);
        self.bits[word] |= bit;
    }

    /// The keys that were not met.
    fn others<'a>(&'a self, keys: &'a [Key]) -> impl Iterator<Item = &'a Key> {
        let unmet = |place: usize| self.bits[place / 64] & (1 << (place % 64)) == 0;
        keys.iter()
            .enumerate()
            .filter(move |(place, _)| unmet(*place))
            .map(|(_, key)| key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    #[test]
    fn ids_in_runs_are_spread_over_the_parts() {
        let makes: [fn(u64) -> PointId; 2] = [PointId::Num, |n| PointId::Uuid(Uuid::from_u128(u128::from(n) << 64))];
        for make in makes {
            let mut counts = [0_u32; 4];
            for n in 0..40_000 {
                counts[part_of(&make(n).sort_key(), 4) as usize] += 1;
            }
            assert!(counts.iter().all(|count| (9_500..10_500).contains(count)), "{counts:?}");
        }
        assert_eq!(part_of(&PointId::Num(7).sort_key(), 1), 0);
    }

    proptest! {
        #[test]
        fn keys_are_compared_as_sets_are(
            rows in prop::collection::vec(0_u64..60, 0..80),
            points in prop::collection::btree_set(0_u64..60, 0..60),
        ) {
            let mut keys: Vec<Key> = rows.iter().map(|n| PointId::Num(*n).sort_key()).collect();
            keys.sort_unstable();
            let repeated = take_repeats(&mut keys);
            for (key, count) in &repeated {
                let there = rows.iter().filter(|n| PointId::Num(**n).sort_key() == *key).count() as u64;
                prop_assert!(*count > 1 && *count == there);
            }
            let distinct: std::collections::BTreeSet<u64> = rows.iter().copied().collect();
            let more: u64 = repeated.iter().map(|(_, count)| count - 1).sum();
            prop_assert_eq!(rows.len() as u64, distinct.len() as u64 + more);
            let mut seen = Seen::new(keys.len());
            let mut missing = Vec::new();
            for point in &points {
                match keys.binary_search(&PointId::Num(*point).sort_key()) {
                    Ok(place) => {
                        seen.mark(place);
                        seen.mark(place);
                    }
                    Err(_) => missing.push(*point),
                }
            }
            prop_assert_eq!(missing, points.difference(&distinct).copied().collect::<Vec<_>>());
            prop_assert_eq!(seen.count, points.intersection(&distinct).count() as u64);
            let extra: Vec<_> = seen.others(&keys).map(|key| PointId::from_sort_key(key)).collect();
            let expected: Vec<_> = distinct.difference(&points).map(|n| Some(PointId::Num(*n))).collect();
            prop_assert_eq!(extra, expected);
        }
    }
}
