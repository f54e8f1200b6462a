//! One side of a field as lines of a column: wrapped between words, or one line that is begun at a column.

use ratatui::style::Style;
use ratatui::text::Span;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::ui::text::{beginning, columns};

/// A line of a cell: stretches of text, each with its style.
pub(super) type Cell = Vec<(String, Style)>;

/// Cut into lines at the column, between grapheme clusters; line breaks are kept. What comes after more than `most`
/// lines is not looked at.
pub(super) fn wrapped(pieces: &[(&str, Style)], column: usize, most: usize) -> Vec<Cell> {
    let column = column.max(2);
    let mut lines: Vec<Cell> = vec![Vec::new()];
    let mut used = 0;
    for (text, style) in pieces {
        for (number, paragraph) in text.split('\n').enumerate() {
            if number > 0 {
                lines.push(Vec::new());
                used = 0;
            }
            let left = most.saturating_add(1).saturating_sub(lines.len());
            let (text, _) = beginning(paragraph, left.saturating_add(1).saturating_mul(column));
            for word in text.split_word_bounds() {
                let wide = columns(word);
                // Between words, where the word fits a line at all.
                if used > 0 && used + wide > column && wide <= column && !word.trim().is_empty() {
                    lines.push(Vec::new());
                    used = 0;
                }
                if lines.len() > most {
                    return lines;
                }
                if used + wide <= column {
                    used += wide;
                    push(lines.last_mut(), word, *style);
                    continue;
                }
                for cluster in word.graphemes(true) {
                    let wide = cluster.width();
                    if wide > column {
                        continue;
                    }
                    if used + wide > column {
                        lines.push(Vec::new());
                        used = 0;
                    }
                    used += wide;
                    push(lines.last_mut(), cluster, *style);
                }
            }
            if lines.len() > most {
                return lines;
            }
        }
    }
    lines
}

/// One line, begun at a column.
pub(super) fn scrolled(pieces: &[(&str, Style)], from: usize, column: usize) -> Cell {
    let mut line = Cell::new();
    let (mut place, mut used) = (0, 0);
    for (text, style) in pieces {
        let (text, _) = beginning(text, (from + column).saturating_sub(place));
        for cluster in text.graphemes(true) {
            let wide = cluster.width();
            place += wide;
            if place <= from {
                continue;
            }
            if used + wide > column {
                return line;
            }
            used += wide;
            push(Some(&mut line), cluster, *style);
        }
    }
    line
}

fn push(line: Option<&mut Cell>, cluster: &str, style: Style) {
    let Some(line) = line else { return };
    match line.last_mut() {
        Some((text, last)) if *last == style => text.push_str(cluster),
        _ => line.push((cluster.to_owned(), style)),
    }
}

/// A line, filled up with blanks to the column; none is all blanks.
pub(super) fn padded(cell: Option<Cell>, column: usize) -> Vec<Span<'static>> {
    let mut spans = Vec::new();
    let mut used = 0;
    for (text, style) in cell.into_iter().flatten() {
        used += columns(&text);
        spans.push(Span::styled(text, style));
    }
    spans.push(Span::raw(" ".repeat(column.saturating_sub(used))));
    spans
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn joined(lines: &[Cell]) -> String {
        lines.iter().flatten().map(|(text, _)| text.as_str()).collect()
    }

    proptest! {
        #[test]
        fn lines_fit_and_nothing_is_left_out(text in "[ab日é ]{0,60}", column in 2_usize..20, from in 0_usize..30) {
            let pieces = [(text.as_str(), Style::new())];
            let lines = wrapped(&pieces, column, usize::MAX);
            for line in &lines {
                prop_assert!(line.iter().map(|(text, _)| columns(text)).sum::<usize>() <= column);
            }
            prop_assert_eq!(joined(&lines), text.as_str());
            let line = scrolled(&pieces, from, column);
            prop_assert!(line.iter().map(|(text, _)| columns(text)).sum::<usize>() <= column);
        }

        #[test]
        fn lines_that_are_not_asked_for_change_nothing(
            text in "[ab日é \n]{0,60}",
            column in 2_usize..20,
            most in 1_usize..5,
        ) {
            let pieces = [(text.as_str(), Style::new())];
            let (all, some) = (wrapped(&pieces, column, usize::MAX), wrapped(&pieces, column, most));
            let same = most.min(all.len());
            prop_assert_eq!(&some[..same], &all[..same]);
            prop_assert_eq!(some.len() > most, all.len() > most);
        }
    }
}
