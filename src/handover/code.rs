//! Code for opening and asking the new table, in three languages, filled in from a job.
//!
//! Owns the texts; reads nothing, and is handed nothing that is secret: keys by the name of their variable or file
//! only, addresses without credentials. Every value of the job gets into the code through [`literal`], so that a name
//! with quotes, line breaks or signs that turn the writing direction is still one string of that language.

mod literal;
mod python;
mod rust;
mod typescript;

use serde::Serialize;

use crate::config::Dialect;

/// What the code is filled in with.
#[derive(Debug, Clone, PartialEq)]
pub struct Access {
    /// The job's id.
    pub job: String,
    /// The database: an absolute directory, or an address without credentials.
    pub uri: String,
    /// Whether credentials were left out of an address.
    pub left_out: bool,
    /// The table.
    pub table: String,
    /// Its columns of embeddings; that of texts first, never none.
    pub columns: Vec<Column>,
    /// The column of texts with a keyword index, where there is one.
    pub content: Option<String>,
    /// A column of strings to filter by, where there is one.
    pub filter: Option<String>,
    /// The JSON columns, `extra` last.
    pub jsons: Vec<String>,
    /// Settings for asking the index that were measured; none leaves Lance's own.
    pub tuning: Tuning,
}

/// A column of embeddings.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Numbers a vector has.
    pub dimensions: usize,
    /// How it is searched.
    pub metric: Metric,
    /// Whether it has a vector index.
    pub indexed: bool,
    /// Whether the space says that its vectors have length one.
    pub normalised: bool,
    /// The space, in words.
    pub space: String,
    /// What it holds embeddings of: text, image, audio.
    pub holds: Vec<&'static str>,
    /// Who embeds a query for it.
    pub asked_by: AskedBy,
}

/// How a column is searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// 1 - cosine.
    Cosine,
    /// 1 - dot product.
    Dot,
    /// The squared Euclidean distance.
    L2,
}

impl Metric {
    /// The word in Python and TypeScript.
    fn word(self) -> &'static str {
        match self {
            Self::Cosine => "cosine",
            Self::Dot => "dot",
            Self::L2 => "l2",
        }
    }

    /// The variant of `lancedb::DistanceType`.
    fn variant(self) -> &'static str {
        match self {
            Self::Cosine => "Cosine",
            Self::Dot => "Dot",
            Self::L2 => "L2",
        }
    }
}

/// Who embeds a query.
#[derive(Debug, Clone, PartialEq)]
pub enum AskedBy {
    /// A server that speaks OpenAI's API in one of its dialects.
    Server(Box<Server>),
    /// all-MiniLM-L6-v2.
    MiniLm {
        /// Text set before every query.
        prefix: String,
    },
    /// Nobody that qlance could name; why, and what to do, in sentences.
    Nobody(String),
}

/// A server that embeds queries.
#[derive(Debug, Clone, PartialEq)]
pub struct Server {
    /// How it wants its requests.
    pub dialect: Dialect,
    /// Its address up to and with `/v1`, without credentials and without a slash at its end.
    pub base_url: String,
    /// The model as the server knows it.
    pub model: String,
    /// Whether `dimensions` is sent.
    pub send_dimensions: bool,
    /// Where its key is.
    pub key: Key,
    /// Text set before every query.
    pub prefix: String,
}

/// Where a key is; never the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Key {
    /// None is wanted.
    None,
    /// In an environment variable of this name.
    Variable(String),
    /// In this file.
    File(String),
}

/// Settings for asking an index.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tuning {
    /// Partitions that are looked at.
    pub nprobes: Option<usize>,
    /// Times as many rows as wanted that are compared again by their whole vectors.
    pub refine_factor: Option<u32>,
    /// Candidates kept in a graph search.
    pub ef: Option<usize>,
}

/// The code in every language.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Code {
    /// Python, with the packages lancedb and, for MiniLM, sentence-transformers.
    pub python: String,
    /// Rust, with the crates that its first lines name.
    pub rust: String,
    /// TypeScript, with @lancedb/lancedb and, for MiniLM, @huggingface/transformers.
    pub typescript: String,
}

impl Code {
    /// The code for a table.
    pub fn of(access: &Access) -> Self {
        Self {
            python: python::code(access),
            rust: rust::code(access),
            typescript: typescript::code(access),
        }
    }
}

impl Access {
    /// The column that texts are searched in.
    fn main(&self) -> &Column {
        static NONE: std::sync::LazyLock<Column> = std::sync::LazyLock::new(|| Column {
            name: "embedding".to_owned(),
            dimensions: 0,
            metric: Metric::Cosine,
            indexed: false,
            normalised: false,
            space: "an unknown space".to_owned(),
            holds: Vec::new(),
            asked_by: AskedBy::Nobody("The table has no column of embeddings.".to_owned()),
        });
        self.columns.first().unwrap_or(&NONE)
    }

