//! Help for the screen that is shown, from the registry of actions.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Clear;

use super::paint;
use super::text::{fit, pad};
use super::theme::Theme;
use crate::app::App;
use crate::app::actions::{self, ActionId, Motion};

/// Columns of the keys.
const KEYS: usize = 23;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, scroll: u16) {
    let rows = rows(app);
    let place = place(area, rows.len());
    frame.render_widget(Clear, place);
    let block = theme.pane(&format!(
        "Help: {} (Up and Down scroll, Esc closes)",
        app.screen.title()
    ));
    let inner = block.inner(place);
    frame.render_widget(block, place);
    let skip = (scroll as usize).min(rows.len().saturating_sub(inner.height as usize));
    let lines: Vec<Line<'_>> = rows
        .iter()
        .skip(skip)
        .take(inner.height as usize)
        .map(|(keys, text, usable)| {
            let style = if *usable {
                ratatui::style::Style::new()
            } else {
                theme.dim()
            };
            Line::from(vec![
                Span::styled(pad(keys, KEYS), theme.accent()),
                Span::styled(fit(text, (inner.width as usize).saturating_sub(KEYS)), style),
            ])
        })
        .collect();
    paint::lines(frame, inner, &lines);
}

/// Where so many rows stand.
fn place(area: Rect, rows: usize) -> Rect {
    let height = (rows as u16 + 2).min(area.height);
    centered(area, area.width.saturating_sub(4).min(116), height)
}

/// How many rows lie below what is seen of them unscrolled.
pub(super) fn hidden(app: &App, theme: &Theme, area: Rect) -> usize {
    let rows = rows(app).len();
    rows.saturating_sub(theme.pane("").inner(place(area, rows)).height as usize)
}

/// Keys, text and whether it can be used now; ways through a list share a line, and so do the screens.
fn rows(app: &App) -> Vec<(String, String, bool)> {
    let mut rows: Vec<(String, String, bool)> = Vec::new();
    let (mut motions, mut screens) = (None, None);
    for action in actions::on(app.screen) {
        let shared = match action.id {
            ActionId::Move(Motion::Left | Motion::Right) => None,
            ActionId::Move(_) => Some((&mut motions, "Move in the list.")),
            ActionId::Show(_) => Some((&mut screens, "Show a screen.")),
            _ => None,
        };
        if let Some((place, text)) = shared {
            let row = *place.get_or_insert_with(|| {
                rows.push((String::new(), text.to_owned(), true));
                rows.len() - 1
            });
            // The first key of each: the others are a matter of habit.
            rows[row].0.push_str(&app.keymap.first(action));
            rows[row].0.push(' ');
            continue;
        }
        let why = (action.available)(app).err();
        let text = match why {
            Some(why) => format!("{} (not now: {why})", action.long),
            None => action.long.to_owned(),
        };
        rows.push((app.keymap.keys(action).join(" "), text, why.is_none()));
    }
    rows
}

pub(super) fn centered(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}
