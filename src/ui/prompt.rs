//! One line asked of the operator, over the screen. Its keys are in the footer.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};
use tui_input::Input;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use super::overlay;
use super::text::{clean, fit, wrap, wrap_to};
use super::theme::Theme;
use crate::app::prompt::Prompt;

/// Columns at most.
const WIDE: u16 = 72;
/// Lines that an error takes at most.
const ERROR: usize = 3;

pub(super) fn render(frame: &mut Frame<'_>, prompt: &Prompt, theme: &Theme, area: Rect) {
    let width = overlay::width(area, WIDE).saturating_sub(2) as usize;
    let question = wrap(&prompt.question, width);
    let error = prompt
        .error
        .as_deref()
        .map_or_else(Vec::new, |error| wrap_to(error, width, ERROR));
    let height = question.len() + 3 + error.len().max(1);
    let place = overlay::place(area, WIDE, height as u16);
    frame.render_widget(Clear, place);
    let block = theme.pane_with(&prompt.title, true);
    let inner = block.inner(place);
    frame.render_widget(block, place);
    let rows = question.len() as u16;
    frame.render_widget(
        Paragraph::new(question.into_iter().map(Line::raw).collect::<Vec<_>>()),
        inner,
    );
    if inner.height <= rows {
        return;
    }
    let line = Rect {
        y: inner.y + rows,
        height: 1,
        ..inner
    };
    input_line(frame, theme, line, "> ", &prompt.input);
    let below = Rect {
        y: line.bottom(),
        height: inner.bottom().saturating_sub(line.bottom()),
        ..inner
    };
    let error: Vec<Line<'_>> = error.into_iter().map(Line::raw).collect();
    frame.render_widget(Paragraph::new(error).style(theme.bad()), below);
}

/// A line that is being typed, scrolled so that the cursor is seen: reversed, as it is in a text of several lines.
/// Measured in columns, cut between clusters.
pub(super) fn input_line(frame: &mut Frame<'_>, theme: &Theme, area: Rect, sign: &str, input: &Input) {
    let column = still_line(frame, theme, area, sign, input);
    if area.width > 0 && area.height > 0 {
        let place = (column.min(area.right().saturating_sub(1)), area.y);
        if let Some(cell) = frame.buffer_mut().cell_mut(place) {
            cell.set_style(theme.selected());
        }
    }
}

/// The same while no key goes there, so without the cursor; answers where that would be.
pub(super) fn still_line(frame: &mut Frame<'_>, theme: &Theme, area: Rect, sign: &str, input: &Input) -> u16 {
    let room = (area.width as usize).saturating_sub(sign.len() + 1);
    let before: String = clean(&input.value().chars().take(input.cursor()).collect::<String>());
    let after: String = clean(&input.value().chars().skip(input.cursor()).collect::<String>());
    let mut head = String::new();
    let mut used = 0;
    for cluster in before.graphemes(true).rev() {
        if used + cluster.width() > room {
            break;
        }
        used += cluster.width();
        head.insert_str(0, cluster);
    }
    let shown = format!("{head}{}", fit(&after, room.saturating_sub(used)));
    let line = Line::from(vec![Span::styled(sign.to_owned(), theme.accent()), Span::raw(shown)]);
    frame.render_widget(Paragraph::new(line), area);
    area.x + (sign.len() + used) as u16
}
