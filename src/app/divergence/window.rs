//! A window on a list that is paged by its keys: what is near the cursor is here, the rest is in the table.

use crate::app::actions::Motion;
use crate::journal::Decided;
use crate::lance::browse::{Anchor, Band, RankedRow};
use crate::point::{PointId, Similarity};

/// Rows asked for at once.
const ASKED: usize = 200;
/// Rows kept; those farthest from the cursor go first.
const KEPT: usize = 1_000;

type Entry = (RankedRow, Option<Decided>);

/// The rows around the cursor.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    band: Option<Band>,
    rows: Vec<Entry>,
    /// The place of the first row kept.
    offset: u64,
    total: Option<u64>,
    place: u64,
    asked: Option<(Band, Anchor)>,
    fresh: bool,
    /// The rows are there; only what is known beside them has changed.
    reread: bool,
    error: Option<String>,
    /// The row just before the window, where it was read on from there.
    before: Option<(Similarity, PointId)>,
    /// The window as a whole was asked for again.
    again: bool,
}

impl Window {
    pub(super) fn band(&self) -> Option<Band> {
        self.band
    }

    pub(super) fn total(&self) -> Option<u64> {
        self.total
    }

    pub(super) fn place(&self) -> u64 {
        self.place
    }

    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    pub(super) fn row(&self, place: u64) -> Option<&Entry> {
        self.rows.get(usize::try_from(place.checked_sub(self.offset)?).ok()?)
    }

    /// Another band: nothing is known of it.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// The table has changed.
    pub(super) fn stale(&mut self) {
        self.fresh = false;
    }

    /// What stands beside the rows has changed.
    pub(super) fn reread(&mut self) {
        self.reread = true;
    }

    pub(super) fn select(&mut self, place: u64) {
        self.place = place.min(self.last());
    }

    fn last(&self) -> u64 {
        self.total.unwrap_or(0).saturating_sub(1)
    }

    pub(super) fn go(&mut self, motion: Motion, page: u64) {
        self.place = match motion {
            Motion::Up => self.place.saturating_sub(1),
            Motion::Down => self.place + 1,
            Motion::PageUp => self.place.saturating_sub(page),
            Motion::PageDown => self.place + page,
            Motion::Top => 0,
            Motion::Bottom => self.last(),
            Motion::Left | Motion::Right => self.place,
        }
        .min(self.last());
    }

    /// What should be asked for next; one question at a time.
    pub(super) fn wanted(&mut self, band: Band, page: u64) -> Option<(Anchor, usize)> {
        if self.asked.is_some_and(|(asked, _)| asked == band) || self.error.is_some() && self.fresh {
            return None;
        }
        let end = self.offset + self.rows.len() as u64;
        let total = self.total.unwrap_or(0);
        let anchor = if self.band != Some(band) || !self.fresh && self.offset == 0 {
            Anchor::First
        } else if (!self.fresh || self.reread) && self.offset > 0 {
            // Deep in the list: it is read again from the row before the window on, or from its end.
            match self.before {
                Some((similarity, id)) => Anchor::After(similarity, id),
                None => Anchor::Last,
            }
        } else if self.place < self.offset || self.place >= end && total > 0 {
            // A jump: to one of the ends, for there is no key in between.
            if self.place + ASKED as u64 >= total {
                Anchor::Last
            } else {
                Anchor::First
            }
        } else if self.reread && self.offset == 0 {
            Anchor::First
        } else if end < total && self.place + page >= end {
            let (row, _) = self.rows.last()?;
            Anchor::After(row.similarity, row.id)
        } else if self.offset > 0 && self.place < self.offset + page {
            let (row, _) = self.rows.first()?;
            Anchor::Before(row.similarity, row.id)
        } else {
            return None;
        };
        self.again = (!self.fresh || self.reread) && self.offset > 0;
        self.fresh = true;
        self.reread = false;
        self.asked = Some((band, anchor));
        // Read again, the list must reach as far as the cursor.
        let limit = if anchor == Anchor::First {
            (self.place as usize + ASKED).min(KEPT)
        } else if self.again {
            self.rows.len().clamp(ASKED, KEPT)
        } else {
            ASKED
        };
        Some((anchor, limit))
    }

    pub(super) fn not_listed(&mut self, error: String) {
        self.asked = None;
        self.error = Some(error);
    }

