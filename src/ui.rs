//! What the console looks like. Draws `&App`, decides nothing, keeps nothing.
//!
//! ```text
//! header   qlance, source -> target, phase, servers, cost
//! tabs     1 Migrate  3 Failures 12  7 Log
//! body     one of migrate, failures, log
//! footer   keys of this screen, why it is not faster, flash message
//! ```

mod chrome;
mod confirm;
mod failures;
mod help;
mod log;
mod migrate;
pub mod text;
pub mod theme;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};
use ratatui::widgets::Paragraph;

use crate::app::{App, Screen};
use theme::Theme;

/// Below this the screen only asks for more room.
const LEAST: (u16, u16) = (60, 16);

/// Draws one frame.
pub fn draw(frame: &mut Frame<'_>, app: &App, theme: &Theme) {
    let area = frame.area();
    if area.width < LEAST.0 || area.height < LEAST.1 {
        let message = format!(
            "qlance needs {} x {}; this is {} x {}",
            LEAST.0, LEAST.1, area.width, area.height
        );
        frame.render_widget(Paragraph::new(message), area);
        return;
    }
    let [header, tabs, body, footer] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(0),
        Constraint::Length(1),
    ])
    .areas(area);
    chrome::header(frame, app, theme, header);
    chrome::tabs(frame, app, theme, tabs);
    match app.screen {
        Screen::Migrate => migrate::render(frame, app, theme, body),
        Screen::Failures => failures::render(frame, app, theme, body),
        Screen::Log => log::render(frame, app, theme, body),
    }
    chrome::footer(frame, app, theme, footer);
    if app.help {
        help::render(frame, app, theme, body);
    }
    if let Some(question) = &app.confirm {
        confirm::render(frame, question, theme, body);
    }
}
