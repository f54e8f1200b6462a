//! The eight checks, a line each: how far it is or what came out, the figure, what it must be, how long it took.

use std::borrow::Cow;

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};

use super::outcome;
use crate::app::App;
use crate::app::verify::{Pane, State};
use crate::point::verdict::Outcome;
use crate::tasks::verify::CheckId;
use crate::ui::list;
use crate::ui::paint;
use crate::ui::text::{columns as wide, count, fit, latency, pad};
use crate::ui::theme::Theme;

/// Columns of a check's name, its state and its time.
const NAME: usize = 11;
const STATE: usize = 15;
const TIME: usize = 8;
/// Cells of a bar.
const BAR: usize = 8;
/// From this width on there is a column for the time: a figure comes first.
const WITH_TIME: usize = 90;
/// From this width on there is a column for the threshold: a figure of a sample has room beside it. Everything is told
/// whole of the selected check.
const WITH_THRESHOLD: usize = 165;
const HEADING: [&str; 5] = ["check", "outcome", "figure", "threshold", "time"];

/// Lines of the pane above its first row.
pub(in crate::ui) fn above(framed: bool) -> u16 {
    1 + u16::from(framed)
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect, framed: bool) {
    let verify = &app.verify;
    let states = verify.states();
    let focused = verify.pane == Pane::Checks;
    let block = theme.pane_with(&title(&states), focused);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = inner.width as usize;
    let rows: Vec<[Cow<'_, str>; 5]> = states.iter().map(|(id, state)| row(theme, *id, state)).collect();
    let figures = rows.iter().map(|[_, _, figure, ..]| wide(&fit(figure, width)));
    let widest = figures.chain([HEADING[2].len()]).max().unwrap_or(0);
    let mut lines = Vec::new();
    if framed {
        let heading = columns(HEADING, width, widest);
        lines.push(Line::styled(heading.concat(), theme.dim()));
    }
    let height = (inner.height as usize).saturating_sub(lines.len());
    let top = list::top(verify.place() as u64, states.len() as u64, height as u64) as usize;
    let shown = states.iter().zip(&rows).enumerate().skip(top).take(height);
    lines.extend(shown.map(|(place, ((_, state), row))| {
        let row = columns(row.each_ref().map(AsRef::as_ref), width, widest);
        match (place == verify.place(), focused) {
            (true, true) => Line::styled(row.concat(), theme.selected()),
            (true, false) => Line::styled(row.concat(), theme.selected_elsewhere()),
            (false, _) => coloured(theme, state, row),
        }
    }));
    paint::lines(frame, inner, &lines);
}

/// How many checks came to which outcome.
fn title(states: &[(CheckId, State<'_>)]) -> String {
    let outcomes = [Outcome::Fail, Outcome::Inconclusive, Outcome::Pass, Outcome::Info];
    let counts = outcomes.into_iter().filter_map(|outcome| {
        let is_it = |state: &&(CheckId, State<'_>)| matches!(state.1, State::Done(check) if check.outcome == outcome);
        let number = states.iter().filter(is_it).count();
        (number > 0).then(|| format!("{number} {}", outcome.label()))
    });
    let counts: Vec<String> = counts.collect();
    if counts.is_empty() {
        "Checks".to_owned()
    } else {
        format!("Checks: {}", counts.join(", "))
    }
}

fn coloured(theme: &Theme, state: &State<'_>, [name, told, figure, threshold, time]: [String; 5]) -> Line<'static> {
    let (colour, rest) = match state {
        State::Done(check) => (outcome(theme, check.outcome), Style::new()),
        State::Running(_) => (theme.accent(), Style::new()),
        State::Unfinished => (theme.warn(), theme.dim()),
        State::LeftOut | State::Waiting => (theme.dim(), theme.dim()),
    };
    Line::from(vec![
        Span::styled(name, rest),
        Span::styled(told, colour),
        Span::styled(figure, rest),
        Span::styled(threshold, theme.dim()),
        Span::styled(time, theme.dim()),
    ])
}

/// What is told of a check: its name, where it stands, its figure, what that must be, how long it took.
fn row<'a>(theme: &Theme, id: CheckId, state: &State<'a>) -> [Cow<'a, str>; 5] {
    let [figure, threshold, took]: [Cow<'a, str>; 3] = match *state {
        State::Done(check) => [
            check.figure.as_str().into(),
            check.threshold.as_str().into(),
            latency(Some(check.took)).into(),
        ],
        State::Running(Some((done, all))) => {
            let figure = format!("{} of {}", count(done), count(all));
            [figure.into(), "".into(), "".into()]
        }
        _ => ["".into(), "".into(), "".into()],
    };
    [id.as_str().into(), word(theme, state).into(), figure, threshold, took]
}

/// Where a check stands, in at most 14 columns.
fn word(theme: &Theme, state: &State<'_>) -> String {
    match state {
        State::LeftOut => "not checked".to_owned(),
        State::Waiting => "waiting".to_owned(),
        State::Unfinished => "not finished".to_owned(),
        State::Running(None) => "running".to_owned(),
        State::Running(Some((done, all))) => bar(theme, *done, *all),
        State::Done(check) => check.outcome.label().to_owned(),
    }
}

/// A bar and its percent.
fn bar(theme: &Theme, done: u64, all: u64) -> String {
    let share = if all == 0 {
        0.0
    } else {
        (done as f64 / all as f64).min(1.0)
    };
    let full = (share * BAR as f64) as usize;
    format!(
        "{}{} {:>3.0} %",
        theme.full().repeat(full),
        theme.empty().repeat(BAR - full),
        (share * 100.0).floor()
    )
}

/// Five cells that fill a line; threshold and time have none where there is no room for them. The threshold has what the
/// widest figure leaves.
fn columns([name, told, figure, threshold, time]: [&str; 5], width: usize, widest: usize) -> [String; 5] {
    let took = if width >= WITH_TIME { TIME } else { 0 };
    let room = width.saturating_sub(NAME + STATE + took);
    let limit = if width >= WITH_THRESHOLD {
        room - (widest + 2).min(room * 3 / 5)
    } else {
        0
    };
    let cell = |text: &str, width: usize| match width.checked_sub(1) {
        // A blank stays between two cells.
        Some(room) => format!("{} ", pad(text, room)),
        None => String::new(),
    };
    [
        cell(name, NAME.min(width)),
        cell(told, STATE.min(width.saturating_sub(NAME))),
        cell(figure, room - limit),
        cell(threshold, limit),
        format!("{:>took$}", fit(time, took)),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ASCII: Theme = Theme {
        color: false,
        ascii: true,
        covered: false,
    };

    #[test]
    fn a_bar_is_full_at_the_end_and_not_before() {
        for (done, all, shown) in [
            (0, 10, "--------   0 %"),
            (1, 10, "--------  10 %"),
            (5, 10, "####----  50 %"),
            (9_999, 10_000, "#######-  99 %"),
            (10, 10, "######## 100 %"),
            (11, 10, "######## 100 %"),
            (0, 0, "--------   0 %"),
        ] {
            assert_eq!(bar(&ASCII, done, all), shown, "{done} of {all}");
        }
    }

    #[test]
    fn the_threshold_has_what_the_widest_figure_leaves() {
        let limit = "t".repeat(100);
        for (widest, is_whole) in [(6, true), (61, true), (62, false), (198, false)] {
            let row = columns(["index", "pass", "a figure", &limit, "41 s"], 198, widest);
            assert_eq!(row[3].trim_end() == limit, is_whole, "{widest}: {row:?}");
            assert_eq!(row.concat().len(), 198, "{widest}");
        }
        // However wide a figure is, there is something of the threshold.
        assert!(columns([""; 5], 198, usize::MAX / 2)[3].len() > 60);
    }

    proptest! {
        #[test]
        fn a_row_fills_its_line(
            text in "[ -~\u{e9}\u{65e5}]{0,80}",
            width in 34_usize..220,
            widest in 0_usize..220,
        ) {
            let row = columns([&text, &text, &text, &text, "41 s"], width, widest);
            prop_assert_eq!(row.iter().map(|cell| wide(cell)).sum::<usize>(), width, "{:?}", row);
        }

        #[test]
        fn any_progress_keeps_its_column(done in any::<u64>(), all in any::<u64>()) {
            prop_assert_eq!(bar(&ASCII, done, all).len(), STATE - 1);
        }
    }
}
