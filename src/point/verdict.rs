//! May the new store take over? What the outcomes of the checks add up to, every threshold with where it comes from, and
//! what a sample says about the whole ([`statistics`]).
//!
//! Owns the rules and nothing else: reads no store. `tasks::verify` measures and asks here; docs/verification.md quotes
//! [`THRESHOLDS`], and a test holds the two together.

pub mod statistics;

use serde::{Deserialize, Serialize};

pub use statistics::{Sample, chance_of_finding, clopper_pearson, least_sample, percent, rule_of_three};

/// What came out of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// What was looked at is as it should be.
    Pass,
    /// Something is wrong.
    Fail,
    /// Too little was seen to say, or something is unfinished.
    Inconclusive,
    /// Told, not judged.
    Info,
}

impl Outcome {
    /// The word on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::Inconclusive => "inconclusive",
            Self::Info => "info",
        }
    }

    /// The graver of two: a failure before a doubt, a doubt before a pass, a pass before what is only told.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        let rank = |outcome| match outcome {
            Self::Info => 0,
            Self::Pass => 1,
            Self::Inconclusive => 2,
            Self::Fail => 3,
        };
        if rank(other) > rank(self) { other } else { self }
    }
}

/// Whether the new store may take over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// It may.
    Go,
    /// It may not.
    NoGo,
    /// What was seen does not say.
    Inconclusive,
}

impl Decision {
    /// The word on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Go => "GO",
            Self::NoGo => "NO-GO",
            Self::Inconclusive => "INCONCLUSIVE",
        }
    }
}

/// A decision with every reason for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What was decided.
    pub decision: Decision,
    /// Why it is not GO: what failed first, then what is open. Empty where it is GO.
    pub reasons: Vec<String>,
}

impl Verdict {
    /// What these checks (name, outcome, reasons) add up to. `open` is what is open beside them, such as a check that was
    /// left out. Where nothing was found to be right, nothing is decided.
    pub fn of<'a>(checks: impl IntoIterator<Item = (&'a str, Outcome, &'a [String])>, open: Vec<String>) -> Self {
        let (mut failed, mut unsure, mut passed) = (Vec::new(), Vec::new(), false);
        for (name, outcome, reasons) in checks {
            let list = match outcome {
                Outcome::Fail => &mut failed,
                Outcome::Inconclusive => &mut unsure,
                Outcome::Pass => {
                    passed = true;
                    continue;
                }
                Outcome::Info => continue,
            };
            if reasons.is_empty() {
                list.push(format!("{name}: {}", outcome.label()));
            }
            list.extend(reasons.iter().map(|reason| format!("{name}: {reason}")));
        }
        unsure.extend(open);
        if failed.is_empty() && unsure.is_empty() && !passed {
            unsure.push("nothing was checked".to_owned());
        }
        let decision = match (failed.is_empty(), unsure.is_empty()) {
            (false, _) => Decision::NoGo,
            (true, false) => Decision::Inconclusive,
            (true, true) => Decision::Go,
        };
        failed.extend(unsure);
        Self {
            decision,
            reasons: failed,
        }
    }
}

/// What a figure must be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Limit {
    /// Passes from here on up; fails below the second; in between it says nothing.
    AtLeast(f64, f64),
    /// Passes above, else fails.
    Above(f64),
    /// Passes up to here; fails above the second; in between it says nothing.
    AtMost(f64, f64),
}

/// One threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Threshold {
    /// The check that it belongs to.
    pub check: &'static str,
    /// The figure.
    pub what: &'static str,
    /// What it must be.
    pub limit: Limit,
    /// Where that comes from.
    pub source: &'static str,
}

impl Threshold {
    /// What a figure comes to; one that is no number says nothing.
    pub fn judge(&self, value: f64) -> Outcome {
        let (passes, fails) = match self.limit {
            Limit::AtLeast(pass, fail) => (value >= pass, value < fail),
            Limit::Above(pass) => (value > pass, value <= pass),
            Limit::AtMost(pass, fail) => (value <= pass, value > fail),
        };
        match (passes, fails) {
            (true, _) => Outcome::Pass,
            (false, true) => Outcome::Fail,
            (false, false) => Outcome::Inconclusive,
        }
    }

    /// The limit in words.
    pub fn text(&self) -> String {
        match self.limit {
            Limit::AtLeast(pass, fail) if pass.total_cmp(&fail).is_eq() => format!("at least {pass}"),
            Limit::AtLeast(pass, fail) if fail.is_infinite() => format!("at least {pass}, else inconclusive"),
            Limit::AtLeast(pass, fail) => format!("at least {pass}, fails below {fail}"),
            Limit::Above(pass) => format!("above {pass}"),
            Limit::AtMost(pass, fail) if pass.total_cmp(&fail).is_eq() => format!("at most {pass}"),
            Limit::AtMost(pass, fail) if fail.is_infinite() => format!("at most {pass}, else inconclusive"),
            Limit::AtMost(pass, fail) => format!("at most {pass}, fails above {fail}"),
        }
    }

