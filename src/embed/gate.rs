//! The gate before every request: how many may be in flight, and whether any may start at all. Both can be moved
//! while the work runs; what is in flight is never cut.
//!
//! How many is found out ([`Window`]) between one and the operator's limit; in an outage it is one, which probes.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use super::rates::Bucket;
use super::window::Window;

#[derive(Debug)]
struct State {
    window: Window,
    /// Requests by who asks.
    in_flight: [usize; 3],
    /// In an outage: one request at a time finds out whether it is over, whatever still hangs from before.
    probing: bool,
    probe_in_flight: bool,
    paused: bool,
    next_ticket: u64,
    /// Who waits, first come first served: a page that began early is done early, and its range can be committed.
    waiting: BTreeSet<(Caller, u64)>,
    not_before: Option<(Instant, Arc<str>)>,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
    /// The cap that the first in the queue waits for just now.
    paced: Option<(Instant, &'static str)>,
}

impl State {
    /// Until when a cap holds a request of so many tokens back, and which.
    fn paced_until(&mut self, tokens: u64, now: Instant) -> Option<(Instant, &'static str)> {
        let requests = self.requests.as_mut().and_then(|bucket| bucket.ready_at(1.0, now));
        let tokens = self
            .tokens
            .as_mut()
            .and_then(|bucket| bucket.ready_at(tokens as f64, now));
        let requests = requests.map(|at| (at, "throttled: requests/min"));
        let tokens = tokens.map(|at| (at, "throttled: tokens/min"));
        requests.into_iter().chain(tokens).max_by_key(|(at, _)| *at)
    }

    fn has_room(&self) -> bool {
        if self.probing {
            !self.probe_in_flight
        } else {
            self.flying() < self.window.allowed()
        }
    }

    fn flying(&self) -> usize {
        self.in_flight.iter().sum()
    }

