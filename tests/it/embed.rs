//! The gateway over real HTTP: what each misbehaviour of a server means for the run and for single inputs. Only an
//! error about one input may come back as that input's failure; everything else is a `GatewayError`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use qlance::config::{EmbedConfig, Secret};
use qlance::embed::flights::Outcome;
use qlance::embed::openai::OpenAi;
use qlance::embed::{Caller, Gateway, GatewayError, Input, Media, Role};
use qlance::point::{Cause, Modality};
use tokio::time::timeout;

use crate::support::embeddings_server::{Behaviour, DEFAULT_DIMENSIONS, EmbeddingsServer, embedding_of};

/// Numbers an embedding has here: not what the server gives unasked.
const DIMENSIONS: usize = 24;
/// What takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

type Embedded = Result<Vec<Outcome>, GatewayError>;

/// A well-behaved server, and a gateway before it with settings of its own.
async fn rig(set: impl FnOnce(&mut EmbedConfig)) -> (EmbeddingsServer, Gateway) {
    let server = EmbeddingsServer::start().await;
    let mut config = EmbedConfig {
        base_url: server.base_url(),
        dimensions: DIMENSIONS,
        backoff_min_ms: 1,
        backoff_max_ms: 5,
        ..EmbedConfig::openai()
    };
    set(&mut config);
    let gateway = gateway(&config, None);
    (server, gateway)
}

fn gateway(config: &EmbedConfig, key: Option<&str>) -> Gateway {
    let embedder = OpenAi::new(config, &[Modality::Text], key.map(Secret::new)).expect("a client");
    Gateway::new(Arc::new(embedder), config)
}

async fn embed_as<T: AsRef<str>>(gateway: &Gateway, texts: &[T], role: Role, caller: Caller) -> Embedded {
    let inputs: Vec<Input> = texts.iter().map(|text| Input::Text(text.as_ref().into())).collect();
    timeout(PATIENCE, gateway.embed(&inputs, role, caller))
        .await
        .expect("the gateway comes to an end")
}

async fn embed<T: AsRef<str>>(gateway: &Gateway, texts: &[T]) -> Embedded {
    embed_as(gateway, texts, Role::Document, Caller::Migration).await
}

fn messages(count: usize) -> Vec<String> {
    (0..count).map(|n| format!("message {n:03}")).collect()
}

fn status(code: u16, body: &str) -> Behaviour {
    Behaviour::Status {
        code,
        body: body.into(),
        retry_after: None,
    }
}

fn throttled(retry_after: Option<&str>) -> Behaviour {
    Behaviour::Status {
        code: 429,
        body: r#"{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}"#.into(),
        retry_after: retry_after.map(str::to_owned),
    }
}

#[track_caller]
fn assert_vector(outcome: &Outcome, text: &str) {
    assert_eq!(outcome.as_deref(), Ok(&embedding_of(text, DIMENSIONS)[..]), "{text:?}");
}

#[track_caller]
fn assert_vectors<T: AsRef<str>>(result: &Embedded, texts: &[T]) {
    let outcomes = result.as_ref().expect("no outage");
    assert_eq!(outcomes.len(), texts.len());
    for (outcome, text) in outcomes.iter().zip(texts) {
        assert_vector(outcome, text.as_ref());
    }
}

#[track_caller]
fn assert_outage(result: &Embedded, tries: u32, words: &str) {
    match result {
        Err(GatewayError::Outage { attempts, message, .. }) => {
            assert_eq!(*attempts, tries, "{message}");
            assert!(message.contains(words), "{message:?} does not say {words:?}");
        }
        other => panic!("no outage, but {other:?}"),
    }
}

#[track_caller]
fn assert_fatal(result: &Embedded, words: &[&str]) {
    match result {
        Err(GatewayError::Fatal(message)) => {
            for word in words {
                assert!(message.contains(word), "{message:?} does not say {word:?}");
            }
        }
        other => panic!("not fatal, but {other:?}"),
    }
}

fn causes(result: Embedded) -> Vec<Option<Cause>> {
    let outcomes = result.expect("no outage");
    outcomes
        .into_iter()
        .map(|outcome| outcome.err().map(|failure| failure.cause))
        .collect()
}

