//! The loopback server of the teaching aid: `POST /v1/embeddings` in the `typed_input` dialect, for as long as a
//! [`Teaching`] lives. It is asked over HTTP like any embeddings server, so that a demo goes the way that real work goes.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use anyhow::Context as _;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use axum::serve::ListenerExt as _;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::JoinHandle;

use super::request::{self, Asked, Input, Refusal};
use super::{open, space};

/// Mebibytes of a request's body at most.
const MOST_BODY_MIB: usize = 64;
/// Requests that are worked on at once. A picture of the largest size takes 200 MB while it is looked at.
const AT_WORK: usize = 2;

/// A running server; it stops when dropped.
#[derive(Debug)]
pub struct Teaching {
    address: SocketAddr,
    accepting: JoinHandle<()>,
    /// Dropped with the rest: tells the open connections, which belong to tasks of their own, to close.
    _open: oneshot::Sender<()>,
}

impl Teaching {
    /// Starts a server on a free port of the loopback interface.
    ///
    /// # Errors
    /// There is no free port, or no loopback interface.
    pub async fn start() -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .await
            .context("cannot listen on 127.0.0.1 for the teaching embedder")?;
        let address = listener
            .local_addr()
            .context("cannot learn the teaching embedder's port")?;
        let (open, closed) = oneshot::channel::<()>();
        let accepting = tokio::spawn(async move {
            let closed = async move {
                // Nothing is ever sent: it ends when the sender is dropped.
                let _ = closed.await;
            };
            if let Err(error) = axum::serve(listener.tap_io(at_once), router())
                .with_graceful_shutdown(closed)
                .await
            {
                tracing::warn!(%error, "the teaching embedder stopped serving");
            }
        });
        Ok(Self {
            address,
            accepting,
            _open: open,
        })
    }

    /// The address as configurations want it, up to and with `/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }
}

/// The end of an answer does not wait for the client's next word.
fn at_once(stream: &mut TcpStream) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "answers of the teaching embedder may be late");
    }
}

impl Drop for Teaching {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

fn router() -> Router {
    let no_such = || async { Refusal::new(StatusCode::NOT_FOUND, "not_found", "there is only POST /v1/embeddings") };
    let no_post = || async {
        let message = "embeddings are asked for with POST";
        Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", message)
    };
    Router::new()
        .route("/v1/embeddings", post(embed))
        .method_not_allowed_fallback(no_post)
        .fallback(no_such)
        .layer(DefaultBodyLimit::max(MOST_BODY_MIB << 20))
        .with_state(Arc::new(Semaphore::new(AT_WORK)))
}

async fn embed(State(at_work): State<Arc<Semaphore>>, body: Result<Bytes, BytesRejection>) -> Response {
    let body = match body {
        Ok(body) => body,
        Err(rejection) => return unread(&rejection).into_response(),
    };
    let Ok(permit) = at_work.acquire_owned().await else {
        return failed("the server is stopping").into_response();
    };
    let work = tokio::task::spawn_blocking(move || {
        // Held by the work and not by the request, whose client may go away while this goes on.
        let _permit = permit;
        answer(&body)
    });
    match work.await {
        Ok(Ok(answer)) => Json(answer).into_response(),
        Ok(Err(refusal)) => refusal.into_response(),
        Err(error) => failed(&format!("the work on this request ended early: {error}")).into_response(),
    }
}

fn unread(rejection: &BytesRejection) -> Refusal {
    let status = rejection.status();
    if status == StatusCode::PAYLOAD_TOO_LARGE {
        let message = format!("the body is larger than {MOST_BODY_MIB} MiB; send fewer inputs");
        return Refusal::new(status, "request_too_large", message);
    }
    Refusal::new(status, "unreadable_body", rejection.body_text())
}

fn failed(message: &str) -> Refusal {
    Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "server_error", message)
}

