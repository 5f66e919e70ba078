//! What a console of a cluster is put together from, and what every page asks of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use fairlead_console::Trouble;

use super::access::Access;
use super::apply::Writer;
use super::fleet::Fleet;
use super::log::Log;
use super::metrics::Metrics;
use super::objects::Objects;
use super::published::{Generation, Published};
use crate::told::build::Turn;

/// What it is put together from.
pub(super) struct Parts {
    pub(super) access: Access,
    pub(super) published: Published,
    pub(super) objects: Objects,
    pub(super) fleet: Fleet,
    pub(super) log: Log,
    pub(super) told: Arc<Metrics>,
    /// What writes rules as the viewers who ask for it.
    pub(super) writer: Writer,
    /// Whose turn it is to have a rule tried.
    pub(super) compiling: Turn,
    /// The installation, and its namespace.
    pub(super) gateway_name: String,
    pub(super) gateway_namespace: String,
    /// Where callers connect, as a URL.
    pub(super) callers_at: Option<String>,
    /// The namespaces that are watched; `None`: all.
    pub(super) watched: Option<BTreeSet<Arc<str>>>,
}

/// The gateways of an installation, for each viewer as far as the cluster lets them see.
pub(super) struct Cluster {
    pub(super) parts: Parts,
}

impl Cluster {
    /// Tells of these.
    #[must_use]
    pub(super) fn new(parts: Parts) -> Self {
        Self { parts }
    }

    /// What is still waited for; `None`: it can be asked.
    #[must_use]
    pub(super) fn awaits(&self) -> Option<&'static str> {
        if self.parts.published.live().is_none() {
            Some("reading what gateways enforce\n")
        } else if !self.parts.objects.is_complete() {
            Some("listing objects\n")
        } else if !self.parts.fleet.is_known() {
            Some("finding out where gateways are\n")
        } else {
            None
        }
    }

    /// What is published.
    pub(super) fn live(&self) -> Result<Arc<Generation>, Trouble> {
        self.parts.published.live().ok_or_else(|| {
            let why = self.parts.published.trouble();
            let why = why.unwrap_or_else(|| "the API server has not answered yet".to_owned());
            Trouble::Unavailable(format!("what gateways enforce is not known: {why}"))
        })
    }

    /// The namespaces that somebody may be let see: those in which there is something.
    #[must_use]
    pub(super) fn namespaces(&self) -> BTreeSet<Arc<str>> {
        let mut all = self.parts.objects.namespaces();
        if let Some(live) = self.parts.published.live() {
            all.extend(live.namespaces.iter().cloned());
        }
        match &self.parts.watched {
            // Of what is not watched nothing is known but what is published, and that is nobody's here.
            Some(watched) => all
                .into_iter()
                .filter(|name| watched.contains(name))
                .collect(),
            None => all,
        }
    }
}
