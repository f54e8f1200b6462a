//! How far what is seen can be scrolled. Uses the same layout as the drawing; the event loop tells it to the state
//! before each key and each turn of the wheel, as it tells it what the mouse meant.

use ratatui::layout::Rect;

use super::theme::Theme;
use super::{diff, divergence, failures, help, plan, regions, verify};
use crate::app::{App, Reach, Screen};
use crate::tasks::Phase;

/// Lines are counted as they are drawn; how they look does not matter.
const THEME: Theme = Theme {
    color: false,
    ascii: true,
    covered: false,
};

/// How far can be scrolled what is seen on a terminal of this size.
pub fn reach(app: &App, area: Rect) -> Reach {
    let [_, _, body, _] = regions(area);
    let lines = |hidden: usize| u16::try_from(hidden).unwrap_or(u16::MAX);
    let mut reach = Reach {
        help: app.help.map(|_| lines(help::hidden(app, &THEME, body))),
        ..Reach::default()
    };
    match app.screen {
        Screen::Migrate => {
            reach.plan = Some(match (&app.plan, &app.phase) {
                (Some(plan), Phase::Ready) => lines(plan::hidden(&THEME, plan, body)),
                // Where there is no plan, there is nothing to scroll.
                _ => 0,
            });
        }
        Screen::Divergence => {
            let detail = divergence::panes(app, body).detail;
            reach.point = detail.map(|area| lines(divergence::detail::hidden(app, &THEME, area)));
        }
        Screen::Failures => reach.failure = failures::hidden(app, &THEME, body).map(lines),
        Screen::Verify => reach.verify = verify::hidden(app, &THEME, body).map(lines),
        Screen::Diff => reach.field = diff::hidden(app, &THEME, body).map(lines),
        Screen::Search | Screen::Log => {}
    }
    reach
}
