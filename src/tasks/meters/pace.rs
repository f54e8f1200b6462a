//! The pace that an ETA is reckoned from. Points are settled in lumps, commit by commit: the pace is measured from one
//! commit to another, and between two the ETA just counts down, so that it does not jump about. Pure.

use std::collections::VecDeque;
use std::time::Duration;

/// The pace is that of the last so many seconds of work.
const WINDOW: Duration = Duration::from_secs(90);
/// Commits that are remembered at most.
const MOST: usize = 256;
/// Work must have gone on for so long before an ETA is named.
const LEAST: Duration = Duration::from_secs(2);

/// The commits of the last minute and a half, by the time spent working.
#[derive(Debug, Clone, Default)]
pub(super) struct Pace {
    begun: Option<(Duration, u64)>,
    commits: VecDeque<(Duration, u64)>,
    now: Duration,
}

impl Pace {
    /// So much was settled after so much work; pauses are not in `worked`.
    pub(super) fn record(&mut self, worked: Duration, settled: u64) {
        self.now = worked;
        let (_, before) = *self.begun.get_or_insert((worked, settled));
        let last = self.commits.back().map_or(before, |(_, settled)| *settled);
        if settled <= last {
            return;
        }
        self.commits.push_back((worked, settled));
        let old = |at: Duration| worked.saturating_sub(at) > WINDOW;
        while self.commits.len() > MOST || self.commits.len() > 2 && self.commits.front().is_some_and(|c| old(c.0)) {
            self.commits.pop_front();
        }
    }

    /// How long the rest will take.
    pub(super) fn eta(&self, left: u64) -> Option<Duration> {
        let (begun, before) = self.begun?;
        let last = *self.commits.back()?;
        if self.now.saturating_sub(begun) < LEAST {
            return None;
        }
        // With one commit only, the time before it is all there is to go by.
        let first = if self.commits.len() > 1 {
            *self.commits.front()?
        } else {
            (begun, before)
        };
        let points = last.1.saturating_sub(first.1) as f64;
        let (spent, since) = (last.0.saturating_sub(first.0), self.now.saturating_sub(last.0));
        let usual = spent.div_f64((self.commits.len().max(2) - 1) as f64);
        let seconds = if since > usual.mul_f64(2.0) + LEAST {
            // The next commit is late: what has passed since the last one slows the pace.
            left as f64 * (spent + since).as_secs_f64() / points
        } else {
            left as f64 * spent.as_secs_f64() / points - since.as_secs_f64()
        };
        seconds.is_finite().then(|| rounded(seconds.max(0.0)))
    }
}

/// As exact as can be meant: to the second below a minute, to five below ten minutes, to the minute above.
fn rounded(seconds: f64) -> Duration {
    let step = match seconds {
        s if s < 60.0 => 1.0,
        s if s < 600.0 => 5.0,
        _ => 60.0,
    };
    Duration::from_secs_f64(((seconds / step).ceil() * step).min(1e9))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eta_does_not_jump_about_with_commits_in_lumps() {
        let mut pace = Pace::default();
        let mut ends: Vec<f64> = Vec::new();
        // 1,000 points a second, committed in lumps of 5,000.
        for tick in 0..3_000_u64 {
            let worked = Duration::from_millis(100 * tick);
            let settled = tick / 50 * 5_000;
            pace.record(worked, settled);
            if tick > 300
                && let Some(eta) = pace.eta(400_000 - settled)
            {
                ends.push(eta.as_secs_f64() + worked.as_secs_f64());
            }
        }
        let (low, high) = ends
            .iter()
            .fold((f64::MAX, 0.0_f64), |(low, high), x| (low.min(*x), high.max(*x)));
        assert!(
            low >= 399.0 && high <= 406.0,
            "the end was foreseen between {low} and {high} s; it comes at 400 s"
        );
    }

    #[test]
    fn a_slower_pace_is_seen_and_a_standstill_too() {
        let mut pace = Pace::default();
        for second in 0..60 {
            pace.record(Duration::from_secs(second), second * 100);
        }
        let before = pace.eta(10_000).expect("an ETA");
        for second in 60..200 {
            pace.record(Duration::from_secs(second), 6_000 + (second - 60) * 10);
        }
        let after = pace.eta(10_000).expect("an ETA");
        assert!(
            before < Duration::from_secs(120) && after > Duration::from_secs(600),
            "{before:?}, then {after:?}"
        );
        for second in 200..400 {
            pace.record(Duration::from_secs(second), 7_400);
        }
        assert!(pace.eta(10_000).expect("an ETA") > after, "nothing has come for long");
    }

    #[test]
    fn nothing_is_promised_too_early_or_without_progress() {
        let mut pace = Pace::default();
        assert_eq!(pace.eta(10), None);
        pace.record(Duration::ZERO, 0);
        pace.record(Duration::from_millis(1_500), 100);
        assert_eq!(pace.eta(10), None, "too early");
        let mut idle = Pace::default();
        for second in 0..10 {
            idle.record(Duration::from_secs(second), 0);
        }
        assert_eq!(idle.eta(10), None, "no progress");
        assert_eq!(rounded(7.2), Duration::from_secs(8));
        assert_eq!(rounded(61.0), Duration::from_secs(65));
        assert_eq!(rounded(601.0), Duration::from_secs(660));
    }
}
