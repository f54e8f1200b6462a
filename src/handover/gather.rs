//! Looks at everything once: the job, the table, and what the last verification and the last comparison left in the
//! state directory.

use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;
use lancedb::{DistanceType, Table};
use serde::Deserialize;

use super::code::{Access, AskedBy, Column, Key, Metric, Server, Tuning};
use super::facts::{Compared, Facts, Indexed, Kept, Verified};
use crate::config::{ColumnType, Config, EmbedConfig, Provider, without_credentials};
use crate::embed::Space;
use crate::lance::audit::Pinned;
use crate::lance::index::MIN_INDEXED_ROWS;
use crate::lance::schema::EMBEDDING;
use crate::lance::{Role, Target};
use crate::point::Modality;
use crate::point::verdict::Outcome;
use crate::tasks::job::Opening;
use crate::tasks::now_ms;
use crate::tasks::verify::{CheckId, Verification, gone, kept};

/// The last comparison, in the job's state directory.
const COMPARISON: &str = "comparison.json";
/// Bytes of it that are read at most.
const MOST_BYTES: u64 = 4 << 20;

/// Of a comparison, what the handover needs; what is more is left alone.
#[derive(Debug, Deserialize)]
struct Comparison {
    began_at: i64,
    #[serde(default)]
    column: String,
    #[serde(default)]
    sweep: Vec<Tried>,
}

/// Settings of an index that were tried.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Tried {
    nprobes: Option<usize>,
    refine_factor: Option<u32>,
    ef: Option<usize>,
    chosen: bool,
}

/// The facts of a job, and what its code is filled in with. `qlance` is how the program is called for it.
///
/// # Errors
/// The table is there and cannot be read, or the failed points cannot be looked for in Qdrant.
pub async fn gather(opening: &Opening, target: &Target, qlance: String) -> anyhow::Result<(Facts, Access)> {
    let config = &opening.config;
    let comparison = comparison_in(&opening.state_dir);
    let seen = match target.table() {
        Some(table) => Some(look(opening, table).await?),
        None => None,
    };
    let indexes = seen
        .as_ref()
        .map_or_else(|| Ok(Vec::new()), |seen| seen.indexes.clone());
    let there = |name: &str| {
        let mut all = indexes.iter().flatten();
        all.any(|(column, index)| column == name && index.there)
    };
    let access = access(opening, &comparison, there);
    let checkpoint = &opening.checkpoint;
    let gone = gone(&opening.journal, &opening.source).await?;
    let facts = Facts {
        qlance,
        collection: config.source.collection.clone(),
        job: opening.facts.job.clone(),
        now: now_ms(),
        uri: access.uri.clone(),
        table: access.table.clone(),
        version: seen.as_ref().map(|seen| seen.version),
        version_at: seen.as_ref().map_or(0, |seen| seen.version_at),
        versions: seen.as_ref().map_or(0, |seen| seen.versions),
        tagged: target.table().is_some() && target.version_before(&opening.facts.job).await?.is_some(),
        ranges_done: checkpoint.ranges.iter().filter(|range| range.done).count() as u64,
        ranges: checkpoint.ranges.len() as u64,
        points: opening.facts.points,
        rows: seen.as_ref().map_or(0, |seen| seen.rows),
        adopted_rows: checkpoint.adopted_rows,
        failed: opening.counts.failed,
        skipped: opening.counts.skipped,
        failed_gone: gone.failed,
        skipped_gone: gone.skipped,
        verified: verified(kept::kept(&opening.state_dir)),
        compared: match &comparison {
            Ok(None) => Kept::None,
            Ok(Some(found)) => Kept::There(Compared {
                began_at: found.began_at,
            }),
            Err(error) => Kept::Unreadable(format!("{error:#}")),
        },
        indexes: indexes.map(|all| all.into_iter().map(|(_, index)| index).collect()),
        builds_indexes: config.pipeline.index,
    };
    Ok((facts, access))
}

/// What the table says of itself.
struct Seen {
    version: u64,
    version_at: i64,
    versions: u64,
    rows: u64,
    /// By column.
    indexes: Result<Vec<(String, Indexed)>, String>,
}

