//! Two vectors in a few numbers.

use crate::point::{Point, Similarity, Vector, VectorName};

/// Carried vectors may differ by this much a number: Qdrant's own migration guide asks for 1e-6.
const TOLERANCE: f32 = 1e-6;

/// What two vectors of the same name have to do with each other.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct VectorDiff {
    /// Numbers of Qdrant's (indices of a sparse one, vectors of a multi vector); `None` where it is missing.
    pub qdrant: Option<usize>,
    /// Numbers of LanceDB's.
    pub lancedb: Option<usize>,
    /// The Euclidean norm of Qdrant's, where it is dense.
    pub qdrant_norm: Option<f64>,
    /// The Euclidean norm of LanceDB's.
    pub lancedb_norm: Option<f64>,
    /// Their cosine, where both are dense and of one dimension.
    pub cosine: Option<Similarity>,
    /// The largest difference of two numbers, and its place.
    pub largest: Option<(usize, f32)>,
    /// Whether this counts as the same: equal within 1e-6 where the vector was carried over, anything where it was
    /// embedded anew.
    pub agrees: bool,
}

fn length(vector: &Vector) -> usize {
    match vector {
        Vector::Dense(numbers) => numbers.len(),
        Vector::Sparse { indices, .. } => indices.len(),
        Vector::Multi(vectors) => vectors.len(),
    }
}

fn of(qdrant: Option<&Vector>, lancedb: Option<&Vector>, carried: bool) -> VectorDiff {
    let (left, right) = (qdrant.and_then(Vector::dense), lancedb.and_then(Vector::dense));
    let pair = left.zip(right).filter(|(left, right)| left.len() == right.len());
    let largest = pair.and_then(|(left, right)| {
        let differences = left.iter().zip(right).map(|(x, y)| (x - y).abs()).enumerate();
        differences.max_by(|a, b| a.1.total_cmp(&b.1))
    });
    let equal = match (qdrant, lancedb) {
        (Some(left), Some(right)) if left == right => true,
        _ => largest.is_some_and(|(_, difference)| difference <= TOLERANCE),
    };
    VectorDiff {
        qdrant: qdrant.map(length),
        lancedb: lancedb.map(length),
        qdrant_norm: left.map(qlance_numbers::norm),
        lancedb_norm: right.map(qlance_numbers::norm),
        cosine: pair.and_then(|(left, right)| Similarity::cosine(left, right)),
        largest,
        agrees: equal || !carried,
    }
}

/// The vectors of both sides by name; the new embedding first, beside the vector it was compared with.
pub(super) fn compare(
    qdrant: Option<&Point>,
    lancedb: Option<&Point>,
    embedding: Option<(&str, &[f32])>,
    carried: bool,
) -> Vec<(VectorName, VectorDiff)> {
    let mut found = Vec::new();
    let compared = embedding.map(|(name, numbers)| {
        let old = qdrant.and_then(|point| point.vectors.get(name));
        let new = Vector::Dense(numbers.to_vec());
        found.push(("embedding".to_owned(), of(old, Some(&new), carried)));
        name
    });
    let mut names: Vec<&VectorName> = [qdrant, lancedb]
        .into_iter()
        .flatten()
        .flat_map(|point| point.vectors.keys())
        .collect();
    names.sort();
    names.dedup();
    for name in names {
        let old = qdrant.and_then(|point| point.vectors.get(name));
        let new = lancedb.and_then(|point| point.vectors.get(name));
        // The compared vector is kept in the table only on request: its place is taken by the embedding.
        if compared == Some(name.as_str()) && new.is_none() {
            continue;
        }
        let both = qdrant.is_some() && lancedb.is_some();
        found.push((name.clone(), of(old, new, both)));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_vectors_in_a_few_numbers() {
        let (left, right) = (Vector::Dense(vec![3.0, 4.0]), Vector::Dense(vec![3.0, 4.5]));
        let diff = of(Some(&left), Some(&right), true);
        assert_eq!((diff.qdrant, diff.qdrant_norm), (Some(2), Some(5.0)));
        assert_eq!(diff.largest, Some((1, 0.5)));
        assert!(!diff.agrees && diff.cosine.is_some_and(|cosine| cosine.get() > 0.99));
        assert!(of(Some(&left), Some(&Vector::Dense(vec![3.0, 4.0 + 4e-7])), true).agrees);
        let other = of(Some(&left), Some(&Vector::Dense(vec![1.0])), true);
        assert!(other.cosine.is_none() && other.largest.is_none() && !other.agrees);
        assert!(!of(Some(&left), None, true).agrees);
    }
}