    /// The columns that an answer shows, the id first.
    fn shown(&self) -> Vec<&str> {
        let mut shown = vec!["id"];
        for name in self.content.iter().chain(&self.filter).chain(&self.jsons) {
            if !shown.contains(&name.as_str()) {
                shown.push(name);
            }
        }
        shown
    }

    /// What is to be known before the code, in sentences of one line each; `quote` writes a foreign text as a string of
    /// the language, so that it stays on its line.
    fn remarks(&self, quote: fn(&str) -> String) -> Vec<String> {
        let main = self.main();
        let mut said = vec![format!(
            "Column {}: {} numbers of {}, distance {}{}.",
            quote(&main.name),
            main.dimensions,
            quote(&main.space),
            main.metric.word(),
            if main.indexed {
                ", with a vector index"
            } else {
                ", without a vector index: every search looks at all rows"
            }
        )];
        match &main.asked_by {
            AskedBy::Server(_) if main.normalised => {
                said.push(
                    "The model's vectors have length one as they come; nothing has to be done to them.".to_owned(),
                );
            }
            AskedBy::Server(_) => said.push(
                "Vectors are stored as the server gives them; qlance normalises nothing, and neither may a query."
                    .to_owned(),
            ),
            AskedBy::MiniLm { .. } => said.push(
                "qlance embedded with the int8 weights of this model; the full weights give nearly the same vectors \
                 (cosine 0.999 and more). Mean pooling, length one, at most 256 tokens."
                    .to_owned(),
            ),
            AskedBy::Nobody(why) => said.push(why.clone()),
        }
        for other in self.columns.iter().skip(1) {
            said.push(format!(
                "Also column {} (of {}): {} numbers of {}, distance {}, asked by {}.",
                quote(&other.name),
                other.holds.join(", "),
                other.dimensions,
                quote(&other.space),
                other.metric.word(),
                other.who(quote),
            ));
        }
        if self.uri.contains("://") {
            said.push(
                "The object store's credentials come from the environment (AWS_ACCESS_KEY_ID and the like), or from \
                 storage options; none are written here."
                    .to_owned(),
            );
        }
        if self.left_out {
            said.push(
                "An address in the configuration of qlance has a user, a password or a query, which are left out here."
                    .to_owned(),
            );
        }
        said
    }
}

impl Column {
    /// Who embeds a query, in words.
    fn who(&self, quote: fn(&str) -> String) -> String {
        match &self.asked_by {
            AskedBy::Server(server) => format!(
                "model {} at {}, dialect {}",
                quote(&server.model),
                quote(&server.base_url),
                dialect_word(server.dialect)
            ),
            AskedBy::MiniLm { .. } => "all-MiniLM-L6-v2".to_owned(),
            AskedBy::Nobody(_) => "stored vectors only".to_owned(),
        }
    }
}

/// A text as a string of Python.
pub(super) fn python_literal(text: &str) -> String {
    literal::python(text)
}

/// A dialect's word in the configuration.
fn dialect_word(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Openai => "openai",
        Dialect::Infinity => "infinity",
        Dialect::TypedInput => "typed_input",
        Dialect::ContentParts => "content_parts",
        Dialect::DataUri => "data_uri",
        Dialect::ChatMessages => "chat_messages",
    }
}

/// The parts of a request's body for one text, as JSON around the variable `text`. JSON of strings, lists and objects
/// is the same in all three languages (in Rust within `json!`).
fn body_parts(dialect: Dialect) -> &'static [(&'static str, &'static str)] {
    match dialect {
        Dialect::Openai | Dialect::DataUri => &[("input", "[text]")],
        Dialect::Infinity => &[("modality", "\"text\""), ("input", "[text]")],
        Dialect::TypedInput => &[("input", "[{\"text\": text}]")],
        Dialect::ContentParts => &[("input", "[{\"content\": [{\"type\": \"text\", \"text\": text}]}]")],
        Dialect::ChatMessages => &[(
            "messages",
            "[{\"role\": \"user\", \"content\": [{\"type\": \"text\", \"text\": text}]}]",
        )],
    }
}

/// Whether a text could pass for a picture in this dialect, so that the code has to look.
fn reads_data_uris(dialect: Dialect) -> bool {
    dialect == Dialect::DataUri
}

/// `text` broken into lines of at most `width` characters at its blanks, each after `mark`.
fn comment(mark: &str, text: &str, width: usize) -> String {
    let mut lines = String::new();
    let mut line = String::new();
    for word in text.split(' ') {
        if !line.is_empty() && line.chars().count() + 1 + word.chars().count() > width {
            lines.push_str(&format!("{mark} {line}\n"));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    lines.push_str(&format!("{mark} {line}\n"));
    lines
}

#[cfg(test)]
mod tests;
