//! From an event to its line: which events are worth one, and what of them may be said. Counts, ids, names of causes
//! and classes; never a message, for a server's message may quote the payload it refused, and an error a key.

use serde_json::{Value, json};

use crate::metrics::words;
use crate::point::Failure;
use crate::tasks::sync::{CaughtUp, Difference};
use crate::tasks::verify::Verification;
use crate::tasks::{JobFacts, Phase, RunReport, Setting, StopReason, TaskEvent};

/// What a line says: the event's name and its own fields, an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Said {
    pub(super) event: &'static str,
    pub(super) fields: Value,
}

/// Every name a line may have, for the documentation.
pub const EVENTS: [&str; 23] = [
    "opened",
    "planned",
    "phase_changed",
    "point_failed",
    "setting_confirmed",
    "committed",
    "step_started",
    "step_finished",
    "retry_started",
    "retry_finished",
    "retry_ended",
    "skipped",
    "unskipped",
    "exported",
    "decided",
    "compared",
    "caught_up",
    "verify_begun",
    "checked",
    "verified",
    "offenders_exported",
    "noted",
    "ended",
];

/// What an event's line says; nothing for what only answers a question of the screen.
pub(super) fn line_of(event: &TaskEvent) -> Option<Said> {
    let (event, fields) = match event {
        TaskEvent::Opened(facts) => ("opened", opened(facts)),
        TaskEvent::Planned(_) => ("planned", json!({})),
        TaskEvent::PhaseChanged(phase) => ("phase_changed", phase_changed(phase)),
        TaskEvent::PointFailed(id, failure) => ("point_failed", json!({"id": id, "cause": failure.cause})),
        TaskEvent::SettingConfirmed(setting) => ("setting_confirmed", setting_confirmed(*setting)),
        TaskEvent::Committed { rows, version } => ("committed", json!({"rows": rows, "version": version})),
        TaskEvent::StepStarted(step) => ("step_started", json!({"step": words::step(*step)})),
        TaskEvent::StepFinished(step, _) => ("step_finished", json!({"step": words::step(*step)})),
        TaskEvent::RetryStarted(ids) => ("retry_started", json!({"points": ids.len()})),
        TaskEvent::RetryFinished(id, result) => {
            let cause = result.as_ref().err().map(|Failure { cause, .. }| cause);
            let fields = json!({"id": id, "recovered": result.is_ok(), "cause": cause});
            ("retry_finished", fields)
        }
        TaskEvent::RetryEnded {
            recovered,
            failed,
            error,
            waiting,
        } => {
            let fields = json!({
                "recovered": recovered, "failed": failed, "stopped": error.is_some(), "waiting": waiting
            });
            ("retry_ended", fields)
        }
        TaskEvent::Skipped(points, true) => ("skipped", json!({"points": points})),
        TaskEvent::Skipped(points, false) => ("unskipped", json!({"points": points})),
        // The file's name is the operator's own and may be anything: its count says enough.
        TaskEvent::Exported(points, _) => ("exported", json!({"points": points})),
        TaskEvent::Decided {
            decision,
            points,
            error,
            ..
        } => {
            let fields = json!({
                "decision": decision.as_str(), "points": points.len(), "stopped": error.is_some()
            });
            ("decided", fields)
        }
        TaskEvent::Compared(result) => ("compared", compared(result.as_ref().ok())),
        TaskEvent::CaughtUp(done, reason) => ("caught_up", caught_up(*done, reason.as_ref())),
        TaskEvent::VerifyBegun(checks) => {
            let checks: Vec<&str> = checks.iter().map(|check| check.as_str()).collect();
            ("verify_begun", json!({"checks": checks}))
        }
        TaskEvent::Checked(check) => {
            let fields = json!({
                "check": check.id, "outcome": check.outcome, "offenders": check.offenders.total,
                "seconds": check.took.as_secs_f64()
            });
            ("checked", fields)
        }
        TaskEvent::Verified(result) => ("verified", verified(result.as_deref().ok())),
        TaskEvent::OffendersExported(offenders, _) => ("offenders_exported", json!({"offenders": offenders})),
        // Its text is in the log; here it could quote what a server said.
        TaskEvent::Noted(level, _) => ("noted", json!({"level": level})),
        TaskEvent::Ended(report) => ("ended", json!({"report": ended(report)})),
        TaskEvent::FailuresListed { .. }
        | TaskEvent::FailureRead(_)
        | TaskEvent::DivergentListed { .. }
        | TaskEvent::Inspected(_)
        | TaskEvent::PairsSampled(..)
        | TaskEvent::PairRead(_)
        | TaskEvent::AgreementMeasured(_)
        | TaskEvent::Searched(..)
        | TaskEvent::VerifyProgressed(..)
        | TaskEvent::Unanswered { .. } => return None,
    };
    Some(Said { event, fields })
}

