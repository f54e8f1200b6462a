//! Vectors: every embedding is whole (finite, of the right dimension, not zero, of length 1 where its space says so), and
//! it is its own point's.
//!
//! What ties an embedding to its point: carried over, it is equal to Qdrant's vector. Embedded anew in a space that can be
//! compared, its cosine with Qdrant's vector was stored when it was written: where that no longer comes out, or is not there,
//! the embedding is another point's, or another model's. In a space of its own, and of a caption that stands beside its
//! picture, only embedding the content again shows it ([`again`]): so many of each such kind as say something.

use std::collections::BTreeMap;

use serde_json::json;

use super::payloads::{same_numbers, too_small};
use super::ties::Ties;
use super::{Check, Ground, again};
use crate::lance::schema::EMBEDDING;
use crate::lance::{DecodeError, Role, Row, TableSchema};
use crate::point::verdict::{DIVERGENT, Limit, NORM, Outcome, SAME_NUMBER, SIMILARITY, Sample, percent};
use crate::point::{Histogram, Modality, Point, PointId, Similarity, grouped};
use crate::qdrant::ReadPoint;
use crate::tasks::prepare::Plan;
use crate::tasks::recipe::Recipe;

/// Whether Qdrant's vectors say anything about the rows' embeddings.
pub(super) fn ask_qdrant(recipe: &Recipe) -> bool {
    matches!(recipe.plan, Plan::Carry { .. }) || recipe.compared.iter().any(Option::is_some)
}

/// Qdrant's vectors that a row's stored similarity may be about. A caption in the place of its picture is a text, whatever
/// the row is made of; in a column that both share, the row does not say which of the two it holds.
pub(super) fn compared_with<'a>(recipe: &'a Recipe, row: &Row) -> impl Iterator<Item = &'a str> + use<'a> {
    let modality = row.modality.unwrap_or(Modality::Text);
    let column = row.embedding_column.as_deref().unwrap_or(EMBEDDING);
    let own = recipe.columns.of(modality) == Some(column);
    let own = recipe.compared[modality as usize].as_deref().filter(|_| own);
    let of_texts = recipe.compared[Modality::Text as usize].as_deref();
    let of_texts = of_texts.filter(|_| recipe.columns.of(Modality::Text) == Some(column));
    own.into_iter().chain(of_texts.filter(|name| Some(*name) != own))
}

/// What is wrong with a row's vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Unreadable,
    None,
    Dimension,
    NotFinite,
    Zero,
    Norm,
    Unequal,
    Disagrees,
    Unstored,
}

impl Fault {
    /// The word among the figures, and the end of the sentence that begins with a number of rows.
    fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Unreadable => ("unreadable", "cannot be read"),
            Self::None => ("without_embedding", "have no embedding"),
            Self::Dimension => (
                "wrong_dimension",
                "have an embedding of another dimension than their column's",
            ),
            Self::NotFinite => ("not_finite", "have an embedding with a number that is not finite"),
            Self::Zero => ("zero", "have an embedding of zeros only"),
            Self::Norm => (
                "norm_off",
                "have an embedding that is not of length 1, as their space wants it",
            ),
            Self::Unequal => ("unequal", "differ from the vector that was carried over"),
            Self::Disagrees => (
                "disagrees",
                "have an embedding whose cosine with Qdrant's vector is not the one that was stored with it: another \
                 point's, or another model's",
            ),
            Self::Unstored => (
                "unstored",
                "have no similarity stored with their embedding, although Qdrant has a vector to compare it with: nothing \
                 ties it to its point",
            ),
        }
    }
}

/// What was found so far.
pub(super) struct Tally {
    recipe: Recipe,
    /// Columns of embeddings: dimension, and whether their vectors have length 1.
    columns: BTreeMap<String, (usize, bool)>,
    /// Whether rows of this table have similarities stored with them at all.
    stores: bool,
    /// Whether the table held rows before this job: those may have none.
    adopted: bool,
    /// Whether any divergent embedding was accepted.
    accepts: bool,
    /// Similarities below this are divergent.
    divergent_below: f32,
    rows: u64,
    embeddings: u64,
    faults: BTreeMap<Fault, u64>,
    ties: Ties,
    without_point: u64,
    norms: Option<(f64, f64)>,
    similarities: Histogram,
    accepted: u64,
    /// Of the last batch: rows without a similarity that may have been there before this job, and divergent ones.
    unstored: Vec<PointId>,
    divergent: Vec<(PointId, Option<Similarity>)>,
    offenders: Vec<(PointId, String)>,
    to_mend: Vec<PointId>,
}

