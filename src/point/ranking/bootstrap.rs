//! How sure a mean over queries is: the bootstrap percentile interval.
//!
//! Efron and Tibshirani, *An Introduction to the Bootstrap*, 1993, chapters 12 and 13: queries are drawn with
//! replacement, as many as there are, a thousand times over; of the thousand means the middle 95 % are the interval.
//! It says how far the figure would move with other queries of the same kind. It says nothing about queries of another
//! kind, and with a handful of queries it is too narrow.

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde::Serialize;

use super::{Judged, Scores};

/// The number of resamples unless another is asked for: what Efron and Tibshirani call enough for percentiles.
pub const RESAMPLES: usize = 1_000;

/// One part in this many of the resamples' means lies off the interval at either end: 2.5 %.
const CUT_OFF: usize = 40;

/// A mean over queries with its 95 % bootstrap percentile interval, in the unit of what was averaged.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    /// The mean itself.
    pub mean: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Interval {
    /// The mean of one value a query. Equal values and seed give the equal interval, in one build of qlance; a single
    /// query gives its own value three times. `resamples` below 39 leave the least and the greatest mean as ends.
    ///
    /// `None` without values or with one that is not finite.
    pub fn of(values: &[f64], seed: u64, resamples: usize) -> Option<Self> {
        let rows: Vec<[f64; 1]> = values.iter().map(|value| [*value]).collect();
        bootstrap(&rows, seed, resamples).map(|[interval]| interval)
    }
}

/// The figures of a query set, each a mean over its queries, 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Figures {
    /// Queries that were judged; at least one.
    pub queries: usize,
    /// The share of the relevant points in the first place.
    pub recall_1: Interval,
    /// The share of the relevant points among the first five.
    pub recall_5: Interval,
    /// The share of the relevant points among the first ten.
    pub recall_10: Interval,
    /// The mean reciprocal rank of the first relevant point.
    pub mrr: Interval,
    /// The normalised discounted cumulative gain of the first ten.
    pub ndcg_10: Interval,
}

impl Figures {
    /// The figures of these queries, with [`RESAMPLES`] resamples; `None` without queries.
    pub fn of(judged: &[Judged], seed: u64) -> Option<Self> {
        let scores: Vec<Scores> = judged.iter().map(Judged::scores).collect();
        Self::of_scores(&scores, seed, RESAMPLES)
    }

    /// The figures of queries that were scored one by one; `None` without any. All figures come from the same
    /// resamples. Takes queries x resamples steps of one core: with tens of thousands of queries this belongs on a
    /// thread where it may block.
    pub fn of_scores(scores: &[Scores], seed: u64, resamples: usize) -> Option<Self> {
        let row = |s: &Scores| [s.recall_1, s.recall_5, s.recall_10, s.reciprocal_rank, s.ndcg_10];
        let rows: Vec<[f64; 5]> = scores.iter().map(row).collect();
        let [recall_1, recall_5, recall_10, mrr, ndcg_10] = bootstrap(&rows, seed, resamples)?;
        Some(Self {
            queries: scores.len(),
            recall_1,
            recall_5,
            recall_10,
            mrr,
            ndcg_10,
        })
    }
}

/// The mean of each column with its interval. A resample draws whole rows, so that figures of one query stay together.
fn bootstrap<const N: usize>(rows: &[[f64; N]], seed: u64, resamples: usize) -> Option<[Interval; N]> {
    if rows.is_empty() || rows.iter().flatten().any(|value| !value.is_finite()) {
        return None;
    }
    let resamples = resamples.max(1);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut means: [Vec<f64>; N] = std::array::from_fn(|_| Vec::with_capacity(resamples));
    for _ in 0..resamples {
        let drawn = (0..rows.len()).map(|_| &rows[rng.random_range(0..rows.len())]);
        for (column, mean) in means.iter_mut().zip(mean_of(drawn, rows.len())) {
            column.push(mean);
        }
    }
    // The k-th least and the k-th greatest, k = floor((B + 1) 0.025): the rule for a B that 0.025 does not divide.
    let edge = ((resamples + 1) / CUT_OFF).max(1);
    let mut intervals = mean_of(rows.iter(), rows.len()).map(|mean| Interval {
        mean,
        low: mean,
        high: mean,
    });
    for (interval, column) in intervals.iter_mut().zip(&mut means) {
        column.sort_unstable_by(f64::total_cmp);
        interval.low = column[edge - 1];
        interval.high = column[resamples - edge];
    }
    Some(intervals)
}

