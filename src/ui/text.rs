//! Text for cells: control characters replaced, widths measured as terminals show them, numbers made readable. However
//! long a text is, no more of it is looked at than can be seen.

mod breaks;
mod words;

use std::borrow::Cow;
use std::time::Duration;

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr;

use crate::point::grouped;
use breaks::wholes;
pub(in crate::ui) use breaks::{is_blank, words_of};

/// A character as it may be shown.
fn shown(c: char) -> char {
    match c {
        // Some terminals begin a line at the separators too.
        '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}' => ' ',
        c if is_harmful(c) => '\u{fffd}',
        // The half-width voiced sound marks: a column of their own to a terminal, none or one to libraries. Their
        // full-width forms are two columns to everybody.
        '\u{ff9e}' => '\u{309b}',
        '\u{ff9f}' => '\u{309c}',
        c => c,
    }
}

/// Whether a character acts on the terminal, turns the writing direction, or hides in a text because nothing is seen of
/// it. What joins or shapes the characters beside it is none of these.
pub(super) fn is_harmful(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let separates = matches!(c, '\u{2028}' | '\u{2029}');
    let hides = matches!(
        c,
        '\u{200b}' | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
    );
    c.is_control() || turns || separates || hides
}

/// Whether every byte is a character that fills one column, and is shown as it is.
pub(super) fn is_plain(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b' '..=b'~'))
}

/// Whether a character is a plain one, or one that bars, lines and plots are made of: each fills a column on every
/// terminal and joins no other.
pub(super) fn is_drawn(letter: char) -> bool {
    matches!(letter, ' '..='~' | '\u{2500}'..='\u{259f}' | '\u{2800}'..='\u{28ff}')
}

/// Untrusted text on one line: control characters, characters that turn the writing direction and those that are not
/// seen become `�`.
pub fn clean(text: &str) -> String {
    beginning(text, usize::MAX).0.into_owned()
}

/// What of a text can fill so many columns, cleaned, and whether that is all of it. Of marks that pile up on one column
/// the most are left out.
pub(super) fn beginning(text: &str, columns: usize) -> (Cow<'_, str>, bool) {
    let most = columns.saturating_mul(4).saturating_add(64);
    if text.len() <= most && is_plain(text.as_bytes()) {
        return (Cow::Borrowed(text), true);
    }
    let mut letters = text.chars();
    let cleaned = letters.by_ref().take(most).map(shown).collect();
    (Cow::Owned(cleaned), letters.as_str().is_empty())
}

/// The columns of a text without control characters, cluster by cluster, as it is drawn.
pub fn columns(text: &str) -> usize {
    if is_plain(text.as_bytes()) {
        return text.len();
    }
    text.graphemes(true).map(UnicodeWidthStr::width).sum()
}

/// Cuts at `width` columns, between grapheme clusters, with `~` where something was cut.
pub fn fit(text: &str, width: usize) -> String {
    cut(text, width).0
}

/// Cuts in the middle instead, so that both ends stay known.
pub fn fit_ends(text: &str, width: usize) -> String {
    let text = clean(text);
    if columns(&text) <= width {
        return text;
    }
    // The sign takes a column.
    let Some(mut room) = width.checked_sub(1) else {
        return String::new();
    };
    let (mut begin, mut half) = (0, room.div_ceil(2));
    for cluster in text.graphemes(true) {
        let wide = cluster.width();
        if wide > half {
            break;
        }
        (half, room) = (half - wide, room - wide);
        begin += cluster.len();
    }
    let mut end = text.len();
    for (place, cluster) in text.grapheme_indices(true).rev() {
        let wide = cluster.width();
        if wide > room {
            break;
        }
        room -= wide;
        end = place;
    }
    format!("{}~{}", &text[..begin], &text[end..])
}

/// As [`fit`], filled up with blanks to exactly `width` columns.
pub fn pad(text: &str, width: usize) -> String {
    let (mut text, used) = cut(text, width);
    text.push_str(&" ".repeat(width.saturating_sub(used)));
    text
}

/// The text that fits, and its columns.
fn cut(text: &str, width: usize) -> (String, usize) {
    // Nearly always a byte is a column, as far as the text is seen.
    let seen = &text.as_bytes()[..text.len().min(width.saturating_add(1))];
    if is_plain(seen) {
        return match width.checked_sub(1) {
            _ if seen.len() <= width => (text.to_owned(), text.len()),
            None => (String::new(), 0),
            Some(kept) => ([&text[..kept], "~"].concat(), width),
        };
    }
    let (cleaned, whole) = beginning(text, width);
    let mut cleaned = cleaned.into_owned();
    let mut used = 0;
    // Where the text is cut if it does not fit: a column is left for the sign.
    let (mut end, mut kept) = (0, 0);
    for cluster in cleaned.graphemes(true) {
        used += cluster.width();
        if used > width {
            break;
        }
        if used < width {
            (end, kept) = (end + cluster.len(), used);
        }
    }
    if whole && used <= width {
        return (cleaned, used);
    }
    cleaned.truncate(end);
    if width > 0 {
        cleaned.push('~');
        kept += 1;
    }
    (cleaned, kept)
}

