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
    terminal.press("f");
    terminal.wait_for("nested.");
    terminal.press("3");
    terminal.wait_for("Failures: 2");
    terminal.press("\r");
    terminal.wait_for("payload in Qdrant now");
    terminal.press("7");
    terminal.wait_for("Log: all");
    terminal.press("q");
    assert_eq!(terminal.wait(), 3);
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
