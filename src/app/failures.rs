//! The Failures screen: a window on the journal's pages, what is selected and marked, the filter, and how retries go.
//!
//! Holds one page and the marks, never the whole list.

use std::collections::{BTreeSet, HashMap};

use crossterm::event::{Event, KeyCode, KeyEvent};
use tui_input::Input;
use tui_input::backend::crossterm::EventHandler as _;

use super::actions::Motion;
use super::editor::Editor;
use crate::journal::{FailureRow, Filter, Sort, State};
use crate::point::{Cause, Failure, PointId};
use crate::tasks::{FailureDetail, TaskCommand};

/// Rows asked for at once.
const WINDOW: u64 = 200;
/// Points that can be marked; more are better retried by a filter.
const MAX_MARKED: usize = 10_000;

/// Lines that an opened failure can be scrolled.
const MOST_SCROLL: u16 = 20_000;

/// How a retry of one point goes.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    marked: BTreeSet<PointId>,
    retries: HashMap<PointId, Retrying>,
    /// What is open.
    pub detail: Option<FailureDetail>,
    opening: Option<PointId>,
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
            marked: BTreeSet::new(),
            retries: HashMap::new(),
            detail: None,
            opening: None,
            scroll: 0,
            in_detail: false,
            editor: None,
            editing: None,
            sort: Sort::default(),
            fresh: false,
            listed: (Filter::default(), Sort::default()),
            asked: None,
            error: None,
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

    /// The selected row.
    pub fn selected(&self) -> Option<&FailureRow> {
        self.row(self.place)
    }

    /// Whether a point is marked.
    pub fn is_marked(&self, id: PointId) -> bool {
        self.marked.contains(&id)
    }

    /// How many are marked.
    pub fn marked(&self) -> usize {
        self.marked.len()
    }

    /// How a point's retry goes.
    pub fn retry(&self, id: PointId) -> Option<&Retrying> {
        self.retries.get(&id)
    }

    /// Retries that have not ended.
    pub fn retrying(&self) -> usize {
        self.retries
            .values()
            .filter(|retry| matches!(retry, Retrying::Queued | Retrying::InFlight))
            .count()
    }

    /// The marked points, else the selected one.
    pub fn chosen(&self) -> Vec<PointId> {
        if self.marked.is_empty() {
            self.selected().map(|row| row.id).into_iter().collect()
        } else {
            self.marked.iter().copied().collect()
        }
    }

    pub(super) fn resize(&mut self, rows: u16) {
        self.page = u64::from(rows).saturating_sub(6).max(1);
    }

    pub(super) fn go(&mut self, motion: Motion) {
        let last = self.total().saturating_sub(1);
        self.place = match motion {
            Motion::Up => self.place.saturating_sub(1),
            Motion::Down => self.place + 1,
            Motion::PageUp => self.place.saturating_sub(self.page),
            Motion::PageDown => self.place + self.page,
            Motion::Top => 0,
            Motion::Bottom => last,
            Motion::Left | Motion::Right => self.place,
        }
        .min(last);
    }

    /// Moves in the pane that has the keys.
    pub(super) fn move_in_pane(&mut self, motion: Motion) {
        if !self.in_detail || self.detail.is_none() {
            self.go(motion);
            return;
        }
        let page = self.page.min(100) as u16;
        self.scroll = match motion {
            Motion::Up => self.scroll.saturating_sub(1),
            Motion::Down => self.scroll.saturating_add(1).min(MOST_SCROLL),
            Motion::PageUp => self.scroll.saturating_sub(page),
            Motion::PageDown => self.scroll.saturating_add(page).min(MOST_SCROLL),
            Motion::Top => 0,
            Motion::Bottom | Motion::Left | Motion::Right => self.scroll,
        };
    }

    pub(super) fn next_pane(&mut self) {
        self.in_detail = !self.in_detail && self.detail.is_some();
    }

    pub(super) fn open(&mut self) -> Option<PointId> {
        let id = self.selected()?.id;
        self.opening = Some(id);
        Some(id)
    }

    /// The next order of the list.
    pub(super) fn next_sort(&mut self) {
        let place = Sort::ALL.iter().position(|sort| *sort == self.sort).unwrap_or(0);
        self.sort = Sort::ALL[(place + 1) % Sort::ALL.len()];
        self.place = 0;
        self.fresh = false;
    }

    pub(super) fn click_row(&mut self, place: u64) {
        self.in_detail = false;
        self.place = place.min(self.total().saturating_sub(1));
    }

    /// The content of the selected point is to be edited; answers whose payload must be read for it.
    pub(super) fn edit(&mut self) -> Option<PointId> {
        let id = self.selected()?.id;
        self.editing = Some(id);
        self.opening = Some(id);
        Some(id)
    }

    /// The content is no longer to be edited.
    pub(super) fn give_up_editing(&mut self) {
        self.editing = None;
    }

    /// Opens the editor, now that the payload is here.
    fn begin_editing(&mut self, content: &str) -> Result<(), String> {
        let Some(detail) = &self.detail else { return Ok(()) };
        let payload = detail
            .payload
            .as_ref()
            .map_err(|error| format!("its payload cannot be read: {error}"))?;
        let text = match payload.get(content) {
            Some(serde_json::Value::String(text)) => text.clone(),
            None | Some(serde_json::Value::Null) => String::new(),
            Some(other) => other.to_string(),
        };
        let editor = Editor::new(detail.row.id, &text);
        self.editor = Some(editor.ok_or("its content is too long to be edited here")?);
        Ok(())
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

    pub(super) fn mark(&mut self) -> bool {
        let Some(id) = self.selected().map(|row| row.id) else {
            return true;
        };
        if !self.marked.remove(&id) {
            if self.marked.len() >= MAX_MARKED {
                return false;
            }
            self.marked.insert(id);
        }
        self.go(Motion::Down);
        true
    }

    pub(super) fn unmark_all(&mut self) {
        self.marked.clear();
    }

    pub(super) fn is_typing(&self) -> bool {
        self.typing.is_some()
    }

    pub(super) fn start_typing(&mut self) {
        // A class is a filter of its own; typed over, it starts from its own word.
        let text = match self.filter.cause {
            Some(cause) => cause.as_str().to_owned(),
            None => self.filter_text().to_owned(),
        };
        self.typing = Some(Input::new(text));
    }

    /// A key while the filter is typed. The list follows at once; answers whether it changed.
    pub(super) fn type_key(&mut self, key: KeyEvent) -> bool {
        let Some(input) = &mut self.typing else { return false };
        match key.code {
            KeyCode::Enter => {
                self.typing = None;
                false
            }
            KeyCode::Esc => {
                self.typing = None;
                self.set_filter(Filter::default());
                true
            }
            _ => {
                let changed = input.handle_event(&Event::Key(key)).is_some_and(|change| change.value);
                self.take_text();
                changed
            }
        }
    }

    pub(super) fn paste(&mut self, text: &str) {
        if let Some(input) = &mut self.typing {
            for letter in text.chars().filter(|c| !c.is_control()).take(200) {
                input.handle(tui_input::InputRequest::InsertChar(letter));
            }
            self.take_text();
        }
    }

    fn take_text(&mut self) {
        let Some(input) = &self.typing else { return };
        let text = input.value().trim().to_owned();
        let filter = Filter {
            // A class typed in full is meant as the class.
            cause: Cause::parse(&text),
            text: (!text.is_empty() && Cause::parse(&text).is_none()).then_some(text),
            states: Vec::new(),
        };
        self.set_filter(filter);
    }

    fn set_filter(&mut self, filter: Filter) {
        if self.filter != filter {
            self.filter = filter;
            self.place = 0;
            self.fresh = false;
        }
    }

    pub(super) fn stale(&mut self) {
        self.fresh = false;
    }

    /// Failed points that the filter shows: those that a retry of all would try.
    pub fn retryable(&self) -> u64 {
        self.retryable
    }

    pub(super) fn queued(&mut self, ids: &[PointId]) {
        self.retries.extend(ids.iter().map(|id| (*id, Retrying::Queued)));
        for id in ids {
            self.marked.remove(id);
        }
    }

    pub(super) fn started(&mut self, ids: &[PointId]) {
        self.retries.extend(ids.iter().map(|id| (*id, Retrying::InFlight)));
    }

    pub(super) fn finished(&mut self, id: PointId, result: Result<(), Failure>) {
        let state = if result.is_ok() {
            Retrying::Done
        } else {
            Retrying::FailedAgain
        };
        self.retries.insert(id, state);
        if self.detail.as_ref().is_some_and(|detail| detail.row.id == id) {
            self.detail = None;
            self.in_detail = false;
        }
        self.fresh = false;
    }

    /// A retry as a whole ended: what it is still said to have in flight was not reached. What waits for the next one
    /// stays queued; `none_waits` says that there is no next one.
    pub(super) fn ended(&mut self, none_waits: bool) {
        self.retries.retain(|_, retry| match retry {
            Retrying::Done | Retrying::FailedAgain => true,
            Retrying::Queued => !none_waits,
            Retrying::InFlight => false,
        });
        if self.retries.len() > MAX_MARKED {
            self.retries.clear();
        }
        self.fresh = false;
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
        self.listed = (filter.clone(), sort);
        self.offset = offset;
        self.rows = rows;
        self.total = Some(total);
        self.retryable = retryable;
        self.place = self.place.min(total.saturating_sub(1));
    }

    /// The journal did not answer; it is asked again when something happens.
    pub(super) fn not_listed(&mut self, error: String) {
        self.asked = None;
        self.error = Some(error);
    }

    /// An opened failure is here. `content` is the payload key that can be edited.
    ///
    /// # Errors
    /// It was to be edited, and cannot be.
    pub(super) fn read(&mut self, detail: FailureDetail, content: &str) -> Result<(), String> {
        let id = detail.row.id;
        if self.opening != Some(id) {
            return Ok(());
        }
        self.opening = None;
        self.scroll = 0;
        self.detail = Some(detail);
        if self.editing.take() == Some(id) {
            return self.begin_editing(content);
        }
        Ok(())
    }

    pub(super) fn not_read(&mut self, id: PointId) {
        if self.opening == Some(id) {
            self.opening = None;
            self.editing = None;
        }
    }

    /// The page that should be asked for, where what is seen is not there or not fresh. One question at a time.
    pub(super) fn wanted(&mut self) -> Option<TaskCommand> {
        let begin = self.place.saturating_sub(self.page);
        let end = (self.place + self.page).min(self.total());
        let covered = self.offset <= begin && self.offset + self.rows.len() as u64 >= end;
        let waits = |(filter, sort, _): &(Filter, Sort, u64)| *filter == self.filter && *sort == self.sort;
        let sorted = self.listed.1 == self.sort;
        if (self.fresh && (covered && sorted || self.error.is_some())) || self.asked.as_ref().is_some_and(waits) {
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
        let open = matches!(row.state, State::Failed | State::Retrying);
        match self.retries.get(&row.id).filter(|_| open) {
            Some(Retrying::Queued) => "queued".into(),
            Some(Retrying::InFlight) => format!("attempt {}", row.attempts + 1),
            Some(Retrying::FailedAgain) => "failed again".into(),
            Some(Retrying::Done) => "done".into(),
            None => match row.state {
                State::Failed => "failed".into(),
                other => other.as_str().into(),
            },
        }
    }
}
