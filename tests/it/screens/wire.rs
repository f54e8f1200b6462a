//! What is written to a terminal: the bytes of the real backend, and what a terminal makes of them.

use std::cell::RefCell;
use std::io::Write;
use std::num::NonZero;
use std::rc::Rc;

use ratatui::backend::CrosstermBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::{Frame, Terminal, TerminalOptions, Viewport};
use unicode_width::UnicodeWidthStr as _;

/// What stands for the sign of a replaced character, which the terminal of the tests leaves out, and real ones show.
const REPLACED: &str = "\u{a4}";
/// Bytes of a cell from which on the terminal of the tests takes no more marks.
const FULL: usize = 18;

/// A character that acts on the terminal, turns the writing direction, or is not seen.
pub(super) fn is_harmful(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let hides = matches!(
        c,
        '\u{200b}'..='\u{200d}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{e0000}'..='\u{e0fff}'
    );
    c.is_control() || turns || hides || matches!(c, '\u{2028}' | '\u{2029}')
}

/// Whether these are the numbers of a style that the backend writes: no colour but by its place in a palette.
fn is_style(numbers: &str) -> bool {
    let mut numbers = numbers.split([';', ':']);
    while let Some(number) = numbers.next() {
        let known = match number {
            "38" | "48" | "58" => {
                numbers.next() == Some("5") && numbers.next().is_some_and(|n| n.parse::<u8>().is_ok())
            }
            other => ["0", "1", "2", "3", "4", "7", "22", "23", "24", "27", "39", "49", "59"].contains(&other),
        };
        if !known {
            return false;
        }
    }
    true
}

/// Nothing but text, and of sequences only those that move the cursor, hide it, and set a style.
#[track_caller]
pub(super) fn assert_only_text(written: &str, name: &str) {
    let mut letters = written.chars();
    while let Some(letter) = letters.next() {
        if letter != '\u{1b}' {
            assert!(!is_harmful(letter), "{name}: {letter:?} was written");
            continue;
        }
        assert_eq!(
            letters.next(),
            Some('['),
            "{name}: a sequence of another kind was written"
        );
        let mut numbers = String::new();
        let end = loop {
            match letters.next() {
                Some(part @ '\u{20}'..='\u{3f}') => numbers.push(part),
                end => break end,
            }
        };
        let known = match end {
            Some('H') => numbers.chars().all(|part| part.is_ascii_digit() || part == ';'),
            Some('m') => is_style(&numbers),
            Some('h' | 'l') => numbers == "?25",
            _ => false,
        };
        assert!(known, "{name}: the sequence {numbers:?} {end:?} was written");
    }
}

/// Bytes that are written by one and read by another.
#[derive(Clone, Default)]
struct Bytes(Rc<RefCell<Vec<u8>>>);

impl Write for Bytes {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// The console's side of a terminal, what goes over the line, and the terminal.
pub(super) struct Wire {
    console: Terminal<CrosstermBackend<Bytes>>,
    bytes: Bytes,
    terminal: vt100::Parser,
}

impl Wire {
    pub(super) fn open((width, height): (u16, u16)) -> Self {
        let some = |count| NonZero::new(count).expect("a screen has lines and columns");
        let bytes = Bytes::default();
        let options = TerminalOptions {
            viewport: Viewport::Fixed(Rect::new(0, 0, width, height)),
        };
        let console = Terminal::with_options(CrosstermBackend::new(bytes.clone()), options);
        Self {
            console: console.expect("bytes are taken"),
            bytes,
            terminal: vt100::Parser::new(some(height), some(width), 0),
        }
    }

    /// Draws a frame over the last one. What is written for it is text, and leaves the terminal showing this frame,
    /// cell by cell.
    #[track_caller]
    pub(super) fn draw(&mut self, name: &str, draw: impl FnOnce(&mut Frame<'_>)) -> Buffer {
        let drawn = self.console.draw(draw).expect("bytes are taken");
        let frame = drawn.buffer.clone();
        let written = String::from_utf8(self.bytes.0.take()).expect("UTF-8 is written");
        assert_only_text(&written, name);
        self.terminal.process(written.replace('\u{fffd}', REPLACED).as_bytes());
        self.assert_shows(&frame, name);
        frame
    }

    #[track_caller]
    fn assert_shows(&self, frame: &Buffer, name: &str) {
        let screen = self.terminal.screen();
        for y in 0..frame.area.height {
            let mut x = 0;
            while x < frame.area.width {
                let symbol = frame[(x, y)].symbol();
                let wide = (symbol.width() as u16).max(1);
                if wide == 1 && screen.cell(y, x).is_some_and(|cell| cell.contents() == symbol) {
                    x += 1;
                    continue;
                }
                let cells = (x..x + wide).filter_map(|x| screen.cell(y, x));
                let shown: String = cells.map(vt100::Cell::contents).collect();
                let shown = if shown.is_empty() { " " } else { shown.as_str() };
                let wanted = symbol.replace('\u{fffd}', REPLACED);
                let same = shown == wanted || shown.len() >= FULL && wanted.starts_with(shown);
                assert!(
                    same,
                    "{name}: the terminal shows {shown:?}, and not {wanted:?}, at {x}, {y}:\n{}",
                    screen.contents()
                );
                x += wide;
            }
        }
    }
}

#[test]
fn what_is_not_the_backends_own_is_told() {
    for harmless in ["", "text é 日", "\u{1b}[2;3H\u{1b}[1m\u{1b}[38;5;9;49mx\u{1b}[?25l"] {
        assert_only_text(harmless, "nothing");
    }
    for harmful in [
        "\u{1b}[31m",
        "\u{1b}[5m",
        "\u{1b}[2J",
        "\u{1b}]0;x\u{7}",
        "\u{1b}P",
        "\u{1b}c",
        "\u{9b}2J",
        "\n",
        "\u{202e}",
        "\u{200d}",
        "\u{2028}",
        "\u{1b}[38;2;1;2;3m",
        "\u{1b}[?1049h",
    ] {
        let told = std::panic::catch_unwind(|| assert_only_text(harmful, "harmful"));
        assert!(told.is_err(), "{harmful:?}");
    }
}

#[test]
fn a_terminal_that_shows_something_else_is_told() {
    let told = std::panic::catch_unwind(|| {
        let mut wire = Wire::open((10, 1));
        // Two columns to those who join them, four to the others.
        let joined = "\u{1f469}\u{200d}\u{1f467}x";
        let frame = Buffer::with_lines([joined]);
        wire.terminal.process(joined.as_bytes());
        wire.assert_shows(&frame, "joined");
    });
    assert!(told.is_err());
    Wire::open((20, 2)).draw("wide and piled", |frame| {
        let area = frame.area();
        frame.render_widget(
            ratatui::widgets::Paragraph::new("日本\u{fffd}語 e\u{301}\u{301} x"),
            area,
        );
    });
}
