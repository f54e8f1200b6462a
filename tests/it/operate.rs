//! What an operator does beside the run itself, told without a screen: decisions, edits, comparisons, budget and caps.

use std::time::{Duration, Instant};

use qlance::lance::browse::{self, Anchor, Band};
use qlance::point::{Point, PointId, Similarity, Vector, Vectors};
use serde_json::{Value, json};

use crate::support::embeddings_server::embedding_of;
use crate::support::world::{SIZE, World, messages, point, said};

/// What a command prints as JSON lines; it must end well.
async fn lines(world: &World, args: &[&str]) -> Vec<Value> {
    let output = world.qlance(args).await;
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

async fn line(world: &World, args: &[&str]) -> Value {
    let mut found = lines(world, args).await;
    assert_eq!(found.len(), 1, "{args:?}: {found:?}");
    found.swap_remove(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_listed_worst_first_and_decided_about() {
    let world = World::with(&messages(40)).await;
    world.config(&[("divergence", "threshold = 0.5\n")]);
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (0, &json!(40)), "{report}");

    // The list is the table's own column, sorted.
    let mut expected: Vec<(f32, PointId)> = world
        .rows()
        .await
        .iter()
        .map(|row| (row.similarity.map(Similarity::get).expect("compared"), row.point.id))
        .collect();
    expected.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.to_string().cmp(&b.1.to_string())));
    let listed = lines(&world, &["divergence", "list", "--below", "2", "--json"]).await;
    let ids: Vec<&Value> = listed.iter().map(|row| &row["id"]).collect();
    let wanted: Vec<Value> = expected.iter().map(|(_, id)| json!(id)).collect();
    assert_eq!(ids, wanted.iter().collect::<Vec<_>>());
    let histogram = line(&world, &["divergence", "histogram", "--json"]).await;
    let below = expected.iter().filter(|(similarity, _)| *similarity < 0.5).count();
    assert_eq!(
        (&histogram["compared"], &histogram["divergent"]),
        (&json!(40), &json!(below))
    );
    let divergent = lines(&world, &["divergence", "list", "--json"]).await;
    assert_eq!(divergent.len(), below);
    let counted = |histogram: &Value| -> u64 {
        let bins = histogram["bins"].as_array().expect("bins");
        bins.iter().filter_map(|bin| bin["count"].as_u64()).sum()
    };
    assert_eq!(counted(&histogram), 40, "{histogram}");
    let moved = line(&world, &["divergence", "histogram", "--threshold", "-0.25", "--json"]).await;
    let below = expected.iter().filter(|(similarity, _)| *similarity < -0.25).count();
    assert_eq!(
        (&moved["threshold"], &moved["divergent"], counted(&moved)),
        (&json!(-0.25), &json!(below), 40)
    );
    let between = lines(
        &world,
        &["divergence", "list", "--from", "-0.25", "--below", "0.5", "--json"],
    )
    .await;
    let wanted = expected
        .iter()
        .filter(|(similarity, _)| (-0.25..0.5).contains(similarity));
    assert_eq!(between.len(), wanted.count());
    let output = world.qlance(&["divergence", "list", "--from", "0.9"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));

    // Embedded again: one request, the same rows.
    let before = world.embeddings.requests();
    let decided = line(&world, &["divergence", "embed-again", "5", "6", "--json"]).await;
    assert_eq!(
        decided,
        json!({"decision": "embedded_again", "points": [5, 6], "error": null})
    );
    assert_eq!(world.embeddings.requests(), before + 1);
    assert_eq!(world.rows().await.len(), 40);

    // Kept: the row has Qdrant's own vector now, and nothing else of it has changed.
    let decided = line(&world, &["divergence", "keep", "7", "7", "--json"]).await;
    assert_eq!(decided["points"], json!([7]));
    let points = world.points().await;
    let held = points
        .iter()
        .find(|point| point.id == PointId::Num(7))
        .expect("in Qdrant");
    let rows = world.rows().await;
    let row = rows
        .iter()
        .find(|row| row.point.id == PointId::Num(7))
        .expect("in the table");
    assert_eq!(row.embedding.as_deref(), held.vectors[""].dense());
    assert_eq!(row.similarity.map(Similarity::get), Some(1.0));
    assert_eq!((rows.len(), &row.point.payload), (40, &held.payload));

    line(&world, &["divergence", "accept", "8", "--note", "on purpose", "--json"]).await;
    let shown = line(&world, &["divergence", "show", "8", "--json"]).await;
    assert_eq!(shown["decided"]["decision"], "accepted");
    assert_eq!(shown["decided"]["note"], "on purpose");
    let neighbours = shown["neighbours"]["Ok"]["lancedb"].as_array().expect("neighbours");
    assert_eq!(neighbours.len(), 10);
    assert!(
        neighbours.iter().all(|neighbour| neighbour["id"] != json!(8)),
        "not its own neighbour"
    );

    // A point that has no row cannot be decided about.
    let output = world.qlance(&["divergence", "embed-again", "999"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("not in the table: 999"),
        "{}",
        said(&output)
    );
    // What a later run says still adds up.
    let (code, report) = world.run().await;
    assert_eq!((code, &report["embedding"]["inputs"]), (0, &json!(0)), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_of_a_job_that_never_was_are_not_none() {
    let world = World::with(&messages(5)).await;
    world.config(&[]);
    world.run().await;
    // Another table is another job.
    let path = world.path().join("qlance.toml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    std::fs::write(&path, text.replace("table = \"messages\"", "table = \"mesages\"")).expect("written");
    let jobs = || std::fs::read_dir(world.path().join(".qlance")).expect("states").count();
    let before = jobs();
    for args in [
        &["failures", "list"][..],
        &["failures", "list", "--json"],
        &["failures", "show", "1"],
        &["failures", "retry"],
        &["failures", "edit", "1", "--content", "x"],
        &["failures", "skip", "1", "--reason", "x"],
        &["failures", "unskip", "1"],
        &["failures", "export"],
        &["shortened"],
    ] {
        let output = world.qlance(args).await;
        assert_eq!(output.status.code(), Some(1), "{args:?}: {}", said(&output));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("there is no such job yet"), "{args:?}: {stderr}");
        assert_eq!(jobs(), before, "{args:?} made a state directory");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_are_those_of_a_brute_force_search() {
    let world = World::with(&messages(60)).await;
    world.config(&[]);
    world.run().await;
    let shown = line(&world, &["divergence", "show", "11", "--json"]).await;
    let cosine = |a: &[f32], b: &[f32]| Similarity::cosine(a, b).expect("comparable").get();
    let own = embedding_of("message 11", SIZE);
    let mut expected: Vec<(f32, u64)> = (1..=60)
        .filter(|n| *n != 11)
        .map(|n| (cosine(&own, &embedding_of(&format!("message {n}"), SIZE)), n))
        .collect();
    expected.sort_by(|a, b| b.0.total_cmp(&a.0));
    let found = shown["neighbours"]["Ok"]["lancedb"].as_array().expect("neighbours");
    for (neighbour, (score, id)) in found.iter().zip(&expected) {
        assert_eq!(neighbour["id"], json!(id));
        assert!(
            (neighbour["score"].as_f64().expect("a score") - f64::from(*score)).abs() < 1e-5,
            "{neighbour}"
        );
    }
    let agreement = line(&world, &["divergence", "neighbours", "--json"]).await;
    assert_eq!(agreement["sampled"], json!(60));
    let shared: u64 = agreement["shared"]
        .as_array()
        .expect("counts")
        .iter()
        .filter_map(Value::as_u64)
        .sum();
    assert_eq!(shared, 60);
}

#[tokio::test(flavor = "multi_thread")]
async fn spaces_that_differ_are_not_compared_and_not_mixed() {
    let world = World::with(&messages(20)).await;
    world.config(&[("divergence", "same_space = false\n")]);
    let (code, report) = world.run().await;
    assert_eq!((code, &report["divergent"]), (0, &json!(0)), "{report}");
    assert!(world.rows().await.iter().all(|row| row.similarity.is_none()));
    // There is nothing to sort by; all are listed.
    let listed = lines(&world, &["divergence", "list", "--json"]).await;
    assert_eq!(listed.len(), 20);
    assert!(listed.iter().all(|row| row["similarity"].is_null()), "{listed:?}");
    let output = world.qlance(&["divergence", "keep", "3"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("same_space"),
        "{}",
        said(&output)
    );
    let plan = line(&world, &["plan", "--json"]).await;
    let warnings = plan["warnings"].to_string();
    assert!(warnings.contains("similarities will be null"), "{warnings}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_content_mended_by_hand_is_embedded_written_and_on_record() {
    let mut points = messages(10);
    points.push(point(90, json!({"thread_id": "a", "n": 1.0})));
    let world = World::with(&points).await;
    world.config(&[]);
    let (code, _) = world.run().await;
    assert_eq!(code, 3);
    let report = line(
        &world,
        &["failures", "edit", "90", "--content", "mended by hand", "--json"],
    )
    .await;
    assert_eq!(
        (&report["written"], &report["failed"]),
        (&json!(11), &json!(0)),
        "{report}"
    );
    let rows = world.rows().await;
    let row = rows.iter().find(|row| row.point.id == PointId::Num(90)).expect("a row");
    assert_eq!(
        json!(row.point.payload),
        json!({"thread_id": "a", "n": 1.0, "content": "mended by hand"})
    );
    assert_eq!(row.embedding.as_deref(), Some(&*embedding_of("mended by hand", SIZE)));
    // Qdrant was not touched, and the difference has its reason.
    let held = world.points().await;
    assert!(
        held.iter()
            .any(|point| point.id == PointId::Num(90) && !point.payload.contains_key("content"))
    );
    let pair = line(&world, &["diff", "90", "--json"]).await;
    assert_eq!(pair["verdict"], "differs");
    assert_eq!(pair["because"], "edited by hand: mended by hand");
    assert_eq!(pair["fields"][0]["path"], "content");
    // Another vector for the row does not undo what was mended.
    for decision in ["embed-again", "keep"] {
        line(&world, &["divergence", decision, "90", "--json"]).await;
        let rows = world.rows().await;
        let row = rows.iter().find(|row| row.point.id == PointId::Num(90)).expect("a row");
        assert_eq!(row.point.payload["content"], "mended by hand", "{decision}");
    }
    let output = world.qlance(&["failures", "edit", "90", "--content", "again"]).await;
    assert_eq!(
        output.status.code(),
        Some(1),
        "it is in the table already: {}",
        said(&output)
    );
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("nothing was edited"),
        "{}",
        said(&output)
    );
    assert_eq!(world.rows().await.len(), 11);
    let pair = line(&world, &["diff", "90", "--json"]).await;
    assert_eq!(
        pair["because"], "edited by hand: mended by hand",
        "what was not done is not on record"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_edit_that_failed_is_used_by_the_retries_after_it() {
    let mut points = messages(10);
    points.push(point(90, json!({"thread_id": "a"})));
    points.push(point(91, json!({"thread_id": "a"})));
    let world = World::with(&points).await;
    world.config(&[]);
    assert_eq!(world.run().await.0, 3);
    world.embeddings.reject_inputs_containing("mended");
    for args in [
        &["failures", "edit", "90", "--content", "mended by hand", "--json"][..],
        &["failures", "edit", "91", "--content", "mended as well", "--json"],
        // Refused with the edit once more.
        &["failures", "retry", "90", "--json"],
    ] {
        let output = world.qlance(args).await;
        assert_eq!(output.status.code(), Some(3), "{args:?}: {}", said(&output));
    }
    let shown = line(&world, &["failures", "show", "90", "--json"]).await;
    assert_eq!(shown["edit"]["after"], "mended by hand", "{shown}");
    assert_eq!(shown["failure"]["cause"], "rejected", "{shown}");
    assert_eq!(shown["failure"]["attempts"], 3, "{shown}");
    let output = world.qlance(&["failures", "show", "90"]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("edited    mended by hand (a retry uses it)"), "{text}");

    // Qdrant itself has a content of the other one now: that is newer than the edit.
    let content = json!({"thread_id": "a", "content": "Qdrant says so"});
    world.upsert(&[point(91, content.clone())]).await;
    world.embeddings.reject_inputs_containing("nobody says this");
    let report = line(&world, &["failures", "retry", "90", "91", "--json"]).await;
    assert_eq!(
        (&report["written"], &report["failed"]),
        (&json!(12), &json!(0)),
        "{report}"
    );
    let rows = world.rows().await;
    let payload = |number| {
        let row = rows.iter().find(|row| row.point.id == PointId::Num(number));
        json!(row.expect("a row").point.payload)
    };
    assert_eq!(payload(90), json!({"thread_id": "a", "content": "mended by hand"}));
    assert_eq!(payload(91), content);
    let pair = line(&world, &["diff", "90", "--json"]).await;
    assert_eq!(pair["because"], "edited by hand: mended by hand");
    let pair = line(&world, &["diff", "91", "--json"]).await;
    assert_eq!(pair["verdict"], "same", "{pair}");
}

#[tokio::test(flavor = "multi_thread")]
async fn both_stores_are_compared_field_by_field() {
    let mut points = messages(12);
    points.push(point(50, json!({"thread_id": "x"})));
    let world = World::with(&points).await;
    world.config(&[]);
    world.run().await;
    let same = lines(&world, &["diff", "--json"]).await;
    assert!(same.len() >= 12, "{} of both stores", same.len());
    for pair in &same {
        let expected = if pair["id"] == json!(50) {
            "missing_in_lancedb"
        } else {
            "same"
        };
        assert_eq!(pair["verdict"], expected, "{pair}");
    }
    // One word, one type, one null, one point gone, one come.
    world
        .upsert(&[
            point(
                1,
                json!({"content": "message one", "thread_id": "t1", "n": 1, "score": 0.5}),
            ),
            point(
                2,
                json!({"content": "message 2", "thread_id": "t2", "n": 2.0, "score": 1.0}),
            ),
            point(
                3,
                json!({"content": "message 3", "thread_id": "t3", "n": 3, "score": 1.5, "new": null}),
            ),
            point(77, json!({"content": "new"})),
        ])
        .await;
    world
        .source()
        .client()
        .delete_points(
            qdrant_client::qdrant::DeletePointsBuilder::new("messages")
                .points(vec![qdrant_client::qdrant::PointId::from(4_u64)])
                .wait(true),
        )
        .await
        .expect("deleted");
    let pairs = lines(&world, &["diff", "1", "2", "3", "4", "5", "50", "77", "78", "--json"]).await;
    let told: Vec<String> = pairs
        .iter()
        .map(|pair| {
            let field = &pair["fields"][0];
            format!("{} {} {}", pair["verdict"], field["path"], field["verdict"]).replace('"', "")
        })
        .collect();
    assert_eq!(
        told,
        [
            "differs content changed",
            "differs n type_only",
            "differs new only_in_qdrant",
            "missing_in_qdrant content only_in_lancedb",
            "same null null",
            "missing_in_lancedb thread_id only_in_qdrant",
            "missing_in_lancedb content only_in_qdrant",
            "missing_in_both null null",
        ]
    );
    assert!(
        pairs[5]["because"].as_str().expect("a reason").starts_with("failed: "),
        "{}",
        pairs[5]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_that_are_equal_are_told_on_request() {
    let world = World::with(&messages(60)).await;
    world.config(&[]);
    world.run().await;
    assert_eq!(line(&world, &["diff", "5", "--json"]).await["fields"], json!([]));
    let told = line(&world, &["diff", "5", "--all-fields", "--json"]).await;
    let fields = told["fields"].as_array().expect("fields");
    assert_eq!(fields.len(), 4, "{told}");
    assert!(fields.iter().all(|field| field["verdict"] == "same"), "{told}");
    // More than are looked into: it says so.
    let ids: Vec<String> = (1..=60).map(|id| id.to_string()).collect();
    let mut args = vec!["diff", "--all-fields", "--json"];
    args.extend(ids.iter().map(String::as_str));
    let output = world.qlance(&args).await;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("the fields of 10 more points"), "{stderr}");
    let last = String::from_utf8_lossy(&output.stdout)
        .lines()
        .last()
        .map(str::to_owned);
    let last: Value = serde_json::from_str(&last.expect("a line")).expect("JSON");
    assert_eq!((&last["id"], &last["fields"]), (&json!(60), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_listed_in_the_order_and_number_that_is_asked_for() {
    let mut points = messages(3);
    points.extend((90..=95_u64).map(|id| point(id, json!({"thread_id": "x"}))));
    points.push(point(96, json!({"content": ""})));
    let world = World::with(&points).await;
    world.config(&[]);
    let (code, _) = world.run().await;
    assert_eq!(code, 3);
    let ids = async |args: &[&str]| -> Vec<u64> {
        let args = [&["failures", "list", "--json"][..], args].concat();
        let rows = lines(&world, &args).await;
        rows.iter().filter_map(|row| row["id"].as_u64()).collect()
    };
    assert_eq!(ids(&[]).await, [90, 91, 92, 93, 94, 95, 96]);
    assert_eq!(ids(&["--limit", "2"]).await, [90, 91]);
    assert_eq!(ids(&["--sort", "cause", "--limit", "2"]).await, [96, 90]);
    world.qlance(&["failures", "retry", "93"]).await;
    assert_eq!(ids(&["--sort", "attempts", "--limit", "1"]).await, [93]);
    assert_eq!(ids(&["--sort", "age", "--limit", "1"]).await, [93]);
    assert_eq!(ids(&["--sort", "id", "--limit", "0"]).await, [0; 0]);
    let output = world.qlance(&["failures", "list", "--limit", "2"]).await;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(stderr.contains("5 more are not listed"), "{stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_row_is_paged_through_from_both_ends_compared_or_not() {
    let mut points = messages(30);
    points.extend((101..=105_u64).map(|id| {
        let whole = point(id, json!({"content": format!("nowhere {id}")}));
        // No direction: it has no cosine.
        let nowhere = Vector::Dense(vec![0.0; SIZE]);
        Point {
            vectors: Vectors::from([(String::new(), nowhere)]),
            ..whole
        }
    }));
    let world = World::with(&points).await;
    world.config(&[]);
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (0, &json!(35)), "{report}");
    let mut expected: Vec<(Option<Similarity>, PointId)> = world
        .rows()
        .await
        .iter()
        .map(|row| (row.similarity, row.point.id))
        .collect();
    assert_eq!(
        expected.iter().filter(|(similarity, _)| similarity.is_none()).count(),
        5
    );
    expected.sort_by(|a, b| {
        let key = |similarity: Option<Similarity>| similarity.map_or(2.0, Similarity::get);
        key(a.0)
            .total_cmp(&key(b.0))
            .then_with(|| a.1.to_string().cmp(&b.1.to_string()))
    });

    let uri = world.path().join("out.lance");
    let db = lancedb::connect(uri.to_str().expect("a UTF-8 path"));
    let db = db.execute().await.expect("a database");
    let table = db.open_table("messages").execute().await.expect("a table");
    assert_eq!(browse::count(&table, Band::EVERY).await.expect("a count"), 35);
    assert_eq!(browse::count(&table, Band::ALL).await.expect("a count"), 30);
    let page = async |band: Band, anchor: Anchor| -> Vec<(Option<Similarity>, PointId)> {
        let rows = browse::page(&table, band, anchor, 4, "content").await.expect("a page");
        rows.iter().map(|row| (row.similarity, row.id)).collect()
    };
    for (band, expected) in [(Band::EVERY, &expected[..]), (Band::ALL, &expected[..30])] {
        let (mut forwards, mut anchor) = (Vec::new(), Anchor::First);
        loop {
            let rows = page(band, anchor).await;
            let Some((similarity, id)) = rows.last() else { break };
            anchor = Anchor::After(*similarity, *id);
            forwards.extend(rows);
        }
        assert_eq!(forwards, expected, "{band:?}");
        let (mut backwards, mut anchor) = (Vec::new(), Anchor::Last);
        loop {
            let rows = page(band, anchor).await;
            let Some((similarity, id)) = rows.first() else { break };
            anchor = Anchor::Before(*similarity, *id);
            backwards.splice(0..0, rows);
        }
        assert_eq!(backwards, expected, "{band:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_budget_stops_the_run_survives_it_and_can_be_raised() {
    let world = World::with(&messages(100)).await;
    world.config(&[
        ("source", "page_points = 10\nranges = 1\n"),
        ("target", "commit_rows = 10\n"),
        // A dollar a token; "message 7" has two by the server's count.
        (
            "embed.text",
            "max_in_flight = 1\nmax_batch_inputs = 10\nusd_per_million_tokens = 1000000.0\nbudget_usd = 150.0\n",
        ),
    ]);
    let (code, report) = world.run().await;
    assert_eq!((code, &report["status"]), (5, &json!("stopped")), "{report}");
    assert!(
        report["error"]
            .as_str()
            .expect("a reason")
            .contains("budget of $150.00"),
        "{report}"
    );
    let spent = report["embedding"]["cost_usd"].as_f64().expect("a sum");
    assert!(spent > 0.0 && spent <= 150.0, "{report}");
    assert_eq!(report["failed"], 0, "a budget blames no point");
    let paid = world.embeddings.inputs();
    // What was spent is not forgotten: the next run buys no more than what is left.
    let (code, second) = world.run().await;
    assert_eq!(code, 5, "{second}");
    let more = (world.embeddings.inputs() - paid) as f64 * 2.0;
    assert!(spent + more <= 150.0, "{spent} and then {more}");
    let output = world.qlance(&["run", "--json", "--budget-usd", "100000"]).await;
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(
        (output.status.code(), &report["written"]),
        (Some(0), &json!(100)),
        "{report}"
    );
    assert_eq!(world.embeddings.inputs(), 100, "nothing was paid for twice");
}

#[tokio::test(flavor = "multi_thread")]
async fn caps_and_batches_from_the_command_line_are_kept() {
    let world = World::with(&messages(120)).await;
    world.config(&[]);
    let begun = Instant::now();
    let output = world
        .qlance(&[
            "run",
            "--json",
            "--max-batch-inputs",
            "5",
            "--requests-per-minute",
            "600",
            "--max-in-flight",
            "20",
        ])
        .await;
    assert!(output.status.success(), "{}", said(&output));
    let recorded = world.embeddings.recorded();
    assert_eq!(recorded.len(), 24);
    assert!(recorded.iter().all(|request| request.inputs.len() <= 5));
    // 600 a minute are ten a second, with a second's worth at once: 24 requests take 1.4 s at least.
    assert!(begun.elapsed() >= Duration::from_millis(1_300), "{:?}", begun.elapsed());
    let output = world.qlance(&["run", "--max-in-flight", "0"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let output = world.qlance(&["run", "--budget-usd", "-3"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plan_says_what_is_measured_and_what_is_not() {
    let mut points = messages(30);
    points.push(point(90, json!({"thread_id": "a"})));
    let world = World::with(&points).await;
    world.config(&[]);
    let plan = line(&world, &["plan", "--json"]).await;
    assert_eq!(
        (&plan["points"], &plan["settled"], &plan["sampled"]),
        (&json!(31), &json!(0), &json!(31))
    );
    assert_eq!(
        plan["failures"],
        json!({"value": 1.0, "basis": "measured", "how": "over all points"})
    );
    assert_eq!(plan["seconds"]["basis"], "unknown");
    assert_eq!(
        plan["tokens"]["basis"], "modelled",
        "the tokenizer of test-model is not known"
    );
    let field = |name: &str| {
        let fields = plan["fields"].as_array().expect("fields");
        fields
            .iter()
            .find(|field| field["name"] == name)
            .cloned()
            .expect("a field")
    };
    assert_eq!(field("thread_id")["share"], json!(1.0));
    assert_eq!(field("n")["column"], "extra");
    assert_eq!(field("content")["types"], json!(["string"]));
    assert_eq!(world.embeddings.requests(), 0, "a plan pays for nothing");
    assert!(
        !world.path().join("out.lance/messages.lance").exists(),
        "and writes nothing"
    );
    world.run().await;
    let plan = line(&world, &["plan", "--json"]).await;
    assert_eq!(plan["settled"], json!(31));
    assert_eq!(plan["tokens"]["value"], json!(0.0));
}
