//! How long, and with which pauses, a neighbour that does not answer is asked again. One [`Patience`] a neighbour (Qdrant,
//! the embedder), shared by everyone who talks to it: fifty requests that fail together are one outage, not fifty.
//!
//! Knows nobody. Pauses double from the least to the longest, with up to half taken off at random, and can be skipped by
//! the operator. When the outage has lasted longer than the operator allows, [`Patience::failed`] says so.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rand::Rng as _;
use tokio::sync::Notify;

/// An outage as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outage {
    /// Since when nobody answers.
    pub since: Instant,
    /// Tries made.
    pub tries: u32,
    /// When the next one is made.
    pub next_try: Instant,
    /// What the last one ended with.
    pub message: Arc<str>,
}

/// What is to be done after a try that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// Try again at this time.
    TryAt(Instant),
    /// It has lasted too long.
    GiveUp,
}

#[derive(Debug)]
struct State {
    limit: Duration,
    outage: Option<Outage>,
}

/// The outage of one neighbour, or none.
#[derive(Debug)]
pub struct Patience {
    least: Duration,
    longest: Duration,
    state: Mutex<State>,
    skipped: Notify,
}

impl Patience {
    /// Pauses from `least` to `longest`, for `limit` in all.
    pub fn new(least: Duration, longest: Duration, limit: Duration) -> Self {
        Self {
            least,
            longest: longest.max(least),
            state: Mutex::new(State { limit, outage: None }),
            skipped: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A try failed. Failures that come before the next try is due belong to the same try: requests that were in flight
    /// together.
    pub fn failed(&self, message: &str, now: Instant) -> Then {
        let mut state = self.lock();
        let limit = state.limit;
        let outage = state.outage.get_or_insert_with(|| Outage {
            since: now,
            tries: 0,
            next_try: now,
            message: message.into(),
        });
        outage.message = message.into();
        if now >= outage.next_try {
            outage.tries += 1;
            outage.next_try = now + pause(self.least, self.longest, outage.tries);
        }
        if now.duration_since(outage.since) >= limit {
            return Then::GiveUp;
        }
        // The last try comes when patience ends, not long after.
        outage.next_try = outage.next_try.min(outage.since + limit).max(now);
        Then::TryAt(outage.next_try)
    }

    /// Somebody got an answer: the outage is over. Says how long it was and how many tries it took.
    pub fn answered(&self, now: Instant) -> Option<(Duration, u32)> {
        let outage = self.lock().outage.take()?;
        // Whoever still waits need not.
        self.skipped.notify_waiters();
        Some((now.duration_since(outage.since), outage.tries))
    }

    /// The outage, if there is one.
    pub fn outage(&self) -> Option<Outage> {
        self.lock().outage.clone()
    }

    /// Begins anew: what was given up is tried again with fresh patience.
    pub fn forget(&self) {
        self.lock().outage = None;
        self.skipped.notify_waiters();
    }

    /// Makes the next try now.
    pub fn try_now(&self) {
        if let Some(outage) = &mut self.lock().outage {
            outage.next_try = Instant::now();
        }
        self.skipped.notify_waiters();
    }

    /// Waits for the next try.
    pub async fn wait(&self) {
        loop {
            let skipped = self.skipped.notified();
            tokio::pin!(skipped);
            // Enlisting before looking: a skip between the look and the wait is not missed.
            skipped.as_mut().enable();
            let until = match self.outage() {
                Some(outage) if outage.next_try > Instant::now() => outage.next_try,
                _ => return,
            };
            tokio::select! {
                () = tokio::time::sleep_until(until.into()) => return,
                () = skipped => {}
            }
        }
    }
}

/// The pause after so many tries: doubling from the least to the longest, less up to half of it at random, so that those
/// who failed together do not come back together.
pub fn pause(least: Duration, longest: Duration, tries: u32) -> Duration {
    let full = least
        .saturating_mul(2_u32.saturating_pow(tries.saturating_sub(1)))
        .min(longest);
    full.mul_f64(rand::rng().random_range(0.5..=1.0))
        .max(least.min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn patience() -> Patience {
        Patience::new(SECOND, SECOND * 60, SECOND * 600)
    }

    #[test]
    fn pauses_grow_and_those_who_fail_together_are_one_try() {
        let patience = patience();
        let start = Instant::now();
        let mut now = start;
        let mut pauses = Vec::new();
        for tries in 1..=9 {
            let Then::TryAt(next) = patience.failed("refused", now) else {
                panic!("given up after {tries} tries")
            };
            assert_eq!(patience.failed("refused", now), Then::TryAt(next), "in flight together");
            assert_eq!(patience.outage().expect("an outage").tries, tries);
            pauses.push(next.duration_since(now));
            now = next;
        }
        assert!(
            pauses[0] == SECOND && pauses.iter().all(|pause| *pause <= SECOND * 60),
            "{pauses:?}"
        );
        assert!(pauses[8] >= SECOND * 30, "{pauses:?}");
        assert_eq!(patience.outage().expect("an outage").since, start);
        assert_eq!(patience.answered(now), Some((now - start, 9)));
        assert_eq!(patience.outage(), None);
    }

    #[test]
    fn it_ends_after_the_time_that_is_allowed_with_a_last_try_just_then() {
        let patience = patience();
        let start = Instant::now();
        let mut now = start;
        while let Then::TryAt(next) = patience.failed("refused", now) {
            now = next;
            assert!(now <= start + SECOND * 600);
        }
        assert_eq!(now, start + SECOND * 600);
        patience.forget();
        assert!(
            matches!(patience.failed("refused", now), Then::TryAt(_)),
            "fresh patience"
        );
    }

    #[tokio::test]
    async fn the_wait_can_be_skipped_and_ends_when_somebody_is_answered() {
        let patience = Arc::new(patience());
        for skip in [Patience::try_now, |patience: &Patience| {
            patience.answered(Instant::now());
        }] {
            patience.failed("refused", Instant::now());
            let waiting = Arc::clone(&patience);
            let waiter = tokio::spawn(async move { waiting.wait().await });
            tokio::task::yield_now().await;
            assert!(!waiter.is_finished());
            skip(&patience);
            tokio::time::timeout(Duration::from_millis(500), waiter)
                .await
                .expect("at once")
                .expect("no panic");
            patience.forget();
        }
        patience.wait().await;
    }
}
