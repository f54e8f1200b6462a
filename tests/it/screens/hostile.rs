//! Texts and payloads of any kind, put through every screen that shows them.

use std::time::{Duration, Instant};

use crossterm::event::KeyCode;
use qlance::app::Message;
use qlance::journal::{Decided, Decision, Edit, FailureRow};
use qlance::lance::browse::RankedRow;
use qlance::point::diff::{RecordDiff, Verdict};
use qlance::point::{Cause, Failure, Payload, PointId, Similarity};
use qlance::tasks::inspect::{Neighbour, Neighbours, PairSummary, PointDetail};
use qlance::tasks::meters::Waiting;
use qlance::tasks::plan::PlanReport;
use qlance::tasks::search::{Found, Hit, NoAnswer};
use qlance::tasks::{JobFacts, Level, Phase, Snapshot, StopReason, TaskEvent};
use qlance::ui;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use serde_json::{Value, json};

use super::migrate::{half_way, plan, ready, running, stopped};
use super::{ASCII, COLORS, SIZES, Scene, ago, diff, divergence, facts, failures, opened, payload, search, verify};

/// What a payload or a server may put into a text: an escape sequence, a bell, turned writing, wide and joined signs.
pub(super) const HOSTILE: &str = "\u{1b}[31mred\u{7}\u{9b}2J\r\n\u{202e}dlrow\u{2066}\u{200f}\u{feff} 日本語 \
                       \u{1f469}\u{200d}\u{1f467} e\u{301}\t\u{200b}\u{0}";

/// A control character, or one that turns the writing direction.
fn is_harmful(c: char) -> bool {
    let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || turns || c == '\u{feff}'
}

#[track_caller]
pub(super) fn assert_harmless(buffer: &Buffer, name: &str) {
    for cell in buffer.content() {
        assert!(!cell.symbol().contains(is_harmful), "{name}: {:?}", cell.symbol());
    }
}

// --- one kind of content, everywhere

/// A payload with the text that its content is.
pub(super) struct Content {
    name: &'static str,
    text: String,
    pub(super) payload: Payload,
}

impl Content {
    pub(super) fn of_text(name: &'static str, text: String) -> Self {
        let key = cut(&text, 40);
        let some = cut(&text, 5_000);
        let payload = payload(json!({ "content": text, "list": [some], "nested": { key: some } }));
        Self { name, text, payload }
    }

    fn small() -> Vec<Self> {
        let turned = "\u{202e}\u{2067}\u{200e}\u{202a}abc \u{2069}\u{202c}";
        vec![
            Self::of_text("escapes", HOSTILE.into()),
            Self::of_text("turned", turned.repeat(400)),
            Self::of_text("no width", "\u{200b}\u{200d}\u{301}\u{feff}".repeat(2_000)),
            Self::of_text("lines", "a\n\r\n\tb\u{b}\u{c}\u{85}\u{2028}".repeat(800)),
        ]
    }

    fn large() -> Vec<Self> {
        let fields = (0..2_000).map(|n| (format!("field {n:04} {HOSTILE}"), json!({ "n": n, "text": HOSTILE })));
        let mut wide: Payload = fields.collect();
        wide.insert("content".into(), json!("two thousand fields"));
        let mut deep = json!(HOSTILE);
        for _ in 0..30 {
            deep = json!([{ HOSTILE: deep }]);
        }
        vec![
            Self::of_text("wide", "日本語\u{1f469}\u{200d}\u{1f467}\u{ff21}".repeat(2_000)),
            Self::of_text("piled", format!("e{}", "\u{301}".repeat(3_000))),
            Self::of_text("5 MB", HOSTILE.repeat((5 << 20) / HOSTILE.len())),
            Self {
                name: "2,000 fields",
                text: "two thousand fields".into(),
                payload: wide,
            },
            Self {
                name: "60 levels",
                text: "sixty levels".into(),
                payload: payload(json!({ "content": "sixty levels", "deep": deep })),
            },
        ]
    }