    /// Counts a request that starts; answers whether it is a probe.
    fn take(&mut self, caller: Caller, tokens: u64, now: Instant) -> bool {
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

    /// Why requests are held back just now, and until when.
    pub fn held(&self) -> Option<(Instant, Arc<str>)> {
        let now = Instant::now();
        let state = self.lock();
        let held = state.not_before.clone().filter(|(instant, _)| *instant > now);
        held.or_else(|| {
            let (instant, reason) = state.paced.filter(|(instant, _)| *instant > now)?;
            Some((instant, reason.into()))
        })
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
mod tests {
    use super::*;
    use std::time::Duration;

    async fn enters(gate: &Gate) -> bool {
        tokio::time::timeout(Duration::from_millis(20), gate.enter(Caller::Migration, 1))
            .await
            .map(std::mem::forget)
            .is_ok()
    }

    #[tokio::test]
    async fn the_limit_and_the_pause_can_be_moved_live() {
        let gate = Gate::new(1);
        let first = gate.enter(Caller::Migration, 1).await;
        assert!(!enters(&gate).await, "over the limit");
        gate.set_limit(2);
        assert!(enters(&gate).await, "the limit was raised");
        assert_eq!(gate.in_flight(), 2);
        gate.set_paused(true);
        drop(first);
        assert!(!enters(&gate).await, "paused");
        drop(gate.enter(Caller::Operator, 1).await);
        gate.set_paused(false);
        assert!(enters(&gate).await, "open again");
        gate.set_limit(1);
        assert!(!enters(&gate).await, "lowered below what is in flight");
    }

    #[tokio::test]
    async fn first_come_first_served_and_who_goes_away_holds_nobody_up() {
        let gate = Arc::new(Gate::new(1));
        let permit = gate.enter(Caller::Migration, 1).await;
        let entered = Arc::new(Mutex::new(Vec::new()));
        let mut waiters = Vec::new();
        for (name, caller) in [
            (1, Caller::Migration),
            (2, Caller::Migration),
            (3, Caller::Migration),
            (4, Caller::Operator),
        ] {
            let (gate, entered) = (Arc::clone(&gate), Arc::clone(&entered));
            waiters.push(tokio::spawn(async move {
                let permit = gate.enter(caller, 1).await;
                entered.lock().expect("no panic").push(name);
                drop(permit);
            }));
            tokio::task::yield_now().await;
        }
        waiters.remove(0).abort();
        tokio::task::yield_now().await;
        drop(permit);
        for waiter in waiters {
            tokio::time::timeout(Duration::from_secs(5), waiter)
                .await
                .expect("in time")
                .expect("no panic");
        }
        assert_eq!(*entered.lock().expect("no panic"), [4, 2, 3]);
    }

    #[tokio::test]
    async fn a_hold_ends_by_itself_and_has_a_reason() {
        let gate = Gate::new(5);
        gate.hold_until(Instant::now() + Duration::from_millis(60), "throttled: requests/min");
        gate.hold_until(Instant::now() + Duration::from_millis(10), "shorter");
        assert!(!enters(&gate).await);
        assert_eq!(&*gate.held().expect("held").1, "throttled: requests/min");
        drop(
            tokio::time::timeout(Duration::from_secs(5), gate.enter(Caller::Migration, 1))
                .await
                .expect("opens"),
        );
        assert!(gate.held().is_none());
    }

    #[tokio::test]
    async fn a_cap_paces_and_names_itself_and_can_be_taken_away() {
        let gate = Arc::new(Gate::new(10));
        gate.set_requests_per_minute(Some(60));
        assert!(enters(&gate).await, "a second's worth");
        let other = Arc::clone(&gate);
        let waiter = tokio::spawn(async move { drop(other.enter(Caller::Migration, 1).await) });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiter.is_finished());
        assert_eq!(&*gate.held().expect("held").1, "throttled: requests/min");
        gate.set_requests_per_minute(None);
        tokio::time::timeout(Duration::from_millis(500), waiter)
            .await
            .expect("at once")
            .expect("no panic");
        gate.set_tokens_per_minute(Some(600));
        assert_eq!(gate.caps(), (None, Some(600)));
        // More than a second's worth may start, and the next one pays for it.
        drop(gate.enter(Caller::Migration, 100).await);
        assert!(!enters(&gate).await);
        assert_eq!(&*gate.held().expect("held").1, "throttled: tokens/min");
    }

    #[tokio::test]
    async fn in_an_outage_one_request_at_a_time_probes_whatever_still_hangs() {
        let gate = Gate::new(3);
        let hanging = gate.enter(Caller::Migration, 1).await;
        gate.set_probing(true);
        let probe = tokio::time::timeout(Duration::from_secs(5), gate.enter(Caller::Migration, 1)).await;
        let probe = probe.expect("a probe starts although another hangs");
        assert!(!enters(&gate).await, "one at a time");
        drop(probe);
        let next = tokio::time::timeout(Duration::from_secs(5), gate.enter(Caller::Migration, 1)).await;
        drop(next.expect("the next probe"));
        gate.set_probing(false);
        assert_eq!(gate.allowed(), 3);
        drop(hanging);
    }

    #[test]
    fn a_window_that_the_server_has_cut_is_told_from_a_probe() {
        let gate = Gate::new(50);
        assert_eq!(gate.reduced(), None);
        gate.set_probing(true);
        assert_eq!((gate.allowed(), gate.reduced()), (1, None));
        gate.set_probing(false);
        gate.throttled(Instant::now());
        assert_eq!((gate.limit(), gate.reduced()), (50, Some(25)));
        gate.set_limit(50);
        assert_eq!(gate.reduced(), None, "the operator's word begins anew");
    }

    #[tokio::test]
    async fn a_hold_can_be_skipped() {
        let gate = Arc::new(Gate::new(1));
        gate.hold_until(Instant::now() + Duration::from_secs(600), "embedder outage");
        let other = Arc::clone(&gate);
        let waiter = tokio::spawn(async move { drop(other.enter(Caller::Migration, 1).await) });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiter.is_finished());
        gate.skip_hold();
        tokio::time::timeout(Duration::from_secs(5), waiter)
            .await
            .expect("at once")
            .expect("no panic");
    }

    #[tokio::test]
    async fn a_waiter_is_woken_by_a_permit_given_back() {
        let gate = Arc::new(Gate::new(1));
        let permit = gate.enter(Caller::Migration, 1).await;
        let other = Arc::clone(&gate);
        let waiter = tokio::spawn(async move { drop(other.enter(Caller::Migration, 1).await) });
        tokio::task::yield_now().await;
        drop(permit);
        tokio::time::timeout(Duration::from_secs(5), waiter)
            .await
            .expect("woken")
            .expect("no panic");
    }
}
