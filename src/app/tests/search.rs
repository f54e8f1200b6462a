//! The Search screen: the query and how it is asked, whose answer counts, results that are opened.

mod keywords;

use super::*;
use crate::app::search::Pane;
use crate::lance::search::Through;
use crate::point::Modality;
use crate::point::filter::Filter;
use crate::tasks::search::{Answered, Asked, Found, Hit, How, NoAnswer, SearchFor};
use crate::tasks::{Owned, SampleOf};

/// A condition that every store understands.
const CONDITION: &str = "thread_id = 'x'";

impl Console {
    /// The Search screen; nothing was asked yet.
    fn seeking() -> Self {
        let mut console = Self::open(Phase::Complete);
        assert_eq!(console.key("6"), []);
        console
    }

    /// `harbour` was asked for and not answered yet.
    fn seeking_harbour() -> Self {
        let mut console = Self::seeking();
        assert_eq!(console.key("/"), []);
        console.types("harbour");
        assert_eq!(console.key("Enter"), seeks(harbour()));
        console
    }

    /// It was answered: LanceDB found 1, 2, 3, Qdrant 2 and 4.
    fn found_harbour() -> Self {
        let mut console = Self::seeking_harbour();
        assert_eq!(console.event(answer(harbour(), &[1, 2, 3], Ok(&[2, 4]))), []);
        console
    }

    /// What the answer that is shown has of LanceDB's results.
    fn shown_hits(&self) -> Vec<PointId> {
        let hits = self.app.search.hits(Pane::Lancedb);
        hits.iter().map(|hit| hit.id).collect()
    }

    /// Whether it waits, whether there is an answer, and what went wrong.
    fn search_state(&self) -> (bool, bool, Option<&str>) {
        let search = &self.app.search;
        (search.is_waiting(), search.answer().is_some(), search.error())
    }
}

fn condition() -> Filter {
    CONDITION.parse().expect("a condition")
}

/// What the screen asks for where nothing but the query is set.
fn harbour() -> SearchFor {
    SearchFor {
        count: 20,
        ..SearchFor::text("harbour")
    }
}

fn seeks(wanted: SearchFor) -> Vec<Effect> {
    sends(TaskCommand::Search(Box::new(wanted)))
}

fn hits(ids: &[u64], other: &[u64]) -> Vec<Hit> {
    let hit = |(place, number): (usize, &u64)| Hit {
        rank: place + 1,
        id: id(*number),
        score: 0.9 - place as f64 / 100.0,
        modality: Some(Modality::Text),
        snippet: Some(format!("point {number}")),
        shared: other.contains(number),
    };
    ids.iter().enumerate().map(hit).collect()
}

fn found(lancedb: &[u64], qdrant: Result<&[u64], &str>) -> Found {
    let answered = |ids: &[u64], other: &[u64]| Answered {
        score: "cosine similarity",
        took: Duration::from_millis(9),
        hits: hits(ids, other),
    };
    let theirs = qdrant.unwrap_or_default();
    Found {
        space: Some("openai/text-embedding-3-large@1536".into()),
        columns: vec!["embedding".into()],
        text_column: None,
        embedding: Duration::from_millis(12),
        lancedb: answered(lancedb, theirs),
        qdrant: qdrant
            .map(|ids| answered(ids, lancedb))
            .map_err(|why| NoAnswer::NotAsked(why.to_owned())),
        shared: lancedb.iter().filter(|id| theirs.contains(id)).count(),
    }
}

fn answer(of: SearchFor, lancedb: &[u64], qdrant: Result<&[u64], &str>) -> TaskEvent {
    TaskEvent::Searched(Box::new(of), Box::new(found(lancedb, qdrant)))
}

fn refusal(of: SearchFor, error: &str) -> TaskEvent {
    TaskEvent::Unanswered {
        of: Owned::Search(Box::new(of)),
        error: error.into(),
    }
}

#[test]
fn slash_begins_a_query_and_enter_does_where_nothing_is_there() {
    for opener in ["/", "Enter"] {
        let mut console = Console::seeking();
        assert_eq!(console.key(opener), [], "{opener}");
        assert_eq!(console.prompt(), ("", ""));
        assert_eq!(console.types("harbour"), []);
        assert_eq!(console.search_state(), (false, false, None), "nothing is asked yet");
        assert_eq!(console.key("Enter"), seeks(harbour()));
        assert!(console.app.prompt.is_none());
        assert_eq!(console.search_state(), (true, false, None));
        assert_eq!(console.app.screen, Screen::Search, "letters are text");
    }
    let mut given_up = Console::seeking();
    assert_eq!(given_up.keys(&["/", "x", "Esc"]), []);
    assert!(given_up.app.prompt.is_none() && given_up.app.search.query().is_none());
}

