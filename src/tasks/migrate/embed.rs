//! One page: its points prepared, embedded, compared with Qdrant's vectors and made into rows.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{Ended, GRACE, Page, Parts};
use crate::embed::lengths::{self, Fit};
use crate::embed::{Caller, Embedding, Gateway, GatewayError, Input, Role};
use crate::lance::{NewRow, TableSchema, encode};
use crate::point::{Failure, Point, PointId, Shortened, Similarity};
use crate::tasks::invariant::Fault;
use crate::tasks::prepare::{Plan, Prepared, prepare};
use crate::tasks::writer::EmbeddedPage;

/// Points with their embeddings, and those that failed.
#[derive(Default)]
pub(crate) struct Embedded {
    pub(crate) points: Vec<(Point, Embedding, Option<Similarity>)>,
    pub(crate) failures: Vec<(PointId, Failure)>,
    pub(crate) shortened: Vec<(PointId, Shortened)>,
}

/// Where a point's embedding comes from.
enum From {
    /// Carried over.
    Carried(Embedding),
    /// One input.
    Whole,
    /// Several inputs, with the tokens of each, to be averaged.
    Pieces(Vec<usize>),
}

/// Embeds points in their order.
///
/// # Errors
/// Something that no single point is to blame for.
pub(crate) async fn embed_points(
    plan: &Plan,
    compare_with: Option<&str>,
    gateway: Option<&Gateway>,
    points: impl IntoIterator<Item = Result<Point, (PointId, Failure)>>,
    caller: Caller,
) -> Result<Embedded, GatewayError> {
    let mut embedded = Embedded::default();
    let mut ready: Vec<(Point, From)> = Vec::new();
    let mut inputs: Vec<Input> = Vec::new();
    for point in points {
        let prepared = point.and_then(|point| {
            let id = point.id;
            prepare(plan, point).map_err(|failure| (id, failure))
        });
        match prepared {
            Ok(Prepared::Embed(point, input)) => match gateway.map_or(Ok(Fit::Whole), |gateway| gateway.fit(&input)) {
                Ok(Fit::Whole) => {
                    inputs.push(input);
                    ready.push((*point, From::Whole));
                }
                Ok(Fit::Pieces(pieces, shortened)) => {
                    embedded.shortened.push((point.id, shortened));
                    let (texts, tokens): (Vec<String>, Vec<usize>) = pieces.into_iter().unzip();
                    inputs.extend(texts.into_iter().map(|text| Input::Text(text.into())));
                    ready.push((*point, From::Pieces(tokens)));
                }
                Err(failure) => embedded.failures.push((point.id, failure)),
            },
            Ok(Prepared::Carry(point, vector)) => ready.push((*point, From::Carried(vector))),
            Err(failure) => embedded.failures.push(failure),
        }
    }
    let outcomes = match gateway {
        Some(gateway) if !inputs.is_empty() => gateway.embed(&inputs, Role::Document, caller).await?,
        _ => Vec::new(),
    };
    let mut outcomes = outcomes.into_iter();
    let mut next = || {
        outcomes
            .next()
            .ok_or_else(|| GatewayError::Fatal("no embedder is configured".into()))
    };
    for (point, from) in ready {
        let outcome = match from {
            From::Carried(vector) => Ok(vector),
            From::Whole => next()?,
            From::Pieces(tokens) => {
                let pieces: Vec<_> = tokens.iter().map(|_| next()).collect::<Result<_, _>>()?;
                let pieces: Result<Vec<Embedding>, Failure> = pieces.into_iter().collect();
                pieces.and_then(|pieces| match &pieces[..] {
                    // The beginning alone keeps the length that its model gave it.
                    [one] => Ok(one.clone()),
                    _ => lengths::mean(&pieces.into_iter().zip(tokens).collect::<Vec<_>>()),
                })
            }
        };
        match outcome {
            Ok(embedding) => {
                let old = compare_with.and_then(|name| point.vectors.get(name)?.dense());
                let similarity = old.and_then(|old| Similarity::cosine(&embedding, old));
                embedded.points.push((point, embedding, similarity));
            }
            Err(failure) => {
                embedded.shortened.retain(|(id, _)| *id != point.id);
                embedded.failures.push((point.id, failure));
            }
        }
    }
    Ok(embedded)
}

impl Embedded {
    /// The rows as one batch; `None` where there are none.
    pub(crate) fn rows(&self, schema: &TableSchema) -> Result<Option<arrow_array::RecordBatch>, String> {
        if self.points.is_empty() {
            return Ok(None);
        }
        let rows: Vec<NewRow<'_>> = self
            .points
            .iter()
            .map(|(point, embedding, similarity)| NewRow {
                point,
                embedding,
                similarity: *similarity,
            })
            .collect();
        encode(schema, &rows)
            .map(Some)
            .map_err(|error| format!("the rows cannot be built: {error}"))
    }

    pub(crate) fn similarities(&self) -> Vec<Option<Similarity>> {
        self.points.iter().map(|(_, _, similarity)| *similarity).collect()
    }
}

pub(super) async fn run(parts: Arc<Parts>, page: Page, halt: CancellationToken) -> Result<(), Ended> {
    let read = page.points.len() as u64;
    let work = embed_points(
        &parts.plan,
        parts.compared(),
        parts.gateway.as_deref(),
        page.points,
        Caller::Migration,
    );
    let stopped = async {
        halt.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    let embedded = tokio::select! {
        biased;
        embedded = parts.meters.embed.measure(work) => embedded,
        // Its points go back unread: nothing counted them yet.
        () = stopped => {
            parts.meters.embed.queue(-(read as i64));
            return Ok(());
        }
    };
    parts.meters.embed.queue(-(read as i64));
    let embedded = embedded?;
    let rows = embedded.rows(&parts.schema).map_err(Fault::trouble)?;
    let page = EmbeddedPage {
        run: page.run,
        range: page.range,
        seq: page.seq,
        from: page.from,
        rows,
        similarities: embedded.similarities(),
        failures: embedded.failures,
        shortened: embedded.shortened,
        read,
        next: page.next,
        done: page.done,
        in_hand: page.in_hand,
        budget: Some(page.budget),
    };
    parts.writer.page(page).await.map_err(|error| Fault::of(&error).into())
}
