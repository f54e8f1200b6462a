//! The Verify screen: what the last verification decided, how far the one under way is, and which check and which of
//! its offenders are looked at.
//!
//! What was decided stays until another verification comes to its end. One that is under way, or did not come to its
//! end, stands before it. Nothing is counted as begun, checked or stopped before the work says so.

mod can;
mod run;

use std::time::Instant;

use super::actions::Motion;
use crate::point::PointId;
use crate::point::verdict::{Decision, Outcome};
use crate::tasks::verify::repair::Mending;
use crate::tasks::verify::{Check, CheckId, Offender, STOPPED, Verification, Wish};
use crate::tasks::{Level, TaskCommand};

pub use run::{Run, Stage, State};

/// Lines that a text can be scrolled.
const MOST_SCROLL: u16 = 2_000;
/// How a reason names the command that does something about it; from a shell it is the same.
pub const REPAIR: &str = "verify --repair";

/// Which pane the keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The decision with its reasons.
    Decision,
    /// The list of checks.
    Checks,
    /// The selected check.
    Detail,
    /// The points it finds fault with.
    Offenders,
}

/// The screen's state.
#[derive(Debug, Clone)]
pub struct Verify {
    /// Which pane the keys go to.
    pub pane: Pane,
    /// Lines that the text of that pane is scrolled down.
    pub scroll: u16,
    /// A repair is being worked out: both stores are gone over.
    pub planning: bool,
    found: Option<Box<Verification>>,
    /// Whether that was verified in this session: only then the work knows how to repair it.
    of_this_session: bool,
    /// Whether a repair does something about what it found.
    mends: bool,
    run: Option<Run>,
    /// The selected check's place among all eight.
    place: usize,
    /// The selected offender's place among those that are shown.
    offender: usize,
    /// Whether the operator has chosen a check: then what comes in chooses none.
    chosen: bool,
    page: usize,
}

impl Default for Verify {
    fn default() -> Self {
        Self::new()
    }
}

impl Verify {
    /// Nothing verified yet.
    pub fn new() -> Self {
        Self {
            pane: Pane::Checks,
            scroll: 0,
            planning: false,
            found: None,
            of_this_session: false,
            mends: false,
            run: None,
            place: 0,
            offender: 0,
            chosen: false,
            page: 5,
        }
    }

    /// The last verification that came to its end, of this session or of an earlier one.
    pub fn found(&self) -> Option<&Verification> {
        self.found.as_deref()
    }

    /// The verification that has not come to its end.
    pub fn run(&self) -> Option<&Run> {
        self.run.as_ref()
    }

    /// Whether a verification was asked for, and has neither come to its end nor been given up.
    pub fn is_running(&self) -> bool {
        self.run.as_ref().is_some_and(Run::is_going)
    }

    /// What was decided; none while that may change.
    pub fn decision(&self) -> Option<Decision> {
        let found = self.found.as_ref().filter(|_| !self.is_running())?;
        Some(found.decision)
    }

    /// Whether the table has a newer version than the one that was verified.
    pub fn is_stale(&self, version: u64) -> bool {
        self.found.as_ref().is_some_and(|found| found.table_version < version)
    }

    /// All checks in their order, each with its state; none where nothing was verified.
    pub fn states(&self) -> Vec<(CheckId, State<'_>)> {
        let state = |id| match (&self.run, &self.found) {
            (Some(run), _) if run.has_begun() => Some(run.state(id)),
            (_, Some(found)) => Some(found.check(id).map_or(State::LeftOut, State::Done)),
            (Some(run), None) if run.is_going() => Some(State::Waiting),
            _ => None,
        };
        let known = CheckId::ALL.into_iter();
        known.filter_map(|id| Some((id, state(id)?))).collect()
    }

    /// Whether there are checks to be shown.
    pub fn is_known(&self) -> bool {
        self.found.is_some() || self.run.as_ref().is_some_and(|run| run.has_begun() || run.is_going())
    }

    /// The selected check's place among all.
    pub fn place(&self) -> usize {
        self.place
    }

    /// The selected check.
    pub fn check_id(&self) -> CheckId {
        CheckId::ALL[self.place.min(CheckId::ALL.len() - 1)]
    }

