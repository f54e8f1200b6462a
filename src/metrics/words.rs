//! The words by which metrics and the event log name things. A closed set each: a label or a field never carries a text
//! that a server, a payload or an error wrote.

use crate::lance::index::Step;
use crate::tasks::meters::Waiting;
use crate::tasks::{Phase, Setting, StopReason};

/// All phases, in the order of a run.
pub(super) const PHASES: [&str; 12] = [
    "connecting",
    "ready",
    "running",
    "pausing",
    "paused",
    "stopping",
    "finishing",
    "comparing",
    "catching_up",
    "complete",
    "stopped",
    "failed",
];

/// The word of a phase: one of [`PHASES`].
pub(super) fn phase(phase: &Phase) -> &'static str {
    match phase {
        Phase::Connecting => "connecting",
        Phase::Ready => "ready",
        Phase::Running => "running",
        Phase::Pausing => "pausing",
        Phase::Paused => "paused",
        Phase::Stopping => "stopping",
        Phase::Finishing(_) => "finishing",
        Phase::Comparing => "comparing",
        Phase::CatchingUp => "catching_up",
        Phase::Complete => "complete",
        Phase::Stopped(_) => "stopped",
        Phase::Failed(_) => "failed",
    }
}

/// Why a run stopped, without what the error says.
pub(super) fn stop_reason(reason: &StopReason) -> &'static str {
    match reason {
        StopReason::ByOperator => "by_operator",
        StopReason::NotAsked => "not_asked",
        StopReason::Budget(_) => "budget",
        StopReason::Trouble(_) => "trouble",
        StopReason::Broken(_) => "broken_invariant",
    }
}

/// A step of finishing the table.
pub(super) fn step(step: Step) -> &'static str {
    step.as_str()
}

/// The name of a setting, as in the configuration.
pub(super) fn setting(setting: Setting) -> &'static str {
    match setting {
        Setting::InFlight(_) => "max_in_flight",
        Setting::BatchInputs(_) => "max_batch_inputs",
        Setting::RequestsPerMinute(_) => "requests_per_minute",
        Setting::TokensPerMinute(_) => "tokens_per_minute",
        Setting::BudgetUsd(_) => "budget_usd",
        Setting::Threshold(_) => "threshold",
    }
}

/// All reasons to wait.
pub(super) const WAITS: [&str; 7] = [
    "paused",
    "qdrant_outage",
    "embedder_outage",
    "media_outage",
    "throttled",
    "own_cap",
    "other",
];

/// The class of what is waited for: one of [`WAITS`].
pub(super) fn wait(phase: &Phase, waiting: &Waiting) -> &'static str {
    if matches!(phase, Phase::Pausing | Phase::Paused) {
        return "paused";
    }
    if let Some(outage) = &waiting.outage {
        return match outage.of {
            "Qdrant" => "qdrant_outage",
            "embedder" => "embedder_outage",
            _ => "media_outage",
        };
    }
    match waiting.reason.as_str() {
        _ if waiting.cap.is_some() => "own_cap",
        reason if reason.starts_with("throttled") => "throttled",
        reason if reason.starts_with("embedder outage") => "embedder_outage",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::tasks::meters::{Cap, Outage};

    #[test]
    fn every_phase_has_its_own_word() {
        let secret = || "sk-secret".to_owned();
        let phases = [
            Phase::Connecting,
            Phase::Ready,
            Phase::Running,
            Phase::Pausing,
            Phase::Paused,
            Phase::Stopping,
            Phase::Finishing(Step::Compact),
            Phase::Comparing,
            Phase::CatchingUp,
            Phase::Complete,
            Phase::Stopped(StopReason::Trouble(secret())),
            Phase::Failed(secret()),
        ];
        let words: Vec<&str> = phases.iter().map(phase).collect();
        assert_eq!(words, PHASES);
    }

    #[test]
    fn what_is_waited_for_falls_into_a_class() {
        let of = |of| {
            let outage = Outage {
                of,
                lasted: Duration::ZERO,
                tries: 1,
                patience: Duration::ZERO,
            };
            Waiting {
                reason: format!("{of} outage: the server quotes your payload"),
                outage: Some(outage),
                ..Waiting::default()
            }
        };
        let because = |reason: &str| Waiting {
            reason: reason.to_owned(),
            ..Waiting::default()
        };
        let capped = |cap| Waiting {
            cap: Some(cap),
            ..because("throttled, as the operator says")
        };
        for (waiting, expected) in [
            (of("Qdrant"), "qdrant_outage"),
            (of("embedder"), "embedder_outage"),
            (of("media host"), "media_outage"),
            (capped(Cap::Requests(60)), "own_cap"),
            (capped(Cap::Tokens(60)), "own_cap"),
            (because("throttled by the embedder: slow down"), "throttled"),
            (because("throttled: the provider's tokens/min are used up"), "throttled"),
            (because("embedder outage: connection refused"), "embedder_outage"),
            (because("sk-secret"), "other"),
        ] {
            let found = wait(&Phase::Running, &waiting);
            assert_eq!(found, expected, "{waiting:?}");
            assert!(WAITS.contains(&found));
        }
        assert_eq!(wait(&Phase::Paused, &because("paused by operator")), "paused");
    }
}
