//! The titles of both panes. Where there is no room for all of one, whole parts of it go: half a number is another one.

use ratatui::layout::Rect;

use super::short;
use crate::app::App;
use crate::journal::Filter;
use crate::point::PointId;
use crate::ui::text::{columns, count, fit};

/// Columns of a title that the pane's border, and what it sets around a title, leave of an area.
pub(super) fn room(area: Rect) -> usize {
    (area.width as usize).saturating_sub(6)
}

/// A part of a title, and how soon it goes: the last one first, the one at 0 never.
type Part = (u8, String);

/// What is listed, and of that what has failed: skipped points and those that a retry brought in are listed too. Until
/// the journal has said, no number.
pub(super) fn of_list(app: &App, room: usize) -> String {
    let failures = &app.failures;
    let mut parts: Vec<Part> = Vec::new();
    if failures.is_current() {
        parts.push((0, format!("Failures: {} listed", count(failures.total()))));
        parts.extend(failed(app).map(|text| (5, text)));
    } else {
        parts.push((0, "Failures".to_owned()));
    }
    if failures.marked() > 0 {
        let mut text = format!("{} marked", count(failures.marked() as u64));
        let hidden = failures.hidden_marks() as u64;
        if hidden > 0 {
            text.push_str(&format!(" ({} of them not shown)", count(hidden)));
        }
        parts.push((3, text));
    }
    if let Some((ended, points)) = failures.progress() {
        parts.push((4, format!("retried {} of {}", count(ended), count(points))));
    }
    if failures.error.is_some() && failures.is_loaded() {
        parts.push((2, "not up to date".to_owned()));
    }
    parts.push((1, failures.sort().label().to_owned()));
    joined(parts, room)
}

/// How many of what is listed need something done: of all failures as many as the tab says, those included that are
/// being retried. Of those that a filter shows only the journal knows which can be retried.
fn failed(app: &App) -> Option<String> {
    let failures = &app.failures;
    if failures.total() == 0 {
        return None;
    }
    Some(if failures.filter() == Filter::default() {
        format!("{} failed", count(app.snapshot.failed))
    } else {
        format!("{} to retry", count(failures.retryable()))
    })
}

/// The parts that there is room for, in their order.
fn joined(mut parts: Vec<Part>, room: usize) -> String {
    loop {
        let title = parts
            .iter()
            .map(|(_, text)| text.as_str())
            .collect::<Vec<_>>()
            .join(", ");
        let goes = parts.iter().enumerate().filter(|(_, (rank, _))| *rank > 0);
        let goes = goes.max_by_key(|(_, (rank, _))| *rank).map(|(place, _)| place);
        match goes {
            Some(place) if columns(&title) > room => {
                parts.remove(place);
            }
            _ => return fit(&title, room),
        }
    }
}

/// Which point is open, and which one is being read: that one first, it is what is selected.
pub(super) fn of_opened(app: &App, open: PointId, room: usize) -> String {
    let [long, narrow] = match app.failures.opening() {
        Some(id) if id != open => {
            let rest = format!("...; below is {}", short(open));
            [id.to_string(), short(id)].map(|id| format!("Reading {id} {rest}"))
        }
        Some(_) => [open.to_string(), short(open)].map(|id| format!("Point {id}, reading it again ...")),
        None => [open.to_string(), short(open)].map(|id| format!("Point {id}")),
    };
    if columns(&long) <= room {
        long
    } else {
        fit(&narrow, room)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_parts_go_the_least_first_and_the_count_stays() {
        let parts = || {
            [
                (0, "12 listed"),
                (5, "10 failed"),
                (3, "2 marked"),
                (4, "retried 2 of 4"),
                (1, "by id"),
            ]
            .map(|(rank, text)| (rank, text.to_owned()))
            .to_vec()
        };
        for (room, title) in [
            (80, "12 listed, 10 failed, 2 marked, retried 2 of 4, by id"),
            (53, "12 listed, 10 failed, 2 marked, retried 2 of 4, by id"),
            (52, "12 listed, 2 marked, retried 2 of 4, by id"),
            (41, "12 listed, 2 marked, by id"),
            (25, "12 listed, by id"),
            (15, "12 listed"),
            (6, "12 li~"),
        ] {
            assert_eq!(joined(parts(), room), title, "{room}");
        }
    }
}
