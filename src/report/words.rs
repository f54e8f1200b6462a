//! Figures and foreign texts as words. Pure.

use jiff::Timestamp;

pub(super) use crate::point::grouped;

/// Foreign text on one line: line breaks and tabs become blanks; other control characters, and those that turn the
/// writing direction or take no room, become `�`.
pub(super) fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// `2026-11-23 03:19:31 UTC`, of milliseconds since 1970.
pub(super) fn moment(at: i64) -> String {
    Timestamp::from_millisecond(at).map_or_else(
        |_| "-".to_owned(),
        |at| at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
    )
}

/// `0.123 s`, `12.3 s`, `4 min 05 s`, `2 h 03 min`.
pub(super) fn span(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        _ if !seconds.is_finite() => "-".to_owned(),
        0..10 => format!("{seconds:.3} s"),
        10..120 => format!("{seconds:.1} s"),
        120..7_200 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => format!("{} h {:02} min", whole / 3_600, whole / 60 % 60),
    }
}

/// `512 B`, `1.5 KiB`, `20.0 MiB`, `3.2 GiB`.
pub(super) fn bytes(bytes: u64) -> String {
    let units = [(1_u64 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    let found = units.into_iter().find(|(size, _)| bytes >= *size);
    found.map_or_else(
        || format!("{bytes} B"),
        |(size, unit)| format!("{:.1} {unit}", bytes as f64 / size as f64),
    )
}

/// `12.3 %`; nothing of nothing is none.
pub(super) fn share(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".to_owned();
    }
    crate::point::verdict::percent(part as f64 / whole as f64)
}

/// A figure that may be missing, with so many digits.
pub(super) fn figure(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.digits$}"))
}

/// A number without the zeros at its end, at most four digits after the point.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.4}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_as_words() {
        for (number, expected) in [(0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567")] {
            assert_eq!(grouped(number), expected);
        }
        for (seconds, expected) in [
            (0.1234, "0.123 s"),
            (12.34, "12.3 s"),
            (245.0, "4 min 05 s"),
            (7_380.0, "2 h 03 min"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(span(seconds), expected);
        }
        for (size, expected) in [
            (512, "512 B"),
            (1_536, "1.5 KiB"),
            (20 << 20, "20.0 MiB"),
            (5 << 30, "5.0 GiB"),
        ] {
            assert_eq!(bytes(size), expected);
        }
        for (value, expected) in [(0.98, "0.98"), (1.0, "1"), (-0.000_01, "0"), (12.5, "12.5")] {
            assert_eq!(short(value), expected);
        }
        assert_eq!(moment(0), "1970-01-01 00:00:00 UTC");
        assert_eq!(share(1, 8), "12.5 %");
        assert_eq!(share(0, 0), "-");
        assert_eq!(figure(None, 2), "-");
        assert_eq!(figure(Some(0.5), 3), "0.500");
    }

    #[test]
    fn no_control_character_is_left() {
        let cleaned = clean("a\u{1b}[31m\r\nb\u{202e}c\u{9b}\u{200b}\td");
        assert_eq!(cleaned, "a\u{fffd}[31m  b\u{fffd}c\u{fffd}\u{fffd} d");
        assert_eq!(clean("Zoë, 日本"), "Zoë, 日本");
    }
}
