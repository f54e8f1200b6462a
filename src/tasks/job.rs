//! Opening a job: everything that must be right before anything is written. Each thing that is not says so in one
//! sentence, with the way out.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use lancedb::DistanceType;

use super::JobFacts;
use super::lock::Lock;
use super::prepare::Plan;
use super::reconcile::reconcile;
use super::writer::Limits;
use crate::config::{Config, Profile, Provider};
use crate::embed::refuse_once::RefuseOnce;
use crate::embed::spool::Spool;
use crate::embed::{self, Gateway, Space};
use crate::journal::{self, Counts, Journal, Spent};
use crate::lance::{Checkpoint, Opened, TableSchema, Target, TargetError, VectorColumn};
use crate::point::{IdRange, Payload, PointId, RangeProgress};
#[cfg(feature = "embedded")]
use crate::qdrant::embedded::EmbeddedQdrant;
use crate::qdrant::source::{Distance, Wanted};
use crate::qdrant::{CollectionFacts, ReadPoint, Source, VectorKind};

/// Payloads looked at before the first point is read.
const SAMPLE: u64 = 500;
/// Ids drawn for each range's boundary: enough that ranges differ by some tens of percent at most.
const IDS_A_RANGE: u64 = 64;

/// How a job is opened.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Another state directory than `.qlance` beside the configuration.
    pub state: Option<PathBuf>,
    /// Take over a table that another job made.
    pub adopt: bool,
    /// Only look: nothing is written, and a run that holds the job meanwhile is not disturbed.
    pub look_only: bool,
    /// The demo's refusals, see [`RefuseOnce`].
    pub refuse_once: Option<fn(&str) -> bool>,
}

/// A job that is ready to run. The lock is held as long as this lives.
pub struct Opening {
    /// The configuration.
    pub config: Arc<Config>,
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
    /// The space of the new embeddings.
    pub space: Space,
    /// Who makes them; `None` carries vectors over.
    pub gateway: Option<Arc<Gateway>>,
    /// What is embedded.
    pub plan: Plan,
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
    /// What bounds a commit: the configured sizes, and never more than half of what may be in hand, so that a group
    /// that waits for more cannot starve the readers.
    pub fn limits(&self) -> Limits {
        let target = &self.config.target;
        Limits {
            rows: target.commit_rows,
            bytes: (target.commit_mib << 20).min(self.config.pipeline.in_hand_mib << 19),
            age: Duration::from_secs(target.commit_seconds),
        }
    }
}

