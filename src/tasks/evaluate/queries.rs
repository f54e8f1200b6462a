//! The query set of an evaluation: JSON lines, one query each, with the points that answer it.
//!
//! ```text
//! {"query": "a red square", "relevant": [1, "6f1c0b3e-7c1a-4f8e-9a53-0d1c2b3a4f5e"], "modality": "image"}
//! {"image": "pictures/square.png", "relevant": [7, 8], "name": "the square"}
//! {"audio": "sounds/low.wav", "relevant": ["9"]}
//! ```
//!
//! Reads and checks, and asks nobody: neither an embedder nor a store. Whatever is wrong is said before the first query
//! is paid for, with file, line, field and the way out. Blank lines are skipped, a null is as good as a key left out.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::point::diff::type_name;
use crate::point::{Modality, Payload, PointId};

/// The largest file: the set is held in memory, and so is the text while it is read.
const MAX_FILE_BYTES: u64 = 64 * 1_024 * 1_024;
/// The longest line: taken apart, JSON takes dozens of times its length in memory.
const MAX_LINE_BYTES: usize = 1_024 * 1_024;
/// The most queries. Every one is embedded and searched for several times; 1,000 bound a share to 3 percentage points.
const MAX_QUERIES: usize = 100_000;
/// The most ids that all queries together may name as relevant: 24 MB of them.
const MAX_RELEVANT: usize = 1_000_000;

/// What a line may say. The first three are the question, of which it takes one.
const KEYS: [&str; 6] = ["query", "image", "audio", "relevant", "modality", "name"];

/// One query and what answers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EvalQuery {
    /// What a report calls it: its `name`, else `line N`.
    pub name: String,
    /// What is asked.
    pub ask: Asked,
    /// The modality to be found, where the search is to be among points of that modality only.
    pub find: Option<Modality>,
    /// The points that answer it; at least one.
    pub relevant: BTreeSet<PointId>,
}

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    /// A text; not blank.
    Text(String),
    /// The content of a file.
    File {
        /// Where it lies.
        path: PathBuf,
        /// A picture or a sound.
        modality: Modality,
    },
}

impl Asked {
    /// The modality that is searched with.
    pub fn modality(&self) -> Modality {
        match self {
            Self::Text(_) => Modality::Text,
            Self::File { modality, .. } => *modality,
        }
    }
}

/// What is wrong with a query set, and the way out.
#[derive(Debug, thiserror::Error)]
pub enum QueriesError {
    /// The file cannot be read.
    #[error("cannot read the query set {origin}: {error}; name a file of JSON lines")]
    Unreadable {
        /// The file.
        origin: String,
        /// The reason.
        error: std::io::Error,
    },
    /// The set as a whole cannot be used.
    #[error("{origin}: {problem}; {remedy}")]
    Unfit {
        /// The file.
        origin: String,
        /// What is wrong.
        problem: String,
        /// The way out.
        remedy: String,
    },
    /// A line cannot be used.
    #[error("{origin}:{line}: {field}: {problem}; {remedy}")]
    Line {
        /// The file.
        origin: String,
        /// The line, counted from 1.
        line: usize,
        /// The key, or `line` for all of it.
        field: String,
        /// What is wrong.
        problem: String,
        /// The way out.
        remedy: String,
    },
}

/// Reads a query set. A path in it is relative to the file, and a file that it names must be there. Blocks: it may read
/// 64 MiB and looks for as many files as there are queries.
///
/// # Errors
/// The file cannot be read, is larger than 64 MiB, holds no query, or more than 100,000 of them or than 1,000,000
/// relevant ids; or a line that is not as the module says, the first of them.
pub fn read(file: &Path) -> Result<Vec<EvalQuery>, QueriesError> {
    let origin = file.display().to_string();
    let unreadable = |error| QueriesError::Unreadable {
        origin: origin.clone(),
        error,
    };
    let mut text = Vec::new();
    // Not by the length that the file system gives: a pipe has none.
    let mut bounded = File::open(file).map_err(unreadable)?.take(MAX_FILE_BYTES + 1);
    bounded.read_to_end(&mut text).map_err(unreadable)?;
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(unfit(
            &origin,
            format!("is larger than {} MiB", MAX_FILE_BYTES / 1_024 / 1_024),
            "take a sample of the queries: a few thousand tell as much",
        ));
    }
    parse(&text, &origin, file.parent().unwrap_or(Path::new("")))
}

