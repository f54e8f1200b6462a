//! One side of a field as lines of a column: wrapped between words, or one line that is begun at a column.

use std::borrow::Cow;

use ratatui::style::{Modifier, Style};
use ratatui::text::Span;
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::ui::text::{beginning, columns, is_blank, is_plain, words_of};

/// A line of a cell: stretches of text, each with its style.
pub(super) type Cell = Vec<(String, Style)>;

/// Cut into lines at the column, between grapheme clusters; line breaks are kept. What comes after more than `most`
/// lines is not looked at.
pub(super) fn wrapped(pieces: &[(&str, Style)], column: usize, most: usize) -> Vec<Cell> {
    let column = column.max(2);
    let mut lines: Vec<Cell> = vec![Vec::new()];
    let mut used = 0;
    // Whether this line goes on with what the one above began.
    let mut goes_on = false;
    for (text, style) in pieces {
        // A blank that differs has to be seen wherever it stands.
        let is_lit = style.add_modifier.contains(Modifier::UNDERLINED);
        for (number, paragraph) in text.split('\n').enumerate() {
            if number > 0 {
                lines.push(Vec::new());
                (used, goes_on) = (0, false);
            }
            let left = most.saturating_add(1).saturating_sub(lines.len());
            let (mut text, _) = beginning(paragraph, left.saturating_add(1).saturating_mul(column));
            // Of most pieces, a word or two of plain text, all fits; but not the blanks that are the break itself.
            let fits = is_plain(text.as_bytes()) && used + text.len() <= column;
            if fits && !text.is_empty() && (used > 0 || !goes_on || !text.starts_with(' ')) {
                used += text.len();
                push(lines.last_mut(), &text, *style);
                text = Cow::Borrowed("");
            }
            for part in words_of(&text) {
                let wide = columns(part);
                if is_blank(part) && !is_lit {
                    // A blank where a line ends or goes on is the break itself.
                    if used + wide > column {
                        used = column;
                    } else if used > 0 || !goes_on {
                        used += wide;
                        push(lines.last_mut(), part, *style);
                    }
                    continue;
                }
                // Between words, where the word fits a line at all.
                if used > 0 && used + wide > column && wide <= column {
                    lines.push(Vec::new());
                    (used, goes_on) = (0, true);
                }
                if lines.len() > most {
                    return lines;
                }
                if used + wide <= column {
                    used += wide;
                    push(lines.last_mut(), part, *style);
                    continue;
                }
                for cluster in part.graphemes(true) {
                    let wide = cluster.width();
                    if wide > column {
                        continue;
                    }
                    if used + wide > column {
                        lines.push(Vec::new());
                        (used, goes_on) = (0, true);
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

/// One line, begun at a column; and whether nothing comes after it.
pub(super) fn scrolled(pieces: &[(&str, Style)], from: usize, column: usize) -> (Cell, bool) {
    let mut line = Cell::new();
    let (mut place, mut used) = (0, 0);
    for (text, style) in pieces {
        let (text, is_all) = beginning(text, (from + column).saturating_sub(place));
        for cluster in text.graphemes(true) {
            let wide = cluster.width();
            place += wide;
            if place <= from {
                continue;
            }
            if used + wide > column {
                return (line, false);
            }
            used += wide;
            push(Some(&mut line), cluster, *style);
        }
        if !is_all {
            return (line, false);
        }
    }
    (line, true)
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
            // But for blanks at the breaks.
            let letters = |text: &str| text.replace(' ', "");
            prop_assert_eq!(letters(&joined(&lines)), letters(&text));
            let (line, is_all) = scrolled(&pieces, from, column);
            let wide = columns(&text);
            let seen = from + column;
            prop_assert!(is_all && wide <= seen || !is_all && wide >= seen, "{} of {}", seen, wide);
            prop_assert!(line.iter().map(|(text, _)| columns(text)).sum::<usize>() <= column);
        }

        #[test]
        fn a_piece_that_fits_is_taken_as_its_words_would_be(
            pieces in prop::collection::vec(("[ab ,]{0,6}", any::<bool>()), 0..12),
            column in 2_usize..12,
        ) {
            let style = |lit| if lit { Style::new().add_modifier(Modifier::UNDERLINED) } else { Style::new() };
            let whole: Vec<(&str, Style)> = pieces.iter().map(|(text, lit)| (text.as_str(), style(*lit))).collect();
            let words: Vec<(&str, Style)> = whole
                .iter()
                .flat_map(|(text, style)| words_of(text).map(|word| (word, *style)))
                .collect();
            let (whole, words) = (wrapped(&whole, column, usize::MAX), wrapped(&words, column, usize::MAX));
            prop_assert_eq!(whole, words);
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

    #[test]
    fn a_blank_where_a_line_ends_is_the_break_itself() {
        let (plain, lit) = (Style::new(), Style::new().add_modifier(Modifier::UNDERLINED));
        for (pieces, column, wanted) in [
            (
                &[("whole town came down", plain)][..],
                15,
                &["whole town came", "down"][..],
            ),
            (&[("whole town came  down", plain)], 15, &["whole town came", "down"]),
            (&[("whole", plain), (" ", plain), ("town", lit)], 5, &["whole", "town"]),
            (&[("a (b), c", plain)], 5, &["a ", "(b), ", "c"]),
            // What begins a text is of the text, and what differs is seen.
            (&[("  ab cd", plain)], 4, &["  ab", "cd"]),
            (&[("ab", plain), ("  ", lit), ("cd", plain)], 3, &["ab", "  ", "cd"]),
        ] {
            let lines = wrapped(pieces, column, usize::MAX);
            let lines: Vec<String> = lines.iter().map(|line| joined(std::slice::from_ref(line))).collect();
            assert_eq!(lines, wanted, "{pieces:?} in {column}");
        }
    }
}
