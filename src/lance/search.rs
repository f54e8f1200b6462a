//! Searching a table: by vector, exactly or through the index, and by keywords. Scores are Lance's own; what they mean is
//! said where they are shown.

use anyhow::Context as _;
use arrow_array::types::Float32Type;
use arrow_array::{Float32Array, cast::AsArray as _};
use futures::TryStreamExt as _;
use lance::dataset::scanner::Scanner;
use lance::index::DatasetIndexExt as _;
use lancedb::index::scalar::FullTextSearchQuery;
use lancedb::{DistanceType, Table};

use super::browse::ids_of;
use super::target::dataset_of;
use crate::point::PointId;

/// A search by vector.
#[derive(Debug, Clone, Copy)]
pub struct ByVector<'a> {
    /// The column of embeddings.
    pub column: &'a str,
    /// What is searched for: as many numbers as the column's.
    pub vector: &'a [f32],
    /// The distance.
    pub distance: DistanceType,
    /// Rows at most.
    pub count: usize,
    /// Only rows that meet this SQL condition.
    pub filter: Option<&'a str>,
    /// Through the index, where there is one.
    pub through: Through,
}

/// How much of a table is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Through {
    /// All rows: an index would answer faster and miss some.
    #[default]
    Everything,
    /// The index with Lance's own settings.
    Index,
    /// The index with these settings; `None` leaves Lance's own.
    Tuned {
        /// Partitions that are looked at.
        nprobes: Option<usize>,
        /// Times `count` rows that are compared again by their whole vectors.
        refine_factor: Option<u32>,
        /// Candidates kept in a graph search.
        ef: Option<usize>,
    },
}

/// The rows nearest to a vector by Lance's distance, nearest first: 1 - cosine, 1 - dot product, or the squared Euclidean
/// distance.
///
/// # Errors
/// The table cannot be read, or the vector has another dimension.
pub async fn by_vector(table: &Table, wanted: ByVector<'_>) -> anyhow::Result<Vec<(PointId, f32)>> {
    let dataset = dataset_of(table).await?;
    let mut scanner = dataset.scan();
    scanner.project(&["id"])?;
    if let Some(filter) = wanted.filter {
        scanner.filter(filter)?.prefilter(true);
    }
    let query = Float32Array::from(wanted.vector.to_vec());
    scanner
        .nearest(wanted.column, &query, wanted.count)?
        .distance_metric(wanted.distance.into())
        .use_index(wanted.through != Through::Everything);
    if let Through::Tuned {
        nprobes,
        refine_factor,
        ef,
    } = wanted.through
    {
        nprobes.map(|nprobes| scanner.nprobes(nprobes));
        refine_factor.map(|factor| scanner.refine(factor));
        ef.map(|ef| scanner.ef(ef));
    }
    let mut found = run(&scanner, "_distance").await?;
    found.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
    Ok(found)
}

/// The rows whose text of a column answers best to keywords, by BM25, best first. The column has a keyword index.
///
/// # Errors
/// There is no such index, or the table cannot be read.
pub async fn by_text(
    table: &Table,
    column: &str,
    words: &str,
    count: usize,
    filter: Option<&str>,
) -> anyhow::Result<Vec<(PointId, f32)>> {
    let dataset = dataset_of(table).await?;
    let mut scanner = dataset.scan();
    scanner.project(&["id"])?;
    if let Some(filter) = filter {
        scanner.filter(filter)?.prefilter(true);
    }
    let query = FullTextSearchQuery::new(words.to_owned())
        .with_column(column.to_owned())?
        .limit(Some(count as i64));
    scanner.full_text_search(query)?.limit(Some(count as i64), None)?;
    let mut found = run(&scanner, "_score").await?;
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    Ok(found)
}

async fn run(scanner: &Scanner, score: &str) -> anyhow::Result<Vec<(PointId, f32)>> {
    let mut stream = scanner
        .try_into_stream()
        .await
        .context("the table cannot be searched")?;
    let mut found = Vec::new();
    while let Some(batch) = stream.try_next().await.context("the table cannot be searched")? {
        let scores = batch
            .column_by_name(score)
            .and_then(|column| column.as_primitive_opt::<Float32Type>())
            .with_context(|| format!("the search gave no {score}"))?;
        found.extend(ids_of(&batch)?.into_iter().zip(scores.values().iter().copied()));
    }
    Ok(found)
}

/// Whether a column has an index.
///
/// # Errors
/// The table cannot be read.
pub async fn has_index(table: &Table, column: &str) -> anyhow::Result<bool> {
    let indices = table.list_indices().await?;
    Ok(indices
        .iter()
        .any(|index| index.columns.iter().any(|name| name == column)))
}

/// The vector index of a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VectorIndex {
    /// Its kind as LanceDB names it, such as `IVF_PQ`.
    pub kind: String,
    /// Partitions of its largest part; 1 where Lance does not tell.
    pub partitions: usize,
}

/// What the vector index of a column is, where there is one. Opens it.
///
/// # Errors
/// The table or its index cannot be read.
pub async fn vector_index(table: &Table, column: &str) -> anyhow::Result<Option<VectorIndex>> {
    let indices = table.list_indices().await?;
    let of_column = |names: &[String]| names.iter().any(|name| name == column);
    let Some(index) = indices.into_iter().find(|index| of_column(&index.columns)) else {
        return Ok(None);
    };
    let dataset = dataset_of(table).await?;
    let told = dataset
        .index_statistics(&index.name)
        .await
        .with_context(|| format!("the index of {column} cannot be read"))?;
    let told: serde_json::Value = serde_json::from_str(&told)?;
    let parts = told["indices"].as_array().into_iter().flatten();
    let partitions = parts.filter_map(|part| part["num_partitions"].as_u64()).max();
    Ok(Some(VectorIndex {
        kind: index.index_type.to_string(),
        partitions: partitions.unwrap_or(1) as usize,
    }))
}
