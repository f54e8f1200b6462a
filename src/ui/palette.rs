//! The command palette over the screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};
use unicode_width::UnicodeWidthStr as _;

use super::help::centered;
use super::list;
use super::prompt::input_line;
use super::text::fit;
use super::theme::Theme;
use crate::app::App;
use crate::app::palette::{Found, Palette};

pub(super) fn render(frame: &mut Frame<'_>, app: &App, palette: &Palette, theme: &Theme, area: Rect) {
    let place = centered(area, area.width.saturating_sub(4).min(90), area.height.min(18));
    frame.render_widget(Clear, place);
    let block = theme.pane_with("Commands", true);
    let inner = block.inner(place);
    frame.render_widget(block, place);
    let line = Rect { height: 1, ..inner };
    input_line(frame, theme, line, ": ", &palette.input);
    let rows = Rect {
        y: inner.y + 1,
        height: inner.height.saturating_sub(1),
        ..inner
    };
    if palette.found.is_empty() {
        frame.render_widget(Paragraph::new("no such action on this screen").style(theme.dim()), rows);
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
}

fn row(app: &App, theme: &Theme, found: &Found, selected: bool, width: usize) -> Line<'static> {
    let action = found.action;
    let base = if selected {
        theme.selected()
    } else {
        ratatui::style::Style::new()
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
    spans.push(Span::styled(
        " ".repeat(22_usize.saturating_sub(action.name.len())),
        base,
    ));
    let keys = app.keymap.keys(action).join(" ");
    spans.push(Span::styled(format!("{keys:<11} "), theme.accent()));
    let text = match (action.available)(app) {
        Ok(()) => action.long.to_owned(),
        Err(why) => format!("not now: {why}"),
    };
    let used = 22 + 1 + keys.width().max(11);
    spans.push(Span::styled(fit(&text, width.saturating_sub(used)), theme.dim()));
    Line::from(spans)
}
