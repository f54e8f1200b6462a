//! `qlance verify`: may the new store take over? With `--repair`, brings both stores together and verifies once more.

use std::io::{IsTerminal as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;
use serde_json::json;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::acting::{Begun, begin};
use super::sync::{ask, describe};
use super::{print_json, printable};
use crate::cli::{Cli, FailOn, VerifyArgs};
use crate::config::{Config, ConfigError};
use crate::journal::Spent;
use crate::point::verdict::Decision;
use crate::tasks::inspect::Inspector;
use crate::tasks::job::{self, Opening, Options};
use crate::tasks::lock::Lock;
use crate::tasks::supervisor::{Orders, Start};
use crate::tasks::sync::{CaughtUp, Difference};
use crate::tasks::verify::{self, Check, CheckId, Told, Verification, Verifier, Wish, export, kept};
use crate::tasks::{Phase, StopReason, TaskCommand, TaskEvent};

pub(super) async fn run(cli: &Cli, args: &VerifyArgs) -> anyhow::Result<u8> {
    let config = Arc::new(Config::load(&cli.config)?);
    let wish = wanted(args)?;
    super::logging::start(&config.job(cli.state.as_deref()).dir);
    if args.repair {
        return repair(cli, args, config, wish).await;
    }
    // What is paid for is written down, and counts towards the budget: nobody else may spend meanwhile. An embedded
    // Qdrant's job is locked anyway.
    let _lock = if args.pay && config.embedded_dir().is_none() {
        Some(Lock::take(&config.job(cli.state.as_deref()).dir)?)
    } else {
        None
    };
    let options = Options {
        state: cli.state.clone(),
        look_only: true,
        ..Options::default()
    };
    let (opening, target) = job::open(config, &options).await?;
    if let Some(gateway) = opening.recipe.gateways.main() {
        gateway.budget().spent_before(opening.spent.usd);
    }
    let (_keep, tables) = watch::channel(target.table().cloned());
    let verifier = Verifier::of(&opening, Inspector::of(&opening, tables));
    let stop = CancellationToken::new();
    let on_signal = stop.clone();
    let signals = tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            on_signal.cancel();
        }
    });
    let progress = Progress::new(args.json);
    let found = verify::verify(&verifier, wish, |told| progress.tell(told), stop.clone()).await;
    signals.abort();
    // However it ended: what was paid is paid.
    if args.pay {
        keep_spent(&opening).await?;
    }
    let found = match found {
        Err(error) if stop.is_cancelled() => {
            eprintln!("qlance: {}", printable(&format!("{error:#}")));
            return Ok(5);
        }
        found => found?,
    };
    kept::keep(&opening.state_dir, &found)?;
    if args.json {
        print_json(&found)?;
    }
    end(args, &opening.state_dir, &found)
}

/// Adds what was paid to what the job has paid so far.
async fn keep_spent(opening: &Opening) -> anyhow::Result<()> {
    let gateways = &opening.recipe.gateways;
    let spent = Spent {
        tokens: opening.spent.tokens + gateways.usage().tokens,
        usd: gateways.spent(),
    };
    // Where vectors are carried over, there is nobody to be paid.
    if gateways.is_empty() || spent == opening.spent {
        return Ok(());
    }
    opening
        .journal
        .run(move |journal| journal.set_spent(spent))
        .await
        .context("what was spent cannot be kept in the journal")
}

/// What the command line asks for.
fn wanted(args: &VerifyArgs) -> Result<Wish, ConfigError> {
    let checks: Result<Vec<CheckId>, _> = args.only.iter().map(|word| word.parse()).collect();
    let mut checks = checks.map_err(|error| ConfigError::Usage(format!("--only: {error}")))?;
    if checks.is_empty() {
        checks = CheckId::ALL.to_vec();
    }
    Ok(Wish {
        checks,
        sample: args.sample,
        seed: args.seed,
        queries: args.queries,
        again: args.again,
        pay: args.pay,
    })
}

