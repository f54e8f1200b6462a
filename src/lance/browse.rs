//! Looking into a table a page at a time: rows by similarity, worst first; the nearest neighbours of a vector; a random
//! sample of ids. Nothing here holds more than it answers with.

use anyhow::Context as _;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Float32Type;
use arrow_array::{Array as _, RecordBatch};
use futures::TryStreamExt as _;
use lance::dataset::scanner::ColumnOrdering;
use lancedb::Table;
use serde::Serialize;

use super::target::dataset_of;
use crate::point::{Histogram, PointId, Similarity};

/// Characters of a content that a list shows.
const SNIPPET_CHARS: usize = 160;

/// One row of a list by similarity.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RankedRow {
    /// The point.
    pub id: PointId,
    /// How far its new embedding lies from Qdrant's vector; `None` where the two cannot be compared.
    pub similarity: Option<Similarity>,
    /// The beginning of its content; `None` where the table has no such column or the row no text.
    pub snippet: Option<String>,
}

/// Which rows a list is about: `from <= similarity < to`. A `to` above 1 takes in 1; only [`Band::EVERY`] takes in rows
/// without a similarity.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Band {
    /// The lower edge.
    pub from: f32,
    /// The upper edge.
    pub to: f32,
}

impl Band {
    /// All rows that were compared.
    pub const ALL: Self = Self { from: -1.0, to: 2.0 };
    /// All rows, compared or not; those that were not come last.
    pub const EVERY: Self = Self {
        from: f32::NEG_INFINITY,
        to: f32::INFINITY,
    };

    /// The least similarity of its rows, and the least above it where there is an upper edge: as the histogram counts.
    pub fn limits(self) -> (f32, Option<f32>) {
        let end = (self.to <= 1.0).then(|| Histogram::edge(self.to));
        (Histogram::edge(self.from), end)
    }

    /// The filter that finds the rows which the histogram counts in this band; none where it is every row.
    fn sql(self) -> Option<String> {
        if self == Self::EVERY {
            return None;
        }
        // Spelled as the f64 that it is, an f32 is exact whether the comparison is made in f32 or in f64.
        let (least, end) = self.limits();
        let mut sql = format!("original_similarity >= {:?}", f64::from(least));
        if let Some(end) = end {
            sql.push_str(&format!(" AND original_similarity < {:?}", f64::from(end)));
        }
        Some(sql)
    }
}

/// From where on a page of a list is read. Rows are ordered by similarity, those without one last, then by id as text.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Anchor {
    /// From the worst on.
    First,
    /// Up to the best.
    Last,
    /// What follows this row.
    After(Option<Similarity>, PointId),
    /// What comes before this row.
    Before(Option<Similarity>, PointId),
}

impl Anchor {
    /// The filter that finds the rows on its side. Where a band has an edge, that leaves out rows without a similarity.
    fn sql(self) -> Option<String> {
        let beside = |similarity: Similarity, id: PointId, sign: char| {
            let value = f64::from(similarity.get());
            format!("original_similarity {sign} {value:?} OR (original_similarity = {value:?} AND id {sign} '{id}')")
        };
        Some(match self {
            Self::First | Self::Last => return None,
            Self::After(Some(similarity), id) => {
                format!("({} OR original_similarity IS NULL)", beside(similarity, id, '>'))
            }
            Self::After(None, id) => format!("(original_similarity IS NULL AND id > '{id}')"),
            Self::Before(Some(similarity), id) => format!("({})", beside(similarity, id, '<')),
            Self::Before(None, id) => {
                format!("(original_similarity IS NOT NULL OR (original_similarity IS NULL AND id < '{id}'))")
            }
        })
    }
}

/// How many rows lie in a band.
///
/// # Errors
/// The table cannot be read.
pub async fn count(table: &Table, band: Band) -> anyhow::Result<u64> {
    Ok(table.count_rows(band.sql()).await? as u64)
}

/// A page of the rows of a band, worst first, whatever the anchor. The sort keeps no more than `limit` rows.
///
/// # Errors
/// The table cannot be read.
pub async fn page(
    table: &Table,
    band: Band,
    anchor: Anchor,
    limit: usize,
    content: &str,
) -> anyhow::Result<Vec<RankedRow>> {
    let dataset = dataset_of(table).await?;
    let terms: Vec<String> = [band.sql(), anchor.sql()].into_iter().flatten().collect();
    let backwards = matches!(anchor, Anchor::Last | Anchor::Before(..));
    let ordering = |name: &str| ColumnOrdering {
        ascending: !backwards,
        nulls_first: backwards,
        column_name: name.to_owned(),
    };
    let has_content = dataset.schema().field(content).is_some_and(|field| {
        // Another type of content has no beginning to show.
        field.data_type() == arrow_schema::DataType::Utf8
    });
    let mut columns = vec!["id", "original_similarity"];
    if has_content {
        columns.push(content);
    }
    let mut scanner = dataset.scan();
    if !terms.is_empty() {
        scanner.filter(&terms.join(" AND "))?;
    }
    scanner
        .project(&columns)?
        .order_by(Some(vec![ordering("original_similarity"), ordering("id")]))?
        .limit(Some(i64::try_from(limit)?), None)?;
    let mut stream = scanner.try_into_stream().await?;
    let mut rows = Vec::with_capacity(limit);
    while let Some(batch) = stream.try_next().await.context("the table cannot be read")? {
        ranked(&batch, content, &mut rows)?;
    }
    if backwards {
        rows.reverse();
    }
    Ok(rows)
}

fn ranked(batch: &RecordBatch, content: &str, rows: &mut Vec<RankedRow>) -> anyhow::Result<()> {
    let ids = ids_of(batch)?;
    let similarities = batch
        .column_by_name("original_similarity")
        .and_then(|column| column.as_primitive_opt::<Float32Type>())
        .context("original_similarity is no float32 column")?;
    let contents = batch
        .column_by_name(content)
        .and_then(|column| column.as_string_opt::<i32>());
    for (row, id) in ids.into_iter().enumerate() {
        let similarity = similarities.is_valid(row).then(|| similarities.value(row));
        let similarity = similarity.and_then(Similarity::new);
        let snippet = contents
            .filter(|contents| contents.is_valid(row))
            .map(|contents| contents.value(row).chars().take(SNIPPET_CHARS).collect());
        rows.push(RankedRow {
            id,
            similarity,
            snippet,
        });
    }
    Ok(())
}

pub(super) fn ids_of(batch: &RecordBatch) -> anyhow::Result<Vec<PointId>> {
    let column = batch.column_by_name("id").context("the table has no column id")?;
    let ids = column.as_string_opt::<i32>().context("the column id is no text")?;
    ids.iter().flatten().map(|id| Ok(id.parse()?)).collect()
}

/// The ids of at most `count` rows drawn at random.
///
/// # Errors
/// The table cannot be read.
pub async fn sample_ids(table: &Table, count: usize) -> anyhow::Result<Vec<PointId>> {
    let dataset = dataset_of(table).await?;
    let projection = dataset.schema().project(&["id"])?;
    let batch = dataset.sample(count, &projection, None).await?;
    ids_of(&batch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_band_up_to_one_has_no_upper_edge() {
        let sql = |band: Band| band.sql().unwrap_or_default();
        assert!(!sql(Band::ALL).contains('<'));
        assert!(sql(Band::EVERY).is_empty());
        let sql = sql(Band { from: 0.5, to: 0.98 });
        assert!(sql.contains(">= 0.49999") && sql.contains("< 0.97999"), "{sql}");
    }
}