fn unfit(origin: &str, problem: String, remedy: &str) -> QueriesError {
    QueriesError::Unfit {
        origin: origin.to_owned(),
        problem,
        remedy: remedy.to_owned(),
    }
}

fn parse(text: &[u8], origin: &str, base: &Path) -> Result<Vec<EvalQuery>, QueriesError> {
    // Editors on Windows put a byte order mark before UTF-8.
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut queries = Vec::new();
    let mut relevant = 0;
    for (line, bytes) in (1..).zip(text.split(|byte| *byte == b'\n')) {
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        if queries.len() == MAX_QUERIES {
            return Err(unfit(
                origin,
                format!("holds more than {MAX_QUERIES} queries"),
                "take a sample of them: a few thousand tell as much",
            ));
        }
        let query = parse_line(bytes, line, base).map_err(|wrong| QueriesError::Line {
            origin: origin.to_owned(),
            line,
            field: wrong.field,
            problem: wrong.problem,
            remedy: wrong.remedy,
        })?;
        relevant += query.relevant.len();
        if relevant > MAX_RELEVANT {
            return Err(unfit(
                origin,
                format!("names more than {MAX_RELEVANT} relevant ids up to line {line}"),
                "leave out queries, or those that half the collection answers",
            ));
        }
        queries.push(query);
    }
    if queries.is_empty() {
        return Err(unfit(
            origin,
            "holds no query".to_owned(),
            r#"write one JSON object a line, such as {"query": "a red square", "relevant": [1, 2]}"#,
        ));
    }
    Ok(queries)
}

/// What is wrong within a line.
struct Wrong {
    field: String,
    problem: String,
    remedy: String,
}

impl Wrong {
    fn new(field: impl Into<String>, problem: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            problem: problem.into(),
            remedy: remedy.into(),
        }
    }
}

fn parse_line(bytes: &[u8], line: usize, base: &Path) -> Result<EvalQuery, Wrong> {
    if bytes.len() > MAX_LINE_BYTES {
        return Err(Wrong::new(
            "line",
            format!("is longer than {MAX_LINE_BYTES} bytes"),
            "write one query a line, with fewer relevant ids",
        ));
    }
    let value: Value = serde_json::from_slice(bytes).map_err(|error| {
        // The parser sees one line and calls it line 1.
        let text = error.to_string();
        let said = text.rsplit_once(" at line ").map_or(&*text, |(before, _)| before);
        let problem = format!("is no JSON at column {}: {said}", error.column());
        Wrong::new("line", problem, "write one JSON object a line, in UTF-8")
    })?;
    let fields = match value {
        Value::Object(fields) => fields,
        other => {
            let problem = format!("is of type {}, not an object", type_name(Some(&other)));
            return Err(Wrong::new("line", problem, "write one JSON object a line"));
        }
    };
    if let Some(key) = fields.keys().find(|key| !KEYS.contains(&key.as_str())) {
        let shown: String = key.escape_debug().take(80).collect();
        return Err(Wrong::new(shown, "is no key of a query", nearest_key(key)));
    }
    Ok(EvalQuery {
        name: text_of(&fields, "name")?.map_or_else(|| format!("line {line}"), str::to_owned),
        ask: asked(&fields, base)?,
        find: to_find(&fields)?,
        relevant: relevant_ids(&fields)?,
    })
}

fn nearest_key(key: &str) -> String {
    let nearest = KEYS
        .into_iter()
        .map(|known| (strsim::jaro_winkler(key, known), known))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((score, known)) if score > 0.7 => format!("did you mean `{known}`?"),
        _ => format!("known here: {}", KEYS.join(", ")),
    }
}

/// The value of a key; a null is none.
fn given<'a>(fields: &'a Payload, key: &str) -> Option<&'a Value> {
    fields.get(key).filter(|value| !value.is_null())
}

