//! The Diff screen: the pairs, and the opened one with both records side by side.
//!
//! From 100 columns on the list stands beside the record; below, the record takes the body and its two sides stack.

mod record;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::chrome::key_of;
use super::list;
use super::paint;
use super::text::{pad, wrap, wrap_to};
use super::theme::Theme;
use crate::app::actions::ActionId;
use crate::app::diff::Pane;
use crate::app::divergence::Asked;
use crate::app::{App, SIDE_BY_SIDE};
use crate::point::diff::Verdict;

/// Where the list and the record stand.
pub(super) fn panes(app: &App, area: Rect) -> (Option<Rect>, Option<Rect>) {
    let open = app.diff.record.is_some() || app.diff.error.is_some();
    match (open, area.width >= SIDE_BY_SIDE) {
        (false, _) => (Some(area), None),
        (true, false) => (None, Some(area)),
        (true, true) => {
            let [list, record] = Layout::horizontal([Constraint::Length(38), Constraint::Min(0)]).areas(area);
            (Some(list), Some(record))
        }
    }
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let (list, opened) = panes(app, area);
    if let Some(area) = list {
        pairs(frame, app, theme, area);
    }
    if let Some(area) = opened {
        match (&app.diff.record, &app.diff.error) {
            (Some(diff), _) => record::render(frame, app, theme, area, diff),
            (None, Some(error)) => {
                let block = theme.pane("Pair");
                let inner = block.inner(area);
                frame.render_widget(block, area);
                let lines = wrap_to(error, inner.width as usize, inner.height as usize);
                let lines: Vec<Line<'_>> = lines.into_iter().map(Line::raw).collect();
                frame.render_widget(Paragraph::new(lines).style(theme.bad()), inner);
            }
            (None, None) => {}
        }
    }
}

fn pairs(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let pairs = app.diff.list();
    let same = pairs.iter().filter(|pair| pair.verdict == Verdict::Same).count();
    let title = match &app.diff.pairs {
        Asked::Here(_) => format!("Pairs: {same} of {} same", pairs.len()),
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
        Asked::Failed(error) => Some((format!("cannot compare: {error}"), theme.bad())),
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
    let id_width = if width >= 80 { 36 } else { 12 };
    let lines: Vec<Line<'_>> = pairs
        .iter()
        .enumerate()
        .skip(top)
        .take(height as usize)
        .map(|(place, pair)| {
            let mut text = format!("{} {}", pad(&pair.id.to_string(), id_width), pair.verdict.label());
            if pair.verdict == Verdict::Differs {
                text.push_str(&format!(" in {}", pair.differing));
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
