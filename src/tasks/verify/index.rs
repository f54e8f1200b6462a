//! Index: every column of embeddings that is due for a vector index has one, it covers all rows, and it finds what an
//! exact search finds, blind to which of equally near rows it names. Where there are few rows no index is made, and none
//! is missed: an exact search is as fast.

use serde_json::{Map, Value, json};

use super::ranked::{DEPTH, K, are_enough, judge_recall, mean, recall, recall_limits};
use super::{Check, CheckId, Ground};
use crate::lance::Role;
use crate::lance::audit::Coverage;
use crate::lance::exact::nearest_to_each;
use crate::lance::index::MIN_INDEXED_ROWS;
use crate::lance::search::{ByVector, Through, by_vector};
use crate::point::ranking::Scoring;
use crate::point::verdict::{Outcome, UNINDEXED};
use crate::point::{PointId, grouped};
use crate::tasks::recall::without;

/// For the seed: the rows that ask.
const SALT: u64 = 4;
/// Rows drawn for each one that asks, at most, where many have no value in the column.
const MOST_DRAWN: u64 = 2_000;

pub(super) async fn run(ground: &Ground<'_>) -> anyhow::Result<Check> {
    let mut check = ground.check(CheckId::Index);
    check.threshold = format!("{}; {}", UNINDEXED.named(), recall_limits());
    let columns: Vec<String> = ground
        .inspector
        .schema
        .embeddings()
        .map(|(column, _)| column.to_owned())
        .collect();
    let mut numbers = Map::new();
    let mut figures = Vec::new();
    for column in &columns {
        ground.check_stop()?;
        let coverage = ground.pinned.coverage(column).await?;
        let (figure, recalls) = one(ground, &mut check, column, &coverage).await?;
        figures.push(format!("{column}: {figure}"));
        let mut told = json!(coverage);
        told["recall_10"] = recalls;
        numbers.insert(column.clone(), told);
    }
    let files = ground.pinned.figures().await?;
    if files.small_fragments > 1 {
        check.notes.push(format!(
            "{} of {} fragments have fewer than 1,024 rows; `qlance run` puts them together",
            grouped(files.small_fragments),
            grouped(files.fragments)
        ));
    }
    check.figure = figures.join("; ");
    check.numbers = json!({
        "columns": numbers, "fragments": files.fragments, "small_fragments": files.small_fragments,
        "least_rows_of_an_index": MIN_INDEXED_ROWS, "builds_indexes": ground.inspector.config.pipeline.index,
    });
    if ground.rows == 0 {
        check.saw_nothing();
    }
    Ok(check)
}

/// One column: the figure in words, and its recall.
async fn one(
    ground: &Ground<'_>,
    check: &mut Check,
    column: &str,
    coverage: &Coverage,
) -> anyhow::Result<(String, Value)> {
    let Coverage {
        indexed,
        rows,
        unindexed,
    } = *coverage;
    if !indexed && rows < MIN_INDEXED_ROWS {
        let figure = format!(
            "{} rows, too few for an index: an exact search is as fast",
            grouped(rows)
        );
        return Ok((figure, Value::Null));
    }
    if !indexed {
        let why = if ground.inspector.config.pipeline.index {
            "`qlance run` builds it after the last point"
        } else {
            "pipeline.index = false: then every search goes through all rows"
        };
        check.doubt(format!(
            "{column} has no vector index over its {} rows; {why}",
            grouped(rows)
        ));
        return Ok(("no index".to_owned(), Value::Null));
    }
    if UNINDEXED.judge(unindexed as f64) != Outcome::Pass {
        check.doubt(format!(
            "the index of {column} does not cover {} of {} rows, which every search then goes through; `qlance verify \
             --repair` or `qlance run` takes them in",
            grouped(unindexed),
            grouped(rows)
        ));
    }
    let (recalls, every_row_asked) = recalls_of(ground, column, rows).await?;
    let figure = format!(
        "{} of {} rows covered, recall@10 {}",
        grouped(rows - unindexed.min(rows)),
        grouped(rows),
        mean(&recalls).map_or_else(|| "-".to_owned(), |mean| format!("{mean:.3}"))
    );
    if !are_enough(recalls.len(), every_row_asked) {
        check.doubt(format!(
            "{} queries say too little of the index of {column}; at least 50 are wanted (--queries)",
            grouped(recalls.len() as u64)
        ));
        return Ok((figure, Value::Null));
    }
    Ok((figure, judge_recall(check, &recalls)))
}

/// The recall of the index for drawn rows, and whether all rows were drawn.
async fn recalls_of(ground: &Ground<'_>, column: &str, rows: u64) -> anyhow::Result<(Vec<f64>, bool)> {
    let wanted = ground.queries() as u64;
    // Of a column that few rows have a value in, more are drawn.
    let drawn = (wanted * ground.rows.div_ceil(rows.max(1))).clamp(wanted, MOST_DRAWN.max(wanted));
    let places = ground.places(drawn, SALT);
    let columns = ground.columns(|role| matches!(role, Role::Id));
    let columns: Vec<&str> = columns.into_iter().chain([column]).collect();
    let askers: Vec<(PointId, Vec<f32>)> = ground
        .rows_at(&places, &columns)
        .await?
        .into_iter()
        .filter_map(|row| {
            Some((
                row.point.id,
                row.embedding.or_else(|| Some(row.others.into_iter().next()?.1))?,
            ))
        })
        // What is not sound is for the check of vectors.
        .filter(|(_, vector)| qlance_numbers::not_finite(vector).is_none() && vector.iter().any(|x| *x != 0.0))
        .take(ground.queries())
        .collect();
    let distance = ground.inspector.wishes.distance_of(column);
    let mut recalls = Vec::with_capacity(askers.len());
    let vectors = askers.iter().map(|(_, vector)| vector.clone()).collect();
    let exact = nearest_to_each(&ground.pinned, column, vectors, distance, DEPTH + 1).await?;
    for (done, ((id, vector), exact)) in askers.iter().zip(exact).enumerate() {
        ground.check_stop()?;
        ground.report(CheckId::Index, done as u64, askers.len() as u64);
        let wanted = ByVector {
            column,
            vector,
            distance,
            count: K + 1,
            filter: None,
            through: Through::Index,
        };
        let found = by_vector(&ground.table, wanted).await?;
        let (found, exact) = (without(*id, found, K), without(*id, exact, DEPTH));
        recalls.extend(recall(&found, &exact, K, Scoring::Distance));
    }
    ground.report(CheckId::Index, askers.len() as u64, askers.len() as u64);
    Ok((recalls, places.len() as u64 == ground.rows))
}
