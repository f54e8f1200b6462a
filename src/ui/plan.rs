//! What a run would do, before it is started. Takes the Migrate screen's body.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::chrome::key_of;
use super::migrate::settings;
use super::paint;
use super::text::{clock, columns, count, fit, pad, wrap};
use super::theme::Theme;
use crate::app::App;
use crate::app::actions::{ActionId, Motion};
use crate::point::{counted, sum_of_money};
use crate::tasks::plan::{Basis, Estimate, FieldPlan, PlanReport, VectorPlan};

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, plan: &PlanReport) {
    let block = settings::on_border(theme.pane_with("Before the start", true), &app.snapshot, area.width);
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
    let [up, down] = [Motion::Up, Motion::Down].map(|motion| key_of(app, ActionId::Move(motion)));
    // Either sign stands in the place of a line, and counts it.
    if below > 0
        && let Some(last) = shown.last_mut()
    {
        *last = Line::styled(
            format!("... {} more lines: {down}", count(below as u64 + 1)),
            theme.accent(),
        );
    }
    if skip > 0
        && let Some(first) = shown.first_mut()
    {
        *first = Line::styled(
            format!("... {} more lines: {up}", count(skip as u64 + 1)),
            theme.accent(),
        );
    }
    paint::lines(frame, inner, &shown);
}

/// How many lines of the plan lie below what is seen of it unscrolled.
pub(super) fn hidden(theme: &Theme, plan: &PlanReport, area: Rect) -> usize {
    let inner = theme.pane("").inner(area);
    let lines = head(theme, plan, inner.width as usize).len() + rows(plan);
    lines.saturating_sub(inner.height as usize)
}

/// What the run is about, its warnings and estimates, and what becomes of the vectors.
fn head(theme: &Theme, plan: &PlanReport, width: usize) -> Vec<Line<'static>> {
    let mut lines = vec![
        Line::raw(fit(
            &format!(
                "{}: {}, {} settled already; Qdrant {}",
                plan.collection,
                counted(plan.points, "point", "points"),
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
        for (place, how) in wrap(&estimate.how, width.saturating_sub(33)).into_iter().enumerate() {
            let how = Span::styled(how, theme.dim());
            lines.push(match place {
                0 => Line::from(vec![
                    Span::raw(format!("{name:<9}{value:>12}  ")),
                    Span::styled(format!("{:<9} ", estimate.basis.label()), basis),
                    how,
                ]),
                _ => Line::from(vec![Span::raw(" ".repeat(33)), how]),
            });
        }
    }
    lines.push(Line::styled(fit("vectors", width), theme.accent()));
    for made in &plan.vectors {
        lines.extend(vector(made, width).into_iter().map(Line::raw));
    }
    lines
}

/// The lines under the head: two lists, each with its heading.
fn rows(plan: &PlanReport) -> usize {
    2 + plan.fields.len() + plan.columns.len()
}

/// One of them.
fn line(theme: &Theme, plan: &PlanReport, row: usize, width: usize) -> Line<'static> {
    let columns = 1 + plan.fields.len();
    if row == 0 {
        let text = format!("payload fields, in a sample of {}", count(plan.sampled));
        return Line::styled(fit(&text, width), theme.accent());
    }
    if row == columns {
        return Line::styled(fit("columns of the table", width), theme.accent());
    }
    let text = if row < columns {
        field(&plan.fields[row - 1])
    } else {
        let (name, kind) = &plan.columns[row - columns - 1];
        format!("{} {kind}", pad(name, 20))
    };
    Line::raw(fit(&text, width))
}

/// A vector, what it is, and what becomes of it, wrapped.
fn vector(vector: &VectorPlan, width: usize) -> Vec<String> {
    let name = if vector.name.is_empty() {
        "(unnamed)"
    } else {
        &vector.name
    };
    let before = format!("{} {} ", pad(name, 20), pad(&vector.kind, 20));
    let becomes = wrap(&vector.becomes, width.saturating_sub(columns(&before)));
    let blank = " ".repeat(columns(&before));
    let heads = std::iter::once(before).chain(std::iter::repeat(blank));
    heads.zip(becomes).map(|(head, becomes)| head + &becomes).collect()
}

fn field(field: &FieldPlan) -> String {
    format!(
        "{} {:>5.1} %  {} -> {}",
        pad(&field.name, 20),
        field.share * 100.0,
        pad(&field.types.join(", "), 22),
        field.column
    )
}

type Show = fn(f64) -> String;

fn estimates(plan: &PlanReport) -> [(&'static str, &Estimate, Show); 5] {
    let whole: Show = |value| count(value.round() as u64);
    [
        ("failures", &plan.failures, whole),
        ("tokens", &plan.tokens, whole),
        ("cost", &plan.cost_usd, |value| format!("${}", sum_of_money(value, 4))),
        ("time", &plan.seconds, |value| {
            clock(std::time::Duration::from_secs_f64(value.clamp(0.0, 1e9)))
        }),
        ("disk", &plan.disk_bytes, bytes),
    ]
}

/// Bytes in the unit that fits, from a mebibyte on.
fn bytes(bytes: f64) -> String {
    const UNITS: [&str; 4] = ["MiB", "GiB", "TiB", "PiB"];
    let mut size = bytes / f64::from(1 << 20);
    let mut unit = UNITS[0];
    for &larger in &UNITS[1..] {
        if size < 1_000.0 {
            break;
        }
        size /= 1_024.0;
        unit = larger;
    }
    format!("{size:.1} {unit}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_in_the_unit_that_fits() {
        let mebibyte = f64::from(1 << 20);
        assert_eq!(
            [0.0, 0.5, 999.0, 1_024.0, 1_354.2, 3.0 * 1_048_576.0].map(|mebibytes| bytes(mebibytes * mebibyte)),
            ["0.0 MiB", "0.5 MiB", "999.0 MiB", "1.0 GiB", "1.3 GiB", "3.0 TiB"]
        );
    }
}
