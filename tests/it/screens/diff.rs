//! The Diff screen: pairs with their verdicts, and one pair field by field.

mod missing;

use crossterm::event::KeyCode;
use qlance::app::Message;
use qlance::point::diff::{Because, RecordDiff, Verdict, compare};
use qlance::point::{Payload, Point, PointId, Vector, Vectors};
use qlance::tasks::inspect::PairSummary;
use qlance::tasks::{Owned, SampleOf, TaskCommand, TaskEvent};
use qlance::ui;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier};
use serde_json::json;

use super::frame::{assert_says, find, is_reversed, style_of};
use super::migrate::running;
use super::{ASCII, COLORS, PLAIN, SIZES, Scene, payload};

/// Pairs of every verdict: id, verdict, differing fields, because.
const PAIRS: &str = "\
17 | differs | 10 |
1042 | same | 0 |
1043 | same | 0 |
90210 | missing in LanceDB | 7 |
90211 | in neither store | 0 |
18446744073709551615 | differs | 1 | edited by hand: What the choir sang
0b3d6c1e-0000-4000-8000-000000000001 | missing in Qdrant | 4 |
2f9a7b4c-0000-4000-8000-000000000002 | missing in LanceDB | 6 | failed: 400 Bad Request: too many tokens
4e1c8d2a-0000-4000-8000-000000000003 | same | 0 |
6a5b9f3e-0000-4000-8000-000000000004 | missing in LanceDB | 5 | skipped: deleted on purpose
7c0d1e5b-0000-4000-8000-000000000005 | differs | 0 | cannot be read from Qdrant: 1e400 is not finite";

/// The words for why, as they are told.
fn because(words: &str) -> Option<Because> {
    let (kind, what) = words.split_once(": ")?;
    let what = what.to_owned();
    let because = match kind {
        "failed" => Because::Failed(what),
        "skipped" => Because::Skipped(what),
        "edited by hand" => Because::Edited(what),
        "cannot be read from Qdrant" => Because::Unreadable(what),
        _ => panic!("{words:?} is no reason"),
    };
    Some(because)
}

pub(super) fn pairs() -> Vec<PairSummary> {
    const VERDICTS: [Verdict; 5] = [
        Verdict::Same,
        Verdict::Differs,
        Verdict::MissingInLancedb,
        Verdict::MissingInQdrant,
        Verdict::MissingInBoth,
    ];
    let pair = |line: &str| {
        let [id, verdict, differing, why] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("{line:?} has not four fields");
        };
        let verdict = VERDICTS.into_iter().find(|known| known.label() == verdict);
        PairSummary {
            id: id.parse().expect("a point id"),
            verdict: verdict.expect("a verdict"),
            differing: differing.parse().expect("a number"),
            because: because(why),
        }
    };
    PAIRS.lines().map(pair).collect()
}

/// Both sides of the point 17, compared.
pub(super) fn compared(left: Payload, right: Payload) -> RecordDiff {
    let id = PointId::Num(17);
    let terms = || Vector::Sparse {
        indices: vec![3, 17],
        values: vec![0.5, 0.25],
    };
    let qdrant = Point {
        id,
        payload: left,
        vectors: Vectors::from([
            (String::new(), Vector::Dense(vec![3.0, 4.0])),
            ("terms".into(), terms()),
            ("title".into(), Vector::Dense(vec![1.0, 0.0])),
        ]),
    };
    let lancedb = Point {
        id,
        payload: right,
        vectors: Vectors::from([
            ("terms".into(), terms()),
            ("title".into(), Vector::Dense(vec![1.0, 0.5])),
            ("voice".into(), Vector::Dense(vec![1.0])),
        ]),
    };
    let embedding: &[f32] = &[0.6, 0.8];
    let mut record = compare(id, Some(&qdrant), Some(&lancedb), Some(("", embedding)), false);
    record.light_words();
    record
}

