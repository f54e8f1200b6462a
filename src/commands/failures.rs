//! `qlance failures`: list, retry, skip, unskip, export.

use std::io::Write as _;
use std::sync::Arc;

use super::acting::{Asking, parse};
use super::{Headless, print_json, printable, read_or_not};
use crate::cli::{Cli, FailuresCommand, SortBy, WhichArgs};
use crate::config::{Config, ConfigError, Job};
use crate::journal::{Filter, Journal, Order, Sort, State};
use crate::point::Cause;
use crate::tasks::job::Options;
use crate::tasks::lock::Lock;
use crate::tasks::supervisor::{Orders, Start};
use crate::tasks::{FailureDetail, RetryReport, Selection, Status, TaskCommand, export, retry};

/// Failures read at once.
const PAGE: u64 = 500;

pub(super) async fn run(cli: &Cli, command: &FailuresCommand) -> anyhow::Result<u8> {
    let config = Arc::new(Config::load(&cli.config)?);
    let job = config.job(cli.state.as_deref());
    known(cli, &job)?;
    match command {
        FailuresCommand::List {
            which,
            sort,
            limit,
            json,
        } => {
            let journal = Journal::open(&job.dir)?;
            list(&journal, &filter(which)?, sort_of(*sort), *limit, *json)?;
            Ok(0)
        }
        FailuresCommand::Show { id, json } => {
            let id = parse(std::slice::from_ref(id))?[0];
            let asking = Asking::open(cli).await?;
            let detail = asking.inspector.failure(id).await?;
            show(&detail, &asking.opening.config.source.content, *json)?;
            asking.close().await?;
            Ok(0)
        }
        FailuresCommand::Edit {
            id,
            content,
            file,
            json,
        } => {
            let text = match (content, file) {
                (Some(text), _) => text.clone(),
                (None, Some(file)) => std::fs::read_to_string(file)
                    .map_err(|error| ConfigError::Usage(format!("--file {}: {error}", file.display())))?,
                (None, None) => unreachable!("the command line asks for one of the two"),
            };
            let id = parse(std::slice::from_ref(id))?[0];
            retry_by(cli, config, TaskCommand::RetryEdited(id, text), *json).await
        }
        FailuresCommand::Export { file, json } => {
            let count = export::export(&Journal::open(&job.dir)?, file)?;
            if *json {
                let object = serde_json::json!({"failures": count, "file": file});
                print_json(&object)?;
            } else {
                tell!("{count} failed points in {}", file.display());
            }
            Ok(0)
        }
        FailuresCommand::Skip { ids, reason, json } => {
            // The writer of a running job counts; behind its back nothing may move.
            let _lock = Lock::take(&job.dir)?;
            let moved =
                Journal::open(&job.dir)?.set_state(&parse(ids)?, &[State::Failed], State::Skipped, Some(reason))?;
            said(moved, ids.len(), "skipped", *json)
        }
        FailuresCommand::Unskip { ids, json } => {
            let _lock = Lock::take(&job.dir)?;
            let moved = Journal::open(&job.dir)?.set_state(&parse(ids)?, &[State::Skipped], State::Failed, None)?;
            said(moved, ids.len(), "taken_back", *json)
        }
        FailuresCommand::Retry { ids, which, json } => {
            let selection = if ids.is_empty() {
                Selection::Filter(filter(which)?)
            } else {
                Selection::Ids(parse(ids)?)
            };
            retry_by(cli, config, TaskCommand::Retry(selection), *json).await
        }
    }
}

/// A configuration that names a job that never was is rather mistyped: nothing is made for it.
pub(super) fn known(cli: &Cli, job: &Job) -> anyhow::Result<()> {
    anyhow::ensure!(
        Journal::exists(&job.dir),
        "there is no such job yet: nothing lies in {}; check [source] and [target] in {}, and --state, or begin it with \
         `qlance run`",
        job.dir.display(),
        cli.config.display()
    );
    Ok(())
}

