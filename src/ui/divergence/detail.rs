//! One point opened: its content, both vectors, what was decided, and its neighbours in both stores side by side.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use crate::app::App;
use crate::app::actions::ActionId;
use crate::app::divergence::{Asked, Pane};
use crate::tasks::inspect::{Neighbour, Neighbours, PointDetail, VectorFacts};
use crate::tasks::now_ms;
use crate::ui::chrome::key_of;
use crate::ui::json::cut;
use crate::ui::paint;
use crate::ui::text::{age, count, fit, fit_ends, pad, wrap_to};
use crate::ui::theme::Theme;

/// Characters of a content that are shown.
const CONTENT: usize = 1_500;
/// Columns of a neighbour's id at most.
const ID: usize = 10;
/// The same where there is room: a whole UUID.
const WHOLE_ID: usize = 36;
/// Columns of one store's neighbours from which on there is.
const ROOM_FOR_WHOLE_ID: usize = 60;

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
            lines.push(next_step(app, theme, width));
            lines
        }
        Asked::Here(detail) => known(app, theme, detail, width, most),
    }
}

fn known(app: &App, theme: &Theme, detail: &PointDetail, width: usize, most: usize) -> Vec<Line<'static>> {
    let mut lines = Vec::new();
    let (text, style) = cosine(app, theme, detail);
    lines.extend(
        wrap_to(&text, width, most)
            .into_iter()
            .map(|line| Line::styled(line, style)),
    );
    let vectors = vectors(detail);
    if !vectors.is_empty() {
        lines.push(Line::raw(fit(&vectors, width)));
    }
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
                "its similarity has changed since: the acceptance no longer counts; {} accepts it as it is now",
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
            lines.push(next_step(app, theme, width));
        }
    }
    lines
}

/// What to do about what could not be read.
fn next_step(app: &App, theme: &Theme, width: usize) -> Line<'static> {
    let (again, back) = (key_of(app, ActionId::Open), key_of(app, ActionId::Back));
    let next = format!("{again} reads it again, {back} goes back");
    Line::styled(fit(&next, width), theme.dim())
}

/// How far the two vectors lie apart, or why that is not known.
fn cosine(app: &App, theme: &Theme, detail: &PointDetail) -> (String, Style) {
    let Some(similarity) = detail.similarity else {
        let known = app.facts.as_ref().and_then(|facts| facts.comparable.as_ref().err());
        let why = incomparable(detail, known.map(String::as_str));
        return (format!("cannot be compared{why}"), theme.warn());
    };
    let text = format!("cosine {:.5}", similarity.get());
    if similarity.get() >= app.threshold {
        return (text, theme.good());
    }
    // What somebody has decided about as it is now is no more to be looked at.
    let decided = detail.decided.as_ref();
    let is_settled = decided.is_some_and(|decided| !decided.is_outdated(detail.similarity));
    let style = if is_settled { Style::new() } else { theme.warn() };
    (format!("{text}, below the threshold"), style)
}

/// What is known of both vectors. That a store has none is said once: where there is no cosine, as the reason for that.
fn vectors(detail: &PointDetail) -> String {
    let told = [("Qdrant", detail.qdrant), ("LanceDB", detail.lancedb)].map(|(name, facts)| match facts {
        Some(VectorFacts { dimension, norm }) => {
            Some(format!("{name} {} numbers, norm {norm:.4}", count(dimension as u64)))
        }
        None => detail.similarity.map(|_| format!("{name} has no vector")),
    });
    told.into_iter().flatten().collect::<Vec<_>>().join("   ")
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
    let id = if column >= ROOM_FOR_WHOLE_ID { WHOLE_ID } else { ID };
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
                        fit_ends(&neighbour.id.to_string(), id)
                    );
                    (text, if neighbour.shared { theme.good() } else { Style::new() })
                }
                None => (String::new(), Style::new()),
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
