//! The Diff screen: a sample of pairs with their verdicts, and one pair field by field.

use super::actions::Motion;
use super::divergence::Asked;
use crate::point::PointId;
use crate::point::diff::{FieldDiff, FieldVerdict, RecordDiff};
use crate::tasks::inspect::PairSummary;
use crate::tasks::{SampleOf, TaskCommand};

/// Columns that Left and Right scroll, or lines of the selected field where texts are wrapped.
const STEP: u16 = 10;
/// Lines that they scroll where the two sides stack and share the room: no line is passed over.
const STACKED_STEP: u16 = 4;
/// Lines that a field can be scrolled; where it ends, only the layout knows.
const MOST_LINES: u16 = 2_000;

/// Which pane the keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The pairs.
    Pairs,
    /// The opened pair.
    Record,
}

/// The screen's state.
#[derive(Debug, Clone)]
pub struct Diff {
    /// Which pane the keys go to.
    pub pane: Pane,
    /// The pairs.
    pub pairs: Asked<Vec<PairSummary>>,
    place: usize,
    /// The opened pair.
    pub record: Option<Box<RecordDiff>>,
    /// Why a pair cannot be opened.
    pub error: Option<String>,
    opening: Option<PointId>,
    /// Whose pair cannot be opened.
    unread: Option<PointId>,
    /// Whether equal fields are folded.
    pub fold: bool,
    /// Whether long texts are wrapped; else they are scrolled.
    pub wrap: bool,
    /// Columns that unwrapped texts are scrolled to the right.
    pub column: u16,
    /// Lines that the selected field is scrolled down, where its text is wrapped and longer than there is room for.
    pub line: u16,
    /// The places of the fields that are shown, kept because a record may have 20,000 and is drawn often.
    shown: Vec<usize>,
    differing: usize,
    field: usize,
    page: usize,
    /// Whether an opened pair stands beside the list; else the keys cannot leave it.
    beside: bool,
    /// The sample was asked for by naming one point: it is opened as soon as it is here.
    open_first: bool,
    asked: Option<SampleOf>,
}

impl Default for Diff {
    fn default() -> Self {
        Self::new()
    }
}

impl Diff {
    /// Nothing known yet.
    pub fn new() -> Self {
        Self {
            pane: Pane::Pairs,
            pairs: Asked::No,
            place: 0,
            record: None,
            error: None,
            opening: None,
            unread: None,
            fold: true,
            wrap: true,
            column: 0,
            line: 0,
            shown: Vec::new(),
            differing: 0,
            field: 0,
            page: 16,
            beside: true,
            open_first: false,
            asked: None,
        }
    }

    /// The pairs there are.
    pub fn list(&self) -> &[PairSummary] {
        match &self.pairs {
            Asked::Here(pairs) => pairs,
            _ => &[],
        }
    }

    /// The selected pair's place.
    pub fn place(&self) -> usize {
        self.place
    }

    /// The selected pair, or the opened one.
    pub fn selected(&self) -> Option<PointId> {
        match (&self.record, self.pane) {
            (Some(record), Pane::Record) => Some(record.id),
            _ => self.list().get(self.place).map(|pair| pair.id),
        }
    }

    /// The pair that is being read, where none is open meanwhile.
    pub fn reading(&self) -> Option<PointId> {
        self.opening.filter(|_| self.record.is_none())
    }

    /// The point whose pair is being read or cannot be, where none is open.
    pub fn not_open(&self) -> Option<PointId> {
        self.reading().or(self.unread)
    }

    /// The fields that are shown, with their places in the record.
    pub fn fields(&self) -> impl ExactSizeIterator<Item = (usize, &FieldDiff)> {
        let fields: &[FieldDiff] = match &self.record {
            Some(record) => &record.fields,
            None => &[],
        };
        self.shown.iter().map(move |place| (*place, &fields[*place]))
    }

