//! The decision: the word, what was looked at, and every reason.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};

use super::{marked, repairs, scrolled, usable, wrapped};
use crate::app::actions::ActionId;
use crate::app::verify::{Pane, Run, Stage};
use crate::app::{App, Screen};
use crate::point::counted;
use crate::point::verdict::Decision;
use crate::tasks::verify::{CheckId, Verification};
use crate::tasks::{Phase, now_ms};
use crate::ui::chrome::key_of;
use crate::ui::paint;
use crate::ui::text::{age, clock, columns, count, fit, latency, wrap_to};
use crate::ui::theme::Theme;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, framed: bool) {
    let focused = app.verify.pane == Pane::Decision;
    if !framed && !focused {
        let inner = Rect {
            x: area.x + 1,
            width: area.width.saturating_sub(2),
            ..area
        };
        paint::lines(frame, inner, &brief(app, theme, inner.width as usize));
        return;
    }
    let inner = theme.pane("").inner(area);
    let scroll = if focused { app.verify.scroll } else { 0 };
    let most = scroll as usize + inner.height as usize + 1;
    let lines = lines(app, theme, inner.width as usize, most);
    let seen = scrolled(&lines, scroll, inner.height);
    let title = match way_here(app) {
        _ if seen.len() <= inner.height as usize => "Decision".to_owned(),
        way if way.is_empty() => "Decision (more below)".to_owned(),
        way => format!("Decision (more: {way})"),
    };
    frame.render_widget(theme.pane_with(&title, focused), area);
    paint::lines(frame, inner, seen);
}

/// All of it; of the reasons no more than fill about `most` lines.
pub(super) fn lines(app: &App, theme: &Theme, width: usize, most: usize) -> Vec<Line<'static>> {
    let mut lines = vec![headline(app, theme, width)];
    // It may take several lines: nothing is left out of it but which stores these are.
    let facts = facts(app);
    let whole = first_that_fits(&facts[..facts.len().min(2)], width);
    lines.extend(wrapped(whole, theme.dim(), width, 3));
    if let Some((text, style)) = notice(app, theme) {
        lines.extend(wrapped(&text, style, width, 3));
    }
    for reason in reasons(app) {
        if lines.len() >= most {
            break;
        }
        lines.extend(marked("- ", reason, Style::new(), width, most));
    }
    lines
}

/// Three lines: the word, what was looked at, and the first reason, with the way to what is not seen.
fn brief(app: &App, theme: &Theme, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![
        headline(app, theme, width),
        Line::styled(fit(first_that_fits(&facts(app), width), width), theme.dim()),
    ];
    let reasons = reasons(app);
    if let Some((text, style)) = notice(app, theme) {
        let with_more = format!("{text}{}", more_reasons(app, reasons.len()));
        let text = if columns(&with_more) <= width { with_more } else { text };
        lines.push(Line::styled(fit(&text, width), style));
    } else if let Some(first) = reasons.first() {
        let first = format!("- {first}");
        let more = match (reasons.len() - 1, way_here(app).as_str()) {
            (0, way) if way.is_empty() || wrap_to(&first, width, 2).len() == 1 => String::new(),
            (0, way) => format!(" (more: {way})"),
            (more, _) => more_reasons(app, more),
        };
        let first = fit(&first, width.saturating_sub(columns(&more)));
        lines.push(Line::raw(format!("{first}{more}")));
    }
    lines
}

/// The first of several ways to say it that fits, else the last.
fn first_that_fits(ways: &[String], width: usize) -> &str {
    let way = ways.iter().find(|way| columns(way) <= width).or(ways.last());
    way.map_or("", String::as_str)
}

/// How many reasons are not seen, with the way to them; nothing where there are none.
fn more_reasons(app: &App, more: usize) -> String {
    match (more, way_here(app).as_str()) {
        (0, _) => String::new(),
        (_, "") => format!(" (+{more})"),
        (_, way) => format!(" (+{more}: {way})"),
    }
}

