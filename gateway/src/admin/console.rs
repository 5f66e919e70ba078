//! The console of a standalone gateway: it tells of itself, from memory.

mod build;
mod catalog;
mod explain;
mod keys;
mod providers;
mod rules;
mod standing;

use std::net::SocketAddr;
use std::sync::Arc;

use axum::Router;
use fairlead_console::view::build::{Built, Form};
use fairlead_console::view::catalog::{CatalogPage, CatalogQuery};
use fairlead_console::view::configuration::Configuration;
use fairlead_console::view::explain::{Explained, Question};
use fairlead_console::view::key::{Keys, Mine};
use fairlead_console::view::provider::ProviderView;
use fairlead_console::view::rule::RuleView;
use fairlead_console::view::standing::Standing;
use fairlead_console::{Console, Feed, Holder, Sees, Settings, Source, Told, Trouble, Viewer};
use fairlead_record::{RequestLog, Sink};
use futures_util::FutureExt as _;
use tokio::sync::Semaphore;

use crate::args::Serve;
use crate::clock;
use crate::runtime::enforced::Enforced;
use crate::worker::Shared;

/// What pages call this gateway, which is the only one there.
const ITSELF: &str = "this gateway";

/// So many tabs may follow the live view: each has one of the admin port's connections.
const VIEWERS: usize = 24;

/// What the console is told of requests as they end.
pub(crate) struct Seen(Arc<Feed>);

impl Seen {
    /// Of a gateway that has a console: a standalone one, unless it is not wanted.
    #[must_use]
    pub(crate) fn of(args: &Serve) -> Option<Self> {
        (!args.kubernetes && !args.no_console).then(|| Self(Arc::default()))
    }

    /// Where finished requests are told.
    pub(crate) fn sink(&self) -> Box<dyn Sink> {
        Box::new(Arc::clone(&self.0))
    }

    /// The pages and their API.
    pub(crate) fn router(self, args: &Serve, shared: &Arc<Shared>, callers: SocketAddr) -> Router {
        let scheme = if args.tls_cert.is_some() {
            "https"
        } else {
            "http"
        };
        // Where it listens at every address, how callers reach it is not known.
        let reached = (!callers.ip().is_unspecified()).then(|| format!("{scheme}://{callers}"));
        let source = Local::new(Arc::clone(shared), args.request_log.days, reached);
        let settings = Settings {
            hosts: args.console_host.clone(),
            viewers: VIEWERS,
        };
        Console::new(Arc::new(source), self.0, settings).router()
    }
}

/// The gateway itself.
pub(crate) struct Local {
    shared: Arc<Shared>,
    /// For how many days requests are kept, where they are kept at all but in memory.
    days: u16,
    /// Where callers connect, as a URL.
    callers_at: Option<String>,
    /// One configuration is compiled at a time for whoever writes a rule: it may take seconds.
    compiling: Arc<Semaphore>,
}

impl Local {
    /// Tells of this gateway.
    #[must_use]
    pub(crate) fn new(shared: Arc<Shared>, days: u16, callers_at: Option<String>) -> Self {
        Self {
            shared,
            days,
            callers_at,
            compiling: Arc::new(Semaphore::new(1)),
        }
    }

    /// What is in force.
    fn enforced(&self) -> Result<Arc<Enforced>, Trouble> {
        self.shared.enforced.load_full().ok_or_else(|| {
            Trouble::Unavailable(
                "no configuration is in force yet; the gateway's log says why".to_owned(),
            )
        })
    }
}

/// What is known at once.
fn ready<'a, T: Send + 'a>(told: Result<T, Trouble>) -> Told<'a, T> {
    std::future::ready(told).boxed()
}

impl Source for Local {
    fn admit<'a>(&'a self, token: &'a str) -> Told<'a, Option<Viewer>> {
        let status = self.shared.status.borrow();
        let own = status.token.as_ref();
        let is_it = own.is_some_and(|own| own.is(token.as_bytes()));
        ready(Ok(is_it.then(|| Viewer {
            name: "operator".to_owned(),
            sees: Sees::Everything,
        })))
    }

    fn holder<'a>(&'a self, value: &'a str) -> Told<'a, Option<Holder>> {
        let runtime = self.shared.live.load();
        // From where somebody looks is not from where they call: keys that are bound to networks do not sign in.
        let found = runtime
            .keys
            .find(value.as_bytes(), clock::unix_seconds(), || None);
        ready(Ok(found.ok().map(|admitted| Holder {
            key: admitted.context.label.to_string(),
        })))
    }

    fn standing<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Standing> {
        ready(Ok(standing::told(self, viewer)))
    }

    fn providers<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Vec<ProviderView>> {
        ready(self.enforced().map(|enforced| {
            let runtime = self.shared.live.load();
            providers::told(
                &enforced.snapshot,
                (&runtime.upstreams, &runtime.judges),
                viewer,
            )
        }))
    }

    fn rules<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Vec<RuleView>> {
        ready(self.enforced().map(|enforced| {
            let runtime = self.shared.live.load();
            rules::told(&enforced.snapshot, &runtime.table, viewer)
        }))
    }

    fn explain<'a>(&'a self, viewer: &'a Viewer, question: Question) -> Told<'a, Explained> {
        explain::told(self, viewer, question).boxed()
    }

    fn keys<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Keys> {
        keys::told(self, viewer).boxed()
    }

    fn log(&self) -> &dyn RequestLog {
        &*self.shared.requests
    }

    fn configuration<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Configuration> {
        ready(
            self.enforced()
                .map(|enforced| standing::configuration(&enforced, viewer)),
        )
    }

    fn catalog(&self, query: CatalogQuery) -> Told<'_, CatalogPage> {
        ready(Ok(catalog::found(&query)))
    }

    fn build<'a>(&'a self, viewer: &'a Viewer, form: Form) -> Told<'a, Built> {
        build::told(self, viewer, form).boxed()
    }

    fn mine<'a>(&'a self, holder: &'a Holder) -> Told<'a, Mine> {
        keys::mine(self, holder).boxed()
    }
}
