//! The words of a text as Unicode bounds them (UAX #29), and what stands between them. Text of plain ASCII is bound by the
//! few rules that can apply to it: the library looks up tables for every letter, which was most of a frame's time.

use unicode_segmentation::UnicodeSegmentation as _;

/// Every word and what stands between two of them, each with its place. `is_plain` is whether the text is plain ASCII.
pub(super) fn words(text: &str, is_plain: bool) -> impl Iterator<Item = (usize, &str)> {
    let (ascii, other) = if is_plain { (text, "") } else { ("", text) };
    let mut end = 0;
    let ascii = std::iter::from_fn(move || {
        let begin = end;
        end += length(&ascii.as_bytes()[begin..]);
        (begin < end).then(|| (begin, &ascii[begin..end]))
    });
    ascii.chain(other.split_word_bound_indices())
}

/// Bytes of the first word of plain ASCII.
fn length(text: &[u8]) -> usize {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let mut end = match text.first() {
        None => return 0,
        Some(b' ') => return text.iter().take_while(|byte| **byte == b' ').count(),
        Some(byte) if !is_word(byte) => return 1,
        Some(_) => 1,
    };
    loop {
        end += text[end..].iter().take_while(|byte| is_word(byte)).count();
        // WB6, WB7, WB11 and WB12: a sign between two letters, or between two digits.
        match text[end - 1..] {
            [before, b'\'' | b'.' | b':', after, ..] if before.is_ascii_alphabetic() && after.is_ascii_alphabetic() => {
            }
            [before, b'\'' | b'.' | b',' | b';', after, ..] if before.is_ascii_digit() && after.is_ascii_digit() => {}
            _ => return end,
        }
        end += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::super::is_plain;
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn plain_text_has_the_words_that_unicode_says(text in "[ab01_ .,:;'\"-]{0,40}|[ -~]{0,40}|[a日é. ]{0,20}") {
            let words: Vec<(usize, &str)> = words(&text, is_plain(text.as_bytes())).collect();
            let wanted: Vec<(usize, &str)> = text.split_word_bound_indices().collect();
            prop_assert_eq!(words, wanted);
        }
    }
}
