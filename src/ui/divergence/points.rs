//! The points of the chosen bin, worst first.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::app::App;
use crate::app::actions::ActionId;
use crate::app::divergence::Pane;
use crate::journal::{Decided, Decision};
use crate::lance::browse::{Band, RankedRow};
use crate::ui::chrome::key_of;
use crate::ui::list;
use crate::ui::paint;
use crate::ui::text::{columns, count, fit, fit_ends, pad, wrap_to};
use crate::ui::theme::Theme;

/// Below this many columns within the pane, what was decided stands before the content instead of in a column of its
/// own, which would leave the content no room.
const NARROW: usize = 60;

/// How a row is laid out.
#[derive(Debug, Clone, Copy)]
struct Columns {
    /// Columns of the id.
    id: usize,
    /// Whether there are similarities to be seen.
    cosine: bool,
    /// Whether what was decided stands before the content.
    narrow: bool,
}

impl Columns {
    fn new(width: usize, band: Band) -> Self {
        Self {
            id: if width >= 90 { 36 } else { 12 },
            cosine: band != Band::EVERY,
            narrow: width < NARROW,
        }
    }

    fn heading(self) -> String {
        let wide = self.id;
        let cosine = if self.cosine { "  cosine" } else { "" };
        let decided = if self.narrow { "[decided]" } else { "decided       " };
        format!("  {:<wide$}{cosine}  {decided} content", "id")
    }
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let divergence = &app.divergence;
    // The border, and what the pane sets around its title.
    let title = title(app, (area.width as usize).saturating_sub(6));
    let focused = divergence.pane == Pane::Points;
    let block = theme.pane_with(&title, focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = inner.width as usize;
    if let Some(paragraphs) = nothing(app, theme) {
        let lines = paragraphs.iter().flat_map(|(text, style)| {
            wrap_to(text, width, inner.height as usize)
                .into_iter()
                .map(move |line| Line::styled(line, *style))
        });
        frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), inner);
        return;
    }
    let columns = Columns::new(width, divergence.band());
    let total = divergence.total().unwrap_or(0);
    let height = u64::from(inner.height).saturating_sub(1);
    let top = list::top(divergence.place(), total, height);
    let cursor = if focused {
        theme.selected()
    } else {
        theme.selected_elsewhere()
    };
    let mut lines = vec![Line::styled(fit(&columns.heading(), width), theme.dim())];
    lines.extend((top..(top + height).min(total)).map(|place| {
        let Some((row, decided)) = divergence.row(place) else {
            // Keys may be ahead of the answers: where they have gone is seen all the same.
            return if place == divergence.place() {
                Line::styled(pad("  ...", width), cursor)
            } else {
                Line::styled("  ...", theme.dim())
            };
        };
        let diverges = row
            .similarity
            .is_some_and(|similarity| similarity.get() < app.threshold);
        // Where another row has come into the place of the selected one, none is selected.
        let selected = place == divergence.place() && divergence.selected_row().is_some();
        let style = if selected {
            cursor
        } else if diverges && !is_settled(row, decided.as_ref()) {
            theme.warn()
        } else {
            Style::new()
        };
        let line = line(app, row, decided.as_ref(), columns);
        // Only where the whole line is marked are its blanks worth drawing.
        let line = if selected { pad(&line, width) } else { fit(&line, width) };
        Line::styled(line, style)
    }));
    paint::lines(frame, inner, &lines);
}

/// The list's title in so many columns: the marks, which bin, how many, and the order where there is room to say it.
fn title(app: &App, room: usize) -> String {
    let divergence = &app.divergence;
    let marks = match (divergence.marked(), divergence.hidden_marks()) {
        (0, _) => String::new(),
        (marked, 0) => format!("{} marked, ", count(marked as u64)),
        (marked, hidden) => format!(
            "{} marked, {} in other bins, ",
            count(marked as u64),
            count(hidden as u64)
        ),
    };
    let (short, more) = match (divergence.total(), divergence.chosen_bin()) {
        (total, _) if divergence.band() == Band::EVERY => {
            let total = total.map_or_else(String::new, |total| format!("{} ", count(total)));
            (format!("{total}points"), "; no similarities: the spaces differ")
        }
        (total, bin) => {
            let band = match bin {
                None => "All compared".to_owned(),
                Some(band) => format!("{:.4} to {:.4}", band.from, band.to.min(1.0)),
            };
            match total {
                Some(total) => (format!("{band}: {}", count(total)), ", worst first"),
                None => (band, ""),
            }
        }
    };
    // Of no points there is nothing more to be said.
    let more = if divergence.total() == Some(0) { "" } else { more };
    let full = format!("{marks}{short}{more}");
    if columns(&full) <= room {
        return full;
    }
    fit(&format!("{marks}{short}"), room)
}

/// Whether somebody has decided about a row as it is now.
fn is_settled(row: &RankedRow, decided: Option<&Decided>) -> bool {
    decided.is_some_and(|decided| !decided.is_outdated(row.similarity))
}

/// What was decided about a row, in one word where there is one.
fn brief(row: &RankedRow, decided: &Decided) -> &'static str {
    match decided.decision {
        Decision::Accepted => decided.label(row.similarity),
        Decision::Kept => "kept",
        Decision::EmbeddedAgain => "again",
    }
}

fn line(app: &App, row: &RankedRow, decided: Option<&Decided>, columns: Columns) -> String {
    let Columns { id: wide, narrow, .. } = columns;
    let mark = if app.divergence.is_marked(row.id) { '*' } else { ' ' };
    let decided = match decided {
        _ if app.divergence.is_deciding(row.id) => "at work",
        None => "",
        Some(decided) if narrow => brief(row, decided),
        Some(decided) => decided.label(row.similarity),
    };
    let decided = match (narrow, decided) {
        (true, "") => String::new(),
        (true, decided) => format!("[{decided}] "),
        (false, decided) => format!("{decided:<14} "),
    };
    let similarity = match row.similarity {
        _ if !columns.cosine => String::new(),
        Some(similarity) => format!(" {:>7.4}", similarity.get()),
        None => format!(" {:>7}", "-"),
    };
    format!(
        "{mark} {:<wide$}{similarity}  {decided}{}",
        fit_ends(&row.id.to_string(), wide),
        row.snippet.as_deref().unwrap_or("-")
    )
}

/// Whether rows have similarities at all.
fn is_comparable(app: &App) -> bool {
    app.facts.as_ref().is_none_or(|facts| facts.comparable.is_ok())
}

/// Why the list is empty, and what to do about it.
fn nothing(app: &App, theme: &Theme) -> Option<Vec<(String, Style)>> {
    if app.facts.is_none() {
        return Some(vec![("the job is not open yet".into(), theme.dim())]);
    }
    if let Some(error) = app.divergence.error() {
        let next = format!("{} tries again", key_of(app, ActionId::Open));
        return Some(vec![
            (format!("the table cannot be read: {error}"), theme.bad()),
            (next, theme.dim()),
        ]);
    }
    let text = match app.divergence.total() {
        None => "reading the table ...",
        Some(0) if app.divergence.chosen_bin().is_some() => "no points in this bin",
        Some(0) if !is_comparable(app) => "no points in the table yet",
        Some(0) => "no points to compare yet",
        Some(_) => return None,
    };
    Some(vec![(text.to_owned(), theme.dim())])
}
