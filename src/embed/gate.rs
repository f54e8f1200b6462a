//! The gate before every request: how many may be in flight, and whether any may start at all. Both can be moved
//! while the work runs; what is in flight is never cut.
//!
//! How many is found out ([`Window`]) between one and the operator's limit; in an outage it is one, which probes.

mod state;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::rates::Bucket;
use super::window::Window;
use crate::point::counted;
use state::State;

/// Who asks for embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// The operator, by hand: a retry, a search. Goes first.
    Operator,
    /// The verification, which holds what was made before against what is made now, and the operator who wants a vector
    /// made anew: nothing that is remembered, in flight or on the disk is taken for an answer, and nothing is remembered.
    Afresh,
    /// The migration: waits while the operator has paused it.
    Migration,
}

/// A cap that the operator has set on what may be asked in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cap {
    /// So many requests.
    Requests(u64),
    /// So many tokens.
    Tokens(u64),
}

impl std::fmt::Display for Cap {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let amount = match *self {
            Self::Requests(cap) => counted(cap, "request", "requests"),
            Self::Tokens(cap) => counted(cap, "token", "tokens"),
        };
        write!(f, "{amount}/min")
    }
}

/// Counts requests in flight against a limit that can be moved.
#[derive(Debug)]
pub struct Gate {
    state: Mutex<State>,
    changed: Notify,
}

/// The right to have one request in flight; given back on drop.
#[derive(Debug)]
pub struct Permit<'a> {
    gate: &'a Gate,
    caller: Caller,
    probe: bool,
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        state.in_flight[self.caller as usize] -= 1;
        if self.probe {
            state.probe_in_flight = false;
        }
        drop(state);
        self.gate.changed.notify_waiters();
    }
}

/// A place in the queue; given up on drop, whether the caller entered or went away.
struct Place<'a> {
    gate: &'a Gate,
    ticket: (Caller, u64),
}

impl<'a> Place<'a> {
    fn take(gate: &'a Gate, caller: Caller) -> Self {
        let mut state = gate.lock();
        let ticket = (caller, state.next_ticket);
        state.next_ticket += 1;
        state.waiting.insert(ticket);
        Self { gate, ticket }
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.gate.lock().waiting.remove(&self.ticket);
        self.gate.changed.notify_waiters();
    }
}

