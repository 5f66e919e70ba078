//! What providers have in common, whatever the configuration: made once, when the process starts.

use fairlead_auth::Refresher;
use fairlead_health::Registry;
use fairlead_store::Counters;
use tokio::sync::mpsc;

use super::network::Network;
use crate::clock::Clock;
use crate::govern::Governor;

/// What upstreams are built into.
#[derive(Debug)]
pub(crate) struct Environment {
    /// How providers do.
    pub health: Registry,
    /// What that is told by.
    pub clock: Clock,
    /// How much may be used.
    pub governor: Governor,
    /// How connections come about.
    pub network: Network,
    /// Takes what keeps tokens fresh.
    fresh: mpsc::UnboundedSender<Refresher>,
}

/// What keeps tokens fresh, and has to run.
pub(crate) type Refreshers = mpsc::UnboundedReceiver<Refresher>;

impl Environment {
    /// Nothing known of anybody; whoever runs what is received has tokens kept fresh.
    #[must_use]
    pub(crate) fn new(network: Network, counters: Counters, clock: Clock) -> (Self, Refreshers) {
        let (fresh, refreshers) = mpsc::unbounded_channel();
        let environment = Self {
            health: Registry::default(),
            clock,
            governor: Governor::new(counters, clock),
            network,
            fresh,
        };
        (environment, refreshers)
    }

    /// Has a token kept fresh.
    pub(crate) fn keep_fresh(&self, refresher: Refresher) {
        // Nobody receives it any more where the process ends, or in a test.
        let _ = self.fresh.send(refresher);
    }
}
