//! The Diff screen: the pairs, and the opened one with both records side by side.
//!
//! From 100 columns on the record's two sides stand beside each other, and the list stands above it, or beside it where
//! there is room for both; below, the record takes the body and its sides stack.

mod cell;
mod heading;
mod record;
mod vectors;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use super::chrome::key_of;
use super::list;
use super::paint;
use super::text::{count, fit, fit_ends, pad, wrap, wrap_to};
use super::theme::Theme;
use crate::app::actions::ActionId;
use crate::app::diff::Pane;
use crate::app::divergence::Asked;
use crate::app::{App, SIDE_BY_SIDE};
use crate::point::diff::{Because, Verdict};
use crate::tasks::inspect::PairSummary;

/// Columns of a list that stands beside the record, at least and at most: then it has whole ids, and why.
const LIST: u16 = 38;
const WIDE_LIST: u16 = 80;
/// Columns of the record beside it at least: 35 for each of its sides.
const RECORD: u16 = 78;
/// From this many columns within the list on, an id stands there whole.
const WITH_IDS: usize = 64;

/// Where the list and the record stand.
pub(super) fn panes(app: &App, area: Rect) -> (Option<Rect>, Option<Rect>) {
    let diff = &app.diff;
    if diff.record.is_none() && diff.error.is_none() && diff.reading().is_none() {
        return (Some(area), None);
    }
    if !is_beside(area) {
        return (None, Some(area));
    }
    let [list, record]: [Rect; 2] = if area.width >= LIST + RECORD {
        Layout::horizontal([Constraint::Length(list_columns(area.width)), Constraint::Min(0)]).areas(area)
    } else {
        let lines = (diff.list().len() as u16).saturating_add(2);
        let lines = lines.clamp(3, (area.height / 4).max(3));
        Layout::vertical([Constraint::Length(lines), Constraint::Min(0)]).areas(area)
    };
    (Some(list), Some(record))
}

/// Columns of the list beside the record: two fifths, as far as the record has its own.
fn list_columns(width: u16) -> u16 {
    (width / 5 * 2).min(width.saturating_sub(RECORD)).clamp(LIST, WIDE_LIST)
}

/// Whether a record's two sides stand beside each other in a body of this width, which is the terminal's.
fn is_beside(body: Rect) -> bool {
    body.width >= SIDE_BY_SIDE
}

/// How many lines of the selected field lie below what is seen of it unscrolled; `None` where no pair is open.
pub(super) fn hidden(app: &App, theme: &Theme, body: Rect) -> Option<usize> {
    let (_, area) = panes(app, body);
    let record = app.diff.record.as_ref()?;
    Some(record::hidden(app, theme, area?, record, is_beside(body)))
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let (list, opened) = panes(app, area);
    if let Some(area) = list {
        pairs(frame, app, theme, area);
    }
    let beside = is_beside(area);
    match (opened, &app.diff.record) {
        (Some(area), Some(diff)) => record::render(frame, app, theme, area, diff, beside),
        (Some(area), None) => no_record(frame, app, theme, area, list.is_none()),
        (None, _) => {}
    }
}

/// What stands in the place of a pair that is not here.
fn no_record(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, focused: bool) {
    let title = match app.diff.not_open() {
        Some(id) => format!("Point {id}"),
        None => "Pair".to_owned(),
    };
    let block = theme.pane_with(&title, focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let lines = match &app.diff.error {
        Some(error) => {
            let (again, back) = (key_of(app, ActionId::Open), key_of(app, ActionId::Back));
            // The key means the selected pair, which may be another one by now.
            let next = if app.diff.opens_again() {
                format!("{again} reads it again, {back} goes back")
            } else {
                format!("{back} goes back")
            };
            trouble(theme, error, &next, inner)
        }
        None => vec![Line::styled("reading both stores ...", theme.dim())],
    };
    paint::lines(frame, inner, &lines);
}

/// What went wrong, as far as there is room for it, and what can be done.
fn trouble(theme: &Theme, error: &str, next: &str, area: Rect) -> Vec<Line<'static>> {
    let width = area.width as usize;
    let next = wrap(next, width);
    let room = (area.height as usize).saturating_sub(next.len()).max(1);
    let error = bounded(error, width, room).into_iter();
    let next = next.into_iter().map(|line| Line::styled(line, theme.dim()));
    error.map(|line| Line::styled(line, theme.bad())).chain(next).collect()
}

/// A text in so many lines at most, with a sign where it goes on.
pub(super) fn bounded(text: &str, width: usize, most: usize) -> Vec<String> {
    first(wrap_to(text.trim_end(), width, most + 1), width, most)
}

