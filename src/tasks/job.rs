//! Opening a job: everything that must be right before anything is written. Each thing that is not says so in one
//! sentence, with the way out.

mod begin;
mod compared;
mod recipe;
mod table;
mod vectors;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::bail;
use lancedb::DistanceType;

use super::JobFacts;
use super::lock::Lock;
use super::recipe::Recipe;
use super::reconcile::reconcile;
use super::writer::Limits;
use crate::config::{ColumnType, Config};
use crate::embed::Gateways;
use crate::embed::teaching::Teaching;
use crate::journal::{self, Counts, Journal, Spent};
use crate::lance::index::Wishes;
use crate::lance::schema::EMBEDDING;
use crate::lance::{Checkpoint, TableSchema, Target};
#[cfg(feature = "embedded")]
use crate::qdrant::embedded::EmbeddedQdrant;
use crate::qdrant::{CollectionFacts, Source, id_of};
use begin::{new_ranges, new_schema, sample};
use compared::{comparable, compared_size, distance_of};
use recipe::{columns, compared_vectors, embedders, media_room, plan, refuse_once};
use table::{accept, connect, gone};

/// How a job is opened.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Another state directory than `.qlance` beside the configuration.
    pub state: Option<PathBuf>,
    /// Take over a table that another job made.
    pub adopt: bool,
    /// Only look: nothing is written, and a run that holds the job meanwhile is not disturbed.
    pub look_only: bool,
    /// A table that something else wrote to is let in, to be repaired.
    pub mend: bool,
    /// The demo's refusals, see [`crate::embed::refuse_once::RefuseOnce`].
    pub refuse_once: Option<fn(&str) -> bool>,
}

/// A job that is ready to run. The lock is held as long as this lives.
pub struct Opening {
    /// The configuration.
    pub config: Arc<Config>,
    /// The state directory.
    pub state_dir: PathBuf,
    /// One process a job; `None` for those who only look.
    pub lock: Option<Lock>,
    /// The journal.
    pub journal: journal::Shared,
    /// Where points come from.
    pub source: Source,
    /// The embedded Qdrant, where the source is one.
    #[cfg(feature = "embedded")]
    pub embedded: Option<EmbeddedQdrant>,
    /// What the collection is.
    pub collection: CollectionFacts,
    /// Its columns.
    pub schema: TableSchema,
    /// How points get their embeddings.
    pub recipe: Recipe,
    /// The teaching aid's server, where it is the embedder; it lives as long as the job.
    pub teaching: Option<Teaching>,
    /// The state.
    pub checkpoint: Checkpoint,
    /// Failed points so far.
    pub counts: Counts,
    /// What earlier runs of this job spent.
    pub spent: Spent,
    /// Whether an earlier run is continued.
    pub resumed: bool,
    /// The distance of the vector index.
    pub distance: DistanceType,
    /// What the screen may say.
    pub facts: JobFacts,
}

impl Opening {
    /// What bounds a commit: the configured sizes, and never more than a quarter of what may be in hand, so that a group
    /// that waits for more cannot starve the readers. Half of it was no faster, and took 20 MB more: what is committed is
    /// in memory twice.
    pub fn limits(&self) -> Limits {
        let target = &self.config.target;
        Limits {
            rows: target.commit_rows,
            bytes: (target.commit_mib << 20).min(self.config.pipeline.in_hand_mib << 18),
            age: Duration::from_secs(target.commit_seconds),
        }
    }

    /// Bytes that the picture or sound of one point may add to its row; 0 where the table keeps none.
    pub fn media_bytes(&self) -> usize {
        let kept = self.schema.keeps_media() && self.recipe.media.is_some();
        usize::from(kept) * (self.config.media.max_mib << 20) as usize
    }

    /// Points a scroll page: fewer than configured where rows bring the bytes of media along, so that even the largest
    /// let in leave room for a second page.
    pub fn page_points(&self) -> u32 {
        let configured = self.config.source.page_points;
        let room = (self.config.pipeline.in_hand_mib << 20) / 2;
        match self.media_bytes() {
            0 => configured,
            bytes => configured.min((room / bytes).max(1) as u32),
        }
    }

    /// What the table's indexes are for.
    pub fn wishes(&self) -> Wishes {
        let content = &self.config.source.content;
        let texts = self
            .schema
            .payload_columns()
            .any(|(name, kind)| name == content && kind == ColumnType::String);
        Wishes {
            distance: self.distance,
            text: texts.then(|| content.clone()),
        }
    }
}

