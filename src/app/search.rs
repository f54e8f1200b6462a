//! The Search screen: one query and how it is asked, and what both stores answered.
//!
//! Only the last question counts. What comes for an earlier one is dropped; until the last one is answered the earlier
//! answer stays, and is shown as such. Whether there is such a file or such a column, the work finds out; that a picture
//! or a sound has no keywords is known here.

mod query;

use super::actions::Motion;
use crate::lance::search::Through;
use crate::point::filter::Filter;
use crate::point::{Modality, PointId};
use crate::tasks::TaskCommand;
use crate::tasks::search::{Asked, Found, Hit, How, SearchFor};

pub(super) use query::query_of;
use query::typed;

/// Results asked for of each store: more nobody compares side by side.
const COUNT: usize = 20;

/// Which pane the keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// LanceDB's answer.
    Lancedb,
    /// Qdrant's.
    Qdrant,
}

impl Pane {
    /// The store whose answer it holds.
    pub fn store(self) -> &'static str {
        match self {
            Self::Lancedb => "LanceDB",
            Self::Qdrant => "Qdrant",
        }
    }

    /// The pane beside it.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Lancedb => Self::Qdrant,
            Self::Qdrant => Self::Lancedb,
        }
    }
}

/// The screen's state.
#[derive(Debug, Clone)]
pub struct Search {
    /// Which pane the keys go to.
    pub pane: Pane,
    query: Option<Asked>,
    find: Option<Modality>,
    filter: Option<Filter>,
    /// Whether queries are embedded; until the job is open they are taken to be.
    embeds: bool,
    how: How,
    through: Through,
    /// The question that is not answered yet.
    asked: Option<Box<SearchFor>>,
    answer: Option<Box<Found>>,
    error: Option<String>,
    /// The selected results' places, LanceDB's and Qdrant's.
    places: [usize; 2],
    page: usize,
}

impl Default for Search {
    fn default() -> Self {
        Self::new()
    }
}

impl Search {
    /// Nothing asked yet.
    pub fn new() -> Self {
        Self {
            pane: Pane::Lancedb,
            query: None,
            find: None,
            filter: None,
            embeds: true,
            how: How::default(),
            through: Through::default(),
            asked: None,
            answer: None,
            error: None,
            places: [0; 2],
            page: 5,
        }
    }

    /// What is searched for.
    pub fn query(&self) -> Option<&Asked> {
        self.query.as_ref()
    }

    /// The query as it would be typed; empty where there is none.
    pub fn query_text(&self) -> String {
        self.query.as_ref().map_or_else(String::new, typed)
    }

    /// What is found must be made of this.
    pub fn find(&self) -> Option<Modality> {
        self.find
    }

    /// What is found must meet this.
    pub fn filter(&self) -> Option<&Filter> {
        self.filter.as_ref()
    }

    /// The condition as it would be typed; empty where there is none.
    pub fn filter_text(&self) -> String {
        self.filter.as_ref().map_or_else(String::new, Filter::to_string)
    }

    /// How LanceDB is searched: by keywords where nobody embeds a query.
    pub fn how(&self) -> How {
        if self.embeds { self.how } else { How::Keyword }
    }

    /// Whether queries are embedded. Where they are not, vectors are carried over, and keywords are all there is.
    pub fn embeds(&self) -> bool {
        self.embeds
    }

    pub(super) fn set_embeds(&mut self, embeds: bool) {
        self.embeds = embeds;
    }

    /// Whether the query is a picture or a sound and keywords are part of the search: those are text, so nobody is asked.
    pub fn is_refused(&self) -> bool {
        matches!(self.query, Some(Asked::File(_))) && self.how() != How::Vector
    }

    /// Whether there is something that a step back takes away.
    pub fn can_go_back(&self) -> bool {
        self.query.is_some() || self.filter.is_some()
    }

    /// Whether both stores compare every vector; else they ask their indexes.
    pub fn is_exact(&self) -> bool {
        self.through == Through::Everything
    }

    /// Whether the last question is not answered yet; then [`Search::answer`] is of an earlier one.
    pub fn is_waiting(&self) -> bool {
        self.asked.is_some()
    }

    /// What both stores answered.
    pub fn answer(&self) -> Option<&Found> {
        self.answer.as_deref()
    }

    /// Why there is no answer.
    pub fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// A store's results, best first.
    pub fn hits(&self, pane: Pane) -> &[Hit] {
        match (&self.answer, pane) {
            (None, _) => &[],
            (Some(found), Pane::Lancedb) => &found.lancedb.hits,
            (Some(found), Pane::Qdrant) => match &found.qdrant {
                Ok(answered) => &answered.hits,
                Err(_) => &[],
            },
        }
    }

    /// The place of the selected result among a store's.
    pub fn place(&self, pane: Pane) -> usize {
        self.places[pane as usize]
    }

