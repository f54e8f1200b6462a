//! What the console looks like. Draws `&App`, decides nothing, keeps nothing.
//!
//! ```text
//! header   qlance, source -> target, phase, servers, cost
//! tabs     1 Migrate  2 Divergence 41  3 Failures 12  4 Diff  5 Verify  6 Search  7 Log
//! body     the screen; over it help, the palette, a prompt, an editor or a question
//! footer   keys of this screen, why it is not faster, flash message
//! ```

mod chrome;
mod confirm;
mod diff;
mod divergence;
mod editor;
mod failures;
mod footer;
mod guard;
mod help;
pub mod hit;
mod json;
mod list;
mod log;
mod migrate;
mod overlay;
mod paint;
mod palette;
mod plan;
mod prompt;
pub mod reach;
mod search;
pub mod setup;
pub mod text;
pub mod theme;
mod verify;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::widgets::Paragraph;

use crate::app::{App, Screen};
use crate::tasks::Phase;
use theme::Theme;

/// Below this the screen only asks for more room.
const LEAST: (u16, u16) = (60, 16);

/// Header, tabs, body and footer.
fn regions(area: Rect) -> [Rect; 4] {
    Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(area)
}

/// Asks for more room where there is too little; whether it did.
fn asks_for_room(frame: &mut Frame<'_>) -> bool {
    let area = frame.area();
    let small = area.width < LEAST.0 || area.height < LEAST.1;
    if small {
        let message = format!(
            "qlance needs {} x {}; this is {} x {}",
            LEAST.0, LEAST.1, area.width, area.height
        );
        frame.render_widget(Paragraph::new(message), area);
    }
    small
}

/// Where only ASCII may be shown, what comes from payloads and servers is held to it too, once a frame is drawn. Every
/// character keeps its columns; marks on it go, and one that is no ASCII becomes a question mark.
fn hold_to(theme: &Theme, buffer: &mut Buffer) {
    if !theme.ascii {
        return;
    }
    for cell in buffer.content.iter_mut().filter(|cell| !cell.symbol().is_ascii()) {
        let first = cell.symbol().chars().next().filter(char::is_ascii);
        cell.set_char(first.unwrap_or('?'));
    }
}

/// Draws one frame.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme) {
    if asks_for_room(frame) {
        return;
    }
    draw_all(frame, app, theme);
    hold_to(theme, frame.buffer_mut());
}

fn draw_all(frame: &mut Frame<'_>, app: &App, theme: &Theme) {
    let area = frame.area();
    let [header, tabs, body, footer] = regions(area);
    chrome::header(frame, app, theme, header);
    chrome::tabs(frame, app, theme, tabs);
    draw_screen(frame, app, &theme.under(app.is_overlaid()), body);
    footer::render(frame, app, theme, footer);
    if let Some(scroll) = app.help {
        help::render(frame, app, theme, body, scroll);
    }
    if let Some(editor) = &app.failures.editor {
        editor::render(frame, app, editor, theme, body);
    }
    if let Some(palette) = &app.palette {
        palette::render(frame, app, palette, theme, body);
    }
    if let Some(prompt) = &app.prompt {
        prompt::render(frame, prompt, theme, body);
    }
    if let Some(question) = &app.confirm {
        confirm::render(frame, question, theme, body);
    }
    guard::settle(frame.buffer_mut());
}

/// The screen itself.
fn draw_screen(frame: &mut Frame<'_>, app: &App, theme: &Theme, body: Rect) {
    match app.screen {
        Screen::Migrate => match (&app.plan, &app.phase) {
            (Some(plan), Phase::Ready) => plan::render(frame, app, theme, body, plan),
            _ => migrate::render(frame, app, theme, body),
        },
        Screen::Divergence => divergence::render(frame, app, theme, body),
        Screen::Diff => diff::render(frame, app, theme, body),
        Screen::Verify => verify::render(frame, app, theme, body),
        Screen::Search => search::render(frame, app, theme, body),
        Screen::Failures => failures::render(frame, app, theme, body),
        Screen::Log => log::render(frame, app, theme, body),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_only_ascii_is_shown_everything_is_and_keeps_its_columns() {
        let drawn = Buffer::with_lines(["a日é e\u{301}|", "plain ~ #|"]);
        for (ascii, wanted) in [
            (false, ["a日é e\u{301}|", "plain ~ #|"]),
            (true, ["a? ? e|", "plain ~ #|"]),
        ] {
            let theme = Theme {
                color: false,
                ascii,
                covered: false,
            };
            let mut held = drawn.clone();
            hold_to(&theme, &mut held);
            assert_eq!(held, Buffer::with_lines(wanted));
        }
    }
}
