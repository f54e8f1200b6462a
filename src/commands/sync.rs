//! `qlance sync`: goes over both stores once more, says what differs and what it would cost, and brings it over when told
//! to.

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::sync::Arc;

use serde_json::json;

use super::acting::{Begun, begin};
use super::{print_json, printable, read_or_not};
use crate::cli::{Cli, SyncArgs};
use crate::config::Config;
use crate::point::sum_of_money;
use crate::tasks::job::Options;
use crate::tasks::supervisor::{Orders, Start};
use crate::tasks::sync::{CaughtUp, Difference, STOPPED};
use crate::tasks::{Level, Phase, StopReason, TaskCommand, TaskEvent};

/// What is said where nobody agreed to bring anything over.
const STAYS: &str = "what is new or changed stays as it is; --yes brings it over";

/// How it went.
#[derive(Default)]
struct Story {
    found: Option<Difference>,
    /// Whether it was to be brought over.
    agreed: bool,
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
                    tell!("{}", describe(&found));
                }
                let command = wanted(&found, args).await;
                self.agreed = command.is_some();
                command.or_else(|| self.leave())
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
                tell!("{}", printable(&format!("{}: {done}", step.label())));
                None
            }
            TaskEvent::Noted(Level::Error, text) => {
                tell!("qlance: {}", printable(&text));
                None
            }
            _ => None,
        }
    }

    fn leave(&mut self) -> Option<TaskCommand> {
        (!std::mem::replace(&mut self.left, true)).then_some(TaskCommand::Quit)
    }

    fn tell(mut self, args: &SyncArgs) -> anyhow::Result<u8> {
        // The work was being left when it was agreed to.
        if self.agreed && self.done.is_none() && self.error.is_none() {
            self.error = Some(STOPPED.to_owned());
        }
        if args.json {
            let told = json!({"found": self.found, "done": self.done, "error": self.error});
            read_or_not(print_json(&told))?;
        } else if let Some(done) = &self.done {
            tell!("{}", told(done));
        }
        if let Some(error) = &self.error {
            tell!("qlance: {}", printable(error));
            // What was begun can be gone on with; what could not begin wants mending.
            let resumable = self.done.is_some() && !self.broken || error == STOPPED;
            return Ok(if resumable { 5 } else { 1 });
        }
        if self.found.is_none() {
            tell!("qlance: stopped before both stores were gone over; nothing was written");
            return Ok(5);
        }
        Ok(match self.done {
            Some(done) if done.failed > 0 => 3,
            _ => 0,
        })
    }
}

/// What was done, in words.
pub(super) fn told(done: &CaughtUp) -> String {
    format!(
        "{} added, {} replaced, {} removed, {} failed",
        done.added, done.replaced, done.removed, done.failed
    )
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
            "\nto embed: {} inputs, about {} tokens, ${}",
            found.inputs,
            found.tokens,
            sum_of_money(found.cost_usd, 4)
        ));
    }
    text
}

/// What is to be done of what was found; none is nothing.
async fn wanted(found: &Difference, args: &SyncArgs) -> Option<TaskCommand> {
    if found.is_none() || args.dry_run {
        return None;
    }
    let comes = found.new + found.content + found.payload > 0;
    let given = Given::of(args.yes, args.remove_gone, args.json);
    let agreed = Agreed::to(found, comes, given, "Bring it over?").await;
    agreed.command(found, comes, STAYS)
}

/// What was agreed to: two things, each by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Agreed {
    /// To bring over what is new or changed; of a repair, to mend all that is not gone.
    pub(super) bring: bool,
    /// To remove rows whose points are gone.
    pub(super) remove: bool,
}

impl Agreed {
    /// What the command line agrees to; where there is somebody to ask, what it leaves open is asked. `comes` says whether
    /// there is anything to bring over, and `question` asks for that.
    pub(super) async fn to(found: &Difference, comes: bool, given: Given, question: &str) -> Self {
        let mut agreed = Self {
            bring: given.yes && comes,
            remove: given.remove_gone && found.gone > 0,
        };
        if given.asks && !given.yes {
            agreed.bring = comes && ask(question).await;
            if found.gone > 0 && !agreed.remove {
                agreed.remove = ask(&format!("Remove the {} rows whose points are gone?", found.gone)).await;
            }
        }
        agreed
    }

