//! Many numbers in a few: the spread of shares over queries, and the percentiles of latencies.

use std::time::Duration;

use serde::{Serialize, Serializer};

/// Latency percentiles, in milliseconds where they are serialised. By nearest rank: each is a latency that was
/// measured, the least that at least so many percent of all do not exceed. Of fewer than 100 latencies the p99 is the
/// greatest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Percentiles {
    /// Half of all took no longer.
    #[serde(rename = "p50_ms", serialize_with = "in_milliseconds")]
    pub p50: Duration,
    /// 95 % took no longer.
    #[serde(rename = "p95_ms", serialize_with = "in_milliseconds")]
    pub p95: Duration,
    /// 99 % took no longer.
    #[serde(rename = "p99_ms", serialize_with = "in_milliseconds")]
    pub p99: Duration,
}

impl Percentiles {
    /// The percentiles of these, in any order; `None` of none.
    pub fn of(durations: &[Duration]) -> Option<Self> {
        let mut sorted = durations.to_vec();
        sorted.sort_unstable();
        let nearest_rank = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100);
            sorted.get(rank.checked_sub(1)?).copied()
        };
        Some(Self {
            p50: nearest_rank(50)?,
            p95: nearest_rank(95)?,
            p99: nearest_rank(99)?,
        })
    }
}

fn in_milliseconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_nanos() as f64 / 1e6)
}

/// How a figure spreads over queries. A mean of 0.9 can hide queries that find nothing: these show them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The mean.
    pub mean: f64,
    /// The middle value; of an even number, halfway between the two in the middle.
    pub median: f64,
    /// The least.
    pub minimum: f64,
    /// The 5th percentile, on the line between the two values beside it. That is how numpy reckons it, and with numpy
    /// Qdrant's migration guide, whose thresholds this is held against.
    pub p5: f64,
}

impl Spread {
    /// The spread of these, in any order; `None` of none, or with one that is not finite.
    pub fn of(values: &[f64]) -> Option<Self> {
        if !values.iter().all(|value| value.is_finite()) {
            return None;
        }
        let mut sorted = values.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let minimum = *sorted.first()?;
        Some(Self {
            mean: sorted.iter().sum::<f64>() / sorted.len() as f64,
            median: quantile(&sorted, 0.5),
            minimum,
            p5: quantile(&sorted, 0.05),
        })
    }
}

/// The value at a share (0 to 1) of the way from the least to the greatest of a sorted list that is not empty, counted
/// in places; between two places on the line between their values.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len() - 1;
    let at = last as f64 * share;
    let place = (at as usize).min(last);
    let (low, high) = (sorted[place], sorted[(place + 1).min(last)]);
    // Rounding must not lift it above both.
    (low + (at - place as f64) * (high - low)).min(high)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9
    }

    #[test]
    fn nothing_has_neither() {
        assert_eq!(Percentiles::of(&[]), None);
        assert_eq!(Spread::of(&[]), None);
        assert_eq!(Spread::of(&[0.5, f64::NAN]), None);
        assert_eq!(Spread::of(&[f64::NEG_INFINITY]), None);
    }

    #[test]
    fn percentiles_by_nearest_rank() {
        for (count, p50, p95, p99) in [
            (1, 1, 1, 1),
            (2, 1, 2, 2),
            (5, 3, 5, 5),
            (20, 10, 19, 20),
            (100, 50, 95, 99),
            (1_000, 500, 950, 990),
        ] {
            // 1, 2, .. count milliseconds, the greatest first.
            let durations: Vec<Duration> = (1..=count).rev().map(Duration::from_millis).collect();
            let [p50, p95, p99] = [p50, p95, p99].map(Duration::from_millis);
            assert_eq!(
                Percentiles::of(&durations),
                Some(Percentiles { p50, p95, p99 }),
                "{count}"
            );
        }
    }

    #[test]
    fn percentiles_are_written_in_milliseconds() {
        let percentiles = Percentiles::of(&[Duration::from_micros(12_300)]).expect("a latency");
        let json = serde_json::to_string(&percentiles).expect("JSON");
        assert_eq!(json, r#"{"p50_ms":12.3,"p95_ms":12.3,"p99_ms":12.3}"#);
    }

    #[test]
    fn spreads_by_hand() {
        for (values, mean, median, minimum, p5) in [
            (&[0.7][..], 0.7, 0.7, 0.7, 0.7),
            (&[1.0, 0.5], 0.75, 0.75, 0.5, 0.525),
            (&[0.9, 0.3, 0.6], 0.6, 0.6, 0.3, 0.33),
            (&[1.0, 1.0, 1.0, 0.0], 0.75, 1.0, 0.0, 0.15),
        ] {
            let got = Spread::of(values).expect("values");
            assert!(close(got.mean, mean) && close(got.median, median), "{got:?}");
            assert!(close(got.minimum, minimum) && close(got.p5, p5), "{got:?}");
        }
        // 0.00, 0.01, .. 1.00: the 5th percentile is the 5th step.
        let steps: Vec<f64> = (0..=100_u32).map(|n| f64::from(n) / 100.0).collect();
        assert!(close(Spread::of(&steps).expect("values").p5, 0.05));
    }

    proptest! {
        #[test]
        fn a_percentile_is_the_least_that_enough_do_not_exceed(
            nanos in prop::collection::vec(0_u64..1_000, 1..300),
        ) {
            let durations: Vec<Duration> = nanos.iter().copied().map(Duration::from_nanos).collect();
            let got = Percentiles::of(&durations).expect("latencies");
            for (percentile, percent) in [(got.p50, 50), (got.p95, 95), (got.p99, 99)] {
                let enough = |limit: u64| nanos.iter().filter(|n| **n <= limit).count() * 100 >= percent * nanos.len();
                let least = nanos.iter().copied().filter(|n| enough(*n)).min();
                prop_assert_eq!(Some(percentile), least.map(Duration::from_nanos));
            }
        }

        #[test]
        fn a_spread_is_what_sorting_and_counting_places_give(
            values in prop::collection::vec(0.0_f64..=1.0, 1..100),
        ) {
            let got = Spread::of(&values).expect("values");
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            // In twentieths of a step between places: p5 is one twentieth of the way, the median ten.
            let plain = |twentieths: usize| {
                let (place, rest) = ((sorted.len() - 1) * twentieths / 20, (sorted.len() - 1) * twentieths % 20);
                let weight = rest as f64 / 20.0;
                let next = if rest == 0 { 0.0 } else { sorted[place + 1] };
                sorted[place] * (1.0 - weight) + next * weight
            };
            prop_assert!(close(got.median, plain(10)) && close(got.p5, plain(1)));
            prop_assert!(close(got.minimum, sorted[0]));
            prop_assert!(close(got.mean, values.iter().sum::<f64>() / values.len() as f64));
            prop_assert!(got.minimum <= got.p5 && got.p5 <= got.median && got.median <= 1.0);
            prop_assert!((0.0..=1.0).contains(&got.mean));
        }
    }
}
