use proptest::prelude::*;
use serde_json::json;

use super::*;

fn payload(value: Value) -> Payload {
    value.as_object().cloned().expect("an object")
}

fn filter(text: &str) -> Filter {
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn is(path: &str, op: Op) -> Filter {
    let path = path.parse().unwrap_or_else(|error| panic!("{path}: {error}"));
    Filter::Is(Test { path, op })
}

fn not(inner: Filter) -> Filter {
    Filter::Not(Box::new(inner))
}

fn text(text: &str) -> Scalar {
    Scalar::Text(text.to_owned())
}

#[test]
fn conditions_are_read() {
    let n = |range| is("n", Op::Range(range));
    let equals = |path: &str, scalar| is(path, Op::Equals(scalar));
    for (written, expected) in [
        ("thread_id = 'x'", equals("thread_id", text("x"))),
        ("thread_id=='x'", equals("thread_id", text("x"))),
        ("a = 'it''s'", equals("a", text("it's"))),
        ("a = ''", equals("a", text(""))),
        ("n = 5", equals("n", Scalar::Int(5))),
        ("n = -5", equals("n", Scalar::Int(-5))),
        ("n = -9223372036854775808", equals("n", Scalar::Int(i64::MIN))),
        ("n = 5.0", equals("n", Scalar::Float(5.0))),
        ("n = 1e3", equals("n", Scalar::Float(1_000.0))),
        ("n = -1.5E-3", equals("n", Scalar::Float(-0.0015))),
        ("b = TRUE", equals("b", Scalar::Bool(true))),
        ("b = false", equals("b", Scalar::Bool(false))),
        ("a != 'x'", not(equals("a", text("x")))),
        ("a <> 'x'", not(equals("a", text("x")))),
        ("n>5", n(Range::Above(5.0))),
        ("n >= 5.5", n(Range::AtLeast(5.5))),
        ("n < 5", n(Range::Below(5.0))),
        ("n<=-5", n(Range::AtMost(-5.0))),
        ("n BETWEEN 1 AND 2", n(Range::Between(1.0, 2.0))),
        ("n not between 1 and 2", not(n(Range::Between(1.0, 2.0)))),
        (
            "a IN ('x', 5, true)",
            is("a", Op::In(vec![text("x"), Scalar::Int(5), Scalar::Bool(true)])),
        ),
        ("a NOT IN('x')", not(is("a", Op::In(vec![text("x")])))),
        ("a IS NULL", is("a", Op::Null)),
        ("a IS NOT NULL", not(is("a", Op::Null))),
        ("a is missing", is("a", Op::Missing)),
        ("a IS PRESENT", not(is("a", Op::Missing))),
        ("a IS NOT PRESENT", is("a", Op::Missing)),
        ("a IS NOT EMPTY", not(is("a", Op::Empty))),
        ("empty IS EMPTY", is("empty", Op::Empty)),
        ("TRUE", Filter::And(vec![])),
        ("false", Filter::Or(vec![])),
        (
            "a = 1 OR b = 2 AND NOT c = 3",
            Filter::Or(vec![
                equals("a", Scalar::Int(1)),
                Filter::And(vec![equals("b", Scalar::Int(2)), not(equals("c", Scalar::Int(3)))]),
            ]),
        ),
        (
            "((a = 1) AND (b = 2 AND (c = 3)))",
            Filter::And(vec![
                equals("a", Scalar::Int(1)),
                equals("b", Scalar::Int(2)),
                equals("c", Scalar::Int(3)),
            ]),
        ),
        ("NOT NOT a = 1", not(not(equals("a", Scalar::Int(1))))),
        ("\"odd key\" = 1", equals("\"odd key\"", Scalar::Int(1))),
        ("\"not\" = 1", equals("\"not\"", Scalar::Int(1))),
    ] {
        assert_eq!(filter(written), expected, "{written}");
    }
}

#[test]
fn paths_are_read() {
    let key = |key: &str| Step::Key(key.to_owned());
    for (written, first, rest) in [
        ("a", "a", vec![]),
        ("chorus_result.agreement", "chorus_result", vec![key("agreement")]),
        ("a[].b", "a", vec![Step::Each, key("b")]),
        ("a[2][].\"x.y\"", "a", vec![Step::Index(2), Step::Each, key("x.y")]),
        ("a.0", "a", vec![key("0")]),
        ("a-b._c", "a-b", vec![key("_c")]),
        ("\"\".\"\"", "", vec![key("")]),
        ("größe", "größe", vec![]),
        ("\"a'b\"", "a'b", vec![]),
    ] {
        let path: Path = written.parse().expect(written);
        assert_eq!((path.first(), path.rest()), (first, rest.as_slice()), "{written}");
        assert_eq!(path.to_string(), written);
    }
    assert_eq!(Path::new("and".into(), vec![key("or")]).to_string(), "\"and\".or");
    assert_eq!(Path::new("5".into(), vec![]).to_string(), "\"5\"");
}

#[test]
fn an_error_says_where_and_what_was_expected() {
    for (written, position, expected) in [
        ("", 1, "expected a field"),
        ("  ", 3, "expected a field"),
        ("n >> 5", 4, "expected a number"),
        ("n > 'a'", 5, "does not order texts"),
        ("thread_id =", 12, "expected a value"),
        ("a = NULL", 5, "IS NULL"),
        ("a = \"x\"", 5, "single quotes"),
        ("a = 'x", 5, "not closed"),
        ("\"a = 1", 1, "not closed"),
        ("\"a\\b\" = 1", 1, "backslash"),
        ("a = x", 5, "expected a value"),
        ("a 5", 3, "expected =, !="),
        ("a LIKE 'x%'", 3, "expected =, !="),
        ("a NOT 5", 7, "expected IN or BETWEEN"),
        ("a IS 5", 6, "expected NULL"),
        ("a IN 5", 6, "in parentheses"),
        ("a IN ()", 7, "expected a value"),
        ("a IN (1 2)", 9, "expected , or )"),
        ("a BETWEEN 1", 12, "expected AND"),
        ("(a = 1", 7, "expected AND, OR or )"),
        ("a = 1)", 6, "expected AND, OR or the end"),
        ("a = 1 b = 2", 7, "expected AND, OR or the end"),
        ("a = 1 AND", 10, "expected a field"),
        ("a = 1 AND AND b = 2", 11, "written \"AND\""),
        ("in = 1", 1, "written \"in\""),
        ("a. = 1", 3, "expected a key"),
        ("a[x] = 1", 3, "expected a place"),
        ("a[-1] = 1", 3, "expected a place"),
        ("a[2147483648] = 1", 3, "expected a place"),
        ("a = 1.2.3", 5, "expected a number"),
        ("a = 1e999", 5, "expected a number"),
        ("a = -inf", 5, "expected a number"),
        ("a = 9223372036854775808", 5, "beyond 64 bits"),
        ("n > 9007199254740993", 5, "9007199254740992 is nearest"),
        ("ä = 'ö' AND 5", 13, "expected a field"),
    ] {
        let error = written.parse::<Filter>().expect_err(written);
        assert_eq!(error.position, position, "{written}: {error}");
        assert!(error.problem.contains(expected), "{written}: {error}");
    }
    let error = "n >> 5".parse::<Filter>().expect_err("no condition");
    assert_eq!(error.to_string(), "character 4 (\"> 5\"): expected a number");
    let error = "n >".parse::<Filter>().expect_err("no condition");
    assert_eq!(error.to_string(), "character 4 (the end): expected a number");
}

#[test]
fn what_is_read_is_bounded() {
    let refused = |text: String, expected: &str| {
        let error = text.parse::<Filter>().expect_err(expected);
        assert!(error.problem.contains(expected), "{error}");
    };
    refused(format!("a = '{}'", "x".repeat(MAX_BYTES)), "bytes");
    refused("(".repeat(100_000 / 2), "parentheses and NOTs");
    refused("NOT ".repeat(15_000), "parentheses and NOTs");
    let nested = |levels: usize| format!("{}a = 1{}", "(b = 2 OR c = 3 AND ".repeat(levels), ")".repeat(levels));
    filter(&nested(MAX_LEVELS / 2));
    refused(nested(MAX_LEVELS / 2 + 1), "levels");
    let parentheses = |many: usize| format!("{}a = 1{}", "(".repeat(many), ")".repeat(many));
    filter(&parentheses(MAX_NESTING));
    refused(parentheses(MAX_NESTING + 1), "parentheses");
    refused(format!("a IN ({}1)", "1,".repeat(MAX_TERMS)), "tests and values");
    refused(format!("{}a = 1", "a = 1 OR ".repeat(MAX_TERMS)), "tests and values");
    filter(&format!("{}a = 1", "a = 1 OR ".repeat(MAX_TERMS - 1)));
}

#[test]
fn what_a_condition_means() {
    // One payload, many conditions; what Qdrant says of each is in `tests/it/filter.rs`.
    let found = payload(json!({
        "text": "x", "int": 5, "double": 5.0, "half": 2.5, "flag": false, "null": null, "nothing": [], "object": {},
        "tags": ["a", 5, null, ["deep"]], "nulls": [null], "empty_text": "",
        "nested": {"n": 1, "list": [1, 2], "null": null}, "rows": [{"b": 1}, {"b": "x"}, {"c": null}, 7, {"b": [3, 4]}],
        "a.b": "dotted", "0": "zero", "big": 9_007_199_254_740_993_i64, "beyond": 18_446_744_073_709_551_615_u64,
    }));
    for (condition, expected) in [
        ("text = 'x'", true),
        ("text = 'X'", false),
        ("text IN ('y', 'x')", true),
        ("int = 5", true),
        ("int = '5'", false),
        ("int = 5.0", true),
        ("double = 5", false),
        ("double = 5.0", true),
        ("double IN (5, 6)", false),
        ("double IN (5, 5.0)", true),
        ("int >= 5", true),
        ("int > 5", false),
        ("double BETWEEN 5 AND 5", true),
        ("half > 2 AND half < 3", true),
        ("text > 0", false),
        ("flag = false", true),
        ("flag = true", false),
        ("flag = 0", false),
        ("flag >= 0", false),
        ("empty_text = ''", true),
        // Lists: any element, one level deep.
        ("tags = 'a'", true),
        ("tags = 5", true),
        ("tags = 'deep'", false),
        ("tags > 4", true),
        ("tags[] = 'deep'", true),
        ("tags[0] = 'a'", true),
        ("tags[9] = 'a'", false),
        ("NOT tags = 'a'", false),
        ("nested.list > 1 AND nested.list < 2", true),
        ("nested.list BETWEEN 1.2 AND 1.8", false),
        // Paths.
        ("nested.n = 1", true),
        ("rows.b = 1", false),
        ("rows[].b = 1", true),
        ("rows[1].b = 'x'", true),
        ("rows[].b = 3", true),
        ("nested[].n = 1", false),
        ("\"a.b\" = 'dotted'", true),
        ("a.b = 'dotted'", false),
        ("\"0\" = 'zero'", true),
        // Null, missing, empty.
        ("\"null\" IS NULL", true),
        ("tags IS NULL", false),
        ("nulls IS NULL", false),
        ("nulls[] IS NULL", true),
        ("missing IS NULL", false),
        ("missing IS NOT NULL", true),
        ("missing IS MISSING", true),
        ("missing IS EMPTY", true),
        ("\"null\" IS MISSING", false),
        ("\"null\" IS PRESENT", true),
        ("\"null\" IS EMPTY", true),
        ("nothing IS MISSING", true),
        ("nothing IS EMPTY", true),
        ("nothing IS NULL", false),
        ("nulls IS EMPTY", false),
        ("object IS EMPTY", false),
        ("object.x IS MISSING", true),
        ("text IS PRESENT", true),
        ("text.x IS MISSING", true),
        ("nested.\"null\" IS NULL", true),
        ("rows[].c IS NULL", true),
        ("rows[].c IS EMPTY", true),
        ("rows[].b IS EMPTY", false),
        // What is not there meets no test, and so every NOT.
        ("missing = 'x'", false),
        ("missing != 'x'", true),
        ("NOT missing IN ('x')", true),
        ("NOT missing > 5", true),
        // Doubles cannot tell these integers apart, equality can.
        ("big > 9007199254740992", false),
        ("big >= 9007199254740992", true),
        ("big = 9007199254740992", false),
        ("big = 9007199254740993", true),
        ("big = 9007199254740992.0", true),
        ("beyond > 9223372036854775808.0", true),
        ("beyond = -1", false),
        ("TRUE", true),
        ("FALSE", false),
        ("NOT FALSE", true),
        ("FALSE OR text = 'x'", true),
    ] {
        assert_eq!(filter(condition).matches(&found), expected, "{condition}");
    }
}

#[test]
fn zero_has_one_sign_only() {
    for zero in [json!({"n": 0}), json!({"n": 0.0}), json!({"n": -0.0})] {
        let zero = payload(zero);
        for (condition, expected) in [
            ("n = 0.0", true),
            ("n = -0.0", true),
            ("n >= 0", true),
            ("n <= 0", true),
            ("n > -0.0", false),
            ("n < 0", false),
        ] {
            assert_eq!(filter(condition).matches(&zero), expected, "{condition} of {zero:?}");
        }
    }
}

fn any_key() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec!["a", "and", "NULL", "5", "-", "", "a.b", "ü x", "it's", "[]"])
            .prop_map(str::to_owned),
        "[^\"\\\\]{0,8}",
    ]
}

