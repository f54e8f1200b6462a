//! What a gate knows of its requests, and whether one more may start just now. Waits for nobody, and wakes nobody.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use super::{Caller, Cap};
use crate::embed::rates::Bucket;
use crate::embed::window::Window;

#[derive(Debug)]
pub(super) struct State {
    pub(super) window: Window,
    /// Requests by who asks.
    pub(super) in_flight: [usize; 3],
    /// In an outage: one request at a time finds out whether it is over, whatever still hangs from before.
    pub(super) probing: bool,
    pub(super) probe_in_flight: bool,
    pub(super) paused: bool,
    pub(super) next_ticket: u64,
    /// Who waits, first come first served: a page that began early is done early, and its range can be committed.
    pub(super) waiting: BTreeSet<(Caller, u64)>,
    pub(super) not_before: Option<(Instant, Arc<str>)>,
    pub(super) requests: Option<Bucket>,
    pub(super) tokens: Option<Bucket>,
    /// The cap that the first in the queue waits for just now.
    pub(super) paced: Option<(Instant, Cap)>,
}

impl State {
    /// Until when a cap holds a request of so many tokens back, and which.
    pub(super) fn paced_until(&mut self, tokens: u64, now: Instant) -> Option<(Instant, Cap)> {
        let ready = |bucket: &mut Option<Bucket>, cost: f64, cap: fn(u64) -> Cap| {
            let bucket = bucket.as_mut()?;
            let at = bucket.ready_at(cost, now)?;
            Some((at, cap(bucket.per_minute())))
        };
        let requests = ready(&mut self.requests, 1.0, Cap::Requests);
        let tokens = ready(&mut self.tokens, tokens as f64, Cap::Tokens);
        requests.into_iter().chain(tokens).max_by_key(|(at, _)| *at)
    }

    pub(super) fn has_room(&self) -> bool {
        if self.probing {
            !self.probe_in_flight
        } else {
            self.flying() < self.window.allowed()
        }
    }

    pub(super) fn flying(&self) -> usize {
        self.in_flight.iter().sum()
    }

    /// Counts a request that starts; answers whether it is a probe.
    pub(super) fn take(&mut self, caller: Caller, tokens: u64, now: Instant) -> bool {
        self.in_flight[caller as usize] += 1;
        self.probe_in_flight |= self.probing;
        if let Some(bucket) = &mut self.requests {
            bucket.take(1.0, now);
        }
        if let Some(bucket) = &mut self.tokens {
            bucket.take(tokens as f64, now);
        }
        self.probing
    }
}