/// Shows what came out, writes what is to be written, and says the exit code.
fn end(args: &VerifyArgs, state_dir: &Path, found: &Verification) -> anyhow::Result<u8> {
    if !args.json {
        show(args, found);
    }
    write_offenders(args, state_dir, found)?;
    Ok(exit_code(args.fail_on, found.decision))
}

fn write_offenders(args: &VerifyArgs, state_dir: &Path, found: &Verification) -> anyhow::Result<()> {
    let Some(path) = &args.export else { return Ok(()) };
    let count = export::export(found, state_dir, path)?;
    let total = export::total(found);
    let of = if count < total {
        format!(" of {total}")
    } else {
        String::new()
    };
    eprintln!("{count}{of} offenders are in {}", path.display());
    Ok(())
}

fn exit_code(fail_on: FailOn, decision: Decision) -> u8 {
    match (decision, fail_on) {
        (Decision::NoGo, _) | (Decision::Inconclusive, FailOn::Inconclusive) => 4,
        (Decision::Go | Decision::Inconclusive, _) => 0,
    }
}

fn show(args: &VerifyArgs, found: &Verification) {
    let (decision, version) = (found.decision.label(), found.table_version);
    println!(
        "{decision}: {} (version {version}, {} rows) for {} of Qdrant {} ({} points), {:.1} s",
        printable(&found.table),
        found.rows,
        printable(&found.collection),
        printable(&found.qdrant_version),
        found.points,
        found.took.as_secs_f64()
    );
    for check in &found.checks {
        show_check(args, check);
    }
    if !found.reasons.is_empty() {
        println!("\nwhy it is {decision}:");
    }
    for reason in &found.reasons {
        println!("- {}", printable(reason));
    }
}

fn show_check(args: &VerifyArgs, check: &Check) {
    println!(
        "\n{:<12} {:<10} {}  ({:.1} s)\n             wanted: {}",
        check.outcome.label(),
        check.id.as_str(),
        printable(&check.figure),
        check.took.as_secs_f64(),
        printable(&check.threshold)
    );
    for note in &check.notes {
        println!("             note: {}", printable(note));
    }
    let shown = check.offenders.shown.iter().take(args.show);
    for offender in shown.clone() {
        println!("             {}: {}", offender.id, printable(&offender.what));
    }
    let more = check.offenders.total - shown.count() as u64;
    if more > 0 {
        println!("             and {more} more (--show, --export)");
    }
}

/// Says how far it is on stderr: a line a check, and on a terminal how far each is.
struct Progress {
    quiet: bool,
    live: bool,
    width: AtomicUsize,
}

impl Progress {
    fn new(quiet: bool) -> Self {
        Self {
            quiet,
            live: std::io::stderr().is_terminal(),
            width: AtomicUsize::new(0),
        }
    }

    fn tell(&self, told: Told<'_>) {
        match told {
            _ if self.quiet => {}
            Told::Checked(check) => {
                let line = format!("{:<10} {}", check.id.as_str(), check.outcome.label());
                self.line(&line, true);
            }
            Told::Progress(check, done, all) if self.live => {
                self.line(&format!("{:<10} {done} of {all}", check.as_str()), false);
            }
            Told::Progress(..) => {}
        }
    }

    /// Writes over the line that stands there.
    fn line(&self, text: &str, ends: bool) {
        let before = self.width.swap(if ends { 0 } else { text.len() }, Ordering::Relaxed);
        let begin = if self.live { "\r" } else { "" };
        let end = if ends { "\n" } else { "" };
        let mut err = std::io::stderr().lock();
        // Progress that cannot be shown is no reason to stop.
        let _ = write!(err, "{begin}{text:<before$}{end}");
        let _ = err.flush();
    }
}

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
}

