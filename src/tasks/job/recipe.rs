//! The recipe of a job, from its configuration: who embeds what, which columns it goes to, where media are loaded.

use std::sync::Arc;

use anyhow::Context as _;
use tokio::sync::Semaphore;

use super::compared::comparable;
use crate::config::{Config, MediaText, Provider};
use crate::embed::media::{Loader, Takes};
use crate::embed::refuse_once::RefuseOnce;
use crate::embed::teaching::Teaching;
use crate::embed::{self, Gateways, Input, Made, Space};
use crate::journal::{self, Filter, State};
use crate::point::Modality;
use crate::qdrant::{CollectionFacts, Source, VectorKind};
use crate::tasks::columns::Columns;
use crate::tasks::prepare::{MediaPlan, Plan, text_of};
use crate::tasks::recipe::Media;

/// Failed points that are looked up at once.
const FAILURES: u64 = 500;

/// The embedders, and the teaching aid's server where one of them is that.
pub(super) async fn embedders(config: &Arc<Config>) -> anyhow::Result<(Vec<Made>, Option<Teaching>)> {
    let mut making = config.as_ref().clone();
    let mut teaching = None;
    let sections = [
        Some(&mut making.embed.text),
        making.embed.image.as_mut(),
        making.embed.audio.as_mut(),
    ];
    for section in sections.into_iter().flatten() {
        if section.provider == Provider::Teaching {
            if teaching.is_none() {
                teaching = Some(Teaching::start().await?);
            }
            section.base_url = teaching.as_ref().map(Teaching::base_url).unwrap_or_default();
        }
    }
    let made =
        tokio::task::spawn_blocking(move || embed::embedders(&making, |modality| Ok(making.embed_key(modality)?)))
            .await??;
    Ok((made, teaching))
}

/// Puts the demo's refusals before the first embedder. What failed in an earlier run was refused then, and is not again.
pub(super) async fn refuse_once(
    made: &mut [Made],
    chosen: fn(&str) -> bool,
    journal: &journal::Shared,
    source: &Source,
    content: &str,
) -> anyhow::Result<()> {
    let Some(first) = made.first_mut() else { return Ok(()) };
    let all = Filter {
        states: vec![State::Failed, State::Retrying, State::Skipped, State::Recovered],
        ..Filter::default()
    };
    let mut refused = Vec::new();
    let mut after = None;
    loop {
        let filter = all.clone();
        let ids = journal
            .run(move |journal| journal.ids_after(&filter, after, FAILURES))
            .await?;
        let Some(last) = ids.last() else { break };
        after = Some(*last);
        for point in source.get(&ids).await?.into_iter().flatten() {
            if let Ok(Input::Text(text)) = text_of(content, &point.payload) {
                refused.push(text);
            }
        }
    }
    first.embedder = Arc::new(RefuseOnce::new(Arc::clone(&first.embedder), chosen, refused));
    Ok(())
}

/// Which column the embeddings of each modality go to.
pub(super) fn columns(config: &Config, made: &[Made], compared: Option<usize>) -> anyhow::Result<Columns> {
    let space = |modality: Modality| {
        made.iter()
            .find(|made| made.modalities.contains(&modality))
            .map(|made| made.embedder.capabilities().space.clone())
    };
    let texts = match space(Modality::Text) {
        Some(space) => space,
        None => Space {
            provider: "carried".into(),
            model: format!("{}/{}", config.source.collection, config.source.vector),
            dimensions: compared.context("the collection has no vector to carry over")?,
            prefix: String::new(),
            normalised: false,
        },
    };
    let captions = config.embed.has_media() && config.media.media_text == MediaText::Also;
    Ok(Columns::new(
        texts,
        space(Modality::Image),
        space(Modality::Audio),
        captions,
    ))
}

/// What is embedded.
pub(super) fn plan(config: &Config, gateways: &Gateways) -> Plan {
    if gateways.is_empty() {
        let vector = config.source.vector.clone();
        return Plan::Carry { vector, into: None };
    }
    Plan::Embed {
        content: config.source.content.clone(),
        media: MediaPlan {
            config: Arc::new(config.media.clone()),
            embedded: Modality::ALL.map(|modality| gateways.of(modality).is_some()),
        },
    }
}

/// Where pictures and sounds are loaded, where any are embedded.
pub(super) async fn media_room(config: &Arc<Config>) -> anyhow::Result<Option<Arc<Media>>> {
    if !config.embed.has_media() {
        return Ok(None);
    }
    let config = Arc::clone(config);
    let room = tokio::task::spawn_blocking(move || {
        // Half of what may be in hand, and never less than one of the largest.
        let budget_mib = (config.pipeline.in_hand_mib as u64 / 2).max(config.media.max_mib);
        let patience = config.pipeline.outage_patience;
        let takes = Modality::ALL.map(|modality| {
            let embed = config.embed.of(modality).filter(|_| modality != Modality::Text)?;
            Some(Takes::of(embed, &config.media))
        });
        anyhow::Ok(Media {
            loader: Loader::new(&config.media, &config.base_dir, patience, budget_mib)?,
            takes,
            decoders: Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from)),
            kept: config.media.store_media,
        })
    });
    Ok(Some(Arc::new(room.await??)))
}

/// For each modality, the vector of Qdrant that its embeddings are compared with, where their cosine means something.
pub(super) fn compared_vectors(
    config: &Config,
    collection: &CollectionFacts,
    made: &[Made],
    carried: Option<usize>,
) -> [Option<String>; 3] {
    let space_of = |modality: Modality| {
        made.iter()
            .find(|made| made.modalities.contains(&modality))
            .map(|made| &made.embedder.capabilities().space)
    };
    Modality::ALL.map(|modality| {
        let name = config.compare_with(modality);
        let own = config
            .embed
            .of(modality)
            .is_some_and(|embed| embed.compare_with.is_some());
        let with_texts = space_of(Modality::Text)
            .zip(space_of(modality))
            .is_none_or(|(texts, own)| own.shares(texts));
        if !own && !with_texts {
            // The vector of texts is of another space, whatever its dimension.
            return None;
        }
        let dimensions = match space_of(modality) {
            Some(space) => Some(space.dimensions),
            None if made.is_empty() => carried,
            None => None,
        };
        let size = match collection.vectors.get(name) {
            Some(VectorKind::Dense { size, .. }) => Some(*size),
            _ => None,
        };
        let compares = dimensions.is_some_and(|dimensions| comparable(config, size, dimensions).is_ok());
        compares.then(|| name.to_owned())
    })
}