    /// The same with every field changed a little, for the other store.
    fn other(&self) -> Payload {
        let changed = |value: &Value| match value {
            Value::String(text) => json!(format!("{text} {HOSTILE}")),
            other => json!([other, HOSTILE]),
        };
        self.payload
            .iter()
            .map(|(key, value)| (key.clone(), changed(value)))
            .collect()
    }

    /// An error that quotes the content, as the journal keeps it.
    fn failure(&self) -> Failure {
        Failure::new(Cause::Rejected, format!("400: {}", cut(&self.text, 4_000)))
    }

    pub(super) fn row(&self) -> FailureRow {
        FailureRow {
            error: self.failure().message,
            reason: Some(cut(&self.text, 1_000)),
            ..failures::rows()[1].clone()
        }
    }

    fn edit(&self) -> Edit {
        Edit {
            before: None,
            after: cut(&self.text, 50_000),
            at: ago(5),
        }
    }

    fn decided(&self) -> Decided {
        Decided {
            decision: Decision::Accepted,
            similarity: Similarity::new(0.5),
            note: Some(cut(&self.text, 1_000)),
            at: ago(5),
        }
    }

    fn ranked(&self) -> RankedRow {
        RankedRow {
            id: PointId::Num(42),
            similarity: Similarity::new(0.5),
            snippet: Some(cut(&self.text, 160)),
        }
    }

    pub(super) fn inspected(&self) -> PointDetail {
        let neighbour = Neighbour {
            id: PointId::Num(7),
            score: 0.5,
            shared: true,
            snippet: Some(cut(&self.text, 120)),
        };
        PointDetail {
            id: PointId::Num(42),
            content: Some(self.text.clone()),
            neighbours: Ok(Neighbours {
                score: "cosine similarity",
                qdrant: vec![neighbour.clone(); 10],
                lancedb: vec![neighbour; 9],
            }),
            decided: Some(self.decided()),
            edit: Some(self.edit()),
            ..divergence::detail()
        }
    }

    pub(super) fn found(&self) -> Found {
        let mut found = search::found();
        found.space = Some(cut(&self.text, 100));
        found.columns = vec![cut(&self.text, 100)];
        found.lancedb.hits = vec![
            Hit {
                snippet: Some(cut(&self.text, 160)),
                ..found.lancedb.hits[0].clone()
            };
            20
        ];
        found
    }

    fn record(&self) -> RecordDiff {
        diff::compared(self.payload.clone(), self.other())
    }

    fn plan(&self) -> PlanReport {
        let mut plan = plan();
        plan.collection = cut(&self.text, 100);
        plan.warnings.push(cut(&self.text, 2_000));
        plan.fields[0].name = cut(&self.text, 100);
        plan.columns[0].1 = cut(&self.text, 100);
        plan
    }

