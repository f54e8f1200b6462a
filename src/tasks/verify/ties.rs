//! What ties embeddings to their points, kind by kind; and what has to be embedded again, where nothing else does.

use std::collections::{BTreeMap, BTreeSet};

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Value, json};

use super::Check;
use super::again::{Again, ToEmbed};
use super::vectors::limit_of;
use crate::point::grouped;
use crate::point::verdict::{AGAIN_SAMPLE, Outcome, Sample};

/// For the seed: the rows that only embedding them again ties to their points.
const SALT: u64 = 7;

/// Embeddings that are tied to their points alike: their column, and whether they stand beside the row's own, as that of a
/// caption does.
pub(super) type Kind = (String, bool);

/// How the embeddings of a kind are tied to their points.
#[derive(Debug, Default)]
struct Tie {
    /// Held against Qdrant's vector; could not be.
    tied: u64,
    untied: u64,
    /// Where some of those that could not be lie in the table, drawn at random.
    drawn: Vec<u64>,
}

/// How embeddings are tied to their points.
pub(super) struct Ties {
    kinds: BTreeMap<Kind, Tie>,
    rng: StdRng,
    /// Rows to be drawn of each kind.
    draws: usize,
}

impl Ties {
    /// Nothing seen yet; of each kind so many rows are drawn.
    pub(super) fn new(seed: u64, draws: usize) -> Self {
        Self {
            kinds: BTreeMap::new(),
            rng: StdRng::seed_from_u64(seed ^ SALT),
            draws,
        }
    }

    /// Counts one embedding of a row that lies at this place of the table.
    pub(super) fn count(&mut self, place: u64, column: &str, beside: bool, tied: bool) {
        let tie = self.kinds.entry((column.to_owned(), beside)).or_default();
        if tied {
            tie.tied += 1;
            return;
        }
        tie.untied += 1;
        // Each with the same chance (Vitter's algorithm R), however many come.
        if tie.drawn.len() < self.draws {
            tie.drawn.push(place);
            return;
        }
        let at = self.rng.random_range(0..tie.untied) as usize;
        if let Some(drawn) = tie.drawn.get_mut(at) {
            *drawn = place;
        }
    }

    /// Embeddings that were held against Qdrant's vectors.
    pub(super) fn tied(&self) -> u64 {
        self.kinds.values().map(|tie| tie.tied).sum()
    }

    /// Those that could not be.
    pub(super) fn untied(&self) -> u64 {
        self.kinds.values().map(|tie| tie.untied).sum()
    }

    /// The figures of each kind.
    pub(super) fn numbers(&self, again: &Again) -> Vec<Value> {
        let kinds = self.kinds.iter().map(|(kind, tie)| {
            json!({
                "column": kind.0, "beside_the_rows_own": kind.1, "tied_to_qdrant": tie.tied, "not_tied": tie.untied,
                "embedded_again": again.compared_of(kind),
            })
        });
        kinds.collect()
    }

    /// The rows that only embedding their contents again ties to their points, kind by kind, however many others of the
    /// kind are tied; and whether there are others.
    pub(super) fn to_embed_again(&self) -> ToEmbed {
        let untied = self.kinds.iter().filter(|(_, tie)| tie.untied > 0);
        let untied = untied.map(|(kind, tie)| (kind.clone(), tie.drawn.iter().copied().collect::<BTreeSet<u64>>()));
        ToEmbed {
            untied: untied.collect(),
            others: self.untied() == 0 || self.tied() > 0,
        }
    }

    /// Says what nothing ties to its point, kind by kind. Where only the contents that were embedded again do, so many of
    /// them are wanted as say something, and what they say is told with the figure: rows that are tied prove nothing of
    /// those beside them. `of` is the number of all rows, where a sample of them was looked at.
    pub(super) fn judge(&self, check: &mut Check, again: &Again, of: Option<u64>) {
        let mut partly = 0;
        for (kind, tie) in &self.kinds {
            if tie.tied > 0 {
                partly += tie.untied;
            }
            if tie.untied > 0 {
                // A sample does not say how many there are of a kind.
                let seen = (tie.tied > 0).then_some(tie.untied);
                judge_kind(check, kind, seen, again, of.unwrap_or(tie.untied));
            }
        }
        if partly > 0 {
            check.notes.push(format!(
                "{} rows cannot be held against Qdrant's vectors: no similarity is stored with them, or Qdrant has no \
                 vector to compare with",
                grouped(partly)
            ));
        }
    }
}

/// Judges the embeddings of a kind, so many in all, that only contents embedded again tie to their points; `partly` is how
/// many were seen, where others of the kind are tied.
pub(super) fn judge_kind(check: &mut Check, kind: &Kind, partly: Option<u64>, again: &Again, all: u64) {
    let (column, beside) = kind;
    let what = if *beside { "captions" } else { "embeddings" };
    let (untied, whose, these) = match partly.map(grouped) {
        None => ("", format!("the {what}"), format!("the {what}")),
        Some(seen) => (
            "untied ",
            format!("{seen} of the {what}"),
            format!("the {seen} untied {what}"),
        ),
    };
    let (compared, differing) = again.untied_of(kind);
    if compared == 0 {
        check.doubt(format!(
            "nothing ties {whose} in {column} to their points: Qdrant's vectors do not, and no content was embedded \
             again{}",
            again.why_not.as_deref().unwrap_or_default()
        ));
        return;
    }
    if compared < all && AGAIN_SAMPLE.judge(compared as f64) != Outcome::Pass {
        check.doubt(format!(
            "only {} of {these} in {column} were embedded again, and nothing else ties them to their points; at \
             least {} are wanted (--again), or all of them",
            grouped(compared),
            limit_of(AGAIN_SAMPLE.limit)
        ));
    }
    let said = if compared < all {
        Sample::new(compared, all, differing).text()
    } else {
        format!("all {}", grouped(compared))
    };
    check
        .figure
        .push_str(&format!("; {untied}{what} in {column} embedded again: {said}"));
    let wanted = format!("; {}", AGAIN_SAMPLE.named());
    if !check.threshold.ends_with(&wanted) {
        check.threshold.push_str(&wanted);
    }
}

#[cfg(test)]
impl Ties {
    /// How many of one kind are tied, and how many are not.
    pub(super) fn of(&self, kind: &Kind) -> (u64, u64) {
        self.kinds.get(kind).map_or((0, 0), |tie| (tie.tied, tie.untied))
    }
}
