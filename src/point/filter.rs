//! Conditions on payload fields: one small language for both stores, parsed once, and what it means.
//!
//! ```text
//! thread_id = 'x' AND (n >= 5 OR flag = true) AND NOT tag IN ('a', 'b') AND note IS NULL AND "odd key"[].score > 0.5
//! ```
//!
//! [`Filter::matches`] is the meaning; the translations (`qdrant::filter`, `lance::filter`) select the same points. It is
//! Qdrant's own, of a field without a payload index (one of another type than a value does not see that value):
//!
//! - A path names values: none where a key is missing, several through `[]`. `a.b` does not look into a list, `a[].b`
//!   and `a[0].b` do.
//! - `=`, `IN`, `<`, `>` and `BETWEEN` hold where a value, or an element of a list that is the value, meets them. Lists
//!   in lists are not looked into.
//! - Types are told apart: `'5'` is not `5`. `5` finds integers only, not the double 5.0; `5.0` and every comparison
//!   find integers and doubles alike, as doubles. Texts have no order.
//! - `IS NULL` is an explicit null; `IS MISSING` a path without values, where an empty list is none either (Qdrant
//!   cannot tell the two apart), and `IS PRESENT` its opposite; `IS EMPTY` is both: missing, null or an empty list.
//! - `NOT`, `!=` and `IS NOT` are true wherever the bare condition is not: `x != 'a'` finds the points that lack `x`.
//!
//! Owns the syntax tree, the parser and the meaning. No I/O.

mod parse;
mod path;
#[cfg(test)]
mod tests;

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use super::Payload;

pub use parse::{FilterError, MAX_BYTES, MAX_LEVELS, MAX_NESTING, MAX_TERMS};
pub use path::{Path, Step};

/// A condition on a payload. [`FromStr`] reads it and [`fmt::Display`] writes it; neither loses anything of what was
/// read.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// All of these hold. Of none: always true, written `TRUE`.
    And(Vec<Filter>),
    /// One of these holds. Of none: never true, written `FALSE`.
    Or(Vec<Filter>),
    /// This does not hold.
    Not(Box<Filter>),
    /// A single test.
    Is(Test),
}

/// One test of the values at one path.
#[derive(Debug, Clone, PartialEq)]
pub struct Test {
    /// Where.
    pub path: Path,
    /// What.
    pub op: Op,
}

/// What a test asks of the values at its path.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// One is this.
    Equals(Scalar),
    /// One is one of these.
    In(Vec<Scalar>),
    /// One is a number of this range.
    Range(Range),
    /// One is an explicit null.
    Null,
    /// Each is null or an empty list, or there is none.
    Empty,
    /// Each is an empty list, or there is none.
    Missing,
}

/// A value that can be asked for.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// A text, compared whole.
    Text(String),
    /// An integer; finds integers only.
    Int(i64),
    /// A finite double; finds the integers that are equal to it, too.
    Float(f64),
    /// A truth value.
    Bool(bool),
}

/// A range of numbers. Integers are compared as the doubles nearest to them, as Qdrant does.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Range {
    /// `>`
    Above(f64),
    /// `>=`
    AtLeast(f64),
    /// `<`
    Below(f64),
    /// `<=`
    AtMost(f64),
    /// `BETWEEN`, both ends included. Of a list, one element lies between.
    Between(f64, f64),
}

impl Filter {
    /// Whether a payload meets the condition.
    pub fn matches(&self, payload: &Payload) -> bool {
        match self {
            Self::And(all) => all.iter().all(|inner| inner.matches(payload)),
            Self::Or(any) => any.iter().any(|inner| inner.matches(payload)),
            Self::Not(inner) => !inner.matches(payload),
            Self::Is(test) => test.matches(payload),
        }
    }

    /// How many of AND, OR and NOT lie one in another; at most [`MAX_LEVELS`] in a filter that was read.
    pub fn levels(&self) -> usize {
        match self {
            Self::And(inner) | Self::Or(inner) => 1 + inner.iter().map(Self::levels).max().unwrap_or(0),
            Self::Not(inner) => 1 + inner.levels(),
            Self::Is(_) => 0,
        }
    }

    /// Whether it must stand in parentheses inside of another.
    fn is_group(&self) -> bool {
        matches!(self, Self::And(inner) | Self::Or(inner) if !inner.is_empty())
    }
}