/// The answer to a request's body, in OpenAI's shape.
fn answer(body: &[u8]) -> Result<Value, Refusal> {
    let Asked { inputs, as_base64 } = request::read(body)?;
    let mut data = Vec::with_capacity(inputs.len());
    let mut tokens = 0;
    for (index, input) in inputs.iter().enumerate() {
        let vector = vector(input).map_err(|message| Refusal::input(index, message))?;
        let embedding = if as_base64 {
            let bytes: Vec<u8> = vector.iter().flat_map(|number| number.to_le_bytes()).collect();
            Value::from(STANDARD.encode(bytes))
        } else {
            Value::from(vector)
        };
        data.push(json!({"object": "embedding", "index": index, "embedding": embedding}));
        tokens += match input {
            Input::Text(text) => text.split_whitespace().count(),
            Input::Image(_) | Input::Audio(_) => 1,
        };
    }
    Ok(json!({
        "object": "list",
        "model": space::MODEL,
        "data": data,
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }))
}

fn vector(input: &Input) -> Result<Vec<f32>, String> {
    Ok(match input {
        Input::Text(text) => space::of_text(text),
        Input::Image(bytes) => space::of_image(&open::picture(bytes)?),
        Input::Audio(bytes) => {
            let (samples, rate) = open::sound(bytes)?;
            space::of_sound(&samples, rate)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::super::samples::{self, Paint, Shape};
    use super::space::{DIMENSIONS, MODEL, cosine};
    use super::*;
    use std::time::Duration;

    fn client() -> reqwest::Client {
        reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .build()
            .expect("a client")
    }

    /// Status and body of the answer.
    async fn ask(server: &Teaching, body: String) -> (u16, Value) {
        let response = client()
            .post(format!("{}/embeddings", server.base_url()))
            .header("content-type", "application/json")
            .body(body)
            .send()
            .await
            .expect("an answer");
        let status = response.status().as_u16();
        let text = response.text().await.expect("a body");
        (status, serde_json::from_str(&text).expect("JSON"))
    }

    fn uri(mime: &str, bytes: &[u8]) -> String {
        format!("data:{mime};base64,{}", STANDARD.encode(bytes))
    }

    fn numbers(embedding: &Value) -> Vec<f32> {
        if let Some(encoded) = embedding.as_str() {
            let bytes = STANDARD.decode(encoded).expect("base64");
            let (numbers, []) = bytes.as_chunks::<4>() else {
                panic!("{} bytes are no whole numbers", bytes.len());
            };
            return numbers.iter().map(|number| f32::from_le_bytes(*number)).collect();
        }
        let list = embedding.as_array().expect("a list");
        list.iter()
            .map(|number| number.as_f64().expect("a number") as f32)
            .collect()
    }

    #[tokio::test]
    async fn texts_pictures_and_sounds_are_answered_in_one_space() {
        let server = Teaching::start().await.expect("a server");
        let png = samples::png(&samples::picture(Shape::Circle, Paint::RED, 120, 0.3));
        let wav = samples::wav(&samples::notes(&[1_760.0], 16_000, 0.5), 16_000);
        let input = json!([
            {"text": "a red circle"},
            {"image": uri("image/png", &png)},
            {"text": "a high tone"},
            {"audio": STANDARD.encode(&wav)},
        ]);
        let mut answers = Vec::new();
        for format in ["base64", "float"] {
            let body = json!({
                "model": MODEL, "input": input, "encoding_format": format, "dimensions": DIMENSIONS,
            });
            let (status, answer) = ask(&server, body.to_string()).await;
            assert_eq!(status, 200, "{answer}");
            assert_eq!((&answer["object"], &answer["model"]), (&json!("list"), &json!(MODEL)));
            assert_eq!(answer["usage"], json!({"prompt_tokens": 8, "total_tokens": 8}));
            let data = answer["data"].as_array().expect("data");
            let vectors: Vec<Vec<f32>> = data.iter().map(|item| numbers(&item["embedding"])).collect();
            assert_eq!(
                data.iter().map(|item| item["index"].as_u64()).collect::<Vec<_>>(),
                [Some(0), Some(1), Some(2), Some(3)]
            );
            assert!(vectors.iter().all(|vector| vector.len() == DIMENSIONS));
            answers.push(vectors);
        }
        assert_eq!(answers[0], answers[1]);
        let near = |a: usize, b: usize| cosine(&answers[0][a], &answers[0][b]);
        assert!(near(0, 1) > 0.9 && near(2, 3) > 0.9, "{} {}", near(0, 1), near(2, 3));
        assert!(near(0, 3) < 0.3 && near(1, 2) < 0.3 && near(1, 3) < 0.3);
    }

    #[tokio::test]
    async fn what_it_cannot_answer_it_refuses_in_openais_shape() {
        let server = Teaching::start().await.expect("a server");
        let with_input = |input: Value| json!({"model": MODEL, "input": input}).to_string();
        for (body, status, code, says) in [
            ("nonsense".to_owned(), 400, "invalid_json", "not JSON"),
            (with_input(json!(["a red circle"])), 400, "invalid_input", "input[0]"),
            (
                with_input(json!([{"text": "a"}, {"text": ""}])),
                400,
                "invalid_input",
                "input[1]: text is empty",
            ),
            (
                with_input(json!([{"image": uri("image/png", b"nothing")}])),
                400,
                "invalid_input",
                "input[0]: image cannot be decoded",
            ),
            (
                with_input(json!([{"text": "a"}, {"audio": uri("audio/wav", b"RIFF")}])),
                400,
                "invalid_input",
                "input[1]: audio cannot be decoded",
            ),
            (
                json!({"model": "clip", "input": [{"text": "a"}]}).to_string(),
                404,
                "model_not_found",
                "clip",
            ),
            (
                json!({"model": MODEL, "input": [{"text": "a"}], "dimensions": 8}).to_string(),
                400,
                "invalid_dimensions",
                "32",
            ),
        ] {
            let (found, answer) = ask(&server, body.clone()).await;
            assert_eq!(found, status, "{body}: {answer}");
            let error = &answer["error"];
            assert_eq!(error["type"], "invalid_request_error", "{body}: {answer}");
            assert_eq!(error["code"], code, "{body}: {answer}");
            assert!(
                error["message"].as_str().is_some_and(|message| message.contains(says)),
                "{answer}"
            );
        }
    }

    #[tokio::test]
    async fn other_addresses_methods_and_sizes_are_refused_too() {
        let server = Teaching::start().await.expect("a server");
        let url = server.base_url();
        for (request, status, code) in [
            (client().get(format!("{url}/embeddings")), 405, "method_not_allowed"),
            (client().post(format!("{url}/chat/completions")), 404, "not_found"),
            (
                client()
                    .post(format!("{url}/embeddings"))
                    .body(vec![b' '; (MOST_BODY_MIB << 20) + 1]),
                413,
                "request_too_large",
            ),
        ] {
            let response = request.send().await.expect("an answer");
            assert_eq!(response.status().as_u16(), status);
            let text = response.text().await.expect("a body");
            let answer: Value = serde_json::from_str(&text).expect("JSON");
            assert_eq!(answer["error"]["code"], code, "{answer}");
        }
    }

    #[tokio::test]
    async fn a_dropped_server_answers_no_more() {
        let server = Teaching::start().await.expect("a server");
        let url = format!("{}/embeddings", server.base_url());
        let client = client();
        let body = json!({"model": MODEL, "input": [{"text": "a"}]}).to_string();
        let first = client.post(&url).body(body.clone()).send().await.expect("an answer");
        assert_eq!(first.status().as_u16(), 200);
        first.text().await.expect("a body");
        drop(server);
        // Over the connection that is kept alive, and over a new one: both are told within a moment.
        let mut tries = 0;
        while client.post(&url).body(body.clone()).send().await.is_ok() {
            tries += 1;
            assert!(tries < 200, "the server still answers");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
