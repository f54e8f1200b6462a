//! Read, embed, write: how busy each is, and which holds the others up.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::app::App;
use crate::tasks::Phase;
use crate::tasks::meters::Stage;
use crate::ui::text::{count, fit, latency};
use crate::ui::theme::Theme;

/// Columns from which on all words of the heading are written out, and the limit is still named.
const LONG: usize = 50;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let block = theme.pane("Stages");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = inner.width as usize;
    let limit = app.snapshot.limit().filter(|_| app.phase == Phase::Running);
    let (flight, wide) = if width >= LONG {
        ("in flight", 10)
    } else {
        ("flying", 7)
    };
    let heading = format!(
        "{:<5}{flight:>wide$}{:>6}{:>7}{:>7}{:>6}",
        "", "queue", "p50", "p95", "busy"
    );
    let mut lines = vec![Line::from(Span::styled(fit(&heading, width), theme.dim()))];
    let stages = [(Stage::Read, "read"), (Stage::Embed, "embed"), (Stage::Write, "write")];
    for ((stage, name), snapshot) in stages.into_iter().zip(app.snapshot.stages) {
        if stage == Stage::Embed && !app.snapshot.embeds() && app.snapshot.total > 0 {
            // Nothing is embedded: there is nothing to measure.
            let none = format!("{name:<5}{:>wide$}{:>6}{:>7}{:>7}{:>6}", "-", "-", "-", "-", "-");
            lines.push(Line::styled(fit(&none, width), theme.dim()));
            continue;
        }
        let is_limit = limit == Some(stage);
        let in_flight = format!("{}/{}", count(snapshot.in_flight as u64), count(snapshot.limit as u64));
        let mut text = format!(
            "{name:<5}{in_flight:>wide$}{:>6}{:>7}{:>7}{:>4.0} %",
            count(snapshot.queue),
            latency(snapshot.p50),
            latency(snapshot.p95),
            snapshot.busy * 100.0
        );
        if is_limit {
            text.push_str(" <- limit");
        }
        let style = if is_limit {
            theme.warn()
        } else {
            ratatui::style::Style::new()
        };
        lines.push(Line::from(Span::styled(fit(&text, width), style)));
    }
    frame.render_widget(Paragraph::new(lines), inner);
}
