//! The Search screen: what is asked, and the answers of both stores side by side.

mod room;
mod words;

use std::collections::BTreeSet;
use std::time::Duration;

use qlance::app::Screen;
use qlance::point::{Modality, PointId};
use qlance::tasks::search::{Answered, Found, Hit, NoAnswer, SearchFor};
use qlance::tasks::{Owned, SampleOf, TaskCommand, TaskEvent};
use ratatui::style::{Color, Modifier};

use super::frame::{assert_says, find, is_reversed, style_of};
use super::migrate::running;
use super::{ASCII, COLORS, PLAIN, SIZES, Scene, opened};

/// LanceDB's results: id, score, what it is made of, the beginning of its content.
const LANCEDB: &str = "\
1042 | 0.8312 | text | The choir sang of the harbour at night.
0b3d6c1e-0000-4000-8000-000000000001 | 0.8107 | image | A photo of the pier, lanterns lit
17 | 0.7995 | text | 日本語 on the harbour wall, painted over twice
4711 | 0.7801 | audio |
90210 | 0.7702 | text | Night boats leave at eleven, and nobody waves them off since the war.
23 | 0.7421 | text | harbour
42 | 0.7200 | text | What was rehearsed at the harbour before the storm came
43 | 0.6999 | text | What was rehearsed at the harbour after it
44 | 0.6512 | text | Rain.
18446744073709551615 | 0.6311 | | the last of all ids
46 | 0.6102 | text | tide tables for the autumn
47 | 0.6001 | text | ropes";

/// Qdrant's.
const QDRANT: &str = "\
1042 | 0.8290 | text | The choir sang of the harbour at night.
17 | 0.8004 | text | 日本語 on the harbour wall, painted over twice
77 | 0.7712 | text | A lighthouse keeper's diary, page one
42 | 0.7222 | text | What was rehearsed at the harbour before the storm came
4711 | 0.7199 | audio |
78 | -0.0112 | image | the mole seen from above";

fn hits(lines: &str, other: &str) -> Vec<Hit> {
    let ids = |lines: &str| -> Vec<PointId> {
        let id = |line: &str| line.split('|').next().map(str::trim).and_then(|id| id.parse().ok());
        lines.lines().map(|line| id(line).expect("a point id")).collect()
    };
    let others: BTreeSet<PointId> = ids(other).into_iter().collect();
    let hit = |(place, (id, line)): (usize, (PointId, &str))| {
        let [_, score, modality, snippet] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("{line:?} has not four fields");
        };
        Hit {
            rank: place + 1,
            id,
            score: score.parse().expect("a score"),
            modality: Modality::parse(modality),
            snippet: (!snippet.is_empty()).then(|| snippet.to_owned()),
            shared: others.contains(&id),
        }
    };
    ids(lines).into_iter().zip(lines.lines()).enumerate().map(hit).collect()
}

/// What both stores answer by vector.
pub(super) fn found() -> Found {
    let answered = |lines, other, milliseconds| Answered {
        score: "cosine similarity",
        took: Duration::from_millis(milliseconds),
        hits: hits(lines, other),
    };
    Found {
        space: Some("openai/text-embedding-3-large@1536".into()),
        columns: vec!["embedding".into()],
        text_column: None,
        embedding: Duration::from_millis(112),
        lancedb: answered(LANCEDB, QDRANT, 9),
        qdrant: Ok(answered(QDRANT, LANCEDB, 4)),
        shared: 4,
    }
}

/// The same where neither found anything.
fn nothing() -> Found {
    let mut found = found();
    found.lancedb.hits.clear();
    if let Ok(answered) = &mut found.qdrant {
        answered.hits.clear();
    }
    found.shared = 0;
    found
}

impl Scene {
    /// What was searched for last.
    fn sought(&self) -> Box<SearchFor> {
        let asked = self.sent.iter().rev().find_map(|command| match command {
            TaskCommand::Search(wanted) => Some(wanted.clone()),
            _ => None,
        });
        asked.expect("a search was asked for")
    }

    pub(super) fn finding(self, found: Found) -> Self {
        let of = self.sought();
        self.event(TaskEvent::Searched(of, Box::new(found)))
    }

    pub(super) fn refusing(self, error: &str) -> Self {
        let of = Owned::Search(self.sought());
        self.unanswered(of, error)
    }
}

