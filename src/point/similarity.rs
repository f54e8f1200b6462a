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

    /// The cosine of two vectors: a·b / (|a| |b|), summed in f64 over eight lanes so that 1,536 numbers lose no
    /// digits and the compiler can vectorise. `None` where they cannot be compared: different or zero dimension,
    /// a zero vector, or a number that is not finite.
    pub fn cosine(a: &[f32], b: &[f32]) -> Option<Self> {
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
        if aa == 0.0 || bb == 0.0 {
            return None;
        }
        Self::new((dot / (aa.sqrt() * bb.sqrt())) as f32)
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
