//! When the next frame may be drawn: at most thirty in any second. What the work changes comes calmly, for nobody reads
//! figures that change faster, and each frame takes from the work; the answer to a key need not wait for that. Knows the
//! time it is given, and nothing else.

use std::time::{Duration, Instant};

/// Between two frames in the long run. With those drawn ahead, thirty in any second.
const STEP: Duration = Duration::from_millis(36);
/// Between a frame and the next that nobody asked for by a key. With 90 ms the console's thread took 2.2 % of the
/// processor's time of a migration at full speed.
const CALM: Duration = Duration::from_millis(140);
/// Frames that answers to keys may be ahead of the step: a key that comes right after a frame of the work's would else be
/// seen a whole step later.
const AHEAD: u32 = 2;

/// The step of the frames.
#[derive(Debug)]
pub(super) struct Pace {
    due: Instant,
    /// When the work may next change the screen.
    calm: Instant,
}

impl Pace {
    /// The first frame may be drawn at once.
    pub(super) fn new(now: Instant) -> Self {
        Self { due: now, calm: now }
    }

    /// From when on the next frame may be drawn; `urgent` where it answers the operator.
    pub(super) fn next(&self, urgent: bool) -> Instant {
        if urgent {
            self.due.checked_sub(AHEAD * STEP).unwrap_or(self.due)
        } else {
            self.due.max(self.calm)
        }
    }

    /// A frame was drawn.
    pub(super) fn drawn(&mut self, now: Instant) {
        self.due = self.due.max(now) + STEP;
        self.calm = now + CALM;
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
        for (name, urgent, least, most) in [("work", false, 7, 8), ("keys", true, 27, 30)] {
            let drawn = frames(|_| urgent, 5_000);
            for from in 0..4_000 {
                let count = drawn.iter().filter(|at| (from..from + 1_000).contains(*at)).count();
                assert!(count <= most, "{name}: {count} from {from} ms on");
            }
            assert!(drawn.len() >= 5 * least, "{name}: {} in five seconds", drawn.len());
        }
    }

    #[test]
    fn what_the_work_changes_is_seen_soon_after_a_key_as_well() {
        let drawn = frames(|ms| (1_000..1_200).contains(&ms), 2_000);
        let gaps = drawn.windows(2).map(|pair| pair[1] - pair[0]);
        // Frames that keys had drawn ahead are waited for first.
        let most = ((AHEAD + 1) * STEP).max(CALM).as_millis() as u32;
        assert!(gaps.max() <= Some(most), "{drawn:?}");
    }

    #[test]
    fn a_key_is_answered_at_once_while_the_work_draws_in_step() {
        for key in 1_000..1_100 {
            let drawn = frames(|ms| ms == key, 1_200);
            assert!(drawn.contains(&key), "a key at {key} ms: {drawn:?}");
        }
    }
}
