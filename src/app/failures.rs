//! The Failures screen: a window on the journal's pages, what is selected and marked, the filter, and how retries go.
//!
//! Holds one page and the marks, never the whole list.

mod filtering;
mod marks;
mod opened;
mod retries;
mod seek;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tui_input::Input;

use super::actions::Motion;
use super::editor::Editor;
use super::kept::Kept;
use crate::journal::{FailureRow, Filter, Sort, State};
use crate::point::PointId;
use crate::tasks::{FailureDetail, TaskCommand};

pub(super) use filtering::which;
use retries::Retries;
pub use retries::Retrying;

/// Rows asked for at once.
const WINDOW: u64 = 200;

/// Lines that an opened failure can be scrolled.
const MOST_SCROLL: u16 = 20_000;

/// When a journal that did not answer is asked again.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// The screen's state.
#[derive(Debug, Clone)]
pub struct Failures {
    filter: Filter,
    /// What is being typed into the filter, while it is.
    pub typing: Option<Input>,
    offset: u64,
    rows: Vec<FailureRow>,
    total: Option<u64>,
    retryable: u64,
    place: u64,
    /// Another row stands there now, and the point is not on the page: nobody is selected until the cursor is moved.
    lost: bool,
    /// The point at that place: another page is looked through for it.
    at: Option<PointId>,
    /// The marked points, each as it was listed last: a filter may hide it.
    marked: BTreeMap<PointId, FailureRow>,
    retries: Retries,
    /// Until when the rows stay as they are, after one of them was tried again.
    lingers: Option<Instant>,
    /// What is open.
    pub detail: Option<FailureDetail>,
    /// How many lines its payload has in so many columns.
    pub payload_lines: Kept<usize, usize>,
    opening: Option<PointId>,
    /// What is to be selected as soon as it is listed.
    seeking: Option<PointId>,
    /// Lines that the opened failure is scrolled down.
    pub scroll: u16,
    /// Whether the keys go to the opened failure.
    pub in_detail: bool,
    /// The content being edited.
    pub editor: Option<Editor>,
    editing: Option<PointId>,
    sort: Sort,
    fresh: bool,
    listed: (Filter, Sort),
    asked: Option<(Filter, Sort, u64)>,
    /// Why the journal did not answer.
    pub error: Option<String>,
    again_at: Option<Instant>,
    page: u64,
}

impl Default for Failures {
    fn default() -> Self {
        Self::new()
    }
}

impl Failures {
    /// Nothing known yet.
    pub fn new() -> Self {
        Self {
            filter: Filter::default(),
            typing: None,
            offset: 0,
            rows: Vec::new(),
            total: None,
            retryable: 0,
            place: 0,
            lost: false,
            at: None,
            marked: BTreeMap::new(),
            retries: Retries::default(),
            lingers: None,
            detail: None,
            payload_lines: Kept::default(),
            opening: None,
            seeking: None,
            scroll: 0,
            in_detail: false,
            editor: None,
            editing: None,
            sort: Sort::default(),
            fresh: false,
            listed: (Filter::default(), Sort::default()),
            asked: None,
            error: None,
            again_at: None,
            page: 16,
        }
    }

    /// How many the filter shows; 0 until the journal said.
    pub fn total(&self) -> u64 {
        self.total.unwrap_or(0)
    }

    /// Whether what is listed is what the filter asks for; until then the old rows stay, and no number is named.
    pub fn is_current(&self) -> bool {
        self.is_loaded() && self.listed.0 == self.filter
    }

    /// Whether the journal has answered at all.
    pub fn is_loaded(&self) -> bool {
        self.total.is_some()
    }

    /// The filter as it applies.
    pub fn filter(&self) -> Filter {
        self.filter.clone()
    }

    /// The list's order.
    pub fn sort(&self) -> Sort {
        self.sort
    }

    /// The filter's text.
    pub fn filter_text(&self) -> &str {
        self.filter.text.as_deref().unwrap_or_default()
    }

    /// The selected row's place among all.
    pub fn place(&self) -> u64 {
        self.place
    }

