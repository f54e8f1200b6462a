//! The Search screen: what is asked, and below it what both stores answer.
//!
//! ```text
//! / the harbour at night
//! m find anything   s by vector   x exact   f all points
//! embedded in 12 ms as openai/text-embedding-3-large@1536; searched: embedding
//! +- LanceDB: cosine similarity ----------+- Qdrant: cosine similarity -----------+
//! | 20 results in 9 ms, 7 shared with ... | 20 results in 4 ms, 7 shared with ... |
//! | =  1    0.8312 text  1042 Rain over   | =  1    0.8312 text  1042 Rain over   |
//! |    2    0.8107 image 17   A photo of  | =  2    0.8005 text  4711 The tide    |
//! +---------------------------------------+---------------------------------------+
//! ```
//! Below 100 columns LanceDB's answer stands above Qdrant's. Snippets are anybody's text, and are cleaned as such.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::chrome::key_of;
use super::list;
use super::paint;
use super::text::{columns, fit, latency, pad, wrap_to};
use super::theme::Theme;
use crate::app::actions::ActionId;
use crate::app::search::{Pane, Search};
use crate::app::{App, SIDE_BY_SIDE};
use crate::point::Modality;
use crate::tasks::search::{Answered, Found, Hit, How, NoAnswer};

/// Lines that say what is asked.
const HEAD: u16 = 3;
/// From this height on they have a frame.
const FRAMED: u16 = 30;
/// From this width of a pane on ids are shown whole.
const WHOLE_IDS: usize = 90;

/// What is asked, and what lies below.
fn split(area: Rect) -> [Rect; 2] {
    let head = if area.height >= FRAMED { HEAD + 2 } else { HEAD };
    Layout::vertical([Constraint::Length(head), Constraint::Min(0)]).areas(area)
}

/// Where the answers of LanceDB and of Qdrant stand, where there are any.
pub(super) fn panes(app: &App, area: Rect) -> Option<[Rect; 2]> {
    app.search.answer()?;
    let [_, below] = split(area);
    let halves = [Constraint::Percentage(50), Constraint::Percentage(50)];
    let layout = if area.width >= SIDE_BY_SIDE {
        Layout::horizontal(halves)
    } else {
        Layout::vertical(halves)
    };
    Some(layout.areas(below))
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let [above, below] = split(area);
    head(frame, app, theme, above);
    match (panes(app, area), app.search.answer()) {
        (Some([left, right]), Some(found)) => {
            answer(frame, app, theme, left, Pane::Lancedb, found);
            answer(frame, app, theme, right, Pane::Qdrant, found);
        }
        _ => no_answer(frame, app, theme, below),
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

fn query(app: &App, theme: &Theme, width: usize) -> Line<'static> {
    let key = key(app, ActionId::Query);
    let (text, style) = match app.search.query() {
        Some(_) => (app.search.query_text(), Style::new()),
        None => (
            "types a query: words, or @path for a picture or a sound".to_owned(),
            theme.dim(),
        ),
    };
    let text = fit(&text, width.saturating_sub(columns(&key)));
    Line::from(vec![Span::styled(key, theme.accent()), Span::styled(text, style)])
}

/// How it is asked, each with the key that changes it.
fn settings(app: &App, theme: &Theme, width: usize) -> Line<'static> {
    let search = &app.search;
    let exactly = if search.is_exact() { "exact" } else { "by index" };
    let items = [
        (ActionId::Find, format!("find {}", found_kind(search))),
        (ActionId::SearchHow, format!("by {}", how(search.how()))),
        (ActionId::SearchExactly, exactly.to_owned()),
        (ActionId::Condition, found_where(search)),
    ];
    let mut spans = Vec::new();
    let mut used = 0;
    for (id, text) in items {
        let gap = if used == 0 { "" } else { "   " };
        let key = format!("{gap}{}", key(app, id));
        let text = fit(&text, width.saturating_sub(used + columns(&key)));
        used += columns(&key) + columns(&text);
        spans.push(Span::styled(key, theme.accent()));
        spans.push(Span::raw(text));
    }
    Line::from(spans)
}

fn found_kind(search: &Search) -> &'static str {
    search.find().map_or("anything", Modality::as_str)
}

fn found_where(search: &Search) -> String {
    match search.filter() {
        Some(filter) => format!("where {filter}"),
        None => "all points".to_owned(),
    }
}

fn how(how: How) -> &'static str {
    match how {
        How::Vector => "vector",
        How::Keyword => "keywords",
        How::Hybrid => "vector and keywords",
    }
}