/// The inputs of every request; sorted, since requests of one call overtake each other.
fn sent(server: &EmbeddingsServer) -> Vec<Vec<String>> {
    let mut sent: Vec<_> = server.recorded().into_iter().map(|request| request.inputs).collect();
    sent.sort();
    sent
}

/// Waits for what another task is about to bring about.
async fn until(what: &str, condition: impl Fn() -> bool) {
    let looking = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    assert!(timeout(PATIENCE, looking).await.is_ok(), "never happened: {what}");
}

#[tokio::test]
async fn vectors_arrive_in_the_order_of_the_inputs_whatever_their_form() {
    for behaviour in [Behaviour::Good, Behaviour::ShuffledOrder, Behaviour::Floats] {
        let (server, gateway) = rig(|_| {}).await;
        server.always(behaviour);
        assert_vectors(&embed(&gateway, &messages(7)).await, &messages(7));
    }
}

#[tokio::test]
async fn tokens_are_counted_as_the_server_does_and_not_missed_where_it_does_not() {
    let (server, gateway) = rig(|_| {}).await;
    assert_vectors(&embed(&gateway, &["one two", "three"]).await, &["one two", "three"]);
    server.then([Behaviour::NoUsage]);
    assert_vectors(&embed(&gateway, &["four"]).await, &["four"]);
    let usage = gateway.usage();
    assert_eq!((usage.requests, usage.inputs, usage.tokens), (2, 3, 3));
}

#[tokio::test]
async fn dimensions_are_asked_for_only_where_the_model_allows() {
    for (send_dimensions, dimensions, asked) in
        [(true, DIMENSIONS, Some(DIMENSIONS)), (false, DEFAULT_DIMENSIONS, None)]
    {
        let (server, gateway) = rig(|config| {
            config.send_dimensions = send_dimensions;
            config.dimensions = dimensions;
        })
        .await;
        let outcomes = embed(&gateway, &["a"]).await.expect("no outage");
        assert_eq!(outcomes[0].as_deref(), Ok(&embedding_of("a", dimensions)[..]));
        assert_eq!(server.recorded()[0].dimensions, asked);
    }
}

#[tokio::test]
async fn the_configured_key_is_sent_and_no_other() {
    let server = EmbeddingsServer::start().await;
    let config = EmbedConfig {
        base_url: server.base_url(),
        dimensions: DIMENSIONS,
        ..EmbedConfig::openai()
    };
    for key in [Some("sk-configured-0123456789"), None] {
        assert_vectors(&embed(&gateway(&config, key), &["a"]).await, &["a"]);
    }
    let headers: Vec<_> = server
        .recorded()
        .into_iter()
        .map(|request| request.authorization)
        .collect();
    // Without a key of its own, async-openai would send OPENAI_API_KEY.
    assert_eq!(
        headers,
        [
            Some("Bearer sk-configured-0123456789".into()),
            Some("Bearer none".into())
        ]
    );
}

#[tokio::test]
async fn requests_keep_to_the_limit_of_inputs() {
    let (server, gateway) = rig(|config| config.max_batch_inputs = 4).await;
    let texts = messages(10);
    assert_vectors(&embed(&gateway, &texts).await, &texts);
    assert_eq!(sent(&server), [&texts[..4], &texts[4..8], &texts[8..]]);
}

#[tokio::test]
async fn requests_keep_to_the_limit_of_tokens_and_what_fills_one_travels_alone() {
    // Short texts count as many tokens as they have bytes: an upper bound.
    let (server, gateway) = rig(|config| config.max_batch_tokens = 10).await;
    let texts = ["aaaaa", "bbbbb", "c", "dddddddddddd", "e"];
    assert_vectors(&embed(&gateway, &texts).await, &texts);
    assert_eq!(
        sent(&server),
        [vec!["aaaaa", "bbbbb"], vec!["c"], vec!["dddddddddddd"], vec!["e"]]
    );
}

#[tokio::test]
async fn all_calls_together_keep_to_the_limit_in_flight() {
    let (server, gateway) = rig(|config| {
        config.max_in_flight = 3;
        config.max_batch_inputs = 1;
    })
    .await;
    server.latency(Duration::from_millis(50));
    let texts = messages(14);
    let (left, right) = tokio::join!(embed(&gateway, &texts[..7]), embed(&gateway, &texts[7..]));
    assert_vectors(&left, &texts[..7]);
    assert_vectors(&right, &texts[7..]);
    assert_eq!(server.max_in_flight(), 3, "the limit, and all of it");
}

