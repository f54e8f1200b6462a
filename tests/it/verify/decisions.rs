//! What keeps a verification from saying GO although no row is wrong, and what does not.

use std::collections::BTreeSet;

use qdrant_client::qdrant::DeletePointsBuilder;
use qlance::point::verdict::{Decision, Outcome};
use qlance::point::{Point, PointId};
use qlance::qdrant::wire;
use qlance::tasks::verify::{CheckId, Told, Verification, Wish};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::json;

use super::{
    Job, Manner, all, at, check, configure, in_between, killed_half_way, message, migrated, offenders, sea,
    with_outcome,
};
use crate::support::embeddings_server::embedding_of;
use crate::support::planting::{Fault, Planter};
use crate::support::world::{SIZE, World, point, said};

/// Not decided, for exactly these reasons (each a part of one), and nothing failed.
fn assert_open(found: &Verification, reasons: &[&str]) {
    assert_eq!(found.decision, Decision::Inconclusive, "{found:?}");
    assert!(with_outcome(found, Outcome::Fail).is_empty(), "{found:?}");
    assert_eq!(found.reasons.len(), reasons.len(), "{:?}", found.reasons);
    for (reason, part) in found.reasons.iter().zip(reasons) {
        assert!(reason.contains(part), "{part:?} is not in {reason:?}");
    }
}

fn assert_go(found: &Verification) {
    assert_eq!(found.decision, Decision::Go, "{:?}", found.reasons);
    assert!(found.checks.iter().all(|check| check.offenders.total == 0), "{found:?}");
}

fn all_but(left_out: CheckId) -> Wish {
    Wish {
        checks: CheckId::ALL.into_iter().filter(|id| *id != left_out).collect(),
        ..all()
    }
}

/// A command that must end well.
async fn done(world: &World, args: &[&str]) {
    let output = world.qlance(args).await;
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
}

