//! The cost of a frame: drawing a screen in a large state into a buffer, without a terminal.

use std::time::{Duration, Instant};

use qlance::app::Screen;
use qlance::ui;
use qlance::ui::theme::Theme;
use ratatui::Terminal;
use ratatui::backend::TestBackend;

use super::states;

/// Frames a screen.
const FRAMES: usize = 300;

/// Prints the median and the slowest frame of every screen.
pub(crate) fn measure() {
    println!("frames at 200 x 60, {FRAMES} each (bar: 2 ms)\n");
    println!("{:<28}{:>10}{:>10}{:>10}", "screen", "median", "p99", "slowest");
    let theme = Theme {
        color: true,
        ascii: false,
        covered: false,
    };
    for (screen, _) in Screen::ALL {
        let app = states::full(screen);
        let mut terminal = Terminal::new(TestBackend::new(200, 60)).expect("a terminal");
        let mut times: Vec<Duration> = (0..FRAMES)
            .map(|_| {
                let begun = Instant::now();
                terminal.draw(|frame| ui::draw(frame, &app, &theme)).expect("a frame");
                begun.elapsed()
            })
            .collect();
        times.sort();
        let at = |share: f64| times[((FRAMES - 1) as f64 * share) as usize];
        println!(
            "{:<28}{:>10.2?}{:>10.2?}{:>10.2?}",
            screen.title(),
            at(0.5),
            at(0.99),
            at(1.0)
        );
    }
}
