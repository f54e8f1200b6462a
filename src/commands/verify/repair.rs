//! `qlance verify --repair`: verifies, shows what bringing both stores together takes, does what of it was agreed to, and
//! verifies once more.

use std::path::Path;
use std::sync::Arc;

use serde_json::json;

use super::{Progress, end, exit_code, show, write_offenders};
use crate::cli::{Cli, VerifyArgs};
use crate::commands::acting::{Begun, begin};
use crate::commands::sync::{Agreed, Given, describe, told};
use crate::commands::{print_json, printable, read_or_not};
use crate::config::Config;
use crate::point::verdict::Decision;
use crate::tasks::job::Options;
use crate::tasks::supervisor::{Orders, Start};
use crate::tasks::sync::{CaughtUp, Difference};
use crate::tasks::verify::{self, Told, Verification, Wish};
use crate::tasks::{Phase, StopReason, TaskCommand, TaskEvent};

/// What is said where nobody agreed to the repair.
const STAYS: &str = "what can be repaired stays as it is; --yes repairs it";

/// How a repair went.
#[derive(Default)]
struct Story {
    before: Option<Box<Verification>>,
    found: Option<Difference>,
    done: Option<CaughtUp>,
    after: Option<Box<Verification>>,
    error: Option<String>,
    broken: bool,
    left: bool,
    /// Whether something was asked for whose end has not come yet.
    under_way: bool,
}

pub(super) async fn run(cli: &Cli, args: &VerifyArgs, config: Arc<Config>, wish: Wish) -> anyhow::Result<u8> {
    let orders = Orders {
        options: Options {
            state: cli.state.clone(),
            mend: true,
            ..Options::default()
        },
        start: Start::Never,
        end_when_done: false,
        first: vec![TaskCommand::Verify(Box::new(wish.clone()))],
    };
    let Begun {
        commands,
        mut events,
        work,
    } = begin(Arc::clone(&config), orders)?;
    let progress = Progress::new(args.json);
    let mut story = Story::default();
    let state_dir = config.job(cli.state.as_deref()).dir;
    let mut begun = false;
    while let Some(event) = events.recv().await {
        match &event {
            TaskEvent::VerifyBegun(_) => begun = true,
            TaskEvent::VerifyProgressed(check, done, all) => progress.tell(Told::Progress(*check, *done, *all)),
            TaskEvent::Checked(check) => progress.tell(Told::Checked(check)),
            // That of an earlier session.
            TaskEvent::Verified(_) if !begun => continue,
            _ => {}
        }
        if let Some(command) = story.hear(event, args, &wish).await {
            let _ = commands.send(command).await;
        }
    }
    work.await?;
    story.tell(args, &state_dir)
}

impl Story {
    /// Takes an event in; answers what is to be done now.
    async fn hear(&mut self, event: TaskEvent, args: &VerifyArgs, wish: &Wish) -> Option<TaskCommand> {
        match event {
            TaskEvent::Verified(Ok(found)) if self.before.is_none() => {
                if !args.json {
                    // That nobody reads it is no reason to break off; the end says whether it could be printed.
                    let _ = show(&mut std::io::stdout().lock(), args, &found);
                }
                let good = found.decision == Decision::Go;
                self.before = Some(found);
                if good {
                    return self.leave();
                }
                self.under_way = true;
                Some(TaskCommand::PlanRepair)
            }
            TaskEvent::Verified(Ok(found)) => {
                self.under_way = false;
                self.after = Some(found);
                self.leave()
            }
            TaskEvent::Verified(Err(error))
            | TaskEvent::Compared(Err(error))
            | TaskEvent::PhaseChanged(Phase::Failed(error)) => {
                self.error = Some(error);
                self.leave()
            }
            TaskEvent::Compared(Ok(found)) => {
                self.found = Some(found);
                if !args.json {
                    tell!("\nto repair: {}", describe(&found));
                }
                let command = agreed(&found, args).await;
                self.under_way = command.is_some();
                command.or_else(|| self.leave())
            }
            TaskEvent::CaughtUp(done, reason) => {
                self.done = Some(done);
                let stopped = reason.is_some();
                self.broken = matches!(reason, Some(StopReason::Broken(_)));
                self.error = reason.map(|reason| reason.to_string());
                if stopped { self.leave() } else { None }
            }
            // It is the migration's turn; what its table is like can be told.
            TaskEvent::PhaseChanged(Phase::Stopped(_))
                if self.done.is_some()
                    && self.error.is_none()
                    && self.found.is_some_and(|found| found.unfinished.is_some()) =>
            {
                self.after
                    .is_none()
                    .then(|| TaskCommand::Verify(Box::new(wish.clone())))
            }
            // What was mended is there; the indexes have not taken all of it in.
            TaskEvent::PhaseChanged(Phase::Stopped(reason)) if self.done.is_some() && self.error.is_none() => {
                self.broken = matches!(reason, StopReason::Broken(_));
                self.error = Some(reason.to_string());
                self.leave()
            }
            TaskEvent::StepFinished(step, done) if !args.json => {
                tell!("{}", printable(&format!("{}: {done}", step.label())));
                None
            }
            // The indexes have taken the new rows in.
            TaskEvent::PhaseChanged(Phase::Complete) if self.done.is_some() && self.after.is_none() => {
                Some(TaskCommand::Verify(Box::new(wish.clone())))
            }
            _ => None,
        }
    }

