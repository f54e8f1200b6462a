//! When the next frame may be drawn: at most thirty in any second. What the work changes comes in step; the answer to a
//! key need not wait for it. Knows the time it is given, and nothing else.

use std::time::{Duration, Instant};

/// Between two frames in the long run. With those drawn ahead, thirty in any second.
const STEP: Duration = Duration::from_millis(36);
/// Frames that answers to keys may be ahead of the step: a key that comes right after a frame of the work's would else be
/// seen a whole step later.
const AHEAD: u32 = 2;

/// The step of the frames.
#[derive(Debug)]
pub(super) struct Pace {
    due: Instant,
}

impl Pace {
    /// The first frame may be drawn at once.
    pub(super) fn new(now: Instant) -> Self {
        Self { due: now }
    }

    /// From when on the next frame may be drawn; `urgent` where it answers the operator.
    pub(super) fn next(&self, urgent: bool) -> Instant {
        let ahead = if urgent { AHEAD * STEP } else { Duration::ZERO };
        self.due.checked_sub(ahead).unwrap_or(self.due)
    }

    /// A frame was drawn.
    pub(super) fn drawn(&mut self, now: Instant) {
        self.due = self.due.max(now) + STEP;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    /// When frames are drawn, in milliseconds, where there is always something new.
    fn frames(urgent: impl Fn(u32) -> bool, until_ms: u32) -> Vec<u32> {
        let begun = Instant::now();
        let mut pace = Pace::new(begun);
        let mut drawn = Vec::new();
        for ms in 0..until_ms {
            let now = begun + ms * MS;
            if pace.next(urgent(ms)) <= now {
                pace.drawn(now);
                drawn.push(ms);
            }
        }
        drawn
    }

    #[test]
    fn never_more_than_thirty_in_any_second() {
        for (name, urgent) in [("work", false), ("keys", true)] {
            let drawn = frames(|_| urgent, 5_000);
            for from in 0..4_000 {
                let count = drawn.iter().filter(|at| (from..from + 1_000).contains(*at)).count();
                assert!(count <= 30, "{name}: {count} from {from} ms on");
            }
            assert!(drawn.len() >= 5 * 27, "{name}: {} in five seconds", drawn.len());
        }
    }

    #[test]
    fn a_key_is_answered_at_once_while_the_work_draws_in_step() {
        for key in 1_000..1_100 {
            let drawn = frames(|ms| ms == key, 1_200);
            assert!(drawn.contains(&key), "a key at {key} ms: {drawn:?}");
        }
    }
}
