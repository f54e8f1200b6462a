//! The bars of the divergence histogram: few enough to be seen, with the threshold as an edge. Pure.

use super::data::Bin;
use crate::point::Histogram;

/// Bars at most, before the threshold cuts one in two.
const MOST_BARS: i32 = 50;
/// Steps a unit: those of [`Histogram`], whose counts are exact on them.
const STEPS: f64 = 2_000.0;
/// Widths of a bar in steps, 0.0005 to 0.2.
const WIDTHS: [i32; 9] = [1, 2, 4, 10, 20, 40, 100, 200, 400];

/// Rows by similarity from a little below the least, or below the threshold, up to 1. Nothing of nothing.
pub(super) fn of(histogram: &Histogram, threshold: f64) -> Vec<Bin> {
    let Some(least) = histogram.quantile(0.0) else {
        return Vec::new();
    };
    let top = STEPS as i32;
    let at = step_of(threshold);
    // A little room on the left, so that the threshold is seen where nothing lies below it.
    let below = at.map(|at| at - ((top - at) / 4).max(2));
    let lowest = (f64::from(least) * STEPS).floor() as i32;
    let lowest = below.map_or(lowest, |below| below.min(lowest)).clamp(-top, top - 20);
    let width = WIDTHS
        .into_iter()
        .find(|width| (top - lowest) / width <= MOST_BARS)
        .unwrap_or(400);
    let mut edges: Vec<i32> = (lowest.div_euclid(width)..=top / width)
        .map(|n| (n * width).max(-top))
        .collect();
    edges.extend(at);
    edges.push(top);
    edges.sort_unstable();
    edges.dedup();
    edges
        .windows(2)
        .map(|pair| {
            let (from, to) = (f64::from(pair[0]) / STEPS, f64::from(pair[1]) / STEPS);
            let end = if pair[1] == top { 2.0 } else { to as f32 };
            Bin {
                from,
                to,
                count: histogram.between(from as f32, end),
            }
        })
        .collect()
}

/// The step that a threshold is, where it is one and lies inside.
fn step_of(threshold: f64) -> Option<i32> {
    let steps = threshold * STEPS;
    let whole = steps.round();
    ((steps - whole).abs() < 1e-6 && threshold > -1.0 && threshold < 1.0).then_some(whole as i32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::point::Similarity;

    fn filled(values: &[f32]) -> Histogram {
        let mut histogram = Histogram::default();
        for value in values {
            histogram.record(Similarity::new(*value));
        }
        histogram
    }

    proptest! {
        #[test]
        fn every_row_is_in_one_bar_and_the_threshold_is_an_edge(
            values in prop::collection::vec(-2_000_i32..=2_000, 1..100),
            threshold in -1_999_i32..2_000,
        ) {
            let values: Vec<f32> = values.into_iter().map(|value| value as f32 / 2_000.0).collect();
            let threshold = f64::from(threshold) / 2_000.0;
            let histogram = filled(&values);
            let bins = of(&histogram, threshold);
            prop_assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), values.len() as u64);
            prop_assert!(bins.len() <= 60, "{} bars", bins.len());
            prop_assert!(bins.windows(2).all(|pair| pair[0].to.total_cmp(&pair[1].from).is_eq()));
            prop_assert!(bins.iter().all(|bin| bin.from < bin.to));
            let below: u64 = bins.iter().filter(|bin| bin.to <= threshold).map(|bin| bin.count).sum();
            prop_assert_eq!(below, histogram.below(threshold as f32));
            prop_assert!(bins.last().is_some_and(|bin| bin.to.total_cmp(&1.0).is_eq()));
        }
    }

    #[test]
    fn nothing_has_no_bars_and_all_the_same_has_some() {
        assert!(of(&Histogram::default(), 0.98).is_empty());
        let bins = of(&filled(&[1.0; 5]), 0.98);
        assert!(bins.len() > 5, "{bins:?}");
        assert_eq!(bins.last().map(|bin| bin.count), Some(5));
        // No step of the histogram: nothing is cut there.
        let bins = of(&filled(&[0.5, 1.0]), 0.980_123);
        assert_eq!(bins.iter().map(|bin| bin.count).sum::<u64>(), 2);
    }
}
