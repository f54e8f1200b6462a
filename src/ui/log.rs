//! The Log screen: what happened, newest at the bottom.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::paint;
use super::text::fit;
use super::theme::Theme;
use crate::app::App;
use crate::tasks::Level;

/// The operator's time zone. Asked for once: a machine that does not name it is searched again at every question.
static ZONE: LazyLock<TimeZone> = LazyLock::new(TimeZone::system);

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
                Level::Info => "      ",
                Level::Warn => "warn  ",
                Level::Error => "error ",
            };
            Line::from(vec![
                Span::styled(time(&ZONE, line.at), theme.dim()),
                Span::styled(word, theme.level(line.level)),
                Span::raw(fit(&line.text, width.saturating_sub(15))),
            ])
        })
        .collect();
    paint::lines(frame, inner, &lines);
}

/// `12:34:56 `, of milliseconds since 1970.
fn time(zone: &TimeZone, at: i64) -> String {
    let Ok(stamp) = Timestamp::from_millisecond(at) else {
        return " ".to_owned();
    };
    let second = (at.div_euclid(1_000) + i64::from(zone.to_offset(stamp).seconds())).rem_euclid(86_400);
    format!("{:02}:{:02}:{:02} ", second / 3_600, second / 60 % 60, second % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_is_the_zones() {
        for hours in [-11, 0, 5, 14] {
            let zone = TimeZone::fixed(jiff::tz::offset(hours));
            for at in [-1, 0, 1_772_353_799_999, 1_772_353_800_000, 4_102_444_799_001] {
                let stamp = Timestamp::from_millisecond(at).expect("a time");
                let expected = stamp.to_zoned(zone.clone()).strftime("%H:%M:%S ").to_string();
                assert_eq!(time(&zone, at), expected, "{at} at {hours}");
            }
        }
    }
}
