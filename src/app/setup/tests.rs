//! The questions, one after another, and what each answer leads to.

use super::*;
use crate::config::Config;
use crate::config::template::EmbedderAnswer;
use crate::tasks::setup::Refusal;
use crossterm::event::KeyModifiers;

fn press(setup: &mut Setup, code: KeyCode) -> Next {
    setup.key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn say(setup: &mut Setup, text: &str) -> Next {
    setup.input = Input::new(text.to_owned());
    press(setup, KeyCode::Enter)
}

fn collection() -> CollectionChoice {
    CollectionChoice {
        name: "messages".into(),
        about: "3 points".into(),
        points: Some(3),
        vectors: vec![(String::new(), 8)],
    }
}

fn fields() -> Vec<FieldChoice> {
    ["body", "title"]
        .map(|name| FieldChoice {
            name: name.into(),
            share: 1.0,
            mean_chars: 30.0,
        })
        .into()
}

#[test]
fn a_whole_way_through_writes_a_configuration() {
    let mut setup = Setup::new();
    assert_eq!(setup.input.value(), "http://localhost:6334");
    let Next::Try(Try::Collections(asked)) = press(&mut setup, KeyCode::Enter) else {
        panic!("the address is tried")
    };
    assert_eq!(asked.url, "http://localhost:6334");
    setup.tried(Tried::Collections(Err(Refusal::NeedsKey("no key".into()))));
    assert_eq!((setup.step, setup.error.as_deref()), (Step::SourceKey, Some("no key")));
    assert_eq!(say(&mut setup, "sk-very-secret"), Next::Stay, "a key is not a variable");
    assert!(matches!(say(&mut setup, "QDRANT_KEY"), Next::Try(Try::Collections(_))));
    setup.tried(Tried::Collections(Ok(vec![collection()])));
    assert!(matches!(press(&mut setup, KeyCode::Enter), Next::Try(Try::Fields(_))));
    setup.tried(Tried::Fields(Ok(fields())));
    press(&mut setup, KeyCode::Enter);
    assert_eq!((setup.step, setup.input.value()), (Step::Uri, "messages.lance"));
    press(&mut setup, KeyCode::Enter);
    assert!(matches!(press(&mut setup, KeyCode::Enter), Next::Try(Try::Target(..))));
    setup.tried(Tried::Target(Err(Refusal::Because("it is there".into()))));
    assert_eq!(setup.error.as_deref(), Some("it is there"));
    assert!(matches!(say(&mut setup, "messages2"), Next::Try(Try::Target(..))));
    setup.tried(Tried::Target(Ok(())));
    press(&mut setup, KeyCode::Down);
    press(&mut setup, KeyCode::Enter);
    let Next::Try(Try::Server(asked)) = say(&mut setup, "http://localhost:8000/v1") else {
        panic!("the address is tried")
    };
    assert_eq!(asked, "http://localhost:8000/v1");
    setup.tried(Tried::Server(Err(Refusal::Because("nobody answers".into()))));
    assert_eq!(
        (setup.step, setup.error.as_deref()),
        (Step::BaseUrl, Some("nobody answers")),
        "said where it is answered"
    );
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Server(Ok(())));
    assert_eq!(setup.step, Step::Model);
    say(&mut setup, "bge");
    say(&mut setup, "many");
    assert!(setup.error.is_some());
    say(&mut setup, "768");
    let Next::Try(Try::Embedder(text)) = say(&mut setup, "") else {
        panic!("the embedder is tried")
    };
    setup.tried(Tried::Embedder(Ok(768)));
    assert_eq!(setup.step, Step::Review);
    assert_eq!(press(&mut setup, KeyCode::Enter), Next::Write(text.clone()));
    let config = Config::parse(&text, "qlance.toml", std::path::Path::new("/base")).expect("a configuration");
    assert_eq!(config.source.content, "body");
    assert_eq!(config.source.api_key_env.as_deref(), Some("QDRANT_KEY"));
    assert_eq!(config.embed.text.model, "bge");
    assert!(!text.contains("secret"));
}

#[test]
fn escape_goes_back_step_by_step_and_late_answers_are_dropped() {
    let mut setup = Setup::new();
    press(&mut setup, KeyCode::Enter);
    assert_eq!(press(&mut setup, KeyCode::Esc), Next::Leave);
    let mut setup = Setup::new();
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Ok(vec![collection()])));
    press(&mut setup, KeyCode::Enter);
    press(&mut setup, KeyCode::Esc);
    assert_eq!(setup.step, Step::Url);
    setup.tried(Tried::Fields(Ok(fields())));
    assert_eq!(setup.step, Step::Url, "nobody waits for it any more");
}

/// Up to where the collection is chosen, with these dense vectors.
fn at_collection(vectors: &[(&str, usize)]) -> Setup {
    let mut setup = Setup::new();
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Ok(vec![CollectionChoice {
        vectors: vectors.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect(),
        ..collection()
    }])));
    setup
}