    /// The row at a place, where it is in the window.
    pub fn row(&self, place: u64) -> Option<&FailureRow> {
        self.rows.get(usize::try_from(place.checked_sub(self.offset)?).ok()?)
    }

    /// The selected row: that of the opened failure, where it has the keys, else the one in the list.
    pub fn selected(&self) -> Option<&FailureRow> {
        match &self.detail {
            // The list may know it better than it was when it was opened.
            Some(detail) if self.in_detail => self.shown(detail.row.id).or(Some(&detail.row)),
            _ => self.row(self.place).filter(|_| !self.lost),
        }
    }

    /// Whether another row has come into the place of the selected one.
    pub fn is_lost(&self) -> bool {
        self.lost
    }

    /// A point's row, where it is in the window.
    fn shown(&self, id: PointId) -> Option<&FailureRow> {
        self.rows.iter().find(|row| row.id == id)
    }

    /// Points whose retries have not ended.
    pub fn retrying(&self) -> u64 {
        self.retries.left()
    }

    /// Points whose retries have ended, of how many; `None` where nothing is being retried.
    pub fn progress(&self) -> Option<(u64, u64)> {
        self.retries.progress()
    }

    /// The marked points, else the selected one. In an opened failure that one is meant, whatever is marked.
    pub fn chosen(&self) -> Vec<PointId> {
        if self.marked.is_empty() || self.is_in_detail() {
            self.selected().map(|row| row.id).into_iter().collect()
        } else {
            self.marked.keys().copied().collect()
        }
    }

    /// Whether any point is marked or selected.
    pub fn has_chosen(&self) -> bool {
        !self.marked.is_empty() || self.selected().is_some()
    }

    /// How the chosen point stands, where it is a single one that is known.
    pub fn only_chosen(&self) -> Option<State> {
        let row = match self.marked.first_key_value() {
            Some((id, _)) if !self.is_in_detail() => self.shown(*id).filter(|_| self.marked.len() == 1)?,
            _ => self.selected()?,
        };
        Some(self.standing(row))
    }

    /// How a point stands: what has come of its retry since its row was read.
    pub fn standing(&self, row: &FailureRow) -> State {
        match self.retries.of(row) {
            Some(Retrying::Done) => State::Recovered,
            Some(Retrying::InFlight) => State::Retrying,
            Some(Retrying::FailedAgain) => State::Failed,
            Some(Retrying::Queued) | None => row.state,
        }
    }

    /// How the opened point stands; the list may know it better than it was when it was opened.
    pub fn opened_standing(&self) -> Option<State> {
        let row = &self.detail.as_ref()?.row;
        Some(self.standing(self.shown(row.id).unwrap_or(row)))
    }

    pub(super) fn resize(&mut self, rows: u16) {
        self.page = u64::from(rows).saturating_sub(6).max(1);
    }

    pub(super) fn go(&mut self, motion: Motion) {
        let last = self.total().saturating_sub(1);
        self.place = match motion {
            Motion::Up => self.place.saturating_sub(1),
            // What came into the place of a row that is gone has not been looked at.
            Motion::Down if self.lost => self.place,
            Motion::Down => self.place + 1,
            Motion::PageUp => self.place.saturating_sub(self.page),
            Motion::PageDown => self.place + self.page,
            Motion::Top => 0,
            Motion::Bottom => last,
            Motion::Left | Motion::Right => return,
        }
        .min(last);
        self.lost = false;
        self.remember();
    }

    /// Remembers which point is selected; one that is lost may come back.
    fn remember(&mut self) {
        if !self.lost {
            self.at = self.row(self.place).map(|row| row.id);
        }
    }

    /// Another list is wanted: it begins at its top.
    fn begin_anew(&mut self) {
        self.place = 0;
        self.lost = false;
        self.at = None;
        self.fresh = false;
        self.settle();
    }

    /// The next order of the list.
    pub(super) fn next_sort(&mut self) {
        let place = Sort::ALL.iter().position(|sort| *sort == self.sort).unwrap_or(0);
        self.sort = Sort::ALL[(place + 1) % Sort::ALL.len()];
        self.begin_anew();
    }

