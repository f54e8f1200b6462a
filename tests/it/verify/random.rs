//! Faults by the hundred: in full mode each of them is found and nothing else is; in sampled mode they are found as often
//! as chance says, and the bound that a sample states holds as often as it says.

use std::collections::{BTreeMap, BTreeSet};

use qlance::point::PointId;
use qlance::point::verdict::{Outcome, chance_of_finding};
use qlance::tasks::verify::{Check, CheckId, Wish};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::json;

use super::faults::naming;
use super::{Job, Manner, check, migrated, offenders, only, sea};
use crate::support::planting::{Fault, Planter};

/// Points of both collections.
const POINTS: u64 = 2_000;
/// Rounds of plantings, and plantings a round. Even if all were pairs, a check could still show all offenders.
const ROUNDS: usize = 10;
const PLANTINGS: usize = 50;
/// The checks that look for what is planted.
const LOOKING: [CheckId; 4] = [CheckId::Counts, CheckId::Ids, CheckId::Payloads, CheckId::Vectors];

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_random_plantings_are_all_found_and_nothing_else_is() {
    let world = migrated(&sea(POINTS), Manner::Embedded, &[("pipeline", "index = false\n")]).await;
    let job = Job::open(&world).await;
    let planter = Planter::open(&world).await;
    let clean = planter.version().await;
    let mut rng = StdRng::seed_from_u64(500);
    let mut of_kind: BTreeMap<Fault, usize> = BTreeMap::new();
    for round in 0..ROUNDS {
        let faults: Vec<Fault> = (0..PLANTINGS)
            .map(|_| Fault::ALL[rng.random_range(0..Fault::ALL.len())])
            .collect();
        let planted = planter.plant(&faults, &mut rng).await;
        let found = job.verify(only(&LOOKING)).await;
        let mut expected: BTreeMap<CheckId, BTreeSet<PointId>> = BTreeMap::new();
        for planting in &planted {
            *of_kind.entry(planting.fault).or_default() += 1;
            let named = expected.entry(naming(planting.fault)).or_default();
            named.extend(planting.ids.iter().copied());
        }
        for check in &found.checks {
            let expected = expected.remove(&check.id).unwrap_or_default();
            assert_eq!(offenders(check), expected, "round {round}: {check:?}");
            if check.id != CheckId::Counts {
                let outcome = if expected.is_empty() {
                    Outcome::Pass
                } else {
                    Outcome::Fail
                };
                assert_eq!(check.outcome, outcome, "round {round}: {check:?}");
            }
        }
        assert!(expected.is_empty(), "round {round}: nobody looked for {expected:?}");
        // Rows too few and rows too many make up for one another in number, not by their ids.
        let number = |wanted: &[Fault]| planted.iter().filter(|one| wanted.contains(&one.fault)).count();
        let (fewer, more) = (number(&[Fault::Missing]), number(&[Fault::Extra, Fault::Doubled]));
        let counts = check(&found, CheckId::Counts);
        assert_eq!(counts.numbers["unaccounted"], json!(fewer.abs_diff(more)), "{counts:?}");
        let outcome = if fewer == more { Outcome::Pass } else { Outcome::Fail };
        assert_eq!(counts.outcome, outcome, "{counts:?}");
        planter.restore(clean).await;
    }
    assert_eq!(of_kind.values().sum::<usize>(), 500);
    assert_eq!(
        of_kind.len(),
        Fault::ALL.len(),
        "not every kind was planted: {of_kind:?}"
    );
    let found = job.verify(only(&LOOKING)).await;
    assert!(
        found.checks.iter().all(|check| check.outcome == Outcome::Pass),
        "{found:?}"
    );
}

/// Rows of a sample.
const SAMPLE: u64 = 60;
/// Samples, each drawn by another seed.
const RUNS: u64 = 300;
/// Rows with a wrong payload: few, so that a sample finds one of them about every other time.
const WRONG_PAYLOADS: usize = 20;
/// Rows with a wrong vector: so many that a sample which finds none states a bound (3 in 60) below their share (1 in 17).
const WRONG_VECTORS: usize = 120;
/// How far a share may lie from its chance, in nats times draws. By Chernoff's bound with Hoeffding's exponent, the share
/// of n draws lies as far above its chance p as q, or as far below it, with a chance of at most exp(-n KL(q || p)) each.
/// Six such tails are looked at below: two of each check's share of runs that find something, and one of each check's
/// share of runs whose bound holds. At 15.7 nats each has a chance of at most 1.52e-7, and all six together below 1e-6.
const MOST_NATS: f64 = 15.7;