#[test]
fn of_several_vectors_one_is_asked_for() {
    let mut setup = at_collection(&[("title", 384), ("body", 1_536)]);
    assert_eq!(press(&mut setup, KeyCode::Enter), Next::Stay);
    assert_eq!(setup.step, Step::Vector);
    assert_eq!(setup.choices[1], ("body".to_owned(), "1,536 numbers".to_owned()));
    press(&mut setup, KeyCode::Char('j'));
    assert!(matches!(press(&mut setup, KeyCode::Enter), Next::Try(Try::Fields(_))));
    assert_eq!(setup.answers.vector, "body");
    setup.tried(Tried::Fields(Ok(fields())));
    assert_eq!(setup.step, Step::Content);
    press(&mut setup, KeyCode::Esc);
    assert_eq!(setup.step, Step::Vector, "one step back");
}

#[test]
fn where_no_field_holds_a_text_vectors_are_carried_over_or_nothing_can_be_done() {
    let mut setup = at_collection(&[("", 8)]);
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(Vec::new())));
    assert_eq!((setup.step, setup.choices.len()), (Step::Content, 1));
    assert!(setup.question().starts_with("No payload field holds a text"));
    press(&mut setup, KeyCode::Enter);
    press(&mut setup, KeyCode::Enter);
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Target(Ok(())));
    assert_eq!(setup.step, Step::Review, "who embeds is settled");
    let Next::Write(text) = press(&mut setup, KeyCode::Enter) else {
        panic!("Enter writes it")
    };
    let config = Config::parse(&text, "qlance.toml", std::path::Path::new("/base")).expect("a configuration");
    assert_eq!(config.embed.text.provider, crate::config::Provider::Carry);
    let mut setup = at_collection(&[]);
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(Vec::new())));
    assert_eq!(setup.step, Step::Collection);
    let why = setup.error.unwrap_or_default();
    assert!(why.contains("no dense vector"), "{why}");
}

#[test]
fn lists_are_walked_with_the_keys_of_the_console() {
    let mut setup = Setup::new();
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Collections(Ok(vec![collection(); 30])));
    for (code, place) in [
        (KeyCode::Char('j'), 1),
        (KeyCode::Char('j'), 2),
        (KeyCode::Char('k'), 1),
        (KeyCode::PageDown, 11),
        (KeyCode::PageUp, 1),
        (KeyCode::Char('G'), 29),
        (KeyCode::Down, 29),
        (KeyCode::Char('g'), 0),
        (KeyCode::Up, 0),
        (KeyCode::End, 29),
        (KeyCode::Home, 0),
    ] {
        press(&mut setup, code);
        assert_eq!(setup.selected, place, "{code:?}");
    }
    press(&mut setup, KeyCode::Esc);
    press(&mut setup, KeyCode::Char('j'));
    assert!(
        setup.input.value().ends_with('j'),
        "where something is typed it is a letter"
    );
}

#[test]
fn the_walk_through_the_file_ends_where_its_last_line_is_seen() {
    let mut setup = at_collection(&[("", 8)]);
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(Vec::new())));
    for _ in 0..3 {
        press(&mut setup, KeyCode::Enter);
    }
    setup.tried(Tried::Target(Ok(())));
    assert_eq!(setup.step, Step::Review);
    for _ in 0..50 {
        setup.hold(3);
        press(&mut setup, KeyCode::Down);
    }
    setup.hold(3);
    press(&mut setup, KeyCode::Up);
    assert_eq!(setup.selected, 2, "the first key back is seen");
}

#[test]
fn what_is_given_answers_the_same_questions() {
    let mut setup = Setup::new();
    for wrong in ["localhost", "http://a\u{7}b", &"x".repeat(501)] {
        assert_eq!(setup.give(wrong), Next::Stay, "{wrong}");
        assert!(setup.error.is_some() && setup.step == Step::Url, "{wrong}");
    }
    let Next::Try(Try::Collections(asked)) = setup.give("http://qdrant:6334") else {
        panic!("the address is tried")
    };
    assert_eq!(asked.url, "http://qdrant:6334");
    setup.tried(Tried::Collections(Ok(["messages", "archive"]
        .map(|name| CollectionChoice {
            name: name.into(),
            vectors: vec![("title".into(), 384), (String::new(), 8)],
            ..collection()
        })
        .into())));
    assert_eq!(setup.give("notes"), Next::Stay);
    let why = setup.error.clone().unwrap_or_default();
    assert_eq!(why, "there is no \"notes\"; name one of \"messages\", \"archive\"");
    assert_eq!(setup.give("archive"), Next::Stay);
    assert!(
        matches!(setup.give(""), Next::Try(Try::Fields(_))),
        "the unnamed vector"
    );
    assert_eq!(
        (setup.answers.collection.as_str(), setup.answers.vector.as_str()),
        ("archive", "")
    );
    setup.tried(Tried::Fields(Ok(fields())));
    setup.give("title");
    assert_eq!((setup.step, setup.answers.content.as_str()), (Step::Uri, "title"));
    setup.accept();
    setup.give("mine");
    setup.tried(Tried::Target(Ok(())));
    assert_eq!(setup.choices.len(), given::PROVIDERS.len());
    setup.give("carry");
    assert_eq!(
        (setup.step, &setup.answers.embedder),
        (Step::Review, &EmbedderAnswer::Carry)
    );
    assert!(matches!(setup.accept(), Next::Write(text) if text.contains("uri = \"archive.lance\"")));
}
