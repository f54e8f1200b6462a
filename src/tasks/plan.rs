//! What a run would do, worked out before anything is paid for or written: from the collection's own facts, a random
//! sample of payloads, and, where it costs nothing, a probe of the embedder. Every figure says how it came about.

mod sample;

use std::time::Duration;

use serde::Serialize;

use super::job::Opening;
use crate::config::{ColumnType, Provider};
use crate::lance::{Role, VectorColumn};
use crate::point::{exact_sum, sum_of_money};
use crate::qdrant::VectorKind;
use crate::qdrant::source::Distance;

use sample::Sample;

/// How a figure came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Basis {
    /// Counted, over everything that it speaks of.
    Measured,
    /// Reckoned from a sample or a probe.
    Modelled,
    /// Nobody knows yet.
    Unknown,
}

impl Basis {
    /// The word on the screen.
    pub fn label(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Modelled => "modelled",
            Self::Unknown => "unknown",
        }
    }
}

/// A figure with its origin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Estimate {
    /// The figure; `None` where it is unknown.
    pub value: Option<f64>,
    /// How it came about.
    pub basis: Basis,
    /// The same in words.
    pub how: String,
}

impl Estimate {
    fn unknown(how: &str) -> Self {
        Self {
            value: None,
            basis: Basis::Unknown,
            how: how.into(),
        }
    }

    fn of(value: f64, basis: Basis, how: impl Into<String>) -> Self {
        Self {
            value: Some(value),
            basis,
            how: how.into(),
        }
    }
}

/// One vector of the collection and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VectorPlan {
    /// Its name; empty is the unnamed one.
    pub name: String,
    /// What it is: `dense 384 cosine`.
    pub kind: String,
    /// What becomes of it.
    pub becomes: String,
}

/// One payload field and what becomes of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldPlan {
    /// The key.
    pub name: String,
    /// The share of the sampled points that have it, 0 to 1.
    pub share: f64,
    /// The types of its values, most frequent first.
    pub types: Vec<&'static str>,
    /// The column it becomes.
    pub column: String,
}

/// What a run would do.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlanReport {
    /// The collection.
    pub collection: String,
    /// Qdrant's version.
    pub qdrant_version: String,
    /// Points, counted exactly.
    pub points: u64,
    /// Points that an earlier run settled.
    pub settled: u64,
    /// Its vectors.
    pub vectors: Vec<VectorPlan>,
    /// Its payload fields, as found in the sample.
    pub fields: Vec<FieldPlan>,
    /// Payloads looked at.
    pub sampled: u64,
    /// The table.
    pub table: String,
    /// Its columns with their types.
    pub columns: Vec<(String, String)>,
    /// The space of the new embeddings.
    pub space: String,
    /// Ranges scrolled side by side.
    pub ranges: usize,
    /// Points that will fail for want of content.
    pub failures: Estimate,
    /// Tokens to embed.
    pub tokens: Estimate,
    /// US dollars.
    pub cost_usd: Estimate,
    /// Seconds.
    pub seconds: Estimate,
    /// Bytes on disk.
    pub disk_bytes: Estimate,
    /// What the operator should know before.
    pub warnings: Vec<String>,
}

