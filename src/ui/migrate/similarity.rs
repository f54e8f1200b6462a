//! How far the new embeddings lie from Qdrant's: a histogram with the threshold between its bins.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::app::App;
use crate::point::{Histogram, counted};
use crate::ui::text::{count, fit};
use crate::ui::theme::Theme;

/// Lower edges of the bins, highest first, from the finest to the coarsest; the threshold comes between.
static EDGES: [&[f32]; 3] = [
    &[
        0.999, 0.998, 0.995, 0.99, 0.985, 0.98, 0.97, 0.96, 0.95, 0.925, 0.9, 0.85, 0.8, 0.7, 0.6, 0.5, 0.25, 0.0,
    ],
    &[0.999, 0.99, 0.95, 0.9, 0.7, 0.0],
    &[0.99, 0.95, 0.9, 0.0],
];
/// Lines of the pane with all of the finest bins, and from which height of the screen on they are worth it.
const FINE: (u16, u16) = (23, 38);
/// Lines of the pane with all of the usual ones.
const USUAL: u16 = 11;

/// Lines that the pane can use on a screen of so many lines below the progress.
pub(super) fn wanted(height: u16) -> u16 {
    if height >= FINE.1 { FINE.0 } else { USUAL }
}

/// A bin: its label, the rows in it, and its lower edge.
type Bin = (String, u64, f32);

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let similarities = &app.snapshot.similarities;
    let title = if similarities.compared() > 0 {
        format!("Similarity: {} divergent", count(similarities.below(app.threshold)))
    } else {
        "Similarity".to_owned()
    };
    let block = theme.pane(&title);
    let block = match similarities.incomparable() {
        0 => block,
        rows => block.title_bottom(Line::raw(format!(" not comparable: {} ", count(rows)))),
    };
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = inner.width as usize;
    if similarities.compared() == 0 {
        let text = if similarities.incomparable() > 0 {
            format!(
                "{}, none of which can be compared",
                counted(similarities.incomparable(), "row", "rows")
            )
        } else {
            "nothing compared yet".into()
        };
        frame.render_widget(Paragraph::new(fit(&text, width)).style(theme.dim()), inner);
        return;
    }
    // The finest that has room, the threshold's line included.
    let mut ways = EDGES.iter().map(|edges| bins(similarities, edges, app.threshold));
    let fits = |bins: &Vec<Bin>| bins.len() < inner.height as usize;
    let bins = ways.find(fits).unwrap_or_else(|| coarsest(similarities, app.threshold));
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
    frame.render_widget(Paragraph::new(lines), inner);
}

fn coarsest(similarities: &Histogram, threshold: f32) -> Vec<Bin> {
    bins(similarities, EDGES[EDGES.len() - 1], threshold)
}

/// The bins between these edges and the threshold, highest first.
fn bins(similarities: &Histogram, edges: &[f32], threshold: f32) -> Vec<Bin> {
    let mut edges: Vec<f32> = edges.to_vec();
    edges.push(threshold);
    edges.sort_by(|a, b| b.total_cmp(a));
    edges.dedup();
    let mut bins: Vec<Bin> = Vec::new();
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
    while bins.len() > 2 && bins.last().is_some_and(|bin| bin.1 == 0 && bin.2 < threshold) {
        bins.pop();
    }
    bins
}
