//! The parser of conditions: recursive descent over the text. What it takes is bounded, in length, nesting and number of
//! values, so that nothing typed can overflow a stack or a message further on.
//!
//! ```text
//! any     = all {"OR" all}
//! all     = not {"AND" not}
//! not     = "NOT" not | "(" any ")" | "TRUE" | "FALSE" | test
//! test    = path ("=" | "!=" | "<>") value | path ("<" | "<=" | ">" | ">=") number
//!         | path ["NOT"] "IN" "(" value {"," value} ")" | path ["NOT"] "BETWEEN" number "AND" number
//!         | path "IS" ["NOT"] ("NULL" | "EMPTY" | "MISSING" | "PRESENT")
//! path    = (word | "odd key") {"." key | "[]" | "[" index "]"}
//! value   = 'text, quotes doubled' | number | "TRUE" | "FALSE"
//! ```

use super::path::{begins_word, is_plain, is_reserved};
use super::{Filter, Op, Path, Range, Scalar, Step, Test};

/// Bytes of a condition at most.
pub const MAX_BYTES: usize = 64 << 10;
/// Parentheses and NOTs that may lie one in another: the parser calls itself for each.
pub const MAX_NESTING: usize = 64;
/// AND, OR and NOT that may lie one in another once the parentheses that mean nothing are gone. The parser behind Lance
/// takes 50 calls of itself, of which each of these may cost two and a test ten; Qdrant's messages nest up to 100.
pub const MAX_LEVELS: usize = 10;
/// Tests and listed values at most.
pub const MAX_TERMS: usize = 1_000;

/// Characters of the text that an error shows.
const SHOWN: usize = 24;

/// A condition that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("character {position} ({}): {problem}", at(.found))]
pub struct FilterError {
    /// Where, in characters from 1.
    pub position: usize,
    /// What stands there; empty at the end.
    pub found: String,
    /// What is wrong, and what was expected.
    pub problem: String,
}

fn at(found: &str) -> String {
    if found.is_empty() {
        "the end".to_owned()
    } else {
        format!("{found:?}")
    }
}

type Parsed<T> = Result<T, FilterError>;

/// Reads a whole condition.
pub(super) fn filter(text: &str) -> Parsed<Filter> {
    let mut parser = Parser::new(text)?;
    let filter = parser.any()?;
    parser.end("expected AND, OR or the end")?;
    if filter.levels() > MAX_LEVELS {
        return Err(parser.error_at(0, format!("more than {MAX_LEVELS} levels of AND, OR and NOT")));
    }
    Ok(filter)
}

/// Reads a path alone.
pub(super) fn path(text: &str) -> Parsed<Path> {
    let mut parser = Parser::new(text)?;
    let path = parser.path()?;
    parser.end("expected a dot, [] or the end")?;
    Ok(path)
}

