//! Help for the screen that is shown, from the registry of actions.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::text::{fit, pad};
use super::theme::Theme;
use crate::app::{App, keymap};

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let width = area.width.saturating_sub(4).min(110);
    let actions: Vec<_> = keymap::on(app.screen).collect();
    let height = (actions.len() as u16 + 2).min(area.height);
    let place = centered(area, width, height);
    frame.render_widget(Clear, place);
    let block = theme.pane(&format!("Help: {} (Esc closes)", app.screen.title()));
    let inner = block.inner(place);
    frame.render_widget(block, place);
    let lines: Vec<Line<'_>> = actions
        .iter()
        .map(|action| {
            let why = (action.available)(app).err();
            let text = match why {
                Some(why) => format!("{} (not now: {why})", action.long),
                None => action.long.to_owned(),
            };
            let style = if why.is_some() {
                theme.dim()
            } else {
                ratatui::style::Style::new()
            };
            Line::from(vec![
                Span::styled(pad(&action.keys.join(" "), 12), theme.accent()),
                Span::styled(fit(&text, (inner.width as usize).saturating_sub(12)), style),
            ])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

pub(super) fn centered(area: Rect, width: u16, height: u16) -> Rect {
    let (width, height) = (width.min(area.width), height.min(area.height));
    Rect {
        x: area.x + (area.width - width) / 2,
        y: area.y + (area.height - height) / 2,
        width,
        height,
    }
}
