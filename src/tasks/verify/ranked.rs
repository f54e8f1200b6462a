//! What neighbours and the index share: an answer held against an exact one, and the figures of many queries held against
//! Qdrant's thresholds.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Check, judge};
use crate::point::PointId;
use crate::point::ranking::{Scoring, Spread, recall_against_exact};
use crate::point::verdict::{Outcome, QUERIES, RECALL_MEAN, RECALL_MEDIAN, RECALL_MINIMUM, RECALL_P5, Threshold};

/// Neighbours that are judged.
pub(super) const K: usize = 10;
/// Neighbours of the exact answer: what lies among them is judged by its exact score.
pub(super) const DEPTH: usize = 50;
/// Scores of two stores are equal within this share.
const TOLERANCE: f64 = 1e-5;

type Ranked = [(PointId, f32)];

/// The share of the first `k` found that are no worse than the `k`-th exact one. What is not among the exact answer is
/// worse, whatever score it was found with: that may be an estimate, or of another vector. Unless all of the exact answer
/// ties from the `k`-th on: then there may be more of the same beyond it.
pub(super) fn recall(found: &Ranked, exact: &Ranked, k: usize, scoring: Scoring) -> Option<f64> {
    let known: BTreeSet<PointId> = exact.iter().map(|(id, _)| *id).collect();
    let goes_on = exact.len() >= DEPTH
        && exact
            .get(k.saturating_sub(1))
            .zip(exact.last())
            .is_some_and(|(kth, last)| {
                let (kth, last) = (f64::from(kth.1), f64::from(last.1));
                (kth - last).abs() <= TOLERANCE * kth.abs()
            });
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

/// Holds the recall of many queries against the thresholds; answers its spread.
pub(super) fn judge_recall(check: &mut Check, recalls: &[f64]) -> Value {
    let Some(spread) = Spread::of(recalls) else {
        return Value::Null;
    };
    judge(
        check,
        &[
            (RECALL_MEAN, spread.mean),
            (RECALL_MEDIAN, spread.median),
            (RECALL_MINIMUM, spread.minimum),
            (RECALL_P5, spread.p5),
        ],
    );
    json!(spread)
}

/// Whether so many queries say anything: at least 50, or one for every row.
pub(super) fn are_enough(queries: usize, every_row_asked: bool) -> bool {
    every_row_asked || QUERIES.judge(queries as f64) == Outcome::Pass
}

/// The limits of recall in words.
pub(super) fn recall_limits() -> String {
    let word = |threshold: Threshold, name: &str| format!("{name} {}", threshold.text());
    format!(
        "recall@10: {}; {}; {}; {}",
        word(RECALL_MEAN, "mean"),
        word(RECALL_MEDIAN, "median"),
        word(RECALL_MINIMUM, "minimum"),
        word(RECALL_P5, "5th percentile")
    )
}

/// The mean; none of nothing.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::verify::CheckId;

    fn list(pairs: &[(u64, f32)]) -> Vec<(PointId, f32)> {
        pairs.iter().map(|(n, score)| (PointId::Num(*n), *score)).collect()
    }

    #[test]
    fn what_is_not_in_the_exact_answer_is_worse_whatever_its_score() {
        let exact = list(&[(1, 0.1), (2, 0.2), (3, 0.3)]);
        for (found, k, expected) in [
            (&[(1, 0.1), (2, 0.2)][..], 2, 1.0),
            (&[(2, 0.2), (1, 0.1)][..], 2, 1.0),
            (&[(1, 0.1), (3, 0.3)][..], 2, 0.5),
            // An estimate that looks good.
            (&[(1, 0.1), (9, 0.0)][..], 2, 0.5),
            (&[][..], 2, 0.0),
        ] {
            let got = recall(&list(found), &exact, k, Scoring::Distance);
            assert_eq!(got, Some(expected), "{found:?}");
        }
        assert_eq!(recall(&list(&[(1, 0.1)]), &[], 2, Scoring::Distance), None);
    }

    #[test]
    fn where_all_tie_any_of_them_will_do() {
        let all: Vec<(u64, f32)> = (0..DEPTH as u64).map(|n| (n, 0.5)).collect();
        let found: Vec<(u64, f32)> = (100..110).map(|n| (n, 0.5)).collect();
        assert_eq!(recall(&list(&found), &list(&all), K, Scoring::Similarity), Some(1.0));
        let worse: Vec<(u64, f32)> = (100..110).map(|n| (n, 0.4)).collect();
        assert_eq!(recall(&list(&worse), &list(&all), K, Scoring::Similarity), Some(0.0));
        // A short list of ties is all there are.
        assert_eq!(
            recall(&list(&found), &list(&all[..20]), K, Scoring::Similarity),
            Some(0.0)
        );
    }

    #[test]
    fn the_figures_are_held_against_the_thresholds() {
        let mut check = Check::new(CheckId::Index);
        let spread = judge_recall(&mut check, &[1.0; 50]);
        assert_eq!((check.outcome, &spread["mean"]), (Outcome::Pass, &json!(1.0)));
        let mut one_lost = vec![1.0; 49];
        one_lost.push(0.4);
        judge_recall(&mut check, &one_lost);
        assert_eq!(check.outcome, Outcome::Inconclusive);
        assert!(check.reasons[0].contains("minimum is 0.400"), "{:?}", check.reasons);
        judge_recall(&mut check, &[0.5; 50]);
        assert_eq!(check.outcome, Outcome::Fail);
        assert_eq!(judge_recall(&mut check, &[]), Value::Null);
        assert!(are_enough(50, false) && are_enough(3, true) && !are_enough(49, false));
    }

    #[test]
    fn the_point_that_asks_is_no_answer() {
        let found = without(PointId::Num(2), list(&[(2, 1.0), (1, 0.9), (3, 0.8)]), 1);
        assert_eq!(found, list(&[(1, 0.9)]));
        assert_eq!((mean(&[]), mean(&[1.0, 2.0])), (None, Some(1.5)));
    }
}