#[test]
fn a_query_is_typed_on_from_the_one_before() {
    let mut console = Console::found_harbour();
    console.key("/");
    assert_eq!(console.prompt(), ("harbour", ""));
    console.types("s");
    let harbours = SearchFor {
        asked: Asked::Text("harbours".into()),
        ..harbour()
    };
    assert_eq!(console.key("Enter"), seeks(harbours));
}

#[test]
fn a_path_is_a_picture_or_a_sound() {
    for (typed, asked, again) in [
        ("@my dog.png", Asked::File("my dog.png".into()), "@my dog.png"),
        ("./x.png", Asked::File("./x.png".into()), "@./x.png"),
        ("/x/y.wav", Asked::File("/x/y.wav".into()), "@/x/y.wav"),
        ("~/x", Asked::File("~/x".into()), "@~/x"),
        (" dogs & cats ", Asked::Text("dogs & cats".into()), "dogs & cats"),
        ("/quit", Asked::Text("/quit".into()), "/quit"),
    ] {
        let mut console = Console::seeking();
        console.key("/");
        console.types(typed);
        let wanted = SearchFor { asked, ..harbour() };
        assert_eq!(console.key("Enter"), seeks(wanted), "{typed:?}");
        console.key("/");
        assert_eq!(console.prompt(), (again, ""));
    }
}

#[test]
fn what_asks_for_nothing_stays_in_the_prompt() {
    for (typed, why) in [("", "a query is needed"), ("@", "after @ a path is needed")] {
        let mut console = Console::seeking();
        console.key("/");
        console.types(typed);
        assert_eq!(console.key("Enter"), [], "{typed:?}");
        let (value, error) = console.prompt();
        assert_eq!(value, typed);
        assert!(error.contains(why), "{error}");
        assert_eq!(console.search_state(), (false, false, None));
    }
}

#[test]
fn whatever_is_changed_asks_again() {
    let mut console = Console::found_harbour();
    let find = |find| SearchFor { find, ..harbour() };
    for (name, wanted) in [
        ("m", find(Some(Modality::Text))),
        ("m", find(Some(Modality::Image))),
        ("m", find(Some(Modality::Audio))),
        ("m", find(None)),
        (
            "s",
            SearchFor {
                how: How::Keyword,
                ..harbour()
            },
        ),
        (
            "s",
            SearchFor {
                how: How::Hybrid,
                ..harbour()
            },
        ),
        ("s", harbour()),
        (
            "x",
            SearchFor {
                through: Through::Index,
                ..harbour()
            },
        ),
        ("x", harbour()),
    ] {
        assert_eq!(console.key(name), seeks(wanted), "{name}");
        assert_eq!(console.search_state(), (true, true, None), "the earlier answer stays");
    }
    console.keys(&["m", "m", "x"]);
    let all_of_it = SearchFor {
        find: Some(Modality::Image),
        how: How::Keyword,
        through: Through::Index,
        ..harbour()
    };
    assert_eq!(console.key("s"), seeks(all_of_it));
}

#[test]
fn without_a_query_settings_wait_for_one() {
    let mut console = Console::seeking();
    assert_eq!(console.keys(&["m", "m", "x", "s"]), []);
    assert_eq!(console.search_state(), (false, false, None));
    console.key("/");
    console.types("harbour");
    let wanted = SearchFor {
        find: Some(Modality::Image),
        how: How::Keyword,
        through: Through::Index,
        ..harbour()
    };
    assert_eq!(console.key("Enter"), seeks(wanted));
}

#[test]
fn a_condition_is_checked_before_it_is_asked() {
    let mut console = Console::found_harbour();
    assert_eq!(console.key("f"), []);
    console.types("thread_id =");
    assert_eq!(console.key("Enter"), [], "it ends too early");
    let (value, error) = console.prompt();
    assert_eq!(value, "thread_id =");
    assert!(!error.is_empty());
    assert_eq!(console.search_state(), (false, true, None), "nothing was asked");
    console.key("Ctrl-U");
    console.types(CONDITION);
    let filtered = SearchFor {
        filter: Some(condition()),
        ..harbour()
    };
    assert_eq!(console.key("Enter"), seeks(filtered));
    console.key("f");
    assert_eq!(console.prompt().0, condition().to_string());
    console.key("Ctrl-U");
    assert_eq!(console.key("Enter"), seeks(harbour()), "none is all points");
}