/// What became of the question.
fn outcome(app: &App, theme: &Theme, width: usize) -> Line<'static> {
    let search = &app.search;
    let (text, style) = match (search.is_waiting(), search.error(), search.answer()) {
        (true, _, Some(_)) => ("searching ...; below, the earlier answer".to_owned(), theme.accent()),
        (true, _, None) => ("searching ...".to_owned(), theme.accent()),
        (false, Some(_), _) => ("not answered".to_owned(), theme.bad()),
        (false, None, Some(found)) => (embedded(found), theme.dim()),
        (false, None, None) => (String::new(), theme.dim()),
    };
    Line::styled(fit(&text, width), style)
}

fn embedded(found: &Found) -> String {
    match &found.space {
        Some(space) => format!(
            "embedded in {} as {space}; searched: {}",
            latency(Some(found.embedding)),
            found.columns.join(", ")
        ),
        None => "searched by keywords; no vector was made of the query".to_owned(),
    }
}

fn answered(found: &Found, pane: Pane) -> Result<&Answered, &NoAnswer> {
    match pane {
        Pane::Lancedb => Ok(&found.lancedb),
        Pane::Qdrant => found.qdrant.as_ref(),
    }
}

fn answer(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, pane: Pane, found: &Found) {
    let answered = answered(found, pane);
    let score = answered.map_or_else(NoAnswer::label, |answered| answered.score);
    let title = format!("{}: {score}", pane.store());
    let mut block = theme.pane_with(&title, app.search.pane == pane);
    let inner = block.inner(area);
    let (width, height) = (inner.width as usize, inner.height as usize);
    if let Some(beyond) = beyond(app, pane, height.saturating_sub(1)) {
        block = block.title_bottom(Line::styled(format!(" {beyond} "), theme.dim()));
    }
    frame.render_widget(block, area);
    let lines = match answered {
        Err(none) => {
            // That a store was not asked is no trouble.
            let style = match none {
                NoAnswer::NotAsked(_) => theme.dim(),
                NoAnswer::Failed(_) => theme.warn(),
            };
            wrapped(none.why(), style, width, height)
        }
        Ok(answered) => {
            let heading = fit(&summary(app, pane, found, answered), width);
            let mut lines = vec![Line::styled(heading, theme.dim())];
            if answered.hits.is_empty() {
                lines.extend(wrapped(&why_nothing(app), theme.dim(), width, height));
            } else {
                lines.extend(rows(app, theme, pane, width, height.saturating_sub(1)));
            }
            lines
        }
    };
    paint::lines(frame, inner, &lines);
}

fn wrapped(text: &str, style: Style, width: usize, most: usize) -> Vec<Line<'static>> {
    let lines = wrap_to(text, width, most).into_iter();
    lines.map(|line| Line::styled(line, style)).collect()
}

/// How many, how fast, and how many of them the other store names too.
fn summary(app: &App, pane: Pane, found: &Found, answered: &Answered) -> String {
    let earlier = if app.search.is_waiting() { "earlier: " } else { "" };
    let results = match answered.hits.len() {
        1 => "1 result".to_owned(),
        many => format!("{many} results"),
    };
    let mut text = format!("{earlier}{results} in {}", latency(Some(answered.took)));
    if found.qdrant.is_ok() {
        text.push_str(&format!(", {} shared with {} (=)", found.shared, pane.other().store()));
    }
    text
}

/// Why there are no results, and what would bring some.
fn why_nothing(app: &App) -> String {
    let search = &app.search;
    match (search.filter(), search.find()) {
        // What is set by now is of the question that is not answered yet.
        _ if search.is_waiting() => "nothing found".to_owned(),
        (Some(filter), _) => format!(
            "nothing found where {filter}; {} clears the condition",
            key_of(app, ActionId::Back)
        ),
        (None, Some(find)) => format!(
            "no {} found; {} finds other kinds",
            kinds(find),
            key_of(app, ActionId::Find)
        ),
        (None, None) if search.how() == How::Keyword => format!(
            "no content holds these words; {} searches by vector",
            key_of(app, ActionId::SearchHow)
        ),
        (None, None) => "nothing found".to_owned(),
    }
}

/// What is made of this, where there may be several.
fn kinds(modality: Modality) -> &'static str {
    match modality {
        Modality::Text => "texts",
        Modality::Image => "images",
        Modality::Audio => "sounds",
    }
}

/// How many results lie beyond the rows that are seen.
fn beyond(app: &App, pane: Pane, height: usize) -> Option<String> {
    let total = app.search.hits(pane).len() as u64;
    let top = list::top(app.search.place(pane) as u64, total, height as u64);
    list::beyond(top, total, height as u64)
}

