//! Message tables: what the console makes of keys, events and time. Every instant is given.

mod catch_up;
mod decisions;
mod diff;
mod divergence;
pub(in crate::app) mod failures;
mod log;
mod migrate;
mod opened;
mod overlays;
mod retries;
mod search;
mod verify;

use std::path::Path;

use super::*;
use crate::point::Cause;
use crate::tasks::Settings;

/// A console and its clock.
struct Console {
    app: App,
    now: Instant,
}

impl Console {
    /// Nothing is known of the job yet.
    fn unopened() -> Self {
        Self::configured("")
    }

    /// The same with lines of `[keys]`.
    fn configured(keys: &str) -> Self {
        let now = Instant::now();
        let app = App::new(&config(keys), now).expect("keys that can be meant");
        Self { app, now }
    }

    /// The job is open and in a phase; an embedder is at work.
    fn open(phase: Phase) -> Self {
        let mut console = Self::unopened();
        console.event(opened());
        console.snapshot(embedding());
        console.event(TaskEvent::PhaseChanged(phase));
        console
    }

    fn update(&mut self, message: Message) -> Vec<Effect> {
        self.app.update(message, self.now)
    }

    fn key(&mut self, name: &str) -> Vec<Effect> {
        self.update(Message::Key(key(name)))
    }

    /// Several keys; answers the effects of the last.
    fn keys(&mut self, names: &[&str]) -> Vec<Effect> {
        names.iter().fold(Vec::new(), |_, name| self.key(name))
    }

    /// A text, letter by letter; answers the effects of the last.
    fn types(&mut self, text: &str) -> Vec<Effect> {
        text.chars().fold(Vec::new(), |_, letter| self.key(&letter.to_string()))
    }

    fn event(&mut self, event: TaskEvent) -> Vec<Effect> {
        self.update(Message::Event(event))
    }

    fn snapshot(&mut self, snapshot: Snapshot) -> Vec<Effect> {
        self.update(Message::Snapshot(Box::new(snapshot)))
    }

    #[track_caller]
    fn assert_says(&self, text: &str) {
        let flash = self.app.flash.as_ref().map_or("", |flash| &flash.text);
        assert!(flash.contains(text), "{flash:?}");
    }
}

fn config(keys: &str) -> Config {
    let job = "[source]\ncollection = \"messages\"\n[target]\nuri = \"choir.lance\"\ntable = \"messages\"\n";
    Config::parse(&format!("{job}[keys]\n{keys}"), "qlance.toml", Path::new(".")).expect("a configuration")
}

fn key(name: &str) -> KeyEvent {
    let (held, name) = match name.split_once('-') {
        Some(("Ctrl", name)) => (KeyModifiers::CONTROL, name),
        Some(("Shift", name)) => (KeyModifiers::SHIFT, name),
        _ => (KeyModifiers::NONE, name),
    };
    let letter = name.chars().next().expect("a key has a name");
    let code = match name {
        "Enter" => KeyCode::Enter,
        "Esc" => KeyCode::Esc,
        "Space" => KeyCode::Char(' '),
        "Backspace" => KeyCode::Backspace,
        "Up" => KeyCode::Up,
        "Down" => KeyCode::Down,
        "PgUp" => KeyCode::PageUp,
        "PgDn" => KeyCode::PageDown,
        "Home" => KeyCode::Home,
        "End" => KeyCode::End,
        "Tab" if held == KeyModifiers::SHIFT => KeyCode::BackTab,
        "Tab" => KeyCode::Tab,
        _ if held == KeyModifiers::CONTROL => KeyCode::Char(letter.to_ascii_lowercase()),
        _ if letter.is_uppercase() => return KeyEvent::new(KeyCode::Char(letter), KeyModifiers::SHIFT),
        _ => KeyCode::Char(letter),
    };
    KeyEvent::new(code, held)
}

fn opened() -> TaskEvent {
    TaskEvent::Opened(Box::new(JobFacts {
        job: "job".into(),
        collection: "messages".into(),
        qdrant_version: "1.18.0".into(),
        table: "choir.lance/messages".into(),
        space: "openai/text-embedding-3-large@1536".into(),
        content: "content".into(),
        comparable: Ok(()),
        points: 20_000,
        resumed: false,
        state_dir: ".qlance/job".into(),
    }))
}

fn embedding() -> Snapshot {
    Snapshot {
        settings: Settings {
            in_flight: 50,
            batch_inputs: 100,
            ..Settings::default()
        },
        ..Snapshot::default()
    }
}

fn id(number: u64) -> PointId {
    PointId::Num(number)
}

fn failure() -> Failure {
    Failure::new(Cause::Rejected, "400: refused")
}

fn sends(command: TaskCommand) -> Vec<Effect> {
    vec![Effect::Send(command)]
}
