//! The latest failures, newest first.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::app::App;
use crate::point::PointId;
use crate::ui::text::fit;
use crate::ui::theme::Theme;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let block = theme.pane("Latest failures");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if app.latest.is_empty() {
        frame.render_widget(Paragraph::new("no failures in this run").style(theme.dim()), inner);
        return;
    }
    let width = inner.width as usize;
    let lines: Vec<Line<'_>> = app
        .latest
        .iter()
        .take(inner.height as usize)
        .map(|(id, failure)| {
            let text = format!(" {}: {failure}", failure.cause.as_str());
            Line::from(vec![
                Span::styled(format!("{:<10}", short(*id)), theme.accent()),
                Span::raw(fit(&text, width.saturating_sub(10))),
            ])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

/// An id in ten columns.
fn short(id: PointId) -> String {
    let text = id.to_string();
    if text.len() <= 10 {
        return text;
    }
    format!("{}..{}", &text[..4], &text[text.len() - 4..])
}
