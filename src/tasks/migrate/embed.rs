//! Points prepared, embedded, compared with Qdrant's vectors and made into rows.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::media::{self, Seen};
use super::{Ended, GRACE, Page, Parts};
use crate::embed::lengths::{self, Fit};
use crate::embed::{Caller, Embedding, Gateway, GatewayError, Input, Role};
use crate::lance::schema::MAX_EMBEDDINGS;
use crate::lance::{NewRow, TableSchema, encode};
use crate::point::{Failure, Modality, Point, PointId, Shortened, Similarity};
use crate::tasks::invariant::Fault;
use crate::tasks::prepare::{Prepared, prepare};
use crate::tasks::recipe::Recipe;
use crate::tasks::writer::EmbeddedPage;

/// One point with what was made of it.
#[derive(Debug, Clone)]
pub(crate) struct Finished {
    pub(crate) point: Point,
    pub(crate) modality: Modality,
    /// By the table's columns of embeddings, in their order.
    pub(crate) embeddings: [Option<Embedding>; MAX_EMBEDDINGS],
    pub(crate) similarity: Option<Similarity>,
    /// The bytes of its picture or sound, where the table keeps them.
    pub(crate) media: Option<Arc<[u8]>>,
}

/// Points with their embeddings, and those that failed.
#[derive(Default)]
pub(crate) struct Embedded {
    pub(crate) points: Vec<Finished>,
    pub(crate) failures: Vec<(PointId, Failure)>,
    pub(crate) shortened: Vec<(PointId, Shortened)>,
}

/// Texts on their way to the embedder of texts.
#[derive(Default)]
pub(super) struct Texts {
    inputs: Vec<Input>,
}

/// Where a text's embedding comes from.
pub(super) enum From {
    /// One input.
    Whole,
    /// Several inputs, with the tokens of each, to be averaged.
    Pieces(Vec<usize>, Shortened),
}

impl Texts {
    /// Takes a text in, as a whole or in pieces.
    pub(super) fn add(&mut self, gateway: &Gateway, input: Input) -> Result<From, Failure> {
        Ok(match gateway.fit(&input)? {
            Fit::Whole => {
                self.inputs.push(input);
                From::Whole
            }
            Fit::Pieces(pieces, shortened) => {
                let (texts, tokens): (Vec<String>, Vec<usize>) = pieces.into_iter().unzip();
                self.inputs
                    .extend(texts.into_iter().map(|text| Input::Text(text.into())));
                From::Pieces(tokens, shortened)
            }
        })
    }

    /// Embeds them all.
    pub(super) async fn embed(self, gateway: Option<&Gateway>, caller: Caller) -> Result<Outcomes, GatewayError> {
        let outcomes = match gateway {
            Some(gateway) if !self.inputs.is_empty() => gateway.embed(&self.inputs, Role::Document, caller).await?,
            _ => Vec::new(),
        };
        Ok(Outcomes(outcomes.into_iter()))
    }
}

/// What came back, in the order in which the texts were added.
pub(super) struct Outcomes(std::vec::IntoIter<Result<Embedding, Failure>>);

impl Outcomes {
    fn one(&mut self) -> Result<Result<Embedding, Failure>, GatewayError> {
        let missing = || GatewayError::Fatal("no embedder is configured".into());
        self.0.next().ok_or_else(missing)
    }

    /// The embedding of the next text.
    pub(super) fn next(&mut self, from: From) -> Result<Result<(Embedding, Option<Shortened>), Failure>, GatewayError> {
        Ok(match from {
            From::Whole => self.one()?.map(|embedding| (embedding, None)),
            From::Pieces(tokens, shortened) => {
                let pieces: Vec<_> = tokens.iter().map(|_| self.one()).collect::<Result<_, _>>()?;
                let pieces: Result<Vec<Embedding>, Failure> = pieces.into_iter().collect();
                pieces
                    .and_then(|pieces| match &pieces[..] {
                        // The beginning alone keeps the length that its model gave it.
                        [one] => Ok(one.clone()),
                        _ => lengths::mean(&pieces.into_iter().zip(tokens).collect::<Vec<_>>()),
                    })
                    .map(|embedding| (embedding, Some(shortened)))
            }
        })
    }
}

