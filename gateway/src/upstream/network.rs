//! How connections to providers come about.

use std::sync::Arc;

use super::proxy::Proxy;

/// The way to a provider.
#[derive(Debug, Clone)]
pub(crate) enum Network {
    /// TCP, through a proxy for the hosts that it is meant for.
    Tcp(Option<Arc<Proxy>>),
    /// Within the process, to the scripted providers of tests.
    #[cfg(test)]
    InProcess,
}

impl Network {
    /// The proxy, if there is one.
    pub(super) fn proxy(&self) -> Option<&Proxy> {
        match self {
            Self::Tcp(proxy) => proxy.as_deref(),
            #[cfg(test)]
            Self::InProcess => None,
        }
    }
}
