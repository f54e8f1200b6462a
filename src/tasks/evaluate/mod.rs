//! How well and how fast the new store finds things: queries with known answers, for every pair of modalities, compared
//! with all vectors and through the indexes.
//!
//! Reads only; embeds the queries, each once. The arithmetic is [`crate::point::ranking`]'s; the queries come from a file
//! ([`queries`]) or from pairs that the collection itself holds ([`pairs`]).

pub mod pairs;
pub mod queries;

use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde::Serialize;

use super::inspect::Inspector;
use super::search::{Asked, How, NO_TABLE, Question, SearchFor};
use crate::lance::search::{Through, has_index};
use crate::point::ranking::{Figures, Judged, Percentiles, RESAMPLES, Scores};
use crate::point::{Modality, PointId};
use pairs::Known;

/// Results a query is judged by.
const DEPTH: usize = 10;

/// What is evaluated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Queries from a file; else they are made from the collection.
    pub queries: Option<Vec<queries::EvalQuery>>,
    /// Queries a pair of modalities at most, where they are made.
    pub sample: usize,
    /// The payload field that says which points belong together.
    pub thread: String,
    /// What is drawn at random is drawn by this.
    pub seed: u64,
}

/// One way of searching.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// How well.
    pub figures: Figures,
    /// How fast: the store alone, without embedding the query.
    pub latency: Percentiles,
}

/// One pair of modalities.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Cell {
    /// What is asked with.
    pub asked: Modality,
    /// What is found; none where a file's queries are about anything.
    pub found: Option<Modality>,
    /// What the queries are: captions, threads, or the file.
    pub made_from: &'static str,
    /// Queries that could not be asked, such as pictures that are no longer there.
    pub unasked: usize,
    /// Compared with all vectors; none where nothing could be asked.
    pub exact: Option<Measured>,
    /// Through the indexes.
    pub index: Option<Measured>,
    /// Whether every column that was searched has an index; else both are the same search.
    pub indexed: bool,
    /// Why nothing could be asked.
    pub why: Option<String>,
}

/// The whole evaluation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evaluation {
    /// The table.
    pub table: String,
    /// The embedders' spaces.
    pub spaces: String,
    /// Queries that were asked.
    pub queries: usize,
    /// Resamples behind each interval (95 %, percentile bootstrap).
    pub resamples: usize,
    /// The pairs of modalities that the table has.
    pub cells: Vec<Cell>,
}

/// Evaluates; `progress` hears of (pairs done, pairs in all).
///
/// # Errors
/// There is no table, a store cannot be read, or the embedder fails.
pub async fn evaluate(
    inspector: &Inspector,
    wish: Wish,
    table: String,
    progress: impl Fn(usize, usize),
) -> anyhow::Result<Evaluation> {
    let sets = match wish.queries {
        Some(queries) => pairs::from_file(queries),
        None => pairs::from_table(inspector, &wish.thread, wish.sample, wish.seed).await?,
    };
    let mut cells = Vec::with_capacity(sets.len());
    let all = sets.len();
    for (place, set) in sets.into_iter().enumerate() {
        progress(place, all);
        cells.push(cell(inspector, set, wish.seed).await?);
    }
    progress(all, all);
    let queries = |cell: &Cell| cell.exact.as_ref().map_or(0, |measured| measured.figures.queries);
    Ok(Evaluation {
        table,
        spaces: inspector.recipe.gateways.spaces(),
        queries: cells.iter().map(queries).sum(),
        resamples: RESAMPLES,
        cells,
    })
}

/// What was seen of one way of searching.
#[derive(Default)]
struct Seen {
    scores: Vec<Scores>,
    took: Vec<Duration>,
}

impl Seen {
    fn measured(&self, seed: u64) -> Option<Measured> {
        Some(Measured {
            figures: Figures::of_scores(&self.scores, seed, RESAMPLES)?,
            latency: Percentiles::of(&self.took)?,
        })
    }
}

async fn cell(inspector: &Inspector, set: pairs::Set, seed: u64) -> anyhow::Result<Cell> {
    let mut cell = Cell {
        asked: set.asked,
        found: set.found,
        made_from: set.made_from,
        unasked: 0,
        exact: None,
        index: None,
        indexed: false,
        why: set.queries.is_empty().then(|| set.none_because.to_owned()),
    };
    let (mut exact, mut index) = (Seen::default(), Seen::default());
    for known in set.queries {
        let question = match question(inspector, &known, set.found).await {
            Ok(question) => question,
            Err(error) => {
                // Told once: the reason is mostly the same for all.
                cell.why.get_or_insert(format!("{error:#}"));
                cell.unasked += 1;
                continue;
            }
        };
        cell.indexed = indexed(inspector, &question).await?;
        for (through, seen) in [(Through::Everything, &mut exact), (Through::Index, &mut index)] {
            let begun = Instant::now();
            let ranked = ask(inspector, &known, &question, set.found, through).await?;
            let took = begun.elapsed();
            let judged = Judged::new(ranked, known.relevant.clone()).context("a query without an answer")?;
            seen.scores.push(judged.scores());
            seen.took.push(took);
        }
    }
    // Resampling takes a while where there are many.
    let (exact, index) = tokio::task::spawn_blocking(move || (exact.measured(seed), index.measured(seed))).await?;
    cell.exact = exact;
    cell.index = index;
    Ok(cell)
}

async fn question(inspector: &Inspector, known: &Known, find: Option<Modality>) -> anyhow::Result<Question> {
    match &known.ask {
        pairs::Ask::As(asked) => inspector.question(asked, find).await,
        pairs::Ask::MediaOf(id) => {
            let (bytes, named) = inspector.media_of(*id).await?;
            inspector.media_question(bytes, named, find).await
        }
    }
}

async fn indexed(inspector: &Inspector, question: &Question) -> anyhow::Result<bool> {
    let table = inspector.table().context(NO_TABLE)?;
    for column in &question.columns {
        if !has_index(&table, column).await? {
            return Ok(false);
        }
    }
    Ok(!question.columns.is_empty())
}

/// The best results without the point that asks.
async fn ask(
    inspector: &Inspector,
    known: &Known,
    question: &Question,
    find: Option<Modality>,
    through: Through,
) -> anyhow::Result<Vec<PointId>> {
    let wanted = SearchFor {
        asked: Asked::Text(String::new()),
        find,
        filter: None,
        count: DEPTH + usize::from(known.leave_out.is_some()),
        how: How::Vector,
        through,
    };
    let (ranked, _) = inspector.by_vector(&wanted, question).await?;
    let others = ranked
        .into_iter()
        .map(|(id, _)| id)
        .filter(|id| Some(*id) != known.leave_out);
    Ok(others.take(DEPTH).collect())
}
