//! How far the new embeddings lie from the old: a histogram of similarities in constant memory.

use super::Similarity;

/// Bins a unit of similarity: the threshold can be moved in steps of 0.0005 and the counts stay exact.
const BINS_PER_UNIT: usize = 2_000;
const BINS: usize = 2 * BINS_PER_UNIT + 1;

/// Counts of similarities from -1 to 1, and of points that could not be compared. 32 KB, however many points.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    bins: Box<[u64]>,
    incomparable: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            bins: vec![0; BINS].into_boxed_slice(),
            incomparable: 0,
        }
    }
}

/// The bin of a number: the number of whole steps above -1. The small addend lifts numbers such as the f32 next to
/// 0.98 over the edge that their decimal spelling names.
fn bin_of(value: f32) -> usize {
    (((f64::from(value) + 1.0) * BINS_PER_UNIT as f64 + 1e-4) as usize).min(BINS - 1)
}

impl Histogram {
    /// Counts one point; `None` is a point whose old and new vector cannot be compared.
    pub fn record(&mut self, similarity: Option<Similarity>) {
        match similarity {
            Some(similarity) => self.bins[bin_of(similarity.get())] += 1,
            None => self.incomparable += 1,
        }
    }

    /// Points whose vectors were compared.
    pub fn compared(&self) -> u64 {
        self.bins.iter().sum()
    }

    /// Points whose vectors could not be compared.
    pub fn incomparable(&self) -> u64 {
        self.incomparable
    }

    /// Points with `from <= similarity < to`, exact where both are multiples of 0.0005; a `to` above 1 takes in 1.
    pub fn between(&self, from: f32, to: f32) -> u64 {
        let end = if to > 1.0 { BINS } else { bin_of(to.max(-1.0)) };
        let start = bin_of(from.max(-1.0)).min(end);
        self.bins[start..end].iter().sum()
    }

    /// Points below a threshold: those that count as divergent.
    pub fn below(&self, threshold: f32) -> u64 {
        self.between(-1.0, threshold)
    }

    /// The similarity below which the given share (0 to 1) of the compared points lies, to 0.0005.
    pub fn quantile(&self, share: f64) -> Option<f32> {
        let compared = self.compared();
        let wanted = (share.clamp(0.0, 1.0) * compared as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        for (bin, count) in self.bins.iter().enumerate() {
            seen += count;
            if compared > 0 && seen >= wanted {
                return Some((bin as f64 / BINS_PER_UNIT as f64 - 1.0) as f32);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn counts_what_a_sort_would(
            values in prop::collection::vec(-2000_i32..=2000, 0..200),
            threshold in -2000_i32..=2001,
        ) {
            let mut histogram = Histogram::default();
            for value in &values {
                histogram.record(Similarity::new(*value as f32 / 2000.0));
            }
            let below = values.iter().filter(|value| **value < threshold).count() as u64;
            prop_assert_eq!(histogram.below(threshold as f32 / 2000.0), below);
            prop_assert_eq!(histogram.compared(), values.len() as u64);
            prop_assert_eq!(histogram.between(-1.0, 1.1), values.len() as u64);
        }
    }

    #[test]
    fn incomparable_points_are_counted_apart() {
        let mut histogram = Histogram::default();
        histogram.record(None);
        histogram.record(Similarity::new(0.5));
        assert_eq!((histogram.compared(), histogram.incomparable()), (1, 1));
        assert_eq!(histogram.quantile(0.5), Some(0.5));
        assert_eq!(Histogram::default().quantile(0.5), None);
    }
}
