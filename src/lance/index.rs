//! After the last point: small files made into large ones, an index on `id`, and a vector index fit for the number of
//! rows and for Qdrant's distance.

use anyhow::Context as _;
use lancedb::index::Index;
use lancedb::index::scalar::BTreeIndexBuilder;
use lancedb::index::vector::{IvfFlatIndexBuilder, IvfPqIndexBuilder};
use lancedb::table::{CompactionOptions, OptimizeAction, OptimizeOptions};
use lancedb::{DistanceType, Table};

use super::target::dataset_of;

/// One step of finishing a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Compact small files.
    Compact,
    /// BTree index on `id`.
    IdIndex,
    /// Vector index on `embedding`.
    VectorIndex,
}

impl Step {
    /// All steps in their order.
    pub const ALL: [Self; 3] = [Self::Compact, Self::IdIndex, Self::VectorIndex];

    /// What the screen says while it runs.
    pub fn label(self) -> &'static str {
        match self {
            Self::Compact => "compacting files",
            Self::IdIndex => "index on id",
            Self::VectorIndex => "vector index",
        }
    }
}

/// Below this many rows an exact search takes milliseconds and an index only loses recall.
pub const MIN_INDEXED_ROWS: u64 = 5_000;
/// From this many rows on, the vectors of an index are compressed (product quantisation).
const MIN_QUANTISED_ROWS: u64 = 200_000;

/// Takes rows that came after an index was built into it.
async fn take_in(table: &Table, column: &str) -> anyhow::Result<String> {
    let mut missing = 0;
    for index in table.list_indices().await? {
        if index.columns.iter().any(|name| name == column) {
            let stats = table.index_stats(&index.name).await?;
            missing = stats.map_or(0, |stats| stats.num_unindexed_rows);
        }
    }
    if missing == 0 {
        return Ok("there already".into());
    }
    table
        .optimize(OptimizeAction::Index(OptimizeOptions::default()))
        .await
        .with_context(|| format!("index on {column}"))?;
    Ok(format!("{missing} rows more"))
}

/// Carries one step out. Steps that are done already, or not worth it, do nothing and say so in the answer.
///
/// # Errors
/// Lance cannot build it; the rows are safe.
pub async fn run(table: &Table, step: Step, distance: DistanceType) -> anyhow::Result<String> {
    let rows = table.count_rows(None).await? as u64;
    let indexed = table.list_indices().await?;
    let has = |column: &str| {
        indexed
            .iter()
            .any(|index| index.columns.iter().any(|name| name == column))
    };
    match step {
        Step::Compact => {
            // Files that an index covers are not put together with files that it does not.
            for column in ["id", "embedding"] {
                if has(column) {
                    take_in(table, column).await?;
                }
            }
            let before = dataset_of(table).await?.count_fragments();
            if before <= 1 {
                return Ok("one file already".into());
            }
            let options = CompactionOptions {
                num_threads: Some(1),
                batch_size: Some(1_024),
                ..Default::default()
            };
            // Never `OptimizeAction::All`: it prunes old versions, and with them what a checkpoint walks back to.
            table
                .optimize(OptimizeAction::Compact {
                    options,
                    remap_options: None,
                })
                .await
                .context("compaction failed")?;
            Ok(format!(
                "{before} files into {}",
                dataset_of(table).await?.count_fragments()
            ))
        }
        Step::IdIndex if rows == 0 => Ok("the table is empty".into()),
        Step::IdIndex if has("id") => take_in(table, "id").await,
        Step::IdIndex => {
            let index = Index::BTree(BTreeIndexBuilder::default());
            table
                .create_index(&["id"], index)
                .execute()
                .await
                .context("index on id")?;
            Ok(format!("{rows} rows"))
        }
        Step::VectorIndex if rows < MIN_INDEXED_ROWS => Ok(format!(
            "not needed below {MIN_INDEXED_ROWS} rows: exact search is fast"
        )),
        Step::VectorIndex if has("embedding") => take_in(table, "embedding").await,
        Step::VectorIndex => {
            let (index, kind) = if rows < MIN_QUANTISED_ROWS {
                (
                    Index::IvfFlat(IvfFlatIndexBuilder::default().distance_type(distance)),
                    "IVF_FLAT",
                )
            } else {
                (
                    Index::IvfPq(IvfPqIndexBuilder::default().distance_type(distance)),
                    "IVF_PQ",
                )
            };
            table
                .create_index(&["embedding"], index)
                .execute()
                .await
                .context("vector index")?;
            Ok(format!("{kind}, {distance}, {rows} rows"))
        }
    }
}
