//! What neighbours and the index share: an answer held against an exact one, and the figures of many queries held against
//! Qdrant's thresholds.

use serde_json::{Value, json};

use super::{Check, judge};
use crate::point::PointId;
use crate::point::ranking::{Scoring, Spread};
use crate::point::verdict::{Outcome, QUERIES, RECALL_MEAN, RECALL_MEDIAN, RECALL_MINIMUM, RECALL_P5, Threshold};
use crate::tasks::recall;

/// Neighbours that are judged.
pub(super) const K: usize = 10;
/// Neighbours of the exact answer: what lies among them is judged by its exact score.
pub(super) const DEPTH: usize = 50;

type Ranked = [(PointId, f32)];

/// The recall of one answer against an exact one of [`DEPTH`].
pub(super) fn recall(found: &Ranked, exact: &Ranked, k: usize, scoring: Scoring) -> Option<f64> {
    recall::recall(found, exact, k, DEPTH, scoring)
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
    fn the_mean_of_nothing_is_none() {
        assert_eq!((mean(&[]), mean(&[1.0, 2.0])), (None, Some(1.5)));
    }
}
