//! One fault at a time: the right check finds it, names the row that it was planted in, and no other check says anything.

use std::collections::BTreeSet;

use qlance::point::PointId;
use qlance::point::verdict::{Decision, Outcome};
use qlance::tasks::verify::{CheckId, Verification};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::json;

use super::{Job, Manner, all, check, migrated, offenders, sea, with_outcome};
use crate::support::planting::{Fault, Planter, Planting};

/// Points of the collection: enough that one wrong row moves the figures of its neighbours by little.
const POINTS: u64 = 200;

/// The checks that fail by it. A row too few or too many is one by number as well as by id: then both fail, and ids says
/// which it is.
fn failing(fault: Fault) -> BTreeSet<CheckId> {
    match fault {
        Fault::Missing | Fault::Extra | Fault::Doubled => [CheckId::Counts, CheckId::Ids].into(),
        Fault::AnotherWord | Fault::IntegerForDouble | Fault::NullForMissing => [CheckId::Payloads].into(),
        Fault::SwappedVectors | Fault::NotANumber | Fault::AnotherModel | Fault::SwappedWithoutSimilarity => {
            [CheckId::Vectors].into()
        }
    }
}

/// The check that names the rows.
pub(super) fn naming(fault: Fault) -> CheckId {
    match fault {
        Fault::Missing | Fault::Extra | Fault::Doubled => CheckId::Ids,
        Fault::AnotherWord | Fault::IntegerForDouble | Fault::NullForMissing => CheckId::Payloads,
        Fault::SwappedVectors | Fault::NotANumber | Fault::AnotherModel | Fault::SwappedWithoutSimilarity => {
            CheckId::Vectors
        }
    }
}

/// What the check says of a row, or a part of it.
fn said_of(fault: Fault, manner: Manner) -> &'static str {
    match (fault, manner) {
        (Fault::Missing, _) => "no row in LanceDB",
        (Fault::Extra, _) => "no point in Qdrant",
        (Fault::Doubled, _) => "2 rows in LanceDB",
        (Fault::AnotherWord, _) => "content: another string",
        (Fault::IntegerForDouble, _) => "score: integer in LanceDB, double in Qdrant",
        (Fault::NullForMissing, _) => "note: null in LanceDB, missing in Qdrant",
        (Fault::NotANumber, _) => "is NaN",
        (Fault::SwappedVectors | Fault::AnotherModel, Manner::Embedded) => "is stored",
        (Fault::SwappedWithoutSimilarity, Manner::Embedded) => "no similarity is stored",
        (Fault::SwappedVectors | Fault::AnotherModel | Fault::SwappedWithoutSimilarity, Manner::Carried) => {
            "differs from Qdrant's by up to"
        }
    }
}

/// The figure that counts it, its check and its name.
fn counted_by(fault: Fault, manner: Manner) -> (CheckId, &'static str) {
    match (fault, manner) {
        (Fault::Missing, _) => (CheckId::Ids, "/missing"),
        (Fault::Extra, _) => (CheckId::Ids, "/extra"),
        (Fault::Doubled, _) => (CheckId::Ids, "/rows_too_many"),
        (Fault::AnotherWord | Fault::IntegerForDouble | Fault::NullForMissing, _) => (CheckId::Payloads, "/differing"),
        (Fault::NotANumber, _) => (CheckId::Vectors, "/faults/not_finite"),
        (Fault::SwappedWithoutSimilarity, Manner::Embedded) => (CheckId::Vectors, "/faults/unstored"),
        (_, Manner::Embedded) => (CheckId::Vectors, "/faults/disagrees"),
        (_, Manner::Carried) => (CheckId::Vectors, "/faults/unequal"),
    }
}

fn assert_only_it(found: &Verification, planted: &Planting, manner: Manner) {
    let fault = planted.fault;
    let failed = failing(fault);
    assert_eq!(with_outcome(found, Outcome::Fail), failed, "{fault:?}: {found:?}");
    let passed = with_outcome(found, Outcome::Pass);
    assert_eq!(
        passed.len() + failed.len(),
        CheckId::ALL.len(),
        "{fault:?}: something is in doubt: {found:?}"
    );
    assert_eq!(found.decision, Decision::NoGo);
    assert_eq!(found.reasons.len(), failed.len(), "{fault:?}: {:?}", found.reasons);
    let ids: BTreeSet<PointId> = planted.ids.iter().copied().collect();
    for check in &found.checks {
        let named = offenders(check);
        if check.id == naming(fault) {
            assert_eq!(named, ids, "{fault:?}: {check:?}");
            let wanted = said_of(fault, manner);
            for offender in &check.offenders.shown {
                assert!(offender.what.contains(wanted), "{fault:?}: {offender:?}");
            }
        } else {
            assert!(named.is_empty(), "{fault:?}: {check:?}");
        }
    }
    let (by, name) = counted_by(fault, manner);
    let figure = check(found, by).numbers.pointer(name);
    assert_eq!(figure, Some(&json!(ids.len())), "{fault:?}: {found:?}");
    let rows = match fault {
        Fault::Missing => POINTS - 1,
        Fault::Extra | Fault::Doubled => POINTS + 1,
        _ => POINTS,
    };
    assert_eq!((found.points, found.rows), (POINTS, rows), "{fault:?}");
    let unaccounted = &check(found, CheckId::Counts).numbers["unaccounted"];
    assert_eq!(unaccounted, &json!(rows.abs_diff(POINTS)), "{fault:?}");
}

/// Each of these in its turn; between them the table is taken back to what it was.
async fn each_is_found(faults: &[Fault], manner: Manner, seed: u64) {
    let world = migrated(&sea(POINTS), manner, &[]).await;
    let job = Job::open(&world).await;
    let planter = Planter::open(&world).await;
    let clean = planter.version().await;
    let mut rng = StdRng::seed_from_u64(seed);
    for fault in faults {
        let planted = planter.plant(&[*fault], &mut rng).await;
        let found = job.verify(all()).await;
        assert_only_it(&found, &planted[0], manner);
        planter.restore(clean).await;
    }
    let found = job.verify(all()).await;
    assert_eq!(found.decision, Decision::Go, "{:?}", found.reasons);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_found_by_its_check_and_by_no_other_where_vectors_were_embedded_anew() {
    each_is_found(&Fault::ALL, Manner::Embedded, 6).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_fault_is_found_by_its_check_and_by_no_other_where_vectors_were_carried_over() {
    // Rows too few and too many are the same however they came by their vectors.
    let others: Vec<Fault> = Fault::ALL
        .into_iter()
        .filter(|fault| naming(*fault) != CheckId::Ids)
        .collect();
    each_is_found(&others, Manner::Carried, 7).await;
}