/// Works out what a run of this job would do.
///
/// # Errors
/// The source cannot be read.
pub async fn work_out(opening: &Opening) -> anyhow::Result<PlanReport> {
    let left = opening.collection.points.saturating_sub(opening.checkpoint.read());
    let sample = Sample::draw(opening).await?;
    let whole = sample.points >= opening.collection.points;
    let basis = if whole { Basis::Measured } else { Basis::Modelled };
    let over = if whole {
        "over all points".to_owned()
    } else {
        format!("from a sample of {}", sample.points)
    };
    let embeds = !opening.recipe.gateways.is_empty();
    let scale = left as f64 / sample.points.max(1) as f64;
    let unknown = sample.points == 0 && left > 0;
    let tokens = if !embeds {
        Estimate::of(0.0, Basis::Measured, "vectors are carried over")
    } else if unknown {
        Estimate::unknown("there is no sample")
    } else if sample.exact_tokens {
        Estimate::of(
            sample.tokens as f64 * scale,
            basis,
            format!("the model's own tokenizer, {over}"),
        )
    } else {
        Estimate::of(
            sample.tokens as f64 * scale,
            Basis::Modelled,
            format!("at most, by the bytes of the texts, {over}: the model's tokenizer is not known here"),
        )
    };
    let price = opening.config.embed.text.usd_per_million_tokens;
    let cost_usd = match tokens.value {
        Some(tokens_value) => Estimate::of(
            tokens_value * price / 1e6,
            tokens.basis,
            format!("${price} a million tokens"),
        ),
        None => Estimate::unknown("the tokens are unknown"),
    };
    let row_bytes = sample.payload_bytes as f64 / sample.points.max(1) as f64 + vector_bytes(opening) as f64;
    let mut report = PlanReport {
        collection: opening.facts.collection.clone(),
        qdrant_version: opening.collection.version.clone(),
        points: opening.collection.points,
        settled: opening.checkpoint.read(),
        vectors: vectors(opening),
        fields: sample.fields(&opening.schema),
        sampled: sample.points,
        table: opening.facts.table.clone(),
        columns: columns(opening),
        space: opening.facts.space.clone(),
        ranges: opening.checkpoint.ranges.len(),
        failures: if unknown {
            Estimate::unknown("there is no sample")
        } else {
            Estimate::of((sample.failing as f64 * scale).round(), basis, over.clone())
        },
        seconds: seconds(opening, &sample, left).await,
        disk_bytes: Estimate::of(
            row_bytes * left as f64,
            Basis::Modelled,
            format!("vectors as they are, payloads {over}, before compression"),
        ),
        tokens,
        cost_usd,
        warnings: Vec::new(),
    };
    report.warnings = warnings(opening, &report);
    Ok(report)
}

/// How long it will take. The in-process model is tried on a few texts of the sample; a server that may cost money is
/// not.
async fn seconds(opening: &Opening, sample: &Sample, left: u64) -> Estimate {
    let Some(gateway) = opening.recipe.gateways.main() else {
        return Estimate::unknown(
            "carrying vectors over is a matter of disk and network; thousands of points a second",
        );
    };
    if opening.config.embed.text.provider != Provider::Minilm || sample.texts.is_empty() {
        return Estimate::unknown("how fast the embedder answers is known from the first requests on");
    }
    match sample::probe(gateway, &sample.texts).await {
        Ok(one) => Estimate::of(
            Duration::mul_f64(one, left as f64).as_secs_f64(),
            Basis::Modelled,
            format!("the in-process model on {} texts of the sample", sample.texts.len()),
        ),
        Err(error) => Estimate::unknown(&format!("the probe failed: {error}")),
    }
}

fn kind_of(kind: VectorKind) -> String {
    let distance = |distance| match distance {
        Distance::Cosine => "cosine",
        Distance::Euclid => "Euclid",
        Distance::Dot => "dot",
        Distance::Manhattan => "Manhattan",
    };
    match kind {
        VectorKind::Dense { size, distance: by } => format!("dense {size} {}", distance(by)),
        VectorKind::Sparse => "sparse".into(),
        VectorKind::Multi { size, distance: by } => format!("multi {size} {}", distance(by)),
    }
}

fn vectors(opening: &Opening) -> Vec<VectorPlan> {
    opening
        .collection
        .vectors
        .iter()
        .map(|(name, kind)| {
            let kept = opening.schema.columns().iter().find_map(|column| match &column.role {
                Role::Vector(vector, _) if vector == name => Some(format!("column {}", column.name)),
                _ => None,
            });
            let compared = opening.config.is_compared(name);
            let told = gives_a_similarity(opening, name);
            let becomes = match (compared, !opening.recipe.gateways.is_empty(), kept) {
                (true, true, None) if told => "compared with the new embedding".to_owned(),
                (true, true, Some(column)) if told => format!("compared with the new embedding, and kept as {column}"),
                (true, true, None) => "embedded anew, and left behind".to_owned(),
                (true, true, Some(column)) => format!("embedded anew, and kept as {column}"),
                (true, false, _) => "carried over as the embedding".to_owned(),
                (false, _, Some(column)) => format!("kept as {column}"),
                (false, _, None) => "left behind".to_owned(),
            };
            VectorPlan {
                name: name.clone(),
                kind: kind_of(*kind),
                becomes,
            }
        })
        .collect()
}

/// Whether a similarity is computed with this vector of Qdrant.
fn gives_a_similarity(opening: &Opening, vector: &str) -> bool {
    opening.recipe.compared.iter().flatten().any(|name| name == vector)
}