/// Kullback and Leibler's divergence of two coins.
fn divergence(share: f64, chance: f64) -> f64 {
    let term = |q: f64, p: f64| if q == 0.0 { 0.0 } else { q * (q / p).ln() };
    term(share, chance) + term(1.0 - share, 1.0 - chance)
}

/// What the samples of one check came to.
#[derive(Debug, Default)]
struct Seen {
    /// Runs that found at least one.
    found: u64,
    /// Runs whose bound lies above the true share.
    bounded: u64,
}

impl Seen {
    fn take_in(&mut self, check: &Check, planted: &BTreeSet<PointId>) {
        let named = offenders(check);
        assert!(named.is_subset(planted), "somebody else is named: {check:?}");
        let sample = check.sample.expect("a sample");
        assert_eq!(
            (sample.looked_at, sample.of, sample.bad),
            (SAMPLE, POINTS, named.len() as u64),
            "{check:?}"
        );
        // So few rows say nothing where they show nothing.
        let outcome = if named.is_empty() {
            Outcome::Inconclusive
        } else {
            Outcome::Fail
        };
        assert_eq!(check.outcome, outcome, "{check:?}");
        self.found += u64::from(!named.is_empty());
        self.bounded += u64::from(sample.at_most >= planted.len() as f64 / POINTS as f64);
    }

    fn assert_as_stated(&self, planted: usize) {
        let runs = RUNS as f64;
        let chance = chance_of_finding(planted as u64, POINTS, SAMPLE);
        let share = self.found as f64 / runs;
        assert!(
            runs * divergence(share, chance) <= MOST_NATS,
            "{planted} wrong rows were found in {share} of the runs, not in {chance}"
        );
        let share = self.bounded as f64 / runs;
        assert!(
            share >= 0.95 || runs * divergence(share, 0.95) <= MOST_NATS,
            "the bound of {planted} wrong rows holds in {share} of the runs, not in 0.95"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sample_finds_faults_as_often_as_chance_says_and_its_bound_holds() {
    let world = migrated(&sea(POINTS), Manner::Embedded, &[("pipeline", "index = false\n")]).await;
    let job = Job::open(&world).await;
    let sampled = |sample: u64, seed: u64| Wish {
        sample: Some(sample),
        seed,
        ..only(&[CheckId::Payloads, CheckId::Vectors])
    };
    // Nothing is wrong yet, and a thousand are enough to say so.
    let found = job.verify(sampled(1_000, 1)).await;
    for id in [CheckId::Payloads, CheckId::Vectors] {
        let check = check(&found, id);
        assert_eq!(check.outcome, Outcome::Pass, "{check:?}");
        let sample = check.sample.expect("a sample");
        assert_eq!((sample.looked_at, sample.of, sample.bad), (1_000, POINTS, 0));
        assert!((sample.at_most - 3.0 / 1_000.0).abs() < 1e-12, "{sample:?}");
        assert!(check.figure.contains("so fewer than 0.30 %"), "{}", check.figure);
    }

    let planter = Planter::open(&world).await;
    let mut rng = StdRng::seed_from_u64(20);
    let payloads = [Fault::AnotherWord, Fault::IntegerForDouble, Fault::NullForMissing];
    let vectors = [Fault::NotANumber, Fault::AnotherModel];
    let faults: Vec<Fault> = payloads
        .into_iter()
        .cycle()
        .take(WRONG_PAYLOADS)
        .chain(vectors.into_iter().cycle().take(WRONG_VECTORS))
        .collect();
    let planted = planter.plant(&faults, &mut rng).await;
    let of = |id: CheckId| -> BTreeSet<PointId> {
        let own = planted.iter().filter(|one| naming(one.fault) == id);
        own.flat_map(|one| one.ids.iter().copied()).collect()
    };
    let (wrong_payloads, wrong_vectors) = (of(CheckId::Payloads), of(CheckId::Vectors));
    assert_eq!(
        (wrong_payloads.len(), wrong_vectors.len()),
        (WRONG_PAYLOADS, WRONG_VECTORS)
    );
    let (mut of_payloads, mut of_vectors) = (Seen::default(), Seen::default());
    for seed in 0..RUNS {
        let found = job.verify(sampled(SAMPLE, seed)).await;
        of_payloads.take_in(check(&found, CheckId::Payloads), &wrong_payloads);
        of_vectors.take_in(check(&found, CheckId::Vectors), &wrong_vectors);
    }
    of_payloads.assert_as_stated(WRONG_PAYLOADS);
    of_vectors.assert_as_stated(WRONG_VECTORS);
    // The two are different enough that one could not pass for the other.
    assert!(of_payloads.found < of_vectors.found, "{of_payloads:?} {of_vectors:?}");
}
