//! The Search screen: what is asked, and below it what both stores answer.
//!
//! ```text
//! / the harbour at night
//! m find anything   s by vector   x exact   f all points
//! in column embedding; embedded in 12 ms as openai/text-embedding-3-large@1536
//! +- LanceDB: cosine similarity ----------+- Qdrant: cosine similarity -----------+
//! | 20 results in 9 ms, 7 shared with ... | 20 results in 4 ms, 7 shared with ... |
//! | =  1    0.8312 text    1042 Rain over | =  1    0.8312 text 1042 Rain over    |
//! |    2    0.8107 picture 17   A photo o | =  2    0.8005 text 4711 The tide     |
//! +---------------------------------------+---------------------------------------+
//! ```
//! Below 100 columns LanceDB's answer stands above Qdrant's. A store that lists nothing gets what its words need, and the
//! other store the rest. Snippets are anybody's text, and are cleaned as such.

mod answer;
mod empty;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::chrome::key_of;
use super::paint;
use super::text::{clean, columns, fit, latency, wrap_to};
use super::theme::Theme;
use crate::app::actions::{ACTIONS, ActionId};
use crate::app::search::{Pane, Search};
use crate::app::{App, SIDE_BY_SIDE};
use crate::point::Modality;
use crate::tasks::search::{Found, How};

/// Lines that say what is asked.
const HEAD: u16 = 3;
/// From this height on they have a frame.
const FRAMED: u16 = 30;

/// What is asked, and what lies below.
fn split(area: Rect) -> [Rect; 2] {
    let head = if area.height >= FRAMED { HEAD + 2 } else { HEAD };
    Layout::vertical([Constraint::Length(head), Constraint::Min(0)]).areas(area)
}

/// Where the answers of LanceDB and of Qdrant stand, where there are any.
pub(super) fn panes(app: &App, area: Rect) -> Option<[Rect; 2]> {
    let found = app.search.answer()?;
    let [_, below] = split(area);
    let lists = [Pane::Lancedb, Pane::Qdrant].map(|pane| !app.search.hits(pane).is_empty());
    let layout = if area.width >= SIDE_BY_SIDE {
        Layout::horizontal(match lists {
            [true, false] => [Constraint::Ratio(2, 3), Constraint::Ratio(1, 3)],
            [false, true] => [Constraint::Ratio(1, 3), Constraint::Ratio(2, 3)],
            _ => [Constraint::Percentage(50); 2],
        })
    } else {
        let words = |pane| Constraint::Length(answer::height(app, pane, found, below.width, below.height / 2));
        Layout::vertical(match lists {
            [true, false] => [Constraint::Min(0), words(Pane::Qdrant)],
            [false, true] => [words(Pane::Lancedb), Constraint::Min(0)],
            _ => [Constraint::Percentage(50); 2],
        })
    };
    Some(layout.areas(below))
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let [above, below] = split(area);
    head(frame, app, theme, above);
    match (panes(app, area), app.search.answer()) {
        (Some(areas), Some(found)) => {
            let is_stacked = area.width < SIDE_BY_SIDE;
            for (area, pane) in areas.into_iter().zip([Pane::Lancedb, Pane::Qdrant]) {
                answer::render(frame, app, theme, area, (pane, is_stacked), found);
            }
        }
        _ => empty::render(frame, app, theme, below),
    }
}

fn head(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let inner = if area.height > HEAD {
        let block = theme.pane("Query");
        let inner = block.inner(area);
        frame.render_widget(block, area);
        inner
    } else {
        Rect {
            x: area.x + 1,
            width: area.width.saturating_sub(2),
            ..area
        }
    };
    let width = inner.width as usize;
    let lines = [
        query(app, theme, width),
        settings(app, theme, width),
        outcome(app, theme, width),
    ];
    paint::lines(frame, inner, &lines);
}

/// A key and a blank; nothing, where the action has none.
fn key(app: &App, id: ActionId) -> String {
    let key = key_of(app, id);
    if key.is_empty() { key } else { format!("{key} ") }
}

/// How a key and what stands behind it look: dim where the key does nothing just now.
fn styles(app: &App, theme: &Theme, id: ActionId) -> [Style; 2] {
    let action = ACTIONS.iter().find(|action| action.id == id);
    if action.is_some_and(|action| (action.available)(app).is_ok()) {
        [theme.accent(), Style::new()]
    } else {
        [theme.dim(); 2]
    }
}

