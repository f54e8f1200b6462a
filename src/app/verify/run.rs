//! A verification that has not come to its end: what was asked for, how far each check is, why it ended where it did.

use std::time::{Duration, Instant};

use crate::tasks::verify::{Check, CheckId, STOPPED};

/// Where a verification stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// It was asked for.
    Asked,
    /// The work has begun with it.
    Running,
    /// Its end was asked for.
    Stopping,
    /// It did not come to its end, for this reason.
    Ended(String),
}

/// Where one check stands.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum State<'a> {
    /// It does not belong to this verification.
    LeftOut,
    /// Others come first.
    Waiting,
    /// It is being carried out: so many points, rows or queries of how many, where that was said.
    Running(Option<(u64, u64)>),
    /// The verification ended before it did.
    Unfinished,
    /// It came to its end.
    Done(&'a Check),
}

/// A verification that has not come to its end.
#[derive(Debug, Clone)]
pub struct Run {
    /// Where it stands.
    pub stage: Stage,
    /// Rows whose payloads and vectors are to be looked at; none is all.
    pub sample: Option<u64>,
    checks: Vec<CheckId>,
    done: Vec<Check>,
    progress: Vec<(CheckId, u64, u64)>,
    /// When it began, and when something was heard of it last.
    times: Option<(Instant, Instant)>,
}

impl Run {
    pub(super) fn asked(sample: Option<u64>) -> Self {
        Self {
            stage: Stage::Asked,
            sample,
            checks: Vec::new(),
            done: Vec::new(),
            progress: Vec::new(),
            times: None,
        }
    }

    /// The work has begun; what is being stopped already stays so.
    pub(super) fn begun(self, checks: Vec<CheckId>, now: Instant) -> Self {
        let stage = match self.stage {
            Stage::Stopping => Stage::Stopping,
            _ => Stage::Running,
        };
        Self {
            stage,
            checks,
            times: Some((now, now)),
            ..Self::asked(self.sample)
        }
    }

    pub(super) fn progressed(&mut self, id: CheckId, done: u64, all: u64, now: Instant) {
        self.heard(now);
        match self.progress.iter_mut().find(|(other, ..)| *other == id) {
            Some(progress) => *progress = (id, done, all),
            None => self.progress.push((id, done, all)),
        }
    }

    pub(super) fn checked(&mut self, check: Check, now: Instant) {
        self.heard(now);
        self.done.retain(|other| other.id != check.id);
        self.done.push(check);
    }

    fn heard(&mut self, now: Instant) {
        if let Some((_, last)) = &mut self.times {
            *last = now;
        }
    }

    /// Whether it may still come to its end.
    pub fn is_going(&self) -> bool {
        !matches!(self.stage, Stage::Ended(_))
    }

    /// Whether something went wrong with it: it was not the operator who ended it.
    pub fn has_failed(&self) -> bool {
        matches!(&self.stage, Stage::Ended(error) if error != STOPPED)
    }

    /// Whether the work has begun with it.
    pub fn has_begun(&self) -> bool {
        !self.checks.is_empty()
    }

    /// Checks that came to their end, and how many belong to it.
    pub fn counts(&self) -> (usize, usize) {
        (self.done.len(), self.checks.len())
    }

    /// How long it had taken when something was heard of it last.
    pub fn elapsed(&self) -> Duration {
        self.times
            .map_or(Duration::ZERO, |(began, last)| last.saturating_duration_since(began))
    }

    /// What came of a check, where it came to its end.
    pub fn check(&self, id: CheckId) -> Option<&Check> {
        self.done.iter().find(|check| check.id == id)
    }

    /// Where a check stands.
    pub fn state(&self, id: CheckId) -> State<'_> {
        if !self.checks.contains(&id) {
            return State::LeftOut;
        }
        if let Some(check) = self.check(id) {
            return State::Done(check);
        }
        if !self.is_going() {
            return State::Unfinished;
        }
        let progress = self.progress.iter().find(|(other, ..)| *other == id);
        if let Some((_, done, all)) = progress {
            return State::Running(Some((*done, *all)));
        }
        // Nothing was heard of it yet: of those that go one after the other, the first that is open is being carried out.
        let is_open = |other: &CheckId| {
            other.asks_little() == id.asks_little() && self.checks.contains(other) && self.check(*other).is_none()
        };
        if CheckId::ALL.into_iter().find(is_open) == Some(id) {
            State::Running(None)
        } else {
            State::Waiting
        }
    }
}
