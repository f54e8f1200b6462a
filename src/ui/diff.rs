//! The Diff screen: the pairs, and the opened one with both records side by side.
//!
//! From 100 columns on the record's two sides stand beside each other, and the list stands above it, or beside it where
//! there is room for both; below, the record takes the body and its sides stack.

mod cell;
mod record;
mod vectors;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::chrome::key_of;
use super::list;
use super::paint;
use super::text::{count, pad, wrap, wrap_to};
use super::theme::Theme;
use crate::app::actions::ActionId;
use crate::app::diff::Pane;
use crate::app::divergence::Asked;
use crate::app::{App, SIDE_BY_SIDE};
use crate::point::diff::Verdict;

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
            let lines = wrap_to(error, inner.width as usize, inner.height as usize);
            let mut lines: Vec<Line<'_>> = lines.into_iter().map(|line| Line::styled(line, theme.bad())).collect();
            let (again, back) = (key_of(app, ActionId::Open), key_of(app, ActionId::Back));
            lines.push(Line::styled(
                format!("{again} reads it again, {back} goes back"),
                theme.dim(),
            ));
            lines
        }
        None => vec![Line::styled("reading both stores ...", theme.dim())],
    };
    paint::lines(frame, inner, &lines);
}

fn pairs(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let pairs = app.diff.list();
    let same = pairs.iter().filter(|pair| pair.verdict == Verdict::Same).count();
    let title = match &app.diff.pairs {
        Asked::Here(_) => format!("Pairs: {} of {} same", count(same as u64), count(pairs.len() as u64)),
        _ => "Pairs".to_owned(),
    };
    let focused = app.diff.pane == Pane::Pairs;
    let block = theme.pane_with(&title, focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = inner.width as usize;
    let nothing = match &app.diff.pairs {
        Asked::No if app.facts.is_none() => Some(("the job is not open yet".to_owned(), theme.dim())),
        Asked::No => Some((
            format!(
                "{} compares a random sample of both stores, {} one point by its id.",
                key_of(app, ActionId::Sample),
                key_of(app, ActionId::PairById)
            ),
            theme.dim(),
        )),
        Asked::Waiting => Some(("comparing ...".to_owned(), theme.dim())),
        Asked::Failed(error) => Some((
            format!("cannot compare: {error}; {} tries again", key_of(app, ActionId::Sample)),
            theme.bad(),
        )),
        Asked::Here(pairs) if pairs.is_empty() => Some(("both stores are empty".to_owned(), theme.dim())),
        Asked::Here(_) => None,
    };
    if let Some((text, style)) = nothing {
        let lines: Vec<Line<'_>> = wrap(&text, width).into_iter().map(Line::raw).collect();
        frame.render_widget(Paragraph::new(lines).style(style), inner);
        return;
    }
    let height = u64::from(inner.height);
    let top = list::top(app.diff.place() as u64, pairs.len() as u64, height) as usize;
    let id_width = if width >= WITH_IDS { 36 } else { 12 };
    let lines: Vec<Line<'_>> = pairs
        .iter()
        .enumerate()
        .skip(top)
        .take(height as usize)
        .map(|(place, pair)| {
            let mut text = format!("{} {}", pad(&pair.id.to_string(), id_width), pair.verdict.label());
            if pair.verdict == Verdict::Differs {
                text.push_str(&format!(" in {}", count(pair.differing as u64)));
            }
            if let Some(because) = &pair.because {
                text.push_str(&format!(" ({because})"));
            }
            let style = match (place == app.diff.place(), focused, pair.verdict) {
                (true, true, _) => theme.selected(),
                (true, false, _) => theme.selected_elsewhere(),
                (_, _, Verdict::Same) => Style::new(),
                // What the journal can explain is no surprise.
                _ if pair.because.is_some() => theme.accent(),
                _ => theme.warn(),
            };
            Line::styled(pad(&text, width), style)
        })
        .collect();
    paint::lines(frame, inner, &lines);
}
