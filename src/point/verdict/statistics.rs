//! What a sample says about the whole: bounds on the share of faults that it did not see, the least size that says
//! anything, and how often a fault is found.

use serde::{Deserialize, Serialize};

use crate::point::grouped;

/// How sure a bound is: in 95 of 100 samples the true share lies below it.
pub const CONFIDENCE: f64 = 0.95;
/// The least sample, where the whole is larger. Qdrant's migration guide asks for 1,000 records or 1 %.
pub const LEAST_SAMPLE: u64 = 1_000;
/// One record in this many, where that is more than [`LEAST_SAMPLE`].
pub const LEAST_SHARE: u64 = 100;

/// The rule of three: where none of `n` is bad, fewer than 3 / n of all are, at 95 %. Hanley and Lippman-Hand, *If
/// Nothing Goes Wrong, Is Everything All Right?*, JAMA 249(13), 1983. Never above 1.
pub fn rule_of_three(n: u64) -> f64 {
    if n == 0 { 1.0 } else { (3.0 / n as f64).min(1.0) }
}

/// The exact upper bound, at 95 %, of the share of bad ones among all where `bad` of `n` are: the share at which so few
/// would be seen in 5 of 100 samples. Clopper and Pearson, *The Use of Confidence or Fiducial Limits Illustrated in the
/// Case of the Binomial*, Biometrika 26(4), 1934, one-sided; found by bisection on the binomial tail.
///
/// A sample without replacement from a finite whole says more than that, never less.
pub fn clopper_pearson(bad: u64, n: u64) -> f64 {
    if bad >= n {
        return 1.0;
    }
    let tail = 1.0 - CONFIDENCE;
    if bad == 0 {
        return 1.0 - tail.powf(1.0 / n as f64);
    }
    let choose = ln_choose(n, bad);
    let (mut low, mut high) = (bad as f64 / n as f64, 1.0);
    // Each step halves what is left: sixty go below the last digit of a double.
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if at_most(bad, n, middle, choose) > tail {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

/// The chance that at most `bad` of `n` are bad where each is with chance `p`, which lies above `bad` / `n`: there the
/// terms shrink from `bad` downwards, and few of them count.
fn at_most(bad: u64, n: u64, p: f64, ln_choose: f64) -> f64 {
    if p >= 1.0 {
        return 0.0;
    }
    let (bad_f, n_f) = (bad as f64, n as f64);
    let last = ln_choose + bad_f * p.ln() + (n_f - bad_f) * (-p).ln_1p();
    let odds = (1.0 - p) / p;
    let (mut term, mut sum) = (1.0, 1.0);
    for k in (1..=bad).rev() {
        term *= k as f64 / (n - k + 1) as f64 * odds;
        sum += term;
        if term < sum * 1e-17 {
            break;
        }
    }
    (last + f64::ln(sum)).exp()
}

/// The logarithm of n over k.
fn ln_choose(n: u64, k: u64) -> f64 {
    let k = k.min(n - k);
    (1..=k).map(|i| ((n - k + i) as f64 / i as f64).ln()).sum()
}

/// The least sample of so many that says anything: 1,000 or 1 %, whichever is more, and never more than there are.
pub fn least_sample(of: u64) -> u64 {
    of.min(LEAST_SAMPLE.max(of.div_ceil(LEAST_SHARE)))
}

/// How often a sample of `sample` of `all`, drawn without replacement, holds at least one of `bad`.
pub fn chance_of_finding(bad: u64, all: u64, sample: u64) -> f64 {
    let (bad, sample) = (bad.min(all), sample.min(all));
    if bad == 0 {
        return 0.0;
    }
    // Which of the two is drawn from which does not matter; the shorter product has the smaller error.
    let (fewer, more) = (bad.min(sample), bad.max(sample));
    let missed: f64 = (0..fewer)
        .map(|i| all.saturating_sub(more + i) as f64 / (all - i) as f64)
        .product();
    1.0 - missed
}

/// What a sample said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// Records that were looked at.
    pub looked_at: u64,
    /// Of how many.
    pub of: u64,
    /// How many of them were bad.
    pub bad: u64,
    /// The share of bad ones among all lies below this, at 95 %.
    pub at_most: f64,
}

impl Sample {
    /// What `bad` of `looked_at` say about all.
    pub fn new(looked_at: u64, of: u64, bad: u64) -> Self {
        let at_most = match bad {
            0 => rule_of_three(looked_at),
            bad => clopper_pearson(bad, looked_at),
        };
        Self {
            looked_at,
            of,
            bad,
            at_most,
        }
    }

    /// Whether it is large enough to say anything where it found nothing.
    pub fn suffices(&self) -> bool {
        self.looked_at >= least_sample(self.of)
    }

    /// The sentence for the operator.
    pub fn text(&self) -> String {
        let [looked_at, of, bad] = [self.looked_at, self.of, self.bad].map(grouped);
        let share = percent(self.at_most);
        if self.bad == 0 {
            format!("0 wrong among {looked_at} of {of}, so fewer than {share} are wrong, at 95 % confidence")
        } else {
            format!("{bad} wrong among {looked_at} of {of}, so up to {share} are wrong, at 95 % confidence")
        }
    }
}

/// A share as percent, with as many digits as tell small ones apart.
pub fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 || percent >= 10.0 {
        format!("{percent:.1} %")
    } else if percent >= 0.1 {
        format!("{percent:.2} %")
    } else {
        format!("{percent:.4} %")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64, within: f64) -> bool {
        (a - b).abs() <= within
    }

    /// The definition, term by term, without logarithms.
    fn binomial_tail(bad: u64, n: u64, p: f64) -> f64 {
        let mut sum = 0.0;
        for k in 0..=bad {
            let mut term = 1.0;
            for i in 0..k {
                term *= (n - i) as f64 / (i + 1) as f64;
            }
            sum += term * p.powi(k as i32) * (1.0 - p).powi((n - k) as i32);
        }
        sum
    }

    #[test]
    fn bounds_from_the_tables() {
        // One-sided 95 % upper limits, as published tables of the exact binomial limits give them.
        for (bad, n, expected) in [
            (0, 10, 0.258_866),
            (1, 10, 0.394_163),
            (2, 10, 0.506_901),
            (5, 10, 0.777_559),
            (0, 100, 0.029_513),
            (1, 100, 0.046_559),
            (5, 100, 0.102_253),
            (10, 10, 1.0),
            (0, 0, 1.0),
        ] {
            let got = clopper_pearson(bad, n);
            assert!(close(got, expected, 1e-5), "{bad} of {n}: {got}");
        }
    }

    #[test]
    fn the_rule_of_three_is_just_above_the_exact_bound() {
        for n in [1_u64, 10, 100, 1_000, 100_000] {
            let (rule, exact) = (rule_of_three(n), clopper_pearson(0, n));
            assert!(rule >= exact && (n < 10 || rule < exact * 1.16), "{n}: {rule} {exact}");
        }
        assert_eq!((rule_of_three(0), rule_of_three(2)), (1.0, 1.0));
    }

    #[test]
    fn the_least_sample_is_a_thousand_or_a_hundredth_or_all() {
        for (of, least) in [
            (0, 0),
            (30, 30),
            (1_000, 1_000),
            (20_000, 1_000),
            (100_000, 1_000),
            (100_001, 1_001),
            (10_000_000, 100_000),
        ] {
            assert_eq!(least_sample(of), least, "{of}");
        }
    }

    #[test]
    fn a_large_sample_with_many_bad_ones_is_no_trouble() {
        let bound = clopper_pearson(120_000, 1_000_000);
        assert!(close(bound, 0.120_535, 2e-5), "{bound}");
        assert!(clopper_pearson(1, 10_000_000) < 5e-7);
    }

    #[test]
    fn the_sentence_says_what_was_seen_and_what_it_bounds() {
        let clean = Sample::new(1_000, 20_000, 0);
        assert_eq!(
            clean.text(),
            "0 wrong among 1,000 of 20,000, so fewer than 0.30 % are wrong, at 95 % confidence"
        );
        assert!(clean.suffices() && !Sample::new(999, 20_000, 0).suffices());
        let bad = Sample::new(1_000, 20_000, 5);
        assert!(
            bad.at_most > 0.005
                && bad
                    .text()
                    .starts_with("5 wrong among 1,000 of 20,000, so up to 1.05 % are wrong"),
            "{}",
            bad.text()
        );
        assert_eq!([0.5, 0.003, 0.0].map(percent), ["50.0 %", "0.30 %", "0.0 %"]);
    }

    proptest! {
        #[test]
        fn at_the_bound_so_few_are_seen_in_five_of_a_hundred(n in 1_u64..200, bad in 0_u64..200) {
            prop_assume!(bad < n);
            let bound = clopper_pearson(bad, n);
            prop_assert!(close(binomial_tail(bad, n, bound), 0.05, 1e-6), "{} of {}: {}", bad, n, bound);
            prop_assert!(bound > bad as f64 / n as f64);
            prop_assert!(bound <= clopper_pearson(bad + 1, n));
        }

        #[test]
        fn the_chance_is_what_counting_gives(all in 1_u64..25, bad in 0_u64..25, sample in 0_u64..25) {
            let (bad, sample) = (bad.min(all), sample.min(all));
            let choose = |n: u64, k: u64| if k > n { 0.0 } else { ln_choose(n, k).exp() };
            let expected = 1.0 - choose(all - bad, sample) / choose(all, sample);
            prop_assert!(close(chance_of_finding(bad, all, sample), expected, 1e-9));
        }
    }
}
