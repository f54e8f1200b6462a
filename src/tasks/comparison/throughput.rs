//! Queries a second with so many in flight: workers that each ask the next query as soon as they have an answer, in two
//! short slices a contender, so that what the machine does meanwhile does not hit one of them alone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;

use super::contender::Contender;
use super::latency::turn;
use super::queries::Query;
use super::result::PerSecond;
use super::{Stage, Tell};

/// Slices a contender and concurrency.
const SLICES: usize = 2;
/// The longest slice.
const SLICE: Duration = Duration::from_millis(1_500);
/// Queries a worker asks at least where time allows: with fewer, most of a slice is its beginning and end.
const A_WORKER: usize = 4;

/// What one contender answered in all its slices of one concurrency.
#[derive(Debug, Clone, Copy, Default)]
struct Done {
    answers: usize,
    took: Duration,
}

impl Done {
    fn per_second(self) -> f64 {
        self.answers as f64 / self.took.as_secs_f64().max(1e-9)
    }
}

/// Measures; one answer a contender, in their order, each with one figure a concurrency.
///
/// # Errors
/// A store cannot be asked.
pub(super) async fn measure(
    contenders: &[Contender],
    queries: &Arc<[Query]>,
    count: usize,
    concurrency: &[usize],
    tell: &Tell<'_>,
) -> anyhow::Result<Vec<Vec<PerSecond>>> {
    let mut figures: Vec<Vec<PerSecond>> = vec![Vec::new(); contenders.len()];
    let all = concurrency.len() * SLICES * contenders.len();
    let mut slices = 0;
    for &at_once in concurrency {
        let mut done = vec![Done::default(); contenders.len()];
        for number in 0..SLICES {
            for which in turn(number, contenders.len()) {
                tell(Stage::Throughput, slices, all);
                slices += 1;
                let one = slice(&contenders[which], queries, count, at_once).await?;
                done[which].answers += one.answers;
                done[which].took += one.took;
            }
        }
        for (figures, done) in figures.iter_mut().zip(done) {
            figures.push(PerSecond {
                concurrency: at_once,
                queries_per_second: done.per_second(),
            });
        }
    }
    Ok(figures)
}

/// One slice: all queries once, or as many as its time allows.
async fn slice(contender: &Contender, queries: &Arc<[Query]>, count: usize, at_once: usize) -> anyhow::Result<Done> {
    let most = queries.len().max(at_once * A_WORKER);
    let next = Arc::new(AtomicUsize::new(0));
    let begun = Instant::now();
    let mut workers = JoinSet::new();
    for _ in 0..at_once {
        let (contender, queries, next) = (contender.clone(), Arc::clone(queries), Arc::clone(&next));
        workers.spawn(async move {
            let mut answers = 0;
            while begun.elapsed() < SLICE {
                let place = next.fetch_add(1, Ordering::Relaxed);
                if place >= most {
                    break;
                }
                contender.ask(&queries[place % queries.len()], count).await?;
                answers += 1;
            }
            anyhow::Ok(answers)
        });
    }
    let mut answers = 0;
    while let Some(worker) = workers.join_next().await {
        let own: usize = worker??;
        answers += own;
    }
    Ok(Done {
        answers,
        took: begun.elapsed(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slices_are_added_up_not_averaged() {
        // 10 in one second and 90 in three are 25 a second, not the mean of 10 and 30.
        let done = Done {
            answers: 10 + 90,
            took: Duration::from_secs(1) + Duration::from_secs(3),
        };
        assert!((done.per_second() - 25.0).abs() < 1e-9);
        assert!(Done::default().per_second().abs() < f64::EPSILON);
    }
}