async fn retry_by(cli: &Cli, config: Arc<Config>, command: TaskCommand, json: bool) -> anyhow::Result<u8> {
    let job = config.job(cli.state.as_deref());
    let orders = Orders {
        options: Options {
            state: cli.state.clone(),
            ..Options::default()
        },
        start: Start::Never,
        end_when_done: true,
        first: vec![command],
    };
    super::logging::start(&job.dir);
    let report = Headless { json }.run(config, orders).await?;
    let retried = report.retry.unwrap_or_default();
    let was_tried = matches!(report.status, Status::Complete | Status::Incomplete);
    if retried == RetryReport::default() && was_tried {
        tell!("qlance: none of these points is failed; see `qlance failures list`");
    }
    Ok(match report.status {
        Status::Error => 1,
        // Before it was begun.
        Status::Stopped => 5,
        // Stopped by a signal, it can be asked for again; stopped by anything else, something must be mended first.
        _ if retried.error.as_deref() == Some(retry::STOPPED) => 5,
        _ if retried.error.is_some() => 1,
        _ if report.failed > 0 => 3,
        _ => 0,
    })
}

/// Prints a failure; `content` is the payload key that can be edited.
fn show(detail: &FailureDetail, content: &str, json: bool) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    if json {
        let object = serde_json::json!({
            "failure": detail.row, "attempts": detail.attempts, "edit": detail.edit,
            "payload": detail.payload.as_ref().ok(), "payload_error": detail.payload.as_ref().err(),
        });
        return print_json(&object);
    }
    let row = &detail.row;
    let mut text = format!("point     {}\nstate     {}\n", row.id, row.state.as_str());
    if let Some(reason) = &row.reason {
        text.push_str(&format!("reason    {reason}\n"));
    }
    for attempt in &detail.attempts {
        text.push_str(&format!("attempt   {}: {}\n", attempt.cause.as_str(), attempt.error));
    }
    if let Some(edit) = &detail.edit {
        let used = match &detail.payload {
            Ok(payload) if row.state != State::Recovered && edit.holds(payload, content) => " (a retry uses it)",
            _ => "",
        };
        text.push_str(&format!("edited    {}{used}\n", edit.after));
    }
    match &detail.payload {
        Ok(payload) => text.push_str(&format!("payload   {}\n", serde_json::to_string_pretty(payload)?)),
        Err(error) => text.push_str(&format!("payload   {error}\n")),
    }
    write!(stdout, "{}", printable(&text))?;
    Ok(())
}

fn said(moved: u64, asked: usize, what: &str, json: bool) -> anyhow::Result<u8> {
    if json {
        let object = serde_json::json!({what: moved, "asked": asked});
        read_or_not(print_json(&object))?;
    } else {
        tell!("{moved} of {asked} points {}", what.replace('_', " "));
    }
    anyhow::ensure!(
        moved > 0,
        "none of them was in the right state; see `qlance failures list`"
    );
    Ok(0)
}

fn filter(which: &WhichArgs) -> anyhow::Result<Filter> {
    let cause = which
        .cause
        .as_deref()
        .map(|word| {
            Cause::parse(word).ok_or_else(|| ConfigError::Field {
                field: "--cause".into(),
                problem: format!("{word:?} is no cause"),
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

fn sort_of(by: SortBy) -> Sort {
    let (by, descending) = match by {
        SortBy::Id => (Order::Id, false),
        SortBy::Age => (Order::Age, true),
        SortBy::Cause => (Order::Cause, false),
        SortBy::Attempts => (Order::Attempts, true),
    };
    Sort { by, descending }
}

fn list(journal: &Journal, filter: &Filter, sort: Sort, limit: Option<u64>, json: bool) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    let mut offset = 0;
    loop {
        let left = limit.map_or(PAGE, |limit| limit.saturating_sub(offset));
        let page = journal.page(filter, sort, offset, left.min(PAGE))?;
        if page.is_empty() {
            break;
        }
        for row in &page {
            if json {
                print_json(row)?;
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
    let all = if limit.is_some() {
        journal.count(filter)?
    } else {
        offset
    };
    if all == 0 && !json {
        writeln!(stdout, "no failed points")?;
    }
    if all > offset {
        tell!("{} more are not listed", all - offset);
    }
    Ok(())
}
