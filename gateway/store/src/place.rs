//! Where the counters are kept: with this process, or in a server that all replicas share. Both speak the same exchange.

use std::sync::Arc;

use fairlead_admit::exchange::{Account, Ask};

use crate::clock::Clock;
use crate::embedded::Embedded;
use crate::link::Link;
#[cfg(feature = "valkey")]
use crate::valkey::Valkey;

/// One exchange to be made.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) account: Account,
    pub(crate) ask: Ask,
}

/// Why there is no reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The server refuses this one, as where its memory is full.
    Call(String),
    /// The connection leads nowhere any more.
    #[cfg(feature = "valkey")]
    Link(String),
}

impl Fault {
    /// What the matter is, to be shown to whoever runs the gateway.
    pub(crate) fn problem(&self) -> &str {
        match self {
            Self::Call(problem) => problem,
            #[cfg(feature = "valkey")]
            Self::Link(problem) => problem,
        }
    }
}

/// The store.
#[derive(Debug)]
pub(crate) enum Place {
    Embedded(Arc<Embedded>),
    #[cfg(feature = "valkey")]
    Valkey(Valkey),
}

impl Place {
    /// Until something has become known of the way there; whether the store is another process than before.
    pub(crate) async fn changed(&mut self, link: &Link, clock: Clock) -> bool {
        match self {
            Self::Embedded(_) => {
                let _ = (link, clock);
                std::future::pending().await
            }
            #[cfg(feature = "valkey")]
            Self::Valkey(valkey) => valkey.changed(link, clock).await,
        }
    }

    /// Whether it can be asked.
    pub(crate) fn is_connected(&self) -> bool {
        match self {
            Self::Embedded(_) => true,
            #[cfg(feature = "valkey")]
            Self::Valkey(valkey) => valkey.is_connected(),
        }
    }

    /// Whether something is to be written to a file.
    pub(crate) fn is_dirty(&self) -> bool {
        match self {
            Self::Embedded(embedded) => embedded.is_dirty(),
            #[cfg(feature = "valkey")]
            Self::Valkey(_) => false,
        }
    }
}
