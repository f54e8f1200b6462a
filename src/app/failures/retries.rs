//! How retries go: which were asked for, one behind the other, and where single points stand in them.
//!
//! Keeps the states of the points on the page that is shown and of those that were asked for by their ids. All others
//! are only counted, however many a filter shows.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use super::Failures;
use super::filtering::holds;
use crate::journal::{FailureRow, Filter, State};
use crate::point::{Failure, PointId};

/// Points whose states are kept at most.
const MOST_STATES: usize = 10_000;
/// Retries that are kept at most: one is carried out, and the work lets a hundred wait.
const MOST_WAVES: usize = 101;
/// How long rows stay as they are after one of them was tried again, so that it can be seen what came of it.
const LINGER: Duration = Duration::from_secs(5);

/// How a retry of one point goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retrying {
    /// Asked for.
    Queued,
    /// Being embedded.
    InFlight,
    /// In the table.
    Done,
    /// Failed once more.
    FailedAgain,
}

/// A retry that was asked for and has not ended.
#[derive(Debug, Clone)]
struct Wave {
    /// All that this shows; `None` where the points were named.
    all: Option<Filter>,
    /// How many points it is about, as far as was known when it was asked for.
    points: u64,
    /// How many of them have ended.
    ended: u64,
    /// The last point that was begun with; those of a filter are tried in the order of their ids.
    reached: Option<PointId>,
}

impl Wave {
    fn left(&self) -> u64 {
        let left = self.points - self.ended;
        // Points may have failed since they were counted: it is over when the work says so.
        if self.all.is_some() { left.max(1) } else { left }
    }
}

/// All retries that have not ended, and the points that were just tried.
#[derive(Debug, Clone, Default)]
pub(super) struct Retries {
    states: HashMap<PointId, Retrying>,
    /// The first one is carried out, the others wait behind it.
    waves: VecDeque<Wave>,
}

impl Retries {
    /// Points whose retries have not ended.
    pub(super) fn left(&self) -> u64 {
        if !self.waves.is_empty() {
            return self.waves.iter().map(Wave::left).sum();
        }
        let open = |state: &&Retrying| matches!(state, Retrying::Queued | Retrying::InFlight);
        self.states.values().filter(open).count() as u64
    }

    /// Points that have ended, of how many; `None` where nothing is being retried.
    pub(super) fn progress(&self) -> Option<(u64, u64)> {
        let sum = |of: fn(&Wave) -> u64| -> u64 { self.waves.iter().map(of).sum() };
        (!self.waves.is_empty()).then(|| (sum(|wave| wave.ended), sum(|wave| wave.points)))
    }

    /// How the retry of a row's point goes.
    pub(super) fn of(&self, row: &FailureRow) -> Option<Retrying> {
        if !matches!(row.state, State::Failed | State::Retrying) {
            return None;
        }
        let known = self.states.get(&row.id).copied();
        known.or_else(|| self.awaits(row).then_some(Retrying::Queued))
    }

    /// Whether the turn of a row's point is still to come, in a retry of all that a filter shows.
    fn awaits(&self, row: &FailureRow) -> bool {
        let awaits = |wave: &Wave| {
            let shown = wave.all.as_ref().is_some_and(|filter| holds(filter, row));
            shown && wave.reached.is_none_or(|reached| reached < row.id)
        };
        row.state == State::Failed && self.waves.iter().any(awaits)
    }

    /// Points were asked for by their ids.
    pub(super) fn asked(&mut self, ids: &[PointId]) {
        self.push(None, ids.len() as u64);
        for id in ids {
            if self.states.len() >= MOST_STATES {
                break;
            }
            self.states.insert(*id, Retrying::Queued);
        }
    }

    /// All that a filter shows was asked for: so many points.
    pub(super) fn asked_all(&mut self, filter: Filter, points: u64) {
        self.push(Some(filter), points);
    }

    fn push(&mut self, all: Option<Filter>, points: u64) {
        if self.waves.len() < MOST_WAVES {
            self.waves.push_back(Wave {
                all,
                points,
                ended: 0,
                reached: None,
            });
        }
    }

