//! Texts and payloads of any kind, put through every screen that shows them.

mod frames;

use std::time::{Duration, Instant};

use crossterm::event::KeyCode;
use qlance::app::Message;
use qlance::journal::{Decided, Decision, Edit, FailureRow};
use qlance::lance::browse::{Band, RankedRow};
use qlance::point::diff::{Because, RecordDiff, Verdict};
use qlance::point::{Cause, Failure, Payload, PointId, Similarity};
use qlance::tasks::inspect::{Neighbour, Neighbours, PairSummary, PointDetail};
use qlance::tasks::meters::Waiting;
use qlance::tasks::plan::PlanReport;
use qlance::tasks::search::{Found, Hit, NoAnswer};
use qlance::tasks::{FailureDetail, JobFacts, Level, Owned, Phase, Snapshot, StopReason, TaskEvent};
use qlance::ui;
use qlance::ui::text::clean;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use super::migrate::{half_way, plan, ready, running, stopped};
use super::wire::is_harmful;
use super::{COLORS, SIZES, Scene, ago, diff, divergence, facts, failures, opened, payload, search, verify};

/// What a payload or a server may put into a text: an escape sequence, a bell, turned writing, wide and joined signs.
pub(super) const HOSTILE: &str = "\u{1b}[31mred\u{7}\u{9b}2J\r\n\u{202e}dlrow\u{2066}\u{200f}\u{feff} 日本語 \
                       \u{1f469}\u{200d}\u{1f467} e\u{301}\t\u{200b}\u{0}";

/// Every way to begin a sequence, in 7 and in 8 bits, with what a terminal would do for it; and signs that some
/// terminals join and others do not.
pub(super) const SEQUENCES: &str = "\u{1b}]0;owned\u{7} \u{1b}]52;c;b3duZWQ=\u{1b}\\ \
    \u{9d}2;owned\u{9c} \u{1b}P$q\"p\u{1b}\\ \
    \u{90}1$r\u{9c} \u{1b}_G\u{9c} \u{1b}^x\u{1b}X \u{1b}[6n\u{1b}[5m\u{1b}c\u{1b}(0 \u{8}\u{7f}\u{e} \
    \u{2028}\u{2029}\u{2060}\u{61c}\u{200c} \u{1f44d}\u{1f3fd} \u{2764}\u{fe0f} 1\u{fe0f}\u{20e3} \
    \u{1f1e9}\u{1f1ea} \u{1f3f4}\u{e0067}\u{e0062}\u{e007f} \u{1112}\u{1161}\u{11ab} \u{ff76}\u{ff9e} \
    \u{915}\u{94d}\u{937} \u{644}\u{627} \u{5d0}\u{5dc} \u{e01}\u{e33} ";

#[track_caller]
pub(super) fn assert_harmless(buffer: &Buffer, name: &str) {
    for cell in buffer.content() {
        assert!(!cell.symbol().contains(is_harmful), "{name}: {:?}", cell.symbol());
    }
}

/// A text of plain letters that fills the same columns of the same lines.
pub(super) fn tame(text: &str) -> String {
    let of_line = |line: &str| -> String {
        let letters = |cluster: &str| {
            if cluster.is_ascii() {
                return cluster.to_owned();
            }
            "x".repeat(cluster.width())
        };
        clean(line).graphemes(true).map(letters).collect()
    };
    text.split('\n').map(of_line).collect::<Vec<_>>().join("\n")
}

/// The same for all texts and names of a value. Of a text that is much too long for any screen, the beginning.
fn tamed(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(tame(&cut(text, 1_000_000))),
        Value::Array(items) => Value::Array(items.iter().map(tamed).collect()),
        Value::Object(fields) => {
            let field = |(key, value): (&String, &Value)| (tame(key), tamed(value));
            Value::Object(fields.iter().map(field).collect())
        }
        other => other.clone(),
    }
}

// --- one kind of content, everywhere

/// A payload with the text that its content is.
pub(super) struct Content {
    name: &'static str,
    text: String,
    pub(super) payload: Payload,
    /// What the other store has in addition.
    more: String,
}

