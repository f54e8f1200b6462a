//! The Divergence screen: bins of the histogram to walk through, the threshold, the points of the chosen bin worst first,
//! and one point opened. Holds a window of rows, never the whole list.

mod bins;
mod marks;
mod room;
mod window;

use std::collections::{BTreeMap, BTreeSet};

use super::actions::Motion;
use crate::journal::{Decided, Decision};
use crate::lance::browse::{Anchor, Band, RankedRow};
use crate::point::{Histogram, PointId, Similarity};
use crate::tasks::TaskCommand;
use crate::tasks::inspect::{Agreement, PointDetail};

pub use bins::Bin;
use bins::Zoom;
pub(crate) use bins::bins_of;
use window::Window;

/// Lines that an opened point can be scrolled; where it ends, only the layout knows.
const MOST_SCROLL: u16 = 2_000;

/// Which pane the keys go to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pane {
    /// The histogram.
    Bins,
    /// The points of a bin.
    Points,
    /// The opened point.
    Detail,
}

/// Something that was asked of the work.
#[derive(Debug, Clone, PartialEq)]
pub enum Asked<T> {
    /// Not yet.
    No,
    /// Not answered yet.
    Waiting,
    /// Answered.
    Here(T),
    /// It cannot be answered.
    Failed(String),
}

/// The screen's state.
#[derive(Debug, Clone)]
pub struct Divergence {
    /// Which pane the keys go to.
    pub pane: Pane,
    /// Whether counts are drawn logarithmically.
    pub logarithmic: bool,
    zoom: Zoom,
    /// The chosen bin; `None` is all of them.
    chosen_bin: Option<Band>,
    window: Window,
    /// The marked points with their similarities: another bin may be listed.
    marked: BTreeMap<PointId, Option<Similarity>>,
    /// The opened point.
    pub detail: Asked<Box<PointDetail>>,
    opening: Option<PointId>,
    /// The point that was to be opened last, whether it is here, being read, or cannot be.
    named: Option<PointId>,
    /// Lines that the opened point is scrolled down.
    pub scroll: u16,
    /// How far the stores agree about neighbours.
    pub agreement: Asked<Agreement>,
    /// Decisions that are being carried out, side by side, each with the points that it was asked for.
    deciding: Vec<(Decision, BTreeSet<PointId>)>,
    /// Whether the two spaces can be compared; else the list is of every row.
    compares: bool,
    page: u64,
    /// Whether an opened point stands beside the list; else the keys cannot leave it.
    beside: bool,
}

impl Default for Divergence {
    fn default() -> Self {
        Self::new()
    }
}

impl Divergence {
    /// Nothing known yet.
    pub fn new() -> Self {
        Self {
            pane: Pane::Bins,
            logarithmic: true,
            zoom: Zoom::default(),
            chosen_bin: None,
            window: Window::default(),
            marked: BTreeMap::new(),
            detail: Asked::No,
            opening: None,
            named: None,
            scroll: 0,
            agreement: Asked::No,
            deciding: Vec::new(),
            compares: true,
            page: 16,
            beside: true,
        }
    }

    /// Whether the two spaces can be compared, so that rows have similarities.
    pub(super) fn compares(&mut self, compares: bool) {
        self.compares = compares;
    }

    /// The chosen bin; `None` is all of them.
    pub fn chosen_bin(&self) -> Option<Band> {
        self.chosen_bin
    }

    /// What the list is about.
    pub fn band(&self) -> Band {
        let all = if self.compares { Band::ALL } else { Band::EVERY };
        self.chosen_bin.unwrap_or(all)
    }

    /// How many points the band has, once the table has said.
    pub fn total(&self) -> Option<u64> {
        self.window.total().filter(|_| self.window.band() == Some(self.band()))
    }

    /// The selected row's place.
    pub fn place(&self) -> u64 {
        self.window.place()
    }

    /// The row at a place, where it is in the window.
    pub fn row(&self, place: u64) -> Option<&(RankedRow, Option<Decided>)> {
        self.total()?;
        self.window.row(place)
    }

    /// Why the list cannot be read.
    pub fn error(&self) -> Option<&str> {
        self.window.error()
    }

    /// The selected point: the opened one, where it has the keys, else the one in the list.
    pub fn selected(&self) -> Option<PointId> {
        if self.pane == Pane::Detail {
            return self.opened();
        }
        self.selected_row().map(|(row, _)| row.id)
    }

    /// The selected row of the list. None where it is not here, or another has come into its place.
    pub fn selected_row(&self) -> Option<&(RankedRow, Option<Decided>)> {
        self.total()?;
        self.window.selected()
    }

    /// The point that the opened pane is about: the one that is here, that is being read, or that cannot be.
    pub fn opened(&self) -> Option<PointId> {
        match &self.detail {
            Asked::No => None,
            Asked::Here(detail) => Some(detail.id),
            Asked::Waiting | Asked::Failed(_) => self.named,
        }
    }