async fn delete(world: &World, id: u64) {
    let ids = vec![wire::id_to(PointId::Num(id))];
    let client = world.source().client().clone();
    let request = DeletePointsBuilder::new("messages").points(ids).wait(true);
    client.delete_points(request).await.expect("a point is deleted");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_looks_at_too_little_decides_nothing() {
    let world = migrated(&sea(150), Manner::Embedded, &[]).await;
    let job = Job::open(&world).await;
    // Rows: so few have to be looked at all.
    let sampled = |sample| Wish {
        sample: Some(sample),
        ..all()
    };
    let found = job.verify(sampled(100)).await;
    let too_small = "a sample of 100 of 150 rows is too small";
    assert_open(&found, &[too_small, too_small]);
    assert_eq!(
        with_outcome(&found, Outcome::Inconclusive),
        BTreeSet::from([CheckId::Payloads, CheckId::Vectors])
    );
    let found = job.verify(sampled(150)).await;
    assert_go(&found);
    assert!(check(&found, CheckId::Payloads).sample.is_none(), "all were looked at");
    // Queries.
    let few = Wish { queries: 49, ..all() };
    assert_open(&job.verify(few).await, &["neighbours: 49 queries say too little"]);
    // Checks: each is needed but that of the files.
    for left_out in [CheckId::Ids, CheckId::Neighbours] {
        let expected = format!("not checked: {left_out}");
        assert_open(&job.verify(all_but(left_out)).await, &[expected.as_str()]);
    }
    let found = job.verify(all_but(CheckId::Health)).await;
    assert_eq!(found.checks.len(), CheckId::ALL.len() - 1);
    assert_go(&found);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_point_keeps_it_open_until_somebody_decides() {
    let mut points = sea(60);
    points.push(point(900, json!({"thread_id": "without any content"})));
    let world = World::with(&points).await;
    configure(&world, Manner::Embedded, &[]);
    assert_eq!(world.run().await.0, 3);
    let job = Job::open(&world).await;
    let counts = |found: &Verification| {
        let numbers = &check(found, CheckId::Counts).numbers;
        ["points", "rows", "failed", "skipped", "gone_from_qdrant", "unaccounted"].map(|name| {
            let number = numbers[name].as_u64();
            number.unwrap_or_else(|| panic!("no {name}: {numbers}"))
        })
    };
    let waiting = |found: &Verification| {
        let numbers = &check(found, CheckId::Ids).numbers;
        (numbers["waiting"].clone(), numbers["missing"].clone())
    };

    let found = job.verify(all()).await;
    assert_open(&found, &["counts: 1 points failed and nobody has decided about them"]);
    assert_eq!(counts(&found), [61, 60, 1, 0, 0, 0]);
    assert_eq!(waiting(&found), (json!(1), json!(0)));
    // Decided: it is not wanted.
    done(&world, &["failures", "skip", "900", "--reason", "spam"]).await;
    let found = job.verify(all()).await;
    assert_go(&found);
    assert_eq!(counts(&found), [61, 60, 0, 1, 0, 0]);
    assert_eq!(waiting(&found), (json!(1), json!(0)));
    // Gone: the skip is on record, the point no longer counts.
    delete(&world, 900).await;
    let found = job.verify(all()).await;
    assert_go(&found);
    assert_eq!(counts(&found), [60, 60, 0, 1, 1, 0]);
    assert_eq!(waiting(&found), (json!(0), json!(0)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_skipped_point_that_is_gone_does_not_decide_about_a_failed_one() {
    let mut points = sea(60);
    points.extend([900, 901].map(|n| point(n, json!({"thread_id": "without any content"}))));
    let world = World::with(&points).await;
    configure(&world, Manner::Embedded, &[]);
    assert_eq!(world.run().await.0, 3);
    done(&world, &["failures", "skip", "901", "--reason", "spam"]).await;
    delete(&world, 901).await;
    let found = Job::open(&world).await.verify(all()).await;
    assert_open(&found, &["counts: 1 points failed and nobody has decided about them"]);
    let counts = &check(&found, CheckId::Counts).numbers;
    assert_eq!(
        (
            &counts["failed"],
            &counts["skipped"],
            &counts["gone_from_qdrant"],
            &counts["unaccounted"]
        ),
        (&json!(1), &json!(1), &json!(1), &json!(0)),
        "{counts}"
    );
    // The one that failed goes as well: nobody has to decide about it.
    delete(&world, 900).await;
    assert_go(&Job::open(&world).await.verify(all()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nothing_is_nothing_is_decided() {
    let world = migrated(&sea(3), Manner::Embedded, &[]).await;
    let planter = Planter::open(&world).await;
    planter
        .table()
        .delete("id IS NOT NULL")
        .await
        .expect("rows are deleted");
    for id in 1..=3 {
        delete(&world, id).await;
    }
    let found = Job::open(&world).await.verify(all()).await;
    assert_eq!((found.points, found.rows), (0, 0));
    assert_open(&found, &["the table holds no rows: nothing was found right"]);
    let passed = with_outcome(&found, Outcome::Pass);
    assert!(passed.is_subset(&BTreeSet::from([CheckId::Health])), "{passed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_has_not_come_to_its_end_may_not_take_over() {
    let world = killed_half_way().await;

    let found = Job::open(&world).await.verify(all()).await;
    assert_eq!(found.decision, Decision::NoGo, "{found:?}");
    assert_eq!(
        with_outcome(&found, Outcome::Fail),
        BTreeSet::from([CheckId::Counts]),
        "{found:?}"
    );
    assert!(found.rows < 200 && found.rows > 0, "{found:?}");
    assert_eq!(found.reasons.len(), 1, "{:?}", found.reasons);
    let unread = 200 - found.rows;
    let expected = format!("counts: the migration has not come to its end: about {unread} points are unread");
    assert!(found.reasons[0].starts_with(&expected), "{:?}", found.reasons);
    assert_eq!(check(&found, CheckId::Counts).numbers["complete"], json!(false));
    // What was not read is not missing.
    let ids = &check(&found, CheckId::Ids).numbers;
    assert_eq!((&ids["unread"], &ids["missing"]), (&json!(unread), &json!(0)), "{ids}");
    assert!(found.checks.iter().all(|check| check.offenders.total == 0), "{found:?}");

    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    assert_go(&Job::open(&world).await.verify(all()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_mended_by_hand_and_vectors_that_were_kept_are_no_differences() {
    let mended = "mended by hand";
    let mut points = sea(120);
    points[6] = at(message(7), embedding_of("far from it", SIZE));
    let without = |thread: &str| at(point(500, json!({"thread_id": thread})), embedding_of(mended, SIZE));
    points.push(without("a"));
    let world = World::with(&points).await;
    configure(&world, Manner::Embedded, &[]);
    assert_eq!(world.run().await.0, 3);
    done(&world, &["failures", "edit", "500", "--content", mended, "--json"]).await;
    done(&world, &["divergence", "keep", "7", "--json"]).await;

    let job = Job::open(&world).await;
    let all_again = Wish {
        again: 1_000,
        pay: true,
        ..all()
    };
    let found = job.verify(all_again.clone()).await;
    assert_go(&found);
    let payloads = &check(&found, CheckId::Payloads).numbers;
    assert_eq!(
        (&payloads["compared"], &payloads["same"], &payloads["mended_by_hand"]),
        (&json!(121), &json!(121), &json!(1)),
        "{payloads}"
    );
    // All contents come out the same when they are embedded again; the one whose vector was kept is not asked for.
    let again = &check(&found, CheckId::Vectors).numbers["embedded_again"];
    assert_eq!(
        (
            &again["drawn"],
            &again["compared"],
            &again["differing"],
            &again["failed"]
        ),
        (&json!(120), &json!(120), &json!(0), &json!(0)),
        "{again}"
    );
    // Beside what was mended, the point is what Qdrant says.
    world.upsert(&[without("b")]).await;
    let found = job.verify(all_again).await;
    assert_eq!(found.decision, Decision::NoGo, "{found:?}");
    assert_eq!(
        with_outcome(&found, Outcome::Fail),
        BTreeSet::from([CheckId::Payloads]),
        "{found:?}"
    );
    let payloads = check(&found, CheckId::Payloads);
    assert_eq!(offenders(payloads), BTreeSet::from([PointId::Num(500)]));
    assert_eq!(payloads.offenders.shown[0].what, "thread_id: another string");
}

#[tokio::test(flavor = "multi_thread")]
async fn divergent_embeddings_keep_it_open_until_they_are_accepted() {
    let divergent = [8_u64, 9, 10];
    let points: Vec<Point> = (1..=120)
        .map(|n| {
            if divergent.contains(&n) {
                at(message(n), embedding_of(&format!("far from {n}"), SIZE))
            } else {
                message(n)
            }
        })
        .collect();
    let world = migrated(&points, Manner::Embedded, &[]).await;
    let job = Job::open(&world).await;
    let found = job.verify(all()).await;
    assert_open(&found, &["vectors: 2.50 % of 120 similarities lie below 0.98"]);
    done(
        &world,
        &["divergence", "accept", "8", "9", "10", "--note", "on purpose", "--json"],
    )
    .await;
    let found = job.verify(all()).await;
    assert_go(&found);
    let similarity = &check(&found, CheckId::Vectors).numbers["similarity"];
    assert_eq!(
        (&similarity["below_threshold"], &similarity["accepted"]),
        (&json!(3), &json!(3)),
        "{similarity}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_accepted_and_came_out_otherwise_since_has_to_be_accepted_anew() {
    let divergent = [8_u64, 9, 10];
    let far = |n: u64| at(message(n), embedding_of(&format!("far from {n}"), SIZE));
    let mut points = sea(120);
    for n in divergent {
        points[n as usize - 1] = far(n);
    }
    let world = migrated(&points, Manner::Embedded, &[]).await;
    let accept = ["divergence", "accept", "8", "9", "10", "--note", "on purpose", "--json"];
    done(&world, &accept).await;
    assert_go(&Job::open(&world).await.verify(all()).await);
    // Two of them say something else by now, and are embedded anew.
    for n in [8, 9] {
        let mut other = far(n);
        other.payload["content"] = json!(format!("message {n} is about the mountains"));
        world.upsert(&[other]).await;
    }
    done(&world, &["sync", "--yes", "--json"]).await;
    let found = Job::open(&world).await.verify(all()).await;
    assert_open(&found, &["vectors: 1.67 % of 120 similarities lie below 0.98"]);
    let similarity = &check(&found, CheckId::Vectors).numbers["similarity"];
    assert_eq!(
        (&similarity["below_threshold"], &similarity["accepted"]),
        (&json!(3), &json!(1)),
        "{similarity}"
    );
    done(&world, &accept).await;
    assert_go(&Job::open(&world).await.verify(all()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_sample_only_those_accepted_count_that_are_in_it() {
    let divergent = 1..=40_u64;
    let points: Vec<Point> = (1..=120)
        .map(|n| {
            if divergent.contains(&n) {
                at(message(n), embedding_of(&format!("far from {n}"), SIZE))
            } else {
                message(n)
            }
        })
        .collect();
    let world = migrated(&points, Manner::Embedded, &[]).await;
    let ids: Vec<String> = (1..=20).map(|n: u64| n.to_string()).collect();
    let mut args = vec!["divergence", "accept"];
    args.extend(ids.iter().map(String::as_str));
    args.extend(["--note", "on purpose", "--json"]);
    done(&world, &args).await;
    let job = Job::open(&world).await;
    let similarity = |found: &Verification| {
        let told = &check(found, CheckId::Vectors).numbers["similarity"];
        ["compared", "below_threshold", "accepted"].map(|name| told[name].as_u64().expect("a number"))
    };
    let found = job.verify(all()).await;
    assert_eq!(similarity(&found), [120, 40, 20]);
    let sampled = Wish {
        sample: Some(60),
        ..all()
    };
    let found = job.verify(sampled).await;
    let [compared, below, accepted] = similarity(&found);
    assert!(
        compared == 60 && accepted > 0 && accepted < 20 && accepted < below,
        "{below} {accepted}"
    );
    let reasons = &check(&found, CheckId::Vectors).reasons;
    let open = (below - accepted) as f64 / 60.0;
    assert!(
        open > 0.01 && reasons.iter().any(|reason| reason.contains("similarities lie below")),
        "{reasons:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn points_that_are_rewritten_in_place_meanwhile_are_noticed() {
    let world = migrated(&sea(60), Manner::Embedded, &[]).await;
    let job = Job::open(&world).await;
    let mut rewritten = message(7);
    rewritten.payload["n"] = json!(8);
    // As many points as before: only what they say has changed, and that after it was compared:
    // neighbours are the last of what goes through all points.
    let write = |told: Told<'_>| {
        if let Told::Checked(check) = told
            && check.id == CheckId::Neighbours
        {
            let points = std::slice::from_ref(&rewritten);
            in_between(world.upsert(points));
        }
    };
    let found = job.verify_telling(all(), write).await;
    assert_open(
        &found,
        &["Qdrant was written to meanwhile (1 of 60 points that were looked at once more have changed"],
    );
    // Written once more as it is, it is the same.
    let write = |told: Told<'_>| {
        if let Told::Checked(check) = told
            && check.id == CheckId::Neighbours
        {
            let points = std::slice::from_ref(&rewritten);
            in_between(world.upsert(points));
        }
    };
    let found = job.verify_telling(all(), write).await;
    assert_eq!(
        with_outcome(&found, Outcome::Fail),
        BTreeSet::from([CheckId::Payloads]),
        "{found:?}"
    );
    assert_eq!(found.reasons.len(), 1, "{:?}", found.reasons);
}

#[tokio::test(flavor = "multi_thread")]
async fn stores_that_are_written_to_meanwhile_are_not_decided_about() {
    let world = migrated(&sea(60), Manner::Embedded, &[]).await;
    let job = Job::open(&world).await;
    let planter = Planter::open(&world).await;
    let before = planter.version().await;
    // In the middle of it: the first check is done, the others are not.
    let write = |told: Told<'_>| {
        if let Told::Checked(check) = told
            && check.id == CheckId::Counts
        {
            let mut rng = StdRng::seed_from_u64(1);
            in_between(planter.plant(&[Fault::Extra], &mut rng));
        }
    };
    let found = job.verify_telling(all(), write).await;
    let after = planter.version().await;
    assert!(after > before, "nothing was written");
    assert_eq!(
        (found.table_version, found.rows),
        (before, 60),
        "another version was looked at"
    );
    let expected = format!("the table was written to meanwhile (version {before} to {after})");
    assert_open(&found, &[expected.as_str()]);
    planter.restore(before).await;
    assert_go(&job.verify(all()).await);

    let client = world.source().client().clone();
    let write = |told: Told<'_>| {
        if let Told::Checked(check) = told
            && check.id == CheckId::Neighbours
        {
            let ids = vec![wire::id_to(PointId::Num(5))];
            let request = DeletePointsBuilder::new("messages").points(ids).wait(true);
            let deleted = in_between(client.delete_points(request));
            deleted.expect("a point is deleted");
        }
    };
    let found = job.verify_telling(all(), write).await;
    assert_open(&found, &["Qdrant was written to meanwhile (60 to 59 points)"]);
}