/// Opens a job: lock, source, embedder, target, journal; then checks that they fit. The target comes apart from the
/// rest, because the writer alone will own it.
///
/// # Errors
/// One sentence with the way out. Nothing was written but the state directory.
pub async fn open(config: Arc<Config>, options: &Options) -> anyhow::Result<(Opening, Target)> {
    let job = config.job(options.state.as_deref());
    let source_key = config.source_key()?;
    let embed_key = config.embed_key()?;
    // An embedded Qdrant is open in one process at a time, whatever that does with it.
    let lock = if options.look_only && config.embedded_dir().is_none() {
        None
    } else {
        Some(Lock::take(&job.dir)?)
    };
    #[cfg(feature = "embedded")]
    let embedded = match config.embedded_dir() {
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
    let collection = source.facts().await?;
    let compared = compared_size(&config, &collection)?;
    let making = Arc::clone(&config);
    let embedder = tokio::task::spawn_blocking(move || embed::text_embedder(&making, embed_key)).await??;
    let embedder = match options.refuse_once {
        Some(chosen) => embedder.map(|inner| Arc::new(RefuseOnce::new(inner, chosen)) as Arc<dyn embed::Embedder>),
        None => embedder,
    };
    let (space, plan) = space_and_plan(&config, embedder.as_deref(), compared)?;
    let mut target = Target::connect(&config.target_uri(), &config.target.table, !options.look_only).await?;
    let found = target.open().await?;
    let (existing, adopted_rows) = match found {
        None => (None, 0),
        Some(found) => accept(&config, &job.id, found, &space, options.adopt)?,
    };
    let directory = job.dir.clone();
    let journal = tokio::task::spawn_blocking(move || Journal::open(&directory)).await??;
    let journal = journal::Shared::new(journal);
    let schema = match existing.as_ref() {
        Some((schema, _)) => schema.clone(),
        None => new_schema(&config, &source, &collection, space.dimensions).await?,
    };
    let earlier = existing.and_then(|(_, checkpoint)| checkpoint);
    let resumed = earlier.is_some();
    let checkpoint = match earlier {
        Some(checkpoint) => checkpoint,
        None => {
            let keep = !options.look_only;
            let ranges = new_ranges(&config, &source, &journal, keep).await?;
            Checkpoint::new(&job.id, adopted_rows, ranges)
        }
    };
    let counts = if options.look_only {
        journal.run(|journal| journal.counts()).await?
    } else {
        reconcile(&journal, &target, &checkpoint).await?
    };
    let spent = journal.run(|journal| journal.spent()).await?;
    let facts = JobFacts {
        job: job.id.clone(),
        collection: config.source.collection.clone(),
        qdrant_version: collection.version.clone(),
        table: format!("{}/{}", config.target.uri, config.target.table),
        space: space.to_string(),
        content: config.source.content.clone(),
        comparable: comparable(&config, compared, space.dimensions),
        points: collection.points,
        resumed,
        state_dir: job.dir.display().to_string(),
    };
    let gateway = match embedder {
        Some(embedder) => {
            let spool_dir = (!options.look_only).then(|| job.dir.join("spool"));
            Some(Arc::new(gateway_before(embedder, &config, spool_dir).await?))
        }
        None => None,
    };
    let opening = Opening {
        gateway,
        distance: distance_of(&config, &collection),
        lock,
        journal,
        source,
        #[cfg(feature = "embedded")]
        embedded,
        collection,
        schema,
        space,
        plan,
        checkpoint,
        counts,
        spent,
        resumed,
        facts,
        config,
    };
    Ok((opening, target))
}

/// The gateway with its spool. What an earlier run paid for and did not commit is taken from there.
async fn gateway_before(
    embedder: Arc<dyn embed::Embedder>,
    config: &Config,
    spool_dir: Option<PathBuf>,
) -> anyhow::Result<Gateway> {
    let space = embedder.capabilities().space.clone();
    let gateway = Gateway::new(embedder, &config.embed.text).with_patience(config.pipeline.outage_patience);
    let mib = config.embed.text.spool_mib;
    if let Some(dir) = spool_dir.filter(|_| mib > 0 && config.embed.text.provider == Provider::Openai) {
        let spool = tokio::task::spawn_blocking(move || Spool::open(&dir, &space, mib << 20)).await??;
        gateway.keep_in(spool);
    }
    Ok(gateway)
}

/// The size of the vector to compare with; `None` where the collection has no dense vectors at all.
fn compared_size(config: &Config, collection: &CollectionFacts) -> anyhow::Result<Option<usize>> {
    let wanted = &config.source.vector;
    match collection.vectors.get(wanted) {
        Some(VectorKind::Dense { size, .. }) => return Ok(Some(*size)),
        Some(_) => bail!("source.vector: {wanted:?} is no dense vector; only dense vectors can be compared"),
        None => {}
    }
    let dense: Vec<&str> = collection
        .vectors
        .iter()
        .filter(|(_, kind)| matches!(kind, VectorKind::Dense { .. }))
        .map(|(name, _)| {
            if name.is_empty() {
                "\"\" (the unnamed one)"
            } else {
                name.as_str()
            }
        })
        .collect();
    if dense.is_empty() && wanted.is_empty() && config.embed.text.provider != Provider::Carry {
        return Ok(None);
    }
    let asked = if wanted.is_empty() {
        "an unnamed vector".into()
    } else {
        format!("a vector {wanted:?}")
    };
    bail!(
        "source.vector: collection {:?} has no {}; its dense vectors: {}",
        config.source.collection,
        asked.trim_start_matches("an ").trim_start_matches("a "),
        if dense.is_empty() {
            "none".into()
        } else {
            dense.join(", ")
        }
    )
}

/// Whether the cosine of a new embedding and Qdrant's vector means something; else why not.
fn comparable(config: &Config, compared: Option<usize>, dimensions: usize) -> Result<(), String> {
    match (config.divergence.same_space, compared) {
        (Some(false), _) => Err("divergence.same_space says that the spaces differ".into()),
        (_, None) => Err("the collection has no dense vector to compare with".into()),
        (_, Some(size)) if size != dimensions => Err(format!(
            "Qdrant's vectors have {size} numbers, the new embeddings {dimensions}"
        )),
        _ => Ok(()),
    }
}

fn space_and_plan(
    config: &Config,
    embedder: Option<&dyn embed::Embedder>,
    compared: Option<usize>,
) -> anyhow::Result<(Space, Plan)> {
    if let Some(embedder) = embedder {
        let plan = Plan::Embed {
            content: config.source.content.clone(),
        };
        return Ok((embedder.capabilities().space.clone(), plan));
    }
    let vector = config.source.vector.clone();
    let space = Space {
        provider: "carried".into(),
        model: format!("{}/{vector}", config.source.collection),
        dimensions: compared.context("the collection has no vector to carry over")?,
        prefix: String::new(),
        normalised: false,
    };
    Ok((space, Plan::Carry { vector }))
}

type Existing = (Option<(TableSchema, Option<Checkpoint>)>, u64);

/// Whether a table that is there may be written by this job, and from where on.
fn accept(config: &Config, job: &str, found: Opened, space: &Space, adopt: bool) -> anyhow::Result<Existing> {
    let (uri, table) = (config.target_uri(), config.target.table.clone());
    let ours = found.job.as_deref() == Some(job)
        || found
            .checkpoint
            .as_ref()
            .is_some_and(|checkpoint| checkpoint.job == job);
    if !ours && !adopt {
        let owner = match &found.job {
            Some(other) => format!("another job ({other})"),
            None => "something else than qlance".into(),
        };
        return Err(TargetError::Foreign { uri, table, owner }.into());
    }
    let unusable = |message: String| TargetError::Unusable {
        uri: uri.clone(),
        table: table.clone(),
        message,
    };
    let schema = found.schema.map_err(|error| unusable(error.to_string()))?;
    let made = serde_json::to_string(space)?;
    match found.space {
        Some(held) if held == made => {}
        held => {
            let held = held.and_then(|text| serde_json::from_str::<Space>(&text).ok());
            return Err(TargetError::OtherSpace {
                table,
                held: held.map_or_else(|| "an unknown space".into(), |held| held.to_string()),
                made: space.to_string(),
            }
            .into());
        }
    }
    if ours {
        return Ok((Some((schema, found.checkpoint)), 0));
    }
    Ok((Some((schema, None)), found.rows))
}

/// The columns of a table that is not there yet.
async fn new_schema(
    config: &Config,
    source: &Source,
    collection: &CollectionFacts,
    dimensions: usize,
) -> anyhow::Result<TableSchema> {
    let sample: Vec<Payload> = source
        .sample(SAMPLE, Wanted::Payloads)
        .await?
        .into_iter()
        .filter_map(Result::ok)
        .map(|point| point.payload)
        .collect();
    let content = &config.source.content;
    let embeds = config.embed.text.provider != Provider::Carry;
    if embeds && !sample.is_empty() && !sample.iter().any(|payload| payload.contains_key(content)) {
        let mut keys: Vec<&str> = sample
            .iter()
            .flat_map(|payload| payload.keys().map(String::as_str))
            .collect();
        keys.sort_unstable();
        keys.dedup();
        keys.truncate(20);
        bail!(
            "source.content: none of {} sampled points has a payload field {content:?}; their fields: {}",
            sample.len(),
            if keys.is_empty() {
                "none".into()
            } else {
                keys.join(", ")
            }
        );
    }
    let vectors: BTreeMap<String, VectorColumn> = collection
        .vectors
        .iter()
        .filter(|(name, _)| config.target.keep_source_vector || **name != config.source.vector)
        .map(|(name, kind)| {
            let kind = match kind {
                VectorKind::Dense { size, .. } => VectorColumn::Dense(*size),
                VectorKind::Sparse => VectorColumn::Sparse,
                VectorKind::Multi { size, .. } => VectorColumn::Multi(*size),
            };
            (name.clone(), kind)
        })
        .collect();
    Ok(match config.target.profile {
        Profile::Choir => TableSchema::choir(dimensions, &vectors),
        Profile::Inferred => TableSchema::inferred(&sample, &config.columns, dimensions, &vectors),
    })
}

/// The ranges of a new job: those of the journal, or new ones from a random sample of ids.
async fn new_ranges(
    config: &Config,
    source: &Source,
    journal: &journal::Shared,
    keep: bool,
) -> anyhow::Result<Vec<RangeProgress>> {
    let kept = journal.run(|journal| journal.ranges()).await?;
    let ranges = if let Some(ranges) = kept {
        ranges
    } else {
        let wanted = config.source.ranges;
        let ids: Vec<PointId> = match wanted {
            1 => Vec::new(),
            _ => source
                .sample(wanted as u64 * IDS_A_RANGE, Wanted::Ids)
                .await?
                .into_iter()
                .map(|point: ReadPoint| match point {
                    Ok(point) => point.id,
                    Err((id, _)) => id,
                })
                .collect(),
        };
        let ranges = IdRange::split(ids, wanted);
        let drawn = ranges.clone();
        if keep {
            journal.run(move |journal| journal.set_ranges(&drawn)).await?;
        }
        ranges
    };
    Ok(ranges.into_iter().map(RangeProgress::new).collect())
}

/// The index's distance: Qdrant's. Manhattan has no counterpart in LanceDB; Euclid is the nearest.
fn distance_of(config: &Config, collection: &CollectionFacts) -> DistanceType {
    match collection.vectors.get(&config.source.vector) {
        Some(VectorKind::Dense { distance, .. }) => match distance {
            Distance::Cosine => DistanceType::Cosine,
            Distance::Dot => DistanceType::Dot,
            Distance::Euclid | Distance::Manhattan => DistanceType::L2,
        },
        _ => DistanceType::Cosine,
    }
}
