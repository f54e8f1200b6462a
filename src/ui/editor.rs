//! The content of a failed point, being mended.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};

use super::help::centered;
use super::prompt::input_line;
use super::text::fit;
use super::theme::Theme;
use crate::app::editor::{Editor, Text};

pub(super) fn render(frame: &mut Frame<'_>, editor: &Editor, theme: &Theme, area: Rect) {
    let several = matches!(editor.text, Text::Lines(_));
    let height = if several {
        area.height.saturating_sub(2).min(24)
    } else {
        5
    };
    let place = centered(area, area.width.saturating_sub(4).min(110), height);
    frame.render_widget(Clear, place);
    let changed = if editor.is_changed() { ", changed" } else { "" };
    let block = theme.pane_with(&format!("Content of {}{changed}", editor.id), true);
    let inner = block.inner(place);
    frame.render_widget(block, place);
    let [text, hint] = ratatui::layout::Layout::vertical([
        ratatui::layout::Constraint::Min(1),
        ratatui::layout::Constraint::Length(1),
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
    let words = if several {
        "Ctrl-S embeds it and retries; Esc leaves; the point in Qdrant stays as it is"
    } else {
        "Enter embeds it and retries; Alt-Enter begins a line; Esc leaves; Qdrant stays as it is"
    };
    let line = Line::styled(fit(words, hint.width as usize), theme.dim());
    frame.render_widget(Paragraph::new(line), hint);
}
