//! Where a line may end: between words, never beside the signs that belong to them. As long as a line can hold it, a word
//! with hyphens, what stands between backticks, and a number with its percent sign stay whole.

use super::is_plain;
use super::words::words;

/// What stays whole on a line that can hold it, and the blanks between.
pub(super) fn wholes(text: &str, is_plain: bool) -> impl Iterator<Item = &str> {
    let mut words = words(text, is_plain).peekable();
    std::iter::from_fn(move || {
        let (begin, mut last) = words.next()?;
        let mut end = begin + last.len();
        // Up to there all belongs together, blanks too.
        let mut held = quoted(text, begin);
        while let Some(&(at, next)) = words.peek() {
            if at >= held {
                if is_one(last, next) {
                    held = quoted(text, at);
                } else if last.ends_with(|c: char| c.is_ascii_digit()) && text[at..].starts_with(" %") {
                    held = at + " %".len();
                } else {
                    break;
                }
            }
            end = at + next.len();
            last = next;
            words.next();
        }
        Some(&text[begin..end])
    })
}

/// Where what no line can hold is broken: its words with the signs that belong to them.
pub(in crate::ui) fn words_of(text: &str) -> impl Iterator<Item = &str> {
    let mut words = words(text, is_plain(text.as_bytes())).peekable();
    std::iter::from_fn(move || {
        let (begin, mut last) = words.next()?;
        let mut end = begin + last.len();
        while let Some(&(at, next)) = words.peek()
            && (belongs(last, next) || is_dashes(&text[begin..end]) && !is_blank(next))
        {
            end = at + next.len();
            last = next;
            words.next();
        }
        Some(&text[begin..end])
    })
}

/// Where the quotation between backticks ends that begins here; 0 where none does.
fn quoted(text: &str, at: usize) -> usize {
    let quotation = text[at..].strip_prefix('`');
    let length = quotation.and_then(|rest| rest.find('`'));
    length.map_or(0, |length| at + length + 2)
}

/// Whether two words are one to a reader: by a sign that belongs to one of them, or by a hyphen.
fn is_one(first: &str, second: &str) -> bool {
    belongs(first, second) || first.ends_with('-') && !is_blank(second)
}

/// Whether no line ends between two words: the second one closes the first, or the first one opens the second.
fn belongs(first: &str, second: &str) -> bool {
    let closes = |c: char| {
        matches!(c, ',' | '.' | ';' | ':' | '!' | '?' | ')' | ']' | '}' | '%' | '-' | '`')
            || matches!(c, '…' | '、' | '。' | '，' | '；' | '：' | '！' | '？' | '」' | '』')
    };
    let opens = |c: char| matches!(c, '(' | '[' | '{' | '$' | '@' | '#' | '`' | '\\' | '「' | '『');
    let is_joined = second.chars().all(closes) || first.chars().all(opens);
    is_joined && !is_blank(first) && !is_blank(second)
}

/// Whether an option begins so.
fn is_dashes(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'-')
}

pub(in crate::ui) fn is_blank(part: &str) -> bool {
    part.chars().all(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::super::{columns, wrap};
    use proptest::prelude::*;

    #[test]
    fn what_is_one_to_a_reader_stays_on_a_line_that_can_hold_it() {
        for (text, width, lines) in [
            (
                "or `qlance sync --remove-gone` removes",
                28,
                &["or", "`qlance sync --remove-gone`", "removes"][..],
            ),
            ("(`qlance diff ID`), then", 19, &["(`qlance diff ID`),", "then"]),
            ("a re-embedded text", 12, &["a", "re-embedded", "text"]),
            ("than 0.60 % at 95 % sure", 11, &["than 0.60 %", "at 95 %", "sure"]),
            ("at 95 % confidence", 5, &["at", "95 %", "confi", "dence"]),
            // A backtick without another one quotes nothing.
            ("costs 5 ` and", 9, &["costs 5 `", "and"]),
        ] {
            assert_eq!(wrap(text, width), lines, "{text:?} in {width}");
        }
    }

    #[test]
    fn what_no_line_can_hold_is_broken_between_its_words() {
        for (text, width, lines) in [
            (
                "`qlance sync --remove-gone`",
                14,
                &["`qlance sync", "--remove-gone`"][..],
            ),
            (
                "`qlance sync --remove-gone`",
                10,
                &["`qlance", "sync", "--remove-", "gone`"],
            ),
            ("a re-embedded text", 8, &["a re-", "embedded", "text"]),
            ("0.60 %", 5, &["0.60", "%"]),
            ("one`two three` four", 9, &["one`two", "three`", "four"]),
        ] {
            assert_eq!(wrap(text, width), lines, "{text:?} in {width}");
        }
    }

    proptest! {
        #[test]
        fn every_text_fits_every_width_and_loses_only_blanks(text in "[ab9 `%.,(-]{0,60}", width in 1_usize..20) {
            let lines = wrap(&text, width);
            prop_assert!(lines.iter().all(|line| columns(line) <= width), "{:?}", lines);
            let letters = |text: &str| text.replace(' ', "");
            prop_assert_eq!(letters(&lines.concat()), letters(&text));
        }
    }
}