/// A query that is not answered yet.
fn waiting() -> Scene {
    running().press("6/the harbour at night\n")
}

/// The same, answered by both stores.
pub(super) fn answered() -> Scene {
    waiting().finding(found())
}

/// Answered by LanceDB alone.
pub(super) fn by_keywords() -> Scene {
    let mut found = found();
    found.space = None;
    found.columns.clear();
    found.text_column = Some("content".into());
    found.embedding = Duration::from_micros(3);
    found.lancedb.score = "BM25";
    for (place, hit) in found.lancedb.hits.iter_mut().enumerate() {
        hit.score = 17.25 / (place + 1) as f64;
        hit.shared = false;
    }
    found.qdrant = Err(NoAnswer::NotAsked("Qdrant is searched by vector only".into()));
    found.shared = 0;
    waiting().press("s").finding(found)
}

/// Answered by vector and by keywords together.
fn hybrid() -> Scene {
    let mut found = found();
    found.text_column = Some("content".into());
    found.lancedb.score = "reciprocal rank fusion";
    for hit in &mut found.lancedb.hits {
        hit.score = 2.0 / (60 + hit.rank) as f64;
    }
    waiting().press("ss").finding(found)
}

// --- snapshots

#[test]
fn before_the_job_is_open() {
    Scene::of("messages").press("6").assert_looks("search_not_open");
}

#[test]
fn before_anything_was_asked() {
    running().press("6").assert_looks("search_nothing_yet");
    let carried = Scene::open().press("6");
    carried.assert_looks("search_nothing_yet_carried");
}

#[test]
fn a_query_and_a_condition_are_typed() {
    let scene = running().press("6/@pier.p");
    scene.assert_looks("search_typing");
    let scene = running().press("6/ \n");
    scene.assert_looks("search_typing_error");
    let scene = answered().press("fthread_id =\n");
    scene.assert_looks("search_condition_error");
}

#[test]
fn searching() {
    waiting().assert_looks("search_waiting");
    let everything_set = running().press("6mmxfthread_id = 'x'\n/@pier.png\n");
    everything_set.assert_looks("search_waiting_for_a_file");
}

#[test]
fn both_stores_side_by_side() {
    let scene = answered();
    scene.assert_looks("search");
    for size in SIZES {
        scene.assert_looks_at("search_ascii", size, ASCII);
    }
    scene.assert_looks_at("search_stacked", (99, 50), COLORS);
    scene.assert_looks_at("search_smallest", (60, 16), COLORS);
    scene.press("\tjj").assert_looks("search_qdrant_walked");
}

#[test]
fn the_earlier_answer_while_a_new_one_is_waited_for() {
    answered().press("m").assert_looks("search_again");
}

#[test]
fn by_keywords_and_hybrid() {
    by_keywords().assert_looks("search_keywords");
    hybrid().assert_looks("search_hybrid");
}

/// Answered by LanceDB, and not by Qdrant.
fn without_qdrant(why: NoAnswer) -> Scene {
    let mut found = found();
    found.qdrant = Err(why);
    found.shared = 0;
    for hit in &mut found.lancedb.hits {
        hit.shared = false;
    }
    waiting().finding(found)
}

#[test]
fn where_qdrant_is_not_asked_or_does_not_answer() {
    let why = "Qdrant holds no vectors of openai/text-embedding-3-large@1536";
    let not_asked = without_qdrant(NoAnswer::NotAsked(why.into()));
    not_asked.assert_looks("search_without_qdrant");
    let failed = without_qdrant(NoAnswer::Failed("Qdrant does not answer: connection refused".into()));
    failed.assert_looks("search_qdrant_failed");
    for size in SIZES {
        assert_says(&not_asked.text(size), "Qdrant: not asked");
        assert_says(&failed.text(size), "Qdrant: no answer");
    }
    let (dim, warn) = ((Color::Reset, Modifier::DIM), (Color::Yellow, Modifier::BOLD));
    assert_eq!(style_of(&not_asked.draw(COLORS, (80, 24)), "Qdrant holds no"), dim);
    assert_eq!(style_of(&failed.draw(COLORS, (80, 24)), "Qdrant does not"), warn);
    assert_eq!(style_of(&failed.draw(COLORS, (80, 24)), "/ and Enter ask again"), dim);
}

