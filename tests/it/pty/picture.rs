//! The README's picture of a run: a real one, of the demo, as a terminal shows it half way.

use std::path::Path;

use qlance::app::Screen;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};

use super::Terminal;
use crate::support::svg::svg;

/// What a terminal shows, as a frame.
fn frame_of(screen: &vt100::Screen) -> Buffer {
    let (rows, cols) = screen.size();
    let (rows, cols) = (rows.get(), cols.get());
    let mut buffer = Buffer::empty(Rect::new(0, 0, cols, rows));
    for y in 0..rows {
        for x in 0..cols {
            let Some(cell) = screen.cell(y, x).filter(|cell| !cell.is_wide_continuation()) else {
                continue;
            };
            let place = &mut buffer[(x, y)];
            if cell.has_contents() {
                place.set_symbol(cell.contents());
            }
            place.fg = match cell.fgcolor() {
                vt100::Color::Idx(1) => Color::Red,
                vt100::Color::Idx(2) => Color::Green,
                vt100::Color::Idx(3) => Color::Yellow,
                vt100::Color::Idx(6) => Color::Cyan,
                _ => Color::Reset,
            };
            let marks = [
                (cell.bold(), Modifier::BOLD),
                (cell.dim(), Modifier::DIM),
                (cell.underline(), Modifier::UNDERLINED),
                (cell.inverse(), Modifier::REVERSED),
            ];
            for (_, mark) in marks.into_iter().filter(|(is, _)| *is) {
                place.modifier |= mark;
            }
        }
    }
    buffer
}

/// A run cannot be drawn twice alike: that the picture is of today's screen is told by what every run shows.
#[test]
fn the_picture_of_a_real_run_is_of_todays_screen() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures/run.svg");
    if std::env::var_os("QLANCE_UPDATE_DOCS").is_some() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut terminal = Terminal::run(dir.path(), &["demo", "--dir", "demo"], &[], 40, 120);
        terminal.wait_for("Before the start");
        terminal.press("\r");
        terminal.wait_for("RUNNING");
        // Far enough that every pane has something to show, and not at its end.
        terminal.wait_until("two thirds are over", |screen| {
            (66..90).any(|share| screen.contains(&format!(" {share} %")))
        });
        let picture = svg(&frame_of(terminal.parser.lock().expect("a screen").screen()));
        std::fs::write(&path, picture).expect("written");
        terminal.wait_for("COMPLETE");
        terminal.press("q");
        terminal.wait();
    }
    let picture = std::fs::read_to_string(&path).expect("the picture");
    let tabs = Screen::ALL.into_iter().map(|(screen, _)| screen.title());
    for wanted in tabs.chain([
        "RUNNING",
        "Progress",
        "Points/s",
        "Stages",
        "Latest failures",
        "= written",
    ]) {
        assert!(
            picture.contains(wanted),
            "{wanted:?} is not in {}; QLANCE_UPDATE_DOCS=1 cargo test --test it picture makes it anew",
            path.display()
        );
    }
}
