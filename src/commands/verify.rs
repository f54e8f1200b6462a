//! `qlance verify`: may the new store take over? With `--repair`, brings both stores together and verifies once more.

mod repair;

use std::io::{IsTerminal as _, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::Context as _;

use super::acting::Asking;
use super::signals::OnCtrlC;
use super::{print_json, printable, read_or_not};
use crate::cli::{Cli, FailOn, VerifyArgs};
use crate::config::{Config, ConfigError};
use crate::journal::Spent;
use crate::point::verdict::Decision;
use crate::tasks::job::Opening;
use crate::tasks::lock::Lock;
use crate::tasks::verify::{self, Check, CheckId, Told, Verification, Verifier, Wish, export, kept};

pub(super) async fn run(cli: &Cli, args: &VerifyArgs) -> anyhow::Result<u8> {
    let config = Arc::new(Config::load(&cli.config)?);
    let wish = wanted(args)?;
    super::logging::start(&config.job(cli.state.as_deref()).dir);
    if args.repair {
        return repair::run(cli, args, config, wish).await;
    }
    // What is paid for is written down, and counts towards the budget: nobody else may spend meanwhile. An embedded
    // Qdrant's job is locked anyway.
    let _lock = if args.pay && config.embedded_dir().is_none() {
        Some(Lock::take(&config.job(cli.state.as_deref()).dir)?)
    } else {
        None
    };
    let Asking { opening, inspector } = Asking::of(cli, config).await?;
    if let Some(gateway) = opening.recipe.gateways.main() {
        gateway.budget().spent_before(opening.spent.usd);
    }
    let verifier = Verifier::of(&opening, inspector);
    let on_ctrl_c = OnCtrlC::new();
    let progress = Progress::new(args.json);
    let found = verify::verify(&verifier, wish, |told| progress.tell(told), on_ctrl_c.stop.clone()).await;
    // However it ended: what was paid is paid.
    if args.pay {
        keep_spent(&opening).await?;
    }
    let found = match found {
        Err(error) if on_ctrl_c.stop.is_cancelled() => {
            tell!("qlance: {}", printable(&format!("{error:#}")));
            return Ok(5);
        }
        found => found?,
    };
    kept::keep(&opening.state_dir, &found)?;
    if args.json {
        read_or_not(print_json(&found))?;
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

/// Writes what is to be written, shows what came out, and says the exit code.
fn end(args: &VerifyArgs, state_dir: &Path, found: &Verification) -> anyhow::Result<u8> {
    write_offenders(args, state_dir, found)?;
    if !args.json {
        let shown = show(&mut std::io::stdout().lock(), args, found);
        read_or_not(shown.map_err(anyhow::Error::from))?;
    }
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
    tell!("{count}{of} offenders are in {}", path.display());
    Ok(())
}

fn exit_code(fail_on: FailOn, decision: Decision) -> u8 {
    match (decision, fail_on) {
        (Decision::NoGo, _) | (Decision::Inconclusive, FailOn::Inconclusive) => 4,
        (Decision::Go | Decision::Inconclusive, _) => 0,
    }
}

fn show(out: &mut impl Write, args: &VerifyArgs, found: &Verification) -> std::io::Result<()> {
    let (decision, version) = (found.decision.label(), found.table_version);
    writeln!(
        out,
        "{decision}: {} (version {version}, {} rows) for {} of Qdrant {} ({} points), {:.1} s",
        printable(&found.table),
        found.rows,
        printable(&found.collection),
        printable(&found.qdrant_version),
        found.points,
        found.took.as_secs_f64()
    )?;
    for check in &found.checks {
        show_check(out, args, check)?;
    }
    if !found.reasons.is_empty() {
        writeln!(out, "\nwhy it is {decision}:")?;
    }
    for reason in &found.reasons {
        writeln!(out, "- {}", printable(reason))?;
    }
    Ok(())
}

fn show_check(out: &mut impl Write, args: &VerifyArgs, check: &Check) -> std::io::Result<()> {
    writeln!(
        out,
        "\n{:<12} {:<10} {}  ({:.1} s)\n             wanted: {}",
        check.outcome.label(),
        check.id.as_str(),
        printable(&check.figure),
        check.took.as_secs_f64(),
        printable(&check.threshold)
    )?;
    for note in &check.notes {
        writeln!(out, "             note: {}", printable(note))?;
    }
    let shown = check.offenders.shown.iter().take(args.show);
    for offender in shown.clone() {
        writeln!(out, "             {}: {}", offender.id, printable(&offender.what))?;
    }
    let more = check.offenders.total - shown.count() as u64;
    if more > 0 {
        writeln!(out, "             and {more} more (--show, --export)")?;
    }
    Ok(())
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