    /// The marked points, else the selected one.
    pub fn chosen(&self) -> Vec<PointId> {
        if self.marked.is_empty() || self.pane == Pane::Detail {
            self.selected().into_iter().collect()
        } else {
            self.marked.keys().copied().collect()
        }
    }

    /// Whether `Enter` has something to open, or to ask for once more.
    pub fn can_open(&self) -> bool {
        self.pane == Pane::Bins || self.selected().is_some() || self.error().is_some()
    }

    /// Whether the keys can go to another pane.
    pub fn has_panes(&self) -> bool {
        self.beside || matches!(self.detail, Asked::No)
    }

    /// Whether what is acted on is the opened point alone, and Qdrant has no vector of it.
    pub fn lacks_source_vector(&self) -> bool {
        matches!(&self.detail, Asked::Here(detail) if detail.qdrant.is_none() && self.chosen() == [detail.id])
    }

    /// Whether a decision about a point is being carried out.
    pub fn is_deciding(&self, id: PointId) -> bool {
        self.deciding.iter().any(|(_, ids)| ids.contains(&id))
    }

    /// Whether any decision is being carried out.
    pub fn is_at_work(&self) -> bool {
        !self.deciding.is_empty()
    }

    pub(super) fn resize(&mut self, rows: u16, beside: bool) {
        self.beside = beside;
        if !beside && self.detail != Asked::No {
            self.pane = Pane::Detail;
        }
        self.page = u64::from(rows).saturating_sub(8).max(1);
    }

    pub(super) fn go(&mut self, motion: Motion, histogram: &Histogram, threshold: f32) {
        match self.pane {
            Pane::Bins => self.walk(motion, &self.bins(histogram, threshold)),
            Pane::Points => match motion {
                Motion::Left => self.pane = Pane::Bins,
                Motion::Right => {}
                _ => self.window.go(motion, self.page),
            },
            Pane::Detail => {
                self.scroll = match motion {
                    Motion::Up => self.scroll.saturating_sub(1),
                    Motion::Down => (self.scroll + 1).min(MOST_SCROLL),
                    Motion::PageUp => self.scroll.saturating_sub(self.page.min(100) as u16),
                    Motion::PageDown => (self.scroll + self.page.min(100) as u16).min(MOST_SCROLL),
                    Motion::Top => 0,
                    Motion::Bottom => MOST_SCROLL,
                    Motion::Left | Motion::Right => self.scroll,
                };
            }
        }
    }

    /// Walks through the bins; above the first stands the choice of all.
    fn walk(&mut self, motion: Motion, bins: &[Bin]) {
        let place = self.place_of_chosen(bins).map_or(0, |place| place + 1);
        let place = match motion {
            Motion::Up => place.saturating_sub(1),
            Motion::Down => (place + 1).min(bins.len()),
            Motion::PageUp | Motion::Top => 0,
            Motion::PageDown | Motion::Bottom => bins.len(),
            Motion::Right => {
                self.pane = Pane::Points;
                place
            }
            Motion::Left => place,
        };
        self.choose(
            place
                .checked_sub(1)
                .and_then(|place| bins.get(place))
                .map(|bin| bin.band),
        );
    }

    /// The place of the chosen bin. While rows come in, the bins may be cut anew: then that of the one it lies in.
    fn place_of_chosen(&self, bins: &[Bin]) -> Option<usize> {
        let chosen = self.chosen_bin?;
        let middle = f32::midpoint(chosen.from, chosen.to.min(1.0));
        bins.iter().position(|bin| bin.band == chosen).or_else(|| {
            bins.iter()
                .position(|bin| bin.band.from <= middle && middle < bin.band.to)
        })
    }

    fn choose(&mut self, band: Option<Band>) {
        if band != self.chosen_bin {
            self.chosen_bin = band;
            self.window.forget();
        }
    }

    /// A click on a bin, counted from the top; 0 is all of them.
    pub(super) fn click_bin(&mut self, row: usize, histogram: &Histogram, threshold: f32) {
        self.pane = Pane::Bins;
        let bins = self.bins(histogram, threshold);
        let band = row.checked_sub(1).and_then(|row| bins.get(row)).map(|bin| bin.band);
        self.choose(band);
    }

    /// A click on a row of the list.
    pub(super) fn click_row(&mut self, place: u64) {
        self.pane = Pane::Points;
        self.window.select(place);
    }

    pub(super) fn next_pane(&mut self, back: bool) {
        let open = !matches!(self.detail, Asked::No);
        if open && !self.beside {
            return;
        }
        let panes: &[Pane] = if open {
            &[Pane::Bins, Pane::Points, Pane::Detail]
        } else {
            &[Pane::Bins, Pane::Points]
        };
        let place = panes.iter().position(|pane| *pane == self.pane).unwrap_or(0);
        let step = if back { panes.len() - 1 } else { 1 };
        self.pane = panes[(place + step) % panes.len()];
    }

