//! `qlance report` on a real migration: what it says in each format, what it does not say, and what it leaves alone.

use serde_json::{Value, json};

use crate::support::world::{World, messages, point, said};

/// In every payload, in an id and in the messages of failed points.
const MARKER: &str = "zebrafish";
const NUMBER: u64 = 8_412_345_678_901_234;
const UUID: &str = "7c9e6679-7425-40de-944b-e07fc1f90ae7";

/// A migrated collection with two failed points, one of them for what it says.
async fn migrated() -> World {
    let mut points = messages(60);
    for point in &mut points {
        point
            .payload
            .insert("secret_word".into(), json!(format!("{MARKER} in the payload")));
        let content = format!("{} of the {MARKER}", point.payload["content"].as_str().expect("a text"));
        point.payload.insert("content".into(), json!(content));
    }
    points.push(point(
        NUMBER,
        json!({"content": format!("refuse this {MARKER}"), "thread_id": "x"}),
    ));
    points.push(point(UUID, json!({"thread_id": format!("no content, {MARKER}")})));
    let world = World::with(&points).await;
    world.embeddings.reject_inputs_containing("refuse this");
    world.config(&[
        ("divergence", "threshold = 0.9\n"),
        ("source", "api_key_env = \"QLANCE_REPORT_KEY\"\n"),
    ]);
    let output = qlance(&world, &["run", "--json"]).await;
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    world
}

/// Runs qlance with a key in the environment that must never be seen.
async fn qlance(world: &World, args: &[&str]) -> std::process::Output {
    let mut command = world.command(args);
    command.env("QLANCE_REPORT_KEY", "sk-never-seen");
    command.output().await.expect("qlance runs")
}

async fn report(world: &World, file: &str, more: &[&str]) -> String {
    let mut args = vec!["report", file];
    args.extend(more);
    let output = qlance(world, &args).await;
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
    std::fs::read_to_string(world.path().join(file)).expect("a report")
}

async fn json_report(world: &World, more: &[&str]) -> Value {
    let mut args = vec!["report", "-", "--format", "json"];
    args.extend(more);
    let output = qlance(world, &args).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)))
}

#[tokio::test(flavor = "multi_thread")]
async fn it_says_what_was_moved_and_names_nobody() {
    let world = migrated().await;
    let data = json_report(&world, &[]).await;
    assert_eq!(data["verdict"]["decision"], "not_verified", "{data}");
    assert_eq!(data["verification"], Value::Null);
    let sum = &data["conservation"];
    let numbers = ["read", "written", "failed", "skipped"].map(|name| sum[name].as_u64().expect("a number"));
    assert_eq!(numbers, [62, 60, 2, 0], "{sum}");
    assert_eq!((&sum["holds"], &sum["complete"]), (&json!(true), &json!(true)), "{sum}");
    assert_eq!(
        (&data["moved"]["points"], &data["moved"]["rows"]),
        (&json!(62), &json!(60))
    );
    assert_eq!(data["moved"]["columns"][0]["name"], "id");
    assert_eq!(
        data["failures"]["by_cause"],
        json!([
            {"cause": "no_content", "state": "failed", "count": 1},
            {"cause": "rejected", "state": "failed", "count": 1},
        ])
    );
    let divergence = &data["divergence"];
    let binned: u64 = divergence["bins"]
        .as_array()
        .expect("bins")
        .iter()
        .map(|bin| bin["count"].as_u64().expect("a count"))
        .sum();
    assert_eq!(
        (divergence["compared"].as_u64(), binned),
        (Some(60), 60),
        "{divergence}"
    );
    assert!(data["cost"]["tokens"].as_u64() > Some(0), "{}", data["cost"]);
    assert_eq!(data["settings"]["source"]["api_key_env"], "QLANCE_REPORT_KEY");
    assert!(
        data["timings"]["versions_kept"].as_u64() > Some(0),
        "{}",
        data["timings"]
    );

    for file in ["r.html", "r.json", "r.md"] {
        let text = report(&world, file, &[]).await;
        for hidden in [MARKER, &NUMBER.to_string(), UUID, "sk-never-seen"] {
            assert!(!text.contains(hidden), "{hidden} is in {file}");
        }
        let samples = report(&world, file, &["--with-samples"]).await;
        for shown in [MARKER, &NUMBER.to_string(), UUID] {
            assert!(samples.contains(shown), "{shown} is not in {file}");
        }
        assert!(!samples.contains("sk-never-seen"), "{file}");
    }
    let page = report(&world, "r.html", &[]).await;
    assert!(
        page.contains("NOT VERIFIED") && page.contains("62 read = 60 written + 2 failed + 0 skipped"),
        "{page}"
    );
    assert!(page.contains("<svg viewBox") && !page.contains("<script"), "{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_verdict_is_that_of_the_last_verification() {
    let world = migrated().await;
    let output = qlance(&world, &["verify", "--json"]).await;
    let verified: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    let data = json_report(&world, &[]).await;
    assert_eq!(data["verdict"]["decision"], verified["decision"], "{}", said(&output));
    assert_eq!(data["verdict"]["table_version"], verified["table_version"]);
    assert_eq!(data["verdict"]["table_changed"], json!(false), "{}", data["verdict"]);
    let checks = data["verification"]["checks"].as_array().expect("checks");
    assert_eq!(checks.len(), verified["checks"].as_array().expect("checks").len());
    // Reasons are qlance's own sentences here: every one is repeated as it was.
    assert_eq!(data["verdict"]["reasons"], verified["reasons"]);
    for (told, found) in checks.iter().zip(verified["checks"].as_array().expect("checks")) {
        for (key, of) in [
            ("id", "id"),
            ("outcome", "outcome"),
            ("figure", "figure"),
            ("reasons", "reasons"),
            ("remarks", "notes"),
        ] {
            assert_eq!(told[key], found[of], "{told}");
        }
        assert_eq!(told["offenders"], found["offenders"]["total"]);
    }
    for file in ["v.html", "v.json", "v.md"] {
        let text = report(&world, file, &[]).await;
        for hidden in [MARKER, &NUMBER.to_string(), UUID] {
            assert!(!text.contains(hidden), "{hidden} is in {file}");
        }
    }
    // Another point in Qdrant: what was verified is not what is there now.
    world.upsert(&[point(99_999_u64, json!({"content": "late"}))]).await;
    let data = json_report(&world, &[]).await;
    assert_eq!(data["verdict"]["points_changed"], json!(true), "{}", data["verdict"]);
    assert!(report(&world, "late.md", &[]).await.contains("as it was"));
}

#[tokio::test(flavor = "multi_thread")]
async fn it_replaces_reports_only() {
    let world = migrated().await;
    report(&world, "again.html", &[]).await;
    report(&world, "again.html", &[]).await;
    std::fs::write(world.path().join("mine.md"), "my notes").expect("written");
    for (args, expected) in [
        (vec!["report", "mine.md"], "mine.md"),
        (vec!["report", "again.html", "--format", "json"], "--format"),
        (vec!["report", "-"], "--format"),
        (vec!["report", "out.txt"], "--format"),
    ] {
        let output = qlance(&world, &args).await;
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{args:?}: {stderr}");
        assert!(stderr.contains(expected), "{args:?}: {stderr}");
    }
    let kept = std::fs::read_to_string(world.path().join("mine.md")).expect("read");
    assert_eq!(kept, "my notes");
    let left: Vec<_> = std::fs::read_dir(world.path())
        .expect("listed")
        .filter_map(Result::ok)
        .map(|entry| entry.file_name())
        .filter(|name| name.to_string_lossy().ends_with(".partial"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}
