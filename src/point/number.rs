//! Large numbers as people read them, the same wherever a text is made: in a check's figures, on the screen, in the
//! report.

/// Digits behind the point at most: less than that nobody is charged.
const MOST_DIGITS: usize = 12;

/// 1234567 as 1,234,567.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// "1 point", "2 points": a number before the singular or the plural of what it counts.
pub fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { one } else { many })
}

/// US dollars that were spent, or are expected to be, with so many digits behind the point; where these show nothing of
/// a small sum, with the first two that do.
pub fn sum_of_money(usd: f64, digits: usize) -> String {
    // The place of the first digit that counts.
    let first = (-usd.log10()).ceil() as usize;
    if usd <= 0.0 || first <= digits {
        return format!("{usd:.digits$}");
    }
    let digits = (first + 1).min(MOST_DIGITS);
    let text = format!("{usd:.digits$}");
    text.trim_end_matches('0').to_owned()
}

/// US dollars that somebody has set: cents, and behind them every digit that was set.
pub fn exact_sum(usd: f64) -> String {
    let text = usd.to_string();
    match text.split_once('.') {
        Some((_, behind)) if behind.len() > 2 => text,
        _ => format!("{usd:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart() {
        for (number, expected) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (20_000, "20,000"),
            (1_234_567, "1,234,567"),
            (u64::MAX, "18,446,744,073,709,551,615"),
        ] {
            assert_eq!(grouped(number), expected);
        }
    }
    #[test]
    fn a_sum_shows_something_of_every_amount() {
        for (usd, digits, expected) in [
            (0.0, 2, "0.00"),
            (0.3133, 2, "0.31"),
            (4.9987, 2, "5.00"),
            (0.01, 2, "0.01"),
            (0.0053, 2, "0.0053"),
            (0.004, 2, "0.004"),
            (0.0003, 4, "0.0003"),
            (0.000_02, 4, "0.00002"),
            (1_234.5, 4, "1234.5000"),
        ] {
            assert_eq!(sum_of_money(usd, digits), expected, "{usd} {digits}");
        }
    }

    #[test]
    fn a_budget_is_told_as_it_was_set() {
        for (usd, expected) in [
            (5.0, "5.00"),
            (0.5, "0.50"),
            (0.125, "0.125"),
            (0.004, "0.004"),
            (12.345_678, "12.345678"),
        ] {
            let text = exact_sum(usd);
            assert_eq!(text, expected);
            assert_eq!(text.parse::<f64>().ok(), Some(usd), "it can be typed again");
        }
    }
}
