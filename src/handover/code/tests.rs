use std::io::Write as _;
use std::process::{Command, Stdio};

use proptest::prelude::*;

use super::*;

/// A text that is no language's friend.
const HOSTILE: &str = "a\"b\\c'\n\r\t`${x}` {y} é日\u{1b}[2J\u{9b}\u{202e}\u{2028}\u{1f600}#//*/";

const DIALECTS: [Dialect; 6] = [
    Dialect::Openai,
    Dialect::Infinity,
    Dialect::TypedInput,
    Dialect::ContentParts,
    Dialect::DataUri,
    Dialect::ChatMessages,
];

fn column(asked_by: AskedBy) -> Column {
    Column {
        name: "embedding".into(),
        dimensions: 8,
        metric: Metric::Dot,
        indexed: true,
        normalised: false,
        space: "openai/m@8".into(),
        holds: vec!["text"],
        asked_by,
    }
}

fn access(asked_by: AskedBy) -> Access {
    Access {
        job: "job".into(),
        uri: "/data/choir.lance".into(),
        left_out: false,
        table: "messages".into(),
        columns: vec![column(asked_by)],
        content: Some("content".into()),
        filter: Some("thread_id".into()),
        jsons: vec!["chorus_result".into(), "extra".into()],
        tuning: Tuning::default(),
    }
}

fn server(dialect: Dialect) -> Server {
    Server {
        dialect,
        base_url: "https://host/v1".into(),
        model: "some-model".into(),
        send_dimensions: true,
        key: Key::Variable("SOME_KEY".into()),
        prefix: "query: ".into(),
    }
}

fn served(server: Server) -> AskedBy {
    AskedBy::Server(Box::new(server))
}

/// Everything that came from a job, hostile.
fn hostile(dialect: Dialect, text: &str) -> Access {
    let own = || text.to_owned();
    let asked_by = served(Server {
        base_url: own(),
        model: own(),
        key: Key::Variable(own()),
        prefix: own(),
        ..server(dialect)
    });
    let other = Column {
        name: own(),
        space: own(),
        ..column(AskedBy::Nobody(own()))
    };
    Access {
        job: own(),
        uri: own(),
        table: own(),
        columns: vec![
            Column {
                name: own(),
                space: own(),
                ..column(asked_by)
            },
            other,
        ],
        content: Some(own()),
        filter: Some(own()),
        jsons: vec![own()],
        ..access(AskedBy::MiniLm { prefix: own() })
    }
}

/// Every kind of access that there is.
fn kinds() -> Vec<Access> {
    let mut all: Vec<Access> = DIALECTS.map(|dialect| access(served(server(dialect)))).to_vec();
    for key in [Key::None, Key::File("/run/key".into())] {
        all.push(access(served(Server {
            key,
            prefix: String::new(),
            send_dimensions: false,
            ..server(Dialect::Openai)
        })));
    }
    for prefix in ["", "query: "] {
        all.push(access(AskedBy::MiniLm { prefix: prefix.into() }));
    }
    all.push(access(AskedBy::Nobody("Nobody knows.".into())));
    all.push(Access {
        content: None,
        filter: None,
        tuning: Tuning {
            nprobes: Some(33),
            refine_factor: Some(7),
            ef: Some(99),
        },
        ..access(AskedBy::Nobody("Nobody knows.".into()))
    });
    all.extend(DIALECTS.map(|dialect| hostile(dialect, HOSTILE)));
    all
}

fn languages(code: &Code) -> [&str; 3] {
    [&code.python, &code.rust, &code.typescript]
}

