//! The latest failures, newest first; a long one goes on below where lines are left.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::app::App;
use crate::point::{Failure, PointId};
use crate::ui::text::{fit, wrap_to};
use crate::ui::theme::Theme;

/// Columns of an id, and a blank.
const ID: usize = 11;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let block = theme.pane("Latest failures");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    if app.latest.is_empty() {
        frame.render_widget(Paragraph::new("no failures in this run").style(theme.dim()), inner);
        return;
    }
    let mut lines: Vec<Line<'_>> = Vec::new();
    for ((id, _), texts) in app.latest.iter().zip(seen(app, inner)) {
        for (place, text) in texts.into_iter().enumerate() {
            let head = if place == 0 { short(*id) } else { String::new() };
            lines.push(Line::from(vec![
                Span::styled(format!("{head:<ID$}"), theme.accent()),
                Span::raw(text),
            ]));
        }
    }
    frame.render_widget(Paragraph::new(lines), inner);
}

/// The failure that is drawn at a place in the pane, counted from the newest.
pub(super) fn at(app: &App, area: Rect, place: Position) -> Option<u64> {
    let inner = Rect {
        x: area.x + 1,
        y: area.y + 1,
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
    };
    if !inner.contains(place) {
        return None;
    }
    let clicked = usize::from(place.y - inner.y);
    let mut below = 0;
    let failure = seen(app, inner).iter().position(|texts| {
        below += texts.len();
        clicked < below
    })?;
    Some(failure as u64)
}

/// The lines of every failure that is seen: one of each, and more of a long one as far as there are lines to spare.
fn seen(app: &App, inner: Rect) -> Vec<Vec<String>> {
    let height = usize::from(inner.height);
    let room = usize::from(inner.width).saturating_sub(ID);
    let mut spare = height.saturating_sub(app.latest.len());
    let mut seen = Vec::new();
    for (_, failure) in app.latest.iter().take(height) {
        let lines = lines(failure, room, 1 + spare);
        spare -= lines.len().saturating_sub(1);
        seen.push(lines);
    }
    seen
}

/// A failure in at least one line and at most so many.
fn lines(failure: &Failure, room: usize, most: usize) -> Vec<String> {
    let text = format!("{}: {failure}", failure.cause.as_str());
    // On one line, for a line break of the server's would spend one; and no more than can be seen.
    let text = fit(&text, room.saturating_mul(most));
    if most == 1 {
        return vec![text];
    }
    let mut lines = wrap_to(&text, room, most + 1);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            // The sign of the cut has a column of its own.
            *last = format!("{}~", fit(last, room.saturating_sub(1)).trim_end_matches('~'));
        }
    }
    lines
}

/// An id in ten columns.
fn short(id: PointId) -> String {
    let text = id.to_string();
    if text.len() <= 10 {
        return text;
    }
    format!("{}..{}", &text[..4], &text[text.len() - 4..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::Cause;
    use crate::ui::text::columns;

    #[test]
    fn a_failure_takes_as_many_lines_as_hold_it_and_no_more_than_it_may() {
        let failure = |message: &str| Failure::new(Cause::NotText, message);
        for (message, room, most, wanted) in [
            ("a list", 20, 3, &["not_text: a list"][..]),
            ("a list\nof two", 30, 3, &["not_text: a list of two"]),
            ("the field is a list", 12, 9, &["not_text:", "the field is", "a list"]),
            ("the field is a list", 12, 2, &["not_text:", "the field ~"]),
            ("the field is a list", 12, 1, &["not_text: t~"]),
        ] {
            assert_eq!(
                lines(&failure(message), room, most),
                wanted,
                "{message:?} {room} {most}"
            );
        }
        let endless = failure(&"word ".repeat(1_000));
        for (room, most) in [(0, 1), (0, 3), (1, 2), (2, 2), (10, 4), (10, 1)] {
            let lines = lines(&endless, room, most);
            assert!((1..=most).contains(&lines.len()), "{lines:?}");
            assert!(lines.iter().all(|line| columns(line) <= room.max(1)), "{lines:?}");
        }
    }
}
