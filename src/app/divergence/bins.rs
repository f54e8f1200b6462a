//! How the histogram is cut into bins that can be walked through: steps that a person would choose, finer where nearly all
//! points lie, and a way into one bin.

use crate::lance::browse::Band;
use crate::point::Histogram;

/// Steps a unit: those of [`Histogram`], whose counts are exact on them. Edges are whole numbers of steps here.
const UNIT: i32 = 2_000;
/// Widths of the bins of one bin, in steps: 0.0005 to 0.2.
const WIDTHS: [i32; 9] = [1, 2, 5, 10, 20, 50, 100, 200, 400];
/// How far down from 1 the widths of a ladder hold.
const DOWN_TO: [i32; 8] = [1_980, 1_960, 1_900, 1_800, 1_600, 1_000, 0, -UNIT];
/// Widths of bins from 1 down, the finest ladder first: 0.99, 0.98, 0.95, 0.9, 0.8, 0.5, 0 and -1 are edges of each.
const LADDERS: [[i32; 8]; 7] = [
    [1, 1, 2, 4, 10, 20, 100, 200],
    [1, 2, 5, 10, 20, 100, 200, 400],
    [1, 5, 10, 20, 50, 100, 200, 500],
    [2, 5, 10, 20, 50, 100, 200, 500],
    [2, 10, 20, 50, 100, 200, 500, 1_000],
    [5, 10, 20, 50, 100, 200, 500, 1_000],
    [10, 20, 60, 100, 200, 600, 1_000, 2_000],
];

/// One bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bin {
    /// What lies in it.
    pub band: Band,
    /// How many points.
    pub count: u64,
}

/// Which part of the histogram is drawn, and how one came there.
#[derive(Debug, Clone, Default)]
pub(super) struct Zoom {
    path: Vec<Band>,
}

/// The step nearest to a number.
fn step_of(value: f32) -> i32 {
    (value * UNIT as f32).round() as i32
}

/// The number that a step is.
fn value_of(step: i32) -> f32 {
    step as f32 / UNIT as f32
}

/// The step that a threshold is, where it is one.
fn step_at(threshold: f32) -> Option<i32> {
    let steps = threshold * UNIT as f32;
    ((steps - steps.round()).abs() < 1e-3).then_some(steps.round() as i32)
}

/// The bins of all that were compared, the highest first: at most so many (of ten or more), none with the threshold
/// within it where that is a step of the histogram. The first takes in 1.
pub(crate) fn bins_of(histogram: &Histogram, threshold: f32, most: usize) -> Vec<Bin> {
    Zoom::default().bins(histogram, threshold, most)
}

/// The edges of a ladder from above 1, which the first bin takes in, down to one that is no higher than `low`.
fn climb(ladder: [i32; 8], low: i32) -> Vec<i32> {
    let mut edges = vec![UNIT + 1];
    let mut top = UNIT;
    for (down_to, width) in DOWN_TO.into_iter().zip(ladder) {
        while top > down_to && (top > low || edges.len() < 2) {
            top -= width;
            edges.push(top);
        }
    }
    edges
}

/// The edges of one bin's own bins; the lowest may be narrower.
fn split(low: i32, high: i32, most: usize) -> Vec<i32> {
    let fits = |width: &i32| (high - low + width - 1) / width <= most as i32;
    let width = WIDTHS.into_iter().find(fits).unwrap_or(WIDTHS[WIDTHS.len() - 1]);
    let mut edges = vec![if high >= UNIT { UNIT + 1 } else { high }];
    let mut top = high;
    while top > low {
        top = (top - width).max(low);
        edges.push(top);
    }
    edges
}

impl Zoom {
    pub(super) fn is_deep(&self) -> bool {
        !self.path.is_empty()
    }

    /// Splits a bin, where it can be split.
    pub(super) fn split(&mut self, band: Band) {
        if step_of(band.to.min(1.0)) - step_of(band.from) > 1 && self.path.last() != Some(&band) {
            self.path.push(band);
        }
    }

    pub(super) fn out(&mut self) {
        self.path.pop();
    }