/// The keys that go here from the pane that has them; none in this one.
fn way_here(app: &App) -> String {
    let next = key_of(app, ActionId::NextPane);
    match app.verify.pane {
        Pane::Decision => String::new(),
        Pane::Checks => key_of(app, ActionId::PreviousPane),
        // The offenders lie between.
        Pane::Detail if !app.verify.offenders().is_empty() => format!("{next} {next}").trim().to_owned(),
        Pane::Detail | Pane::Offenders => next,
    }
}

/// What was decided, or how far that is: in the first of several ways that leaves the key behind it whole.
fn headline(app: &App, theme: &Theme, width: usize) -> Line<'static> {
    let (word, style, ways) = match (app.verify.run(), app.verify.found()) {
        (Some(run), _) => under_way(app, theme, run),
        (None, Some(found)) if app.verify.is_stale(app.snapshot.version) => stale(app, theme, found),
        (None, Some(found)) => decided(app, theme, found),
        (None, None) => ("", Style::new(), Vec::new()),
    };
    let room = width.saturating_sub(columns(word) + 2);
    let text = fit(first_that_fits(&ways, room), room);
    Line::from(vec![
        Span::styled(word, style.add_modifier(Modifier::BOLD)),
        Span::raw(format!("  {text}")),
    ])
}

