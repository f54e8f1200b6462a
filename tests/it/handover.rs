//! `qlance handover`: the checklist of a real migration before and after it is verified, compared and written to again,
//! the code for the new table, and LanceDB's own Python package on a table that qlance wrote.
//!
//! The code for Rust is compiled here: `handover/generated.rs` is what the command prints for a table of the choir
//! profile, and is asked against a real one. `QLANCE_UPDATE_DOCS=1 cargo test --test it handover` makes it anew.

// As it is printed, not as rustfmt or clippy would have it.
#[rustfmt::skip]
#[allow(clippy::all, clippy::pedantic, missing_docs, unreachable_pub, dead_code)]
mod generated;

use std::path::{Path, PathBuf};
use std::process::Command;

use arrow_array::RecordBatch;
use qlance::config::Dialect;
use qlance::handover::{Access, AskedBy, Code, Column, Key, Metric, Server, Tuning};
use serde_json::{Value, json};

use crate::support::world::{SIZE, World, messages, point, said};

/// Messages that are moved.
const COUNT: u64 = 60;
/// The embedder's key.
const SECRET: &str = "sk-very-secret-1234";

/// What `handover/generated.rs` is made for.
fn fixed() -> Access {
    let server = Server {
        dialect: Dialect::Openai,
        base_url: "https://api.openai.com/v1".into(),
        model: "text-embedding-3-large".into(),
        send_dimensions: true,
        key: Key::Variable("OPENAI_API_KEY".into()),
        prefix: "search: \"".into(),
    };
    Access {
        job: "messages-to-messages-00000000".into(),
        uri: "/data/choir.lance".into(),
        left_out: false,
        table: "messages".into(),
        columns: vec![Column {
            name: "embedding".into(),
            dimensions: 1_536,
            metric: Metric::Cosine,
            indexed: true,
            normalised: true,
            space: "openai/text-embedding-3-large@1536".into(),
            holds: vec!["text"],
            asked_by: AskedBy::Server(Box::new(server)),
        }],
        content: Some("content".into()),
        filter: Some("thread_id".into()),
        jsons: vec!["chorus_result".into(), "extra".into()],
        tuning: Tuning {
            nprobes: Some(20),
            refine_factor: Some(4),
            ef: None,
        },
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A migrated collection; the embedder wants a key, which lies in a file.
async fn migrated() -> World {
    let world = unmigrated().await;
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    world
}

async fn unmigrated() -> World {
    let world = World::with(&messages(COUNT)).await;
    std::fs::write(world.path().join("key"), SECRET).expect("written");
    world.config(&[
        (
            "embed.text",
            "api_key_file = \"key\"\nquery_prefix = \"ask \\\"me\\\": \"\n",
        ),
        // The embeddings of these tests have nothing to do with their points' vectors.
        ("divergence", "same_space = false\n"),
    ]);
    world
}

async fn handover(world: &World, args: &[&str]) -> String {
    let mut all = vec!["handover"];
    all.extend(args);
    let output = world.qlance(&all).await;
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
    let text = String::from_utf8(output.stdout.clone()).expect("UTF-8");
    assert!(!said(&output).contains(SECRET), "the key is printed: {}", said(&output));
    text
}

async fn found(world: &World) -> Value {
    let text = handover(world, &["--json"]).await;
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// State, text and command of an item.
fn item<'a>(found: &'a Value, id: &str) -> (&'a str, &'a str, &'a str) {
    let items = found["items"]
        .as_array()
        .unwrap_or_else(|| panic!("no items in {found}"));
    let item = items.iter().find(|item| item["id"] == id);
    let item = item.unwrap_or_else(|| panic!("no item {id} in {found}"));
    let word = |key: &str| item[key].as_str().unwrap_or_default();
    (word("state"), word("text"), word("command"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_checklist_follows_the_job() {
    let world = unmigrated().await;
    let before = found(&world).await;
    let (state, _, command) = item(&before, "complete");
    assert_eq!(state, "open");
    assert!(
        command.starts_with("qlance --config ") && command.ends_with(" run"),
        "{command}"
    );
    for id in ["indexed", "caught-up", "verified", "compared"] {
        assert_eq!(item(&before, id).0, "open", "{id}: {before}");
    }

    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    let moved = found(&world).await;
    for (id, expected) in [
        ("complete", "done"),
        ("failures", "done"),
        ("indexed", "done"),
        ("writers", "unknown"),
        ("caught-up", "unknown"),
        ("verified", "open"),
        ("compared", "open"),
        ("old-store", "unknown"),
        ("versions", "open"),
    ] {
        assert_eq!(item(&moved, id).0, expected, "{id}: {moved}");
    }

    let output = world.qlance(&["verify", "--json", "--pay"]).await;
    let verification: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    let verified = found(&world).await;
    let (state, text, _) = item(&verified, "verified");
    match verification["decision"].as_str() {
        Some("go") => assert!(state == "done" && text.contains("GO"), "{verified}"),
        // Whatever keeps it from a GO is named.
        Some(_) => {
            let reason = verification["reasons"][0].as_str().expect("a reason");
            assert!(state == "open" && text.contains(reason), "{verified}");
        }
        None => panic!("no decision: {}", said(&output)),
    }
    // All ids and payloads were the same, whatever else was found.
    assert_eq!(
        item(&verified, "caught-up").0,
        "done",
        "{verified} after {verification}"
    );

    world.upsert(&[point(COUNT + 1, json!({"content": "one more"}))]).await;
    let written = found(&world).await;
    let (state, text, command) = item(&written, "caught-up");
    assert!(
        state == "open" && text.contains("(1 off)") && command.ends_with(" sync"),
        "{written}"
    );
    assert_eq!(item(&written, "verified").0, "open", "{written}");

    let output = world.qlance(&["sync", "--yes"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let synced = found(&world).await;
    assert_eq!(item(&synced, "caught-up").0, "unknown", "{synced}");
    let (state, _, command) = item(&synced, "verified");
    assert!(
        state == "open" && command.contains(" verify"),
        "the verification is of an older table: {synced}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_comparison_counts_until_the_table_is_newer() {
    let world = migrated().await;
    let state = std::fs::read_dir(world.path().join(".qlance")).expect("a state directory");
    let job: Vec<PathBuf> = state.map(|entry| entry.expect("an entry").path()).collect();
    let [job] = job.as_slice() else {
        panic!("one job, not {job:?}")
    };
    let keep = |text: &str| std::fs::write(job.join("comparison.json"), text).expect("written");
    let sweep = json!([{"nprobes": 13, "refine_factor": 3, "ef": null, "chosen": true}]);
    keep(&json!({"began_at": i64::MAX / 2, "column": "embedding", "sweep": sweep}).to_string());
    let fresh = found(&world).await;
    assert_eq!(item(&fresh, "compared").0, "done", "{fresh}");
    let code = fresh["code"]["python"].as_str().expect("code");
    assert!(code.contains(".nprobes(13).refine_factor(3)"), "{code}");
    keep(&json!({"began_at": 1_000}).to_string());
    let stale = found(&world).await;
    let (state, text, _) = item(&stale, "compared");
    assert!(state == "open" && text.contains("newer"), "{stale}");
    keep("garbage");
    let garbage = found(&world).await;
    let (state, text, _) = item(&garbage, "compared");
    assert!(state == "unknown" && text.contains("comparison.json"), "{garbage}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_is_this_jobs_and_no_secret_is_in_it() {
    let world = migrated().await;
    let all = found(&world).await;
    let uri = world.path().join("out.lance").display().to_string();
    let key = world.path().join("key").display().to_string();
    let endpoint = format!("{}/embeddings", world.embeddings.base_url().trim_end_matches('/'));
    let size = SIZE.to_string();
    for language in ["python", "rust", "typescript"] {
        let code = handover(&world, &["--code", language]).await;
        assert_eq!(all["code"][language], code, "{language}");
        for value in [
            uri.as_str(),
            "\"messages\"",
            "\"embedding\"",
            &endpoint,
            "\"test-model\"",
            &key,
            r#""ask \"me\": ""#,
            "\"thread_id\"",
            "\"content\"",
            "\"extra\"",
            &size,
        ] {
            assert!(code.contains(value), "{language} lacks {value}:\n{code}");
        }
    }
    let text = handover(&world, &[]).await;
    assert!(text.contains("[x] complete") && text.contains("[ ] verified"), "{text}");
    assert!(text.contains("---- Rust (--code rust) ----"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn carried_vectors_are_asked_by_their_own_model() {
    let world = World::with(&messages(20)).await;
    let config = format!(
        "[source]\nurl = \"{}\"\ncollection = \"messages\"\n[target]\nuri = \"out.lance\"\ntable = \"messages\"\n\
         [embed.text]\nprovider = \"carry\"\n",
        world.qdrant.url()
    );
    std::fs::write(world.path().join("qlance.toml"), config).expect("written");
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    for language in ["python", "rust", "typescript"] {
        let code = handover(&world, &["--code", language]).await;
        assert!(code.contains("the very model that made Qdrant's vectors"), "{code}");
    }
}

#[test]
fn the_code_for_rust_is_what_is_compiled_here() {
    let path = root().join("tests/it/handover/generated.rs");
    let wanted = Code::of(&fixed()).rust;
    if std::env::var_os("QLANCE_UPDATE_DOCS").is_some() {
        std::fs::write(&path, wanted).expect("written");
        return;
    }
    let there = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        there == wanted,
        "{} is stale; QLANCE_UPDATE_DOCS=1 cargo test --test it handover makes it anew",
        path.display()
    );
}

/// The ids of all rows, in their order.
fn ids(batches: &[RecordBatch]) -> Vec<String> {
    let id = |batch: &RecordBatch, row| {
        generated::text_of(batch, "id", row)
            .expect("text")
            .expect("an id")
            .to_owned()
    };
    let rows = |batch: &RecordBatch| (0..batch.num_rows()).map(|row| id(batch, row)).collect::<Vec<_>>();
    batches.iter().flat_map(rows).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_code_for_rust_finds_rows() {
    let world = migrated().await;
    let uri = world.path().join("out.lance").display().to_string();
    let db = lancedb::connect(&uri).execute().await.expect("a database");
    let table = db.open_table("messages").execute().await.expect("a table");
    let rows = world.rows().await;
    let asked = &rows[16];
    let vector = asked.embedding.as_ref().expect("an embedding");
    let id = asked.point.id.to_string();

    let near = generated::nearest(&table, vector, 5, None).await.expect("rows");
    assert_eq!(ids(&near).len(), 5);
    assert_eq!(ids(&near)[0], id);
    let extra = generated::json_of(&near[0], "extra", 0)
        .expect("JSON")
        .expect("a value");
    assert_eq!(extra["n"], asked.point.payload["n"], "{extra}");

    let thread = asked.point.payload["thread_id"].as_str().expect("a thread");
    let same = format!("`thread_id` = {}", generated::literal(thread));
    let filtered = generated::nearest(&table, vector, 100, Some(&same))
        .await
        .expect("rows");
    let expected = rows
        .iter()
        .filter(|row| row.point.payload["thread_id"] == *thread)
        .count();
    assert_eq!(ids(&filtered).len(), expected);
    let none = format!("`thread_id` = {}", generated::literal("it's nobody's"));
    let none = generated::nearest(&table, vector, 100, Some(&none))
        .await
        .expect("no rows");
    assert!(ids(&none).is_empty());

    let words = generated::by_words(&table, "17", 10).await.expect("rows");
    assert_eq!(ids(&words), ["17"]);
}

/// The Python that has lancedb, as scripts/README.md says how to make one.
fn python() -> String {
    std::env::var("QLANCE_PYTHON").expect("QLANCE_PYTHON names a Python with scripts/requirements.txt installed")
}

fn read_back(world: &World, more: &[&str]) -> std::process::Output {
    Command::new(python())
        .arg(root().join("scripts/read_back.py"))
        .arg(world.path().join("out.lance"))
        .arg("messages")
        .args(more)
        .output()
        .expect("Python runs")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs QLANCE_PYTHON, a Python with lancedb: scripts/README.md says how to make and name it"]
async fn lancedbs_own_python_package_reads_what_was_written() {
    let world = migrated().await;
    let rows = COUNT.to_string();
    let output = read_back(&world, &["--expect-rows", &rows]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(said(&output).contains("all as promised"), "{}", said(&output));
    let output = read_back(&world, &["--expect-rows", "61"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));

    // The printed code, against the very embedder of the job.
    let program = world.path().join("ask.py");
    std::fs::write(&program, handover(&world, &["--code", "python"]).await).expect("written");
    let asking = tokio::process::Command::new(python()).arg(&program).output();
    let output = asking.await.expect("Python runs");
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        text.starts_with("60 rows, version") && text.contains("rows where `thread_id` = 't"),
        "{text}"
    );

    // A table that something else wrote to is not as promised.
    let program = format!(
        "import lancedb; lancedb.connect({:?}).open_table('messages').delete(\"id = '1'\")",
        world.path().join("out.lance").display().to_string()
    );
    let deleted = Command::new(python())
        .args(["-c", &program])
        .status()
        .expect("Python runs");
    assert!(deleted.success());
    let output = read_back(&world, &[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("something else wrote to the table"),
        "{}",
        said(&output)
    );
}