#[test]
fn the_jobs_own_values_are_in_it() {
    let code = Code::of(&access(served(server(Dialect::Openai))));
    for text in languages(&code) {
        for value in [
            "\"/data/choir.lance\"",
            "\"messages\"",
            "\"embedding\"",
            "\"some-model\"",
            "\"https://host/v1/embeddings\"",
            "\"query: \"",
            "\"SOME_KEY\"",
            "\"thread_id\"",
            "\"extra\"",
            "\"content\"",
            "dimensions\": DIMENSIONS",
            "8 numbers",
            "qlance normalises nothing",
        ] {
            assert!(text.contains(value), "{value} is missing in\n{text}");
        }
    }
    assert!(code.python.contains("DISTANCE = \"dot\"") && code.typescript.contains("DISTANCE = \"dot\""));
    assert!(code.rust.contains("DistanceType::Dot"));
}

#[test]
fn each_dialect_has_its_body() {
    for (dialect, expected, absent) in [
        (Dialect::Openai, "\"input\": [text]", "\"modality\": \"text\""),
        (Dialect::Infinity, "\"modality\": \"text\"", "messages\": ["),
        (
            Dialect::TypedInput,
            "\"input\": [{\"text\": text}]",
            "\"modality\": \"text\"",
        ),
        (
            Dialect::ContentParts,
            "\"input\": [{\"content\": [{\"type\": \"text\", \"text\": text}]}]",
            "\"role\"",
        ),
        (Dialect::DataUri, "\"input\": [text]", "\"modality\": \"text\""),
        (
            Dialect::ChatMessages,
            "\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"text\"",
            "\"input\"",
        ),
    ] {
        let code = Code::of(&access(served(server(dialect))));
        for text in languages(&code) {
            assert!(text.contains(expected) && !text.contains(absent), "{dialect:?}\n{text}");
            assert_eq!(
                text.contains("as a picture or a sound"),
                dialect == Dialect::DataUri,
                "{dialect:?}"
            );
        }
    }
}

/// The bodies here are those that qlance itself sends for a text, whatever becomes of the dialects.
#[test]
fn the_bodies_are_qlances_own() {
    use crate::embed::Input;
    use crate::embed::dialect::Shape;
    for dialect in DIALECTS {
        let own = Shape::of(dialect)
            .body(&[Input::Text("hello".into())], "p: ")
            .expect("a body");
        let parts: Vec<String> = body_parts(dialect)
            .iter()
            .map(|(key, value)| {
                // The variable `text` of the code, but neither a key nor the word for the kind of a part.
                let value = value
                    .replace("[text]", "[\"p: hello\"]")
                    .replace(": text}", ": \"p: hello\"}");
                format!("\"{key}\": {value}")
            })
            .collect();
        let ours: serde_json::Value = serde_json::from_str(&format!("{{{}}}", parts.join(", "))).expect("JSON");
        assert_eq!(ours, serde_json::Value::Object(own), "{dialect:?}");
    }
}

#[test]
fn who_embeds_a_query_is_said() {
    let minilm = Code::of(&access(AskedBy::MiniLm { prefix: String::new() }));
    assert!(
        minilm
            .python
            .contains("SentenceTransformer(\"sentence-transformers/all-MiniLM-L6-v2\")")
    );
    assert!(minilm.python.contains("normalize_embeddings=True"), "{}", minilm.python);
    assert!(minilm.rust.contains("AllMiniLML6V2"), "{}", minilm.rust);
    assert!(
        minilm.typescript.contains("{ pooling: \"mean\", normalize: true }"),
        "{}",
        minilm.typescript
    );
    for text in languages(&minilm) {
        assert!(text.contains("int8"), "{text}");
    }
    let nobody = Code::of(&access(AskedBy::Nobody("Ask by the model that made them.".into())));
    for text in languages(&nobody) {
        assert!(text.contains("\"Ask by the model that made them.\""), "{text}");
        assert!(text.contains("stands for one"), "{text}");
    }
}

