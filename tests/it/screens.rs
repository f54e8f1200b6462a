//! What the console looks like: snapshots at three sizes, what styles mean, and that nothing breaks a frame.
//!
//! A [`Scene`] is an `App` that was brought to a state by messages only. Ages are made stable by rows that are half a
//! minute older than they say, the log's clock by replacing its digits.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use qlance::app::keymap::ActionId;
use qlance::app::{App, Message, Screen, keymap};
use qlance::config::{Config, DivergenceConfig, EmbedConfig, EmbedConfigs};
use qlance::config::{PipelineConfig, SourceConfig, TargetConfig};
use qlance::embed::Usage;
use qlance::journal::{Attempt, FailureRow, State};
use qlance::lance::index::Step;
use qlance::point::{Cause, Failure, Histogram, PointId, Similarity};
use qlance::tasks::{FailureDetail, JobFacts, Level, Phase, Snapshot, StageSnapshot, TaskEvent, now_ms};
use qlance::ui;
use qlance::ui::text::count;
use qlance::ui::theme::Theme;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use unicode_width::UnicodeWidthStr as _;

const SIZES: [(u16, u16); 3] = [(80, 24), (120, 40), (200, 60)];
const COLORS: Theme = Theme {
    color: true,
    ascii: false,
};
const PLAIN: Theme = Theme {
    color: false,
    ascii: false,
};
const ASCII: Theme = Theme {
    color: false,
    ascii: true,
};
/// What a payload or a server may put into a text: an escape sequence, a bell, turned writing, wide and joined signs.
const HOSTILE: &str = "\u{1b}[31mred\u{7}\r\n\u{202e}dlrow\u{2066}\u{200f} 日本語 \u{1f469}\u{200d}\u{1f467} e\u{301}";

// --- scenes

struct Scene {
    app: App,
    now: Instant,
}

