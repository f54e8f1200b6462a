//! Query sets as people write them, and as they should not.

use super::*;
use proptest::prelude::*;
use serde_json::json;

/// A directory with `square.png` and `sounds/low.wav`; only their presence matters.
fn directory() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    std::fs::create_dir(dir.path().join("sounds")).expect("a directory");
    for name in ["square.png", "sounds/low.wav"] {
        std::fs::write(dir.path().join(name), b"media").expect("a file");
    }
    dir
}

fn read_text(dir: &Path, text: &[u8]) -> Result<Vec<EvalQuery>, String> {
    let file = dir.join("queries.jsonl");
    std::fs::write(&file, text).expect("written");
    read(&file).map_err(|error| error.to_string())
}

#[test]
fn a_set_is_read_as_it_is_documented() {
    let dir = directory();
    let uuid = "6f1c0b3e-7c1a-4f8e-9a53-0d1c2b3a4f5e";
    let sound = dir.path().join("sounds/low.wav");
    let text = format!(
        "{}\r\n\n  \n{}\n{}\n{}",
        json!({"query": " a red square ", "relevant": [1, uuid, "18446744073709551615", 1], "modality": "image"}),
        json!({"image": "square.png", "relevant": [7], "name": "the square", "modality": null}),
        json!({"audio": "sounds/low.wav", "relevant": ["9"], "query": null}),
        json!({"audio": sound, "relevant": [9], "modality": "Text"}),
    );
    let queries = read_text(dir.path(), text.as_bytes()).expect("a query set");
    let ids = |texts: &[&str]| -> BTreeSet<PointId> {
        texts
            .iter()
            .map(|text| text.parse::<PointId>().expect("an id"))
            .collect()
    };
    let audio = Asked::File {
        path: sound,
        modality: Modality::Audio,
    };
    let expected = [
        EvalQuery {
            name: "line 1".into(),
            ask: Asked::Text(" a red square ".into()),
            find: Some(Modality::Image),
            relevant: ids(&["1", uuid, "18446744073709551615"]),
        },
        EvalQuery {
            name: "the square".into(),
            ask: Asked::File {
                path: dir.path().join("square.png"),
                modality: Modality::Image,
            },
            find: None,
            relevant: ids(&["7"]),
        },
        EvalQuery {
            name: "line 5".into(),
            ask: audio.clone(),
            find: None,
            relevant: ids(&["9"]),
        },
        EvalQuery {
            name: "line 6".into(),
            ask: audio,
            find: Some(Modality::Text),
            relevant: ids(&["9"]),
        },
    ];
    assert_eq!(queries, expected);
    let asked: Vec<Modality> = queries.iter().map(|query| query.ask.modality()).collect();
    assert_eq!(
        asked,
        [Modality::Text, Modality::Image, Modality::Audio, Modality::Audio]
    );
}

#[test]
fn a_byte_order_mark_is_no_part_of_the_first_line() {
    let dir = directory();
    let text = "\u{feff}{\"query\": \"x\", \"relevant\": [1]}";
    assert_eq!(read_text(dir.path(), text.as_bytes()).expect("a query set").len(), 1);
}

