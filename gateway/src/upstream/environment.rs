//! What providers have in common, whatever the configuration: made once, when the process starts.

use fairlead_health::Registry;

use super::network::Network;
use crate::clock::Clock;

/// What upstreams are built into.
#[derive(Debug)]
pub(crate) struct Environment {
    /// How providers do.
    pub health: Registry,
    /// What that is told by.
    pub clock: Clock,
    /// How connections come about.
    pub network: Network,
}

impl Environment {
    /// Nothing known of anybody.
    #[must_use]
    pub(crate) fn new(network: Network) -> Self {
        Self {
            health: Registry::default(),
            clock: Clock::start(),
            network,
        }
    }
}