#[test]
fn nothing_found() {
    waiting().finding(nothing()).assert_looks("search_nothing_found");
    let filtered = waiting().press("fthread_id = 'x'\n").finding(nothing());
    filtered.assert_looks("search_nothing_found_filtered");
    let of_a_kind = waiting().press("mm").finding(nothing());
    of_a_kind.assert_looks("search_nothing_found_of_a_kind");
    let mut only_one = nothing();
    only_one.lancedb.hits = found().lancedb.hits[1..2].to_vec();
    only_one.lancedb.hits[0].rank = 1;
    waiting().finding(only_one).assert_looks("search_found_by_one");
}

#[test]
fn a_search_that_cannot_be_answered() {
    let error = "column \"content\" has no keyword index yet; `qlance run` builds it after the last point";
    let scene = waiting().press("s").refusing(error);
    scene.assert_looks("search_failed");
    let refused = running().press("6s/@pier.png\n");
    refused.assert_looks("search_refused");
}

// --- what styles mean

#[test]
fn what_both_name_has_a_sign_beside_its_colour() {
    let good = (Color::Green, Modifier::empty());
    let plain = (Color::Reset, Modifier::empty());
    for size in [(80, 40), (120, 40), (200, 60)] {
        let screen = answered().draw(COLORS, size);
        assert_eq!(style_of(&screen, "=  3    0.7995"), good, "{size:?}");
        assert_eq!(style_of(&screen, "=  2    0.8004"), good, "{size:?}");
        assert_eq!(style_of(&screen, "   2    0.8107"), plain, "{size:?}");
        assert_eq!(style_of(&screen, "   3    0.7712"), plain, "{size:?}");
    }
    let screen = answered().draw(PLAIN, (120, 40));
    assert_eq!(style_of(&screen, "=  3    0.7995"), plain);
}

#[test]
fn the_selected_result_is_reversed_where_the_keys_are() {
    let (left, right) = (|| 1..59, || 61..119);
    let scene = answered().press("j");
    let screen = scene.draw(COLORS, (120, 40));
    assert!(is_reversed(&screen, "   2    0.8107", left()));
    assert!(!is_reversed(&screen, "   2    0.8107", right()));
    let elsewhere = (Color::Reset, Modifier::BOLD | Modifier::UNDERLINED);
    let good = (Color::Green, Modifier::empty());
    assert_eq!(style_of(&screen, "=  1    0.8290"), good, "Qdrant does not name it");
    // Of the other list the same point is marked, whatever its rank there.
    let scene = scene.press("j");
    let screen = scene.draw(COLORS, (120, 40));
    assert_eq!(style_of(&screen, "=  3    0.7995").1, Modifier::REVERSED);
    assert_eq!(style_of(&screen, "=  2    0.8004"), elsewhere);
    let scene = scene.press("\tjj");
    let screen = scene.draw(COLORS, (120, 40));
    assert!(is_reversed(&screen, "   3    0.7712", right()));
    assert!(!is_reversed(&screen, "   3    0.7712", left()));
    assert_eq!(style_of(&screen, "=  3    0.7995"), good, "LanceDB does not name it");
    let screen = scene.press("j").draw(COLORS, (120, 40));
    assert!(is_reversed(&screen, "=  4    0.7222", right()));
    assert_eq!(style_of(&screen, "=  7    0.7200"), elsewhere);
}

#[test]
fn an_earlier_answer_is_dim_and_said_to_be_one() {
    for size in SIZES {
        let screen = answered().press("m").draw(COLORS, size);
        let dim = (Color::Reset, Modifier::DIM);
        assert_eq!(style_of(&screen, "   2    0.8107"), dim, "{size:?}");
        assert_eq!(style_of(&screen, "=  3    0.7995"), dim, "{size:?}");
        find(&screen, "earlier: 12 results in 9 ms");
        find(&screen, "searching ...; below, the earlier answer");
    }
}

#[test]
fn what_went_wrong_is_red_and_bold() {
    let screen = waiting().refusing("no Qdrant").draw(COLORS, (80, 24));
    let bad = (Color::Red, Modifier::BOLD);
    assert_eq!(style_of(&screen, "cannot search: no Qdrant"), bad);
    let refused = running().press("6s/@pier.png\n").draw(COLORS, (80, 24));
    assert_eq!(style_of(&refused, "cannot search: keywords are text"), bad);
}

