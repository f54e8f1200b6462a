//! The Failures screen: the list, page by page from the journal, and what is open.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::chrome::key_of;
use super::json;
use super::list;
use super::paint;
use super::prompt::input_line;
use super::text::{age, count, fit, pad, wrap, wrap_to};
use super::theme::Theme;
use crate::app::actions::ActionId;
use crate::app::{App, SIDE_BY_SIDE};
use crate::journal::{Edit, FailureRow, State};
use crate::point::{Cause, PointId, counted};
use crate::tasks::{FailureDetail, now_ms};

/// Lines of a payload that are counted: further than that nobody scrolls.
const COUNTED: usize = 20_000;
/// Attempts of an opened failure that are shown, the latest first.
const ATTEMPTS: usize = 20;
/// Characters of an error that are shown; the journal keeps no more.
const MOST_OF_AN_ERROR: usize = 4_000;
/// Columns of a cause in the list, unless a longer one is seen.
const CAUSE: usize = 13;
/// What can be typed into the filter beside a text.
const HINT: &str = "cause:NAME TEXT filters by both";

/// Where the list and the opened failure stand.
fn panes(app: &App, area: Rect) -> (Rect, Option<Rect>) {
    if app.failures.detail.is_none() && app.failures.opening().is_none() {
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
    match (opened, &app.failures.detail, app.failures.opening()) {
        (Some(area), Some(detail), _) => render_detail(frame, app, theme, area, detail),
        (Some(area), None, Some(id)) => render_reading(frame, theme, area, id),
        _ => {}
    }
}

fn render_list(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, now: i64) {
    let failures = &app.failures;
    let focused = !failures.in_detail;
    let block = theme.pane_with(&fitting(&title(app), area), focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let [filter, heading, rows] =
        Layout::vertical([Constraint::Length(1), Constraint::Length(1), Constraint::Min(0)]).areas(inner);
    render_filter(frame, app, theme, filter);
    let width = inner.width as usize;
    let height = u64::from(rows.height);
    let top = list::top(failures.place(), failures.total(), height);
    let places = top..(top + height).min(failures.total());
    let id_width = if width >= 90 { 36 } else { 14 };
    let causes = places.clone().filter_map(|place| failures.row(place));
    let cause_width = causes.map(|row| row.cause.as_str().len()).max().unwrap_or(0).max(CAUSE);
    let columns = format!(
        "  {:<id_width$} {:<12} {:<cause_width$} {:>3} {:>4} error",
        "id", "state", "cause", "try", "age"
    );
    frame.render_widget(Paragraph::new(fit(&columns, width)).style(theme.dim()), heading);
    if failures.total() == 0 {
        let paragraphs = nothing(app, theme);
        let lines = paragraphs.iter().flat_map(|(text, style)| {
            let lines = wrap(text, width).into_iter();
            lines.map(move |line| Line::styled(line, *style))
        });
        frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), rows);
        return;
    }
    let lines: Vec<Line<'_>> = places
        .map(|place| {
            let Some(row) = failures.row(place) else {
                return Line::styled("  ...", theme.dim());
            };
            let text = line_of(app, row, (id_width, cause_width), now);
            let style = match (place == failures.place(), focused) {
                (true, true) => theme.selected(),
                (true, false) => theme.selected_elsewhere(),
                (false, _) => Style::new(),
            };
            Line::styled(pad(&text, width), style)
        })
        .collect();
    paint::lines(frame, rows, &lines);
}

/// What is listed, and of that what has failed: skipped points and those that a retry brought in are listed too. Until
/// the journal has said, no number.
fn title(app: &App) -> String {
    let failures = &app.failures;
    let mut title = "Failures".to_owned();
    if failures.is_current() {
        title.push_str(&format!(": {} listed", count(failures.total())));
        if failures.total() > 0 {
            title.push_str(&format!(", {} failed", count(failures.retryable())));
        }
    }
    if failures.marked() > 0 {
        title.push_str(&format!(", {} marked", count(failures.marked() as u64)));
    }
    let hidden = failures.hidden_marks() as u64;
    if hidden > 0 {
        title.push_str(&format!(", {} hidden by the filter", count(hidden)));
    }
    if let Some((ended, points)) = failures.progress() {
        title.push_str(&format!(", retried {} of {}", count(ended), count(points)));
    }
    if failures.error.is_some() && failures.is_loaded() {
        title.push_str(", old");
    }
    title.push_str(&format!(", {}", failures.sort().label()));
    title
}