    fn leave(&mut self) -> Option<TaskCommand> {
        (!std::mem::replace(&mut self.left, true)).then_some(TaskCommand::Quit)
    }

    fn tell(mut self, args: &VerifyArgs, state_dir: &Path) -> anyhow::Result<u8> {
        // The work was being left meanwhile: what was found before is not the answer any more.
        if self.under_way && self.error.is_none() {
            self.error = Some(verify::STOPPED.to_owned());
        }
        let last = self.after.as_deref().or(self.before.as_deref());
        // Whatever became of the repair, the last verification's are there.
        if let Some(last) = last.filter(|_| self.after.is_none()) {
            write_offenders(args, state_dir, last)?;
        }
        if args.json {
            read_or_not(print_json(&json!({
                "verification": last, "before": self.before, "found": self.found, "done": self.done,
                "error": self.error,
            })))?;
        } else if let Some(done) = &self.done {
            tell!("{}", told(done));
        }
        if let Some(error) = &self.error {
            tell!("qlance: {}", printable(error));
            let resumable = self.done.is_some() && !self.broken || error == verify::STOPPED;
            return Ok(if resumable { 5 } else { 1 });
        }
        let Some(last) = last else {
            tell!("qlance: stopped before both stores were verified; nothing was written");
            return Ok(5);
        };
        if self.after.is_some() {
            return end(args, state_dir, last);
        }
        Ok(exit_code(args.fail_on, last.decision))
    }
}

/// What is to be done of what was found; none is nothing.
async fn agreed(found: &Difference, args: &VerifyArgs) -> Option<TaskCommand> {
    if found.is_none() {
        tell!("nothing of it can be repaired by bringing the stores together; the reasons above say what can be done");
        return None;
    }
    let mends =
        found.new + found.content + found.payload + found.repeats > 0 || found.unindexed || found.unfinished.is_some();
    let given = Given::of(args.yes, args.remove_gone, args.json);
    let agreed = Agreed::to(found, mends, given, "Repair that?").await;
    agreed.command(found, mends, STAYS)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use clap::Parser as _;

    use super::*;
    use crate::cli::Command;

    fn repairing(more: &[&str]) -> VerifyArgs {
        let line = [&["qlance", "verify", "--repair", "--yes"][..], more].concat();
        match Cli::try_parse_from(line).expect("a command line").command {
            Some(Command::Verify(args)) => args,
            other => panic!("{other:?} verifies nothing"),
        }
    }

    fn verification(decision: Decision) -> Box<Verification> {
        Box::new(Verification {
            decision,
            reasons: Vec::new(),
            collection: "c".into(),
            qdrant_version: "1.18".into(),
            table: "t".into(),
            table_version: 1,
            points: 3,
            rows: 3,
            sample: None,
            seed: 1,
            checks: Vec::new(),
            began_at: 0,
            took: Duration::ZERO,
        })
    }

    /// A repair that was agreed to, as far as these events bring it: what was asked last, and the exit code.
    async fn after(events: Vec<TaskEvent>, decision: Decision) -> (Option<TaskCommand>, u8) {
        let args = repairing(&["--show", "0"]);
        let mut story = Story::default();
        let mut asked = None;
        let begun = [
            TaskEvent::Verified(Ok(verification(decision))),
            TaskEvent::Compared(Ok(Difference {
                new: 1,
                ..Difference::default()
            })),
        ];
        for event in begun.into_iter().chain(events) {
            asked = story.hear(event, &args, &Wish::default()).await;
        }
        (asked, story.tell(&args, Path::new("nowhere")).expect("told"))
    }

    fn stopped(reason: StopReason) -> TaskEvent {
        TaskEvent::PhaseChanged(Phase::Stopped(reason))
    }

    #[tokio::test]
    async fn a_repair_whose_table_is_not_finished_ends_and_says_so() {
        let done = || TaskEvent::CaughtUp(CaughtUp::default(), None);
        for decision in [Decision::NoGo, Decision::Inconclusive] {
            let broken = StopReason::Broken("conservation broken".into());
            let found = after(vec![done(), stopped(broken)], decision).await;
            assert_eq!(found, (Some(TaskCommand::Quit), 1), "{decision:?}");
            let found = after(vec![done(), stopped(StopReason::ByOperator)], decision).await;
            assert_eq!(found, (Some(TaskCommand::Quit), 5), "{decision:?}");
        }
    }

    #[tokio::test]
    async fn a_repair_that_was_left_does_not_answer_with_what_was_before_it() {
        let done = || TaskEvent::CaughtUp(CaughtUp::default(), None);
        let complete = || TaskEvent::PhaseChanged(Phase::Complete);
        for decision in [Decision::NoGo, Decision::Inconclusive] {
            // In the midst of it, and when both stores were to be verified once more.
            assert_eq!(after(Vec::new(), decision).await.1, 5, "{decision:?}");
            let (asked, code) = after(vec![done(), complete()], decision).await;
            assert!(matches!(asked, Some(TaskCommand::Verify(_))), "{asked:?}");
            assert_eq!(code, 5, "{decision:?}");
        }
        let verified = TaskEvent::Verified(Ok(verification(Decision::Go)));
        let found = after(vec![done(), complete(), verified], Decision::NoGo).await;
        assert_eq!(found, (Some(TaskCommand::Quit), 0));
    }
}
