//! The queries: vectors of rows that the seed draws. Each store is asked by the vector that it holds of the point
//! itself, and the point is no answer to its own query.

use std::collections::HashMap;

use anyhow::ensure;
use rand::SeedableRng as _;
use rand::rngs::StdRng;

use super::Comparer;
use crate::lance::audit::Pinned;
use crate::lance::{Role, Row, RowDecoder};
use crate::point::{Modality, Point, PointId, Vector};
use crate::qdrant::VectorKind;
use crate::qdrant::source::Part;
use crate::tasks::prepare::Plan;
use crate::tasks::space::other_space;

/// Bytes of vectors that are kept at most: the queries are in memory as long as the comparison takes.
const MOST_BYTES: usize = 64 << 20;
/// Points a request, and rows a read.
const AT_ONCE: usize = 500;
/// Rows drawn at most, where few of them have a value in the column.
const MOST_DRAWN: u64 = 200_000;

/// One query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Query {
    /// The point that asks.
    pub(super) id: PointId,
    /// Its vector in LanceDB.
    pub(super) new: Vec<f32>,
    /// Its vector in Qdrant; empty where no drawn point has one.
    pub(super) old: Vec<f32>,
}

/// All of them.
pub(super) struct Drawn {
    /// At least one.
    pub(super) queries: Vec<Query>,
    /// The vector of Qdrant that they come from; `None` where it has none to ask by.
    pub(super) vector: Option<String>,
    /// Why the answers of both stores cannot be compared, where they cannot.
    pub(super) other_space: Option<String>,
    /// What has to be said of them.
    pub(super) notes: Vec<String>,
}

/// The places of at most so many of a table's rows, drawn by a seed, in an order that is drawn too.
pub fn places(seed: u64, rows: u64, count: u64) -> Vec<u64> {
    let mut rng = StdRng::seed_from_u64(seed);
    let all = usize::try_from(rows).unwrap_or(usize::MAX);
    let count = usize::try_from(count).unwrap_or(usize::MAX).min(all);
    let drawn = rand::seq::index::sample(&mut rng, all, count);
    drawn.into_iter().map(|place| place as u64).collect()
}

/// Draws the queries from a column.
pub(super) async fn draw(
    comparer: &Comparer,
    pinned: &Pinned,
    column: &str,
    wanted: usize,
    seed: u64,
) -> anyhow::Result<Drawn> {
    let mut notes = Vec::new();
    let rows = pinned.rows().await?;
    let with_value = pinned.count_where(&format!("{column} IS NOT NULL")).await?;
    ensure!(
        with_value > 0,
        "no row has a vector in column {column:?}, so there is nothing to ask with; migrate first (`qlance run`)"
    );
    let mut columns = comparer.inspector.schema.embeddings();
    let size = columns.find(|(name, _)| *name == column).map_or(1, |(_, size)| size);
    // Two vectors each, of four bytes a number.
    let room = (MOST_BYTES / (2 * 4 * size.max(1))).max(1);
    let count = wanted.min(room);
    if count < wanted {
        notes.push(format!(
            "{wanted} queries were asked for; the vectors of {count} fit in memory"
        ));
    }
    // Of a column that few rows have a value in, more are drawn.
    let drawn = (count as u64 * rows.div_ceil(with_value)).clamp(count as u64, MOST_DRAWN.max(count as u64));
    let found = sound_rows(comparer, pinned, column, &places(seed, rows, drawn), count).await?;
    ensure!(
        !found.is_empty(),
        "none of the drawn rows has a sound vector in column {column:?}; `qlance verify --only vectors` says more"
    );
    let other_space = other_space(&comparer.inspector, &comparer.collection, &found);
    let vector = vector_of(comparer);
    let olds = match &vector {
        Some(name) => in_qdrant(comparer, name, &found).await?,
        None => HashMap::new(),
    };
    let queries = paired(found, olds);
    let asks_qdrant = queries.first().is_some_and(|query| !query.old.is_empty());
    if !asks_qdrant {
        notes.push("Qdrant was not measured: no drawn point has a dense vector there to ask by".to_owned());
    }
    if queries.len() < count {
        notes.push(if queries.len() as u64 == with_value {
            format!("every one of the {with_value} rows with a vector asks: there are no more")
        } else {
            format!("only {} of the drawn rows have sound vectors to ask by", queries.len())
        });
    }
    Ok(Drawn {
        queries,
        vector: vector.filter(|_| asks_qdrant),
        other_space,
        notes,
    })
}

