//! The Diff screen: a sample of pairs with their verdicts, and one pair field by field.

mod moves;

use super::divergence::Asked;
use super::kept::Kept;
use crate::point::PointId;
use crate::point::diff::{FieldDiff, FieldVerdict, RecordDiff};
use crate::tasks::inspect::PairSummary;
use crate::tasks::{SampleOf, TaskCommand};

/// Which pane the keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The pairs.
    Pairs,
    /// The opened pair.
    Record,
}

/// What the length of the selected field depends on, beside the record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenedKey {
    /// Its place among the fields.
    pub field: usize,
    /// Whether the equal ones are folded.
    pub fold: bool,
    /// Whether its text is wrapped.
    pub wrap: bool,
    /// Columns of the record.
    pub width: usize,
    /// Whether its sides stand beside each other: then both are one.
    pub beside: bool,
}

/// How many lines the sides of the selected field have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenedLines {
    /// Of the first side, and of the one below it, if there is one.
    pub sides: [Option<usize>; 2],
    /// Whether these are all of its lines.
    pub whole: bool,
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
    /// How long the selected field's sides are.
    pub opened: Kept<OpenedKey, OpenedLines>,
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
    /// What was asked for last, until it is here.
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
            opened: Kept::default(),
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

    /// How many are equal.
    pub fn equal(&self) -> usize {
        let fields = self.record.as_ref().map_or(0, |record| record.fields.len());
        fields.saturating_sub(self.differing)
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
        // It can be asked for again.
        self.pairs = Asked::Failed(error);
    }

    /// What was asked for and could not be answered.
    fn unanswered(&self) -> Option<&SampleOf> {
        match self.pairs {
            Asked::Failed(_) => self.asked.as_ref(),
            _ => None,
        }
    }

    /// Whether there is a pair to open, or a question to ask again.
    pub fn can_open(&self) -> bool {
        self.selected().is_some() || self.unanswered().is_some()
    }

    /// Whether opening asks once more for what could not be answered.
    pub fn opens_again(&self) -> bool {
        self.unanswered().is_some() || self.error.is_some() && self.selected() == self.unread
    }

    pub(super) fn open(&mut self) -> Option<TaskCommand> {
        if let Some(of) = self.unanswered().cloned() {
            return Some(self.ask(of));
        }
        let id = self.selected()?;
        // Another pair takes the place of what is open, or of why nothing is.
        if self.record.as_ref().is_none_or(|record| record.id != id) {
            self.close();
        }
        self.opening = Some(id);
        Some(TaskCommand::ReadPair(id))
    }

    pub(super) fn read(&mut self, record: Box<RecordDiff>) {
        if self.opening == Some(record.id) {
            self.close();
            self.list_as(&record);
            // Where nothing differs, folding would leave nothing to see.
            self.differing = record.differing();
            self.fold = self.differing > 0;
            self.record = Some(record);
            self.opened = Kept::default();
            self.choose_fields();
            self.pane = Pane::Record;
        }
    }

    /// The list says of a pair what its record says: they may have been read at different times.
    fn list_as(&mut self, record: &RecordDiff) {
        if let Asked::Here(pairs) = &mut self.pairs
            && let Some(pair) = pairs.iter_mut().find(|pair| pair.id == record.id)
        {
            *pair = PairSummary::of(record);
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
}

#[cfg(test)]
mod tests;
