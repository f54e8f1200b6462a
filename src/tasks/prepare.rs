//! From a point to what is embedded: its text, or why there is none. Pure.

use std::sync::Arc;

use serde_json::Value;

use crate::embed::Input;
use crate::point::{Cause, Failure, Modality, Payload, Point};

/// Levels of nesting that a payload may have. JSON readers stop at 128, and Lance's has no guard of its own.
const MAX_NESTING: usize = 64;

/// A point and what becomes of it.
#[derive(Debug)]
pub enum Prepared {
    /// To be embedded.
    Embed(Box<Point>, Input),
    /// Qdrant's own vector goes over as it is.
    Carry(Box<Point>, Arc<[f32]>),
}

/// How points get their embedding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// The text of this payload key is embedded.
    Embed {
        /// The key.
        content: String,
    },
    /// The vector of this name is carried over.
    Carry {
        /// The name; empty is the unnamed one.
        vector: String,
    },
}

/// Prepares one point.
///
/// # Errors
/// The failure of this very point.
pub fn prepare(plan: &Plan, point: Point) -> Result<Prepared, Failure> {
    if point.payload.values().any(|value| deeper_than(value, MAX_NESTING)) {
        return Err(Failure::new(
            Cause::BadPayload,
            format!("the payload is nested deeper than {MAX_NESTING} levels"),
        ));
    }
    match plan {
        Plan::Carry { vector } => {
            let found = point.vectors.get(vector).and_then(|vector| vector.dense());
            let numbers: Arc<[f32]> = found
                .ok_or_else(|| {
                    let name = if vector.is_empty() {
                        "unnamed vector".into()
                    } else {
                        format!("vector {vector:?}")
                    };
                    Failure::new(Cause::NoVector, format!("the point has no dense {name} to carry over"))
                })?
                .into();
            if let Some(place) = numbers.iter().position(|number| !number.is_finite()) {
                return Err(Failure::new(
                    Cause::BadVector,
                    format!("number {place} of the vector is {}", numbers[place]),
                ));
            }
            Ok(Prepared::Carry(Box::new(point), numbers))
        }
        Plan::Embed { content } => {
            let input = text_of(content, &point.payload)?;
            Ok(Prepared::Embed(Box::new(point), input))
        }
    }
}

/// The text to embed.
///
/// # Errors
/// There is none, it is blank, or it is no text.
pub fn text_of(key: &str, payload: &Payload) -> Result<Input, Failure> {
    match payload.get(key) {
        Some(Value::String(text)) if text.trim().is_empty() => Err(Failure::new(
            Cause::EmptyContent,
            format!("payload field {key:?} is blank"),
        )),
        Some(Value::String(text)) => Ok(Input::Text(text.as_str().into())),
        None | Some(Value::Null) => match Modality::of(payload) {
            Modality::Text => Err(Failure::new(Cause::NoContent, format!("the payload has no {key:?}"))),
            other => Err(Failure::new(
                Cause::NoEmbedder,
                format!(
                    "no embedder for {} is configured, and there is no {key:?} to embed instead",
                    other.as_str()
                ),
            )),
        },
        Some(other) => {
            let kind = match other {
                Value::Bool(_) => "a boolean",
                Value::Number(_) => "a number",
                Value::Array(_) => "a list",
                _ => "an object",
            };
            Err(Failure::new(
                Cause::NotText,
                format!("payload field {key:?} is {kind}, not a text"),
            ))
        }
    }
}

fn deeper_than(value: &Value, levels: usize) -> bool {
    match value {
        _ if levels == 0 => true,
        Value::Array(items) => items.iter().any(|item| deeper_than(item, levels - 1)),
        Value::Object(fields) => fields.values().any(|item| deeper_than(item, levels - 1)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::{PointId, Vector, Vectors};
    use serde_json::json;

    fn cause(payload: &Value) -> Option<Cause> {
        let payload = payload.as_object().cloned().expect("an object");
        text_of("content", &payload).err().map(|failure| failure.cause)
    }

    #[test]
    fn what_cannot_be_embedded_says_why() {
        for (payload, expected) in [
            (json!({"content": "hello"}), None),
            (json!({}), Some(Cause::NoContent)),
            (json!({"content": null}), Some(Cause::NoContent)),
            (json!({"content": " \n\t"}), Some(Cause::EmptyContent)),
            (json!({"content": 5}), Some(Cause::NotText)),
            (json!({"content": ["a"]}), Some(Cause::NotText)),
            (json!({"modality": "image", "media_url": "x"}), Some(Cause::NoEmbedder)),
            (json!({"modality": "image", "content": "a caption"}), None),
        ] {
            assert_eq!(cause(&payload), expected, "{payload}");
        }
    }

    #[test]
    fn a_payload_nested_without_end_is_a_failure_of_its_point() {
        let mut value = json!(1);
        for _ in 0..80 {
            value = json!([value]);
        }
        let payload = json!({"content": "x", "deep": value});
        let point = Point {
            id: PointId::Num(1),
            payload: payload.as_object().cloned().expect("an object"),
            vectors: Vectors::new(),
        };
        let plan = Plan::Embed {
            content: "content".into(),
        };
        assert_eq!(prepare(&plan, point).expect_err("too deep").cause, Cause::BadPayload);
    }

    #[test]
    fn a_point_without_the_vector_cannot_be_carried_over() {
        let plan = Plan::Carry { vector: "v".into() };
        let mut point = Point {
            id: PointId::Num(1),
            payload: Payload::new(),
            vectors: Vectors::new(),
        };
        assert_eq!(prepare(&plan, point.clone()).expect_err("none").cause, Cause::NoVector);
        point.vectors.insert("v".into(), Vector::Dense(vec![1.0, f32::NAN]));
        assert_eq!(prepare(&plan, point.clone()).expect_err("NaN").cause, Cause::BadVector);
        point.vectors.insert("v".into(), Vector::Dense(vec![1.0, 2.0]));
        assert!(matches!(prepare(&plan, point), Ok(Prepared::Carry(..))));
    }
}