/// The rows at these places whose vector can be asked by, at most so many.
async fn sound_rows(
    comparer: &Comparer,
    pinned: &Pinned,
    column: &str,
    places: &[u64],
    most: usize,
) -> anyhow::Result<Vec<Row>> {
    let schema = &comparer.inspector.schema;
    let columns: Vec<&str> = schema
        .columns()
        .iter()
        .filter(|known| matches!(known.role, Role::Id | Role::Similarity) || known.name == column)
        .map(|known| known.name.as_str())
        .collect();
    let mut rows = Vec::new();
    for places in places.chunks(AT_ONCE) {
        // Lance takes them in the order in which they lie.
        let mut places = places.to_vec();
        places.sort_unstable();
        let batch = pinned.take(&places, &columns).await?;
        let decoder = RowDecoder::new(schema, &batch);
        for place in 0..batch.num_rows() {
            let row = decoder.row(place)?;
            if row.embedding.as_deref().is_some_and(is_sound) {
                rows.push(row);
            }
        }
        if rows.len() >= most {
            rows.truncate(most);
            break;
        }
    }
    Ok(rows)
}

/// Whether a vector has a direction; which rows have none is for the verification.
fn is_sound(vector: &[f32]) -> bool {
    qlance_numbers::not_finite(vector).is_none() && vector.iter().any(|number| *number != 0.0)
}

/// The vector of Qdrant that stands beside the table's first column of embeddings.
fn vector_of(comparer: &Comparer) -> Option<String> {
    let inspector = &comparer.inspector;
    let name = match &inspector.recipe.plan {
        Plan::Carry { vector, .. } => vector,
        Plan::Embed { .. } => &inspector.beside[Modality::Text as usize],
    };
    let kind = comparer.collection.vectors.get(name);
    matches!(kind, Some(VectorKind::Dense { .. })).then(|| name.clone())
}

async fn in_qdrant(comparer: &Comparer, name: &str, rows: &[Row]) -> anyhow::Result<HashMap<PointId, Vec<f32>>> {
    let part = Part {
        payloads: false,
        vectors: true,
    };
    let mut olds = HashMap::new();
    for rows in rows.chunks(AT_ONCE) {
        let ids: Vec<PointId> = rows.iter().map(|row| row.point.id).collect();
        let found = comparer.inspector.source.get_part(&ids, part).await?;
        for Point { id, vectors, .. } in found.into_iter().flatten() {
            if let Some(vector) = vectors.get(name).and_then(Vector::dense) {
                olds.insert(id, vector.to_vec());
            }
        }
    }
    Ok(olds)
}

/// The rows that both stores can be asked by; where Qdrant has a vector of none of them, all, for LanceDB alone.
fn paired(rows: Vec<Row>, mut olds: HashMap<PointId, Vec<f32>>) -> Vec<Query> {
    olds.retain(|_, old| is_sound(old));
    let alone = olds.is_empty();
    let query = |row: Row| {
        let id = row.point.id;
        let old = olds.remove(&id);
        let old = if alone { Vec::new() } else { old? };
        Some(Query {
            id,
            new: row.embedding?,
            old,
        })
    };
    rows.into_iter().filter_map(query).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::point::{Payload, Vectors};
    use proptest::prelude::*;

    fn row(id: u64) -> Row {
        Row {
            point: Point {
                id: PointId::Num(id),
                payload: Payload::new(),
                vectors: Vectors::new(),
            },
            modality: None,
            embedding: Some(vec![id as f32, 1.0]),
            embedding_column: None,
            others: Vec::new(),
            similarity: None,
        }
    }

    fn asking(queries: &[Query]) -> Vec<(PointId, usize)> {
        queries.iter().map(|query| (query.id, query.old.len())).collect()
    }

    #[test]
    fn both_stores_are_asked_by_the_same_points_or_lancedb_alone() {
        let rows = || vec![row(1), row(2), row(3)];
        let old = |id: u64, numbers: &[f32]| (PointId::Num(id), numbers.to_vec());
        let some = HashMap::from([old(1, &[1.0]), old(3, &[2.0])]);
        let both = [(PointId::Num(1), 1), (PointId::Num(3), 1)];
        assert_eq!(asking(&paired(rows(), some)), both);
        let all = [1, 2, 3].map(|id| (PointId::Num(id), 0));
        assert_eq!(asking(&paired(rows(), HashMap::new())), all);
        // What has no direction asks nothing.
        let unsound = HashMap::from([old(1, &[0.0, 0.0]), old(2, &[f32::NAN]), old(3, &[1.0])]);
        assert_eq!(asking(&paired(rows(), unsound)), [(PointId::Num(3), 1)]);
    }

    proptest! {
        #[test]
        fn places_are_drawn_once_each_and_again_by_the_same_seed(
            seed in any::<u64>(), rows in 0_u64..500, count in 0_u64..600,
        ) {
            let drawn = places(seed, rows, count);
            prop_assert_eq!(drawn.len() as u64, count.min(rows));
            prop_assert_eq!(drawn.iter().collect::<HashSet<_>>().len(), drawn.len());
            prop_assert!(drawn.iter().all(|place| *place < rows));
            prop_assert_eq!(places(seed, rows, count), drawn);
        }
    }
}
