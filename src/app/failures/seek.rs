//! One failure, found by its id: the list shows it alone or among few, and it is selected, so that what is done next is
//! done to the point that is open.

use super::Failures;
use crate::journal::Filter;
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
        // A point that has just failed may be newer than what is listed.
        self.stale();
        self.opening = Some(id);
        self.seeking = Some(id);
    }

    /// Selects what is sought, now that the list is here.
    pub(super) fn select_sought(&mut self) {
        let Some(sought) = self.seeking.take() else { return };
        if let Some(found) = self.rows.iter().position(|row| row.id == sought) {
            self.place = self.offset + found as u64;
        }
    }
}
