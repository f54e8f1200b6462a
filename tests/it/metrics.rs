//! A run watched from outside: its metrics scraped while it goes, its event log read back, and docs/metrics.md held to
//! both.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use qlance::config::Config;
use qlance::metrics::{EVENTS, Endpoint, METRICS, Metric, observe};
use qlance::tasks::job::Options;
use qlance::tasks::supervisor::{self, Lines, Orders, Start};
use qlance::tasks::{COMMAND_ROOM, EVENT_ROOM, RunReport, Snapshot};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use crate::support::embeddings_server::Behaviour;
use crate::support::world::{World, messages, point, said};

/// Stands in payloads; may be nowhere else.
const MARKER: &str = "PAYLOADMARKER";
/// Stands in the key file; may be nowhere else.
const KEY: &str = "sk-KEYMARKER";
/// Points that are embedded, those without content, and those whose content the embedder refuses.
const GOOD: u64 = 120;
const WITHOUT: u64 = 3;
const REFUSED: u64 = 2;

/// A world whose points fail in two ways, and whose embedder quotes what it refuses.
async fn world_with_failures() -> World {
    let mut points = messages(GOOD);
    points.extend((1..=WITHOUT).map(|n| point(1_000 + n, json!({"thread_id": format!("{MARKER} {n}")}))));
    points.extend((1..=REFUSED).map(|n| point(2_000 + n, json!({"content": format!("poison {MARKER} {n}")}))));
    let world = World::with(&points).await;
    world.embeddings.reject_inputs_containing("poison");
    std::fs::write(world.path().join("the.key"), KEY).expect("the key is written");
    world
}

fn configure(world: &World) {
    world.config(&[
        ("source", "page_points = 20\nranges = 2\n"),
        ("target", "commit_rows = 20\n"),
        (
            "embed.text",
            "api_key_file = \"the.key\"\nmax_in_flight = 2\nmax_batch_inputs = 5\nusd_per_million_tokens = 1000000.0\n",
        ),
        ("pipeline", "index = false\n"),
    ]);
}

fn state_dir(world: &World) -> PathBuf {
    let config = Config::load(&world.path().join("qlance.toml")).expect("a configuration");
    config.job(None).dir
}

/// What a server answers: status, head and body.
async fn get(address: SocketAddr, path: &str) -> std::io::Result<(u16, String, String)> {
    let mut stream = TcpStream::connect(address).await?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer.as_str(), ""));
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0);
    Ok((status, head.to_owned(), body.to_owned()))
}

/// The samples of an exposition, by name and labels as they stand there.
type Samples = BTreeMap<String, f64>;

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Reads an exposition line by line, by the rules of `OpenMetrics` 1.0; fails at the first that is broken.
fn parse(text: &str) -> Samples {
    let body = text.strip_suffix("# EOF\n").expect("ends with # EOF");
    assert!(body.ends_with('\n') && !body.contains("# EOF"), "{text}");
    let mut samples = Samples::new();
    let mut families = BTreeSet::new();
    let (mut family, mut kind) = (String::new(), String::new());
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (what, name, value) = (words.next(), words.next().expect("a name"), words.next());
            let value = value.unwrap_or_default();
            assert!(is_name(name), "{line}");
            match what {
                Some("HELP") => {
                    assert!(families.insert(name.to_owned()), "twice: {line}");
                    assert!(!value.is_empty(), "{line}");
                    (family, kind) = (name.to_owned(), String::new());
                }
                Some("TYPE") => {
                    assert_eq!((name, kind.as_str()), (family.as_str(), ""), "{line}");
                    assert!(["counter", "gauge", "info"].contains(&value), "{line}");
                    value.clone_into(&mut kind);
                }
                Some("UNIT") => {
                    assert_eq!(name, family, "{line}");
                    assert!(
                        name.ends_with(&format!("_{value}")),
                        "a unit is the end of the name: {line}"
                    );
                }
                _ => panic!("what is this? {line}"),
            }
            continue;
        }
        let (key, value) = line.rsplit_once(' ').expect("a value");
        let name = key.split_once('{').map_or(key, |(name, _)| name);
        let suffix = match kind.as_str() {
            "counter" => "_total",
            "info" => "_info",
            _ => "",
        };
        assert_eq!(name, format!("{family}{suffix}"), "{line}");
        if let Some(labels) = key.strip_prefix(name).filter(|labels| !labels.is_empty()) {
            let inside = labels.strip_prefix("{").and_then(|labels| labels.strip_suffix("\"}"));
            let (label, value) = inside.and_then(|inside| inside.split_once("=\"")).expect("one label");
            assert!(is_name(label) && !value.contains(['"', '\\', '\n', ',']), "{line}");
        }
        let value: f64 = value.parse().expect("a number");
        assert!(value.is_finite() && (kind != "counter" || value >= 0.0), "{line}");
        assert!(samples.insert(key.to_owned(), value).is_none(), "twice: {line}");
    }
    samples
}

