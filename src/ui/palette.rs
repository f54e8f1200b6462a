//! The command palette over the screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};
use unicode_width::UnicodeWidthStr as _;

use super::list;
use super::overlay;
use super::prompt::input_line;
use super::text::{fit, wrap_to};
use super::theme::Theme;
use crate::app::App;
use crate::app::actions::Action;
use crate::app::palette::{Found, Palette};

/// Columns at most.
const WIDE: u16 = 90;
/// Columns of the names, with the blank behind them, and of the keys.
const COLUMNS: (usize, usize) = (20, 10);
/// Lines on which the selected action is told in full.
const IN_FULL: u16 = 2;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, palette: &Palette, theme: &Theme, area: Rect) {
    let place = overlay::place(area, WIDE, 20);
    frame.render_widget(Clear, place);
    let block = theme.pane_with("Commands", true);
    let inner = block.inner(place);
    frame.render_widget(block, place);
    let line = Rect { height: 1, ..inner };
    input_line(frame, theme, line, ": ", &palette.input);
    let rows = Rect {
        y: inner.y + 1,
        height: inner.height.saturating_sub(1 + IN_FULL),
        ..inner
    };
    let below = Rect {
        y: rows.bottom(),
        height: inner.bottom().saturating_sub(rows.bottom()),
        ..inner
    };
    if palette.found.is_empty() {
        frame.render_widget(Paragraph::new("no such action").style(theme.dim()), rows);
        return;
    }
    let height = u64::from(rows.height);
    let top = list::top(palette.selected as u64, palette.found.len() as u64, height) as usize;
    let lines: Vec<Line<'_>> = palette
        .found
        .iter()
        .enumerate()
        .skip(top)
        .take(height as usize)
        .map(|(place, found)| row(app, theme, found, place == palette.selected, inner.width as usize))
        .collect();
    frame.render_widget(Paragraph::new(lines), rows);
    if let Some(found) = palette.found.get(palette.selected) {
        let (text, _) = told(app, found.action);
        let text = wrap_to(&text, below.width as usize, below.height as usize);
        let lines: Vec<Line<'_>> = text.into_iter().map(Line::raw).collect();
        frame.render_widget(Paragraph::new(lines).style(theme.accent()), below);
    }
}

/// What an action does, behind where it belongs or why it is not now; and whether it can be done.
fn told(app: &App, action: &Action) -> (String, bool) {
    if !action.applies_to(app.screen) {
        return (format!("on {}: {}", action.where_it_is(), action.long), false);
    }
    match (action.available)(app) {
        Ok(()) => (action.long.to_owned(), true),
        Err(why) => (format!("not now: {why}. {}", action.long), false),
    }
}

fn row(app: &App, theme: &Theme, found: &Found, selected: bool, width: usize) -> Line<'static> {
    let action = found.action;
    let base = if selected { theme.selected() } else { Style::new() };
    let mut spans = Vec::new();
    // Names are ASCII: a letter's place is its character's.
    for (place, letter) in action.name.chars().enumerate() {
        let style = if found.letters.contains(&(place as u32)) {
            base.add_modifier(Modifier::UNDERLINED | Modifier::BOLD)
        } else {
            base
        };
        spans.push(Span::styled(letter.to_string(), style));
    }
    spans.push(Span::styled(
        " ".repeat(COLUMNS.0.saturating_sub(action.name.len())),
        base,
    ));
    let keys = app.keymap.keys(action).join(" ");
    let (name, wide) = COLUMNS;
    spans.push(Span::styled(format!("{keys:<wide$} "), theme.accent()));
    let (text, usable) = told(app, action);
    let style = if usable { Style::new() } else { theme.dim() };
    let used = name + 1 + keys.width().max(wide);
    spans.push(Span::styled(fit(&text, width.saturating_sub(used)), style));
    Line::from(spans)
}
