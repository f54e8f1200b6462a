//! What a run would do, before it is started. Takes the Migrate screen's body.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::chrome::key_of;
use super::paint;
use super::text::{clock, count, fit, pad, wrap};
use super::theme::Theme;
use crate::app::App;
use crate::app::actions::ActionId;
use crate::tasks::plan::{Basis, Estimate, FieldPlan, PlanReport, VectorPlan};

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, plan: &PlanReport) {
    let title = format!(
        "Before the start: {} starts, {} leaves",
        key_of(app, ActionId::Start),
        key_of(app, ActionId::Quit)
    );
    let block = theme.pane_with(&title, true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (width, height) = (inner.width as usize, inner.height as usize);
    let head = head(theme, plan, width);
    let hidden = (head.len() + rows(plan)).saturating_sub(height);
    let skip = (app.plan_scroll as usize).min(hidden);
    // A plan may list 500 fields: only those that are seen are made.
    let row = skip.saturating_sub(head.len());
    let mut shown: Vec<Line<'_>> = head.into_iter().skip(skip).take(height).collect();
    let room = height - shown.len();
    shown.extend((row..rows(plan)).take(room).map(|row| line(theme, plan, row, width)));
    let below = hidden - skip;
    if below > 0
        && let Some(last) = shown.last_mut()
    {
        *last = Line::styled(format!("... {} more lines: Down", below + 1), theme.accent());
    }
    paint::lines(frame, inner, &shown);
}

/// How many lines of the plan lie below what is seen of it unscrolled.
pub(super) fn hidden(theme: &Theme, plan: &PlanReport, area: Rect) -> usize {
    let inner = theme.pane("").inner(area);
    let lines = head(theme, plan, inner.width as usize).len() + rows(plan);
    lines.saturating_sub(inner.height as usize)
}

/// What the run is about, its warnings and estimates.
fn head(theme: &Theme, plan: &PlanReport, width: usize) -> Vec<Line<'static>> {
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
    lines
}

/// The lines under the head: three lists, each with its heading.
fn rows(plan: &PlanReport) -> usize {
    3 + plan.vectors.len() + plan.fields.len() + plan.columns.len()
}

/// One of them.
fn line(theme: &Theme, plan: &PlanReport, row: usize, width: usize) -> Line<'static> {
    let fields = 1 + plan.vectors.len();
    let columns = fields + 1 + plan.fields.len();
    if row == 0 {
        return Line::styled(fit("vectors", width), theme.accent());
    }
    if row == fields {
        let text = format!("payload fields, in a sample of {}", count(plan.sampled));
        return Line::styled(fit(&text, width), theme.accent());
    }
    if row == columns {
        return Line::styled(fit("columns of the table", width), theme.accent());
    }
    let text = if row < fields {
        vector(&plan.vectors[row - 1])
    } else if row < columns {
        field(&plan.fields[row - fields - 1])
    } else {
        let (name, kind) = &plan.columns[row - columns - 1];
        format!("{} {kind}", pad(name, 20))
    };
    Line::raw(fit(&text, width))
}

fn vector(vector: &VectorPlan) -> String {
    let name = if vector.name.is_empty() {
        "(unnamed)"
    } else {
        &vector.name
    };
    format!("{} {} {}", pad(name, 20), pad(&vector.kind, 20), vector.becomes)
}

fn field(field: &FieldPlan) -> String {
    format!(
        "{} {:>5.1} %  {} -> {}",
        pad(&field.name, 20),
        field.share * 100.0,
        pad(&field.types.join(", "), 20),
        field.column
    )
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
