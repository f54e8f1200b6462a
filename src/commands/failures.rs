//! `qlance failures`: list, retry, skip, unskip, export.

use std::io::Write as _;
use std::sync::Arc;

use anyhow::Context as _;

use super::{Headless, printable};
use crate::cli::{Cli, FailuresCommand, WhichArgs};
use crate::config::{Config, ConfigError};
use crate::journal::{Filter, Journal, State};
use crate::point::{Cause, PointId};
use crate::tasks::job::Options;
use crate::tasks::lock::Lock;
use crate::tasks::supervisor::Orders;
use crate::tasks::{Selection, Status, export};

pub(super) async fn run(cli: &Cli, command: &FailuresCommand) -> anyhow::Result<u8> {
    let config = Arc::new(Config::load(&cli.config)?);
    let job = config.job(cli.state.as_deref());
    match command {
        FailuresCommand::List { which, json } => {
            let journal = Journal::open(&job.dir)?;
            list(&journal, &filter(which)?, *json)?;
            Ok(0)
        }
        FailuresCommand::Export { file } => {
            let count = export::export(&Journal::open(&job.dir)?, file)?;
            eprintln!("{count} failed points in {}", file.display());
            Ok(0)
        }
        FailuresCommand::Skip { ids, reason } => {
            // The writer of a running job counts; behind its back nothing may move.
            let _lock = Lock::take(&job.dir)?;
            let moved =
                Journal::open(&job.dir)?.set_state(&parse(ids)?, &[State::Failed], State::Skipped, Some(reason))?;
            said(moved, ids.len(), "skipped")
        }
        FailuresCommand::Unskip { ids } => {
            let _lock = Lock::take(&job.dir)?;
            let moved = Journal::open(&job.dir)?.set_state(&parse(ids)?, &[State::Skipped], State::Failed, None)?;
            said(moved, ids.len(), "taken back")
        }
        FailuresCommand::Retry { ids, which } => {
            let selection = if ids.is_empty() {
                Selection::Filter(filter(which)?)
            } else {
                Selection::Ids(parse(ids)?)
            };
            let orders = Orders {
                options: Options {
                    state: cli.state.clone(),
                    ..Options::default()
                },
                start: false,
                end_when_done: true,
                retry: Some(selection),
            };
            super::logging::start(&job.dir);
            let report = Headless { json: false }.run(config, orders).await?;
            Ok(match report.status {
                Status::Error => 1,
                _ if report.failed > 0 => 3,
                _ => 0,
            })
        }
    }
}

fn said(moved: u64, asked: usize, what: &str) -> anyhow::Result<u8> {
    eprintln!("{moved} of {asked} points {what}");
    anyhow::ensure!(
        moved > 0,
        "none of them was in the right state; see `qlance failures list`"
    );
    Ok(0)
}

fn parse(ids: &[String]) -> anyhow::Result<Vec<PointId>> {
    ids.iter()
        .map(|id| id.parse().with_context(|| format!("point id {id:?}")))
        .collect()
}

fn filter(which: &WhichArgs) -> anyhow::Result<Filter> {
    let cause = which
        .cause
        .as_deref()
        .map(|word| {
            Cause::parse(word).ok_or_else(|| ConfigError::Field {
                field: "--cause".into(),
                problem: format!("{word:?} is no class"),
                remedy: format!("use one of {}", Cause::ALL.map(Cause::as_str).join(", ")),
            })
        })
        .transpose()?;
    Ok(Filter {
        cause,
        text: which.text.clone(),
        states: Vec::new(),
    })
}

fn list(journal: &Journal, filter: &Filter, json: bool) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout().lock();
    let mut offset = 0;
    loop {
        let page = journal.page(filter, offset, 500)?;
        if page.is_empty() {
            break;
        }
        for row in &page {
            if json {
                serde_json::to_writer(&mut stdout, row)?;
                writeln!(stdout)?;
            } else {
                let line = format!(
                    "{:<36}  {:<8}  {:<13}  {:>3}  {}",
                    row.id.to_string(),
                    row.state.as_str(),
                    row.cause.as_str(),
                    row.attempts,
                    row.error.replace('\n', " ")
                );
                writeln!(stdout, "{}", printable(&line))?;
            }
        }
        offset += page.len() as u64;
    }
    if offset == 0 && !json {
        writeln!(stdout, "no failed points")?;
    }
    Ok(())
}