/// Opens a job: lock, source, embedder, target, journal; then checks that they fit. The target comes apart from the
/// rest, because the writer alone will own it.
///
/// # Errors
/// One sentence with the way out. Nothing was written but the state directory; not even that for those who only look.
pub async fn open(config: Arc<Config>, options: &Options) -> anyhow::Result<(Opening, Target)> {
    let job = config.job(options.state.as_deref());
    let source_key = config.source_key()?;
    for (modality, _) in config.embed.all() {
        config.embed_key(modality)?;
    }
    // An embedded Qdrant is open in one process at a time, whatever that does with it. Whoever only looks makes no
    // directory for that: where there is none, nobody has begun.
    let mut lock = if options.look_only && (config.embedded_dir().is_none() || !job.dir.exists()) {
        None
    } else {
        Some(Lock::take(&job.dir)?)
    };
    #[cfg(feature = "embedded")]
    let embedded = match config.embedded_dir() {
        Some(dir) if options.look_only && !dir.is_dir() => {
            bail!(
                "source.url: {} is no directory; name that of an embedded Qdrant",
                dir.display()
            )
        }
        Some(dir) => Some(EmbeddedQdrant::start(&dir).await?),
        None => None,
    };
    #[cfg(feature = "embedded")]
    let url = embedded
        .as_ref()
        .map_or_else(|| config.source.url.clone(), EmbeddedQdrant::url);
    #[cfg(not(feature = "embedded"))]
    let url = {
        if config.embedded_dir().is_some() {
            bail!("source.url: this qlance was built without the embedded Qdrant (feature `embedded`)");
        }
        config.source.url.clone()
    };
    let source = Source::new(&url, &config.source, source_key.as_ref())?.with_patience(config.pipeline.outage_patience);
    // One waits for Qdrant, the other for certificates and models from the disk.
    let facts = async { anyhow::Ok(source.facts().await?) };
    let (collection, (mut made, teaching)) = tokio::try_join!(facts, embedders(&config))?;
    let compared = compared_size(&config, &collection)?;
    let columns = columns(&config, &made, compared)?;
    let compares = compared_vectors(&config, &collection, &made, compared);
    let directory = job.dir.clone();
    // Of a job that was never begun there is nothing to read, and whoever only looks leaves nothing behind.
    let unbegun = options.look_only && !Journal::exists(&directory);
    let journal = tokio::task::spawn_blocking(move || {
        if unbegun {
            Journal::in_memory()
        } else {
            Journal::open(&directory)
        }
    });
    let journal = journal.await??;
    let journal = journal::Shared::new(journal);
    let had_table = journal.run(|journal| journal.has_table()).await?;
    let mut target = connect(&config, had_table, lock.as_mut(), options, &job.dir).await?;
    let found = target.open().await?;
    let (existing, adopted_rows) = match found {
        None if had_table => return Err(gone(&config, &job.dir).into()),
        None => (None, 0),
        Some(found) => accept(&config, &job.id, found, &columns, options.adopt)?,
    };
    let resumed = matches!(&existing, Some((_, Some(_))));
    let added = |schema| vectors::added_to(schema, &config, &collection, &compares);
    let draw = |at_hand| new_ranges(&config, &source, &journal, at_hand, !options.look_only);
    let begin = |ranges| Checkpoint::new(&job.id, adopted_rows, ranges);
    let (schema, checkpoint) = match existing {
        Some((schema, Some(checkpoint))) => (added(schema)?, checkpoint),
        Some((schema, None)) => (added(schema)?, begin(draw(Vec::new()).await?)),
        None => {
            let sample = sample(&source).await?;
            let ids = sample.iter().map(id_of).collect();
            let schema = new_schema(&config, sample, &collection, &columns, &compares)?;
            (schema, begin(draw(ids).await?))
        }
    };
    let schema = columns.added_to(schema);
    if resumed && !had_table && !options.look_only {
        journal.run(Journal::set_table).await?;
    }
    let counts = if options.look_only {
        journal.run(|journal| journal.counts()).await?
    } else {
        reconcile(&journal, &target, &checkpoint, options.mend).await?
    };
    if let Some(chosen) = options.refuse_once {
        refuse_once(&mut made, chosen, &journal, &source, &config.source.content).await?;
    }
    let spent = journal.run(|journal| journal.spent()).await?;
    let spools = (!options.look_only).then(|| job.dir.join("spool"));
    let patience = config.pipeline.outage_patience;
    let gateways = tokio::task::spawn_blocking(move || Gateways::open(made, patience, spools.as_deref())).await??;
    let dimensions = schema.embedding().map_or(0, |(_, dimensions)| dimensions);
    let comparable = comparable(&config, compared, dimensions);
    let spaces = if gateways.is_empty() {
        columns.all()[EMBEDDING].to_string()
    } else {
        gateways.spaces()
    };
    let facts = JobFacts {
        job: job.id.clone(),
        collection: config.source.collection.clone(),
        qdrant_version: collection.version.clone(),
        table: format!("{}/{}", config.target.uri, config.target.table),
        space: spaces.clone(),
        content: config.source.content.clone(),
        comparable,
        points: collection.points,
        resumed,
        state_dir: job.dir.display().to_string(),
    };
    let recipe = Recipe {
        plan: plan(&config, &gateways),
        media: media_room(&config).await?,
        columns: Arc::new(columns),
        compared: Arc::new(compares),
        gateways,
    };
    let opening = Opening {
        recipe,
        teaching,
        distance: distance_of(&config, &collection),
        lock,
        journal,
        source,
        #[cfg(feature = "embedded")]
        embedded,
        collection,
        schema,
        checkpoint,
        counts,
        spent,
        resumed,
        facts,
        state_dir: job.dir,
        config,
    };
    Ok((opening, target))
}