#[test]
fn settings_of_the_index_are_in_it_where_they_were_measured() {
    let mut tuned = access(served(server(Dialect::Openai)));
    let plain = Code::of(&tuned);
    assert!(plain.python.contains("Lance's own settings"), "{}", plain.python);
    tuned.tuning = Tuning {
        nprobes: Some(33),
        refine_factor: Some(7),
        ef: Some(99),
    };
    let code = Code::of(&tuned);
    assert!(
        code.python.contains(".nprobes(33).refine_factor(7).ef(99)"),
        "{}",
        code.python
    );
    assert!(
        code.typescript.contains(".nprobes(33).refineFactor(7).ef(99)"),
        "{}",
        code.typescript
    );
    for call in [".nprobes(33)?\n", ".refine_factor(7)\n", ".ef(99)\n"] {
        assert!(code.rust.contains(call), "{}", code.rust);
    }
}

#[test]
fn a_key_in_a_file_is_named_and_so_are_addresses_that_lost_something() {
    let mut from_file = access(served(Server {
        key: Key::File("/run/key".into()),
        ..server(Dialect::Openai)
    }));
    from_file.uri = "s3://bucket/choir".into();
    from_file.left_out = true;
    for text in languages(&Code::of(&from_file)) {
        assert!(
            text.contains("\"/run/key\"") && text.contains("AWS_ACCESS_KEY_ID"),
            "{text}"
        );
        assert!(text.contains("which are left out here"), "{text}");
    }
}

#[test]
fn nothing_in_the_code_controls_a_terminal_and_comments_stay_comments() {
    for access in kinds() {
        let code = Code::of(&access);
        for text in languages(&code) {
            let bad = text
                .chars()
                .find(|c| c.is_control() && *c != '\n' || matches!(c, '\u{2028}' | '\u{202e}'));
            assert_eq!(bad, None, "{text}");
            assert!(text.ends_with('\n') && !text.contains("\n\n\n\n"), "{text}");
        }
    }
}

/// Python's own parser on all of it, given as JSON.
fn parsed_by_python(sources: &[String], complaints: Stdio) -> Option<bool> {
    let program = "import ast, json, sys\nfor source in json.load(sys.stdin): ast.parse(source)";
    let python = std::env::var("QLANCE_PYTHON").unwrap_or_else(|_| "python3".into());
    let mut child = Command::new(python)
        .args(["-c", program])
        .stdin(Stdio::piped())
        .stderr(complaints)
        .spawn()
        .ok()?;
    let text = serde_json::to_vec(sources).expect("JSON");
    child.stdin.take().expect("a pipe").write_all(&text).expect("written");
    Some(child.wait().expect("it ends").success())
}

#[test]
fn python_reads_all_of_it() {
    let sources: Vec<String> = kinds().iter().map(|access| Code::of(access).python).collect();
    match parsed_by_python(&sources, Stdio::inherit()) {
        Some(good) => assert!(good, "python3 could not read one of {} programs", sources.len()),
        None => eprintln!("SKIPPED: there is no python3 here that could read the code for Python"),
    }
    // And it is not so that it reads anything.
    assert_ne!(parsed_by_python(&["x = \"".to_owned()], Stdio::null()), Some(true));
}

#[test]
fn lines_of_a_comment_are_marked_and_short() {
    let text = comment("//", &"word ".repeat(60), 40);
    assert!(text.lines().count() > 5);
    assert!(
        text.lines().all(|line| line.starts_with("// ") && line.len() <= 44),
        "{text}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn whatever_names_are_given_lines_are_as_many_as_with_plain_ones(
        text in "[\\PC\\n\\r\"'\\\\`#/]{1,20}",
        which in 0..6_usize,
    ) {
        // What breaks out of its string breaks a line somewhere, or leaves a quote open; a comment may only be broken
        // at its blanks.
        let dialect = DIALECTS[which];
        let plain = Code::of(&hostile(dialect, "x"));
        let code = Code::of(&hostile(dialect, &text));
        for (mark, ours, theirs) in [
            ("#", &code.python, &plain.python),
            ("//", &code.rust, &plain.rust),
            ("//", &code.typescript, &plain.typescript),
        ] {
            let lines = |text: &str| text.lines().filter(|line| !line.starts_with(mark)).count();
            prop_assert_eq!(lines(ours), lines(theirs), "{}", ours);
        }
    }
}
