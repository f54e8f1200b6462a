//! The list: the line of the filter, the rows of the page, and why there are none or why they are old.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::title;
use crate::app::App;
use crate::app::actions::ActionId;
use crate::app::failures::Retrying;
use crate::journal::{FailureRow, Filter, State};
use crate::ui::chrome::key_of;
use crate::ui::diff::bounded;
use crate::ui::list;
use crate::ui::paint;
use crate::ui::prompt::input_line;
use crate::ui::text::{age, count, fit, fit_ends, pad, wrap};
use crate::ui::theme::Theme;

/// Columns of an id: whole, and where there is no room for that beside an error.
pub(super) const IDS: [usize; 2] = [36, 14];
/// Columns of a state.
const STATE: usize = 12;
/// Columns of a cause in the list, unless a longer one is seen.
const CAUSE: usize = 13;
/// Columns of the mark, the state, the attempts and the age, with the blanks around them and the cause.
const OTHERS: usize = 2 + 1 + STATE + 1 + 1 + 3 + 1 + 4;
/// Columns of an error below which it says nothing.
const LEAST_ERROR: usize = 12;
/// What can be typed into the filter beside a text.
const HINT: &str = "cause:NAME TEXT filters by both";
/// Within a pane of this height why its rows are old is said in full, below on two lines.
const ROOMY: u16 = 12;
/// Lines of it, and of what to do about it, at most.
const WHY_OLD: usize = 3;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, now: i64) {
    let failures = &app.failures;
    let focused = !failures.in_detail;
    let mut block = theme.pane_with(&title::of_list(app, title::room(area)), focused);
    let inner = block.inner(area);
    let [why, next] = why_old(app, inner);
    let [old, filter, heading, rows] = Layout::vertical([
        Constraint::Length((why.len() + next.len()) as u16),
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
    ])
    .areas(inner);
    let height = u64::from(rows.height);
    let top = list::top(failures.place(), failures.total(), height);
    if let Some(beyond) = list::beyond(top, failures.total(), height) {
        block = block.title_bottom(Line::styled(format!(" {beyond} "), theme.dim()));
    }
    frame.render_widget(block, area);
    let why = why.into_iter().map(|line| Line::styled(line, theme.bad()));
    let next = next.into_iter().map(|line| Line::styled(line, theme.dim()));
    paint::lines(frame, old, &why.chain(next).collect::<Vec<_>>());
    render_filter(frame, app, theme, filter);
    let width = inner.width as usize;
    let places = top..(top + height).min(failures.total());
    let causes = places.clone().filter_map(|place| failures.row(place));
    let cause = causes.map(|row| row.cause.as_str().len()).max().unwrap_or(0).max(CAUSE);
    let columns = Columns::within(width, cause);
    frame.render_widget(
        Paragraph::new(fit(&columns.heading(), width)).style(theme.dim()),
        heading,
    );
    if failures.total() == 0 {
        let paragraphs = nothing(app, theme);
        let lines = paragraphs.iter().flat_map(|(text, style)| {
            let lines = wrap(text, width).into_iter();
            lines.map(move |line| Line::styled(line, *style))
        });
        frame.render_widget(Paragraph::new(lines.collect::<Vec<_>>()), rows);
        return;
    }
    let lines: Vec<Line<'_>> = places
        .map(|place| {
            let Some(row) = failures.row(place) else {
                return Line::styled("  ...", theme.dim());
            };
            // Where another row has come into the place of the selected one, none is selected.
            let style = match (place == failures.place() && !failures.is_lost(), focused) {
                (true, true) => theme.selected(),
                (true, false) => theme.selected_elsewhere(),
                (false, _) => Style::new(),
            };
            Line::from(columns.spans(app, theme, row, width, now)).style(style)
        })
        .collect();
    paint::lines(frame, rows, &lines);
}

/// The columns whose width depends on the room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Columns {
    id: usize,
    cause: usize,
    /// Whether there is room for an error that says something.
    error: bool,
}

impl Columns {
    /// In a pane of so many columns, with causes of so many.
    fn within(width: usize, cause: usize) -> Self {
        let room = width.saturating_sub(OTHERS + cause);
        let beside_error = IDS.into_iter().find(|id| *id + 1 + LEAST_ERROR <= room);
        Self {
            id: beside_error.unwrap_or(room.min(IDS[0])),
            cause,
            error: beside_error.is_some(),
        }
    }

    fn heading(self) -> String {
        let Self { id, cause, error } = self;
        let error = if error { " error" } else { "" };
        format!(
            "  {:<id$} {:<STATE$} {:<cause$} {:>3} {:>4}{error}",
            "id", "state", "cause", "try", "age"
        )
    }

    fn spans(self, app: &App, theme: &Theme, row: &FailureRow, width: usize, now: i64) -> Vec<Span<'static>> {
        let Self { id, cause, error } = self;
        let mark = if app.failures.is_marked(row.id) { '*' } else { ' ' };
        // Ids that were made one after the other differ at one of their ends.
        let head = format!("{mark} {} ", pad(&fit_ends(&row.id.to_string(), id), id));
        let state = format!("{:<STATE$}", app.failures.state_of(row));
        let mut rest = format!(
            " {:<cause$} {:>3} {:>4}",
            row.cause.as_str(),
            count(row.attempts.into()),
            age(now - row.last_at)
        );
        if error {
            rest.push(' ');
            rest.push_str(&row.error);
        }
        let rest = pad(&rest, width.saturating_sub(head.len() + state.len()));
        let style = standing(app, theme, row);
        vec![Span::raw(head), Span::styled(state, style), Span::raw(rest)]
    }
}

