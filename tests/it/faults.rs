//! The faults of a provider, each with its exact outcome: whole runs by the real binary against a server that
//! misbehaves on demand, and the gateway alone where the outcome is a time or a rate. What a single request means for its
//! inputs is in `embed`; Qdrant's faults, disks that fill and kills at random moments are in `chaos`.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use futures::{StreamExt as _, stream};
use qlance::config::EmbedConfig;
use qlance::embed::openai::OpenAi;
use qlance::embed::tokens::Tokenizer;
use qlance::embed::{Caller, Gateway, Input, Role};
use qlance::point::{Modality, Point};
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::timeout;

use crate::support::embeddings_server::{Behaviour, EmbeddingsServer, Fate, RateLimit, Recorded, embedding_of};
use crate::support::world::{SIZE, World, messages, point, said, wait_for};

/// Points of a run in one page.
const POINTS: u64 = 60;
/// The requests that they take.
const REQUESTS: usize = 6;
/// Points of a run in pages of one request each.
const MANY: u64 = 200;
/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// A model whose tokenizer is known, and one whose is not.
const MODEL: &str = "text-embedding-3-small";
const UNKNOWN: &str = "test-model";
/// Words of one token each, their blank included.
const WORDS: [&str; 20] = [
    "the", "and", "for", "you", "not", "are", "but", "all", "can", "was", "one", "our", "out", "has", "new", "now",
    "any", "may", "say", "see",
];

/// One page, its requests one after another in the order of the points.
fn configure(world: &World, embed: &str) {
    let embed = format!("max_in_flight = 1\nmax_batch_inputs = 10\n{embed}");
    world.config(&[
        ("source", "page_points = 100\nranges = 1\n"),
        ("embed.text", embed.as_str()),
        ("pipeline", "index = false\n"),
    ]);
}

/// Pages of one request each, every one committed as it comes.
fn configure_pages(world: &World, embed: &str, pipeline: &str) {
    let embed = format!("max_batch_inputs = 20\n{embed}");
    let pipeline = format!("index = false\n{pipeline}");
    world.config(&[
        ("source", "page_points = 20\nranges = 1\n"),
        ("target", "commit_rows = 20\n"),
        ("embed.text", embed.as_str()),
        ("pipeline", pipeline.as_str()),
    ]);
}

/// The configuration with something else in the place of `from`.
fn replace(world: &World, from: &str, to: &str) {
    let path = world.path().join("qlance.toml");
    let text = std::fs::read_to_string(&path).expect("the configuration");
    assert!(text.contains(from), "{from:?} is not in {text}");
    std::fs::write(path, text.replace(from, to)).expect("the configuration is written");
}

/// Another server, and nothing left of the runs before.
async fn begin_anew(world: &mut World) {
    world.embeddings = EmbeddingsServer::start().await;
    for left in ["out.lance", ".qlance"] {
        let path = world.path().join(left);
        if path.exists() {
            std::fs::remove_dir_all(path).expect("removed");
        }
    }
}

fn status(code: u16, body: &str, retry_after: Option<&str>) -> Behaviour {
    Behaviour::Status {
        code,
        body: body.into(),
        retry_after: retry_after.map(str::to_owned),
    }
}

fn throttled(retry_after: Option<&str>) -> Behaviour {
    let body = r#"{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}"#;
    status(429, body, retry_after)
}

/// An error in an answer of success.
fn inside(code: Value) -> Behaviour {
    let body = json!({"error": {"message": "not now", "code": code}});
    status(200, &body.to_string(), None)
}

fn content_of(point: &Point) -> &str {
    point.payload["content"].as_str().expect("a text")
}