/// A title cut to what the pane's border, and what it sets around a title, leave of an area.
fn fitting(title: &str, area: Rect) -> String {
    fit(title, (area.width as usize).saturating_sub(6))
}

fn line_of(app: &App, row: &FailureRow, (id_width, cause_width): (usize, usize), now: i64) -> String {
    let mark = if app.failures.is_marked(row.id) { '*' } else { ' ' };
    format!(
        "{mark} {} {:<12} {:<cause_width$} {:>3} {:>4} {}",
        pad(&row.id.to_string(), id_width),
        app.failures.state_of(row),
        row.cause.as_str(),
        count(row.attempts.into()),
        age(now - row.last_at),
        row.error
    )
}

/// Why the list is empty, and what to do about it.
fn nothing(app: &App, theme: &Theme) -> Vec<(String, Style)> {
    let failures = &app.failures;
    if app.facts.is_none() {
        return vec![("the job is not open yet".into(), theme.dim())];
    }
    if let Some(error) = &failures.error {
        let state_dir = app.facts.as_ref().map_or("", |facts| facts.state_dir.as_str());
        let next = format!(
            "It is tried again every few seconds; see to it that {state_dir}/journal.db can be read, and that the disk \
             is not full."
        );
        return vec![
            (format!("the journal cannot be read: {error}"), theme.bad()),
            (next, theme.dim()),
        ];
    }
    let text = if !failures.is_loaded() {
        "reading the journal ...".to_owned()
    } else if failures.filter() == crate::journal::Filter::default() {
        "no failures".to_owned()
    } else {
        format!(
            "0 of {}, {} clears the filter",
            count(app.snapshot.failed + app.snapshot.skipped),
            key_of(app, ActionId::Back)
        )
    };
    vec![(text, theme.dim())]
}

fn render_filter(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    if let Some(input) = &app.failures.typing {
        let hint = if area.width >= 70 { HINT.len() as u16 } else { 0 };
        let [line, beside] = Layout::horizontal([Constraint::Min(0), Constraint::Length(hint)]).areas(area);
        frame.render_widget(Paragraph::new(HINT).style(theme.dim()), beside);
        input_line(frame, theme, line, "/ ", input);
        return;
    }
    if let Some(error) = &app.failures.error
        && app.failures.total() > 0
    {
        // The cause first: what follows may have no room.
        let text = format!("old rows; the journal cannot be read: {error} (tried again every few seconds)");
        frame.render_widget(Paragraph::new(fit(&text, area.width as usize)).style(theme.bad()), area);
        return;
    }
    let filter = app.failures.filter();
    let clears = format!("({} clears)", key_of(app, ActionId::Back));
    let text = match (filter.cause, filter.text) {
        (Some(cause), Some(text)) => format!("cause {}, holds {text:?}   {clears}", cause.as_str()),
        (Some(cause), None) => format!("cause {}   {clears}", cause.as_str()),
        (None, Some(text)) => format!("holds {text:?}   {clears}"),
        (None, None) => format!("all; {} filters by id, cause or message", key_of(app, ActionId::Filter)),
    };
    frame.render_widget(Paragraph::new(fit(&text, area.width as usize)).style(theme.dim()), area);
}

/// The place of an opened failure, before it is here.
fn render_reading(frame: &mut Frame<'_>, theme: &Theme, area: Rect, id: PointId) {
    let block = theme.pane(&format!("Point {id}"));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let text = fit("reading it from the journal and from Qdrant ...", inner.width as usize);
    frame.render_widget(Paragraph::new(text).style(theme.dim()), inner);
}

fn render_detail(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, detail: &FailureDetail) {
    let open = detail.row.id;
    let another = app.failures.opening().filter(|id| *id != open);
    let title = match (another, app.failures.opening()) {
        // What is read first: it is what is selected.
        (Some(id), _) => format!("Reading {id} ...; below is {}", short(open)),
        (None, Some(_)) => format!("Point {open}, reading it again ..."),
        (None, None) => format!("Point {open}"),
    };
    let block = theme.pane_with(&fitting(&title, area), app.failures.in_detail);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (width, height) = (inner.width as usize, inner.height as usize);
    // Error and payload may be of any size: only the lines that are seen are made.
    let scroll = app.failures.scroll as usize;
    let head = heading(app, theme, detail, width, scroll + height);
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
    if another.is_some() {
        // It is not what is selected any more.
        lines = lines.into_iter().map(|line| line.style(theme.dim())).collect();
    }
    paint::lines(frame, inner, &lines);
}

