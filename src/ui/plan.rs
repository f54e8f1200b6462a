//! What a run would do, before it is started. Takes the Migrate screen's body.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::chrome::key_of;
use super::text::{clock, count, fit, pad, wrap};
use super::theme::Theme;
use crate::app::App;
use crate::app::actions::ActionId;
use crate::tasks::plan::{Basis, Estimate, PlanReport};

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, plan: &PlanReport) {
    let title = format!(
        "Before the start: {} starts, {} leaves",
        key_of(app, ActionId::Start),
        key_of(app, ActionId::Quit)
    );
    let block = theme.pane_with(&title, true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let lines = lines(theme, plan, inner.width as usize);
    let hidden = lines.len().saturating_sub(inner.height as usize);
    let skip = (app.plan_scroll as usize).min(hidden);
    let mut shown: Vec<Line<'_>> = lines.into_iter().skip(skip).take(inner.height as usize).collect();
    let below = hidden - skip;
    if below > 0
        && let Some(last) = shown.last_mut()
    {
        *last = Line::styled(format!("... {} more lines: Down", below + 1), theme.accent());
    }
    frame.render_widget(Paragraph::new(shown), inner);
}

fn lines(theme: &Theme, plan: &PlanReport, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![
        Line::raw(fit(
            &format!(
                "{}: {} points, {} settled already; Qdrant {}",
                plan.collection,
                count(plan.points),
                count(plan.settled),
                plan.qdrant_version
            ),
            width,
        )),
        Line::raw(fit(&format!("-> {} with {}", plan.table, plan.space), width)),
    ];
    for warning in &plan.warnings {
        lines.extend(
            wrap(&format!("warning: {warning}"), width)
                .into_iter()
                .map(|line| Line::styled(line, theme.warn())),
        );
    }
    lines.push(Line::raw(""));
    for (name, estimate, show) in estimates(plan) {
        let value = estimate.value.map_or_else(|| "?".to_owned(), show);
        let basis = match estimate.basis {
            Basis::Measured => theme.good(),
            Basis::Modelled => theme.accent(),
            Basis::Unknown => theme.warn(),
        };
        lines.push(Line::from(vec![
            Span::raw(format!("{name:<9}{value:>12}  ")),
            Span::styled(format!("{:<9} ", estimate.basis.label()), basis),
            Span::styled(fit(&estimate.how, width.saturating_sub(33)), theme.dim()),
        ]));
    }
    let heading = |text: &str| Line::styled(fit(text, width), theme.accent());
    lines.push(heading("vectors"));
    for vector in &plan.vectors {
        let name = if vector.name.is_empty() {
            "(unnamed)"
        } else {
            &vector.name
        };
        let text = format!("{} {} {}", pad(name, 20), pad(&vector.kind, 20), vector.becomes);
        lines.push(Line::raw(fit(&text, width)));
    }
    lines.push(heading(&format!(
        "payload fields, in a sample of {}",
        count(plan.sampled)
    )));
    for field in &plan.fields {
        let text = format!(
            "{} {:>5.1} %  {} -> {}",
            pad(&field.name, 20),
            field.share * 100.0,
            pad(&field.types.join(", "), 20),
            field.column
        );
        lines.push(Line::raw(fit(&text, width)));
    }
    lines.push(heading("columns of the table"));
    for (name, kind) in &plan.columns {
        lines.push(Line::raw(fit(&format!("{} {kind}", pad(name, 20)), width)));
    }
    lines
}

type Show = fn(f64) -> String;

fn estimates(plan: &PlanReport) -> [(&'static str, &Estimate, Show); 5] {
    let whole: Show = |value| count(value.round() as u64);
    [
        ("failures", &plan.failures, whole),
        ("tokens", &plan.tokens, whole),
        ("cost", &plan.cost_usd, |value| format!("${value:.4}")),
        ("time", &plan.seconds, |value| {
            clock(std::time::Duration::from_secs_f64(value.clamp(0.0, 1e9)))
        }),
        ("disk", &plan.disk_bytes, |value| {
            format!("{:.1} MiB", value / f64::from(1 << 20))
        }),
    ]
}
