//! The content of a failed point, being mended.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};

use super::overlay;
use super::prompt::input_line;
use super::text::wrap_to;
use super::theme::Theme;
use crate::app::editor::{Editor, Text};

/// Columns at most.
const WIDE: u16 = 110;
/// Lines that what the keys do takes at most.
const HINTS: usize = 2;

pub(super) fn render(frame: &mut Frame<'_>, editor: &Editor, theme: &Theme, area: Rect) {
    let several = matches!(editor.text, Text::Lines(_));
    let words = if several {
        "Ctrl-S embeds it and retries; Esc leaves; the point in Qdrant stays as it is"
    } else {
        "Enter embeds it and retries; Alt-Enter begins a line; Esc leaves; Qdrant stays as it is"
    };
    let hints = wrap_to(words, overlay::width(area, WIDE).saturating_sub(2) as usize, HINTS);
    let rows = hints.len() as u16;
    let height = if several {
        area.height.saturating_sub(2).min(24)
    } else {
        rows + 4
    };
    let place = overlay::place(area, WIDE, height);
    frame.render_widget(Clear, place);
    let changed = if editor.is_changed() { ", changed" } else { "" };
    let block = theme.pane_with(&format!("Content of {}{changed}", editor.id), true);
    let inner = block.inner(place);
    frame.render_widget(block, place);
    let [text, hint] = ratatui::layout::Layout::vertical([
        ratatui::layout::Constraint::Min(1),
        ratatui::layout::Constraint::Length(rows),
    ])
    .areas(inner);
    match &editor.text {
        Text::Line(input) => input_line(
            frame,
            theme,
            Rect {
                height: text.height.min(1),
                ..text
            },
            "> ",
            input,
        ),
        Text::Lines(area) => frame.render_widget(&**area, text),
    }
    let lines: Vec<Line<'_>> = hints.into_iter().map(|line| Line::styled(line, theme.dim())).collect();
    frame.render_widget(Paragraph::new(lines), hint);
}