    /// The field at a place among those that are shown.
    pub fn shown(&self, place: usize) -> Option<&FieldDiff> {
        let record = self.record.as_ref()?;
        record.fields.get(*self.shown.get(place)?)
    }

    /// How many fields of the record differ.
    pub fn differing(&self) -> usize {
        self.differing
    }

    /// The selected field's place among those that are shown.
    pub fn field(&self) -> usize {
        self.field
    }

    /// The selected field.
    pub fn selected_field(&self) -> Option<&FieldDiff> {
        self.shown(self.field)
    }

    /// Whether the keys can go to another pane.
    pub fn has_panes(&self) -> bool {
        self.record.is_some() && self.beside
    }

    pub(super) fn resize(&mut self, rows: u16, beside: bool) {
        self.beside = beside;
        if !beside && self.record.is_some() {
            self.pane = Pane::Record;
        }
        self.page = usize::from(rows).saturating_sub(8).max(1);
    }

    /// Asks for pairs.
    pub(super) fn ask(&mut self, of: SampleOf) -> TaskCommand {
        self.pairs = Asked::Waiting;
        self.place = 0;
        self.close();
        self.open_first = matches!(&of, SampleOf::Ids(ids) if ids.len() == 1);
        self.asked = Some(of.clone());
        TaskCommand::SamplePairs(of)
    }

    fn close(&mut self) {
        self.record = None;
        self.shown.clear();
        self.differing = 0;
        self.opening = None;
        self.unread = None;
        self.error = None;
        self.field = 0;
        self.column = 0;
        self.line = 0;
        self.pane = Pane::Pairs;
    }

    /// The pairs are here; answers the one to open at once.
    pub(super) fn sampled(&mut self, of: &SampleOf, pairs: Vec<PairSummary>) -> Option<PointId> {
        // Only the latest question counts.
        if self.asked.as_ref() != Some(of) {
            return None;
        }
        self.asked = None;
        self.place = 0;
        let first = pairs.first().map(|pair| pair.id);
        self.pairs = Asked::Here(pairs);
        first
            .filter(|_| std::mem::take(&mut self.open_first))
            .inspect(|id| self.opening = Some(*id))
    }

    pub(super) fn not_sampled(&mut self, of: &SampleOf, error: String) {
        if self.asked.as_ref() != Some(of) {
            return;
        }
        self.asked = None;
        self.pairs = Asked::Failed(error);
    }

    pub(super) fn open(&mut self) -> Option<PointId> {
        let id = self.selected()?;
        // Another pair takes the place of what is open, or of why nothing is.
        if self.record.as_ref().is_none_or(|record| record.id != id) {
            self.close();
        }
        self.opening = Some(id);
        Some(id)
    }

    pub(super) fn read(&mut self, record: Box<RecordDiff>) {
        if self.opening == Some(record.id) {
            self.close();
            // Where nothing differs, folding would leave nothing to see.
            self.differing = record.differing();
            self.fold = self.differing > 0;
            self.record = Some(record);
            self.choose_fields();
            self.pane = Pane::Record;
        }
    }

    /// Finds the fields that are shown.
    fn choose_fields(&mut self) {
        let fold = self.fold;
        let fields = self.record.iter().flat_map(|record| record.fields.iter().enumerate());
        self.shown = fields
            .filter(|(_, field)| !fold || field.verdict != FieldVerdict::Same)
            .map(|(place, _)| place)
            .collect();
    }

    pub(super) fn not_read(&mut self, id: PointId, error: String) {
        if self.opening == Some(id) {
            self.close();
            self.unread = Some(id);
            self.error = Some(error);
        }
    }

