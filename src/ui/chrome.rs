//! Header, tabs and footer: the frame around every screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_width::UnicodeWidthStr as _;

use super::text::{clock, count, fit};
use super::theme::Theme;
use crate::app::actions::{self, ACTIONS, Action, ActionId};
use crate::app::{App, Screen};
use crate::point::verdict::Decision;
use crate::tasks::Phase;

pub(super) fn header(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let width = area.width as usize;
    let mut phase = format!("{} {}", app.phase.label(), clock(app.snapshot.elapsed));
    if app.leaving && !matches!(app.phase, Phase::Stopping) {
        phase.push_str(" leaving");
    }
    let mut right = String::new();
    if let Some(facts) = &app.facts {
        // Money first: where there is no room, the names of the servers go.
        let money = money(app);
        let gap = if money.is_empty() { "" } else { "  " };
        right = format!("{money}{gap}Qdrant {}  {}", facts.qdrant_version, facts.space);
    }
    let title = fit(&app.title, width.saturating_sub(phase.len() + 13));
    let used = 9 + title.width() + 3 + phase.width();
    let line = Line::from(vec![
        Span::styled(" qlance", theme.accent().add_modifier(Modifier::BOLD)),
        Span::raw(format!("  {title}   ")),
        Span::styled(phase, theme.phase(&app.phase)),
        Span::styled(
            format!("   {}", fit(&right, width.saturating_sub(used + 3))),
            theme.dim(),
        ),
    ]);
    frame.render_widget(Paragraph::new(line), area);
}

/// What was spent, and of how much.
fn money(app: &App) -> String {
    match (app.snapshot.settings.budget_usd, app.snapshot.cost_usd) {
        (Some(budget), spent) => format!("${spent:.2} of ${budget:.2}"),
        (None, spent) if spent > 0.0 => format!("${spent:.2}"),
        (None, _) => String::new(),
    }
}

/// The first key of an action, for texts that name it.
pub(super) fn key_of(app: &App, id: ActionId) -> String {
    let action = ACTIONS.iter().find(|action| action.id == id);
    action.map(|action| app.keymap.first(action)).unwrap_or_default()
}

/// 1,234 as 1k: where there is no room for more.
fn short_count(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        1_000..1_000_000 => format!("{}k", number / 1_000),
        _ => format!("{}M", number / 1_000_000),
    }
}

/// The tabs; where there is no room, the counts are rounded first, then what was decided goes, then the counts, then
/// the names are cut.
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
    let ways: [&dyn Fn(Screen) -> String; 5] = [
        &|screen: Screen| with_decision(full(screen), screen),
        &|screen: Screen| with_decision(compact(screen), screen),
        &full,
        &compact,
        &|_: Screen| String::new(),
    ];
    for way in ways {
        let labels: Vec<(Screen, String)> = Screen::ALL
            .into_iter()
            .map(|(screen, digit)| match way(screen) {
                none if none.is_empty() => (screen, format!(" {digit} {} ", screen.title())),
                some => (screen, format!(" {digit} {} {some} ", screen.title())),
            })
            .collect();
        if labels.iter().map(|(_, label)| label.width()).sum::<usize>() < width {
            return labels;
        }
    }
    let short = |screen: Screen| screen.title().chars().take(4).collect::<String>();
    Screen::ALL
        .into_iter()
        .map(|(screen, digit)| (screen, format!(" {digit} {} ", short(screen))))
        .collect()
}

/// What the last verification decided, as long as the table is the one it looked at.
fn decided(app: &App) -> &'static str {
    let decision = app.verify.decision();
    let decision = decision.filter(|_| !app.verify.is_stale(app.snapshot.version));
    decision.map_or("", Decision::label)
}

pub(super) fn tabs(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let mut spans = vec![Span::raw(" ")];
    for (screen, label) in labels(app, area.width as usize) {
        let style = if screen == app.screen {
            theme.selected()
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

pub(super) fn footer(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    if let Some(flash) = &app.flash {
        let text = fit(&format!(" {}", flash.text), area.width as usize);
        frame.render_widget(Paragraph::new(Span::styled(text, theme.level(flash.level))), area);
        return;
    }
    let why = waiting(app, area.width as usize).unwrap_or_default();
    let reason = if why.is_empty() { 0 } else { why.width() + 1 };
    let mut shown = offers(app);
    let crowded = shown.iter().map(|offer| offer.wide).sum::<usize>() > area.width as usize;
    // What cannot be done at all just now makes room for what can; it is in the help, with the reason.
    shown.retain(|offer| offer.usable || !crowded && is_kept(offer.action));
    // The palette, help and leaving are never crowded out.
    let kept: usize = shown.iter().rev().take(3).map(|offer| offer.wide).sum();
    let mut room = (area.width as usize).saturating_sub(reason + kept);
    let mut spans = Vec::new();
    let mut used = 0;
    for (place, offer) in shown.iter().enumerate() {
        if place + 3 < shown.len() {
            if offer.wide > room {
                continue;
            }
            room -= offer.wide;
        }
        used += offer.wide;
        let (key, text) = if offer.usable {
            (theme.accent(), Style::new())
        } else {
            (theme.dim(), theme.dim())
        };
        spans.push(Span::styled(format!(" {}", offer.key), key));
        spans.push(Span::styled(format!(" {} ", offer.action.short), text));
    }
    let gap = (area.width as usize).saturating_sub(used + reason);
    spans.push(Span::raw(" ".repeat(gap)));
    spans.push(Span::styled(why, theme.warn()));
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// An action that the footer may show, with what is asked of it more than once a frame.
struct Offer {
    action: &'static Action,
    key: String,
    wide: usize,
    usable: bool,
}

/// The actions that the footer of the screen may show. Pausing holds everywhere, and is shown where the work is.
fn offers(app: &App) -> Vec<Offer> {
    let elsewhere = app.screen != Screen::Migrate;
    actions::on(app.screen)
        .filter(|action| action.in_footer && !(elsewhere && action.id == ActionId::PauseOrResume))
        .map(|action| {
            let key = app.keymap.first(action);
            Offer {
                action,
                wide: key.width() + action.short.len() + 3,
                usable: (action.available)(app).is_ok(),
                key,
            }
        })
        .collect()
}

/// Whether the footer shows an action although it does not apply: dimmed, where there is room. What begins a job that
/// has begun is never of use again.
fn is_kept(action: &Action) -> bool {
    !matches!(action.id, ActionId::Start | ActionId::TryNow | ActionId::CatchUp)
}

/// Why it is not faster just now.
fn waiting(app: &App, width: usize) -> Option<String> {
    let waiting = app.snapshot.waiting.as_ref()?;
    let reason = fit(&waiting.reason, 48.min(width / 3));
    Some(match waiting.left {
        Some(left) => format!("{reason}, {} s", left.as_secs()),
        None => reason,
    })
}