/// Splits text into lines of at most `width` columns, between words where it can.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    wrap_to(text, width, usize::MAX)
}

/// The first lines of a text, at most so many, as [`wrap`] makes them.
pub fn wrap_to(text: &str, width: usize, most: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        if lines.len() >= most {
            break;
        }
        wrap_paragraph(paragraph, width, most, &mut lines);
    }
    lines.truncate(most);
    lines
}

fn wrap_paragraph(paragraph: &str, width: usize, most: usize, lines: &mut Vec<String>) {
    let room = most.saturating_sub(lines.len());
    let (text, _) = beginning(paragraph, room.saturating_mul(width));
    let mut flow = Flow::new(lines, width);
    if is_plain(text.as_bytes()) {
        let mut rest = flow.take_run(&text);
        while let Some(whole) = wholes(rest, true).next() {
            flow.take_whole(whole);
            if flow.lines.len() >= most {
                return;
            }
            rest = flow.take_run(&rest[whole.len()..]);
        }
    } else {
        for whole in wholes(&text, false) {
            flow.take_whole(whole);
            if flow.lines.len() >= most {
                return;
            }
        }
    }
    flow.end();
}

/// Lines, and the one that is being filled.
struct Flow<'a> {
    lines: &'a mut Vec<String>,
    width: usize,
    line: String,
    used: usize,
    /// Whether this line goes on with what the one above began.
    goes_on: bool,
}

impl<'a> Flow<'a> {
    fn new(lines: &'a mut Vec<String>, width: usize) -> Self {
        Self {
            lines,
            width,
            line: String::new(),
            used: 0,
            goes_on: false,
        }
    }

    /// Takes in at once the words that this line has room for, as one by one they would be taken in too, and gives back
    /// what comes after them. The text is plain, as most are, and a frame breaks many of them: what is quoted is left.
    fn take_run<'t>(&mut self, text: &'t str) -> &'t str {
        let bytes = text.as_bytes();
        let mut end = bytes.len().min(self.width.saturating_sub(self.used) + 1);
        if bytes.starts_with(b" ") || bytes[..end].contains(&b'`') {
            return text;
        }
        while let Some(blank) = bytes[..end].iter().rposition(|byte| *byte == b' ') {
            end = blank;
            // Several blanks are one, and a number keeps its sign.
            let (before, after) = (bytes[blank - 1], bytes.get(blank + 1));
            if before != b' ' && !(before.is_ascii_digit() && after == Some(&b'%')) {
                self.line.push_str(&text[..end]);
                self.used += end;
                return &text[end..];
            }
        }
        text
    }

    /// Takes in what stays whole on a line that can hold it.
    fn take_whole(&mut self, whole: &str) {
        if columns(whole) <= self.width {
            self.take(whole);
        } else {
            for piece in words_of(whole) {
                self.take(piece);
            }
        }
    }

    /// Takes in what is not broken if a line can hold it.
    fn take(&mut self, part: &str) {
        let wide = columns(part);
        if is_blank(part) {
            // A blank where a line ends or goes on is the break itself.
            if self.used + wide > self.width {
                self.used = self.width;
            } else if self.used > 0 || !self.goes_on {
                self.line.push_str(part);
                self.used += wide;
            }
            return;
        }
        if self.used + wide > self.width && self.used > 0 {
            self.end();
        }
        if self.used + wide <= self.width {
            self.line.push_str(part);
            self.used += wide;
            return;
        }
        for cluster in part.graphemes(true) {
            // A cluster that no line can hold is shown as cut.
            let cluster = if cluster.width() > self.width { "~" } else { cluster };
            if self.used + cluster.width() > self.width {
                self.end();
            }
            self.line.push_str(cluster);
            self.used += cluster.width();
        }
    }

    fn end(&mut self) {
        self.lines.push(std::mem::take(&mut self.line).trim_end().to_owned());
        (self.used, self.goes_on) = (0, true);
    }
}

