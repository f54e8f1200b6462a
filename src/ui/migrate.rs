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

use super::theme::Theme;
use crate::app::App;

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    let [top, middle, bottom] =
        Layout::vertical([Constraint::Length(5), Constraint::Min(5), Constraint::Length(6)]).areas(area);
    let columns = Layout::horizontal([Constraint::Percentage(60), Constraint::Percentage(40)]);
    let [chart, histogram] = columns.areas(middle);
    let [table, list] = columns.areas(bottom);
    progress::render(frame, app, theme, top);
    throughput::render(frame, app, theme, chart);
    similarity::render(frame, app, theme, histogram);
    stages::render(frame, app, theme, table);
    latest::render(frame, app, theme, list);
}
