//! What all counters of a process have in common, and what they say to the driver.

use std::sync::Arc;

use fairlead_admit::exchange::{Account, Totals};
use tokio::sync::{mpsc, oneshot};

use crate::clock::Clock;
use crate::journal::Journal;
use crate::link::Link;
use crate::part::Part;
use crate::place::Fault;

/// What every counter needs.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) link: Link,
    pub(crate) clock: Clock,
    pub(crate) journal: Journal,
    pub(crate) inbox: mpsc::UnboundedSender<Wake>,
}

/// What the driver is woken for. There are no more of them than parts, drains and readers: a part is in there once.
#[derive(Debug)]
pub(crate) enum Wake {
    /// It is in use again.
    Used(Arc<Part>),
    /// Somebody waits for it.
    Called(Arc<Part>),
    /// Everything idle is to go back, and everything to be told.
    Drain(oneshot::Sender<()>),
    /// These are to be read.
    Look(
        Vec<Account>,
        oneshot::Sender<Vec<Result<Option<Totals>, Fault>>>,
    ),
}

impl Shared {
    /// Tells the driver. A driver that has ended hears nothing, and nobody waits for it for long.
    pub(crate) fn wake(&self, wake: Wake) {
        let _ = self.inbox.send(wake);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// That of a store in memory whom nobody drives.
    pub(crate) fn shared() -> Arc<Shared> {
        let (inbox, _) = mpsc::unbounded_channel();
        Arc::new(Shared {
            link: Link::own(&fairlead_admit::exchange::RunId::from("a")),
            clock: Clock::since(tokio::time::Instant::now()),
            journal: Journal::in_memory(),
            inbox,
        })
    }
}
