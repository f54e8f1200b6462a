//! Media whose bytes stand in the payload itself: in base64, or in a `data:` URI. Nothing is asked; only sizes are
//! bounded.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::address::{self, Data};
use super::budget::{Budget, Fetched};
use super::message::{said, unreadable};
use crate::point::Failure;

/// Reads base64 whatever its padding; what else differs between its dialects is ironed out before.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// Reads what stands in the key for bytes: base64, or a `data:` URI all the same.
///
/// # Errors
/// It is not base64, or too large.
pub(super) async fn inline(text: &str, budget: &Budget) -> Result<Fetched, Failure> {
    match address::data(text.trim_start()) {
        Some(data) => self::data(data?, budget).await,
        None => decode(text, "the inline base64", budget).await,
    }
}

/// Reads a `data:` URI.
///
/// # Errors
/// It cannot be decoded, or is too large.
pub(super) async fn data(data: Data<'_>, budget: &Budget) -> Result<Fetched, Failure> {
    const WHAT: &str = "the data: URI";
    let Data {
        base64: in_base64,
        body,
    } = data;
    if !in_base64 {
        let share = budget.take(WHAT, Some(body.len() as u64)).await?;
        return Ok(Fetched::new(percent_decoded(body), share));
    }
    if !body.contains('%') {
        return decode(body, WHAT, budget).await;
    }
    // Before another copy is made.
    drop(budget.take(WHAT, Some(body.len() as u64 / 4)).await?);
    decode(&String::from_utf8_lossy(&percent_decoded(body)), WHAT, budget).await
}

async fn decode(text: &str, what: &str, budget: &Budget) -> Result<Fetched, Failure> {
    let digits = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).count() as u64;
    let share = budget.take(what, Some(digits * 3 / 4)).await?;
    let bytes = BASE64
        .decode(standard(text))
        .map_err(|error| unreadable(format!("{what} cannot be decoded: {}", said(&error.to_string()))))?;
    Ok(Fetched::new(bytes, share))
}

/// The text in the standard alphabet and without white space.
fn standard(text: &str) -> Cow<'_, [u8]> {
    let differs = |byte: u8| byte.is_ascii_whitespace() || matches!(byte, b'-' | b'_');
    if !text.bytes().any(differs) {
        return Cow::Borrowed(text.as_bytes());
    }
    let bytes = text.bytes().filter(|byte| !byte.is_ascii_whitespace());
    let standard = bytes.map(|byte| match byte {
        b'-' => b'+',
        b'_' => b'/',
        other => other,
    });
    Cow::Owned(standard.collect())
}

/// Replaces each `%` and its two digits by their byte; a `%` without them stays.
fn percent_decoded(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        let digit = |place: usize| after.get(place).and_then(|digit| char::from(*digit).to_digit(16));
        match (byte, digit(0), digit(1)) {
            (b'%', Some(high), Some(low)) => {
                decoded.push((high * 16 + low) as u8);
                rest = &after[2..];
            }
            _ => {
                decoded.push(byte);
                rest = after;
            }
        }
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::Cause;
    use proptest::prelude::*;

    #[tokio::test]
    async fn every_dialect_of_base64_is_read() {
        let budget = Budget::new(1, 1);
        for text in [
            "+/+/AQ==",
            "-_-_AQ",
            "+/+/\r\n  AQ==\n",
            "data:image/png;base64,+/+/AQ==",
            " DATA:;base64,%2B/%2B/AQ%3D%3D",
            "data:,%fb%FF%bf%01",
        ] {
            let fetched = inline(text, &budget).await.expect(text);
            assert_eq!(*fetched.bytes, [0xfb, 0xff, 0xbf, 0x01], "{text}");
        }
        assert_eq!(*inline("data:,50%", &budget).await.expect("text").bytes, *b"50%");
        assert!(inline(" ", &budget).await.expect("blank").bytes.is_empty());
    }

    #[tokio::test]
    async fn what_is_not_base64_or_too_large_is_a_failure_that_does_not_echo_it() {
        let budget = Budget::new(1, 1);
        for text in ["secret!", "data:image/png;base64,secret!", "AAAAA"] {
            let failure = inline(text, &budget).await.expect_err(text);
            assert_eq!(failure.cause, Cause::MediaUnreadable, "{text}");
            assert!(!failure.message.contains("secret"), "{}", failure.message);
        }
        let large = "A".repeat(1_500_000);
        for text in [
            large.clone(),
            format!("data:,{large}"),
            format!("data:;base64,{large}%3D"),
        ] {
            let failure = inline(&text, &budget).await.expect_err("too large");
            assert_eq!(failure.cause, Cause::MediaTooLarge);
            assert!(failure.message.len() < 200, "{}", failure.message);
        }
        assert_eq!(budget.free_kib(), 1_024, "every share came back");
    }

    proptest! {
        #[test]
        fn what_was_encoded_comes_back(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let encoded = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&bytes);
            prop_assert_eq!(BASE64.decode(standard(&encoded)).expect("base64"), bytes.clone());
            let percent = bytes.iter().fold(String::new(), |text, byte| text + &format!("%{byte:02X}"));
            prop_assert_eq!(percent_decoded(&percent), bytes);
        }
    }
}