impl Tally {
    /// For the table of a verification.
    pub(super) async fn of(ground: &Ground<'_>) -> anyhow::Result<Self> {
        let inspector = ground.inspector;
        let mut stores = false;
        for column in ground.columns(|role| *role == Role::Similarity) {
            stores |= ground.pinned.count_where(&format!("{column} IS NOT NULL")).await? > 0;
        }
        let accepted = inspector.journal.run(|journal| journal.accepted()).await?;
        Ok(Self {
            stores,
            adopted: ground.checkpoint.adopted_rows > 0,
            accepts: accepted > 0,
            divergent_below: Histogram::edge(inspector.config.divergence.threshold as f32),
            ties: Ties::new(ground.wish.seed, ground.wish.again),
            ..Self::new(&inspector.recipe, &inspector.schema)
        })
    }

    fn new(recipe: &Recipe, schema: &TableSchema) -> Self {
        let spaces = recipe.columns.all();
        let columns = schema.embeddings().map(|(column, size)| {
            let normalised = spaces.get(column).is_some_and(|space| space.normalised);
            (column.to_owned(), (size, normalised))
        });
        Self {
            columns: columns.collect(),
            recipe: recipe.clone(),
            stores: true,
            adopted: false,
            accepts: false,
            divergent_below: -1.0,
            rows: 0,
            embeddings: 0,
            faults: BTreeMap::new(),
            ties: Ties::new(0, super::AGAIN),
            without_point: 0,
            norms: None,
            similarities: Histogram::default(),
            accepted: 0,
            unstored: Vec::new(),
            divergent: Vec::new(),
            offenders: Vec::new(),
            to_mend: Vec::new(),
        }
    }

    /// Looks at one row, which lies at this place of the table, beside its point.
    pub(super) fn look(&mut self, place: u64, row: &Row, point: Option<&ReadPoint>) {
        self.rows += 1;
        self.similarities.record(row.similarity);
        let divergent = row.similarity.is_some_and(|found| found.get() < self.divergent_below);
        if divergent && self.accepts {
            self.divergent.push((row.point.id, row.similarity));
        }
        let asks = ask_qdrant(&self.recipe);
        let mut fault = self.soundness(row);
        match point {
            // A row without a point is for the check of ids.
            None if asks => self.without_point += 1,
            Some(Err(_)) => {}
            // Nothing can be compared that is not sound.
            _ if fault.is_some() => {}
            None => self.count_ties(place, row, false),
            Some(Ok(point)) => fault = self.tie(place, row, point),
        }
        if let Some((fault, said)) = fault {
            self.blame(row.point.id, fault, said);
            // Without a point there is nothing to make it from.
            if matches!(point, Some(Ok(_))) || !asks {
                self.to_mend.push(row.point.id);
            }
        }
    }

    /// A row that cannot have come from qlance.
    pub(super) fn unreadable(&mut self, id: PointId, error: &DecodeError) {
        self.rows += 1;
        let said = format!("column {:?}: {}", error.column, error.problem);
        self.blame(id, Fault::Unreadable, said);
    }

    fn blame(&mut self, id: PointId, fault: Fault, said: String) {
        *self.faults.entry(fault).or_default() += 1;
        self.offenders.push((id, said));
    }

    /// What is wrong with the embeddings themselves.
    fn soundness(&mut self, row: &Row) -> Option<(Fault, String)> {
        let own = row.embedding.as_deref().zip(row.embedding_column.as_deref());
        let others = row
            .others
            .iter()
            .map(|(column, numbers)| (numbers.as_slice(), column.as_str()));
        let mut fault = own.is_none().then(|| (Fault::None, "no embedding".to_owned()));
        for (numbers, column) in own.into_iter().chain(others) {
            self.embeddings += 1;
            let found = self.one_soundness(numbers, column);
            fault = fault.or(found);
        }
        fault
    }

