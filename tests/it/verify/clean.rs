//! A migration that went well is GO, and every figure says why.

use std::collections::BTreeSet;

use qlance::lance::index::MIN_INDEXED_ROWS;
use qlance::point::verdict::{Decision, Outcome};
use qlance::point::{Point, PointId, grouped};
use qlance::tasks::verify::{CheckId, QUERIES, Verification, Wish};
use serde_json::{Value, json};
use uuid::Uuid;

use super::{Job, Manner, all, at, check, migrated, sea, with_outcome};
use crate::support::embeddings_server::embedding_of;
use crate::support::planting::Planter;
use crate::support::world::{SIZE, World, point, said};

/// GO, every check passed, and nobody is found fault with.
fn assert_go(found: &Verification) {
    assert_eq!(found.decision, Decision::Go, "{found:?}");
    assert!(found.reasons.is_empty(), "{:?}", found.reasons);
    let ids: Vec<CheckId> = found.checks.iter().map(|check| check.id).collect();
    assert_eq!(ids, CheckId::ALL);
    for check in &found.checks {
        assert_eq!(
            (check.outcome, check.reasons.len()),
            (Outcome::Pass, 0),
            "{}: {check:?}",
            check.id
        );
        assert_eq!(
            (check.offenders.total, check.offenders.shown.len()),
            (0, 0),
            "{check:?}"
        );
        assert!(check.to_mend.is_empty(), "{check:?}");
        assert!(!check.figure.is_empty() && !check.threshold.is_empty(), "{check:?}");
    }
}

fn numbers(found: &Verification, id: CheckId) -> &Value {
    &check(found, id).numbers
}

/// What counts, ids and payloads say of so many points that all came over.
fn assert_complete(found: &Verification, count: u64) {
    assert_eq!((found.points, found.rows), (count, count));
    assert_eq!(
        numbers(found, CheckId::Counts),
        &json!({
            "points": count, "rows": count, "failed": 0, "skipped": 0, "gone_from_qdrant": 0, "unaccounted": 0,
            "adopted_rows": 0, "written_by_this_job": count, "complete": true,
        })
    );
    assert_eq!(
        numbers(found, CheckId::Ids),
        &json!({
            "in_both": count, "missing": 0, "extra": 0, "twice": 0, "rows_too_many": 0, "waiting": 0, "unread": 0,
            "adopted": 0, "passes": 1,
        })
    );
    assert_eq!(
        numbers(found, CheckId::Payloads),
        &json!({
            "compared": count, "same": count, "mended_by_hand": 0, "differing": 0, "without_point": 0,
        })
    );
    let vectors = numbers(found, CheckId::Vectors);
    assert_eq!(
        (&vectors["rows"], &vectors["embeddings"], &vectors["tied_to_qdrant"]),
        (&json!(count), &json!(count), &json!(count)),
        "{vectors}"
    );
    assert_eq!(
        (&vectors["not_tied"], &vectors["without_point"]),
        (&json!(0), &json!(0)),
        "{vectors}"
    );
    let faults = vectors["faults"].as_object().expect("faults by kind");
    assert_eq!(faults.len(), 9, "{vectors}");
    assert!(faults.values().all(|count| *count == json!(0)), "{vectors}");
    for bound in ["least", "most"] {
        let norm = vectors["norm"][bound].as_f64().expect("a norm");
        assert!((norm - 1.0).abs() < 1e-6, "{vectors}");
    }
}

/// What neighbours say where both stores hold the same vectors and so many points asked.
fn assert_same_neighbours(found: &Verification, queries: u64, every_row_asked: bool) {
    let told = numbers(found, CheckId::Neighbours);
    assert_eq!(
        (
            &told["queries"],
            &told["ranked"],
            &told["every_row_asked"],
            &told["same_space"]
        ),
        (&json!(queries), &json!(queries), &json!(every_row_asked), &json!(true)),
        "{told}"
    );
    assert_eq!(told["top_1"], json!(1.0), "{told}");
    let all = json!({"mean": 1.0, "median": 1.0, "minimum": 1.0, "p5": 1.0});
    assert_eq!(told["recall_10"], all, "{told}");
    // Of two points that are equally near to seven digits, each store may name the other one first.
    for figure in ["overlap_10", "rank_correlation"] {
        let share = told[figure].as_f64().expect("a figure");
        assert!((0.99..=1.0).contains(&share), "{figure}: {told}");
    }
}

