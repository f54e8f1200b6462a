//! What a point is: its id, payload, vectors and modality, and how far a new embedding lies from the old one.
//!
//! Owns the vocabulary that every other room speaks. Knows nobody, does no I/O, and may be called from anywhere.

pub mod cursor;
pub mod diff;
pub mod failure;
pub mod filter;
pub mod histogram;
pub mod id;
pub mod modality;
mod number;
pub mod ranking;
pub mod shortened;
pub mod similarity;
pub mod vector;
pub mod verdict;

pub use cursor::{IdRange, RangeProgress};
pub use failure::{Cause, Failure};
pub use histogram::Histogram;
pub use id::{ParseIdError, PointId};
pub use modality::Modality;
pub use number::{counted, exact_sum, grouped, sum_of_money};
pub use shortened::{Shortened, Shortening};
pub use similarity::Similarity;
pub use vector::{Vector, VectorName, Vectors};

/// A payload as Qdrant holds it: a JSON object. Integer 1 and double 1.0 are different values here
/// (`serde_json::Number` keeps them apart), and an explicit null is not a missing key.
pub type Payload = serde_json::Map<String, serde_json::Value>;

/// One point of a collection, whole: nothing Qdrant knows of it is left out.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// The id, unique in its collection.
    pub id: PointId,
    /// Everything stored beside the vectors.
    pub payload: Payload,
    /// All vectors of the point by name; a point may lack any of them.
    pub vectors: Vectors,
}

impl Point {
    /// An estimate of the bytes this point holds in memory, for bounding what is in hand.
    pub fn bytes(&self) -> usize {
        64 + self.vectors.values().map(Vector::bytes).sum::<usize>()
            + self
                .payload
                .iter()
                .map(|(key, value)| key.len() + 48 + json_bytes(value))
                .sum::<usize>()
    }
}

fn json_bytes(value: &serde_json::Value) -> usize {
    use serde_json::Value::{Array, Object, String};
    32 + match value {
        String(text) => text.len(),
        Array(items) => items.iter().map(json_bytes).sum(),
        Object(map) => map.iter().map(|(key, value)| key.len() + 48 + json_bytes(value)).sum(),
        _ => 0,
    }
}
