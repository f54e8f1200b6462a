//! The Migrate screen.
//!
//! ```text
//! +- Progress ----------------------------------------+
//! | gauge, counts, rate, ETA; the conservation line   |
//! +- Throughput ---------------+- Similarity ---------+
//! +- Stages -------------------+- Latest failures ----+
//! ```

mod latest;
mod progress;
mod similarity;
mod stages;
mod throughput;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::text::wrap;
use super::theme::Theme;
use crate::app::App;
use crate::tasks::Phase;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let [top, middle, bottom] =
        Layout::vertical([Constraint::Length(5), Constraint::Min(5), Constraint::Length(6)]).areas(area);
    let columns = Layout::horizontal([Constraint::Percentage(60), Constraint::Percentage(40)]);
    let [chart, histogram] = columns.areas(middle);
    let [table, list] = columns.areas(bottom);
    progress::render(frame, app, theme, top);
    if let Phase::Failed(reason) = &app.phase {
        // Nothing was measured, and the way out stands at the end of the reason: it gets the room.
        could_not_begin(frame, reason, theme, middle);
    } else {
        throughput::render(frame, app, theme, chart);
        similarity::render(frame, app, theme, histogram);
    }
    stages::render(frame, app, theme, table);
    latest::render(frame, app, theme, list);
}

fn could_not_begin(frame: &mut Frame<'_>, reason: &str, theme: &Theme, area: Rect) {
    let block = theme.pane("Could not begin");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let lines: Vec<Line<'_>> = wrap(reason, inner.width as usize).into_iter().map(Line::raw).collect();
    frame.render_widget(Paragraph::new(lines), inner);
}
