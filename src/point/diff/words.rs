//! Which words of two texts differ.

use std::time::Duration;

use similar::{Algorithm, ChangeTag, TextDiff};

use crate::point::grouped;

/// Texts longer than this (bytes of both) are compared line by line instead of word by word.
const MAX_WORDS_BYTES: usize = 64 << 10;
/// Texts longer than this are only told to differ.
const MAX_BYTES: usize = 4 << 20;
/// A comparison that takes longer stops refining.
const PATIENCE: Duration = Duration::from_millis(50);

/// A stretch of text, changed or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: String,
    /// Whether the other side lacks it.
    pub changed: bool,
    /// Whether it stands for an equal stretch that is left out, and is no text of that side.
    pub left_out: bool,
}

impl Piece {
    fn new(text: impl Into<String>, changed: bool) -> Self {
        Self {
            text: text.into(),
            changed,
            left_out: false,
        }
    }

    /// What stands for so many characters.
    fn mark(characters: usize) -> Self {
        Self {
            left_out: true,
            ..Self::new(
                format!("...({} characters equal)...", grouped(characters as u64)),
                false,
            )
        }
    }
}

/// Both texts, cut where they begin and cease to differ. The pieces of each side put together are that side.
pub fn words(left: &str, right: &str) -> (Vec<Piece>, Vec<Piece>) {
    let whole = |text: &str| vec![Piece::new(text, true)];
    let bytes = left.len() + right.len();
    if bytes > MAX_BYTES {
        return (whole(left), whole(right));
    }
    let mut config = TextDiff::configure();
    config.algorithm(Algorithm::Myers).timeout(PATIENCE);
    let diff = if bytes > MAX_WORDS_BYTES {
        config.diff_lines(left, right)
    } else {
        config.diff_unicode_words(left, right)
    };
    let (mut old, mut new) = (Vec::new(), Vec::new());
    for change in diff.iter_all_changes() {
        match change.tag() {
            ChangeTag::Equal => {
                push(&mut old, change.value(), false);
                push(&mut new, change.value(), false);
            }
            ChangeTag::Delete => push(&mut old, change.value(), true),
            ChangeTag::Insert => push(&mut new, change.value(), true),
        }
    }
    (old, new)
}

/// Characters of an equal stretch that are kept beside a change.
const CONTEXT: usize = 60;
/// Characters more than that, up to which a stretch is kept: what stands for it is no shorter.
const SPARED: usize = 40;
/// Characters of a text that an excerpt has at most.
const EXCERPT: usize = 4_000;

/// What of a text is worth showing: its changes with what stands around them.
pub(super) fn excerpt(pieces: Vec<Piece>) -> Vec<Piece> {
    let last = pieces.len().saturating_sub(1);
    let mut room = EXCERPT;
    let mut kept = Vec::new();
    for (place, piece) in pieces.into_iter().enumerate() {
        if room == 0 {
            break;
        }
        let length = piece.text.chars().count();
        if piece.changed || length <= 2 * CONTEXT + SPARED {
            kept.extend(taken(&piece.text, piece.changed, &mut room));
            continue;
        }
        let head = if place == 0 { 0 } else { CONTEXT };
        let tail = if place == last { 0 } else { CONTEXT };
        let at = |letters: usize| {
            let letter = piece.text.char_indices().nth(letters);
            letter.map_or(piece.text.len(), |(at, _)| at)
        };
        kept.extend(taken(&piece.text[..at(head)], false, &mut room));
        kept.push(Piece::mark(length - head - tail));
        kept.extend(taken(&piece.text[at(length - tail)..], false, &mut room));
    }
    kept
}

/// As much of a stretch as there is room for.
fn taken(text: &str, changed: bool, room: &mut usize) -> Option<Piece> {
    let text: String = text.chars().take(*room).collect();
    *room -= text.chars().count();
    (!text.is_empty()).then(|| Piece::new(text, changed))
}

fn push(pieces: &mut Vec<Piece>, text: &str, changed: bool) {
    match pieces.last_mut() {
        Some(last) if last.changed == changed => last.text.push_str(text),
        _ => pieces.push(Piece::new(text, changed)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn joined(pieces: &[Piece]) -> String {
        pieces.iter().map(|piece| piece.text.as_str()).collect()
    }

    fn unchanged(pieces: &[Piece]) -> String {
        pieces
            .iter()
            .filter(|piece| !piece.changed)
            .map(|piece| piece.text.as_str())
            .collect()
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_what_is_equal_is_equal(left in "[ab \\n日]{0,40}", right in "[ab \\n日]{0,40}") {
            let (old, new) = words(&left, &right);
            prop_assert_eq!(joined(&old), left);
            prop_assert_eq!(joined(&new), right);
            prop_assert_eq!(unchanged(&old), unchanged(&new));
        }
    }

    #[test]
    fn the_changed_word_is_lit_and_no_other() {
        let (old, new) = words("the quick brown fox", "the slow brown fox");
        let changed = |pieces: &[Piece]| -> Vec<String> {
            pieces
                .iter()
                .filter(|piece| piece.changed)
                .map(|piece| piece.text.clone())
                .collect()
        };
        assert_eq!(
            (changed(&old), changed(&new)),
            (vec!["quick".into()], vec!["slow".into()])
        );
    }

    #[test]
    fn an_excerpt_shows_the_change_and_leaves_long_equal_stretches_out() {
        let long = "lorem ipsum ".repeat(1_000);
        let (old, _) = words(&format!("{long}one {long}"), &format!("{long}two {long}"));
        let shown = excerpt(old);
        let marks: Vec<&str> = shown
            .iter()
            .filter(|piece| piece.left_out)
            .map(|piece| piece.text.as_str())
            .collect();
        // Of the second stretch the blank behind the word is a character more.
        assert_eq!(
            marks,
            ["...(11,940 characters equal)...", "...(11,941 characters equal)..."]
        );
        let text: Vec<&Piece> = shown.iter().filter(|piece| !piece.left_out).collect();
        let lengths: Vec<usize> = text.iter().map(|piece| piece.text.chars().count()).collect();
        assert_eq!(lengths, [CONTEXT, 3, CONTEXT], "{shown:?}");
        assert!(text[1].text == "one" && text[1].changed);
        // Nothing but the text itself: no blank that it does not have.
        assert!(text[0].text.ends_with("lorem ipsum ") && text[2].text.starts_with(" lorem ipsum"));
    }

    #[test]
    fn an_excerpt_of_changes_alone_has_an_end() {
        let shown = excerpt(vec![Piece::new("x".repeat(EXCERPT + 5), true), Piece::new("y", false)]);
        assert_eq!(joined(&shown).len(), EXCERPT);
    }

    #[test]
    fn five_megabytes_are_not_compared_word_by_word() {
        let long = "x".repeat(5 << 20);
        let begun = std::time::Instant::now();
        let (old, _) = words(&long, "y");
        assert!(old[0].changed && begun.elapsed() < Duration::from_secs(2));
    }
}
