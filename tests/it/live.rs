//! A run that is at work is steered from another process: `qlance live`, and the control socket behind it.

use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;
use tokio::process::Child;

use crate::support::world::{World, messages, said, wait_for};

/// Points of a collection that takes a while.
const POINTS: u64 = 600;

/// Small pages, one request at a time, each with its latency: 12 s for all, so that there is time for other processes.
async fn slow() -> World {
    let world = World::with(&messages(POINTS)).await;
    world.config(&[
        ("source", "page_points = 20\nranges = 1\n"),
        ("target", "commit_rows = 20\n"),
        ("embed.text", "max_batch_inputs = 20\nmax_in_flight = 1\n"),
        ("pipeline", "index = false\n"),
    ]);
    world.embeddings.latency(Duration::from_millis(400));
    world
}

/// A run in a process of its own, once points are on their way.
async fn running(world: &World) -> Child {
    let before = world.embeddings.requests();
    let child = world.listen(&["run", "--json"]);
    wait_for("the third request", || world.embeddings.requests() >= before + 3).await;
    child
}

async fn ended(child: Child) -> (Option<i32>, Value, String) {
    let output = child.wait_with_output().await.expect("an end");
    let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), report, told)
}

async fn asked(world: &World, args: &[&str]) -> Output {
    let args: Vec<&str> = ["live"].iter().chain(args).copied().collect();
    world.qlance(&args).await
}

/// What `qlance live ... --json` prints; it must be confirmed.
async fn live(world: &World, args: &[&str]) -> Value {
    let args: Vec<&str> = args.iter().chain(&["--json"]).copied().collect();
    let output = asked(world, &args).await;
    assert_eq!(output.status.code(), Some(0), "{args:?}: {}", said(&output));
    let answer: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    assert_eq!(answer["outcome"], "confirmed", "{answer}");
    answer["job"].clone()
}

/// The socket of the one job of this world; `None` where there is none.
fn socket(world: &World) -> Option<PathBuf> {
    let mut jobs = std::fs::read_dir(world.path().join(".qlance")).expect("a state directory");
    let job = jobs.next().expect("a job").expect("readable").path();
    Some(job.join("control.sock")).filter(|socket| socket.exists())
}

#[track_caller]
fn assert_adds_up(job: &Value) {
    let count = |key: &str| job[key].as_u64().unwrap_or_else(|| panic!("no {key}: {job}"));
    let settled = count("written") + count("failed") + count("skipped");
    assert_eq!(count("read"), settled + count("in_hand"), "{job}");
}

