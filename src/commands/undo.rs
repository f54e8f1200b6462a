//! `qlance undo`: takes the table back to what it was before this job, and forgets the job's failures.

use std::io::IsTerminal as _;

use anyhow::{Context as _, bail};
use serde_json::json;

use super::print_json;
use super::sync::ask;
use crate::cli::{Cli, UndoArgs};
use crate::config::Config;
use crate::journal::Journal;
use crate::lance::Target;
use crate::tasks::lock::Lock;

pub(super) async fn run(cli: &Cli, args: &UndoArgs) -> anyhow::Result<u8> {
    let config = Config::load(&cli.config)?;
    let job = config.job(cli.state.as_deref());
    let mut lock = Lock::take(&job.dir)?;
    let mut target = Target::connect(&config.target_uri(), &config.target.table, false).await?;
    // Where there is no directory there is no table either, and none is made.
    if let Some(directory) = target.directory().filter(|directory| directory.is_dir()) {
        lock.take_table(directory, target.name())?;
    }
    let name = format!("{}/{}", config.target.uri, config.target.table);
    let Some(found) = target.open().await? else {
        bail!("there is no table {name}; nothing is to be undone");
    };
    let version = target.version_before(&job.id).await?.with_context(|| {
        format!(
            "table {name} has no version tagged as the one before this job; the table of another job is never touched"
        )
    })?;
    let newest = target.version().await?;
    if let Some(other) = found.checkpoint.filter(|checkpoint| checkpoint.job != job.id) {
        bail!(
            "table {name} was written by another job ({}) since; what that wrote is never undone from here",
            other.job
        );
    }
    let question = format!(
        "Take {name} back from version {newest} ({} rows) to version {version}, as it was before this job?",
        found.rows
    );
    if !args.yes {
        if args.json || !std::io::stdin().is_terminal() {
            bail!("{question} Say --yes to do so");
        }
        if !ask(&question).await {
            tell!("nothing was changed");
            return Ok(0);
        }
    }
    // The table first: killed in between, the next start finds that no commit covers the failures, and forgets them.
    target.restore(version).await?;
    // What anybody writes from here on is not this job's to undo.
    target.forget_version_before(&job.id).await?;
    let dir = job.dir.clone();
    tokio::task::spawn_blocking(move || Journal::open(&dir)?.forget_job()).await??;
    let rows = target.rows().await?;
    if args.json {
        print_json(&json!({"table": name, "restored": version, "version": target.version().await?, "rows": rows}))?;
    } else {
        tell!("{name} is as it was in version {version}: {rows} rows; what was spent is not undone");
    }
    Ok(0)
}
