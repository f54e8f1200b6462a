//! Whether the vectors of both stores are of one space, so that their answers can be compared: by what the
//! configuration says, else by the similarities that the rows keep.

use super::inspect::Inspector;
use super::prepare::Plan;
use crate::lance::Row;
use crate::lance::schema::EMBEDDING_CAPTION;
use crate::qdrant::source::Distance;
use crate::qdrant::{CollectionFacts, VectorKind};

/// Why the two spaces are not the same, where they are not. The rows are a sample that has its similarities with it.
pub(super) fn other_space(inspector: &Inspector, collection: &CollectionFacts, rows: &[Row]) -> Option<String> {
    let is_manhattan = |name: &String| {
        let kind = collection.vectors.get(name);
        matches!(
            kind,
            Some(VectorKind::Dense {
                distance: Distance::Manhattan,
                ..
            })
        )
    };
    if inspector.beside.iter().any(is_manhattan) {
        return Some("LanceDB has no counterpart of Qdrant's Manhattan distance".to_owned());
    }
    let embeddings = inspector.schema.embeddings();
    if embeddings.filter(|(column, _)| *column != EMBEDDING_CAPTION).count() > 1 {
        return Some("the table has embeddings of several spaces, Qdrant's answers are of all points".to_owned());
    }
    if matches!(inspector.recipe.plan, Plan::Carry { .. }) {
        return None;
    }
    if inspector.recipe.compared.iter().all(Option::is_none) {
        return Some("Qdrant's vectors are of another space".to_owned());
    }
    let similarities = rows.iter().filter_map(|row| Some(row.similarity?.get())).collect();
    let divergence = &inspector.config.divergence;
    by_similarity(divergence.same_space, similarities, divergence.threshold)
}

/// What the operator said, else what the median of the similarities says.
fn by_similarity(said: Option<bool>, mut similarities: Vec<f32>, threshold: f64) -> Option<String> {
    similarities.sort_by(f32::total_cmp);
    let median = similarities.get(similarities.len() / 2).copied();
    match (said, median) {
        (Some(true), _) => None,
        (_, Some(median)) if f64::from(median) >= threshold => None,
        (_, Some(median)) => Some(format!(
            "by their similarities (median {median:.3}) the spaces differ; divergence.same_space = true says otherwise"
        )),
        (_, None) => Some("no similarity is stored that would say that the spaces are the same".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_operator_knows_best_then_the_similarities() {
        for (said, similarities, same) in [
            (Some(true), vec![], true),
            (Some(true), vec![0.1], true),
            (None, vec![], false),
            (None, vec![0.1, 0.99, 0.99], true),
            (None, vec![0.1, 0.2, 0.99], false),
            (Some(false), vec![0.1, 0.2, 0.99], false),
        ] {
            let why = by_similarity(said, similarities.clone(), 0.98);
            assert_eq!(why.is_none(), same, "{said:?} {similarities:?}: {why:?}");
        }
    }
}
