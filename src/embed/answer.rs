//! What embedding servers answer, read leniently: errors in four shapes with integer or string codes, vectors as
//! base64 or as lists, usage or none.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::numbers::Numbers;
use super::{Answer, Embedding, RequestError};

/// The body of a successful answer.
#[derive(Debug, Deserialize)]
pub struct Body {
    #[serde(default)]
    data: Option<Vec<Item>>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    error: Option<Value>,
}

#[derive(Debug, Deserialize)]
struct Item {
    #[serde(default)]
    index: Option<usize>,
    embedding: Numbers,
}

#[derive(Debug, Deserialize)]
struct Usage {
    #[serde(default)]
    prompt_tokens: Option<u64>,
    #[serde(default)]
    total_tokens: Option<u64>,
}

impl Body {
    /// Sorts the embeddings by index and decodes them. `section` of the configuration is named where it has to be mended.
    ///
    /// # Errors
    /// The body is an error after all, or does not hold `wanted` embeddings with the indices 0 to `wanted` - 1.
    pub fn into_answer(self, wanted: usize, section: &str) -> Result<Answer, RequestError> {
        let Some(items) = self.data else {
            return Err(match self.error {
                Some(error) => judge_inside(&error, section),
                None => RequestError::Protocol("neither data nor an error".into()),
            });
        };
        if items.len() != wanted {
            return Err(RequestError::Protocol(format!(
                "{} embeddings for {wanted} inputs",
                items.len()
            )));
        }
        let mut embeddings: Vec<Option<Result<Embedding, String>>> = vec![None; wanted];
        for (position, item) in items.into_iter().enumerate() {
            let index = item.index.unwrap_or(position);
            let Some(place) = embeddings.get_mut(index).filter(|place| place.is_none()) else {
                return Err(RequestError::Protocol(format!(
                    "index {index} is out of range or there twice"
                )));
            };
            *place = Some(item.embedding.0);
        }
        let usage = self.usage;
        Ok(Answer {
            embeddings: embeddings.into_iter().flatten().collect(),
            tokens: usage
                .and_then(|usage| usage.prompt_tokens.or(usage.total_tokens))
                .unwrap_or(0),
        })
    }
}

/// What an error body says, whatever its shape.
#[derive(Debug, Default, PartialEq, Eq)]
struct Said {
    message: String,
    /// `code` and `type`, as words.
    kinds: Vec<String>,
}

/// Characters of an error body that are looked at and shown.
const MAX_SAID_CHARS: usize = 600;

fn read_error(body: &str) -> Said {
    let word = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let parsed: Option<Value> = serde_json::from_str(body).ok();
    let mut said = Said::default();
    if let Some(value) = &parsed {
        // OpenAI, vLLM: {"error": {..}}; Ollama: {"error": ".."}; TEI: the bare object; FastAPI: {"detail": ..}.
        let object = value.get("error").filter(|error| error.is_object()).unwrap_or(value);
        let message = ["message", "error", "detail"]
            .iter()
            .find_map(|key| object.get(key))
            .or_else(|| value.get("detail"));
        said.message = match message {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        };
        said.kinds = ["code", "type"]
            .iter()
            .filter_map(|key| object.get(key).and_then(word))
            .collect();
    }
    if said.message.is_empty() {
        body.trim().clone_into(&mut said.message);
    }
    said.message = said.message.chars().take(MAX_SAID_CHARS).collect();
    said
}

/// Judges an error inside of an answer whose status says success, as `OpenRouter` sends them: by the status in its code.
fn judge_inside(error: &Value, section: &str) -> RequestError {
    let code = error.get("code").and_then(|code| match code {
        Value::Number(number) => number.as_u64(),
        Value::String(text) => text.parse().ok(),
        _ => None,
    });
    let body = serde_json::json!({ "error": error }).to_string();
    match code
        .and_then(|code| u16::try_from(code).ok())
        .filter(|code| *code >= 400)
    {
        Some(status) => judge(status, None, &body, section),
        None => RequestError::Protocol(format!(
            "an error in an answer of success: {}",
            read_error(&body).message
        )),
    }
}

