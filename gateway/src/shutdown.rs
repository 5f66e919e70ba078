//! The end, in order: not ready any more, still serving for a while, then finishing what is in flight.

use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::worker::Phase;

/// Waits for a signal and then steps through the phases. SIGTERM leaves load balancers time to notice; SIGINT comes from a terminal, where
/// nobody wants to wait.
///
/// # Errors
/// The signals cannot be listened to.
pub async fn on_signal(phase: &watch::Sender<Phase>, delay: Duration) -> std::io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let delay = tokio::select! {
        _ = terminate.recv() => delay,
        _ = interrupt.recv() => Duration::ZERO,
    };
    tracing::info!(delay_s = delay.as_secs(), "shutting down");
    phase.send_replace(Phase::Leaving);
    tokio::select! {
        () = tokio::time::sleep(delay) => {}
        _ = interrupt.recv() => {}
    }
    phase.send_replace(Phase::Draining);
    Ok(())
}
