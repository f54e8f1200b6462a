//! Whole migrations: the binary against the embedded Qdrant over real gRPC and an embeddings server, the table read
//! back from outside.

use std::collections::{BTreeMap, BTreeSet};

use qlance::point::{IdRange, Payload, Point, PointId, Vector};
use serde_json::{Value, json};

use crate::support::embeddings_server::{Behaviour, embedding_of};
use crate::support::world::{SIZE, World, messages, payloads, point, qlance_in, said, wait_for};

const UUID_A: &str = "00000000-0000-4000-8000-000000000001";
const UUID_B: &str = "ffffffff-ffff-4fff-bfff-ffffffffffff";

/// Integers and UUIDs, nested and mixed payloads, and three points that cannot be embedded.
fn odd_points() -> Vec<Point> {
    vec![
        point(0, json!({"content": "zero", "n": 1, "d": 1.0})),
        point(
            7,
            json!({"content": "seven", "list": ["a", "b", 50, null, {"x": [1, 1.0]}], "id": "mine"}),
        ),
        point(
            u64::MAX,
            json!({"content": "last", "chorus_result": {"b": [], "a": {"deep": [[1]]}}}),
        ),
        point(
            UUID_A,
            json!({"content": "first uuid", "created_at": 1_700_000_000, "thread_id": null}),
        ),
        point(
            UUID_B,
            json!({"content": "last uuid \u{1F3B5}", "modality": "text", "": "empty key", "a.b": 1}),
        ),
        point(100, json!({"thread_id": "no content"})),
        point(101, json!({"content": "   "})),
        point(
            "11111111-1111-4111-8111-111111111111",
            json!({"content": {"not": "text"}}),
        ),
    ]
}