async fn look(opening: &Opening, table: &Table) -> anyhow::Result<Seen> {
    let pinned = Pinned::of(table).await?;
    let figures = pinned.figures().await?;
    let dataset = table
        .dataset()
        .context("the table is not a local or object-store table")?;
    let version_at = dataset.get().await?.version().timestamp.timestamp_millis();
    Ok(Seen {
        version: figures.version,
        version_at,
        versions: figures.versions,
        rows: figures.rows,
        indexes: indexes(opening, &pinned).await.map_err(|error| format!("{error:#}")),
    })
}

/// Every index that qlance builds, with what it covers.
async fn indexes(opening: &Opening, pinned: &Pinned) -> anyhow::Result<Vec<(String, Indexed)>> {
    let mut due = vec![("id".to_owned(), "index on id".to_owned(), 1)];
    due.extend(opening.schema.embeddings().map(|(column, _)| {
        let name = format!("vector index on {column}");
        (column.to_owned(), name, MIN_INDEXED_ROWS)
    }));
    due.extend(opening.wishes().text.map(|column| {
        let name = format!("keyword index on {column}");
        (column, name, 1)
    }));
    let mut found = Vec::with_capacity(due.len());
    for (column, name, least) in due {
        let coverage = pinned.coverage(&column).await?;
        let index = Indexed {
            name,
            there: coverage.indexed,
            needless: coverage.rows < least,
            uncovered: if coverage.indexed { coverage.unindexed } else { 0 },
        };
        found.push((column, index));
    }
    Ok(found)
}

fn verified(found: anyhow::Result<Option<Verification>>) -> Kept<Verified> {
    let found = match found {
        Ok(Some(found)) => found,
        Ok(None) => return Kept::None,
        Err(error) => return Kept::Unreadable(format!("{error:#}")),
    };
    let whole = |id| {
        let check = found.check(id);
        check.is_some_and(|check| check.outcome == Outcome::Pass && check.sample.is_none())
    };
    Kept::There(Verified {
        decision: found.decision,
        version: found.table_version,
        points: found.points,
        sample: found.sample,
        all_the_same: found.sample.is_none() && whole(CheckId::Ids) && whole(CheckId::Payloads),
        began_at: found.began_at,
        reasons: found.reasons,
    })
}

fn comparison_in(directory: &Path) -> anyhow::Result<Option<Comparison>> {
    let path = directory.join(COMPARISON);
    let said = || format!("{} holds no comparison; compare again", path.display());
    match std::fs::metadata(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(said),
        Ok(found) => anyhow::ensure!(found.len() <= MOST_BYTES, "{}", said()),
    }
    let text = std::fs::read(&path).with_context(said)?;
    serde_json::from_slice(&text).map(Some).with_context(said)
}

fn access(
    opening: &Opening,
    comparison: &anyhow::Result<Option<Comparison>>,
    indexed: impl Fn(&str) -> bool,
) -> Access {
    let config = &opening.config;
    let uri = without_credentials(&config.target_uri());
    let mut left_out = uri != config.target_uri();
    let wishes = opening.wishes();
    let spaces = opening.recipe.columns.all();
    let mut columns: Vec<Column> = Vec::new();
    for (name, dimensions) in opening.schema.embeddings() {
        let space = spaces.get(name).copied();
        let (asked_by, stripped) = asked_by(opening, space);
        left_out |= stripped;
        let holds = Modality::ALL
            .into_iter()
            .filter(|m| opening.recipe.columns.of(*m) == Some(name));
        columns.push(Column {
            name: name.to_owned(),
            dimensions,
            metric: match wishes.distance_of(name) {
                DistanceType::Cosine => Metric::Cosine,
                DistanceType::Dot => Metric::Dot,
                _ => Metric::L2,
            },
            indexed: indexed(name),
            normalised: space.is_some_and(|space| space.normalised),
            space: space.map_or_else(|| "an unknown space".to_owned(), ToString::to_string),
            holds: holds.map(Modality::as_str).collect(),
            asked_by,
        });
    }
    columns.sort_by_key(|column| column.name != EMBEDDING);
    let main = columns.first().map_or(EMBEDDING, |column| column.name.as_str());
    let tuning = comparison.as_ref().ok().and_then(Option::as_ref);
    let tuning = tuning.and_then(|found| tuning_of(found, main)).unwrap_or_default();
    Access {
        job: opening.facts.job.clone(),
        uri,
        left_out,
        table: config.target.table.clone(),
        content: wishes.text.filter(|column| indexed(column)),
        filter: filter_column(opening),
        jsons: jsons(opening),
        columns,
        tuning,
    }
}

