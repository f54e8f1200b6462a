//! The content of a failed point, being mended.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::{Clear, Paragraph};

use super::overlay;
use super::prompt::input_line;
use super::text::fit;
use super::theme::Theme;
use crate::app::App;
use crate::app::editor::{Editor, Text};

/// Columns at most.
const WIDE: u16 = 110;
/// Rows of several lines, and of one, with the frame and the hint.
const HIGH: u16 = 24;
const LOW: u16 = 5;
/// Rows of the screen above it and below it that are too few to be read.
const ORPHANS: u16 = 2;

/// How many rows it takes of so many: all of them, where next to nothing would be left.
fn height(wanted: u16, rows: u16) -> u16 {
    if rows <= wanted + 2 * ORPHANS { rows } else { wanted }
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, editor: &Editor, theme: &Theme, area: Rect) {
    let wanted = match editor.text {
        Text::Lines(_) => HIGH,
        Text::Line(_) => LOW,
    };
    let place = overlay::place(area, WIDE, height(wanted, area.height));
    // Above it stays in sight whose content it is, and why it failed.
    let place = Rect {
        y: area.bottom() - place.height,
        ..place
    };
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
    // What is to be mended; the footer names the keys.
    let failed = app.failures.detail.as_ref().map(|detail| &detail.row);
    let cause = failed.filter(|row| row.id == editor.id).map(|row| row.cause.as_str());
    let cause = cause.map_or_else(String::new, |cause| format!("{cause}; "));
    let words = fit(
        &format!("{cause}the point in Qdrant stays as it is"),
        hint.width as usize,
    );
    frame.render_widget(Paragraph::new(Line::styled(words, theme.dim())), hint);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_row_or_two_of_the_screen_are_left() {
        for (wanted, rows, takes) in [
            (HIGH, 13, 13),
            (HIGH, 21, 21),
            (HIGH, 28, 28),
            (HIGH, 29, 24),
            (HIGH, 57, 24),
            (LOW, 13, 5),
        ] {
            assert_eq!(height(wanted, rows), takes, "{wanted} of {rows}");
        }
    }
}
