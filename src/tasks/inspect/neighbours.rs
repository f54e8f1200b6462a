//! The nearest neighbours of a point in both stores, and how far the stores agree about them over a sample.

use std::collections::BTreeSet;

use anyhow::Context as _;
use lancedb::DistanceType;
use serde::Serialize;

use super::Inspector;
use crate::lance::schema::EMBEDDING;
use crate::lance::{Row, browse, read, search};
use crate::point::{Payload, PointId};
use crate::tasks::search::NO_TABLE;

/// Neighbours that are compared.
const NEIGHBOURS: usize = 10;
/// Points whose neighbours make the agreement: the mean of 200 is known to about 2 percentage points.
const SAMPLE: usize = 200;

/// One neighbour.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Neighbour {
    /// The point.
    pub id: PointId,
    /// By the collection's distance, as Qdrant scores it: cosine similarity, dot product, or Euclidean distance.
    pub score: f32,
    /// Whether the other store names it too.
    pub shared: bool,
    /// The beginning of its content.
    pub snippet: Option<String>,
}

/// The neighbours of one point, nearest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Neighbours {
    /// What the scores are.
    pub score: &'static str,
    /// By Qdrant's vector in Qdrant.
    pub qdrant: Vec<Neighbour>,
    /// By the new embedding in LanceDB.
    pub lancedb: Vec<Neighbour>,
}

/// How many of ten neighbours the stores share, over a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Agreement {
    /// Points whose neighbours were compared.
    pub sampled: u64,
    /// Of how many of them 0, 1, .. 10 neighbours are shared.
    pub shared: [u64; NEIGHBOURS + 1],
}

impl Agreement {
    /// The mean share of shared neighbours, 0 to 1; `None` where nothing was sampled.
    pub fn mean(&self) -> Option<f64> {
        let shared: u64 = self.shared.iter().zip(0..).map(|(points, n)| points * n).sum();
        (self.sampled > 0).then(|| shared as f64 / (self.sampled as f64 * NEIGHBOURS as f64))
    }
}

/// The name of a distance's score.
pub(crate) fn score_name(distance: DistanceType) -> &'static str {
    match distance {
        DistanceType::Cosine => "cosine similarity",
        DistanceType::Dot => "dot product",
        _ => "Euclidean distance",
    }
}

/// Lance's distance as Qdrant's score: Lance gives 1 - cosine, 1 - dot, and the squared Euclidean distance.
pub(crate) fn score(distance: DistanceType, value: f32) -> f32 {
    match distance {
        // Rounding may take it beyond what a cosine can be.
        DistanceType::Cosine => (1.0 - value).clamp(-1.0, 1.0),
        DistanceType::Dot => 1.0 - value,
        _ => value.max(0.0).sqrt(),
    }
}

impl Inspector {
    /// The ten nearest in each store, the point itself left out.
    pub(super) async fn neighbours(
        &self,
        id: PointId,
        old: Option<&[f32]>,
        row: Option<&Row>,
    ) -> anyhow::Result<Neighbours> {
        let qdrant = self.nearest_in_qdrant(id, self.beside(row), old).await?;
        let lancedb = self.nearest_in_lancedb(id, row).await?;
        let ids = |found: &[(PointId, f32)]| found.iter().map(|(id, _)| *id).collect::<BTreeSet<_>>();
        let (left, right) = (ids(&qdrant), ids(&lancedb));
        let all: Vec<PointId> = left.union(&right).copied().collect();
        let snippets: Vec<(PointId, String)> = self
            .source
            .get(&all)
            .await?
            .into_iter()
            .flatten()
            .filter_map(|point| Some((point.id, snippet(&point.payload, &self.content)?)))
            .collect();
        let describe = |found: Vec<(PointId, f32)>, other: &BTreeSet<PointId>| {
            found
                .into_iter()
                .map(|(id, score)| Neighbour {
                    id,
                    score,
                    shared: other.contains(&id),
                    snippet: snippets
                        .iter()
                        .find(|(other, _)| *other == id)
                        .map(|(_, text)| text.clone()),
                })
                .collect()
        };
        Ok(Neighbours {
            score: score_name(self.distance_of(row)),
            qdrant: describe(qdrant, &right),
            lancedb: describe(lancedb, &left),
        })
    }

