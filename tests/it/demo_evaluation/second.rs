//! The second implementation: items of a table, queries made of them, answers found by comparing every vector with
//! every other, and figures by their definitions. Shares no code with what it is held against but the teaching space's
//! own functions, the demo's messages and the reading of rows.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt as _;
use lancedb::query::ExecutableQuery as _;
use qlance::embed::teaching;
use qlance::lance::{Row, RowDecoder, TableSchema};
use qlance::point::{Modality, PointId};
use qlance::tasks::demo::{Message, Piece, message};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::Value;

use crate::support::dialect_server::Got;

/// The demo's seed where none is given.
const DEMO_SEED: u64 = 7;
/// The evaluation's seed where none is given.
const SEED: u64 = 1;
/// Results by which a query is judged.
const DEPTH: usize = 10;
/// What is reckoned of each query, as the report calls it.
pub(super) const FIGURES: [&str; 5] = ["recall_1", "recall_5", "recall_10", "mrr", "ndcg_10"];

/// One query's figures, in the order of [`FIGURES`].
type Scores = [f64; 5];

/// One row, as far as it matters here.
pub(super) struct Item {
    id: PointId,
    modality: Modality,
    content: Option<String>,
    thread: Option<Value>,
    /// Where it is in the teaching space, as this test makes it out.
    made: Vec<f32>,
    /// The vector that the table holds.
    kept: Vec<f32>,
}

impl Item {
    fn new(row: Row, message: &Message) -> Self {
        let field = |key: &str| row.point.payload.get(key).filter(|value| !value.is_null()).cloned();
        let content = field("content").and_then(|value| value.as_str().map(str::to_owned));
        let got = match &message.piece {
            Some(Piece::Picture { png, .. }) => Got::Image(png.clone()),
            Some(Piece::Sound { wav, .. }) => Got::Audio(wav.clone()),
            None => Got::Text(content.clone().expect("a point without content has no row")),
        };
        let made = got.vector(0).expect("a whole picture or sound");
        let thread = field("thread_id");
        let kept = row.embedding.expect("an embedding");
        assert_eq!(row.modality, Some(got.modality()), "{}", message.id);
        assert_eq!(kept.len(), made.len(), "{}", message.id);
        let apart = kept.iter().zip(&made).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-6, "{}: another vector, {apart} apart", message.id);
        Self {
            id: message.id,
            modality: got.modality(),
            content,
            thread,
            made,
            kept,
        }
    }
}

/// All rows in the order in which the table gives them, which is the order in which they ask.
pub(super) async fn items(table: &lancedb::Table, points: u64) -> Vec<Item> {
    let messages = (0..points).map(|number| message(DEMO_SEED, number));
    let messages: BTreeMap<PointId, Message> = messages.map(|message| (message.id, message)).collect();
    let schema = TableSchema::from_arrow(&table.schema().await.expect("a schema")).expect("qlance's columns");
    let mut batches = table.query().execute().await.expect("a scan");
    let mut items = Vec::new();
    while let Some(batch) = batches.try_next().await.expect("a batch") {
        let decoder = RowDecoder::new(&schema, &batch);
        for place in 0..batch.num_rows() {
            let row = decoder.row(place).expect("a row");
            let message = messages.get(&row.point.id).expect("a message of the demo");
            items.push(Item::new(row, message));
        }
    }
    items
}

/// A query and what answers it.
struct Query {
    vector: Vec<f32>,
    relevant: BTreeSet<PointId>,
    /// Who asks, and so is no answer.
    leave_out: Option<PointId>,
}

/// A caption asks for its own picture or sound.
fn from_captions(items: &[Item], found: Modality) -> Vec<Query> {
    let asking = items.iter().filter(|item| item.modality == found);
    asking
        .filter_map(|item| {
            let caption = item.content.as_deref().filter(|text| !text.trim().is_empty())?;
            Some(Query {
                vector: teaching::of_text(caption),
                relevant: BTreeSet::from([item.id]),
                leave_out: None,
            })
        })
        .collect()
}

/// A point asks for the others of its thread.
fn from_threads(items: &[Item], asked: Modality, found: Modality) -> Vec<Query> {
    let asking = items
        .iter()
        .filter(|item| item.modality == asked && item.thread.is_some());
    let query = |item: &Item| Query {
        vector: item.made.clone(),
        relevant: items
            .iter()
            .filter(|other| other.modality == found && other.thread == item.thread && other.id != item.id)
            .map(|other| other.id)
            .collect(),
        leave_out: Some(item.id),
    };
    asking.map(query).filter(|query| !query.relevant.is_empty()).collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum() };
    dot(a, b) / (dot(a, a).sqrt() * dot(b, b).sqrt())
}