async fn repair(cli: &Cli, args: &VerifyArgs, config: Arc<Config>, wish: Wish) -> anyhow::Result<u8> {
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
                    show(args, &found);
                }
                let good = found.decision == Decision::Go;
                self.before = Some(found);
                if good {
                    return self.leave();
                }
                Some(TaskCommand::PlanRepair)
            }
            TaskEvent::Verified(Ok(found)) => {
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
                    eprintln!("\nto repair: {}", describe(&found));
                }
                match agreed(&found, args).await {
                    Some(remove_gone) => Some(TaskCommand::CatchUp { remove_gone }),
                    None => self.leave(),
                }
            }
            TaskEvent::CaughtUp(done, reason) => {
                self.done = Some(done);
                let stopped = reason.is_some();
                self.broken = matches!(reason, Some(StopReason::Broken(_)));
                self.error = reason.map(|reason| reason.to_string());
                if stopped { self.leave() } else { None }
            }
            TaskEvent::StepFinished(step, done) if !args.json => {
                eprintln!("{}", printable(&format!("{}: {done}", step.label())));
                None
            }
            // The indexes have taken the new rows in, or it is the migration's turn.
            TaskEvent::PhaseChanged(Phase::Complete | Phase::Stopped(_))
                if self.done.is_some() && self.after.is_none() =>
            {
                Some(TaskCommand::Verify(Box::new(wish.clone())))
            }
            _ => None,
        }
    }

    fn leave(&mut self) -> Option<TaskCommand> {
        (!std::mem::replace(&mut self.left, true)).then_some(TaskCommand::Quit)
    }

    fn tell(self, args: &VerifyArgs, state_dir: &Path) -> anyhow::Result<u8> {
        let last = self.after.as_deref().or(self.before.as_deref());
        // Whatever became of the repair, the last verification's are there.
        if let Some(last) = last.filter(|_| self.after.is_none()) {
            write_offenders(args, state_dir, last)?;
        }
        if args.json {
            print_json(&json!({
                "verification": last, "before": self.before, "found": self.found, "done": self.done,
                "error": self.error,
            }))?;
        } else if let Some(done) = &self.done {
            eprintln!(
                "{} added, {} replaced, {} removed, {} failed",
                done.added, done.replaced, done.removed, done.failed
            );
        }
        if let Some(error) = &self.error {
            eprintln!("qlance: {}", printable(error));
            let resumable = self.done.is_some() && !self.broken || error == verify::STOPPED;
            return Ok(if resumable { 5 } else { 1 });
        }
        let Some(last) = last else {
            eprintln!("qlance: stopped before both stores were verified; nothing was written");
            return Ok(5);
        };
        if self.after.is_some() {
            return end(args, state_dir, last);
        }
        Ok(exit_code(args.fail_on, last.decision))
    }
}

/// Whether it is to be carried out, and whether what is gone is to be removed. `None` is not at all.
async fn agreed(found: &Difference, args: &VerifyArgs) -> Option<bool> {
    if found.is_none() {
        eprintln!(
            "nothing of it can be repaired by bringing the stores together; the reasons above say what can be done"
        );
        return None;
    }
    let mends =
        found.new + found.content + found.payload + found.repeats > 0 || found.unindexed || found.unfinished.is_some();
    let mut mend = args.yes;
    let mut remove = args.remove_gone && found.gone > 0;
    if !args.json && !args.yes && std::io::stdin().is_terminal() {
        mend = mends && ask("Repair that?").await;
        if !remove && found.gone > 0 {
            remove = ask(&format!("Remove the {} rows whose points are gone?", found.gone)).await;
        }
    }
    if !mend && !remove {
        eprintln!("nothing was written; --yes repairs, --remove-gone removes what is gone as well");
        return None;
    }
    if found.gone > 0 && !remove {
        eprintln!(
            "the {} rows whose points are gone stay; --remove-gone removes them",
            found.gone
        );
    }
    (mends || remove).then_some(remove)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_says_no() {
        for (fail_on, decision, code) in [
            (FailOn::NoGo, Decision::Go, 0),
            (FailOn::NoGo, Decision::Inconclusive, 0),
            (FailOn::NoGo, Decision::NoGo, 4),
            (FailOn::Inconclusive, Decision::Go, 0),
            (FailOn::Inconclusive, Decision::Inconclusive, 4),
            (FailOn::Inconclusive, Decision::NoGo, 4),
        ] {
            assert_eq!(exit_code(fail_on, decision), code, "{fail_on:?} {decision:?}");
        }
    }
}
