//! What is watched of a run from outside: Prometheus metrics over HTTP, an event log and a log beside the journal, and,
//! with the feature `otel`, tracing spans over OTLP.
//!
//! Reads [`Snapshot`]s and [`TaskEvent`]s of `tasks`; commands nothing and draws nothing. `commands` and `console` put
//! it between the work and themselves. Nothing here may hold the work up, stop it, or say more than counts and names:
//! no payload, no message of a server, no secret. Only [`log`] says what the Log screen says, messages too; it stays in
//! the state directory, as the journal does.

mod endpoint;
mod events;
mod exposition;
mod families;
pub mod log;
mod seen;
#[cfg(feature = "otel")]
pub mod spans;
mod words;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::config::Config;
use crate::tasks::{Snapshot, TaskEvent};

pub use endpoint::{Endpoint, Serving};
pub use events::EVENTS;
pub use families::{Kind, METRICS, Metric, Sample, Value};
pub use seen::Seen;

/// Watches a run: its events pass through into the job's event log, and where an endpoint listens, its metrics are
/// served until the second answer is dropped. The first answer gives the events on, every one and in order; it ends
/// when they have and the log is written.
///
/// Call it inside of a tokio runtime.
pub fn observe(
    config: &Config,
    state: Option<&Path>,
    endpoint: Option<Endpoint>,
    events: mpsc::Receiver<TaskEvent>,
    snapshot: &watch::Receiver<Snapshot>,
) -> (mpsc::Receiver<TaskEvent>, Option<Serving>) {
    let seen = Arc::new(Seen::new(config.divergence.threshold as f32));
    let serving = endpoint.map(|endpoint| endpoint.serve(snapshot.clone(), Arc::clone(&seen)));
    (events::tap(events, config.job(state), seen), serving)
}
