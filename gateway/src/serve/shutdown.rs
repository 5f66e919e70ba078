//! The end, in order: not ready any more, still serving for a while, then finishing what is in flight.

use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};

use crate::worker::Phase;

/// The signals that end the gateway.
#[derive(Debug)]
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Listens from now on.
    ///
    /// # Errors
    /// The signals cannot be listened to.
    pub(crate) fn listen() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// Whether the next one came from a terminal.
    async fn next(&mut self) -> bool {
        tokio::select! {
            _ = self.terminate.recv() => false,
            _ = self.interrupt.recv() => true,
        }
    }

    /// Waits for a signal and then steps through the phases. SIGTERM leaves load balancers `delay` to notice; SIGINT comes from a terminal,
    /// where nobody wants to wait. Each further signal goes on to the next phase at once. Returns when every core has ended.
    pub(crate) async fn conduct(
        mut self,
        phase: &watch::Sender<Phase>,
        delay: Duration,
        mut ended: oneshot::Receiver<()>,
    ) {
        let interactive = tokio::select! {
            interactive = self.next() => interactive,
            // Nothing accepts any more, so there is nothing left to shut down.
            _ = &mut ended => return,
        };
        let delay = if interactive { Duration::ZERO } else { delay };
        tracing::info!(delay_s = delay.as_secs_f64(), "shutting down");
        phase.send_replace(Phase::Leaving);
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            _ = self.next() => {}
        }
        phase.send_replace(Phase::Draining);
        tokio::select! {
            _ = &mut ended => return,
            _ = self.next() => {}
        }
        tracing::warn!("cutting what is in flight");
        phase.send_replace(Phase::Cut);
        // An error means that the cores are gone as well.
        let _ = ended.await;
    }
}
