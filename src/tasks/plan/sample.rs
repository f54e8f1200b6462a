//! The sample of payloads that a plan is reckoned from.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::FieldPlan;
use crate::embed::tokens::Count;
use crate::embed::{Gateway, Input, RequestError, Role};
use crate::lance::{Role as Column, TableSchema};
use crate::point::diff::type_name;
use crate::qdrant::source::Wanted;
use crate::tasks::job::Opening;
use crate::tasks::prepare::{Plan, Prepared, prepare};

/// Payloads looked at.
const SIZE: u64 = 500;
/// Texts that a probe embeds: a second or two of the in-process model.
const PROBED: usize = 16;
/// Fields that are listed; a payload of thousands of keys is told by its first.
const MAX_FIELDS: usize = 500;

#[derive(Default)]
struct Field {
    points: u64,
    types: BTreeMap<&'static str, u64>,
}

/// What a sample of payloads holds.
#[derive(Default)]
pub(super) struct Sample {
    pub(super) points: u64,
    pub(super) failing: u64,
    /// Points whose picture or sound would be embedded.
    pub(super) media: u64,
    pub(super) tokens: u64,
    pub(super) exact_tokens: bool,
    pub(super) payload_bytes: u64,
    pub(super) texts: Vec<Input>,
    fields: BTreeMap<String, Field>,
}

impl Sample {
    /// Draws one at random.
    pub(super) async fn draw(opening: &Opening) -> anyhow::Result<Self> {
        let mut sample = Self {
            exact_tokens: true,
            ..Self::default()
        };
        let wanted = match &opening.recipe.plan {
            // Which points lack the vector can only be seen by asking for it.
            Plan::Carry { .. } => Wanted::Whole,
            Plan::Embed { .. } => Wanted::Payloads,
        };
        for point in opening.source.sample(SIZE, wanted).await? {
            sample.points += 1;
            let Ok(point) = point else {
                sample.failing += 1;
                continue;
            };
            sample.payload_bytes += point.bytes() as u64;
            for (key, value) in &point.payload {
                if sample.fields.len() >= MAX_FIELDS && !sample.fields.contains_key(key) {
                    continue;
                }
                let field = sample.fields.entry(key.clone()).or_default();
                field.points += 1;
                *field.types.entry(type_name(Some(value))).or_default() += 1;
            }
            let prepared = prepare(&opening.recipe.plan, point);
            let Some(gateway) = opening.recipe.gateways.main() else {
                sample.failing += u64::from(prepared.is_err());
                continue;
            };
            let input = match prepared {
                Ok(Prepared::Text(_, _, input)) => Ok(input),
                // What they cost is known when their server counts them; whether they can be had, when they are fetched.
                Ok(Prepared::Media(..)) => {
                    sample.media += 1;
                    continue;
                }
                Ok(Prepared::Carry(..)) => continue,
                Err(failure) => Err(failure),
            };
            match input.and_then(|input| gateway.fit(&input).map(|_| input)) {
                Ok(input) => {
                    if let Input::Text(text) = &input {
                        match gateway.embedder().count_exactly(text) {
                            Count::Known(tokens) => sample.tokens += tokens as u64,
                            Count::Estimated(tokens) => {
                                sample.tokens += tokens as u64;
                                sample.exact_tokens = false;
                            }
                        }
                    }
                    if sample.texts.len() < PROBED {
                        sample.texts.push(input);
                    }
                }
                Err(_) => sample.failing += 1,
            }
        }
        Ok(sample)
    }

    /// The fields, most frequent first, with the columns they become.
    pub(super) fn fields(&self, schema: &TableSchema) -> Vec<FieldPlan> {
        let mut fields: Vec<FieldPlan> = self
            .fields
            .iter()
            .map(|(name, field)| {
                let column = schema
                    .columns()
                    .iter()
                    .find(|column| matches!(column.role, Column::Payload(_)) && column.name == *name);
                let mut types: Vec<(&'static str, u64)> = field.types.iter().map(|(name, n)| (*name, *n)).collect();
                types.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
                FieldPlan {
                    name: name.clone(),
                    share: field.points as f64 / self.points.max(1) as f64,
                    types: types.into_iter().map(|(name, _)| name).collect(),
                    column: column.map_or_else(|| "extra".to_owned(), |column| column.name.clone()),
                }
            })
            .collect();
        fields.sort_by(|a, b| b.share.total_cmp(&a.share).then_with(|| a.name.cmp(&b.name)));
        fields
    }
}

/// The time that one text takes, asked in the batches and at the concurrency of the run.
pub(super) async fn probe(gateway: &Gateway, texts: &[Input]) -> Result<Duration, RequestError> {
    let begun = Instant::now();
    gateway.embedder().embed(texts, Role::Document).await?;
    Ok(begun.elapsed() / texts.len().max(1) as u32)
}
