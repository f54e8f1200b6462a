//! What keywords cannot do, and what is left where nobody embeds a query.

use super::*;

impl Console {
    /// The Search screen of a job whose vectors are carried over.
    fn carrying() -> Self {
        let mut console = Self::unopened();
        console.event(opened());
        assert_eq!(console.key("6"), []);
        console
    }

    /// Types a query and takes it.
    fn asks(&mut self, query: &str) -> Vec<Effect> {
        self.key("/");
        self.types(query);
        self.key("Enter")
    }
}

/// The query in the file `x.png`.
fn picture() -> SearchFor {
    SearchFor {
        asked: Asked::File("x.png".into()),
        ..harbour()
    }
}

#[test]
fn where_nobody_embeds_a_query_keywords_are_all_there_is() {
    let mut console = Console::carrying();
    assert_eq!(console.app.search.how(), How::Keyword);
    assert_eq!(console.key("s"), []);
    console.assert_says("how: vectors are carried over; nobody embeds a query");
    console.key("/");
    let question = console.app.prompt.as_ref().map(|prompt| prompt.question.as_str());
    assert_eq!(question, Some("Search for (words)"));
    console.key("Esc");
    let by_keywords = SearchFor {
        how: How::Keyword,
        ..harbour()
    };
    assert_eq!(console.asks("harbour"), seeks(by_keywords));
    assert_eq!(console.key("Esc"), []);
    assert_eq!(console.asks("@x.png"), []);
    assert!(console.app.search.is_refused());
    assert_eq!(console.search_state(), (false, false, None));

    assert_eq!(console.snapshot(embedding()), []);
    assert_eq!(console.app.search.how(), How::Vector, "an embedder is there after all");
    assert!(!console.app.search.is_refused());
    assert_eq!(Console::unopened().app.search.how(), How::Vector, "nobody knows yet");
}

#[test]
fn by_keywords_nothing_is_compared_exactly() {
    let mut console = Console::seeking();
    for (name, says) in [("x", false), ("s", false), ("x", true), ("s", false), ("x", false)] {
        console.app.flash = None;
        assert_eq!(console.key(name), [], "there is no query");
        assert_eq!(
            console.app.flash.is_some(),
            says,
            "{name} by {:?}",
            console.app.search.how()
        );
    }
    console.keys(&["s", "s"]);
    assert_eq!(console.key("x"), []);
    console.assert_says("exact: not by keywords: only vectors are compared exactly");
}

#[test]
fn a_file_is_refused_at_once_where_keywords_are_part_of_it() {
    for keys in [&["s"][..], &["s", "s"]] {
        let mut console = Console::seeking();
        console.keys(keys);
        assert_eq!(console.asks("@x.png"), [], "{keys:?}");
        assert!(console.app.search.is_refused());
        assert_eq!(console.search_state(), (false, false, None));
        assert_eq!(console.key("m"), [], "nor does another kind make it askable");
        console.keys(&["m", "m", "m"]);
        assert_eq!(console.key("s"), seeks(picture()), "one key leads out");
        assert!(!console.app.search.is_refused());
    }
    let mut console = Console::found_harbour();
    assert_eq!(console.key("/"), []);
    console.key("Ctrl-U");
    console.types("@x.png");
    assert_eq!(console.key("Enter"), seeks(picture()));
    assert_eq!(console.key("s"), [], "nobody is asked");
    console.event(answer(picture(), &[1], Ok(&[1])));
    assert_eq!(
        console.search_state(),
        (false, false, None),
        "by vector it was asked before"
    );
    assert_eq!(console.key("Esc"), []);
    assert!(!console.app.search.is_refused() && console.app.search.query().is_none());
}

#[test]
fn there_is_a_step_back_where_something_is_set() {
    let mut console = Console::seeking();
    assert!(!console.app.search.can_go_back());
    console.key("f");
    console.types(CONDITION);
    console.key("Enter");
    assert!(console.app.search.can_go_back(), "a condition");
    console.key("Esc");
    assert!(!console.app.search.can_go_back());
    console.asks("harbour");
    assert!(console.app.search.can_go_back(), "a search that waits");
    console.event(answer(harbour(), &[1], Ok(&[1])));
    assert!(console.app.search.can_go_back(), "a query");
    console.key("Esc");
    assert!(!console.app.search.can_go_back());
}
