//! Conditions as Qdrant takes them. Every condition of the language can be said exactly; what each means is written at
//! [`point::filter`](crate::point::filter).

use qdrant_client::qdrant as q;
use qdrant_client::qdrant::r#match::MatchValue;

use crate::point::filter::{Filter, Op, Range, Scalar, Test};

/// The same condition in Qdrant's messages. Selects exactly the points whose payload [`Filter::matches`].
pub fn to_qdrant(filter: &Filter) -> q::Filter {
    match filter {
        Filter::And(all) => {
            let mut clauses = q::Filter::default();
            for inner in all {
                match inner {
                    Filter::Not(inner) => clauses.must_not.push(condition(inner)),
                    inner => clauses.must.push(condition(inner)),
                }
            }
            clauses
        }
        // To Qdrant an empty list of alternatives is no condition at all: this is "not everything".
        Filter::Or(any) if any.is_empty() => q::Filter::must_not([q::Filter::default().into()]),
        Filter::Or(any) => q::Filter::should(any.iter().map(condition)),
        Filter::Not(inner) => q::Filter::must_not([condition(inner)]),
        Filter::Is(test) => q::Filter::must([test_condition(test)]),
    }
}

fn condition(filter: &Filter) -> q::Condition {
    match filter {
        Filter::Is(test) => test_condition(test),
        group => to_qdrant(group).into(),
    }
}

fn test_condition(test: &Test) -> q::Condition {
    let key = test.path.to_string();
    match &test.op {
        Op::Equals(scalar) => one_of(&key, std::slice::from_ref(scalar)),
        Op::In(scalars) => one_of(&key, scalars),
        Op::Range(range) => q::Condition::range(key, range_to(*range)),
        Op::Null => q::Condition::is_null(key),
        Op::Empty => q::Condition::is_empty(key),
        // Qdrant's `is_empty` takes nulls in.
        Op::Missing => q::Filter {
            must: vec![q::Condition::is_empty(key.as_str())],
            must_not: vec![q::Condition::is_null(key.as_str())],
            ..q::Filter::default()
        }
        .into(),
    }
}

/// Qdrant matches texts, integers and truth values, each by a condition of its own; doubles only by their range.
fn one_of(key: &str, scalars: &[Scalar]) -> q::Condition {
    let mut texts = Vec::new();
    let mut integers = Vec::new();
    let mut conditions = Vec::new();
    for scalar in scalars {
        match scalar {
            Scalar::Text(text) => texts.push(text.clone()),
            Scalar::Int(number) => integers.push(*number),
            Scalar::Bool(flag) => conditions.push(matches(key, MatchValue::Boolean(*flag))),
            Scalar::Float(number) => {
                let range = range_to(Range::Between(*number, *number));
                conditions.push(q::Condition::range(key, range));
            }
        }
    }
    match texts.len() {
        0 => {}
        1 => conditions.extend(texts.pop().map(|text| matches(key, MatchValue::Keyword(text)))),
        _ => conditions.push(matches(
            key,
            MatchValue::Keywords(q::RepeatedStrings { strings: texts }),
        )),
    }
    match integers.len() {
        0 => {}
        1 => conditions.extend(integers.pop().map(|number| matches(key, MatchValue::Integer(number)))),
        _ => conditions.push(matches(key, MatchValue::Integers(q::RepeatedIntegers { integers }))),
    }
    if conditions.len() == 1 {
        conditions.remove(0)
    } else if conditions.is_empty() {
        to_qdrant(&Filter::Or(Vec::new())).into()
    } else {
        q::Filter::should(conditions).into()
    }
}

fn matches(key: &str, value: MatchValue) -> q::Condition {
    q::Condition::matches(key, value)
}

fn range_to(range: Range) -> q::Range {
    let mut bounds = q::Range::default();
    match range {
        Range::Above(low) => bounds.gt = Some(low),
        Range::AtLeast(low) => bounds.gte = Some(low),
        Range::Below(high) => bounds.lt = Some(high),
        Range::AtMost(high) => bounds.lte = Some(high),
        Range::Between(low, high) => {
            bounds.gte = Some(low);
            bounds.lte = Some(high);
        }
    }
    bounds
}

#[cfg(test)]
mod tests {
    use super::*;

    fn translated(condition: &str) -> q::Filter {
        let filter: Filter = condition.parse().unwrap_or_else(|error| panic!("{condition}: {error}"));
        to_qdrant(&filter)
    }

    fn keyword(key: &str, text: &str) -> q::Condition {
        q::Condition::matches(key, text.to_owned())
    }

    #[test]
    fn every_test_has_its_message() {
        let from_5 = q::Range {
            gte: Some(5.0),
            ..q::Range::default()
        };
        let half = q::Range {
            gte: Some(0.5),
            lte: Some(0.5),
            ..q::Range::default()
        };
        let many = MatchValue::Integers(q::RepeatedIntegers { integers: vec![1, 2] });
        for (condition, expected) in [
            ("a = 'x'", keyword("a", "x")),
            ("a.b = 5", q::Condition::matches("a.b", 5_i64)),
            ("a[].\"b c\" = true", q::Condition::matches("a[].\"b c\"", true)),
            ("a >= 5", q::Condition::range("a", from_5)),
            ("a = 0.5", q::Condition::range("a", half)),
            ("a IN (1, 2)", q::Condition::matches("a", many.clone())),
            (
                "a IN (1, 'x', 2, 0.5)",
                q::Filter::should([
                    q::Condition::range("a", half),
                    keyword("a", "x"),
                    q::Condition::matches("a", many.clone()),
                ])
                .into(),
            ),
            ("a IS NULL", q::Condition::is_null("a")),
            ("a IS EMPTY", q::Condition::is_empty("a")),
            (
                "a IS MISSING",
                q::Filter {
                    must: vec![q::Condition::is_empty("a")],
                    must_not: vec![q::Condition::is_null("a")],
                    ..q::Filter::default()
                }
                .into(),
            ),
        ] {
            assert_eq!(translated(condition), q::Filter::must([expected]), "{condition}");
        }
    }

    #[test]
    fn and_or_and_not_are_clauses() {
        let (a, b, c) = (keyword("a", "x"), keyword("b", "y"), keyword("c", "z"));
        assert_eq!(
            translated("a = 'x' AND NOT b = 'y' AND (c = 'z' OR a = 'x')"),
            q::Filter {
                must: vec![a.clone(), q::Filter::should([c.clone(), a.clone()]).into()],
                must_not: vec![b.clone()],
                ..q::Filter::default()
            }
        );
        assert_eq!(
            translated("a = 'x' OR NOT b = 'y'"),
            q::Filter::should([a.clone(), q::Filter::must_not([b.clone()]).into()])
        );
        assert_eq!(
            translated("NOT (a = 'x' AND b != 'y')"),
            q::Filter::must_not([q::Filter {
                must: vec![a],
                must_not: vec![b],
                ..q::Filter::default()
            }
            .into()])
        );
        assert_eq!(translated("TRUE"), q::Filter::default());
        assert_eq!(translated("FALSE"), q::Filter::must_not([q::Filter::default().into()]));
    }
}