impl Scene {
    fn connecting() -> Self {
        Self::of("messages")
    }

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
            },
            divergence: DivergenceConfig::default(),
            pipeline: PipelineConfig::default(),
            columns: BTreeMap::new(),
            base_dir: ".".into(),
        };
        let now = Instant::now();
        Self {
            app: App::new(&config, now),
            now,
        }
    }

    /// Two minutes into a run over 200,000 points, at a rate that goes up and down.
    fn running() -> Self {
        const PACE: [u64; 12] = [4, 5, 6, 7, 8, 8, 7, 6, 5, 3, 2, 4];
        let mut scene = Self::connecting().event(opened("1.18.0")).phase(Phase::Running);
        let end = half_way();
        let whole: u64 = PACE.iter().sum::<u64>() * 10;
        let mut done = 0;
        for second in 0..=120_usize {
            let share = |number: u64| number * done / whole;
            let (written, failed) = (share(end.written), share(end.failed));
            scene = scene.seeing(Snapshot {
                read: written + failed + end.in_hand,
                written,
                failed,
                ..end.clone()
            });
            done += PACE[second % PACE.len()];
            scene.now += Duration::from_secs(1);
        }
        rows().into_iter().fold(scene, |scene, row| {
            scene.event(TaskEvent::PointFailed(row.id, Failure::new(row.cause, row.error)))
        })
    }

    fn stopped(reason: &str) -> Self {
        let stopped = Phase::Stopped(reason.into());
        let snapshot = Snapshot {
            phase: stopped.clone(),
            ..idle(half_way())
        };
        Self::running().seeing(snapshot).phase(stopped)
    }

    fn complete() -> Self {
        let snapshot = Snapshot {
            phase: Phase::Complete,
            read: 200_000,
            written: 199_988,
            failed: 11,
            skipped: 1,
            similarities: similarities(&[186_000, 11_400, 1_500, 928, 90, 30], 40),
            elapsed: Duration::from_secs(3_723),
            ..idle(half_way())
        };
        Self::running().seeing(snapshot).phase(Phase::Complete)
    }

    /// Twelve failures: some being retried, two marked, the seventh selected.
    fn failures() -> Self {
        let rows = rows();
        let again = Failure::new(rows[2].cause, rows[2].error.clone());
        Self::complete()
            .press("3")
            .list(rows.clone())
            .press("r")
            .event(TaskEvent::RetryStarted(vec![rows[1].id]))
            .event(TaskEvent::RetryFinished(rows[2].id, Err(again)))
            .event(TaskEvent::RetryFinished(rows[3].id, Ok(())))
            .list(rows)
            .press("jjjj  ")
    }

    /// The same, with the selected one open.
    fn detail() -> Self {
        let payload = serde_json::json!({
            "chorus_result": { "agreed": true, "score": 1.0, "votes": 3 },
            "content": "What the choir said about the harbour.",
            "created_at": "2026-03-01T08:30:00Z",
            "thread_id": "t-204",
        });
        Self::failures().open(&rows()[6], &payload)
    }

    fn log() -> Self {
        let seventeen = PointId::Num(17);
        let no_content = Failure::new(Cause::NoContent, "no key `content`");
        Self::connecting()
            .event(opened("1.18.0"))
            .phase(Phase::Running)
            .event(TaskEvent::PointFailed(seventeen, no_content))
            .event(TaskEvent::Committed {
                rows: 20_000,
                version: 2,
            })
            .note(Level::Warn, "the histogram lacks the rows of earlier runs")
            .event(TaskEvent::ConcurrencySet(55))
            .phase(Phase::Finishing(Step::Compact))
            .event(TaskEvent::StepStarted(Step::Compact))
            .event(TaskEvent::StepFinished(Step::Compact, "12 files became 1".into()))
            .event(TaskEvent::RetryStarted(vec![seventeen]))
            .event(TaskEvent::RetryFinished(seventeen, Ok(())))
            .event(TaskEvent::RetryEnded {
                recovered: 1,
                failed: 0,
                error: None,
            })
            .note(Level::Error, "the embedder refused the key (401)")
            .later()
            .press("7")
    }

    /// What a frame must survive.
    fn all() -> [(&'static str, Self); 7] {
        [
            ("connecting", Self::connecting()),
            ("running", Self::running()),
            ("quit", Self::running().press("q")),
            ("failures with help", Self::failures().press("?")),
            ("detail", Self::detail()),
            ("typing", Self::failures().press("/timeout")),
            ("log", Self::log()),
        ]
    }

    fn event(mut self, event: TaskEvent) -> Self {
        self.app.update(Message::Event(event), self.now);
        self
    }

    fn phase(self, phase: Phase) -> Self {
        self.event(TaskEvent::PhaseChanged(phase))
    }

    fn note(self, level: Level, text: &str) -> Self {
        self.event(TaskEvent::Noted(level, text.into()))
    }

    fn seeing(mut self, snapshot: Snapshot) -> Self {
        assert_eq!(snapshot.read, snapshot.settled() + snapshot.in_hand, "a scene adds up");
        self.app.update(Message::Snapshot(Box::new(snapshot)), self.now);
        self
    }

    /// The journal's answer to the filter as it is.
    fn list(self, rows: Vec<FailureRow>) -> Self {
        let filter = self.app.failures.filter();
        self.event(TaskEvent::FailuresListed {
            filter,
            offset: 0,
            total: rows.len() as u64,
            rows,
        })
    }

    /// Opens the selected failure, which is this one.
    fn open(self, row: &FailureRow, payload: &serde_json::Value) -> Self {
        let attempt = |at| Attempt {
            at,
            cause: row.cause,
            error: row.error.clone(),
        };
        let detail = FailureDetail {
            row: row.clone(),
            attempts: vec![attempt(row.last_at - 3_600_000), attempt(row.last_at)],
            payload: Ok(payload.as_object().cloned().expect("an object")),
        };
        self.press("\n").event(TaskEvent::FailureRead(Box::new(detail)))
    }

    /// Keys; a line feed is Enter.
    fn press(mut self, keys: &str) -> Self {
        for key in keys.chars() {
            let code = match key {
                '\n' => KeyCode::Enter,
                letter => KeyCode::Char(letter),
            };
            let key = KeyEvent::new(code, KeyModifiers::NONE);
            self.app.update(Message::Key(key), self.now);
        }
        self
    }

    /// After every flash has gone.
    fn later(mut self) -> Self {
        self.now += Duration::from_secs(60);
        self.app.update(Message::Tick, self.now);
        self
    }

    fn draw(&self, theme: Theme, (width, height): (u16, u16)) -> Buffer {
        let mut terminal = terminal(width, height);
        terminal
            .draw(|frame| ui::draw(frame, &self.app, &theme))
            .expect("a test backend draws");
        terminal.backend().buffer().clone()
    }

    /// Compares with the snapshot files of all sizes.
    fn assert_looks(&self, name: &str) {
        for size in SIZES {
            self.assert_looks_at(name, size, COLORS);
        }
    }

    fn assert_looks_at(&self, name: &str, size: (u16, u16), theme: Theme) {
        let screen = without_clock(&text(&self.draw(theme, size)));
        insta::assert_snapshot!(format!("{name}_{}x{}", size.0, size.1), screen);
    }
}