/// Vectors of this name, in one store and in both.
pub(super) fn named(name: &str) -> RecordDiff {
    let id = PointId::Num(17);
    let point = |vectors: Vectors| Point {
        id,
        payload: payload(json!({ "content": "Rain." })),
        vectors,
    };
    let dense = || Vector::Dense(vec![3.0, 4.0]);
    let left = point(Vectors::from([
        (name.to_owned(), dense()),
        (format!("{name}2"), dense()),
    ]));
    let right = point(Vectors::from([(name.to_owned(), dense())]));
    compare(id, Some(&left), Some(&right), None, false)
}

/// Changed words, types only, missing and null.
pub(super) fn record() -> RecordDiff {
    let (before, after) = (
        "The choir sang of the harbour before the tide came in, and the whole town came down to hear the last of the \
         summer concerts.",
        "The choir sang of the bay before the tide came in, and the whole town came down to hear the last of the \
         autumn concerts.",
    );
    let left = json!({
        "attachments": ["a.png", "b.png"],
        "author": "Mara",
        "content": before,
        "draft": null,
        "long": format!("{} one {}", "lorem ipsum ".repeat(30), "dolor sit ".repeat(30)),
        "pages": 3,
        "score": 1,
        "tags": { "en": "harbour", "kind": "song" },
        "views": 12,
    });
    let right = json!({
        "attachments": ["a.png"],
        "author": "Mara",
        "content": after,
        "long": format!("{} two {}", "lorem ipsum ".repeat(30), "dolor sit ".repeat(30)),
        "pages": 3,
        "score": 1.0,
        "tags": { "en": null, "kind": "song" },
        "views": "12",
        "written_at": "2026-03-01",
    });
    compared(payload(left), payload(right))
}

/// The point 17 with nothing to it.
fn rain() -> Point {
    Point {
        id: PointId::Num(17),
        payload: payload(json!({ "content": "Rain.", "pages": 3 })),
        vectors: Vectors::from([(String::new(), Vector::Dense(vec![3.0, 4.0]))]),
    }
}

impl Scene {
    pub(super) fn sampled(self, pairs: Vec<PairSummary>) -> Self {
        // To whatever was asked for last.
        let asked = self.sent.iter().rev().find_map(|command| match command {
            TaskCommand::SamplePairs(of) => Some(of.clone()),
            _ => None,
        });
        self.event(TaskEvent::PairsSampled(asked.expect("pairs were asked for"), pairs))
    }

    /// The answer to opening a pair.
    pub(super) fn reading_pair(self, record: RecordDiff) -> Self {
        self.event(TaskEvent::PairRead(Box::new(record)))
    }
}

/// A sample with every verdict.
pub(super) fn listed() -> Scene {
    running().press("4n").sampled(pairs())
}

/// The same, with the first pair open.
pub(super) fn opened() -> Scene {
    listed().press("\n").reading_pair(record())
}

// --- snapshots

#[test]
fn before_the_job_is_open() {
    let scene = Scene::of("messages").press("4");
    scene.assert_looks("diff_not_open");
}

#[test]
fn before_anything_was_asked_for() {
    running().press("4").assert_looks("diff_nothing_yet");
}

#[test]
fn waiting_for_a_sample() {
    running().press("4n").assert_looks("diff_waiting");
}

#[test]
fn a_sample_that_cannot_be_compared_and_an_empty_one() {
    let error = "Qdrant does not answer: connection refused";
    let scene = running()
        .press("4n")
        .unanswered(Owned::Pairs(SampleOf::Random), error)
        .later();
    scene.assert_looks("diff_failed");
    assert_says(&scene.text((80, 24)), "Enter asks the same again");
    assert_says(&scene.text((80, 24)), " Enter again  n sample");
    let colors = scene.draw(COLORS, (80, 24));
    assert_eq!(style_of(&colors, "cannot compare"), (Color::Red, Modifier::BOLD));
    assert_eq!(style_of(&colors, "Enter asks"), (Color::Reset, Modifier::DIM));
    let scene = running().press("4n").sampled(Vec::new());
    scene.assert_looks("diff_empty");
    assert_says(&scene.text((80, 24)), "both stores are empty; n looks again");
}

