//! How the histogram is cut into bins that can be walked through: steps that a person would choose, and a way into one
//! bin.

use crate::lance::browse::Band;
use crate::point::Histogram;

/// Bins drawn at once at most: what a terminal of 24 lines shows.
const MOST: usize = 14;
/// The steps, all multiples of the histogram's own 0.0005.
const STEPS: [f32; 9] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2];

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

/// A number on the histogram's grid.
fn snap(value: f32) -> f32 {
    (value * 2_000.0).round() / 2_000.0
}

impl Zoom {
    pub(super) fn is_deep(&self) -> bool {
        !self.path.is_empty()
    }

    /// Splits a bin, where it can be split.
    pub(super) fn split(&mut self, band: Band) {
        if band.to.min(1.0) - band.from > STEPS[0] * 1.5 && self.path.last() != Some(&band) {
            self.path.push(band);
        }
    }

    pub(super) fn out(&mut self) {
        self.path.pop();
    }

    /// The bins of the part that is drawn, the highest first. The first takes in 1.
    pub(super) fn bins(&self, histogram: &Histogram) -> Vec<Bin> {
        if histogram.compared() == 0 {
            return Vec::new();
        }
        let (low, high) = match self.path.last() {
            Some(band) => (band.from, band.to.min(1.0)),
            None => (histogram.quantile(0.0).unwrap_or(-1.0), 1.0),
        };
        let step = STEPS
            .into_iter()
            .find(|step| ((high - low) / step).ceil() as usize <= MOST)
            .unwrap_or(STEPS[STEPS.len() - 1]);
        let mut bins = Vec::new();
        let mut top = snap(high);
        // What is exactly 1 belongs to the first bin, however the steps fall.
        while bins.is_empty() || (top > low + STEPS[0] / 2.0 && bins.len() < 2 * MOST) {
            let from = snap((top - step).max(-1.0));
            let from = if self.is_deep() { from.max(snap(low)) } else { from };
            let to = if top >= 1.0 { 2.0 } else { top };
            let band = Band { from, to };
            bins.push(Bin {
                band,
                count: histogram.between(from, to),
            });
            top = from;
            if top <= -1.0 {
                break;
            }
        }
        bins
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

    proptest! {
        #[test]
        fn bins_lie_side_by_side_and_hold_every_point_once(values in prop::collection::vec(-1.0_f32..=1.0, 1..60)) {
            let histogram = histogram(&values);
            let mut zoom = Zoom::default();
            for _ in 0..4 {
                let bins = zoom.bins(&histogram);
                prop_assert!(!bins.is_empty() && bins.len() <= 2 * MOST, "{} bins", bins.len());
                for pair in bins.windows(2) {
                    prop_assert!((pair[0].band.from - pair[1].band.to).abs() < 1e-6, "{pair:?}");
                }
                let all: u64 = bins.iter().map(|bin| bin.count).sum();
                // Where the finest bins are drawn already, there is no way deeper.
                let within = zoom.path.last().map(|band| histogram.between(band.from, band.to));
                prop_assert_eq!(all, within.unwrap_or(values.len() as u64));
                if let Some(bin) = bins.iter().max_by_key(|bin| bin.count) {
                    zoom.split(bin.band);
                }
            }
        }
    }

    #[test]
    fn a_narrow_histogram_is_cut_finely_and_a_wide_one_coarsely() {
        let fine = Zoom::default().bins(&histogram(&[0.999, 1.0]));
        assert!((fine[0].band.from - 0.9995).abs() < 1e-6, "{fine:?}");
        let coarse = Zoom::default().bins(&histogram(&[0.1, 1.0]));
        assert!(coarse.len() <= MOST && coarse.len() >= 5, "{coarse:?}");
        assert!(Zoom::default().bins(&Histogram::default()).is_empty());
    }
}
