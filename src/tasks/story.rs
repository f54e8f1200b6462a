//! What happened, in one sentence an event: the lines of the Log screen, and those that `qlance log` reads.

use super::verify::STOPPED;
use super::words::{self, counted, points, rows};
use super::{Level, Setting, TaskEvent};
use crate::point::grouped;
use crate::point::verdict::Outcome;

/// The line of an event and how much it matters; nothing where it is worth none.
pub fn line(event: &TaskEvent) -> Option<(Level, String)> {
    let line = match event {
        TaskEvent::Opened(facts) => (Level::Info, format!("opened {}: {}", facts.job, points(facts.points))),
        TaskEvent::PhaseChanged(phase) => (Level::Info, phase.label().to_lowercase()),
        TaskEvent::PointFailed(id, failure) => (
            Level::Warn,
            format!("point {id} failed: {}: {failure}", failure.cause.as_str()),
        ),
        TaskEvent::Committed {
            rows: committed,
            version,
        } => (
            Level::Info,
            format!("committed {}, table version {version}", rows(*committed)),
        ),
        TaskEvent::StepStarted(step) => (Level::Info, format!("{} ...", step.label())),
        TaskEvent::StepFinished(step, done) => (Level::Info, format!("{}: {done}", step.label())),
        TaskEvent::RetryStarted(ids) => (Level::Info, format!("retrying {}", points(ids.len() as u64))),
        TaskEvent::RetryFinished(id, Ok(())) => (Level::Info, format!("point {id} recovered")),
        TaskEvent::RetryFinished(id, Err(failure)) => (Level::Warn, format!("point {id} failed again: {failure}")),
        TaskEvent::RetryEnded {
            recovered,
            failed,
            error,
            ..
        } => match error {
            None => (
                Level::Info,
                format!(
                    "retry ended: {} recovered, {} failed again",
                    grouped(*recovered),
                    grouped(*failed)
                ),
            ),
            Some(error) => (Level::Error, format!("retry stopped: {error}")),
        },
        TaskEvent::Planned(plan) => (
            Level::Info,
            format!(
                "planned: {}",
                counted(plan.warnings.len() as u64, "warning", "warnings")
            ),
        ),
        TaskEvent::SettingConfirmed(Setting::Threshold(_)) => return None,
        TaskEvent::SettingConfirmed(setting) => (Level::Info, setting.describe()),
        TaskEvent::Exported(count, path) => (
            Level::Info,
            format!(
                "{} written to {}",
                counted(*count, "failure", "failures"),
                path.display()
            ),
        ),
        TaskEvent::Decided {
            decision,
            points,
            error,
            ..
        } => match error {
            None => (
                Level::Info,
                format!("{}: {}", words::points(points.len() as u64), decision.label()),
            ),
            Some(error) => (
                Level::Error,
                format!(
                    "{}: {}; then it stopped: {error}",
                    words::points(points.len() as u64),
                    decision.label()
                ),
            ),
        },
        TaskEvent::Unanswered { error, .. } => (Level::Warn, error.clone()),
        TaskEvent::Skipped(count, true) => (Level::Info, format!("{} skipped", points(*count))),
        TaskEvent::Skipped(count, false) => (Level::Info, format!("{} taken back", counted(*count, "skip", "skips"))),
        TaskEvent::Noted(level, text) => (*level, text.clone()),
        TaskEvent::Compared(Ok(found)) => (
            Level::Info,
            format!(
                "compared: {} same, {} new, {} with another content, {} with another payload, {} gone",
                grouped(found.same),
                grouped(found.new),
                grouped(found.content),
                grouped(found.payload),
                grouped(found.gone)
            ),
        ),
        TaskEvent::Compared(Err(error)) => (Level::Error, error.clone()),
        TaskEvent::CaughtUp(done, error) => {
            let text = format!(
                "caught up: {} added, {} replaced, {} removed, {} failed",
                grouped(done.added),
                grouped(done.replaced),
                grouped(done.removed),
                grouped(done.failed)
            );
            match error {
                None => (Level::Info, text),
                Some(error) => (Level::Error, format!("{text}; then {error}")),
            }
        }
        TaskEvent::VerifyBegun(checks) => (
            Level::Info,
            format!("verifying: {}", counted(checks.len() as u64, "check", "checks")),
        ),
        TaskEvent::Checked(check) => {
            let level = match check.outcome {
                Outcome::Pass | Outcome::Info => Level::Info,
                Outcome::Inconclusive => Level::Warn,
                Outcome::Fail => Level::Error,
            };
            let text = format!("{}: {}: {}", check.id, check.outcome.label(), check.figure);
            (level, text)
        }
        TaskEvent::Verified(Ok(found)) => (
            Level::Info,
            format!(
                "verified version {}: {}, {}",
                found.table_version,
                found.decision.label(),
                counted(found.reasons.len() as u64, "reason", "reasons")
            ),
        ),
        TaskEvent::Verified(Err(error)) if error == STOPPED => (Level::Info, format!("not verified: {error}")),
        TaskEvent::Verified(Err(error)) => (Level::Error, format!("not verified: {error}")),
        TaskEvent::OffendersExported(count, path) => (
            Level::Info,
            format!(
                "{} written to {}",
                counted(*count, "offender", "offenders"),
                path.display()
            ),
        ),
        TaskEvent::VerifyProgressed(..)
        | TaskEvent::FailuresListed { .. }
        | TaskEvent::FailureRead(_)
        | TaskEvent::DivergentListed { .. }
        | TaskEvent::Inspected(_)
        | TaskEvent::PairsSampled(..)
        | TaskEvent::PairRead(_)
        | TaskEvent::AgreementMeasured(_)
        | TaskEvent::Searched(..)
        | TaskEvent::Ended(_) => return None,
    };
    Some(line)
}