/// What the check of filtered queries and of the files say of a table of so many rows that only qlance wrote to.
fn assert_undisturbed(found: &Verification, count: u64) {
    let filters = numbers(found, CheckId::Filters);
    assert!(filters["asked"].as_u64().is_some_and(|asked| asked >= 8), "{filters}");
    assert!(filters["ids"].as_u64().is_some_and(|ids| ids >= count), "{filters}");
    assert_eq!(filters["wrong"], json!(0), "{filters}");
    let health = numbers(found, CheckId::Health);
    assert_eq!(
        (
            &health["sound"],
            &health["missing_files"],
            &health["leftovers"]["files"]
        ),
        (&json!(true), &json!(0), &json!(0)),
        "{health}"
    );
    let figures = &health["figures"];
    assert_eq!(
        (&figures["rows"], &figures["deleted_rows"], &figures["version"]),
        (&json!(count), &json!(0), &json!(found.table_version)),
        "{health}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn embedded_again_by_the_same_model_it_may_take_over() {
    let world = migrated(&sea(300), Manner::Embedded, &[]).await;
    let job = Job::open(&world).await;
    let requests = world.embeddings.requests();
    let found = job.verify(Wish::default()).await;
    assert_go(&found);
    assert_complete(&found, 300);
    assert_same_neighbours(&found, QUERIES as u64, false);
    assert_undisturbed(&found, 300);
    let coverage = json!({"indexed": false, "rows": 300, "unindexed": 300, "recall_10": null});
    let index = numbers(&found, CheckId::Index);
    assert_eq!(index["columns"]["embedding"], coverage, "too few rows for an index");
    let similarity = &numbers(&found, CheckId::Vectors)["similarity"];
    assert_eq!(
        (
            &similarity["compared"],
            &similarity["below_threshold"],
            &similarity["accepted"]
        ),
        (&json!(300), &json!(0), &json!(0)),
        "{similarity}"
    );
    assert!(similarity["p1"].as_f64().is_some_and(|p1| p1 > 0.999), "{similarity}");
    // A server may charge: nothing is asked of it, and what it would take is said.
    let again = &numbers(&found, CheckId::Vectors)["embedded_again"];
    assert_eq!(
        (&again["drawn"], &again["inputs"], &again["compared"]),
        (&json!(50), &json!(50), &json!(0)),
        "{again}"
    );
    assert!(again["tokens"].as_u64().is_some_and(|tokens| tokens >= 50), "{again}");
    let notes = &check(&found, CheckId::Vectors).notes;
    assert!(notes.iter().any(|note| note.contains("--pay")), "{notes:?}");
    assert_eq!(world.embeddings.requests(), requests, "something was asked for");

    let pay = Wish { pay: true, ..all() };
    let found = job.verify(pay).await;
    assert_go(&found);
    let again = &numbers(&found, CheckId::Vectors)["embedded_again"];
    assert_eq!(
        (
            &again["drawn"],
            &again["compared"],
            &again["differing"],
            &again["failed"]
        ),
        (&json!(50), &json!(50), &json!(0), &json!(0)),
        "{again}"
    );
    assert!(
        again["worst_cosine"].as_f64().is_some_and(|worst| worst > 0.999_999),
        "{again}"
    );
    assert!(
        world.embeddings.requests() > requests,
        "what was remembered was believed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn carried_over_it_may_take_over() {
    let world = migrated(&sea(300), Manner::Carried, &[]).await;
    let job = Job::open(&world).await;
    let found = job.verify(all()).await;
    assert_go(&found);
    assert_complete(&found, 300);
    assert_same_neighbours(&found, 50, false);
    assert_undisturbed(&found, 300);
    let again = &numbers(&found, CheckId::Vectors)["embedded_again"];
    assert_eq!((&again["drawn"], &again["compared"]), (&json!(0), &json!(0)), "{again}");
    assert_eq!(world.embeddings.requests(), 0);
}

/// Points whose payloads hold every type, one field of several types, and fields that few have.
fn motley() -> Vec<Point> {
    let payloads = [
        json!({"n": 1, "d": 1.0, "flag": true, "text": "", "either": "a"}),
        json!({"n": -7, "d": -0.5, "flag": false, "either": 2}),
        json!({"n": null, "d": 1e-7, "list": [1, 1.0, null, "x", [true]]}),
        json!({"n": 4_000_000_000_u64, "nested": {"deep": [{"a": null, "b": 1.5}], "": 0}}),
        json!({"n": 1.0, "d": 3, "either": null, "thread_id": 12}),
        json!({"created_at": "2024-02-29T12:00:00Z", "thread_id": "t", "either": 2.5}),
        json!({"created_at": 1_700_000_000, "unicode \u{e9}\u{1d11e}": "\u{1F3B5}", "a.b": 1}),
        json!({"chorus_result": {"votes": [3, 1.0], "winner": null}, "either": [true]}),
        json!({"modality": "text", "id": "mine", "extra": {"embedding": "no"}}),
        json!({}),
    ];
    let ids = (0..20_u64).map(|n| match n % 4 {
        0 => PointId::Num(n),
        1 => PointId::Num(u64::MAX - n),
        _ => PointId::Uuid(Uuid::from_u128(u128::from(n) << 90 | 5)),
    });
    ids.zip(payloads.iter().cycle())
        .enumerate()
        .map(|(n, (id, payload))| {
            let text = format!("payload {n}");
            let mut payload = payload.clone();
            payload["content"] = json!(text);
            at(point(id, payload), embedding_of(&text, SIZE))
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn payloads_of_every_type_come_out_the_same_in_either_profile() {
    for profile in ["choir", "inferred"] {
        let line = format!("profile = \"{profile}\"\n");
        let world = migrated(&motley(), Manner::Embedded, &[("target", line.as_str())]).await;
        let found = Job::open(&world).await.verify(all()).await;
        assert_go(&found);
        assert_complete(&found, 20);
        assert_undisturbed(&found, 20);
        // With so few rows every one of them is asked, and that says enough.
        assert_same_neighbours(&found, 20, true);
        assert_eq!(
            numbers(&found, CheckId::Filters)["odd_in_qdrant"],
            json!(0),
            "{profile}: {:?}",
            check(&found, CheckId::Filters)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_index_that_covers_all_rows_is_go_and_an_unindexed_tail_is_told() {
    let world = migrated(&sea(MIN_INDEXED_ROWS), Manner::Embedded, &[]).await;
    let job = Job::open(&world).await;
    let found = job.verify(all()).await;
    assert_go(&found);
    assert_complete(&found, MIN_INDEXED_ROWS);
    let index = &numbers(&found, CheckId::Index)["columns"]["embedding"];
    assert_eq!(
        (&index["indexed"], &index["rows"], &index["unindexed"]),
        (&json!(true), &json!(MIN_INDEXED_ROWS), &json!(0)),
        "{index}"
    );
    assert!(
        index["recall_10"]["mean"].as_f64().is_some_and(|mean| mean >= 0.85),
        "{index}"
    );

    // The rows are all there and all right; only the index has not seen some of them.
    Planter::open(&world).await.rewrite(40).await;
    let found = job.verify(all()).await;
    assert_eq!(found.decision, Decision::Inconclusive, "{found:?}");
    assert_eq!(
        with_outcome(&found, Outcome::Inconclusive),
        BTreeSet::from([CheckId::Index])
    );
    assert_eq!(
        with_outcome(&found, Outcome::Pass).len(),
        CheckId::ALL.len() - 1,
        "{found:?}"
    );
    assert!(found.checks.iter().all(|check| check.offenders.total == 0), "{found:?}");
    assert_eq!(found.reasons.len(), 1, "{:?}", found.reasons);
    let reason = &found.reasons[0];
    let expected = format!("does not cover 40 of {} rows", grouped(MIN_INDEXED_ROWS));
    assert!(reason.starts_with("index: ") && reason.contains(&expected), "{reason}");
    let index = &numbers(&found, CheckId::Index)["columns"]["embedding"];
    assert_eq!(
        (&index["rows"], &index["unindexed"]),
        (&json!(MIN_INDEXED_ROWS), &json!(40)),
        "{index}"
    );
}

/// The command line says the same and ends with the code that it promises.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_says_it_in_json_and_by_its_exit_code() {
    async fn verify(world: &World, more: &[&str], code: i32) -> Verification {
        let args = [&["verify", "--json"][..], more].concat();
        let output = world.qlance(&args).await;
        assert_eq!(output.status.code(), Some(code), "{args:?}: {}", said(&output));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)))
    }

    let world = migrated(&sea(60), Manner::Embedded, &[]).await;
    let found = verify(&world, &["--fail-on", "inconclusive"], 0).await;
    assert_go(&found);
    assert_complete(&found, 60);
    let left_out = ["--only", "counts,ids,payloads"];
    let found = verify(&world, &left_out, 0).await;
    assert_eq!(found.decision, Decision::Inconclusive);
    verify(&world, &[&left_out[..], &["--fail-on", "inconclusive"]].concat(), 4).await;
    let (planter, missing) = (Planter::open(&world).await, PointId::Num(17));
    planter.table().delete("id = '17'").await.expect("deleted");
    let found = verify(&world, &["--export", "offenders.jsonl"], 4).await;
    assert_eq!(found.decision, Decision::NoGo);
    let named: Vec<PointId> = check(&found, CheckId::Ids)
        .offenders
        .shown
        .iter()
        .map(|row| row.id)
        .collect();
    assert_eq!(named, [missing]);
    let text = std::fs::read_to_string(world.path().join("offenders.jsonl")).expect("the file");
    let line: Value = serde_json::from_str(&text).expect("one line");
    assert_eq!(
        line,
        json!({"check": "ids", "id": missing, "what": "no row in LanceDB"})
    );
}