/// The ten nearest. Equal ones come in the order of their ids; a difference that is lost where vectors are compared in
/// single precision must not decide a figure, so the collection is looked through for such pairs.
fn top_ten(items: &[Item], found: Modality, query: &Query) -> Vec<PointId> {
    let mut ranked: Vec<(f64, PointId)> = items
        .iter()
        .filter(|item| item.modality == found && Some(item.id) != query.leave_out)
        .map(|item| (cosine(&query.vector, &item.kept), item.id))
        .collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    for (place, pair) in ranked.windows(2).take(DEPTH).enumerate() {
        let apart = pair[0].0 - pair[1].0;
        let decides = query.relevant.contains(&pair[0].1) != query.relevant.contains(&pair[1].1);
        let is_clear = apart > 1e-6 || (apart <= 0.0 && place + 1 < DEPTH);
        assert!(
            is_clear || !decides,
            "{} and {} are {apart} apart: take another seed for the demo",
            pair[0].1,
            pair[1].1
        );
    }
    ranked.into_iter().take(DEPTH).map(|(_, id)| id).collect()
}

/// The figures of one answer, by their definitions: recall, reciprocal rank, and gain discounted by log2(rank + 1).
fn scores(answer: &[PointId], relevant: &BTreeSet<PointId>) -> Scores {
    let ranks: Vec<usize> = (1..=answer.len())
        .filter(|rank| relevant.contains(&answer[rank - 1]))
        .collect();
    let all = relevant.len();
    let recall = |k: usize| ranks.iter().filter(|rank| **rank <= k).count() as f64 / all as f64;
    let gain = |rank: usize| std::f64::consts::LN_2 / (rank as f64 + 1.0).ln();
    let gained: f64 = ranks.iter().map(|rank| gain(*rank)).sum();
    let ideal: f64 = (1..=all.min(DEPTH)).map(gain).sum();
    let reciprocal = ranks.first().map_or(0.0, |rank| 1.0 / *rank as f64);
    [recall(1), recall(5), recall(10), reciprocal, gained / ideal]
}

/// One pair of modalities, reckoned here.
pub(super) struct Own {
    pub(super) asked: Modality,
    pub(super) found: Modality,
    /// What the queries are made of.
    pub(super) made_from: &'static str,
    /// One entry a query.
    pub(super) scores: Vec<Scores>,
}

impl Own {
    /// Asks every query that the items hold.
    pub(super) fn of(items: &[Item], asked: Modality, found: Modality) -> Self {
        let by_caption = asked == Modality::Text && found != Modality::Text;
        let (made_from, queries) = if by_caption {
            ("captions", from_captions(items, found))
        } else {
            ("threads", from_threads(items, asked, found))
        };
        let score = |query: &Query| scores(&top_ten(items, found, query), &query.relevant);
        Self {
            asked,
            found,
            made_from,
            scores: queries.iter().map(score).collect(),
        }
    }

    /// As it is printed.
    pub(super) fn name(&self) -> String {
        let (asked, found) = (self.asked.as_str(), self.found.as_str());
        format!("{asked} -> {found} (from {})", self.made_from)
    }

    /// Mean, lower and upper end of each figure. As `src/point/ranking/bootstrap.rs` tells: a thousand times as many
    /// queries are drawn as there are, all figures of a query together; 2.5 % of the thousand means lie off either end,
    /// which is up to the 25th least and down to the 25th greatest.
    pub(super) fn intervals(&self) -> [[f64; 3]; 5] {
        let mean = |places: &[usize], figure: usize| {
            let sum: f64 = places.iter().map(|place| self.scores[*place][figure]).sum();
            sum / places.len() as f64
        };
        let everyone: Vec<usize> = (0..self.scores.len()).collect();
        let mut rng = StdRng::seed_from_u64(SEED);
        let mut means: [Vec<f64>; 5] = Default::default();
        for _ in 0..1_000 {
            let drawn: Vec<usize> = everyone
                .iter()
                .map(|_| rng.random_range(0..self.scores.len()))
                .collect();
            for (figure, means) in means.iter_mut().enumerate() {
                means.push(mean(&drawn, figure));
            }
        }
        std::array::from_fn(|figure| {
            means[figure].sort_by(f64::total_cmp);
            [mean(&everyone, figure), means[figure][24], means[figure][1_000 - 25]]
        })
    }

    /// Whether all queries have the same value of a figure.
    pub(super) fn is_constant(&self, figure: usize) -> bool {
        self.scores
            .iter()
            .all(|scores| (scores[figure] - self.scores[0][figure]).abs() < 1e-12)
    }
}