    /// The selected result.
    pub fn selected(&self) -> Option<PointId> {
        let hit = self.hits(self.pane).get(self.place(self.pane))?;
        Some(hit.id)
    }

    pub(super) fn resize(&mut self, rows: u16, beside: bool) {
        // Without the lines around: beside each other both answers are as high as the body.
        let rows = usize::from(rows);
        let page = if beside {
            rows.saturating_sub(10)
        } else {
            (rows / 2).saturating_sub(6)
        };
        self.page = page.max(1);
    }

    /// Another query.
    pub(super) fn query_typed(&mut self, query: Asked) -> Option<TaskCommand> {
        self.query = Some(query);
        self.ask()
    }

    /// Another condition, or none.
    pub(super) fn condition_typed(&mut self, filter: Option<Filter>) -> Option<TaskCommand> {
        self.filter = filter;
        self.ask()
    }

    /// Anything, then texts, pictures, sounds.
    pub(super) fn next_modality(&mut self) -> Option<TaskCommand> {
        self.find = match self.find {
            None => Some(Modality::Text),
            Some(Modality::Text) => Some(Modality::Image),
            Some(Modality::Image) => Some(Modality::Audio),
            Some(Modality::Audio) => None,
        };
        self.ask()
    }

    /// By vector, then by keywords, then by both. Of what is refused so, the way that is left.
    pub(super) fn next_how(&mut self) -> Option<TaskCommand> {
        self.how = match self.how {
            _ if self.is_refused() => How::Vector,
            How::Vector => How::Keyword,
            How::Keyword => How::Hybrid,
            How::Hybrid => How::Vector,
        };
        self.ask()
    }

    /// Exactly, or through the indexes.
    pub(super) fn next_through(&mut self) -> Option<TaskCommand> {
        self.through = if self.is_exact() {
            Through::Index
        } else {
            Through::Everything
        };
        self.ask()
    }

    /// Asks the query as everything stands now; without one there is nothing to ask.
    fn ask(&mut self) -> Option<TaskCommand> {
        let asked = self.query.clone()?;
        self.error = None;
        if self.is_refused() {
            self.asked = None;
            self.answer = None;
            return None;
        }
        let wanted = Box::new(SearchFor {
            asked,
            find: self.find,
            filter: self.filter.clone(),
            count: COUNT,
            how: self.how(),
            through: self.through,
        });
        self.asked = Some(wanted.clone());
        Some(TaskCommand::Search(wanted))
    }

    pub(super) fn searched(&mut self, of: &SearchFor, found: Box<Found>) {
        if self.asked.as_deref() != Some(of) {
            return;
        }
        self.asked = None;
        self.answer = Some(found);
        self.places = [0; 2];
        // Where one store found nothing, the keys go to the other's results.
        let other = self.pane.other();
        if self.hits(self.pane).is_empty() && !self.hits(other).is_empty() {
            self.pane = other;
        }
    }

    pub(super) fn not_searched(&mut self, of: &SearchFor, error: String) {
        if self.asked.as_deref() == Some(of) {
            self.asked = None;
            self.answer = None;
            self.error = Some(error);
        }
    }

    pub(super) fn go(&mut self, motion: Motion) {
        match motion {
            Motion::Left => self.pane = Pane::Lancedb,
            Motion::Right => self.pane = Pane::Qdrant,
            _ => {}
        }
        let last = self.hits(self.pane).len().saturating_sub(1);
        let place = self.place(self.pane);
        let moved = match motion {
            Motion::Up => place.saturating_sub(1),
            Motion::Down => place + 1,
            Motion::PageUp => place.saturating_sub(self.page),
            Motion::PageDown => place + self.page,
            Motion::Top => 0,
            Motion::Bottom => last,
            Motion::Left | Motion::Right => place,
        };
        self.places[self.pane as usize] = moved.min(last);
    }

    pub(super) fn next_pane(&mut self) {
        self.pane = self.pane.other();
    }

    /// A click on a result; Qdrant's are counted behind LanceDB's.
    pub(super) fn click_row(&mut self, row: usize) {
        let above = self.hits(Pane::Lancedb).len();
        let (pane, place) = match row.checked_sub(above) {
            None => (Pane::Lancedb, row),
            Some(row) => (Pane::Qdrant, row),
        };
        if place < self.hits(pane).len() {
            self.pane = pane;
            self.places[pane as usize] = place;
        }
    }

    /// One step back: without the condition, then without the query.
    pub(super) fn back(&mut self) -> Option<TaskCommand> {
        if self.filter.take().is_some() {
            return self.ask();
        }
        self.query = None;
        self.asked = None;
        self.answer = None;
        self.error = None;
        self.places = [0; 2];
        None
    }
}
