//! The mouse, as a terminal tells of it, and the clipboard.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::walk::{complete, failing_world};

/// What sets or ends a way of telling of the mouse.
pub(super) const MODES: [&str; 5] = [
    "\u{1b}[?1000",
    "\u{1b}[?1002",
    "\u{1b}[?1003",
    "\u{1b}[?1006",
    "\u{1b}[?1015",
];

#[tokio::test(flavor = "multi_thread")]
async fn clicks_and_the_wheel_choose_screens_and_rows_and_the_chosen_id_is_copied() {
    let world = failing_world().await;
    let mut terminal = complete(&world, &[], &[]);
    terminal.click("3 Failures");
    terminal.wait_for("Failures: 4 listed");
    terminal.wait_lit("  40 ");
    terminal.click("  42 ");
    terminal.wait_lit("  42 ");
    // In base64, for the terminal's own clipboard.
    let copied = |id: &str| format!("\u{1b}]52;c;{}\u{1b}\\", STANDARD.encode(id));
    assert!(!terminal.wire().contains("\u{1b}]52;"), "nobody asked for it yet");
    terminal.press("y");
    terminal.wait_for("copied 42");
    assert!(terminal.wire().contains(&copied("42")));
    // One step is three rows, and the list has an end.
    terminal.wheel("  42 ", false);
    terminal.wait_lit("  40 ");
    terminal.wheel("  40 ", true);
    terminal.wait_lit("  43 ");
    terminal.press("y");
    terminal.wait_for("copied 43");
    assert!(terminal.wire().contains(&copied("43")));
    terminal.click("2 Divergence");
    terminal.wait_for("worst first");
    terminal.click("7 Log");
    terminal.wait_for("Log: all");
    // Nothing under something else is clicked.
    terminal.press(":");
    terminal.wait_for("Commands");
    terminal.click("1 Migrate");
    terminal.leave_until_gone("Commands");
    let screen = terminal.screen();
    assert!(screen.contains("Log: all"), "{screen}");
    terminal.press("q");
    assert_eq!(terminal.wait(), 3);
    terminal.assert_given_back();
}

#[tokio::test(flavor = "multi_thread")]
async fn left_to_the_terminal_nothing_is_said_about_the_mouse() {
    let world = failing_world().await;
    let cases: [(&[&str], bool); 2] = [(&["--no-mouse"], false), (&[], true)];
    for (args, taken) in cases {
        let mut terminal = complete(&world, args, &[]);
        terminal.press("3");
        terminal.wait_for("Failures: 4 listed");
        terminal.press("q");
        assert_eq!(terminal.wait(), 3);
        terminal.assert_given_back();
        let wire = terminal.wire();
        for mode in MODES {
            let times = wire.matches(mode).count();
            assert_eq!(times, if taken { 2 } else { 0 }, "{args:?} {mode:?}");
        }
    }
}
