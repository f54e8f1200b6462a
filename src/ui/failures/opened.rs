//! The opened failure: its error, what can be done about it, every attempt, and its payload as it is in Qdrant now.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::title;
use crate::app::App;
use crate::app::actions::ActionId;
use crate::journal::{Edit, State};
use crate::point::{Cause, PointId, counted};
use crate::tasks::{FailureDetail, now_ms};
use crate::ui::chrome::key_of;
use crate::ui::json::{self, View};
use crate::ui::list;
use crate::ui::paint;
use crate::ui::text::{age, count, fit, wrap};
use crate::ui::theme::Theme;

/// Lines of a payload that are counted: further than that nobody scrolls.
const COUNTED: usize = 20_000;
/// Attempts that are shown, the latest first.
const ATTEMPTS: usize = 20;
/// Characters of an error that are shown; the journal keeps no more.
const MOST_OF_AN_ERROR: usize = 4_000;
/// Characters of an attempt's: twenty of them are broken into lines for every frame.
const MOST_OF_AN_ATTEMPT: usize = 500;

/// The place of an opened failure, before it is here.
pub(super) fn render_reading(frame: &mut Frame<'_>, theme: &Theme, area: Rect, id: PointId) {
    let block = theme.pane(&format!("Point {id}"));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let text = fit("reading it from the journal and from Qdrant ...", inner.width as usize);
    frame.render_widget(Paragraph::new(text).style(theme.dim()), inner);
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, detail: &FailureDetail) {
    let open = detail.row.id;
    let title = title::of_opened(app, open, title::room(area));
    let mut block = theme.pane_with(&title, app.failures.in_detail);
    let inner = block.inner(area);
    let (width, height) = (inner.width as usize, inner.height as usize);
    let scroll = app.failures.scroll as usize;
    let head = head(app, theme, detail, width);
    let above = head.len();
    let total = above + payload_height(app, detail, width);
    if let Some(beyond) = list::beyond(scroll.min(total) as u64, total as u64, height as u64) {
        block = block.title_bottom(Line::styled(format!(" {beyond} "), theme.dim()));
    }
    frame.render_widget(block, area);
    let mut lines: Vec<Line<'_>> = head.into_iter().skip(scroll).take(height).collect();
    if let Ok(payload) = &detail.payload {
        // It may be of any size: only the lines that are seen are made.
        let (skip, room) = (scroll.saturating_sub(above), height.saturating_sub(lines.len()));
        let shown = json::lines(payload, view(app, width), skip, room);
        lines.extend(shown.iter().map(|line| Line::raw(fit(line, width))));
    }
    if app.failures.opening().is_some_and(|id| id != open) {
        // It is not what is selected any more.
        lines = lines.into_iter().map(|line| line.style(theme.dim())).collect();
    }
    paint::lines(frame, inner, &lines);
}

/// How many lines an opened failure has in so many columns.
pub(super) fn height(app: &App, theme: &Theme, detail: &FailureDetail, width: usize) -> usize {
    head(app, theme, detail, width).len() + payload_height(app, detail, width)
}

fn payload_height(app: &App, detail: &FailureDetail, width: usize) -> usize {
    let payload = detail.payload.as_ref();
    let count = |payload| json::height(payload, view(app, width), COUNTED);
    payload.map_or(0, |payload| app.failures.payload_lines.get(width, || count(payload)))
}

/// The content is what failed, or what can be mended: it is shown in full.
fn view(app: &App, width: usize) -> View<'_> {
    View {
        width,
        in_full: content(app),
    }
}

fn content(app: &App) -> &str {
    app.facts.as_ref().map_or("content", |facts| facts.content.as_str())
}

/// Everything but the payload. A heading is bold, a note has the colour of one, and what names keys is dim.
fn head(app: &App, theme: &Theme, detail: &FailureDetail, width: usize) -> Vec<Line<'static>> {
    let (row, now) = (&detail.row, now_ms());
    let standing = app.failures.opened_standing().unwrap_or(row.state);
    let attempts = counted(row.attempts.into(), "attempt", "attempts");
    let about = format!("{}, {attempts}", row.cause.as_str());
    let mut lines = vec![Line::styled(fit(&about, width), theme.warn())];
    lines.extend(told(&json::cut(&row.error, MOST_OF_AN_ERROR), Style::new(), width));
    if row.cause == Cause::Gone && detail.payload.is_ok() {
        lines.extend(told("it is in Qdrant again", theme.accent(), width));
    }
    if let Some(reason) = &row.reason {
        lines.extend(told(&skipped(app, reason, standing), theme.accent(), width));
    }
    if let Some(edit) = &detail.edit {
        lines.extend(told(&edited(edit, standing, now), theme.accent(), width));
    }
    let steps = steps(app, detail, standing);
    let steps = steps.iter().flat_map(|step| told(step, theme.dim(), width));
    let steps: Vec<Line<'_>> = steps.collect();
    // Each behind what it answers.
    let (after_notes, after_payload) = match &detail.payload {
        Ok(_) => (steps, Vec::new()),
        Err(_) => (Vec::new(), steps),
    };
    lines.extend(after_notes);
    lines.push(heading("attempts"));
    lines.extend(attempts_of(theme, detail, width, now));
    lines.push(heading("payload in Qdrant now"));
    if let Err(error) = &detail.payload {
        lines.extend(told(&json::cut(error, MOST_OF_AN_ERROR), theme.bad(), width));
    }
    lines.extend(after_payload);
    lines
}