fn opened(qdrant_version: &str) -> TaskEvent {
    TaskEvent::Opened(Box::new(JobFacts {
        job: "messages-to-messages-1a2b3c4d".into(),
        collection: "messages".into(),
        qdrant_version: qdrant_version.into(),
        table: "choir.lance/messages".into(),
        space: "openai/text-embedding-3-large@1536".into(),
        points: 200_000,
        resumed: false,
        state_dir: ".qlance/messages-to-messages-1a2b3c4d".into(),
    }))
}

/// Points by similarity: above 0.999, 0.99, 0.98 (the threshold), 0.95, 0.9, 0.7; and not comparable.
fn similarities(counts: &[u64; 6], incomparable: u64) -> Arc<Histogram> {
    let mut histogram = Histogram::default();
    for (number, value) in counts.iter().zip([0.9995, 0.995, 0.985, 0.97, 0.93, 0.85]) {
        (0..*number).for_each(|_| histogram.record(Similarity::new(value)));
    }
    (0..incomparable).for_each(|_| histogram.record(None));
    Arc::new(histogram)
}

fn half_way() -> Snapshot {
    let stage = |in_flight, limit, queue, p50, p95, busy| StageSnapshot {
        in_flight,
        limit,
        queue,
        p50: Some(Duration::from_millis(p50)),
        p95: Some(Duration::from_millis(p95)),
        busy,
    };
    Snapshot {
        phase: Phase::Running,
        total: 200_000,
        read: 94_904,
        written: 94_380,
        failed: 12,
        skipped: 0,
        in_hand: 512,
        similarities: similarities(&[88_000, 5_300, 700, 301, 38, 3], 38),
        rate: 786.4,
        elapsed: Duration::from_secs(120),
        stages: [
            stage(2, 4, 0, 22, 41, 0.18),
            stage(50, 50, 8_000, 102, 180, 0.99),
            stage(1, 1, 512, 9, 30, 0.06),
        ],
        usage: Usage {
            requests: 963,
            inputs: 93_800,
            tokens: 2_410_000,
            remembered: 580,
        },
        cost_usd: 0.3133,
        waiting: Some(("throttled: tokens/min".into(), Some(Duration::from_millis(2_400)))),
        version: 5,
    }
}

/// A snapshot once nothing moves any more.
fn idle(snapshot: Snapshot) -> Snapshot {
    Snapshot {
        read: snapshot.settled(),
        in_hand: 0,
        rate: 0.0,
        stages: snapshot.stages.map(|stage| StageSnapshot {
            in_flight: 0,
            queue: 0,
            busy: 0.0,
            ..stage
        }),
        waiting: None,
        ..snapshot
    }
}