    /// Points are being tried; `shown` says which of them are on the page.
    pub(super) fn started(&mut self, ids: &[PointId], shown: impl Fn(PointId) -> bool) {
        if let Some(wave) = self.waves.front_mut().filter(|wave| wave.all.is_some()) {
            wave.reached = wave.reached.max(ids.iter().copied().max());
        }
        for id in ids {
            if shown(*id) || self.states.contains_key(id) {
                self.states.insert(*id, Retrying::InFlight);
            }
        }
    }

    /// A point's retry ended.
    pub(super) fn finished(&mut self, id: PointId, recovered: bool, shown: bool) {
        if let Some(wave) = self.waves.front_mut() {
            wave.ended = wave.points.min(wave.ended + 1);
        }
        if !shown {
            self.states.remove(&id);
            return;
        }
        let state = if recovered {
            Retrying::Done
        } else {
            Retrying::FailedAgain
        };
        self.states.insert(id, state);
    }

    /// A retry as a whole ended: what it is still said to have in flight was not reached. What waits for the next one
    /// stays queued; `none_waits` says that there is no next one.
    pub(super) fn ended(&mut self, none_waits: bool) {
        self.waves.pop_front();
        if none_waits {
            self.waves.clear();
        }
        self.states.retain(|_, state| match state {
            Retrying::Done | Retrying::FailedAgain => true,
            Retrying::Queued => !none_waits,
            Retrying::InFlight => false,
        });
    }

    /// Another page is shown: of what is not on it, only what was asked for by its id is kept.
    pub(super) fn keep(&mut self, shown: impl Fn(PointId) -> bool) {
        self.states.retain(|id, state| *state == Retrying::Queued || shown(*id));
    }

    /// How retries ended is no longer news.
    pub(super) fn forget_ended(&mut self) {
        self.states
            .retain(|_, state| matches!(state, Retrying::Queued | Retrying::InFlight));
    }

    /// Points whose states are kept.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.states.len()
    }
}

impl Failures {
    /// How the retry of a row's point goes, or went just now.
    pub fn retry_of(&self, row: &FailureRow) -> Option<Retrying> {
        self.retries.of(row)
    }

    /// A retry of these was asked for.
    pub(in crate::app) fn queued(&mut self, ids: &[PointId]) {
        self.settle();
        self.retries.asked(ids);
        self.unmark(ids);
    }

    /// A retry of all that a filter shows was asked for.
    pub(in crate::app) fn queued_all(&mut self, filter: Filter) {
        self.settle();
        self.retries.asked_all(filter, self.retryable);
    }

    pub(in crate::app) fn started(&mut self, ids: &[PointId]) {
        let rows = &self.rows;
        self.retries.started(ids, |id| rows.iter().any(|row| row.id == id));
    }

    /// A point's retry ended, at so many milliseconds since 1970; answers which failure is to be read again.
    pub(in crate::app) fn finished(
        &mut self,
        id: PointId,
        result: Result<(), Failure>,
        now: Instant,
        at: i64,
    ) -> Option<PointId> {
        let recovered = result.is_ok();
        let shown = self.rows.iter_mut().find(|row| row.id == id);
        self.retries.finished(id, recovered, shown.is_some());
        match (shown, result) {
            (Some(row), Err(failure)) => {
                row.state = State::Failed;
                row.cause = failure.cause;
                row.error = failure.message;
                row.attempts += 1;
                row.last_at = at;
            }
            (Some(row), Ok(())) if row.state == State::Failed => self.retryable = self.retryable.saturating_sub(1),
            _ => {}
        }
        if recovered {
            // It is in the table: there is nothing to be done about it any more.
            self.unmark(&[id]);
        }
        // However many follow, the list is not older than that.
        self.lingers = self.lingers.or(Some(now + LINGER));
        self.fresh = false;
        self.tried_again(id, recovered)
    }

    /// A retry as a whole ended; `none_waits` says that there is no next one.
    pub(in crate::app) fn ended(&mut self, none_waits: bool) {
        self.retries.ended(none_waits);
        self.fresh = false;
    }
}
