//! A request of the `typed_input` dialect, read strictly: what the server does not know, it refuses, so that a client's
//! mistake shows in a demo and not in production. Also the shape of refusals, which is OpenAI's.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::space::{DIMENSIONS, MODEL};

/// Inputs a request at most.
pub(super) const MOST_INPUTS: usize = 64;

/// What is asked for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    /// At least one.
    pub(super) inputs: Vec<Input>,
    /// Whether vectors are wanted as base64; else as lists of numbers.
    pub(super) as_base64: bool,
}

/// What is to be embedded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Input {
    /// A text that is not empty.
    Text(String),
    /// The bytes of a picture's file.
    Image(Vec<u8>),
    /// The bytes of a sound's file.
    Audio(Vec<u8>),
}

/// Why a request is not answered.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) code: &'static str,
    /// Names the field and the way out.
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            code,
            message: message.into(),
        }
    }

    /// The request itself is at fault.
    pub(super) fn bad(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    /// One input is at fault.
    pub(super) fn input(index: usize, message: impl AsRef<str>) -> Self {
        Self::bad("invalid_input", format!("input[{index}]: {}", message.as_ref()))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let kind = if self.status.is_server_error() {
            "server_error"
        } else {
            "invalid_request_error"
        };
        let error = json!({"message": self.message, "type": kind, "code": self.code});
        (self.status, Json(json!({ "error": error }))).into_response()
    }
}

/// Reads a request's body.
///
/// # Errors
/// It is not what the dialect says, or asks for what there is not.
pub(super) fn read(body: &[u8]) -> Result<Asked, Refusal> {
    let body: Value = serde_json::from_slice(body)
        .map_err(|error| Refusal::bad("invalid_json", format!("the body is not JSON: {error}")))?;
    let Value::Object(mut body) = body else {
        return Err(Refusal::bad("invalid_json", "the body is not a JSON object"));
    };
    model(body.remove("model"))?;
    let as_base64 = encoding(body.remove("encoding_format"))?;
    dimensions(body.remove("dimensions"))?;
    let inputs = inputs(body.remove("input"))?;
    match body.keys().next() {
        None => Ok(Asked { inputs, as_base64 }),
        Some(key) => Err(Refusal::bad(
            "unknown_parameter",
            format!("unknown key {key:?}; known are model, input, encoding_format and dimensions"),
        )),
    }
}

fn model(value: Option<Value>) -> Result<(), Refusal> {
    match value {
        Some(Value::String(model)) if model == MODEL => Ok(()),
        Some(Value::String(model)) => Err(Refusal::new(
            StatusCode::NOT_FOUND,
            "model_not_found",
            format!("there is no model {model:?}; this server has {MODEL:?}"),
        )),
        _ => Err(Refusal::bad(
            "invalid_model",
            format!("model is missing or no text; this server has {MODEL:?}"),
        )),
    }
}

fn encoding(value: Option<Value>) -> Result<bool, Refusal> {
    match value {
        None => Ok(false),
        Some(format) if format == "float" => Ok(false),
        Some(format) if format == "base64" => Ok(true),
        Some(other) => Err(Refusal::bad(
            "invalid_encoding_format",
            format!("encoding_format is {other}; it may be \"float\" or \"base64\""),
        )),
    }
}

fn dimensions(value: Option<Value>) -> Result<(), Refusal> {
    match value {
        None => Ok(()),
        Some(asked) if asked.as_u64() == Some(DIMENSIONS as u64) => Ok(()),
        Some(asked) => Err(Refusal::bad(
            "invalid_dimensions",
            format!("dimensions is {asked}; vectors have {DIMENSIONS} numbers and no other size"),
        )),
    }
}

fn inputs(value: Option<Value>) -> Result<Vec<Input>, Refusal> {
    let Some(Value::Array(items)) = value else {
        return Err(Refusal::bad(
            "invalid_input",
            "input is missing or no list; it is a list of {\"text\": ..}, {\"image\": ..} and {\"audio\": ..}",
        ));
    };
    if items.is_empty() || items.len() > MOST_INPUTS {
        let message = format!("input has {} items; a request takes 1 to {MOST_INPUTS}", items.len());
        return Err(Refusal::bad("invalid_input", message));
    }
    items
        .into_iter()
        .enumerate()
        .map(|(index, item)| input(item).map_err(|message| Refusal::input(index, message)))
        .collect()
}

fn input(item: Value) -> Result<Input, String> {
    let Value::Object(item) = item else {
        return Err("not an object; write {\"text\": ..}, {\"image\": ..} or {\"audio\": ..}".into());
    };
    let (key, value) = only_entry(item)?;
    let Value::String(value) = value else {
        return Err(format!("{key} is not a text"));
    };
    match key.as_str() {
        "text" if value.trim().is_empty() => Err("text is empty".into()),
        "text" => Ok(Input::Text(value)),
        "image" => bytes(&value, "image").map(Input::Image),
        "audio" => bytes(&value, "audio").map(Input::Audio),
        other => Err(format!("unknown key {other:?}; known are text, image and audio")),
    }
}

fn only_entry(item: Map<String, Value>) -> Result<(String, Value), String> {
    let mut entries = item.into_iter();
    match (entries.next(), entries.next()) {
        (Some(entry), None) => Ok(entry),
        (None, _) => Err("empty; give it one of text, image and audio".into()),
        (Some(_), Some(_)) => Err("several keys; give it one of text, image and audio".into()),
    }
}

