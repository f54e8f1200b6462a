//! The marked points: for doing the same to several. Another bin than theirs may be listed, and then that is said.

use super::{Asked, Divergence, Pane};
use crate::app::actions::Motion;
use crate::journal::Decided;
use crate::lance::browse::RankedRow;
use crate::point::{PointId, Similarity};

/// Points that can be marked.
const MAX_MARKED: usize = 10_000;

impl Divergence {
    /// Whether a point is marked.
    pub fn is_marked(&self, id: PointId) -> bool {
        self.marked.contains_key(&id)
    }

    /// How many are marked.
    pub fn marked(&self) -> usize {
        self.marked.len()
    }

    /// How many of the marked points lie in other bins than the chosen one.
    pub fn hidden_marks(&self) -> usize {
        let Some(bin) = self.chosen_bin.filter(|_| !self.marked.is_empty()) else {
            return 0;
        };
        let (least, end) = bin.limits();
        let shown = |similarity: Similarity| {
            let similarity = similarity.get();
            similarity >= least && end.is_none_or(|end| similarity < end)
        };
        let hidden = |similarity: &&Option<Similarity>| !similarity.is_some_and(shown);
        self.marked.values().filter(hidden).count()
    }

    /// How many of those that are chosen are not listed.
    pub fn hidden_chosen(&self) -> usize {
        if self.pane == Pane::Detail {
            0
        } else {
            self.hidden_marks()
        }
    }

    pub(in crate::app) fn mark(&mut self) -> bool {
        let (id, similarity) = match (&self.detail, self.pane, self.selected_row()) {
            (Asked::Here(detail), Pane::Detail, _) => (detail.id, detail.similarity),
            // Of what is opened and not here nothing is known; the list's row is another.
            (_, Pane::Detail, _) => return true,
            (.., Some((row, _))) => (row.id, row.similarity),
            (.., None) => return true,
        };
        if self.marked.remove(&id).is_none() {
            if self.marked.len() >= MAX_MARKED {
                return false;
            }
            self.marked.insert(id, similarity);
        }
        if self.pane != Pane::Detail {
            self.window.go(Motion::Down, self.page);
        }
        true
    }

    /// What is marked and listed anew is known as it is now: a row that was made anew may have come to lie elsewhere.
    pub(super) fn know_marked(&mut self, rows: &[(RankedRow, Option<Decided>)]) {
        for (row, _) in rows {
            if let Some(marked) = self.marked.get_mut(&row.id) {
                *marked = row.similarity;
            }
        }
    }
}