    /// The figure's name and its limit in words.
    pub fn named(&self) -> String {
        format!("{}: {}", self.what, self.text())
    }

    /// The figure beside the limit that it misses.
    pub fn missed(&self, value: f64) -> String {
        format!("{} is {value:.3}; wanted: {}", self.what, self.text())
    }
}

const fn threshold(check: &'static str, what: &'static str, limit: Limit, source: &'static str) -> Threshold {
    Threshold {
        check,
        what,
        limit,
        source,
    }
}

const GUIDE: &str = "Qdrant's migration guide";
const OWN: &str = "qlance's own";
const STRICTER: &str = "stricter than Qdrant's migration guide, which wants more than 1 % looked into";

/// Points that rows, failures and skips do not account for.
pub const UNACCOUNTED: Threshold = threshold("counts", "points not accounted for", Limit::AtMost(0.0, 0.0), GUIDE);
/// Ids of only one store, or twice in one.
pub const IDS: Threshold = threshold("ids", "ids missing, extra or twice", Limit::AtMost(0.0, 0.0), GUIDE);
/// Rows whose payload is not that of their point.
pub const PAYLOADS: Threshold = threshold("payloads", "rows that differ", Limit::AtMost(0.0, 0.0), STRICTER);
/// How far a number of a kept or carried vector may lie from Qdrant's.
pub const SAME_NUMBER: Threshold = threshold(
    "vectors",
    "difference of a number that was carried over",
    Limit::AtMost(1e-6, 1e-6),
    GUIDE,
);
/// How far from 1 the length of a vector may lie, in a space of vectors of length 1.
pub const NORM: Threshold = threshold(
    "vectors",
    "distance of the norm from 1, in a normalised space",
    Limit::AtMost(1e-3, 1e-3),
    "qlance's own: half precision rounds a norm by up to 5e-4",
);
/// How far the stored similarity may lie from the one that both vectors give.
pub const SIMILARITY: Threshold = threshold(
    "vectors",
    "stored similarity against the cosine of both vectors",
    Limit::AtMost(1e-5, 1e-5),
    "qlance's own: a hundred times the rounding of a 32-bit cosine",
);
/// The share of similarities below the configured threshold.
pub const DIVERGENT: Threshold = threshold(
    "vectors",
    "share of divergent embeddings that nobody accepted",
    Limit::AtMost(0.01, f64::INFINITY),
    GUIDE,
);
/// The cosine of an embedding with the same content embedded again.
pub const AGAIN: Threshold = threshold(
    "vectors",
    "cosine with the same content embedded again",
    Limit::AtLeast(0.999, 0.999),
    "qlance's own: batching and half precision move an embedding by less",
);
/// Rows embedded again below which they tie no others to their points.
pub const AGAIN_SAMPLE: Threshold = threshold(
    "vectors",
    "rows embedded again, where nothing else ties embeddings to their points",
    Limit::AtLeast(50.0, f64::NEG_INFINITY),
    "qlance's own: without a fault among 50, fewer than 6 % of all are wrong; fewer suffice where it was every row",
);
/// Whether the nearest neighbour is the same.
pub const TOP_1: Threshold = threshold("neighbours", "top-1 match", Limit::AtLeast(0.8, 0.8), GUIDE);
/// Recall among ten, mean over the queries. Of neighbours and of the index alike, as are the three below.
pub const RECALL_MEAN: Threshold = threshold(
    "neighbours, index",
    "recall@10, mean",
    Limit::AtLeast(0.85, 0.7),
    "Qdrant's migration guide; its top-10 overlap of at least 0.7 is the same figure, blind to ties",
);
/// The median.
pub const RECALL_MEDIAN: Threshold = threshold(
    "neighbours, index",
    "recall@10, median",
    Limit::AtLeast(0.9, 0.75),
    GUIDE,
);
/// The least.
pub const RECALL_MINIMUM: Threshold = threshold(
    "neighbours, index",
    "recall@10, minimum",
    Limit::AtLeast(0.5, 0.3),
    GUIDE,
);
/// The 5th percentile.
pub const RECALL_P5: Threshold = threshold(
    "neighbours, index",
    "recall@10, 5th percentile",
    Limit::AtLeast(0.6, 0.4),
    GUIDE,
);
/// Whether both stores put neighbours in the same order.
pub const RANK: Threshold = threshold("neighbours", "rank correlation, mean", Limit::Above(0.8), GUIDE);
/// Queries below which neighbours and recall say nothing, unless every row was asked.
pub const QUERIES: Threshold = threshold(
    "neighbours, index",
    "queries",
    Limit::AtLeast(50.0, f64::NEG_INFINITY),
    "Qdrant's migration guide; fewer suffice where every row was asked",
);
/// Rows that an index does not cover.
pub const UNINDEXED: Threshold = threshold(
    "index",
    "rows that an index does not cover",
    Limit::AtMost(0.0, f64::INFINITY),
    OWN,
);
/// Rows that LanceDB's answer to a filter has too many or too few.
pub const FILTERED: Threshold = threshold(
    "filters",
    "ids that a filter finds wrongly in LanceDB",
    Limit::AtMost(0.0, 0.0),
    OWN,
);

