//! A loopback embeddings server that speaks OpenAI's API and misbehaves on demand. Owns what it answers and what it
//! remembers of the requests; asserts nothing. A good embedding is a function of its text alone, so that a test can
//! tell whose vector it got.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{StreamExt as _, stream};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Numbers of an embedding where the request does not ask for `dimensions`.
pub(crate) const DEFAULT_DIMENSIONS: usize = 8;

/// How one request is answered.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// As OpenAI would: base64 where asked for, in order, with usage; refuses empty strings.
    #[default]
    Good,
    /// This status and body, whatever was asked.
    Status {
        /// The HTTP status.
        code: u16,
        /// The body as it is sent.
        body: String,
        /// The header `Retry-After`.
        retry_after: Option<String>,
    },
    /// Never.
    Hang,
    /// With half of a good body; then the TCP connection closes.
    CutConnection,
    /// Good, but the last embedding is missing.
    WrongCount,
    /// Good, but with this many numbers an embedding.
    WrongDimension(usize),
    /// Good, but the embedding in the middle (`inputs / 2`) begins with NaN.
    NaN,
    /// Status 200 with a page of HTML.
    Garbage,
    /// Good, but listed from last to first; the indices are right.
    ShuffledOrder,
    /// Good, but as lists of numbers even where base64 was asked for.
    Floats,
    /// Good, but without usage.
    NoUsage,
}

/// One request as it arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Recorded {
    /// The texts.
    pub(crate) inputs: Vec<String>,
    /// The dimensions asked for.
    pub(crate) dimensions: Option<usize>,
    /// The header `Authorization`.
    pub(crate) authorization: Option<String>,
    /// Requests in flight when it had arrived, itself included.
    pub(crate) in_flight: usize,
}

/// The server; stops accepting when dropped.
pub(crate) struct EmbeddingsServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

#[derive(Default)]
struct Shared(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    script: VecDeque<Behaviour>,
    fallback: Behaviour,
    refused_marker: Option<String>,
    latency: Duration,
    recorded: Vec<Recorded>,
    in_flight: usize,
}

#[derive(Deserialize)]
struct Asked {
    model: String,
    input: Vec<String>,
    dimensions: Option<usize>,
    encoding_format: Option<String>,
}

/// A request in flight, until it is answered or its client has gone.
struct InFlight(Arc<Shared>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.lock().in_flight -= 1;
    }
}

