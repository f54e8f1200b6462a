//! Two rankings beside each other, and one ranking made of several. Every list is best first; of an id that a list
//! names more than once, the first place counts and the others are closed up.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::{PointId, distinct};

/// The constant of reciprocal rank fusion unless another is asked for: the one its authors found to work.
pub const RRF_K: f64 = 60.0;

/// Ids in common that a rank correlation asks for: of two, one order or its reverse are all there is.
const MIN_COMMON: usize = 3;

/// Which way the scores of a search run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scoring {
    /// Higher is better.
    Similarity,
    /// Lower is better.
    Distance,
}

/// The share of the first `k` that two answers have in common, in whatever order, 0 to 1. Where both are shorter than
/// `k`, the longer one is the whole: what only one of them found is not shared. A `k` of 1 asks whether the best
/// points are the same. `None` where neither list holds anything, or `k` is 0.
pub fn overlap_at(k: usize, a: &[PointId], b: &[PointId]) -> Option<f64> {
    let top = |list: &[PointId]| -> BTreeSet<PointId> { distinct(list.iter().copied(), |id| *id).take(k).collect() };
    let (a, b) = (top(a), top(b));
    let whole = a.len().max(b.len());
    (whole > 0).then(|| a.intersection(&b).count() as f64 / whole as f64)
}

/// How far two scored answers put the points they share in the same order: Spearman's rank correlation, -1 (reversed)
/// to 1 (the same).
///
/// Over the ids in both lists, ranked anew among themselves, as Qdrant's migration guide reckons the figure that it
/// wants above 0.8: over the union, points that one list lacks would need a made-up rank, and two lists that share a
/// half would come out as opposed. So it says nothing of what was not found: read it beside [`overlap_at`].
///
/// Neighbours in a list with equal scores share the mean of their ranks. Scores serve for nothing else: the lists may
/// be scored on different scales, and one by similarity and the other by distance.
///
/// `None` with fewer than three ids in common, or where all of them tie in either list: no order to compare.
pub fn rank_correlation(a: &[(PointId, f32)], b: &[(PointId, f32)]) -> Option<f64> {
    let ids = |list: &[(PointId, f32)]| -> BTreeSet<PointId> { list.iter().map(|(id, _)| *id).collect() };
    let (in_a, in_b) = (ids(a), ids(b));
    // Both maps hold the same ids, and so give their ranks in the same order.
    let (a, b) = (ranks_among(&in_b, a), ranks_among(&in_a, b));
    if a.len() < MIN_COMMON {
        return None;
    }
    // Ties share the mean of their ranks, so that ranks always have the mean of 1..=n.
    let mean = f64::midpoint(a.len() as f64, 1.0);
    let (mut both, mut of_a, mut of_b) = (0.0_f64, 0.0_f64, 0.0_f64);
    for (x, y) in a.values().zip(b.values()) {
        let (x, y) = (x - mean, y - mean);
        both += x * y;
        of_a += x * x;
        of_b += y * y;
    }
    (of_a > 0.0 && of_b > 0.0).then(|| (both / (of_a * of_b).sqrt()).clamp(-1.0, 1.0))
}

/// The ranks, from 1, of those items of a list that are `wanted`.
fn ranks_among(wanted: &BTreeSet<PointId>, list: &[(PointId, f32)]) -> BTreeMap<PointId, f64> {
    let kept: Vec<(PointId, f32)> = distinct(list.iter().copied(), |(id, _)| *id)
        .filter(|(id, _)| wanted.contains(id))
        .collect();
    let mut ranks = BTreeMap::new();
    for tied in kept.chunk_by(|a, b| a.1.partial_cmp(&b.1).is_some_and(Ordering::is_eq)) {
        let rank = ranks.len() as f64 + f64::midpoint(tied.len() as f64, 1.0);
        ranks.extend(tied.iter().map(|(id, _)| (*id, rank)));
    }
    ranks
}

/// The recall of an approximate search against exact search, 0 to 1, blind to which of equally good points was found:
/// of the first k found, the share that is no worse than the k-th exact one. The definition by distances of Aumüller,
/// Bernhardsson and Faithfull, *ANN-Benchmarks*, Information Systems 87, 2020 (first at SISAP 2017), with their slack
/// made relative: `tolerance` times the size of the k-th exact score, for the last digits in which two ways of
/// computing it differ.
///
/// An id of the exact list is judged by the exact score, another by the score it was found with: those must be true
/// scores then, not estimates from quantised vectors (ask the index to refine, or give an exact list of some more than
/// `k`). Where the exact list is shorter than `k`, that length takes the place of `k`. A score that is NaN is worse
/// than all others.
///
/// `None` where `k` is 0 or exact search found nothing.
pub fn recall_against_exact(
    found: &[(PointId, f32)],
    exact: &[(PointId, f32)],
    k: usize,
    tolerance: f64,
    scoring: Scoring,
) -> Option<f64> {
    let exact: Vec<(PointId, f32)> = distinct(exact.iter().copied(), |(id, _)| *id).collect();
    let wanted = k.min(exact.len());
    let worst = f64::from(exact.get(wanted.checked_sub(1)?)?.1);
    let slack = tolerance.max(0.0) * worst.abs();
    let is_good = |score: f32| match scoring {
        Scoring::Similarity => f64::from(score) >= worst - slack,
        Scoring::Distance => f64::from(score) <= worst + slack,
    };
    let by_exact: BTreeMap<PointId, bool> = exact
        .iter()
        .enumerate()
        .map(|(place, (id, score))| (*id, place < wanted || is_good(*score)))
        .collect();
    let good = distinct(found.iter().copied(), |(id, _)| *id)
        .take(wanted)
        .filter(|(id, score)| by_exact.get(id).copied().unwrap_or_else(|| is_good(*score)))
        .count();
    Some(good as f64 / wanted as f64)
}

/// One ranking of several, best first: a point's score is the sum of 1 / (k + its rank) over the lists that name it,
/// ranks counted from 1. Cormack, Clarke and Büttcher, *Reciprocal Rank Fusion Outperforms Condorcet and Individual
/// Rank Learning Methods*, SIGIR 2009, with `k` = [`RRF_K`]; one below 0 counts as 0.
///
/// Points with equal scores come in the order of their ids, so that equal lists give the equal ranking, in whatever
/// order the lists are named.
pub fn reciprocal_rank_fusion(lists: &[Vec<PointId>], k: f64) -> Vec<(PointId, f64)> {
    let k = k.max(0.0);
    let mut ranks_of: BTreeMap<PointId, Vec<usize>> = BTreeMap::new();
    for list in lists {
        for (place, id) in distinct(list.iter().copied(), |id| *id).enumerate() {
            ranks_of.entry(id).or_default().push(place + 1);
        }
    }
    let mut fused: Vec<(PointId, f64)> = ranks_of
        .into_iter()
        .map(|(id, mut ranks)| {
            // One order of addition for equal ranks: the last bit of a sum must not decide a tie.
            ranks.sort_unstable();
            (id, ranks.iter().map(|rank| 1.0 / (k + *rank as f64)).sum::<f64>())
        })
        .collect();
    fused.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    fused
}

#[cfg(test)]
mod tests;
