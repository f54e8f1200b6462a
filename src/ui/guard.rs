//! The last look at a frame before it is written: whatever a screen drew, a cell holds what every terminal shows in as
//! many columns as it was given, and nothing that is not seen.

use ratatui::buffer::{Buffer, Cell};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use super::text::{is_drawn, is_harmful};

/// Marks over and under one character at most. More of them pile up over the lines above and below.
const MOST_MARKS: usize = 8;

/// Makes every cell one that terminals agree on.
pub(super) fn settle(buffer: &mut Buffer) {
    let width = usize::from(buffer.area.width).max(1);
    for row in buffer.content.chunks_mut(width) {
        let mut x = 0;
        while x < row.len() {
            x += settle_at(&mut row[x..]);
        }
    }
}

/// Settles the first of these cells; answers how many columns its symbol takes.
fn settle_at(cells: &mut [Cell]) -> usize {
    let Some((cell, covered)) = cells.split_first_mut() else {
        return 1;
    };
    let symbol = cell.symbol();
    // Nearly every cell is one of these.
    let mut letters = symbol.chars();
    if letters.next().is_some_and(is_drawn) && letters.as_str().is_empty() {
        return 1;
    }
    let wide = symbol.width().max(1);
    // Under the edge of a box: the terminal would show the wide character, and not the edge.
    let is_whole = covered.len() + 1 >= wide && covered[..wide - 1].iter().all(|cell| cell.symbol() == " ");
    if !is_whole {
        cell.set_symbol(" ");
        return 1;
    }
    if is_agreed(symbol, wide) {
        return wide;
    }
    let mut place = 0;
    for (part, columns) in agreed(symbol, wide) {
        cells[place].set_symbol(&part);
        place += columns;
    }
    place
}

/// Whether every terminal shows a symbol of so many columns alike: a character that fills them, and its marks.
fn is_agreed(symbol: &str, room: usize) -> bool {
    let takes = |c: char, columns: usize| c.width().unwrap_or(0) == columns && !is_harmful(c) && !only_shapes(c);
    let mut letters = symbol.chars();
    room <= 2
        && letters.next().is_some_and(|c| takes(c, room))
        && letters.clone().all(|c| takes(c, 0))
        && letters.count() <= MOST_MARKS
}

/// What of a symbol of so many columns every terminal shows alike: each of its characters that takes columns, with its
/// marks, and how many columns. Some terminals join them and others show them side by side; in a cell of its own each is
/// overwritten by what comes there next. What takes more columns than the symbol has is left out.
fn agreed(symbol: &str, room: usize) -> Vec<(String, usize)> {
    let mut parts: Vec<(String, usize)> = Vec::new();
    let (mut used, mut marks) = (0, 0);
    for c in symbol.chars() {
        if is_harmful(c) || only_shapes(c) {
            continue;
        }
        match (c.width().unwrap_or(0), parts.last_mut()) {
            (0, Some((part, _))) if marks < MOST_MARKS => {
                marks += 1;
                part.push(c);
            }
            // Before a character it would be the mark of what stands at the left.
            (0, _) => {}
            (wide, _) if wide <= 2 && used + wide <= room => {
                used += wide;
                marks = 0;
                parts.push((c.to_string(), wide));
            }
            _ => break,
        }
    }
    if parts.is_empty() {
        parts.push(("\u{fffd}".to_owned(), 1));
    }
    parts
}