    /// What came of the selected check, where it has come to its end.
    pub fn check(&self) -> Option<&Check> {
        let id = self.check_id();
        match (&self.run, &self.found) {
            (Some(run), _) if run.has_begun() => run.check(id),
            (_, Some(found)) => found.check(id),
            _ => None,
        }
    }

    /// The offenders of the selected check that are kept; all are counted in [`Check::offenders`].
    pub fn offenders(&self) -> &[Offender] {
        match self.check() {
            Some(check) => &check.offenders.shown,
            None => &[],
        }
    }

    /// The selected offender's place.
    pub fn offender(&self) -> usize {
        self.offender
    }

    /// The selected offender, where the keys are.
    pub fn selected(&self) -> Option<PointId> {
        if self.pane != Pane::Offenders {
            return None;
        }
        self.offenders().get(self.offender).map(|offender| offender.id)
    }

    pub(super) fn resize(&mut self, rows: u16, beside: bool) {
        // What decision and checks leave; beside the list's own check, or in its place.
        let taken = if beside { 22 } else { 8 };
        self.page = usize::from(rows.saturating_sub(taken)).max(1);
    }

    /// Asks for a verification; none where one is under way.
    pub(super) fn ask(&mut self, wish: Wish) -> Option<TaskCommand> {
        if self.is_running() {
            return None;
        }
        self.run = Some(Run::asked(wish.sample));
        self.chosen = false;
        self.focus(Pane::Checks);
        Some(TaskCommand::Verify(Box::new(wish)))
    }

    /// Asks for its end.
    pub(super) fn stop(&mut self) -> TaskCommand {
        if let Some(run) = self.run.as_mut().filter(|run| run.is_going()) {
            run.stage = Stage::Stopping;
        }
        TaskCommand::StopVerifying
    }

    pub(super) fn begun(&mut self, checks: Vec<CheckId>, now: Instant) {
        let asked = self.run.take().filter(Run::is_going);
        self.run = Some(asked.unwrap_or_else(|| Run::asked(None)).begun(checks, now));
        self.focus(Pane::Checks);
    }

    pub(super) fn progressed(&mut self, id: CheckId, done: u64, all: u64, now: Instant) {
        if let Some(run) = &mut self.run {
            run.progressed(id, done, all, now);
        }
    }

    pub(super) fn checked(&mut self, check: Check, now: Instant) {
        if let Some(run) = &mut self.run {
            run.checked(check, now);
        }
    }

    /// A verification came to its end, or did not, or one of an earlier session was found. Answers what is to be said.
    pub(super) fn verified(&mut self, result: Result<Box<Verification>, String>) -> Option<(Level, String)> {
        match result {
            Ok(found) => {
                let was_running = self.run.as_ref().is_some_and(|run| run.is_going() && run.has_begun());
                let level = match found.decision {
                    Decision::Go => Level::Info,
                    Decision::NoGo | Decision::Inconclusive => Level::Warn,
                };
                let text = format!("verified: {}", found.decision.label());
                self.mends = Mending::of(&found) != Mending::default() || found.checks.iter().any(is_mended);
                self.found = Some(found);
                self.of_this_session = was_running;
                if was_running {
                    self.run = None;
                }
                self.choose_gravest();
                self.settle();
                was_running.then_some((level, text))
            }
            Err(error) => {
                let level = if error == STOPPED { Level::Info } else { Level::Error };
                let text = match level {
                    Level::Info => "the verification was stopped; nothing was decided".to_owned(),
                    _ => format!("not verified: {error}"),
                };
                let run = self.run.get_or_insert_with(|| Run::asked(None));
                run.stage = Stage::Ended(error);
                // Before it began there is nothing new to look at.
                if run.has_begun() {
                    self.choose_gravest();
                }
                self.settle();
                Some((level, text))
            }
        }
    }

    /// Selects what is worst of what is shown, unless the operator has selected something.
    fn choose_gravest(&mut self) {
        let place = self.gravest();
        if !self.chosen && self.place != place {
            self.place = place;
            self.offender = 0;
            self.scroll = 0;
        }
    }

