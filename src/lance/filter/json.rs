//! Tests of values in a JSON column, by the paths of Lance's JSON functions (crate `lance-jsonb`), which are SQL's own:
//! `json_exists(column, '$."a"[*]?(@ > .5e1)')` is true where a value under `a`, or an element of a list there, is above
//! 5.
//!
//! What has to be known about them:
//! - `[*]` gives the elements of a list, and anything else as it is. That is just how a list meets a test; but a `[]` in
//!   a path means lists only, so it says so first: `?(exists(@[0]))[*]`.
//! - In a comparison `@` stands for the elements of a list, too, which would look into lists in lists. But a comparison
//!   of two types is unknown, and so is all that it is part of: `@[0] == "x" || @ > .5e1` is unknown for every list with
//!   elements (either the first is no text, or that text is compared with a number), and `@ > .5e1` for all else.
//! - One comparison of types that differ spoils its neighbours: each type has a condition of its own.
//! - A number that begins with digits is read as far as its point: a double begins with the point.
//! - Neither a key nor a text may be empty: no path goes by an empty key, and "" is what comes before "\0".
//! - `[0 to last]` never ends on an empty list, and is not used.

use super::{Range, Step, literal};

/// Alternatives of one path at most: it is evaluated by a function that calls itself for each.
const MOST_ALTERNATIVES: usize = 64;

/// Unknown for a list, false for all else, where what stands beside it compares with numbers, truth values or null.
const NO_LIST: &str = "@[0] == \"x\"";
/// The same beside comparisons with texts.
const NO_LIST_OF_TEXTS: &str = "@[0] == 0";

/// Where in the rows' JSON a value may lie.
pub(super) struct Place {
    /// The column, in backticks.
    column: String,
    /// The JSON path.
    path: String,
}

impl Place {
    /// `None` where a key is empty, which no JSON path can name.
    pub(super) fn of<'a>(column: &str, steps: impl IntoIterator<Item = &'a Step>) -> Option<Self> {
        let mut path = "$".to_owned();
        for step in steps {
            match step {
                Step::Key(key) if key.is_empty() => return None,
                Step::Key(key) => path.push_str(&format!(".{}", text(key))),
                Step::Index(place) => path.push_str(&format!("[{place}]")),
                Step::Each => path.push_str("?(exists(@[0]))[*]"),
            }
        }
        Some(Self {
            column: column.to_owned(),
            path,
        })
    }

    fn call(&self, function: &str, further: &str) -> String {
        let path = format!("{}{further}", self.path);
        format!("{function}({}, {})", self.column, literal(&path))
    }

    /// A value that is anything but an empty list.
    pub(super) fn present(&self) -> String {
        self.call("json_exists", "[*]")
    }

    /// A value that is null itself.
    pub(super) fn null(&self) -> String {
        self.call("json_exists", &format!("?({NO_LIST} || @ == null)"))
    }

    /// A text that is one of these.
    pub(super) fn texts(&self, texts: &[&str]) -> Vec<String> {
        let equals = |wanted: &&str| match *wanted {
            "" => r#"@ < "\u0000""#.to_owned(),
            wanted => format!("@ == {}", text(wanted)),
        };
        self.any(NO_LIST_OF_TEXTS, texts.iter().map(equals).collect())
    }

    /// A truth value that is one of these.
    pub(super) fn flags(&self, flags: &[bool]) -> Vec<String> {
        self.any(NO_LIST, flags.iter().map(|flag| format!("@ == {flag}")).collect())
    }

    /// A number of one of these ranges. Compared with a double, an integer is one, too.
    pub(super) fn ranges(&self, ranges: &[Range]) -> Vec<String> {
        let within = |range: &Range| match *range {
            Range::Above(low) => format!("@ > {}", double(low)),
            Range::AtLeast(low) => format!("@ >= {}", double(low)),
            Range::Below(high) => format!("@ < {}", double(high)),
            Range::AtMost(high) => format!("@ <= {}", double(high)),
            Range::Between(low, high) => format!("@ >= {} && @ <= {}", double(low), double(high)),
        };
        self.any(NO_LIST, ranges.iter().map(within).collect())
    }

    /// A number that is equal to one of these, be it an integer or a double.
    pub(super) fn integers_or_doubles(&self, numbers: &[i64]) -> Vec<String> {
        self.any(NO_LIST, numbers.iter().map(|number| format!("@ == {number}")).collect())
    }

    /// An integer that is this. To a path the double is equal to it; what the path selects tells the two apart: `5`,
    /// `5.0`, or a list such as `[5.0,5]`.
    pub(super) fn integer(&self, number: i64) -> String {
        let equal = format!("[*]?({NO_LIST} || @ == {number})");
        let exists = self.call("json_exists", &equal);
        let found = self.call("json_extract", &equal);
        format!(
            "({exists} AND ({found} = '{number}' OR {found} LIKE '[{number},%' OR {found} LIKE '%,{number},%' OR \
             {found} LIKE '%,{number}]'))"
        )
    }

    /// A value, or an element of a list, that meets one of the alternatives.
    fn any(&self, guard: &str, alternatives: Vec<String>) -> Vec<String> {
        alternatives
            .chunks(MOST_ALTERNATIVES)
            .map(|some| self.call("json_exists", &format!("[*]?({guard} || {})", some.join(" || "))))
            .collect()
    }
}

/// A text in a JSON path.
fn text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A double in a JSON path: 2.5 is `.25e1`.
fn double(number: f64) -> String {
    let written = format!("{number:e}");
    let (sign, written) = match written.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", written.as_str()),
    };
    let (digits, exponent) = written.split_once('e').unwrap_or((written, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!("{sign}.{}e{}", digits.replace('.', ""), exponent + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_double_is_the_same_in_a_path(number in prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL) {
            for number in [number, -number] {
                let written = double(number);
                prop_assert!(written.trim_start_matches('-').starts_with('.'), "{}", written);
                prop_assert_eq!(written.parse::<f64>().map(f64::to_bits), Ok(number.to_bits()), "{}", written);
            }
        }
    }

    #[test]
    fn what_is_written_into_a_path() {
        for (number, expected) in [
            (0.0, ".0e1"),
            (-0.0, "-.0e1"),
            (5.0, ".5e1"),
            (-2.5, "-.25e1"),
            (1e300, ".1e301"),
            (0.001, ".1e-2"),
        ] {
            assert_eq!(double(number), expected);
        }
        assert_eq!(text("a\"b\\c"), r#""a\"b\\c""#);
    }
}
