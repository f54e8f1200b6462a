//! One point opened: its content, both vectors, what was decided, and its neighbours in both stores side by side.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use crate::app::App;
use crate::app::actions::ActionId;
use crate::app::divergence::{Asked, Pane};
use crate::tasks::inspect::{Neighbour, Neighbours, PointDetail, VectorFacts};
use crate::tasks::now_ms;
use crate::ui::chrome::key_of;
use crate::ui::json::cut;
use crate::ui::paint;
use crate::ui::text::{age, count, fit, pad, wrap_to};
use crate::ui::theme::Theme;

/// Characters of a content that are shown.
const CONTENT: usize = 1_500;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let focused = app.divergence.pane == Pane::Detail;
    let title = match app.divergence.opened() {
        Some(id) => format!("Point {id}"),
        None => "Point".to_owned(),
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
        Asked::Failed(error) => {
            let mut lines: Vec<Line<'_>> = wrap_to(error, width, most)
                .into_iter()
                .map(|line| Line::styled(line, theme.bad()))
                .collect();
            let (again, back) = (key_of(app, ActionId::Open), key_of(app, ActionId::Back));
            let next = format!("{again} reads it again, {back} goes back");
            lines.push(Line::styled(fit(&next, width), theme.dim()));
            lines
        }
        Asked::Here(detail) => known(app, theme, detail, width, most),
    }
}

fn known(app: &App, theme: &Theme, detail: &PointDetail, width: usize, most: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let (similarity, style) = match detail.similarity {
        Some(similarity) if similarity.get() < app.threshold => (
            format!("cosine {:.5}, below the threshold", similarity.get()),
            theme.warn(),
        ),
        Some(similarity) => (format!("cosine {:.5}", similarity.get()), theme.good()),
        None => {
            let known = app.facts.as_ref().and_then(|facts| facts.comparable.as_ref().err());
            let why = incomparable(detail, known.map(String::as_str));
            (format!("cannot be compared{why}"), theme.warn())
        }
    };
    lines.extend(
        wrap_to(&similarity, width, most)
            .into_iter()
            .map(|line| Line::styled(line, style)),
    );
    let facts = |name: &str, facts: Option<VectorFacts>| match facts {
        Some(facts) => format!(
            "{name} {} numbers, norm {:.4}",
            count(facts.dimension as u64),
            facts.norm
        ),
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
        if decided.is_outdated(detail.similarity) {
            let text = format!(
                "its similarity is another now: that no longer holds; {} accepts it as it is",
                key_of(app, ActionId::Accept)
            );
            let warned = wrap_to(&text, width, most).into_iter();
            lines.extend(warned.map(|line| Line::styled(line, theme.warn())));
        }
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

/// Why the two vectors of a point have no similarity: what can be seen of them, else why the spaces have none; empty
/// where neither is known.
fn incomparable(detail: &PointDetail, spaces: Option<&str>) -> String {
    match (detail.qdrant, detail.lancedb) {
        (None, None) => ": neither store has a vector".to_owned(),
        (None, Some(_)) => ": Qdrant has no vector".to_owned(),
        (Some(_), None) => ": LanceDB has no vector".to_owned(),
        (Some(old), Some(new)) if old.dimension != new.dimension => format!(
            ": {} against {} numbers",
            count(old.dimension as u64),
            count(new.dimension as u64)
        ),
        (Some(old), Some(new)) if old.norm <= 0.0 || new.norm <= 0.0 => {
            ": a vector of zeros has no direction".to_owned()
        }
        _ => spaces.map_or_else(String::new, |why| format!(": {why}")),
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::PointId;

    #[test]
    fn what_cannot_be_compared_says_why() {
        let facts = |dimension, norm| Some(VectorFacts { dimension, norm });
        for (qdrant, lancedb, why) in [
            (None, None, ": neither store has a vector"),
            (None, facts(1_536, 1.0), ": Qdrant has no vector"),
            (facts(1_536, 1.0), None, ": LanceDB has no vector"),
            (facts(384, 1.0), facts(1_536, 1.0), ": 384 against 1,536 numbers"),
            (facts(8, 0.0), facts(8, 1.0), ": a vector of zeros has no direction"),
            (facts(8, 1.0), facts(8, 1.0), ": another model"),
        ] {
            let detail = PointDetail {
                id: PointId::Num(1),
                content: None,
                qdrant,
                lancedb,
                similarity: None,
                neighbours: Err(String::new()),
                decided: None,
                edit: None,
            };
            assert_eq!(incomparable(&detail, Some("another model")), why);
        }
    }
}
