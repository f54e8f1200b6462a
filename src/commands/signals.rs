//! Signals without a screen: the first Ctrl-C (or SIGTERM, SIGHUP) stops cleanly, the second at once.

use std::sync::OnceLock;

use rustix::process::Signal as Number;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::tasks::TaskCommand;

/// The exit code after a second Ctrl-C.
pub(super) const INTERRUPTED: i32 = 130;

/// Stops the work on a signal.
///
/// # Errors
/// Signals cannot be listened to.
pub(super) fn stop_on_signal(commands: mpsc::Sender<TaskCommand>) -> std::io::Result<()> {
    let mut hang_up = if outlives_terminal() {
        None
    } else {
        Some(signal(SignalKind::hangup())?)
    };
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        any(&mut interrupt, &mut terminate, hang_up.as_mut()).await;
        // First of all: the terminal that would hear of it may be what is gone.
        let _ = commands.send(TaskCommand::Quit).await;
        tell!("qlance: stopping; what is embedded is being committed (once more: at once)");
        any(&mut interrupt, &mut terminate, hang_up.as_mut()).await;
        tell!("qlance: stopped at once; the job can be resumed");
        std::process::exit(INTERRUPTED);
    });
    Ok(())
}

/// What Ctrl-C cancels, where nothing is written that would have to be brought to an end.
pub(super) struct OnCtrlC {
    /// Cancelled by the first one.
    pub(super) stop: CancellationToken,
    waiting: JoinHandle<()>,
}

impl OnCtrlC {
    /// Waits for it from now on, until this is dropped.
    pub(super) fn new() -> Self {
        let stop = CancellationToken::new();
        let heard = stop.clone();
        let waiting = tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                heard.cancel();
            }
        });
        Self { stop, waiting }
    }
}

impl Drop for OnCtrlC {
    fn drop(&mut self) {
        self.waiting.abort();
    }
}

async fn any(interrupt: &mut Signal, terminate: &mut Signal, hang_up: Option<&mut Signal>) {
    let hung_up = async {
        match hang_up {
            Some(hang_up) => {
                hang_up.recv().await;
            }
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        () = hung_up => {}
    }
}

/// Whether qlance was begun with SIGHUP ignored, as `nohup` does: then the end of the terminal is not its own. The first
/// answer counts, since listening to a signal hides it; where `/proc` does not tell, it is no.
pub(super) fn outlives_terminal() -> bool {
    static IGNORED: OnceLock<bool> = OnceLock::new();
    *IGNORED.get_or_init(|| {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        ignores(&status, Number::HUP)
    })
}

/// Whether a process of this `/proc/PID/status` ignores a signal.
fn ignores(status: &str, signal: Number) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.is_some_and(|mask| (mask >> (signal.as_raw() - 1)) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ignored_stands_in_the_status() {
        let status = |mask: &str| format!("Name:\tqlance\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\nSigCgt:\t1\n");
        for (mask, expected) in [
            ("0000000000000000", false),
            ("0000000000000001", true),
            ("0000000000001002", false),
            ("0000000000001007", true),
            ("no mask", false),
        ] {
            assert_eq!(ignores(&status(mask), Number::HUP), expected, "{mask}");
        }
        assert!(!ignores("", Number::HUP), "nothing is known");
    }
}
