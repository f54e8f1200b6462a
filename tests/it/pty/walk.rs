//! Ways over the screen that several tests go: what is seen where, the mouse, and a walk over everything there is.

use serde_json::json;

use super::Terminal;
use crate::support::world::{World, messages, point};

/// Where a text stands on a screen: its line and its column, from 0.
fn place_of(screen: &vt100::Screen, text: &str) -> Option<(u16, u16)> {
    let (_, cols) = screen.size();
    let lines = screen.rows(0, cols.get());
    lines.enumerate().find_map(|(y, line)| {
        let x = line[..line.find(text)?].chars().count();
        Some((u16::try_from(y).ok()?, u16::try_from(x).ok()?))
    })
}

impl Terminal {
    /// Waits until a text is lit as what is selected is.
    pub(super) fn wait_lit(&self, text: &str) {
        self.wait_to_see(&format!("{text:?} selected"), |screen| {
            let cell = place_of(screen, text).and_then(|(y, x)| screen.cell(y, x));
            cell.is_some_and(vt100::Cell::inverse)
        });
    }

    /// What the mouse does on a text, as terminals tell it (SGR): which button, and how it ends.
    fn mouse(&mut self, text: &str, button: u8, ends: &[char]) {
        self.wait_for(text);
        let place = place_of(self.parser.lock().expect("a screen").screen(), text);
        let (y, x) = place.expect("it was just seen");
        for end in ends {
            self.press(&format!("\u{1b}[<{button};{};{}{end}", x + 1, y + 1));
        }
    }

    /// A click of the left button on a text.
    pub(super) fn click(&mut self, text: &str) {
        self.mouse(text, 0, &['M', 'm']);
    }

    /// One step of the wheel over a text, down or up.
    pub(super) fn wheel(&mut self, text: &str, down: bool) {
        self.mouse(text, if down { 65 } else { 64 }, &['M']);
    }

    /// The wire as text, for what is ASCII on it.
    pub(super) fn wire(&self) -> String {
        String::from_utf8_lossy(&self.written()).into_owned()
    }

    /// Help and the palette, opened and closed.
    fn overlays(&mut self, screen: &str) {
        self.press("?");
        self.wait_for(&format!("Help: {screen}"));
        self.leave_until_gone("Help: ");
        self.press(":");
        self.wait_for("Commands");
        self.leave_until_gone("Commands");
    }

    /// Esc, and nothing more before what it closes is gone: a key right behind it would be taken for Alt and that key.
    pub(super) fn leave_until_gone(&mut self, text: &str) {
        self.press("\u{1b}");
        self.wait_until(&format!("{text:?} gone"), |screen| !screen.contains(text));
    }

    /// All seven screens of [`failing_world`] once its run is complete, on 120 columns, with help and the palette over
    /// each, and with what can be opened, asked and found there.
    pub(super) fn walk_everywhere(&mut self) {
        self.press("1");
        self.wait_for("Progress");
        self.overlays("Migrate");

        self.press("2");
        self.wait_for("worst first");
        self.press("\t\r");
        self.wait_for("nearest neighbours");
        self.overlays("Divergence");
        self.press("d");
        self.wait_for(" of 1 same");
        self.wait_for(" equal");

        self.press("3");
        self.wait_for("Failures: 4 listed");
        self.press("\r");
        self.wait_for("payload in Qdrant now");
        self.overlays("Failures");
        self.press("e");
        self.wait_for("Content of 40");
        self.leave_until_gone("Content of 40");
        self.press("s");
        self.wait_for("Give up point 40");
        self.leave_until_gone("Give up point 40");
        self.press("R");
        self.wait_for("Retry all 4 failed points?");
        self.leave_until_gone("Retry all 4 failed points?");

        self.press("4");
        self.overlays("Diff");
        self.press("n");
        self.wait_until("a sample", |screen| {
            screen.contains("Pairs: ") && !screen.contains(" of 1 same")
        });

        self.press("5v");
        // Of this one: what an earlier console found is shown at first.
        self.wait_for("verified: ");
        self.wait_for(" ago in ");
        self.overlays("Verify");

        self.press("6/");
        self.wait_for("Search for");
        self.press("message 3\r");
        self.wait_for(" results in ");
        self.overlays("Search");

        self.press("7");
        self.wait_for("Log: all");
        self.overlays("Log");
    }
}

/// A world with twelve messages, one of them with letters that are no ASCII, and the points 40 to 43 without content.
pub(super) async fn failing_world() -> World {
    let mut points = messages(11);
    points.push(point(
        12,
        json!({"content": "Grüße 日本語 e\u{301} ✓", "thread_id": "Björn"}),
    ));
    points.extend((40..44_u64).map(|n| point(n, json!({"thread_id": "日本語", "n": n}))));
    let world = World::with(&points).await;
    world.config(&[]);
    world
}

/// The console on 40 lines of 120 columns, its run complete; it is begun where it was not before.
pub(super) fn complete(world: &World, args: &[&str], env: &[(&str, &str)]) -> Terminal {
    let mut terminal = Terminal::open_with(world, args, env, 40, 120);
    terminal.wait_until("READY or COMPLETE", |screen| {
        screen.contains("READY") || screen.contains("COMPLETE")
    });
    if terminal.screen().contains("READY") {
        terminal.press("\r");
    }
    terminal.wait_for("COMPLETE");
    terminal
}