/// All of them, in the order of the checks.
pub const THRESHOLDS: [Threshold; 18] = [
    UNACCOUNTED,
    IDS,
    PAYLOADS,
    SAME_NUMBER,
    NORM,
    SIMILARITY,
    DIVERGENT,
    AGAIN,
    AGAIN_SAMPLE,
    TOP_1,
    RECALL_MEAN,
    RECALL_MEDIAN,
    RECALL_MINIMUM,
    RECALL_P5,
    RANK,
    QUERIES,
    UNINDEXED,
    FILTERED,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_outcomes_add_up_to() {
        use Decision::{Go, Inconclusive, NoGo};
        use Outcome::{Fail, Info, Pass};
        let doubt = Outcome::Inconclusive;
        for (outcomes, expected) in [
            (&[Pass, Pass, Info][..], Go),
            (&[Pass, doubt], Inconclusive),
            (&[Pass, doubt, Fail], NoGo),
            (&[Fail], NoGo),
            (&[Info, Info], Inconclusive),
            (&[], Inconclusive),
        ] {
            let none: &[String] = &[];
            let checks = outcomes.iter().map(|outcome| ("a check", *outcome, none));
            let verdict = Verdict::of(checks, Vec::new());
            assert_eq!(verdict.decision, expected, "{outcomes:?}");
            assert_eq!(verdict.reasons.is_empty(), expected == Go, "{verdict:?}");
        }
    }

    #[test]
    fn every_reason_is_told_and_what_failed_comes_first() {
        let (slow, gone) = (["too few".to_owned()], ["1 missing".to_owned(), "2 twice".to_owned()]);
        let none: &[String] = &[];
        let checks = [
            ("neighbours", Outcome::Inconclusive, &slow[..]),
            ("ids", Outcome::Fail, &gone[..]),
            ("index", Outcome::Fail, none),
        ];
        let verdict = Verdict::of(checks, vec!["filters were left out".to_owned()]);
        assert_eq!(
            verdict.reasons,
            [
                "ids: 1 missing",
                "ids: 2 twice",
                "index: FAIL",
                "neighbours: too few",
                "filters were left out"
            ]
        );
        let open = Verdict::of([("ids", Outcome::Pass, none)], vec!["left out".to_owned()]);
        assert_eq!(open.decision, Decision::Inconclusive);
    }

    #[test]
    fn a_figure_between_pass_and_fail_says_nothing() {
        use Outcome::{Fail, Inconclusive, Pass};
        for (threshold, value, expected) in [
            (RECALL_MEAN, 0.85, Pass),
            (RECALL_MEAN, 0.849, Inconclusive),
            (RECALL_MEAN, 0.7, Inconclusive),
            (RECALL_MEAN, 0.699, Fail),
            (TOP_1, 0.8, Pass),
            (TOP_1, 0.799, Fail),
            (RANK, 0.8, Fail),
            (RANK, 0.801, Pass),
            (DIVERGENT, 0.01, Pass),
            (DIVERGENT, 0.9, Inconclusive),
            (IDS, 0.0, Pass),
            (IDS, 1.0, Fail),
            (QUERIES, 49.0, Inconclusive),
            (AGAIN_SAMPLE, 49.0, Inconclusive),
            (AGAIN_SAMPLE, 50.0, Pass),
            (UNINDEXED, 1.0, Inconclusive),
            (RECALL_MEAN, f64::NAN, Inconclusive),
        ] {
            assert_eq!(threshold.judge(value), expected, "{} {value}", threshold.what);
        }
    }

    #[test]
    fn every_threshold_has_its_words() {
        for threshold in THRESHOLDS {
            assert!(!threshold.source.is_empty() && !threshold.what.is_empty());
            let same = THRESHOLDS.iter().filter(|other| other.what == threshold.what).count();
            assert_eq!(same, 1, "{}", threshold.what);
        }
        assert_eq!(RECALL_MEAN.text(), "at least 0.85, fails below 0.7");
        assert_eq!(DIVERGENT.text(), "at most 0.01, else inconclusive");
        assert_eq!(SAME_NUMBER.text(), "at most 0.000001");
        assert_eq!(UNACCOUNTED.named(), "points not accounted for: at most 0");
        assert_eq!(TOP_1.missed(0.5), "top-1 match is 0.500; wanted: at least 0.8");
    }

    #[test]
    fn the_graver_outcome_wins() {
        assert_eq!(Outcome::Pass.and(Outcome::Info), Outcome::Pass);
        assert_eq!(Outcome::Info.and(Outcome::Pass), Outcome::Pass);
        assert_eq!(Outcome::Pass.and(Outcome::Inconclusive), Outcome::Inconclusive);
        assert_eq!(Outcome::Fail.and(Outcome::Inconclusive), Outcome::Fail);
    }
}