    pub(super) fn click_row(&mut self, place: u64) {
        self.in_detail = false;
        self.place = place.min(self.total().saturating_sub(1));
        self.lost = false;
        self.remember();
    }

    pub(super) fn back(&mut self) {
        let (open, opening) = (self.detail.take(), self.opening.take());
        self.in_detail = false;
        self.editing = None;
        if open.is_some() || opening.is_some() {
            return;
        }
        if self.filter == Filter::default() {
            self.unmark_all();
        } else {
            self.set_filter(Filter::default());
        }
    }

    /// The journal has changed; rows that were just tried again stay for their time.
    pub(super) fn stale(&mut self) {
        self.fresh = false;
    }

    /// The journal was changed as the operator wished: that is to be seen at once.
    pub(super) fn changed(&mut self) {
        self.fresh = false;
        self.settle();
    }

    /// Time has passed.
    pub(super) fn pass(&mut self, now: Instant) {
        if self.lingers.is_some_and(|until| until <= now) {
            self.settle();
        }
        if self.again_at.is_some_and(|at| at <= now) {
            self.again_at = None;
            self.fresh = false;
        }
    }

    /// What came of retries was seen.
    fn settle(&mut self) {
        if self.lingers.take().is_some() {
            self.retries.forget_ended();
            self.fresh = false;
        }
    }

    /// Failed points that the filter shows: those that a retry of all would try.
    pub fn retryable(&self) -> u64 {
        self.retryable
    }

    pub(super) fn listed(
        &mut self,
        (filter, sort): (&Filter, Sort),
        offset: u64,
        (total, retryable): (u64, u64),
        rows: Vec<FailureRow>,
    ) {
        if *filter != self.filter || sort != self.sort {
            return;
        }
        self.asked = None;
        self.error = None;
        self.again_at = None;
        self.listed = (filter.clone(), sort);
        self.offset = offset;
        self.rows = rows;
        self.total = Some(total);
        self.retryable = retryable;
        self.find_again();
        self.remember();
        self.know_marked();
        let rows = &self.rows;
        self.retries.keep(|id| rows.iter().any(|row| row.id == id));
    }

    /// The journal did not answer; it is asked again when something happens, and in any case after a while.
    pub(super) fn not_listed(&mut self, error: String, now: Instant) {
        self.asked = None;
        self.error = Some(error);
        self.again_at = Some(now + ASK_AGAIN);
    }

    /// The page that should be asked for, where what is seen is not there or not fresh. One question at a time.
    pub(super) fn wanted(&mut self) -> Option<TaskCommand> {
        let begin = self.place.saturating_sub(self.page);
        let end = (self.place + self.page).min(self.total());
        let covered = self.offset <= begin && self.offset + self.rows.len() as u64 >= end;
        let waits = |(filter, sort, _): &(Filter, Sort, u64)| *filter == self.filter && *sort == self.sort;
        let sorted = self.listed.1 == self.sort;
        let is_fresh = self.fresh || self.lingers.is_some() && self.is_loaded();
        let answered = covered && sorted || self.error.is_some();
        if is_fresh && answered || self.asked.as_ref().is_some_and(waits) {
            return None;
        }
        let window = WINDOW.max(4 * self.page);
        let offset = self.place.saturating_sub(window / 2);
        self.fresh = true;
        self.asked = Some((self.filter.clone(), self.sort, offset));
        Some(TaskCommand::ListFailures {
            filter: self.filter.clone(),
            sort: self.sort,
            offset,
            limit: window,
        })
    }

    /// The word for a row's state: how its retry goes, else what the journal says.
    pub fn state_of(&self, row: &FailureRow) -> String {
        match self.retries.of(row) {
            Some(Retrying::Queued) => "queued".into(),
            Some(Retrying::InFlight) => format!("attempt {}", row.attempts + 1),
            Some(Retrying::FailedAgain) => "failed again".into(),
            Some(Retrying::Done) => "done".into(),
            None => row.state.as_str().into(),
        }
    }

    /// Points whose states in a retry are kept.
    #[cfg(test)]
    pub(super) fn retry_states(&self) -> usize {
        self.retries.kept()
    }
}