/// How the word for a row's state looks.
fn standing(app: &App, theme: &Theme, row: &FailureRow) -> Style {
    match (app.failures.retry_of(row), row.state) {
        (Some(Retrying::FailedAgain), _) => theme.warn(),
        (Some(Retrying::Done), _) | (None, State::Recovered) => theme.good(),
        (None, State::Skipped) => theme.dim(),
        _ => Style::new(),
    }
}

/// How many lines above the filter say why the rows of a list that stands there are old.
pub(super) fn above(app: &App, area: Rect) -> u16 {
    let inner = Rect {
        width: area.width.saturating_sub(2),
        height: area.height.saturating_sub(2),
        ..area
    };
    why_old(app, inner).iter().map(|lines| lines.len() as u16).sum()
}

/// The lines for why the rows are old, and those for what to do about it; none where they are not.
fn why_old(app: &App, inner: Rect) -> [Vec<String>; 2] {
    let error = app.failures.error.as_ref().filter(|_| app.failures.total() > 0);
    let Some(error) = error else {
        return [Vec::new(), Vec::new()];
    };
    let width = inner.width as usize;
    [unread(error), next_step(app)].map(|text| {
        if inner.height < ROOMY {
            vec![fit(&text, width)]
        } else {
            bounded(&text, width, WHY_OLD)
        }
    })
}

fn unread(error: &str) -> String {
    format!("the journal cannot be read: {error}")
}

fn next_step(app: &App) -> String {
    let state_dir = app.facts.as_ref().map_or("", |facts| facts.state_dir.as_str());
    format!(
        "It is tried again every few seconds; see to it that {state_dir}/journal.db can be read, and that the disk is \
         not full."
    )
}

/// Why the list is empty, and what to do about it.
fn nothing(app: &App, theme: &Theme) -> Vec<(String, Style)> {
    let failures = &app.failures;
    if app.facts.is_none() {
        return vec![("the job is not open yet".into(), theme.dim())];
    }
    if let Some(error) = &failures.error {
        return vec![(unread(error), theme.bad()), (next_step(app), theme.dim())];
    }
    let text = if !failures.is_loaded() {
        "reading the journal ...".to_owned()
    } else if failures.filter() == Filter::default() {
        "no failures".to_owned()
    } else {
        let all = count(app.snapshot.failed + app.snapshot.skipped);
        // While it is typed, the key does so whatever is open.
        if failures.typing.is_some() || back_clears(app) {
            format!("0 of {all}, {} clears the filter", key_of(app, ActionId::Back))
        } else {
            format!("0 of {all}")
        }
    };
    vec![(text, theme.dim())]
}

/// Whether a step back clears the filter: what is open, or being opened, is closed first.
fn back_clears(app: &App) -> bool {
    app.failures.detail.is_none() && app.failures.opening().is_none()
}

fn render_filter(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let failures = &app.failures;
    if let Some(input) = &failures.typing {
        let hint = if area.width >= 70 { HINT.len() as u16 } else { 0 };
        let [line, beside] = Layout::horizontal([Constraint::Min(0), Constraint::Length(hint)]).areas(area);
        frame.render_widget(Paragraph::new(HINT).style(theme.dim()), beside);
        input_line(frame, theme, line, "/ ", input);
        return;
    }
    let filter = failures.filter();
    let shows = match (filter.cause, filter.text) {
        (Some(cause), Some(text)) => format!("cause {}, holds {text:?}", cause.as_str()),
        (Some(cause), None) => format!("cause {}", cause.as_str()),
        (None, Some(text)) => format!("holds {text:?}"),
        (None, None) => format!("all; {} filters by id, cause or error", key_of(app, ActionId::Filter)),
    };
    // Where it shows nothing, that is said below.
    let is_told = failures.is_loaded() && failures.total() == 0 && failures.error.is_none();
    let clears = if is_told || !back_clears(app) || failures.filter() == Filter::default() {
        String::new()
    } else {
        format!("   ({} clears)", key_of(app, ActionId::Back))
    };
    let text = format!("{shows}{clears}");
    frame.render_widget(Paragraph::new(fit(&text, area.width as usize)).style(theme.dim()), area);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_that_says_nothing_gives_its_room_to_the_id() {
        for (width, cause, id, error) in [
            (198, 13, 36, true),
            (118, 13, 36, true),
            (87, 13, 36, true),
            (86, 13, 14, true),
            (78, 17, 14, true),
            (65, 13, 14, true),
            (64, 13, 26, false),
            (58, 13, 20, false),
            (58, 17, 16, false),
            (10, 13, 0, false),
        ] {
            assert_eq!(Columns::within(width, cause), Columns { id, cause, error }, "{width}");
        }
    }
}
