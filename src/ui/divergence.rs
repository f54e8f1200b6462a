//! The Divergence screen.
//!
//! ```text
//! +- Similarity -------+- Points of the bin, worst first ----------+
//! | bins, threshold    | id  similarity  decided  content          |
//! |                    +- Point 42 --------------------------------+
//! |                    | content, vectors, neighbours side by side |
//! +--------------------+-------------------------------------------+
//! ```
//! Below 100 columns the opened point takes the whole body; from 160 on the bins have longer bars.

mod agreement;
pub(super) mod bins;
pub(super) mod detail;
mod points;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};

use super::theme::Theme;
use crate::app::divergence::{Asked, Pane};
use crate::app::{App, SIDE_BY_SIDE};

/// From this width on the bins have longer bars.
const WIDE: u16 = 160;

/// Where the panes stand.
pub(super) struct Panes {
    pub(super) bins: Option<Rect>,
    pub(super) points: Option<Rect>,
    pub(super) detail: Option<Rect>,
}

pub(super) fn panes(app: &App, area: Rect) -> Panes {
    let open = app.divergence.detail != Asked::No;
    let wide = area.width >= SIDE_BY_SIDE;
    if open && !wide {
        return Panes {
            bins: None,
            points: None,
            detail: Some(area),
        };
    }
    let left = match area.width {
        WIDE.. => 64,
        SIDE_BY_SIDE.. => 44,
        _ => 36,
    };
    let [bins, right] = Layout::horizontal([Constraint::Length(left), Constraint::Min(0)]).areas(area);
    if !open {
        return Panes {
            bins: Some(bins),
            points: Some(right),
            detail: None,
        };
    }
    let [points, detail] = Layout::vertical([Constraint::Percentage(35), Constraint::Percentage(65)]).areas(right);
    Panes {
        bins: Some(bins),
        points: Some(points),
        detail: Some(detail),
    }
}

/// The bins above, the agreement below.
fn shared(app: &App, area: Rect) -> [Rect; 2] {
    let below = Constraint::Length(app.divergence.agreement_lines());
    Layout::vertical([Constraint::Min(0), below]).areas(area)
}

/// Where the bins themselves stand, where there are any.
pub(super) fn bins_area(app: &App, area: Rect) -> Option<Rect> {
    let comparable = app.facts.as_ref().is_none_or(|facts| facts.comparable.is_ok());
    match (comparable, &app.divergence.agreement) {
        (false, _) => None,
        (true, Asked::No) => Some(area),
        (true, _) => Some(shared(app, area)[0]),
    }
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let panes = panes(app, area);
    let comparable = app.facts.as_ref().is_none_or(|facts| facts.comparable.is_ok());
    if let Some(area) = panes.bins {
        let focused = app.divergence.pane == Pane::Bins;
        // Measured on request, the agreement stands below; where nothing can be compared, it takes all of it.
        match (comparable, &app.divergence.agreement) {
            (true, Asked::No) => bins::render(frame, app, theme, area, focused),
            (true, _) => {
                let [top, bottom] = shared(app, area);
                bins::render(frame, app, theme, top, focused);
                agreement::render(frame, app, theme, bottom, None);
            }
            (false, _) => {
                let why = app.facts.as_ref().and_then(|facts| facts.comparable.as_ref().err());
                agreement::render(frame, app, theme, area, why.map(String::as_str));
            }
        }
    }
    if let Some(area) = panes.points {
        points::render(frame, app, theme, area);
    }
    if let Some(area) = panes.detail {
        detail::render(frame, app, theme, area);
    }
}