#[test]
fn pairs_of_every_verdict() {
    let scene = listed();
    scene.assert_looks("diff");
    // Of what cannot be read only that is said.
    assert_says(&scene.text((80, 24)), "000000000005 cannot be read from Qdrant: 1e400");
    for size in SIZES {
        scene.assert_looks_at("diff_ascii", size, ASCII);
    }
}

#[test]
fn an_open_pair_folded() {
    let scene = opened();
    scene.assert_looks("diff_opened");
    // What the signs mean, and that there is more.
    let screen = scene.text((80, 24));
    for part in [
        "Q Qdrant, L LanceDB; ~ changed, t type, < Q only, > L only",
        "... 5 more below",
    ] {
        assert_says(&screen, part);
    }
    assert_says(&scene.press("G").text((80, 24)), " more above");
    let scene = opened();
    // Where there is room, the list beside it has whole ids, and why.
    let wide = scene.text((200, 60));
    for part in [
        "2f9a7b4c-0000-4000-8000-000000000002 missing in LanceDB (failed: 400",
        "1 difference (edited by hand: What",
        "17                                   10 differences",
    ] {
        assert_says(&wide, part);
    }
    assert!(!scene.text((200, 60)).contains("more below"));
    for size in SIZES {
        scene.assert_looks_at("diff_opened_ascii", size, ASCII);
    }
    scene.assert_looks_at("diff_opened_stacked", (70, 30), COLORS);
    assert_says(&scene.text((70, 30)), "> L only ");
    // Where there is none, both ends of an id are seen.
    assert_says(&scene.text((120, 40)), "2f9a7b~00002 missing in LanceDB");
}

#[test]
fn an_open_pair_unfolded() {
    opened().press("f").assert_looks("diff_unfolded");
}

#[test]
fn an_open_pair_not_wrapped_and_scrolled() {
    let scene = opened().press("w").key(KeyCode::Right).key(KeyCode::Right);
    scene.assert_looks("diff_scrolled");
    let screen = scene.text((80, 24));
    for part in [
        "Point 17: differs, from column 21 on",
        " L  (missing)",
        " Q  null",
        // What lies before and behind is told apart from the signs of the legend.
        " Q  ~e harbour before the tide came in, and the whole town came down to hear ~",
    ] {
        assert_says(&screen, part);
    }
    assert!(!screen.contains(" Q  <"), "{screen}");
    // Where all of it is seen, nothing is behind.
    let screen = opened().press("w").text((80, 24));
    assert_says(&screen, " Q  b.png ");
}

#[test]
fn an_open_pair_that_is_the_same() {
    let same = compare(PointId::Num(17), Some(&rain()), Some(&rain()), None, false);
    let scene = listed().press("\n").reading_pair(same);
    scene.assert_looks("diff_same");
    // What was listed as different is so no more: the list follows.
    let screen = scene.text((120, 40));
    assert_says(&screen, "Pairs: 4 of 11 same");
    assert_says(&screen, "17           same");
    assert!(!screen.contains("] next"), "{screen}");
    let scene = scene.press("f");
    scene.assert_looks("diff_same_folded");
    let screen = scene.draw(COLORS, (80, 24));
    assert_eq!(
        style_of(&screen, "every field is equal"),
        (Color::Green, Modifier::empty())
    );
    assert_eq!(
        style_of(&screen, "f shows the equal fields"),
        (Color::Reset, Modifier::DIM)
    );
}

#[test]
fn a_pair_that_is_being_read() {
    let scene = listed().press("\n");
    scene.assert_looks("diff_reading");
    assert_says(&scene.text((80, 24)), "reading both stores ...");
    // Another one, while the first is open.
    let scene = opened().press("\tj\n");
    let screen = scene.text((120, 40));
    assert_says(&screen, "reading both stores ...");
    assert!(!screen.contains("Point 17"), "{screen}");
}