impl Content {
    pub(super) fn of_text(name: &'static str, text: String) -> Self {
        let key = cut(&text, 40);
        let some = cut(&text, 5_000);
        let payload = payload(json!({ "content": text, "list": [some], "nested": { key: some } }));
        let more = HOSTILE.into();
        Self {
            name,
            text,
            payload,
            more,
        }
    }

    /// The same with plain letters.
    fn tamed(&self) -> Self {
        let fields = self.payload.iter().map(|(key, value)| (tame(key), tamed(value)));
        Self {
            name: self.name,
            text: tame(&cut(&self.text, 1_000_000)),
            payload: fields.collect(),
            more: tame(&self.more),
        }
    }

    pub(super) fn all() -> Vec<Self> {
        Self::small().into_iter().chain(Self::large()).collect()
    }

    fn small() -> Vec<Self> {
        let turned = "\u{202e}\u{2067}\u{200e}\u{202a}abc \u{2069}\u{202c}";
        vec![
            Self::of_text("escapes", HOSTILE.into()),
            Self::of_text("sequences", SEQUENCES.repeat(60)),
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
                more: HOSTILE.into(),
            },
            Self {
                name: "60 levels",
                text: "sixty levels".into(),
                payload: payload(json!({ "content": "sixty levels", "deep": deep })),
                more: HOSTILE.into(),
            },
        ]
    }

    /// The same with every field changed a little, for the other store.
    fn other(&self) -> Payload {
        let changed = |value: &Value| match value {
            Value::String(text) => json!(format!("{text} {}", self.more)),
            other => json!([other, self.more]),
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

    pub(super) fn decided(&self) -> Decided {
        Decided {
            decision: Decision::Accepted,
            similarity: Similarity::new(0.5),
            note: Some(cut(&self.text, 1_000)),
            at: ago(5),
        }
    }

    pub(super) fn ranked(&self) -> RankedRow {
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

    pub(super) fn record(&self) -> RecordDiff {
        RecordDiff {
            because: Some(Because::Failed(self.failure().message)),
            ..diff::compared(self.payload.clone(), self.other())
        }
    }

    pub(super) fn pairs(&self) -> Vec<PairSummary> {
        vec![PairSummary {
            id: PointId::Num(17),
            verdict: Verdict::MissingInLancedb,
            differing: 1,
            because: Some(Because::Failed(self.failure().message)),
        }]
    }

    /// A job all of whose names are this.
    pub(super) fn facts(&self) -> JobFacts {
        let short = cut(&self.text, 200);
        JobFacts {
            job: short.clone(),
            collection: short.clone(),
            qdrant_version: short.clone(),
            table: short.clone(),
            space: short.clone(),
            content: short.clone(),
            state_dir: short.clone(),
            comparable: Err(short),
            ..facts()
        }
    }

    pub(super) fn plan(&self) -> PlanReport {
        let mut plan = plan();
        plan.collection = cut(&self.text, 100);
        plan.warnings.push(cut(&self.text, 2_000));
        plan.fields[0].name = cut(&self.text, 100);
        plan.columns[0].1 = cut(&self.text, 100);
        plan.table = cut(&self.text, 100);
        plan.space = cut(&self.text, 100);
        plan.qdrant_version = cut(&self.text, 100);
        plan.vectors[0].name = cut(&self.text, 100);
        plan.tokens.how = cut(&self.text, 1_000);
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
        let sampled = || running().press("4n").sampled(self.pairs());
        let record = || sampled().press("\n").reading_pair(self.record());
        let named = || Scene::of(&short).event(opened(self.facts()));
        let line = payload(json!({ "content": cut(&self.text, 100).replace(['\r', '\n'], " ") }));
        let pasted = |scene: Scene| scene.take(Message::Paste(short.clone()));
        let one_line = || failures::detail(&row, line.clone(), None);
        let editing = |detail: FailureDetail| listed().press("e").reading(detail);
        let sought = || pasted(running().press("6/")).press("\n");
        let waiting = Snapshot {
            waiting: Some(Waiting {
                reason: short.clone(),
                ..Waiting::default()
            }),
            ..half_way()
        };
        let verified = || verify::decided(verify::of_text(&error));
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
            (
                "a failure without its payload",
                listed().press("\n").reading(FailureDetail {
                    payload: Err(error.clone()),
                    ..detail()
                }),
            ),
            ("no failures", running().press("3").unanswered(Owned::Failures, &error)),
            ("the editor", editing(detail())),
            ("the editor of a line", editing(one_line())),
            ("the editor of a line, pasted", pasted(editing(one_line()))),
            ("the editor, pasted", pasted(editing(detail())).press("x")),
            ("the filter", pasted(listed().press("/"))),
            ("the palette", pasted(listed().press(":"))),
            ("the reason", pasted(listed().press("s"))),
            ("the place of an export", pasted(listed().press("E"))),
            ("help over it", listed().press("?")),
            ("the palette over it", listed().press(":")),
            ("a question over it", listed().press("q")),
            (
                "a question about it",
                pasted(listed().press("/"))
                    .press("\n")
                    .listing(vec![row.clone()])
                    .press("R"),
            ),
            ("divergence", ranked()),
            (
                "no divergence",
                running().press("2").unanswered(Owned::Divergent(Band::ALL), &error),
            ),
            (
                "no agreement",
                divergence::apart_listed()
                    .press("n")
                    .unanswered(Owned::Agreement, &error),
            ),
            (
                "a point without neighbours",
                ranked().press("\n").inspected(PointDetail {
                    neighbours: Err(error.clone()),
                    ..self.inspected()
                }),
            ),
            ("a note", pasted(ranked().press("a"))),
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
            ("a query", pasted(running().press("6/"))),
            ("a query asked", sought().finding(self.found())),
            (
                "a file that is no picture",
                pasted(running().press("6/@")).press("\n").refusing(&error),
            ),
            ("a condition", pasted(running().press("6f"))),
            ("a condition refused", pasted(running().press("6f")).press("\n")),
            ("a verification", verified()),
            ("a check", verified().press("\t")),
            ("offenders", verified().press("\n")),
            ("reasons", verified().press("\t\t\t")),
            ("no verification", verify::verifying().not_verified(&error)),
            ("pairs", sampled()),
            ("an id", pasted(running().press("4i"))),
            ("an id refused", pasted(running().press("4i")).press("\n")),
            ("a pair", record()),
            ("a pair unfolded", record().press("f").key(KeyCode::PageDown)),
            ("a pair scrolled", record().press("w").key(KeyCode::Right)),
            ("vectors", sampled().press("\n").reading_pair(diff::named(&short))),
        ]
    }
}

fn cut(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

/// Where no sign of what was replaced need be seen: typed and edited text leaves out what cannot be typed, and what is
/// scrolled past or lies under something else is not seen.
const NOT_SEEN: [&str; 20] = [
    "the editor",
    "the editor of a line",
    "the editor of a line, pasted",
    "the editor, pasted",
    "the filter",
    "the palette",
    "the reason",
    "the place of an export",
    "help over it",
    "the palette over it",
    "a question over it",
    "a question about it",
    "a note",
    "a query",
    "a file that is no picture",
    "a condition",
    "a condition refused",
    "an id",
    "an id refused",
    "a failure scrolled",
];

#[test]
fn what_was_replaced_can_be_seen() {
    let escapes = Content::of_text("escapes", HOSTILE.into());
    for (place, scene) in escapes.scenes() {
        if NOT_SEEN.contains(&place) {
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
            // The quickest of ten: what else the machine does is no matter of the frame's.
            let frames = (0..10).map(|_| {
                let begun = Instant::now();
                terminal
                    .draw(|frame| ui::draw(frame, &scene.app, &COLORS))
                    .expect("a test backend draws");
                begun.elapsed()
            });
            let took = frames.min().expect("ten frames");
            assert!(
                took < Duration::from_millis(50),
                "a frame of {} in {place}: {took:?}",
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