/// What a command prints as JSON lines; it must end well.
async fn lines(world: &World, args: &[&str]) -> Vec<Value> {
    let output = world.qlance(args).await;
    assert!(output.status.success(), "{args:?}: {}", said(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

async fn failures(world: &World) -> Vec<Value> {
    lines(world, &["failures", "list", "--json"]).await
}

/// The logs of the runs.
fn log(world: &World) -> String {
    let Ok(jobs) = std::fs::read_dir(world.path().join(".qlance")) else {
        return String::new();
    };
    jobs.filter_map(|job| std::fs::read_to_string(job.ok()?.path().join("qlance.log")).ok())
        .collect()
}

#[track_caller]
fn assert_complete((code, report): &(i32, Value), points: &[Point], what: &str) {
    assert_eq!(
        (*code, &report["status"], &report["failed"], &report["written"]),
        (0, &json!("complete"), &json!(0), &json!(points.len())),
        "{what}: {report}"
    );
}

#[track_caller]
fn assert_says(report: &Value, words: &[&str]) {
    let error = report["error"].as_str().expect("a reason");
    for word in words {
        assert!(error.contains(word), "{error:?} does not say {word:?}");
    }
}

/// Every point is in the table once, whole, with the embedding of its own text; none is among the failures.
async fn assert_arrived(world: &World, points: &[Point], what: &str) {
    let rows = world.rows().await;
    assert_eq!(rows.len(), points.len(), "{what}");
    for (row, point) in rows.iter().zip(points) {
        assert_eq!((row.point.id, &row.point.payload), (point.id, &point.payload), "{what}");
        let expected = embedding_of(content_of(point), SIZE);
        assert_eq!(row.embedding.as_deref(), Some(&expected[..]), "{what}: {}", point.id);
    }
    assert_eq!(failures(world).await, Vec::<Value>::new(), "{what}");
}

#[track_caller]
fn assert_paid_once(world: &World, points: &[Point], what: &str) {
    let paid = world.embeddings.paid();
    for point in points {
        let text = content_of(point);
        assert_eq!(paid.get(text), Some(&1), "{what}: {text}");
    }
}

/// Runs of which the first request is answered, so many after it meet the fault, and all others are answered.
async fn assert_costs_no_point(cases: Vec<(&str, Behaviour, usize)>) {
    let points = messages(POINTS);
    let mut world = World::with(&points).await;
    for (what, fault, times) in cases {
        begin_anew(&mut world).await;
        let in_time = if fault == Behaviour::Hang {
            "timeout_seconds = 1\n"
        } else {
            ""
        };
        configure(&world, in_time);
        // The order of an answer is not said to be that of the question: no fault at all.
        let again = if fault == Behaviour::ShuffledOrder { 0 } else { times };
        world.embeddings.then([Behaviour::Good]);
        world.embeddings.then(vec![fault; times]);
        let end = world.run().await;
        assert_complete(&end, &points, what);
        let embedding = &end.1["embedding"];
        assert_eq!(
            (&embedding["requests"], &embedding["inputs"]),
            (&json!(REQUESTS + again), &json!(POINTS)),
            "{what}"
        );
        assert_eq!(world.embeddings.requests(), REQUESTS + again, "{what}");
        assert_arrived(&world, &points, what).await;
        assert_paid_once(&world, &points, what);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_throttles_is_waited_for() {
    assert_costs_no_point(vec![
        ("429 without a header", throttled(None), 3),
        ("429 inside of a success", inside(json!(429)), 3),
        ("503 with Retry-After", status(503, "busy", Some("1")), 1),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_time_that_a_throttling_server_names_is_waited_out() {
    let points = messages(POINTS);
    let mut world = World::with(&points).await;
    // A date has whole seconds: two from now are more than one.
    let spellings: [fn() -> String; 2] = [
        || "1".to_owned(),
        || httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(2)),
    ];
    for retry_after in spellings {
        begin_anew(&mut world).await;
        configure(&world, "");
        world.embeddings.then([Behaviour::Good]);
        let mut fault = Some(retry_after);
        let chooser = move || {
            fault
                .take()
                .map_or(Behaviour::Good, |retry_after| throttled(Some(&retry_after())))
        };
        world.embeddings.chosen_by(Some(Box::new(chooser)));
        let end = world.run().await;
        assert_complete(&end, &points, "429 with Retry-After");
        let recorded = world.embeddings.recorded();
        assert_eq!(recorded.len(), REQUESTS + 1);
        let pause = recorded[2].arrived.duration_since(recorded[1].ended.expect("answered"));
        assert!(pause >= Duration::from_millis(900), "{pause:?}");
        assert_arrived(&world, &points, "429 with Retry-After").await;
        assert_paid_once(&world, &points, "429 with Retry-After");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_in_trouble_is_tried_again() {
    assert_costs_no_point(vec![
        ("500", status(500, "sorry", None), 3),
        ("500 inside of a success", inside(json!("500")), 3),
        ("cut in the body", Behaviour::CutConnection, 3),
        ("no answer", Behaviour::Hang, 1),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_makes_no_sense_is_asked_for_again() {
    assert_costs_no_point(vec![
        ("wrong count", Behaviour::WrongCount, 2),
        ("wrong indices", Behaviour::BrokenIndices, 2),
        ("not JSON", status(200, "embeddings: none today", None), 2),
        ("HTML", Behaviour::Garbage, 2),
        ("an error without a code inside of a success", inside(Value::Null), 2),
        ("another order with the right indices", Behaviour::ShuffledOrder, 3),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_end_is_cut_off_and_asked_for_again() {
    let points = messages(POINTS);
    let world = World::with(&points).await;
    configure(&world, "");
    world.embeddings.then([Behaviour::Good, Behaviour::Endless]);
    let end = world.run().await;
    assert_complete(&end, &points, "endless");
    let said = log(&world);
    assert!(said.contains("the answer is larger than 268435456 bytes"), "{said}");
    assert_eq!(world.embeddings.requests(), REQUESTS + 1);
    assert_arrived(&world, &points, "endless").await;
    assert_paid_once(&world, &points, "endless");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_pass_by_itself_stops_the_run_says_what_to_mend_and_fails_no_point() {
    let points = messages(POINTS);
    let mut world = World::with(&points).await;
    let elsewhere = EmbeddingsServer::start().await;
    let moved = Behaviour::redirect(&format!("{}/embeddings", elsewhere.base_url()));
    for (fault, words) in [
        (Behaviour::WrongDimension(13), ["13 numbers", "set dimensions = 13"]),
        (moved, ["redirects to another address", "set embed.text.base_url"]),
        (Behaviour::WrongCount, ["failed 3 times", "9 embeddings for 10 inputs"]),
    ] {
        let what = words[0];
        begin_anew(&mut world).await;
        configure(&world, "");
        world.embeddings.then([Behaviour::Good]);
        world.embeddings.always(fault);
        let (code, report) = world.run().await;
        // Nothing is settled before the whole page is: an error, not a stop.
        assert_eq!(
            (code, &report["status"], &report["failed"], &report["written"]),
            (1, &json!("error"), &json!(0), &json!(0)),
            "{what}: {report}"
        );
        assert_says(&report, &words);
        assert_eq!(failures(&world).await, Vec::<Value>::new(), "{what}");
        assert!(!world.path().join("out.lance/messages.lance").exists(), "{what}");
        // Mended: the same command goes on, and what was answered before is not asked for again.
        world.embeddings.always(Behaviour::Good);
        let end = world.run().await;
        assert_complete(&end, &points, what);
        assert_eq!(end.1["embedding"]["inputs"], json!(POINTS - 10), "{what}");
        assert_arrived(&world, &points, what).await;
        assert_paid_once(&world, &points, what);
    }
    assert_eq!(elsewhere.requests(), 0, "a redirect is not followed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vector_with_nan_fails_its_own_point_and_a_retry_brings_it_over() {
    let points = messages(POINTS);
    let world = World::with(&points).await;
    configure(&world, "");
    world.embeddings.then([Behaviour::Good, Behaviour::NaN]);
    let (code, report) = world.run().await;
    assert_eq!(
        (code, &report["status"], &report["failed"], &report["written"]),
        (3, &json!("complete"), &json!(1), &json!(POINTS - 1)),
        "{report}"
    );
    // The second request holds messages 11 to 20; the middle one is the sixth of them.
    let failed = failures(&world).await;
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert_eq!(
        (&failed[0]["id"], &failed[0]["cause"], &failed[0]["attempts"]),
        (&json!(16), &json!("bad_vector"), &json!(1))
    );
    assert_eq!(world.embeddings.requests(), REQUESTS);
    let output = world.qlance(&["failures", "retry"]).await;
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let last = world.embeddings.recorded().pop().expect("requests");
    assert_eq!(last.inputs, ["message 16"], "nothing else is asked for again");
    assert_arrived(&world, &points, "NaN").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_vectors_turn_bad_fails_no_point_where_a_request_has_one_input() {
    let points = messages(POINTS);
    let world = World::with(&points).await;
    configure(&world, "");
    replace(&world, "max_batch_inputs = 10", "max_batch_inputs = 1");
    world.embeddings.then(vec![Behaviour::Good; 20]);
    world.embeddings.always(Behaviour::NaN);
    let (code, report) = world.run().await;
    assert_eq!((code, &report["failed"]), (1, &json!(0)), "{report}");
    assert_says(&report, &["not even that of a plain word"]);
    assert_eq!(failures(&world).await, Vec::<Value>::new());
    world.embeddings.always(Behaviour::Good);
    assert_complete(&world.run().await, &points, "mended");
    assert_arrived(&world, &points, "mended").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_longer_than_all_tries_is_waited_out_by_one_request_at_a_time() {
    // With pauses of 10 to 50 ms about a second and a half.
    const TRIES: usize = 40;
    let points = messages(MANY);
    let world = World::with(&points).await;
    configure_pages(&world, "max_in_flight = 4\n", "outage_patience = \"10m\"\n");
    world.embeddings.then(vec![Behaviour::Good; 3]);
    world.embeddings.always(status(500, "sorry", None));
    let (end, ()) = tokio::join!(world.run(), async {
        wait_for("an outage of many tries", || world.embeddings.requests() >= 3 + TRIES).await;
        world.embeddings.always(Behaviour::Good);
    });
    assert_complete(&end, &points, "outage");
    // What was in flight when it began is long over by then.
    let recorded = world.embeddings.recorded();
    let probes = &recorded[TRIES - 10..TRIES + 3];
    assert!(probes.iter().all(|request| request.in_flight == 1), "{probes:?}");
    assert!(log(&world).contains("answers again"), "{}", log(&world));
    assert_arrived(&world, &points, "outage").await;
    assert_paid_once(&world, &points, "outage");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_goes_away_and_comes_back_costs_no_point() {
    let points = messages(MANY);
    let world = World::with(&points).await;
    let mut door = Door::before(&world.embeddings).await;
    configure_pages(&world, "max_in_flight = 4\n", "outage_patience = \"10m\"\n");
    replace(&world, &world.embeddings.base_url(), &door.base_url());
    world.embeddings.then(vec![Behaviour::Good; 3]);
    world.embeddings.always(Behaviour::Hang);
    let (end, ()) = tokio::join!(world.run(), async {
        wait_for("requests in flight", || world.embeddings.requests() == 3 + 4).await;
        world.embeddings.always(Behaviour::Good);
        door.shut().await;
        wait_for("many tries at a door that is shut", || {
            log(&world).matches("cannot connect").count() >= 20
        })
        .await;
        door.open();
    });
    assert_complete(&end, &points, "gone");
    assert_arrived(&world, &points, "gone").await;
    assert_paid_once(&world, &points, "gone");
}

/// The figure of docs/reliability.md, with the pauses that operators have.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes more than a minute: cargo test --test it -- --ignored --nocapture an_outage_of_a_minute"]
async fn an_outage_of_a_minute_in_mid_run_fails_no_point_and_the_run_completes_by_itself() {
    const OUTAGE: Duration = Duration::from_secs(60);
    let points = messages(MANY);
    let world = World::with(&points).await;
    let mut door = Door::before(&world.embeddings).await;
    configure_pages(&world, "max_in_flight = 4\n", "");
    replace(&world, &world.embeddings.base_url(), &door.base_url());
    for pause in ["backoff_min_ms = 10\n", "backoff_max_ms = 50\n"] {
        replace(&world, pause, "");
    }
    world.embeddings.then(vec![Behaviour::Good; 3]);
    world.embeddings.always(Behaviour::Hang);
    let begun = Instant::now();
    let (end, ()) = tokio::join!(world.run(), async {
        wait_for("requests in flight", || world.embeddings.requests() == 3 + 4).await;
        world.embeddings.always(Behaviour::Good);
        door.shut().await;
        tokio::time::sleep(OUTAGE).await;
        door.open();
    });
    let took = begun.elapsed();
    assert_complete(&end, &points, "a minute");
    assert_arrived(&world, &points, "a minute").await;
    assert_paid_once(&world, &points, "a minute");
    let tries = log(&world).matches("cannot connect").count();
    println!(
        "{} points, none failed, {took:.1?} with an outage of {OUTAGE:?}, {tries} tries in it",
        points.len()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_patience_an_outage_stops_the_run_and_the_same_command_goes_on() {
    let points = messages(MANY);
    let world = World::with(&points).await;
    configure_pages(&world, "max_in_flight = 1\n", "outage_patience = \"0s\"\n");
    world.embeddings.then(vec![Behaviour::Good; 3]);
    world.embeddings.always(status(500, "sorry", None));
    let (code, report) = world.run().await;
    assert_eq!(
        (code, &report["status"], &report["failed"]),
        (5, &json!("stopped"), &json!(0)),
        "{report}"
    );
    assert_says(&report, &["the embedder failed", "HTTP 500: sorry"]);
    let written = report["written"].as_u64().expect("a number");
    assert!((20..=60).contains(&written), "{report}");
    assert_eq!(failures(&world).await, Vec::<Value>::new());
    world.embeddings.always(Behaviour::Good);
    let end = world.run().await;
    assert_complete(&end, &points, "mended");
    assert_eq!(end.1["resumed"], true);
    assert_arrived(&world, &points, "mended").await;
    assert_paid_once(&world, &points, "mended");
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_first_contact_an_outage_is_an_error_at_once() {
    let points = messages(10);
    let world = World::with(&points).await;
    configure(&world, "");
    world.embeddings.always(status(500, "sorry", None));
    let (code, report) = world.run().await;
    assert_eq!((code, &report["failed"]), (1, &json!(0)), "{report}");
    assert_says(&report, &["failed 3 times", "HTTP 500: sorry"]);
    assert_eq!(world.embeddings.requests(), 3);
    // Port 1 is reserved, and nobody listens there.
    replace(&world, &world.embeddings.base_url(), "http://127.0.0.1:1/v1");
    let (code, report) = world.run().await;
    assert_eq!((code, &report["failed"]), (1, &json!(0)), "{report}");
    assert_says(&report, &["failed 3 times", "cannot connect"]);
    configure(&world, "");
    world.embeddings.always(Behaviour::Good);
    let end = world.run().await;
    assert_complete(&end, &points, "mended");
    assert_arrived(&world, &points, "mended").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_refused_in_mid_run_is_mended_in_its_file_and_the_same_command_goes_on() {
    const OLD: &str = "sk-old-0123456789abcdef";
    const NEW: &str = "sk-new-0123456789abcdef";
    let points = messages(MANY);
    let world = World::with(&points).await;
    let file = world.path().join("key");
    std::fs::write(&file, format!("{OLD}\n")).expect("written");
    configure_pages(&world, "max_in_flight = 1\napi_key_file = \"key\"\n", "");
    let refused = json!({"error": {"message": format!("Incorrect API key provided: {OLD}")}});
    world.embeddings.then(vec![Behaviour::Good; 3]);
    world.embeddings.always(status(401, &refused.to_string(), None));
    let (code, report) = world.run().await;
    assert_eq!(
        (code, &report["status"], &report["failed"]),
        (5, &json!("stopped"), &json!(0)),
        "{report}"
    );
    assert_says(&report, &["refuses the key", "api_key_file"]);
    assert!(!report.to_string().contains(OLD), "{report}");
    assert_ne!(report["written"], 0, "{report}");
    let before = world.embeddings.recorded();
    assert!(has_key(&before, OLD));

    std::fs::write(&file, NEW).expect("written");
    world.embeddings.always(Behaviour::Good);
    let end = world.run().await;
    assert_complete(&end, &points, "mended");
    assert_eq!(end.1["resumed"], true);
    assert!(has_key(&world.embeddings.recorded()[before.len()..], NEW));
    assert_arrived(&world, &points, "mended").await;
    assert_paid_once(&world, &points, "mended");
}

fn has_key(requests: &[Recorded], key: &str) -> bool {
    let expected = format!("Bearer {key}");
    requests
        .iter()
        .all(|request| request.authorization.as_ref() == Some(&expected))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_paid_for_before_a_kill_is_not_paid_for_again() {
    const ANSWERS: usize = 20;
    const IN_FLIGHT: usize = 4;
    let points = messages(300);
    let world = World::with(&points).await;
    world.config(&[
        ("source", "page_points = 50\nranges = 1\n"),
        ("target", "commit_rows = 100000\ncommit_seconds = 3600\n"),
        ("embed.text", "max_in_flight = 4\nmax_batch_inputs = 10\n"),
        ("pipeline", "index = false\n"),
    ]);
    world.embeddings.then(vec![Behaviour::Good; ANSWERS]);
    world.embeddings.always(Behaviour::Hang);
    let mut child = world.start(&["run"]);
    wait_for("answers, and requests behind them", || {
        world.embeddings.requests() == ANSWERS + IN_FLIGHT
    })
    .await;
    child.kill().await.expect("killed");
    assert!(
        !world.path().join("out.lance/messages.lance").exists(),
        "nothing was committed"
    );
    let mut answered: Vec<Recorded> = world.embeddings.recorded();
    answered.retain(|request| request.fate == Fate::Paid);
    assert_eq!(answered.len(), ANSWERS);
    // The last ones may have been on their way into the spool.
    answered.sort_by_key(|request| request.ended);
    let on_the_way: BTreeSet<&String> = answered[ANSWERS - IN_FLIGHT..]
        .iter()
        .flat_map(|request| &request.inputs)
        .collect();

    world.embeddings.always(Behaviour::Good);
    let end = world.run().await;
    assert_complete(&end, &points, "after the kill");
    assert_arrived(&world, &points, "after the kill").await;
    let mut again = 0;
    for (text, times) in world.embeddings.paid() {
        again += times - 1;
        assert!(
            times == 1 || (times == 2 && on_the_way.contains(&text)),
            "{text:?} was paid for {times} times"
        );
    }
    let inputs = end.1["embedding"]["inputs"].as_u64().expect("a number");
    println!("{again} inputs were paid for again; the second run asked for {inputs} of 300");
    assert_eq!(inputs, 100 + again, "{}", end.1);
}

/// A text of so many words, one token each.
fn words(count: usize, first: usize) -> String {
    let words: Vec<&str> = WORDS.into_iter().cycle().skip(first).take(count).collect();
    words.join(" ")
}

fn tokens(text: &str) -> usize {
    Tokenizer::of_model(MODEL).count(text, 0).get()
}

/// Five short texts and two that are too long, run with a model that takes 20 tokens.
async fn run_too_long(too_long: &str, model: &str) -> (World, Vec<Point>, (i32, Value)) {
    let mut points = messages(5);
    // 41 words end, in pieces of 18 or 19, with a piece of a few bytes.
    points.push(point(101, json!({"content": words(41, 0)})));
    points.push(point(102, json!({"content": words(60, 7)})));
    let world = World::with(&points).await;
    configure(&world, &format!("max_input_tokens = 20\ntoo_long = \"{too_long}\"\n"));
    replace(&world, UNKNOWN, model);
    let end = world.run().await;
    (world, points, end)
}

fn inputs_of(world: &World) -> Vec<String> {
    let requests = world.embeddings.recorded();
    requests.into_iter().flat_map(|request| request.inputs).collect()
}

/// The rows of the two long texts, each with its whole text and with the pieces of it that the server saw.
async fn long_rows(world: &World, points: &[Point]) -> Vec<(Vec<f32>, String, Vec<String>)> {
    let rows = world.rows().await;
    let inputs = inputs_of(world);
    let mut long = Vec::new();
    for point in &points[5..] {
        let row = rows.iter().find(|row| row.point.id == point.id).expect("a row");
        assert_eq!(row.point.payload, point.payload, "the payload stays as it is");
        let mut rest = content_of(point);
        let mut pieces = Vec::new();
        for input in &inputs {
            if let Some(after) = rest.strip_prefix(input.as_str()) {
                pieces.push(input.clone());
                rest = after;
            }
        }
        let embedding = row.embedding.clone().expect("an embedding");
        long.push((embedding, content_of(point).to_owned(), pieces));
    }
    long
}

fn listed(id: u64, how: &str, whole: &str, pieces: &[String]) -> Value {
    let embedded: usize = pieces.iter().map(|piece| tokens(piece)).sum();
    json!({"id": id, "how": how, "tokens": tokens(whole), "embedded": embedded, "pieces": pieces.len()})
}

/// The mean of the pieces' embeddings, weighted by their tokens, of length one.
fn mean(pieces: &[String]) -> Vec<f32> {
    let mut sum = [0.0_f64; SIZE];
    for piece in pieces {
        let weight = tokens(piece) as f64;
        for (sum, number) in sum.iter_mut().zip(embedding_of(piece, SIZE)) {
            *sum += f64::from(number) * weight;
        }
    }
    let length = sum.iter().map(|number| number * number).sum::<f64>().sqrt();
    sum.iter().map(|number| (number / length) as f32).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_too_long_fails_unless_told_otherwise() {
    let (world, points, (code, report)) = run_too_long("fail", MODEL).await;
    assert_eq!(
        (code, &report["failed"], &report["written"], &report["shortened"]),
        (3, &json!(2), &json!(5), &json!(0)),
        "{report}"
    );
    let failed = failures(&world).await;
    assert_eq!(failed.len(), 2, "{failed:?}");
    for (failure, point) in failed.iter().zip(&points[5..]) {
        let expected = format!("{} tokens; {MODEL} takes 20", tokens(content_of(point)));
        assert_eq!(
            (&failure["id"], &failure["cause"], &failure["error"]),
            (&json!(point.id), &json!("too_long"), &json!(expected))
        );
    }
    assert_eq!(world.embeddings.inputs(), 5, "what cannot be embedded is not asked for");
    assert_eq!(lines(&world, &["shortened", "--json"]).await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_truncated_has_the_embedding_of_its_beginning_and_is_listed() {
    let (world, points, end) = run_too_long("truncate", MODEL).await;
    assert_complete(&end, &points, "truncate");
    assert_eq!(end.1["shortened"], 2, "{}", end.1);
    let mut expected = Vec::new();
    for ((embedding, whole, pieces), id) in long_rows(&world, &points).await.into_iter().zip([101, 102]) {
        let [beginning] = &pieces[..] else {
            panic!("{pieces:?} of {whole:?}")
        };
        assert!((10..=20).contains(&tokens(beginning)), "{beginning:?}");
        assert_eq!(embedding, embedding_of(beginning, SIZE), "{beginning:?}");
        expected.push(listed(id, "truncated", &whole, &pieces));
    }
    assert_eq!(lines(&world, &["shortened", "--json"]).await, expected);
    assert_eq!(world.embeddings.inputs(), 7);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_cut_into_chunks_has_their_weighted_mean_and_is_listed() {
    let (world, points, end) = run_too_long("chunks", MODEL).await;
    assert_complete(&end, &points, "chunks");
    assert_eq!(end.1["shortened"], 2, "{}", end.1);
    let mut expected = Vec::new();
    for ((embedding, whole, pieces), id) in long_rows(&world, &points).await.into_iter().zip([101, 102]) {
        assert_eq!(pieces.concat(), whole, "all of it is embedded");
        assert!(pieces.iter().all(|piece| tokens(piece) <= 20), "{pieces:?}");
        let near = |(a, b): (&f32, f32)| (a - b).abs() < 1e-5;
        assert!(
            embedding.iter().zip(mean(&pieces)).all(near),
            "{embedding:?} is not {:?}, the mean of {pieces:?}",
            mean(&pieces)
        );
        expected.push(listed(id, "chunked", &whole, &pieces));
    }
    assert_eq!(lines(&world, &["shortened", "--json"]).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_tokens_cannot_be_counted_nothing_is_shortened_by_guess() {
    let (world, _, (code, report)) = run_too_long("truncate", UNKNOWN).await;
    assert_eq!((code, &report["status"]), (1, &json!("error")), "{report}");
    assert_says(&report, &[UNKNOWN, "embed.text.tokenizer_file", "too_long = \"fail\""]);
    // The way out is one: another file is asked for, not another key.
    replace(
        &world,
        "too_long = \"truncate\"",
        "too_long = \"truncate\"\ntokenizer_file = \"nowhere.json\"",
    );
    let output = world.qlance(&["run"]).await;
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(stderr.contains("nowhere.json"), "{stderr}");
    assert_eq!(world.embeddings.requests(), 0);
}

/// A way to the server that can be shut. At one that is shut nobody listens, and who was inside is cut off.
struct Door {
    address: SocketAddr,
    behind: SocketAddr,
    serving: JoinHandle<()>,
    /// Keeps the place while nobody listens.
    place: Option<TcpSocket>,
}

impl Door {
    async fn before(server: &EmbeddingsServer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        Self {
            address: listener.local_addr().expect("the port"),
            behind: server.address(),
            serving: tokio::spawn(let_through(listener, server.address())),
            place: None,
        }
    }

    fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    async fn shut(&mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_reuseaddr(true).expect("an option");
        socket.bind(self.address).expect("the same port");
        self.place = Some(socket);
    }

    fn open(&mut self) {
        let socket = self.place.take().expect("shut");
        let listener = socket.listen(1_024).expect("a listener");
        self.serving = tokio::spawn(let_through(listener, self.behind));
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn let_through(listener: TcpListener, behind: SocketAddr) {
    // Ends with this task, and with it all connections.
    let mut inside = JoinSet::new();
    while let Ok((mut client, _)) = listener.accept().await {
        inside.spawn(async move {
            if let Ok(mut server) = TcpStream::connect(behind).await {
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            }
        });
    }
}

/// A well-behaved server, and a gateway before it that sends one text a request.
async fn rig(set: impl FnOnce(&mut EmbedConfig)) -> (EmbeddingsServer, Gateway) {
    let server = EmbeddingsServer::start().await;
    let mut config = EmbedConfig {
        base_url: server.base_url(),
        dimensions: SIZE,
        max_batch_inputs: 1,
        backoff_min_ms: 1,
        backoff_max_ms: 5,
        ..EmbedConfig::openai()
    };
    set(&mut config);
    let embedder = OpenAi::new(&config, &[Modality::Text], None).expect("a client");
    (server, Gateway::new(Arc::new(embedder), &config))
}

fn texts(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("text {n}")).collect()
}

/// Embeds texts; each must get its own embedding.
async fn embed(gateway: &Gateway, texts: &[String]) {
    let inputs: Vec<Input> = texts.iter().map(|text| Input::Text(text.as_str().into())).collect();
    let outcomes = timeout(PATIENCE, gateway.embed(&inputs, Role::Document, Caller::Migration))
        .await
        .expect("the gateway comes to an end")
        .expect("no outage");
    assert_eq!(outcomes.len(), texts.len());
    for (outcome, text) in outcomes.iter().zip(texts) {
        assert_eq!(outcome.as_deref(), Ok(&embedding_of(text, SIZE)[..]), "{text:?}");
    }
}

#[tokio::test]
async fn throttling_halves_what_may_be_in_flight_and_answers_raise_it_again() {
    let (server, gateway) = rig(|config| config.max_in_flight = 8).await;
    server.then([throttled(Some("0"))]);
    embed(&gateway, &texts(1)).await;
    assert_eq!(gateway.gate().allowed(), 4);
    // One more a round of answers, from 4 to 8.
    embed(&gateway, &texts(250)).await;
    assert_eq!(gateway.gate().allowed(), 8);
}

#[tokio::test]
async fn a_limit_that_an_answer_says_is_used_up_holds_the_next_request_and_is_named() {
    let (server, gateway) = rig(|_| {}).await;
    let used_up = Behaviour::Good.with_headers(&[
        ("x-ratelimit-remaining-requests", "0"),
        ("x-ratelimit-reset-requests", "300ms"),
    ]);
    server.then([used_up]);
    embed(&gateway, &texts(1)).await;
    let (until, reason) = gateway.gate().held().expect("held");
    assert!(until <= Instant::now() + Duration::from_millis(300));
    assert!(
        reason.contains("throttled") && reason.contains("requests/min"),
        "{reason}"
    );
    embed(&gateway, &texts(2)).await;
    let recorded = server.recorded();
    assert_eq!(recorded.len(), 2);
    let pause = recorded[1].arrived.duration_since(recorded[0].ended.expect("answered"));
    assert!(pause >= Duration::from_millis(300), "{pause:?}");
    assert!(gateway.gate().held().is_none());
}

#[tokio::test]
async fn try_now_ends_a_hold_at_once() {
    for fault in [throttled(Some("300")), status(500, "sorry", None)] {
        let (server, gateway) = rig(|config| {
            // Three times longer than the test's patience.
            config.backoff_min_ms = 60_000;
            config.backoff_max_ms = 60_000;
        })
        .await;
        server.then([fault]);
        let texts = texts(1);
        let by_hand = async {
            wait_for("a hold", || gateway.gate().held().is_some()).await;
            gateway.try_now();
        };
        tokio::join!(embed(&gateway, &texts), by_hand);
        assert_eq!(server.requests(), 2);
        assert!(gateway.gate().held().is_none() && gateway.outage().is_none());
    }
}

#[tokio::test]
async fn waiting_for_a_limit_ten_times_is_no_attempt() {
    let (server, gateway) = rig(|config| config.max_attempts = 1).await;
    server.then(vec![throttled(None); 10]);
    embed(&gateway, &texts(1)).await;
    assert_eq!((server.requests(), gateway.usage().requests), (11, 11));
}

/// The share of a limit that 300 requests, 50 at once, make use of after the first burst.
async fn share_of(limit: RateLimit) -> f64 {
    let (server, gateway) = rig(|config| {
        config.max_in_flight = 50;
        config.max_attempts = 1;
    })
    .await;
    server.rate_limit(limit);
    let asking = &gateway;
    stream::iter(texts(300))
        .map(|text| async move { embed(asking, &[text]).await })
        .buffer_unordered(50)
        .collect::<Vec<()>>()
        .await;
    let recorded = server.recorded();
    let mut answered: Vec<Instant> = recorded
        .iter()
        .filter(|request| request.fate == Fate::Paid)
        .filter_map(|request| request.ended)
        .collect();
    answered.sort_unstable();
    assert_eq!(answered.len(), 300, "each once");
    assert_eq!(recorded.len(), 300 + server.refused());
    assert_ne!(server.refused(), 0, "the limit was reached");
    // The bucket begins with a second's worth.
    let burst = limit.per_second as usize;
    let seconds = answered[299].duration_since(answered[burst - 1]).as_secs_f64();
    let share = (300 - burst) as f64 / seconds / f64::from(limit.per_second);
    println!("{limit:?}: {:.1} % of it, {} refused", share * 100.0, server.refused());
    share
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_that_names_the_moment_is_made_use_of() {
    let share = share_of(RateLimit {
        per_second: 100,
        whole_seconds: false,
    })
    .await;
    assert!(share >= 0.7, "{share}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rate_limit_that_names_whole_seconds_is_made_use_of() {
    let share = share_of(RateLimit {
        per_second: 100,
        whole_seconds: true,
    })
    .await;
    assert!(share >= 0.7, "{share}");
}
