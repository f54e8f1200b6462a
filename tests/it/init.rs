//! What the screens do, done by commands: the set-up, the log, and the objects of commands that once had none.

use std::path::Path;
use std::process::Output;

use qdrant_client::qdrant::{CreateCollectionBuilder, Distance, VectorParamsBuilder};
use serde_json::{Value, json};

use crate::support::world::{SIZE, World, messages, point, qlance_in, said};

fn parsed(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

async fn init(world: &World, more: &[&str]) -> Output {
    let url = world.qdrant.url();
    let mut args = vec!["init", "--url", &url];
    args.extend(more);
    world.qlance(&args).await
}

/// The options for the embeddings server of a world.
fn embedder(base_url: &str) -> [&str; 8] {
    [
        "--base-url",
        base_url,
        "--model",
        "test-model",
        "--dimensions",
        "8",
        "--embed-key-env",
        "",
    ]
}

fn configuration(world: &World) -> Option<String> {
    std::fs::read_to_string(world.path().join("qlance.toml")).ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_several_collections_one_must_be_named() {
    let world = World::with(&messages(5)).await;
    let params = VectorParamsBuilder::new(4, Distance::Cosine);
    let archive = CreateCollectionBuilder::new("archive").vectors_config(params);
    let client = world.source().client().clone();
    client.create_collection(archive).await.expect("a collection");

    let output = init(&world, &["--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let listed = parsed(&output);
    assert_eq!(listed["status"], "listed", "{listed}");
    let mut collections = listed["collections"].as_array().expect("a list").clone();
    collections.sort_by_key(|collection| collection["name"].to_string());
    assert_eq!(
        Value::from(collections),
        json!([
            {"name": "archive", "points": 0, "vectors": [{"name": "", "dimensions": 4}]},
            {"name": "messages", "points": 5, "vectors": [{"name": "", "dimensions": SIZE}]},
        ])
    );
    assert_eq!(listed["tried"], json!([{"what": "source", "ok": true, "found": 2}]));

    let output = init(&world, &[]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(printed.contains("messages  5 points"), "{printed}");
    assert!(
        told(&output).contains("name one with --collection"),
        "{}",
        said(&output)
    );

    let output = init(&world, &["--collection", "notes", "--json"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let why = told(&output);
    assert!(
        why.contains("--collection: there is no \"notes\"") && why.contains("\"archive\""),
        "{why}"
    );
    assert_eq!(configuration(&world), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_is_written_that_works_and_is_not_written_over() {
    let world = World::with(&messages(5)).await;
    let base_url = world.embeddings.base_url();
    let mut args = vec![
        "--collection",
        "messages",
        "--target",
        "out.lance",
        "--table",
        "mine",
        "--json",
    ];
    args.extend(embedder(&base_url));
    let output = init(&world, &args).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let written = parsed(&output);
    assert_eq!(written["status"], "written", "{written}");
    let tried: Vec<&str> = written["tried"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|tried| {
            assert_eq!(tried["ok"], true, "{tried}");
            tried["what"].as_str().expect("a word")
        })
        .collect();
    assert_eq!(tried, ["source", "fields", "target", "server", "embedder"]);
    assert_eq!(
        written["answers"],
        json!({
            "collection": "messages", "vector": "", "content": "content", "target": "out.lance", "table": "mine",
            "profile": "inferred", "provider": "openai"
        })
    );
    let text = configuration(&world).expect("a configuration");
    assert!(text.starts_with("# Made by qlance's set-up."), "{text}");
    let plan = world.qlance(&["plan", "--json"]).await;
    assert_eq!(plan.status.code(), Some(0), "{}", said(&plan));
    assert_eq!(parsed(&plan)["points"], 5);

    let output = init(&world, &args).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    let refused = parsed(&output);
    let why = refused["error"].as_str().expect("a reason");
    assert!(
        refused["status"] == "error" && why.contains("is there already") && why.contains("--force"),
        "{refused}"
    );
    assert!(told(&output).contains(why), "{}", said(&output));
    assert_eq!(configuration(&world).as_ref(), Some(&text));

    args.extend(["--force", "--profile", "choir"]);
    let output = init(&world, &args).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let again = configuration(&world).expect("a configuration");
    assert_eq!(again, text.replace("\"inferred\"", "\"choir\""));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_said_is_answered_as_the_set_up_offers_it() {
    let world = World::with(&messages(5)).await;
    let output = init(&world, &["--provider", "carry", "--api-key-env", "QDRANT_KEY"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert!(
        told(&output).contains("Qdrant answers without a key"),
        "{}",
        said(&output)
    );
    let config = qlance::config::Config::load(&world.path().join("qlance.toml")).expect("a configuration");
    assert_eq!(
        [
            &config.source.collection,
            &config.target.uri,
            &config.target.table,
            &config.source.content
        ],
        ["messages", "messages.lance", "messages", "content"]
    );
    assert_eq!(config.source.api_key_env, None);
    assert_eq!(world.run().await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_names_its_option_and_nothing_is_written() {
    let world = World::with(&messages(5)).await;
    for (args, expected) in [
        (
            vec!["--provider", "carry", "--model", "m"],
            "--provider: only openai has",
        ),
        (
            vec!["--provider", "carry", "--vector", "title"],
            "--vector: there is no \"title\"",
        ),
        (
            vec!["--provider", "carry", "--content", "body"],
            "--content: there is no \"body\"",
        ),
        (vec!["--provider", "carry", "--table", "a/b"], "--table: use letters"),
        (vec!["--base-url", "localhost"], "--base-url: say for example"),
        (
            vec!["--base-url", "http://me:sk-hidden@localhost:1/v1"],
            "embed.text.base_url",
        ),
    ] {
        let output = init(&world, &args).await;
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
        assert!(told(&output).contains(expected), "{args:?}: {}", said(&output));
        assert!(!told(&output).contains("hidden"), "{}", said(&output));
    }
    // A port that was free just now.
    let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let nobody = format!("http://{}", free.local_addr().expect("an address"));
    drop(free);
    for (args, code, option) in [
        (vec!["init", "--url", &nobody, "--json"], 1, "--url: "),
        (vec!["init", "--url", "localhost:6334", "--json"], 2, "--url: "),
    ] {
        let output = world.qlance(&args).await;
        assert_eq!(output.status.code(), Some(code), "{}", said(&output));
        let refused = parsed(&output);
        assert_eq!(refused["status"], "error", "{refused}");
        let why = refused["error"].as_str().expect("a reason");
        assert!(why.starts_with(option), "{why}");
        assert!(told(&output).contains(why), "{}", said(&output));
    }
    let dead_embedder = format!("{nobody}/v1");
    let output = init(&world, &["--base-url", &dead_embedder]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(told(&output).contains("--base-url: "), "{}", said(&output));
    assert_eq!(configuration(&world), None);
}

async fn log(world: &World, more: &[&str]) -> Vec<Value> {
    let mut args = vec!["log", "--json"];
    args.extend(more);
    let output = world.qlance(&args).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

fn text_of(line: &Value) -> &str {
    line["text"].as_str().unwrap_or_else(|| panic!("no text: {line}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_says_what_happened_in_every_run() {
    let mut points = messages(30);
    points.push(point(500, json!({"content": "poison", "thread_id": "x"})));
    let world = World::with(&points).await;
    world.embeddings.reject_inputs_containing("poison");
    world.config(&[]);
    let output = world.qlance(&["log"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(told(&output).contains("no such job"), "{}", said(&output));
    assert_eq!(world.run().await.0, 3);

    let all = log(&world, &[]).await;
    for line in &all {
        let time = line["time"].as_str().expect("a time");
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{line}");
        assert_eq!(line["run"], all[0]["run"], "{line}");
        let level = line["level"].as_str().expect("a level");
        assert!(["info", "warn", "error"].contains(&level), "{line}");
    }
    let has = |lines: &[Value], text: &str| lines.iter().any(|line| text_of(line).contains(text));
    assert!(
        text_of(&all[0]).starts_with("connecting") || has(&all, "opened "),
        "{all:?}"
    );
    assert!(
        has(&all, "committed ") && has(&all, "point 500 failed: rejected"),
        "{all:?}"
    );

    let warnings = log(&world, &["--level", "warn"]).await;
    assert!(warnings.iter().all(|line| line["level"] != "info"), "{warnings:?}");
    assert!(has(&warnings, "point 500 failed: rejected"), "{warnings:?}");
    let expected: Vec<Value> = all.iter().filter(|line| line["level"] != "info").cloned().collect();
    assert_eq!(warnings, expected);
    assert_eq!(log(&world, &["--limit", "2"]).await, all[all.len() - 2..]);
    let committed = log(&world, &["--text", "COMMITTED"]).await;
    assert!(!committed.is_empty() && committed.iter().all(|line| text_of(line).contains("committed")));
    assert_eq!(log(&world, &["--text", "nothing says this"]).await, Vec::<Value>::new());

    // A kill in the midst of a line; the next run goes on below the whole ones.
    let path = log_file(&world);
    let mut torn = std::fs::read(&path).expect("a log");
    torn.extend_from_slice(b"{\"time\":\"2026-");
    std::fs::write(&path, torn).expect("written");
    assert_eq!(log(&world, &[]).await, all);
    world.run().await;
    let later = log(&world, &[]).await;
    assert_eq!(later[..all.len()], all);
    assert_ne!(later.last().expect("a line")["run"], all[0]["run"]);

    let plain = world.qlance(&["log", "--level", "warn"]).await;
    let printed = String::from_utf8_lossy(&plain.stdout).into_owned();
    assert!(printed.contains("  warn   point 500 failed: rejected"), "{printed}");
}

fn log_file(world: &World) -> std::path::PathBuf {
    let config = qlance::config::Config::load(&world.path().join("qlance.toml")).expect("a configuration");
    config.job(None).dir.join("log.jsonl")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_and_the_report_answer_in_json() {
    let world = World::with(&messages(5)).await;
    std::fs::write(world.path().join("the.key"), "sk-hidden").expect("written");
    world.config(&[("embed.text", "api_key_file = \"the.key\"\n")]);
    let output = world.qlance(&["config", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let config = parsed(&output);
    assert_eq!(
        (&config["source"]["collection"], &config["source"]["page_points"]),
        (&json!("messages"), &json!(500))
    );
    assert_eq!(config["embed"]["text"]["api_key_file"], "the.key");
    assert!(!config.to_string().contains("hidden"), "{config}");

    assert_eq!(world.run().await.0, 0);
    let output = world.qlance(&["report", "r.md", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let bytes = std::fs::metadata(world.path().join("r.md")).expect("a report").len();
    assert_eq!(
        parsed(&output),
        json!({"file": "r.md", "format": "markdown", "verdict": "not_verified", "bytes": bytes})
    );
    let output = world.qlance(&["report", "-", "--format", "json", "--json"]).await;
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(told(&output).contains("--json: "), "{}", said(&output));
}

async fn demo(dir: &Path) -> Output {
    qlance_in(dir, &["demo", "--points", "20", "--dir", "d", "--json"]).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demo_ends_with_the_object_of_a_run() {
    let dir = tempfile::tempdir().expect("a directory");
    for resumed in [false, true] {
        let output = demo(dir.path()).await;
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let report = parsed(&output);
        assert_eq!(
            (&report["status"], &report["resumed"]),
            (&json!("complete"), &json!(resumed)),
            "{report}"
        );
        let sum: u64 = ["written", "failed", "skipped"]
            .iter()
            .map(|part| report[part].as_u64().expect("a number"))
            .sum();
        assert_eq!(report["read"], sum, "{report}");
    }
}