fn any_path() -> impl Strategy<Value = Path> {
    let step = prop_oneof![
        any_key().prop_map(Step::Key),
        (0..=i32::MAX as u32).prop_map(Step::Index),
        Just(Step::Each),
    ];
    (any_key(), prop::collection::vec(step, 0..4)).prop_map(|(first, rest)| Path::new(first, rest))
}

fn any_double() -> impl Strategy<Value = f64> {
    let finite = prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO;
    prop_oneof![
        finite,
        (-1_000_i64..1_000).prop_map(|n| n as f64),
        prop::sample::select(vec![
            0.1,
            1e15,
            1e16,
            -1e15,
            9_007_199_254_740_992.0,
            f64::MAX,
            f64::MIN_POSITIVE
        ]),
    ]
}

fn any_scalar() -> impl Strategy<Value = Scalar> {
    prop_oneof![
        ".{0,12}".prop_map(Scalar::Text),
        prop::sample::select(vec!["", "'", "''", "' OR TRUE --", "\\'", "\n"]).prop_map(text),
        any::<i64>().prop_map(Scalar::Int),
        any_double().prop_map(Scalar::Float),
        any::<bool>().prop_map(Scalar::Bool),
    ]
}

fn any_op() -> impl Strategy<Value = Op> {
    prop_oneof![
        any_scalar().prop_map(Op::Equals),
        prop::collection::vec(any_scalar(), 1..4).prop_map(Op::In),
        any_double().prop_map(|low| Op::Range(Range::Above(low))),
        any_double().prop_map(|low| Op::Range(Range::AtLeast(low))),
        any_double().prop_map(|high| Op::Range(Range::Below(high))),
        any_double().prop_map(|high| Op::Range(Range::AtMost(high))),
        (any_double(), any_double()).prop_map(|(low, high)| Op::Range(Range::Between(low, high))),
        prop::sample::select(vec![Op::Null, Op::Empty, Op::Missing]),
    ]
}

