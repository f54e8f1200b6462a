//! What the console looks like: snapshots at three sizes, what styles mean, and that nothing breaks a frame.
//!
//! A [`Scene`] is an `App` that was brought to a state by messages only. Times lie hours back, so that no age changes
//! while a test runs; of the log's clock the digits are replaced.

mod diff;
mod divergence;
mod failures;
mod frame;
mod hostile;
mod migrate;
mod overlays;
mod pictures;
mod random;
mod search;
mod setup;
mod verify;
mod wire;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers, MouseButton, MouseEvent, MouseEventKind};
use qlance::app::{App, Effect, Message};
use qlance::config::{
    Config, DivergenceConfig, EmbedConfig, EmbedConfigs, MediaConfig, PipelineConfig, SourceConfig, TargetConfig,
};
use qlance::point::Payload;
use qlance::tasks::{JobFacts, Level, Owned, Phase, Snapshot, TaskCommand, TaskEvent, now_ms};
use qlance::ui;
use qlance::ui::theme::Theme;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use serde_json::Value;

use crate::support::svg::svg;
use frame::{find, text, without_clock};
pub(crate) use pictures::pictures;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
const COLORS: Theme = Theme {
    color: true,
    ascii: false,
    covered: false,
};
const PLAIN: Theme = Theme {
    color: false,
    ascii: false,
    covered: false,
};
const ASCII: Theme = Theme {
    color: false,
    ascii: true,
    covered: false,
};

/// A console, its clock, and what it has asked of the work.
struct Scene {
    app: App,
    now: Instant,
    sent: Vec<TaskCommand>,
}

impl Scene {
    /// Nothing is known of the job yet.
    fn of(collection: &str) -> Self {
        let config = Config {
            source: SourceConfig {
                collection: collection.into(),
                ..SourceConfig::default()
            },
            target: TargetConfig {
                uri: "choir.lance".into(),
                table: "messages".into(),
                ..TargetConfig::default()
            },
            embed: EmbedConfigs {
                text: EmbedConfig::openai(),
                ..EmbedConfigs::default()
            },
            media: MediaConfig::default(),
            divergence: DivergenceConfig::default(),
            pipeline: PipelineConfig::default(),
            columns: BTreeMap::new(),
            keys: BTreeMap::new(),
            base_dir: ".".into(),
        };
        let now = Instant::now();
        Self {
            app: App::new(&config, now).expect("the registry's own keys"),
            now,
            sent: Vec::new(),
        }
    }

    /// The job is open.
    fn open() -> Self {
        Self::of("messages").event(opened(facts()))
    }

    fn take(mut self, message: Message) -> Self {
        for effect in self.app.update(message, self.now) {
            if let Effect::Send(command) = effect {
                self.sent.push(command);
            }
        }
        self
    }

    fn event(self, event: TaskEvent) -> Self {
        self.take(Message::Event(event))
    }

    fn phase(self, phase: Phase) -> Self {
        self.event(TaskEvent::PhaseChanged(phase))
    }

    fn note(self, level: Level, text: &str) -> Self {
        self.event(TaskEvent::Noted(level, text.into()))
    }

    /// A question of the screen that could not be answered.
    fn unanswered(self, of: Owned, error: &str) -> Self {
        let error = error.into();
        self.event(TaskEvent::Unanswered { of, error })
    }

    fn seeing(self, snapshot: Snapshot) -> Self {
        assert_eq!(snapshot.read, snapshot.settled() + snapshot.in_hand, "a scene adds up");
        self.take(Message::Snapshot(Box::new(snapshot)))
    }

    fn key(self, code: KeyCode) -> Self {
        self.take(Message::Key(KeyEvent::new(code, KeyModifiers::NONE)))
    }

    /// Keys, one by one; `\n` is Enter, `\t` is Tab, `\u{1b}` is Esc.
    fn press(self, keys: &str) -> Self {
        keys.chars().fold(self, |scene, key| match key {
            '\n' => scene.key(KeyCode::Enter),
            '\t' => scene.key(KeyCode::Tab),
            '\u{1b}' => scene.key(KeyCode::Esc),
            letter => scene.key(KeyCode::Char(letter)),
        })
    }

    /// A click on a text.
    #[track_caller]
    fn click(self, size: (u16, u16), wanted: &str) -> Self {
        let (column, row) = find(&self.draw(COLORS, size), wanted);
        let event = MouseEvent {
            kind: MouseEventKind::Down(MouseButton::Left),
            column,
            row,
            modifiers: KeyModifiers::NONE,
        };
        let mouse = ui::hit::hit(&self.app, Rect::new(0, 0, size.0, size.1), event);
        self.take(Message::Mouse(mouse.expect("something to click on")))
    }

    fn resized(self, (columns, rows): (u16, u16)) -> Self {
        self.take(Message::Resized { columns, rows })
    }

    /// After every flash has gone.
    fn later(mut self) -> Self {
        self.now += Duration::from_secs(60);
        self.take(Message::Tick)
    }

    fn draw(&self, theme: Theme, (width, height): (u16, u16)) -> Buffer {
        let mut terminal = Terminal::new(TestBackend::new(width, height)).expect("a test backend opens");
        terminal
            .draw(|frame| ui::draw(frame, &self.app, &theme))
            .expect("a test backend draws");
        terminal.backend().buffer().clone()
    }

    /// The characters at a size.
    fn text(&self, size: (u16, u16)) -> String {
        text(&self.draw(COLORS, size))
    }

    /// Compares with the snapshot files of all sizes.
    fn assert_looks(&self, name: &str) {
        for size in SIZES {
            self.assert_looks_at(name, size, COLORS);
        }
    }

    /// The same of one size, on a console that was told it: how much is listed and drawn depends on that.
    fn assert_looks_at(&self, name: &str, size: (u16, u16), theme: Theme) {
        let told = Self {
            app: self.app.clone(),
            now: self.now,
            sent: Vec::new(),
        };
        assert_shows(name, size, &told.resized(size).draw(theme, size));
    }
}

/// Compares a frame with the snapshot file of its size.
fn assert_shows(name: &str, size: (u16, u16), buffer: &Buffer) {
    let name = format!("{name}_{}x{}", size.0, size.1);
    keep_picture(&name, buffer);
    insta::assert_snapshot!(name, without_clock(&text(buffer)));
}

/// `QLANCE_PICTURES=DIR cargo test --test it screens` leaves every state at every size in DIR as a picture, with its colours:
/// what a snapshot's characters cannot show.
fn keep_picture(name: &str, buffer: &Buffer) {
    if let Some(dir) = std::env::var_os("QLANCE_PICTURES") {
        let path = std::path::Path::new(&dir).join(format!("{name}.svg"));
        std::fs::write(&path, svg(buffer)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    }
}

fn facts() -> JobFacts {
    JobFacts {
        job: "messages-to-messages-1a2b3c4d".into(),
        collection: "messages".into(),
        qdrant_version: "1.18.0".into(),
        table: "choir.lance/messages".into(),
        space: "openai/text-embedding-3-large@1536".into(),
        content: "content".into(),
        comparable: Ok(()),
        points: 200_000,
        resumed: false,
        state_dir: ".qlance/messages-to-messages-1a2b3c4d".into(),
    }
}

fn opened(facts: JobFacts) -> TaskEvent {
    TaskEvent::Opened(Box::new(facts))
}

/// So many hours ago and half an hour more.
fn ago(hours: i64) -> i64 {
    now_ms() - hours * 3_600_000 - 1_800_000
}

fn payload(value: Value) -> Payload {
    match value {
        Value::Object(fields) => fields,
        other => panic!("{other} is no payload"),
    }
}
