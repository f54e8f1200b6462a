//! The rates of the last two minutes, one a second, for the chart.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::tasks::{Phase, Snapshot};

/// Seconds that are kept.
pub const SECONDS: usize = 120;

/// Points settled in each of the last seconds. Added up, they are the points that came across: none is lost between two
/// looks, however far apart they lie, and a run that is over within a second has a column too.
#[derive(Debug, Clone)]
pub struct Throughput {
    rates: VecDeque<u64>,
    second_began: Instant,
    /// What was settled when the second began; none before the first look.
    settled_then: Option<u64>,
    /// Whether points were on their way at the last look.
    works: bool,
    moved: u64,
}

impl Throughput {
    /// Nothing seen yet.
    pub fn new(now: Instant) -> Self {
        Self {
            rates: VecDeque::with_capacity(SECONDS),
            second_began: now,
            settled_then: None,
            works: false,
            moved: 0,
        }
    }

    /// Takes a snapshot's count in. Seconds in which nothing works are not drawn: an idle screen does not move.
    pub fn record(&mut self, snapshot: &Snapshot, now: Instant) {
        let settled = snapshot.settled();
        let works = matches!(
            snapshot.phase,
            Phase::Running | Phase::Pausing | Phase::Stopping | Phase::CatchingUp
        );
        let worked = std::mem::replace(&mut self.works, works);
        // The first look may come when points have moved already. Rows that were removed are no points that moved back.
        let before = self.settled_then.unwrap_or(snapshot.settled_before).min(settled);
        self.settled_then = Some(before);
        if !worked || !works && before == settled {
            self.second_began = now;
        }
        self.whole_seconds(settled, now);
        if !works {
            // The run came to its end, or to a pause, within a second.
            let rest = settled - self.settled_then.unwrap_or(settled);
            if rest > 0 {
                self.push(rest);
            }
            self.settled_then = Some(settled);
            self.second_began = now;
        }
    }

    /// Draws the seconds that are over, each with its share of what came; the rest is left to the next one.
    fn whole_seconds(&mut self, settled: u64, now: Instant) {
        let passed = now.duration_since(self.second_began);
        let seconds = passed.as_secs();
        if seconds == 0 {
            return;
        }
        let before = self.settled_then.unwrap_or(settled);
        let came = u128::from(settled - before);
        let until = |second: u64| (came * u128::from(second) * 1_000_000_000 / passed.as_nanos()) as u64;
        let first = seconds.saturating_sub(SECONDS as u64);
        self.moved += until(first);
        for second in first..seconds {
            self.push(until(second + 1) - until(second));
        }
        self.second_began += Duration::from_secs(seconds);
        self.settled_then = Some(before + until(seconds));
    }

    fn push(&mut self, points: u64) {
        if self.rates.len() == SECONDS {
            self.rates.pop_front();
        }
        self.rates.push_back(points);
        self.moved += points;
    }

    /// Points that this session moved, as far as they are drawn or were.
    pub fn moved(&self) -> u64 {
        self.moved
    }

    /// The newest `width` seconds, oldest first.
    pub fn last(&self, width: usize) -> Vec<u64> {
        self.rates
            .iter()
            .copied()
            .skip(self.rates.len().saturating_sub(width))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(written: u64, phase: Phase) -> Snapshot {
        Snapshot {
            phase,
            written,
            ..Snapshot::default()
        }
    }

    /// What is drawn of these looks: milliseconds after the beginning, points in the table, the phase.
    fn drawn(looks: &[(u64, u64, Phase)]) -> Throughput {
        let start = Instant::now();
        let mut throughput = Throughput::new(start);
        for (at, written, phase) in looks {
            let now = start + Duration::from_millis(*at);
            throughput.record(&snapshot(*written, phase.clone()), now);
        }
        throughput
    }

    #[test]
    fn one_rate_a_second_while_it_works() {
        let start = Instant::now();
        let mut throughput = Throughput::new(start);
        for tenth in 0..=30_u64 {
            let now = start + Duration::from_millis(tenth * 100);
            throughput.record(&snapshot(tenth * 50, Phase::Running), now);
        }
        assert_eq!(throughput.last(10), [500, 500, 500]);
        throughput.record(&snapshot(1_500, Phase::Paused), start + Duration::from_secs(60));
        throughput.record(&snapshot(1_500, Phase::Running), start + Duration::from_millis(60_500));
        assert_eq!(throughput.last(10).len(), 3, "a pause is not drawn");
    }

    #[test]
    fn a_run_shorter_than_a_second_has_a_column() {
        use Phase::{Complete, Ready, Running};
        for looks in [
            &[(0, 0, Ready), (5_000, 0, Running), (5_400, 120, Complete)][..],
            // What came between two looks is not lost, whichever they are.
            &[(0, 0, Ready), (5_400, 120, Complete)],
            &[(0, 0, Running), (200, 50, Running), (400, 120, Complete)],
            &[(400, 120, Complete)],
            &[(0, 100, Running), (400, 120, Complete)],
        ] {
            let throughput = drawn(looks);
            assert_eq!(throughput.last(10), [120], "{looks:?}");
            assert_eq!(throughput.moved(), 120, "{looks:?}");
        }
        let rest = drawn(&[(0, 0, Running), (1_000, 80, Running), (1_300, 120, Complete)]);
        assert_eq!(rest.last(10), [80, 40]);
    }

    #[test]
    fn what_earlier_runs_moved_is_none_of_this_session() {
        let now = Instant::now();
        let mut throughput = Throughput::new(now);
        let before = |written, phase| Snapshot {
            settled_before: 900,
            ..snapshot(written, phase)
        };
        throughput.record(&before(900, Phase::Complete), now);
        assert_eq!((throughput.moved(), throughput.last(10).len()), (0, 0));
        // Rows are removed, and others are added by catching up.
        throughput.record(&before(880, Phase::CatchingUp), now + Duration::from_millis(100));
        throughput.record(&before(890, Phase::Complete), now + Duration::from_millis(500));
        assert_eq!((throughput.moved(), throughput.last(10)), (10, vec![10]));
    }

    #[test]
    fn no_point_is_lost_however_far_apart_the_looks_lie() {
        let looks = [0, 130, 990, 1_010, 1_700, 4_444, 4_500, 9_999, 12_001].map(|at| (at, at / 7, Phase::Running));
        let mut looks = looks.to_vec();
        looks.push((12_500, 1_785, Phase::Complete));
        let throughput = drawn(&looks);
        assert_eq!(throughput.last(SECONDS).iter().sum::<u64>(), 1_785);
        assert_eq!(throughput.last(SECONDS).len(), 13, "the half second has a column too");
        let peak = |throughput: &Throughput| throughput.last(SECONDS).into_iter().max();
        assert!(peak(&throughput) < Some(160), "{throughput:?}");
        // A machine that slept.
        let slept = drawn(&[(0, 0, Phase::Running), (3_600_000, 3_600, Phase::Running)]);
        assert_eq!((slept.moved(), peak(&slept)), (3_600, Some(1)));
        assert_eq!(slept.last(SECONDS).len(), SECONDS);
    }
}
