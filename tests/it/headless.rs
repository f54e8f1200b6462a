//! `run` without a screen: how signals end it, what it says of the steps after the last point, and the small commands
//! that need no store at all.

use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, Command};

use crate::support::embeddings_server::Behaviour;
use crate::support::world::{World, messages, point, qlance_in, said, wait_for};

/// A run that can be listened to and signalled.
struct Run {
    process: Child,
    lines: Lines<BufReader<ChildStderr>>,
    heard: Vec<String>,
}

impl Run {
    fn start(world: &World) -> Self {
        Self::start_by(world, Command::new(env!("CARGO_BIN_EXE_qlance")))
    }

    /// By a command that takes the arguments of qlance.
    fn start_by(world: &World, mut command: Command) -> Self {
        let mut process = command
            .args(["--config", "qlance.toml", "run", "--json"])
            .current_dir(world.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("qlance runs");
        let lines = BufReader::new(process.stderr.take().expect("stderr")).lines();
        Self {
            process,
            lines,
            heard: Vec::new(),
        }
    }

    /// Listens until a line begins so.
    async fn hear(&mut self, beginning: &str) {
        loop {
            let line = self.lines.next_line().await.expect("a line");
            let line = line.unwrap_or_else(|| panic!("{beginning:?} was not said: {:#?}", self.heard));
            let found = line.starts_with(beginning);
            self.heard.push(line);
            if found {
                return;
            }
        }
    }

    fn signal(&self, signal: Signal) {
        let id = self.process.id().and_then(|id| Pid::from_raw(i32::try_from(id).ok()?));
        let id = id.unwrap_or_else(|| panic!("it ended by itself: {:#?}", self.heard));
        kill_process(id, signal).expect("signalled");
    }

    /// The exit code, what was printed on stdout, and all lines of stderr.
    async fn end(mut self) -> (Option<i32>, String, Vec<String>) {
        let mut printed = String::new();
        let mut stdout = self.process.stdout.take().expect("stdout");
        stdout.read_to_string(&mut printed).await.expect("text");
        while let Some(line) = self.lines.next_line().await.expect("a line") {
            self.heard.push(line);
        }
        let status = self.process.wait().await.expect("an end");
        (status.code(), printed, self.heard)
    }
}

fn parsed(printed: &str) -> Value {
    serde_json::from_str(printed).unwrap_or_else(|error| panic!("{error}: {printed:?}"))
}

/// The outcomes of the steps of finishing, in their order.
fn outcomes(report: &Value) -> Vec<(&str, &str)> {
    let steps = report["steps"]
        .as_array()
        .unwrap_or_else(|| panic!("no steps: {report}"));
    steps
        .iter()
        .map(|step| {
            assert!(step["seconds"].is_number() && step["detail"].is_string(), "{step}");
            let word = |key: &str| step[key].as_str().unwrap_or_else(|| panic!("no {key}: {step}"));
            (word("step"), word("outcome"))
        })
        .collect()
}

/// Small pages, each committed as it comes.
fn configure(world: &World, index: bool) {
    let pipeline = format!("index = {index}\n");
    world.config(&[
        ("source", "page_points = 20\nranges = 1\n"),
        ("target", "commit_rows = 20\n"),
        ("embed.text", "max_batch_inputs = 20\nmax_in_flight = 1\n"),
        ("pipeline", &pipeline),
    ]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_collection_is_complete_at_once_and_said_to_be_empty() {
    for count in [0, 3] {
        let world = World::with(&messages(count)).await;
        configure(&world, false);
        let (code, printed, heard) = Run::start(&world).end().await;
        let report = parsed(&printed);
        assert_eq!((code, report["read"].as_u64()), (Some(0), Some(count)), "{heard:#?}");
        assert_eq!(report["status"], "complete");
        let said = "collection \"messages\" has no points: there is nothing to move; check source.collection";
        let heard_so = heard.iter().any(|line| line.contains(said));
        assert_eq!(heard_so, count == 0, "{heard:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_a_run_cleanly_and_the_same_command_goes_on() {
    // Tests that were begun by `nohup` hand SIGHUP on as ignored, which the run would rightly respect; what is listened to
    // here begins anew in a child.
    let _listens = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).expect("a listener");
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let points = messages(300);
        let world = World::with(&points).await;
        configure(&world, false);
        world.embeddings.latency(Duration::from_millis(150));
        let run = Run::start(&world);
        wait_for("the third request", || world.embeddings.requests() >= 3).await;
        run.signal(signal);
        let (code, printed, heard) = run.end().await;
        assert_eq!(code, Some(5), "{signal:?}: {heard:#?}");
        let report = parsed(&printed);
        assert_eq!(report["status"], "stopped", "{report}");
        assert_eq!(report["error"], "stopped by the operator", "{report}");
        assert!(report["read"].as_u64().is_some_and(|read| read < 300), "{report}");
        assert!(
            heard.iter().any(|line| line.starts_with("qlance: stopping")),
            "{heard:#?}"
        );
        world.embeddings.latency(Duration::ZERO);
        let (code, report) = world.run().await;
        assert_eq!(
            (code, &report["written"], &report["resumed"]),
            (0, &json!(300), &json!(true)),
            "{report}"
        );
        assert_eq!(world.rows().await.len(), 300);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_to_outlive_its_terminal_does_so() {
    let world = World::with(&messages(300)).await;
    configure(&world, false);
    world.embeddings.latency(Duration::from_millis(100));
    // What `nohup` does.
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' HUP; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_qlance")]);
    let run = Run::start_by(&world, shell);
    wait_for("the third request", || world.embeddings.requests() >= 3).await;
    run.signal(Signal::HUP);
    let (code, printed, heard) = run.end().await;
    assert_eq!(code, Some(0), "{heard:#?}");
    let report = parsed(&printed);
    assert_eq!(
        (&report["status"], &report["written"]),
        (&json!("complete"), &json!(300)),
        "{report}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_that_nobody_hears_is_no_abort() {
    let world = World::with(&messages(60)).await;
    configure(&world, false);
    let mut process = world
        .command(&["run", "--json"])
        .env("QLANCE_PANIC", "migration")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("qlance runs");
    drop(process.stderr.take());
    let output = process.wait_with_output().await.expect("an end");
    assert_eq!(output.status.code(), Some(1), "{:?}: {}", output.status, said(&output));
    let report = parsed(&String::from_utf8_lossy(&output.stdout));
    let error = report["error"].as_str().expect("a reason");
    assert!(error.contains("qlance itself is at fault"), "{error}");
    assert_eq!(world.run().await.0, 0, "the job can be resumed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_has_seen_enough_changes_nothing_of_the_end() {
    let mut points = messages(60);
    points.push(point(90, json!({"thread_id": "t"})));
    let world = World::with(&points).await;
    configure(&world, false);
    assert_eq!(world.run().await.0, 3);
    let verify = [
        "verify",
        "--queries",
        "5",
        "--again",
        "5",
        "--export",
        "offenders.jsonl",
    ];
    let offenders = world.path().join("offenders.jsonl");
    for args in [
        &verify[..],
        &["search", "message 17"],
        &["evaluate"],
        &["failures", "list"],
        &["failures", "retry", "--json"],
        &["live", "status", "--json"],
        &["init", "--url", "http://127.0.0.1:1", "--json"],
    ] {
        let whole = world.qlance(args).await;
        assert_eq!(args[0] == "verify", offenders.exists(), "{args:?}: {}", said(&whole));
        if offenders.exists() {
            std::fs::remove_file(&offenders).expect("removed");
        }
        let mut process = world.listen(args);
        drop(process.stdout.take());
        let output = process.wait_with_output().await.expect("an end");
        assert_eq!(output.status.code(), whole.status.code(), "{args:?}: {}", said(&output));
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            !told.contains("panicked") && !told.contains("Broken pipe"),
            "{args:?}: {told}"
        );
        if args[0] == "verify" {
            std::fs::remove_file(&offenders).expect("offenders are written whoever reads the rest");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retry_before_the_migration_is_complete_was_not_stopped() {
    let mut points = messages(300);
    points[0] = point(1, json!({"thread_id": "t"}));
    let world = World::with(&points).await;
    configure(&world, false);
    world.embeddings.latency(Duration::from_millis(150));
    let run = Run::start(&world);
    wait_for("the third request", || world.embeddings.requests() >= 3).await;
    run.signal(Signal::TERM);
    assert_eq!(run.end().await.0, Some(5));
    world.embeddings.latency(Duration::ZERO);
    let requests = world.embeddings.requests();
    let output = world.qlance(&["failures", "retry", "--json"]).await;
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let report = parsed(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(
        (&report["status"], &report["error"], &report["retry"]["failed"]),
        (&json!("incomplete"), &Value::Null, &json!(1)),
        "{report}"
    );
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    for word in ["the same command", "stopped by the operator"] {
        assert!(!told.contains(word), "{told}");
    }
    assert!(told.contains("not complete yet"), "{told}");
    assert_eq!(world.embeddings.requests(), requests, "nothing else was moved");
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (3, &json!(299)), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_signal_ends_a_run_at_once() {
    let world = World::with(&messages(60)).await;
    configure(&world, false);
    world.embeddings.always(Behaviour::Hang);
    let mut run = Run::start(&world);
    wait_for("a request", || world.embeddings.requests() >= 1).await;
    run.signal(Signal::INT);
    run.hear("qlance: stopping").await;
    run.signal(Signal::INT);
    let (code, printed, heard) = run.end().await;
    assert_eq!((code, printed.as_str()), (Some(130), ""), "{heard:#?}");
    world.embeddings.always(Behaviour::Good);
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (0, &json!(60)), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_stopped_while_it_finishes_the_table_is_not_complete() {
    let world = World::with(&messages(1_000)).await;
    configure(&world, true);
    let mut run = Run::start(&world);
    run.hear("compacting files ...").await;
    run.signal(Signal::TERM);
    let (code, printed, heard) = run.end().await;
    assert_eq!(code, Some(5), "{heard:#?}");
    let report = parsed(&printed);
    assert_eq!(
        (&report["status"], &report["written"]),
        (&json!("stopped"), &json!(1_000)),
        "{report}"
    );
    let error = report["error"].as_str().expect("a reason");
    assert!(error.contains("the table is not finished"), "{error}");
    let steps = outcomes(&report);
    assert_eq!(steps.len(), 4, "{steps:?}");
    assert_eq!(steps[3], ("text_index", "skipped"), "{steps:?}");
    // The next one has nothing to move, and finishes.
    let requests = world.embeddings.requests();
    let (code, report) = world.run().await;
    assert_eq!((code, &report["status"]), (0, &json!("complete")), "{report}");
    assert!(
        outcomes(&report).iter().all(|(_, outcome)| *outcome == "done"),
        "{report}"
    );
    assert_eq!(world.embeddings.requests(), requests);
    assert_eq!(world.rows().await.len(), 1_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_step_of_finishing_is_told_when_it_begins_and_when_it_has_ended() {
    let world = World::with(&messages(50)).await;
    configure(&world, true);
    let run = Run::start(&world);
    let (code, printed, heard) = run.end().await;
    assert_eq!(code, Some(0), "{heard:#?}");
    let mut expected = Vec::new();
    for label in ["compacting files", "index on id", "vector index", "keyword index"] {
        expected.push(format!("{label} ..."));
        expected.push(format!("{label}: "));
    }
    let mut told = heard.iter();
    for beginning in &expected {
        let line = told
            .find(|line| line.starts_with(beginning.as_str()))
            .unwrap_or_else(|| panic!("{beginning:?} is not in {heard:#?}"));
        assert!(beginning.ends_with("...") || line.ends_with(" s)"), "{line:?}");
    }
    let names: Vec<&str> = ["compact", "id_index", "vector_index", "text_index"].to_vec();
    let report = parsed(&printed);
    assert_eq!(
        outcomes(&report),
        names.into_iter().map(|name| (name, "done")).collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_step_that_fails_is_told_and_the_points_are_over_all_the_same() {
    let world = World::with(&messages(50)).await;
    configure(&world, false);
    assert_eq!(world.run().await.0, 0);
    // Where indexes would lie, a file is in the way.
    let in_the_way = world.path().join("out.lance/messages.lance/_indices");
    std::fs::write(&in_the_way, "x").expect("written");
    configure(&world, true);
    let output = world.qlance(&["run", "--json"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let report = parsed(&String::from_utf8_lossy(&output.stdout));
    assert_eq!(report["status"], "complete", "{report}");
    assert!(outcomes(&report).contains(&("id_index", "failed")), "{report}");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("index on id: failed: "), "{told}");
    assert!(told.contains("not done: index on id"), "{told}");
    std::fs::remove_file(&in_the_way).expect("removed");
    let (code, report) = world.run().await;
    assert_eq!(code, 0, "{report}");
    assert!(outcomes(&report).contains(&("id_index", "done")), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_keeps_a_run_from_beginning_is_said_once() {
    let world = World::empty().await;
    world.config(&[]);
    let output = world.qlance(&["run"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(told.matches("is not in Qdrant").count(), 1, "{told}");
}

async fn bare(args: &[&str]) -> std::process::Output {
    let dir = tempfile::tempdir().expect("a directory");
    qlance_in(dir.path(), args).await
}

#[tokio::test(flavor = "multi_thread")]
async fn completions_are_there_for_the_usual_shells() {
    for (shell, sign) in [
        ("bash", "complete -F _qlance"),
        ("zsh", "#compdef qlance"),
        ("fish", "complete -c qlance"),
    ] {
        let output = bare(&["completions", shell]).await;
        assert_eq!(output.status.code(), Some(0), "{}", said(&output));
        let script = String::from_utf8_lossy(&output.stdout).into_owned();
        for word in [sign, "failures", "config", "handover"] {
            assert!(script.contains(word), "{shell}: no {word:?} in {script}");
        }
    }
    assert_eq!(bare(&["completions", "cobol"]).await.status.code(), Some(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_is_shown_whole_and_can_be_used_as_it_is() {
    let world = World::with(&messages(5)).await;
    let path = world.config(&[]);
    let output = world.qlance(&["config"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let shown = String::from_utf8_lossy(&output.stdout).into_owned();
    for line in [
        "page_points = 500",
        "# budget_usd = 5.0  # none: no cap",
        "[keys]",
        "outage_patience = \"30m\"",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line:?} is not in {shown}");
    }
    let given = qlance::config::Config::load(&path).expect("a configuration");
    std::fs::write(&path, &shown).expect("written");
    assert_eq!(qlance::config::Config::load(&path).expect("its own TOML"), given);
    assert_eq!(world.run().await.0, 0);
}
