//! After the last point: small files made into large ones, an index on `id`, and a vector index fit for the number of
//! rows and for Qdrant's distance.

use std::collections::BTreeSet;

use anyhow::Context as _;
use lancedb::index::Index;
use lancedb::index::scalar::{BTreeIndexBuilder, FtsIndexBuilder};
use lancedb::index::vector::{IvfFlatIndexBuilder, IvfPqIndexBuilder};
use lancedb::table::{CompactionOptions, OptimizeAction, OptimizeOptions};
use lancedb::{DistanceType, Table};

use super::schema::{EMBEDDING, EMBEDDING_CAPTION, TableSchema};
use super::target::dataset_of;

/// One step of finishing a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Compact small files.
    Compact,
    /// BTree index on `id`.
    IdIndex,
    /// Vector indexes on the columns of embeddings.
    VectorIndex,
    /// Keyword index on the content.
    TextIndex,
}

impl Step {
    /// All steps in their order.
    pub const ALL: [Self; 4] = [Self::Compact, Self::IdIndex, Self::VectorIndex, Self::TextIndex];

    /// Its place among all of them, from 1 on.
    pub fn place(self) -> usize {
        let before = Self::ALL.iter().take_while(|step| **step != self).count();
        before + 1
    }

    /// Its name in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Compact => "compact",
            Self::IdIndex => "id_index",
            Self::VectorIndex => "vector_index",
            Self::TextIndex => "text_index",
        }
    }

    /// What the screen says while it runs.
    pub fn label(self) -> &'static str {
        match self {
            Self::Compact => "compacting files",
            Self::IdIndex => "index on id",
            Self::VectorIndex => "vector index",
            Self::TextIndex => "keyword index",
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

/// What the indexes are for.
#[derive(Debug, Clone, PartialEq)]
pub struct Wishes {
    /// The distance of the column `embedding`: Qdrant's. Columns of other spaces are searched by cosine.
    pub distance: DistanceType,
    /// The column of texts that keyword search is to find, where there is one.
    pub text: Option<String>,
}

impl Wishes {
    /// The distance by which a column of embeddings is searched.
    pub fn distance_of(&self, column: &str) -> DistanceType {
        if column == EMBEDDING || column == EMBEDDING_CAPTION {
            self.distance
        } else {
            DistanceType::Cosine
        }
    }
}

/// Carries one step out. Steps that are done already, or not worth it, do nothing and say so in the answer.
///
/// # Errors
/// Lance cannot build it; the rows are safe.
pub async fn run(table: &Table, step: Step, wishes: &Wishes) -> anyhow::Result<String> {
    let rows = table.count_rows(None).await? as u64;
    let indexed = indexed_columns(table).await?;
    match step {
        Step::Compact => compact(table, &indexed).await,
        Step::IdIndex if rows == 0 => Ok("the table is empty".into()),
        Step::IdIndex if indexed.contains("id") => take_in(table, "id").await,
        Step::IdIndex => {
            let index = Index::BTree(BTreeIndexBuilder::default());
            table
                .create_index(&["id"], index)
                .execute()
                .await
                .context("index on id")?;
            Ok(format!("{rows} rows"))
        }
        Step::VectorIndex => {
            let schema = TableSchema::from_arrow(table.schema().await?.as_ref())?;
            let mut said = Vec::new();
            for (column, _) in schema.embeddings() {
                let done = vector_index(table, column, wishes.distance_of(column), &indexed).await?;
                said.push(if column == EMBEDDING {
                    done
                } else {
                    format!("{column}: {done}")
                });
            }
            Ok(said.join("; "))
        }
        Step::TextIndex => {
            let Some(column) = &wishes.text else {
                return Ok("there is no column of texts".into());
            };
            if rows == 0 {
                return Ok("the table is empty".into());
            }
            if indexed.contains(column) {
                return take_in(table, column).await;
            }
            table
                .create_index(&[column.as_str()], Index::FTS(FtsIndexBuilder::default()))
                .execute()
                .await
                .with_context(|| format!("keyword index on {column}"))?;
            Ok(format!("{rows} rows"))
        }
    }
}

async fn indexed_columns(table: &Table) -> anyhow::Result<BTreeSet<String>> {
    let indices = table.list_indices().await?;
    Ok(indices.into_iter().flat_map(|index| index.columns).collect())
}

async fn compact(table: &Table, indexed: &BTreeSet<String>) -> anyhow::Result<String> {
    // Files that an index covers are not put together with files that it does not.
    for column in indexed {
        take_in(table, column).await?;
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

async fn vector_index(
    table: &Table,
    column: &str,
    distance: DistanceType,
    indexed: &BTreeSet<String>,
) -> anyhow::Result<String> {
    if indexed.contains(column) {
        return take_in(table, column).await;
    }
    let rows = table.count_rows(Some(format!("{column} IS NOT NULL"))).await? as u64;
    if rows < MIN_INDEXED_ROWS {
        return Ok(format!(
            "not needed below {MIN_INDEXED_ROWS} rows: exact search is fast"
        ));
    }
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
        .create_index(&[column], index)
        .execute()
        .await
        .with_context(|| format!("vector index on {column}"))?;
    Ok(format!("{kind}, {distance}, {rows} rows"))
}