fn rows(app: &App, theme: &Theme, pane: Pane, width: usize, height: usize) -> Vec<Line<'static>> {
    let search = &app.search;
    let (hits, place) = (search.hits(pane), search.place(pane));
    let focused = search.pane == pane;
    let widest = if width >= WHOLE_IDS { 36 } else { 12 };
    let ids = hits.iter().map(|hit| hit.id.to_string().len()).max();
    let ids = ids.unwrap_or(0).min(widest);
    let top = list::top(place as u64, hits.len() as u64, height as u64) as usize;
    let shown = hits.iter().enumerate().skip(top).take(height);
    shown
        .map(|(at, hit)| {
            let style = match (at == place, focused) {
                (true, true) => theme.selected(),
                (true, false) => theme.selected_elsewhere(),
                (false, _) if search.is_waiting() => theme.dim(),
                (false, _) if hit.shared => theme.good(),
                (false, _) => Style::new(),
            };
            Line::styled(pad(&row(hit, ids), width), style)
        })
        .collect()
}

fn row(hit: &Hit, ids: usize) -> String {
    let mark = if hit.shared { '=' } else { ' ' };
    format!(
        "{mark} {:>2} {} {:<5} {} {}",
        hit.rank,
        score(hit.score),
        hit.modality.map_or("-", Modality::as_str),
        pad(&hit.id.to_string(), ids),
        hit.snippet.as_deref().unwrap_or("-")
    )
}

/// A score in nine columns, whatever it is a score of.
fn score(score: f64) -> String {
    if score.abs() < 999.999 {
        format!("{score:>9.4}")
    } else {
        format!("{score:>9.2e}")
    }
}

/// Before the first answer, and where there is none.
fn no_answer(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let block = theme.pane("Results");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (width, height) = (inner.width as usize, inner.height as usize);
    let mut lines = Vec::new();
    for (text, style) in explained(app, theme) {
        if !lines.is_empty() {
            lines.push(Line::raw(""));
        }
        lines.extend(wrapped(&text, style, width, height));
    }
    paint::lines(frame, inner, &lines);
}

fn explained(app: &App, theme: &Theme) -> Vec<(String, Style)> {
    let search = &app.search;
    let Some(facts) = &app.facts else {
        return vec![("the job is not open yet".to_owned(), theme.dim())];
    };
    let [query, find, how_key, exactly, condition, open] = [
        ActionId::Query,
        ActionId::Find,
        ActionId::SearchHow,
        ActionId::SearchExactly,
        ActionId::Condition,
        ActionId::Open,
    ]
    .map(|id| key_of(app, id));
    if search.is_waiting() {
        let what = format!(
            "searching for {} (find {}, by {}, {}) ...",
            search.query_text(),
            found_kind(search),
            how(search.how()),
            found_where(search)
        );
        return vec![(what, theme.dim())];
    }
    if let Some(error) = search.error() {
        let ways = format!(
            "{query} changes the query, {how_key} how it is searched, {find} what is found, {condition} the condition; \
             each asks again."
        );
        return vec![(format!("cannot search: {error}"), theme.bad()), (ways, theme.dim())];
    }
    let who = if app.snapshot.settings.in_flight > 0 {
        format!(
            "A query is embedded as {}. LanceDB answers, and beside it Qdrant, where it holds vectors of that space.",
            facts.space
        )
    } else {
        format!(
            "Vectors are carried over, so nobody embeds a query here; {how_key} searches by keywords, which LanceDB \
             alone answers."
        )
    };
    [
        format!(
            "{query} types a query: words, or @path for a picture or a sound. A path like ./x.png, /x/y.wav or ~/x \
             needs no @."
        ),
        who,
        format!(
            "{find} chooses what is found: anything, texts, pictures or sounds. {how_key} searches by vector, by \
             keywords or by both, {exactly} exactly or through the indexes, {condition} only where a condition is met."
        ),
        format!("{open} on a result compares its point in both stores; = marks what both stores name."),
    ]
    .map(|text| (text, theme.dim()))
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn any_score_keeps_its_column(value in any::<f64>()) {
            prop_assert_eq!(score(value).len(), 9, "{}", value);
        }
    }

    #[test]
    fn scores_of_every_kind_can_be_read() {
        for (value, shown) in [
            (0.831_249, "   0.8312"),
            (-0.25, "  -0.2500"),
            (0.032_786, "   0.0328"),
            (17.5, "  17.5000"),
            (-999.99, "-999.9900"),
            (-1_000.0, "  -1.00e3"),
            (123_456.0, "   1.23e5"),
            (f64::NAN, "      NaN"),
            (f64::INFINITY, "      inf"),
        ] {
            assert_eq!(score(value), shown);
        }
    }
}