/// Twelve failures in scroll order: id, class, attempts, age in minutes, error.
const ROWS: &str = "\
17 | no_content | 1 | 150 | no key `content`
1042 | too_long | 1 | 150 | 400 Bad Request: this model's maximum context length is 8192 tokens
1043 | too_long | 3 | 2 | 400 Bad Request: this model's maximum context length is 8192 tokens
90210 | rejected | 2 | 2 | 400: content policy
18446744073709551615 | empty_content | 1 | 2160 | `content` is blank
0b3d6c1e-0000-4000-8000-000000000001 | bad_vector | 1 | 1 | NaN at 17
2f9a7b4c-0000-4000-8000-000000000002 | too_long | 2 | 5 | \
    400 Bad Request: this model's maximum context length is 8192 tokens, however you requested 9310 tokens
4e1c8d2a-0000-4000-8000-000000000003 | not_text | 1 | 7 | `content` is a list
6a5b9f3e-0000-4000-8000-000000000004 | bad_payload | 1 | 9 | 1e400 is not finite
8f2c0a91-0000-4000-8000-000000000005 | no_embedder | 1 | 9 | nobody embeds audio
a7d4e6b8-0000-4000-8000-000000000006 | gone | 2 | 9 | no longer in Qdrant
c0aa11f7-0000-4000-8000-000000000007 | rejected | 1 | 9 | 400: 日本語 refused";

/// The rows of [`ROWS`], each half a minute older than it says, so that its age does not change while a test runs.
fn rows() -> Vec<FailureRow> {
    let row = |line: &str| {
        let [id, cause, attempts, minutes, error] = line.split(" | ").collect::<Vec<_>>()[..] else {
            panic!("{line:?} has not five fields");
        };
        let cause = Cause::parse(cause).expect("a class");
        let minutes: i64 = minutes.parse().expect("minutes");
        let skipped = cause == Cause::Gone;
        FailureRow {
            id: id.parse().expect("a point id"),
            state: if skipped { State::Skipped } else { State::Failed },
            cause,
            error: error.into(),
            reason: skipped.then(|| "deleted on purpose".into()),
            attempts: attempts.parse().expect("attempts"),
            first_at: now_ms() - 172_800_000,
            last_at: now_ms() - minutes * 60_000 - 30_000,
        }
    };
    ROWS.lines().map(row).collect()
}

// --- reading a frame

fn terminal(width: u16, height: u16) -> Terminal<TestBackend> {
    Terminal::new(TestBackend::new(width, height)).expect("a test backend opens")
}

/// The characters of a frame; what a wide one covers is left out.
fn text(buffer: &Buffer) -> String {
    let mut lines = String::new();
    for y in 0..buffer.area.height {
        let mut line = String::new();
        let mut x = 0;
        while x < buffer.area.width {
            let symbol = buffer[(x, y)].symbol();
            line.push_str(symbol);
            x += (symbol.width() as u16).max(1);
        }
        lines.push_str(line.trim_end());
        lines.push('\n');
    }
    lines
}

/// `12:34:56` as `hh:mm:ss`.
fn without_clock(text: &str) -> String {
    let mut left: Vec<char> = text.chars().collect();
    let is_clock = |window: &[char]| {
        window.iter().zip("dd:dd:dd".chars()).all(|(c, wanted)| {
            if wanted == 'd' {
                c.is_ascii_digit()
            } else {
                *c == wanted
            }
        })
    };
    for start in 0..left.len().saturating_sub(7) {
        if is_clock(&left[start..start + 8]) {
            left.splice(start..start + 8, "hh:mm:ss".chars());
        }
    }
    left.into_iter().collect()
}

/// Where an ASCII text begins, first from the top.
#[track_caller]
fn find(buffer: &Buffer, wanted: &str) -> (u16, u16) {
    let length = wanted.len() as u16;
    for y in 0..buffer.area.height {
        for x in 0..=buffer.area.width.saturating_sub(length) {
            let is_it = |i: u16| buffer[(x + i, y)].symbol().as_bytes() == &wanted.as_bytes()[i as usize..=i as usize];
            if (0..length).all(is_it) {
                return (x, y);
            }
        }
    }
    panic!("{wanted:?} is not on the screen:\n{}", text(buffer));
}

/// Colour and weight of the cell where a text begins.
#[track_caller]
fn style_of(buffer: &Buffer, wanted: &str) -> (Color, Modifier) {
    let cell = &buffer[find(buffer, wanted)];
    (cell.fg, cell.modifier)
}

