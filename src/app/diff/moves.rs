//! The ways through the pairs and through the fields of an opened one, and back out of it. Nothing is asked for here.

use super::{Diff, Pane};
use crate::app::actions::Motion;
use crate::point::diff::FieldVerdict;

/// Columns that Left and Right scroll, or lines of the selected field where texts are wrapped.
const STEP: u16 = 10;
/// Lines that they scroll where the two sides stack and share the room: no line is passed over.
const STACKED_STEP: u16 = 4;
/// Lines that a field can be scrolled; where it ends, only the layout knows.
pub(super) const MOST_LINES: u16 = 2_000;

impl Diff {
    pub(in crate::app) fn go(&mut self, motion: Motion) {
        if !self.beside && self.not_open().is_some() {
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
    pub(in crate::app) fn jump(&mut self, back: bool) {
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

    pub(in crate::app) fn toggle_fold(&mut self) {
        // The selected field stays selected, where it is still shown.
        let selected = self.shown.get(self.field).copied();
        self.fold = !self.fold;
        self.choose_fields();
        let place = self.shown.iter().position(|place| Some(*place) >= selected);
        self.field = place.unwrap_or(self.shown.len().saturating_sub(1));
        // The place may be the same, and the field another.
        self.line = 0;
    }

    pub(in crate::app) fn click_row(&mut self, place: usize) {
        self.pane = Pane::Pairs;
        self.place = place.min(self.list().len().saturating_sub(1));
    }

    pub(in crate::app) fn next_pane(&mut self) {
        self.pane = match self.pane {
            _ if self.record.is_some() && !self.beside => Pane::Record,
            Pane::Pairs if self.record.is_some() => Pane::Record,
            _ => Pane::Pairs,
        };
    }

    /// One step back; answers whether there was one.
    pub(in crate::app) fn back(&mut self) -> bool {
        let open = self.record.is_some() || self.error.is_some() || self.opening.is_some();
        self.close();
        open
    }
}
