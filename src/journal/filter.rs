//! Which failures are meant, and in which order: what the journal is asked in SQL.

use rusqlite::types::Value as Sql;

use super::failures::State;
use crate::point::Cause;

/// Which failures are meant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only this cause.
    pub cause: Option<Cause>,
    /// Only where id or message holds this text.
    pub text: Option<String>,
    /// Only these states; empty means failed, retrying and skipped: all that is still open.
    pub states: Vec<State>,
}

impl Filter {
    fn text(&self) -> Option<&str> {
        self.text.as_deref().filter(|text| !text.is_empty())
    }

    /// Whether it leaves out what was recovered, as the indexes of open failures do.
    fn is_open(&self) -> bool {
        !self.states.contains(&State::Recovered)
    }

    /// Whether what it shows stands in one piece in an index that has this order.
    pub(super) fn is_stretch(&self, by: Order) -> bool {
        let in_order = self.cause.is_none() || matches!(by, Order::Id | Order::Cause);
        self.states.is_empty() && self.text().is_none() && in_order
    }

    /// The index to read it by. SQLite left alone takes the one on states, and sorts all rows for every page.
    pub(super) fn index(&self, by: Order) -> &'static str {
        if !self.is_open() || self.text().is_some() {
            return "";
        }
        match by {
            _ if self.cause.is_some() => "INDEXED BY open_by_cause",
            Order::Id => "INDEXED BY open_by_id",
            Order::Age => "INDEXED BY open_by_age",
            Order::Cause => "INDEXED BY open_by_cause",
            Order::Attempts => "INDEXED BY open_by_attempts",
        }
    }

    /// The condition, of at least one term. A plus keeps SQLite from an index on what follows it.
    pub(super) fn sql(&self) -> (String, Vec<Sql>) {
        let (mut terms, mut values) = (Vec::new(), Vec::new());
        if self.is_open() {
            // Every message is read for a text: in the order of the table, not of an index.
            let plus = if self.text().is_some() { "+" } else { "" };
            terms.push(format!("{plus}state <> 'recovered'"));
        }
        if !self.states.is_empty() {
            let words: Vec<String> = self.states.iter().map(|s| format!("'{}'", s.as_str())).collect();
            terms.push(format!("+state IN ({})", words.join(",")));
        }
        if let Some(cause) = self.cause {
            terms.push("cause = ?".to_owned());
            values.push(Sql::from(cause.as_str().to_owned()));
        }
        if let Some(text) = self.text() {
            let like = |column: &str| format!(r"{column} LIKE ? ESCAPE '\'");
            terms.push(format!("({} OR {} OR {})", like("id"), like("error"), like("cause")));
            values.extend(std::iter::repeat_n(Sql::from(pattern(text)), 3));
        }
        (terms.join(" AND "), values)
    }
}

/// The pattern of what holds a text, letter by letter.
fn pattern(text: &str) -> String {
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for letter in text.chars() {
        if matches!(letter, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(letter);
    }
    pattern.push('%');
    pattern
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The id: integers first, then UUIDs, as Qdrant orders them.
    #[default]
    Id,
    /// The time of the last failure.
    Age,
    /// The cause.
    Cause,
    /// The number of attempts.
    Attempts,
}

/// A list's order. Equal rows follow their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sort {
    /// By what.
    pub by: Order,
    /// Greatest, latest, most first.
    pub descending: bool,
}

impl Sort {
    /// Every order once, in the order in which a key walks through them.
    pub const ALL: [Self; 5] = [
        Self {
            by: Order::Id,
            descending: false,
        },
        Self {
            by: Order::Age,
            descending: true,
        },
        Self {
            by: Order::Age,
            descending: false,
        },
        Self {
            by: Order::Cause,
            descending: false,
        },
        Self {
            by: Order::Attempts,
            descending: true,
        },
    ];

    /// The words on the screen.
    pub fn label(self) -> &'static str {
        match (self.by, self.descending) {
            (Order::Id, _) => "by id",
            (Order::Age, true) => "latest first",
            (Order::Age, false) => "oldest first",
            (Order::Cause, _) => "by cause",
            (Order::Attempts, _) => "most attempts first",
        }
    }

    pub(super) fn sql(self) -> &'static str {
        match (self.by, self.descending) {
            (Order::Id, false) => "key",
            (Order::Id, true) => "key DESC",
            (Order::Age, false) => "last_at, key",
            (Order::Age, true) => "last_at DESC, key DESC",
            (Order::Cause, false) => "cause, key",
            (Order::Cause, true) => "cause DESC, key DESC",
            (Order::Attempts, false) => "attempts, key",
            (Order::Attempts, true) => "attempts DESC, key DESC",
        }
    }

    /// The same from its end.
    pub(super) fn backwards(self) -> Self {
        Self {
            descending: !self.descending,
            ..self
        }
    }
}