/// Colour and weight of the bar behind a label of the histogram.
#[track_caller]
fn style_of_bar(buffer: &Buffer, label: &str) -> (Color, Modifier) {
    let (x, y) = find(buffer, label);
    let bar = (x..buffer.area.width).find(|x| buffer[(*x, y)].symbol() == "█");
    let cell = &buffer[(bar.expect("a bar that is not empty"), y)];
    (cell.fg, cell.modifier)
}

// --- snapshots

#[test]
fn connecting() {
    Scene::connecting().assert_looks("connecting");
}

#[test]
fn running() {
    Scene::running().assert_looks("running");
}

#[test]
fn running_in_ascii() {
    Scene::running().assert_looks_at("running_in_ascii", (80, 24), ASCII);
}

#[test]
fn paused() {
    let snapshot = Snapshot {
        phase: Phase::Paused,
        waiting: Some(("paused by operator".into(), None)),
        ..idle(half_way())
    };
    let scene = Scene::running().phase(Phase::Pausing).seeing(snapshot);
    scene.phase(Phase::Paused).assert_looks("paused");
}

#[test]
fn stopped_with_a_reason() {
    Scene::stopped("the embedder does not answer: 503 Service Unavailable, 8 tries").assert_looks("stopped");
}

#[test]
fn complete_with_failures() {
    Scene::complete().assert_looks("complete");
}

#[test]
fn failed_to_begin() {
    let reason = "Qdrant at http://localhost:6334 does not answer: connection refused; is it running?";
    let scene = Scene::connecting().note(Level::Error, reason);
    scene
        .phase(Phase::Failed(reason.into()))
        .assert_looks("failed_to_begin");
}

#[test]
fn failures_before_the_journal_answers() {
    Scene::complete().press("3").assert_looks("failures_loading");
}

#[test]
fn failures_without_any() {
    let snapshot = Snapshot {
        written: 94_392,
        failed: 0,
        ..half_way()
    };
    let scene = Scene::running().seeing(snapshot).press("3").list(Vec::new());
    scene.assert_looks("failures_empty");
}

#[test]
fn failures_filtered_to_nothing() {
    let scene = Scene::failures().press("/timeout").list(Vec::new());
    scene.assert_looks_at("failures_typing", (80, 24), COLORS);
    scene.press("\n").assert_looks("failures_filtered_to_nothing");
}

#[test]
fn failures_with_marks_and_retries() {
    Scene::failures().assert_looks("failures");
}

#[test]
fn a_failure_stands_under_the_list_or_beside_it() {
    Scene::detail().assert_looks("detail");
}

#[test]
fn log() {
    Scene::log().assert_looks("log");
}

#[test]
fn help() {
    Scene::failures().press("?").assert_looks("help");
}

#[test]
fn asking_before_leaving() {
    Scene::running().press("q").assert_looks("quit");
}

// --- what styles mean

#[test]
fn the_selected_row_is_reversed_and_only_that() {
    for theme in [COLORS, PLAIN, ASCII] {
        let screen = Scene::failures().draw(theme, (120, 40));
        for (id, selected) in [("2f9a7b4c", true), ("0b3d6c1e", false), ("4e1c8d2a", false)] {
            let (_, y) = find(&screen, id);
            let reversed = |x| screen[(x, y)].modifier.contains(Modifier::REVERSED);
            assert!((1..119).all(|x| reversed(x) == selected), "{id}");
        }
    }
}

#[test]
fn the_shown_screen_and_the_safe_answer_are_reversed() {
    let screen = Scene::running().press("q").draw(PLAIN, (80, 24));
    for (text, reversed) in [
        ("1 Migrate", true),
        ("3 Failures", false),
        ("Cancel", true),
        ("Stop cleanly", false),
    ] {
        let (_, modifier) = style_of(&screen, text);
        assert_eq!(modifier.contains(Modifier::REVERSED), reversed, "{text}");
    }
}