fn heading(text: &'static str) -> Line<'static> {
    Line::styled(text, Style::new().add_modifier(Modifier::BOLD))
}

fn told(text: &str, style: Style, width: usize) -> Vec<Line<'static>> {
    let lines = wrap(text, width).into_iter();
    lines.map(|line| Line::styled(line, style)).collect()
}

/// Why it was given up, and how that is taken back.
fn skipped(app: &App, reason: &str, standing: State) -> String {
    let back = match standing {
        State::Skipped => format!(" ({} takes it back)", key_of(app, ActionId::Unskip)),
        _ => String::new(),
    };
    format!("skipped: {}{back}", json::cut(reason, MOST_OF_AN_ERROR))
}

/// What was written by hand in the place of the content.
fn edited(edit: &Edit, standing: State, now: i64) -> String {
    let (ago, after) = (age(now - edit.at), json::cut(&edit.after, 200));
    let written = match standing {
        State::Retrying | State::Recovered => "",
        State::Failed | State::Skipped => ", not yet written to LanceDB",
    };
    format!("edited {ago} ago{written}: {after}")
}

/// What can be done about the point as it stands, with the keys for it, and what else these act on just now.
fn steps(app: &App, detail: &FailureDetail, standing: State) -> Vec<String> {
    let is_skipped = standing == State::Skipped;
    let mut steps: Vec<String> = step(app, detail, standing).into_iter().collect();
    if !steps.is_empty() || is_skipped && detail.row.reason.is_some() {
        steps.extend(elsewhere(app));
    }
    steps
}

fn step(app: &App, detail: &FailureDetail, standing: State) -> Option<String> {
    if matches!(standing, State::Retrying | State::Recovered) {
        return None;
    }
    let is_skipped = standing == State::Skipped;
    let [retry, edits, skip, unskip] =
        [ActionId::Retry, ActionId::Edit, ActionId::Skip, ActionId::Unskip].map(|id| key_of(app, id));
    let step = match (&detail.payload, &detail.edit) {
        (Ok(_), None) => return None,
        (Ok(payload), Some(edit)) if edit.holds(payload, content(app)) => {
            format!("{retry} tries with it, {edits} changes it")
        }
        (Ok(_), Some(_)) => {
            format!("Qdrant's content has changed since: {retry} tries that, {edits} takes the edited one up again")
        }
        (Err(_), edit) => {
            let skip = if is_skipped {
                String::new()
            } else {
                format!("{skip} gives it up, ")
            };
            let used = if edit.is_some() {
                " and uses the edited content"
            } else {
                ""
            };
            let open = key_of(app, ActionId::Open);
            format!("{open} reads it again, {skip}{retry} tries the point again{used}")
        }
    };
    Some(if is_skipped {
        format!("{unskip} first; {step}")
    } else {
        step
    })
}

/// What the keys that are named act on, where that is not the opened point alone, and how it comes to be that.
fn elsewhere(app: &App) -> Option<String> {
    if app.failures.is_opened_meant() {
        return None;
    }
    let [retry, skip, unskip, pane] =
        [ActionId::Retry, ActionId::Skip, ActionId::Unskip, ActionId::NextPane].map(|id| key_of(app, id));
    let whom = match app.failures.marked() as u64 {
        0 => "selected row".to_owned(),
        marked => format!("{} marked", count(marked)),
    };
    Some(format!("{retry}, {skip} and {unskip} act on the {whom}; {pane} first"))
}

/// The attempts, the latest first. What failed in the same way as the one above it is not told once more.
fn attempts_of(theme: &Theme, detail: &FailureDetail, width: usize, now: i64) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let mut above = (detail.row.cause, detail.row.error.as_str());
    for attempt in detail.attempts.iter().rev().take(ATTEMPTS) {
        let this = (attempt.cause, attempt.error.as_str());
        let text = if this == above {
            "the same".to_owned()
        } else {
            let error = json::cut(&attempt.error, MOST_OF_AN_ATTEMPT);
            format!("{}: {error}", attempt.cause.as_str())
        };
        above = this;
        let mark = format!("{} ago  ", age(now - attempt.at));
        let indent = " ".repeat(mark.len());
        let room = width.saturating_sub(mark.len());
        for (place, text) in wrap(&text, room).iter().enumerate() {
            let before = if place == 0 { &mark } else { &indent };
            lines.push(Line::raw(format!("{before}{text}")));
        }
    }
    if detail.attempts.len() > ATTEMPTS {
        let earlier = detail.attempts.len() - ATTEMPTS;
        let text = format!("and {} earlier", count(earlier as u64));
        lines.push(Line::styled(text, theme.dim()));
    }
    lines
}
