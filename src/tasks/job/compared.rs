//! The vector of Qdrant's that new embeddings are compared with: its size, its distance, and whether comparing means
//! something. Pure.

use anyhow::bail;
use lancedb::DistanceType;

use crate::config::{Config, Provider};
use crate::point::grouped;
use crate::qdrant::source::Distance;
use crate::qdrant::{CollectionFacts, VectorKind};

/// The size of the vector to compare with; `None` where the collection has no dense vectors at all.
pub(super) fn compared_size(config: &Config, collection: &CollectionFacts) -> anyhow::Result<Option<usize>> {
    let wanted = &config.source.vector;
    match collection.vectors.get(wanted) {
        Some(VectorKind::Dense { size, .. }) => return Ok(Some(*size)),
        Some(_) => bail!("source.vector: {wanted:?} is no dense vector; only dense vectors can be compared"),
        None => {}
    }
    let dense: Vec<&str> = collection
        .vectors
        .iter()
        .filter(|(_, kind)| matches!(kind, VectorKind::Dense { .. }))
        .map(|(name, _)| {
            if name.is_empty() {
                "\"\" (the unnamed one)"
            } else {
                name.as_str()
            }
        })
        .collect();
    if dense.is_empty() && wanted.is_empty() && config.embed.text.provider != Provider::Carry {
        return Ok(None);
    }
    let asked = if wanted.is_empty() {
        "an unnamed vector".into()
    } else {
        format!("a vector {wanted:?}")
    };
    bail!(
        "source.vector: collection {:?} has no {}; its dense vectors: {}",
        config.source.collection,
        asked.trim_start_matches("an ").trim_start_matches("a "),
        if dense.is_empty() {
            "none".into()
        } else {
            dense.join(", ")
        }
    )
}

/// Whether the cosine of a new embedding and Qdrant's vector means something; else why not.
pub(super) fn comparable(config: &Config, compared: Option<usize>, dimensions: usize) -> Result<(), String> {
    match (config.divergence.same_space, compared) {
        (Some(false), _) => Err("divergence.same_space says that the spaces differ".into()),
        (_, None) => Err("the collection has no dense vector to compare with".into()),
        (_, Some(size)) if size != dimensions => Err(format!(
            "Qdrant's vectors have {} numbers, the new embeddings {}",
            grouped(size as u64),
            grouped(dimensions as u64)
        )),
        _ => Ok(()),
    }
}

/// The index's distance: Qdrant's. Manhattan has no counterpart in LanceDB; Euclid is the nearest.
pub(super) fn distance_of(config: &Config, collection: &CollectionFacts) -> DistanceType {
    match collection.vectors.get(&config.source.vector) {
        Some(VectorKind::Dense { distance, .. }) => match distance {
            Distance::Cosine => DistanceType::Cosine,
            Distance::Dot => DistanceType::Dot,
            Distance::Euclid | Distance::Manhattan => DistanceType::L2,
        },
        _ => DistanceType::Cosine,
    }
}
