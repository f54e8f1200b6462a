//! Points a second over as many of the last seconds as there are columns, newest on the right.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use crate::app::App;
use crate::tasks::Phase;
use crate::ui::text::{count, wrap};
use crate::ui::theme::Theme;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let inner = theme.pane("").inner(area);
    let (width, height) = (inner.width as usize, inner.height as usize);
    let rates = app.throughput.last(width);
    let seconds = rates.len();
    let peak = rates.iter().copied().max().unwrap_or(0);
    // Seconds in which nothing was at work are left out of it.
    let at_work = matches!(
        app.phase,
        Phase::Running | Phase::Pausing | Phase::Stopping | Phase::CatchingUp
    );
    let of_work = if at_work { "" } else { " of work" };
    // Of what is drawn: neither is true of more.
    let title = if peak > 0 {
        format!("Points/s, last {seconds} s{of_work}, peak {}", count(peak))
    } else {
        "Points/s".to_owned()
    };
    frame.render_widget(theme.pane(&title), area);
    if peak == 0 {
        let text = match app.phase {
            _ if app.throughput.moved() > 0 => format!("no points moved in the last {seconds} s{of_work}"),
            // What is over was measured by another session, or never moved in this one.
            Phase::Complete | Phase::Stopped(_) => {
                "no points moved in this session; the chart shows no other".to_owned()
            }
            _ => "nothing measured yet".to_owned(),
        };
        let lines: Vec<Line<'_>> = wrap(&text, width).into_iter().map(Line::raw).collect();
        frame.render_widget(Paragraph::new(lines).style(theme.dim()), inner);
        return;
    }
    let steps = height * 8;
    let heights: Vec<usize> = rates
        .iter()
        .map(|rate| {
            let height = (*rate as f64 / peak as f64 * steps as f64).round() as usize;
            // Something is never drawn as nothing.
            if *rate > 0 { height.max(1) } else { 0 }
        })
        .collect();
    let levels = theme.levels();
    let lines: Vec<Line<'_>> = (0..height)
        .map(|row| {
            let floor = (height - 1 - row) * 8;
            let mut text = " ".repeat(width - heights.len());
            for height in &heights {
                text.push_str(match height.saturating_sub(floor) {
                    0 => " ",
                    above => levels[above.min(8) - 1],
                });
            }
            Line::raw(text)
        })
        .collect();
    frame.render_widget(Paragraph::new(lines).style(theme.accent()), inner);
}
