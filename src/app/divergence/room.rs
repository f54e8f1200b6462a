//! How many bins there is room for: more and finer ones on a high terminal, fewer above the agreement of neighbours.

use super::{Asked, Bin, Divergence};
use crate::point::Histogram;
use crate::tasks::inspect::Agreement;

/// Bins that are drawn at once on the lowest terminal: fewer say nothing.
const LEAST_BINS: u64 = 10;
/// The same on the highest: more nobody walks through.
const MOST_BINS: u64 = 60;
/// Lines of the agreement with its border: each number of shared neighbours on a line of its own, and in four groups.
const AGREEMENT: u16 = 14;
const AGREEMENT_IN_GROUPS: u16 = 7;

impl Divergence {
    /// The bins as they are drawn, the highest first; none has the threshold within it, where that lies on a step of
    /// the histogram.
    pub fn bins(&self, histogram: &Histogram, threshold: f32) -> Vec<Bin> {
        let room = self.page.saturating_sub(u64::from(self.agreement_lines()));
        self.zoom
            .bins(histogram, threshold, room.clamp(LEAST_BINS, MOST_BINS) as usize)
    }

    /// Whether a bin is the chosen one, has come to be a part of it, or now holds it: they may be cut anew at any time.
    pub fn is_chosen(&self, bin: Bin) -> bool {
        let band = bin.band;
        self.chosen_bin.is_some_and(|chosen| {
            let is_part = chosen.from <= band.from && band.to <= chosen.to;
            is_part || band.from <= chosen.from && chosen.to <= band.to
        })
    }

    /// The bins were cut anew: what is listed becomes what is drawn as chosen, where the chosen bin is drawn neither as one
    /// nor as parts that make it up.
    pub(in crate::app) fn rechoose(&mut self, histogram: &Histogram, threshold: f32) {
        let Some(chosen) = self.chosen_bin else {
            return;
        };
        let bins = self.bins(histogram, threshold);
        let begins = bins.iter().any(|bin| bin.band.from.to_bits() == chosen.from.to_bits());
        let ends = bins.iter().any(|bin| bin.band.to.to_bits() == chosen.to.to_bits());
        if begins && ends {
            return;
        }
        let drawn = self.place_of_chosen(&bins).and_then(|place| bins.get(place));
        if let Some(bin) = drawn {
            self.choose(Some(bin.band));
        }
    }

    /// The answer about the agreement. Whoever has closed it in the meantime waits for none.
    pub(in crate::app) fn measured(&mut self, answer: Asked<Agreement>) {
        if self.agreement == Asked::Waiting {
            self.agreement = answer;
        }
    }

    /// Lines that the agreement takes below the bins: all that it has to say where that leaves room for them.
    pub fn agreement_lines(&self) -> u16 {
        match self.agreement {
            Asked::No => 0,
            _ if self.page >= u64::from(AGREEMENT) + LEAST_BINS => AGREEMENT,
            _ => AGREEMENT_IN_GROUPS,
        }
    }
}
