//! The neighbours of the benchmark: an embedded Qdrant with the collection, and an embeddings server with 100 ms
//! latency, in a process of their own.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::post;
use base64::Engine as _;
use qdrant_client::qdrant::{CreateCollectionBuilder, Distance, PointStruct, UpsertPointsBuilder, VectorParamsBuilder};
use qlance::point::{Vector, Vectors};
use qlance::qdrant::embedded::EmbeddedQdrant;
use qlance::qdrant::wire;
use serde_json::{Value, json};

use super::media;
use super::parts::{points, size, text};

/// What the figures were measured with.
const LATENCY: Duration = Duration::from_millis(100);

/// The running servers; stopped when dropped.
pub(crate) struct Servers {
    child: Child,
    /// The address of Qdrant.
    pub(crate) qdrant: String,
    /// The address of the embeddings server.
    pub(crate) embeddings: String,
}

impl Servers {
    /// Starts them and waits until these collections are filled.
    pub(crate) fn start(dir: &Path, collections: &[&str]) -> Self {
        Self::start_with(dir, collections, &[])
    }

    /// The same, with more in their environment.
    pub(crate) fn start_with(dir: &Path, collections: &[&str], more: &[(&str, String)]) -> Self {
        use std::io::BufRead as _;
        let mut child = Command::new(std::env::current_exe().expect("this binary"))
            .env("QLANCE_BENCH_PART", "servers")
            .env("QLANCE_BENCH_DIR", dir)
            .env("QLANCE_BENCH_COLLECTIONS", collections.join(","))
            .envs(more.iter().map(|(name, value)| (*name, value.as_str())))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the servers start");
        let mut lines = std::io::BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let mut line = || lines.next().expect("an address").expect("text");
        Self {
            qdrant: line(),
            embeddings: line(),
            child,
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The process of the servers: lives until its parent is gone.
pub(crate) async fn serve() {
    let dir = std::env::var("QLANCE_BENCH_DIR").expect("a directory");
    let qdrant = EmbeddedQdrant::start(&Path::new(&dir).join("qdrant"))
        .await
        .expect("an embedded Qdrant");
    for collection in text("QLANCE_BENCH_COLLECTIONS").split(',') {
        if collection == "pictures" {
            let pictures = std::path::PathBuf::from(&dir);
            tokio::task::spawn_blocking(move || media::draw(&pictures))
                .await
                .expect("no panic");
        }
        fill(&qdrant.url(), collection, count_of(collection)).await;
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", qdrant.url());
    println!("http://{}/v1", listener.local_addr().expect("an address"));
    let router = axum::Router::new().route("/v1/embeddings", post(embed));
    let router = router.layer(axum::extract::DefaultBodyLimit::disable());
    tokio::spawn(async move { axum::serve(listener, router).await });
    // Standard input ends when the parent does.
    let _ = tokio::task::spawn_blocking(|| std::io::read_to_string(std::io::stdin())).await;
}

/// Points of a collection.
pub(crate) fn count_of(collection: &str) -> u64 {
    match collection {
        "fivefold" => 5 * points(),
        "pictures" => media::PICTURES,
        _ => points(),
    }
}

async fn fill(url: &str, collection: &str, count: u64) {
    let client = qdrant_client::Qdrant::from_url(url)
        .timeout(Duration::from_secs(120))
        .skip_compatibility_check()
        .build()
        .expect("a client");
    let params = VectorParamsBuilder::new(size() as u64, Distance::Cosine);
    client
        .create_collection(CreateCollectionBuilder::new(collection).vectors_config(params))
        .await
        .expect("a collection");
    for start in (0..count).step_by(1_000) {
        let structs: Vec<PointStruct> = (start..(start + 1_000).min(count))
            .map(|n| {
                let payload = if collection == "ids" { json!({}) } else { json!({
                    "content": format!("message {n} about rehearsal number {} and what came of it, told at some length", n % 977),
                    "thread_id": format!("thread-{:04}", n % 400),
                    "created_at": "2026-11-22T12:00:00Z",
                    "author": format!("person {}", n % 31),
                    "chorus_result": {"voices": [{"name": "a", "weight": 1}, {"name": "b", "weight": 0.5}], "agreement": 0.25},
                }) };
                let Value::Object(mut payload) = payload else { unreachable!() };
                if collection == "pictures" {
                    payload.insert("modality".into(), "image".into());
                    payload.insert("media_url".into(), media::name(n).into());
                }
                let vectors = Vectors::from([(String::new(), Vector::Dense(numbers(n)))]);
                PointStruct {
                    id: Some(n.into()),
                    payload: wire::payload_to(&payload),
                    vectors: Some(wire::vectors_to(&vectors)),
                }
            })
            .collect();
        client
            .upsert_points(UpsertPointsBuilder::new(collection, structs).wait(true))
            .await
            .expect("points are written");
    }
}

/// A cheap vector of its own for every number.
pub(crate) fn numbers(n: u64) -> Vec<f32> {
    let mut state = n.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    (0..size())
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 40) as f32 / 8_388_608.0 - 1.0
        })
        .collect()
}

/// The answer for so many inputs, made once: in the field the server's work is done by another machine, and here it
/// would take the cores that are being measured.
fn answer_for(inputs: usize) -> Bytes {
    static ANSWERS: Mutex<BTreeMap<usize, Bytes>> = Mutex::new(BTreeMap::new());
    let mut answers = ANSWERS.lock().expect("no panic before");
    let make = || {
        let bytes: Vec<u8> = numbers(7).iter().flat_map(|x| x.to_le_bytes()).collect();
        let encoded = base64::engine::general_purpose::STANDARD.encode(bytes);
        let data: Vec<Value> = (0..inputs)
            .map(|index| json!({"index": index, "embedding": encoded}))
            .collect();
        let usage = json!({"prompt_tokens": inputs * 20, "total_tokens": inputs * 20});
        Bytes::from(json!({"data": data, "usage": usage}).to_string())
    };
    answers.entry(inputs).or_insert_with(make).clone()
}

async fn embed(Json(request): Json<Request>) -> impl IntoResponse {
    let begun = tokio::time::Instant::now();
    let answer = answer_for(request.input.len());
    tokio::time::sleep_until(begun + LATENCY).await;
    ([(CONTENT_TYPE, "application/json")], answer)
}

#[derive(serde::Deserialize)]
struct Request {
    input: Vec<serde::de::IgnoredAny>,
}
