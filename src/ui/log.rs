//! The Log screen: what happened, newest at the bottom. The selected line is shown in full, the others as far as they
//! fit.

use std::sync::LazyLock;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use unicode_segmentation::UnicodeSegmentation as _;

use super::chrome::key_of;
use super::list;
use super::paint;
use super::text::{clean, columns, count, fit, pad, wrap_to};
use super::theme::Theme;
use crate::app::App;
use crate::app::actions::{ActionId, Motion};
use crate::app::log;
use crate::point::counted;
use crate::tasks::Level;

/// Columns of the file's place below which nobody finds it.
const LEAST_PLACE: usize = 12;
/// Columns before the text: the time and the level.
const BEFORE: usize = 15;

/// The operator's time zone. Asked for once: a machine that does not name it is searched again at every question.
static ZONE: LazyLock<TimeZone> = LazyLock::new(TimeZone::system);

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let title = title(app, (area.width as usize).saturating_sub(8));
    let block = theme.pane_with(&title, true);
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let total = app.log.shown().count();
    if total == 0 {
        let text = if app.log.lines.is_empty() {
            "nothing has happened yet".to_owned()
        } else {
            let key = key_of(app, ActionId::LogLevel);
            format!(
                "0 of {}; {key} shows all",
                counted(app.log.lines.len() as u64, "line", "lines")
            )
        };
        frame.render_widget(Paragraph::new(text).style(theme.dim()), inner);
        return;
    }
    let (width, height) = ((inner.width as usize).saturating_sub(BEFORE), inner.height as usize);
    let place = total - 1 - app.log.back.min(total - 1);
    let opened = app
        .log
        .shown()
        .nth(place)
        .map_or(1, |line| open(&line.text, width, height).len());
    let begin = first(place, total, height, opened);
    let lines: Vec<Line<'_>> = app
        .log
        .shown()
        .enumerate()
        .skip(begin)
        .take(height)
        .flat_map(|(at, line)| lines_of(theme, line, at == place, (width, height)))
        .take(height)
        .collect();
    paint::lines(frame, inner, &lines);
}

/// Which lines are shown, how many newer ones come in unseen, and the file that has them all. Of a long path the end is
/// seen: the directory of the job.
fn title(app: &App, width: usize) -> String {
    let mut title = format!("Log: {}", app.log.least.label());
    if app.log.back > 0 {
        let key = key_of(app, ActionId::Move(Motion::Bottom));
        title.push_str(&format!("; {} newer below; {key} follows", count(app.log.back as u64)));
    }
    let room = width.saturating_sub(columns(&title) + " (file: )".len());
    match &app.facts {
        Some(facts) if room >= LEAST_PLACE => {
            let place = format!("{}/log.jsonl", facts.state_dir);
            format!("{title} (file: {})", end_of(&place, room))
        }
        _ => title,
    }
}

/// The end of a text that fits in so many columns, with `~` where its beginning was cut off.
fn end_of(text: &str, width: usize) -> String {
    let text = clean(text);
    if columns(&text) <= width {
        return text;
    }
    // The sign takes a column.
    let mut used = 1;
    let mut begin = text.len();
    for (place, cluster) in text.grapheme_indices(true).rev() {
        used += columns(cluster);
        if used > width {
            break;
        }
        begin = place;
    }
    format!("~{}", &text[begin..])
}

/// The first line to show, so that the selected one, which takes so many, is seen in full.
fn first(place: usize, total: usize, height: usize, opened: usize) -> usize {
    let top = list::top(place as u64, total as u64, height as u64) as usize;
    // Whatever stands above it makes room; its own first line stays.
    let below = (place - top + opened).saturating_sub(height);
    (top + below).min(place)
}

/// A line as it is drawn: cut at the right edge, or in full where it is selected.
fn lines_of(theme: &Theme, line: &log::Line, selected: bool, (width, height): (usize, usize)) -> Vec<Line<'static>> {
    let word = match line.level {
        Level::Info => "      ",
        Level::Warn => "warn  ",
        Level::Error => "error ",
    };
    let (clock, rest, texts) = if selected {
        (theme.selected(), theme.selected(), open(&line.text, width, height))
    } else {
        (theme.dim(), Style::new(), vec![fit(&line.text, width)])
    };
    // How much it matters is seen in the selected line too.
    let level = rest.patch(theme.level(line.level));
    let heads = std::iter::once(vec![
        Span::styled(time(&ZONE, line.at), clock),
        Span::styled(word, level),
    ])
    .chain(std::iter::repeat_with(|| vec![Span::styled(" ".repeat(BEFORE), rest)]));
    heads
        .zip(texts)
        .map(|(mut spans, text)| {
            // What is selected is so from edge to edge.
            let text = if selected { pad(&text, width) } else { text };
            spans.push(Span::styled(text, rest));
            Line::from(spans)
        })
        .collect()
}

/// A text wrapped, but no more of it than half of the screen holds: the file has the rest.
fn open(text: &str, width: usize, height: usize) -> Vec<String> {
    let most = (height / 2).max(1);
    let mut lines = wrap_to(text, width, most + 1);
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            *last = fit(&format!("{last}~"), width);
        }
    }
    lines
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
    fn the_selected_line_is_seen_in_full_wherever_it_stands() {
        for total in 1..40 {
            for place in 0..total {
                for height in 2..12 {
                    for opened in 1..=height / 2 {
                        let first = first(place, total, height, opened);
                        assert!(first <= place, "{place} of {total} in {height}");
                        assert!(
                            place - first + opened <= height,
                            "{place} of {total} in {height}: {opened}"
                        );
                        let shown = total - first - 1 + opened;
                        assert!(
                            first == 0 || shown >= height,
                            "no line is left empty: {place} of {total}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn of_a_long_path_the_end_is_seen() {
        assert_eq!(end_of("state/job/qlance.log", 20), "state/job/qlance.log");
        assert_eq!(end_of("state/job/qlance.log", 15), "~job/qlance.log");
        assert_eq!(end_of("資料/ログ", 6), "~/ログ");
        assert_eq!(end_of("資料/ログ", 5), "~ログ");
        assert_eq!(end_of("資料/ログ", 4), "~グ");
        assert_eq!(end_of("abc", 1), "~");
    }

    #[test]
    fn an_opened_line_is_bounded_and_says_where_it_is_cut() {
        assert_eq!(open("one two three", 8, 20), ["one two", "three"]);
        let long = open(&"word ".repeat(1_000), 10, 8);
        assert_eq!(long.len(), 4);
        assert!(long[3].ends_with('~'), "{long:?}");
        assert_eq!(open("short", 80, 1), ["short"]);
    }

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
