//! The log: a file in the job's state directory, never the terminal; with the feature `otel`, spans to a collector.

use std::path::Path;

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

/// Starts logging to `<dir>/qlance.log`. Where that cannot be written there is no log; the job itself will say why.
/// `QLANCE_LOG` sets the level (default `qlance=info,warn`).
pub(super) fn start(dir: &Path) {
    if std::fs::create_dir_all(dir).is_err() {
        return;
    }
    let file = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(dir.join("qlance.log"));
    let Ok(file) = file else { return };
    let mut filter = EnvFilter::try_from_env("QLANCE_LOG").unwrap_or_else(|_| EnvFilter::new("qlance=info,warn"));
    // It logs whole answers that it cannot parse, and an answer may echo the key.
    if let Ok(silence) = "async_openai=off".parse() {
        filter = filter.add_directive(silence);
    }
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(std::sync::Mutex::new(file))
        .with_ansi(false)
        .with_filter(filter);
    let log = tracing_subscriber::registry().with(lines);
    #[cfg(feature = "otel")]
    match crate::metrics::spans::layer() {
        Ok(Some(spans)) => {
            let _ = log.with(spans).try_init();
        }
        Ok(None) => {
            let _ = log.try_init();
        }
        Err(error) => {
            let _ = log.try_init();
            tracing::warn!("no spans are exported: {error:#}");
        }
    }
    #[cfg(not(feature = "otel"))]
    let _ = log.try_init();
}

/// The end of a command: what is still to be exported is sent, for two seconds at most.
#[cfg_attr(
    not(feature = "otel"),
    allow(clippy::unused_async, reason = "with the feature it waits")
)]
pub(super) async fn finish() {
    #[cfg(feature = "otel")]
    crate::metrics::spans::flush().await;
}