/// A point that waits for its embedding.
enum Ready {
    Carried(Point, Modality, Embedding),
    Text(Point, Modality, From),
    Media(Point, usize),
}

/// Embeds points in their order.
///
/// # Errors
/// Something that no single point is to blame for.
pub(crate) async fn embed_points(
    recipe: &Recipe,
    schema: &TableSchema,
    points: impl IntoIterator<Item = Result<Point, (PointId, Failure)>>,
    caller: Caller,
) -> Result<Embedded, GatewayError> {
    let mut embedded = Embedded::default();
    let mut ready: Vec<Ready> = Vec::new();
    let mut texts = Texts::default();
    let mut wanted = Vec::new();
    let gateway = recipe.gateways.main().map(AsRef::as_ref);
    for point in points {
        let prepared = point.and_then(|point| {
            let id = point.id;
            prepare(&recipe.plan, point).map_err(|failure| (id, failure))
        });
        match prepared {
            Ok(Prepared::Text(point, modality, input)) => {
                let added = match gateway {
                    Some(gateway) => texts.add(gateway, input),
                    None => Ok(From::Whole),
                };
                match added {
                    Ok(from) => ready.push(Ready::Text(*point, modality, from)),
                    Err(failure) => embedded.failures.push((point.id, failure)),
                }
            }
            Ok(Prepared::Media(point, how)) => {
                ready.push(Ready::Media(*point, wanted.len()));
                wanted.push(how);
            }
            Ok(Prepared::Carry(point, modality, vector)) => ready.push(Ready::Carried(*point, modality, vector)),
            Err(failure) => embedded.failures.push(failure),
        }
    }
    let payloads: Vec<_> = ready
        .iter()
        .filter_map(|ready| match ready {
            Ready::Media(point, _) => Some(&point.payload),
            _ => None,
        })
        .zip(wanted)
        .collect();
    let (mut outcomes, mut seen) = futures::try_join!(
        texts.embed(gateway, caller),
        media::embed_all(recipe, schema, payloads, caller)
    )?;
    for ready in ready {
        let (point, outcome) = match ready {
            Ready::Carried(point, modality, vector) => (point, Ok(Seen::one(recipe, schema, modality, vector, None))),
            Ready::Text(point, modality, from) => {
                let outcome = outcomes.next(from)?;
                let made = outcome.map(|(vector, shortened)| {
                    Seen::one(recipe, schema, Modality::Text, vector, shortened).standing_for(modality)
                });
                (point, made)
            }
            Ready::Media(point, place) => {
                let lost = || GatewayError::Fatal("a picture or a sound got lost on its way".into());
                (point, seen.get_mut(place).and_then(Option::take).ok_or_else(lost)?)
            }
        };
        match outcome {
            Ok(seen) => {
                if let Some(shortened) = seen.shortened {
                    embedded.shortened.push((point.id, shortened));
                }
                embedded.points.push(seen.beside(recipe, point));
            }
            Err(failure) => embedded.failures.push((point.id, failure)),
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
            .map(|finished| NewRow {
                point: &finished.point,
                modality: finished.modality,
                embeddings: std::array::from_fn(|place| finished.embeddings[place].as_deref()),
                similarity: finished.similarity,
                media: finished.media.as_deref(),
            })
            .collect();
        encode(schema, &rows)
            .map(Some)
            .map_err(|error| format!("the rows cannot be built: {error}"))
    }

    pub(crate) fn similarities(&self) -> Vec<Option<Similarity>> {
        self.points.iter().map(|finished| finished.similarity).collect()
    }

    pub(crate) fn ids(&self) -> Vec<PointId> {
        self.points.iter().map(|finished| finished.point.id).collect()
    }
}

pub(super) async fn run(parts: Arc<Parts>, page: Page, halt: CancellationToken) -> Result<(), Ended> {
    let read = page.points.len() as u64;
    let work = embed_points(&parts.recipe, &parts.schema, page.points, Caller::Migration);
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
