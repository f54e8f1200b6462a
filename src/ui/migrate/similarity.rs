//! How far the new embeddings lie from Qdrant's: a histogram with the threshold between its bins.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::app::App;
use crate::ui::text::{count, fit};
use crate::ui::theme::Theme;

/// Lower edges of the bins, highest first; the threshold comes between.
const EDGES: [f32; 6] = [0.999, 0.99, 0.95, 0.9, 0.7, 0.0];

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let similarities = &app.snapshot.similarities;
    let divergent = similarities.below(app.threshold);
    let block = theme.pane(&format!("Similarity: {} divergent", count(divergent)));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = inner.width as usize;
    if similarities.compared() == 0 {
        let text = if similarities.incomparable() > 0 {
            format!(
                "{} rows, none of which can be compared",
                count(similarities.incomparable())
            )
        } else {
            "nothing compared yet".into()
        };
        frame.render_widget(Paragraph::new(fit(&text, width)).style(theme.dim()), inner);
        return;
    }
    let mut edges: Vec<f32> = EDGES.to_vec();
    edges.push(app.threshold);
    edges.sort_by(|a, b| b.total_cmp(a));
    edges.dedup();
    let mut bins: Vec<(String, u64, f32)> = Vec::new();
    let mut above = 1.1;
    for edge in edges {
        bins.push((format!("{edge:.3}"), similarities.between(edge, above), edge));
        above = edge;
    }
    // The threshold may lie below zero; there is nothing below -1.
    if above > -1.0 {
        let label = if above < 0.0 {
            format!("< {above:.3}")
        } else {
            "< 0".to_owned()
        };
        bins.push((label, similarities.between(-1.0, above), -1.0));
    }
    // A bin without points at the end says nothing that the others do not.
    while bins.len() > 2 && bins.last().is_some_and(|bin| bin.1 == 0 && bin.2 < app.threshold) {
        bins.pop();
    }
    let most = bins.iter().map(|bin| bin.1).max().unwrap_or(1).max(1);
    let wide = bins.iter().map(|bin| bin.0.len()).max().unwrap_or(0).max(6);
    let room = width.saturating_sub(wide + 1 + 8);
    let mut lines: Vec<Line<'_>> = Vec::new();
    for (label, number, edge) in bins {
        let length = (number as f64 / most as f64 * room as f64).round() as usize;
        let length = if number > 0 { length.max(1) } else { 0 };
        let style = if edge < app.threshold {
            theme.warn()
        } else {
            theme.good()
        };
        lines.push(Line::from(vec![
            Span::raw(format!("{label:>wide$} ")),
            Span::styled(theme.full().repeat(length), style),
            Span::raw(" ".repeat(room.saturating_sub(length))),
            Span::raw(format!("{:>8}", count(number))),
        ]));
        if (edge - app.threshold).abs() < f32::EPSILON {
            let text = format!("{:-<width$}", "------ threshold ");
            lines.push(Line::from(Span::styled(fit(&text, width), theme.dim())));
        }
    }
    if similarities.incomparable() > 0 {
        lines.push(Line::raw(format!(
            "not comparable {:>8}",
            count(similarities.incomparable())
        )));
    }
    frame.render_widget(Paragraph::new(lines), inner);
}
