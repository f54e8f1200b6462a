//! The Failures screen: the list, page by page from the journal, and what is open.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::json;
use super::list;
use super::paint;
use super::prompt::input_line;
use super::text::{age, count, fit, pad, wrap_to};
use super::theme::Theme;
use crate::app::{App, SIDE_BY_SIDE};
use crate::journal::FailureRow;
use crate::tasks::{FailureDetail, now_ms};

/// Lines of a payload that are counted: further than that nobody scrolls.
const COUNTED: usize = 20_000;

/// Where the list and the opened failure stand.
fn panes(app: &App, area: Rect) -> (Rect, Option<Rect>) {
    if app.failures.detail.is_none() {
        return (area, None);
    }
    if area.width >= SIDE_BY_SIDE {
        let [list, side] = Layout::horizontal([Constraint::Percentage(50), Constraint::Percentage(50)]).areas(area);
        (list, Some(side))
    } else {
        let [list, below] = Layout::vertical([Constraint::Length(8), Constraint::Min(0)]).areas(area);
        (list, Some(below))
    }
}

/// Where the list stands.
pub(super) fn list_area(app: &App, area: Rect) -> Rect {
    panes(app, area).0
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let (list, opened) = panes(app, area);
    render_list(frame, app, theme, list, now_ms());
    if let (Some(area), Some(detail)) = (opened, &app.failures.detail) {
        render_detail(frame, app, theme, area, detail);
    }
}

fn render_list(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, now: i64) {
    let failures = &app.failures;
    let mut title = format!("Failures: {}, {}", count(failures.total()), failures.sort().label());
    if failures.marked() > 0 {
        title.push_str(&format!(", {} marked", count(failures.marked() as u64)));
    }
    let focused = !failures.in_detail;
    let block = theme.pane_with(&title, focused);
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
    let top = list::top(failures.place(), failures.total(), height);
    let lines: Vec<Line<'_>> = (top..(top + height).min(failures.total()))
        .map(|place| {
            let Some(row) = failures.row(place) else {
                return Line::styled("  ...", theme.dim());
            };
            let text = line_of(app, row, id_width, now);
            let style = match (place == failures.place(), focused) {
                (true, true) => theme.selected(),
                (true, false) => theme.selected_elsewhere(),
                (false, _) => ratatui::style::Style::new(),
            };
            Line::styled(pad(&text, width), style)
        })
        .collect();
    paint::lines(frame, rows, &lines);
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
    if let Some(error) = &failures.error {
        return format!("the journal cannot be read: {error}");
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
        input_line(frame, theme, area, "/ ", input);
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

fn render_detail(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, detail: &FailureDetail) {
    let block = theme.pane_with(&format!("Point {}", detail.row.id), app.failures.in_detail);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (width, height) = (inner.width as usize, inner.height as usize);
    // Error and payload may be of any size: only the lines that are seen are made.
    let scroll = app.failures.scroll as usize;
    let head = heading(theme, detail, width, scroll + height);
    let above = head.len();
    let mut lines: Vec<Line<'_>> = head.into_iter().skip(scroll).collect();
    let room = height.saturating_sub(lines.len());
    match &detail.payload {
        Ok(payload) => {
            let shown = json::lines(payload, scroll.saturating_sub(above), room, width);
            lines.extend(shown.iter().map(|line| Line::raw(fit(line, width))));
        }
        Err(error) => lines.push(Line::styled(fit(error, width), theme.bad())),
    }
    paint::lines(frame, inner, &lines);
}

/// How many lines of the open failure lie below what is seen of it unscrolled; `None` where none is open.
pub(super) fn hidden(app: &App, theme: &Theme, area: Rect) -> Option<usize> {
    let detail = app.failures.detail.as_ref()?;
    let inner = theme.pane("").inner(panes(app, area).1?);
    let payload = match &detail.payload {
        Ok(payload) => json::height(payload, COUNTED),
        Err(_) => 1,
    };
    let lines = heading(theme, detail, inner.width as usize, usize::MAX).len() + payload;
    Some(lines.saturating_sub(inner.height as usize))
}

/// Everything above the payload; of a long error no more than `most` lines.
fn heading(theme: &Theme, detail: &FailureDetail, width: usize, most: usize) -> Vec<Line<'static>> {
    let now = now_ms();
    let attempts = match detail.row.attempts {
        1 => "1 attempt".to_owned(),
        many => format!("{many} attempts"),
    };
    let mut lines = vec![Line::styled(
        fit(&format!("{}, {attempts}", detail.row.cause.as_str()), width),
        theme.warn(),
    )];
    lines.extend(
        wrap_to(&json::cut(&detail.row.error, 4_000), width, most)
            .into_iter()
            .map(Line::raw),
    );
    if let Some(reason) = &detail.row.reason {
        lines.push(Line::raw(fit(&format!("skipped: {reason}"), width)));
    }
    if let Some(edit) = &detail.edit {
        let text = format!("edited {} ago: {}", age(now - edit.at), json::cut(&edit.after, 200));
        lines.push(Line::styled(fit(&text, width), theme.accent()));
    }
    lines.push(Line::styled("attempts", theme.accent()));
    for attempt in detail.attempts.iter().rev().take(20) {
        let text = format!(
            "{} ago  {}: {}",
            age(now - attempt.at),
            attempt.cause.as_str(),
            attempt.error
        );
        lines.push(Line::raw(fit(&text, width)));
    }
    lines.push(Line::styled("payload in Qdrant now", theme.accent()));
    lines
}
