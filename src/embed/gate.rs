//! The gate before every request: how many may be in flight, and whether any may start at all. Both can be moved
//! while the work runs; what is in flight is never cut.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

#[derive(Debug)]
struct State {
    limit: usize,
    in_flight: usize,
    paused: bool,
    next_ticket: u64,
    /// Who waits, first come first served: a page that began early is done early, and its range can be committed.
    waiting: BTreeSet<(Caller, u64)>,
    not_before: Option<(Instant, Arc<str>)>,
}

/// Who asks for embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Caller {
    /// The operator, by hand: a retry, a search. Goes first.
    Operator,
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
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        self.gate.lock().in_flight -= 1;
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
                limit: limit.max(1),
                in_flight: 0,
                paused: false,
                next_ticket: 0,
                waiting: BTreeSet::new(),
                not_before: None,
            }),
            changed: Notify::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is three plain values: a panic elsewhere cannot leave it half changed.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until a request may start. A pause holds the migration back, not what the operator asks for by hand.
    pub async fn enter(&self, caller: Caller) -> Permit<'_> {
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
                        let allowed = caller == Caller::Operator || !state.paused;
                        if allowed && state.in_flight < state.limit && state.waiting.first() == Some(&place.ticket) {
                            state.in_flight += 1;
                            return Permit { gate: self };
                        }
                        None
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
        self.lock().not_before.clone().filter(|(instant, _)| *instant > now)
    }

    /// Moves the limit (at least one); returns what it is now.
    pub fn set_limit(&self, limit: usize) -> usize {
        let limit = limit.max(1);
        self.lock().limit = limit;
        self.changed.notify_waiters();
        limit
    }

    /// The limit.
    pub fn limit(&self) -> usize {
        self.lock().limit
    }

    /// Requests in flight.
    pub fn in_flight(&self) -> usize {
        self.lock().in_flight
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
        tokio::time::timeout(Duration::from_millis(20), gate.enter(Caller::Migration))
            .await
            .map(std::mem::forget)
            .is_ok()
    }

    #[tokio::test]
    async fn the_limit_and_the_pause_can_be_moved_live() {
        let gate = Gate::new(1);
        let first = gate.enter(Caller::Migration).await;
        assert!(!enters(&gate).await, "over the limit");
        gate.set_limit(2);
        assert!(enters(&gate).await, "the limit was raised");
        assert_eq!(gate.in_flight(), 2);
        gate.set_paused(true);
        drop(first);
        assert!(!enters(&gate).await, "paused");
        drop(gate.enter(Caller::Operator).await);
        gate.set_paused(false);
        assert!(enters(&gate).await, "open again");
        gate.set_limit(1);
        assert!(!enters(&gate).await, "lowered below what is in flight");
    }

    #[tokio::test]
    async fn first_come_first_served_and_who_goes_away_holds_nobody_up() {
        let gate = Arc::new(Gate::new(1));
        let permit = gate.enter(Caller::Migration).await;
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
                let permit = gate.enter(caller).await;
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
            tokio::time::timeout(Duration::from_secs(5), gate.enter(Caller::Migration))
                .await
                .expect("opens"),
        );
        assert!(gate.held().is_none());
    }

    #[tokio::test]
    async fn a_waiter_is_woken_by_a_permit_given_back() {
        let gate = Arc::new(Gate::new(1));
        let permit = gate.enter(Caller::Migration).await;
        let other = Arc::clone(&gate);
        let waiter = tokio::spawn(async move { drop(other.enter(Caller::Migration).await) });
        tokio::task::yield_now().await;
        drop(permit);
        tokio::time::timeout(Duration::from_secs(5), waiter)
            .await
            .expect("woken")
            .expect("no panic");
    }
}
