//! What styles mean on the Verify screen: nothing is said by them alone.

use qlance::tasks::verify::STOPPED;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};

use super::super::frame::{find, is_reversed, style_of};
use super::super::{COLORS, PLAIN, SIZES};
use super::{decided, earlier, go, inconclusive, no_go, row, unverified, verifying};

/// Colour and weight of a check's state in the list.
#[track_caller]
fn style_of_state(screen: &Buffer, name: &str, state: &str) -> (Color, Modifier) {
    let (x, y) = find(screen, &row(name, state));
    let cell = &screen[(x + 11, y)];
    (cell.fg, cell.modifier)
}

#[test]
fn a_decision_has_its_word_beside_its_colour() {
    for (found, word, color) in [
        (no_go(), "NO-GO  the new store may not take over", Color::Red),
        (go(), "GO  the new store may take over", Color::Green),
        (earlier(), "STALE  was GO for version 4", Color::Yellow),
        (
            inconclusive(),
            "INCONCLUSIVE  what was seen does not say whether it may take over",
            Color::Yellow,
        ),
    ] {
        for size in SIZES {
            let scene = decided(found.clone());
            // At 80 columns the next step takes the room.
            let word = match word.split_once("  ") {
                Some(("INCONCLUSIVE", _)) if size.0 < 100 => "INCONCLUSIVE  still open",
                _ => word,
            };
            assert_eq!(
                style_of(&scene.draw(COLORS, size), word),
                (color, Modifier::BOLD),
                "{size:?}"
            );
            assert_eq!(
                style_of(&scene.draw(PLAIN, size), word),
                (Color::Reset, Modifier::BOLD),
                "{size:?}"
            );
        }
    }
}

#[test]
fn outcomes_have_their_word_beside_their_colour() {
    let screen = decided(no_go()).draw(COLORS, (80, 24));
    for (name, state, style) in [
        ("counts", "pass", (Color::Green, Modifier::empty())),
        ("payloads", "FAIL", (Color::Red, Modifier::BOLD)),
        ("neighbours", "info", (Color::Cyan, Modifier::empty())),
        ("index", "inconclusive", (Color::Yellow, Modifier::BOLD)),
    ] {
        assert_eq!(style_of_state(&screen, name, state), style, "{name}");
    }
    let screen = decided(no_go()).draw(PLAIN, (80, 24));
    assert_eq!(
        style_of_state(&screen, "payloads", "FAIL"),
        (Color::Reset, Modifier::BOLD)
    );
    let screen = verifying().draw(COLORS, (80, 24));
    assert_eq!(
        style_of_state(&screen, "neighbours", "waiting"),
        (Color::Reset, Modifier::DIM)
    );
    let stopped = verifying().not_verified(STOPPED).draw(COLORS, (80, 24));
    let unfinished = style_of_state(&stopped, "payloads", "not finished");
    assert_eq!(unfinished, (Color::Yellow, Modifier::BOLD));
}

#[test]
fn the_selected_check_is_reversed_where_the_keys_are() {
    let ids = row("ids", "FAIL");
    for (width, height) in SIZES {
        let screen = decided(no_go()).draw(COLORS, (width, height));
        assert!(is_reversed(&screen, &ids, 1..width - 1), "what failed is selected");
        assert!(!is_reversed(&screen, &row("counts", "pass"), 1..width - 1));
    }
    let screen = decided(no_go()).press("\t").draw(COLORS, (120, 40));
    let elsewhere = (Color::Reset, Modifier::BOLD | Modifier::UNDERLINED);
    assert_eq!(style_of(&screen, &ids), elsewhere);
    let screen = decided(no_go()).press("\nj").draw(COLORS, (120, 40));
    assert!(is_reversed(&screen, "0b3d6c1e", 61..119));
    assert_eq!(style_of(&screen, &ids), elsewhere);
}

#[test]
fn why_it_did_not_come_to_its_end_is_told_by_word_and_colour() {
    for (error, color) in [(STOPPED, Color::Yellow), ("no Qdrant", Color::Red)] {
        let screen = verifying().not_verified(error).draw(COLORS, (80, 24));
        assert_eq!(
            style_of(&screen, "NOT DECIDED  v verifies again"),
            (color, Modifier::BOLD)
        );
        find(&screen, &format!("- {error}"));
    }
    let refused = unverified().press("v").not_verified("no Qdrant").draw(COLORS, (80, 24));
    let bad = (Color::Red, Modifier::BOLD);
    assert_eq!(style_of(&refused, "cannot verify: no Qdrant"), bad);
}