/// The bytes of a `data:` URI of this kind, or of plain base64.
fn bytes(value: &str, kind: &str) -> Result<Vec<u8>, String> {
    let encoded = match value.split_at_checked(5) {
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("data:") => {
            let (head, data) = rest
                .split_once(',')
                .ok_or_else(|| format!("{kind} is a data: URI without a comma"))?;
            let (mime, parameters) = head.split_once(';').unwrap_or((head, ""));
            if mime
                .split('/')
                .next()
                .is_none_or(|family| !family.eq_ignore_ascii_case(kind))
            {
                return Err(format!("{kind} is a data: URI of type {mime:?}"));
            }
            if !parameters
                .split(';')
                .any(|parameter| parameter.eq_ignore_ascii_case("base64"))
            {
                return Err(format!("{kind} is a data: URI that is not in base64"));
            }
            data
        }
        _ => value,
    };
    let bytes = STANDARD
        .decode(encoded)
        .map_err(|error| format!("{kind} is neither a data: URI nor base64: {error}"))?;
    if bytes.is_empty() {
        Err(format!("{kind} is empty"))
    } else {
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_input(input: &Value) -> Value {
        json!({"model": MODEL, "input": input})
    }

    fn read_value(body: &Value) -> Result<Asked, Refusal> {
        read(body.to_string().as_bytes())
    }

    #[test]
    fn what_the_dialect_says_is_understood() {
        let input = json!([
            {"text": "a red circle"},
            {"image": "data:image/png;base64,AQID"},
            {"audio": "DATA:audio/wav;rate=16000;base64,AQI="},
            {"audio": "AQID"},
        ]);
        let expected = || {
            vec![
                Input::Text("a red circle".into()),
                Input::Image(vec![1, 2, 3]),
                Input::Audio(vec![1, 2]),
                Input::Audio(vec![1, 2, 3]),
            ]
        };
        for (format, as_base64) in [(None, false), (Some("float"), false), (Some("base64"), true)] {
            let mut body = with_input(&input);
            body["dimensions"] = json!(DIMENSIONS);
            if let Some(format) = format {
                body["encoding_format"] = json!(format);
            }
            let asked = Asked {
                inputs: expected(),
                as_base64,
            };
            assert_eq!(read_value(&body), Ok(asked));
        }
    }

    #[test]
    fn everything_else_is_refused_by_name() {
        let good = json!([{"text": "a"}]);
        let many = Value::from(vec![json!({"text": "a"}); MOST_INPUTS + 1]);
        for (body, code, says) in [
            (json!([]), "invalid_json", "not a JSON object"),
            (json!({"input": good}), "invalid_model", "teaching-joint-space"),
            (json!({"model": 3, "input": good}), "invalid_model", "no text"),
            (json!({"model": "clip", "input": good}), "model_not_found", "\"clip\""),
            (json!({"model": MODEL}), "invalid_input", "input is missing"),
            (with_input(&json!("a")), "invalid_input", "no list"),
            (with_input(&json!([])), "invalid_input", "0 items"),
            (with_input(&many), "invalid_input", "65 items"),
            (
                with_input(&json!(["a red circle"])),
                "invalid_input",
                "input[0]: not an object",
            ),
            (
                with_input(&json!([{"text": "a"}, {"text": " "}])),
                "invalid_input",
                "input[1]: text is empty",
            ),
            (with_input(&json!([{"text": 3}])), "invalid_input", "text is not a text"),
            (with_input(&json!([{}])), "invalid_input", "empty"),
            (
                with_input(&json!([{"text": "a", "image": "AQID"}])),
                "invalid_input",
                "several keys",
            ),
            (with_input(&json!([{"video": "AQID"}])), "invalid_input", "\"video\""),
            (with_input(&json!([{"image": ""}])), "invalid_input", "image is empty"),
            (
                with_input(&json!([{"image": "https://host/a.png"}])),
                "invalid_input",
                "neither",
            ),
            (
                with_input(&json!([{"image": "data:image/png;base64"}])),
                "invalid_input",
                "comma",
            ),
            (
                with_input(&json!([{"image": "data:image/png,AQID"}])),
                "invalid_input",
                "not in base64",
            ),
            (
                with_input(&json!([{"image": "data:audio/wav;base64,AQID"}])),
                "invalid_input",
                "audio/wav",
            ),
            (
                with_input(&json!([{"audio": "data:image/png;base64,AQID"}])),
                "invalid_input",
                "image/png",
            ),
            (
                json!({"model": MODEL, "input": good, "user": "me"}),
                "unknown_parameter",
                "\"user\"",
            ),
            (
                json!({"model": MODEL, "input": good, "dimensions": 64}),
                "invalid_dimensions",
                "64",
            ),
            (
                json!({"model": MODEL, "input": good, "dimensions": null}),
                "invalid_dimensions",
                "null",
            ),
            (
                json!({"model": MODEL, "input": good, "encoding_format": "int8"}),
                "invalid_encoding_format",
                "int8",
            ),
        ] {
            let refusal = read_value(&body).expect_err("a refusal");
            assert_eq!(refusal.code, code, "{body}: {refusal:?}");
            assert!(refusal.message.contains(says), "{body}: {refusal:?}");
            let status = if code == "model_not_found" { 404 } else { 400 };
            assert_eq!(refusal.status.as_u16(), status, "{body}: {refusal:?}");
        }
        assert_eq!(read(b"{").expect_err("a refusal").code, "invalid_json");
    }
}
