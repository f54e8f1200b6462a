//! The figures of neighbours and of the index against a second implementation: all vectors read back from both stores,
//! every pair compared in 64 bits, every figure reckoned from its definition. Nothing is drawn: every row asks.
//!
//! The vectors are chosen so that no two neighbours of a point are so equally near (4e-6 at the least) that 32 bits could
//! put them in another order. Where points do tie, another test asks for no more than what ties leave.

use std::collections::BTreeSet;

use lancedb::DistanceType;
use lancedb::index::Index;
use lancedb::index::vector::IvfFlatIndexBuilder;
use qlance::lance::schema::EMBEDDING;
use qlance::lance::search::{ByVector, Through, by_vector};
use qlance::point::verdict::Outcome;
use qlance::point::{Point, PointId};
use qlance::tasks::verify::{CheckId, Wish};
use serde_json::{Value, json};

use super::{Job, Manner, at, check, message, migrated, only};
use crate::support::embeddings_server::embedding_of;
use crate::support::planting::Planter;
use crate::support::world::{SIZE, World, point};

/// Points of the collection; each of them asks.
const POINTS: u64 = 120;
/// Neighbours that are judged, and those of the exact answer that ranks are compared among.
const K: usize = 10;
const DEPTH: usize = 50;
/// Scores that are equal but for this share count as equal.
const TOLERANCE: f64 = 1e-5;
/// What a figure may differ by.
const CLOSE: f64 = 1e-9;

/// A message whose vector in Qdrant lies a little beside the embedding of its text.
fn beside(n: u64) -> Point {
    let own = message(n);
    let text = own.payload["content"].as_str().expect("a text");
    let noise = embedding_of(&format!("spray over {n}"), SIZE);
    let numbers = embedding_of(text, SIZE)
        .iter()
        .zip(noise)
        .map(|(x, y)| x + 0.15 * y)
        .collect();
    at(own, numbers)
}

/// The vectors of one store.
struct Store(Vec<(PointId, Vec<f32>)>);

impl Store {
    async fn qdrant(world: &World) -> Self {
        let points = world.points().await.into_iter();
        Self(
            points
                .map(|point| (point.id, point.vectors[""].dense().expect("dense").to_vec()))
                .collect(),
        )
    }

    async fn lancedb(world: &World) -> Self {
        let rows = world.rows().await.into_iter();
        Self(
            rows.map(|row| (row.point.id, row.embedding.expect("an embedding")))
                .collect(),
        )
    }

    /// All but the one that asks with their cosines, nearest first.
    fn ranked(&self, query: &[f32], except: PointId) -> Vec<(PointId, f64)> {
        let others = self.0.iter().filter(|(id, _)| *id != except);
        let mut ranked: Vec<(PointId, f64)> = others.map(|(id, vector)| (*id, cosine(query, vector))).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1));
        ranked
    }
}

fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
}

fn cosine(a: &[f32], b: &[f32]) -> f64 {
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

fn ids(ranked: &[(PointId, f64)], most: usize) -> Vec<PointId> {
    ranked.iter().take(most).map(|(id, _)| *id).collect()
}

/// The share of the first `k` found that are no worse than the `k`-th exact one: by their cosines, or by their distances.
fn recall(found: &[PointId], exact: &[(PointId, f64)], k: usize, by_distance: bool) -> f64 {
    let kth = exact[k - 1].1;
    let is_good = |cosine: f64| {
        if by_distance {
            1.0 - cosine <= (1.0 - kth) * (1.0 + TOLERANCE)
        } else {
            cosine >= kth - kth.abs() * TOLERANCE
        }
    };
    let of = |id: &PointId| exact.iter().find(|(other, _)| other == id).map(|(_, cosine)| *cosine);
    let good = found.iter().take(k).filter(|id| of(id).is_some_and(is_good)).count();
    good as f64 / k as f64
}

/// Spearman's rank correlation of what both lists name, by the formula for ranks that do not tie; none of fewer than 3.
fn rank_correlation(left: &[PointId], right: &[PointId]) -> Option<f64> {
    let ours: Vec<PointId> = left.iter().copied().filter(|id| right.contains(id)).collect();
    let theirs: Vec<PointId> = right.iter().copied().filter(|id| left.contains(id)).collect();
    let mut squares = 0.0;
    for (place, id) in ours.iter().enumerate() {
        let other = theirs.iter().position(|other| other == id).expect("in both");
        squares += (place as f64 - other as f64).powi(2);
    }
    let count = ours.len() as f64;
    (ours.len() >= 3).then(|| 1.0 - 6.0 * squares / (count * (count * count - 1.0)))
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The value at a share of the way through the sorted values, on the line between the two beside it.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() - 1) as f64 * share;
    let (low, high) = (sorted[at.floor() as usize], sorted[at.ceil() as usize]);
    low + (high - low) * at.fract()
}

fn assert_close(told: &Value, expected: f64, what: &str) {
    let told = told.as_f64().unwrap_or_else(|| panic!("{what} is not told but {told}"));
    assert!((told - expected).abs() <= CLOSE, "{what}: {told}, not {expected}");
}

fn assert_recall(told: &Value, recalls: &[f64]) {
    for (name, expected) in [
        ("mean", mean(recalls)),
        ("median", quantile(recalls, 0.5)),
        ("minimum", recalls.iter().copied().fold(f64::INFINITY, f64::min)),
        ("p5", quantile(recalls, 0.05)),
    ] {
        assert_close(&told[name], expected, name);
    }
}

