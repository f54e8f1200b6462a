//! The marked points: for doing the same to several. A filter may hide them, and then that is said.

use super::Failures;
use super::filtering::holds;
use crate::app::actions::Motion;
use crate::journal::Filter;
use crate::point::PointId;

/// Points that can be marked; more are better retried by a filter.
const MAX_MARKED: usize = 10_000;

impl Failures {
    /// Whether a point is marked.
    pub fn is_marked(&self, id: PointId) -> bool {
        self.marked.contains_key(&id)
    }

    /// How many are marked.
    pub fn marked(&self) -> usize {
        self.marked.len()
    }

    /// How many of the marked points the filter does not show.
    pub fn hidden_marks(&self) -> usize {
        if self.filter == Filter::default() {
            return 0;
        }
        self.marked.values().filter(|row| !holds(&self.filter, row)).count()
    }

    /// How many of those that are chosen the filter does not show.
    pub fn hidden_chosen(&self) -> usize {
        if self.is_in_detail() { 0 } else { self.hidden_marks() }
    }

    pub(in crate::app) fn mark(&mut self) -> bool {
        let Some(row) = self.selected().cloned() else {
            return true;
        };
        if self.marked.remove(&row.id).is_none() {
            if self.marked.len() >= MAX_MARKED {
                return false;
            }
            self.marked.insert(row.id, row);
        }
        if !self.is_in_detail() {
            self.go(Motion::Down);
        }
        true
    }

    pub(in crate::app) fn unmark_all(&mut self) {
        self.marked.clear();
    }

    pub(in crate::app) fn unmark(&mut self, ids: &[PointId]) {
        for id in ids {
            self.marked.remove(id);
        }
    }

    /// What is marked and listed anew is known as it is now.
    pub(super) fn know_marked(&mut self) {
        for row in &self.rows {
            if let Some(marked) = self.marked.get_mut(&row.id) {
                marked.clone_from(row);
            }
        }
    }
}
