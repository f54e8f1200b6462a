//! What stands below the head while there is no answer: what can be asked, what is waited for, or why there is none.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::wrapped;
use crate::app::actions::ActionId;
use crate::app::{App, SIDE_BY_SIDE};
use crate::tasks::JobFacts;
use crate::tasks::search::How;
use crate::ui::chrome::key_of;
use crate::ui::paint;
use crate::ui::theme::Theme;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let block = theme.pane("Results");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let (width, height) = (inner.width as usize, inner.height as usize);
    let beside = area.width >= SIDE_BY_SIDE;
    let laid_out = |short: bool, apart: bool| -> Vec<Line<'static>> {
        let mut lines = Vec::new();
        for (text, style) in said(app, theme, beside, short) {
            if apart && !lines.is_empty() {
                lines.push(Line::raw(""));
            }
            // A line too many is enough to know that it does not fit.
            lines.extend(wrapped(&text, style, width, height + 1));
        }
        lines
    };
    let ways = [(false, true), (false, false)].into_iter();
    let fits = |lines: &Vec<Line<'_>>| lines.len() <= height;
    let lines = ways.map(|(short, apart)| laid_out(short, apart)).find(fits);
    paint::lines(frame, inner, &lines.unwrap_or_else(|| laid_out(true, false)));
}

/// Paragraphs with their styles; shorter ones for a pane that is too low.
fn said(app: &App, theme: &Theme, beside: bool, short: bool) -> Vec<(String, Style)> {
    let search = &app.search;
    let Some(facts) = &app.facts else {
        return vec![("the job is not open yet".to_owned(), theme.dim())];
    };
    let [query, find, how, condition, back] = [
        ActionId::Query,
        ActionId::Find,
        ActionId::SearchHow,
        ActionId::Condition,
        ActionId::Back,
    ]
    .map(|id| key_of(app, id));
    if search.is_waiting() {
        let way = match search.filter() {
            Some(_) => format!("{back} clears the condition and asks again."),
            None => format!("{back} gives the search up."),
        };
        return vec![(way, theme.dim())];
    }
    if search.is_refused() {
        let (why, way) = if search.embeds() {
            let why = "keywords are text, and the query is a picture or a sound";
            (why, format!("{how} searches by its vector, {query} changes the query."))
        } else {
            let why = "vectors are carried over, and nobody embeds a picture or a sound";
            (
                why,
                format!("{query} changes the query: words are searched by keywords."),
            )
        };
        return vec![(format!("cannot search: {why}"), theme.bad()), (way, theme.dim())];
    }
    if let Some(error) = search.error() {
        let how = if search.embeds() {
            format!("{how} how it is searched, ")
        } else {
            String::new()
        };
        let ways = format!(
            "{query} changes the query, {how}{find} what is found, {condition} the condition; each asks again."
        );
        return vec![(format!("cannot search: {error}"), theme.bad()), (ways, theme.dim())];
    }
    let idle = if short {
        in_short(app)
    } else {
        in_full(app, facts, beside)
    };
    idle.into_iter().map(|text| (text, theme.dim())).collect()
}

/// What can be asked, and who answers. What a query is made of stands on its own line above.
fn in_full(app: &App, facts: &JobFacts, beside: bool) -> Vec<String> {
    let search = &app.search;
    let [find, how, exactly, condition, open] = [
        ActionId::Find,
        ActionId::SearchHow,
        ActionId::SearchExactly,
        ActionId::Condition,
        ActionId::Open,
    ]
    .map(|id| key_of(app, id));
    let chooses = format!("{find} chooses what is found: anything, texts, pictures or sounds.");
    let opens = format!("{open} on a result compares its point in both stores");
    if !search.embeds() {
        return vec![
            "Vectors are carried over, so nobody embeds a query: LanceDB alone answers, by keywords.".to_owned(),
            format!("{chooses} {condition} searches only where a condition is met."),
            format!("{opens}."),
        ];
    }
    let beside = if beside { "beside" } else { "below" };
    let exactly = match search.how() {
        How::Keyword => String::new(),
        How::Vector | How::Hybrid => format!("{exactly} exactly or through the indexes, "),
    };
    vec![
        // On a line of their own no path is broken.
        "./x.png, /x/y.wav and ~/x need no @.".to_owned(),
        format!(
            "A query is embedded as {}. LanceDB answers, and {beside} it Qdrant, where it holds vectors of that space.",
            facts.space
        ),
        format!(
            "{chooses} {how} searches by vector, by keywords or by both, {exactly}{condition} only where a condition is \
             met."
        ),
        format!("{opens}; = marks what both stores name."),
    ]
}

/// The same for the least terminal.
fn in_short(app: &App) -> Vec<String> {
    let [find, how, condition, open] =
        [ActionId::Find, ActionId::SearchHow, ActionId::Condition, ActionId::Open].map(|id| key_of(app, id));
    let how = if app.search.embeds() {
        format!("{how} how, ")
    } else {
        String::new()
    };
    vec![
        format!("{find} chooses what is found, {how}{condition} under which condition."),
        format!("{open} on a result compares its point in both stores."),
    ]
}
