//! When a pause is to be confirmed: what is in order is committed first, and where that cannot be done it is tried
//! again with growing pauses, and said once.

use std::time::{Duration, Instant};

use crate::patience::pause;

/// Between the first two tries, and between two tries at most.
const BACKOFF: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));

/// The commits that confirm a pause.
#[derive(Debug, Default)]
pub(super) struct Confirming {
    under_way: bool,
    /// Tries that failed since the pause was asked for.
    failed: u32,
    /// No sooner is it tried again.
    next: Option<Instant>,
}

impl Confirming {
    /// A pause was asked for: its first try comes at once, and what is wrong is said anew.
    pub(super) fn begin_anew(&mut self) {
        self.failed = 0;
        self.next = None;
    }

    /// Whether to try now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        !self.under_way && self.next.is_none_or(|next| now >= next)
    }

    /// A try has begun.
    pub(super) fn began(&mut self) {
        self.under_way = true;
    }

    /// A try succeeded.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// A try failed; answers whether that is news.
    pub(super) fn failed(&mut self, now: Instant) -> bool {
        self.under_way = false;
        self.failed += 1;
        self.next = Some(now + pause(BACKOFF.0, BACKOFF.1, self.failed));
        self.failed == 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_that_cannot_be_confirmed_is_tried_less_and_less_often_and_said_once() {
        let begun = Instant::now();
        let mut confirming = Confirming::default();
        let mut told = Vec::new();
        // The ticks of two minutes.
        for tick in 0..1_200 {
            let now = begun + Duration::from_millis(100) * tick;
            if confirming.is_due(now) {
                confirming.began();
                assert!(!confirming.is_due(now), "one at a time");
                told.push(confirming.failed(now));
            }
        }
        assert!((4..=14).contains(&told.len()), "{} tries", told.len());
        assert!(told[0] && !told[1..].contains(&true), "{told:?}");
        // The next pause is another matter, and so is one after a success.
        let end = begun + Duration::from_secs(120);
        confirming.begin_anew();
        assert!(confirming.is_due(end) && confirming.failed(end));
        assert!(!confirming.is_due(end));
        confirming.succeeded();
        assert!(confirming.is_due(end) && confirming.failed(end));
    }
}