/// The first ten that LanceDB finds through its index.
async fn through_index(job: &Job, query: &[f32], except: PointId) -> Vec<PointId> {
    let wanted = ByVector {
        column: EMBEDDING,
        vector: query,
        distance: DistanceType::Cosine,
        count: K + 1,
        filter: None,
        through: Through::Index,
    };
    let found = by_vector(&job.table, wanted).await.expect("an answer");
    let others = found.into_iter().map(|(id, _)| id).filter(|id| *id != except);
    others.take(K).collect()
}

/// What neighbours must say: of each point, Qdrant's vector is asked of both stores.
async fn assert_neighbours(told: &Value, job: &Job, (qdrant, lancedb): (&Store, &Store), indexed: bool) {
    let (mut top_1, mut overlap, mut recalls, mut ranks) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (id, query) in &qdrant.0 {
        let exact = qdrant.ranked(query, *id);
        let found = if indexed {
            through_index(job, query, *id).await
        } else {
            ids(&lancedb.ranked(query, *id), K)
        };
        top_1.push(recall(&found, &exact, 1, false));
        recalls.push(recall(&found, &exact, K, false));
        let (left, right): (BTreeSet<PointId>, BTreeSet<PointId>) =
            (found.iter().copied().collect(), ids(&exact, K).into_iter().collect());
        overlap.push(left.intersection(&right).count() as f64 / left.len().max(right.len()) as f64);
        ranks.extend(rank_correlation(&found, &ids(&exact, DEPTH)));
    }
    assert_eq!(
        (&told["queries"], &told["ranked"], &told["every_row_asked"]),
        (&json!(POINTS), &json!(ranks.len()), &json!(true)),
        "{told}"
    );
    assert_close(&told["top_1"], mean(&top_1), "top-1");
    assert_close(&told["overlap_10"], mean(&overlap), "overlap");
    assert_close(&told["rank_correlation"], mean(&ranks), "rank correlation");
    assert_recall(&told["recall_10"], &recalls);
    // Were all of them 1, they would be told right by saying always so.
    assert!(
        [&top_1, &overlap, &recalls, &ranks]
            .iter()
            .all(|figure| mean(figure) < 0.95),
        "{told}"
    );
}

/// What the index must say: of each row, its own embedding is asked with and without the index.
async fn assert_index(told: &Value, job: &Job, lancedb: &Store) {
    assert_eq!(
        (&told["indexed"], &told["rows"], &told["unindexed"]),
        (&json!(true), &json!(POINTS), &json!(0)),
        "{told}"
    );
    let mut recalls = Vec::new();
    for (id, query) in &lancedb.0 {
        let found = through_index(job, query, *id).await;
        recalls.push(recall(&found, &lancedb.ranked(query, *id), K, true));
    }
    assert_recall(&told["recall_10"], &recalls);
    assert!(mean(&recalls) < 1.0, "so coarse an index finds everything: {told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn neighbours_and_index_agree_with_a_second_implementation() {
    let points: Vec<Point> = (1..=POINTS).map(beside).collect();
    let world = migrated(&points, Manner::Embedded, &[("divergence", "same_space = true\n")]).await;
    let job = Job::open(&world).await;
    let wish = Wish {
        queries: 1_000,
        ..only(&[CheckId::Neighbours, CheckId::Index])
    };
    let (qdrant, lancedb) = (Store::qdrant(&world).await, Store::lancedb(&world).await);
    assert_eq!((qdrant.0.len(), lancedb.0.len()), (POINTS as usize, POINTS as usize));
    let found = job.verify(wish.clone()).await;
    let told = &check(&found, CheckId::Neighbours).numbers;
    assert_neighbours(told, &job, (&qdrant, &lancedb), false).await;

    // Forty partitions of a few rows each, of which a search looks into the nearest.
    let index = IvfFlatIndexBuilder::default()
        .distance_type(DistanceType::Cosine)
        .num_partitions(40);
    let planter = Planter::open(&world).await;
    planter
        .table()
        .create_index(&[EMBEDDING], Index::IvfFlat(index))
        .execute()
        .await
        .expect("an index");
    // A verification looks at the newest table through a handle of its own; this one would stay at the version before.
    let job = Job::open(&world).await;
    let found = job.verify(wish).await;
    let told = &check(&found, CheckId::Neighbours).numbers;
    assert_neighbours(told, &job, (&qdrant, &lancedb), true).await;
    let told = &check(&found, CheckId::Index).numbers["columns"][EMBEDDING];
    assert_index(told, &job, &lancedb).await;
}

/// Twelve points of each text: ten of a point's eleven twins are named, and which, is nobody's business.
#[tokio::test(flavor = "multi_thread")]
async fn which_of_equally_near_points_is_named_changes_no_figure_but_the_overlap() {
    let points: Vec<Point> = (0..POINTS)
        .map(|n| {
            let text = format!("one of {}", n / 12);
            let payload = json!({"content": text, "n": n});
            at(point(n, payload), embedding_of(&text, SIZE))
        })
        .collect();
    let world = migrated(&points, Manner::Embedded, &[]).await;
    let wish = only(&[CheckId::Neighbours]);
    let found = Job::open(&world).await.verify(wish).await;
    let neighbours = check(&found, CheckId::Neighbours);
    assert_eq!(neighbours.outcome, Outcome::Pass, "{neighbours:?}");
    let told = &neighbours.numbers;
    assert_close(&told["top_1"], 1.0, "top-1");
    assert_recall(&told["recall_10"], &[1.0; K]);
    // Among points that all tie there is no order to compare.
    assert_eq!(
        (&told["ranked"], &told["rank_correlation"]),
        (&json!(0), &Value::Null),
        "{told}"
    );
    // Ten each of the same eleven share nine at the least.
    let overlap = told["overlap_10"].as_f64().expect("an overlap");
    assert!((0.9 - 1e-9..=1.0).contains(&overlap), "{told}");
}