    pub(super) fn listed(&mut self, band: Band, anchor: Anchor, total: u64, rows: Vec<Entry>) {
        if self.asked != Some((band, anchor)) {
            return;
        }
        self.asked = None;
        self.error = None;
        self.band = Some(band);
        self.total = Some(total);
        match anchor {
            Anchor::After(..) if std::mem::take(&mut self.again) => self.rows = rows,
            Anchor::First => {
                self.offset = 0;
                self.before = None;
                self.rows = rows;
                // What cannot be reached by reading on from here is not waited for.
                let reached = self.rows.len().saturating_sub(1) as u64;
                self.place = self.place.min(reached);
            }
            Anchor::Last => {
                self.again = false;
                self.before = None;
                self.offset = total.saturating_sub(rows.len() as u64);
                self.rows = rows;
            }
            Anchor::After(..) => {
                self.rows.extend(rows);
                let spare = self.rows.len().saturating_sub(KEPT);
                if let Some((row, _)) = spare.checked_sub(1).and_then(|last| self.rows.get(last)) {
                    self.before = Some((row.similarity, row.id));
                }
                self.rows.drain(..spare);
                self.offset += spare as u64;
            }
            Anchor::Before(..) => {
                let more = rows.len() as u64;
                // The row before these is not known; a window that is read again starts from an end.
                self.before = None;
                self.rows.splice(0..0, rows);
                self.rows.truncate(KEPT);
                // The table may have grown in front: then places move, never below zero.
                self.offset = self.offset.saturating_sub(more);
            }
        }
        // What the list holds decides where the total disagrees with it.
        let end = self.offset + self.rows.len() as u64;
        if end > total {
            self.total = Some(end);
        }
        self.place = self.place.min(self.last());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u64) -> Entry {
        let row = RankedRow {
            id: PointId::Num(n),
            similarity: Similarity::new(n as f32 / 10_000.0).expect("a number"),
            snippet: None,
        };
        (row, None)
    }

    /// A table of 5,000 rows that answers as LanceDB would.
    fn answer(window: &mut Window, page: u64) -> bool {
        let Some((anchor, limit)) = window.wanted(Band::ALL, page) else {
            return false;
        };
        let limit = limit as u64;
        let number = |id: PointId| match id {
            PointId::Num(n) => n,
            PointId::Uuid(_) => unreachable!("only numbers here"),
        };
        let range = match anchor {
            Anchor::First => 0..limit.min(5_000),
            Anchor::Last => 5_000 - limit..5_000,
            Anchor::After(_, id) => number(id) + 1..(number(id) + 1 + limit).min(5_000),
            Anchor::Before(_, id) => number(id).saturating_sub(limit)..number(id),
        };
        window.listed(Band::ALL, anchor, 5_000, range.map(entry).collect());
        true
    }

    #[test]
    fn walking_to_the_end_and_back_sees_every_row_at_its_place() {
        let mut window = Window::default();
        let mut seen = 0;
        for motion in [Motion::Down, Motion::Up] {
            for _ in 0..5_000 {
                while answer(&mut window, 20) {}
                let (row, _) = window.row(window.place()).expect("the row under the cursor is here");
                assert_eq!(row.id, PointId::Num(window.place()));
                assert!(window.rows.len() <= KEPT + ASKED);
                seen += 1;
                window.go(motion, 20);
            }
        }
        assert_eq!((seen, window.place()), (10_000, 0));
    }

    #[test]
    fn jumps_to_the_ends_and_pages() {
        let mut window = Window::default();
        for motion in [
            Motion::Top,
            Motion::Bottom,
            Motion::PageUp,
            Motion::PageUp,
            Motion::Top,
            Motion::PageDown,
        ] {
            window.go(motion, 20);
            while answer(&mut window, 20) {}
            let (row, _) = window.row(window.place()).expect("the row under the cursor is here");
            assert_eq!(row.id, PointId::Num(window.place()), "{motion:?}");
        }
        window.go(Motion::Bottom, 20);
        while answer(&mut window, 20) {}
        assert_eq!(window.place(), 4_999);
    }

    #[test]
    fn deep_in_the_list_it_is_read_again_around_the_cursor() {
        let mut window = Window::default();
        for _ in 0..2_000 {
            window.go(Motion::Down, 20);
            while answer(&mut window, 20) {}
        }
        let (offset, held, place) = (window.offset, window.rows.len(), window.place());
        assert!(offset > 0);
        window.reread();
        assert!(answer(&mut window, 20), "it is asked for again");
        assert_eq!((window.offset, window.rows.len()), (offset, held));
        assert_eq!(
            window.row(window.place()).map(|(row, _)| row.id),
            Some(PointId::Num(place))
        );
        assert!(!answer(&mut window, 20), "once");
    }

    #[test]
    fn an_error_is_shown_and_not_asked_for_ever() {
        let mut window = Window::default();
        assert!(window.wanted(Band::ALL, 20).is_some());
        assert!(window.wanted(Band::ALL, 20).is_none(), "one question at a time");
        window.not_listed("no".into());
        assert_eq!(window.error(), Some("no"));
        assert!(window.wanted(Band::ALL, 20).is_none());
        window.stale();
        assert!(
            window.wanted(Band::ALL, 20).is_some(),
            "asked again when something has changed"
        );
    }
}
