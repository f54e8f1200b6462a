//! `qlance demo`: makes the collection, then runs the ordinary job on it.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context as _, bail};

use crate::cli::{Cli, DemoArgs, RunArgs};
use crate::config::Config;
use crate::tasks::demo::{self as collection, Shown};
use crate::tasks::job::Options;
use crate::tasks::lock::Lock;

pub(super) async fn run(cli: &Cli, args: &DemoArgs) -> anyhow::Result<u8> {
    let dir = std::path::absolute(&args.dir)?;
    if dir.join("qlance.toml").exists() {
        let fresh = args.fresh || (!args.resume && asks_for_fresh(&dir, args.json)?);
        if fresh {
            // Held while it is removed: a demo that runs there is not pulled away from under itself.
            let earlier = Config::load(&dir.join("qlance.toml"))?;
            let _lock = Lock::take(&earlier.job(cli.state.as_deref()).dir)?;
            remove_earlier(&dir)?;
        }
    }
    let live = std::io::stderr().is_terminal();
    eprintln!("qlance demo in {}", dir.display());
    let shown = if args.joint { Shown::Joint } else { Shown::Texts };
    collection::prepare(&dir, (args.points, args.seed), shown, |done, all| {
        if live {
            eprint!("\rmaking {all} messages in an embedded Qdrant: {done}\x1b[K");
            let _ = std::io::stderr().flush();
        } else if done % 1_000 == 0 || done == all {
            eprintln!("making {all} messages in an embedded Qdrant: {done}");
        }
    })
    .await?;
    if live {
        eprintln!();
    }
    let config = Arc::new(Config::load(&dir.join("qlance.toml"))?);
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
    eprintln!(
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

/// An earlier demo lies there: go on with it, or throw it away?
fn asks_for_fresh(dir: &Path, json: bool) -> anyhow::Result<bool> {
    if json || !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        eprintln!(
            "an earlier demo lies in {}: going on with it (--fresh starts over)",
            dir.display()
        );
        return Ok(false);
    }
    eprint!(
        "An earlier demo lies in {}. [R]esume it or start [o]ver? ",
        dir.display()
    );
    std::io::stderr().flush()?;
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
