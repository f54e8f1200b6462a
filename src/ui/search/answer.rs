//! One store's answer: what its results are, the results, and whole the selected one where the list leaves room. A store
//! that lists nothing says why.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;

use super::{kind, kinds, wrapped};
use crate::app::App;
use crate::app::actions::ActionId;
use crate::app::search::Pane;
use crate::tasks::search::{Answered, Found, Hit, How, NoAnswer};
use crate::ui::chrome::key_of;
use crate::ui::list;
use crate::ui::paint;
use crate::ui::text::{clean, fit, fit_ends, latency, pad, wrap_to};
use crate::ui::theme::Theme;

/// Columns before the kind: the mark, the rank and the score, each with a blank.
const BEFORE: usize = 15;
/// Columns of an id that is shown by its ends: four, the sign, four.
const ENDS: usize = 9;

fn answered(found: &Found, pane: Pane) -> Result<&Answered, &NoAnswer> {
    match pane {
        Pane::Lancedb => Ok(&found.lancedb),
        Pane::Qdrant => found.qdrant.as_ref(),
    }
}

/// Lines of a pane whose store lists nothing: what it says, and the border. At most so many.
pub(super) fn height(app: &App, pane: Pane, found: &Found, width: u16, most: u16) -> u16 {
    let [width, room] = [width, most].map(|of| of.saturating_sub(2) as usize);
    let (said, step) = words(app, pane, found, width, room);
    let lines = said.len() + step.len();
    u16::try_from(lines).unwrap_or(most).saturating_add(2).min(most)
}

/// Draws the pane of a store, told whether the other's stands above or below it.
pub(super) fn render(
    frame: &mut Frame<'_>,
    app: &App,
    theme: &Theme,
    area: Rect,
    (pane, is_stacked): (Pane, bool),
    found: &Found,
) {
    let answered = answered(found, pane);
    let mut block = theme.pane_with(&title(found, pane), app.search.pane == pane);
    let inner = block.inner(area);
    let (width, height) = (inner.width as usize, inner.height as usize);
    if let Some(beyond) = beyond(app, pane, height.saturating_sub(1)) {
        block = block.title_bottom(Line::styled(format!(" {beyond} "), theme.dim()));
    }
    frame.render_widget(block, area);
    let lines = match answered {
        Ok(answered) if !answered.hits.is_empty() => {
            let heading = fit(&summary(app, pane, found, answered), width);
            let mut lines = vec![Line::styled(heading, theme.dim())];
            let columns = Columns::of(app, pane, width, is_stacked);
            lines.extend(rows(app, theme, pane, &columns, height.saturating_sub(1)));
            let whole = whole(app, theme, pane, width, height.saturating_sub(lines.len()));
            lines.resize(height.saturating_sub(whole.len()), Line::raw(""));
            lines.extend(whole);
            lines
        }
        _ => {
            // That a store was not asked, or has nothing, is no trouble.
            let style = match answered {
                Err(NoAnswer::Failed(_)) => theme.warn(),
                _ => theme.dim(),
            };
            let (said, step) = words(app, pane, found, width, height);
            let said = said.into_iter().map(|line| Line::styled(line, style));
            let step = step.into_iter().map(|line| Line::styled(line, theme.dim()));
            said.chain(step).collect()
        }
    };
    paint::lines(frame, inner, &lines);
}

fn title(found: &Found, pane: Pane) -> String {
    let store = pane.store();
    match answered(found, pane) {
        Err(none) => format!("{store}: {}", none.label()),
        Ok(answered) if pane == Pane::Qdrant && found.text_column.is_some() => {
            format!("{store}: {}, by vector only", answered.score)
        }
        Ok(answered) => format!("{store}: {}", answered.score),
    }
}

/// What a store that lists nothing has to say, and what can be done where it did not answer; in about so many lines at
/// most.
fn words(app: &App, pane: Pane, found: &Found, width: usize, most: usize) -> (Vec<String>, Vec<String>) {
    match answered(found, pane) {
        Ok(answered) => {
            let mut lines = vec![fit(&summary(app, pane, found, answered), width)];
            lines.extend(wrap_to(&why_nothing(app, pane), width, most));
            (lines, Vec::new())
        }
        Err(NoAnswer::NotAsked(why)) => (wrap_to(why, width, most), Vec::new()),
        Err(NoAnswer::Failed(error)) => {
            let step = format!("{} and Enter ask again", key_of(app, ActionId::Query));
            let step = wrap_to(&step, width, most);
            // However long the error is, the way on is seen.
            let lines = wrap_to(error, width, most.saturating_sub(step.len()).max(1));
            (lines, step)
        }
    }
}

/// How many, how fast, and how many of them the other store names too.
fn summary(app: &App, pane: Pane, found: &Found, answered: &Answered) -> String {
    let earlier = if app.search.is_waiting() { "earlier: " } else { "" };
    let results = match answered.hits.len() {
        1 => "1 result".to_owned(),
        many => format!("{many} results"),
    };
    let mut text = format!("{earlier}{results} in {}", latency(Some(answered.took)));
    if !answered.hits.is_empty() && !app.search.hits(pane.other()).is_empty() {
        text.push_str(&format!(", {} shared with {} (=)", found.shared, pane.other().store()));
    }
    text
}