    pub(super) fn zoom(&mut self, deeper: bool, histogram: &Histogram, threshold: f32) {
        if deeper {
            if let Some(bin) = self.chosen_bin {
                self.zoom.split(bin);
            }
        } else {
            self.zoom.out();
        }
        // The chosen bin may no longer be drawn; then all are meant.
        let bins = self.bins(histogram, threshold);
        let drawn = bins.iter().any(|bin| Some(bin.band) == self.chosen_bin);
        if !drawn {
            self.choose(None);
        }
    }

    /// Whether bins are drawn more finely than at first.
    pub fn is_zoomed(&self) -> bool {
        self.zoom.is_deep()
    }

    /// `Enter`: from a bin to its points, from a point to its detail.
    pub(super) fn open(&mut self) -> Option<PointId> {
        if self.error().is_some() {
            // Read once more: nothing may have changed that would have it asked for by itself.
            self.window.stale();
        }
        if self.pane == Pane::Bins {
            self.pane = Pane::Points;
            return None;
        }
        let id = self.selected()?;
        self.inspect(id);
        Some(id)
    }

    /// A point is to be opened, or read again.
    pub(super) fn inspect(&mut self, id: PointId) {
        self.opening = Some(id);
        self.named = Some(id);
        if !matches!(&self.detail, Asked::Here(detail) if detail.id == id) {
            self.detail = Asked::Waiting;
            self.scroll = 0;
        }
        self.pane = Pane::Detail;
    }

    pub(super) fn inspected(&mut self, detail: Box<PointDetail>) {
        if self.opening == Some(detail.id) {
            self.opening = None;
            self.detail = Asked::Here(detail);
        }
    }

    pub(super) fn not_inspected(&mut self, id: PointId, error: String) {
        if self.opening == Some(id) {
            self.opening = None;
            self.detail = Asked::Failed(error);
        }
    }

    /// Whether there is a step back.
    pub fn can_go_back(&self) -> bool {
        let is_measured = self.compares && self.agreement != Asked::No;
        let is_in_points = self.detail != Asked::No || !self.marked.is_empty() || self.pane == Pane::Points;
        is_in_points || is_measured || self.zoom.is_deep() || self.chosen_bin.is_some()
    }

    /// One step back; answers whether there was one.
    pub(super) fn back(&mut self) -> bool {
        if self.detail != Asked::No {
            self.detail = Asked::No;
            self.opening = None;
            self.pane = Pane::Points;
        } else if !self.marked.is_empty() {
            self.marked.clear();
        } else if self.pane == Pane::Points {
            self.pane = Pane::Bins;
        } else if self.compares && self.agreement != Asked::No {
            // It takes room from the bins; where there are none, nothing else stands there.
            self.agreement = Asked::No;
        } else if self.zoom.is_deep() {
            self.zoom.out();
            self.choose(None);
        } else if self.chosen_bin.is_some() {
            self.choose(None);
        } else {
            return false;
        }
        true
    }

    /// A decision was asked for.
    pub(super) fn asked(&mut self, decision: Decision, ids: &[PointId]) {
        self.deciding.push((decision, ids.iter().copied().collect()));
        for id in ids {
            self.marked.remove(id);
        }
    }

    /// A decision that was asked for came to its end, carried out for these points. Others may be under way still.
    pub(super) fn decided(&mut self, decision: Decision, asked: &[PointId], points: &[PointId]) -> Option<PointId> {
        let asked = (decision, asked.iter().copied().collect::<BTreeSet<_>>());
        if let Some(place) = self.deciding.iter().position(|under_way| *under_way == asked) {
            self.deciding.remove(place);
        }
        // An accepted row stays where it is; a row that was made anew may lie elsewhere.
        if decision != Decision::Accepted || points.is_empty() {
            self.window.stale();
        } else {
            self.window.reread();
        }
        match &self.detail {
            Asked::Here(detail) if points.contains(&detail.id) => {
                self.opening = Some(detail.id);
                self.named = self.opening;
                self.opening
            }
            _ => None,
        }
    }

    pub(super) fn stale(&mut self) {
        self.window.stale();
    }

    pub(super) fn listed(&mut self, band: Band, anchor: Anchor, total: u64, rows: Vec<(RankedRow, Option<Decided>)>) {
        if band == self.band() {
            self.know_marked(&rows);
            self.window.listed(band, anchor, total, rows);
        }
    }

    pub(super) fn not_listed(&mut self, band: Band, error: String) {
        if band == self.band() {
            self.window.not_listed(error);
        }
    }

    /// The page that should be asked for, where what is seen is not there or not fresh.
    pub(super) fn wanted(&mut self) -> Option<TaskCommand> {
        let band = self.band();
        let (anchor, limit) = self.window.wanted(band, self.page)?;
        Some(TaskCommand::ListDivergent { band, anchor, limit })
    }
}