/// The first of these lines, with a sign where there are more.
fn first(mut lines: Vec<String>, width: usize, most: usize) -> Vec<String> {
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = fit(&format!("{last}~"), width);
        }
    }
    lines
}

/// What the journal can explain is no surprise.
fn style_of(theme: &Theme, because: Option<&Because>) -> Style {
    match because {
        Some(because) if because.is_known() => theme.accent(),
        _ => theme.warn(),
    }
}

fn pairs(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let pairs = app.diff.list();
    let same = pairs.iter().filter(|pair| pair.verdict == Verdict::Same).count();
    let title = match &app.diff.pairs {
        Asked::Here(_) => format!("Pairs: {} of {} same", count(same as u64), count(pairs.len() as u64)),
        _ => "Pairs".to_owned(),
    };
    let mut block = theme.pane_with(&title, app.diff.pane == Pane::Pairs);
    let inner = block.inner(area);
    let (total, height) = (pairs.len() as u64, u64::from(inner.height));
    let top = list::top(app.diff.place() as u64, total, height);
    if let Some(beyond) = list::beyond(top, total, height) {
        block = block.title_bottom(Line::styled(format!(" {beyond} "), theme.dim()));
    }
    frame.render_widget(block, area);
    let lines = match &app.diff.pairs {
        Asked::Failed(error) => {
            let next = format!("{} asks the same again", key_of(app, ActionId::Open));
            trouble(theme, &format!("cannot compare: {error}"), &next, inner)
        }
        _ if pairs.is_empty() => {
            let lines = wrap(&why_none(app), inner.width as usize).into_iter();
            lines.map(|line| Line::styled(line, theme.dim())).collect()
        }
        _ => rows(app, theme, top as usize, inner),
    };
    paint::lines(frame, inner, &lines);
}

/// Why there are no pairs, and how to get some.
fn why_none(app: &App) -> String {
    match &app.diff.pairs {
        Asked::No if app.facts.is_none() => "the job is not open yet".to_owned(),
        Asked::No => format!(
            "{} compares a random sample of both stores, {} one point by its id.",
            key_of(app, ActionId::Sample),
            key_of(app, ActionId::PairById)
        ),
        Asked::Waiting => "comparing ...".to_owned(),
        _ => format!("both stores are empty; {} looks again", key_of(app, ActionId::Sample)),
    }
}

fn rows(app: &App, theme: &Theme, top: usize, inner: Rect) -> Vec<Line<'static>> {
    let width = inner.width as usize;
    let id_width = if width >= WITH_IDS { 36 } else { 12 };
    let focused = app.diff.pane == Pane::Pairs;
    let pairs = app.diff.list().iter().enumerate();
    let seen = pairs.skip(top).take(inner.height as usize);
    seen.map(|(place, pair)| {
        let id = fit_ends(&pair.id.to_string(), id_width);
        let said = match &pair.because {
            // Whether it differs is not known.
            Some(because @ Because::Unreadable(_)) if pair.verdict == Verdict::Differs => because.to_string(),
            Some(because) => format!("{} ({because})", verdict(pair)),
            None => verdict(pair),
        };
        let text = format!("{} {said}", pad(&id, id_width));
        let style = match (place == app.diff.place(), focused, pair.verdict) {
            (true, true, _) => theme.selected(),
            (true, false, _) => theme.selected_elsewhere(),
            (_, _, Verdict::Same) => Style::new(),
            _ => style_of(theme, pair.because.as_ref()),
        };
        Line::styled(pad(&text, width), style)
    })
    .collect()
}

/// How a pair stands. Where only fields beyond those that are compared one by one differ, there is no number.
fn verdict(pair: &PairSummary) -> String {
    match (pair.verdict, pair.differing) {
        (Verdict::Differs, 1) => "1 difference".to_owned(),
        (Verdict::Differs, number) if number > 0 => format!("{} differences", count(number as u64)),
        (verdict, _) => verdict.label().to_owned(),
    }
}

/// How a record is drawn.
#[derive(Clone, Copy)]
struct Look<'a> {
    app: &'a App,
    theme: &'a Theme,
    /// Columns within the pane.
    width: usize,
    /// Lines within the pane.
    height: usize,
    /// Whether the two sides stand beside each other.
    beside: bool,
}

impl<'a> Look<'a> {
    fn of(app: &'a App, theme: &'a Theme, inner: Rect, beside: bool) -> Self {
        Self {
            app,
            theme,
            width: inner.width as usize,
            height: inner.height as usize,
            beside,
        }
    }

    /// Columns of one side, where both stand beside each other.
    fn half(self) -> usize {
        self.width.saturating_sub(2 + 3) / 2
    }
}
