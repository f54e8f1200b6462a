//! One failure, found by its id: the list shows it alone or among few, and it is selected, so that what is done next is
//! done to the point that is open.

use super::Failures;
use crate::journal::{Filter, Sort};
use crate::point::PointId;

impl Failures {
    /// Lists what holds this id, and opens the point itself once its detail was read.
    pub(in crate::app) fn seek(&mut self, id: PointId) {
        self.typing = None;
        self.in_detail = false;
        self.set_filter(Filter {
            text: Some(id.to_string()),
            ..Filter::default()
        });
        // Many may hold a short id: in the order of the ids, no other id that holds it comes before it.
        self.sort = Sort::default();
        // A point that has just failed may be newer than what is listed.
        self.stale();
        self.opening = Some(id);
        self.seeking = Some(id);
    }

    /// Goes where the point stands that is sought, else the selected one, now that the list is here: rows come and go
    /// above it, and what is selected is the point, not its place.
    pub(super) fn find_again(&mut self) {
        self.at = self.seeking.take().or(self.at);
        let found = self.at.and_then(|id| self.rows.iter().position(|row| row.id == id));
        let place = found.map_or(self.place, |found| self.offset + found as u64);
        self.place = place.min(self.total().saturating_sub(1));
        // What stands in the place of a point that is gone was never chosen.
        self.lost = self.at.is_some() && found.is_none() && self.row(self.place).is_some();
    }
}
