//! The exact nearest rows of many vectors in one go through a column: what asking for each alone would read the whole
//! column for, again and again. Distances are computed by Lance's own functions, so they are those of its exact search.

use std::sync::Arc;

use anyhow::Context as _;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Float32Type;
use arrow_array::{Array as _, RecordBatch};
use futures::TryStreamExt as _;
use lance_linalg::distance::cosine_distance_batch;
use lancedb::DistanceType;

use super::audit::Pinned;
use super::browse::ids_of;
use crate::point::PointId;

/// Rows of one batch: some 1.5 MB of 1,536 numbers each.
const BATCH_ROWS: usize = 256;
/// Rows compared with all vectors before the next: some 200 kB of 1,536 numbers each.
const BLOCK_ROWS: usize = 32;

/// The nearest rows of one vector so far, nearest first.
#[derive(Clone, Default)]
struct Nearest {
    found: Vec<(PointId, f32)>,
}

impl Nearest {
    /// Takes a row in where it is near enough to be among the first `count`. Of equally near ones the lesser id is first.
    fn take(&mut self, id: PointId, distance: f32, count: usize) {
        let nearer = |other: &(PointId, f32)| other.1.total_cmp(&distance).then(other.0.cmp(&id)).is_lt();
        if self.found.len() >= count && self.found.last().is_none_or(nearer) {
            return;
        }
        let place = self.found.partition_point(nearer);
        self.found.insert(place, (id, distance));
        self.found.truncate(count);
    }
}

/// For each vector the rows nearest to it by Lance's distance, at most `count`, nearest first; rows whose distance is no
/// number are nobody's. See [`super::search::by_vector`] for what the distances are.
///
/// # Errors
/// The table cannot be read, or a vector has another dimension than the column.
pub async fn nearest_to_each(
    pinned: &Pinned,
    column: &str,
    vectors: Vec<Vec<f32>>,
    distance: DistanceType,
    count: usize,
) -> anyhow::Result<Vec<Vec<(PointId, f32)>>> {
    let mut nearest = vec![Nearest::default(); vectors.len()];
    let vectors: Arc<[Vec<f32>]> = vectors.into();
    let column: Arc<str> = column.into();
    let mut batches = std::pin::pin!(pinned.scan(&["id", &column], BATCH_ROWS).await?);
    let mut next = batches.try_next().await?;
    while let Some(batch) = next {
        let (vectors, column) = (Arc::clone(&vectors), Arc::clone(&column));
        let compared = tokio::task::spawn_blocking(move || {
            take_in(&mut nearest, &batch, &column, &vectors, (distance, count))?;
            anyhow::Ok(nearest)
        });
        let compared = async { compared.await? };
        (nearest, next) = futures::try_join!(compared, batches.try_next())?;
    }
    Ok(nearest.into_iter().map(|nearest| nearest.found).collect())
}

fn take_in(
    nearest: &mut [Nearest],
    batch: &RecordBatch,
    column: &str,
    vectors: &[Vec<f32>],
    (distance, count): (DistanceType, usize),
) -> anyhow::Result<()> {
    let ids = ids_of(batch)?;
    let list = batch
        .column_by_name(column)
        .and_then(|column| column.as_fixed_size_list_opt())
        .with_context(|| format!("column {column:?} holds no vectors"))?;
    let size = usize::try_from(list.value_length())?;
    let numbers = list
        .values()
        .as_primitive_opt::<Float32Type>()
        .with_context(|| format!("column {column:?} holds no 32-bit floats"))?
        .values();
    let begin = usize::try_from(list.value_offset(0))?;
    let numbers = &numbers[begin..begin + ids.len() * size];
    for vector in vectors {
        anyhow::ensure!(
            vector.len() == size,
            "a vector of {} numbers is compared with column {column:?} of {size}",
            vector.len()
        );
    }
    let between = lance_linalg::distance::DistanceType::from(distance).func::<f32>();
    // A few rows at a time stay in the processor's cache while all vectors are compared with them.
    for (block, rows) in numbers.chunks(BLOCK_ROWS * size).enumerate() {
        for (nearest, vector) in nearest.iter_mut().zip(vectors) {
            let mut take = |place: usize, found: f32| {
                let place = block * BLOCK_ROWS + place;
                if list.is_valid(place) && !found.is_nan() {
                    nearest.take(ids[place], found, count);
                }
            };
            if distance == DistanceType::Cosine {
                // The length of the one vector is worked out once for all rows.
                for (place, found) in cosine_distance_batch(vector, rows, size).enumerate() {
                    take(place, found);
                }
            } else {
                for (place, row) in rows.chunks_exact(size).enumerate() {
                    take(place, between(vector, row));
                }
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_nearest_are_kept_in_order(
            rows in prop::collection::vec((0_u64..40, 0_u8..12), 0..60),
            count in 1_usize..8,
        ) {
            let mut seen = std::collections::BTreeSet::new();
            let rows: Vec<(PointId, f32)> = rows
                .into_iter()
                .filter(|(id, _)| seen.insert(*id))
                .map(|(id, distance)| (PointId::Num(id), f32::from(distance)))
                .collect();
            let mut nearest = Nearest::default();
            for (id, distance) in &rows {
                nearest.take(*id, *distance, count);
            }
            let mut sorted = rows;
            sorted.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
            sorted.truncate(count);
            prop_assert_eq!(nearest.found, sorted);
        }
    }
}
