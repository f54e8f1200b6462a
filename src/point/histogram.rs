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

    /// Takes one point out again: its row was replaced by one with another similarity.
    pub fn remove(&mut self, similarity: Option<Similarity>) {
        let count = match similarity {
            Some(similarity) => &mut self.bins[bin_of(similarity.get())],
            None => &mut self.incomparable,
        };
        *count = count.saturating_sub(1);
    }

    /// The least number that counts as `value` or more, for filters that must agree with [`Self::between`].
    pub fn edge(value: f32) -> f32 {
        let bin = bin_of(value);
        if bin == 0 {
            return -1.0;
        }
        // Near the true edge, or the steps below would be without number: floats lie dense around 0.
        let mut edge = ((bin as f64 - 1e-4) / BINS_PER_UNIT as f64 - 1.0) as f32;
        while bin_of(edge) >= bin {
            edge = edge.next_down();
        }
        while bin_of(edge) < bin {
            edge = edge.next_up();
        }
        edge
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
    fn every_edge_is_found_at_once() {
        let begun = std::time::Instant::now();
        for step in -2_000..=2_000 {
            let value = step as f32 / 2_000.0;
            assert!((Histogram::edge(value) - value).abs() < 1e-6, "{value}");
        }
        assert!(begun.elapsed().as_secs() < 2, "{:?}", begun.elapsed());
    }

    proptest! {
        #[test]
        fn a_filter_by_edges_finds_what_the_bins_count(
            values in prop::collection::vec(-1.0_f32..=1.0, 0..100),
            from in -2000_i32..=2000,
            to in -2000_i32..=2000,
        ) {
            let (from, to) = (from as f32 / 2000.0, to as f32 / 2000.0);
            let mut histogram = Histogram::default();
            for value in &values {
                histogram.record(Similarity::new(*value));
            }
            let (low, high) = (Histogram::edge(from), Histogram::edge(to));
            let found = values.iter().filter(|value| (low..high).contains(*value)).count() as u64;
            prop_assert_eq!(found, histogram.between(from, to));
        }

        #[test]
        fn what_was_recorded_can_be_taken_out(values in prop::collection::vec(prop::option::of(-1.0_f32..=1.0), 0..50)) {
            let mut histogram = Histogram::default();
            let values: Vec<_> = values.into_iter().map(|value| value.and_then(Similarity::new)).collect();
            for value in &values {
                histogram.record(*value);
            }
            for value in &values {
                histogram.remove(*value);
            }
            prop_assert_eq!(histogram, Histogram::default());
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
