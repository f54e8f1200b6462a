//! The rates of the last two minutes, one a second, for the chart.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::tasks::{Phase, Snapshot};

/// Seconds that are kept.
pub const SECONDS: usize = 120;

/// Points settled in each of the last seconds.
#[derive(Debug, Clone)]
pub struct Throughput {
    rates: VecDeque<u64>,
    second_began: Instant,
    settled_then: Option<u64>,
}

impl Throughput {
    /// Nothing seen yet.
    pub fn new(now: Instant) -> Self {
        Self {
            rates: VecDeque::with_capacity(SECONDS),
            second_began: now,
            settled_then: None,
        }
    }

    /// Takes a snapshot's count in. Seconds in which nothing works are not drawn: an idle screen does not move.
    pub fn record(&mut self, snapshot: &Snapshot, now: Instant) {
        let settled = snapshot.settled();
        let works = matches!(snapshot.phase, Phase::Running | Phase::Pausing | Phase::Stopping);
        let Some(before) = self.settled_then.filter(|_| works) else {
            self.settled_then = Some(settled);
            self.second_began = now;
            return;
        };
        let passed = now.duration_since(self.second_began);
        if passed >= Duration::from_secs(1) {
            let rate = settled.saturating_sub(before) as f64 / passed.as_secs_f64();
            let seconds = passed.as_secs().min(SECONDS as u64);
            for _ in 0..seconds {
                if self.rates.len() == SECONDS {
                    self.rates.pop_front();
                }
                self.rates.push_back(rate.round() as u64);
            }
            self.second_began = now;
            self.settled_then = Some(settled);
        }
    }

    /// The newest `width` seconds, oldest first.
    pub fn last(&self, width: usize) -> Vec<u64> {
        self.rates
            .iter()
            .copied()
            .skip(self.rates.len().saturating_sub(width))
            .collect()
    }

    /// The highest rate kept.
    pub fn peak(&self) -> u64 {
        self.rates.iter().copied().max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_rate_a_second_while_it_works() {
        let start = Instant::now();
        let mut throughput = Throughput::new(start);
        let snapshot = |written, phase| Snapshot {
            phase,
            written,
            ..Snapshot::default()
        };
        for tenth in 0..=30_u64 {
            let now = start + Duration::from_millis(tenth * 100);
            throughput.record(&snapshot(tenth * 50, Phase::Running), now);
        }
        assert_eq!(throughput.last(10), [500, 500, 500]);
        throughput.record(&snapshot(1_500, Phase::Paused), start + Duration::from_secs(60));
        throughput.record(&snapshot(1_500, Phase::Running), start + Duration::from_millis(60_500));
        assert_eq!(throughput.last(10).len(), 3, "a pause is not drawn");
        assert_eq!(throughput.peak(), 500);
    }
}
