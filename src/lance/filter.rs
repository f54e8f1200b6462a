//! Conditions as SQL over the table, with the same rows as result as the points that
//! [`Filter::matches`](crate::point::filter::Filter::matches).
//!
//! A value lies in its column where it fits, else in `extra` under its key, so a test looks in both places:
//!
//! ```text
//! n >= 5     (`n` >= 5 OR json_exists(`extra`, '$."n"[*]?(@[0] == "x" || @ >= .5e1)'))
//! NOT n = 5  ((`n` = 5 OR ...) IS NOT TRUE)
//! ```
//!
//! A test is true in SQL exactly where it holds, and else false or null; `IS NOT TRUE` is therefore the NOT of the
//! language. The few tests that SQL cannot say exactly (a path by an empty key, `[].x IS EMPTY`, more than eight integers
//! in one list) are replaced by a wider one, under NOT by a narrower one, so that the rows found are a superset;
//! [`RowFilter::exact`] then is false, and who asks checks their payloads.
//!
//! Knows the table's columns; reads nothing.

mod json;
mod number;
#[cfg(test)]
mod tests;

use super::schema::{Role, TableSchema};
use crate::config::ColumnType;
use crate::point::filter::{Filter, MAX_LEVELS, Op, Path, Range, Scalar, Step, Test};
use json::Place;

/// Integers of one list that are looked for in JSON exactly; each costs a look of its own at every row.
const MOST_EXACT_INTEGERS: usize = 8;

/// A condition on rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowFilter {
    /// The condition for a `WHERE`, with its parentheses.
    pub sql: String,
    /// Whether the rows that meet it are the points wanted. Otherwise they are more, and each one's payload has yet to
    /// be checked with [`Filter::matches`].
    pub exact: bool,
}

/// A condition that the parser behind Lance would refuse. None that was read from text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the condition has {levels} levels of AND, OR and NOT, more than {MAX_LEVELS}; write it with fewer of them")]
pub struct TooDeep {
    /// How many.
    pub levels: usize,
}

/// The condition in SQL, for a table of these columns.
///
/// # Errors
/// AND, OR and NOT lie one in another more than [`MAX_LEVELS`] times.
pub fn to_sql(filter: &Filter, schema: &TableSchema) -> Result<RowFilter, TooDeep> {
    let levels = filter.levels();
    if levels > MAX_LEVELS {
        return Err(TooDeep { levels });
    }
    let mut translator = Translator { schema, exact: true };
    let sql = translator.filter(filter, Side::Wider);
    Ok(RowFilter {
        sql,
        exact: translator.exact,
    })
}

/// Which way a test may err that SQL cannot say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    /// More rows than meet it.
    Wider,
    /// Fewer, since a NOT stands before it.
    Narrower,
}

impl Side {
    fn opposite(self) -> Self {
        match self {
            Self::Wider => Self::Narrower,
            Self::Narrower => Self::Wider,
        }
    }
}

struct Translator<'a> {
    schema: &'a TableSchema,
    exact: bool,
}

impl Translator<'_> {
    /// Every condition comes back in parentheses, or as one function or word, or as one comparison.
    fn filter(&mut self, filter: &Filter, side: Side) -> String {
        match filter {
            Filter::And(all) if all.is_empty() => "true".to_owned(),
            Filter::And(all) => {
                let parts: Vec<String> = all.iter().map(|inner| self.filter(inner, side)).collect();
                format!("({})", parts.join(" AND "))
            }
            Filter::Or(any) => one_of(any.iter().map(|inner| self.filter(inner, side)).collect()),
            Filter::Not(inner) => not(&self.filter(inner, side.opposite())),
            Filter::Is(test) => self.test(test, side),
        }
    }

    fn test(&mut self, test: &Test, side: Side) -> String {
        let Some(places) = Places::of(&test.path, self.schema) else {
            return self.unknown(side);
        };
        match &test.op {
            Op::Equals(scalar) => self.values(&places, &Wanted::of(std::slice::from_ref(scalar)), side),
            Op::In(scalars) => self.values(&places, &Wanted::of(scalars), side),
            Op::Range(range) => {
                let wanted = Wanted {
                    ranges: vec![*range],
                    ..Wanted::default()
                };
                self.values(&places, &wanted, side)
            }
            Op::Null => places.null(),
            Op::Missing => places.missing(),
            Op::Empty if test.path.rest().contains(&Step::Each) => {
                // Of several values one may be null and another not: nothing to select them by says "every".
                self.exact = false;
                match side {
                    Side::Wider => one_of(vec![places.missing(), places.null()]),
                    Side::Narrower => places.missing(),
                }
            }
            Op::Empty => one_of(vec![places.missing(), places.null()]),
        }
    }

    fn unknown(&mut self, side: Side) -> String {
        self.exact = false;
        (side == Side::Wider).to_string()
    }

    fn values(&mut self, places: &Places, wanted: &Wanted<'_>, side: Side) -> String {
        let mut parts = Vec::new();
        if let Some((column, kind)) = &places.typed {
            parts.extend(wanted.in_column(column, *kind));
        }
        for place in &places.values {
            parts.extend(place.texts(&wanted.texts));
            parts.extend(place.flags(&wanted.flags));
            parts.extend(place.ranges(&wanted.ranges));
            if wanted.integers.len() <= MOST_EXACT_INTEGERS {
                parts.extend(wanted.integers.iter().map(|number| place.integer(*number)));
            } else {
                self.exact = false;
                if side == Side::Wider {
                    parts.extend(place.integers_or_doubles(&wanted.integers));
                }
            }
        }
        one_of(parts)
    }
}