#[test]
fn bars_below_the_threshold_warn() {
    for (theme, good, warn) in [
        (COLORS, Color::Green, Color::Yellow),
        (PLAIN, Color::Reset, Color::Reset),
    ] {
        let screen = Scene::running().draw(theme, (120, 40));
        for label in ["0.999", "0.990", "0.980"] {
            assert_eq!(style_of_bar(&screen, label), (good, Modifier::empty()), "{label}");
        }
        for label in ["0.950", "0.900", "0.700"] {
            assert_eq!(style_of_bar(&screen, label), (warn, Modifier::BOLD), "{label}");
        }
    }
}

#[test]
fn phases_are_told_by_word_weight_and_colour() {
    for (phase, word, color) in [
        (Phase::Failed("no Qdrant".into()), "FAILED", Color::Red),
        (Phase::Stopped("outage".into()), "STOPPED", Color::Yellow),
        (Phase::Paused, "PAUSED", Color::Yellow),
        (Phase::Running, "RUNNING", Color::Green),
    ] {
        let scene = Scene::connecting().phase(phase);
        let colored = style_of(&scene.draw(COLORS, (80, 24)), word);
        assert_eq!(colored, (color, Modifier::BOLD), "{word}");
        let plain = style_of(&scene.draw(PLAIN, (80, 24)), word);
        assert_eq!(plain, (Color::Reset, Modifier::BOLD), "{word}");
    }
}

#[test]
fn a_sum_that_does_not_add_up_is_told_in_red() {
    let mut scene = Scene::running();
    let wrong = Snapshot {
        written: 94_379,
        ..half_way()
    };
    scene.app.update(Message::Snapshot(Box::new(wrong)), scene.now);
    let screen = scene.draw(COLORS, (80, 24));
    assert_eq!(style_of(&screen, "DOES NOT ADD UP"), (Color::Red, Modifier::BOLD));
    assert!(!text(&Scene::running().draw(COLORS, (80, 24))).contains("DOES NOT ADD UP"));
}

#[test]
fn without_colour_there_is_none_and_ascii_is_ascii() {
    for (name, scene) in Scene::all() {
        for cell in scene.draw(PLAIN, (120, 40)).content() {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset), "{name}");
        }
        // The points' own texts are shown as they are; one of them has wide characters.
        let screen = text(&scene.draw(ASCII, (120, 40))).replace("日本語", "");
        assert!(screen.is_ascii(), "{name}:\n{screen}");
    }
}

#[test]
fn the_cursor_is_where_the_filter_is_typed() {
    for (keys, column) in [
        ("", None),
        ("/", Some(3)),
        ("/a", Some(4)),
        ("/a日", Some(6)),
        ("/a\n", None),
    ] {
        let scene = Scene::failures().press(keys);
        let mut terminal = terminal(80, 24);
        terminal
            .draw(|frame| ui::draw(frame, &scene.app, &COLORS))
            .expect("a test backend draws");
        let cursor = terminal.backend().cursor_position();
        let seen = terminal.backend().cursor_visible().then_some((cursor.x, cursor.y));
        assert_eq!(seen, column.map(|column| (column, 3)), "{keys:?}");
    }
}

// --- sizes

#[test]
fn any_size_draws_without_a_panic() {
    let scenes = Scene::all();
    let mut sizes: Vec<(u16, u16)> = (1..=210)
        .step_by(7)
        .flat_map(|width| (1..=70).step_by(3).map(move |height| (width, height)))
        .collect();
    sizes.extend([(59, 16), (60, 15), (60, 16), (1, 1), (210, 70), (500, 16), (60, 200)]);
    for (width, height) in sizes {
        let mut terminal = terminal(width, height);
        for (_, scene) in &scenes {
            terminal
                .draw(|frame| ui::draw(frame, &scene.app, &COLORS))
                .expect("a test backend draws");
        }
    }
}

