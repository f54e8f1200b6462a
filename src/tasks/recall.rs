//! How much of an exact answer a search finds, blind to which of equally near points it names. The one judge of the
//! verification and of the comparison.

use std::collections::BTreeSet;

use crate::point::PointId;
use crate::point::ranking::{Scoring, recall_against_exact};

/// Scores of two searches are equal within this share.
const TOLERANCE: f64 = 1e-5;

type Ranked = [(PointId, f32)];

/// The share of the first `k` found that are no worse than the `k`-th exact one. What is not among the exact answer is
/// worse, whatever score it was found with: that may be an estimate, or of another vector. Unless all of the exact answer,
/// of which `depth` were asked for, ties from the `k`-th on: then there may be more of the same beyond it. `None` where
/// there is nothing to find.
pub(super) fn recall(found: &Ranked, exact: &Ranked, k: usize, depth: usize, scoring: Scoring) -> Option<f64> {
    let known: BTreeSet<PointId> = exact.iter().map(|(id, _)| *id).collect();
    let kth = exact.get(k.saturating_sub(1)).zip(exact.last());
    let ties_to_the_end = kth.is_some_and(|(kth, last)| {
        let (kth, last) = (f64::from(kth.1), f64::from(last.1));
        (kth - last).abs() <= TOLERANCE * kth.abs()
    });
    // A shorter list is all there is.
    let goes_on = exact.len() >= depth && ties_to_the_end;
    let judged: Vec<(PointId, f32)> = found
        .iter()
        .map(|(id, score)| {
            let counts = goes_on || known.contains(id);
            (*id, if counts { *score } else { f32::NAN })
        })
        .collect();
    recall_against_exact(&judged, exact, k, TOLERANCE, scoring)
}

/// The same answer without the point that asked, at most so many.
pub(super) fn without(id: PointId, mut found: Vec<(PointId, f32)>, most: usize) -> Vec<(PointId, f32)> {
    found.retain(|(other, _)| *other != id);
    found.truncate(most);
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Longer than any list here but those that are meant to go on.
    const DEPTH: usize = 50;

    fn list(pairs: &[(u64, f32)]) -> Vec<(PointId, f32)> {
        pairs.iter().map(|(id, score)| (PointId::Num(*id), *score)).collect()
    }

    #[test]
    fn an_estimate_is_not_believed_and_ties_are() {
        let exact = list(&[(1, 0.1), (2, 0.2), (3, 0.2), (4, 0.4)]);
        for (found, k, expected) in [
            (&[(1, 0.1), (2, 0.2)][..], 2, 1.0),
            (&[(2, 0.2), (1, 0.1)], 2, 1.0),
            // Equally near.
            (&[(3, 0.2), (1, 0.1)], 2, 1.0),
            // Named with a wrong distance, judged by its own.
            (&[(1, 0.1), (4, 0.0)], 2, 0.5),
            // Not among the exact answer, however near it seems.
            (&[(1, 0.1), (9, 0.0)], 2, 0.5),
            (&[], 2, 0.0),
        ] {
            let got = recall(&list(found), &exact, k, DEPTH, Scoring::Distance);
            assert_eq!(got, Some(expected), "{found:?}");
        }
        assert_eq!(recall(&list(&[(1, 0.1)]), &[], 2, DEPTH, Scoring::Distance), None);
    }

    #[test]
    fn where_all_tie_any_of_them_will_do() {
        let tied = |from: u64, count: u64, score: f32| -> Vec<(PointId, f32)> {
            (from..from + count).map(|id| (PointId::Num(id), score)).collect()
        };
        let (all, found) = (tied(0, DEPTH as u64, 0.5), tied(100, 10, 0.5));
        let share = |found: &Ranked, exact: &Ranked| recall(found, exact, 10, DEPTH, Scoring::Similarity);
        assert_eq!(share(&found, &all), Some(1.0));
        assert_eq!(share(&tied(100, 10, 0.4), &all), Some(0.0));
        // A short list of ties is all there are.
        assert_eq!(share(&found, &all[..20]), Some(0.0));
    }

    #[test]
    fn the_point_that_asks_is_no_answer() {
        let found = without(PointId::Num(2), list(&[(2, 1.0), (1, 0.9), (3, 0.8)]), 1);
        assert_eq!(found, list(&[(1, 0.9)]));
    }

    proptest! {
        /// Once more, by comparing all distances: how many of the found are no farther than the k-th nearest.
        #[test]
        fn recall_is_what_brute_force_gives(
            distances in prop::collection::vec(0_u32..50, 1..40),
            picks in prop::collection::btree_set(0_usize..40, 0..12),
            k in 1_usize..12,
        ) {
            // Distances are steps of 1/8, exact in both widths; many are equal.
            let distance = |place: usize| distances[place] as f32 / 8.0;
            let one = |place: usize| (PointId::Num(place as u64), distance(place));
            let mut exact: Vec<(PointId, f32)> = (0..distances.len()).map(one).collect();
            exact.sort_by(|a, b| a.1.total_cmp(&b.1));
            let found: Vec<(PointId, f32)> = picks
                .iter()
                .filter(|place| **place < distances.len())
                .take(k)
                .map(|place| one(*place))
                .collect();
            let wanted = k.min(exact.len());
            let limit = exact[wanted - 1].1;
            let good = found.iter().take(wanted).filter(|(_, distance)| *distance <= limit).count();
            let expected = good as f64 / wanted as f64;
            let got = recall(&found, &exact, k, DEPTH, Scoring::Distance).expect("something to find");
            prop_assert!((got - expected).abs() < 1e-9, "{} is not {}", got, expected);
        }
    }
}
