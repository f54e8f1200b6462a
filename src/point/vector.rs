//! The vectors of a point: dense, sparse or multi, by name.

use std::collections::BTreeMap;

/// The name of a vector within a point; the empty name is Qdrant's unnamed vector.
pub type VectorName = String;

/// All vectors of one point by name.
pub type Vectors = BTreeMap<VectorName, Vector>;

/// One vector of a point.
#[derive(Debug, Clone, PartialEq)]
pub enum Vector {
    /// `dimension` numbers.
    Dense(Vec<f32>),
    /// Values at the given indices, all others being zero. Both lists have one length.
    Sparse {
        /// The places of the values.
        indices: Vec<u32>,
        /// The values, in the order of the indices.
        values: Vec<f32>,
    },
    /// Several dense vectors of one dimension, as late-interaction models give.
    Multi(Vec<Vec<f32>>),
}

impl Vector {
    /// The dense numbers, where the vector is dense.
    pub fn dense(&self) -> Option<&[f32]> {
        match self {
            Self::Dense(numbers) => Some(numbers),
            _ => None,
        }
    }

    /// The bytes that the numbers take.
    pub fn bytes(&self) -> usize {
        4 * match self {
            Self::Dense(numbers) => numbers.len(),
            Self::Sparse { indices, values } => indices.len() + values.len(),
            Self::Multi(rows) => rows.iter().map(Vec::len).sum(),
        }
    }
}
