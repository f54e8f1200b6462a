//! The check of ids in several passes, and offenders beyond those that are shown.

use std::collections::BTreeSet;
use std::path::PathBuf;

use qdrant_client::qdrant::DeletePointsBuilder;
use qlance::config::Config;
use qlance::point::PointId;
use qlance::qdrant::wire;
use qlance::tasks::verify::{CheckId, OFFENDERS, Verification};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use serde_json::{Value, json};

use super::{Job, Manner, check, message, migrated, offenders, only, sea};
use crate::support::planting::{Fault, Planter, Planting};
use crate::support::world::{World, said};

/// The point whose row was there before the job, and that is gone from Qdrant.
const BEFORE: PointId = PointId::Num(5);

/// Another job takes a table of 100 rows over: it brings one more point, and one that had a row is gone.
async fn adopted() -> World {
    let world = migrated(&sea(100), Manner::Embedded, &[]).await;
    let client = world.source().client().clone();
    let request = DeletePointsBuilder::new("messages")
        .points(vec![wire::id_to(BEFORE)])
        .wait(true);
    client.delete_points(request).await.expect("a point is deleted");
    world.upsert(&[message(101)]).await;
    let path = world.path().join("qlance.toml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    let url = world.qdrant.url();
    let text = text.replace(&url, &url.replace("127.0.0.1", "localhost"));
    std::fs::write(&path, text).expect("the configuration is written");
    let output = world.qlance(&["run", "--adopt", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    world
}

#[tokio::test(flavor = "multi_thread")]
async fn several_passes_find_what_one_finds() {
    let world = adopted().await;
    let planter = Planter::open(&world).await;
    let clean = planter.version().await;
    let faults = [Fault::Missing, Fault::Extra, Fault::Doubled];
    let mut rng = StdRng::seed_from_u64(11);
    let planted: Vec<Planting> = loop {
        let planted = planter.plant(&faults, &mut rng).await;
        if planted.iter().all(|planted| !planted.ids.contains(&BEFORE)) {
            break planted;
        }
        planter.restore(clean).await;
    };
    let wrong: BTreeSet<PointId> = planted.iter().flat_map(|planted| &planted.ids).copied().collect();
    let mut job = Job::open(&world).await;
    let at_once = job.verify(only(&[CheckId::Ids])).await;
    // 102 rows: 101, one less, two more.
    job.verifier.keys_at_once = 34;
    let in_parts = job.verify(only(&[CheckId::Ids])).await;
    let numbers = |found: &Verification, passes: u64| {
        let ids = check(found, CheckId::Ids);
        assert_eq!(offenders(ids), wrong, "{ids:?}");
        assert_eq!(ids.numbers["passes"], json!(passes), "{ids:?}");
        let mut numbers = ids.numbers.clone();
        numbers["passes"] = Value::Null;
        numbers
    };
    assert_eq!(at_once.rows, 102);
    let found = numbers(&at_once, 1);
    assert_eq!(numbers(&in_parts, 3), found);
    for name in ["missing", "extra", "twice", "rows_too_many", "adopted"] {
        assert_eq!(found[name], json!(1), "{name}: {found}");
    }
    assert_eq!(found["in_both"], json!(99), "{found}");
}

/// The points that the lines of a file name.
fn named(path: &PathBuf) -> BTreeSet<PointId> {
    let text = std::fs::read_to_string(path).expect("the file");
    let ids: Vec<PointId> = text
        .lines()
        .map(|line| {
            let line: Value = serde_json::from_str(line).expect("a JSON object");
            assert_eq!(line["check"], "payloads", "{line}");
            serde_json::from_value(line["id"].clone()).expect("an id")
        })
        .collect();
    let distinct: BTreeSet<PointId> = ids.iter().copied().collect();
    assert_eq!(distinct.len(), ids.len(), "named more than once");
    distinct
}

#[tokio::test(flavor = "multi_thread")]
async fn all_offenders_are_exported_however_many_are_shown() {
    let world = migrated(&sea(200), Manner::Embedded, &[]).await;
    let planter = Planter::open(&world).await;
    let planted = planter
        .plant(&[Fault::AnotherWord; 150], &mut StdRng::seed_from_u64(12))
        .await;
    let wrong: BTreeSet<PointId> = planted.iter().flat_map(|planted| &planted.ids).copied().collect();
    let output = world
        .qlance(&["verify", "--only", "payloads", "--export", "bad.jsonl"])
        .await;
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    assert!(said(&output).contains("150 offenders are in"), "{}", said(&output));
    assert_eq!(named(&world.path().join("bad.jsonl")), wrong);
    let config = Config::load(&world.path().join("qlance.toml")).expect("the configuration");
    let state_dir = config.job(None).dir;
    assert_eq!(named(&state_dir.join(OFFENDERS)), wrong);
    // A repair that nobody agrees to exports what it would have repaired.
    let output = world
        .qlance(&[
            "verify",
            "--repair",
            "--only",
            "payloads",
            "--json",
            "--export",
            "before.jsonl",
        ])
        .await;
    assert_eq!(output.status.code(), Some(4), "{}", said(&output));
    assert_eq!(named(&world.path().join("before.jsonl")), wrong);
    let names = std::fs::read_dir(&state_dir).expect("the state directory");
    let partial = names
        .filter(|entry| {
            let name = entry.as_ref().expect("an entry").file_name();
            name.to_string_lossy().starts_with("offenders.jsonl.")
        })
        .count();
    assert_eq!(partial, 0, "half a file was left");
}
