//! How good a search is, in figures: recall, reciprocal rank and nDCG of answers whose relevant points are known, how
//! far two rankings agree, and one ranking made of several.
//!
//! Owns the arithmetic and nothing else: it runs no search, reads no clock and draws no number that its caller did not
//! seed. `tasks` calls it for the evaluation, the verification and hybrid search. A figure that would be made of
//! nothing is `None`, never 0 or 1: either would pass or fail a threshold without having been measured.
//!
//! ```text
//! Judged (one query) -> Scores -> Figures: a mean of each with its bootstrap interval     (bootstrap)
//! two lists          -> overlap, rank correlation, recall against exact search, fusion    (lists)
//! many numbers       -> Spread of shares, Percentiles of latencies                        (summary)
//! ```

mod bootstrap;
mod lists;
mod summary;

use std::collections::BTreeSet;

use serde::Serialize;

use super::PointId;

pub use bootstrap::{Figures, Interval, RESAMPLES};
pub use lists::{RRF_K, Scoring, overlap_at, rank_correlation, recall_against_exact, reciprocal_rank_fusion};
pub use summary::{Percentiles, Spread};

/// One query's answer, best first, and the points that it should have held. There is at least one of those: a query
/// that nothing answers measures no search, it is an error of the query set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judged {
    ranked: Vec<PointId>,
    relevant: BTreeSet<PointId>,
}

impl Judged {
    /// Judges an answer; of an id that it names more than once, the first place counts and the others are closed up.
    /// `None` where no point is relevant.
    pub fn new(ranked: Vec<PointId>, relevant: BTreeSet<PointId>) -> Option<Self> {
        if relevant.is_empty() {
            return None;
        }
        let ranked = distinct(ranked, |id| *id).collect();
        Some(Self { ranked, relevant })
    }

    /// The answer, best first, no id twice.
    pub fn ranked(&self) -> &[PointId] {
        &self.ranked
    }

    /// The points that answer the query; at least one.
    pub fn relevant(&self) -> &BTreeSet<PointId> {
        &self.relevant
    }

    /// The share of the relevant points that are among the first `k` of the answer, 0 to 1: |relevant in top k| /
    /// |relevant|. With more than `k` relevant points it stays below 1 whatever is found.
    pub fn recall_at(&self, k: usize) -> f64 {
        let found = self.places().take_while(|place| *place < k).count();
        found as f64 / self.relevant.len() as f64
    }

    /// Whether any relevant point is among the first `k` of the answer: success at k.
    pub fn hit_at(&self, k: usize) -> bool {
        self.places().next().is_some_and(|place| place < k)
    }

    /// One divided by the rank of the first relevant point, counted from 1; 0 where the answer holds none. Its mean
    /// over queries is the MRR of Voorhees, *The TREC-8 Question Answering Track Report*, 1999. Nothing is cut here:
    /// an answer of ten gives what others call MRR@10.
    pub fn reciprocal_rank(&self) -> f64 {
        self.places().next().map_or(0.0, |place| 1.0 / (place as f64 + 1.0))
    }

    /// The normalised discounted cumulative gain of the first `k`, 0 to 1; 0 for a `k` of 0. From Järvelin and
    /// Kekäläinen, *Cumulated Gain-Based Evaluation of IR Techniques*, ACM TOIS 20(4), 2002, with gains of 1 for a
    /// relevant point and 0 for another, and with the discount log2(rank + 1) that `trec_eval` uses. The ideal answer
    /// has relevant points in its first min(k, |relevant|) places, so 1 can always be reached.
    pub fn ndcg_at(&self, k: usize) -> f64 {
        if k == 0 {
            return 0.0;
        }
        let found: f64 = self.places().take_while(|place| *place < k).map(gain_at).sum();
        let ideal: f64 = (0..self.relevant.len().min(k)).map(gain_at).sum();
        found / ideal
    }

    /// All figures of this query. They are 40 bytes, however long the answer: a long evaluation keeps these.
    pub fn scores(&self) -> Scores {
        Scores {
            recall_1: self.recall_at(1),
            recall_5: self.recall_at(5),
            recall_10: self.recall_at(10),
            reciprocal_rank: self.reciprocal_rank(),
            ndcg_10: self.ndcg_at(10),
        }
    }

