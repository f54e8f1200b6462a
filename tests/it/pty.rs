//! The console in a real pseudo-terminal: keys in, the screen as a terminal would show it out. Waits for what the
//! screen shows, never for a clock.

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::termios::LocalModes;
use serde_json::json;

use crate::support::world::{World, messages, point};

mod commands;
mod detached;
mod hostile;
mod looks;
mod mouse;
mod operator;
mod picture;
mod setup;
mod signals;
mod walk;

/// How long anything on the screen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// A console on a pseudo-terminal.
struct Terminal {
    parser: Arc<Mutex<vt100::Parser>>,
    raw: Arc<Mutex<Vec<u8>>>,
    writer: Box<dyn std::io::Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    master: Box<dyn MasterPty + Send>,
    /// Reads until the terminal ends, or until it is not to read any more; holds the terminal open as long.
    reading: JoinHandle<()>,
    closing: Arc<AtomicBool>,
}

impl Terminal {
    /// The console on a world's configuration.
    fn open(world: &World, rows: u16, cols: u16) -> Self {
        Self::open_with(world, &[], &[], rows, cols)
    }

    /// The same with more arguments, and more in its environment.
    fn open_with(world: &World, args: &[&str], env: &[(&str, &str)], rows: u16, cols: u16) -> Self {
        let path = world.path().join("qlance.toml");
        let config = ["--config", path.to_str().expect("UTF-8")];
        Self::run(world.path(), &[&config[..], args].concat(), env, rows, cols)
    }