/// Whether a character only asks for another shape of those beside it, and is no column of its own: joiners, selectors,
/// tags, fillers. The half-width sound marks are a column to terminals, and none, one or two to libraries; where a text
/// is drawn that is not ours to change, an editor's, they are left out.
fn only_shapes(c: char) -> bool {
    matches!(
        c,
        '\u{200c}' | '\u{200d}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{ff9e}'..='\u{ff9f}'
            | '\u{180b}'..='\u{180f}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{e0000}'..='\u{e0fff}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use ratatui::layout::Rect;
    use ratatui::style::Style;

    /// The symbols of a line of so many columns with this text, settled.
    fn settled(text: &str, columns: u16) -> Vec<String> {
        let mut buffer = Buffer::empty(Rect::new(0, 0, columns, 1));
        buffer.set_string(0, 0, text, Style::new());
        settle(&mut buffer);
        buffer.content.iter().map(|cell| cell.symbol().to_owned()).collect()
    }

    #[test]
    fn what_some_terminals_join_stands_in_cells_of_its_own() {
        for (text, line) in [
            ("ab", ["a", "b", " ", " "]),
            ("日a", ["日", " ", "a", " "]),
            ("e\u{301}a", ["e\u{301}", "a", " ", " "]),
            ("\u{1f469}\u{200d}\u{1f467}a", ["\u{1f469}", " ", "a", " "]),
            ("\u{1f44d}\u{1f3fd}a", ["\u{1f44d}", " ", "a", " "]),
            ("\u{2764}\u{fe0f}a", ["\u{2764}", " ", "a", " "]),
            ("\u{1f1e9}\u{1f1ea}a", ["\u{1f1e9}", "\u{1f1ea}", "a", " "]),
            ("\u{e01}\u{e33}a", ["\u{e01}", "\u{e33}", "a", " "]),
            ("a\u{200c}b", ["a", "b", " ", " "]),
            ("a\u{e0041}b", ["a", "b", " ", " "]),
            ("a\u{2028}b", ["a", "\u{fffd}", "b", " "]),
        ] {
            assert_eq!(settled(text, 4), line, "{text:?}");
        }
        let piled = settled(&format!("e{}", "\u{301}".repeat(3_000)), 4);
        assert_eq!(piled[0].chars().count(), 1 + MOST_MARKS);
    }

    #[test]
    fn the_edge_of_a_box_is_not_covered() {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 6, 1));
        buffer.set_string(0, 0, "日本語", Style::new());
        buffer[(3, 0)].set_symbol("│");
        settle(&mut buffer);
        let line: Vec<&str> = buffer.content.iter().map(Cell::symbol).collect();
        assert_eq!(line, ["日", " ", " ", "│", "語", " "]);
    }

    #[test]
    fn lines_and_bars_cost_no_more_than_plain_text() {
        // The quickest of several: whatever else the machine does meanwhile only makes one slower.
        let costs = |pattern: &str| {
            let line: String = pattern.chars().cycle().take(200).collect();
            let mut buffer = Buffer::empty(Rect::new(0, 0, 200, 60));
            for y in 0..60 {
                buffer.set_string(0, y, &line, Style::new());
            }
            let before = buffer.clone();
            let quickest = (0..50).map(|_| {
                let begun = std::time::Instant::now();
                settle(&mut buffer);
                begun.elapsed()
            });
            let quickest = quickest.min().unwrap_or_default();
            assert_eq!(buffer, before, "{pattern}");
            quickest
        };
        let (plain, drawn) = (costs("plain text "), costs("│─┌█▁░⣿\u{2800}"));
        assert!(drawn <= plain * 3, "{drawn:?}, and {plain:?} of plain text");
    }

    proptest! {
        #[test]
        fn what_stays_as_it_is_is_seen_without_taking_it_apart(
            symbol in "[a│⣿日é가\u{301}\u{ff9e}\u{200d}\u{fe0f}\u{200b}\u{1f469}]{1,3}|a\u{301}{7,9}|\\PC{1,2}",
        ) {
            let room = symbol.width().max(1);
            let is_same = agreed(&symbol, room) == [(symbol.clone(), room)];
            prop_assert_eq!(is_agreed(&symbol, room), is_same, "{:?}", symbol);
        }

        #[test]
        fn a_cell_is_as_wide_as_its_characters(text in any::<String>(), columns in 1_u16..40) {
            for symbol in settled(&text, columns) {
                let each: usize = symbol.chars().map(|c| c.width().unwrap_or(0)).sum();
                prop_assert_eq!(each, symbol.width(), "{:?}", symbol);
                prop_assert!(!symbol.contains(is_harmful) && !symbol.contains(only_shapes), "{symbol:?}");
            }
        }
    }
}
