//! Whether the table that is there, or was, may be written by this job. No row is written here; who else may be at work
//! on it is kept out by a lock.

use std::path::{Path, PathBuf};

use super::Options;
use crate::config::Config;
use crate::embed::Space;
use crate::lance::target::directory_of;
use crate::lance::{Checkpoint, Opened, TableSchema, Target, TargetError};
use crate::tasks::columns::Columns;
use crate::tasks::lock::Lock;

/// What stands for a space that nobody wrote down.
static UNKNOWN: String = String::new();

pub(super) type Existing = (Option<(TableSchema, Option<Checkpoint>)>, u64);

/// Connects to the target; whoever writes takes the table's lock.
pub(super) async fn connect(
    config: &Config,
    had_table: bool,
    lock: Option<&mut Lock>,
    options: &Options,
    state_dir: &Path,
) -> anyhow::Result<Target> {
    let (uri, table) = (config.target_uri(), &config.target.table);
    // Connecting makes the directory: it may lie where another file system is mounted at other times.
    let is_lost = |directory: PathBuf| matches!(directory.try_exists(), Ok(false));
    if had_table && directory_of(&uri, table).is_some_and(is_lost) {
        return Err(gone(config, state_dir).into());
    }
    let target = Target::connect(&uri, table, !options.look_only).await?;
    if let (Some(lock), Some(directory), false) = (lock, target.directory(), options.look_only) {
        lock.take_table(directory, table)?;
    }
    Ok(target)
}

/// A table that never was can be made; one that was must come back.
pub(super) fn gone(config: &Config, state_dir: &Path) -> TargetError {
    TargetError::Gone {
        uri: config.target_uri(),
        table: config.target.table.clone(),
        state: state_dir.display().to_string(),
    }
}

/// Whether a table that is there may be written by this job, and from where on.
pub(super) fn accept(
    config: &Config,
    job: &str,
    found: Opened,
    columns: &Columns,
    adopt: bool,
) -> anyhow::Result<Existing> {
    let (uri, table) = (config.target_uri(), config.target.table.clone());
    // Whoever wrote last knows how far the table has come; who made it counts only where nobody has.
    let newest = found.checkpoint.as_ref().map(|newest| newest.job.as_str());
    let ours = newest.or(found.job.as_deref()) == Some(job);
    if !ours && !adopt {
        if let Some(other) = newest.filter(|_| found.job.as_deref() == Some(job)) {
            let other = other.to_owned();
            return Err(TargetError::TakenOver { uri, table, other }.into());
        }
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
    for (column, made) in columns.spaces() {
        let Some(held) = found.spaces.get(&column).or_else(|| {
            // A column of embeddings without a space is of an unknown one.
            schema.embeddings().any(|(name, _)| name == column).then_some(&UNKNOWN)
        }) else {
            continue;
        };
        if *held != made {
            let held = serde_json::from_str::<Space>(held).ok();
            return Err(TargetError::OtherSpace {
                made: columns.all()[column.as_str()].to_string(),
                column,
                table,
                held: held.map_or_else(|| "an unknown space".into(), |held| held.to_string()),
            }
            .into());
        }
    }
    if config.media.store_media && config.embed.has_media() && !schema.keeps_media() {
        return Err(unusable(
            "media.store_media is set, but it was made without a column for the bytes of media".into(),
        )
        .into());
    }
    if ours {
        return Ok((Some((schema, found.checkpoint)), 0));
    }
    Ok((Some((schema, None)), found.rows))
}