#[track_caller]
fn whole(samples: &Samples, key: &str) -> u64 {
    let value = *samples
        .get(key)
        .unwrap_or_else(|| panic!("{key} is not among {samples:?}"));
    assert!(value.fract() == 0.0 && value >= 0.0, "{key} {value}");
    value as u64
}

#[track_caller]
fn assert_conserved(samples: &Samples) {
    let state = |state: &str| whole(samples, &format!("qlance_points{{state=\"{state}\"}}"));
    assert_eq!(
        state("read"),
        state("written") + state("failed") + state("skipped") + whole(samples, "qlance_points_in_hand"),
        "{samples:?}"
    );
    let phases = samples
        .iter()
        .filter(|(key, value)| key.starts_with("qlance_phase{") && **value > 0.0);
    assert_eq!(phases.count(), 1, "{samples:?}");
}

/// What only grows in one run has not sunk.
#[track_caller]
fn assert_grown(before: &Samples, after: &Samples) {
    for (key, value) in before.iter().filter(|(key, _)| key.contains("_total")) {
        assert!(after[key] >= *value, "{key} sank from {value} to {}", after[key]);
    }
}

/// Runs the job in this process, scraped all the while; answers the report and the scrapes, the last one after the end.
async fn scraped(world: &World) -> (RunReport, Vec<Samples>) {
    let config = Arc::new(Config::load(&world.path().join("qlance.toml")).expect("a configuration"));
    let endpoint = Endpoint::bind("0").await.expect("a free port");
    let address = endpoint.address();
    let (commands, inbox) = mpsc::channel(COMMAND_ROOM);
    let (told, happened) = mpsc::channel(EVENT_ROOM);
    let (published, snapshot) = watch::channel(Snapshot::default());
    let (mut events, serving) = observe(&config, None, Some(endpoint), happened, &snapshot);
    let lines = Lines {
        commands: inbox,
        events: told,
        snapshot: published,
    };
    let orders = Orders {
        options: Options::default(),
        start: Start::AtOnce,
        end_when_done: true,
        first: Vec::new(),
    };
    let work = tokio::spawn(supervisor::run(config, orders, lines));
    let mut scrapes = Vec::new();
    loop {
        let (status, head, body) = get(address, "/metrics").await.expect("a scrape");
        assert_eq!(status, 200, "{head}");
        let wanted = "content-type: application/openmetrics-text; version=1.0.0; charset=utf-8";
        assert!(head.lines().any(|line| line.eq_ignore_ascii_case(wanted)), "{head}");
        assert!(!body.contains(MARKER) && !body.contains(KEY), "{body}");
        let samples = parse(&body);
        assert_conserved(&samples);
        if let Some(before) = scrapes.last() {
            assert_grown(before, &samples);
        }
        scrapes.push(samples);
        // The screen takes its events in its own time; the metrics do not depend on it.
        while events.try_recv().is_ok() {}
        if work.is_finished() && events.is_closed() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let report = work.await.expect("no panic");
    while events.recv().await.is_some() {}
    let (_, _, body) = get(address, "/metrics").await.expect("a scrape");
    scrapes.push(parse(&body));
    let (status, _, _) = get(address, "/healthz").await.expect("an answer");
    assert_eq!(status, 503, "the work has ended");
    drop((commands, serving));
    (report, scrapes)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scrape_adds_up_and_the_last_one_is_the_report() {
    let world = world_with_failures().await;
    configure(&world);
    world.embeddings.latency(Duration::from_millis(40));
    let (report, scrapes) = scraped(&world).await;
    assert_eq!(
        (report.written, report.failed, report.read),
        (GOOD, WITHOUT + REFUSED, GOOD + WITHOUT + REFUSED)
    );
    let running = |samples: &&Samples| whole(samples, "qlance_phase{phase=\"running\"}") == 1;
    let partly = scrapes.iter().filter(running);
    let partly = partly.filter(|samples| (1..report.read).contains(&whole(samples, "qlance_points{state=\"read\"}")));
    assert!(partly.count() > 1, "it was scraped while it ran");
    let last = scrapes.last().expect("scrapes");
    for (key, expected) in [
        ("qlance_points{state=\"read\"}", report.read),
        ("qlance_points{state=\"written\"}", report.written),
        ("qlance_points{state=\"failed\"}", report.failed),
        ("qlance_points{state=\"skipped\"}", report.skipped),
        ("qlance_points_in_hand", 0),
        ("qlance_collection_points", report.read),
        ("qlance_phase{phase=\"complete\"}", 1),
        ("qlance_embedding_requests_total", report.embedding.requests),
        ("qlance_embedding_inputs_total", report.embedding.inputs),
        ("qlance_embedding_tokens_total", report.embedding.tokens),
        ("qlance_divergent_rows", report.divergent),
        ("qlance_compared_rows", report.written),
        ("qlance_table_version", report.table.version),
        ("qlance_committed_rows_total", report.written),
        ("qlance_failures_total{cause=\"no_content\"}", WITHOUT),
        ("qlance_failures_total{cause=\"rejected\"}", REFUSED),
        ("qlance_failures_total{cause=\"gone\"}", 0),
        ("qlance_event_lines_total{outcome=\"dropped\"}", 0),
    ] {
        assert_eq!(whole(last, key), expected, "{key}");
    }
    let cost = last["qlance_cost_usd_total"];
    assert!(
        cost > 0.0 && (cost - report.embedding.cost_usd).abs() < 1e-9,
        "{cost}: {report:?}"
    );
    assert!(
        last["qlance_stage_latency_p50_seconds{stage=\"embed\"}"] >= 0.03,
        "{last:?}"
    );
    // All names that were seen are in the list, and in the documentation with it.
    let names: BTreeSet<String> = METRICS.iter().map(Metric::full_name).collect();
    for key in last.keys() {
        let name = key.split_once('{').map_or(key.as_str(), |(name, _)| name);
        assert!(names.contains(name), "{key}");
    }
    // What was logged is what was counted.
    let lines = events_of(&state_dir(&world));
    let written = whole(last, "qlance_event_lines_total{outcome=\"written\"}");
    assert_eq!(written, lines.len() as u64);
    let commits = lines.iter().filter(|line| line["event"] == "committed").count();
    assert_eq!(whole(last, "qlance_commits_total"), commits as u64);
}

/// The lines of an event log, each of them JSON.
fn events_of(dir: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(dir.join("events.jsonl")).expect("an event log");
    for secret in [MARKER, KEY, "poison", "KEYMARKER"] {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
    assert!(text.ends_with('\n'), "{text}");
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// The lines of one run are counted from 1 without a gap, in the order of time, and known by their names.
#[track_caller]
fn assert_in_order(lines: &[Value], job: &str) {
    let mut before = String::new();
    for (line, seq) in lines.iter().zip(1_u64..) {
        assert_eq!((&line["seq"], &line["job"]), (&json!(seq), &json!(job)), "{line}");
        assert_eq!(line["run"], lines[0]["run"], "{line}");
        assert!(EVENTS.contains(&line["event"].as_str().expect("a name")), "{line}");
        let time = line["time"].as_str().expect("a time").to_owned();
        let read: jiff::Timestamp = time.parse().expect("RFC 3339");
        assert_eq!(format!("{read:.3}"), time, "to the millisecond, in UTC");
        assert!(before <= time, "{before} and then {time}");
        before = time;
    }
}

fn of<'a>(lines: &'a [Value], event: &'a str) -> impl Iterator<Item = &'a Value> {
    lines.iter().filter(move |line| line["event"] == event)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_event_log_tells_of_runs_with_failures_and_quotes_nobody() {
    let world = world_with_failures().await;
    configure(&world);
    let output = world.qlance(&["run", "--json"]).await;
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    let dir = state_dir(&world);
    let job = dir.file_name().expect("a name").to_str().expect("UTF-8").to_owned();
    let first = events_of(&dir);
    assert_in_order(&first, &job);
    assert_eq!(
        (&first[0]["event"], &first[0]["points"]),
        (&json!("opened"), &report["read"])
    );
    let failed: BTreeMap<u64, &str> = of(&first, "point_failed")
        .map(|line| {
            (
                line["id"].as_u64().expect("an id"),
                line["cause"].as_str().expect("a cause"),
            )
        })
        .collect();
    let without = (1..=WITHOUT).map(|n| (1_000 + n, "no_content"));
    let refused = (1..=REFUSED).map(|n| (2_000 + n, "rejected"));
    assert_eq!(failed, without.chain(refused).collect());
    let rows: u64 = of(&first, "committed").filter_map(|line| line["rows"].as_u64()).sum();
    assert_eq!(rows, GOOD);
    let phases: Vec<&str> = of(&first, "phase_changed")
        .filter_map(|line| line["phase"].as_str())
        .collect();
    assert_eq!(phases, ["running", "complete"]);
    let last = first.last().expect("lines");
    assert_eq!((&last["event"], &last["lines_dropped"]), (&json!("ended"), &json!(0)));
    let ended = &last["report"];
    for field in [
        "status",
        "read",
        "written",
        "failed",
        "skipped",
        "divergent",
        "embedding",
    ] {
        assert_eq!(ended[field], report[field], "{field}");
    }
    let count = |field: &str| ended[field].as_u64().expect("a count");
    assert_eq!(count("read"), count("written") + count("failed") + count("skipped"));
    assert_eq!(
        (&ended["table"]["uri"], &ended["table"]["rows"]),
        (&Value::Null, &report["table"]["rows"])
    );

    // A retry is a run of its own, in the same file: refused once more, without the payload that was refused.
    let output = world.qlance(&["failures", "retry", "2001"]).await;
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let all = events_of(&dir);
    assert_eq!(all[..first.len()], first);
    let second = &all[first.len()..];
    assert_in_order(second, &job);
    assert_ne!(second[0]["run"], first[0]["run"]);
    let finished: Vec<&Value> = of(second, "retry_finished").collect();
    assert_eq!(finished.len(), 1, "{second:?}");
    assert_eq!(
        (&finished[0]["id"], &finished[0]["recovered"], &finished[0]["cause"]),
        (&json!(2001), &json!(false), &json!("rejected"))
    );
    let retried: Vec<&Value> = of(second, "retry_ended").collect();
    assert_eq!((retried.len(), &retried[0]["failed"]), (1, &json!(1)), "{second:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_stops_a_run_is_named_by_its_class_alone() {
    let world = world_with_failures().await;
    configure(&world);
    let body = format!(r#"{{"error":{{"message":"wrong key {KEY} for {MARKER}","code":"invalid_api_key"}}}}"#);
    world.embeddings.always(Behaviour::Status {
        code: 401,
        body,
        retry_after: None,
    });
    let (code, report) = world.run().await;
    assert!(code == 1 || code == 5, "{code}: {report}");
    let lines = events_of(&state_dir(&world));
    let stopped = of(&lines, "phase_changed").find(|line| line["phase"] == "stopped");
    assert_eq!(stopped.expect("it stopped")["reason"], "trouble");
    assert_eq!(lines.last().expect("lines")["report"]["status"], report["status"]);
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_no_events_stops_nothing() {
    let world = world_with_failures().await;
    configure(&world);
    let dir = state_dir(&world);
    std::fs::create_dir_all(&dir).expect("the state directory");
    std::os::unix::fs::symlink("/dev/full", dir.join("events.jsonl")).expect("a link");
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (3, &json!(GOOD)), "{report}");
    let log = std::fs::read_to_string(dir.join("qlance.log")).expect("a log");
    let told = log
        .lines()
        .filter(|line| line.contains("events.jsonl cannot be written"));
    assert_eq!(told.count(), 1, "{log}");
}

/// The address that the program tells on stderr.
async fn address_told(stderr: &mut (impl tokio::io::AsyncBufRead + Unpin)) -> SocketAddr {
    let mut text = String::new();
    loop {
        let begun = text.len();
        let read = tokio::time::timeout(Duration::from_secs(60), stderr.read_line(&mut text)).await;
        let read = read.expect("in time").expect("a line");
        assert!(read > 0, "it ended without an address: {text}");
        let line = text[begun..].trim_end();
        if let Some((_, rest)) = line.split_once("http://") {
            let (address, _) = rest.split_once("/metrics").expect("the path");
            return address.parse().expect("an address");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_serves_as_long_as_it_runs() {
    let world = world_with_failures().await;
    configure(&world);
    world.embeddings.latency(Duration::from_millis(100));
    let mut child = world.listen(&["run", "--json", "--metrics", "127.0.0.1:0"]);
    let mut stderr = BufReader::new(child.stderr.take().expect("piped"));
    let address = address_told(&mut stderr).await;
    assert!(address.ip().is_loopback(), "{address}");
    // Read on, or the pipe is full and the run stands still.
    let rest = tokio::spawn(async move {
        let mut text = String::new();
        let _ = stderr.read_to_string(&mut text).await;
        text
    });
    let (status, _, body) = get(address, "/healthz").await.expect("an answer");
    assert_eq!((status, body.as_str()), (200, "ok\n"));
    let (status, _, _) = get(address, "/").await.expect("an answer");
    assert_eq!(status, 404);
    let mut before = Samples::new();
    let mut scrapes = 0;
    // The run takes seconds: it is seen at work before it ends and takes its server with it.
    while let Ok((status, _, body)) = get(address, "/metrics").await {
        // The end of the process may cut an answer short.
        if status != 200 || !body.ends_with("# EOF\n") {
            break;
        }
        let samples = parse(&body);
        assert_conserved(&samples);
        assert_grown(&before, &samples);
        scrapes += usize::from(whole(&samples, "qlance_phase{phase=\"running\"}") == 1);
        before = samples;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut stdout = String::new();
    let mut pipe = child.stdout.take().expect("piped");
    pipe.read_to_string(&mut stdout).await.expect("a report");
    let status = child.wait().await.expect("it ends");
    let told = rest.await.expect("read");
    let report: Value = serde_json::from_str(&stdout).unwrap_or_else(|error| panic!("{error}: {stdout}{told}"));
    assert_eq!((status.code(), &report["written"]), (Some(3), &json!(GOOD)), "{told}");
    assert!(scrapes > 1, "scraped {scrapes} times while it ran");
    assert!(get(address, "/metrics").await.is_err(), "nobody listens any more");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_cannot_be_had_ends_it_before_the_work_begins() {
    let world = World::with(&messages(5)).await;
    world.config(&[]);
    let taken = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = taken.local_addr().expect("the port").to_string();
    for wanted in [address.as_str(), "nonsense", "::1:9464"] {
        let output = world.qlance(&["run", "--metrics", wanted]).await;
        assert_eq!(output.status.code(), Some(2), "{}", said(&output));
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(stderr.contains("--metrics") && stderr.contains(wanted), "{stderr}");
    }
    assert_eq!(world.embeddings.requests(), 0);
    assert!(!world.path().join("out.lance").exists());
}

/// Runs the job with spans for a collector at this address.
#[cfg(feature = "otel")]
async fn run_traced(world: &World, endpoint: &str) -> std::process::Output {
    let mut command = world.command(&["run", "--json"]);
    command.env("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
    command.output().await.expect("qlance runs")
}

#[cfg(feature = "otel")]
#[tokio::test(flavor = "multi_thread")]
async fn spans_reach_a_collector_and_quote_nobody() {
    let (sender, mut arrived) = mpsc::unbounded_channel::<axum::body::Bytes>();
    let take = move |body: axum::body::Bytes| async move {
        let _ = sender.send(body);
    };
    let router = axum::Router::new().route("/v1/traces", axum::routing::post(take));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let endpoint = format!("http://{}", listener.local_addr().expect("the port"));
    let collector = tokio::spawn(async move { axum::serve(listener, router).await });
    let world = world_with_failures().await;
    configure(&world);
    let output = run_traced(&world, &endpoint).await;
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let mut bytes = Vec::new();
    while let Ok(body) = arrived.try_recv() {
        bytes.extend_from_slice(&body);
    }
    // Protobuf leaves texts as they are.
    let holds = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    for name in ["run", "page", "embedding request", "commit", "service.name", "qlance"] {
        assert!(holds(name), "{name} is not among {} bytes", bytes.len());
    }
    for secret in [MARKER, KEY, "poison"] {
        assert!(!holds(secret), "{secret}");
    }
    collector.abort();
}

#[cfg(feature = "otel")]
#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_gone_changes_nothing() {
    let world = world_with_failures().await;
    configure(&world);
    // Somebody who accepts and never answers: worse than nobody.
    let silent = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let endpoint = format!("http://{}", silent.local_addr().expect("the port"));
    let begun = std::time::Instant::now();
    let output = run_traced(&world, &endpoint).await;
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    let report: Value = serde_json::from_slice(&output.stdout).expect("a report");
    assert_eq!(report["written"], json!(GOOD));
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

/// The table of all metrics, as it stands in the documentation.
fn table() -> String {
    let mut lines = vec![
        "| metric | type | label | what it says |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    lines.extend(METRICS.iter().map(|metric| {
        let label = metric.label.map(|label| format!("`{label}`")).unwrap_or_default();
        format!(
            "| `{}` | {} | {label} | {} |",
            metric.full_name(),
            metric.kind.as_str(),
            metric.help
        )
    }));
    lines.join("\n")
}

#[test]
fn the_documentation_lists_every_metric_and_every_event() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/metrics.md");
    let found = std::fs::read_to_string(&path).expect("docs/metrics.md");
    let (before, rest) = found.split_once("<!-- metrics -->").expect("the mark of the table");
    let (_, after) = rest.split_once("<!-- /metrics -->").expect("the end of the table");
    let wanted = format!("{before}<!-- metrics -->\n\n{}\n\n<!-- /metrics -->{after}", table());
    if std::env::var_os("QLANCE_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &wanted).expect("written");
    } else {
        let stale = "docs/metrics.md is stale; QLANCE_UPDATE_DOCS=1 cargo test --test it metrics makes it anew";
        assert_eq!(found, wanted, "{stale}");
    }
    for event in EVENTS {
        assert!(
            found.contains(&format!("| `{event}` |")),
            "{event} is not in docs/metrics.md"
        );
    }
    let shown: BTreeSet<&str> = found
        .split('`')
        .filter(|word| word.starts_with("qlance_") && is_name(word))
        .collect();
    let names: BTreeSet<String> = METRICS.iter().map(Metric::full_name).collect();
    for name in shown {
        assert!(names.contains(name), "docs/metrics.md names {name}, which is no metric");
    }
}