/// Conditions as the parser makes them: no AND in an AND, no OR in an OR, none of a single part.
fn any_filter() -> impl Strategy<Value = Filter> {
    let test = (any_path(), any_op()).prop_map(|(path, op)| Filter::Is(Test { path, op }));
    let leaf = prop_oneof![8 => test, 1 => Just(Filter::And(vec![])), 1 => Just(Filter::Or(vec![]))];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let parts = prop::collection::vec(inner.clone(), 2..4);
        prop_oneof![
            inner.prop_map(not),
            parts.clone().prop_map(|parts| {
                let open = |part: Filter| match part {
                    Filter::And(inner) if !inner.is_empty() => inner,
                    other => vec![other],
                };
                Filter::And(parts.into_iter().flat_map(open).collect())
            }),
            parts.prop_map(|parts| {
                let open = |part: Filter| match part {
                    Filter::Or(inner) if !inner.is_empty() => inner,
                    other => vec![other],
                };
                Filter::Or(parts.into_iter().flat_map(open).collect())
            }),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(filter in any_filter()) {
        let written = filter.to_string();
        prop_assert_eq!(written.parse::<Filter>(), Ok(filter), "{}", written);
    }

    #[test]
    fn nothing_that_is_typed_makes_the_parser_fall_over(text in ".{0,60}") {
        let _ = text.parse::<Filter>();
    }

    #[test]
    fn nothing_like_a_condition_does_either(
        words in prop::collection::vec(
            prop::sample::select(vec![
                "a", "\"b", "\"", "'", "'x'", "5", "1e", ".", "[", "]", "(", ")", ",", "=", "<", ">", "!", "NOT", "AND",
                "OR", "IN", "IS", "NULL", "BETWEEN", "TRUE", "ü", " ", "\u{0}",
            ]),
            0..12,
        )
    ) {
        if let Ok(filter) = words.concat().parse::<Filter>() {
            prop_assert_eq!(filter.to_string().parse::<Filter>(), Ok(filter));
        }
        if let Ok(filter) = words.join(" ").parse::<Filter>() {
            prop_assert_eq!(filter.to_string().parse::<Filter>(), Ok(filter));
        }
    }
}
