//! Cosine similarity between an old and a new embedding.

use serde::{Deserialize, Serialize};

/// A cosine similarity: a number between -1 and 1, never NaN.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Similarity(f32);

impl Similarity {
    /// Wraps a number, clamped to [-1, 1] against rounding; `None` for NaN.
    pub fn new(value: f32) -> Option<Self> {
        (!value.is_nan()).then(|| Self(value.clamp(-1.0, 1.0)))
    }

    /// The number itself.
    pub fn get(self) -> f32 {
        self.0
    }

    /// The cosine of two vectors ([`qlance_numbers::cosine`]). `None` where they cannot be compared: different or zero
    /// dimension, a zero vector, or a number that is not finite.
    pub fn cosine(a: &[f32], b: &[f32]) -> Option<Self> {
        qlance_numbers::cosine(a, b).and_then(|cosine| Self::new(cosine as f32))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_angles() {
        for (a, b, expected) in [
            (&[1.0, 0.0][..], &[2.0, 0.0][..], Some(1.0)),
            (&[1.0, 0.0], &[0.0, 3.0], Some(0.0)),
            (&[1.0, 1.0], &[-1.0, -1.0], Some(-1.0)),
            (&[1.0, 0.0], &[1.0, 1.0], Some(std::f32::consts::FRAC_1_SQRT_2)),
            (&[0.0, 0.0], &[1.0, 1.0], None),
            (&[1.0], &[1.0, 1.0], None),
            (&[], &[], None),
            (&[f32::NAN, 1.0], &[1.0, 1.0], None),
            (&[f32::INFINITY, 1.0], &[1.0, 1.0], None),
        ] {
            let got = Similarity::cosine(a, b).map(Similarity::get);
            match (got, expected) {
                (Some(x), Some(y)) => assert!((x - y).abs() < 1e-6, "{a:?} {b:?}: {x}"),
                (x, y) => assert_eq!(x, y, "{a:?} {b:?}"),
            }
        }
    }

    proptest! {
        #[test]
        fn symmetric_bounded_and_free_of_scale(
            pairs in prop::collection::vec((-10.0_f32..10.0, -10.0_f32..10.0), 1..70),
            scale in 0.01_f32..100.0,
        ) {
            let (a, b): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let forward = Similarity::cosine(&a, &b);
            prop_assert_eq!(forward, Similarity::cosine(&b, &a));
            let scaled: Vec<f32> = a.iter().map(|x| x * scale).collect();
            if let (Some(x), Some(y)) = (forward, Similarity::cosine(&scaled, &b)) {
                prop_assert!((x.get() - y.get()).abs() < 1e-5);
                prop_assert!((-1.0..=1.0).contains(&x.get()));
            }
        }
    }
}