/// The point 17 with so many named vectors; those named differ.
fn with_vectors(count: u8, differing: &[u8]) -> RecordDiff {
    let vectors = |shift: f32| -> Vectors {
        let numbers = |n: u8| vec![1.0, if differing.contains(&n) { shift } else { 1.0 }];
        (1..=count)
            .map(|n| (format!("v{n}"), Vector::Dense(numbers(n))))
            .collect()
    };
    let point = |shift| Point {
        vectors: vectors(shift),
        ..rain()
    };
    compare(PointId::Num(17), Some(&point(0.5)), Some(&point(0.25)), None, false)
}

#[test]
fn vectors_that_differ_are_told_first_and_the_others_counted() {
    let scene = |record| listed().press("\n").reading_pair(record);
    let only = scene(with_vectors(2, &[2]));
    only.assert_looks("diff_vectors_only");
    assert_says(&only.text((120, 40)), "0 fields differ, 2 equal, 1 vector differs");
    let folded = only.press("f").text((120, 40));
    assert_says(&folded, "every field is equal, types included; 1 vector differs");
    let many = scene(with_vectors(9, &[7]));
    many.assert_looks("diff_vectors_many");
    // Where there is room, all of them are told.
    let screen = many.text((120, 40));
    assert!(screen.contains("v9: ") && !screen.contains("not shown"), "{screen}");
    // And in half of a lower pane, where they are fewer.
    let screen = many.text((80, 24));
    assert!(screen.contains("v9: ") && !screen.contains("not shown"), "{screen}");
    let screen = scene(with_vectors(12, &[7])).text((80, 24));
    let place = |part: &str| {
        screen
            .find(part)
            .unwrap_or_else(|| panic!("{part:?} is missing:\n{screen}"))
    };
    assert!(place("v7: ") < place("v1: "), "{screen}");
    assert_says(&screen, "3 more vectors not shown, none of them differs");
    let warn = (Color::Yellow, Modifier::BOLD);
    assert_eq!(
        style_of(&many.draw(COLORS, (120, 40)), "~ v7: 2 numbers, cosine 0.97619"),
        warn
    );
    for part in [
        "largest difference 0.250000 at index 1,",
        "v1: equal, 2 numbers, norm 1.4142",
    ] {
        assert_says(&many.text((80, 24)), part);
    }
    let all = scene(with_vectors(9, &[1, 2, 3, 4, 5, 6, 7, 8, 9])).text((80, 24));
    assert_says(&all, "3 more vectors not shown, 3 of them differ");
    assert_says(&all, "9 vectors differ");
    let one = scene(with_vectors(10, &[])).text((80, 24));
    assert_says(&one, "1 more vector not shown, it does not differ");
}

#[test]
fn fields_that_are_not_shown_are_counted() {
    let same = compare(PointId::Num(17), Some(&rain()), Some(&rain()), None, false);
    let beyond = RecordDiff {
        not_shown: 1_234,
        verdict: Verdict::Differs,
        ..same
    };
    let scene = listed().press("\n").reading_pair(beyond);
    // Unfolded it shows what is equal; folded, nothing.
    let scene = scene.press("f");
    scene.assert_looks("diff_not_shown");
    let screen = scene.text((200, 60));
    assert_says(&screen, "1,234 more not compared");
    assert_says(&screen, "0 compared fields differ, 2 equal");
    assert_says(&screen, "what differs is among those that are not compared");
    assert_says(&scene.text((80, 24)), "f shows the equal fields; y copies the id");
}

/// A field of 90 lines, and one after it; both differ.
fn long() -> Scene {
    let lines = |end: &str| -> String {
        let lines: Vec<String> = (1..=90).map(|n| format!("verse {n} {end}")).collect();
        lines.join("\n")
    };
    let left = payload(json!({ "a": 1, "verses": lines("a"), "z": 1 }));
    let right = payload(json!({ "a": 2, "verses": lines("b"), "z": 2 }));
    listed().press("\n").reading_pair(compared(left, right))
}