    fn one_soundness(&mut self, numbers: &[f32], column: &str) -> Option<(Fault, String)> {
        let (size, normalised) = self.columns.get(column).copied().unwrap_or((numbers.len(), false));
        if numbers.len() != size {
            let said = format!("{column}: {} numbers, not {size}", numbers.len());
            return Some((Fault::Dimension, said));
        }
        if let Some(place) = qlance_numbers::not_finite(numbers) {
            return Some((
                Fault::NotFinite,
                format!("{column}: number {place} is {}", numbers[place]),
            ));
        }
        let norm = qlance_numbers::norm(numbers);
        if norm == 0.0 {
            return Some((Fault::Zero, format!("{column}: zeros only")));
        }
        let (least, most) = self.norms.unwrap_or((norm, norm));
        self.norms = Some((least.min(norm), most.max(norm)));
        let off = normalised && NORM.judge((norm - 1.0).abs()) != Outcome::Pass;
        off.then(|| (Fault::Norm, format!("{column}: length {norm:.4}")))
    }

    /// What is wrong between the row's own embedding and its point.
    fn tie(&mut self, place: u64, row: &Row, point: &Point) -> Option<(Fault, String)> {
        let new = row.embedding.as_deref()?;
        if let Plan::Carry { vector, .. } = &self.recipe.plan {
            let fault = match point.vectors.get(vector).and_then(|vector| vector.dense()) {
                Some(old) if same_numbers(old, new) => None,
                Some(old) => Some((Fault::Unequal, unequal(old, new))),
                None => Some((Fault::Unequal, "Qdrant has no vector there".to_owned())),
            };
            self.count_ties(place, row, true);
            return fault;
        }
        let found: Vec<Option<f32>> = compared_with(&self.recipe, row)
            .map(|name| Similarity::cosine(new, point.vectors.get(name)?.dense()?).map(Similarity::get))
            .collect();
        let Some(stored) = row.similarity.map(Similarity::get) else {
            // Whichever of the vectors it was compared with, a cosine came out and was stored.
            let lacks = self.stores && !found.is_empty() && found.iter().all(Option::is_some);
            if lacks && !self.adopted {
                // Found fault with already; what stands beside it is not.
                self.count_others(place, row);
                return Some(unstored());
            }
            self.count_ties(place, row, false);
            if lacks {
                self.unstored.push(row.point.id);
            }
            return None;
        };
        let distance = |cosine: &f32| f64::from((cosine - stored).abs());
        let best = found
            .iter()
            .flatten()
            .copied()
            .min_by(|a, b| distance(a).total_cmp(&distance(b)));
        self.count_ties(place, row, best.is_some());
        let best = best?;
        (SIMILARITY.judge(distance(&best)) != Outcome::Pass).then(|| {
            let said = format!("similarity {stored:.4} is stored, {best:.4} comes out");
            (Fault::Disagrees, said)
        })
    }

    /// Counts a row's embeddings by what ties them. What stands beside its own has nothing stored that would.
    fn count_ties(&mut self, place: u64, row: &Row, own: bool) {
        if let Some(column) = &row.embedding_column {
            self.ties.count(place, column, false, own);
        }
        self.count_others(place, row);
    }

    /// Counts what stands beside a row's own embedding.
    fn count_others(&mut self, place: u64, row: &Row) {
        for (column, _) in &row.others {
            self.ties.count(place, column, true, false);
        }
    }

    /// Hands over what the last batch showed.
    pub(super) async fn settle(&mut self, ground: &Ground<'_>, check: &mut Check) -> anyhow::Result<()> {
        let unstored_rows = std::mem::take(&mut self.unstored);
        if ground.before.is_some() {
            let there = ground.there_before(&unstored_rows).await?;
            for id in unstored_rows.into_iter().filter(|id| !there.contains(id)) {
                let (fault, said) = unstored();
                self.blame(id, fault, said);
                self.to_mend.push(id);
            }
        }
        let divergent = std::mem::take(&mut self.divergent);
        if !divergent.is_empty() {
            let journal = &ground.inspector.journal;
            self.accepted += journal.run(move |journal| journal.accepted_of(&divergent)).await?;
        }
        for (id, said) in self.offenders.drain(..) {
            check.offenders.add(id, || said);
        }
        for id in self.to_mend.drain(..) {
            check.mend(id);
        }
        Ok(())
    }

