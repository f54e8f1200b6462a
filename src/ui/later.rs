//! Screens whose work is not there yet: their places and their keys are.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::text::wrap;
use super::theme::Theme;
use crate::app::Screen;

pub(super) fn render(frame: &mut Frame<'_>, screen: Screen, theme: &Theme, area: Rect) {
    let block = theme.pane(screen.title());
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let text = match screen {
        Screen::Verify => {
            "Nothing has been verified. This qlance cannot verify yet; until it can, Diff (4) compares samples of both \
             stores, and Divergence (2) their vectors and neighbours."
        }
        _ => "There is nothing here yet.",
    };
    let lines: Vec<Line<'_>> = wrap(text, inner.width as usize).into_iter().map(Line::raw).collect();
    frame.render_widget(Paragraph::new(lines).style(theme.dim()), inner);
}
