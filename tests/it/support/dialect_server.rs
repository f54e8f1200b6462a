//! Loopback embeddings servers of seven families, each of which takes exactly the body of its own dialect and refuses
//! everything else in its own words. They answer with vectors of the teaching space, in all the forms that servers
//! have: base64 and lists, in order and not, with indices and without, with usage, half of it, and none.
//!
//! Owns what is answered and what is remembered; asserts nothing. A vector is a function of its input alone, so that a
//! test can tell whose vector it got.

mod family;
mod read;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use qlance::embed::teaching::DIMENSIONS;
use qlance::point::Modality;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) use family::{Family, Why};
pub(crate) use read::{Got, mime_of};

use family::Refusal;

/// What a server says of an input that the test wants rejected.
pub(crate) const REJECTED: &str = "refused on purpose";
/// What a server says with a status that the test wants.
pub(crate) const TROUBLE: &str = "trouble on purpose";

/// What a server offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Offer {
    /// How it speaks.
    pub(crate) family: Family,
    /// Its model's name.
    pub(crate) model: &'static str,
    /// What its model takes.
    pub(crate) takes: &'static [Modality],
    /// By how many places its vectors are turned against the teaching space: each turn is a space of its own.
    pub(crate) turn: usize,
}

impl Offer {
    /// The model `omni`, which takes all that the family can carry, in the teaching space itself.
    pub(crate) fn joint(family: Family) -> Self {
        Self {
            family,
            model: "omni",
            takes: &Modality::ALL,
            turn: 0,
        }
    }
}

/// One request.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    /// What was to be embedded; empty where that was not understood.
    pub(crate) inputs: Vec<Got>,
    /// The header `Authorization`.
    pub(crate) authorization: Option<String>,
    /// What became of it, whatever HTTP said.
    pub(crate) status: u16,
    /// Tokens that the answer named.
    pub(crate) tokens: u64,
    /// Why it was not answered, if it was not.
    pub(crate) refusal: Option<String>,
}

/// The server; stops accepting when dropped.
pub(crate) struct DialectServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
}

struct Shared {
    offer: Offer,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    /// Statuses of the next requests; none is an answer.
    script: VecDeque<Option<u16>>,
    fallback: Option<u16>,
    breaks_at: Option<Got>,
    rejected: Vec<Got>,
    answered: usize,
    recorded: Vec<Recorded>,
}

/// A request that can be answered.
struct Ready {
    inputs: Vec<Got>,
    vectors: Vec<Vec<f32>>,
    as_base64: bool,
}