    /// Says what came out; `of` is the number of all rows, where a sample of them was looked at.
    pub(super) async fn tell(self, ground: &Ground<'_>, check: &mut Check, of: Option<u64>) -> anyhow::Result<()> {
        let bad: u64 = self.faults.values().sum();
        // A row without a point was not held against anything.
        let sample = of.map(|of| Sample::new(self.rows - self.without_point, of, bad));
        check.threshold = match self.recipe.plan {
            Plan::Carry { .. } => format!("sound; each number within {} of Qdrant's", limit_of(SAME_NUMBER.limit)),
            Plan::Embed { .. } => format!("sound; similarity as stored within {}", limit_of(SIMILARITY.limit)),
        };
        check.figure = match &sample {
            Some(sample) => sample.text(),
            None => format!("{} of {} rows are wrong", grouped(bad), grouped(self.rows)),
        };
        for (fault, count) in &self.faults {
            check.fail(format!("{} rows {}; {WAY_OUT}", grouped(*count), fault.words().1));
        }
        check.note_mending(bad);
        if self.rows == 0 {
            check.saw_nothing();
        }
        if let Some(sample) = &sample
            && bad == 0
            && !sample.suffices()
        {
            check.doubt(too_small(sample));
        }
        check.sample = sample;
        let divergence = self.divergence(ground, check);
        let again = again::run(ground, check, self.ties.to_embed_again()).await?;
        self.ties.judge(check, &again, of);
        let count = |fault: Fault| self.faults.get(&fault).copied().unwrap_or(0);
        let faults: serde_json::Map<String, serde_json::Value> = ALL
            .into_iter()
            .map(|fault| (fault.words().0.to_owned(), count(fault).into()))
            .collect();
        check.numbers = json!({
            "rows": self.rows, "embeddings": self.embeddings, "faults": faults, "tied_to_qdrant": self.ties.tied(),
            "not_tied": self.ties.untied(), "kinds": self.ties.numbers(&again), "without_point": self.without_point,
            "norm": self.norms.map(|(least, most)| json!({"least": least, "most": most})),
            "similarity": divergence, "embedded_again": again.numbers(),
        });
        Ok(())
    }

    /// The distribution of the similarities against the configured threshold.
    fn divergence(&self, ground: &Ground<'_>, check: &mut Check) -> serde_json::Value {
        let threshold = ground.inspector.config.divergence.threshold as f32;
        let compared = self.similarities.compared();
        if compared == 0 {
            return serde_json::Value::Null;
        }
        let below = self.similarities.below(threshold);
        let accepted = self.accepted.min(below);
        let open = below.saturating_sub(accepted);
        let share = open as f64 / compared as f64;
        let quantile = |share| self.similarities.quantile(share);
        let median = quantile(0.5).unwrap_or(0.0);
        if DIVERGENT.judge(share) == Outcome::Pass {
            if below > 0 {
                check.notes.push(format!(
                    "{} of {} similarities lie below {threshold}, {} of them accepted",
                    grouped(below),
                    grouped(compared),
                    grouped(accepted)
                ));
            }
        } else {
            check.doubt(format!(
                "{} of {} similarities lie below {threshold} (median {median:.3}), more than 1 %: look at `qlance \
                 divergence list`; or, if Qdrant's vectors are of another space, say divergence.same_space = false",
                percent(share),
                grouped(compared)
            ));
        }
        json!({
            "compared": compared, "below_threshold": below, "threshold": threshold, "accepted": accepted,
            "p1": quantile(0.01), "p5": quantile(0.05), "p50": quantile(0.5),
        })
    }
}

/// What is said of a row without a similarity.
fn unstored() -> (Fault, String) {
    let said = "no similarity is stored, and Qdrant has a vector to compare with";
    (Fault::Unstored, said.to_owned())
}

const WAY_OUT: &str = "`qlance verify --repair` or `qlance divergence embed-again` makes them anew";

const ALL: [Fault; 9] = [
    Fault::Unreadable,
    Fault::None,
    Fault::Dimension,
    Fault::NotFinite,
    Fault::Zero,
    Fault::Norm,
    Fault::Unequal,
    Fault::Disagrees,
    Fault::Unstored,
];

pub(super) fn limit_of(limit: Limit) -> f64 {
    match limit {
        Limit::AtLeast(limit, _) | Limit::Above(limit) | Limit::AtMost(limit, _) => limit,
    }
}

fn unequal(old: &[f32], new: &[f32]) -> String {
    if old.len() != new.len() {
        return format!("{} numbers, {} in Qdrant", new.len(), old.len());
    }
    let differences = old.iter().zip(new).map(|(x, y)| (x - y).abs());
    let largest = differences.fold(0.0, |largest: f32, difference| largest.max(difference));
    format!("differs from Qdrant's by up to {largest:.2e}")
}

#[cfg(test)]
mod tests;
