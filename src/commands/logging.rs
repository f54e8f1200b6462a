//! The log: a file in the job's state directory, never the terminal.

use std::path::Path;

use tracing_subscriber::EnvFilter;

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
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::sync::Mutex::new(file))
        .with_ansi(false)
        .try_init();
}
