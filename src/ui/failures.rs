//! The Failures screen: the list, page by page from the journal, and what is open.

mod opened;
mod rows;
mod title;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};

use super::text::fit_ends;
use super::theme::Theme;
use crate::app::{App, SIDE_BY_SIDE};
use crate::point::PointId;
use crate::tasks::now_ms;

/// Where the list and the opened failure stand.
fn panes(app: &App, area: Rect) -> (Rect, Option<Rect>) {
    if app.failures.detail.is_none() && app.failures.opening().is_none() {
        return (area, None);
    }
    if area.width >= SIDE_BY_SIDE {
        let [list, side] = Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(area);
        (list, Some(side))
    } else {
        let [list, below] = Layout::vertical([Constraint::Length(8), Constraint::Min(0)]).areas(area);
        (list, Some(below))
    }
}

/// Where the list stands, without what is said above it while its rows are old.
pub(super) fn list_area(app: &App, area: Rect) -> Rect {
    let list = panes(app, area).0;
    let above = rows::above(app, list);
    Rect {
        y: list.y + above,
        height: list.height.saturating_sub(above),
        ..list
    }
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let (list, opened) = panes(app, area);
    rows::render(frame, app, theme, list, now_ms());
    match (opened, &app.failures.detail, app.failures.opening()) {
        (Some(area), Some(detail), _) => opened::render(frame, app, theme, area, detail),
        (Some(area), None, Some(id)) => opened::render_reading(frame, theme, area, id),
        _ => {}
    }
}

/// How many lines of the open failure lie below what is seen of it unscrolled; `None` where none is open.
pub(super) fn hidden(app: &App, theme: &Theme, area: Rect) -> Option<usize> {
    let detail = app.failures.detail.as_ref()?;
    let inner = theme.pane("").inner(panes(app, area).1?);
    let lines = opened::height(app, theme, detail, inner.width as usize);
    Some(lines.saturating_sub(inner.height as usize))
}

/// An id in as many columns as the list has for a short one.
fn short(id: PointId) -> String {
    fit_ends(&id.to_string(), rows::IDS[1])
}
