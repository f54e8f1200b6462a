//! What is waited for by name: a pause, an outage, a limit of the server's or of the operator's.

use std::time::{Duration, Instant};

use super::{Cap, Setting};
use crate::embed::gate::Gate;
use crate::tasks::Phase;

/// Why the work is not faster just now. Times in whole seconds: they are drawn, and nothing else changes with them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waiting {
    /// The reason, named.
    pub reason: String,
    /// For how much longer, where that is known.
    pub left: Option<Duration>,
    /// The outage behind it.
    pub outage: Option<Outage>,
    /// The operator's own cap behind it.
    pub cap: Option<Cap>,
}

impl Waiting {
    /// Whether a try that is made now ends it. It ends no pause, and under a cap there is nothing to be tried.
    pub fn ends_on_a_try(&self) -> bool {
        self.left.is_some() && self.cap.is_none()
    }
}

/// A neighbour that does not answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// Who.
    pub of: &'static str,
    /// For how long already.
    pub lasted: Duration,
    /// Tries made.
    pub tries: u32,
    /// After how long the run stops.
    pub patience: Duration,
}

/// What is waited for just now, where the run waits for something that has a name.
pub(super) fn waiting(setting: Setting<'_>, now: Instant) -> Option<Waiting> {
    match setting.phase {
        Phase::Paused | Phase::Pausing => {
            // A pause that was asked for is none yet: requests are still in flight.
            let pausing = *setting.phase == Phase::Pausing;
            return Some(Waiting {
                reason: if pausing { "pausing" } else { "paused by operator" }.into(),
                ..Waiting::default()
            });
        }
        Phase::Running => {}
        _ => return None,
    }
    let seconds = |span: Duration| Duration::from_secs(span.as_secs());
    let until = |at: Instant| Duration::from_secs_f64(at.saturating_duration_since(now).as_secs_f64().ceil());
    let waiting_out = |of: &'static str, outage: &crate::patience::Outage| Waiting {
        reason: format!("{of} outage: {}", outage.message),
        left: Some(until(outage.next_try)),
        outage: Some(Outage {
            of,
            lasted: seconds(now.saturating_duration_since(outage.since)),
            tries: outage.tries,
            patience: setting.patience,
        }),
        cap: None,
    };
    let embedder = setting.gateways.outage();
    if let Some(outage) = setting.source_outage {
        return Some(waiting_out("Qdrant", outage));
    }
    if let Some(outage) = &embedder {
        return Some(waiting_out("embedder", outage));
    }
    if let Some(outage) = setting.media_outage {
        return Some(waiting_out("media host", outage));
    }
    let gates = || setting.gateways.each().map(|(_, gateway)| gateway.gate());
    if let Some((at, reason)) = gates().find_map(Gate::held) {
        return Some(Waiting {
            reason: reason.to_string(),
            left: Some(until(at)),
            ..Waiting::default()
        });
    }
    let (at, cap) = gates().find_map(Gate::paced)?;
    Some(Waiting {
        reason: format!("your cap of {cap}"),
        left: Some(until(at)),
        outage: None,
        cap: Some(cap),
    })
}
