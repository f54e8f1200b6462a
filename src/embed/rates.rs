//! Caps on requests and tokens a minute, as token buckets. Pure: the time comes in.

use std::time::{Duration, Instant};

/// Lets `per_minute` units through a minute, evenly, with a second's worth at once after idle times.
///
/// A piece of work larger than that second's worth may start when the bucket is full, and leaves a debt that the
/// following ones wait for: so the mean over any longer time keeps to the cap, and nothing is too large ever to start.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    per_minute: u64,
    level: f64,
    at: Instant,
}

impl Bucket {
    /// A full bucket.
    pub fn new(per_minute: u64, now: Instant) -> Self {
        let per_minute = per_minute.max(1);
        let mut bucket = Self {
            per_minute,
            level: 0.0,
            at: now,
        };
        bucket.level = bucket.burst();
        bucket
    }

    /// The cap.
    pub fn per_minute(&self) -> u64 {
        self.per_minute
    }

    fn burst(&self) -> f64 {
        (self.per_minute as f64 / 60.0).max(1.0)
    }

    fn fill(&mut self, now: Instant) {
        let seconds = now.saturating_duration_since(self.at).as_secs_f64();
        self.level = (self.level + seconds * self.per_minute as f64 / 60.0).min(self.burst());
        self.at = self.at.max(now);
    }

    /// When work of this cost may start; `None` is now.
    pub fn ready_at(&mut self, cost: f64, now: Instant) -> Option<Instant> {
        self.fill(now);
        let missing = cost.min(self.burst()) - self.level;
        // A hair may be missing, so that waiting for the time named here is enough whatever the rounding.
        (missing > 1e-6).then(|| now + Duration::from_secs_f64(missing * 60.0 / self.per_minute as f64))
    }

    /// Takes the cost of work that starts.
    pub fn take(&mut self, cost: f64, now: Instant) {
        self.fill(now);
        self.level -= cost;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn over_any_time_no_more_than_the_cap_and_a_burst(
            per_minute in 1_u64..100_000,
            costs in prop::collection::vec(1_u32..5_000, 1..60),
        ) {
            let start = Instant::now();
            let mut bucket = Bucket::new(per_minute, start);
            let mut now = start;
            let mut taken = 0.0;
            for cost in costs {
                let cost = f64::from(cost);
                if let Some(ready) = bucket.ready_at(cost, now) {
                    prop_assert!(ready > now);
                    now = ready;
                    prop_assert!(bucket.ready_at(cost, now).is_none(), "the time named is enough");
                }
                // What was taken before this one keeps to the cap.
                let allowed = (now - start).as_secs_f64() * per_minute as f64 / 60.0 + bucket.burst() + 1e-3;
                prop_assert!(taken <= allowed + 1.0, "{taken} of {allowed}");
                bucket.take(cost, now);
                taken += cost;
            }
        }
    }

    #[test]
    fn sixty_a_minute_is_one_a_second() {
        let start = Instant::now();
        let mut bucket = Bucket::new(60, start);
        assert_eq!(bucket.ready_at(1.0, start), None);
        bucket.take(1.0, start);
        let ready = bucket.ready_at(1.0, start).expect("not at once");
        let seconds = (ready - start).as_secs_f64();
        assert!((seconds - 1.0).abs() < 1e-3, "{seconds}");
    }
}
