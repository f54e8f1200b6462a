//! Header, tabs and footer: the frame around every screen.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Modifier;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::text::{clock, count, fit};
use super::theme::Theme;
use crate::app::keymap::Action;
use crate::app::{App, Screen, keymap};
use crate::tasks::Phase;

pub(super) fn header(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let width = area.width as usize;
    let mut phase = format!("{} {}", app.phase.label(), clock(app.snapshot.elapsed));
    if app.leaving && !matches!(app.phase, Phase::Stopping) {
        phase.push_str(" leaving");
    }
    let mut right = String::new();
    if let Some(facts) = &app.facts {
        right = format!("Qdrant {}  {}", facts.qdrant_version, facts.space);
        if app.snapshot.cost_usd > 0.0 {
            right.push_str(&format!("  ${:.2}", app.snapshot.cost_usd));
        }
    }
    let title = fit(&app.title, width.saturating_sub(phase.len() + 13));
    let used = 9 + title.chars().count() + 3 + phase.len();
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

pub(super) fn tabs(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let mut spans = vec![Span::raw(" ")];
    for (screen, digit) in Screen::ALL {
        let mut label = format!("{digit} {}", screen.title());
        if screen == Screen::Failures && app.snapshot.failed > 0 {
            label.push_str(&format!(" {}", count(app.snapshot.failed)));
        }
        let style = if screen == app.screen {
            theme.selected()
        } else {
            theme.dim()
        };
        spans.push(Span::styled(format!(" {label} "), style));
        spans.push(Span::raw(" "));
    }
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

pub(super) fn footer(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    if let Some(flash) = &app.flash {
        let text = fit(&format!(" {}", flash.text), area.width as usize);
        frame.render_widget(Paragraph::new(Span::styled(text, theme.level(flash.level))), area);
        return;
    }
    let why = waiting(app).unwrap_or_default();
    let reason = if why.is_empty() { 0 } else { why.chars().count() + 1 };
    let width_of = |action: &Action| action.keys[0].len() + action.short.len() + 3;
    let shown: Vec<&Action> = keymap::on(app.screen).filter(|action| action.in_footer).collect();
    // Help and leaving are never crowded out.
    let kept: usize = shown.iter().rev().take(2).map(|action| width_of(action)).sum();
    let mut room = (area.width as usize).saturating_sub(reason + kept);
    let mut spans = Vec::new();
    let mut used = 0;
    for (place, action) in shown.iter().enumerate() {
        let wide = width_of(action);
        if place + 2 < shown.len() {
            if wide > room {
                continue;
            }
            room -= wide;
        }
        used += wide;
        let usable = (action.available)(app).is_ok();
        let style = if usable { theme.accent() } else { theme.dim() };
        spans.push(Span::styled(format!(" {}", action.keys[0]), style));
        spans.push(Span::styled(
            format!(" {} ", action.short),
            if usable {
                ratatui::style::Style::new()
            } else {
                theme.dim()
            },
        ));
    }
    let gap = (area.width as usize).saturating_sub(used + reason);
    spans.push(Span::raw(" ".repeat(gap)));
    spans.push(Span::styled(why, theme.warn()));
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

/// Why it is not faster just now.
fn waiting(app: &App) -> Option<String> {
    let (reason, left) = app.snapshot.waiting.as_ref()?;
    let reason = fit(reason, 48);
    Some(match left {
        Some(left) => format!("{reason}, {} s", left.as_secs() + 1),
        None => reason,
    })
}
