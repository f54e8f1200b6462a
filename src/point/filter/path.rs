//! Where a test looks: a path into a payload, in Qdrant's own notation.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::parse::{self, FilterError};
use crate::point::Payload;

/// A path into a payload: a key, then steps. Written as Qdrant writes it: `a.b`, `a[].b`, `a[0]`, `"odd key".b`. No key
/// holds a double quote or a backslash, which Qdrant's notation cannot say.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Path {
    first: String,
    rest: Vec<Step>,
}

/// One step further into a value.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Step {
    /// To the value of a key of an object.
    Key(String),
    /// To an element of a list, from 0.
    Index(u32),
    /// To every element of a list.
    Each,
}

/// Words that are no field unless they stand in double quotes.
const RESERVED: [&str; 10] = [
    "AND", "OR", "NOT", "IN", "IS", "NULL", "TRUE", "FALSE", "BETWEEN", "LIKE",
];

/// Whether a word of the language is meant, whatever its case.
pub(super) fn is_reserved(word: &str) -> bool {
    RESERVED.iter().any(|reserved| reserved.eq_ignore_ascii_case(word))
}

/// Whether a character may stand in a key without quotes: the same in Qdrant.
pub(super) fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// Whether a character may begin a field without quotes; a digit or a hyphen would begin a number.
pub(super) fn begins_word(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

impl Path {
    /// For the parser, which knows what a key may hold.
    pub(super) fn new(first: String, rest: Vec<Step>) -> Self {
        Self { first, rest }
    }

    /// The payload's key that it begins with.
    pub fn first(&self) -> &str {
        &self.first
    }

    /// The steps into that key's value.
    pub fn rest(&self) -> &[Step] {
        &self.rest
    }

    /// The values it names, in the order of the payload; none where a step does not fit what is there.
    pub fn values<'a>(&self, payload: &'a Payload) -> Vec<&'a Value> {
        let mut found: Vec<&'a Value> = payload.get(&self.first).into_iter().collect();
        for step in &self.rest {
            found = found.into_iter().flat_map(|value| step.of(value)).collect();
        }
        found
    }
}

impl Step {
    fn of<'a>(&self, value: &'a Value) -> &'a [Value] {
        let one = |value: Option<&'a Value>| value.map(std::slice::from_ref).unwrap_or_default();
        match (self, value) {
            (Self::Key(key), Value::Object(fields)) => one(fields.get(key)),
            (Self::Index(place), Value::Array(elements)) => one(elements.get(*place as usize)),
            (Self::Each, Value::Array(elements)) => elements.as_slice(),
            _ => &[],
        }
    }
}

impl FromStr for Path {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse::path(text)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = self.first.starts_with(begins_word) && self.first.chars().all(is_plain);
        if bare && !is_reserved(&self.first) {
            f.write_str(&self.first)?;
        } else {
            write!(f, "\"{}\"", self.first)?;
        }
        for step in &self.rest {
            match step {
                Step::Key(key) if !key.is_empty() && key.chars().all(is_plain) => write!(f, ".{key}")?,
                Step::Key(key) => write!(f, ".\"{key}\"")?,
                Step::Index(place) => write!(f, "[{place}]")?,
                Step::Each => f.write_str("[]")?,
            }
        }
        Ok(())
    }
}
