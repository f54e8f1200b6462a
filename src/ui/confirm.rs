//! A question before something dangerous.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::help::centered;
use super::text::wrap;
use super::theme::Theme;
use crate::app::confirm::Confirm;

pub(super) fn render(frame: &mut Frame<'_>, confirm: &Confirm, theme: &Theme, area: Rect) {
    let width = area.width.saturating_sub(4).min(72);
    let question = wrap(&confirm.question, width.saturating_sub(4) as usize);
    let height = question.len() as u16 + confirm.choices.len() as u16 + 3;
    let place = centered(area, width, height);
    frame.render_widget(Clear, place);
    let block = theme.pane("Sure?").border_style(theme.warn());
    let inner = block.inner(place);
    frame.render_widget(block, place);
    let mut lines: Vec<Line<'_>> = question.into_iter().map(Line::raw).collect();
    lines.push(Line::raw(""));
    for (index, (label, letter, _)) in confirm.choices.iter().enumerate() {
        let style = if index == confirm.selected {
            theme.selected()
        } else {
            ratatui::style::Style::new()
        };
        lines.push(Line::from(vec![
            Span::styled(format!("{letter}  "), theme.accent()),
            Span::styled(format!(" {label} "), style),
        ]));
    }
    frame.render_widget(Paragraph::new(lines), inner);
}
