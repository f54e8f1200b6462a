//! Gauge, rate, ETA, the conservation line, and what the work is about just now.

use std::time::Duration;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::app::App;
use crate::app::actions::ActionId;
use crate::tasks::{Phase, StopReason};
use crate::ui::chrome::key_of;
use crate::ui::text::{clock, count, fit};
use crate::ui::theme::Theme;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let block = theme.pane("Progress");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = inner.width as usize;
    let snapshot = &app.snapshot;
    let settled = snapshot.settled();
    let share = match snapshot.total {
        0 => f64::from(u8::from(app.phase == Phase::Complete)),
        total => (settled as f64 / total as f64).min(1.0),
    };
    let eta = match snapshot.eta {
        Some(eta) => format!("ETA {}", clock(eta)),
        None => "ETA --:--".into(),
    };
    let numbers = format!(
        " {} / {}  {:>3.0} %  {}/s  {eta}",
        count(settled),
        count(snapshot.total),
        (share * 100.0).floor(),
        count(snapshot.rate.round() as u64)
    );
    let bar = width.saturating_sub(numbers.chars().count() + 2);
    let full = (share * bar as f64) as usize;
    let gauge = Line::from(vec![
        Span::raw("["),
        Span::styled(theme.full().repeat(full), theme.good()),
        Span::styled(theme.empty().repeat(bar - full), theme.dim()),
        Span::raw("]"),
        Span::raw(numbers),
    ]);
    let mut sum = format!(
        "read {} = written {} + failed {} + skipped {} + in hand {}",
        count(snapshot.read),
        count(snapshot.written),
        count(snapshot.failed),
        count(snapshot.skipped),
        count(snapshot.in_hand)
    );
    if snapshot.shortened > 0 {
        sum.push_str(&format!(" ({} shortened)", count(snapshot.shortened)));
    }
    let adds_up = snapshot.read == settled + snapshot.in_hand;
    let sum = if adds_up {
        Span::raw(fit(&sum, width))
    } else {
        Span::styled(fit(&format!("DOES NOT ADD UP: {sum}"), width), theme.bad())
    };
    let (now, style) = now(app, theme);
    let now = Span::styled(fit(&now, width), style);
    frame.render_widget(Paragraph::new(vec![gauge, Line::from(sum), Line::from(now)]), inner);
}

/// What the work is about just now, in one line.
fn now(app: &App, theme: &Theme) -> (String, ratatui::style::Style) {
    let snapshot = &app.snapshot;
    match &app.phase {
        Phase::Connecting => ("asking Qdrant, LanceDB and the embedder ...".into(), theme.dim()),
        Phase::Ready => ("the plan waits for you".into(), theme.accent()),
        Phase::Finishing(step) => (format!("all points are over; {} ...", step.label()), theme.accent()),
        Phase::Comparing => (
            format!(
                "comparing both stores: {} of {} points; nothing is written",
                count(snapshot.compared),
                count(snapshot.total)
            ),
            theme.accent(),
        ),
        Phase::CatchingUp => ("bringing over what differs ...".into(), theme.accent()),
        Phase::Complete if snapshot.failed > 0 => (
            format!(
                "complete; {} points failed: 3 shows them, R retries them",
                count(snapshot.failed)
            ),
            theme.warn(),
        ),
        Phase::Complete => ("complete".into(), theme.good()),
        Phase::Stopped(reason @ StopReason::Budget(_)) => (format!("$ raises it and goes on: {reason}"), theme.warn()),
        Phase::Stopped(reason) => (format!("stopped; p goes on: {reason}"), theme.warn()),
        Phase::Failed(reason) => (reason.clone(), theme.bad()),
        Phase::Stopping => ("stopping: what is embedded is being committed".into(), theme.warn()),
        Phase::Pausing => ("pausing: waiting for what is in flight".into(), theme.warn()),
        Phase::Paused => ("paused; p goes on".into(), theme.warn()),
        Phase::Running if snapshot.waiting.is_some() => (waits(app), theme.warn()),
        Phase::Running => {
            let usage = snapshot.usage;
            let mut text = format!(
                "{} requests, {} inputs, {} remembered",
                count(usage.requests),
                count(usage.inputs),
                count(usage.remembered)
            );
            if usage.tokens > 0 {
                text.push_str(&format!(", {} tokens, ${:.4}", count(usage.tokens), snapshot.cost_usd));
            }
            (text, theme.dim())
        }
    }
}

/// What is wrong, what is done about it, and what the operator can do.
fn waits(app: &App) -> String {
    let Some(waiting) = &app.snapshot.waiting else {
        return String::new();
    };
    let now = key_of(app, ActionId::TryNow);
    let left = waiting
        .left
        .map_or_else(String::new, |left| format!(" in {} s", left.as_secs()));
    match &waiting.outage {
        Some(outage) => format!(
            "try {}{left} ({now}: now); down for {}, stops after {}; {}",
            outage.tries + 1,
            span(outage.lasted),
            span(outage.patience),
            waiting.reason,
        ),
        None => format!("goes on{left} ({now}: now); {}", waiting.reason),
    }
}

/// A length of time in its largest unit.
fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}
