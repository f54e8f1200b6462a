//! Inputs that were longer than the model takes and were brought within it: never in silence.

use serde::Serialize;

/// How a text was brought within what the model takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shortening {
    /// Its beginning was embedded.
    Truncated,
    /// Its pieces were embedded and averaged.
    Chunked,
}

impl Shortening {
    /// The word in the journal.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::Chunked => "chunked",
        }
    }

    /// The shortening of a word.
    pub fn parse(word: &str) -> Option<Self> {
        [Self::Truncated, Self::Chunked]
            .into_iter()
            .find(|how| how.as_str() == word)
    }
}

/// What was done to one point's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Shortened {
    /// How.
    pub how: Shortening,
    /// Tokens of the whole text.
    pub tokens: u64,
    /// Tokens that were embedded.
    pub embedded: u64,
    /// Pieces that were embedded.
    pub pieces: u64,
}