/// The text of a key, which must not be blank.
fn text_of<'a>(fields: &'a Payload, key: &str) -> Result<Option<&'a str>, Wrong> {
    let Some(value) = given(fields, key) else {
        return Ok(None);
    };
    let Some(text) = value.as_str() else {
        let problem = format!("is of type {}, not a string", type_name(Some(value)));
        return Err(Wrong::new(key, problem, "put it in double quotes"));
    };
    if text.trim().is_empty() {
        return Err(Wrong::new(key, "is blank", "write what is meant, or leave the key out"));
    }
    Ok(Some(text))
}

fn asked(fields: &Payload, base: &Path) -> Result<Asked, Wrong> {
    let (query, image, audio) = (
        text_of(fields, "query")?,
        text_of(fields, "image")?,
        text_of(fields, "audio")?,
    );
    match (query, image, audio) {
        (Some(text), None, None) => Ok(Asked::Text(text.to_owned())),
        (None, Some(path), None) => asked_file(path, Modality::Image, base),
        (None, None, Some(path)) => asked_file(path, Modality::Audio, base),
        (None, None, None) => Err(Wrong::new(
            "query",
            "is missing",
            r#"say what is asked: "query": "a text", "image": "FILE" or "audio": "FILE""#,
        )),
        _ => {
            let [first, second] = if query.is_none() {
                ["image", "audio"]
            } else {
                ["query", if image.is_some() { "image" } else { "audio" }]
            };
            Err(Wrong::new(
                second,
                format!("is a second question beside `{first}`"),
                "ask one thing a line; what is to be found goes into `modality`",
            ))
        }
    }
}

fn asked_file(path: &str, modality: Modality, base: &Path) -> Result<Asked, Wrong> {
    let wrong = |problem: String, remedy: &str| Wrong::new(modality.as_str(), problem, remedy);
    if path.contains("://") || path.starts_with("data:") {
        let shown: String = path.chars().take(80).collect();
        return Err(wrong(
            format!("{shown:?} is a URL"),
            "save it beside the query set and name that file",
        ));
    }
    let path = base.join(path);
    if path.is_file() {
        return Ok(Asked::File { path, modality });
    }
    Err(wrong(
        format!("{} is no file that can be read", path.display()),
        "name one by its path from the query set's directory",
    ))
}

fn to_find(fields: &Payload) -> Result<Option<Modality>, Wrong> {
    let Some(word) = text_of(fields, "modality")? else {
        return Ok(None);
    };
    let found = Modality::parse(word.trim()).ok_or_else(|| {
        let shown: String = word.chars().take(80).collect();
        let all = Modality::ALL.map(Modality::as_str).join(", ");
        Wrong::new(
            "modality",
            format!("{shown:?} is no modality"),
            format!("use one of {all}: what is to be found, whatever it is asked by"),
        )
    })?;
    Ok(Some(found))
}

fn relevant_ids(fields: &Payload) -> Result<BTreeSet<PointId>, Wrong> {
    const REMEDY: &str = r#"list the ids of the points that answer the query, such as "relevant": [1, 2]"#;
    let Some(value) = given(fields, "relevant") else {
        return Err(Wrong::new("relevant", "is missing", REMEDY));
    };
    let Some(values) = value.as_array() else {
        let problem = format!("is of type {}, not a list", type_name(Some(value)));
        return Err(Wrong::new("relevant", problem, REMEDY));
    };
    if values.is_empty() {
        let problem = "is empty: a query that nothing answers measures no search";
        return Err(Wrong::new("relevant", problem, REMEDY));
    }
    let mut ids = BTreeSet::new();
    for (place, value) in values.iter().enumerate() {
        let id = match value {
            Value::Number(number) => number.as_u64().map(PointId::Num),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        ids.insert(id.ok_or_else(|| {
            let shown: String = value.to_string().chars().take(80).collect();
            Wrong::new(
                format!("relevant[{place}]"),
                format!("{shown} is no point id"),
                "an id is an unsigned integer, or a UUID in double quotes",
            )
        })?);
    }
    Ok(ids)
}

#[cfg(test)]
mod tests;