    /// The bins of the part that is drawn, the highest first: at most so many (of ten or more). The first takes in 1.
    pub(super) fn bins(&self, histogram: &Histogram, threshold: f32, most: usize) -> Vec<Bin> {
        let Some(least) = histogram.quantile(0.0) else {
            return Vec::new();
        };
        // The threshold cuts one of them in two.
        let most = most.saturating_sub(1);
        let mut edges = match self.path.last() {
            Some(band) => split(step_of(band.from), step_of(band.to.min(1.0)), most),
            None => {
                let mut ladders = LADDERS.into_iter().map(|ladder| climb(ladder, step_of(least)));
                let coarsest = LADDERS[LADDERS.len() - 1];
                ladders
                    .find(|edges| edges.len() <= most + 1)
                    .unwrap_or_else(|| climb(coarsest, step_of(least)))
            }
        };
        if let Some(at) = step_at(threshold)
            && let Err(place) = edges.binary_search_by(|edge| at.cmp(edge))
            && (1..edges.len()).contains(&place)
        {
            edges.insert(place, at);
        }
        edges
            .windows(2)
            .map(|pair| {
                let from = value_of(pair[1]);
                let to = if pair[0] > UNIT { 2.0 } else { value_of(pair[0]) };
                Bin {
                    band: Band { from, to },
                    count: histogram.between(from, to),
                }
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::point::Similarity;
    use proptest::prelude::*;

    fn histogram(values: &[f32]) -> Histogram {
        let mut histogram = Histogram::default();
        for value in values {
            histogram.record(Similarity::new(*value));
        }
        histogram
    }

    fn added(bins: &[Bin]) -> u64 {
        bins.iter().map(|bin| bin.count).sum()
    }

    /// Anywhere, or where nearly all lie.
    fn any_value() -> impl Strategy<Value = f32> {
        prop_oneof![-1.0_f32..=1.0, 0.9_f32..=1.0, Just(1.0_f32), Just(-1.0_f32)]
    }

    proptest! {
        #[test]
        fn bins_add_up_to_compared(
            values in prop::collection::vec(any_value(), 1..60),
            threshold in -2_000_i32..=2_000,
            most in 10_usize..70,
        ) {
            let histogram = histogram(&values);
            let threshold = value_of(threshold);
            let bins = bins_of(&histogram, threshold, most);
            prop_assert_eq!(added(&bins), histogram.compared());
            prop_assert!(!bins.is_empty() && bins.len() <= most, "{} bins", bins.len());
            // Those below the threshold are those that count as divergent.
            let below: Vec<Bin> = bins.iter().copied().filter(|bin| bin.band.to <= threshold).collect();
            prop_assert_eq!(added(&below), histogram.below(threshold));
        }

        #[test]
        fn bins_lie_side_by_side_and_hold_every_point_once(
            values in prop::collection::vec(any_value(), 1..60),
            threshold in -2_000_i32..=2_000,
            most in 10_usize..70,
        ) {
            let histogram = histogram(&values);
            let mut zoom = Zoom::default();
            for _ in 0..4 {
                let bins = zoom.bins(&histogram, value_of(threshold), most);
                prop_assert!(!bins.is_empty() && bins.len() <= most.max(11), "{} bins", bins.len());
                for pair in bins.windows(2) {
                    prop_assert_eq!(pair[0].band.from.to_bits(), pair[1].band.to.to_bits(), "{:?}", pair);
                }
                // Where the finest bins are drawn already, there is no way deeper.
                let within = zoom.path.last().map(|band| histogram.between(band.from, band.to));
                prop_assert_eq!(added(&bins), within.unwrap_or(values.len() as u64));
                if let Some(bin) = bins.iter().max_by_key(|bin| bin.count) {
                    zoom.split(bin.band);
                }
            }
        }

        #[test]
        fn no_bin_has_the_threshold_within_it(
            values in prop::collection::vec(any_value(), 1..60),
            threshold in -2_000_i32..=2_000,
            most in 10_usize..70,
        ) {
            let threshold = value_of(threshold);
            for bin in bins_of(&histogram(&values), threshold, most) {
                prop_assert!(threshold <= bin.band.from || bin.band.to <= threshold, "{bin:?}");
            }
        }
    }

    #[test]
    fn every_ladder_has_the_same_landings() {
        for ladder in LADDERS {
            let edges = climb(ladder, -UNIT);
            assert!(
                DOWN_TO.iter().all(|landing| edges.contains(landing)),
                "{ladder:?}: {edges:?}"
            );
            assert!(edges.is_sorted_by(|above, below| above > below), "{edges:?}");
        }
        let lengths: Vec<usize> = LADDERS.iter().map(|ladder| climb(*ladder, -UNIT).len()).collect();
        assert!(lengths.is_sorted_by(|fine, coarse| fine > coarse), "{lengths:?}");
        // Nine bins, and one more where the threshold cuts one of them.
        assert_eq!(lengths.last(), Some(&10));
    }

    #[test]
    fn a_narrow_histogram_is_cut_finely_and_a_wide_one_coarsely() {
        let fine = bins_of(&histogram(&[0.999, 1.0]), 0.98, 16);
        assert!((fine[0].band.from - 0.9995).abs() < 1e-6, "{fine:?}");
        let coarse = bins_of(&histogram(&[0.1, 1.0]), 0.98, 16);
        assert!(coarse.len() <= 16 && coarse.len() >= 5, "{coarse:?}");
        assert!(bins_of(&Histogram::default(), 0.98, 16).is_empty());
    }

    #[test]
    fn there_are_more_and_finer_bins_where_there_is_room() {
        let histogram = histogram(&[0.85, 1.0]);
        let drawn: Vec<(usize, f32)> = [16, 32, 52]
            .into_iter()
            .map(|most| {
                let bins = bins_of(&histogram, 0.98, most);
                (bins.len(), bins[0].band.from)
            })
            .collect();
        assert_eq!(drawn, [(12, 0.9975), (27, 0.999), (37, 0.9995)]);
    }

    #[test]
    fn what_lies_off_the_grid_cuts_nothing() {
        let histogram = histogram(&[0.85, 1.0]);
        let bins = |threshold| bins_of(&histogram, threshold, 16);
        assert_eq!(bins(0.980_123), bins(0.98));
        assert_eq!(bins(0.9805).len(), bins(0.98).len() + 1);
    }
}