#[track_caller]
fn assert_nobody(output: &Output) {
    assert_eq!(output.status.code(), Some(1), "{}", said(output));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        told.contains("no qlance is at work on this job; `qlance run`"),
        "{told}"
    );
    assert!(output.stdout.is_empty(), "{}", said(output));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_paused_changed_and_resumed_from_another_process() {
    let world = slow().await;
    let run = running(&world).await;
    let job = live(&world, &["status"]).await;
    assert_eq!(
        (&job["phase"], &job["total"]),
        (&json!("running"), &json!(POINTS)),
        "{job}"
    );
    assert_eq!(job["settings"]["max_in_flight"], 1, "{job}");
    assert_adds_up(&job);

    let paused = live(&world, &["pause"]).await;
    assert_eq!(paused["phase"], "paused", "{paused}");
    assert_adds_up(&paused);
    let requests = world.embeddings.requests();
    tokio::time::sleep(Duration::from_secs(1)).await;
    let still = live(&world, &["pause"]).await;
    assert_eq!(
        (&still["phase"], &still["written"], world.embeddings.requests()),
        (&json!("paused"), &paused["written"], requests),
        "{still}"
    );
    assert!(
        still["written"].as_u64().is_some_and(|written| written < POINTS),
        "{still}"
    );
    assert_eq!(still["waiting"]["reason"], "paused by operator", "{still}");

    let all = [
        "set",
        "--max-in-flight",
        "4",
        "--max-batch-inputs",
        "10",
        "--requests-per-minute",
        "60000",
        "--tokens-per-minute",
        "9000000",
        "--budget-usd",
        "2.5",
    ];
    assert_eq!(
        live(&world, &all).await["settings"],
        json!({
            "max_in_flight": 4, "max_batch_inputs": 10, "requests_per_minute": 60_000, "tokens_per_minute": 9_000_000,
            "budget_usd": 2.5
        })
    );
    let freed = ["set", "--requests-per-minute", "none", "--budget-usd", "none"];
    assert_eq!(
        live(&world, &freed).await["settings"],
        json!({
            "max_in_flight": 4, "max_batch_inputs": 10, "requests_per_minute": null, "tokens_per_minute": 9_000_000,
            "budget_usd": null
        })
    );
    let output = asked(&world, &["status"]).await;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    for line in [
        "phase     paused",
        "waiting   paused by operator",
        "4 requests in flight at most; 10 inputs",
    ] {
        assert!(text.contains(line), "{line:?} is not in {text}");
    }
    live(&world, &["try-now"]).await;
    assert_eq!(live(&world, &["status"]).await["phase"], "paused");

    assert_eq!(live(&world, &["resume"]).await["phase"], "running");
    world.embeddings.latency(Duration::ZERO);
    let (code, report, told) = ended(run).await;
    assert_eq!((code, &report["written"]), (Some(0), &json!(POINTS)), "{report} {told}");
    assert_eq!(world.rows().await.len() as u64, POINTS);
    for line in [
        "paused; `qlance live resume` goes on",
        "10 inputs a request at most",
        "going on",
    ] {
        assert!(told.lines().any(|told| told == line), "{line:?} is not in {told}");
    }
    assert_eq!(socket(&world), None);
    assert_nobody(&asked(&world, &["status"]).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_stopped_from_another_process_and_the_same_command_goes_on() {
    let world = slow().await;
    let run = running(&world).await;
    let stopped = live(&world, &["stop"]).await;
    assert_eq!(
        (&stopped["phase"], &stopped["reason"]),
        (&json!("stopped"), &json!("stopped by the operator")),
        "{stopped}"
    );
    let (code, report, told) = ended(run).await;
    assert_eq!(
        (code, &report["status"]),
        (Some(5), &json!("stopped")),
        "{report} {told}"
    );
    assert!(report["read"].as_u64().is_some_and(|read| read < POINTS), "{report}");
    assert_eq!(socket(&world), None);
    world.embeddings.latency(Duration::ZERO);
    let (code, report) = world.run().await;
    assert_eq!(
        (code, &report["written"], &report["resumed"]),
        (0, &json!(POINTS), &json!(true)),
        "{report}"
    );
    assert_eq!(world.rows().await.len() as u64, POINTS);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_nobody_is_at_work_that_is_said_and_nothing_is_made() {
    let world = World::with(&messages(5)).await;
    world.config(&[]);
    for args in [
        &["status"][..],
        &["pause"],
        &["resume"],
        &["try-now"],
        &["stop"],
        &["set", "--max-in-flight", "3"],
    ] {
        assert_nobody(&asked(&world, args).await);
    }
    let output = asked(&world, &["stop", "--json"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let answer: Value =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(&output)));
    assert_eq!(answer["outcome"], "error", "{answer}");
    let why = answer["message"].as_str().expect("a reason");
    assert!(why.starts_with("no qlance is at work on this job"), "{why}");
    assert!(!world.path().join(".qlance").exists());
    for args in [&["set"][..], &["set", "--max-in-flight", "0"], &["sing"]] {
        let output = asked(&world, args).await;
        assert_eq!(output.status.code(), Some(2), "{args:?}: {}", said(&output));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_of_a_killed_run_is_nobodys_and_the_next_run_has_its_own() {
    let world = slow().await;
    let mut run = running(&world).await;
    run.kill().await.expect("killed");
    assert!(socket(&world).is_some());
    assert_nobody(&asked(&world, &["status"]).await);
    let run = running(&world).await;
    assert_eq!(live(&world, &["status"]).await["phase"], "running");
    world.embeddings.latency(Duration::ZERO);
    let (code, report, told) = ended(run).await;
    assert_eq!((code, &report["written"]), (Some(0), &json!(POINTS)), "{report} {told}");
    assert_eq!(socket(&world), None);
}

/// What the socket answers to these bytes.
async fn answered(socket: &Path, bytes: &[u8]) -> Value {
    let mut stream = UnixStream::connect(socket).await.expect("a socket");
    // One that has heard enough may hang up before all is written.
    let _ = stream.write_all(bytes).await;
    let mut line = String::new();
    BufReader::new(stream).read_line(&mut line).await.expect("a line");
    serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_comes_through_the_socket_the_run_lives_on() {
    let world = slow().await;
    let run = running(&world).await;
    let socket = socket(&world).expect("a socket");
    let found = std::fs::metadata(&socket).expect("a socket");
    assert!(found.file_type().is_socket());
    assert_eq!(found.permissions().mode() & 0o777, 0o600);
    let hangs = UnixStream::connect(&socket).await.expect("a socket");
    let endless = vec![b'['; 300_000];
    for bytes in [
        &b"stop\n"[..],
        b"\x00\xff\x1b[2J\n",
        b"{\"ask\":\"stop\",\"now\":true}\n",
        b"{\"ask\":\"set\",\"max_in_flight\":100000}\n",
        &endless[..],
    ] {
        let answer = answered(&socket, bytes).await;
        assert_eq!(answer["outcome"], "error", "{answer}");
        assert!(answer["message"].is_string() && answer["job"].is_null(), "{answer}");
    }
    let answer = answered(&socket, b"{\"ask\":\"status\"}\n").await;
    assert_eq!(answer["job"]["phase"], "running", "{answer}");
    world.embeddings.latency(Duration::ZERO);
    let (code, report, told) = ended(run).await;
    assert_eq!((code, &report["written"]), (Some(0), &json!(POINTS)), "{report} {told}");
    drop(hangs);
}
