//! The Failures screen: the list, page by page from the journal, and what is open.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use tui_input::Input;

use super::text::{age, count, fit, pad, wrap};
use super::theme::Theme;
use crate::app::App;
use crate::journal::FailureRow;
use crate::tasks::{FailureDetail, now_ms};

/// Below this width the open failure stands under the list, not beside it.
const SIDE_BY_SIDE: u16 = 100;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let (list, detail) = match &app.failures.detail {
        None => (area, None),
        Some(detail) if area.width >= SIDE_BY_SIDE => {
            let [list, side] = Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(area);
            (list, Some((side, detail)))
        }
        Some(detail) => {
            let [list, below] = Layout::vertical([Constraint::Length(8), Constraint::Min(0)]).areas(area);
            (list, Some((below, detail)))
        }
    };
    render_list(frame, app, theme, list, now_ms());
    if let Some((area, detail)) = detail {
        render_detail(frame, theme, area, detail);
    }
}

fn render_list(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, now: i64) {
    let failures = &app.failures;
    let mut title = format!("Failures: {}", count(failures.total()));
    if failures.marked() > 0 {
        title.push_str(&format!(", {} marked", count(failures.marked() as u64)));
    }
    let block = theme.pane(&title);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [filter, heading, rows] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(1), Constraint::Min(0)]).areas(inner);
    render_filter(frame, app, theme, filter);
    let width = inner.width as usize;
    let id_width = if width >= 90 { 36 } else { 14 };
    let columns = format!(
        "  {:<id_width$} {:<12} {:<13} {:>3} {:>4} error",
        "id", "state", "cause", "try", "age"
    );
    frame.render_widget(Paragraph::new(fit(&columns, width)).style(theme.dim()), heading);
    if failures.total() == 0 {
        frame.render_widget(Paragraph::new(nothing(app)).style(theme.dim()), rows);
        return;
    }
    let height = u64::from(rows.height);
    // The selected row stays in the middle, but for the ends.
    let top = failures
        .place()
        .saturating_sub(height / 2)
        .min(failures.total().saturating_sub(height));
    let lines: Vec<Line<'_>> = (top..(top + height).min(failures.total()))
        .map(|place| {
            let Some(row) = failures.row(place) else {
                return Line::styled("  ...", theme.dim());
            };
            let text = line_of(app, row, id_width, now);
            let style = if place == failures.place() {
                theme.selected()
            } else {
                ratatui::style::Style::new()
            };
            Line::styled(pad(&text, width), style)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), rows);
}

fn line_of(app: &App, row: &FailureRow, id_width: usize, now: i64) -> String {
    let mark = if app.failures.is_marked(row.id) { '*' } else { ' ' };
    format!(
        "{mark} {} {:<12} {:<13} {:>3} {:>4} {}",
        pad(&row.id.to_string(), id_width),
        app.failures.state_of(row),
        row.cause.as_str(),
        row.attempts,
        age(now - row.last_at),
        row.error
    )
}

/// Why the list is empty.
fn nothing(app: &App) -> String {
    let failures = &app.failures;
    if app.facts.is_none() {
        return "the job is not open yet".into();
    }
    if !failures.is_loaded() {
        return "reading the journal ...".into();
    }
    if failures.filter() == crate::journal::Filter::default() {
        "no failures".into()
    } else {
        format!(
            "0 of {}, Esc clears the filter",
            count(app.snapshot.failed + app.snapshot.skipped)
        )
    }
}

fn render_filter(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    if let Some(input) = &app.failures.typing {
        input_line(frame, theme, area, input);
        return;
    }
    let filter = app.failures.filter();
    let text = match (filter.cause, filter.text) {
        (Some(cause), _) => format!("class {}   (Esc clears)", cause.as_str()),
        (None, Some(text)) => format!("holds {text:?}   (Esc clears)"),
        (None, None) => "all; / filters by id, class or message".into(),
    };
    frame.render_widget(Paragraph::new(fit(&text, area.width as usize)).style(theme.dim()), area);
}

fn input_line(frame: &mut Frame<'_>, theme: &Theme, area: Rect, input: &Input) {
    let scroll = input.visual_scroll((area.width as usize).saturating_sub(3));
    let shown: String = input.value().chars().skip(scroll).collect();
    let line = Line::from(vec![
        Span::styled("/ ", theme.accent()),
        Span::raw(fit(&shown, (area.width as usize).saturating_sub(2))),
    ]);
    frame.render_widget(Paragraph::new(line), area);
    let column = input.visual_cursor().saturating_sub(scroll) as u16;
    frame.set_cursor_position((area.x + 2 + column.min(area.width.saturating_sub(3)), area.y));
}

fn render_detail(frame: &mut Frame<'_>, theme: &Theme, area: Rect, detail: &FailureDetail) {
    let block = theme.pane(&format!("Point {}", detail.row.id));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = inner.width as usize;
    let mut lines: Vec<Line<'_>> = Vec::new();
    lines.push(Line::styled(
        fit(
            &format!("{}, {} attempts", detail.row.cause.as_str(), detail.row.attempts),
            width,
        ),
        theme.warn(),
    ));
    for text in wrap(&detail.row.error, width) {
        lines.push(Line::raw(text));
    }
    if let Some(reason) = &detail.row.reason {
        lines.push(Line::raw(fit(&format!("skipped: {reason}"), width)));
    }
    lines.push(Line::styled("attempts", theme.accent()));
    let now = now_ms();
    for attempt in detail.attempts.iter().rev().take(5) {
        let text = format!(
            "{} ago  {}: {}",
            age(now - attempt.at),
            attempt.cause.as_str(),
            attempt.error
        );
        lines.push(Line::raw(fit(&text, width)));
    }
    lines.push(Line::styled("payload in Qdrant now", theme.accent()));
    match &detail.payload {
        Ok(payload) => {
            let text = serde_json::to_string_pretty(payload).unwrap_or_default();
            lines.extend(wrap(&text, width).into_iter().map(Line::raw));
        }
        Err(error) => lines.push(Line::styled(fit(error, width), theme.bad())),
    }
    frame.render_widget(Paragraph::new(lines), inner);
}
