//! Recall@k of an answer against the exact answer of the same store, blind to which of equally near points was named.

use std::collections::BTreeSet;

use super::contender::{Answer, Contender};
use super::queries::Query;
use super::result::{Mode, Recall, Store};
use super::{Stage, Tell};
use crate::point::PointId;
use crate::point::ranking::{Scoring, recall_against_exact};

/// Queries that recall is measured by at most: the mean of so many is known to about a percentage point.
pub(super) const MOST_QUERIES: usize = 1_000;
/// Results of the exact answer beyond the k-th: what lies among them is judged by its exact score.
const BEYOND: usize = 40;
/// Scores of two searches are equal within this share.
const TOLERANCE: f64 = 1e-5;

type Ranked = [(PointId, f32)];

/// Measures every contender against the exact one of its store; one answer a contender, in their order.
///
/// # Errors
/// A store cannot be asked.
pub(super) async fn measure(
    contenders: &[Contender],
    queries: &[Query],
    k: usize,
    tell: &Tell<'_>,
) -> anyhow::Result<Vec<Option<Recall>>> {
    let mut shares: Vec<Vec<f64>> = vec![Vec::new(); contenders.len()];
    let queries = &queries[..queries.len().min(MOST_QUERIES)];
    for (place, query) in queries.iter().enumerate() {
        tell(Stage::Recall, place, queries.len());
        for store in [Store::Lancedb, Store::Qdrant] {
            let is_judge = |one: &&Contender| one.store == store && one.mode == Mode::Exact;
            let Some(judge) = contenders.iter().find(is_judge) else {
                continue;
            };
            let exact = exact_answer(judge, query, k).await?;
            for (shares, contender) in shares.iter_mut().zip(contenders) {
                if contender.store == store {
                    shares.extend(share(contender, query, &exact, k).await?);
                }
            }
        }
    }
    Ok(shares.iter().map(|shares| Recall::of(shares)).collect())
}

/// The exact answer, somewhat longer than k.
pub(super) async fn exact_answer(exact: &Contender, query: &Query, k: usize) -> anyhow::Result<Answer> {
    let depth = k + BEYOND;
    Ok(without(query.id, exact.ask(query, depth + 1).await?, depth))
}

/// The recall of one answer; `None` where there is nothing to find.
async fn share(contender: &Contender, query: &Query, exact: &Ranked, k: usize) -> anyhow::Result<Option<f64>> {
    let found = contender.ask(query, k + 1).await?;
    Ok(of_answer(query, found, exact, k, contender.scoring))
}

/// The recall of one answer that holds the point that asks; `None` where there is nothing to find.
pub(super) fn of_answer(query: &Query, found: Answer, exact: &Ranked, k: usize, scoring: Scoring) -> Option<f64> {
    recall(&without(query.id, found, k), exact, k, scoring)
}

/// The same answer without the point that asked, at most so many.
fn without(id: PointId, mut found: Answer, most: usize) -> Answer {
    found.retain(|(other, _)| *other != id);
    found.truncate(most);
    found
}

/// The share of the first `k` found that are no worse than the `k`-th exact one. What is not among the exact answer is
/// worse, whatever score it was found with: that may be an estimate from a quantised vector. Unless all of the exact
/// answer ties from the `k`-th on: then there may be more of the same beyond it.
fn recall(found: &Ranked, exact: &Ranked, k: usize, scoring: Scoring) -> Option<f64> {
    let known: BTreeSet<PointId> = exact.iter().map(|(id, _)| *id).collect();
    let kth = exact.get(k.saturating_sub(1)).zip(exact.last());
    let ties_to_the_end = kth.is_some_and(|(kth, last)| {
        let (kth, last) = (f64::from(kth.1), f64::from(last.1));
        (kth - last).abs() <= TOLERANCE * kth.abs()
    });
    // A shorter list is all there is.
    let goes_on = exact.len() >= k + BEYOND && ties_to_the_end;
    let judged: Answer = found
        .iter()
        .map(|(id, score)| {
            let counts = goes_on || known.contains(id);
            (*id, if counts { *score } else { f32::NAN })
        })
        .collect();
    recall_against_exact(&judged, exact, k, TOLERANCE, scoring)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn list(pairs: &[(u64, f32)]) -> Answer {
        pairs.iter().map(|(id, score)| (PointId::Num(*id), *score)).collect()
    }

    #[test]
    fn an_estimate_is_not_believed_and_ties_are() {
        let exact = list(&[(1, 0.1), (2, 0.2), (3, 0.2), (4, 0.4)]);
        for (found, k, expected) in [
            (&[(1, 0.1), (2, 0.2)][..], 2, 1.0),
            // Equally near.
            (&[(3, 0.2), (1, 0.1)], 2, 1.0),
            // Named with a wrong distance, judged by its own.
            (&[(1, 0.1), (4, 0.0)], 2, 0.5),
            // Not among the exact answer, however near it seems.
            (&[(1, 0.1), (9, 0.0)], 2, 0.5),
            (&[], 2, 0.0),
        ] {
            assert_eq!(
                recall(&list(found), &exact, k, Scoring::Distance),
                Some(expected),
                "{found:?}"
            );
        }
        assert_eq!(recall(&list(&[(1, 0.1)]), &[], 2, Scoring::Distance), None);
    }

    #[test]
    fn where_all_tie_any_of_them_will_do() {
        let tied = |from: u64, count: u64| {
            (from..from + count)
                .map(|id| (PointId::Num(id), 0.5))
                .collect::<Answer>()
        };
        let (found, all) = (tied(1_000, 3), tied(0, 3 + BEYOND as u64));
        assert_eq!(recall(&found, &all, 3, Scoring::Similarity), Some(1.0));
        assert_eq!(recall(&found, &all[..20], 3, Scoring::Similarity), Some(0.0));
    }

    #[test]
    fn the_point_that_asks_is_no_answer() {
        let query = Query {
            id: PointId::Num(7),
            new: Vec::new(),
            old: Vec::new(),
        };
        let exact = list(&[(1, 0.1), (2, 0.2)]);
        let found = list(&[(7, 0.0), (1, 0.1), (2, 0.2)]);
        assert_eq!(of_answer(&query, found, &exact, 2, Scoring::Distance), Some(1.0));
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
            let mut exact: Answer = (0..distances.len()).map(one).collect();
            exact.sort_by(|a, b| a.1.total_cmp(&b.1));
            let found: Answer = picks
                .iter()
                .filter(|place| **place < distances.len())
                .take(k)
                .map(|place| one(*place))
                .collect();
            let wanted = k.min(exact.len());
            let limit = exact[wanted - 1].1;
            let good = found.iter().take(wanted).filter(|(_, distance)| *distance <= limit).count();
            let expected = good as f64 / wanted as f64;
            let got = recall(&found, &exact, k, Scoring::Distance).expect("something to find");
            prop_assert!((got - expected).abs() < 1e-9, "{} is not {}", got, expected);
        }
    }
}