/// A word, how it looks, and what is said behind it: the longest way first.
type Said = (&'static str, Style, Vec<String>);

fn under_way(app: &App, theme: &Theme, run: &Run) -> Said {
    let (done, all) = run.counts();
    let what = run
        .sample
        .map_or_else(String::new, |sample| format!("a sample of {}: ", count(sample)));
    let far = format!("{done} of {all} checks done, {}", clock(run.elapsed()));
    match &run.stage {
        Stage::Asked => ("VERIFYING", theme.accent(), vec![format!("{what}asked for ...")]),
        Stage::Running => {
            let stop = key_of(app, ActionId::StopVerifying);
            let ways = vec![format!("{what}{far}; {stop} stops"), format!("{far}; {stop} stops")];
            ("VERIFYING", theme.accent(), ways)
        }
        Stage::Stopping => ("STOPPING", theme.warn(), vec![format!("{what}{far}"), far]),
        Stage::Ended(_) => {
            let style = if run.has_failed() { theme.bad() } else { theme.warn() };
            let again = verifies_again(app);
            let ways = match app.verify.found() {
                Some(_) => {
                    let back = way_back(app);
                    let before = again.map_or_else(String::new, |again| format!("{again}, "));
                    vec![
                        format!("{before}{back} shows the earlier decision"),
                        format!("{before}{back} goes back"),
                    ]
                }
                None => again.into_iter().collect(),
            };
            ("NOT DECIDED", style, ways)
        }
    }
}

/// The key that verifies anew, and that it does; none while it cannot be pressed.
fn verifies_again(app: &App) -> Option<String> {
    usable(app, ActionId::Verify).map(|key| format!("{key} verifies again"))
}

/// The keys that go to the earlier decision; from another pane than the checks by way of these.
fn way_back(app: &App) -> String {
    let back = key_of(app, ActionId::Back);
    match app.verify.pane {
        Pane::Checks => back,
        Pane::Decision | Pane::Detail | Pane::Offenders => format!("{back} {back}").trim().to_owned(),
    }
}

/// A decision about a table that is not the one there is now: it holds no more.
fn stale(app: &App, theme: &Theme, found: &Verification) -> Said {
    let again = verifies_again(app).map_or_else(String::new, |again| format!("; {again}"));
    let text = format!(
        "was {} for version {}{again}",
        found.decision.label(),
        found.table_version
    );
    ("STALE", theme.warn(), vec![text])
}

fn decided(app: &App, theme: &Theme, found: &Verification) -> Said {
    let reasons = match found.reasons.len() {
        0 => String::new(),
        1 => ": 1 reason".to_owned(),
        many => format!(": {many} reasons"),
    };
    let (style, text, short) = match found.decision {
        Decision::Go => (theme.good(), "the new store may take over", "may take over"),
        Decision::NoGo => (theme.bad(), "the new store may not take over", "may not take over"),
        Decision::Inconclusive => (
            theme.warn(),
            "what was seen does not say whether it may take over",
            "still open",
        ),
    };
    let next = repairs(app, &found.reasons).or_else(|| verifies_everything(app, found));
    let next = next.map_or_else(String::new, |next| format!("; {next}"));
    let ways = vec![
        format!("{text}{reasons}{next}"),
        format!("{short}{reasons}{next}"),
        format!("{short}{next}"),
    ];
    (found.decision.label(), style, ways)
}

/// The key that verifies what was left out too, be it checks or all rows but a sample, and that it does; none where nothing
/// of it keeps the decision open, or it cannot be had just now.
fn verifies_everything(app: &App, found: &Verification) -> Option<String> {
    let is_left_out = |id: CheckId| id.is_needed() && found.check(id).is_none();
    let is_sample = found.decision == Decision::Inconclusive && found.sample.is_some();
    let key = usable(app, ActionId::Verify)?;
    (is_sample || CheckId::ALL.into_iter().any(is_left_out)).then(|| format!("{key} verifies everything"))
}

/// What was looked at, the longest way first; while that is under way, what was decided before.
fn facts(app: &App) -> Vec<String> {
    let Some(found) = app.verify.found() else {
        return vec!["nothing was decided before".to_owned()];
    };
    let ago = ago(now_ms() - found.began_at);
    if app.verify.run().is_some() {
        return vec![format!("earlier: {}, {ago}", found.decision.label())];
    }
    let (checks, all) = (found.checks.len(), CheckId::ALL.len());
    let looked_at = match found.sample.map(|sample| format!("sample {}", count(sample))) {
        Some(sample) if checks < all => format!("{checks} of {all} checks, {sample}"),
        Some(sample) => sample,
        None if checks < all => format!("{checks} of {all} checks"),
        None => "in full".to_owned(),
    };
    let what = format!(
        "version {}, {}, {}, {looked_at}",
        found.table_version,
        counted(found.rows, "row", "rows"),
        counted(found.points, "point", "points")
    );
    let when = format!("{ago} in {}", latency(Some(found.took)));
    let short = format!("{what}, seed {}, {when}", found.seed);
    let long = format!(
        "{} against {} of Qdrant {}: {short}",
        found.table, found.collection, found.qdrant_version
    );
    vec![long, short, format!("{what}, {when}"), format!("{what}, {ago}")]
}

/// How long ago, with a blank before the unit as in how long it took.
fn ago(milliseconds: i64) -> String {
    let age = age(milliseconds);
    let (number, unit) = age.split_at(age.len() - 1);
    format!("{number} {unit} ago")
}

/// What goes before the reasons just now.
fn notice(app: &App, theme: &Theme) -> Option<(String, Style)> {
    let snapshot = &app.snapshot;
    if app.verify.planning {
        let text = format!(
            "planning a repair, nothing written: {} of {} points",
            count(snapshot.compared),
            count(snapshot.total)
        );
        return Some((text, theme.accent()));
    }
    if app.phase == Phase::CatchingUp {
        let key = key_of(app, ActionId::Show(Screen::Migrate));
        let text = if key.is_empty() {
            "bringing the stores together ...".to_owned()
        } else {
            format!("bringing the stores together; {key} shows how far it is")
        };
        return Some((text, theme.accent()));
    }
    if app.verify.run().is_none() && app.verify.is_stale(snapshot.version) {
        let text = format!("the table is at version {} by now", snapshot.version);
        return Some((text, theme.warn()));
    }
    None
}

/// The reasons of what was decided, or the one why nothing was.
fn reasons(app: &App) -> &[String] {
    match (app.verify.run().map(|run| &run.stage), app.verify.found()) {
        (Some(Stage::Ended(error)), _) => std::slice::from_ref(error),
        (Some(_), _) | (None, None) => &[],
        (None, Some(found)) => &found.reasons,
    }
}