fn query(app: &App, theme: &Theme, width: usize) -> Line<'static> {
    let search = &app.search;
    let key = key(app, ActionId::Query);
    let [lit, _] = styles(app, theme, ActionId::Query);
    let (text, style) = match search.query() {
        Some(_) => (search.query_text(), Style::new()),
        None => (format!("types a query{}", what_queries_are(search)), theme.dim()),
    };
    let text = fit(&text, width.saturating_sub(columns(&key)));
    Line::from(vec![Span::styled(key, lit), Span::styled(text, style)])
}

/// What can be typed. A picture or a sound is searched by its vector, which somebody has to make.
fn what_queries_are(search: &Search) -> &'static str {
    if search.embeds() {
        ": words, or @path for a picture or a sound"
    } else {
        ": words"
    }
}

/// How it is asked, each with the key that changes it.
fn settings(app: &App, theme: &Theme, width: usize) -> Line<'static> {
    let search = &app.search;
    let mut items = vec![
        (
            ActionId::Find,
            format!("find {}", search.find().map_or("anything", kinds)),
        ),
        (ActionId::SearchHow, format!("by {}", how(search.how()))),
    ];
    // Keywords are looked up in their index either way.
    if search.how() != How::Keyword {
        let exactly = if search.is_exact() { "exact" } else { "by index" };
        items.push((ActionId::SearchExactly, exactly.to_owned()));
    }
    items.push((
        ActionId::Condition,
        match search.filter() {
            Some(filter) => format!("where {filter}"),
            None => "all points".to_owned(),
        },
    ));
    let mut spans = Vec::new();
    let mut used = 0;
    for (id, text) in items {
        let gap = if used == 0 { "" } else { "   " };
        let key = format!("{gap}{}", key(app, id));
        let text = fit(&text, width.saturating_sub(used + columns(&key)));
        used += columns(&key) + columns(&text);
        let [lit, plain] = styles(app, theme, id);
        spans.push(Span::styled(key, lit));
        spans.push(Span::styled(text, plain));
    }
    Line::from(spans)
}

fn how(how: How) -> &'static str {
    match how {
        How::Vector => "vector",
        How::Keyword => "keywords",
        How::Hybrid => "vector and keywords",
    }
}

/// What one is made of.
fn kind(modality: Modality) -> &'static str {
    match modality {
        Modality::Text => "text",
        Modality::Image => "picture",
        Modality::Audio => "sound",
    }
}

/// The same where there may be several.
fn kinds(modality: Modality) -> &'static str {
    match modality {
        Modality::Text => "texts",
        Modality::Image => "pictures",
        Modality::Audio => "sounds",
    }
}

/// What became of the question. Why there is no answer stands below.
fn outcome(app: &App, theme: &Theme, width: usize) -> Line<'static> {
    let search = &app.search;
    let (text, style) = match (search.is_waiting(), search.answer()) {
        (true, Some(_)) => ("searching ...; below, the earlier answer".to_owned(), theme.accent()),
        (true, None) => ("searching ...".to_owned(), theme.accent()),
        (false, Some(found)) => (searched(found, width), theme.dim()),
        (false, None) => (String::new(), theme.dim()),
    };
    Line::styled(fit(&text, width), style)
}

/// Where it was searched, and by what vector; whose it is goes as a whole where it does not fit.
fn searched(found: &Found, width: usize) -> String {
    let names = found.columns.join(", ");
    let of = if found.columns.len() == 1 { "column" } else { "columns" };
    let by_keywords = match &found.text_column {
        Some(column) => format!("by keywords in column {column}"),
        None => "by keywords".to_owned(),
    };
    match &found.space {
        None => format!("{by_keywords}; no vector was made of the query"),
        Some(space) => {
            let and = match found.text_column {
                Some(_) => format!(" and {by_keywords}"),
                None => String::new(),
            };
            let took = latency(Some(found.embedding));
            let text = format!("in {of} {names}{and}; embedded in {took}");
            let whole = format!("{text} as {space}");
            if columns(&clean(&whole)) <= width { whole } else { text }
        }
    }
}

fn wrapped(text: &str, style: Style, width: usize, most: usize) -> Vec<Line<'static>> {
    let lines = wrap_to(text, width, most).into_iter();
    lines.map(|line| Line::styled(line, style)).collect()
}