    pub(super) fn go(&mut self, motion: Motion) {
        if !self.beside && self.reading().is_some() {
            // The list is not seen.
            return;
        }
        let (place, last) = match self.pane {
            Pane::Pairs => (self.place, self.list().len().saturating_sub(1)),
            Pane::Record => (self.field, self.shown.len().saturating_sub(1)),
        };
        let moved = match motion {
            Motion::Up => place.saturating_sub(1),
            Motion::Down => place + 1,
            Motion::PageUp => place.saturating_sub(self.page),
            Motion::PageDown => place + self.page,
            Motion::Top => 0,
            Motion::Bottom => last,
            Motion::Left | Motion::Right if self.wrap => {
                if self.pane == Pane::Record {
                    let step = if self.beside { STEP } else { STACKED_STEP };
                    self.line = match motion {
                        Motion::Left => self.line.saturating_sub(step),
                        _ => (self.line + step).min(MOST_LINES),
                    };
                }
                place
            }
            Motion::Left => {
                self.column = self.column.saturating_sub(STEP);
                place
            }
            Motion::Right => {
                self.column = self.column.saturating_add(STEP);
                place
            }
        }
        .min(last);
        match self.pane {
            Pane::Pairs => self.place = moved,
            Pane::Record => self.select(moved),
        }
    }

    /// Another field is read from its beginning.
    fn select(&mut self, field: usize) {
        if self.field != field {
            self.field = field;
            self.line = 0;
        }
    }

    /// To the next or the previous field that differs, round the ends.
    pub(super) fn jump(&mut self, back: bool) {
        let differing: Vec<usize> = self
            .fields()
            .enumerate()
            .filter(|(_, (_, field))| field.verdict != FieldVerdict::Same)
            .map(|(place, _)| place)
            .collect();
        let next = if back {
            differing
                .iter()
                .rev()
                .find(|place| **place < self.field)
                .or(differing.last())
        } else {
            differing
                .iter()
                .find(|place| **place > self.field)
                .or(differing.first())
        };
        let next = next.copied().unwrap_or(self.field);
        self.select(next);
        self.pane = Pane::Record;
    }

    pub(super) fn toggle_fold(&mut self) {
        // The selected field stays selected, where it is still shown.
        let selected = self.shown.get(self.field).copied();
        self.fold = !self.fold;
        self.choose_fields();
        let place = self.shown.iter().position(|place| Some(*place) >= selected);
        self.field = place.unwrap_or(self.shown.len().saturating_sub(1));
        // The place may be the same, and the field another.
        self.line = 0;
    }

    pub(super) fn click_row(&mut self, place: usize) {
        self.pane = Pane::Pairs;
        self.place = place.min(self.list().len().saturating_sub(1));
    }

    pub(super) fn next_pane(&mut self) {
        self.pane = match self.pane {
            _ if self.record.is_some() && !self.beside => Pane::Record,
            Pane::Pairs if self.record.is_some() => Pane::Record,
            _ => Pane::Pairs,
        };
    }

