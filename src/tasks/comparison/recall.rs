//! Recall@k of an answer against the exact answer of the same store, blind to which of equally near points was named.

use super::contender::{Answer, Contender};
use super::queries::Query;
use super::result::{Mode, Recall, Store};
use super::{Stage, Tell};
use crate::point::PointId;
use crate::point::ranking::Scoring;
use crate::tasks::recall::{recall, without};

/// Queries that recall is measured by at most: the mean of so many is known to about a percentage point.
pub(super) const MOST_QUERIES: usize = 1_000;
/// Results of the exact answer beyond the k-th: what lies among them is judged by its exact score.
const BEYOND: usize = 40;

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
    recall(&without(query.id, found, k), exact, k, k + BEYOND, scoring)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(pairs: &[(u64, f32)]) -> Answer {
        pairs.iter().map(|(id, score)| (PointId::Num(*id), *score)).collect()
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
}
