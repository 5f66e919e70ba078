//! What providers have in common, whatever the configuration: made once, when the process starts.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

use fairlead_auth::Http;
use fairlead_health::Registry;
use fairlead_store::Counters;
use tokio::sync::mpsc;

use super::cloud;
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
    /// Takes what keeps tokens and keys fresh.
    fresh: mpsc::UnboundedSender<Upkeep>,
    /// The ways to the issuers of callers' tokens, without private addresses and with them, once they are needed.
    issuers: [OnceLock<Way>; 2],
}

/// What keeps something fresh that is fetched beside the requests.
pub(crate) type Upkeep = Pin<Box<dyn Future<Output = ()> + Send>>;

/// What keeps tokens and keys fresh, and has to run.
pub(crate) type Refreshers = mpsc::UnboundedReceiver<Upkeep>;

/// A way to call out.
struct Way(Arc<dyn Http>);

impl fmt::Debug for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Way")
    }
}

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
            issuers: [OnceLock::new(), OnceLock::new()],
        };
        (environment, refreshers)
    }

    /// The same, whose issuers answer within the test.
    #[cfg(test)]
    pub(crate) fn with_issuers(mut self, issuers: Arc<dyn Http>) -> Self {
        self.issuers = [Way(Arc::clone(&issuers)), Way(issuers)].map(OnceLock::from);
        self
    }

    /// Has something kept fresh.
    pub(crate) fn keep_fresh(&self, upkeep: impl Future<Output = ()> + Send + 'static) {
        // Nobody receives it any more where the process ends, or in a test.
        let _ = self.fresh.send(Box::pin(upkeep));
    }

    /// The way to the issuers of callers' tokens, which may be at private addresses if so.
    pub(crate) fn issuers(&self, private: bool) -> Arc<dyn Http> {
        let way = &self.issuers[usize::from(private)];
        Arc::clone(&way.get_or_init(|| Way(cloud::http(private))).0)
    }
}
