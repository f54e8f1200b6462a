//! Pictures and sounds of one page: loaded, decoded and embedded while others are still on their way.
//!
//! Bytes in memory are bounded by the loader's budget. Whoever waits for a share of it holds none that nobody works on:
//! what is loaded is sent as soon as a request is full, or as soon as nothing else comes at once.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt as _, StreamExt as _, stream};

use super::embed::{Finished, Texts};
use crate::config::MediaText;
use crate::embed::media::{self, Fetched, LoadError};
use crate::embed::{Caller, Embedding, Gateway, GatewayError, Input, Role};
use crate::lance::TableSchema;
use crate::lance::schema::MAX_EMBEDDINGS;
use crate::point::{Cause, Failure, Modality, Payload, Point, Shortened, Similarity};
use crate::tasks::prepare::{Plan, Wanted, text_instead};
use crate::tasks::recipe::{Media, Recipe};

/// Pictures and sounds of one page loaded ahead of those that are embedded.
const AHEAD: usize = 16;
/// Bytes of media that one request carries at most: as text they are a third more.
const REQUEST_BYTES: usize = 4 << 20;
/// How long what is loaded waits for company in its request.
const COMPANY: Duration = Duration::from_millis(5);

/// What was made of one point.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    modality: Modality,
    /// The modality whose embedding it is: of a caption in the place of its picture, text.
    embedded_as: Modality,
    /// The place of that embedding; a caption's may stand beside it.
    own: usize,
    embeddings: [Option<Embedding>; MAX_EMBEDDINGS],
    pub(super) shortened: Option<Shortened>,
    media: Option<Arc<[u8]>>,
}

impl Seen {
    /// A point with one embedding, of this modality.
    pub(super) fn one(
        recipe: &Recipe,
        schema: &TableSchema,
        modality: Modality,
        embedding: Embedding,
        shortened: Option<Shortened>,
    ) -> Self {
        let mut embeddings: [Option<Embedding>; MAX_EMBEDDINGS] = Default::default();
        let own = recipe.place_of(schema, modality);
        embeddings[own] = Some(embedding);
        Self {
            modality,
            embedded_as: modality,
            own,
            embeddings,
            shortened,
            media: None,
        }
    }

    /// A text's embedding in the place of something else, whose caption it is.
    pub(super) fn standing_for(mut self, modality: Modality) -> Self {
        self.modality = modality;
        self
    }

    /// The point with its embeddings, compared with Qdrant's vector.
    pub(super) fn beside(self, recipe: &Recipe, point: Point) -> Finished {
        let old = recipe.old(self.embedded_as, &point);
        let new = self.embeddings[self.own].as_ref();
        let similarity = old.zip(new).and_then(|(old, new)| Similarity::cosine(new, old));
        Finished {
            modality: self.modality,
            similarity,
            embeddings: self.embeddings,
            media: self.media,
            point,
        }
    }
}

type Outcome = Result<Seen, Failure>;

/// One thing that is ready to be embedded.
struct Loaded {
    place: usize,
    modality: Modality,
    input: Input,
    caption: Option<Input>,
    bytes: usize,
    original: Option<Arc<[u8]>>,
    /// Its share of the memory, given back when it is embedded.
    _held: Fetched,
}

enum Load {
    Ready(Box<Loaded>),
    /// No embedder for what it turned out to be; its caption goes in its place.
    Instead(usize, Modality, Input),
    Failed(usize, Failure),
}

/// Loads and embeds; one outcome for each, in their order.
///
/// # Errors
/// Something that no single point is to blame for.
pub(super) async fn embed_all(
    recipe: &Recipe,
    schema: &TableSchema,
    wanted: Vec<(&Payload, Wanted)>,
    caller: Caller,
) -> Result<Vec<Option<Outcome>>, GatewayError> {
    let mut outcomes: Vec<Option<Outcome>> = wanted.iter().map(|_| None).collect();
    let (Some(room), false) = (recipe.media.as_ref(), wanted.is_empty()) else {
        return Ok(outcomes);
    };
    let mut loads: Vec<BoxFuture<'_, Result<Load, GatewayError>>> = Vec::with_capacity(wanted.len());
    for (place, (payload, wanted)) in wanted.into_iter().enumerate() {
        loads.push(load(recipe, room, place, payload, wanted).boxed());
    }
    let mut loads = stream::iter(loads).buffer_unordered(AHEAD);
    let mut sends: FuturesUnordered<BoxFuture<'_, Result<Vec<(usize, Outcome)>, GatewayError>>> =
        FuturesUnordered::new();
    // By embedder, and by modality where one request carries but one.
    let mut waiting: HashMap<(usize, Option<Modality>), Vec<Loaded>> = HashMap::new();
    let mut open = true;
    while open || !waiting.is_empty() || !sends.is_empty() {
        tokio::select! {
            biased;
            Some(done) = sends.next(), if !sends.is_empty() => {
                for (place, outcome) in done? {
                    outcomes[place] = Some(outcome);
                }
            }
            load = loads.next(), if open => match load {
                None => open = false,
                Some(load) => match load? {
                    Load::Failed(place, failure) => outcomes[place] = Some(Err(failure)),
                    Load::Instead(place, modality, input) => {
                        sends.push(instead(recipe, schema, caller, (place, modality, input)).boxed());
                    }
                    Load::Ready(loaded) => {
                        let Some(gateway) = recipe.gateways.of(loaded.modality) else { continue };
                        let mixes = gateway.embedder().capabilities().mixes;
                        let alone = (!mixes).then_some(loaded.modality);
                        let group = waiting.entry((Arc::as_ptr(gateway).addr(), alone)).or_default();
                        group.push(*loaded);
                        let bytes: usize = group.iter().map(|loaded| loaded.bytes).sum();
                        if group.len() >= gateway.batch_inputs() || bytes >= REQUEST_BYTES {
                            sends.push(send(recipe, schema, caller, std::mem::take(group)).boxed());
                            waiting.retain(|_, group| !group.is_empty());
                        }
                    }
                },
            },
            () = tokio::time::sleep(COMPANY), if !waiting.is_empty() => {
                for (_, group) in waiting.drain() {
                    sends.push(send(recipe, schema, caller, group).boxed());
                }
            }
        }
    }
    Ok(outcomes)
}

