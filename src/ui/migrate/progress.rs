//! Gauge of what is done just now, rate, ETA, the conservation line, what the work is about just now, what was used, and
//! the settings.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::now::{now, when_off};
use super::settings;
use crate::app::App;
use crate::embed::Usage;
use crate::lance::index::Step;
use crate::point::{counted, exact_sum, sum_of_money};
use crate::tasks::Phase;
use crate::ui::text::{clock, columns, count, fit, wrap};
use crate::ui::theme::Theme;

/// Lines that are looked at of what the work is about: more than any pane has for it.
const MOST: usize = 16;

/// Lines of the pane, its border among them, that hold all it says.
pub(super) fn wanted(app: &App, width: u16) -> u16 {
    let width = usize::from(width.saturating_sub(2));
    let (sum, _) = sum(app, width);
    let (now, _) = now(app);
    // The border, the gauge, and what was used.
    (2 + 1 + sum.len() + now.lines(width, MOST).len() + 1) as u16
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let block = settings::on_border(theme.pane("Progress"), &app.snapshot, area.width);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = inner.width as usize;
    let mut lines = vec![gauge(app, theme, width)];
    let (sum, left) = sum(app, width);
    let style = match app.snapshot.off_by() {
        0 => Style::new(),
        _ => theme.bad(),
    };
    lines.extend(sum.into_iter().map(|line| Line::styled(line, style)));
    let room = (inner.height as usize).saturating_sub(lines.len());
    let (now, look) = now(app);
    let said = now.lines(width, room).into_iter();
    lines.extend(said.map(|line| Line::styled(line, look(*theme))));
    // What is the matter is never cut as long as the money can give way: that stands in the header too.
    lines.push(Line::styled(fit(&used(app, left, width), width), theme.dim()));
    frame.render_widget(Paragraph::new(lines), inner);
}

/// How far what is done just now is: what has come to its end before is no progress of it.
fn gauge(app: &App, theme: &Theme, width: usize) -> Line<'static> {
    let snapshot = &app.snapshot;
    let (share, numbers) = match &app.phase {
        Phase::Finishing(step) => {
            let (place, all) = (step.place(), Step::ALL.len());
            // Steps take as long as they take: those that are done are counted, and no share of time is told.
            let share = (place - 1) as f64 / all as f64;
            (share, format!("step {place} of {all}: {}", step.label()))
        }
        Phase::Comparing => {
            let share = share(snapshot.compared, snapshot.total);
            let (compared, total) = (count(snapshot.compared), count(snapshot.total));
            (share, format!("{compared} / {total} compared  {}", percent(share)))
        }
        // How much of it is done is not told: the rows and the version are what moves.
        Phase::CatchingUp => {
            let rows = counted(snapshot.written, "row", "rows");
            let text = format!("catching up: {rows} in the table, version {}", snapshot.version);
            return Line::raw(fit(&text, width));
        }
        _ => {
            let share = match snapshot.total {
                0 => f64::from(u8::from(app.phase == Phase::Complete)),
                total => share(snapshot.settled(), total),
            };
            (share, moved(app, share))
        }
    };
    let bar = width.saturating_sub(columns(&numbers) + 3);
    let full = (share * bar as f64) as usize;
    Line::from(vec![
        Span::raw("["),
        Span::styled(theme.full().repeat(full), theme.good()),
        Span::styled(theme.empty().repeat(bar - full), theme.dim()),
        Span::raw("] "),
        Span::raw(numbers),
    ])
}

/// The points that are across, how fast, and until when, where it is to come to its end.
fn moved(app: &App, share: f64) -> String {
    let snapshot = &app.snapshot;
    let eta = snapshot.eta.filter(|_| app.phase == Phase::Running && !app.leaving);
    let eta = match eta {
        Some(eta) => format!("ETA {}", clock(eta)),
        None => "ETA --:--".into(),
    };
    format!(
        "{} / {}  {}  {}/s  {eta}",
        count(snapshot.settled()),
        count(snapshot.total),
        percent(share),
        count(snapshot.rate.round() as u64)
    )
}

/// What part of all of them so many are; 0 of nothing.
fn share(some: u64, all: u64) -> f64 {
    if all == 0 {
        return 0.0;
    }
    (some as f64 / all as f64).min(1.0)
}

/// Rounded down: what is not whole is never 100 %.
fn percent(share: f64) -> String {
    format!("{:>3.0} %", (share * 100.0).floor())
}

/// Points read, and what became of them: never cut, so that it can be checked; and where it does not add up, what to do.
/// A figure that had no room in it is answered too.
fn sum(app: &App, width: usize) -> (Vec<String>, Option<String>) {
    let snapshot = &app.snapshot;
    let off = match snapshot.off_by() {
        0 => String::new(),
        points => format!("OFF BY {}: ", count(points)),
    };
    let sum = |of_written: &str| {
        format!(
            "{off}read {} = written {}{of_written} + failed {} + skipped {} + in hand {}",
            count(snapshot.read),
            count(snapshot.written),
            count(snapshot.failed),
            count(snapshot.skipped),
            count(snapshot.in_hand)
        )
    };
    // They are rows of the table.
    let shortened = (snapshot.shortened > 0).then(|| sum(&format!(" ({} shortened)", count(snapshot.shortened))));
    let (text, left) = match shortened {
        Some(text) if columns(&text) <= width => (text, None),
        Some(_) => (
            sum(""),
            Some(format!("{} shortened", counted(snapshot.shortened, "text", "texts"))),
        ),
        None => (sum(""), None),
    };
    let mut lines = wrap(&text, width);
    lines.extend(when_off(app).iter().flat_map(|then| wrap(then, width)));
    (lines, left)
}

/// What was used, in every phase: the job's money first, then what this session asked for. Where there is no room, the end
/// goes, figure by figure. `left` is a figure that had no room above.
fn used(app: &App, left: Option<String>, width: usize) -> String {
    let snapshot = &app.snapshot;
    let usage = snapshot.usage;
    if snapshot.total == 0 {
        return String::new();
    }
    if !snapshot.embeds() {
        return "nothing is embedded: vectors are carried over".to_owned();
    }
    let mut figures = Vec::new();
    match (snapshot.settings.budget_usd, snapshot.cost_usd) {
        (Some(budget), spent) => figures.push(format!("${} of ${}", sum_of_money(spent, 4), exact_sum(budget))),
        (None, spent) if spent > 0.0 => figures.push(format!("${}", sum_of_money(spent, 4))),
        (None, _) => {}
    }
    if usage == Usage::default() && snapshot.cost_usd > 0.0 {
        figures.push("nothing asked of the embedder in this session".into());
        return fit(&figures.join(", "), width);
    }
    if usage.tokens > 0 {
        figures.push(counted(usage.tokens, "token", "tokens"));
    }
    figures.push(counted(usage.requests, "request", "requests"));
    figures.extend(left);
    figures.push(counted(usage.inputs, "input", "inputs"));
    figures.push(format!("{} reused", count(usage.remembered)));
    while figures.len() > 1 && columns(&figures.join(", ")) > width {
        figures.pop();
    }
    figures.join(", ")
}
