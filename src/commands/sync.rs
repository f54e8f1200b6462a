//! `qlance sync`: goes over both stores once more, says what differs and what it would cost, and brings it over when told
//! to.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;

use serde_json::json;

use super::acting::{Begun, begin};
use super::{print_json, printable};
use crate::cli::{Cli, SyncArgs};
use crate::config::Config;
use crate::tasks::job::Options;
use crate::tasks::supervisor::{Orders, Start};
use crate::tasks::sync::{CaughtUp, Difference};
use crate::tasks::{Level, Phase, StopReason, TaskCommand, TaskEvent};

/// How it went.
#[derive(Default)]
struct Story {
    found: Option<Difference>,
    done: Option<CaughtUp>,
    error: Option<String>,
    left: bool,
    broken: bool,
}

pub(super) async fn run(cli: &Cli, args: &SyncArgs) -> anyhow::Result<u8> {
    let config = Arc::new(Config::load(&cli.config)?);
    super::logging::start(&config.job(cli.state.as_deref()).dir);
    let orders = Orders {
        options: Options {
            state: cli.state.clone(),
            ..Options::default()
        },
        start: Start::Never,
        end_when_done: false,
        first: vec![TaskCommand::Compare],
    };
    let Begun {
        commands,
        mut events,
        work,
    } = begin(config, orders)?;
    let mut story = Story::default();
    while let Some(event) = events.recv().await {
        let answer = story.hear(event, args).await;
        if let Some(command) = answer {
            let _ = commands.send(command).await;
        }
    }
    work.await?;
    story.tell(args)
}

impl Story {
    /// Takes an event in; answers what is to be done now.
    async fn hear(&mut self, event: TaskEvent, args: &SyncArgs) -> Option<TaskCommand> {
        match event {
            TaskEvent::Compared(Ok(found)) => {
                self.found = Some(found);
                if !args.json {
                    eprintln!("{}", describe(&found));
                }
                match wanted(&found, args).await {
                    Some(remove_gone) => Some(TaskCommand::CatchUp { remove_gone }),
                    None => self.leave(),
                }
            }
            TaskEvent::Compared(Err(error)) | TaskEvent::PhaseChanged(Phase::Failed(error)) => {
                self.error = Some(error);
                self.leave()
            }
            TaskEvent::CaughtUp(done, reason) => {
                self.done = Some(done);
                let stopped = reason.is_some();
                self.broken = matches!(reason, Some(StopReason::Broken(_)));
                self.error = reason.map(|reason| reason.to_string());
                if stopped { self.leave() } else { None }
            }
            // What was brought over is there; the indexes have not taken all of it in.
            TaskEvent::PhaseChanged(Phase::Stopped(reason)) if self.done.is_some() && self.error.is_none() => {
                self.broken = matches!(reason, StopReason::Broken(_));
                self.error = Some(reason.to_string());
                self.leave()
            }
            // The indexes have taken the new rows in.
            TaskEvent::PhaseChanged(Phase::Complete) if self.done.is_some() => self.leave(),
            TaskEvent::StepFinished(step, done) if !args.json => {
                eprintln!("{}", printable(&format!("{}: {done}", step.label())));
                None
            }
            TaskEvent::Noted(Level::Error, text) => {
                eprintln!("qlance: {}", printable(&text));
                None
            }
            _ => None,
        }
    }

    fn leave(&mut self) -> Option<TaskCommand> {
        (!std::mem::replace(&mut self.left, true)).then_some(TaskCommand::Quit)
    }

    fn tell(self, args: &SyncArgs) -> anyhow::Result<u8> {
        if args.json {
            print_json(&json!({"found": self.found, "done": self.done, "error": self.error}))?;
        } else if let Some(done) = &self.done {
            eprintln!(
                "{} added, {} replaced, {} removed, {} failed",
                done.added, done.replaced, done.removed, done.failed
            );
        }
        if let Some(error) = &self.error {
            eprintln!("qlance: {}", printable(error));
            // What was begun can be gone on with; what could not begin wants mending.
            let resumable = self.done.is_some() && !self.broken || error == crate::tasks::sync::STOPPED;
            return Ok(if resumable { 5 } else { 1 });
        }
        if self.found.is_none() {
            eprintln!("qlance: stopped before both stores were gone over; nothing was written");
            return Ok(5);
        }
        Ok(match self.done {
            Some(done) if done.failed > 0 => 3,
            _ => 0,
        })
    }
}

pub(super) fn describe(found: &Difference) -> String {
    let mut text = format!(
        "{} the same, {} new, {} with another content, {} with another payload, {} gone from Qdrant",
        found.same, found.new, found.content, found.payload, found.gone
    );
    if found.waiting > 0 {
        text.push_str(&format!("; {} failed or were skipped (qlance failures)", found.waiting));
    }
    if found.repeats > 0 {
        text.push_str(&format!("; {} rows that repeat an id", found.repeats));
    }
    if found.unindexed {
        text.push_str("; the indexes lack rows");
    }
    if let Some(ahead) = found.unfinished {
        text.push_str(&format!(
            "\nthe migration has not come to its end: {ahead} rows that something else wrote ahead of it are taken \
             out, the others are taken over as they are; what has no row is found when both stores can be compared"
        ));
    }
    if found.inputs > 0 {
        text.push_str(&format!(
            "\nto embed: {} inputs, about {} tokens, ${:.4}",
            found.inputs, found.tokens, found.cost_usd
        ));
    }
    text
}

/// Whether it is to be brought over, and whether what is gone is to be removed. `None` is not at all.
async fn wanted(found: &Difference, args: &SyncArgs) -> Option<bool> {
    if found.is_none() || args.dry_run {
        return None;
    }
    let comes = found.new + found.content + found.payload > 0;
    let mut bring = args.yes || args.remove_gone;
    let mut remove = args.remove_gone && found.gone > 0;
    if !bring && !args.json && std::io::stdin().is_terminal() {
        bring = comes && ask("Bring it over?").await;
        remove = found.gone > 0 && ask(&format!("Remove the {} rows whose points are gone?", found.gone)).await;
    }
    if !bring && !remove {
        eprintln!("nothing was written; --yes brings it over, --remove-gone removes what is gone as well");
        return None;
    }
    if found.gone > 0 && !remove {
        eprintln!(
            "the {} rows whose points are gone stay; --remove-gone removes them",
            found.gone
        );
    }
    (comes || remove).then_some(remove)
}

/// Asks for a yes; anything else is a no.
pub(super) async fn ask(question: &str) -> bool {
    eprint!("{question} [y/N] ");
    let _ = std::io::stderr().flush();
    let answered = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        read.is_ok() && matches!(line.trim(), "y" | "Y" | "yes")
    });
    answered.await.unwrap_or(false)
}