/// 9412 as 9,412.
pub fn count(number: u64) -> String {
    grouped(number)
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

    /// What fits, found by looking at all of the text.
    fn fitted(text: &str, width: usize) -> String {
        let text = clean(text);
        if columns(&text) <= width {
            return text;
        }
        let mut kept = String::new();
        for cluster in text.graphemes(true) {
            if columns(&kept) + cluster.width() + 1 > width {
                break;
            }
            kept.push_str(cluster);
        }
        if width > 0 {
            kept.push('~');
        }
        kept
    }

    proptest! {
        #[test]
        fn whatever_it_is_it_fits_and_holds_no_control_character(text in any::<String>(), width in 0_usize..60) {
            let fitted = fit(&text, width);
            prop_assert!(columns(&fitted) <= width, "{fitted:?}");
            prop_assert!(!fitted.chars().any(char::is_control));
            prop_assert_eq!(columns(&pad(&text, width)), width);
            let ends = fit_ends(&text, width);
            prop_assert!(columns(&ends) <= width && !ends.chars().any(char::is_control), "{:?}", ends);
            for line in wrap(&text, width.max(2)) {
                prop_assert!(columns(&line) <= width.max(2), "{line:?}");
                prop_assert!(!line.chars().any(char::is_control));
            }
        }

        #[test]
        fn taking_many_words_at_once_changes_nothing(text in "[ab19 `%.,(-]{0,80}|[ab1 %]{0,80}", width in 1_usize..20) {
            let mut lines = Vec::new();
            let mut flow = Flow::new(&mut lines, width);
            wholes(&text, false).for_each(|whole| flow.take_whole(whole));
            flow.end();
            prop_assert_eq!(wrap(&text, width), lines);
        }

        #[test]
        fn looking_at_less_changes_nothing(
            text in "[ab9 ~`%\t\n日é.\u{301}\u{ff9e}-]{0,60}",
            width in 0_usize..40,
            most in 0_usize..6,
        ) {
            prop_assert_eq!(fit(&text, width), fitted(&text, width));
            let mut lines = wrap(&text, width);
            lines.truncate(most);
            prop_assert_eq!(wrap_to(&text, width, most), lines);
        }
    }

    #[test]
    fn a_long_text_costs_no_more_than_what_is_seen() {
        let begun = std::time::Instant::now();
        for long in ["plain ", "日本語", "e\u{301}\u{7}", "\u{301}"] {
            let long = long.repeat((5 << 20) / long.len());
            for _ in 0..100 {
                assert!(columns(&fit(&long, 80)) <= 80);
                assert!(wrap_to(&long, 80, 5).len() <= 5);
            }
        }
        assert!(begun.elapsed().as_secs() < 2, "{:?}", begun.elapsed());
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
    fn of_what_is_cut_in_the_middle_both_ends_are_seen() {
        assert_eq!(
            fit_ends("messages -> choir.lance/messages", 32),
            "messages -> choir.lance/messages"
        );
        assert_eq!(
            fit_ends("messages -> choir.lance/messages", 21),
            "messages -~e/messages"
        );
        assert_eq!(fit_ends("abc", 2), "a~");
        assert_eq!(fit_ends("abc", 1), "~");
        assert_eq!(fit_ends("abc", 0), "");
        assert_eq!(fit_ends("日本語日本語", 8), "日本~語");
    }

    #[test]
    fn what_hides_in_a_text_is_seen_and_what_ends_a_line_is_a_blank() {
        assert_eq!(fit("a\u{200b}b\u{2060}\u{61c}c", 20), "a\u{fffd}b\u{fffd}\u{fffd}c");
        assert_eq!(fit("a\u{2028}b\u{2029}c", 20), "a b c");
    }

    #[test]
    fn half_width_sound_marks_take_the_columns_that_are_counted() {
        assert_eq!(fit("ｶ\u{ff9e}ﾊ\u{ff9f}", 6), "ｶ\u{309b}ﾊ\u{309c}");
        assert_eq!(columns(&clean("ｶ\u{ff9e}")), 3);
        assert_eq!(fit("ｶ\u{ff9e}ﾊ\u{ff9f}", 5), "ｶ\u{309b}ﾊ~");
    }

    #[test]
    fn long_words_and_paragraphs_are_wrapped() {
        assert_eq!(wrap("one two three", 8), ["one two", "three"]);
        assert_eq!(wrap("abcdefghij\nk", 4), ["abcd", "efgh", "ij", "k"]);
    }

    #[test]
    fn no_line_begins_with_a_blank_or_with_a_sign_that_closes() {
        for (text, width, lines) in [
            ("is 8192 tokens, however", 14, &["is 8192", "tokens,", "however"][..]),
            ("is 8192 tokens, however", 15, &["is 8192 tokens,", "however"]),
            ("have 384 numbers, the new", 16, &["have 384", "numbers, the new"]),
            ("whole came down", 10, &["whole came", "down"]),
            ("whole came  down", 10, &["whole came", "down"]),
            ("whole came ", 10, &["whole came"]),
            ("  kept before", 8, &["  kept", "before"]),
            ("one (two) three", 8, &["one", "(two)", "three"]),
            ("for $5.00 at most", 6, &["for", "$5.00", "at", "most"]),
            ("日本、東京", 4, &["日", "本、", "東京"]),
            ("numbers, the", 7, &["numbers", ", the"]),
            ("", 5, &[""]),
        ] {
            assert_eq!(wrap(text, width), lines, "{text:?} in {width}");
        }
    }
}