    /// The command for just that; none where nothing was agreed to. Says what stays as it is, of what was to come with
    /// `stays`.
    pub(super) fn command(self, found: &Difference, comes: bool, stays: &str) -> Option<TaskCommand> {
        if !self.bring && !self.remove {
            tell!("nothing was written");
        }
        if comes && !self.bring {
            tell!("{stays}");
        }
        if found.gone > 0 && !self.remove {
            tell!(
                "the {} rows whose points are gone stay; --remove-gone removes them",
                found.gone
            );
        }
        match self {
            Self {
                bring: true,
                remove: remove_gone,
            } => Some(TaskCommand::CatchUp { remove_gone }),
            Self { remove: true, .. } => Some(TaskCommand::RemoveGone),
            Self { .. } => None,
        }
    }
}

/// What the command line says beforehand.
#[derive(Debug, Clone, Copy)]
pub(super) struct Given {
    /// `--yes`.
    pub(super) yes: bool,
    /// `--remove-gone`.
    pub(super) remove_gone: bool,
    /// Whether there is somebody to ask.
    pub(super) asks: bool,
}

impl Given {
    /// Of these arguments; JSON is for programs, and those are asked nothing.
    pub(super) fn of(yes: bool, remove_gone: bool, json: bool) -> Self {
        Self {
            yes,
            remove_gone,
            asks: !json && std::io::stdin().is_terminal(),
        }
    }
}

/// Asks for a yes; anything else is a no.
pub(super) async fn ask(question: &str) -> bool {
    let _ = write!(std::io::stderr(), "{question} [y/N] ");
    let _ = std::io::stderr().flush();
    let answered = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        read.is_ok() && matches!(line.trim(), "y" | "Y" | "yes")
    });
    answered.await.unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_is_carried_out_by_itself() {
        let found = Difference {
            new: 3,
            gone: 2,
            ..Difference::default()
        };
        let only_gone = Difference { new: 0, ..found };
        let only_new = Difference { gone: 0, ..found };
        let all = |remove_gone| Some(TaskCommand::CatchUp { remove_gone });
        for (found, yes, remove_gone, expected) in [
            (found, false, false, None),
            (found, true, false, all(false)),
            (found, true, true, all(true)),
            (found, false, true, Some(TaskCommand::RemoveGone)),
            (only_gone, true, false, None),
            (only_gone, true, true, Some(TaskCommand::RemoveGone)),
            (only_new, false, true, None),
            (only_new, true, true, all(false)),
        ] {
            let comes = found.new > 0;
            let given = Given {
                yes,
                remove_gone,
                asks: false,
            };
            let agreed = Agreed::to(&found, comes, given, "?").await;
            let context = format!("{found:?} --yes {yes} --remove-gone {remove_gone}");
            assert_eq!(agreed.command(&found, comes, STAYS), expected, "{context}");
        }
    }

    #[test]
    fn a_small_price_is_not_told_as_none() {
        let found = Difference {
            inputs: 1,
            tokens: 12,
            cost_usd: 0.000_02,
            ..Difference::default()
        };
        let text = describe(&found);
        assert!(
            text.ends_with("to embed: 1 inputs, about 12 tokens, $0.00002"),
            "{text}"
        );
    }

    #[tokio::test]
    async fn what_was_agreed_to_and_not_done_was_stopped() {
        let args = SyncArgs {
            yes: true,
            ..SyncArgs::default()
        };
        let found = Difference {
            new: 3,
            ..Difference::default()
        };
        let mut story = Story::default();
        let answer = story.hear(TaskEvent::Compared(Ok(found)), &args).await;
        assert_eq!(answer, Some(TaskCommand::CatchUp { remove_gone: false }));
        // The work had been left by then, and nothing more came of it.
        assert_eq!(story.tell(&args).expect("told"), 5);
    }
}
