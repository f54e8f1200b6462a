//! The Search screen: one query and how it is asked, and what both stores answered.
//!
//! Only the last question counts. What comes for an earlier one is dropped; until the last one is answered the earlier
//! answer stays, and is shown as such. Whether there is such a file or such a column, the work finds out.

use super::actions::Motion;
use crate::lance::search::Through;
use crate::point::filter::Filter;
use crate::point::{Modality, PointId};
use crate::tasks::TaskCommand;
use crate::tasks::search::{Asked, Found, Hit, How, SearchFor};

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

    /// How LanceDB is searched.
    pub fn how(&self) -> How {
        self.how
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

    /// By vector, then by keywords, then by both.
    pub(super) fn next_how(&mut self) -> Option<TaskCommand> {
        self.how = match self.how {
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
        let wanted = Box::new(SearchFor {
            asked: self.query.clone()?,
            find: self.find,
            filter: self.filter.clone(),
            count: COUNT,
            how: self.how,
            through: self.through,
        });
        self.asked = Some(wanted.clone());
        self.error = None;
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

/// What a typed line asks for: a file where it begins with `@` or is written like a path, else its words. Told by the
/// letters alone: here nobody looks at a disk.
///
/// # Errors
/// Nothing is asked for.
pub(super) fn query_of(text: &str) -> Result<Asked, String> {
    let text = text.trim();
    match text.strip_prefix('@').map(str::trim) {
        _ if text.is_empty() => Err("a query is needed: words, or @path for a picture or a sound".into()),
        Some("") => Err("after @ a path is needed, to a picture or a sound".into()),
        Some(path) => Ok(Asked::File(path.into())),
        None if is_path(text) => Ok(Asked::File(text.into())),
        None => Ok(Asked::Text(text.to_owned())),
    }
}

/// Whether a line is written like a path: one word that begins where a path may begin. Another path needs its `@`.
fn is_path(text: &str) -> bool {
    let begins = |start: &&str| text.len() > start.len() && text.starts_with(*start);
    let told = ["./", "../", "~/"].iter().any(begins);
    // A word like /quit is none.
    let absolute = text.strip_prefix('/').is_some_and(|rest| rest.contains(['/', '.']));
    (told || absolute) && !text.contains(char::is_whitespace)
}

/// A query as it would be typed.
fn typed(query: &Asked) -> String {
    match query {
        Asked::Text(text) => text.clone(),
        Asked::File(path) => format!("@{}", path.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_is_told_by_its_letters() {
        for (text, path) in [
            ("@x.png", Some("x.png")),
            (" @ my dog.wav ", Some("my dog.wav")),
            ("@@x", Some("@x")),
            ("./x.png", Some("./x.png")),
            ("../sounds/y.wav", Some("../sounds/y.wav")),
            ("/x/y.wav", Some("/x/y.wav")),
            ("/y.wav", Some("/y.wav")),
            ("~/x", Some("~/x")),
            ("x.png", None),
            ("./", None),
            ("~", None),
            ("/", None),
            ("/quit", None),
            ("/x/y was not found", None),
            ("./x and ./y", None),
            ("mara@choir", None),
            ("the harbour at night", None),
        ] {
            let expected = match path {
                Some(path) => Asked::File(path.into()),
                None => Asked::Text(text.to_owned()),
            };
            assert_eq!(query_of(text), Ok(expected), "{text:?}");
        }
    }

    #[test]
    fn nothing_is_no_query() {
        for (text, wanted) in [
            ("", "a query is needed"),
            (" \t", "a query is needed"),
            (" @ ", "after @"),
        ] {
            let error = query_of(text).expect_err(text);
            assert!(error.contains(wanted), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_shown_again_means_the_same(text in "[ -~\u{e9}\u{65e5}]{0,20}|[@./~]{1,3}[a-z ./]{0,8}") {
            if let Ok(query) = query_of(&text) {
                prop_assert_eq!(query_of(&typed(&query)), Ok(query));
            }
        }
    }
}
