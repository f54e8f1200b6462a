//! One point opened: its content, both vectors, what was decided, and its neighbours in both stores side by side.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::App;
use crate::app::divergence::{Asked, Pane};
use crate::tasks::inspect::{Neighbour, Neighbours, PointDetail, VectorFacts};
use crate::tasks::now_ms;
use crate::ui::json::cut;
use crate::ui::paint;
use crate::ui::text::{age, fit, pad, wrap_to};
use crate::ui::theme::Theme;

/// Characters of a content that are shown.
const CONTENT: usize = 1_500;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let focused = app.divergence.pane == Pane::Detail;
    let title = match &app.divergence.detail {
        Asked::Here(detail) => format!("Point {}", detail.id),
        _ => "Point".to_owned(),
    };
    let block = theme.pane_with(&title, focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let scroll = app.divergence.scroll as usize;
    let lines = lines(app, theme, inner.width as usize, scroll + inner.height as usize);
    // Scrolled past its end, the last line stays.
    let skip = scroll.min(lines.len().saturating_sub(1));
    paint::lines(frame, inner, &lines[skip..]);
}

/// How many lines of the opened point lie below what is seen of it unscrolled.
pub(in crate::ui) fn hidden(app: &App, theme: &Theme, area: Rect) -> usize {
    let inner = theme.pane("").inner(area);
    let lines = lines(app, theme, inner.width as usize, usize::MAX);
    lines.len().saturating_sub(inner.height as usize)
}

/// The lines of the pane; of a text in it no more than `most`.
fn lines(app: &App, theme: &Theme, width: usize, most: usize) -> Vec<Line<'static>> {
    match &app.divergence.detail {
        Asked::No | Asked::Waiting => vec![Line::styled("reading both stores ...", theme.dim())],
        Asked::Failed(error) => wrap_to(error, width, most)
            .into_iter()
            .map(|line| Line::styled(line, theme.bad()))
            .collect(),
        Asked::Here(detail) => known(app, theme, detail, width, most),
    }
}

fn known(app: &App, theme: &Theme, detail: &PointDetail, width: usize, most: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let similarity = match detail.similarity {
        Some(similarity) => format!("cosine {:.5}", similarity.get()),
        None => "cannot be compared".to_owned(),
    };
    let divergent = detail
        .similarity
        .is_some_and(|similarity| similarity.get() < app.threshold);
    let style = if divergent { theme.warn() } else { theme.good() };
    let word = if divergent { ", below the threshold" } else { "" };
    lines.push(Line::styled(fit(&format!("{similarity}{word}"), width), style));
    let facts = |name: &str, facts: Option<VectorFacts>| match facts {
        Some(facts) => format!("{name} {} numbers, norm {:.4}", facts.dimension, facts.norm),
        None => format!("{name} has no vector"),
    };
    let both = format!(
        "{}   {}",
        facts("Qdrant", detail.qdrant),
        facts("LanceDB", detail.lancedb)
    );
    lines.push(Line::raw(fit(&both, width)));
    if let Some(decided) = &detail.decided {
        let before = decided
            .similarity
            .map_or_else(String::new, |similarity| format!(" at {:.4}", similarity.get()));
        let note = decided
            .note
            .as_deref()
            .map_or_else(String::new, |note| format!(": {note}"));
        let ago = age(now_ms() - decided.at);
        let text = format!("{}{before} {ago} ago{note}", decided.decision.label());
        lines.push(Line::styled(fit(&text, width), theme.accent()));
    }
    if let Some(edit) = &detail.edit {
        let text = format!("edited by hand {} ago", age(now_ms() - edit.at));
        lines.push(Line::styled(fit(&text, width), theme.accent()));
    }
    lines.push(Line::styled("content", theme.accent()));
    match &detail.content {
        Some(content) => lines.extend(wrap_to(&cut(content, CONTENT), width, most).into_iter().map(Line::raw)),
        None => lines.push(Line::styled("none", theme.dim())),
    }
    match &detail.neighbours {
        Ok(neighbours) => lines.extend(side_by_side(theme, neighbours, width)),
        Err(error) => {
            lines.push(Line::styled("neighbours", theme.accent()));
            lines.extend(
                wrap_to(error, width, most)
                    .into_iter()
                    .map(|line| Line::styled(line, theme.bad())),
            );
        }
    }
    lines
}

fn side_by_side(theme: &Theme, neighbours: &Neighbours, width: usize) -> Vec<Line<'static>> {
    let shared = neighbours.lancedb.iter().filter(|neighbour| neighbour.shared).count();
    let heading = format!(
        "nearest neighbours, {}; = marks the {shared} that both name",
        neighbours.score
    );
    let column = width.saturating_sub(3) / 2;
    let mut lines = vec![
        Line::styled(fit(&heading, width), theme.accent()),
        Line::styled(
            format!("{} | {}", pad("Qdrant", column), pad("LanceDB", column)),
            theme.dim(),
        ),
    ];
    let rows = neighbours.qdrant.len().max(neighbours.lancedb.len());
    if rows == 0 {
        lines.push(Line::styled("none", theme.dim()));
    }
    for place in 0..rows {
        let cell = |neighbour: Option<&Neighbour>| {
            let (text, style) = match neighbour {
                Some(neighbour) => {
                    let mark = if neighbour.shared { '=' } else { ' ' };
                    let snippet = neighbour.snippet.as_deref().unwrap_or("-");
                    let text = format!(
                        "{mark} {:.3} {} {snippet}",
                        neighbour.score,
                        short(&neighbour.id.to_string())
                    );
                    (
                        text,
                        if neighbour.shared {
                            theme.good()
                        } else {
                            ratatui::style::Style::new()
                        },
                    )
                }
                None => (String::new(), ratatui::style::Style::new()),
            };
            Span::styled(pad(&text, column), style)
        };
        lines.push(Line::from(vec![
            cell(neighbours.qdrant.get(place)),
            Span::styled(" | ", theme.dim()),
            cell(neighbours.lancedb.get(place)),
        ]));
    }
    lines
}

/// An id in at most ten columns.
fn short(id: &str) -> String {
    if id.len() <= 10 {
        return id.to_owned();
    }
    format!("{}..{}", &id[..4], &id[id.len() - 4..])
}