#[test]
fn the_selected_field_unfolds_and_is_scrolled_to_its_last_line() {
    let scene = long();
    // As many as the pane's height leaves, and what brings the others.
    assert_says(&scene.text((120, 40)), "... 74 more lines; select to read");
    assert_says(&scene.text((200, 60)), "... 64 more lines; select to read");
    scene.assert_looks("diff_long");
    let unfolded = scene.press("j");
    unfolded.assert_looks("diff_long_selected");
    // Stacked, both sides are seen from the same line on.
    for part in [" Q  verse 1 a", " L  verse 1 b"] {
        assert_says(&unfolded.text((80, 24)), part);
    }
    let scrolled = unfolded.press("l").text((80, 24));
    for part in [" Q  verse 11 a", " L  verse 11 b"] {
        assert_says(&scrolled, part);
    }
    for (size, last) in [((80, 24), 90), ((100, 30), 90), ((120, 40), 90), ((200, 60), 90)] {
        let area = Rect::new(0, 0, size.0, size.1);
        let mut scene = long().press("j");
        for _ in 0..40 {
            let reach = ui::reach::reach(&scene.app, area);
            assert!(reach.field.is_some(), "{size:?}");
            scene = scene.take(Message::Reach(reach)).press("l");
        }
        let screen = scene.text(size);
        assert_says(&screen, "verse 90 b");
        assert_says(&screen, &format!("to {last} of {last}; Right and Left scroll"));
        // One key back is seen at once: it was not scrolled past its end.
        let back = scene.press("h").text(size);
        assert!(!back.contains("verse 90 b"), "{back}");
    }
}

#[test]
fn the_sides_stack_below_100_columns_of_the_terminal() {
    for (size, beside, listed) in [
        ((80, 24), false, false),
        ((99, 30), false, false),
        ((100, 30), true, true),
        ((115, 30), true, true),
        ((116, 30), true, true),
        ((200, 60), true, true),
    ] {
        let screen = opened().text(size);
        let heading = screen
            .lines()
            .any(|line| line.contains("Qdrant  ") && line.contains("LanceDB  "));
        assert_eq!(heading, beside, "{size:?}:\n{screen}");
        assert_eq!(screen.contains(" Q  "), !beside, "{size:?}:\n{screen}");
        assert_eq!(screen.contains("Pairs: "), listed, "{size:?}:\n{screen}");
    }
    opened().assert_looks_at("diff_opened_above", (100, 30), COLORS);
    // The list above it says that there is more.
    assert_says(&opened().text((100, 30)), " 7 more below ");
    // Above it, the list is clicked as it is beside it.
    let scene = opened().click((100, 30), "1042");
    assert_eq!(scene.app.selected_id(), Some(PointId::Num(1_042)));
}

// --- what styles mean

#[test]
fn changed_words_are_lit_and_underlined_and_no_others() {
    let changed = Modifier::BOLD | Modifier::UNDERLINED;
    for (theme, color) in [(COLORS, Color::Yellow), (PLAIN, Color::Reset)] {
        let screen = opened().draw(theme, (200, 60));
        for word in ["harbour", "bay", "summer", "autumn", "one dolor", "two dolor"] {
            assert_eq!(style_of(&screen, word), (color, changed), "{word}");
        }
        for word in ["choir sang", "before the tide", "concerts.", "dolor sit"] {
            assert_eq!(style_of(&screen, word), (Color::Reset, Modifier::empty()), "{word}");
        }
        // What stands for equal text is no text of the value.
        let mark = "...(301 characters equal)...orem ipsum";
        assert_eq!(style_of(&screen, mark), (Color::Reset, Modifier::DIM));
    }
}

