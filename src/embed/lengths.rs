//! Texts that are longer than the model takes: cut to the beginning that fits, or into pieces whose embeddings are
//! averaged. Tokens are counted by the model's own tokenizer, never guessed. Pure.

use super::tokens::Count;
use super::{Embedder, Embedding};
use crate::config::TooLong;
use crate::point::{Cause, Failure, Shortened, Shortening};

/// Pieces of one text at most: what one point may cost is bounded.
const MOST_PIECES: usize = 64;
/// Tries to find the longest piece that fits; each counts the tokens of a piece.
const MOST_TRIES: usize = 16;

/// How a text goes to the embedder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// As it is.
    Whole,
    /// In pieces, each within the limit, with the tokens of each.
    Pieces(Vec<(String, usize)>, Shortened),
}

/// Brings a text within what the embedder takes.
///
/// # Errors
/// It is too long, and the configuration says that such a point fails; or it would take too many pieces.
pub fn fit(embedder: &dyn Embedder, text: &str, too_long: TooLong) -> Result<Fit, Failure> {
    let capabilities = embedder.capabilities();
    let most = capabilities.max_input_tokens;
    let tokens = match embedder.count_tokens(text) {
        Count::Known(tokens) if tokens > most => tokens,
        _ => return Ok(Fit::Whole),
    };
    let fails = |why: &str| {
        let model = &capabilities.model;
        Failure::new(Cause::TooLong, format!("{tokens} tokens; {model} takes {most}{why}"))
    };
    // Exactly: what is counted here weighs in the mean, and is told to the operator.
    let count = |piece: &str| embedder.count_exactly(piece).get();
    let (how, most_pieces) = match too_long {
        TooLong::Fail => return Err(fails("")),
        TooLong::Truncate => (Shortening::Truncated, 1),
        TooLong::Chunks => (Shortening::Chunked, MOST_PIECES),
    };
    let mut pieces: Vec<(String, usize)> = Vec::new();
    let mut rest = text;
    while !rest.trim().is_empty() && pieces.len() < most_pieces {
        let end = if count(rest) <= most {
            rest.len()
        } else {
            longest(rest, most, &count)
        };
        let (piece, after) = rest.split_at(end);
        if piece.is_empty() {
            return Err(fails(", and no piece of it fits"));
        }
        pieces.push((piece.to_owned(), count(piece)));
        rest = after;
    }
    if how == Shortening::Chunked && !rest.trim().is_empty() {
        return Err(fails(&format!("; it would take more than {MOST_PIECES} pieces")));
    }
    let shortened = Shortened {
        how,
        tokens: tokens as u64,
        embedded: pieces.iter().map(|(_, tokens)| *tokens as u64).sum(),
        pieces: pieces.len() as u64,
    };
    Ok(Fit::Pieces(pieces, shortened))
}

/// The end of the longest beginning that fits, near enough, at the end of a word where there is one. The text as a whole
/// does not fit.
fn longest(text: &str, most: usize, count: &dyn Fn(&str) -> usize) -> usize {
    let floor = |place: usize| text.floor_char_boundary(place);
    let (mut fits, mut too_long) = (0, text.len());
    // Four bytes a token is the usual rule; what is counted leads on from there.
    let mut guess = floor(most.saturating_mul(4).min(text.len() - 1));
    for _ in 0..MOST_TRIES {
        if guess <= fits || guess >= too_long {
            guess = floor(usize::midpoint(fits, too_long));
            if guess <= fits {
                break;
            }
        }
        let tokens = count(&text[..guess]).max(1);
        if tokens <= most {
            fits = guess;
            if tokens * 50 >= most * 49 {
                break;
            }
        } else {
            too_long = guess;
        }
        guess = floor((guess as f64 / tokens as f64 * most as f64 * 0.99) as usize);
    }
    let word = text[..fits].char_indices().rev().find(|(_, c)| c.is_whitespace());
    match word {
        Some((place, _)) if place > fits / 10 * 9 => place,
        _ => fits,
    }
}