fn assert_same_payloads(rows: &[qlance::lance::Row], expected: &BTreeMap<PointId, &Payload>) {
    let ids: BTreeSet<PointId> = rows.iter().map(|row| row.point.id).collect();
    assert_eq!(ids.len(), rows.len(), "an id is in the table twice");
    assert_eq!(ids, expected.keys().copied().collect(), "the ids differ");
    for row in rows {
        assert_eq!(
            &&row.point.payload, &expected[&row.point.id],
            "payload of {}",
            row.point.id
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn odd_points_arrive_whole_and_bad_ones_are_told_apart() {
    let world = World::with(&odd_points()).await;
    world.config(&[]);
    let (code, report) = world.run().await;
    assert_eq!(code, 3, "{report}");
    assert_eq!(
        (&report["read"], &report["written"], &report["failed"]),
        (&json!(8), &json!(5), &json!(3))
    );
    assert_eq!(report["status"], "complete");
    let good: Vec<Point> = world.points().await.into_iter().filter(is_good).collect();
    let rows = world.rows().await;
    assert_same_payloads(&rows, &payloads(&good));
    for row in &rows {
        let text = row.point.payload["content"].as_str().expect("a text");
        let expected = embedding_of(text, SIZE);
        assert_eq!(row.embedding.as_deref(), Some(&expected[..]), "{text}");
        assert!(row.similarity.is_some());
    }
    let output = world.qlance(&["failures", "export"]).await;
    assert!(output.status.success(), "{}", said(&output));
    let text = std::fs::read_to_string(world.path().join("failed_migrations.json")).expect("the file");
    let failed: Vec<Value> = serde_json::from_str(&text).expect("a list");
    let classes: Vec<&str> = failed.iter().filter_map(|entry| entry["class"].as_str()).collect();
    assert_eq!(classes, ["no_content", "empty_content", "not_text"]);
    assert!(
        failed
            .iter()
            .all(|entry| entry["attempts"] == 1 && entry["error"].is_string())
    );
}

fn is_good(point: &Point) -> bool {
    point
        .payload
        .get("content")
        .and_then(Value::as_str)
        .is_some_and(|text| !text.trim().is_empty())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_run_embeds_and_writes_nothing_and_mended_points_come_over() {
    let world = World::with(&odd_points()).await;
    world.config(&[]);
    let (_, first) = world.run().await;
    let requests = world.embeddings.requests();
    let (code, second) = world.run().await;
    assert_eq!(code, 3, "{second}");
    assert_eq!(world.embeddings.requests(), requests, "nothing is embedded again");
    assert_eq!(
        second["table"]["version"], first["table"]["version"],
        "nothing is written"
    );
    assert_eq!(second["embedding"]["requests"], 0);
    assert_eq!(second["resumed"], true);
    // Not mended yet: they fail again, and each counts its attempt.
    let output = world.qlance(&["failures", "retry"]).await;
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    world
        .upsert(&[
            point(100, json!({"content": "now there is some", "thread_id": "x"})),
            point(101, json!({"content": "and here"})),
        ])
        .await;
    let output = world.qlance(&["failures", "retry"]).await;
    assert_eq!(output.status.code(), Some(3), "one is still bad: {}", said(&output));
    let good: Vec<Point> = world.points().await.into_iter().filter(is_good).collect();
    assert_eq!(good.len(), 7);
    assert_same_payloads(&world.rows().await, &payloads(&good));
    let output = world.qlance(&["failures", "list", "--json"]).await;
    let left: Value = serde_json::from_slice(&output.stdout).expect("one line");
    assert_eq!((&left["cause"], &left["attempts"]), (&json!("not_text"), &json!(3)));
    let skipped = world
        .qlance(&[
            "failures",
            "skip",
            "11111111-1111-4111-8111-111111111111",
            "--reason",
            "spam",
        ])
        .await;
    assert!(skipped.status.success(), "{}", said(&skipped));
    let (code, report) = world.run().await;
    assert_eq!(
        (code, &report["skipped"], &report["written"]),
        (0, &json!(1), &json!(7))
    );
}

/// Versions that the table has, seen from outside.
fn versions(dir: &std::path::Path) -> usize {
    std::fs::read_dir(dir.join("out.lance/messages.lance/_versions")).map_or(0, Iterator::count)
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_at_random_and_started_again_nothing_is_missing_and_nothing_twice() {
    let mut points = messages(1_500);
    points.extend((0..100).map(|n| {
        let uuid = uuid::Uuid::from_u128(n << 120 | 7);
        point(
            PointId::Uuid(uuid),
            json!({"content": format!("uuid message {n}"), "n": n as u64}),
        )
    }));
    points.push(point(5_000, json!({"no": "content"})));
    let world = World::with(&points).await;
    world.embeddings.latency(std::time::Duration::from_millis(40));
    world.config(&[
        ("source", "page_points = 50\nranges = 3\n"),
        ("target", "commit_rows = 100\ncommit_seconds = 1\n"),
        ("embed.text", "max_in_flight = 4\nmax_batch_inputs = 25\n"),
        ("pipeline", "index = false\n"),
    ]);
    for (round, answers) in [1, 5, 9, 14].into_iter().enumerate() {
        // After so many answers the server is silent: however fast the machine, the kill comes in mid-run.
        let mut script = vec![Behaviour::Good; answers];
        script.extend(std::iter::repeat_n(Behaviour::Hang, 200));
        world.embeddings.then(script);
        let mut child = world.start(&["run"]);
        if round < 2 {
            // Anywhere: before the job is open, while it reads, embeds or commits.
            tokio::time::sleep(std::time::Duration::from_millis(rand::random_range(50..900))).await;
        } else {
            // After a commit of this very run: the cursor moved, and points behind it were in hand.
            let before = versions(world.path());
            wait_for("a commit", || versions(world.path()) > before).await;
        }
        child.kill().await.expect("killed");
        world.embeddings.clear_script();
    }
    let (code, report) = world.run().await;
    assert_eq!(code, 3, "{report}");
    assert_eq!(report["resumed"], true, "{report}");
    assert_ne!(report["embedding"]["inputs"], 0, "{report}");
    assert_eq!(
        (&report["read"], &report["written"], &report["failed"]),
        (&json!(1_601), &json!(1_600), &json!(1))
    );
    points.pop();
    assert_same_payloads(&world.rows().await, &payloads(&points));
    assert!(
        world.embeddings.inputs() < 2 * 1_601,
        "most of the work was not done twice"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_stops_the_run_marks_no_point_and_the_next_run_completes() {
    let world = World::with(&messages(300)).await;
    world.config(&[
        ("source", "page_points = 50\nranges = 1\n"),
        ("target", "commit_rows = 50\n"),
        ("pipeline", "outage_patience = \"0s\"\n"),
    ]);
    let outage = Behaviour::Status {
        code: 500,
        body: "sorry".into(),
        retry_after: None,
    };
    let mut script = vec![Behaviour::Good, Behaviour::Good];
    script.extend(std::iter::repeat_n(outage, 200));
    world.embeddings.then(script);
    let (code, report) = world.run().await;
    assert_eq!(
        (code, &report["status"], &report["failed"]),
        (5, &json!("stopped"), &json!(0)),
        "{report}"
    );
    assert!(report["error"].as_str().expect("a reason").contains("500"), "{report}");
    world.embeddings.clear_script();
    let (code, report) = world.run().await;
    assert_eq!(
        (code, &report["written"], &report["resumed"]),
        (0, &json!(300), &json!(true)),
        "{report}"
    );
    assert_same_payloads(&world.rows().await, &payloads(&messages(300)));
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_input_is_one_clear_sentence_before_anything_is_written() {
    let world = World::with(&messages(20)).await;
    let url = world.qdrant.url();
    let server = world.embeddings.base_url().trim_end_matches("/v1").to_owned();
    let cases: Vec<(Vec<(&str, String)>, i32, &str)> = vec![
        (
            vec![("source", "url = \"http://127.0.0.1:1\"\n".into())],
            1,
            "does not answer",
        ),
        (vec![("source", format!("url = \"{server}\"\n"))], 1, "no Qdrant"),
        (
            vec![("source", format!("url = \"{url}\"\ncollection = \"nope\"\n"))],
            1,
            "it has messages",
        ),
        (vec![("source", "vector = \"title\"\n".into())], 1, "source.vector"),
        (
            vec![("source", "content = \"body\"\n".into())],
            1,
            "their fields: content",
        ),
        (
            vec![("source", "api_key_env = \"QLANCE_TEST_NOT_SET\"\n".into())],
            2,
            "QLANCE_TEST_NOT_SET",
        ),
        (vec![("target", "uri = \"/proc/nowhere\"\n".into())], 1, "target.uri"),
        (
            vec![("embed.text", "dimensions = 16\nsend_dimensions = false\n".into())],
            1,
            "answered with 8 numbers",
        ),
        (
            vec![("embed.text", "modell = \"x\"\n".into())],
            2,
            "did you mean `model`",
        ),
    ];
    for (more, code, sentence) in cases {
        let text = config_with(&world, &more);
        std::fs::write(world.path().join("qlance.toml"), &text).expect("written");
        let output = world.qlance(&["run"]).await;
        assert_eq!(output.status.code(), Some(code), "{text}\n{}", said(&output));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains(sentence), "{sentence:?} is not in: {stderr}");
        assert!(
            !world.path().join("out.lance/messages.lance").exists(),
            "a table was made for {text}"
        );
    }
}

/// The usual configuration with some keys set differently.
fn config_with(world: &World, more: &[(&str, String)]) -> String {
    let path = world.config(&[]);
    let text = std::fs::read_to_string(path).expect("the configuration");
    let mut table: toml::Table = toml::from_str(&text).expect("TOML");
    for (section, lines) in more {
        let extra: toml::Table = toml::from_str(lines).expect("TOML");
        let mut place = &mut table;
        for key in section.split('.') {
            place = place[key].as_table_mut().expect("a section");
        }
        place.extend(extra);
    }
    toml::to_string(&table).expect("TOML")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_key_is_said_so() {
    let dir = tempfile::tempdir().expect("a directory");
    let qdrant =
        qlance::qdrant::embedded::EmbeddedQdrant::start_with_key(&dir.path().join("q"), Some("right-key".into()))
            .await
            .expect("an embedded Qdrant");
    std::fs::write(dir.path().join("key"), "wrong-key\n").expect("written");
    let config = format!(
        "[source]\nurl = \"{}\"\ncollection = \"m\"\napi_key_file = \"key\"\n[target]\nuri = \"o\"\ntable = \"t\"\n",
        qdrant.url()
    );
    std::fs::write(dir.path().join("qlance.toml"), config).expect("written");
    let output = qlance_in(dir.path(), &["run"]).await;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("refuses the key") && stderr.contains("source.api_key_env"),
        "{stderr}"
    );
    assert!(!stderr.contains("wrong-key"), "the key is on the screen: {stderr}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_of_another_job_is_refused_and_can_be_taken_over() {
    let world = World::with(&messages(30)).await;
    world.config(&[]);
    assert_eq!(world.run().await.0, 0);
    // The same server by another name is another job.
    let another = format!("url = \"{}\"\n", world.qdrant.url().replace("127.0.0.1", "localhost"));
    let text = config_with(&world, &[("source", another.clone())]);
    std::fs::write(world.path().join("qlance.toml"), text).expect("written");
    let output = world.qlance(&["run"]).await;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("--adopt"), "{stderr}");
    let output = world.qlance(&["run", "--adopt"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_same_payloads(&world.rows().await, &payloads(&messages(30)));
    // Another model never shares the column.
    let text = config_with(
        &world,
        &[("source", another), ("embed.text", "model = \"other-model\"\n".into())],
    );
    std::fs::write(world.path().join("qlance.toml"), text).expect("written");
    let output = world.qlance(&["run"]).await;
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(
        stderr.contains("test-model") && stderr.contains("other-model"),
        "{stderr}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_vector_is_kept_and_points_may_lack_some() {
    use qdrant_client::qdrant::{
        CreateCollectionBuilder, Distance, MultiVectorComparator, MultiVectorConfigBuilder, SparseVectorParamsBuilder,
        SparseVectorsConfigBuilder, VectorParamsBuilder, VectorsConfigBuilder,
    };
    let world = World::empty().await;
    let mut vectors = VectorsConfigBuilder::default();
    vectors.add_named_vector_params("text", VectorParamsBuilder::new(SIZE as u64, Distance::Cosine));
    vectors.add_named_vector_params("title", VectorParamsBuilder::new(2, Distance::Dot));
    vectors.add_named_vector_params(
        "tokens",
        VectorParamsBuilder::new(3, Distance::Dot)
            .multivector_config(MultiVectorConfigBuilder::new(MultiVectorComparator::MaxSim)),
    );
    let mut sparse = SparseVectorsConfigBuilder::default();
    sparse.add_named_vector_params("words", SparseVectorParamsBuilder::default());
    world
        .source()
        .client()
        .create_collection(
            CreateCollectionBuilder::new("messages")
                .vectors_config(vectors)
                .sparse_vectors_config(sparse),
        )
        .await
        .expect("a collection");
    let mut points = messages(40);
    for (n, point) in points.iter_mut().enumerate() {
        let text = point.vectors.remove("").expect("the unnamed vector");
        let all = [
            ("text", text),
            ("title", Vector::Dense(vec![n as f32, 0.5])),
            ("tokens", Vector::Multi(vec![vec![1.0, n as f32, 0.0]; 1 + n % 3])),
            (
                "words",
                Vector::Sparse {
                    indices: vec![1, 10 + n as u32],
                    values: vec![0.5, 2.0],
                },
            ),
        ];
        for (bit, (name, vector)) in all.into_iter().enumerate() {
            if n & (1 << bit) == 0 {
                point.vectors.insert(name.into(), vector);
            }
        }
    }
    world.upsert(&points).await;
    world.config(&[("source", "vector = \"text\"\n")]);
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    let rows = world.rows().await;
    assert_eq!(rows.len(), 40);
    for (row, point) in rows.iter().zip(&points) {
        let mut kept = point.vectors.clone();
        let compared = kept.remove("text");
        assert_eq!(row.point.vectors, kept, "point {}", point.id);
        assert_eq!(row.similarity.is_some(), compared.is_some(), "point {}", point.id);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn vectors_can_be_carried_over_without_an_embedder() {
    let mut points = messages(50);
    points[3].vectors.clear();
    let world = World::with(&points).await;
    let text = config_with(&world, &[]);
    let mut table: toml::Table = toml::from_str(&text).expect("TOML");
    table["embed"]["text"] = toml::from_str::<toml::Table>("provider = \"carry\"")
        .expect("TOML")
        .into();
    std::fs::write(world.path().join("qlance.toml"), toml::to_string(&table).expect("TOML")).expect("written");
    let (code, report) = world.run().await;
    assert_eq!(
        (code, &report["written"], &report["failed"]),
        (3, &json!(49), &json!(1)),
        "{report}"
    );
    assert_eq!(world.embeddings.requests(), 0);
    let stored = world.points().await;
    for row in world.rows().await {
        let point = stored.iter().find(|point| point.id == row.point.id).expect("in Qdrant");
        assert_eq!(row.embedding.as_deref(), point.vectors[""].dense());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn inferred_columns_follow_the_sample_and_lose_nothing() {
    let mut points = messages(60);
    points[5].payload["n"] = json!("five");
    points[6].payload["n"] = json!(6.0);
    points[7].payload["score"] = json!(null);
    let world = World::with(&points).await;
    world.config(&[("target", "profile = \"inferred\"\n"), ("columns", "n = \"int\"\n")]);
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    assert_same_payloads(&world.rows().await, &payloads(&points));
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_payloads_survive_the_table_itself() {
    use proptest::strategy::{Strategy as _, ValueTree as _};
    use proptest::test_runner::{Config, TestRunner};
    let mut runner = TestRunner::new_with_rng(
        Config::default(),
        proptest::test_runner::TestRng::deterministic_rng(proptest::test_runner::RngAlgorithm::ChaCha),
    );
    let strategy = proptest::collection::btree_map("\\PC{0,6}|content|thread_id|chorus_result|extra", any_json(), 0..5);
    let points: Vec<Point> = (0..10_000_u64)
        .map(|n| {
            let payload = strategy.new_tree(&mut runner).expect("a payload").current();
            point(n, Value::Object(payload.into_iter().collect()))
        })
        .collect();
    let dir = tempfile::tempdir().expect("a directory");
    let schema = qlance::lance::TableSchema::choir(1, &BTreeMap::new());
    let uri = dir.path().to_str().expect("a UTF-8 path");
    let mut target = qlance::lance::Target::connect(uri, "t", true).await.expect("a target");
    target.create(&schema, "job", &BTreeMap::new()).await.expect("a table");
    for chunk in points.chunks(2_500) {
        let rows: Vec<_> = chunk
            .iter()
            .map(|point| qlance::lance::NewRow::of(point, &[0.5], None))
            .collect();
        let batch = qlance::lance::encode(&schema, &rows).expect("a batch");
        let progress = qlance::point::RangeProgress::new(IdRange::ALL);
        let checkpoint = qlance::lance::Checkpoint::new("job", 0, vec![progress]);
        target.append(vec![batch], &checkpoint).await.expect("a commit");
    }
    let rows = crate::support::world::rows_of(dir.path(), "t").await;
    assert_same_payloads(&rows, &payloads(&points));
}

fn any_json() -> impl proptest::strategy::Strategy<Value = Value> {
    use proptest::prelude::*;
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e6_f64..1e6).prop_map(Value::from),
        prop::num::f64::NORMAL.prop_map(Value::from),
        prop::sample::select(vec![0.0, 1.0, -0.0, 0.1, 1e16, 1e21, 1e300, 5e-324, 1e-7]).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        prop::sample::select(vec!["", "\u{0}", "null", "1", "\"", "é𝄞", "\u{2028}", "\\u0041"]).prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,6}", inner, 0..5)
                .prop_map(|map| map.into_iter().collect::<serde_json::Map<_, _>>().into()),
        ]
    })
}