/// Judges an answer that is no success. `section` of the configuration is where the way out is.
pub fn judge(status: u16, retry_after: Option<Duration>, body: &str, section: &str) -> RequestError {
    let said = read_error(body);
    let is = |word: &str| said.kinds.iter().any(|kind| kind == word);
    let message = if said.message.is_empty() {
        format!("HTTP {status}")
    } else {
        format!("HTTP {status}: {}", said.message)
    };
    match status {
        _ if is("insufficient_quota") || is("billing_hard_limit_reached") => RequestError::Fatal(format!(
            "the quota is exhausted ({message}); add credit, then start again: nothing is lost"
        )),
        401 | 403 => RequestError::Fatal(format!(
            "the embedder refuses the key ({message}); check {section}.api_key_env or api_key_file"
        )),
        402 => RequestError::Fatal(format!("the embedder wants to be paid ({message})")),
        404 | 405 => RequestError::Fatal(format!(
            "no such model or address ({message}); check {section}.base_url and {section}.model"
        )),
        // A server that says when to come back is not out, it is busy.
        429 | 503 if status == 429 || retry_after.is_some() => RequestError::Throttled { retry_after, message },
        // Following it would carry the key elsewhere.
        300..=399 => RequestError::Fatal(format!(
            "the embedder redirects to another address ({message}); set {section}.base_url to where it really is"
        )),
        400 | 413 | 422 => RequestError::Rejected(message),
        // 408, 409, 425 and the 5xx are about the moment; whatever else there is, no input is to blame.
        _ => RequestError::Outage(message),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn answer(body: &str, wanted: usize) -> Result<Answer, RequestError> {
        serde_json::from_str::<Body>(body)
            .expect("JSON of the right shape")
            .into_answer(wanted, "embed.text")
    }

    #[test]
    fn embeddings_are_sorted_by_index_whatever_their_form() {
        let encoded = STANDARD.encode([1.0_f32, -2.0].iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<_>>());
        let body = format!(
            r#"{{"data":[{{"index":1,"embedding":[3.0,4]}},{{"index":0,"embedding":"{encoded}"}}],
                "usage":{{"prompt_tokens":7,"total_tokens":9}}}}"#
        );
        let answer = answer(&body, 2).expect("two embeddings");
        let numbers: Vec<Vec<f32>> = answer
            .embeddings
            .into_iter()
            .map(|e| e.expect("numbers").to_vec())
            .collect();
        assert_eq!(numbers, [vec![1.0, -2.0], vec![3.0, 4.0]]);
        assert_eq!(answer.tokens, 7);
    }

    #[test]
    fn what_cannot_be_right_is_refused_as_a_whole() {
        for (body, wanted) in [
            (r#"{"data":[{"embedding":[1]}]}"#, 2),
            (
                r#"{"data":[{"index":0,"embedding":[1]},{"index":0,"embedding":[1]}]}"#,
                2,
            ),
            (r#"{"data":[{"index":5,"embedding":[1]}]}"#, 1),
            (r#"{"error":{"message":"sorry"}}"#, 1),
            ("{}", 1),
        ] {
            assert!(matches!(answer(body, wanted), Err(RequestError::Protocol(_))), "{body}");
        }
    }

    #[test]
    fn an_error_inside_of_a_success_is_judged_by_its_code() {
        let inside = |code: &str| answer(&format!(r#"{{"error":{{"message":"sorry","code":{code}}}}}"#), 1);
        assert!(matches!(inside("429"), Err(RequestError::Throttled { .. })));
        assert!(matches!(inside("\"503\""), Err(RequestError::Outage(_))));
        assert!(matches!(inside("401"), Err(RequestError::Fatal(_))));
        assert!(matches!(inside("\"odd\""), Err(RequestError::Protocol(_))));
    }

    #[test]
    fn one_bad_embedding_leaves_the_others_alone() {
        let body = r#"{"data":[{"embedding":"***"},{"embedding":"AAA="},{"embedding":[1.5]},{"embedding":null}]}"#;
        let answer = answer(body, 4).expect("four entries");
        let good: Vec<bool> = answer.embeddings.iter().map(Result::is_ok).collect();
        assert_eq!(good, [false, false, true, false]);
    }

    #[test]
    fn errors_are_judged_by_status_and_kind() {
        let kind = |status, body: &str| match judge(status, None, body, "embed.text") {
            RequestError::Rejected(_) => "rejected",
            RequestError::Throttled { .. } => "throttled",
            RequestError::Outage(_) => "outage",
            RequestError::Protocol(_) => "protocol",
            RequestError::Fatal(_) => "fatal",
        };
        for (status, body, expected) in [
            (400, r#"{"error":{"message":"too long","code":400}}"#, "rejected"),
            (
                413,
                r#"{"message":"Input too large","code":413,"type":"Validation"}"#,
                "rejected",
            ),
            (422, r#"{"detail":[{"msg":"bad"}]}"#, "rejected"),
            (429, r#"{"error":{"message":"slow down","type":"tokens"}}"#, "throttled"),
            (
                429,
                r#"{"error":{"message":"pay","type":"insufficient_quota"}}"#,
                "fatal",
            ),
            (401, "nope", "fatal"),
            (404, r#"{"error":"model not found"}"#, "fatal"),
            (500, "<html>", "outage"),
            (503, "", "outage"),
            (504, "", "outage"),
            (408, "", "outage"),
            (302, "", "fatal"),
        ] {
            assert_eq!(kind(status, body), expected, "{status} {body}");
        }
    }

    #[test]
    fn the_message_is_found_in_every_shape() {
        for (body, expected) in [
            (r#"{"error":{"message":"m","code":"c","type":"t"}}"#, "m"),
            (r#"{"error":"m"}"#, "m"),
            (r#"{"message":"m","code":413}"#, "m"),
            (r#"{"detail":"m"}"#, "m"),
            ("m", "m"),
        ] {
            assert_eq!(read_error(body).message, expected, "{body}");
        }
        assert_eq!(read_error(&"x".repeat(9_000)).message.len(), MAX_SAID_CHARS);
    }
}
