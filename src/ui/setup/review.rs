//! The file that will be written: all of it, to be walked through.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::regions;
use crate::app::setup::Setup;
use crate::point::counted;
use crate::ui::text::{clean, columns, count, fit_ends, wrap};
use crate::ui::theme::Theme;

/// Columns that stand around every title: corners, blanks and the arrow.
const AROUND: usize = 6;

/// How many lines of the file lie below what is seen of it unscrolled on a terminal of this size.
pub fn beyond(setup: &Setup, area: Rect) -> usize {
    let [_, body, _] = regions(area);
    // The border takes two of each.
    let (width, height) = (body.width.saturating_sub(2), body.height.saturating_sub(2));
    rows(setup, width as usize).len().saturating_sub(height as usize)
}

/// The file as it is seen, wrapped so that every character of an answer can be checked; and whether a line is beside
/// the point.
fn rows(setup: &Setup, width: usize) -> Vec<(String, bool)> {
    let text = setup.answers.to_toml();
    let rows = text.lines().flat_map(|line| {
        let is_aside = line.starts_with(['#', '[']);
        wrap(line, width).into_iter().map(move |row| (row, is_aside))
    });
    rows.collect()
}

/// Where it is written, and what comes then where there is room to say it.
fn title(setup: &Setup, width: usize) -> String {
    let room = width.saturating_sub(AROUND);
    let file = clean(&setup.file.display().to_string());
    let begin = setup.question();
    let whole = format!("{begin} {file}, then the plan is shown");
    if columns(&whole) <= room {
        return whole;
    }
    let left = room.saturating_sub(columns(&begin) + 1);
    format!("{begin} {}", fit_ends(&file, left))
}

pub(super) fn render(frame: &mut Frame<'_>, setup: &Setup, theme: &Theme, area: Rect) {
    let beyond = beyond(setup, frame.area());
    let top = setup.selected.min(beyond);
    let more = match (top, beyond - top) {
        (0, 0) => String::new(),
        (0, below) => format!(" {} below ", counted(below as u64, "more line", "more lines")),
        (above, 0) => format!(" {} above ", counted(above as u64, "more line", "more lines")),
        (above, below) => format!(
            " more lines: {} above, {} below ",
            count(above as u64),
            count(below as u64)
        ),
    };
    // In the border, where it takes the place of no line.
    let block = theme
        .pane_with(&title(setup, area.width as usize), true)
        .title_bottom(Line::styled(more, theme.accent()));
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let rows = rows(setup, inner.width as usize);
    let seen = rows.into_iter().skip(top).take(inner.height as usize);
    let lines: Vec<Line<'_>> = seen
        .map(|(row, is_aside)| Line::styled(row, if is_aside { theme.dim() } else { Style::new() }))
        .collect();
    frame.render_widget(Paragraph::new(lines), inner);
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::app::setup::Step;

    #[test]
    fn the_file_is_named_in_the_title_however_little_room_there_is() {
        let long = format!("/etc/{}/qlance.toml", "long-".repeat(20));
        for (file, width, told) in [
            (
                "qlance.toml",
                80,
                "This will be written to qlance.toml, then the plan is shown",
            ),
            ("conf/choir.toml", 60, "This will be written to conf/choir.toml"),
        ] {
            let mut setup = Setup::new(Path::new(file));
            setup.step = Step::Review;
            assert_eq!(title(&setup, width), told);
        }
        let mut setup = Setup::new(Path::new(&long));
        setup.step = Step::Review;
        let cut = title(&setup, 80);
        assert_eq!(columns(&cut), 80 - AROUND);
        assert!(cut.contains("to /etc/long-") && cut.ends_with("/qlance.toml"), "{cut}");
    }

    #[test]
    fn a_line_that_is_too_long_is_wrapped() {
        let mut setup = Setup::new(Path::new("qlance.toml"));
        setup.answers.url = format!("https://{}.example.org:6334", "a".repeat(200));
        let rows = rows(&setup, 78);
        assert!(rows.iter().all(|(row, _)| columns(row) <= 78));
        let whole: String = rows.iter().map(|(row, _)| row.as_str()).collect();
        assert!(whole.contains(&setup.answers.url), "{whole}");
    }
}
