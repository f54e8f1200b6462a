//! The operator's settings as they hold, in one line: what was asked for, and what the server takes of it.

use ratatui::text::Line;
use ratatui::widgets::Block;

use crate::point::counted;
use crate::tasks::Snapshot;
use crate::tasks::meters::Reduced;
use crate::ui::text::{columns, count, fit};

/// A pane of so many columns with the settings on its lower border: no line is spent on them, on the smallest screen
/// neither.
pub(in crate::ui) fn on_border(block: Block<'static>, snapshot: &Snapshot, width: u16) -> Block<'static> {
    let held = line(snapshot, usize::from(width).saturating_sub(4));
    if held.is_empty() {
        return block;
    }
    block.title_bottom(Line::raw(format!(" {held} ")))
}

/// The settings in so many columns; empty where nothing is embedded.
fn line(snapshot: &Snapshot, width: usize) -> String {
    if !snapshot.embeds() {
        return String::new();
    }
    let long = long(snapshot);
    if columns(&long) <= width {
        return long;
    }
    fit(&short(snapshot), width)
}

fn long(snapshot: &Snapshot) -> String {
    let settings = &snapshot.settings;
    let asked = count(settings.in_flight as u64);
    let flight = match snapshot.reduced {
        None => format!("{asked} in flight at most"),
        Some(Reduced { asked: all, taken }) if all == settings.in_flight => {
            format!("{asked} in flight asked, the server takes {taken}")
        }
        // What the operator sets holds for each embedder.
        Some(Reduced { asked: all, taken }) => {
            format!("{asked} in flight asked of each, the servers take {taken} of {all}")
        }
    };
    let cap = |cap: Option<u64>, of: &str| match cap {
        Some(cap) => format!("{}/min", counted(cap, of, &format!("{of}s"))),
        None => format!("no {of} cap"),
    };
    format!(
        "{flight}; {} a request; {}; {}",
        counted(settings.batch_inputs as u64, "input", "inputs"),
        cap(settings.requests_per_minute, "request"),
        cap(settings.tokens_per_minute, "token")
    )
}

fn short(snapshot: &Snapshot) -> String {
    let settings = &snapshot.settings;
    let taken = snapshot
        .reduced
        .map_or_else(String::new, |reduced| format!(", {} taken", reduced.taken));
    let cap = |cap: Option<u64>, of: &str| match cap {
        Some(cap) => format!("{} {of}/min", count(cap)),
        None => format!("no {of} cap"),
    };
    format!(
        "{} in flight{taken}; {}; {}; {}",
        count(settings.in_flight as u64),
        counted(settings.batch_inputs as u64, "input", "inputs"),
        cap(settings.requests_per_minute, "req"),
        cap(settings.tokens_per_minute, "tok")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::Settings;

    #[test]
    fn the_operators_word_and_the_servers_are_told_apart() {
        let settings = Settings {
            in_flight: 50,
            batch_inputs: 100,
            requests_per_minute: Some(3_000),
            tokens_per_minute: None,
            budget_usd: None,
        };
        let of = |asked, taken| Some(Reduced { asked, taken });
        for (reduced, width, expected) in [
            (
                None,
                100,
                "50 in flight at most; 100 inputs a request; 3,000 requests/min; no token cap",
            ),
            (
                of(50, 12),
                100,
                "50 in flight asked, the server takes 12; 100 inputs a request; 3,000 requests/min; no token cap",
            ),
            (
                of(100, 62),
                120,
                "50 in flight asked of each, the servers take 62 of 100; 100 inputs a request; 3,000 requests/min; no \
                 token cap",
            ),
            (
                of(50, 12),
                74,
                "50 in flight, 12 taken; 100 inputs; 3,000 req/min; no tok cap",
            ),
            (None, 20, "50 in flight; 100 i~"),
        ] {
            let snapshot = Snapshot {
                settings,
                reduced,
                ..Snapshot::default()
            };
            assert_eq!(line(&snapshot, width), expected);
        }
        assert_eq!(line(&Snapshot::default(), 100), "", "nothing is embedded");
        let least = Snapshot {
            settings: Settings {
                in_flight: 1,
                batch_inputs: 1,
                requests_per_minute: Some(1),
                tokens_per_minute: Some(1),
                budget_usd: None,
            },
            ..Snapshot::default()
        };
        assert_eq!(
            line(&least, 100),
            "1 in flight at most; 1 input a request; 1 request/min; 1 token/min"
        );
        assert_eq!(line(&least, 60), "1 in flight; 1 input; 1 req/min; 1 tok/min");
    }
}
