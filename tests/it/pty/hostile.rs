//! Payloads that would like to have the terminal.

use serde_json::json;

use super::Terminal;
use crate::support::world::{World, point};

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_payload_reaches_the_terminal_raw() {
    // Sequences that qlance itself never writes, so that any of them on the wire came from a payload.
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[5mblink\u{9b}31m\u{202e}abc\u{200f}\u{0}\u{8}\r\n";
    let content = format!("hello {evil}");
    let points = vec![
        point(
            1,
            json!({"content": content, "thread_id": evil, "nested": {evil: [evil, {"deep": evil}]}}),
        ),
        point(2, json!({"note": evil, evil: 5})),
        point(3, json!({"content": {"not": evil}})),
    ];
    let world = World::with(&points).await;
    world.config(&[]);
    let mut terminal = Terminal::open(&world, 40, 120);
    terminal.wait_for("READY");
    terminal.press("\r");
    terminal.wait_for("COMPLETE");
    terminal.press("2");
    terminal.wait_for("worst first");
    terminal.press("\t\r");
    terminal.wait_for("nearest neighbours");
    terminal.press("d");
    terminal.wait_for("fields differ");
    terminal.wait_for("nested.");
    terminal.press("3");
    terminal.wait_for("Failures: 2");
    terminal.press("\r");
    terminal.wait_for("payload in Qdrant now");
    terminal.press("7");
    terminal.wait_for("Log: all");
    terminal.press("q");
    assert_eq!(terminal.wait(), 3);
    terminal.assert_given_back();
    let written = String::from_utf8_lossy(&terminal.written()).into_owned();
    for trace in [
        "\u{1b}]0;",
        "\u{1b}[5m",
        "\u{9b}",
        "\u{202e}",
        "\u{200f}",
        "\u{0}",
        "\u{8}",
        "\u{7}",
    ] {
        assert!(!written.contains(trace), "{trace:?} reached the terminal");
    }
}

/// Sequences that must not be on the wire whatever a payload holds.
const NEVER: [&str; 7] = [
    "\u{1b}]0;",
    "\u{1b}[5m",
    "\u{9b}",
    "\u{202e}",
    "\u{200f}",
    "\u{200b}",
    "\u{7}",
];

#[tokio::test(flavor = "multi_thread")]
async fn huge_wide_and_deep_payloads_keep_the_layout_and_stay_off_the_wire() {
    let evil = "\u{1b}]0;owned\u{7}\u{1b}[5m\u{9b}31m\u{202e}\u{200f}\u{200b}漢字かな👩‍👩‍👧ｶﾞe\u{301}\u{301}\u{301}";
    let mut deep = json!(evil);
    for level in 0..59 {
        deep = if level % 2 == 0 {
            json!([deep])
        } else {
            json!({evil: deep})
        };
    }
    let many: serde_json::Map<String, serde_json::Value> = (0..2_000)
        .map(|n| (format!("field {n} {evil}"), json!(format!("value {n} {evil}"))))
        .collect();
    let huge = format!("huge {}", evil.repeat(5_000_000 / evil.len()));
    let points = vec![
        point(1, json!({"content": "a huge field", "huge": huge})),
        point(2, json!({"content": "a deep field", "deep": deep})),
        point(
            3,
            serde_json::Value::Object({
                let mut many = many;
                many.insert("content".into(), json!("many fields"));
                many
            }),
        ),
        point(4, json!({"huge": huge, "content": null})),
    ];
    let world = World::with(&points).await;
    world.config(&[]);
    for (rows, cols) in [(24, 80), (60, 200)] {
        let mut terminal = Terminal::open(&world, rows, cols);
        terminal.wait_until("READY or COMPLETE", |screen| {
            screen.contains("READY") || screen.contains("COMPLETE")
        });
        if terminal.screen().contains("READY") {
            terminal.press("\r");
        }
        terminal.wait_for("COMPLETE");
        terminal.press("3");
        terminal.wait_for("Failures: 1");
        terminal.press("\r");
        terminal.wait_for("payload in Qdrant now");
        terminal.press("4");
        for (id, field) in [("1", "huge"), ("2", "deep"), ("3", "field 0")] {
            terminal.press("i");
            terminal.wait_for("Id of the point");
            terminal.press(&format!("{id}\r"));
            terminal.wait_for("fields differ");
            // Where nothing differs, equal fields are not folded.
            terminal.wait_for(field);
            // A layout that a wide or an invisible character had broken would have lost its right edge somewhere.
            terminal.wait_to_see("the panes' right edge from the tabs to the footer", |screen| {
                (2..rows - 1).all(|row| {
                    let last = screen.cell(row, cols - 1).map(vt100::Cell::contents);
                    last.is_some_and(|last| ["│", "┐", "┘"].contains(&last))
                })
            });
            terminal.press("\u{1b}");
            terminal.wait_until("the list", |screen| !screen.contains("fields differ"));
        }
        terminal.press("q");
        assert_eq!(terminal.wait(), 3);
        terminal.assert_given_back();
        let written = String::from_utf8_lossy(&terminal.written()).into_owned();
        for trace in NEVER {
            assert!(!written.contains(trace), "{trace:?} reached the terminal");
        }
    }
}