#[tokio::test]
async fn the_limit_in_flight_can_be_moved_while_requests_wait() {
    let (server, gateway) = rig(|config| {
        config.max_in_flight = 1;
        config.max_batch_inputs = 1;
    })
    .await;
    server.latency(Duration::from_millis(50));
    let texts = messages(14);
    let raise = async {
        until("the second request", || server.requests() >= 2).await;
        assert_eq!(server.max_in_flight(), 1);
        gateway.gate().set_limit(4);
    };
    let (result, ()) = tokio::join!(embed(&gateway, &texts), raise);
    assert_vectors(&result, &texts);
    assert_eq!(server.max_in_flight(), 4, "raised");

    gateway.gate().set_limit(2);
    let before = server.requests();
    let more = ["w", "x", "y", "z"];
    assert_vectors(&embed(&gateway, &more).await, &more);
    let peak = server.recorded()[before..]
        .iter()
        .map(|request| request.in_flight)
        .max();
    assert_eq!(peak, Some(2), "lowered");
}

#[tokio::test]
async fn equal_texts_are_sent_once_in_one_call_in_concurrent_calls_and_later() {
    let (server, gateway) = rig(|_| {}).await;
    let (left, right) = tokio::join!(embed(&gateway, &["a", "b", "a"]), embed(&gateway, &["b", "c", "c"]));
    assert_vectors(&left, &["a", "b", "a"]);
    assert_vectors(&right, &["b", "c", "c"]);
    assert_eq!(sent(&server), [vec!["a", "b"], vec!["c"]]);
    assert_vectors(&embed(&gateway, &["c", "b", "a"]).await, &["c", "b", "a"]);
    assert_eq!(server.inputs(), 3, "nothing new was asked");
    assert_eq!(gateway.usage().remembered, 6);
}

#[tokio::test]
async fn documents_and_queries_have_their_own_prefix_and_are_remembered_apart() {
    let (server, gateway) = rig(|config| {
        config.document_prefix = "passage: ".into();
        config.query_prefix = "query: ".into();
    })
    .await;
    for (role, prefixed) in [(Role::Document, "passage: a"), (Role::Query, "query: a")] {
        assert_vectors(&embed_as(&gateway, &["a"], role, Caller::Migration).await, &[prefixed]);
    }
    assert_eq!(sent(&server), [vec!["passage: a"], vec!["query: a"]]);
}

