//! Reading a frame: its characters, and what the styles of a place are.

use std::collections::BTreeSet;
use std::ops::Range;

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

/// The characters of a frame; what a wide one covers is left out.
pub(super) fn text(buffer: &Buffer) -> String {
    let mut lines = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += (symbol.width() as u16).max(1);
        }
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

/// `12:34:56` as `hh:mm:ss`.
pub(super) fn without_clock(text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let clock: Vec<char> = "hh:mm:ss".chars().collect();
    let fits = |(place, letter): (usize, &char)| match place % 3 {
        2 => *letter == ':',
        _ => letter.is_ascii_digit(),
    };
    for start in 0..letters.len().saturating_sub(7) {
        let found = &mut letters[start..start + 8];
        if found.iter().enumerate().all(fits) {
            found.copy_from_slice(&clock);
        }
    }
    // What stands over the log may leave the first digit of an hour to be seen.
    for start in 0..letters.len().saturating_sub(2) {
        let beside = |letter: char| ['│', '┌', '└'].contains(&letter);
        if letters[start] == '│' && letters[start + 1].is_ascii_digit() && beside(letters[start + 2]) {
            letters[start + 1] = 'h';
        }
    }
    letters.into_iter().collect()
}

/// The cells of a line, one by one.
pub(super) fn row(buffer: &Buffer, y: u16) -> String {
    (0..buffer.area.width).map(|x| buffer[(x, y)].symbol()).collect()
}

/// The boxes whose whole sides are seen: left, top, right, bottom.
pub(super) fn boxes(buffer: &Buffer) -> BTreeSet<[u16; 4]> {
    let (width, height) = (buffer.area.width, buffer.area.height);
    let is = |x: u16, y: u16, symbol: &str| buffer[(x, y)].symbol() == symbol;
    let mut found = BTreeSet::new();
    for (left, top) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        if !is(left, top, "┌") {
            continue;
        }
        let right = (left + 1..width).find(|x| is(*x, top, "┐"));
        let bottom = (top + 1..height).find(|y| !is(left, *y, "│"));
        let (Some(right), Some(bottom)) = (right, bottom) else {
            continue;
        };
        let closes = is(left, bottom, "└") && is(right, bottom, "┘");
        if closes && (top + 1..bottom).all(|y| is(right, y, "│")) {
            found.insert([left, top, right, bottom]);
        }
    }
    found
}

/// Where an ASCII text begins, first from the top.
#[track_caller]
pub(super) fn find(buffer: &Buffer, wanted: &str) -> (u16, u16) {
    let length = wanted.len() as u16;
    for y in 0..buffer.area.height {
        for x in 0..=buffer.area.width.saturating_sub(length) {
            let is_it = |i: u16| buffer[(x + i, y)].symbol().as_bytes() == &wanted.as_bytes()[i as usize..=i as usize];
            if (0..length).all(is_it) {
                return (x, y);
            }
        }
    }
    panic!("{wanted:?} is not on the screen:\n{}", text(buffer));
}

/// Colour and weight of the cell where a text begins.
#[track_caller]
pub(super) fn style_of(buffer: &Buffer, wanted: &str) -> (Color, Modifier) {
    let cell = &buffer[find(buffer, wanted)];
    (cell.fg, cell.modifier)
}

/// Colour and weight of the bar behind a label of a histogram.
#[track_caller]
pub(super) fn style_of_bar(buffer: &Buffer, label: &str) -> (Color, Modifier) {
    let (x, y) = find(buffer, label);
    let bar = (x..buffer.area.width).find(|x| buffer[(*x, y)].symbol() == "█");
    let cell = &buffer[(bar.expect("a bar that is not empty"), y)];
    (cell.fg, cell.modifier)
}

/// Whether a text's whole line in the pane between two columns is reversed, or is not anywhere.
#[track_caller]
pub(super) fn is_reversed(buffer: &Buffer, wanted: &str, mut columns: Range<u16>) -> bool {
    let (_, y) = find(buffer, wanted);
    let reversed = |x: u16| buffer[(x, y)].modifier.contains(Modifier::REVERSED);
    let first = reversed(columns.start);
    assert!(columns.all(|x| reversed(x) == first), "{wanted:?} is reversed in part");
    first
}

#[track_caller]
pub(super) fn assert_says(screen: &str, part: &str) {
    assert!(screen.contains(part), "{part:?} is missing:\n{screen}");
}
