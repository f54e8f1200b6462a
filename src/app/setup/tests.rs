//! The questions, one after another, and what each answer leads to.

use super::*;
use crate::config::Config;
use crate::config::template::EmbedderAnswer;
use crate::tasks::setup::{Refusal, Sampled};
use crossterm::event::KeyModifiers;

fn begun() -> Setup {
    Setup::new(Path::new("qlance.toml"))
}

fn press(setup: &mut Setup, code: KeyCode) -> Next {
    setup.key(KeyEvent::new(code, KeyModifiers::NONE))
}

fn say(setup: &mut Setup, text: &str) -> Next {
    setup.input = Input::new(text.to_owned());
    press(setup, KeyCode::Enter)
}

fn collection() -> CollectionChoice {
    CollectionChoice::looked_at("messages".into(), 3, vec![(String::new(), 8)])
}

fn fields() -> Sampled {
    let field = |name: &str| FieldChoice {
        name: name.into(),
        share: 1.0,
        mean_chars: 30.0,
    };
    Sampled {
        points: 200,
        fields: ["body", "title"].map(field).into(),
    }
}

/// A sample in which no field holds a text.
fn no_fields() -> Sampled {
    Sampled {
        points: 200,
        fields: Vec::new(),
    }
}

#[test]
fn a_whole_way_through_writes_a_configuration() {
    let mut setup = begun();
    assert_eq!(setup.input.value(), "http://localhost:6334");
    let Next::Try(Try::Collections(asked)) = press(&mut setup, KeyCode::Enter) else {
        panic!("the address is tried")
    };
    assert_eq!(asked.url, "http://localhost:6334");
    setup.tried(Tried::Collections(Err(Refusal::NeedsKey("no key".into()))));
    assert_eq!(
        (setup.step, setup.error.as_deref()),
        (Step::SourceKey, None),
        "no key was refused yet"
    );
    assert_eq!(say(&mut setup, "sk-very-secret"), Next::Stay, "a key is not a variable");
    say(&mut setup, "OTHER_KEY");
    setup.tried(Tried::Collections(Err(Refusal::NeedsKey("another key".into()))));
    assert_eq!(
        (setup.step, setup.error.as_deref()),
        (Step::SourceKey, Some("another key"))
    );
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
    let mut setup = begun();
    press(&mut setup, KeyCode::Enter);
    assert_eq!(press(&mut setup, KeyCode::Esc), Next::Leave);
    let mut setup = begun();
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
    let mut setup = begun();
    press(&mut setup, KeyCode::Enter);
    let vectors = vectors.iter().map(|(name, size)| ((*name).to_owned(), *size)).collect();
    let found = CollectionChoice::looked_at("messages".into(), 3, vectors);
    setup.tried(Tried::Collections(Ok(vec![found])));
    setup
}

#[test]
fn of_several_vectors_one_is_asked_for() {
    let mut setup = at_collection(&[("title", 384), ("body", 1_536)]);
    assert_eq!(press(&mut setup, KeyCode::Enter), Next::Stay);
    assert_eq!((setup.step, setup.vector()), (Step::Vector, None));
    assert_eq!(setup.choices[1], ("body".to_owned(), "1,536 numbers".to_owned()));
    press(&mut setup, KeyCode::Char('j'));
    assert!(matches!(press(&mut setup, KeyCode::Enter), Next::Try(Try::Fields(_))));
    assert_eq!(setup.answers.vector, "body");
    setup.tried(Tried::Fields(Ok(fields())));
    assert_eq!((setup.step, setup.vector()), (Step::Content, Some(("body", 1_536))));
    press(&mut setup, KeyCode::Esc);
    assert_eq!((setup.step, setup.vector()), (Step::Vector, None), "one step back");
}

#[test]
fn where_no_field_holds_a_text_vectors_are_carried_over_or_nothing_can_be_done() {
    let mut setup = at_collection(&[("", 8)]);
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(no_fields())));
    assert_eq!((setup.step, setup.choices.len()), (Step::Content, 1));
    assert_eq!(
        setup.question(),
        "Who makes the embeddings? (of 200 sampled points none holds a text)"
    );
    assert!(!setup.knows_embedder());
    press(&mut setup, KeyCode::Enter);
    assert!(setup.knows_embedder(), "nobody is asked who embeds any more");
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
    setup.tried(Tried::Fields(Ok(no_fields())));
    assert_eq!(setup.step, Step::Collection);
    let why = setup.error.unwrap_or_default();
    assert_eq!(
        why,
        "of 200 sampled points none holds a text, and it has no dense vector to carry over"
    );
}

