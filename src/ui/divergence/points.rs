//! The points of the chosen bin, worst first.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::app::App;
use crate::app::divergence::Pane;
use crate::journal::Decided;
use crate::lance::browse::RankedRow;
use crate::ui::list;
use crate::ui::paint;
use crate::ui::text::{count, fit, pad};
use crate::ui::theme::Theme;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let divergence = &app.divergence;
    let band = match divergence.chosen_bin() {
        None => "All points".to_owned(),
        Some(band) => format!("{:.4} to {:.4}", band.from, band.to.min(1.0)),
    };
    let mut title = match divergence.total() {
        Some(total) => format!("{band}: {}, worst first", count(total)),
        None => band,
    };
    if divergence.marked() > 0 {
        title.push_str(&format!(", {} marked", count(divergence.marked() as u64)));
    }
    let focused = divergence.pane == Pane::Points;
    let block = theme.pane_with(&title, focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = inner.width as usize;
    if let Some(text) = nothing(app) {
        frame.render_widget(Paragraph::new(fit(&text, width)).style(theme.dim()), inner);
        return;
    }
    let id_width = if width >= 90 { 36 } else { 12 };
    let total = divergence.total().unwrap_or(0);
    let height = u64::from(inner.height).saturating_sub(1);
    let top = list::top(divergence.place(), total, height);
    let heading = format!("  {:<id_width$} {:>7}  {:<14} content", "id", "cosine", "decided");
    let mut lines = vec![Line::styled(fit(&heading, width), theme.dim())];
    lines.extend((top..(top + height).min(total)).map(|place| {
        let Some((row, decided)) = divergence.row(place) else {
            return Line::styled("  ...", theme.dim());
        };
        let style = match (place == divergence.place(), focused) {
            (true, true) => theme.selected(),
            (true, false) => theme.selected_elsewhere(),
            _ if row.similarity.get() < app.threshold && decided.is_none() => theme.warn(),
            _ => Style::new(),
        };
        Line::styled(pad(&line(app, row, decided.as_ref(), id_width), width), style)
    }));
    paint::lines(frame, inner, &lines);
}

fn line(app: &App, row: &RankedRow, decided: Option<&Decided>, id_width: usize) -> String {
    let mark = if app.divergence.is_marked(row.id) { '*' } else { ' ' };
    let decided = if app.divergence.is_deciding(row.id) {
        "at work"
    } else {
        decided.map_or("", |decided| decided.decision.label())
    };
    format!(
        "{mark} {} {:>7.4}  {decided:<14} {}",
        pad(&row.id.to_string(), id_width),
        row.similarity.get(),
        row.snippet.as_deref().unwrap_or("-")
    )
}

/// Why the list is empty.
fn nothing(app: &App) -> Option<String> {
    if app.facts.is_none() {
        return Some("the job is not open yet".into());
    }
    if let Some(error) = app.divergence.error() {
        return Some(format!("the table cannot be read: {error}"));
    }
    match app.divergence.total() {
        None => Some("reading the table ...".into()),
        Some(0) if app.divergence.chosen_bin().is_some() => Some("no points in this bin".into()),
        Some(0) => Some("no points to compare yet".into()),
        Some(_) => None,
    }
}