#[test]
fn only_the_answer_to_the_last_question_counts() {
    let mut console = Console::seeking_harbour();
    let texts = SearchFor {
        find: Some(Modality::Text),
        ..harbour()
    };
    assert_eq!(console.key("m"), seeks(texts.clone()));
    assert_eq!(console.event(answer(harbour(), &[1], Ok(&[]))), []);
    assert_eq!(console.search_state(), (true, false, None), "of the question before");
    assert_eq!(console.event(refusal(harbour(), "of the question before")), []);
    assert_eq!(console.search_state(), (true, false, None));
    assert_eq!(console.event(answer(texts.clone(), &[7, 8], Ok(&[7]))), []);
    assert_eq!(console.search_state(), (false, true, None));
    assert_eq!(console.shown_hits(), [id(7), id(8)]);
    console.event(answer(harbour(), &[1], Ok(&[])));
    console.event(refusal(texts, "late"));
    assert_eq!(console.search_state(), (false, true, None), "nobody waits any more");
    assert_eq!(console.shown_hits(), [id(7), id(8)]);
}

#[test]
fn the_earlier_answer_stays_until_the_new_one_is_here() {
    let mut console = Console::found_harbour();
    console.keys(&["Down", "s"]);
    assert_eq!(console.search_state(), (true, true, None));
    assert_eq!(
        console.app.selected_id(),
        Some(id(2)),
        "and can still be walked through"
    );
    let by_keywords = SearchFor {
        how: How::Keyword,
        ..harbour()
    };
    console.event(answer(by_keywords, &[9], Err("Qdrant is searched by vector only")));
    assert_eq!(
        (console.shown_hits(), console.app.selected_id()),
        (vec![id(9)], Some(id(9)))
    );
    assert!(console.app.search.hits(Pane::Qdrant).is_empty());
}

#[test]
fn a_search_that_cannot_be_answered_says_why_and_can_be_asked_again() {
    let mut console = Console::found_harbour();
    console.key("s");
    let by_keywords = SearchFor {
        how: How::Keyword,
        ..harbour()
    };
    let why = "column \"content\" has no keyword index yet";
    assert_eq!(console.event(refusal(by_keywords, why)), []);
    assert_eq!(console.search_state(), (false, false, Some(why)));
    assert_eq!(console.app.selected_id(), None);
    let hybrid = SearchFor {
        how: How::Hybrid,
        ..harbour()
    };
    assert_eq!(console.key("s"), seeks(hybrid));
    assert_eq!(console.search_state(), (true, false, None));
}

#[test]
fn results_are_walked_through_pane_by_pane() {
    let mut console = Console::found_harbour();
    for (name, pane, selected) in [
        ("Down", Pane::Lancedb, 2),
        ("j", Pane::Lancedb, 3),
        ("Down", Pane::Lancedb, 3),
        ("Up", Pane::Lancedb, 2),
        ("Tab", Pane::Qdrant, 2),
        ("G", Pane::Qdrant, 4),
        ("Shift-Tab", Pane::Lancedb, 2),
        ("l", Pane::Qdrant, 4),
        ("PgUp", Pane::Qdrant, 2),
        ("h", Pane::Lancedb, 2),
        ("h", Pane::Lancedb, 2),
        ("PgDn", Pane::Lancedb, 3),
        ("g", Pane::Lancedb, 1),
    ] {
        assert_eq!(console.key(name), [], "{name}");
        assert_eq!(console.app.search.pane, pane, "{name}");
        assert_eq!(console.app.selected_id(), Some(id(selected)), "{name}");
    }
    let mut nothing = Console::seeking();
    assert_eq!(nothing.keys(&["Down", "G", "Tab", "PgDn", "k"]), []);
    assert_eq!(nothing.app.selected_id(), None);
}

#[test]
fn where_one_store_found_nothing_the_keys_go_to_the_other() {
    for (keys, lancedb, qdrant, pane) in [
        (&[][..], &[][..], &[4][..], Pane::Qdrant),
        (&["Tab"], &[1], &[], Pane::Lancedb),
        (&["Tab"], &[1], &[4], Pane::Qdrant),
        (&["Tab"], &[], &[], Pane::Qdrant),
    ] {
        let mut console = Console::seeking_harbour();
        console.keys(keys);
        console.event(answer(harbour(), lancedb, Ok(qdrant)));
        assert_eq!(console.app.search.pane, pane, "{lancedb:?} {qdrant:?}");
    }
}