impl Drop for EmbeddingsServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl EmbeddingsServer {
    /// Starts a well-behaved server on a free port of the loopback interface.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("the port");
        let shared = Arc::new(Shared::default());
        let router = Router::new()
            .route("/v1/embeddings", post(answer))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router)
                .await
                .expect("the embeddings server serves");
        });
        Self {
            address,
            shared,
            serving,
        }
    }

    /// The address as configurations want it, up to and with `/v1`.
    pub(crate) fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// Queues behaviours, one a request, in the order of arrival. After them comes what [`Self::always`] says.
    pub(crate) fn then(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.shared.lock().script.extend(behaviours);
    }

    /// Forgets what is still queued.
    pub(crate) fn clear_script(&self) {
        self.shared.lock().script.clear();
    }

    /// Sets the behaviour of all requests for which nothing is queued; [`Behaviour::Good`] until then.
    pub(crate) fn always(&self, behaviour: Behaviour) {
        self.shared.lock().fallback = behaviour;
    }

    /// Answers 400 to every request with an input that contains `marker`.
    pub(crate) fn reject_inputs_containing(&self, marker: &str) {
        self.shared.lock().refused_marker = Some(marker.to_owned());
    }

    /// Lets every answer take at least this long.
    pub(crate) fn latency(&self, latency: Duration) {
        self.shared.lock().latency = latency;
    }

    /// How many requests arrived.
    pub(crate) fn requests(&self) -> usize {
        self.shared.lock().recorded.len()
    }

    /// How many inputs arrived in all requests together.
    pub(crate) fn inputs(&self) -> usize {
        self.shared
            .lock()
            .recorded
            .iter()
            .map(|request| request.inputs.len())
            .sum()
    }

    /// The most requests that were in flight at once.
    pub(crate) fn max_in_flight(&self) -> usize {
        let memory = self.shared.lock();
        memory
            .recorded
            .iter()
            .map(|request| request.in_flight)
            .max()
            .unwrap_or(0)
    }

    /// Every request in the order of arrival.
    pub(crate) fn recorded(&self) -> Vec<Recorded> {
        self.shared.lock().recorded.clone()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    fn record(&mut self, asked: &Asked, headers: &HeaderMap) {
        self.in_flight += 1;
        let authorization = headers.get(header::AUTHORIZATION);
        self.recorded.push(Recorded {
            inputs: asked.input.clone(),
            dimensions: asked.dimensions,
            authorization: authorization.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            in_flight: self.in_flight,
        });
    }

    /// What a well-behaved server has against these inputs.
    fn objection(&self, inputs: &[String]) -> Option<String> {
        if inputs.iter().any(String::is_empty) {
            return Some("'$.input' is invalid: an input cannot be an empty string.".into());
        }
        let marker = self.refused_marker.as_deref()?;
        inputs
            .iter()
            .any(|text| text.contains(marker))
            .then(|| format!("'$.input' is invalid: an input contains {marker:?}."))
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, Json(asked): Json<Asked>) -> Response {
    let (behaviour, objection, latency) = {
        let mut memory = shared.lock();
        memory.record(&asked, &headers);
        let behaviour = memory.script.pop_front().unwrap_or_else(|| memory.fallback.clone());
        (behaviour, memory.objection(&asked.input), memory.latency)
    };
    let _in_flight = InFlight(shared);
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    match (behaviour, objection) {
        (
            Behaviour::Status {
                code,
                body,
                retry_after,
            },
            _,
        ) => status(code, body, retry_after.as_deref()),
        (Behaviour::Hang, _) => std::future::pending().await,
        (Behaviour::CutConnection, _) => cut(&embeddings(&asked, &Behaviour::Good).to_string()),
        (Behaviour::Garbage, _) => "<html><body>It works!</body></html>".into_response(),
        (_, Some(message)) => {
            let error = json!({"message": message, "type": "invalid_request_error", "param": null, "code": null});
            (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response()
        }
        (behaviour, None) => Json(embeddings(&asked, &behaviour)).into_response(),
    }
}

fn status(code: u16, body: String, retry_after: Option<&str>) -> Response {
    let code = StatusCode::from_u16(code).expect("an HTTP status");
    let mut response = (code, body).into_response();
    if let Some(value) = retry_after {
        let value = HeaderValue::from_str(value).expect("a header's value");
        response.headers_mut().insert(header::RETRY_AFTER, value);
    }
    response
}

/// Head and half of the body, then an error, at which hyper closes the connection.
fn cut(body: &str) -> Response {
    let half = body.as_bytes()[..body.len() / 2].to_vec();
    let error = async {
        // Pending once: hyper flushes what it has before it meets the error.
        tokio::task::yield_now().await;
        Err(std::io::Error::other("cut on purpose"))
    };
    let stream = stream::iter([Ok(half)]).chain(stream::once(error));
    ([(header::CONTENT_TYPE, "application/json")], Body::from_stream(stream)).into_response()
}

fn embeddings(asked: &Asked, behaviour: &Behaviour) -> Value {
    let dimensions = match behaviour {
        Behaviour::WrongDimension(dimensions) => *dimensions,
        _ => asked.dimensions.unwrap_or(DEFAULT_DIMENSIONS),
    };
    let as_base64 = asked.encoding_format.as_deref() == Some("base64") && *behaviour != Behaviour::Floats;
    let mut data = Vec::with_capacity(asked.input.len());
    for (index, text) in asked.input.iter().enumerate() {
        let mut numbers = embedding_of(text, dimensions);
        if *behaviour == Behaviour::NaN && index == asked.input.len() / 2 {
            numbers[0] = f32::NAN;
        }
        let embedding = if as_base64 {
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            Value::from(STANDARD.encode(bytes))
        } else {
            Value::from(numbers)
        };
        data.push(json!({"object": "embedding", "index": index, "embedding": embedding}));
    }
    match behaviour {
        Behaviour::WrongCount => drop(data.pop()),
        Behaviour::ShuffledOrder => data.reverse(),
        _ => {}
    }
    let mut body = json!({"object": "list", "model": asked.model, "data": data});
    if *behaviour != Behaviour::NoUsage {
        let words: usize = asked.input.iter().map(|text| text.split_whitespace().count()).sum();
        body["usage"] = json!({"prompt_tokens": words, "total_tokens": words});
    }
    body
}

/// The embedding of a text: `dimensions` numbers of length one, drawn from a hash of the text.
pub(crate) fn embedding_of(text: &str, dimensions: usize) -> Vec<f32> {
    // FNV-1a to seed, SplitMix64 to draw.
    let mut state = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let numbers: Vec<f32> = (0..dimensions)
        .map(|_| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut drawn = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            drawn = (drawn ^ (drawn >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            drawn ^= drawn >> 31;
            // 24 bits are what an f32 holds exactly; from [0, 2) to [-1, 1).
            (drawn >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
        })
        .collect();
    let length = numbers.iter().map(|number| number * number).sum::<f32>().sqrt();
    numbers.into_iter().map(|number| number / length).collect()
}