/// Addresses are left out: one may hold a password.
fn opened(facts: &JobFacts) -> Value {
    json!({
        "collection": facts.collection, "qdrant_version": facts.qdrant_version, "points": facts.points,
        "comparable": facts.comparable.is_ok(), "resumed": facts.resumed, "version": env!("CARGO_PKG_VERSION")
    })
}

fn phase_changed(phase: &Phase) -> Value {
    let mut fields = json!({"phase": words::phase(phase)});
    match phase {
        Phase::Stopped(reason) => fields["reason"] = words::stop_reason(reason).into(),
        Phase::Finishing(step) => fields["step"] = words::step(*step).into(),
        _ => {}
    }
    fields
}

fn setting_confirmed(setting: Setting) -> Value {
    let value = match setting {
        Setting::InFlight(number) | Setting::BatchInputs(number) => json!(number),
        Setting::RequestsPerMinute(cap) | Setting::TokensPerMinute(cap) => json!(cap),
        Setting::BudgetUsd(usd) => json!(usd),
        // By way of its decimal spelling: 0.98 is not to become 0.9800000190734863.
        Setting::Threshold(threshold) => json!(threshold.to_string().parse::<f64>().ok()),
    };
    json!({"setting": words::setting(setting), "value": value})
}

fn compared(found: Option<&Difference>) -> Value {
    found.map_or_else(
        || json!({"stopped": true}),
        |found| {
            json!({
                "stopped": false, "same": found.same, "new": found.new, "content": found.content,
                "payload": found.payload, "gone": found.gone, "waiting": found.waiting, "repeats": found.repeats,
                "unindexed": found.unindexed
            })
        },
    )
}

fn caught_up(done: CaughtUp, reason: Option<&StopReason>) -> Value {
    json!({
        "added": done.added, "replaced": done.replaced, "removed": done.removed, "failed": done.failed,
        "reason": reason.map(words::stop_reason)
    })
}

fn verified(found: Option<&Verification>) -> Value {
    found.map_or_else(
        || json!({"stopped": true}),
        |found| {
            let outcomes: serde_json::Map<String, Value> = found
                .checks
                .iter()
                .map(|check| (check.id.as_str().to_owned(), json!(check.outcome)))
                .collect();
            json!({
                "stopped": false, "decision": found.decision, "checks": outcomes, "points": found.points,
                "rows": found.rows, "table_version": found.table_version, "seconds": found.took.as_secs_f64()
            })
        },
    )
}