#[test]
fn a_result_is_opened_in_diff_and_its_id_copied() {
    for (keys, number) in [(&["Down"][..], 2), (&["Tab", "G"], 4)] {
        let mut console = Console::found_harbour();
        console.keys(keys);
        assert_eq!(console.key("y"), [Effect::Copy(number.to_string())]);
        console.assert_says(&format!("copied {number}"));
        let of = SampleOf::Ids(vec![id(number)]);
        assert_eq!(console.key("Enter"), sends(TaskCommand::SamplePairs(of)));
        assert_eq!(console.app.screen, Screen::Diff);
        console.key("6");
        assert_eq!(
            console.app.selected_id(),
            Some(id(number)),
            "the results are still there"
        );
    }
    let mut nothing = Console::seeking();
    assert_eq!(nothing.key("y"), []);
    nothing.assert_says("copy id: nothing is selected");
    let mut without_qdrant = Console::seeking_harbour();
    without_qdrant.event(answer(harbour(), &[1], Err("Qdrant holds no vectors of it")));
    assert_eq!(without_qdrant.keys(&["Tab", "Enter"]), []);
    assert_eq!(without_qdrant.prompt().0, "harbour", "there is nothing to open");
}

#[test]
fn esc_takes_back_the_condition_and_then_the_query() {
    let mut console = Console::found_harbour();
    console.key("f");
    console.types(CONDITION);
    let filtered = SearchFor {
        filter: Some(condition()),
        ..harbour()
    };
    assert_eq!(console.key("Enter"), seeks(filtered.clone()));
    console.event(answer(filtered, &[], Ok(&[])));
    assert_eq!(console.key("Esc"), seeks(harbour()));
    console.event(answer(harbour(), &[1], Ok(&[1])));
    assert_eq!(console.search_state(), (false, true, None));
    assert_eq!(console.key("Esc"), []);
    assert_eq!(console.search_state(), (false, false, None));
    assert!(console.app.search.query().is_none());
    assert_eq!(console.key("Esc"), [], "there is nothing before that");
    assert_eq!(console.app.screen, Screen::Search);

    let mut waiting = Console::seeking_harbour();
    assert_eq!(waiting.key("Esc"), []);
    waiting.event(answer(harbour(), &[1], Ok(&[1])));
    assert_eq!(
        waiting.search_state(),
        (false, false, None),
        "taken back before it came"
    );

    let mut unasked = Console::seeking();
    unasked.key("f");
    unasked.types(CONDITION);
    assert_eq!(unasked.key("Enter"), []);
    assert_eq!(unasked.app.search.filter(), Some(&condition()));
    assert_eq!(unasked.key("Esc"), []);
    assert_eq!(unasked.app.search.filter(), None);
}

#[test]
fn an_answer_is_taken_while_another_screen_is_shown() {
    let mut console = Console::seeking_harbour();
    console.key("7");
    assert_eq!(console.event(answer(harbour(), &[1], Ok(&[]))), []);
    assert_eq!(console.app.selected_id(), None, "of the log");
    console.key("6");
    assert_eq!(console.app.selected_id(), Some(id(1)));
}

#[test]
fn before_the_job_is_open_nothing_is_asked() {
    let mut console = Console::unopened();
    console.key("6");
    for name in ["/", "Enter", "f"] {
        assert_eq!(console.key(name), [], "{name}");
        console.assert_says("the job is not open yet");
        assert!(console.app.prompt.is_none(), "{name}");
    }
}

#[test]
fn the_mouse_chooses_a_result_of_either_store() {
    let mut console = Console::found_harbour();
    for (mouse, pane, selected) in [
        (Mouse::Row(2), Pane::Lancedb, 3),
        (Mouse::Row(3), Pane::Qdrant, 2),
        (Mouse::Row(4), Pane::Qdrant, 4),
        (Mouse::Row(5), Pane::Qdrant, 4),
        (Mouse::Row(0), Pane::Lancedb, 1),
        (Mouse::Wheel(Motion::Down), Pane::Lancedb, 3),
        (Mouse::Wheel(Motion::Up), Pane::Lancedb, 1),
    ] {
        assert_eq!(console.mouse(mouse), [], "{mouse:?}");
        assert_eq!(console.app.search.pane, pane, "{mouse:?}");
        assert_eq!(console.app.selected_id(), Some(id(selected)), "{mouse:?}");
    }
    assert_eq!(Console::seeking().mouse(Mouse::Row(0)), [], "there are no rows");
}

#[test]
fn a_pasted_query_goes_into_the_prompt() {
    let mut console = Console::seeking();
    console.key("/");
    assert_eq!(console.update(Message::Paste("harb\u{1b}our\n".into())), []);
    assert_eq!(console.key("Enter"), seeks(harbour()));
}