/// The mean of each column. One order of addition for the mean and for the resamples: equal values give equal means.
fn mean_of<'a, const N: usize>(rows: impl Iterator<Item = &'a [f64; N]>, count: usize) -> [f64; N] {
    let mut sums = [0.0_f64; N];
    for row in rows {
        for (sum, value) in sums.iter_mut().zip(row) {
            *sum += value;
        }
    }
    sums.map(|sum| sum / count as f64)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::point::PointId;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9
    }

    /// A query whose one relevant point is found at this rank, counted from 1; 0 is not at all.
    fn found_at(rank: u64) -> Judged {
        let ranked = (1..=20).map(|n| PointId::Num(if n == rank { 0 } else { n })).collect();
        Judged::new(ranked, BTreeSet::from([PointId::Num(0)])).expect("a relevant point")
    }

    #[test]
    fn nothing_has_no_figures() {
        assert_eq!(Figures::of(&[], 1), None);
        assert_eq!(Interval::of(&[], 1, 100), None);
        assert_eq!(Interval::of(&[0.5, f64::NAN], 1, 100), None);
        assert_eq!(Interval::of(&[f64::INFINITY], 1, 100), None);
    }

    #[test]
    fn one_query_is_its_own_interval() {
        let figures = Figures::of(&[found_at(2)], 7).expect("a query");
        assert_eq!(figures.queries, 1);
        for (interval, value) in [
            (figures.recall_1, 0.0),
            (figures.recall_5, 1.0),
            (figures.mrr, 0.5),
            (figures.ndcg_10, 1.0 / 3.0_f64.log2()),
        ] {
            assert_eq!((interval.low, interval.high), (interval.mean, interval.mean));
            assert!(close(interval.mean, value), "{interval:?}");
        }
    }

    #[test]
    fn means_over_queries_by_hand() {
        let judged: Vec<Judged> = [1, 2, 4, 10, 0].map(found_at).into();
        let figures = Figures::of(&judged, 3).expect("queries");
        for (interval, mean) in [
            (figures.recall_1, 0.2),
            (figures.recall_5, 0.6),
            (figures.recall_10, 0.8),
            (figures.mrr, (1.0 + 0.5 + 0.25 + 0.1) / 5.0),
        ] {
            assert!(close(interval.mean, mean), "{interval:?}");
            assert!(interval.low < mean && mean < interval.high, "{interval:?}");
        }
        // Five queries, of which one or four are found: chance alone can leave all or none of them.
        assert_eq!((figures.recall_1.low, figures.recall_10.high), (0.0, 1.0));
    }

    #[test]
    fn the_interval_of_a_share_is_near_that_of_the_normal_distribution() {
        // 280 hits of 400: 0.7 +- 1.96 sqrt(0.7 x 0.3 / 400) = 0.6551 .. 0.7449.
        let hits: Vec<f64> = (0..400).map(|n| if n % 10 < 7 { 1.0 } else { 0.0 }).collect();
        let interval = Interval::of(&hits, 11, RESAMPLES).expect("values");
        assert!(close(interval.mean, 0.7));
        assert!((interval.low - 0.6551).abs() < 0.012, "{interval:?}");
        assert!((interval.high - 0.7449).abs() < 0.012, "{interval:?}");
    }

    #[test]
    fn nineteen_of_twenty_intervals_hold_the_truth() {
        let mut rng = StdRng::seed_from_u64(5);
        let held = (0..200)
            .filter(|seed| {
                let hits: Vec<f64> = (0..100).map(|_| f64::from(u8::from(rng.random_bool(0.7)))).collect();
                let interval = Interval::of(&hits, *seed, 300).expect("values");
                (interval.low..=interval.high).contains(&0.7)
            })
            .count();
        assert!((172..=199).contains(&held), "{held} of 200");
    }

    #[test]
    fn the_seed_decides() {
        let values: Vec<f64> = (0..50_u32).map(|n| f64::from(n * n % 17) / 17.0).collect();
        assert_eq!(Interval::of(&values, 1, 200), Interval::of(&values, 1, 200));
        assert_ne!(Interval::of(&values, 1, 200), Interval::of(&values, 2, 200));
    }

    #[test]
    fn the_json_names_each_figure() {
        let figures = Figures::of(&[found_at(1)], 1).expect("a query");
        let json = serde_json::to_value(figures).expect("JSON");
        assert_eq!(
            json["ndcg_10"],
            serde_json::json!({"mean": 1.0, "low": 1.0, "high": 1.0})
        );
        assert_eq!(json["queries"], 1);
    }

    /// Draws the same queries, then does each figure by itself: the drawn values, their mean, all means sorted.
    fn plainly(values: &[f64], seed: u64, resamples: usize) -> (f64, f64, f64) {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut means = Vec::new();
        for _ in 0..resamples {
            let mut drawn = Vec::new();
            for _ in 0..values.len() {
                drawn.push(values[rng.random_range(0..values.len())]);
            }
            means.push(drawn.iter().sum::<f64>() / drawn.len() as f64);
        }
        means.sort_by(f64::total_cmp);
        let edge = ((resamples as f64 + 1.0) * 0.025).floor() as usize;
        let edge = if edge == 0 { 1 } else { edge };
        let low = means[edge - 1];
        means.reverse();
        (values.iter().sum::<f64>() / values.len() as f64, low, means[edge - 1])
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn agrees_with_a_plain_bootstrap(
            ranks in prop::collection::vec(0_u64..=20, 1..30),
            seed in any::<u64>(),
            resamples in 1_usize..300,
        ) {
            let judged: Vec<Judged> = ranks.iter().copied().map(found_at).collect();
            let scores: Vec<Scores> = judged.iter().map(Judged::scores).collect();
            let figures = Figures::of_scores(&scores, seed, resamples).expect("queries");
            let column = |of: fn(&Judged) -> f64| judged.iter().map(of).collect::<Vec<_>>();
            for (interval, values) in [
                (figures.recall_1, column(|j| j.recall_at(1))),
                (figures.recall_5, column(|j| j.recall_at(5))),
                (figures.recall_10, column(|j| j.recall_at(10))),
                (figures.mrr, column(Judged::reciprocal_rank)),
                (figures.ndcg_10, column(|j| j.ndcg_at(10))),
            ] {
                let (mean, low, high) = plainly(&values, seed, resamples);
                prop_assert!(close(interval.mean, mean) && close(interval.low, low) && close(interval.high, high));
                prop_assert_eq!(Interval::of(&values, seed, resamples), Some(interval));
            }
        }

        #[test]
        fn the_mean_lies_in_its_interval_and_all_are_shares(
            values in prop::collection::vec(0.0_f64..=1.0, 1..60),
            seed in any::<u64>(),
        ) {
            let Interval { mean, low, high } = Interval::of(&values, seed, 400).expect("values");
            prop_assert!(0.0 <= low && low <= mean + 1e-12 && mean <= high + 1e-12 && high <= 1.0);
        }
    }
}
