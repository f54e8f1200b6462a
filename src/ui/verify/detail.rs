//! The selected check: what it asks, the figure beside what it must be, every reason with its way out, notes.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{SENTENCE, marked, outcome, scrolled, wrapped};
use crate::app::App;
use crate::app::actions::ActionId;
use crate::app::verify::{Pane, State};
use crate::tasks::verify::Check;
use crate::ui::chrome::key_of;
use crate::ui::json::cut;
use crate::ui::paint;
use crate::ui::text::{count, latency, wrap_to};
use crate::ui::theme::Theme;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let focused = app.verify.pane == Pane::Detail;
    let block = theme.pane_with(&title(app), focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let scroll = if focused { app.verify.scroll } else { 0 };
    let lines = lines(
        app,
        theme,
        inner.width as usize,
        scroll as usize + inner.height as usize,
    );
    paint::lines(frame, inner, scrolled(&lines, scroll, inner.height));
}

/// The check, and how many points it finds fault with.
fn title(app: &App) -> String {
    let id = app.verify.check_id();
    let total = app.verify.check().map_or(0, |check| check.offenders.total);
    match total {
        0 => id.to_string(),
        _ if app.verify.offenders().is_empty() => format!("{id}: {} offenders", count(total)),
        1 => format!("{id}: 1 offender, {} opens it", key_of(app, ActionId::Open)),
        many => format!(
            "{id}: {} offenders, {} opens them",
            count(many),
            key_of(app, ActionId::Open)
        ),
    }
}

/// The lines of the pane; of one text in it no more than `most`.
pub(super) fn lines(app: &App, theme: &Theme, width: usize, most: usize) -> Vec<Line<'static>> {
    let id = app.verify.check_id();
    let mut lines = wrapped(id.question(), theme.accent(), width, most);
    let states = app.verify.states();
    let state = states.iter().find(|(other, _)| *other == id).map(|(_, state)| state);
    let said = match state {
        Some(State::Done(check)) => {
            lines.extend(done(theme, check, width, most));
            return lines;
        }
        Some(State::Running(Some((done, all)))) => format!("running: {} of {}", count(*done), count(*all)),
        Some(State::Running(None)) => "running".to_owned(),
        Some(State::Waiting) => "waits until those before it are done".to_owned(),
        Some(State::Unfinished) => "the verification ended before this check did".to_owned(),
        Some(State::LeftOut) if id.is_needed() => "not checked: that keeps the decision open".to_owned(),
        Some(State::LeftOut) => "not checked; nothing depends on it".to_owned(),
        None => return lines,
    };
    lines.extend(wrapped(&said, theme.dim(), width, most));
    lines
}

fn done(theme: &Theme, check: &Check, width: usize, most: usize) -> Vec<Line<'static>> {
    let style = outcome(theme, check.outcome);
    let label = format!("{}  ", check.outcome.label());
    let figure = wrap_to(&cut(&check.figure, SENTENCE), width.saturating_sub(label.len()), most);
    let mut lines: Vec<Line<'static>> = figure
        .into_iter()
        .enumerate()
        .map(|(place, text)| {
            let before = if place == 0 {
                label.clone()
            } else {
                " ".repeat(label.len())
            };
            Line::from(vec![Span::styled(before, style), Span::raw(text)])
        })
        .collect();
    lines.extend(marked("wanted: ", &check.threshold, theme.dim(), width, most));
    if let Some(sample) = &check.sample {
        lines.extend(marked("sample: ", &sample.text(), Style::new(), width, most));
    }
    for text in &check.reasons {
        if lines.len() >= most {
            return lines;
        }
        lines.extend(marked("- ", text, Style::new(), width, most));
    }
    for note in &check.notes {
        if lines.len() >= most {
            return lines;
        }
        lines.extend(marked("note: ", note, Style::new(), width, most));
    }
    let kept = check.offenders.shown.len() as u64;
    if check.offenders.total > kept {
        let text = format!(
            "the first {kept} of {} offenders are kept",
            count(check.offenders.total)
        );
        lines.extend(wrapped(&text, theme.dim(), width, most));
    }
    let took = format!("took {}", latency(Some(check.took)));
    lines.extend(wrapped(&took, theme.dim(), width, most));
    lines
}