/// The mean of the pieces' embeddings, weighted by their tokens, of length one.
///
/// # Errors
/// It has no direction: the pieces cancel each other out.
pub fn mean(pieces: &[(Embedding, usize)]) -> Result<Embedding, Failure> {
    let dimensions = pieces.first().map_or(0, |(embedding, _)| embedding.len());
    let mut sum = vec![0.0_f64; dimensions];
    for (embedding, tokens) in pieces {
        for (sum, number) in sum.iter_mut().zip(embedding.iter()) {
            *sum += f64::from(*number) * *tokens as f64;
        }
    }
    let norm = sum.iter().map(|number| number * number).sum::<f64>().sqrt();
    if norm <= f64::from(f32::MIN_POSITIVE) {
        return Err(Failure::new(
            Cause::BadVector,
            "the embeddings of the pieces have no mean direction",
        ));
    }
    Ok(sum.into_iter().map(|number| (number / norm) as f32).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embed::{Answer, Capabilities, Input, RequestError, Role, Space};
    use crate::point::Modality;
    use futures::FutureExt as _;
    use futures::future::BoxFuture;

    /// A token a word.
    struct Words(Capabilities);

    impl Words {
        fn new(most: usize) -> Self {
            Self(Capabilities {
                modalities: vec![Modality::Text],
                space: Space {
                    provider: "test".into(),
                    model: "words".into(),
                    dimensions: 2,
                    prefix: String::new(),
                    normalised: true,
                },
                model: "words".into(),
                section: "embed.text",
                mixes: true,
                max_inputs: 8,
                most_inputs: 8,
                max_tokens: 1_000,
                max_input_tokens: most,
            })
        }
    }

    impl Embedder for Words {
        fn capabilities(&self) -> &Capabilities {
            &self.0
        }

        fn count_tokens(&self, text: &str) -> Count {
            Count::Known(text.split_whitespace().count())
        }

        fn count_exactly(&self, text: &str) -> Count {
            self.count_tokens(text)
        }

        fn embed<'a>(&'a self, _: &'a [Input], _: Role) -> BoxFuture<'a, Result<Answer, RequestError>> {
            async { Err(RequestError::Fatal("not asked".into())) }.boxed()
        }
    }

    fn text(words: usize) -> String {
        (0..words).map(|n| format!("wörd{n}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_fits_is_left_alone_and_what_does_not_fails_unless_told_otherwise() {
        let words = Words::new(10);
        assert_eq!(fit(&words, &text(10), TooLong::Fail), Ok(Fit::Whole));
        let failure = fit(&words, &text(11), TooLong::Fail).expect_err("too long");
        assert_eq!(failure.cause, Cause::TooLong);
        assert_eq!(failure.message, "11 tokens; words takes 10");
    }

    #[test]
    fn truncating_keeps_the_beginning_and_says_how_much() {
        let words = Words::new(100);
        let long = text(1_234);
        let Ok(Fit::Pieces(pieces, shortened)) = fit(&words, &long, TooLong::Truncate) else {
            panic!("not shortened")
        };
        assert_eq!(pieces.len(), 1);
        assert!(long.starts_with(&pieces[0].0));
        assert!((95..=100).contains(&pieces[0].1), "{}", pieces[0].1);
        assert_eq!((shortened.tokens, shortened.pieces), (1_234, 1));
        assert_eq!(shortened.embedded, pieces[0].1 as u64);
    }

    #[test]
    fn pieces_hold_the_whole_text_and_each_fits() {
        let words = Words::new(100);
        let long = text(1_234);
        let Ok(Fit::Pieces(pieces, shortened)) = fit(&words, &long, TooLong::Chunks) else {
            panic!("not shortened")
        };
        let whole: String = pieces.iter().map(|(piece, _)| piece.as_str()).collect();
        assert_eq!(whole, long);
        assert!(pieces.iter().all(|(_, tokens)| (1..=100).contains(tokens)));
        assert_eq!(shortened.embedded, 1_234, "cut between words");
        let endless = text(10_000);
        assert!(fit(&words, &endless, TooLong::Chunks).is_err(), "more than 64 pieces");
    }

    #[test]
    fn the_mean_is_weighted_and_of_length_one() {
        let pieces = [([1.0, 0.0].into(), 3), ([0.0, 1.0].into(), 4)];
        let mean = mean(&pieces).expect("a mean");
        assert!((mean[0] - 0.6).abs() < 1e-6 && (mean[1] - 0.8).abs() < 1e-6, "{mean:?}");
        let opposed = [([1.0, 0.0].into(), 1), ([-1.0, 0.0].into(), 1)];
        assert_eq!(super::mean(&opposed).expect_err("none").cause, Cause::BadVector);
    }
}
