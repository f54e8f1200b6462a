//! Which words of two texts differ.

use std::time::Duration;

use similar::{Algorithm, ChangeTag, TextDiff};

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
}

/// Both texts, cut where they begin and cease to differ. The pieces of each side put together are that side.
pub fn words(left: &str, right: &str) -> (Vec<Piece>, Vec<Piece>) {
    let whole = |text: &str| {
        vec![Piece {
            text: text.to_owned(),
            changed: true,
        }]
    };
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
/// Characters that an excerpt has at most.
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
        let text = if piece.changed || length <= 2 * CONTEXT + 20 {
            piece.text
        } else {
            let head = if place == 0 {
                String::new()
            } else {
                piece.text.chars().take(CONTEXT).collect()
            };
            let tail: String = if place == last {
                String::new()
            } else {
                piece.text.chars().skip(length - CONTEXT).collect()
            };
            let left_out = length - head.chars().count() - tail.chars().count();
            format!("{head} ...({left_out} equal)... {tail}")
        };
        let shown: String = text.chars().take(room).collect();
        room -= shown.chars().count();
        kept.push(Piece {
            text: shown,
            changed: piece.changed,
        });
    }
    kept
}

fn push(pieces: &mut Vec<Piece>, text: &str, changed: bool) {
    match pieces.last_mut() {
        Some(last) if last.changed == changed => last.text.push_str(text),
        _ => pieces.push(Piece {
            text: text.to_owned(),
            changed,
        }),
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
        let shown = joined(&excerpt(old));
        assert!(
            shown.contains("one") && shown.contains("equal)") && shown.len() < 400,
            "{shown}"
        );
    }

    #[test]
    fn five_megabytes_are_not_compared_word_by_word() {
        let long = "x".repeat(5 << 20);
        let begun = std::time::Instant::now();
        let (old, _) = words(&long, "y");
        assert!(old[0].changed && begun.elapsed() < Duration::from_secs(2));
    }
}
