//! A loopback embeddings server that speaks OpenAI's API and misbehaves on demand. Owns what it answers and what it
//! remembers of the requests; asserts nothing. A good embedding is a function of its text alone, so that a test can
//! tell whose vector it got.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
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
    /// Good, but the embedding in the middle is zeros only.
    Zeros,
    /// Good, but the embedding of every text that contains this is zeros only.
    ZerosFor(&'static str),
    /// Status 200 with a page of HTML.
    Garbage,
    /// Good, but listed from last to first; the indices are right.
    ShuffledOrder,
    /// Good, but as lists of numbers even where base64 was asked for.
    Floats,
    /// Good, but without usage.
    NoUsage,
    /// Good, but each index is one too high.
    BrokenIndices,
    /// Status 200 with a body that never ends; only a client that has had enough ends it.
    Endless,
    /// Another behaviour, with these headers on its answer.
    WithHeaders {
        /// The other behaviour; not one with headers itself.
        of: Box<Self>,
        /// Names in small letters, and values.
        headers: Vec<(&'static str, String)>,
    },
}

/// Says how the next request is answered.
pub(crate) type Chooser = Box<dyn FnMut() -> Behaviour + Send>;

impl Behaviour {
    /// Whether a client gets embeddings that it can use, and is charged for them.
    fn is_paid(&self) -> bool {
        match self {
            Self::Good | Self::ShuffledOrder | Self::Floats | Self::NoUsage => true,
            Self::WithHeaders { of, .. } => of.is_paid(),
            _ => false,
        }
    }

    /// The same with these headers (names in small letters) on its answer.
    pub(crate) fn with_headers(self, headers: &[(&'static str, &str)]) -> Self {
        Self::WithHeaders {
            of: Box::new(self),
            headers: headers
                .iter()
                .map(|(name, value)| (*name, (*value).to_owned()))
                .collect(),
        }
    }

    /// A redirect to another address.
    pub(crate) fn redirect(to: &str) -> Self {
        let moved = Self::Status {
            code: 307,
            body: String::new(),
            retry_after: None,
        };
        moved.with_headers(&[("location", to)])
    }
}

/// So many requests a second and no more, whatever is queued; what was not used of one second can be used in the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RateLimit {
    /// The limit.
    pub(crate) per_second: u32,
    /// Whether `Retry-After` is in whole seconds; else it names the moment to the millisecond.
    pub(crate) whole_seconds: bool,
}

/// What is left of a [`RateLimit`].
struct Bucket {
    limit: RateLimit,
    left: f64,
    at: Instant,
    refused: usize,
}

impl Bucket {
    /// Lets a request in (`None`), or says how it is refused.
    fn refuse(&mut self, now: Instant) -> Option<Behaviour> {
        let per_second = f64::from(self.limit.per_second);
        let more = now.duration_since(self.at).as_secs_f64() * per_second;
        self.left = (self.left + more).min(per_second);
        self.at = now;
        if self.left >= 1.0 {
            self.left -= 1.0;
            return None;
        }
        self.refused += 1;
        let wait = (1.0 - self.left) / per_second;
        let retry_after = if self.limit.whole_seconds {
            format!("{:.0}", wait.ceil())
        } else {
            format!("{wait:.3}")
        };
        Some(Behaviour::Status {
            code: 429,
            body: r#"{"error":{"message":"Rate limit reached","type":"requests","code":"rate_limit_exceeded"}}"#.into(),
            retry_after: Some(retry_after),
        })
    }
}

/// What became of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Nothing yet.
    InFlight,
    /// Answered with embeddings: its inputs are paid for.
    Paid,
    /// Its client went away before the embeddings came. A provider charges for them all the same.
    Abandoned,
    /// Answered with something else, or never.
    Unpaid,
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
    /// When it had arrived.
    pub(crate) arrived: Instant,
    /// What became of it.
    pub(crate) fate: Fate,
    /// When it was answered, or its client had gone.
    pub(crate) ended: Option<Instant>,
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
    chooser: Option<Chooser>,
    fallback: Behaviour,
    bucket: Option<Bucket>,
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
struct InFlight {
    shared: Arc<Shared>,
    place: usize,
    /// What becomes of it if it ends now.
    fate: Fate,
}

impl InFlight {
    /// The embeddings are on their way.
    fn embeddings_come(&mut self) {
        self.fate = Fate::Paid;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let mut memory = self.shared.lock();
        memory.in_flight -= 1;
        let request = &mut memory.recorded[self.place];
        request.fate = self.fate;
        request.ended = Some(Instant::now());
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

    /// The address that it listens at.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Queues behaviours, one a request, in the order of arrival. After them comes what [`Self::always`] says.
    pub(crate) fn then(&self, behaviours: impl IntoIterator<Item = Behaviour>) {
        self.shared.lock().script.extend(behaviours);
    }

    /// Forgets what is still queued.
    pub(crate) fn clear_script(&self) {
        self.shared.lock().script.clear();
    }

    /// Lets `chooser` say how each request is answered for which nothing is queued, in the order of arrival; `None` goes
    /// back to what [`Self::always`] says.
    pub(crate) fn chosen_by(&self, chooser: Option<Chooser>) {
        self.shared.lock().chooser = chooser;
    }

    /// Sets the behaviour of all requests for which nothing is queued or chosen; [`Behaviour::Good`] until then.
    pub(crate) fn always(&self, behaviour: Behaviour) {
        self.shared.lock().fallback = behaviour;
    }

    /// Answers 400 to every request with an input that contains `marker`.
    pub(crate) fn reject_inputs_containing(&self, marker: &str) {
        self.shared.lock().refused_marker = Some(marker.to_owned());
    }

    /// Refuses with 429 what is above a limit, before anything queued or chosen is looked at.
    pub(crate) fn rate_limit(&self, limit: RateLimit) {
        self.shared.lock().bucket = Some(Bucket {
            limit,
            left: f64::from(limit.per_second),
            at: Instant::now(),
            refused: 0,
        });
    }

    /// How many requests were refused because of [`Self::rate_limit`].
    pub(crate) fn refused(&self) -> usize {
        self.shared.lock().bucket.as_ref().map_or(0, |bucket| bucket.refused)
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

    /// How many inputs are in requests that arrived and are not answered yet.
    pub(crate) fn in_flight_inputs(&self) -> usize {
        self.shared
            .lock()
            .recorded
            .iter()
            .filter(|request| request.fate == Fate::InFlight)
            .map(|request| request.inputs.len())
            .sum()
    }

    /// How many times each text was paid for.
    pub(crate) fn paid(&self) -> HashMap<String, u64> {
        let mut times = HashMap::new();
        for request in &self.shared.lock().recorded {
            if matches!(request.fate, Fate::Paid | Fate::Abandoned) {
                for text in &request.inputs {
                    *times.entry(text.clone()).or_default() += 1;
                }
            }
        }
        times
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
    /// Writes a request down; returns its place.
    fn record(&mut self, asked: &Asked, headers: &HeaderMap) -> usize {
        self.in_flight += 1;
        let authorization = headers.get(header::AUTHORIZATION);
        self.recorded.push(Recorded {
            inputs: asked.input.clone(),
            dimensions: asked.dimensions,
            authorization: authorization.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            in_flight: self.in_flight,
            arrived: Instant::now(),
            fate: Fate::InFlight,
            ended: None,
        });
        self.recorded.len() - 1
    }

    /// How the request that has just arrived is answered.
    fn next_behaviour(&mut self) -> Behaviour {
        let refused = self.bucket.as_mut().and_then(|bucket| bucket.refuse(Instant::now()));
        if let Some(refusal) = refused {
            return refusal;
        }
        if let Some(queued) = self.script.pop_front() {
            return queued;
        }
        match &mut self.chooser {
            Some(chooser) => chooser(),
            None => self.fallback.clone(),
        }
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
    let (place, behaviour, objection, latency) = {
        let mut memory = shared.lock();
        let place = memory.record(&asked, &headers);
        let behaviour = memory.next_behaviour();
        (place, behaviour, memory.objection(&asked.input), memory.latency)
    };
    let paid = behaviour.is_paid() && objection.is_none();
    let mut in_flight = InFlight {
        shared,
        place,
        fate: if paid { Fate::Abandoned } else { Fate::Unpaid },
    };
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    if paid {
        in_flight.embeddings_come();
    }
    let (behaviour, headers) = match behaviour {
        Behaviour::WithHeaders { of, headers } => (*of, headers),
        other => (other, Vec::new()),
    };
    let mut response = match (behaviour, objection) {
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
        (Behaviour::Endless, _) => endless(),
        (_, Some(message)) => {
            let error = json!({"message": message, "type": "invalid_request_error", "param": null, "code": null});
            (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response()
        }
        (behaviour, None) => Json(embeddings(&asked, &behaviour)).into_response(),
    };
    for (name, value) in headers {
        let value = HeaderValue::from_str(&value).expect("a header's value");
        response.headers_mut().insert(HeaderName::from_static(name), value);
    }
    response
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

/// The beginning of a good body, then blanks without end.
fn endless() -> Response {
    static BLANKS: [u8; 64 << 10] = [b' '; 64 << 10];
    let beginning = Ok(Bytes::from_static(b"{\"object\":\"list\",\"data\":["));
    let blanks = stream::repeat(Ok::<_, Infallible>(Bytes::from_static(&BLANKS)));
    let body = Body::from_stream(stream::iter([beginning]).chain(blanks));
    ([(header::CONTENT_TYPE, "application/json")], body).into_response()
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
        if index == asked.input.len() / 2 {
            match behaviour {
                Behaviour::NaN => numbers[0] = f32::NAN,
                Behaviour::Zeros => numbers.fill(0.0),
                _ => {}
            }
        }
        if matches!(behaviour, Behaviour::ZerosFor(marker) if text.contains(marker)) {
            numbers.fill(0.0);
        }
        let embedding = if as_base64 {
            let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
            Value::from(STANDARD.encode(bytes))
        } else {
            Value::from(numbers)
        };
        let listed = index + usize::from(*behaviour == Behaviour::BrokenIndices);
        data.push(json!({"object": "embedding", "index": listed, "embedding": embedding}));
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