// --- what is there to be read

#[test]
fn scores_are_called_what_they_are() {
    for (scene, lancedb, qdrant) in [
        (answered(), "LanceDB: cosine similarity", "Qdrant: cosine similarity"),
        (by_keywords(), "LanceDB: BM25", "Qdrant: not asked"),
        (hybrid(), "LanceDB: reciprocal rank fusion", "Qdrant: cosine similarity"),
    ] {
        for size in SIZES {
            let screen = scene.text(size);
            assert_says(&screen, lancedb);
            assert_says(&screen, qdrant);
        }
    }
}

#[test]
fn the_head_of_an_answer_counts_and_names_the_time() {
    for size in SIZES {
        let screen = answered().text(size);
        assert_says(&screen, "12 results in 9 ms, 4 shared with Qdrant (=)");
        assert_says(&screen, "6 results in 4 ms, 4 shared with LanceDB (=)");
        assert_says(&screen, "embedded in 112 ms as openai/text-embedding-3-large@1536");
        let screen = by_keywords().text(size);
        assert_says(&screen, "12 results in 9 ms");
        assert!(!screen.contains("shared with"), "{screen}");
        assert_says(&screen, "Qdrant is searched by vector only");
    }
}

#[test]
fn results_that_are_not_seen_are_counted() {
    for (keys, said) in [
        ("", "6 more below"),
        ("jjjj", "1 more above, 5 below"),
        ("G", "6 more above"),
    ] {
        assert_says(&answered().press(keys).text((80, 24)), said);
    }
    for size in [(120, 40), (200, 60)] {
        let screen = answered().text(size);
        assert!(!screen.contains(" more "), "{size:?}:\n{screen}");
    }
}

#[test]
fn the_settings_stand_beside_their_keys() {
    for size in SIZES {
        let screen = running().press("6").text(size);
        assert_says(&screen, "m find anything   s by vector   x exact   f all points");
        let screen = running().press("6mmssx").text(size);
        assert_says(&screen, "m find pictures   s by vector and keywords   x by index");
    }
    assert_says(&running().press("6/@pier.png\n").text((80, 24)), "/ @pier.png");
}

#[test]
fn answers_stack_below_a_hundred_columns() {
    for (size, beside) in [
        ((99, 40), false),
        ((100, 40), true),
        ((200, 24), true),
        ((60, 16), false),
    ] {
        let screen = answered().draw(COLORS, size);
        let (lancedb, qdrant) = (find(&screen, "LanceDB: cosine"), find(&screen, "Qdrant: cosine"));
        assert_eq!(lancedb.1 == qdrant.1, beside, "{size:?}");
        assert!(lancedb < qdrant || !beside, "LanceDB comes first");
    }
}

#[test]
fn the_selected_result_is_always_seen() {
    for size in [(60, 16), (80, 24), (120, 40)] {
        assert_says(&answered().press("G").text(size), "0.6001");
        assert_says(&answered().press("\tG").text(size), "-0.0112");
    }
}

// --- what is asked for

#[test]
fn a_click_chooses_a_result_and_enter_opens_it_in_diff() {
    for size in [(80, 24), (120, 40), (200, 60)] {
        let scene = answered().click(size, "0.8107");
        let uuid: PointId = "0b3d6c1e-0000-4000-8000-000000000001".parse().expect("a point id");
        assert_eq!(scene.app.selected_id(), Some(uuid));
        let scene = scene.click(size, "0.7712");
        assert_eq!(scene.app.selected_id(), Some(PointId::Num(77)));
        let scene = scene.press("\n");
        let ids = SampleOf::Ids(vec![PointId::Num(77)]);
        assert_eq!(scene.sent.last(), Some(&TaskCommand::SamplePairs(ids)));
        assert_eq!(scene.app.screen, Screen::Diff);
    }
}

#[test]
fn what_a_space_is_called_is_anybodys_text() {
    let facts = qlance::tasks::JobFacts {
        space: "a\u{1b}[31m space".into(),
        ..super::facts()
    };
    let screen = running().event(opened(facts)).press("6").text((80, 24));
    assert_says(&screen, "embedded as a\u{fffd}[31m space");
}
