//! What holds the rate of a run where it is, while nothing is waited for by name: a stage that is at its limit, a
//! server that takes fewer requests than it might, the memory for points in hand. Pure.

use super::{Stage, StageSnapshot};

/// From this share of its capacity on a stage is at its limit, whatever else may be missing.
const FULL: f32 = 0.9;
/// From this share on the busiest stage is the one to look at.
const BUSY: f32 = 0.5;

/// Requests in flight over all embedders, as the operator allows them and as the servers take them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reduced {
    /// What the operator allows.
    pub asked: usize,
    /// What the servers take just now.
    pub taken: usize,
}

/// What holds the rate where it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// As many requests are in flight as the operator allows.
    Requests,
    /// As many are in flight as the servers take since they throttled.
    Throttled(Reduced),
    /// Embedding is the busiest, though more could be in flight.
    Embedding,
    /// Nothing is embedded, and making rows is the busiest.
    Preparing,
    /// Scrolling is the busiest.
    Reading,
    /// Committing is the busiest.
    Writing,
    /// Committing is the busiest, and a retry commits beside the run.
    WritingBesideRetries,
    /// The memory for points in hand is used up.
    Memory,
    /// Nothing is at its limit.
    Answers,
}

impl Bound {
    /// The stage that it names, where it names one. Making rows is none of the three: nothing is embedded.
    pub fn stage(self) -> Option<Stage> {
        match self {
            Self::Requests | Self::Throttled(_) | Self::Embedding => Some(Stage::Embed),
            Self::Reading => Some(Stage::Read),
            Self::Writing | Self::WritingBesideRetries => Some(Stage::Write),
            Self::Preparing | Self::Memory | Self::Answers => None,
        }
    }

    /// It as a sentence.
    pub fn describe(self) -> String {
        match self {
            Self::Requests => "embedding is the limit: as many requests in flight as you allow".to_owned(),
            Self::Throttled(Reduced { asked, taken }) => {
                format!("the server is the limit: it throttled, and takes {taken} of the {asked} requests asked")
            }
            Self::Embedding => "embedding takes the longest, though more requests may be in flight".to_owned(),
            Self::Preparing => "making the rows is the limit".to_owned(),
            Self::Reading => "reading is the limit: every range waits for its next page from Qdrant".to_owned(),
            Self::Writing => "writing is the limit: pages wait for the next commit".to_owned(),
            Self::WritingBesideRetries => "writing is the limit: commits take turns with those of the retry".to_owned(),
            Self::Memory => "the memory for points in hand (pipeline.in_hand_mib) is used up: readers wait".to_owned(),
            Self::Answers => "no stage is at its limit: waiting for answers".to_owned(),
        }
    }
}

/// What the stages themselves do not say.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Facts {
    /// Whether anything is embedded at all.
    pub(super) embeds: bool,
    /// Whether the servers take fewer requests than the operator allows.
    pub(super) reduced: Option<Reduced>,
    /// Whether readers wait for memory.
    pub(super) short_of_memory: bool,
    /// Whether failed points are being tried again.
    pub(super) retrying: bool,
}

/// What holds the rate: a stage that is full, then memory, then the stage that is clearly the busiest.
pub(super) fn bound(stages: &[StageSnapshot; 3], facts: Facts) -> Bound {
    let busiest = [Stage::Read, Stage::Embed, Stage::Write]
        .into_iter()
        .zip(stages)
        .max_by(|a, b| a.1.busy.total_cmp(&b.1.busy));
    let Some((stage, StageSnapshot { busy, .. })) = busiest else {
        return Bound::Answers;
    };
    if *busy < FULL && facts.short_of_memory {
        return Bound::Memory;
    }
    if *busy < BUSY {
        return Bound::Answers;
    }
    match (stage, facts.reduced) {
        (Stage::Read, _) => Bound::Reading,
        (Stage::Embed, _) if !facts.embeds => Bound::Preparing,
        (Stage::Embed, _) if *busy < FULL => Bound::Embedding,
        (Stage::Embed, Some(reduced)) => Bound::Throttled(reduced),
        (Stage::Embed, None) => Bound::Requests,
        (Stage::Write, _) if facts.retrying => Bound::WritingBesideRetries,
        (Stage::Write, _) => Bound::Writing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_at_its_limit_is_named_and_its_cause_before_its_effect() {
        let calm = Facts {
            embeds: true,
            ..Facts::default()
        };
        let cut = Reduced { asked: 50, taken: 12 };
        let reduced = Facts {
            reduced: Some(cut),
            ..calm
        };
        let short = Facts {
            short_of_memory: true,
            ..calm
        };
        let retrying = Facts { retrying: true, ..calm };
        for (busy, facts, expected) in [
            ([0.1, 0.99, 0.2], calm, Bound::Requests),
            ([0.1, 0.99, 0.2], reduced, Bound::Throttled(cut)),
            // Whoever waits for memory waits for the stage that is full.
            ([0.1, 0.99, 0.2], short, Bound::Requests),
            ([0.1, 0.2, 0.95], short, Bound::Writing),
            ([0.1, 0.6, 0.2], short, Bound::Memory),
            ([0.1, 0.2, 0.2], short, Bound::Memory),
            ([0.1, 0.6, 0.2], reduced, Bound::Embedding),
            ([0.1, 0.99, 0.2], Facts::default(), Bound::Preparing),
            ([0.7, 0.6, 0.2], calm, Bound::Reading),
            ([0.1, 0.2, 0.7], calm, Bound::Writing),
            ([0.1, 0.2, 0.7], retrying, Bound::WritingBesideRetries),
            ([0.1, 0.4, 0.2], retrying, Bound::Answers),
            ([0.0, 0.0, 0.0], calm, Bound::Answers),
        ] {
            let stages = busy.map(|busy| StageSnapshot {
                busy,
                ..StageSnapshot::default()
            });
            assert_eq!(bound(&stages, facts), expected, "{busy:?} {facts:?}");
        }
    }

    #[test]
    fn the_stage_is_the_one_that_the_sentence_names() {
        let reduced = Reduced { asked: 50, taken: 12 };
        for (bound, stage) in [
            (Bound::Requests, Some(Stage::Embed)),
            (Bound::Throttled(reduced), Some(Stage::Embed)),
            (Bound::Embedding, Some(Stage::Embed)),
            (Bound::Preparing, None),
            (Bound::Reading, Some(Stage::Read)),
            (Bound::Writing, Some(Stage::Write)),
            (Bound::WritingBesideRetries, Some(Stage::Write)),
            (Bound::Memory, None),
            (Bound::Answers, None),
        ] {
            assert_eq!(bound.stage(), stage, "{}", bound.describe());
        }
    }

    #[test]
    fn a_window_that_was_cut_says_from_what_to_what() {
        let said = Bound::Throttled(Reduced { asked: 50, taken: 12 }).describe();
        assert!(said.contains("takes 12 of the 50"), "{said}");
    }
}