/// Why a store that was asked has no results, and what would bring some.
fn why_nothing(app: &App, pane: Pane) -> String {
    let search = &app.search;
    // What is set by now is of the question that is not answered yet.
    if search.is_waiting() {
        return "nothing found".to_owned();
    }
    let mut text = match search.find() {
        Some(find) => format!("no {} found", kinds(find)),
        None => "nothing found".to_owned(),
    };
    let mut steps = Vec::new();
    if let Some(filter) = search.filter() {
        text.push_str(&format!(" where {filter}"));
        steps.push(format!("{} clears the condition", key_of(app, ActionId::Back)));
    }
    if search.find().is_some() {
        steps.push(format!("{} finds other kinds", key_of(app, ActionId::Find)));
    }
    if !steps.is_empty() {
        return format!("{text}; {}", steps.join(", "));
    }
    let [query, how] = [ActionId::Query, ActionId::SearchHow].map(|id| key_of(app, id));
    match (search.how(), pane) {
        (How::Keyword, _) if search.embeds() => format!("no content holds these words; {how} searches by vector too"),
        (How::Keyword, _) => format!("no content holds these words; {query} types others"),
        // Else the nearest would be here, however far they are.
        (_, Pane::Lancedb) => format!("nothing found: no row has a vector yet; {query} and Enter ask again"),
        (_, Pane::Qdrant) => format!("nothing found: no point has such a vector; {query} and Enter ask again"),
    }
}

/// How many results lie beyond the rows that are seen.
fn beyond(app: &App, pane: Pane, height: usize) -> Option<String> {
    let total = app.search.hits(pane).len() as u64;
    let top = list::top(app.search.place(pane) as u64, total, height as u64);
    list::beyond(top, total, height as u64)
}

/// How wide a row is, and of it the kind and the id.
struct Columns {
    row: usize,
    kind: usize,
    id: usize,
}

impl Columns {
    /// As wide as the results need them; panes above one another have the same.
    fn of(app: &App, pane: Pane, row: usize, is_stacked: bool) -> Self {
        let others: &[Hit] = if is_stacked { app.search.hits(pane.other()) } else { &[] };
        let hits = || app.search.hits(pane).iter().chain(others);
        let kind = hits().map(|hit| kind_of(hit).len()).max().unwrap_or(0);
        let longest = hits().map(|hit| hit.id.to_string().len()).max().unwrap_or(0);
        Self {
            row,
            kind,
            id: id_width(longest, kind, row),
        }
    }
}

/// Columns of the ids: whole, unless the snippets would have less than half of the row.
fn id_width(longest: usize, kind: usize, row: usize) -> usize {
    // A blank lies behind the kind and behind the id.
    let snippet = row.saturating_sub(BEFORE + kind + longest + 2);
    if snippet * 2 >= row { longest } else { longest.min(ENDS) }
}

fn kind_of(hit: &Hit) -> &'static str {
    hit.modality.map_or("-", kind)
}

fn rows(app: &App, theme: &Theme, pane: Pane, columns: &Columns, height: usize) -> Vec<Line<'static>> {
    let search = &app.search;
    let (hits, place) = (search.hits(pane), search.place(pane));
    let focused = search.pane == pane;
    let selected = search.selected();
    let top = list::top(place as u64, hits.len() as u64, height as u64) as usize;
    let shown = hits.iter().enumerate().skip(top).take(height);
    shown
        .map(|(at, hit)| {
            // The lists are compared by id: of the other one the same point is marked, wherever it stands there.
            let style = if focused && at == place {
                theme.selected()
            } else if !focused && selected == Some(hit.id) {
                theme.selected_elsewhere()
            } else if search.is_waiting() {
                theme.dim()
            } else if hit.shared {
                theme.good()
            } else {
                Style::new()
            };
            Line::styled(pad(&row(hit, columns), columns.row), style)
        })
        .collect()
}

fn row(hit: &Hit, columns: &Columns) -> String {
    let mark = if hit.shared { '=' } else { ' ' };
    format!(
        "{mark} {:>2} {} {} {} {}",
        hit.rank,
        score(hit.score),
        pad(kind_of(hit), columns.kind),
        pad(&fit_ends(&hit.id.to_string(), columns.id), columns.id),
        hit.snippet.as_deref().unwrap_or("-")
    )
}

/// The selected result, none of it cut; nothing where it has no room or the keys are in the other pane.
fn whole(app: &App, theme: &Theme, pane: Pane, width: usize, room: usize) -> Vec<Line<'static>> {
    let search = &app.search;
    let hit = search.hits(pane).get(search.place(pane));
    let Some(hit) = hit.filter(|_| search.pane == pane) else {
        return Vec::new();
    };
    let name = match hit.modality {
        Some(modality) => format!("{}, {}", hit.id, kind(modality)),
        None => hit.id.to_string(),
    };
    let style = if search.is_waiting() { theme.dim() } else { Style::new() };
    let mut lines = vec![Line::styled(fit(&name, width), theme.accent())];
    if let Some(snippet) = &hit.snippet {
        lines.extend(wrapped(&clean(snippet), style, width, room));
    }
    // Between the list and this a line stays empty.
    if lines.len() < room { lines } else { Vec::new() }
}

/// A score in nine columns, whatever it is a score of.
fn score(score: f64) -> String {
    if score.abs() < 999.999 {
        format!("{score:>9.4}")
    } else {
        format!("{score:>9.2e}")
    }
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

    #[test]
    fn a_long_id_leaves_half_of_the_row_to_the_snippets() {
        for (longest, row, wide) in [
            (5, 58, 5),
            (7, 58, 7),
            (12, 78, 12),
            (20, 58, ENDS),
            (36, 78, ENDS),
            (36, 98, ENDS),
            (36, 119, ENDS),
            (36, 120, 36),
            (0, 0, 0),
        ] {
            assert_eq!(id_width(longest, "picture".len(), row), wide, "{longest} in {row}");
        }
    }
}