struct Parser<'a> {
    text: &'a str,
    /// The byte that is read next.
    at: usize,
    nesting: usize,
    terms: usize,
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Parsed<Self> {
        let parser = Self {
            text,
            at: 0,
            nesting: 0,
            terms: 0,
        };
        if text.len() > MAX_BYTES {
            let problem = format!("the condition has {} bytes; at most {MAX_BYTES} are taken", text.len());
            return Err(parser.error(problem));
        }
        Ok(parser)
    }

    fn error(&self, problem: impl Into<String>) -> FilterError {
        self.error_at(self.at, problem)
    }

    fn error_at(&self, at: usize, problem: impl Into<String>) -> FilterError {
        FilterError {
            position: self.text[..at].chars().count() + 1,
            found: self.text[at..].chars().take(SHOWN).collect(),
            problem: problem.into(),
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    /// Takes a sign, if it is next.
    fn take(&mut self, sign: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    /// Takes a word of the language, if it is next.
    fn keyword(&mut self, word: &str) -> bool {
        self.skip_space();
        let found = word_of(self.rest()).eq_ignore_ascii_case(word);
        if found {
            self.at += word.len();
        }
        found
    }

    fn end(&mut self, expected: &str) -> Parsed<()> {
        self.skip_space();
        if self.rest().is_empty() {
            Ok(())
        } else {
            Err(self.error(expected))
        }
    }

    fn enter(&mut self) -> Parsed<()> {
        self.nesting += 1;
        if self.nesting > MAX_NESTING {
            return Err(self.error(format!("more than {MAX_NESTING} parentheses and NOTs one in another")));
        }
        Ok(())
    }

    fn count(&mut self) -> Parsed<()> {
        self.terms += 1;
        if self.terms > MAX_TERMS {
            return Err(self.error(format!("more than {MAX_TERMS} tests and values")));
        }
        Ok(())
    }

    fn any(&mut self) -> Parsed<Filter> {
        let first = self.all()?;
        let mut parts = Parts::new(first);
        while self.keyword("OR") {
            parts.push(self.all()?);
        }
        Ok(parts.joined(Filter::Or, |part| match part {
            Filter::Or(inner) if !inner.is_empty() => Ok(inner),
            other => Err(other),
        }))
    }

    fn all(&mut self) -> Parsed<Filter> {
        let first = self.not()?;
        let mut parts = Parts::new(first);
        while self.keyword("AND") {
            parts.push(self.not()?);
        }
        Ok(parts.joined(Filter::And, |part| match part {
            Filter::And(inner) if !inner.is_empty() => Ok(inner),
            other => Err(other),
        }))
    }

    fn not(&mut self) -> Parsed<Filter> {
        if self.keyword("NOT") {
            self.enter()?;
            let inner = self.not()?;
            self.nesting -= 1;
            return Ok(Filter::Not(Box::new(inner)));
        }
        if self.take("(") {
            self.enter()?;
            let inner = self.any()?;
            if !self.take(")") {
                return Err(self.error("expected AND, OR or )"));
            }
            self.nesting -= 1;
            return Ok(inner);
        }
        self.count()?;
        if self.keyword("TRUE") {
            return Ok(Filter::And(Vec::new()));
        }
        if self.keyword("FALSE") {
            return Ok(Filter::Or(Vec::new()));
        }
        self.test()
    }

    fn test(&mut self) -> Parsed<Filter> {
        let path = self.path()?;
        let mut negated = false;
        let op = if self.take("!=") || self.take("<>") {
            negated = true;
            Op::Equals(self.scalar()?)
        } else if self.take("<=") {
            Op::Range(Range::AtMost(self.number()?))
        } else if self.take(">=") {
            Op::Range(Range::AtLeast(self.number()?))
        } else if self.take("<") {
            Op::Range(Range::Below(self.number()?))
        } else if self.take(">") {
            Op::Range(Range::Above(self.number()?))
        } else if self.take("==") || self.take("=") {
            Op::Equals(self.scalar()?)
        } else if self.keyword("IS") {
            negated = self.keyword("NOT");
            if self.keyword("NULL") {
                Op::Null
            } else if self.keyword("EMPTY") {
                Op::Empty
            } else if self.keyword("MISSING") {
                Op::Missing
            } else if self.keyword("PRESENT") {
                negated = !negated;
                Op::Missing
            } else {
                return Err(self.error("expected NULL, EMPTY, MISSING or PRESENT"));
            }
        } else {
            negated = self.keyword("NOT");
            if self.keyword("IN") {
                Op::In(self.list()?)
            } else if self.keyword("BETWEEN") {
                let low = self.number()?;
                if !self.keyword("AND") {
                    return Err(self.error("expected AND and the upper end"));
                }
                Op::Range(Range::Between(low, self.number()?))
            } else if negated {
                return Err(self.error("expected IN or BETWEEN"));
            } else {
                return Err(self.error("expected =, !=, <, <=, >, >=, IN, BETWEEN or IS"));
            }
        };
        let test = Filter::Is(Test { path, op });
        Ok(if negated { Filter::Not(Box::new(test)) } else { test })
    }

    fn list(&mut self) -> Parsed<Vec<Scalar>> {
        if !self.take("(") {
            return Err(self.error("expected the values in parentheses"));
        }
        let mut values = Vec::new();
        loop {
            self.count()?;
            values.push(self.scalar()?);
            if !self.take(",") {
                break;
            }
        }
        if !self.take(")") {
            return Err(self.error("expected , or )"));
        }
        Ok(values)
    }

    fn path(&mut self) -> Parsed<Path> {
        self.skip_space();
        let first = if self.rest().starts_with('"') {
            self.quoted()?
        } else {
            let word = word_of(self.rest());
            if word.is_empty() {
                return Err(self.error("expected a field, NOT or ("));
            }
            if is_reserved(word) {
                return Err(self.error(format!("expected a field; one of this name is written \"{word}\"")));
            }
            self.at += word.len();
            word.to_owned()
        };
        let mut rest = Vec::new();
        // No space is skipped here: a path is one word.
        loop {
            if self.rest().starts_with(".\"") {
                self.at += 1;
                rest.push(Step::Key(self.quoted()?));
            } else if let Some(key) = self.rest().strip_prefix('.') {
                self.at += 1;
                let key = &key[..key.find(|c: char| !is_plain(c)).unwrap_or(key.len())];
                if key.is_empty() {
                    return Err(self.error("expected a key"));
                }
                self.at += key.len();
                rest.push(Step::Key(key.to_owned()));
            } else if self.rest().starts_with('[') {
                self.at += 1;
                rest.push(self.place()?);
            } else {
                return Ok(Path::new(first, rest));
            }
        }
    }

    /// What follows an opening bracket.
    fn place(&mut self) -> Parsed<Step> {
        let rest = self.rest();
        let digits = &rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())];
        // Lance counts places in i32.
        let place = digits.parse::<i32>().ok().and_then(|place| u32::try_from(place).ok());
        if !rest[digits.len()..].starts_with(']') || (place.is_none() && !digits.is_empty()) {
            return Err(self.error(format!("expected a place up to {}, or ]", i32::MAX)));
        }
        self.at += digits.len() + 1;
        Ok(place.map_or(Step::Each, Step::Index))
    }

    /// A key in double quotes.
    fn quoted(&mut self) -> Parsed<String> {
        let inside = &self.rest()[1..];
        let Some(end) = inside.find('"') else {
            return Err(self.error("the double quote is not closed"));
        };
        let key = &inside[..end];
        if key.contains('\\') {
            return Err(self.error("a key with a backslash: Qdrant's paths cannot name it"));
        }
        self.at += end + 2;
        Ok(key.to_owned())
    }

    fn scalar(&mut self) -> Parsed<Scalar> {
        self.skip_space();
        match self.rest().chars().next() {
            Some('\'') => self.text().map(Scalar::Text),
            Some('0'..='9' | '+' | '-' | '.') => self.digits(),
            Some('"') => Err(self.error("expected a value; texts stand in single quotes, double ones are for keys")),
            _ if self.keyword("TRUE") => Ok(Scalar::Bool(true)),
            _ if self.keyword("FALSE") => Ok(Scalar::Bool(false)),
            _ if word_of(self.rest()).eq_ignore_ascii_case("NULL") => {
                Err(self.error("expected a value; null is asked for with IS NULL"))
            }
            _ => Err(self.error("expected a value: 'text', a number, TRUE or FALSE")),
        }
    }

    /// A number that orders others.
    fn number(&mut self) -> Parsed<f64> {
        self.skip_space();
        let begin = self.at;
        match self.rest().chars().next() {
            Some('\'') => {
                Err(self.error("expected a number: Qdrant does not order texts; compare them with =, != or IN"))
            }
            Some('0'..='9' | '+' | '-' | '.') => match self.digits()? {
                Scalar::Int(number) if number as f64 as i128 != i128::from(number) => {
                    let nearest = number as f64;
                    let problem =
                        format!("Qdrant orders numbers as doubles, and {number} is none; {nearest} is nearest");
                    Err(self.error_at(begin, problem))
                }
                Scalar::Int(number) => Ok(number as f64),
                Scalar::Float(number) => Ok(number),
                Scalar::Text(_) | Scalar::Bool(_) => Err(self.error_at(begin, "expected a number")),
            },
            _ => Err(self.error("expected a number")),
        }
    }

    fn text(&mut self) -> Parsed<String> {
        let mut text = String::new();
        let mut rest = &self.rest()[1..];
        loop {
            let Some(end) = rest.find('\'') else {
                return Err(self.error("the quote is not closed; one inside of a text is doubled"));
            };
            text.push_str(&rest[..end]);
            rest = &rest[end + 1..];
            match rest.strip_prefix('\'') {
                Some(more) => {
                    text.push('\'');
                    rest = more;
                }
                None => break,
            }
        }
        self.at = self.text.len() - rest.len();
        Ok(text)
    }

    fn digits(&mut self) -> Parsed<Scalar> {
        let word = number_of(self.rest());
        let digits = word.strip_prefix(['+', '-']).unwrap_or(word);
        let value = if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let number = word.parse::<i64>().map(Scalar::Int);
            number.map_err(|_| {
                let problem = format!("{word} is beyond 64 bits; {word}.0 would be compared as a double");
                self.error(problem)
            })?
        } else {
            // The words for infinity and no number at all are doubles to Rust.
            let begins = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
            match word.parse::<f64>() {
                Ok(number) if begins && number.is_finite() => Scalar::Float(number),
                _ => return Err(self.error("expected a number; this is none that a double can hold")),
            }
        };
        self.at += word.len();
        Ok(value)
    }
}