#[test]
fn signs_and_types_say_how_a_field_differs() {
    let screen = opened().text((200, 60));
    for line in [
        "Point 17: differs",
        "8 fields differ, 4 equal, folded",
        "< attachments[1]  (string | missing)",
        "~ content",
        "< draft  (null | missing)",
        "t score  (integer | double)",
        "~ tags.en  (string | null)",
        "~ views  (integer | string)",
        "> written_at  (missing | string)",
        "(missing)",
        "  embedding: embedded anew, 2 numbers, cosine 1.00000, largest difference 3.200000 at index 1, norm 5.0000 | 1.0000",
        "~ title: 2 numbers, cosine 0.89443, largest difference 0.500000 at index 1, norm 1.0000 | 1.1180",
        "  terms: equal, 2 entries",
        "> voice: missing | 1 number, norm 1.0000",
    ] {
        assert_says(&screen, line);
    }
    assert!(!screen.contains("author"), "{screen}");
    assert_says(&opened().press("f").text((200, 60)), "  author");
    let colors = opened().draw(COLORS, (200, 60));
    let warn = (Color::Yellow, Modifier::BOLD);
    assert_eq!(style_of(&colors, "title: 2 numbers"), warn);
    let plain = (Color::Reset, Modifier::empty());
    assert_eq!(style_of(&colors, "embedding: embedded anew"), plain);
    assert_eq!(style_of(&colors, "t score"), warn);
    assert_eq!(style_of(&colors, "terms: equal"), (Color::Reset, Modifier::DIM));
}

#[test]
fn the_selected_field_is_reversed_and_jumps_move_it() {
    let columns = || 43..119;
    let scene = opened();
    assert!(is_reversed(
        &scene.draw(COLORS, (120, 40)),
        "< attachments[1]",
        columns()
    ));
    let scene = scene.press("]");
    let screen = scene.draw(COLORS, (120, 40));
    assert!(is_reversed(&screen, "~ content", columns()));
    assert!(!is_reversed(&screen, "< attachments[1]", columns()));
    let scene = scene.press("[[");
    assert!(is_reversed(&scene.draw(COLORS, (120, 40)), "> written_at", columns()));
}

#[test]
fn a_pair_that_the_journal_explains_is_no_warning() {
    let screen = listed().draw(COLORS, (120, 40));
    assert!(is_reversed(&screen, "17 ", 1..119));
    for (id, style) in [
        ("1042", (Color::Reset, Modifier::empty())),
        ("90210", (Color::Yellow, Modifier::BOLD)),
        ("2f9a7b4c", (Color::Cyan, Modifier::empty())),
        // What cannot be read is none of the journal's.
        ("7c0d1e5b", (Color::Yellow, Modifier::BOLD)),
    ] {
        assert_eq!(style_of(&screen, id), style, "{id}");
    }
}

#[test]
fn unwrapped_texts_are_scrolled_sideways() {
    let scene = opened().press("w");
    assert_says(&scene.text((120, 40)), "The choir sang of the harbour");
    let screen = scene.key(KeyCode::Right).text((120, 40));
    assert!(!screen.contains("The choir"), "{screen}");
    assert_says(&screen, "sang of the harbour");
}

// --- what is asked for

#[test]
fn a_click_selects_a_pair_and_a_named_one_is_opened() {
    for size in [(80, 24), (200, 60)] {
        let scene = listed().click(size, "90210");
        assert_eq!(scene.app.selected_id(), Some(PointId::Num(90_210)));
        let (_, y) = find(&scene.draw(COLORS, size), "90210");
        assert_eq!(y, 6, "{size:?}");
    }
    let scene = opened().click((120, 40), "90210");
    assert_eq!(scene.app.selected_id(), Some(PointId::Num(90_210)));
    let named = running().press("4i17\n");
    let ids = SampleOf::Ids(vec![PointId::Num(17)]);
    assert_eq!(named.sent.last(), Some(&TaskCommand::SamplePairs(ids)));
    let named = named.sampled(pairs()[..1].to_vec());
    assert_eq!(named.sent.last(), Some(&TaskCommand::ReadPair(PointId::Num(17))));
}
