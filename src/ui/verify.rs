//! The Verify screen: what was decided, the eight checks, and the selected one with the points it finds fault with.
//!
//! ```text
//! +- Decision ---------------------------------------------------------------+
//! | NO-GO  the new store may not take over: 2 reasons; R repairs             |
//! | version 7, 19,988 rows, 20,000 points, in full, seed 1, 5 h ago in 41 s  |
//! | - ids: 12 points have no row; ...                                        |
//! +- Checks: 1 FAIL, 7 pass -------------------------------------------------+
//! | counts      pass          20,000 points = 19,988 rows + ...      0.1 s   |
//! | ids         [####----] 50 %  ...                                         |
//! +- ids: 12 offenders ------------------+- Offenders of ids: 12 ------------+
//! | is every id in both stores, once?    | 1042  no row in LanceDB           |
//! +--------------------------------------+-----------------------------------+
//! ```
//! On a low terminal the decision is three lines without a frame, and what the keys go to takes the place of the
//! checks. Below 100 columns the offenders stand below the selected check, or in its place. Figures and reasons may
//! quote anybody's names, and are cleaned as such.

pub(super) mod checks;
mod decision;
mod detail;
mod offenders;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::Line;

use super::chrome::key_of;
use super::json::cut;
use super::paint;
use super::text::wrap_to;
use super::theme::Theme;
use crate::app::actions::{ACTIONS, ActionId};
use crate::app::verify::{Pane, REPAIR, Stage};
use crate::app::{App, SIDE_BY_SIDE};
use crate::point::verdict::Outcome;
use crate::tasks::verify::{CheckId, STOPPED};

/// Lines of a decision without a frame.
const HEAD: u16 = 3;
/// From this height on it has one, and the checks have a heading.
const FRAMED: u16 = 30;
/// Characters of one reason or note that are shown.
const SENTENCE: usize = 4_000;
/// Lines are counted as they are drawn; how they look does not matter.
const COUNTED: Theme = Theme {
    color: false,
    ascii: true,
    covered: false,
};

/// Where the panes stand.
pub(super) struct Panes {
    pub(super) decision: Rect,
    /// Whether there is room for frames and headings.
    pub(super) framed: bool,
    pub(super) checks: Option<Rect>,
    pub(super) detail: Option<Rect>,
    pub(super) offenders: Option<Rect>,
}

/// Where the panes stand, where something was verified.
pub(super) fn panes(app: &App, area: Rect) -> Option<Panes> {
    let verify = &app.verify;
    if !verify.is_known() {
        return None;
    }
    let framed = area.height >= FRAMED;
    let mut panes = Panes {
        decision: area,
        framed,
        checks: None,
        detail: None,
        offenders: None,
    };
    if !framed && verify.pane == Pane::Decision {
        return Some(panes);
    }
    let head = if framed {
        let (width, most) = (area.width.saturating_sub(2) as usize, area.height / 4);
        let lines = decision::lines(app, &COUNTED, width, most as usize).len() as u16;
        lines.min(most) + 2
    } else {
        HEAD
    };
    let [decision, mut below] = Layout::vertical([Constraint::Length(head), Constraint::Min(0)]).areas(area);
    panes.decision = decision;
    if framed || verify.pane == Pane::Checks {
        let rows = CheckId::ALL.len() as u16 + 2 + u16::from(framed);
        let [checks, rest] = Layout::vertical([Constraint::Length(rows), Constraint::Min(0)]).areas(below);
        panes.checks = Some(checks);
        below = rest;
    }
    let halves = [Constraint::Percentage(50), Constraint::Percentage(50)];
    let beside = match (verify.offenders().is_empty(), area.width >= SIDE_BY_SIDE, framed) {
        (true, ..) => None,
        (false, true, _) => Some(Layout::horizontal(halves)),
        (false, false, true) => Some(Layout::vertical(halves)),
        (false, false, false) => None,
    };
    if let Some(layout) = beside {
        let [detail, offenders] = layout.areas(below);
        panes.detail = Some(detail);
        panes.offenders = Some(offenders);
    } else if verify.pane == Pane::Offenders {
        panes.offenders = Some(below);
    } else {
        panes.detail = Some(below);
    }
    Some(panes)
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let Some(panes) = panes(app, area) else {
        nothing(frame, app, theme, area);
        return;
    };
    decision::render(frame, app, theme, panes.decision, panes.framed);
    if let Some(area) = panes.checks {
        checks::render(frame, app, theme, area, panes.framed);
    }
    if let Some(area) = panes.detail {
        detail::render(frame, app, theme, area);
    }
    if let Some(area) = panes.offenders {
        offenders::render(frame, app, theme, area);
    }
}

