use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::point::Payload;

/// Columns of every type: `text`, `int`, `half`, `flag`, `any`; other keys lie in `extra`.
fn schema() -> TableSchema {
    let sample = json!({"text": "x", "int": 1, "half": 0.5, "flag": true, "any": [1], "id": 5, "a-b": "x"});
    let sample: Payload = sample.as_object().cloned().expect("an object");
    TableSchema::inferred(&[sample], &BTreeMap::new(), 2, &BTreeMap::new())
}

fn translated(condition: &str) -> RowFilter {
    let filter: Filter = condition.parse().unwrap_or_else(|error| panic!("{condition}: {error}"));
    to_sql(&filter, &schema()).expect("few levels")
}

/// In `extra`, under a key.
fn extra(key: &str, further: &str) -> String {
    format!("json_exists(`extra`, '$.\"{key}\"{further}')")
}

#[test]
fn a_test_looks_into_the_column_and_beside_it() {
    for (condition, column, beside) in [
        ("text = 'x'", "`text` = 'x'", r#"[*]?(@[0] == 0 || @ == "x")"#),
        (
            "text = 'it''s'",
            "`text` = 'it''s'",
            r#"[*]?(@[0] == 0 || @ == "it''s")"#,
        ),
        ("text = ''", "`text` = ''", r#"[*]?(@[0] == 0 || @ < "\u0000")"#),
        (
            "text IN ('x', 'y')",
            "`text` IN ('x', 'y')",
            r#"[*]?(@[0] == 0 || @ == "x" || @ == "y")"#,
        ),
        ("int >= 5", "`int` >= 5", r#"[*]?(@[0] == "x" || @ >= .5e1)"#),
        (
            "int BETWEEN 0.5 AND 2.5",
            "(`int` >= 1 AND `int` <= 2)",
            r#"[*]?(@[0] == "x" || @ >= .5e0 && @ <= .25e1)"#,
        ),
        (
            "int = 5.0",
            "`int` = 5",
            r#"[*]?(@[0] == "x" || @ >= .5e1 && @ <= .5e1)"#,
        ),
        ("half > 0", "`half` >= 5e-324", r#"[*]?(@[0] == "x" || @ > .0e1)"#),
        ("half < -0.5", "`half` < -0.5", r#"[*]?(@[0] == "x" || @ < -.5e0)"#),
        ("flag = true", "`flag` = true", r#"[*]?(@[0] == "x" || @ == true)"#),
    ] {
        let key = condition.split(' ').next().expect("a key");
        let expected = format!("({column} OR {})", extra(key, beside));
        let exact = RowFilter {
            sql: expected,
            exact: true,
        };
        assert_eq!(translated(condition), exact, "{condition}");
    }
}

#[test]
fn a_column_of_another_type_holds_no_such_value() {
    for (condition, key, beside) in [
        ("text > 5", "text", r#"[*]?(@[0] == "x" || @ > .5e1)"#),
        ("int = 'x'", "int", r#"[*]?(@[0] == 0 || @ == "x")"#),
        (
            "int BETWEEN 0.2 AND 0.8",
            "int",
            r#"[*]?(@[0] == "x" || @ >= .2e0 && @ <= .8e0)"#,
        ),
        ("flag = 'true'", "flag", r#"[*]?(@[0] == 0 || @ == "true")"#),
        ("text.deeper = 'x'", "text", r#"."deeper"[*]?(@[0] == 0 || @ == "x")"#),
        // Not the table's own columns.
        ("id = 'x'", "id", r#"[*]?(@[0] == 0 || @ == "x")"#),
        ("modality = 'x'", "modality", r#"[*]?(@[0] == 0 || @ == "x")"#),
    ] {
        assert_eq!(translated(condition).sql, extra(key, beside), "{condition}");
    }
}

#[test]
fn an_integer_is_told_from_the_double() {
    let path = r#"'$."int"[*]?(@[0] == "x" || @ == -5)'"#;
    let found = format!("json_extract(`extra`, {path})");
    let expected = format!(
        "(`int` = -5 OR (json_exists(`extra`, {path}) AND ({found} = '-5' OR {found} LIKE '[-5,%' OR {found} LIKE \
         '%,-5,%' OR {found} LIKE '%,-5]')))"
    );
    assert_eq!(translated("int = -5").sql, expected);
    let list: Vec<String> = (0..20).map(|n| n.to_string()).collect();
    let (list, written) = (list.join(", "), format!("@ == {}", list.join(" || @ == ")));
    let many = RowFilter {
        sql: format!(
            "(`int` IN ({list}) OR {})",
            extra("int", &format!("[*]?(@[0] == \"x\" || {written})"))
        ),
        exact: false,
    };
    assert_eq!(translated(&format!("int IN ({list})")), many);
    // More than those must not be left out by a NOT.
    let others = translated(&format!("NOT int IN ({list})"));
    assert_eq!(others.sql, format!("(`int` IN ({list}) IS NOT TRUE)"));
    assert!(!others.exact);
    // The longest lists are looked for in pieces.
    let texts: Vec<String> = (0..130).map(|n| format!("'{n}'")).collect();
    let long = translated(&format!("text IN ({})", texts.join(",")));
    assert_eq!(long.sql.matches("json_exists").count(), 3);
    assert!(long.exact);
}

#[test]
fn a_json_column_is_looked_into() {
    let column = |further: &str| format!("json_exists(`any`, '${further}')");
    for (condition, expected) in [
        ("any = 'x'", column(r#"[*]?(@[0] == 0 || @ == "x")"#)),
        ("any.b > 0.5", column(r#"."b"[*]?(@[0] == "x" || @ > .5e0)"#)),
        (
            "any[].\"b c\" = 'x'",
            column(r#"?(exists(@[0]))[*]."b c"[*]?(@[0] == 0 || @ == "x")"#),
        ),
        ("any[3] = true", column(r#"[3][*]?(@[0] == "x" || @ == true)"#)),
        (
            "any IS NULL",
            format!(
                "({} OR {})",
                column(r#"?(@[0] == "x" || @ == null)"#),
                extra("any", r#"?(@[0] == "x" || @ == null)"#)
            ),
        ),
        ("any.b IS NULL", column(r#"."b"?(@[0] == "x" || @ == null)"#)),
        ("any.b IS MISSING", format!("({} IS NOT TRUE)", column(r#"."b"[*]"#))),
    ] {
        let exact = RowFilter {
            sql: expected,
            exact: true,
        };
        assert_eq!(translated(condition), exact, "{condition}");
    }
}

#[test]
fn null_and_missing_are_told_apart() {
    let null = extra("text", r#"?(@[0] == "x" || @ == null)"#);
    let missing = format!("((`text` IS NOT NULL OR {}) IS NOT TRUE)", extra("text", "[*]"));
    assert_eq!(translated("text IS NULL").sql, null);
    assert_eq!(translated("text IS MISSING").sql, missing);
    assert_eq!(translated("text IS PRESENT").sql, format!("({missing} IS NOT TRUE)"));
    assert_eq!(translated("text IS EMPTY").sql, format!("({missing} OR {null})"));
}

#[test]
fn and_or_and_not() {
    let (text, flag) = (translated("text = 'x'").sql, translated("flag = true").sql);
    for (condition, expected) in [
        ("text = 'x' AND flag = true", format!("({text} AND {flag})")),
        ("text = 'x' OR flag = true", format!("({text} OR {flag})")),
        ("text != 'x'", format!("({text} IS NOT TRUE)")),
        (
            "NOT (text = 'x' AND flag = true)",
            format!("(({text} AND {flag}) IS NOT TRUE)"),
        ),
        ("TRUE", "true".to_owned()),
        ("NOT FALSE", "(false IS NOT TRUE)".to_owned()),
    ] {
        assert_eq!(translated(condition).sql, expected, "{condition}");
    }
}

#[test]
fn what_sql_cannot_say_finds_more_and_never_less() {
    for (condition, expected) in [
        ("\"\" = 'x'", "true"),
        ("NOT \"\" = 'x'", "(false IS NOT TRUE)"),
        ("NOT NOT any.\"\" = 'x'", "((true IS NOT TRUE) IS NOT TRUE)"),
    ] {
        let wider = RowFilter {
            sql: expected.to_owned(),
            exact: false,
        };
        assert_eq!(translated(condition), wider, "{condition}");
    }
    let missing = translated("any[].b IS MISSING");
    assert!(missing.exact);
    let empty = translated("any[].b IS EMPTY");
    assert!(!empty.exact && empty.sql.contains(" OR "), "{}", empty.sql);
    let not_empty = translated("any[].b IS NOT EMPTY");
    assert!(!not_empty.exact, "{}", not_empty.sql);
    assert_eq!(not_empty.sql, format!("({} IS NOT TRUE)", missing.sql));
}

#[test]
fn too_many_levels_are_refused() {
    let mut filter: Filter = "a = 1".parse().expect("a condition");
    for _ in 0..MAX_LEVELS {
        filter = Filter::Not(Box::new(filter));
    }
    assert!(to_sql(&filter, &schema()).is_ok());
    let deeper = Filter::Not(Box::new(filter));
    let levels = MAX_LEVELS + 1;
    assert_eq!(to_sql(&deeper, &schema()), Err(TooDeep { levels }));
}

/// What remains of SQL when its texts and its columns' names are taken out, or `None` where one is not closed.
fn without_texts(sql: &str) -> Option<String> {
    let mut rest = sql;
    let mut left = String::new();
    while let Some(begin) = rest.find(['\'', '`']) {
        let quote = &rest[begin..=begin];
        left.push_str(&rest[..begin]);
        rest = &rest[begin + 1..];
        loop {
            let end = rest.find(quote)?;
            rest = &rest[end + 1..];
            match rest.strip_prefix(quote) {
                Some(more) => rest = more,
                None => break,
            }
        }
        left.push('_');
    }
    left.push_str(rest);
    Some(left)
}

proptest! {
    /// Whatever stands in a text or a key, the SQL around it is the same.
    #[test]
    fn nothing_typed_becomes_sql(
        value in prop_oneof![".{1,20}", "[' \"\\\\`;)(-]{1,12}", Just("' OR TRUE --".to_owned())],
        key in "[^\"\\\\]{1,12}",
    ) {
        let shape = |value: &str, key: &str| {
            let path = format!("\"{key}\"").parse().expect("a path");
            let op = Op::In(vec![Scalar::Text(value.to_owned()), Scalar::Text("y".to_owned())]);
            let one = to_sql(&Filter::Is(Test { path, op: op.clone() }), &schema()).expect("SQL").sql;
            let path = "text".parse().expect("a path");
            let other = to_sql(&Filter::Is(Test { path, op }), &schema()).expect("SQL").sql;
            (without_texts(&one), without_texts(&other))
        };
        prop_assume!(!["text", "int", "half", "flag", "any", "a-b"].contains(&key.as_str()));
        let found = shape(&value, &key);
        prop_assert!(found.0.is_some() && found.1.is_some());
        prop_assert_eq!(found, shape("x", "plain"));
    }
}