/// What was written by hand in the place of the content, and what becomes of it: only keys are named that do something
/// with the point as it stands.
fn mended(app: &App, detail: &FailureDetail, edit: &Edit, now: i64) -> String {
    let (ago, after) = (age(now - edit.at), json::cut(&edit.after, 200));
    let state = app.failures.opened_standing().unwrap_or(detail.row.state);
    if matches!(state, State::Retrying | State::Recovered) {
        return format!("edited {ago} ago: {after}");
    }
    let [retry, edits, unskip] = [ActionId::Retry, ActionId::Edit, ActionId::Unskip].map(|id| key_of(app, id));
    let content = app.facts.as_ref().map_or("content", |facts| facts.content.as_str());
    let what = match &detail.payload {
        Ok(payload) if edit.holds(payload, content) => {
            format!("{retry} tries with it (the edited content is used), {edits} changes it")
        }
        Ok(_) => {
            format!("Qdrant's content has changed since: {retry} tries that, {edits} takes the edited one up again")
        }
        Err(_) => format!("the edited content is used once the point can be read: {retry} tries again"),
    };
    let what = match state {
        State::Skipped => format!("{unskip} takes the skip back first; {what}"),
        _ => what,
    };
    format!("edited {ago} ago, and in no row: {after}\n{what}")
}

/// An id in at most ten columns.
fn short(id: PointId) -> String {
    let text = id.to_string();
    if text.len() <= 10 {
        return text;
    }
    format!("{}..{}", &text[..4], &text[text.len() - 4..])
}

/// How many lines of the open failure lie below what is seen of it unscrolled; `None` where none is open.
pub(super) fn hidden(app: &App, theme: &Theme, area: Rect) -> Option<usize> {
    let detail = app.failures.detail.as_ref()?;
    let inner = theme.pane("").inner(panes(app, area).1?);
    let payload = match &detail.payload {
        Ok(payload) => json::height(payload, COUNTED),
        Err(_) => 1,
    };
    let lines = heading(app, theme, detail, inner.width as usize, usize::MAX).len() + payload;
    Some(lines.saturating_sub(inner.height as usize))
}

/// Everything above the payload; what lies below the first `most` lines may be left out.
fn heading(app: &App, theme: &Theme, detail: &FailureDetail, width: usize, most: usize) -> Vec<Line<'static>> {
    let now = now_ms();
    let attempts = counted(detail.row.attempts.into(), "attempt", "attempts");
    let mut lines = vec![Line::styled(
        fit(&format!("{}, {attempts}", detail.row.cause.as_str()), width),
        theme.warn(),
    )];
    let wrapped = |text: &str| wrap_to(text, width, most).into_iter();
    lines.extend(wrapped(&json::cut(&detail.row.error, MOST_OF_AN_ERROR)).map(Line::raw));
    if detail.row.cause == Cause::Gone && detail.payload.is_ok() {
        lines.push(Line::styled(fit("it is in Qdrant again", width), theme.accent()));
    }
    if let Some(reason) = &detail.row.reason {
        lines.extend(wrapped(&format!("skipped: {}", json::cut(reason, MOST_OF_AN_ERROR))).map(Line::raw));
    }
    if let Some(edit) = &detail.edit {
        let text = mended(app, detail, edit, now);
        lines.extend(wrapped(&text).map(|line| Line::styled(line, theme.accent())));
    }
    lines.push(Line::styled("attempts", theme.accent()));
    for attempt in detail.attempts.iter().rev().take(ATTEMPTS) {
        // What lies below is not seen: it is not made.
        if lines.len() >= most {
            break;
        }
        let text = format!(
            "{} ago  {}: {}",
            age(now - attempt.at),
            attempt.cause.as_str(),
            json::cut(&attempt.error, MOST_OF_AN_ERROR)
        );
        lines.extend(wrapped(&text).map(Line::raw));
    }
    if detail.attempts.len() > ATTEMPTS {
        let earlier = detail.attempts.len() - ATTEMPTS;
        let text = format!("and {} earlier", count(earlier as u64));
        lines.push(Line::styled(text, theme.dim()));
    }
    lines.push(Line::styled("payload in Qdrant now", theme.accent()));
    lines
}
