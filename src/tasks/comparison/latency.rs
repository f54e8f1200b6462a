//! How long one query takes. The contenders take turns query by query, in an order that changes, so that whatever else
//! the machine does hits them alike.

use std::time::{Duration, Instant};

use super::contender::Contender;
use super::queries::Query;
use super::{Stage, Tell};

/// Latencies that percentiles want: with fewer queries, there are more rounds of them.
const LEAST_LATENCIES: usize = 200;
/// Rounds at most.
const MOST_ROUNDS: usize = 20;
/// Queries of the warm-up at most.
const WARM_UP: usize = 100;

/// What was measured of one contender.
pub(super) struct Timed {
    /// The very first query.
    pub(super) cold: Duration,
    /// Those after the warm-up.
    pub(super) warm: Vec<Duration>,
}

/// Measures; the contenders come fresh. One answer a contender, in their order.
///
/// # Errors
/// A store cannot be asked.
pub(super) async fn measure(
    contenders: &[Contender],
    queries: &[Query],
    count: usize,
    tell: &Tell<'_>,
) -> anyhow::Result<Vec<Timed>> {
    let mut timed = Vec::with_capacity(contenders.len());
    for (place, contender) in contenders.iter().enumerate() {
        tell(Stage::Cold, place, contenders.len());
        let cold = match queries.first() {
            Some(query) => once(contender, query, count).await?,
            None => Duration::ZERO,
        };
        timed.push(Timed { cold, warm: Vec::new() });
    }
    let warm_up = &queries[..queries.len().min(WARM_UP)];
    for (place, query) in warm_up.iter().enumerate() {
        tell(Stage::WarmUp, place, warm_up.len());
        for contender in contenders {
            once(contender, query, count).await?;
        }
    }
    let rounds = rounds(queries.len());
    for round in 0..rounds {
        for (place, query) in queries.iter().enumerate() {
            let so_far = round * queries.len() + place;
            tell(Stage::Latency, so_far, rounds * queries.len());
            for which in turn(so_far, contenders.len()) {
                timed[which].warm.push(once(&contenders[which], query, count).await?);
            }
        }
    }
    Ok(timed)
}

/// How long one query takes.
pub(super) async fn once(contender: &Contender, query: &Query, count: usize) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    contender.ask(query, count).await?;
    Ok(begun.elapsed())
}

/// How often all queries are asked.
fn rounds(queries: usize) -> usize {
    LEAST_LATENCIES.div_ceil(queries.max(1)).clamp(1, MOST_ROUNDS)
}

/// The order of a turn: forwards and backwards by turns, and each pair of turns begins with another one.
pub(super) fn turn(turn: usize, contenders: usize) -> impl Iterator<Item = usize> {
    let backwards = !turn.is_multiple_of(2);
    (0..contenders).map(move |place| {
        let place = if backwards { contenders - 1 - place } else { place };
        (place + turn / 2) % contenders
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_queries_are_asked_more_often() {
        for (queries, expected) in [
            (1, 20),
            (10, 20),
            (11, 19),
            (100, 2),
            (199, 2),
            (200, 1),
            (100_000, 1),
            (0, 20),
        ] {
            assert_eq!(rounds(queries), expected, "{queries}");
        }
    }

    /// In every place equally often, and before each other equally often: nobody is always the one that comes after.
    #[test]
    fn turns_favour_nobody() {
        for contenders in 1..=5_usize {
            let mut places = vec![vec![0; contenders]; contenders];
            let mut before = vec![vec![0_i32; contenders]; contenders];
            for number in 0..2 * contenders {
                let order: Vec<usize> = turn(number, contenders).collect();
                for (place, which) in order.iter().enumerate() {
                    places[*which][place] += 1;
                    for later in &order[place + 1..] {
                        before[*which][*later] += 1;
                    }
                }
            }
            assert!(
                places.iter().flatten().all(|times| *times == 2),
                "{contenders}: {places:?}"
            );
            for (one, later) in before.iter().enumerate() {
                for (other, times) in later.iter().enumerate() {
                    assert_eq!(*times, before[other][one], "{contenders}: {before:?}");
                }
            }
        }
    }
}