impl Drop for DialectServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl DialectServer {
    /// Starts a server on a free port of the loopback interface.
    pub(crate) async fn start(offer: Offer) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
        let address = listener.local_addr().expect("the port");
        let shared = Arc::new(Shared {
            offer,
            memory: Mutex::default(),
        });
        let router = Router::new()
            .route("/v1/embeddings", post(answer))
            .layer(DefaultBodyLimit::disable())
            .with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async move {
            axum::serve(listener, router).await.expect("the dialect server serves");
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

    /// The lines of a section `[embed.*]` that suit this server, and more of them.
    pub(crate) fn config(&self, more: &str) -> String {
        let Offer { family, model, .. } = self.shared.offer;
        // A word in quotes is the same in JSON and in TOML.
        let dialect = serde_json::to_string(&family.dialect()).expect("a word");
        format!(
            "provider = \"openai\"\nbase_url = \"{}\"\nmodel = \"{model}\"\ndialect = {dialect}\n\
             dimensions = {DIMENSIONS}\nsend_dimensions = {}\nsend_encoding_format = {}\nmax_batch_inputs = 8\n\
             backoff_min_ms = 10\nbackoff_max_ms = 50\n{more}",
            self.base_url(),
            family.knows_dimensions(),
            family.knows_encoding_format(),
        )
    }

    /// The vector that it answers to an input with.
    pub(crate) fn vector_of(&self, got: &Got) -> Vec<f32> {
        got.vector(self.shared.offer.turn).expect("a whole picture or sound")
    }

    /// Queues what becomes of the next requests, in the order of arrival: a status, or none for an answer.
    pub(crate) fn then(&self, statuses: impl IntoIterator<Item = Option<u16>>) {
        self.shared.lock().script.extend(statuses);
    }

    /// Says what becomes of requests for which nothing is queued.
    pub(crate) fn always(&self, status: Option<u16>) {
        self.shared.lock().fallback = status;
    }

    /// Answers 500 from the request on that holds this input.
    pub(crate) fn break_at(&self, got: Got) {
        self.shared.lock().breaks_at = Some(got);
    }

    /// Rejects requests with this input.
    pub(crate) fn reject(&self, got: Got) {
        self.shared.lock().rejected.push(got);
    }

    /// Rejects none any more.
    pub(crate) fn forgive(&self) {
        self.shared.lock().rejected.clear();
    }

    /// Every request so far, in the order of arrival.
    pub(crate) fn recorded(&self) -> Vec<Recorded> {
        self.shared.lock().recorded.clone()
    }

    /// All inputs so far.
    pub(crate) fn inputs(&self) -> Vec<Got> {
        self.recorded().into_iter().flat_map(|request| request.inputs).collect()
    }

    /// Forgets the requests so far.
    pub(crate) fn forget(&self) {
        self.shared.lock().recorded.clear();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn understand(&self, body: &[u8]) -> Result<Ready, Refusal> {
        let read::Asked { inputs, as_base64 } = read::read(&self.offer, body)?;
        let vector = |(index, got): (usize, &Got)| {
            let made = got.vector(self.offer.turn);
            made.map_err(|message| Refusal::input(index, &message))
        };
        let vectors = inputs.iter().enumerate().map(vector).collect::<Result<_, _>>()?;
        Ok(Ready {
            inputs,
            vectors,
            as_base64,
        })
    }

    fn respond(&self, headers: &HeaderMap, body: &[u8]) -> Response {
        // Before the lock: this is what takes time.
        let ready = self.understand(body);
        let family = self.offer.family;
        let mut memory = self.lock();
        let inputs = ready.as_ref().map_or_else(|_| Vec::new(), |ready| ready.inputs.clone());
        let outcome = match (memory.next_status(&inputs), ready) {
            (Some(status), _) => Err(Refusal {
                why: Why::Own(status),
                message: TROUBLE.into(),
            }),
            (None, Err(refusal)) => Err(refusal),
            (None, Ok(ready)) => match ready.inputs.iter().position(|got| memory.rejected.contains(got)) {
                Some(index) => Err(Refusal::input(index, REJECTED)),
                None => Ok(ready),
            },
        };
        let authorization = headers.get(header::AUTHORIZATION);
        let mut recorded = Recorded {
            inputs,
            authorization: authorization.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned()),
            status: 200,
            tokens: 0,
            refusal: None,
        };
        let response = match outcome {
            Ok(ready) => {
                let (tokens, body) = self.success(ready, memory.answered);
                memory.answered += 1;
                recorded.tokens = tokens;
                Json(body).into_response()
            }
            Err(refusal) => {
                let (status, body) = family.refuse(&refusal);
                recorded.status = family.status(refusal.why);
                recorded.refusal = Some(refusal.message);
                let status = StatusCode::from_u16(status).expect("an HTTP status");
                let mut response = (status, Json(body)).into_response();
                if status == StatusCode::TOO_MANY_REQUESTS {
                    let headers = response.headers_mut();
                    headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
                }
                response
            }
        };
        memory.recorded.push(recorded);
        response
    }

    /// The answer that is the `number`th: each has another form. Also how many tokens it names.
    fn success(&self, ready: Ready, number: usize) -> (u64, Value) {
        // Some give lists whatever they are asked for.
        let as_base64 = ready.as_base64 && number % 5 != 4;
        let mut data = Vec::with_capacity(ready.vectors.len());
        for (index, vector) in ready.vectors.into_iter().enumerate() {
            let embedding = if as_base64 {
                let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
                Value::from(STANDARD.encode(bytes))
            } else {
                Value::from(vector)
            };
            let mut item = json!({"object": "embedding", "embedding": embedding});
            // Left out only where the order says the same.
            if number % 4 != 2 {
                item["index"] = json!(index);
            }
            data.push(item);
        }
        if number % 2 == 1 {
            data.reverse();
        }
        let mut body = json!({"object": "list", "model": (self.offer.model), "data": data});
        if matches!(self.offer.family, Family::Vllm | Family::Infinity) {
            body["id"] = json!(format!("embd-{number}"));
            body["created"] = json!(1_760_000_000);
        }
        let tokens: u64 = ready.inputs.iter().map(Got::tokens).sum();
        match number % 3 {
            0 => body["usage"] = json!({"prompt_tokens": tokens, "total_tokens": tokens}),
            1 => body["usage"] = json!({"total_tokens": tokens}),
            _ => return (0, body),
        }
        (tokens, body)
    }
}

impl Memory {
    /// What becomes of a request with these inputs; none is an answer.
    fn next_status(&mut self, inputs: &[Got]) -> Option<u16> {
        if self.breaks_at.take_if(|got| inputs.contains(got)).is_some() {
            self.fallback = Some(500);
        }
        self.script.pop_front().unwrap_or(self.fallback)
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    // Decoding keeps a thread busy.
    let respond = tokio::task::spawn_blocking(move || shared.respond(&headers, &body));
    respond.await.expect("an answer")
}
