//! Signals without a screen: the first Ctrl-C (or SIGTERM, SIGHUP) stops cleanly, the second at once.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::tasks::TaskCommand;

/// The exit code after a second Ctrl-C.
pub(super) const INTERRUPTED: i32 = 130;

/// Stops the work on a signal.
///
/// # Errors
/// Signals cannot be listened to.
pub(super) fn stop_on_signal(commands: mpsc::Sender<TaskCommand>) -> std::io::Result<()> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let mut hang_up = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        any(&mut interrupt, &mut terminate, &mut hang_up).await;
        eprintln!("qlance: stopping; what is embedded is being committed (once more: at once)");
        let _ = commands.send(TaskCommand::Quit).await;
        any(&mut interrupt, &mut terminate, &mut hang_up).await;
        eprintln!("qlance: stopped at once; the job can be resumed");
        std::process::exit(INTERRUPTED);
    });
    Ok(())
}

async fn any(interrupt: &mut Signal, terminate: &mut Signal, hang_up: &mut Signal) {
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hang_up.recv() => {}
    }
}
