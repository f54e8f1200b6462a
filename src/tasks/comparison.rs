//! Both stores under the same queries: how long one takes, how many a second, how much the index misses, what lies on
//! the disk; and which settings of LanceDB's index reach a recall.
//!
//! Reads both stores and writes nothing but the last comparison, beside the journal ([`kept`]). Every contender (a
//! store searched exactly or through its index) has a connection of its own; all take turns, so that noise hits them
//! alike.
//!
//! ```text
//! queries -> cold: the first query of each -> warm-up -> latency -> throughput -> recall -> sweep
//! (drawn rows; each store is asked by its own vector of the point)   (latency to recall: every contender in turn)
//! ```

mod code;
mod contender;
mod disk;
pub mod kept;
mod latency;
mod notes;
mod queries;
mod recall;
mod result;
mod sweep;
mod throughput;

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use lancedb::Table;
use tokio_util::sync::CancellationToken;

use super::inspect::Inspector;
use super::job::Opening;
use super::search::NO_TABLE;
use crate::lance::audit::Pinned;
use crate::lance::search::{VectorIndex, vector_index};
use crate::qdrant::CollectionFacts;
#[cfg(feature = "embedded")]
use crate::qdrant::embedded::EmbeddedQdrant;
use contender::Contender;
use queries::{Drawn, Query};

pub use queries::places;
pub use result::{
    Code, Comparison, DiskBytes, IndexFacts, Latency, Measured, Mode, PerSecond, Recall, Setting, Store, Tried,
};

/// Why a comparison did not come to its end.
pub const STOPPED: &str = "stopped by the operator; nothing was kept";

/// What is to be compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Wish {
    /// Queries at most.
    pub queries: usize,
    /// Results of each.
    pub count: usize,
    /// Queries in flight at once, one figure each.
    pub concurrency: Vec<usize>,
    /// Whether settings of LanceDB's index are tried.
    pub sweep: bool,
    /// The mean recall@k that a setting has to reach, 0 to 1.
    pub recall: f64,
    /// What is drawn at random is drawn by this.
    pub seed: u64,
}

/// How far a comparison is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The first query of each contender.
    Cold,
    /// Queries that are not measured.
    WarmUp,
    /// One query at a time.
    Latency,
    /// Several at once.
    Throughput,
    /// Answers held against exact ones.
    Recall,
    /// Settings of the index.
    Sweep,
}

impl Stage {
    /// What is said while it goes on.
    pub fn label(self) -> &'static str {
        match self {
            Self::Cold => "first queries",
            Self::WarmUp => "warm-up",
            Self::Latency => "latency",
            Self::Throughput => "queries a second",
            Self::Recall => "recall",
            Self::Sweep => "index settings",
        }
    }
}

type Tell<'a> = dyn Fn(Stage, usize, usize) + Send + Sync + 'a;

/// What a comparison needs. Cloning is cheap.
#[derive(Clone)]
pub struct Comparer {
    inspector: Inspector,
    collection: CollectionFacts,
    /// Qdrant's address; that of the embedded one where it is.
    url: String,
    /// The job's state directory.
    state_dir: PathBuf,
}

impl Comparer {
    /// Of an open job.
    pub fn of(opening: &Opening, inspector: Inspector) -> Self {
        let url = opening.config.source.url.clone();
        #[cfg(feature = "embedded")]
        let url = opening.embedded.as_ref().map_or(url, EmbeddedQdrant::url);
        Self {
            inspector,
            collection: opening.collection.clone(),
            url,
            state_dir: opening.state_dir.clone(),
        }
    }
}

/// Compares; `tell` hears how far each stage is, of how much.
///
/// # Errors
/// There is no table or no row to ask with, a store cannot be asked, or it was stopped ([`STOPPED`]).
pub async fn compare(
    comparer: &Comparer,
    wish: &Wish,
    tell: impl Fn(Stage, usize, usize) + Send + Sync,
    stop: CancellationToken,
) -> anyhow::Result<Comparison> {
    let work = compared(comparer, wish, &tell);
    tokio::select! {
        biased;
        () = stop.cancelled() => anyhow::bail!(STOPPED),
        result = work => result,
    }
}

