//! Header and tabs: what stands above every screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr as _;

use super::text::{clean, clock, columns as columns_of, count, fit_ends};
use super::theme::Theme;
use crate::app::actions::ActionId;
use crate::app::verify::Run;
use crate::app::{App, Screen};
use crate::point::verdict::Decision;
use crate::point::{exact_sum, sum_of_money};
use crate::tasks::Phase;

/// Columns of a name below which nobody knows it.
const LEAST_TITLE: usize = 16;

pub(super) fn header(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let width = area.width as usize;
    let (word, style) = standing(app, theme);
    let mut phase = format!("{word} {}", clock(app.snapshot.elapsed));
    match app.snapshot.off_by() {
        0 => {}
        points => phase.push_str(&format!(" OFF BY {}", count(points))),
    }
    if app.leaving && !matches!(app.phase, Phase::Stopping) {
        phase.push_str(" leaving");
    }
    let room = width.saturating_sub(phase.len() + 13);
    let whole = columns_of(&clean(&app.title));
    let title = fit_ends(&app.title, room.saturating_sub(spared(app, room, whole)));
    let used = 9 + columns_of(&title) + 3 + phase.width();
    let mut spans = vec![
        Span::styled(" qlance", theme.accent().add_modifier(Modifier::BOLD)),
        Span::raw(format!("  {title}   ")),
        Span::styled(phase, style),
    ];
    for (part, is_down) in right(app, width.saturating_sub(used + 1)) {
        let style = if is_down { theme.bad() } else { theme.dim() };
        spans.push(Span::raw("  "));
        spans.push(Span::styled(part, style));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// Columns that a name of so many must leave, of so many: the shortest word on the servers is not crowded out. What was
/// spent goes before the name is cut; of one that is cut all the same it takes its share, where enough of it is left.
fn spared(app: &App, room: usize, name: usize) -> usize {
    if app.facts.is_none() {
        return 0;
    }
    let servers: usize = letters(app).iter().flatten().map(|(part, _)| part.width() + 2).sum();
    let all = servers + spent(app).map_or(0, |spent| spent.width() + 2);
    let is_whole_without = name + all > room && name + servers <= room;
    if is_whole_without || room < LEAST_TITLE + all {
        servers
    } else {
        all
    }
}

/// The servers in as few columns as can be.
fn letters(app: &App) -> [Option<(String, bool)>; 2] {
    [health(app, "Qdrant", "Q"), embedder(app, "E")]
}

/// What was spent, without what of; none where there is no money in it.
fn spent(app: &App) -> Option<String> {
    (!money(app).is_empty()).then(|| format!("${}", sum_of_money(app.snapshot.cost_usd, 2)))
}

/// What stands at the right: what was spent, and whether the servers answer. Each part with whether it is an outage; of
/// several ways to say it the first that fits, two blanks before each part.
fn right(app: &App, room: usize) -> Vec<(String, bool)> {
    let Some(facts) = &app.facts else {
        return Vec::new();
    };
    let money = (!money(app).is_empty()).then(|| (money(app), false));
    let spent = spent(app).map(|spent| (spent, false));
    let named = [
        health(app, "Qdrant", &clean(&format!("Qdrant {}", facts.qdrant_version))),
        embedder(app, &clean(&facts.space)),
    ];
    // Whose the model is goes before the model does.
    let model = facts.space.rsplit('/').next().unwrap_or_default();
    let shorter = [health(app, "Qdrant", "Qdrant"), embedder(app, &clean(model))];
    let words = [health(app, "Qdrant", "Qdrant"), embedder(app, "embedder")];
    let letters = letters(app);
    let with = |money: &Option<(String, bool)>, servers: &[Option<(String, bool)>; 2]| -> Vec<(String, bool)> {
        money.iter().chain(servers.iter().flatten()).cloned().collect()
    };
    let ways = [
        with(&money, &named),
        with(&money, &shorter),
        with(&money, &words),
        with(&money, &letters),
        with(&spent, &letters),
        with(&None, &letters),
        with(&money, &[None, None]),
    ];
    let columns = |way: &Vec<(String, bool)>| -> usize { way.iter().map(|(part, _)| part.width() + 2).sum() };
    ways.into_iter().find(|way| columns(way) <= room).unwrap_or_default()
}

/// A server and whether it answers, as far as the run has met it; none once the run has ended in trouble, or after it a
/// verification has, for then nobody knows.
fn health(app: &App, of: &str, name: &str) -> Option<(String, bool)> {
    let is_unknown = match app.phase {
        Phase::Stopped(_) | Phase::Failed(_) => true,
        // Until it is met again.
        Phase::Ready | Phase::Complete => of == "Qdrant" && app.verify.run().is_some_and(Run::has_failed),
        _ => false,
    };
    if is_unknown {
        return None;
    }
    let outage = app.snapshot.waiting.as_ref().and_then(|waiting| waiting.outage);
    let is_down = outage.is_some_and(|outage| outage.of == of);
    Some((format!("{name} {}", if is_down { "down" } else { "ok" }), is_down))
}

/// The embedder, where there is one.
fn embedder(app: &App, name: &str) -> Option<(String, bool)> {
    health(app, "embedder", name).filter(|_| app.snapshot.settings.in_flight > 0)
}

/// Where the work stands: a run that waits an outage out moves nothing, one that is being left is about to end, and a sum
/// that is off is nothing to be green.
fn standing(app: &App, theme: &Theme) -> (&'static str, Style) {
    let waits = app.phase == Phase::Running && app.snapshot.outage().is_some();
    let word = if waits { "WAITING" } else { app.phase.label() };
    let is_over = matches!(app.phase, Phase::Stopped(_) | Phase::Failed(_));
    let style = match app.snapshot.off_by() {
        0 if waits || app.leaving && !is_over => theme.warn(),
        0 => theme.phase(&app.phase),
        _ => theme.bad(),
    };
    (word, style)
}

/// What was spent, and of how much.
fn money(app: &App) -> String {
    match (app.snapshot.settings.budget_usd, app.snapshot.cost_usd) {
        (Some(budget), spent) => format!("${} of ${}", sum_of_money(spent, 2), exact_sum(budget)),
        (None, spent) if spent > 0.0 => format!("${}", sum_of_money(spent, 2)),
        (None, _) => String::new(),
    }
}

/// The first key of an action, for texts that name it.
pub(super) fn key_of(app: &App, id: ActionId) -> String {
    app.key_of(id)
}

/// 1,234 as 1k: where there is no room for more.
fn short_count(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{}k", number / 1_000),
        _ => format!("{}M", number / 1_000_000),
    }
}

/// The tabs; where there is no room, the counts are rounded first, then what was decided goes, then the counts, that
/// of the failures last, then the names are cut. The sign of a question that waits stays.
fn labels(app: &App, width: usize) -> Vec<(Screen, String)> {
    let number = |screen: Screen, show: fn(u64) -> String| match screen {
        Screen::Failures if app.snapshot.failed > 0 => show(app.snapshot.failed),
        Screen::Divergence if app.divergent() > 0 => show(app.divergent()),
        _ => String::new(),
    };
    let decided = decided(app);
    let full = |screen: Screen| number(screen, count);
    let compact = |screen: Screen| number(screen, short_count);
    let with_decision = |text: String, screen: Screen| {
        if screen == Screen::Verify {
            decided.to_owned()
        } else {
            text
        }
    };
    let sign = |screen: Screen| if app.asks_on() == Some(screen) { "? " } else { "" };
    let ways: [&dyn Fn(Screen) -> String; 6] = [
        &|screen: Screen| with_decision(full(screen), screen),
        &|screen: Screen| with_decision(compact(screen), screen),
        &full,
        &compact,
        &|screen: Screen| {
            if screen == Screen::Failures {
                compact(screen)
            } else {
                String::new()
            }
        },
        &|_: Screen| String::new(),
    ];
    for way in ways {
        let labels: Vec<(Screen, String)> = Screen::ALL
            .into_iter()
            .map(|(screen, digit)| match way(screen) {
                none if none.is_empty() => (screen, format!(" {digit} {} {}", screen.title(), sign(screen))),
                some => (screen, format!(" {digit} {} {some} {}", screen.title(), sign(screen))),
            })
            .collect();
        if labels.iter().map(|(_, label)| label.width()).sum::<usize>() < width {
            return labels;
        }
    }
    let short = |screen: Screen| screen.title().chars().take(4).collect::<String>();
    Screen::ALL
        .into_iter()
        .map(|(screen, digit)| (screen, format!(" {digit} {} {}", short(screen), sign(screen))))
        .collect()
}

/// What the last verification decided, as long as the table is the one it looked at.
pub(super) fn decided(app: &App) -> &'static str {
    let decision = app.verify.decision();
    let decision = decision.filter(|_| !app.verify.is_stale(app.snapshot.version));
    decision.map_or("", Decision::label)
}

pub(super) fn tabs(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let mut spans = vec![Span::raw(" ")];
    for (screen, label) in labels(app, area.width as usize) {
        let style = if screen == app.screen {
            theme.selected()
        } else if app.asks_on() == Some(screen) {
            theme.warn()
        } else {
            theme.dim()
        };
        spans.push(Span::styled(label, style));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// The tab at a column.
pub(super) fn tab_at(app: &App, area: Rect, column: u16) -> Option<Screen> {
    let mut left = area.x + 1;
    for (screen, label) in labels(app, area.width as usize) {
        let right = left + label.width() as u16;
        if (left..right).contains(&column) {
            return Some(screen);
        }
        left = right;
    }
    None
}
