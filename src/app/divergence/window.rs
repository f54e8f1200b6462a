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
    /// Who is selected: rows that come in between move its place, not the choice.
    selected: Option<PointId>,
    /// Another stands in its place now, and it is not among the rows; nobody is selected until the cursor is moved.
    lost: bool,
    asked: Option<(Band, Anchor)>,
    fresh: bool,
    /// The rows are there; only what is known beside them has changed.
    reread: bool,
    error: Option<String>,
    /// The row just before the window, where it was read on from there.
    before: Option<(Option<Similarity>, PointId)>,
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

    /// The selected row, where it is here.
    pub(super) fn selected(&self) -> Option<&Entry> {
        self.row(self.place).filter(|_| !self.lost)
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
        self.choose();
    }

    /// What is under the cursor is selected.
    fn choose(&mut self) {
        self.selected = self.row(self.place).map(|(row, _)| row.id);
        self.lost = false;
    }

    /// Goes where the selected row stands now.
    fn find_again(&mut self) {
        let here = self.row(self.place).map(|(row, _)| row.id);
        let Some(id) = self.selected.filter(|_| !self.rows.is_empty()) else {
            self.choose();
            return;
        };
        let found = self.rows.iter().position(|(row, _)| row.id == id);
        if here == Some(id) {
            self.lost = false;
        } else if let Some(found) = found {
            self.place = self.offset + found as u64;
            self.lost = false;
        } else {
            // Where no row is here yet, it may be among those that are still to come.
            self.lost = here.is_some();
        }
    }

    fn last(&self) -> u64 {
        self.total.unwrap_or(0).saturating_sub(1)
    }

    pub(super) fn go(&mut self, motion: Motion, page: u64) {
        self.place = match motion {
            Motion::Up => self.place.saturating_sub(1),
            // What came into the place of a row that is gone has not been looked at.
            Motion::Down if self.lost => self.place,
            Motion::Down => self.place + 1,
            Motion::PageUp => self.place.saturating_sub(page),
            Motion::PageDown => self.place + page,
            Motion::Top => 0,
            Motion::Bottom => self.last(),
            Motion::Left | Motion::Right => return,
        }
        .min(self.last());
        self.choose();
    }

    /// What should be asked for next; one question at a time.
    pub(super) fn wanted(&mut self, band: Band, page: u64) -> Option<(Anchor, usize)> {
        if self.asked.is_some_and(|(asked, _)| asked == band) || self.error.is_some() && self.fresh {
            return None;
        }
        let renewed = !self.fresh || self.reread;
        let (anchor, limit) = if self.band != Some(band) || renewed && self.offset == 0 {
            (Anchor::First, self.reach_of_first())
        } else if renewed {
            // Deep in the list: it is read again from the row before the window on, or from its end.
            let anchor = match self.before {
                Some((similarity, id)) => Anchor::After(similarity, id),
                None => Anchor::Last,
            };
            (anchor, self.rows.len().clamp(ASKED, KEPT))
        } else {
            self.on(page)?
        };
        self.again = renewed && self.offset > 0;
        self.fresh = true;
        self.reread = false;
        self.asked = Some((band, anchor));
        Some((anchor, limit))
    }

    /// As many rows from the first on as reach the cursor.
    fn reach_of_first(&self) -> usize {
        (self.place as usize + ASKED).min(KEPT)
    }

    /// Where to read on, so that the rows around the cursor are here: from the edge of the window, or from the end of the
    /// list that is nearer to it. Keys may be far ahead of the answers: as often as it takes.
    fn on(&self, page: u64) -> Option<(Anchor, usize)> {
        let end = self.offset + self.rows.len() as u64;
        let total = self.total.unwrap_or(0);
        let limit = |rows: u64| (rows.saturating_add(page).min(KEPT as u64) as usize).max(ASKED);
        let (Some((first, _)), Some((last, _))) = (self.rows.first(), self.rows.last()) else {
            // What was read again may have gone from there.
            return (self.offset > 0).then_some((Anchor::Last, ASKED));
        };
        if self.place >= end && end < total {
            let (missing, behind) = (self.place - end, total - self.place);
            return Some(if behind <= missing || behind <= ASKED as u64 {
                (Anchor::Last, limit(behind))
            } else {
                (Anchor::After(last.similarity, last.id), limit(missing + 1))
            });
        }
        if self.place < self.offset {
            let missing = self.offset - self.place;
            return Some(if self.place <= missing {
                (Anchor::First, self.reach_of_first())
            } else {
                (Anchor::Before(first.similarity, first.id), limit(missing))
            });
        }
        if end < total && self.place + page >= end {
            Some((Anchor::After(last.similarity, last.id), ASKED))
        } else if self.offset > 0 && self.place < self.offset + page {
            Some((Anchor::Before(first.similarity, first.id), ASKED))
        } else {
            None
        }
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
        let more = rows.len() as u64;
        // Nothing lies beyond that edge, whatever was counted: or it would be asked for without end.
        let mut whole = false;
        match anchor {
            Anchor::After(..) if std::mem::take(&mut self.again) => self.rows = rows,
            Anchor::First => {
                self.again = false;
                self.offset = 0;
                self.before = None;
                self.rows = rows;
            }
            Anchor::Last => {
                self.again = false;
                self.before = None;
                whole = more == 0;
                self.offset = if whole { 0 } else { total.saturating_sub(more) };
                self.rows = rows;
            }
            Anchor::After(..) => {
                whole = more == 0;
                self.rows.extend(rows);
                let spare = self.rows.len().saturating_sub(KEPT);
                if let Some((row, _)) = spare.checked_sub(1).and_then(|last| self.rows.get(last)) {
                    self.before = Some((row.similarity, row.id));
                }
                self.rows.drain(..spare);
                self.offset += spare as u64;
            }
            Anchor::Before(..) => {
                // The row before these is not known; a window that is read again starts from an end.
                self.before = None;
                self.rows.splice(0..0, rows);
                self.rows.truncate(KEPT);
                // The table may have grown in front: then places move, never below zero.
                self.offset = if more == 0 { 0 } else { self.offset.saturating_sub(more) };
            }
        }
        // What the list holds decides where the total disagrees with it.
        let end = self.offset + self.rows.len() as u64;
        if end > total || whole {
            self.total = Some(end);
        }
        self.place = self.place.min(self.last());
        self.find_again();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u64) -> Entry {
        let row = RankedRow {
            id: PointId::Num(n),
            similarity: Similarity::new(n as f32 / 10_000.0),
            snippet: None,
        };
        (row, None)
    }

    fn number(id: PointId) -> u64 {
        match id {
            PointId::Num(n) => n,
            PointId::Uuid(_) => unreachable!("only numbers here"),
        }
    }

    /// A table of these points, in this order, that answers as LanceDB would.
    fn answer_of(window: &mut Window, page: u64, table: &[u64]) -> bool {
        let Some((anchor, limit)) = window.wanted(Band::ALL, page) else {
            return false;
        };
        assert!(limit <= KEPT, "{limit} rows at once");
        let all = table.len();
        // The first that is not before it.
        let place = |id: PointId| table.partition_point(|n| *n < number(id));
        let range = match anchor {
            Anchor::First => 0..limit.min(all),
            Anchor::Last => all.saturating_sub(limit)..all,
            Anchor::After(_, id) => {
                let from = table.partition_point(|n| *n <= number(id));
                from..(from + limit).min(all)
            }
            Anchor::Before(_, id) => place(id).saturating_sub(limit)..place(id),
        };
        let rows = table[range].iter().copied().map(entry).collect();
        window.listed(Band::ALL, anchor, all as u64, rows);
        true
    }

    /// The same of 5,000 rows, each its own place.
    fn answer(window: &mut Window, page: u64) -> bool {
        let table: Vec<u64> = (0..5_000).collect();
        answer_of(window, page, &table)
    }

    fn selected(window: &Window) -> Option<u64> {
        window.selected().map(|(row, _)| number(row.id))
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
    fn keys_that_are_ahead_of_the_answers_go_where_they_say() {
        use Motion::{Bottom, Down, PageDown, PageUp, Top};
        for (before, motion, count, place) in [
            (&[][..], PageDown, 60, 1_200),
            (&[PageDown; 80], PageDown, 60, 2_800),
            (&[PageDown; 80], Down, 900, 2_500),
            (&[Bottom], PageUp, 90, 3_199),
            (&[Bottom, Top], PageDown, 30, 600),
            (&[PageDown; 200], PageUp, 80, 2_400),
        ] {
            let mut window = Window::default();
            while answer(&mut window, 20) {}
            for motion in before {
                window.go(*motion, 20);
                while answer(&mut window, 20) {}
            }
            // The question that the first of them asks is answered once all are through.
            for _ in 0..count {
                window.go(motion, 20);
            }
            let mut questions = 0;
            while answer(&mut window, 20) {
                questions += 1;
                assert!(questions < 20, "{before:?} {motion:?}");
            }
            assert_eq!(
                (window.place(), selected(&window)),
                (place, Some(place)),
                "{before:?} {motion:?}"
            );
        }
    }

    #[test]
    fn the_selected_row_is_found_again_where_it_stands_now() {
        let table = |new: &[u64]| -> Vec<u64> {
            let mut table: Vec<u64> = (1..=60).map(|n| n * 10).collect();
            table.extend(new);
            table.sort_unstable();
            table
        };
        let mut window = Window::default();
        while answer_of(&mut window, 20, &table(&[])) {}
        window.select(6);
        assert_eq!(selected(&window), Some(70));
        // Three come in before it.
        window.stale();
        assert_eq!(selected(&window), Some(70), "until it is read again");
        while answer_of(&mut window, 20, &table(&[1, 2, 35])) {}
        assert_eq!((window.place(), selected(&window)), (9, Some(70)));
        // They are gone.
        window.stale();
        while answer_of(&mut window, 20, &table(&[])) {}
        assert_eq!((window.place(), selected(&window)), (6, Some(70)));
        // It is gone itself: nobody is chosen in its place, until the cursor is moved.
        let mut without = table(&[]);
        without.remove(6);
        for (motion, place, id) in [
            (Motion::Down, 6, 80),
            (Motion::Up, 5, 60),
            (Motion::PageDown, 26, 280),
            (Motion::Top, 0, 10),
        ] {
            let mut window = window.clone();
            window.stale();
            while answer_of(&mut window, 20, &without) {}
            assert_eq!((window.place(), selected(&window)), (6, None));
            // A row that comes back is the same.
            let mut back = window.clone();
            back.stale();
            while answer_of(&mut back, 20, &table(&[])) {}
            assert_eq!(selected(&back), Some(70));
            window.go(motion, 20);
            assert_eq!((window.place(), selected(&window)), (place, Some(id)), "{motion:?}");
        }
    }

    #[test]
    fn what_was_counted_and_is_not_there_is_not_asked_for_without_end() {
        let table: Vec<u64> = (0..300).collect();
        let mut window = Window::default();
        let mut questions = 0;
        for _ in 0..30 {
            window.go(Motion::PageDown, 20);
            while let Some((anchor, limit)) = window.wanted(Band::ALL, 20) {
                let range = match anchor {
                    Anchor::First => 0..limit,
                    Anchor::After(_, id) => number(id) as usize + 1..300,
                    Anchor::Last | Anchor::Before(..) => unreachable!("{anchor:?} is not nearer"),
                };
                let rows = table[range].iter().copied().map(entry).collect();
                // More than there are.
                window.listed(Band::ALL, anchor, 310, rows);
                questions += 1;
                assert!(questions < 10, "{anchor:?}");
            }
        }
        assert_eq!((window.total(), window.place()), (Some(300), 299));
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
