//! Loops over the numbers of embeddings, each run once for every point. They are a crate of their own so that the dev
//! profile can optimise them: the rest of qlance is built to be built quickly, and there these loops were a tenth of a
//! migration's time. Knows slices of numbers, nothing of points.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Why a text is no embedding.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoNumbers {
    /// It is no base64.
    #[error("the embedding is no base64: {0}")]
    NoBase64(String),
    /// Its bytes do not come out even.
    #[error("{0} bytes are no whole number of f32")]
    Uneven(usize),
}

/// The numbers of an embedding in base64 of little-endian f32, as OpenAI's servers send it.
///
/// # Errors
/// It is no base64, or its bytes are no whole number of f32.
pub fn from_base64(text: &str) -> Result<Arc<[f32]>, NoNumbers> {
    let bytes = match base64_simd::STANDARD.decode_to_vec(text) {
        Ok(bytes) => bytes,
        // It does not say what is wrong; the slower one does, and has the last word.
        Err(_) => STANDARD
            .decode(text)
            .map_err(|error| NoNumbers::NoBase64(error.to_string()))?,
    };
    let (numbers, rest) = bytes.as_chunks::<4>();
    if !rest.is_empty() {
        return Err(NoNumbers::Uneven(bytes.len()));
    }
    Ok(numbers.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// A checksum by which a torn or overwritten record is told: rapidhash V3, the same on every machine. It is no protection
/// against somebody who means to forge one.
pub fn checksum(bytes: &[u8]) -> u64 {
    rapidhash::v3::rapidhash_v3(bytes)
}

/// The place of the first number that is not finite.
pub fn not_finite(numbers: &[f32]) -> Option<usize> {
    // Whole blocks first: without a way out in the middle the compiler can look at several numbers at once.
    const BLOCK: usize = 64;
    let bad = |numbers: &[f32]| numbers.iter().fold(false, |bad, number| bad | !number.is_finite());
    let (place, block) = numbers.chunks(BLOCK).enumerate().find(|(_, block)| bad(block))?;
    let within = block.iter().position(|number| !number.is_finite())?;
    Some(place * BLOCK + within)
}

/// Whether all of them are zero. Of any other embedding the first number or two are looked at, so it costs nothing.
pub fn all_zero(numbers: &[f32]) -> bool {
    numbers.iter().all(|number| *number == 0.0)
}

/// The Euclidean norm, summed in f64 over eight lanes.
pub fn norm(numbers: &[f32]) -> f64 {
    let mut squares = [0.0_f64; 8];
    let mut add = |lane: usize, x: f32| squares[lane] += f64::from(x) * f64::from(x);
    let (chunks, rest) = numbers.as_chunks::<8>();
    for chunk in chunks {
        for (lane, x) in chunk.iter().enumerate() {
            add(lane, *x);
        }
    }
    for (lane, x) in rest.iter().enumerate() {
        add(lane, *x);
    }
    squares.iter().sum::<f64>().sqrt()
}

/// Whether two lists have as many numbers, each the other's to the last bit or at most `most` away from it. To the last
/// bit the same NaN is the same, and so is an infinity.
pub fn equal_within(left: &[f32], right: &[f32], most: f64) -> bool {
    const BLOCK: usize = 64;
    // As in `not_finite`, no way out within a block: what was carried over is nearly always the same to the last bit.
    let bits = |left: &[f32], right: &[f32]| {
        let differing = |so_far: u32, (x, y): (&f32, &f32)| so_far | (x.to_bits() ^ y.to_bits());
        left.iter().zip(right).fold(0, differing) == 0
    };
    let near = |x: f32, y: f32| x.to_bits() == y.to_bits() || f64::from((x - y).abs()) <= most;
    left.len() == right.len()
        && left
            .chunks(BLOCK)
            .zip(right.chunks(BLOCK))
            .all(|(left, right)| bits(left, right) || left.iter().zip(right).all(|(x, y)| near(*x, *y)))
}

/// The cosine of two vectors: a·b / (|a| |b|), summed in f64 over eight lanes, so that 1,536 numbers lose no digits.
/// `None` where there is none: different or zero dimension, a zero vector.
pub fn cosine(a: &[f32], b: &[f32]) -> Option<f64> {
    if a.len() != b.len() || a.is_empty() {
        return None;
    }
    let (mut dot, mut aa, mut bb) = ([0.0_f64; 8], [0.0_f64; 8], [0.0_f64; 8]);
    let mut add = |lane: usize, x: f32, y: f32| {
        let (x, y) = (f64::from(x), f64::from(y));
        dot[lane] += x * y;
        aa[lane] += x * x;
        bb[lane] += y * y;
    };
    let (a_chunks, a_rest) = a.as_chunks::<8>();
    let (b_chunks, b_rest) = b.as_chunks::<8>();
    for (x, y) in a_chunks.iter().zip(b_chunks) {
        for lane in 0..8 {
            add(lane, x[lane], y[lane]);
        }
    }
    for (lane, (x, y)) in a_rest.iter().zip(b_rest).enumerate() {
        add(lane, *x, *y);
    }
    let (dot, aa, bb): (f64, f64, f64) = (dot.iter().sum(), aa.iter().sum(), bb.iter().sum());
    (aa != 0.0 && bb != 0.0).then(|| dot / (aa.sqrt() * bb.sqrt()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_gives_its_numbers_or_says_why_not() {
        let numbers = [1.0_f32, -2.5, 3e-20, f32::MAX];
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        assert_eq!(from_base64(&STANDARD.encode(bytes)).as_deref(), Ok(&numbers[..]));
        assert!(matches!(from_base64("***"), Err(NoNumbers::NoBase64(_))));
        assert_eq!(from_base64("AAA="), Err(NoNumbers::Uneven(2)));
    }

    #[test]
    fn base64_is_taken_and_refused_as_the_standard_says() {
        let numbers: Vec<f32> = (0..1_536_u16).map(|n| f32::from(n) - 700.5).collect();
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        for length in 0..200 {
            let text = STANDARD.encode(&bytes[..4 * length]);
            assert_eq!(from_base64(&text).as_deref(), Ok(&numbers[..length]), "{length}");
            // Each letter in its turn is one that does not belong there, in the vectorised middle as at the ends.
            for place in 0..text.len() {
                for odd in ["-", " ", "=", "\n", "B"] {
                    let mut text = text.clone();
                    text.replace_range(place..=place, odd);
                    let slow = STANDARD.decode(&text);
                    let taken = from_base64(&text);
                    assert_eq!(taken.is_ok(), slow.is_ok_and(|bytes| bytes.len() % 4 == 0), "{text:?}");
                }
            }
        }
        // Without its padding, and with bits that no byte holds.
        for text in ["AAAAAA", "AAAAAB==", "AAAAAA=", "AAAAAA===", "AAAA AA=="] {
            assert!(matches!(from_base64(text), Err(NoNumbers::NoBase64(_))), "{text}");
        }
        assert_eq!(from_base64("AAAAAA==").as_deref(), Ok(&[0.0][..]));
    }

    #[test]
    fn a_checksum_is_told_apart_by_every_bit_and_stays_what_it_is() {
        let mut bytes: Vec<u8> = (0..6_184_u32).map(|n| (n * 31 % 251) as u8).collect();
        let sound = checksum(&bytes);
        // It stands in files: another version of the crate must not read them differently.
        assert_eq!(sound, 0xa297_dc06_b2ff_0bba);
        for place in (0..bytes.len()).step_by(97) {
            for bit in 0..8 {
                bytes[place] ^= 1 << bit;
                assert_ne!(checksum(&bytes), sound, "{place} {bit}");
                bytes[place] ^= 1 << bit;
            }
        }
        assert_ne!(checksum(&bytes[..bytes.len() - 1]), sound);
        bytes[3_000..].fill(0);
        assert_ne!(checksum(&bytes), sound, "the end was never written");
    }

    #[test]
    fn the_first_number_that_is_not_finite_is_found_wherever_it_is() {
        for length in [0, 1, 63, 64, 65, 200] {
            let sound = vec![1.0_f32; length];
            assert_eq!(not_finite(&sound), None, "{length}");
            for place in 0..length {
                for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    let mut numbers = sound.clone();
                    numbers[place] = odd;
                    numbers[length - 1] = odd;
                    assert_eq!(not_finite(&numbers), Some(place), "{length}");
                }
            }
        }
    }

    #[test]
    fn only_what_is_nothing_but_zeros_is_all_zero() {
        for length in [1, 63, 1_536] {
            let mut numbers = vec![0.0_f32; length];
            numbers[length / 2] = -0.0;
            assert!(all_zero(&numbers), "{length}");
            for odd in [1e-40, -1.0, f32::NAN] {
                numbers[length - 1] = odd;
                assert!(!all_zero(&numbers), "{length} {odd}");
            }
        }
    }

    #[test]
    fn norms_are_those_of_the_plain_formula() {
        for length in [0, 1, 7, 8, 9, 1_536] {
            let numbers: Vec<f32> = (0..length).map(|n| (n % 17) as f32 / 4.0 - 2.0).collect();
            let plain = numbers.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            assert!((norm(&numbers) - plain).abs() <= 1e-12 * plain, "{length}");
        }
        assert!(norm(&[1.0, f32::NAN]).is_nan());
    }

    #[test]
    fn one_number_further_away_than_allowed_is_found_wherever_it_is() {
        const MOST: f64 = 1e-6;
        for length in [1, 63, 64, 65, 200] {
            let left: Vec<f32> = (0..length).map(|n| n as f32 / 256.0).collect();
            assert!(equal_within(&left, &left, MOST), "{length}");
            assert!(!equal_within(&left, &left[1..], MOST), "{length}");
            for place in 0..length {
                let with = |number: f32| {
                    let mut numbers = left.clone();
                    numbers[place] = number;
                    numbers
                };
                assert!(equal_within(&left, &with(left[place] + 5e-7), MOST), "{length} {place}");
                for odd in [left[place] + 5e-6, f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                    assert!(!equal_within(&left, &with(odd), MOST), "{length} {place} {odd}");
                    assert!(!equal_within(&with(odd), &left, MOST), "{length} {place} {odd}");
                    assert!(equal_within(&with(odd), &with(odd), MOST), "{length} {place} {odd}");
                }
            }
        }
        assert!(equal_within(&[], &[], MOST) && equal_within(&[0.0], &[-0.0], MOST));
    }

    #[test]
    fn cosines_are_those_of_the_plain_formula() {
        let vector = |seed: u32, length: u32| -> Vec<f32> {
            (0..length)
                .map(|n| ((n * 37 + seed * 11) % 101) as f32 / 50.0 - 1.0)
                .collect()
        };
        for length in [1, 7, 8, 9, 384, 1_536] {
            let (a, b) = (vector(1, length), vector(2, length));
            let sum =
                |a: &[f32], b: &[f32]| -> f64 { a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum() };
            let plain = sum(&a, &b) / (sum(&a, &a).sqrt() * sum(&b, &b).sqrt());
            let found = cosine(&a, &b).expect("a cosine");
            assert!((found - plain).abs() < 1e-12, "{length}: {found} {plain}");
        }
        assert_eq!(cosine(&[0.0, 0.0], &[1.0, 1.0]), None);
        assert_eq!(cosine(&[1.0], &[1.0, 1.0]), None);
        assert_eq!(cosine(&[], &[]), None);
    }
}
