//! The Log screen: what happened, newest at the bottom.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::text::fit;
use super::theme::Theme;
use crate::app::App;
use crate::tasks::Level;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let place = app.facts.as_ref().map_or_else(String::new, |facts| {
        format!(" (all of it: {}/qlance.log)", facts.state_dir)
    });
    let title = format!("Log: {}{place}", app.log.least.label());
    let block = theme.pane(&fit(&title, (area.width as usize).saturating_sub(6)));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let total = app.log.shown().count();
    if total == 0 {
        let text = if app.log.lines.is_empty() {
            "nothing has happened yet".to_owned()
        } else {
            format!("0 of {} lines; f shows others", app.log.lines.len())
        };
        frame.render_widget(Paragraph::new(text).style(theme.dim()), inner);
        return;
    }
    let end = total - app.log.back.min(total - 1);
    let begin = end.saturating_sub(inner.height as usize);
    let width = inner.width as usize;
    let lines: Vec<Line<'_>> = app
        .log
        .shown()
        .skip(begin)
        .take(end - begin)
        .map(|line| {
            let word = match line.level {
                Level::Info => "     ",
                Level::Warn => "warn ",
                Level::Error => "error",
            };
            let time = jiff::Timestamp::from_millisecond(line.at)
                .map(|at| {
                    at.to_zoned(jiff::tz::TimeZone::system())
                        .strftime("%H:%M:%S")
                        .to_string()
                })
                .unwrap_or_default();
            Line::from(vec![
                Span::styled(format!("{time} "), theme.dim()),
                Span::styled(format!("{word} "), theme.level(line.level)),
                Span::raw(fit(&line.text, width.saturating_sub(15))),
            ])
        })
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}
