//! A table that something else wrote to is refused by every other command, and a repair brings it together again: what it
//! would do is shown first, and nothing is done that nobody agreed to.

use std::collections::BTreeSet;

use qlance::point::PointId;
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::Value;

use super::{Manner, killed_half_way, migrated, sea};
use crate::support::planting::{Fault, Planter};
use crate::support::world::{World, payloads, said};

const POINTS: u64 = 120;

/// Runs a command that prints one JSON object.
async fn asked(world: &World, args: &[&str]) -> (Option<i32>, Value) {
    let output = world.qlance(args).await;
    let value = serde_json::from_slice(&output.stdout);
    let value = value.unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    (output.status.code(), value)
}

/// One row for each id, and its payload that of its point.
async fn assert_whole(world: &World) {
    let (points, rows) = (world.points().await, world.rows().await);
    assert_eq!(rows.len(), points.len());
    assert_eq!(
        payloads(rows.iter().map(|row| &row.point)),
        payloads(&points),
        "each row says what its point says"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_is_repaired_and_verified_once_more() {
    for manner in [Manner::Embedded, Manner::Carried] {
        let world = migrated(&sea(POINTS), manner, &[]).await;
        let planter = Planter::open(&world).await;
        // A table with as many rows as before is not whole for that.
        let mut faults = Fault::ALL.to_vec();
        faults.extend([Fault::Missing, Fault::Doubled, Fault::Missing]);
        planter.plant(&faults, &mut StdRng::seed_from_u64(5)).await;
        let before = planter.version().await;
        let output = world.qlance(&["verify", "--repair", "--json"]).await;
        assert_eq!(output.status.code(), Some(4), "nobody agreed: {}", said(&output));
        let heard = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            heard.contains("what can be repaired stays as it is; --yes repairs it"),
            "{heard}"
        );
        let told: Value = serde_json::from_slice(&output.stdout).expect("an object");
        assert_eq!(told["done"], Value::Null);
        assert_eq!(planter.version().await, before, "nothing was written");
        let found = &told["found"];
        assert_eq!(
            (&found["new"], &found["gone"], &found["repeats"]),
            (&3.into(), &1.into(), &2.into()),
            "{found}"
        );

        let paid = world.embeddings.inputs();
        let (code, told) = asked(&world, &["verify", "--repair", "--yes", "--remove-gone", "--json"]).await;
        assert_eq!(
            (code, &told["verification"]["decision"]),
            (Some(0), &"go".into()),
            "{told}"
        );
        assert_eq!(told["before"]["decision"], "no_go");
        let promised = found["inputs"].as_u64().expect("a number");
        assert_eq!(
            (world.embeddings.inputs() - paid) as u64,
            promised,
            "as many as were promised"
        );
        assert_whole(&world).await;
        let (code, report) = world.run().await;
        assert_eq!(
            (code, &report["written"]),
            (0, &POINTS.into()),
            "the sums add up again: {report}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_rows_that_repeat_an_id_the_one_that_stays_is_the_one_that_is_judged() {
    let world = migrated(&sea(POINTS), Manner::Embedded, &[]).await;
    let planter = Planter::open(&world).await;
    planter.put_stale_before(&mut StdRng::seed_from_u64(8)).await;
    let (code, told) = asked(&world, &["verify", "--repair", "--yes", "--json"]).await;
    assert_eq!(
        (code, &told["verification"]["decision"]),
        (Some(0), &"go".into()),
        "{told}"
    );
    assert_eq!(
        (&told["done"]["replaced"], &told["done"]["removed"]),
        (&1.into(), &1.into()),
        "{told}"
    );
    assert_whole(&world).await;
    assert_eq!(world.run().await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_repeat_an_id_are_brought_up_to_date_before_they_are_taken_out() {
    let world = migrated(&sea(POINTS), Manner::Embedded, &[]).await;
    let planter = Planter::open(&world).await;
    let id = planter.put_stale_before(&mut StdRng::seed_from_u64(9)).await;
    // Nobody has looked for repeated ids.
    let args = ["verify", "--repair", "--only", "payloads", "--yes", "--json"];
    let (code, told) = asked(&world, &args).await;
    let done = &told["done"];
    assert_eq!(
        (code, &done["added"], &done["replaced"], &done["removed"]),
        (Some(0), &0.into(), &1.into(), &0.into()),
        "{told}"
    );
    let (points, rows) = (world.points().await, world.rows().await);
    let points = payloads(&points);
    let both: Vec<_> = rows.iter().filter(|row| row.point.id == id).collect();
    assert_eq!(both.len(), 2);
    assert!(both.iter().all(|row| &row.point.payload == points[&id]), "{both:?}");
    let (code, told) = asked(&world, &["verify", "--repair", "--yes", "--json"]).await;
    assert_eq!((code, &told["done"]["removed"]), (Some(0), &1.into()), "{told}");
    assert_whole(&world).await;
    assert_eq!(world.run().await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_with_another_number_of_rows_is_refused_but_for_a_repair() {
    let world = migrated(&sea(POINTS), Manner::Embedded, &[]).await;
    let planter = Planter::open(&world).await;
    let faults = [Fault::Missing, Fault::Missing];
    let planted = planter.plant(&faults, &mut StdRng::seed_from_u64(6)).await;
    let output = world.qlance(&["run"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("qlance verify --repair"), "{}", said(&output));
    let (code, told) = asked(&world, &["verify", "--repair", "--yes", "--json"]).await;
    assert_eq!((code, &told["done"]["added"]), (Some(0), &2.into()), "{told}");
    assert_whole(&world).await;
    let rows = world.rows().await;
    let ids: BTreeSet<PointId> = rows.iter().map(|row| row.point.id).collect();
    assert!(
        planted
            .iter()
            .flat_map(|planted| &planted.ids)
            .all(|id| ids.contains(id))
    );
    assert_eq!(world.run().await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_without_a_point_stay_until_their_removal_is_agreed_to() {
    let world = migrated(&sea(POINTS), Manner::Embedded, &[]).await;
    let planter = Planter::open(&world).await;
    planter
        .plant(&[Fault::Extra, Fault::Missing], &mut StdRng::seed_from_u64(7))
        .await;
    let (code, told) = asked(&world, &["verify", "--repair", "--yes", "--json"]).await;
    assert_eq!(
        (code, &told["done"]["added"], &told["done"]["removed"]),
        (Some(4), &1.into(), &0.into()),
        "{told}"
    );
    let (code, told) = asked(&world, &["verify", "--repair", "--remove-gone", "--json"]).await;
    assert_eq!((code, &told["done"]["removed"]), (Some(0), &1.into()), "{told}");
    assert_whole(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_removal_that_is_agreed_to_alone_repairs_nothing_else() {
    let world = migrated(&sea(POINTS), Manner::Embedded, &[]).await;
    let planter = Planter::open(&world).await;
    // Other rows too few than there are too many: the table itself has to be taken over first.
    let faults = [Fault::Extra, Fault::Missing, Fault::Missing];
    planter.plant(&faults, &mut StdRng::seed_from_u64(8)).await;
    let (code, told) = asked(&world, &["verify", "--repair", "--remove-gone", "--json"]).await;
    let done = &told["done"];
    assert_eq!(
        (code, &done["added"], &done["replaced"], &done["removed"]),
        (Some(4), &0.into(), &0.into(), &1.into()),
        "{told}"
    );
    assert_eq!(world.rows().await.len() as u64, POINTS - 2);
    let (code, told) = asked(&world, &["verify", "--repair", "--yes", "--json"]).await;
    assert_eq!((code, &told["done"]["added"]), (Some(0), &2.into()), "{told}");
    assert_whole(&world).await;
    assert_eq!(world.run().await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_was_interfered_with_half_way_is_repaired_and_goes_on() {
    let world = killed_half_way().await;
    // As long as the rows add up, the migration is what goes on.
    let (code, told) = asked(&world, &["verify", "--repair", "--yes", "--json"]).await;
    let error = told["error"].as_str().unwrap_or_default();
    assert!(code == Some(1) && error.contains("`qlance run` goes on"), "{told}");

    let planter = Planter::open(&world).await;
    // What was added lies ahead of the scroll.
    let faults = [Fault::Extra, Fault::Missing, Fault::Doubled, Fault::Extra];
    planter.plant(&faults, &mut StdRng::seed_from_u64(8)).await;
    let before = planter.version().await;
    let output = world.qlance(&["run"]).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("qlance verify --repair"), "{}", said(&output));
    let (code, told) = asked(&world, &["verify", "--repair", "--json"]).await;
    assert_eq!(code, Some(4), "nobody agreed: {told}");
    let found = &told["found"];
    assert_eq!(
        (&found["unfinished"], &found["repeats"]),
        (&2.into(), &1.into()),
        "{told}"
    );
    assert_eq!(planter.version().await, before, "nothing was written");
    let (code, told) = asked(&world, &["verify", "--repair", "--yes", "--json"]).await;
    assert_eq!(
        (code, &told["done"]["removed"], &told["error"]),
        (Some(4), &3.into(), &Value::Null),
        "{told}"
    );

    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    let rows = world.rows().await;
    let ids: BTreeSet<PointId> = rows.iter().map(|row| row.point.id).collect();
    assert_eq!((rows.len(), ids.len()), (199, 199), "none twice, one missing");
    let (code, told) = asked(&world, &["verify", "--repair", "--yes", "--json"]).await;
    assert_eq!((code, &told["done"]["added"]), (Some(0), &1.into()), "{told}");
    assert_whole(&world).await;
}