    /// The places of the relevant points in the answer, from 0, ascending.
    fn places(&self) -> impl Iterator<Item = usize> {
        let places = self.ranked.iter().enumerate();
        places
            .filter(move |(_, id)| self.relevant.contains(*id))
            .map(|(place, _)| place)
    }
}

/// What a relevant point adds to the cumulative gain at a place counted from 0.
fn gain_at(place: usize) -> f64 {
    1.0 / (place as f64 + 2.0).log2()
}

/// The figures of one query, each 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Scores {
    /// [`Judged::recall_at`] 1.
    pub recall_1: f64,
    /// [`Judged::recall_at`] 5.
    pub recall_5: f64,
    /// [`Judged::recall_at`] 10.
    pub recall_10: f64,
    /// [`Judged::reciprocal_rank`].
    pub reciprocal_rank: f64,
    /// [`Judged::ndcg_at`] 10.
    pub ndcg_10: f64,
}

/// The items in their order, of each id the first.
fn distinct<T>(items: impl IntoIterator<Item = T>, id: impl Fn(&T) -> PointId) -> impl Iterator<Item = T> {
    let mut seen = BTreeSet::new();
    items.into_iter().filter(move |item| seen.insert(id(item)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn judged(ranked: &[u64], relevant: &[u64]) -> Judged {
        let ids = |numbers: &[u64]| numbers.iter().map(|n| PointId::Num(*n)).collect::<Vec<_>>();
        Judged::new(ids(ranked), ids(relevant).into_iter().collect()).expect("a relevant point")
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9
    }

    #[test]
    fn a_query_without_relevant_points_cannot_be_judged() {
        assert_eq!(Judged::new(vec![PointId::Num(1)], BTreeSet::new()), None);
    }

    #[test]
    fn known_values() {
        // 1 / log2(2) = 1, 1 / log2(3) = 0.630930, 1 / log2(4) = 0.5, 1 / log2(5) = 0.430677.
        let third = 1.0 / 3.0_f64.log2();
        for (ranked, relevant, k, recall, reciprocal, ndcg) in [
            (&[7, 8, 9][..], &[7][..], 1, 1.0, 1.0, 1.0),
            (&[8, 7, 9], &[7], 1, 0.0, 0.5, 0.0),
            (&[8, 7, 9], &[7], 2, 1.0, 0.5, third),
            (&[8, 9, 7], &[7], 10, 1.0, 1.0 / 3.0, 0.5),
            (&[7, 1, 8], &[7, 8, 9], 3, 2.0 / 3.0, 1.0, 1.5 / (1.5 + third)),
            // More relevant points than places: recall is bounded by 1 / 3, nDCG is not.
            (&[7, 1], &[7, 8, 9], 1, 1.0 / 3.0, 1.0, 1.0),
            (&[1, 2, 3], &[7], 3, 0.0, 0.0, 0.0),
            (&[], &[7], 10, 0.0, 0.0, 0.0),
            (&[7], &[7], 0, 0.0, 1.0, 0.0),
            (&[7], &[7], usize::MAX, 1.0, 1.0, 1.0),
        ] {
            let case = judged(ranked, relevant);
            let (got, hit) = (case.recall_at(k), case.hit_at(k));
            assert!(close(got, recall), "recall {got} of {case:?} at {k}");
            assert_eq!(hit, recall > 0.0, "hit of {case:?} at {k}");
            let got = case.reciprocal_rank();
            assert!(close(got, reciprocal), "reciprocal rank {got} of {case:?}");
            let got = case.ndcg_at(k);
            assert!(close(got, ndcg), "nDCG {got} of {case:?} at {k}");
        }
    }

    #[test]
    fn the_textbook_answer_has_the_textbook_ndcg() {
        // Relevant at ranks 1, 3 and 6 of four relevant: (1 + 0.5 + 0.356207) / (1 + 0.630930 + 0.5 + 0.430677).
        let got = judged(&[1, 11, 2, 12, 13, 3], &[1, 2, 3, 4]).ndcg_at(10);
        assert!((got - 0.724_626).abs() < 1e-6, "{got}");
    }

    #[test]
    fn a_repeat_is_neither_counted_nor_takes_a_place() {
        let (repeated, plain) = (judged(&[5, 5, 7, 5, 7], &[7]), judged(&[5, 7], &[7]));
        assert_eq!(repeated, plain);
        assert_eq!(repeated.ranked(), [PointId::Num(5), PointId::Num(7)]);
        assert_eq!(repeated.relevant().len(), 1);
        assert!(repeated.hit_at(2) && !repeated.hit_at(1));
    }

    #[test]
    fn integers_and_uuids_are_ids_alike() {
        let (number, uuid) = (PointId::Num(5), PointId::Uuid(Uuid::from_u128(5)));
        let case = Judged::new(vec![number, uuid], BTreeSet::from([uuid])).expect("a relevant point");
        assert!(close(case.reciprocal_rank(), 0.5));
    }

    /// The definitions, word by word: a walk over the answer for every figure, no sets, no shared code.
    mod plain {
        pub(super) fn without_repeats(ranked: &[u64]) -> Vec<u64> {
            let mut kept = Vec::new();
            for id in ranked {
                if !kept.contains(id) {
                    kept.push(*id);
                }
            }
            kept
        }

        pub(super) fn recall(ranked: &[u64], relevant: &[u64], k: usize) -> f64 {
            let mut found = 0.0;
            for id in relevant {
                for (place, other) in without_repeats(ranked).iter().enumerate() {
                    if place < k && other == id {
                        found += 1.0;
                    }
                }
            }
            found / relevant.len() as f64
        }

        pub(super) fn reciprocal_rank(ranked: &[u64], relevant: &[u64]) -> f64 {
            let mut rank = 1.0;
            for id in without_repeats(ranked) {
                if relevant.contains(&id) {
                    return 1.0 / rank;
                }
                rank += 1.0;
            }
            0.0
        }

        pub(super) fn ndcg(ranked: &[u64], relevant: &[u64], k: usize) -> f64 {
            let dcg = |gains: &[f64]| {
                let mut sum = 0.0;
                for rank in 1..=k {
                    if rank <= gains.len() {
                        sum += gains[rank - 1] * 2.0_f64.ln() / (rank as f64 + 1.0).ln();
                    }
                }
                sum
            };
            let mut gains = Vec::new();
            for id in without_repeats(ranked) {
                gains.push(if relevant.contains(&id) { 1.0 } else { 0.0 });
            }
            let best = dcg(&vec![1.0; relevant.len()]);
            if best > 0.0 { dcg(&gains) / best } else { 0.0 }
        }
    }

    proptest! {
        #[test]
        fn agrees_with_the_definitions(
            ranked in prop::collection::vec(0_u64..24, 0..40),
            relevant in prop::collection::btree_set(0_u64..24, 1..16),
            k in 0_usize..30,
        ) {
            let relevant: Vec<u64> = relevant.into_iter().collect();
            let case = judged(&ranked, &relevant);
            prop_assert!(close(case.recall_at(k), plain::recall(&ranked, &relevant, k)));
            prop_assert!(close(case.reciprocal_rank(), plain::reciprocal_rank(&ranked, &relevant)));
            prop_assert!(close(case.ndcg_at(k), plain::ndcg(&ranked, &relevant, k)));
            prop_assert_eq!(case.hit_at(k), plain::recall(&ranked, &relevant, k) > 0.0);
        }

        #[test]
        fn shares_stay_shares_and_more_places_find_no_less(
            ranked in prop::collection::vec(0_u64..24, 0..40),
            relevant in prop::collection::btree_set(0_u64..24, 1..16),
        ) {
            let case = judged(&ranked, &relevant.into_iter().collect::<Vec<_>>());
            let Scores { recall_1, recall_5, recall_10, reciprocal_rank, ndcg_10 } = case.scores();
            for share in [recall_1, recall_5, recall_10, reciprocal_rank, ndcg_10] {
                prop_assert!((0.0..=1.0).contains(&share), "{} of {:?}", share, case);
            }
            prop_assert!(recall_1 <= recall_5 && recall_5 <= recall_10);
            prop_assert!(close(recall_5, case.recall_at(5)) && close(ndcg_10, case.ndcg_at(10)));
        }

        #[test]
        fn all_relevant_points_first_is_as_good_as_can_be(relevant in prop::collection::btree_set(0_u64..99, 1..30)) {
            let ranked: Vec<u64> = relevant.iter().copied().chain(100..120).collect();
            let case = judged(&ranked, &relevant.iter().copied().collect::<Vec<_>>());
            for k in 1..60 {
                prop_assert!(close(case.ndcg_at(k), 1.0));
            }
            prop_assert!(close(case.recall_at(relevant.len()), 1.0) && close(case.reciprocal_rank(), 1.0));
        }
    }
}