/// Where the values of a path may lie.
struct Places {
    /// The column of the value itself, where it has one type.
    typed: Option<(String, ColumnType)>,
    /// JSON that may hold values.
    values: Vec<Place>,
    /// JSON that may hold the explicit null, and nothing else.
    null: Option<Place>,
}

impl Places {
    /// `None` where the path has a step that Lance's JSON paths cannot name.
    fn of(path: &Path, schema: &TableSchema) -> Option<Self> {
        let mut columns = schema.payload_columns();
        let column = columns.find(|(name, kind)| *name == path.first() && *kind != ColumnType::Extra);
        let itself = path.rest().is_empty();
        let extra = schema.columns().iter().find(|column| column.role == Role::Extra)?;
        let first = Step::Key(path.first().to_owned());
        let in_extra = || Place::of(&quoted(&extra.name), std::iter::once(&first).chain(path.rest()));
        Some(match column {
            Some((name, ColumnType::Json)) => Self {
                typed: None,
                values: vec![Place::of(&quoted(name), path.rest())?],
                null: if itself { Some(in_extra()?) } else { None },
            },
            typed => Self {
                typed: typed.filter(|_| itself).map(|(name, kind)| (quoted(name), kind)),
                values: vec![in_extra()?],
                null: None,
            },
        })
    }

    fn null(&self) -> String {
        one_of(self.values.iter().chain(&self.null).map(Place::null).collect())
    }

    /// Nothing at all, or nothing but empty lists.
    fn missing(&self) -> String {
        let typed = self.typed.iter().map(|(column, _)| format!("{column} IS NOT NULL"));
        let json = self.values.iter().chain(&self.null).map(Place::present);
        not(&one_of(typed.chain(json).collect()))
    }
}

/// The values that one test accepts, by their types, which are looked for in different ways.
#[derive(Default)]
struct Wanted<'a> {
    texts: Vec<&'a str>,
    integers: Vec<i64>,
    flags: Vec<bool>,
    /// Of integers and doubles alike.
    ranges: Vec<Range>,
}

impl<'a> Wanted<'a> {
    fn of(scalars: &'a [Scalar]) -> Self {
        let mut wanted = Self::default();
        for scalar in scalars {
            match scalar {
                Scalar::Text(text) => wanted.texts.push(text),
                Scalar::Int(number) => wanted.integers.push(*number),
                Scalar::Float(number) => wanted.ranges.push(Range::Between(*number, *number)),
                Scalar::Bool(flag) => wanted.flags.push(*flag),
            }
        }
        wanted
    }

    /// The tests of a column of one type. It holds no lists, and no value of another type.
    fn in_column(&self, column: &str, kind: ColumnType) -> Vec<String> {
        let mut parts = Vec::new();
        match kind {
            ColumnType::String => parts.extend(listed(column, self.texts.iter().map(|text| literal(text)).collect())),
            ColumnType::Bool => parts.extend(self.flags.iter().map(|flag| format!("{column} = {flag}"))),
            ColumnType::Int => {
                let integers = self.integers.iter().map(|integer| number::integer(*integer));
                parts.extend(listed(column, integers.collect()));
                parts.extend(
                    self.ranges
                        .iter()
                        .filter_map(|range| number::of_integers(column, *range)),
                );
            }
            ColumnType::Float => parts.extend(self.ranges.iter().map(|range| number::of_doubles(column, *range))),
            // Not of one type: looked into as JSON.
            ColumnType::Json | ColumnType::Extra => {}
        }
        parts
    }
}

fn listed(column: &str, mut values: Vec<String>) -> Option<String> {
    match values.len() {
        0 => None,
        1 => values.pop().map(|value| format!("{column} = {value}")),
        _ => Some(format!("{column} IN ({})", values.join(", "))),
    }
}

fn not(condition: &str) -> String {
    format!("({condition} IS NOT TRUE)")
}

fn one_of(mut parts: Vec<String>) -> String {
    match parts.len() {
        0 => "false".to_owned(),
        1 => parts.remove(0),
        _ => format!("({})", parts.join(" OR ")),
    }
}

/// A text in SQL. Lance's parser knows no escape but the doubled quote.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// A column's name in SQL, as it is: without backticks its case would not count, and some names would be words of SQL.
fn quoted(column: &str) -> String {
    format!("`{}`", column.replace('`', "``"))
}