/// The word that a text begins with; empty where it begins with none.
fn word_of(text: &str) -> &str {
    if text.starts_with(begins_word) {
        &text[..text.find(|c: char| !is_plain(c)).unwrap_or(text.len())]
    } else {
        ""
    }
}

/// What of a text would be read as one number.
fn number_of(text: &str) -> &str {
    let mut before = None;
    let end = text.find(|c: char| {
        let sign = matches!(c, '+' | '-') && matches!(before, None | Some('e' | 'E'));
        before = Some(c);
        !(sign || c == '.' || c.is_alphanumeric())
    });
    &text[..end.unwrap_or(text.len())]
}

/// The operands of AND or OR.
struct Parts {
    first: Filter,
    more: Vec<Filter>,
}

impl Parts {
    fn new(first: Filter) -> Self {
        Self {
            first,
            more: Vec::new(),
        }
    }

    fn push(&mut self, part: Filter) {
        self.more.push(part);
    }

    /// One alone stays as it is; of several, those that are of the same kind are taken apart, since their parentheses
    /// mean nothing.
    fn joined(self, join: fn(Vec<Filter>) -> Filter, apart: fn(Filter) -> Result<Vec<Filter>, Filter>) -> Filter {
        if self.more.is_empty() {
            return self.first;
        }
        let mut parts = Vec::with_capacity(1 + self.more.len());
        for part in std::iter::once(self.first).chain(self.more) {
            match apart(part) {
                Ok(inner) => parts.extend(inner),
                Err(other) => parts.push(other),
            }
        }
        join(parts)
    }
}
