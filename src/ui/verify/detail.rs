//! The selected check: what it asks, the figure beside what it must be, every reason with its way out, notes.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::{SENTENCE, marked, outcome, repairs, scrolled, usable, wrapped};
use crate::app::App;
use crate::app::actions::{ActionId, Motion};
use crate::app::verify::{Pane, Run, State};
use crate::point::counted;
use crate::point::verdict::Sample;
use crate::tasks::verify::{Check, OFFENDERS};
use crate::ui::chrome::key_of;
use crate::ui::json::cut;
use crate::ui::paint;
use crate::ui::text::{count, latency, wrap_to};
use crate::ui::theme::Theme;

/// Lines below what is seen that are counted.
const MOST_COUNTED: usize = 40;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let focused = app.verify.pane == Pane::Detail;
    let block = theme.pane_with(&title(app), focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let scroll = if focused { app.verify.scroll } else { 0 };
    let height = inner.height as usize;
    let most = scroll as usize + height + MOST_COUNTED;
    let lines = lines(app, theme, inner.width as usize, most);
    let seen = scrolled(&lines, scroll, inner.height);
    let mut shown = seen[..seen.len().min(height)].to_vec();
    let below = seen.len() - shown.len();
    if below > 0
        && let Some(last) = shown.last_mut()
    {
        // What is counted may end before the text does.
        let than = if below >= MOST_COUNTED { "at least " } else { "" };
        let text = format!("... {than}{} more lines{}", below + 1, way(app));
        *last = Line::styled(text, theme.accent());
    }
    paint::lines(frame, inner, &shown);
}

/// The key that goes on to what is not seen.
fn way(app: &App) -> String {
    let id = match app.verify.pane {
        Pane::Checks => ActionId::NextPane,
        Pane::Detail => ActionId::Move(Motion::Down),
        Pane::Offenders => ActionId::PreviousPane,
        // The list of checks lies between.
        Pane::Decision => return String::new(),
    };
    let key = key_of(app, id);
    if key.is_empty() { key } else { format!(": {key}") }
}

/// The check, how many points it finds fault with, and the key that opens these from the pane that has the keys.
fn title(app: &App) -> String {
    let verify = &app.verify;
    let id = verify.check_id();
    let total = verify.check().map_or(0, |check| check.offenders.total);
    if total == 0 {
        return id.to_string();
    }
    let said = format!("{id}: {}", counted(total, "offender", "offenders"));
    let open = key_of(app, ActionId::Open);
    let is_way = matches!(verify.pane, Pane::Checks | Pane::Detail);
    if !is_way || open.is_empty() || verify.offenders().is_empty() {
        return said;
    }
    let them = if total == 1 { "it" } else { "them" };
    format!("{said}, {open} opens {them}")
}

/// The lines of the pane; of one text in it no more than `most`.
pub(super) fn lines(app: &App, theme: &Theme, width: usize, most: usize) -> Vec<Line<'static>> {
    let id = app.verify.check_id();
    let mut lines = wrapped(id.question(), theme.accent(), width, most);
    let states = app.verify.states();
    let state = states.iter().find(|(other, _)| *other == id).map(|(_, state)| state);
    let said = match state {
        Some(State::Done(check)) => {
            lines.extend(done(app, theme, check, width, most));
            return lines;
        }
        Some(State::Running(Some((done, all)))) => format!("running: {} of {}", count(*done), count(*all)),
        Some(State::Running(None)) => "running".to_owned(),
        Some(State::Waiting) if !app.verify.run().is_some_and(Run::has_begun) => {
            "waits until the verification has begun".to_owned()
        }
        Some(State::Waiting) => "waits until those before it are done".to_owned(),
        Some(State::Unfinished) => "the verification ended before this check did".to_owned(),
        Some(State::LeftOut) if id.is_needed() => "not checked: that keeps the decision open".to_owned(),
        Some(State::LeftOut) => "not checked; nothing depends on it".to_owned(),
        None => return lines,
    };
    lines.extend(wrapped(&said, theme.dim(), width, most));
    lines
}

fn done(app: &App, theme: &Theme, check: &Check, width: usize, most: usize) -> Vec<Line<'static>> {
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
    // Mostly that is the figure already.
    if let Some(said) = check.sample.as_ref().map(Sample::text)
        && !check.figure.contains(&said)
    {
        lines.extend(marked("sample: ", &said, Style::new(), width, most));
    }
    for text in &check.reasons {
        if lines.len() >= most {
            return lines;
        }
        lines.extend(marked("- ", text, Style::new(), width, most));
    }
    if let Some(way) = repairs(app, &check.reasons) {
        lines.extend(wrapped(&way, theme.accent(), width, most));
    }
    for note in &check.notes {
        if lines.len() >= most {
            return lines;
        }
        lines.extend(marked("note: ", note, Style::new(), width, most));
    }
    let kept = check.offenders.shown.len() as u64;
    if check.offenders.total > kept {
        let mut text = format!(
            "the first {kept} of {} offenders are shown",
            count(check.offenders.total)
        );
        // The file is there as soon as the verification has come to its end.
        if app.verify.run().is_none() {
            text.push_str(&format!("; all are in {OFFENDERS} of the state directory"));
            if let Some(key) = usable(app, ActionId::ExportOffenders) {
                text.push_str(&format!("; {key} exports them all"));
            }
        }
        lines.extend(wrapped(&text, theme.dim(), width, most));
    }
    let took = format!("took {}", latency(Some(check.took)));
    lines.extend(wrapped(&took, theme.dim(), width, most));
    lines
}
