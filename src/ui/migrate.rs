//! The Migrate screen.
//!
//! ```text
//! +- Progress ----------------------------------------+
//! | gauge, counts, rate, ETA; the conservation line   |
//! | what it is about, and why it is not faster        |
//! | money, tokens, requests                           |
//! +- the settings as they hold -----------------------+
//! +- Throughput ---------------+- Similarity ---------+
//! |                            +- Latest failures ----+
//! +- Stages -------------------+----------------------+
//! ```

mod latest;
mod now;
mod progress;
pub(super) mod settings;
mod similarity;
mod stages;
mod throughput;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Position, Rect};
use ratatui::text::Line;
use ratatui::widgets::Paragraph;

use super::chrome::key_of;
use super::text::wrap;
use super::theme::Theme;
use crate::app::App;
use crate::app::actions::ActionId;
use crate::tasks::Phase;

/// Lines of the Progress pane; on a tall screen up to so many more, where what it says wants them.
const PROGRESS: u16 = 6;
const MORE: u16 = 2;
/// From so many lines on a screen is tall: the chart can spare some.
const TALL: u16 = 30;
/// Lines of the Stages pane; the failures have no fewer.
const STAGES: u16 = 6;
/// A chart of fewer lines shows nothing: on a low screen both make room.
const LEAST_CHART: u16 = 4;

/// Where the panes stand.
struct Panes {
    progress: Rect,
    chart: Rect,
    histogram: Rect,
    stages: Rect,
    latest: Rect,
}

/// Lines of the Progress pane in this area.
fn progress_lines(app: &App, area: Rect) -> u16 {
    if area.height < TALL {
        return PROGRESS;
    }
    progress::wanted(app, area.width).clamp(PROGRESS, PROGRESS + MORE)
}

fn panes(area: Rect, progress: u16) -> Panes {
    let [progress, rest] = split(area, progress);
    // On 80 columns a line of the stages fits on the left, and on 200 a column for every second that is kept.
    let columns = Layout::horizontal([Constraint::Percentage(61), Constraint::Percentage(39)]);
    let [left, right] = columns.areas(rest);
    let above = rest.height.saturating_sub(STAGES);
    let above = if above < LEAST_CHART { 0 } else { above };
    let [chart, stages] = split(left, above);
    // Past what the histogram can use, the room is the failures'.
    let [histogram, latest] = split(right, above.min(similarity::wanted(rest.height)));
    Panes {
        progress,
        chart,
        histogram,
        stages,
        latest,
    }
}

/// So many lines from the top, and the rest.
fn split(area: Rect, lines: u16) -> [Rect; 2] {
    Layout::vertical([Constraint::Length(lines), Constraint::Min(0)]).areas(area)
}

/// The latest failure that is drawn at a place, counted from the newest.
pub(super) fn latest_at(app: &App, area: Rect, place: Position) -> Option<u64> {
    latest::at(app, panes(area, progress_lines(app, area)).latest, place)
}

pub(super) fn render(frame: &mut Frame<'_>, app: &App, theme: &Theme, area: Rect) {
    if let Phase::Failed(reason) = &app.phase {
        // Nothing was measured, and the way out stands at the end of the reason: it gets the room.
        let [top, below] = split(area, PROGRESS);
        progress::render(frame, app, theme, top);
        could_not_begin(frame, app, reason, theme, below);
        return;
    }
    let panes = panes(area, progress_lines(app, area));
    progress::render(frame, app, theme, panes.progress);
    throughput::render(frame, app, theme, panes.chart);
    similarity::render(frame, app, theme, panes.histogram);
    stages::render(frame, app, theme, panes.stages);
    latest::render(frame, app, theme, panes.latest);
}

fn could_not_begin(frame: &mut Frame<'_>, app: &App, reason: &str, theme: &Theme, area: Rect) {
    let block = theme.pane("Could not begin");
    let inner = block.inner(area);
    frame.render_widget(block, area);
    let width = inner.width as usize;
    let mut lines: Vec<Line<'_>> = wrap(reason, width)
        .into_iter()
        .map(|line| Line::styled(line, theme.bad()))
        .collect();
    let leaves = key_of(app, ActionId::Quit);
    let then = format!("{leaves} leaves; start qlance again once it is mended");
    lines.push(Line::raw(""));
    lines.extend(wrap(&then, width).into_iter().map(Line::raw));
    frame.render_widget(Paragraph::new(lines), inner);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_belongs_to_a_pane_and_more_room_shows_more() {
        for (height, lines) in (13..120).flat_map(|height| [(height, PROGRESS), (height, PROGRESS + MORE)]) {
            if lines > PROGRESS && height < TALL {
                continue;
            }
            let area = Rect::new(0, 2, 80, height);
            let found = panes(area, lines);
            let heights = |panes: [Rect; 3]| panes.map(|pane| pane.height).iter().sum::<u16>();
            let Panes {
                progress,
                chart,
                histogram,
                stages,
                latest,
            } = found;
            assert_eq!(heights([progress, chart, stages]), height, "left, of {height}");
            assert_eq!(heights([progress, histogram, latest]), height, "right, of {height}");
            assert!(progress.height == lines && stages.height >= STAGES && latest.height >= STAGES);
            assert!(chart.height == 0 || chart.height >= LEAST_CHART);
        }
        let failures = |height| panes(Rect::new(0, 0, 80, height), PROGRESS).latest.height;
        assert_eq!(failures(21), STAGES);
        assert!(failures(37) > 15 && failures(57) > 20);
    }
}
