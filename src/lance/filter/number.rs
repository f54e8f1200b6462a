//! Numbers in SQL, compared as Qdrant compares them: by the doubles nearest to them, with one zero.

use crate::point::filter::Range;

/// The double next to zero. Where zero is the end of a range, its neighbour is written in its place: whether the two
/// signed zeros are equal differs between Arrow, its indexes and the SQL above them.
const LEAST: &str = "5e-324";

/// An integer. The least one cannot be written: its digits alone are beyond 64 bits, and would be read as a double.
pub(super) fn integer(number: i64) -> String {
    if number == i64::MIN {
        format!("({} - 1)", i64::MIN + 1)
    } else {
        number.to_string()
    }
}

/// Doubles of a range.
pub(super) fn of_doubles(column: &str, range: Range) -> String {
    match range {
        Range::Above(0.0) => format!("{column} >= {LEAST}"),
        Range::Above(low) => format!("{column} > {low:?}"),
        Range::AtLeast(0.0) => format!("{column} > -{LEAST}"),
        Range::AtLeast(low) => format!("{column} >= {low:?}"),
        Range::Below(0.0) => format!("{column} <= -{LEAST}"),
        Range::Below(high) => format!("{column} < {high:?}"),
        Range::AtMost(0.0) => format!("{column} < {LEAST}"),
        Range::AtMost(high) => format!("{column} <= {high:?}"),
        Range::Between(low, high) => format!(
            "({} AND {})",
            of_doubles(column, Range::AtLeast(low)),
            of_doubles(column, Range::AtMost(high))
        ),
    }
}

/// Integers whose nearest doubles are of a range; `None` where there is none. Said in integers, so that nothing is
/// rounded on the way and an index can answer.
pub(super) fn of_integers(column: &str, range: Range) -> Option<String> {
    let (first, last) = integers_of(range);
    let (low, high) = (i64::try_from(first).ok()?, i64::try_from(last).ok()?);
    if low > high {
        return None;
    }
    let mut parts = Vec::new();
    if low == high {
        parts.push(format!("{column} = {}", integer(low)));
    } else {
        if low > i64::MIN {
            parts.push(format!("{column} >= {}", integer(low)));
        }
        if high < i64::MAX {
            parts.push(format!("{column} <= {}", integer(high)));
        }
    }
    Some(match parts.as_slice() {
        [] => format!("{column} IS NOT NULL"),
        [one] => one.clone(),
        _ => format!("({})", parts.join(" AND ")),
    })
}

/// The first and the last integer of a range, which lie beyond the 64 bits, or the wrong way round, where it has none.
fn integers_of(range: Range) -> (i128, i128) {
    let (least, most) = (i128::from(i64::MIN), i128::from(i64::MAX));
    let from = |low: f64| first(|double| double >= low);
    let above = |low: f64| first(|double| double > low);
    match range {
        Range::Above(low) => (above(low), most),
        Range::AtLeast(low) => (from(low), most),
        Range::Below(high) => (least, from(high) - 1),
        Range::AtMost(high) => (least, above(high) - 1),
        Range::Between(low, high) => (from(low), above(high) - 1),
    }
}

/// The first integer for whose double this is so, as it then is for all after it; one more than there are if for none.
fn first(is_so: impl Fn(f64) -> bool) -> i128 {
    let (mut low, mut high) = (i128::from(i64::MIN), i128::from(i64::MAX) + 1);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_so(middle as f64) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ranges_of_integers_end_where_the_doubles_do() {
        let exact = 9_007_199_254_740_992.0; // 2^53, beyond which integers share doubles.
        for (range, expected) in [
            (Range::Above(5.0), Some("n >= 6")),
            (Range::AtLeast(5.0), Some("n >= 5")),
            (Range::Above(4.5), Some("n >= 5")),
            (Range::Below(-4.5), Some("n <= -5")),
            (Range::AtMost(-5.0), Some("n <= -5")),
            (Range::Between(1.2, 3.9), Some("(n >= 2 AND n <= 3)")),
            (Range::Between(1.2, 2.0), Some("n = 2")),
            (Range::Between(1.2, 1.8), None),
            (Range::Between(2.0, 1.0), None),
            (Range::Between(-0.0, 0.0), Some("n = 0")),
            (Range::Above(exact), Some("n >= 9007199254740994")),
            (Range::AtLeast(exact), Some("n >= 9007199254740992")),
            (Range::AtMost(exact), Some("n <= 9007199254740993")),
            (Range::AtLeast(-1e300), Some("n IS NOT NULL")),
            (Range::AtMost(1e300), Some("n IS NOT NULL")),
            (Range::Above(1e300), None),
            (Range::Below(-1e300), None),
            (Range::Above(9_223_372_036_854_775_808.0), None),
            (
                Range::AtLeast(9_223_372_036_854_775_808.0),
                Some("n >= 9223372036854775296"),
            ),
            (
                Range::AtMost(-9_223_372_036_854_775_808.0),
                Some("n <= -9223372036854775296"),
            ),
        ] {
            assert_eq!(of_integers("n", range).as_deref(), expected, "{range:?}");
        }
    }

    #[test]
    fn every_number_can_be_written() {
        assert_eq!(integer(-5), "-5");
        assert_eq!(integer(i64::MIN), "(-9223372036854775807 - 1)");
        for (range, expected) in [
            (Range::Above(5.0), "x > 5.0"),
            (Range::Below(-1e300), "x < -1e300"),
            (Range::AtLeast(0.0), "x > -5e-324"),
            (Range::AtLeast(-0.0), "x > -5e-324"),
            (Range::Above(0.0), "x >= 5e-324"),
            (Range::Below(0.0), "x <= -5e-324"),
            (Range::AtMost(0.0), "x < 5e-324"),
            (Range::Between(0.0, 0.5), "(x > -5e-324 AND x <= 0.5)"),
        ] {
            assert_eq!(of_doubles("x", range), expected, "{range:?}");
        }
        assert_eq!(LEAST.parse::<f64>().map(f64::to_bits), Ok(1));
    }

    proptest! {
        #[test]
        fn the_first_integer_is_the_first(number in any::<i64>(), near in -2_000_i64..2_000) {
            let bound = number as f64;
            let found = first(|double| double >= bound);
            let other = number.saturating_add(near);
            prop_assert_eq!(other as f64 >= bound, i128::from(other) >= found);
        }
    }
}