#[tokio::test]
async fn who_waits_for_a_request_of_another_that_failed_asks_again() {
    let (server, gateway) = rig(|config| config.max_attempts = 1).await;
    server.then([status(500, "no")]);
    let (owner, waiting) = tokio::join!(embed(&gateway, &["a"]), embed(&gateway, &["a"]));
    assert_outage(&owner, 1, "500");
    assert_vectors(&waiting, &["a"]);
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn waiting_for_a_limit_is_no_attempt() {
    let (server, gateway) = rig(|config| config.max_attempts = 1).await;
    server.then(vec![throttled(None); 4]);
    assert_vectors(&embed(&gateway, &["a"]).await, &["a"]);
    assert_eq!(server.requests(), 5);
}

#[tokio::test]
async fn retry_after_zero_is_taken_instead_of_the_backoff() {
    let (server, gateway) = rig(|config| {
        config.max_attempts = 1;
        // Three times longer than the test's patience.
        config.backoff_min_ms = 60_000;
        config.backoff_max_ms = 60_000;
    })
    .await;
    server.then([throttled(Some("0")), throttled(Some("0"))]);
    assert_vectors(&embed(&gateway, &["a"]).await, &["a"]);
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn retry_after_may_be_a_fraction_of_a_second() {
    let (server, gateway) = rig(|config| config.max_attempts = 1).await;
    server.then([throttled(Some("0.3"))]);
    let begun = Instant::now();
    assert_vectors(&embed(&gateway, &["a"]).await, &["a"]);
    assert!(begun.elapsed() >= Duration::from_millis(300), "{:?}", begun.elapsed());
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn while_throttled_the_gate_says_why_and_until_when() {
    let (server, gateway) = rig(|_| {}).await;
    server.then([throttled(Some("300"))]);
    tokio::select! {
        result = embed(&gateway, &["a"]) => panic!("did not wait: {result:?}"),
        () = until("the gate is held", || gateway.gate().held().is_some()) => {}
    }
    let (until_when, reason) = gateway.gate().held().expect("held");
    assert!(reason.contains("throttled"), "{reason}");
    let left = until_when.saturating_duration_since(Instant::now());
    assert!(left > Duration::from_secs(200), "{left:?}");
}

#[tokio::test]
async fn an_outage_is_tried_as_often_as_configured_blames_no_input_and_may_end() {
    for (behaviour, words) in [
        (status(500, "boom"), "HTTP 500: boom"),
        (status(503, ""), "HTTP 503"),
        (Behaviour::Hang, "no answer in time"),
        (Behaviour::CutConnection, "the connection to the embedder broke"),
        (Behaviour::WrongCount, "9 embeddings for 10 inputs"),
        (Behaviour::Garbage, "not what was asked for"),
    ] {
        let (server, gateway) = rig(|config| {
            config.max_attempts = 3;
            if behaviour == Behaviour::Hang {
                config.timeout_seconds = 1;
            }
        })
        .await;
        let texts = messages(10);
        server.then(vec![behaviour.clone(); 3]);
        assert_outage(&embed(&gateway, &texts).await, 3, words);
        assert_eq!(server.requests(), 3, "{behaviour:?} is not bisected");
        server.then(vec![behaviour; 2]);
        assert_vectors(&embed(&gateway, &texts).await, &texts);
        assert_eq!(server.requests(), 6, "the third try was good");
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_outage() {
    let (_server, gateway) = rig(|config| {
        // Port 1 is reserved, and nobody listens there.
        config.base_url = "http://127.0.0.1:1/v1".into();
        config.max_attempts = 2;
    })
    .await;
    assert_outage(&embed(&gateway, &["a"]).await, 2, "cannot connect");
}

#[tokio::test]
async fn what_trying_again_cannot_help_is_fatal_at_once_and_says_what_to_mend() {
    let refused = r#"{"error":{"message":"Incorrect API key provided"}}"#;
    let quota = r#"{"error":{"message":"You exceeded it","type":"insufficient_quota","code":"insufficient_quota"}}"#;
    for (behaviour, words) in [
        (
            status(401, refused),
            ["embed.text.api_key_env", "Incorrect API key provided"],
        ),
        (status(429, quota), ["quota", "You exceeded it"]),
        (Behaviour::WrongDimension(13), ["13 numbers", "says 24"]),
    ] {
        let (server, gateway) = rig(|_| {}).await;
        server.always(behaviour);
        assert_fatal(&embed(&gateway, &["a", "b"]).await, &words);
        assert_eq!(server.requests(), 1);
    }
}

#[tokio::test]
async fn the_key_is_in_no_error_even_where_the_server_echoes_it() {
    const KEY: &str = "sk-secret-0123456789abcdef";
    let server = EmbeddingsServer::start().await;
    let config = EmbedConfig {
        base_url: server.base_url(),
        dimensions: DIMENSIONS,
        max_attempts: 1,
        ..EmbedConfig::openai()
    };
    let gateway = gateway(&config, Some(KEY));
    let in_json = format!(r#"{{"error":{{"message":"bad key {KEY}","type":"insufficient_quota"}}}}"#);
    for (code, body) in [
        (400, format!("bad key {KEY}")),
        (401, format!(r#"{{"error":{{"message":"bad key {KEY}"}}}}"#)),
        (404, format!(r#"{{"error":"bad key {KEY}"}}"#)),
        (422, format!(r#"{{"detail":[{{"msg":"bad key {KEY}"}}]}}"#)),
        (429, in_json),
        (500, format!("<p>bad key {KEY}</p>")),
        // An error with the status of a success.
        (200, format!(r#"{{"error":{{"message":"bad key {KEY}"}}}}"#)),
    ] {
        server.then([status(code, &body)]);
        let said = match embed(&gateway, &["a"]).await {
            Ok(outcomes) => outcomes
                .into_iter()
                .map(|outcome| outcome.expect_err("rejected").to_string())
                .collect(),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(said.contains("bad key [REDACTED]"), "{code}: {said}");
        assert!(!said.contains(KEY), "{code}: {said}");
    }
    // Long bodies are cut somewhere: wherever that is, no half of the key may be left before the cut.
    for before in (0..2_400).step_by(KEY.len() / 2) {
        server.then([status(500, &format!("{}{KEY}", "x".repeat(before)))]);
        let error = embed(&gateway, &["a"]).await.expect_err("an outage").to_string();
        assert!(!error.contains(&KEY[..KEY.len() / 2]), "{before}: {error}");
    }
}

#[tokio::test]
async fn a_vector_with_nan_fails_its_own_input_only_and_is_not_remembered() {
    let (server, gateway) = rig(|_| {}).await;
    server.then([Behaviour::NaN]);
    let outcomes = embed(&gateway, &["a", "b", "c"]).await.expect("no outage");
    assert_vector(&outcomes[0], "a");
    assert_vector(&outcomes[2], "c");
    let failure = outcomes[1].as_ref().expect_err("NaN");
    assert_eq!(failure.cause, Cause::BadVector);
    assert!(failure.message.contains("NaN"), "{failure}");
    assert_vectors(&embed(&gateway, &["a", "b", "c"]).await, &["a", "b", "c"]);
    assert_eq!(sent(&server), [vec!["a", "b", "c"], vec!["b"]]);
}

#[tokio::test]
async fn a_vector_of_zeros_only_fails_its_own_input() {
    let (server, gateway) = rig(|_| {}).await;
    server.then([Behaviour::Zeros]);
    let outcomes = embed(&gateway, &["a", "b", "c"]).await.expect("no outage");
    assert_vector(&outcomes[0], "a");
    assert_vector(&outcomes[2], "c");
    let failure = outcomes[1].as_ref().expect_err("zeros");
    assert_eq!(failure.cause, Cause::BadVector);
    assert!(failure.message.contains("zeros only"), "{failure}");
}

#[tokio::test]
async fn a_vector_that_came_alone_and_cannot_be_used_is_blamed_on_its_input_where_a_plain_word_comes_out() {
    for behaviour in [Behaviour::NaN, Behaviour::Zeros] {
        let (server, gateway) = rig(|config| config.max_batch_inputs = 1).await;
        server.then([behaviour.clone()]);
        assert_eq!(
            causes(embed(&gateway, &["a"]).await),
            [Some(Cause::BadVector)],
            "{behaviour:?}"
        );
        assert_eq!(sent(&server), [vec!["a"], vec!["hello"]], "{behaviour:?}");
        assert_vectors(&embed(&gateway, &["a"]).await, &["a"]);
    }
}

#[tokio::test]
async fn a_server_none_of_whose_vectors_can_be_used_blames_no_input_even_of_requests_of_one() {
    for behaviour in [Behaviour::NaN, Behaviour::Zeros] {
        let (server, gateway) = rig(|config| {
            config.max_batch_inputs = 1;
            config.max_in_flight = 1;
            config.max_attempts = 2;
        })
        .await;
        // It turns bad in mid-run.
        assert_vectors(&embed(&gateway, &["a"]).await, &["a"]);
        server.always(behaviour.clone());
        assert_outage(&embed(&gateway, &["b"]).await, 2, "not even that of a plain word");
        // The input, and the word twice: what came for it is no proof.
        assert_eq!(server.requests(), 1 + 3, "{behaviour:?}");
        assert_outage(&embed(&gateway, &messages(3)).await, 2, "not even that of a plain word");
        server.always(Behaviour::Good);
        assert_vectors(&embed(&gateway, &messages(3)).await, &messages(3));
    }
}

#[tokio::test]
async fn inputs_none_of_which_gives_a_vector_that_can_be_used_are_blamed_together() {
    for count in [2, 3, 7] {
        let (server, gateway) = rig(|_| {}).await;
        server.always(Behaviour::ZerosFor("message"));
        let causes = causes(embed(&gateway, &messages(count)).await);
        assert_eq!(causes, vec![Some(Cause::BadVector); count]);
        // Halving all of it, and a plain word before and after.
        assert!(server.requests() <= 2 * count - 1 + 2, "{} requests", server.requests());
    }
}

#[tokio::test]
async fn a_server_that_was_bad_for_a_while_blames_no_input_of_that_time() {
    for (bad, count) in [(1, 5), (2, 5), (3, 5), (2, 1), (3, 1)] {
        let (server, gateway) = rig(|config| config.max_attempts = 3).await;
        server.then(vec![Behaviour::ZerosFor(""); bad]);
        let texts = messages(count);
        assert_vectors(&embed(&gateway, &texts).await, &texts);
    }
    // It is bad again and again.
    let (server, gateway) = rig(|config| config.max_attempts = 3).await;
    let round = [Behaviour::ZerosFor(""), Behaviour::ZerosFor(""), Behaviour::Good];
    server.then(round.iter().cycle().take(9).cloned());
    assert_outage(&embed(&gateway, &messages(5)).await, 3, "one time and not another");
}

#[tokio::test]
async fn a_server_none_of_whose_vectors_can_be_used_blames_no_input_of_a_batch() {
    let (server, gateway) = rig(|config| config.max_attempts = 2).await;
    server.always(Behaviour::ZerosFor(""));
    assert_outage(&embed(&gateway, &messages(5)).await, 2, "not even that of a plain word");
    assert_eq!(server.requests(), 3, "all of them, and the word twice");
    server.always(Behaviour::Good);
    assert_vectors(&embed(&gateway, &messages(5)).await, &messages(5));
}

#[tokio::test]
async fn the_bad_inputs_of_a_batch_are_found_and_no_other_is_blamed() {
    let (server, gateway) = rig(|config| config.max_batch_inputs = 100).await;
    server.reject_inputs_containing("poison");
    let mut texts = messages(100);
    texts[17] = "poison one".into();
    texts[18] = String::new();
    texts[77] = "poison two".into();
    let outcomes = embed(&gateway, &texts).await.expect("no outage");
    let mut blamed = Vec::new();
    for (index, (outcome, text)) in outcomes.iter().zip(&texts).enumerate() {
        match outcome {
            Ok(_) => assert_vector(outcome, text),
            Err(failure) => {
                assert_eq!(failure.cause, Cause::Rejected);
                assert!(failure.message.contains("is invalid"), "{failure}");
                blamed.push(index);
            }
        }
    }
    assert_eq!(blamed, [17, 18, 77]);
    // Halving 100 inputs takes 7 steps of two requests for each bad one; besides, the first request and a plain word.
    assert!(server.requests() <= 3 * 7 * 2 + 2, "{} requests", server.requests());
}

#[tokio::test]
async fn a_batch_of_bad_inputs_only_takes_a_bounded_number_of_requests() {
    let (server, gateway) = rig(|config| config.max_batch_inputs = 100).await;
    server.reject_inputs_containing("message");
    let causes = causes(embed(&gateway, &messages(100)).await);
    assert_eq!(causes, [Some(Cause::Rejected); 100]);
    // Halving all of it, and a plain word before and after.
    assert!(server.requests() <= 2 * 100 - 1 + 2, "{} requests", server.requests());
}

#[tokio::test]
async fn a_server_that_rejects_everything_is_at_fault_not_the_inputs() {
    for count in [1, 10] {
        let (server, gateway) = rig(|_| {}).await;
        server.always(rejection());
        let words = ["rejects everything", "no such pooling"];
        assert_fatal(&embed(&gateway, &messages(count)).await, &words);
        server.always(Behaviour::Good);
        assert_vectors(&embed(&gateway, &messages(count)).await, &messages(count));
    }
}

/// 400 to whatever comes.
fn rejection() -> Behaviour {
    status(400, r#"{"error":{"message":"no such pooling"}}"#)
}

#[tokio::test]
async fn a_server_that_turns_to_rejecting_everything_in_mid_run_blames_nobody() {
    let (server, gateway) = rig(|config| {
        config.max_batch_inputs = 10;
        config.max_in_flight = 8;
    })
    .await;
    server.latency(Duration::from_millis(20));
    // All eight batches begin together: those that are rejected had begun when others were accepted.
    server.then(vec![Behaviour::Good; 3]);
    server.always(rejection());
    let texts = messages(80);
    let calls = futures::future::join_all(texts.chunks(10).map(|part| embed(&gateway, part))).await;
    let mut answered = 0;
    for (call, part) in calls.iter().zip(texts.chunks(10)) {
        match call {
            Ok(_) => {
                assert_vectors(call, part);
                answered += 1;
            }
            Err(_) => assert_fatal(call, &["rejects everything", "no such pooling"]),
        }
    }
    assert_eq!(answered, 3);
    // Each of the five goes down to one input (10, 5, 2, 1) and asks a plain word; nobody goes on after that.
    assert!(server.requests() <= 8 + 5 * 4, "{} requests", server.requests());
    // Once it is mended, they all arrive.
    server.always(Behaviour::Good);
    assert_vectors(&embed(&gateway, &texts).await, &texts);
}

#[tokio::test]
async fn a_server_that_turns_while_a_bad_input_is_looked_for_blames_nobody() {
    let (server, gateway) = rig(|config| config.max_batch_inputs = 4).await;
    server.reject_inputs_containing("poison");
    let texts = ["poison", "b", "c", "d"];
    // All four, the left two, the poison alone, a plain word, "b"; then it rejects whatever comes.
    server.then(vec![Behaviour::Good; 5]);
    server.always(rejection());
    assert_fatal(&embed(&gateway, &texts).await, &["rejects everything"]);
    server.always(Behaviour::Good);
    let outcomes = embed(&gateway, &texts).await.expect("no outage");
    let failed: Vec<bool> = outcomes.iter().map(Result::is_err).collect();
    assert_eq!(failed, [true, false, false, false]);
}

#[tokio::test]
async fn what_is_known_to_be_impossible_costs_no_request() {
    let (server, gateway) = rig(|config| config.max_input_tokens = 5).await;
    let long = "one two three four five six";
    let outcomes = embed(&gateway, &[long]).await.expect("no outage");
    let failure = outcomes[0].as_ref().expect_err("too long");
    assert_eq!(failure.cause, Cause::TooLong);
    assert!(failure.message.contains("6 tokens"), "{failure}");

    let picture = Input::Image(Media {
        bytes: [0x89, b'P', b'N', b'G'].into(),
        mime: "image/png".into(),
    });
    let result = gateway.embed(&[picture], Role::Document, Caller::Migration).await;
    assert_eq!(causes(result), [Some(Cause::NoEmbedder)]);
    assert_eq!(server.requests(), 0);

    // Tokens count, not bytes; and what fits is not held up by what does not.
    let outcomes = embed(&gateway, &["one two three", long]).await.expect("no outage");
    assert_vector(&outcomes[0], "one two three");
    assert_eq!(sent(&server), [vec!["one two three"]]);
}

#[tokio::test]
async fn where_the_tokenizer_is_not_known_the_server_decides_what_is_too_long() {
    let (_server, gateway) = rig(|config| {
        config.model = "bge-m3".into();
        config.max_input_tokens = 5;
    })
    .await;
    let long = ["one two three four five six"];
    assert_vectors(&embed(&gateway, &long).await, &long);
}

#[tokio::test]
async fn a_pause_holds_the_migration_back_but_not_the_operator() {
    let (server, gateway) = rig(|_| {}).await;
    gateway.gate().set_paused(true);
    let by_hand = async {
        // Each of these goes to the server and back, in which time the migration could have as well.
        for text in ["x", "y", "z"] {
            let result = embed_as(&gateway, &[text], Role::Document, Caller::Operator).await;
            assert_vectors(&result, &[text]);
        }
        assert_eq!(sent(&server), [vec!["x"], vec!["y"], vec!["z"]]);
        gateway.gate().set_paused(false);
    };
    // The migration comes to the gate first: join begins with its first branch.
    let (migration, ()) = tokio::join!(embed(&gateway, &["a"]), by_hand);
    assert_vectors(&migration, &["a"]);
    assert_eq!(server.requests(), 4);
}

#[tokio::test]
async fn a_pause_does_not_cut_what_is_in_flight() {
    let (server, gateway) = rig(|_| {}).await;
    server.latency(Duration::from_millis(50));
    let pause = async {
        until("the request", || server.requests() == 1).await;
        gateway.gate().set_paused(true);
    };
    let (result, ()) = tokio::join!(embed(&gateway, &["a"]), pause);
    assert_vectors(&result, &["a"]);
}