impl Gate {
    /// A gate that lets `limit` requests (at least one) through at once.
    pub fn new(limit: usize) -> Self {
        Self {
            state: Mutex::new(State {
                window: Window::new(limit),
                in_flight: [0; 3],
                probing: false,
                probe_in_flight: false,
                paused: false,
                next_ticket: 0,
                waiting: BTreeSet::new(),
                not_before: None,
                requests: None,
                tokens: None,
                paced: None,
            }),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is a few plain values: a panic elsewhere cannot leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a request of about so many tokens may start. A pause holds the migration back, not what the operator
    /// asks for by hand.
    pub async fn enter(&self, caller: Caller, tokens: u64) -> Permit<'_> {
        let place = Place::take(self, caller);
        loop {
            // Enlisting before looking: a change between the look and the wait is not missed.
            let changed = self.changed.notified();
            tokio::pin!(changed);
            changed.as_mut().enable();
            let wait_until = {
                let mut state = self.lock();
                let now = Instant::now();
                match &state.not_before {
                    Some((instant, _)) if *instant > now => Some(*instant),
                    _ => {
                        state.not_before = None;
                        let allowed = caller != Caller::Migration || !state.paused;
                        if allowed && state.has_room() && state.waiting.first() == Some(&place.ticket) {
                            state.paced = state.paced_until(tokens, now);
                            match state.paced {
                                Some((instant, _)) => Some(instant),
                                None => {
                                    let probe = state.take(caller, tokens, now);
                                    return Permit {
                                        gate: self,
                                        caller,
                                        probe,
                                    };
                                }
                            }
                        } else {
                            None
                        }
                    }
                }
            };
            match wait_until {
                Some(instant) => {
                    tokio::select! {
                        () = tokio::time::sleep_until(instant.into()) => {}
                        () = changed => {}
                    }
                }
                None => changed.await,
            }
        }
    }

    /// Lets no request start before `instant`, naming why. A later instant wins over an earlier one.
    pub fn hold_until(&self, instant: Instant, reason: &str) {
        let mut state = self.lock();
        if state.not_before.as_ref().is_none_or(|(held, _)| *held < instant) {
            state.not_before = Some((instant, reason.into()));
        }
    }

    /// Why requests are held back just now, and until when. The operator's own caps are none of it.
    pub fn held(&self) -> Option<(Instant, Arc<str>)> {
        let now = Instant::now();
        self.lock().not_before.clone().filter(|(instant, _)| *instant > now)
    }

    /// The cap that the next request waits for just now, and until when. No hold: [`Self::skip_hold`] does not end it.
    pub fn paced(&self) -> Option<(Instant, Cap)> {
        let now = Instant::now();
        self.lock().paced.filter(|(instant, _)| *instant > now)
    }

    /// Caps requests a minute; `None` takes the cap away.
    pub fn set_requests_per_minute(&self, cap: Option<u64>) {
        self.lock().requests = cap.map(|cap| Bucket::new(cap, Instant::now()));
        self.changed.notify_waiters();
    }

    /// Caps tokens a minute; `None` takes the cap away.
    pub fn set_tokens_per_minute(&self, cap: Option<u64>) {
        self.lock().tokens = cap.map(|cap| Bucket::new(cap, Instant::now()));
        self.changed.notify_waiters();
    }

    /// The caps on requests and tokens a minute.
    pub fn caps(&self) -> (Option<u64>, Option<u64>) {
        let state = self.lock();
        let cap = |bucket: &Option<Bucket>| bucket.as_ref().map(Bucket::per_minute);
        (cap(&state.requests), cap(&state.tokens))
    }

    /// Moves the operator's limit (at least one), and begins there; returns what it is now.
    pub fn set_limit(&self, limit: usize) -> usize {
        let limit = limit.max(1);
        self.lock().window = Window::new(limit);
        self.changed.notify_waiters();
        limit
    }

    /// The operator's limit.
    pub fn limit(&self) -> usize {
        self.lock().window.limit()
    }

    /// How many may be in flight just now: the limit, or fewer after the server has throttled.
    pub fn allowed(&self) -> usize {
        let state = self.lock();
        if state.probing { 1 } else { state.window.allowed() }
    }

    /// How many the server takes just now, where it has throttled and that is fewer than the operator's limit. A probe
    /// in an outage says nothing of it.
    pub fn reduced(&self) -> Option<usize> {
        let window = self.lock().window;
        (window.allowed() < window.limit()).then(|| window.allowed())
    }

    /// Whether as many requests are in flight as may be.
    pub fn is_full(&self) -> bool {
        let state = self.lock();
        state.flying() >= state.window.allowed()
    }

    /// A request was answered, and as many as may be were in flight with it or not: the server may be able to take more.
    pub fn answered(&self, full: bool) {
        self.lock().window.answered(full);
        self.changed.notify_waiters();
    }

    /// The server throttled: fewer from now on.
    pub fn throttled(&self, now: Instant) {
        self.lock().window.throttled(now);
    }

    /// In an outage one request at a time finds out whether it is over.
    pub fn set_probing(&self, probing: bool) {
        let mut state = self.lock();
        if state.probing != probing {
            state.probing = probing;
            drop(state);
            self.changed.notify_waiters();
        }
    }

    /// Ends the hold, whatever it was for.
    pub fn skip_hold(&self) {
        self.lock().not_before = None;
        self.changed.notify_waiters();
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> usize {
        self.lock().flying()
    }

    /// Requests in flight of one caller.
    pub fn in_flight_of(&self, caller: Caller) -> usize {
        self.lock().in_flight[caller as usize]
    }

    /// Closes or opens the gate.
    pub fn set_paused(&self, paused: bool) {
        self.lock().paused = paused;
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
