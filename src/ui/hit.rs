//! What the mouse meant: from a place on the screen to a tab, a row or a bin. Uses the same layout as the drawing.

use crossterm::event::{MouseButton, MouseEvent, MouseEventKind};
use ratatui::layout::{Position, Rect};

use super::{chrome, diff, divergence, failures, list, migrate, regions, search, verify};
use crate::app::actions::Motion;
use crate::app::search::Pane;
use crate::app::{App, Mouse, Screen};
use crate::tasks::verify::CheckId;

/// What a mouse event means on a screen of this size; `None` where it means nothing.
pub fn hit(app: &App, area: Rect, event: MouseEvent) -> Option<Mouse> {
    let place = Position::new(event.column, event.row);
    match event.kind {
        MouseEventKind::ScrollDown => return Some(Mouse::Wheel(Motion::Down)),
        MouseEventKind::ScrollUp => return Some(Mouse::Wheel(Motion::Up)),
        MouseEventKind::Down(MouseButton::Left) => {}
        _ => return None,
    }
    let [_, tabs, body, _] = regions(area);
    if tabs.contains(place) {
        return chrome::tab_at(app, tabs, event.column).map(Mouse::Tab);
    }
    match app.screen {
        // Before a run and where none could begin there are no failures, and nothing to click on.
        Screen::Migrate => migrate::latest_at(app, body, place).map(Mouse::Row),
        Screen::Failures => {
            let list = failures::list_area(app, body);
            row(list, 3, app.failures.place(), app.failures.total(), place).map(Mouse::Row)
        }
        Screen::Divergence => {
            let panes = divergence::panes(app, body);
            if let Some(area) = panes.bins.and_then(|area| divergence::bins_area(app, area)) {
                let bins = app.divergence.bins(&app.snapshot.similarities, app.threshold);
                let hidden = divergence::bins::hidden(app, area.height.saturating_sub(2) as usize, &bins);
                let shown = (bins.len() - hidden) as u64;
                // The first line is the choice of all.
                if let Some(row) = row(area, 1, 0, u64::MAX, place).filter(|row| *row <= shown) {
                    return Some(Mouse::Bin(if row == 0 { 0 } else { row as usize + hidden }));
                }
            }
            let total = app.divergence.total().unwrap_or(0);
            row(panes.points?, 2, app.divergence.place(), total, place).map(Mouse::Row)
        }
        Screen::Diff => {
            let (list, _) = diff::panes(app, body);
            let total = app.diff.list().len() as u64;
            row(list?, 1, app.diff.place() as u64, total, place).map(Mouse::Row)
        }
        Screen::Search => {
            let [left, right] = search::panes(app, body)?;
            let clicked = |area, pane| {
                let total = app.search.hits(pane).len() as u64;
                row(area, 2, app.search.place(pane) as u64, total, place)
            };
            // Qdrant's results are counted behind LanceDB's.
            let above = app.search.hits(Pane::Lancedb).len() as u64;
            let clicked = clicked(left, Pane::Lancedb).or_else(|| Some(above + clicked(right, Pane::Qdrant)?));
            clicked.map(Mouse::Row)
        }
        Screen::Verify => {
            let panes = verify::panes(app, body)?;
            let checks = CheckId::ALL.len() as u64;
            if let Some(area) = panes.checks {
                let above = verify::checks::above(panes.framed);
                if let Some(row) = row(area, above, app.verify.place() as u64, checks, place) {
                    return Some(Mouse::Row(row));
                }
            }
            // The offenders of the selected check are counted behind the checks.
            let total = app.verify.offenders().len() as u64;
            let row = row(panes.offenders?, 1, app.verify.offender() as u64, total, place)?;
            Some(Mouse::Row(checks + row))
        }
        Screen::Log => None,
    }
}

/// The place in a list of the row that was clicked; `above` lines of the pane are no rows, the border included.
fn row(area: Rect, above: u16, selected: u64, total: u64, place: Position) -> Option<u64> {
    let rows = Rect {
        x: area.x + 1,
        y: area.y + above,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(above + 1),
    };
    if !rows.contains(place) {
        return None;
    }
    let top = if total == u64::MAX {
        0
    } else {
        list::top(selected, total, u64::from(rows.height))
    };
    let clicked = top + u64::from(place.y - rows.y);
    (clicked < total).then_some(clicked)
}