    /// The distance by which a row's embedding is searched.
    fn distance_of(&self, row: Option<&Row>) -> DistanceType {
        let column = row.and_then(|row| row.embedding_column.as_deref());
        self.wishes.distance_of(column.unwrap_or(EMBEDDING))
    }

    async fn nearest_in_qdrant(
        &self,
        id: PointId,
        name: &str,
        vector: Option<&[f32]>,
    ) -> anyhow::Result<Vec<(PointId, f32)>> {
        let Some(vector) = vector else { return Ok(Vec::new()) };
        let found = self.source.nearest(name, vector, NEIGHBOURS as u64 + 1).await?;
        Ok(without(id, found))
    }

    async fn nearest_in_lancedb(&self, id: PointId, row: Option<&Row>) -> anyhow::Result<Vec<(PointId, f32)>> {
        let found = row.and_then(|row| Some((row.embedding.as_deref()?, row.embedding_column.as_deref()?)));
        let (Some((vector, column)), Some(table)) = (found, self.table()) else {
            return Ok(Vec::new());
        };
        let distance = self.distance_of(row);
        let wanted = search::ByVector {
            column,
            vector,
            distance,
            count: NEIGHBOURS + 1,
            filter: None,
            through: search::Through::Everything,
        };
        let found = search::by_vector(&table, wanted).await?;
        let scored = found.into_iter().map(|(id, value)| (id, score(distance, value)));
        Ok(without(id, scored.collect()))
    }

    /// Compares the neighbours of a random sample of rows.
    ///
    /// # Errors
    /// One of the stores cannot be read, or there is no table yet.
    pub async fn agreement(&self) -> anyhow::Result<Agreement> {
        let table = self.table().context(NO_TABLE)?;
        let mut agreement = Agreement::default();
        for ids in browse::sample_ids(&table, SAMPLE).await?.chunks(50) {
            let rows = read::rows_by_id(&table, &self.schema, ids).await?;
            let points = self.source.get(ids).await?;
            for row in rows {
                let point = points.iter().flatten().find(|point| point.id == row.point.id);
                let name = self.beside(Some(&row));
                let old = point.and_then(|point| point.vectors.get(name)?.dense());
                let (Some(old), true) = (old, row.embedding.is_some()) else {
                    continue;
                };
                let left = self.nearest_in_qdrant(row.point.id, name, Some(old)).await?;
                let right = self.nearest_in_lancedb(row.point.id, Some(&row)).await?;
                let shared = left
                    .iter()
                    .filter(|(id, _)| right.iter().any(|(other, _)| other == id))
                    .count();
                agreement.shared[shared.min(NEIGHBOURS)] += 1;
                agreement.sampled += 1;
            }
        }
        Ok(agreement)
    }
}

fn without(id: PointId, mut found: Vec<(PointId, f32)>) -> Vec<(PointId, f32)> {
    found.retain(|(other, _)| *other != id);
    found.truncate(NEIGHBOURS);
    found
}

fn snippet(payload: &Payload, key: &str) -> Option<String> {
    Some(payload.get(key)?.as_str()?.chars().take(120).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_qdrant() {
        for (distance, value, expected) in [
            (DistanceType::Cosine, 0.25, 0.75),
            (DistanceType::Dot, -3.0, 4.0),
            (DistanceType::L2, 9.0, 3.0),
        ] {
            assert!((score(distance, value) - expected).abs() < 1e-6, "{distance}");
        }
    }

    #[test]
    fn the_mean_agreement() {
        let mut agreement = Agreement::default();
        assert_eq!(agreement.mean(), None);
        agreement.sampled = 2;
        agreement.shared[10] = 1;
        agreement.shared[5] = 1;
        assert_eq!(agreement.mean(), Some(0.75));
    }
}
