//! `qlance demo`: makes the collection, then runs the ordinary job on it.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::cli::{Cli, DemoArgs, RunArgs};
use crate::config::{Config, ConfigError};
use crate::tasks::demo::{self as collection, Shown};
use crate::tasks::job::Options;
use crate::tasks::lock::Lock;

pub(super) async fn run(cli: &Cli, args: &DemoArgs) -> anyhow::Result<u8> {
    let dir = std::path::absolute(&args.dir)?;
    let file = dir.join("qlance.toml");
    if file.exists() {
        ours(&file)?;
        let fresh = args.fresh || (!args.resume && asks_for_fresh(&dir, args.json)?);
        if fresh {
            // Held while it is removed: a demo that runs there is not pulled away from under itself.
            let earlier = Config::load(&file)?;
            let _lock = Lock::take(&earlier.job(cli.state.as_deref()).dir)?;
            remove_earlier(&dir)?;
        }
    }
    let live = std::io::stderr().is_terminal();
    tell!("qlance demo in {}", dir.display());
    let shown = if args.joint { Shown::Joint } else { Shown::Texts };
    collection::prepare(&dir, (args.points, args.seed), shown, |done, all| {
        if live {
            let mut err = std::io::stderr();
            // One that nobody sees is no reason to stop.
            let _ = write!(err, "\rmaking {all} messages in an embedded Qdrant: {done}\x1b[K");
            let _ = err.flush();
        } else if done % 1_000 == 0 || done == all {
            tell!("making {all} messages in an embedded Qdrant: {done}");
        }
    })
    .await?;
    if live {
        tell!("");
    }
    let config = Arc::new(Config::load(&file)?);
    let options = Options {
        state: cli.state.clone(),
        refuse_once: Some(collection::is_refused_once),
        ..Options::default()
    };
    let run = RunArgs {
        json: args.json,
        ..RunArgs::default()
    };
    let code = super::start(cli, config, options, run, false).await?;
    let shown = dir.display();
    tell!(
        "\nEverything lies in {shown}:\n  qdrant/       the collection\n  choir.lance/  the table `messages`\n  \
         media/        pictures and sounds\n  qlance.toml   the configuration\nTry:\n  \
         qlance --config {shown}/qlance.toml failures list\n  qlance --config {shown}/qlance.toml failures retry\n  \
         qlance --config {shown}/qlance.toml search \"{}\"\n  qlance --config {shown}/qlance.toml plan",
        if args.joint {
            "a red circle"
        } else {
            "who lost the score?"
        }
    );
    // Failed points belong to the demo.
    Ok(if code == 3 { 0 } else { code })
}

/// Refuses a configuration that no demo wrote: it is somebody's own migration, which is neither run nor removed here.
fn ours(file: &Path) -> anyhow::Result<()> {
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    if text.starts_with(collection::MARK) {
        return Ok(());
    }
    let problem = format!(
        "{} was not written by `qlance demo`; nothing was changed: name another directory with --dir",
        file.display()
    );
    Err(ConfigError::Usage(problem).into())
}

/// An earlier demo lies there: go on with it, or throw it away?
fn asks_for_fresh(dir: &Path, json: bool) -> anyhow::Result<bool> {
    if json || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        tell!(
            "an earlier demo lies in {}: going on with it (--fresh starts over)",
            dir.display()
        );
        return Ok(false);
    }
    let mut err = std::io::stderr();
    write!(
        err,
        "An earlier demo lies in {}. [R]esume it or start [o]ver? ",
        dir.display()
    )?;
    err.flush()?;
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    match answer.trim().to_ascii_lowercase().as_str() {
        "" | "r" | "resume" => Ok(false),
        "o" | "over" => Ok(true),
        other => bail!("{other:?} is neither r nor o; nothing was changed"),
    }
}

/// Removes what a demo makes, and nothing else.
fn remove_earlier(dir: &Path) -> anyhow::Result<()> {
    for name in ["qdrant", "choir.lance", ".qlance", "media"] {
        let path = dir.join(name);
        if path.exists() {
            std::fs::remove_dir_all(&path).with_context(|| format!("cannot remove {}", path.display()))?;
        }
    }
    std::fs::remove_file(dir.join("qlance.toml")).context("cannot remove qlance.toml")
}