/// Fetches one picture or sound and brings it into the form that its model takes.
async fn load(
    recipe: &Recipe,
    room: &Media,
    place: usize,
    payload: &Payload,
    wanted: Wanted,
) -> Result<Load, GatewayError> {
    let Plan::Embed { content, media: plan } = &recipe.plan else {
        return Err(GatewayError::Fatal(
            "vectors are carried over: nothing is loaded".into(),
        ));
    };
    let Some(found) = media::find(payload, &plan.config) else {
        let failure = Failure::new(Cause::NoContent, "there is no picture and no sound to load");
        return Ok(Load::Failed(place, failure));
    };
    let fetched = match room.loader.fetch(found).await {
        Ok(fetched) => fetched,
        Err(LoadError::Failed(failure)) => return Ok(Load::Failed(place, failure)),
        Err(LoadError::Outage {
            attempts,
            lasted,
            message,
        }) => {
            return Err(GatewayError::Outage {
                attempts,
                lasted,
                message: format!("media: {message}"),
            });
        }
    };
    let kind = match media::tell(&fetched.bytes, wanted.named) {
        Ok(kind) => kind,
        Err(failure) => return Ok(Load::Failed(place, failure)),
    };
    let modality = kind.modality;
    let Some(takes) = room.takes[modality as usize].clone() else {
        return Ok(match text_instead(content, payload, modality, plan.config.media_text) {
            Ok(input) => Load::Instead(place, modality, input),
            Err(failure) => Load::Failed(place, failure),
        });
    };
    let bytes = Arc::clone(&fetched.bytes);
    let decoding = room.decoders.acquire().await;
    let fitted = tokio::task::spawn_blocking(move || media::fit(&bytes, kind, &takes)).await;
    drop(decoding);
    // A decoder that panics has met a file it cannot read; that is told of the file.
    let fitted = fitted.unwrap_or_else(|_| {
        Err(Failure::new(
            Cause::MediaUnreadable,
            format!("the decoder of {} gave up on it", modality.as_str()),
        ))
    });
    let fitted = match fitted {
        Ok(fitted) => fitted,
        Err(failure) => return Ok(Load::Failed(place, failure)),
    };
    let also = plan.config.media_text == MediaText::Also;
    Ok(Load::Ready(Box::new(Loaded {
        place,
        modality,
        bytes: fitted.bytes.len(),
        caption: wanted.caption.filter(|_| also),
        original: room.kept.then(|| Arc::clone(&fetched.bytes)),
        input: match modality {
            Modality::Audio => Input::Audio(fitted),
            _ => Input::Image(fitted),
        },
        _held: fetched,
    })))
}

/// Embeds a caption in the place of what it belongs to.
async fn instead(
    recipe: &Recipe,
    schema: &TableSchema,
    caller: Caller,
    (place, modality, input): (usize, Modality, Input),
) -> Result<Vec<(usize, Outcome)>, GatewayError> {
    let outcome = text(recipe, caller, input).await?.map(|(embedding, shortened)| {
        Seen::one(recipe, schema, Modality::Text, embedding, shortened).standing_for(modality)
    });
    Ok(vec![(place, outcome)])
}

async fn text(
    recipe: &Recipe,
    caller: Caller,
    input: Input,
) -> Result<Result<(Embedding, Option<Shortened>), Failure>, GatewayError> {
    let gateway = recipe.gateways.main().map(AsRef::as_ref);
    let mut texts = Texts::default();
    let from = match gateway.map(|gateway: &Gateway| texts.add(gateway, input)) {
        Some(Ok(from)) => from,
        Some(Err(failure)) => return Ok(Err(failure)),
        None => return Err(GatewayError::Fatal("no embedder of texts is configured".into())),
    };
    texts.embed(gateway, caller).await?.next(from)
}

/// Embeds what is loaded in one call, and captions beside it where they are embedded as well.
async fn send(
    recipe: &Recipe,
    schema: &TableSchema,
    caller: Caller,
    loaded: Vec<Loaded>,
) -> Result<Vec<(usize, Outcome)>, GatewayError> {
    let Some(gateway) = loaded.first().and_then(|first| recipe.gateways.of(first.modality)) else {
        return Ok(Vec::new());
    };
    let inputs: Vec<Input> = loaded.iter().map(|loaded| loaded.input.clone()).collect();
    let outcomes = gateway.embed(&inputs, Role::Document, caller).await?;
    drop(inputs);
    let mut settled = Vec::with_capacity(loaded.len());
    for (loaded, outcome) in loaded.into_iter().zip(outcomes) {
        let outcome = match outcome {
            Ok(embedding) => {
                let mut seen = Seen::one(recipe, schema, loaded.modality, embedding, None);
                seen.media = loaded.original;
                match (loaded.caption, recipe.caption_place(schema, loaded.modality)) {
                    (Some(caption), Some(place)) => {
                        text(recipe, caller, caption).await?.map(|(embedding, shortened)| {
                            seen.embeddings[place] = Some(embedding);
                            seen.shortened = shortened;
                            seen
                        })
                    }
                    _ => Ok(seen),
                }
            }
            Err(failure) => Err(failure),
        };
        settled.push((loaded.place, outcome));
    }
    Ok(settled)
}