/// What `[columns]` asks of a table that was made otherwise.
pub(crate) fn unheeded_columns(opening: &Opening) -> Option<String> {
    let unheeded: Vec<&str> = opening
        .config
        .columns
        .iter()
        .filter(|(key, wanted)| {
            let mut columns = opening.schema.payload_columns();
            let there = columns.find(|(name, _)| name == key).map(|(_, kind)| kind);
            there != Some(**wanted).filter(|wanted| *wanted != ColumnType::Extra)
        })
        .map(|(key, _)| key.as_str())
        .collect();
    if unheeded.is_empty() {
        return None;
    }
    Some(format!(
        "the table is there already, and its columns stay as they were made: [columns] is not heeded for {}; name another \
         target.table to have them",
        unheeded.join(", ")
    ))
}

fn columns(opening: &Opening) -> Vec<(String, String)> {
    let type_of = |role: &Role| match role {
        Role::Id => "string, the point's id".to_owned(),
        Role::Payload(kind) => format!("{kind:?}").to_lowercase(),
        Role::Embedding(size) => format!("float32[{size}], the new embedding"),
        Role::Media => "blob, the bytes of the picture or sound".to_owned(),
        Role::Modality => "string: text, image, audio".to_owned(),
        Role::Similarity => "float32, cosine to Qdrant's vector".to_owned(),
        Role::Extra => "JSON, what fits no other column".to_owned(),
        Role::Vector(_, VectorColumn::Dense(size)) => format!("float32[{size}]"),
        Role::Vector(_, VectorColumn::Sparse) => "indices and values".to_owned(),
        Role::Vector(_, VectorColumn::Multi(size)) => format!("list of float32[{size}]"),
    };
    let columns = opening.schema.columns().iter();
    columns
        .map(|column| (column.name.clone(), type_of(&column.role)))
        .collect()
}

/// Bytes of the vectors of one row.
fn vector_bytes(opening: &Opening) -> usize {
    opening
        .schema
        .columns()
        .iter()
        .map(|column| match &column.role {
            Role::Embedding(size) | Role::Vector(_, VectorColumn::Dense(size) | VectorColumn::Multi(size)) => 4 * size,
            _ => 0,
        })
        .sum()
}

fn warnings(opening: &Opening, report: &PlanReport) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Err(why) = &opening.facts.comparable {
        warnings.push(format!("similarities will be null: {why}"));
    }
    if let Some(failing) = report.failures.value.filter(|failing| *failing > 0.0) {
        let content = &opening.config.source.content;
        warnings.push(format!(
            "about {failing:.0} points have no text in payload field {content:?} and will fail"
        ));
    }
    warnings.extend(unheeded_columns(opening));
    let carried = opening.recipe.gateways.is_empty();
    for vector in opening.collection.vectors.keys().filter(|_| !carried) {
        let mut columns = opening.schema.columns().iter();
        let is_kept = columns.any(|column| matches!(&column.role, Role::Vector(name, _) if name == vector));
        if opening.config.is_compared(vector) && !is_kept && !gives_a_similarity(opening, vector) {
            warnings.push(format!(
                "Qdrant's vector {vector:?} comes over neither as it is nor as a similarity; target.keep_source_vector = \
                 true keeps it"
            ));
        }
    }
    for (name, kind) in &opening.collection.vectors {
        let (VectorKind::Dense { distance, .. } | VectorKind::Multi { distance, .. }) = kind else {
            continue;
        };
        if *distance == Distance::Manhattan {
            let name = if name.is_empty() {
                "the unnamed vector"
            } else {
                name.as_str()
            };
            warnings.push(format!(
                "{name} is compared by Manhattan distance in Qdrant, which LanceDB does not have: it is kept, and searched \
                 by Euclidean distance"
            ));
        }
    }
    if let Some(cost) = report.cost_usd.value
        && let Some(budget) = opening.config.embed.text.budget_usd
        && cost > budget
    {
        warnings.push(format!(
            "it will cost about ${}, more than the budget of ${}: the run will stop there",
            sum_of_money(cost, 2),
            exact_sum(budget)
        ));
    }
    for field in report.fields.iter().filter(|field| field.types.len() > 1) {
        if field.column != "extra" && field.types.iter().filter(|kind| **kind != "null").count() > 1 {
            warnings.push(format!(
                "field {:?} has values of several types ({}); those that do not fit column {} go to `extra`",
                field.name,
                field.types.join(", "),
                field.column
            ));
        }
    }
    warnings
}