    /// Any command, with more in its environment.
    fn run(dir: &Path, args: &[&str], env: &[(&str, &str)], rows: u16, cols: u16) -> Self {
        let some = |count| std::num::NonZero::new(count).expect("a screen has lines and columns");
        let size = PtySize {
            rows,
            cols,
            ..PtySize::default()
        };
        let pair = native_pty_system().openpty(size).expect("a pseudo-terminal");
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_qlance"));
        command.args(args);
        command.env("TERM", "xterm-256color");
        // Whoever runs the tests may want no colours.
        command.env_remove("NO_COLOR");
        for (name, value) in env {
            command.env(name, value);
        }
        command.cwd(dir);
        let child = pair.slave.spawn_command(command).expect("qlance starts");
        let parser = Arc::new(Mutex::new(vt100::Parser::new(some(rows), some(cols), 0)));
        let raw = Arc::new(Mutex::new(Vec::new()));
        let mut reader = pair.master.try_clone_reader().expect("a reader");
        let (shown, kept) = (Arc::clone(&parser), Arc::clone(&raw));
        let closing = Arc::new(AtomicBool::new(false));
        let closed = Arc::clone(&closing);
        let reading = std::thread::spawn(move || {
            let mut buffer = [0; 8_192];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                // Whoever sees it on the screen finds it among the bytes.
                let (mut shown, mut kept) = (shown.lock().expect("a screen"), kept.lock().expect("bytes"));
                shown.process(&buffer[..count]);
                kept.extend_from_slice(&buffer[..count]);
                drop((shown, kept));
                if closed.load(Ordering::Acquire) {
                    break;
                }
            }
        });
        Self {
            parser,
            raw,
            writer: pair.master.take_writer().expect("a writer"),
            child,
            master: pair.master,
            reading,
            closing,
        }
    }

    /// Closes the terminal under the console: nobody holds its other end any more. The console must still be drawing.
    fn close(self) -> Box<dyn Child + Send + Sync> {
        self.closing.store(true, Ordering::Release);
        self.reading.join().expect("the reader ends");
        self.child
    }

    fn pid(&self) -> rustix::process::Pid {
        let pid = self.child.process_id().and_then(|pid| i32::try_from(pid).ok());
        rustix::process::Pid::from_raw(pid.expect("a process")).expect("a pid")
    }

    fn resize(&mut self, rows: u16, cols: u16) {
        let some = |count| std::num::NonZero::new(count).expect("a screen has lines and columns");
        self.parser
            .lock()
            .expect("a screen")
            .screen_mut()
            .set_size(some(rows), some(cols));
        let size = PtySize {
            rows,
            cols,
            ..PtySize::default()
        };
        self.master.resize(size).expect("another size");
    }

    /// Everything that was written to the terminal.
    fn written(&self) -> Vec<u8> {
        self.raw.lock().expect("bytes").clone()
    }

    fn screen(&self) -> String {
        self.parser.lock().expect("a screen").screen().contents()
    }

    /// Waits until the screen holds a text.
    fn wait_for(&self, text: &str) {
        self.wait_until(text, |screen| screen.contains(text));
    }

    /// Waits until what the screen shows is as it should be.
    fn wait_until(&self, what: &str, holds: impl Fn(&str) -> bool) {
        self.wait_to_see(what, |screen| holds(&screen.contents()));
    }

    /// Waits until the terminal is as it should be.
    fn wait_to_see(&self, what: &str, holds: impl Fn(&vt100::Screen) -> bool) {
        let begun = Instant::now();
        while !holds(self.parser.lock().expect("a screen").screen()) {
            assert!(
                begun.elapsed() < PATIENCE,
                "{what:?} never came; the screen:\n{}",
                self.screen()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn press(&mut self, keys: &str) {
        self.writer.write_all(keys.as_bytes()).expect("keys are typed");
        self.writer.flush().expect("keys are typed");
    }

    /// Waits for the end; the exit code.
    fn wait(&mut self) -> u32 {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("a status") {
                return status.exit_code();
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "qlance does not end; the screen:\n{}",
                self.screen()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// How the terminal's own line is set: what programs that were there before, and come after, rely on.
    fn modes(&self) -> LocalModes {
        let modes = self.master.get_termios().expect("the terminal's modes");
        LocalModes::from_bits_retain(modes.local_flags.bits())
    }

    /// Whether the keys go to the console as they are typed, and none is echoed.
    fn is_raw(&self) -> bool {
        !self.modes().intersects(LocalModes::ICANON | LocalModes::ECHO)
    }

    /// What must be on the wire, and how the line must be set, when the terminal is given back.
    fn assert_given_back(&self) {
        let wire = || String::from_utf8_lossy(&self.raw.lock().expect("bytes")).into_owned();
        let begun = Instant::now();
        let is_left = |raw: &str| {
            let entered = raw.matches("\u{1b}[?1049h").count();
            assert!(entered > 0, "the alternate screen was never entered");
            entered == raw.matches("\u{1b}[?1049l").count()
        };
        // The process may be gone before its last words are read.
        while !is_left(&wire()) {
            assert!(begun.elapsed() < PATIENCE, "the alternate screen was not left");
            std::thread::sleep(Duration::from_millis(10));
        }
        let raw = wire();
        assert!(
            raw.rfind("\u{1b}[?25h") > raw.rfind("\u{1b}[?25l"),
            "the cursor stays hidden"
        );
        assert!(
            raw.rfind("\u{1b}[?2004l") > raw.rfind("\u{1b}[?2004h"),
            "bracketed paste stays on"
        );
        // Neither is there where the mouse was left to the terminal.
        assert!(
            raw.rfind("\u{1b}[?1000l") >= raw.rfind("\u{1b}[?1000h"),
            "the mouse stays captured"
        );
        let shows_none = self.parser.lock().expect("a screen").screen().hide_cursor();
        assert!(!shows_none, "the cursor stays hidden");
        // Raw mode goes last.
        let line = LocalModes::ICANON | LocalModes::ECHO | LocalModes::ISIG;
        while !self.modes().contains(line) {
            assert!(begun.elapsed() < PATIENCE, "raw mode stays on: {:?}", self.modes());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_watched_paused_sped_up_and_left() {
    let world = World::with(&messages(4_000)).await;
    world.embeddings.latency(Duration::from_millis(100));
    world.config(&[
        ("source", "page_points = 20\nranges = 2\n"),
        ("target", "commit_rows = 40\ncommit_seconds = 1\n"),
        ("embed.text", "max_in_flight = 1\nmax_batch_inputs = 10\n"),
    ]);
    let mut terminal = Terminal::open(&world, 24, 80);
    terminal.wait_for("Before the start");
    terminal.press("\r");
    terminal.wait_for("RUNNING");
    terminal.press("p");
    terminal.wait_for("PAUSED");
    terminal.wait_for("paused; p goes on");
    terminal.press("p");
    terminal.wait_for("RUNNING");
    for _ in 0..5 {
        terminal.press("+");
    }
    terminal.wait_until("six requests allowed", |screen| screen.contains("/6 "));
    terminal.press("?");
    terminal.wait_for("Help: Migrate");
    terminal.press("\u{1b}");
    terminal.wait_until("help closes", |screen| !screen.contains("Help: Migrate"));
    terminal.press("q");
    terminal.wait_for("Stop cleanly");
    terminal.press("s\r");
    assert_eq!(terminal.wait(), 5, "stopped early");
    terminal.assert_given_back();
    // What was stopped goes on, and nothing is missing.
    world.embeddings.latency(Duration::ZERO);
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (0, &json!(4_000)), "{report}");
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_are_looked_at_and_retried_one_by_one() {
    let mut points = messages(30);
    points.push(point(40, json!({"thread_id": "a"})));
    points.push(point(41, json!({"thread_id": "b"})));
    let world = World::with(&points).await;
    world.config(&[]);
    let mut terminal = Terminal::open(&world, 40, 120);
    terminal.wait_for("READY");
    terminal.press("\r");
    terminal.wait_for("COMPLETE");
    terminal.press("3");
    terminal.wait_for("Failures: 2");
    terminal.press("\r");
    terminal.wait_for("payload in Qdrant now");
    terminal.leave_until_gone("payload in Qdrant now");
    world
        .upsert(&[point(40, json!({"content": "mended", "thread_id": "a"}))])
        .await;
    terminal.press("r");
    terminal.wait_for("1 recovered");
    terminal.wait_for("Failures: 1");
    terminal.press("R");
    terminal.wait_for("Retry 1 failed point?");
    terminal.press("r\r");
    terminal.wait_for("1 failed again");
    terminal.press("q");
    assert_eq!(terminal.wait(), 3);
    terminal.assert_given_back();
    assert_eq!(world.rows().await.len(), 31);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_goes_away_leaves_a_job_that_can_be_resumed() {
    let world = World::with(&messages(4_000)).await;
    world.embeddings.latency(Duration::from_millis(50));
    world.config(&[
        ("source", "page_points = 20\n"),
        ("target", "commit_rows = 20\n"),
        ("embed.text", "max_in_flight = 2\nmax_batch_inputs = 10\n"),
    ]);
    let mut terminal = Terminal::open(&world, 24, 80);
    terminal.wait_for("READY");
    terminal.press("\r");
    terminal.wait_for("RUNNING");
    let mut child = terminal.close();
    let begun = Instant::now();
    while child.try_wait().expect("a status").is_none() {
        // Two seconds are promised; a busy machine gets more.
        if begun.elapsed() > Duration::from_secs(10) {
            child.kill().expect("killed");
            panic!("qlance outlives its terminal");
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    world.embeddings.latency(Duration::ZERO);
    let (code, report) = world.run().await;
    assert_eq!((code, &report["written"]), (0, &json!(4_000)), "{report}");
}
