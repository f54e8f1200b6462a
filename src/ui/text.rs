//! Text for cells: control characters replaced, widths measured as terminals show them, numbers made readable.

use std::time::Duration;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// Untrusted text on one line: control characters and characters that turn the writing direction become `�`.
pub fn clean(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' | '\r' | '\t' => ' ',
            c if c.is_control() => '\u{fffd}',
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{feff}' => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// Cuts at `width` columns, between grapheme clusters, with `~` where something was cut.
pub fn fit(text: &str, width: usize) -> String {
    let text = clean(text);
    if text.width() <= width {
        return text;
    }
    let mut kept = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        let wide = cluster.width();
        if used + wide + 1 > width {
            break;
        }
        kept.push_str(cluster);
        used += wide;
    }
    if width > 0 {
        kept.push('~');
    }
    kept
}

/// The same, filled up with blanks to exactly `width` columns.
pub fn pad(text: &str, width: usize) -> String {
    let mut text = fit(text, width);
    let missing = width.saturating_sub(text.width());
    text.extend(std::iter::repeat_n(' ', missing));
    text
}

/// Splits text into lines of at most `width` columns, between words where it can.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        let mut used = 0;
        for word in clean(paragraph).split_word_bounds() {
            if used + word.width() > width && used > 0 && !word.trim().is_empty() {
                lines.push(std::mem::take(&mut line).trim_end().to_owned());
                used = 0;
            }
            for cluster in word.graphemes(true) {
                // A cluster that no line can hold is shown as cut.
                let cluster = if cluster.width() > width { "~" } else { cluster };
                if used + cluster.width() > width {
                    lines.push(std::mem::take(&mut line));
                    used = 0;
                }
                line.push_str(cluster);
                used += cluster.width();
            }
        }
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// 9412 as 9,412.
pub fn count(number: u64) -> String {
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

/// 00:42, or 1:02:03 from an hour on.
pub fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes:02}:{seconds:02}")
    }
}

/// A latency in the unit that fits.
pub fn latency(duration: Option<Duration>) -> String {
    match duration {
        None => "-".into(),
        Some(duration) if duration < Duration::from_millis(1) => format!("{} us", duration.as_micros()),
        Some(duration) if duration < Duration::from_secs(1) => format!("{} ms", duration.as_millis()),
        Some(duration) if duration < Duration::from_secs(10) => format!("{:.1} s", duration.as_secs_f64()),
        Some(duration) => format!("{} s", duration.as_secs()),
    }
}

/// How long ago, in one unit.
pub fn age(milliseconds: i64) -> String {
    let seconds = (milliseconds / 1_000).max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn whatever_it_is_it_fits_and_holds_no_control_character(text in any::<String>(), width in 0_usize..60) {
            let fitted = fit(&text, width);
            prop_assert!(fitted.width() <= width, "{fitted:?}");
            prop_assert!(!fitted.chars().any(char::is_control));
            prop_assert_eq!(pad(&text, width).width(), width);
            for line in wrap(&text, width.max(2)) {
                prop_assert!(line.width() <= width.max(2), "{line:?}");
                prop_assert!(!line.chars().any(char::is_control));
            }
        }
    }

    #[test]
    fn readable_numbers() {
        assert_eq!(
            [0, 999, 1_000, 20_000, 1_234_567].map(count),
            ["0", "999", "1,000", "20,000", "1,234,567"]
        );
        assert_eq!(clock(Duration::from_secs(42)), "00:42");
        assert_eq!(clock(Duration::from_secs(3_723)), "1:02:03");
        assert_eq!(latency(Some(Duration::from_micros(250))), "250 us");
        assert_eq!(age(90_000), "1m");
    }

    #[test]
    fn wide_characters_are_not_cut_in_half() {
        assert_eq!(fit("日本語", 5), "日本~");
        assert_eq!(fit("日本語", 4), "日~");
        assert_eq!(fit("a\u{1b}[31mb\u{202e}", 20), "a\u{fffd}[31mb\u{fffd}");
    }

    #[test]
    fn long_words_and_paragraphs_are_wrapped() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij\nk", 4), ["abcd", "efgh", "ij", "k"]);
    }
}