async fn compared(comparer: &Comparer, wish: &Wish, tell: &Tell<'_>) -> anyhow::Result<Comparison> {
    let began_at = super::now_ms();
    let table = comparer.inspector.table().context(NO_TABLE)?;
    let pinned = Pinned::of(&table).await?;
    let column = comparer.inspector.schema.embedding();
    let column = column.context("the table has no column of embeddings")?.0.to_owned();
    let Drawn {
        queries,
        vector,
        other_space,
        mut notes,
    } = queries::draw(comparer, &pinned, &column, wish.queries, wish.seed).await?;
    let queries: Arc<[Query]> = queries.into();
    let coverage = pinned.coverage(&column).await?;

    let contenders = contenders(comparer, &column, vector.as_deref(), coverage.indexed).await?;
    // The point that asks is among the answers, and is none.
    let count = wish.count + 1;
    let timed = latency::measure(&contenders, &queries, count, tell).await?;
    let per_second = throughput::measure(&contenders, &queries, count, &wish.concurrency, tell).await?;
    let recalls = recall::measure(&contenders, &queries, wish.count, tell).await?;
    let mut stores = Vec::with_capacity(contenders.len());
    let figures = timed.into_iter().zip(per_second).zip(recalls);
    for (contender, ((timed, per_second), recall)) in contenders.iter().zip(figures) {
        stores.push(Measured {
            store: contender.store,
            mode: contender.mode,
            cold_ms: Some(result::milliseconds(timed.cold)),
            latency_ms: Latency::of(&timed.warm).context("no query was asked")?,
            per_second,
            recall,
        });
    }

    let index = if coverage.indexed {
        vector_index(&table, &column).await?
    } else {
        None
    };
    let sweep = match &index {
        Some(index) if wish.sweep => swept(&contenders, index, &queries, wish, tell).await?,
        _ => Vec::new(),
    };
    let code = sweep.iter().find(|tried| tried.chosen);
    let code = code.map(|tried| code_of(comparer, &column, wish.count, tried.setting()));
    let disk_bytes = disk::measure(comparer, &table).await?;
    notes.extend(notes::of_method(other_space.as_deref(), queries.len()));
    let of_kind = |index: &VectorIndex| kept::index_seconds(&comparer.state_dir, &index.kind);
    let index_seconds = index.as_ref().and_then(of_kind);
    notes.extend(notes::of_index(&coverage, index_seconds, wish.sweep));
    notes.extend(notes::of_sweep(&sweep, wish.recall));
    notes.extend(notes::of_disk(disk_bytes, &pinned).await?);
    if vector.is_some() {
        notes.extend(notes::of_qdrant(comparer).await);
    }
    notes.extend(written_meanwhile(&pinned, &table).await?);
    Ok(Comparison {
        began_at,
        queries: queries.len(),
        k: wish.count,
        seed: wish.seed,
        same_space: other_space.is_none() && vector.is_some(),
        column,
        vector: vector.unwrap_or_default(),
        stores,
        disk_bytes,
        index_seconds,
        index: index.map(|index| IndexFacts {
            kind: index.kind,
            rows: coverage.rows,
            unindexed: coverage.unindexed,
        }),
        sweep,
        code,
        notes,
    })
}

/// Everyone that is measured, each through a connection of its own.
async fn contenders(
    comparer: &Comparer,
    column: &str,
    vector: Option<&str>,
    indexed: bool,
) -> anyhow::Result<Vec<Contender>> {
    let mut contenders = vec![Contender::lancedb(comparer, column, Mode::Exact).await?];
    if indexed {
        contenders.push(Contender::lancedb(comparer, column, Mode::Index).await?);
    }
    if let Some(vector) = vector {
        contenders.push(Contender::qdrant(comparer, vector, Mode::Exact)?);
        contenders.push(Contender::qdrant(comparer, vector, Mode::Index)?);
    }
    Ok(contenders)
}

async fn swept(
    contenders: &[Contender],
    index: &VectorIndex,
    queries: &[Query],
    wish: &Wish,
    tell: &Tell<'_>,
) -> anyhow::Result<Vec<Tried>> {
    let of_lancedb = |mode: Mode| {
        let mut contenders = contenders.iter();
        contenders.find(move |one| one.store == Store::Lancedb && one.mode == mode)
    };
    let Some(both) = of_lancedb(Mode::Index).zip(of_lancedb(Mode::Exact)) else {
        return Ok(Vec::new());
    };
    sweep::run(both, index, queries, (wish.count, wish.recall), tell).await
}

fn code_of(comparer: &Comparer, column: &str, k: usize, setting: Setting) -> Code {
    let config = &comparer.inspector.config;
    let asked = code::Asked {
        uri: &config.target_uri(),
        table: &config.target.table,
        column,
        distance: comparer.inspector.wishes.distance_of(column),
        k,
    };
    code::code(&asked, setting)
}

/// Whether somebody wrote to the table: then not all queries went through the same rows.
async fn written_meanwhile(pinned: &Pinned, table: &Table) -> anyhow::Result<Option<String>> {
    let (began, newest) = (pinned.version(), pinned.newest_version().await?);
    let name = table.name();
    Ok((began != newest).then(|| {
        format!(
            "{name} was written to meanwhile (version {began} to {newest}); compare again when nothing writes to it"
        )
    }))
}
