//! A question before something dangerous. Its keys are in the footer.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::overlay;
use super::text::wrap;
use super::theme::Theme;
use crate::app::confirm::Confirm;

/// Columns at most.
const WIDE: u16 = 72;
/// Columns before what a choice says: its letter.
const BEFORE: usize = 3;

pub(super) fn render(frame: &mut Frame<'_>, confirm: &Confirm, theme: &Theme, area: Rect) {
    let width = overlay::width(area, WIDE).saturating_sub(2) as usize;
    let mut lines: Vec<Line<'_>> = wrap(&confirm.question, width).into_iter().map(Line::raw).collect();
    lines.push(Line::raw(""));
    for (index, (label, letter, choice)) in confirm.choices.iter().enumerate() {
        let style = if choice.deletes() { theme.bad() } else { Style::new() };
        let style = if index == confirm.selected {
            style.patch(theme.selected())
        } else {
            style
        };
        for (row, part) in wrap(label, width.saturating_sub(BEFORE + 2)).into_iter().enumerate() {
            let before = if row == 0 { *letter } else { ' ' };
            lines.push(Line::from(vec![
                Span::styled(format!("{before}  "), theme.accent()),
                Span::styled(format!(" {part} "), style),
            ]));
        }
    }
    let place = overlay::place(area, WIDE, lines.len() as u16 + 2);
    frame.render_widget(Clear, place);
    let block = theme.pane_with(confirm.title, true).border_style(theme.warn());
    let inner = block.inner(place);
    frame.render_widget(block, place);
    frame.render_widget(Paragraph::new(lines), inner);
}