#[test]
fn too_small_a_terminal_is_asked_for_more_room() {
    for (size, says) in [
        ((59, 16), Some("qlance needs 60 x 16; this is 59 x 16")),
        ((60, 15), Some("qlance needs 60 x 16; this is 60 x 15")),
        ((60, 16), None),
    ] {
        let screen = text(&Scene::running().draw(COLORS, size));
        match says {
            Some(says) => assert_eq!(screen.trim(), says),
            None => assert!(
                screen.contains("1 Migrate") && !screen.contains("qlance needs"),
                "{screen}"
            ),
        }
    }
}

#[test]
fn the_smallest_screen_still_shows_the_progress() {
    let screen = text(&Scene::running().draw(COLORS, (60, 16)));
    for part in ["94,392 / 200,000", "read 94,904 = written 94,380"] {
        assert!(screen.contains(part), "{part:?} is missing:\n{screen}");
    }
}

#[test]
fn at_80x24_nothing_that_matters_is_cut() {
    let size = (80, 24);
    let mut missing = Vec::new();
    let mut want = |screen: &str, part: &str| {
        if !screen.contains(part) {
            missing.push(part.to_owned());
        }
    };
    let scene = Scene::running();
    let screen = text(&scene.draw(COLORS, size));
    want(&screen, "342 divergent");
    want(&screen, &format!("peak {}", count(scene.app.throughput.peak())));
    want(&screen, "99 %");
    want(&screen, "<- limit");
    let screen = text(&Scene::failures().draw(COLORS, size));
    want(&screen, "? help");
    want(&screen, "q quit");
    for (_, digit) in Screen::ALL {
        let scene = Scene::failures().press(&format!("{digit}?"));
        let screen = text(&scene.draw(COLORS, size));
        for action in keymap::on(scene.app.screen) {
            match action.id {
                // Ways through a list share a line, and so do the screens; each of their keys is there.
                ActionId::Move(_) | ActionId::Show(_) => want(&screen, action.keys[0]),
                _ => want(&screen, &action.long.chars().take(30).collect::<String>()),
            }
        }
    }
    assert!(missing.is_empty(), "{missing:#?}");
}

// --- hostile texts

#[test]
fn hostile_texts_are_shown_as_text() {
    let row = FailureRow {
        error: HOSTILE.into(),
        ..rows()[1].clone()
    };
    let failure = Failure::new(Cause::Rejected, HOSTILE);
    let waiting = Snapshot {
        waiting: Some((HOSTILE.into(), None)),
        ..half_way()
    };
    let content = |text: &str| serde_json::json!({ "content": text });
    let running = Scene::running;
    let listed = |row: &FailureRow| running().press("3").list(vec![row.clone()]);
    let mut pasted = running().press("3/");
    pasted.app.update(Message::Paste(HOSTILE.into()), pasted.now);

    let escape = "\u{fffd}[31m";
    let turned = "\u{fffd}dlrow";
    for (name, shown, scene) in vec![
        ("the collection's name", escape, Scene::of(HOSTILE)),
        ("Qdrant's version", escape, running().event(opened(HOSTILE))),
        (
            "the latest failure",
            escape,
            running().event(TaskEvent::PointFailed(row.id, failure)),
        ),
        ("why it stopped", escape, Scene::stopped(HOSTILE)),
        ("why it waits", escape, running().seeing(waiting)),
        ("a flash", escape, running().note(Level::Warn, HOSTILE)),
        (
            "the log",
            escape,
            running().note(Level::Warn, HOSTILE).later().press("7"),
        ),
        ("the list", escape, listed(&row)),
        ("an open failure", escape, listed(&row).open(&row, &content("text"))),
        (
            "a payload",
            turned,
            listed(&rows()[0]).open(&rows()[0], &content(HOSTILE)),
        ),
        ("the filter", turned, pasted),
    ] {
        for size in SIZES {
            let screen = scene.draw(COLORS, size);
            for cell in screen.content() {
                assert!(!cell.symbol().contains(is_harmful), "{name}: {:?}", cell.symbol());
            }
            // Replaced, not dropped: the operator sees that something was there.
            let screen = text(&screen);
            assert!(screen.contains(shown), "{name} at {size:?}:\n{screen}");
        }
    }
}

/// A control character, or one that turns the writing direction.
fn is_harmful(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