#[test]
fn errors_name_line_field_and_way_out() {
    let dir = directory();
    for (line, wanted) in [
        ("{\"query\": \"x\"", "queries.jsonl:2: line: is no JSON at column"),
        ("[1, 2]", "queries.jsonl:2: line: is of type list, not an object"),
        (r#"{"relevant": [1]}"#, "queries.jsonl:2: query: is missing; say what"),
        (
            r#"{"query": "x"}"#,
            "queries.jsonl:2: relevant: is missing; list the ids",
        ),
        (
            r#"{"query": "x", "relevent": [1]}"#,
            "2: relevent: is no key of a query; did you mean `relevant`?",
        ),
        (
            r#"{"query": "x", "relevant": [1], "ids": 1}"#,
            "2: ids: is no key of a query; known here: query, image",
        ),
        (
            r#"{"query": "x", "relevant": 1}"#,
            "2: relevant: is of type integer, not a list",
        ),
        (r#"{"query": "x", "relevant": []}"#, "2: relevant: is empty"),
        (
            r#"{"query": "x", "relevant": [1, -1]}"#,
            "2: relevant[1]: -1 is no point id; an id is an unsigned",
        ),
        (
            r#"{"query": "x", "relevant": [1.0]}"#,
            "2: relevant[0]: 1.0 is no point id",
        ),
        (
            r#"{"query": "x", "relevant": [18446744073709551616]}"#,
            "2: relevant[0]: 1.8446744073709552e",
        ),
        (
            r#"{"query": "x", "relevant": ["a"]}"#,
            "2: relevant[0]: \"a\" is no point id",
        ),
        (
            r#"{"query": "x", "relevant": [null]}"#,
            "2: relevant[0]: null is no point id",
        ),
        (r#"{"query": " ", "relevant": [1]}"#, "2: query: is blank"),
        (
            r#"{"query": 5, "relevant": [1]}"#,
            "2: query: is of type integer, not a string",
        ),
        (
            r#"{"query": "x", "audio": "sounds/low.wav", "relevant": [1]}"#,
            "2: audio: is a second question beside `query`; ask one thing a line",
        ),
        (
            r#"{"image": "square.png", "audio": "sounds/low.wav", "relevant": [1]}"#,
            "2: audio: is a second question beside `image`",
        ),
        (
            r#"{"image": "round.png", "relevant": [1]}"#,
            "round.png is no file that can be read; name one",
        ),
        (
            r#"{"audio": "sounds", "relevant": [1]}"#,
            "sounds is no file that can be read",
        ),
        (
            r#"{"image": "https://h/a.png", "relevant": [1]}"#,
            "2: image: \"https://h/a.png\" is a URL; save it",
        ),
        (
            r#"{"query": "x", "relevant": [1], "modality": "video"}"#,
            "2: modality: \"video\" is no modality; use one of text, image, audio",
        ),
    ] {
        let text = format!("{{\"query\": \"good\", \"relevant\": [1]}}\n{line}\n");
        let error = read_text(dir.path(), text.as_bytes()).expect_err(line);
        assert!(error.contains(wanted), "{line} gave {error:?}, not {wanted:?}");
    }
}

#[test]
fn what_is_no_text_is_an_error_of_its_line() {
    let dir = directory();
    let error = read_text(dir.path(), b"\n{\"query\": \"\xff\", \"relevant\": [1]}").expect_err("no UTF-8");
    assert!(error.contains("queries.jsonl:2: line: is no JSON"), "{error}");
    let deep = format!("{{\"query\": {}", "[".repeat(10_000));
    let error = read_text(dir.path(), deep.as_bytes()).expect_err("nested too deep");
    assert!(error.contains("queries.jsonl:1: line: is no JSON"), "{error}");
}

#[test]
fn a_set_without_queries_and_a_missing_file_say_what_to_do() {
    let dir = directory();
    let error = read_text(dir.path(), b"\n \n").expect_err("empty");
    assert!(error.contains("queries.jsonl: holds no query; write one"), "{error}");
    let error = read(&dir.path().join("none.jsonl")).expect_err("missing").to_string();
    assert!(error.contains("none.jsonl") && error.contains("name a file"), "{error}");
    assert!(matches!(read(dir.path()), Err(QueriesError::Unreadable { .. })));
}

#[test]
fn sets_are_bounded() {
    let base = Path::new("");
    let refused = |text: &str| parse(text.as_bytes(), "q", base).expect_err("too much").to_string();
    let one = "{\"query\":\"x\",\"relevant\":[1]}\n";
    assert_eq!(
        parse(one.repeat(MAX_QUERIES).as_bytes(), "q", base)
            .expect("just right")
            .len(),
        MAX_QUERIES
    );
    assert!(refused(&one.repeat(MAX_QUERIES + 1)).contains("more than 100000 queries"));

    let ids = |count: usize| (0..count).map(|n| n.to_string()).collect::<Vec<_>>().join(",");
    let many = format!("{{\"query\":\"x\",\"relevant\":[{}]}}\n", ids(100_001));
    assert!(refused(&many.repeat(10)).contains("q: names more than 1000000 relevant ids up to line 10"));
    let long = format!("{{\"query\":\"x\",\"relevant\":[{}]}}\n", ids(200_000));
    assert!(refused(&long).contains("q:1: line: is longer than 1048576 bytes"));

    let dir = directory();
    let large = dir.path().join("large.jsonl");
    let file = File::create(&large).expect("a file");
    file.set_len(MAX_FILE_BYTES + 1).expect("a hole");
    let error = read(&large).expect_err("too large").to_string();
    assert!(error.contains("large.jsonl: is larger than 64 MiB"), "{error}");
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        sets in prop::collection::vec(
            ("\\PC{0,20}[a-z]", prop::collection::btree_set(any::<u64>(), 1..9), 0..4_usize),
            1..20,
        ),
    ) {
        let lines: Vec<String> = sets
            .iter()
            .map(|(text, relevant, find)| {
                let find = Modality::ALL.get(*find).map(|modality| modality.as_str());
                json!({"query": text, "relevant": relevant, "modality": find}).to_string()
            })
            .collect();
        let queries = parse(lines.join("\n").as_bytes(), "q", Path::new("")).expect("a query set");
        prop_assert_eq!(queries.len(), sets.len());
        for (query, (text, relevant, find)) in queries.into_iter().zip(sets) {
            prop_assert_eq!(query.ask, Asked::Text(text));
            prop_assert_eq!(query.find, Modality::ALL.get(find).copied());
            prop_assert_eq!(query.relevant, relevant.into_iter().map(PointId::Num).collect::<BTreeSet<_>>());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(text in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = parse(&text, "q", Path::new(""));
    }
}
