//! Between Qdrant's gRPC messages and [`Point`]s. Types survive: integer 1 is not double 1.0, null is not missing.

use std::collections::HashMap;

use qdrant_client::qdrant as q;
use qdrant_client::qdrant::point_id::PointIdOptions;
use qdrant_client::qdrant::value::Kind;
use qdrant_client::qdrant::{vector_output, vectors_output};
use serde_json::{Map, Number, Value};

use crate::point::{Payload, PointId, Vector, Vectors};

/// A number that JSON cannot hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("payload field {field:?} holds {number}, which JSON cannot hold")]
pub struct NotFinite {
    /// Where it stands.
    pub field: String,
    /// `NaN`, `inf` or `-inf`.
    pub number: String,
}

/// A payload from its message. Keys come in random order (a protobuf map), so they are sorted.
///
/// # Errors
/// A double that is not finite.
pub fn payload_from(fields: HashMap<String, q::Value>) -> Result<Payload, NotFinite> {
    object(fields, "")
}

fn object(fields: HashMap<String, q::Value>, path: &str) -> Result<Map<String, Value>, NotFinite> {
    let mut entries: Vec<(String, q::Value)> = fields.into_iter().collect();
    entries.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    entries
        .into_iter()
        .map(|(key, value)| {
            let inner = if path.is_empty() {
                key.clone()
            } else {
                format!("{path}.{key}")
            };
            let value = value_from(value, &inner)?;
            Ok((key, value))
        })
        .collect()
}

fn value_from(value: q::Value, path: &str) -> Result<Value, NotFinite> {
    Ok(match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(flag)) => Value::Bool(flag),
        Some(Kind::IntegerValue(number)) => Value::Number(number.into()),
        Some(Kind::DoubleValue(number)) => Value::Number(Number::from_f64(number).ok_or_else(|| NotFinite {
            field: path.to_owned(),
            number: number.to_string(),
        })?),
        Some(Kind::StringValue(text)) => Value::String(text),
        Some(Kind::ListValue(list)) => Value::Array(
            list.values
                .into_iter()
                .map(|value| value_from(value, path))
                .collect::<Result<_, _>>()?,
        ),
        Some(Kind::StructValue(inner)) => Value::Object(object(inner.fields, path)?),
    })
}

/// The message of a payload.
pub fn payload_to(payload: &Payload) -> HashMap<String, q::Value> {
    payload
        .iter()
        .map(|(key, value)| (key.clone(), value_to(value)))
        .collect()
}

fn value_to(value: &Value) -> q::Value {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Kind::IntegerValue(number),
            // Integers beyond i64 cannot be said in a payload message; Qdrant itself answers a double there.
            None => Kind::DoubleValue(number.as_f64().unwrap_or(f64::NAN)),
        },
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(values) => Kind::ListValue(q::ListValue {
            values: values.iter().map(value_to).collect(),
        }),
        Value::Object(fields) => Kind::StructValue(q::Struct {
            fields: payload_to(fields),
        }),
    };
    q::Value { kind: Some(kind) }
}

/// An id from its message; `None` for a message that holds none.
pub fn id_from(id: Option<q::PointId>) -> Option<PointId> {
    match id?.point_id_options? {
        PointIdOptions::Num(number) => Some(PointId::Num(number)),
        PointIdOptions::Uuid(text) => uuid::Uuid::parse_str(&text).ok().map(PointId::Uuid),
    }
}

/// The message of an id.
pub fn id_to(id: PointId) -> q::PointId {
    match id {
        PointId::Num(number) => number.into(),
        PointId::Uuid(uuid) => uuid.to_string().into(),
    }
}

/// The vectors of a point from their message, of old servers and new.
pub fn vectors_from(vectors: Option<q::VectorsOutput>) -> Vectors {
    use vectors_output::VectorsOptions;
    match vectors.and_then(|vectors| vectors.vectors_options) {
        None => Vectors::new(),
        Some(VectorsOptions::Vector(vector)) => std::iter::once((String::new(), vector_from(vector))).collect(),
        Some(VectorsOptions::Vectors(named)) => named
            .vectors
            .into_iter()
            .map(|(name, vector)| (name, vector_from(vector)))
            .collect(),
    }
}

fn vector_from(vector: q::VectorOutput) -> Vector {
    match vector.into_vector() {
        vector_output::Vector::Dense(dense) => Vector::Dense(exact(dense.data)),
        vector_output::Vector::Sparse(sparse) => Vector::Sparse {
            indices: sparse.indices,
            values: sparse.values,
        },
        vector_output::Vector::MultiDense(multi) => {
            Vector::Multi(multi.vectors.into_iter().map(|dense| exact(dense.data)).collect())
        }
    }
}

/// The same numbers, without the room that a list has to spare which grew while it was read: 1,536 numbers have grown to
/// the room of 2,048. Copied, not shrunk: a block that is shrunk leaves a hole of its own beside it, too small for the next
/// vector, while one that is let go is the next one's.
fn exact(numbers: Vec<f32>) -> Vec<f32> {
    if numbers.capacity() == numbers.len() {
        numbers
    } else {
        numbers.as_slice().to_vec()
    }
}

/// The message of a point's vectors, for writing them to Qdrant.
pub fn vectors_to(vectors: &Vectors) -> q::Vectors {
    let named: HashMap<String, q::Vector> = vectors
        .iter()
        .map(|(name, vector)| {
            let vector = match vector {
                Vector::Dense(numbers) => q::Vector::new_dense(numbers.clone()),
                Vector::Sparse { indices, values } => q::Vector::new_sparse(indices.clone(), values.clone()),
                Vector::Multi(rows) => q::Vector::new_multi(rows.clone()),
            };
            (name.clone(), vector)
        })
        .collect();
    named.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn payloads_come_back_with_their_types() {
        let payload = json!({
            "i": 1, "d": 1.0, "big": i64::MAX, "small": i64::MIN, "null": null, "list": ["a", 50, null, {"x": []}],
            "nested": {"b": {"c": -0.5}, "a": true}, "": "empty key", "ü": "…"
        });
        let payload = payload.as_object().cloned().expect("an object");
        assert_eq!(payload_from(payload_to(&payload)), Ok(payload));
    }

    #[test]
    fn a_number_that_json_cannot_hold_is_named() {
        let nan = q::Value {
            kind: Some(Kind::DoubleValue(f64::NAN)),
        };
        let inner = q::Value {
            kind: Some(Kind::StructValue(q::Struct {
                fields: HashMap::from([("score".to_owned(), nan)]),
            })),
        };
        let error = payload_from(HashMap::from([("meta".to_owned(), inner)])).expect_err("NaN");
        assert_eq!((error.field.as_str(), error.number.as_str()), ("meta.score", "NaN"));
    }

    #[test]
    fn ids_come_back_and_garbage_does_not() {
        for id in [
            PointId::Num(0),
            PointId::Num(u64::MAX),
            PointId::Uuid(uuid::Uuid::from_u128(7)),
        ] {
            assert_eq!(id_from(Some(id_to(id))), Some(id));
        }
        assert_eq!(id_from(None), None);
        assert_eq!(id_from(Some("no uuid".into())), None);
    }
}
