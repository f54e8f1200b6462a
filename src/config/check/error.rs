//! What is wrong with a configuration, in words that name the field and the way out.

use std::path::PathBuf;

/// What is wrong with a configuration, and the way out.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The command line cannot be meant so.
    #[error("{0}")]
    Usage(String),
    /// `[keys]` cannot be meant so.
    #[error("{0}")]
    Keys(String),
    /// The file cannot be read.
    #[error(
        "cannot read the configuration {}: {error}; name one with --config, or have one written by `qlance init` or `qlance demo`",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        error: std::io::Error,
    },
    /// The text is no TOML or a value has the wrong type.
    #[error("{origin}: {message}")]
    Syntax {
        /// The file.
        origin: String,
        /// What the parser says, with line and column.
        message: String,
    },
    /// A key that qlance does not know.
    #[error("{origin}: unknown key `{key}`{hint}")]
    UnknownKey {
        /// The file.
        origin: String,
        /// The key with its section.
        key: String,
        /// The nearest known key, as a question.
        hint: String,
    },
    /// A field whose value cannot be.
    #[error("{field}: {problem}; {remedy}")]
    Field {
        /// The field with its section.
        field: String,
        /// What is wrong.
        problem: String,
        /// The way out.
        remedy: String,
    },
}

pub(in crate::config) fn field(field: &str, problem: impl Into<String>, remedy: impl Into<String>) -> ConfigError {
    ConfigError::Field {
        field: field.into(),
        problem: problem.into(),
        remedy: remedy.into(),
    }
}