    /// Every screen that shows it.
    fn scenes(&self) -> Vec<(&'static str, Scene)> {
        let row = self.row();
        let error = self.failure().message;
        let short = cut(&self.text, 200);
        let detail = || failures::detail(&row, self.payload.clone(), Some(self.edit()));
        let listed = || running().press("3").listing(vec![row.clone()]);
        let ranked = || {
            let rows = vec![(self.ranked(), None), (self.ranked(), Some(self.decided()))];
            running().press("2\t").ranked(rows)
        };
        let pairs = vec![PairSummary {
            id: PointId::Num(17),
            verdict: Verdict::MissingInLancedb,
            differing: 1,
            because: Some(format!("failed: {error}")),
        }];
        let sampled = || running().press("4n").sampled(pairs.clone());
        let record = || sampled().press("\n").reading_pair(self.record());
        let facts = JobFacts {
            qdrant_version: short.clone(),
            space: short.clone(),
            state_dir: short.clone(),
            comparable: Err(short.clone()),
            ..facts()
        };
        let named = || Scene::of(&short).event(opened(facts.clone()));
        let waiting = Snapshot {
            waiting: Some(Waiting {
                reason: short.clone(),
                ..Waiting::default()
            }),
            ..half_way()
        };
        let verified = || verify::decided(verify::of_text(&error));
        let pasted = |scene: Scene| scene.take(Message::Paste(short.clone()));
        vec![
            ("the header", named()),
            ("the log", named().note(Level::Warn, &error).later().press("7")),
            ("a flash", running().note(Level::Error, &error)),
            (
                "the latest failure",
                running().event(TaskEvent::PointFailed(row.id, self.failure())),
            ),
            ("why it stopped", stopped(StopReason::Trouble(error.clone()))),
            ("why it cannot begin", named().phase(Phase::Failed(error.clone()))),
            ("why it waits", running().seeing(waiting)),
            ("the plan", ready(self.plan())),
            ("spaces apart", named().press("2").ranked(Vec::new())),
            ("failures", listed()),
            ("a failure", listed().press("\n").reading(detail())),
            (
                "a failure scrolled",
                listed()
                    .press("\n")
                    .reading(detail())
                    .press(&format!("\t{}", "j".repeat(60))),
            ),
            ("the editor", listed().press("e").reading(detail())),
            ("the filter", pasted(listed().press("/"))),
            ("the palette", pasted(listed().press(":"))),
            ("the reason", pasted(listed().press("s"))),
            ("divergence", ranked()),
            ("a point", ranked().press("\n").inspected(self.inspected())),
            (
                "a point scrolled",
                ranked().press("\n").inspected(self.inspected()).press(&"j".repeat(30)),
            ),
            ("a search", running().press("6/x\n").finding(self.found())),
            (
                "a search without Qdrant",
                running().press("6/x\n").finding(Found {
                    qdrant: Err(NoAnswer::Failed(error.clone())),
                    ..search::found()
                }),
            ),
            ("no search", running().press("6/x\n").refusing(&error)),
            ("a verification", verified()),
            ("a check", verified().press("\t")),
            ("offenders", verified().press("\n")),
            ("reasons", verified().press("\t\t\t")),
            ("no verification", verify::verifying().not_verified(&error)),
            ("pairs", sampled()),
            ("a pair", record()),
            ("a pair unfolded", record().press("f").key(KeyCode::PageDown)),
            ("a pair scrolled", record().press("w").key(KeyCode::Right)),
        ]
    }
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

#[test]
fn no_text_reaches_the_terminal_as_anything_but_text() {
    for content in Content::small().into_iter().chain(Content::large()) {
        for (place, scene) in content.scenes() {
            let name = format!("{} in {place}", content.name);
            for size in SIZES {
                assert_harmless(&scene.draw(COLORS, size), &name);
            }
            assert_harmless(&scene.draw(ASCII, (80, 24)), &name);
        }
    }
}

#[test]
fn what_was_replaced_can_be_seen() {
    let escapes = Content::of_text("escapes", HOSTILE.into());
    for (place, scene) in escapes.scenes() {
        // Typed and edited text leaves out what cannot be typed; what is scrolled past is not seen.
        if [
            "the editor",
            "the filter",
            "the palette",
            "the reason",
            "a failure scrolled",
        ]
        .contains(&place)
        {
            continue;
        }
        for size in SIZES {
            let screen = scene.text(size);
            let shown = screen.contains('\u{fffd}') || screen.contains("\\u{");
            assert!(shown, "{place} at {size:?}:\n{screen}");
        }
    }
}

#[test]
fn a_frame_takes_no_longer_for_what_it_does_not_show() {
    for content in Content::large() {
        for (place, scene) in content.scenes() {
            let mut terminal = Terminal::new(TestBackend::new(200, 60)).expect("a test backend opens");
            let begun = Instant::now();
            for _ in 0..20 {
                terminal
                    .draw(|frame| ui::draw(frame, &scene.app, &COLORS))
                    .expect("a test backend draws");
            }
            let took = begun.elapsed();
            assert!(
                took < Duration::from_secs(1),
                "20 frames of {} in {place}: {took:?}",
                content.name
            );
        }
    }
}

#[test]
fn five_megabytes_are_not_edited_by_hand() {
    let large = Content::of_text("5 MB", "x".repeat(5 << 20));
    let detail = failures::detail(&large.row(), large.payload.clone(), None);
    let scene = running()
        .press("3")
        .listing(vec![large.row()])
        .press("e")
        .reading(detail);
    assert!(scene.app.failures.editor.is_none());
    let screen = scene.text((80, 24));
    assert!(screen.contains("too long to be edited here"), "{screen}");
}
