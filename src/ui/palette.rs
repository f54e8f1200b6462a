//! The command palette over the screen. Its keys are in the footer.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};
use unicode_width::UnicodeWidthStr as _;

use super::list;
use super::overlay;
use super::prompt::input_line;
use super::text::{columns, pad, wrap_to};
use super::theme::Theme;
use crate::app::App;
use crate::app::actions::{ACTIONS, Action};
use crate::app::palette::{Found, Palette};

/// Columns at most: as wide as help, for the same sentences.
const WIDE: u16 = 116;
/// Columns of the names, with the blank behind them, and of the keys.
const COLUMNS: (usize, usize) = (20, 10);
/// Lines on which the selected action is told in full, where its row cuts it.
const IN_FULL: u16 = 2;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, palette: &Palette, theme: &Theme, area: Rect) {
    let total = palette.found.len();
    // What is typed, and that nothing fits it or what does, with the selected one in full.
    let wanted = if total == 0 { 2 } else { 1 + total as u16 + IN_FULL };
    let place = overlay::hung(area, WIDE, wanted + 2);
    frame.render_widget(Clear, place);
    let title = match total {
        0 => "Commands".to_owned(),
        total => format!("Commands: {} of {total}", palette.selected + 1),
    };
    let block = theme.pane_with(&title, true);
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
    if total == 0 {
        let line = Rect {
            height: inner.height.saturating_sub(1).min(1),
            ..rows
        };
        let text = format!("0 of {}; Esc closes", ACTIONS.len());
        frame.render_widget(Paragraph::new(text).style(theme.dim()), line);
        return;
    }
    let height = u64::from(rows.height);
    let top = list::top(palette.selected as u64, total as u64, height) as usize;
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
        if columns(&text) > room(app, found.action, inner.width as usize) {
            let text = wrap_to(&text, below.width as usize, below.height as usize);
            let lines: Vec<Line<'_>> = text.into_iter().map(Line::raw).collect();
            frame.render_widget(Paragraph::new(lines).style(theme.accent()), below);
        }
    }
}

/// What an action does, behind where it belongs or why it is not now; and whether it can be done.
fn told(app: &App, action: &Action) -> (String, bool) {
    let sentence = action.sentence_on(app.screen);
    if !action.applies_to(app.screen) {
        return (format!("on {}: {sentence}", action.where_it_is()), false);
    }
    match (action.available)(app) {
        Ok(()) => (sentence, true),
        Err(why) => (format!("not now: {why}. {sentence}"), false),
    }
}

/// Columns that a row of so many has for what an action does.
fn room(app: &App, action: &Action, width: usize) -> usize {
    let (name, keys) = COLUMNS;
    let written = app.keymap.keys(action).join(" ");
    width.saturating_sub(name + 1 + written.width().max(keys))
}

/// A row, from edge to edge: dim where the action cannot be done now, its keys too.
fn row(app: &App, theme: &Theme, found: &Found, selected: bool, width: usize) -> Line<'static> {
    let action = found.action;
    let (text, usable) = told(app, action);
    let lit = |style: Style| {
        if selected { style.patch(theme.selected()) } else { style }
    };
    let (base, of_keys) = if usable {
        (lit(Style::new()), lit(theme.accent()))
    } else {
        (lit(theme.dim()), lit(theme.dim()))
    };
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
    let (name, wide) = COLUMNS;
    spans.push(Span::styled(" ".repeat(name.saturating_sub(action.name.len())), base));
    let keys = app.keymap.keys(action).join(" ");
    spans.push(Span::styled(format!("{keys:<wide$} "), of_keys));
    spans.push(Span::styled(pad(&text, room(app, action, width)), base));
    Line::from(spans)
}