    /// The place of the first check that failed, else of the first that is in doubt, else of the first.
    fn gravest(&self) -> usize {
        let states = self.states();
        let first = |outcome: Outcome| {
            let is_it =
                |(_, state): &(CheckId, State<'_>)| matches!(state, State::Done(check) if check.outcome == outcome);
            states.iter().position(is_it)
        };
        first(Outcome::Fail)
            .or_else(|| first(Outcome::Inconclusive))
            .unwrap_or(0)
    }

    /// Keeps what is selected within what there is.
    fn settle(&mut self) {
        self.offender = self.offender.min(self.offenders().len().saturating_sub(1));
        if self.pane == Pane::Offenders && self.offenders().is_empty() || !self.is_known() {
            self.focus(Pane::Checks);
        }
    }

    fn focus(&mut self, pane: Pane) {
        if self.pane != pane {
            self.pane = pane;
            self.scroll = 0;
        }
    }

    fn choose(&mut self, place: usize) {
        self.chosen = true;
        if self.place != place {
            self.place = place;
            self.offender = 0;
            self.scroll = 0;
        }
    }

    pub(super) fn go(&mut self, motion: Motion) {
        if !self.is_known() {
            return;
        }
        match (self.pane, motion) {
            (Pane::Checks, _) => self.choose(walked(self.place, CheckId::ALL.len() - 1, CheckId::ALL.len(), motion)),
            (Pane::Offenders, Motion::Left) => self.focus(Pane::Detail),
            (Pane::Detail, Motion::Right) if !self.offenders().is_empty() => self.focus(Pane::Offenders),
            (Pane::Offenders, _) => {
                let last = self.offenders().len().saturating_sub(1);
                self.offender = walked(self.offender, last, self.page, motion);
            }
            (Pane::Decision | Pane::Detail, _) => {
                let page = self.page.min(100) as u16;
                self.scroll = match motion {
                    Motion::Up => self.scroll.saturating_sub(1),
                    Motion::Down => (self.scroll + 1).min(MOST_SCROLL),
                    Motion::PageUp => self.scroll.saturating_sub(page),
                    Motion::PageDown => (self.scroll + page).min(MOST_SCROLL),
                    Motion::Top => 0,
                    Motion::Bottom => MOST_SCROLL,
                    Motion::Left | Motion::Right => self.scroll,
                };
            }
        }
    }

    /// Checks, the selected one, its offenders where there are any, the decision.
    pub(super) fn next_pane(&mut self, back: bool) {
        if !self.is_known() {
            return;
        }
        let mut order = vec![Pane::Checks, Pane::Detail];
        if !self.offenders().is_empty() {
            order.push(Pane::Offenders);
        }
        order.push(Pane::Decision);
        let at = order.iter().position(|pane| *pane == self.pane).unwrap_or(0);
        let step = if back { order.len() - 1 } else { 1 };
        self.focus(order[(at + step) % order.len()]);
    }

    /// Goes to the offenders; from there answers the point that is to be opened.
    pub(super) fn open(&mut self) -> Option<PointId> {
        if self.pane == Pane::Offenders {
            return self.selected();
        }
        if !self.offenders().is_empty() {
            self.focus(Pane::Offenders);
        }
        None
    }

    /// One step back: to the list of checks, then from a verification that did not come to its end to the one before.
    pub(super) fn back(&mut self) {
        if self.pane != Pane::Checks {
            self.focus(Pane::Checks);
        } else if !self.is_running() {
            self.run = None;
            self.settle();
        }
    }

    /// A click on a check; the offenders of the selected one are counted behind the checks.
    pub(super) fn click_row(&mut self, row: usize) {
        if !self.is_known() {
            return;
        }
        match row.checked_sub(CheckId::ALL.len()) {
            None => {
                self.focus(Pane::Checks);
                self.choose(row);
            }
            Some(offender) if offender < self.offenders().len() => {
                self.focus(Pane::Offenders);
                self.offender = offender;
            }
            Some(_) => {}
        }
    }
}

/// Whether a repair does something about what a check finds: it keeps points for one, or its reasons name the command.
fn is_mended(check: &Check) -> bool {
    !check.to_mend.is_empty() || check.reasons.iter().any(|reason| reason.contains(REPAIR))
}

/// The place after a motion through a list.
fn walked(place: usize, last: usize, page: usize, motion: Motion) -> usize {
    let moved = match motion {
        Motion::Up => place.saturating_sub(1),
        Motion::Down => place + 1,
        Motion::PageUp => place.saturating_sub(page),
        Motion::PageDown => place + page,
        Motion::Top => 0,
        Motion::Bottom => last,
        Motion::Left | Motion::Right => place,
    };
    moved.min(last)
}