    /// One step back; answers whether there was one.
    pub(super) fn back(&mut self) -> bool {
        let open = self.record.is_some() || self.error.is_some() || self.opening.is_some();
        self.close();
        open
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::diff::compare;
    use crate::point::{Point, Vectors};
    use serde_json::json;

    fn opened() -> Diff {
        let point = |payload: serde_json::Value| Point {
            id: PointId::Num(1),
            payload: payload.as_object().cloned().expect("an object"),
            vectors: Vectors::new(),
        };
        let left = point(json!({"a": 1, "b": 2, "c": 3, "d": 4}));
        let right = point(json!({"a": 1, "b": 20, "c": 3, "d": 40}));
        let record = compare(PointId::Num(1), Some(&left), Some(&right), None, false);
        let mut diff = Diff::new();
        diff.ask(SampleOf::Ids(vec![PointId::Num(1)]));
        let summary = PairSummary {
            id: record.id,
            verdict: record.verdict,
            differing: 2,
            because: None,
        };
        let of = SampleOf::Ids(vec![PointId::Num(1)]);
        assert_eq!(
            diff.sampled(&SampleOf::Random, Vec::new()),
            None,
            "another question's answer"
        );
        assert_eq!(
            diff.sampled(&of, vec![summary]),
            Some(PointId::Num(1)),
            "a named point is opened"
        );
        diff.read(Box::new(record));
        diff
    }

    fn path(diff: &Diff) -> &str {
        diff.selected_field().map_or("", |field| field.path.as_str())
    }

    #[test]
    fn jumps_go_round_and_folding_keeps_the_field() {
        let mut diff = opened();
        assert_eq!((diff.fold, path(&diff)), (true, "b"));
        diff.toggle_fold();
        assert_eq!((diff.fields().len(), path(&diff)), (4, "b"));
        diff.jump(false);
        assert_eq!(path(&diff), "d");
        diff.jump(false);
        assert_eq!(path(&diff), "b", "round the end");
        diff.jump(true);
        assert_eq!(path(&diff), "d", "round the beginning");
        diff.toggle_fold();
        assert_eq!((diff.fields().len(), path(&diff)), (2, "d"));
        assert!(diff.back() && diff.record.is_none());
        assert!(!diff.back());
    }

    #[test]
    fn what_is_being_read_is_known_until_it_is_here_or_cannot_be() {
        let mut diff = opened();
        let record = diff.record.clone().expect("open");
        assert_eq!(diff.reading(), None);
        diff.open();
        assert!(
            diff.record.is_some() && diff.reading().is_none(),
            "read again, it stays"
        );
        assert!(diff.back() && diff.opening.is_none());
        diff.open();
        assert_eq!((diff.reading(), diff.pane), (Some(PointId::Num(1)), Pane::Pairs));
        diff.not_read(PointId::Num(1), "no".into());
        assert_eq!((diff.reading(), diff.error.as_deref()), (None, Some("no")));
        assert_eq!(diff.not_open(), Some(PointId::Num(1)), "it is named");
        diff.open();
        assert_eq!(
            (diff.reading(), diff.error.as_deref()),
            (Some(PointId::Num(1)), None),
            "tried again"
        );
        diff.read(record);
        assert_eq!((diff.reading(), diff.pane), (None, Pane::Record));
        diff.back();
        diff.open();
        assert!(diff.back(), "reading is a step of its own");
        assert!(!diff.back());
    }

    #[test]
    fn a_wrapped_field_is_scrolled_by_lines_and_another_begins_at_its_first() {
        let mut diff = opened();
        diff.go(Motion::Right);
        diff.go(Motion::Right);
        diff.go(Motion::Left);
        assert_eq!((diff.line, diff.column), (10, 0));
        // Stacked, each side has half of the room.
        diff.beside = false;
        diff.go(Motion::Right);
        assert_eq!(diff.line, 14);
        diff.go(Motion::Left);
        diff.beside = true;
        diff.go(Motion::Top);
        assert_eq!(diff.line, 10, "it is the first already");
        diff.go(Motion::Down);
        assert_eq!((diff.line, path(&diff)), (0, "d"));
        diff.go(Motion::Right);
        diff.jump(false);
        assert_eq!((diff.line, path(&diff)), (0, "b"));
        for _ in 0..1_000 {
            diff.go(Motion::Right);
        }
        assert_eq!(diff.line, MOST_LINES);
        diff.wrap = false;
        diff.go(Motion::Right);
        assert_eq!((diff.line, diff.column), (MOST_LINES, 10));
        diff.pane = Pane::Pairs;
        diff.wrap = true;
        diff.line = 0;
        diff.go(Motion::Right);
        assert_eq!(diff.line, 0, "the list has no lines to scroll");
    }

    #[test]
    fn an_answer_that_nobody_waits_for_any_more_is_dropped() {
        let mut diff = opened();
        let record = diff.record.clone().expect("open");
        diff.back();
        diff.read(record);
        assert!(diff.record.is_none());
    }
}