#[test]
fn what_is_said_of_a_sample_is_true_of_it() {
    for (points, told) in [
        (0, "there is no point to sample"),
        (1, "of 1 sampled point none holds a text"),
        (200, "of 200 sampled points none holds a text"),
    ] {
        let mut setup = at_collection(&[("", 8)]);
        press(&mut setup, KeyCode::Enter);
        setup.tried(Tried::Fields(Ok(Sampled { points, ..no_fields() })));
        assert_eq!(setup.no_text(), told);
    }
    for (share, mean_chars, told) in [
        (1.0, 120.4, "in 100 % of a sample, mean 120 characters"),
        (0.999, 1.2, "in 99 % of a sample, mean 1 character"),
        (0.86, 12_000.0, "in 86 % of a sample, mean 12,000 characters"),
        (0.001, 2.0, "in 1 % of a sample, mean 2 characters"),
    ] {
        let mut setup = at_collection(&[("", 8)]);
        press(&mut setup, KeyCode::Enter);
        let mut found = fields();
        (found.fields[0].share, found.fields[0].mean_chars) = (share, mean_chars);
        setup.tried(Tried::Fields(Ok(found)));
        assert_eq!(setup.choices[0], ("body".to_owned(), told.to_owned()));
    }
}

/// Up to where the model of a server is asked for, with a dense vector of this size.
fn at_model(size: usize, base_url: &str) -> Setup {
    let mut setup = at_collection(&[("", size)]);
    press(&mut setup, KeyCode::Enter);
    setup.tried(Tried::Fields(Ok(fields())));
    for _ in 0..3 {
        press(&mut setup, KeyCode::Enter);
    }
    setup.tried(Tried::Target(Ok(())));
    press(&mut setup, KeyCode::Down);
    press(&mut setup, KeyCode::Enter);
    say(&mut setup, base_url);
    setup.tried(Tried::Server(Ok(())));
    assert_eq!(setup.step, Step::Model);
    setup
}

#[test]
fn the_size_that_qdrant_has_is_offered_where_a_model_can_be_asked_for_it() {
    let (openai, other) = ("https://api.openai.com/v1", "http://localhost:8000/v1");
    for (base_url, model, size, offered) in [
        (openai, "text-embedding-3-large", 1_024, "1024"),
        (openai, "text-embedding-3-large", 3_072, "3072"),
        (openai, "text-embedding-3-large", 4_096, "1536"),
        (openai, "text-embedding-3-small", 512, "512"),
        (openai, "text-embedding-3-small", 3_072, "1536"),
        (openai, "text-embedding-ada-002", 512, "1536"),
        (openai, "another", 512, ""),
        (other, "text-embedding-3-large", 1_024, "3072"),
        (other, "bge", 1_024, ""),
    ] {
        let mut setup = at_model(size, base_url);
        say(&mut setup, model);
        assert_eq!(
            (setup.step, setup.input.value()),
            (Step::Dimensions, offered),
            "{model} at {base_url} beside {size}"
        );
    }
}

#[test]
fn a_size_that_the_model_does_not_give_is_asked_for_again() {
    let mut setup = at_model(8, "http://localhost:8000/v1");
    say(&mut setup, "bge");
    say(&mut setup, "1536");
    assert!(matches!(say(&mut setup, "THE_KEY"), Next::Try(Try::Embedder(_))));
    setup.tried(Tried::Embedder(Err(Refusal::OtherSize {
        why: "it answers with 1,024 numbers".into(),
        size: 1_024,
    })));
    assert_eq!((setup.step, setup.input.value()), (Step::Dimensions, "1024"));
    assert_eq!(setup.error.as_deref(), Some("it answers with 1,024 numbers"));
    assert!(setup.has_passed(Step::Model) && !setup.has_passed(Step::Dimensions));
    press(&mut setup, KeyCode::Enter);
    assert_eq!((setup.step, setup.input.value()), (Step::EmbedKey, "THE_KEY"));
    let Next::Try(Try::Embedder(text)) = press(&mut setup, KeyCode::Enter) else {
        panic!("it is tried again")
    };
    assert!(text.contains("dimensions = 1024"), "{text}");
    // A key is for one server.
    for _ in 0..4 {
        press(&mut setup, KeyCode::Esc);
    }
    assert_eq!(setup.step, Step::Embedder);
    press(&mut setup, KeyCode::Down);
    press(&mut setup, KeyCode::Enter);
    say(&mut setup, "http://localhost:9000/v1");
    setup.tried(Tried::Server(Ok(())));
    press(&mut setup, KeyCode::Enter);
    press(&mut setup, KeyCode::Enter);
    assert_eq!((setup.step, setup.input.value()), (Step::EmbedKey, ""));
}

#[test]
fn why_an_answer_was_not_taken_goes_with_the_next_key() {
    let mut setup = at_collection(&[("", 8)]);
    for code in [KeyCode::Up, KeyCode::Char('j'), KeyCode::End] {
        press(&mut setup, KeyCode::Enter);
        setup.tried(Tried::Fields(Err(Refusal::Because("no".into()))));
        assert_eq!(setup.error.as_deref(), Some("no"));
        press(&mut setup, KeyCode::Char('x'));
        assert!(setup.error.is_some(), "that is no key of a list");
        press(&mut setup, code);
        assert_eq!(setup.error, None, "{code:?}");
    }
    let mut setup = begun();
    say(&mut setup, "localhost");
    assert!(setup.error.is_some());
    setup.paste(":6334");
    assert_eq!(setup.error, None);
}

#[test]
fn lists_are_walked_with_the_keys_of_the_console() {
    let mut setup = begun();
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
    setup.tried(Tried::Fields(Ok(no_fields())));
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
    let mut setup = begun();
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