/// The report without its errors and without the table's address; that something was wrong its status says.
fn ended(report: &RunReport) -> Value {
    let mut report = serde_json::to_value(report).unwrap_or_default();
    for place in ["", "/retry"] {
        if let Some(part) = report.pointer_mut(place).and_then(Value::as_object_mut) {
            part.remove("error");
        }
    }
    if let Some(table) = report.pointer_mut("/table").and_then(Value::as_object_mut) {
        table.remove("uri");
    }
    report
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;
    use crate::lance::index::Step;
    use crate::point::{Cause, PointId};
    use crate::tasks::verify::CheckId;
    use crate::tasks::{Level, Owned, RetryReport, TableReport};

    const MARKER: &str = "sk-secret-or-payload";

    fn failure() -> Failure {
        Failure::new(Cause::Rejected, MARKER)
    }

    fn report() -> RunReport {
        RunReport {
            read: 10,
            written: 8,
            failed: 1,
            skipped: 1,
            retry: Some(RetryReport {
                error: Some(MARKER.into()),
                ..RetryReport::default()
            }),
            table: TableReport {
                uri: format!("s3://user:{MARKER}@bucket"),
                ..TableReport::default()
            },
            ..RunReport::failed_to_begin(MARKER.into(), Duration::from_secs(1))
        }
    }

    fn every_event_that_can_quote() -> Vec<TaskEvent> {
        let id = PointId::Num(7);
        let facts = JobFacts {
            job: MARKER.into(),
            collection: "messages".into(),
            qdrant_version: "1.16.0".into(),
            table: MARKER.into(),
            space: MARKER.into(),
            content: MARKER.into(),
            comparable: Err(MARKER.into()),
            points: 10,
            resumed: true,
            state_dir: MARKER.into(),
        };
        vec![
            TaskEvent::Opened(Box::new(facts)),
            TaskEvent::PhaseChanged(Phase::Stopped(StopReason::Trouble(MARKER.into()))),
            TaskEvent::PhaseChanged(Phase::Stopped(StopReason::Broken(MARKER.into()))),
            TaskEvent::PhaseChanged(Phase::Failed(MARKER.into())),
            TaskEvent::PhaseChanged(Phase::Finishing(Step::TextIndex)),
            TaskEvent::PointFailed(id, failure()),
            TaskEvent::SettingConfirmed(Setting::Threshold(0.98)),
            TaskEvent::SettingConfirmed(Setting::BudgetUsd(None)),
            TaskEvent::Committed { rows: 3, version: 4 },
            TaskEvent::StepStarted(Step::Compact),
            TaskEvent::StepFinished(Step::Compact, MARKER.into()),
            TaskEvent::RetryStarted(vec![id]),
            TaskEvent::RetryFinished(id, Err(failure())),
            TaskEvent::RetryFinished(id, Ok(())),
            TaskEvent::RetryEnded {
                recovered: 1,
                failed: 1,
                error: Some(MARKER.into()),
                waiting: 0,
            },
            TaskEvent::Skipped(2, true),
            TaskEvent::Skipped(2, false),
            TaskEvent::Exported(2, PathBuf::from(MARKER)),
            TaskEvent::Compared(Err(MARKER.into())),
            TaskEvent::Compared(Ok(Difference::default())),
            TaskEvent::CaughtUp(CaughtUp::default(), Some(StopReason::Trouble(MARKER.into()))),
            TaskEvent::VerifyBegun(CheckId::ALL.to_vec()),
            TaskEvent::Verified(Err(MARKER.into())),
            TaskEvent::OffendersExported(2, PathBuf::from(MARKER)),
            TaskEvent::Noted(Level::Error, MARKER.into()),
            TaskEvent::Ended(Box::new(report())),
        ]
    }

    #[test]
    fn no_line_quotes_a_message() {
        for event in every_event_that_can_quote() {
            let said = line_of(&event).expect("worth a line");
            assert!(EVENTS.contains(&said.event), "{}", said.event);
            assert!(said.fields.is_object(), "{said:?}");
            let text = said.fields.to_string();
            assert!(!text.contains(MARKER), "{}: {text}", said.event);
        }
    }

    #[test]
    fn lines_say_what_happened() {
        for (event, expected) in [
            (
                TaskEvent::PointFailed(PointId::Num(7), failure()),
                json!({"id": 7, "cause": "rejected"}),
            ),
            (
                TaskEvent::RetryFinished(PointId::Num(7), Ok(())),
                json!({"id": 7, "recovered": true, "cause": null}),
            ),
            (
                TaskEvent::PhaseChanged(Phase::Stopped(StopReason::Budget(MARKER.into()))),
                json!({"phase": "stopped", "reason": "budget"}),
            ),
            (
                TaskEvent::PhaseChanged(Phase::Finishing(Step::IdIndex)),
                json!({"phase": "finishing", "step": "id_index"}),
            ),
            (
                TaskEvent::SettingConfirmed(Setting::Threshold(0.98)),
                json!({"setting": "threshold", "value": 0.98}),
            ),
            (
                TaskEvent::SettingConfirmed(Setting::RequestsPerMinute(None)),
                json!({"setting": "requests_per_minute", "value": null}),
            ),
        ] {
            assert_eq!(line_of(&event).expect("a line").fields, expected, "{event:?}");
        }
        let ended = line_of(&TaskEvent::Ended(Box::new(report()))).expect("a line");
        let report = &ended.fields["report"];
        assert_eq!(
            (&report["status"], &report["read"], &report["written"]),
            (&json!("error"), &json!(10), &json!(8))
        );
        assert_eq!(report["retry"], json!({"recovered": 0, "failed": 0}));
    }

    #[test]
    fn answers_to_the_screen_are_no_events_of_the_run() {
        for event in [
            TaskEvent::VerifyProgressed(CheckId::Ids, 1, 2),
            TaskEvent::Unanswered {
                of: Owned::Failures,
                error: MARKER.into(),
            },
        ] {
            assert_eq!(line_of(&event), None);
        }
    }
}