/// The settings that a comparison chose for a column.
fn tuning_of(comparison: &Comparison, column: &str) -> Option<Tuning> {
    let chosen = comparison.sweep.iter().find(|tried| tried.chosen)?;
    (comparison.column.is_empty() || comparison.column == column).then_some(Tuning {
        nprobes: chosen.nprobes,
        refine_factor: chosen.refine_factor,
        ef: chosen.ef,
    })
}

/// A column of strings to filter by: the thread where there is one, else the first. Names that SQL would have to escape
/// are passed over.
fn filter_column(opening: &Opening) -> Option<String> {
    let texts = || {
        let strings = opening
            .schema
            .payload_columns()
            .filter(|(_, kind)| *kind == ColumnType::String);
        let plain = |name: &str| name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        let content = opening.config.source.content.as_str();
        strings
            .map(|(name, _)| name)
            .filter(move |name| plain(name) && *name != content && *name != "media_url")
    };
    texts()
        .find(|name| *name == "thread_id")
        .or_else(|| texts().next())
        .map(str::to_owned)
}

fn jsons(opening: &Opening) -> Vec<String> {
    let columns = opening.schema.columns().iter();
    let mut names: Vec<(bool, String)> = columns
        .filter(|column| {
            matches!(
                column.role,
                Role::Payload(ColumnType::Json | ColumnType::Extra) | Role::Extra
            )
        })
        .map(|column| (column.role == Role::Extra, column.name.clone()))
        .collect();
    names.sort_by_key(|(last, _)| *last);
    names.into_iter().map(|(_, name)| name).collect()
}

/// Who embeds a query for a column of this space, and whether credentials were left out of an address.
fn asked_by(opening: &Opening, space: Option<&Space>) -> (AskedBy, bool) {
    let config = &opening.config;
    let gateways = &opening.recipe.gateways;
    if gateways.is_empty() {
        return (AskedBy::Nobody(carried(config)), false);
    }
    let of_space = |modality: &Modality| {
        let own = gateways.space_of(*modality);
        own.zip(space).is_some_and(|(own, space)| own.shares(space))
    };
    let found = Modality::ALL.into_iter().find(of_space);
    match found.and_then(|modality| config.embed.of(modality)) {
        Some(embed) => by_config(config, embed),
        None => {
            let why = "The configuration names no embedder of this space: a query must be embedded by the model \
                       that made \
                       the column's vectors.";
            (AskedBy::Nobody(why.to_owned()), false)
        }
    }
}

fn carried(config: &Config) -> String {
    let vector = match config.source.vector.as_str() {
        "" => "its unnamed vector".to_owned(),
        name => format!("its vector {name:?}"),
    };
    format!(
        "The vectors were carried over from collection {:?} ({vector}): a query must be embedded by the very \
        model that \
         made Qdrant's vectors, with its settings and its prefix for queries. qlance does not know which that is.",
        config.source.collection
    )
}

fn by_config(config: &Config, embed: &EmbedConfig) -> (AskedBy, bool) {
    match embed.provider {
        Provider::Minilm => (
            AskedBy::MiniLm {
                prefix: embed.query_prefix.clone(),
            },
            false,
        ),
        Provider::Openai => {
            let address = embed.base_url.trim_end_matches('/');
            let base_url = without_credentials(address);
            let stripped = base_url != address;
            let key = match (&embed.api_key_env, &embed.api_key_file) {
                (Some(name), _) => Key::Variable(name.clone()),
                (None, Some(path)) => Key::File(config.base_dir.join(path).display().to_string()),
                (None, None) => Key::None,
            };
            let server = Server {
                dialect: embed.dialect,
                base_url: base_url.trim_end_matches('/').to_owned(),
                model: embed.model.clone(),
                send_dimensions: embed.send_dimensions,
                key,
                prefix: embed.query_prefix.clone(),
            };
            (AskedBy::Server(Box::new(server)), stripped)
        }
        Provider::Teaching => {
            let why = "The demo's teaching aid made these vectors. It is no model, and its server runs only \
                       while qlance \
                       does: `qlance search` asks it.";
            (AskedBy::Nobody(why.to_owned()), false)
        }
        Provider::Carry => (AskedBy::Nobody(carried(config)), false),
    }
}

#[cfg(test)]
mod tests;