impl Test {
    /// Whether a payload meets the test.
    pub fn matches(&self, payload: &Payload) -> bool {
        let values = self.path.values(payload);
        let any = |wanted: &dyn Fn(&Value) -> bool| {
            values.iter().copied().any(|value| match value {
                Value::Array(elements) => elements.iter().any(wanted),
                value => wanted(value),
            })
        };
        match &self.op {
            Op::Equals(scalar) => any(&|value| scalar.is(value)),
            Op::In(scalars) => any(&|value| scalars.iter().any(|scalar| scalar.is(value))),
            Op::Range(range) => any(&|value| range.holds(value)),
            Op::Null => values.iter().any(|value| value.is_null()),
            Op::Empty => values.iter().all(|value| value.is_null() || is_empty_list(value)),
            Op::Missing => values.iter().all(|value| is_empty_list(value)),
        }
    }
}

fn is_empty_list(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty)
}

impl Scalar {
    /// Whether a value is this; a list is never.
    pub fn is(&self, value: &Value) -> bool {
        match self {
            Self::Text(text) => value.as_str() == Some(text.as_str()),
            Self::Int(number) => value.as_i64() == Some(*number),
            Self::Float(number) => Range::Between(*number, *number).holds(value),
            Self::Bool(flag) => value.as_bool() == Some(*flag),
        }
    }
}

impl Range {
    fn holds(self, value: &Value) -> bool {
        value.as_f64().is_some_and(|number| match self {
            Self::Above(low) => number > low,
            Self::AtLeast(low) => number >= low,
            Self::Below(high) => number < high,
            Self::AtMost(high) => number <= high,
            Self::Between(low, high) => number >= low && number <= high,
        })
    }
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse::filter(text)
    }
}

/// Writes a condition inside of another.
fn write_inner(f: &mut fmt::Formatter<'_>, inner: &Filter, parentheses: bool) -> fmt::Result {
    if parentheses {
        write!(f, "({inner})")
    } else {
        write!(f, "{inner}")
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::And(all) if all.is_empty() => f.write_str("TRUE"),
            Self::Or(any) if any.is_empty() => f.write_str("FALSE"),
            Self::And(all) => {
                for (place, one) in all.iter().enumerate() {
                    f.write_str(if place == 0 { "" } else { " AND " })?;
                    write_inner(f, one, one.is_group())?;
                }
                Ok(())
            }
            Self::Or(any) => {
                for (place, one) in any.iter().enumerate() {
                    f.write_str(if place == 0 { "" } else { " OR " })?;
                    // AND binds closer.
                    write_inner(f, one, one.is_group() && !matches!(one, Self::And(_)))?;
                }
                Ok(())
            }
            Self::Not(one) => {
                f.write_str("NOT ")?;
                write_inner(f, one, one.is_group())
            }
            Self::Is(test) => write!(f, "{test}"),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.path)?;
        match &self.op {
            Op::Equals(scalar) => write!(f, "= {scalar}"),
            Op::In(scalars) => {
                f.write_str("IN (")?;
                for (place, scalar) in scalars.iter().enumerate() {
                    f.write_str(if place == 0 { "" } else { ", " })?;
                    write!(f, "{scalar}")?;
                }
                f.write_str(")")
            }
            Op::Range(Range::Above(low)) => write!(f, "> {}", Bound(*low)),
            Op::Range(Range::AtLeast(low)) => write!(f, ">= {}", Bound(*low)),
            Op::Range(Range::Below(high)) => write!(f, "< {}", Bound(*high)),
            Op::Range(Range::AtMost(high)) => write!(f, "<= {}", Bound(*high)),
            Op::Range(Range::Between(low, high)) => write!(f, "BETWEEN {} AND {}", Bound(*low), Bound(*high)),
            Op::Null => f.write_str("IS NULL"),
            Op::Empty => f.write_str("IS EMPTY"),
            Op::Missing => f.write_str("IS MISSING"),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
            Self::Int(number) => write!(f, "{number}"),
            // With its point, or it would come back as an integer.
            Self::Float(number) => write!(f, "{number:?}"),
            Self::Bool(flag) => f.write_str(if *flag { "TRUE" } else { "FALSE" }),
        }
    }
}

/// The end of a range, which needs no point to be a double.
struct Bound(f64);

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Below, integers and doubles are the same; negative zero would lose its sign, which no comparison sees.
        if self.0.fract() == 0.0 && self.0.abs() < 1e15 {
            write!(f, "{}", self.0 as i64)
        } else {
            write!(f, "{:?}", self.0)
        }
    }
}