/// How many lines of the text that the keys go to lie below what is seen of it unscrolled.
pub(super) fn hidden(app: &App, theme: &Theme, area: Rect) -> Option<usize> {
    let panes = panes(app, area)?;
    let in_decision = app.verify.pane == Pane::Decision;
    let area = match app.verify.pane {
        Pane::Decision => panes.decision,
        Pane::Detail => panes.detail?,
        Pane::Checks | Pane::Offenders => return Some(0),
    };
    let inner = theme.pane("").inner(area);
    let width = inner.width as usize;
    let lines = if in_decision {
        decision::lines(app, theme, width, usize::MAX)
    } else {
        detail::lines(app, theme, width, usize::MAX)
    };
    Some(lines.len().saturating_sub(inner.height as usize))
}

/// The lines that are seen of those from the top on, scrolled as far as there are some.
fn scrolled<'a, 'b>(lines: &'a [Line<'b>], scroll: u16, height: u16) -> &'a [Line<'b>] {
    let last = lines.len().saturating_sub(height as usize);
    &lines[last.min(scroll as usize)..]
}

/// The key that repairs what these reasons tell of, and that it does; none where a repair does nothing about them, or
/// cannot be had just now. The reasons name the command, which is the same from a shell.
fn repairs(app: &App, reasons: &[String]) -> Option<String> {
    let key = usable(app, ActionId::Repair)?;
    // No more of a reason is looked at than is shown.
    let names_it = |reason: &String| cut(reason, SENTENCE).contains(REPAIR);
    reasons.iter().any(names_it).then(|| format!("{key} repairs"))
}

/// The key of an action that has one and can be carried out just now.
fn usable(app: &App, id: ActionId) -> Option<String> {
    let action = ACTIONS.iter().find(|action| action.id == id)?;
    let key = key_of(app, id);
    (!key.is_empty() && (action.available)(app).is_ok()).then_some(key)
}

/// How an outcome looks.
fn outcome(theme: &Theme, outcome: Outcome) -> Style {
    match outcome {
        Outcome::Pass => theme.good(),
        Outcome::Fail => theme.bad(),
        Outcome::Inconclusive => theme.warn(),
        Outcome::Info => theme.accent(),
    }
}

fn wrapped(text: &str, style: Style, width: usize, most: usize) -> Vec<Line<'static>> {
    let lines = wrap_to(text, width, most).into_iter();
    lines.map(|line| Line::styled(line, style)).collect()
}

/// A sentence with a mark before its first line, the others indented.
fn marked(mark: &str, text: &str, style: Style, width: usize, most: usize) -> Vec<Line<'static>> {
    let texts = wrap_to(&cut(text, SENTENCE), width.saturating_sub(mark.len()), most);
    let indent = " ".repeat(mark.len());
    let lines = texts.into_iter().enumerate();
    lines
        .map(|(place, text)| {
            let before = if place == 0 { mark } else { indent.as_str() };
            Line::styled(format!("{before}{text}"), style)
        })
        .collect()
}

/// Where nothing was verified yet.
fn nothing(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let block = theme.pane("Verify");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (width, height) = (inner.width as usize, inner.height as usize);
    let mut lines = Vec::new();
    for (text, style) in explained(app, theme) {
        if !lines.is_empty() {
            lines.push(Line::raw(""));
        }
        lines.extend(wrapped(&text, style, width, height));
    }
    paint::lines(frame, inner, &lines);
}

fn explained(app: &App, theme: &Theme) -> Vec<(String, Style)> {
    if app.facts.is_none() {
        return vec![("the job is not open yet".to_owned(), theme.dim())];
    }
    let [verify, sample, open, repair, export] = [
        ActionId::Verify,
        ActionId::VerifySample,
        ActionId::Open,
        ActionId::Repair,
        ActionId::ExportOffenders,
    ]
    .map(|id| key_of(app, id));
    let mut texts = match app.verify.run().map(|run| &run.stage) {
        Some(Stage::Ended(error)) if error == STOPPED => {
            vec![("stopped before it had begun".to_owned(), theme.warn())]
        }
        Some(Stage::Ended(error)) => vec![(format!("cannot verify: {error}"), theme.bad())],
        _ => vec![("Nothing has been verified yet.".to_owned(), theme.accent())],
    };
    texts.push((
        format!(
            "{verify} verifies everything: counts, ids, payloads with their types, vectors, neighbours, the index, \
             filters and the table's health. Both stores are only read. {sample} looks at the payloads and vectors of \
             a sample only, and says what that proves."
        ),
        theme.dim(),
    ));
    texts.push((
        format!(
            "At the end stands GO, NO-GO or INCONCLUSIVE with every reason. {open} on a check opens the points it \
             finds fault with, {export} writes them to a file, {repair} brings the stores together."
        ),
        theme.dim(),
    ));
    let action = ACTIONS.iter().find(|action| action.id == ActionId::Verify);
    if let Some(why) = action.and_then(|action| (action.available)(app).err()) {
        texts.push((format!("not now: {why}"), theme.warn()));
    }
    texts
}
