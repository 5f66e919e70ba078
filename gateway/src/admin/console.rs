//! The console of a standalone gateway: it tells of itself, from memory.

mod build;
mod explain;
mod keys;
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
use fairlead_record::content::Content;
use fairlead_record::{RequestLog, Sink};
use futures_util::FutureExt as _;

use crate::admin::{health, requests};
use crate::args::Serve;
use crate::clock;
use crate::runtime::enforced::Enforced;
use crate::told;
use crate::told::build::Turn;
use crate::told::providers::Report;
use crate::worker::Shared;

/// What pages call this gateway, which is the only one there.
const ITSELF: &str = "this gateway";

/// What pages call whoever has the admin token.
const OPERATOR: &str = "operator";

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
            holders: true,
            ..Settings::default()
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
    /// One configuration is compiled at a time for whoever writes a rule: it may take seconds. When the last one was begun.
    compiling: Turn,
}

impl Local {
    /// Tells of this gateway.
    #[must_use]
    pub(crate) fn new(shared: Arc<Shared>, days: u16, callers_at: Option<String>) -> Self {
        Self {
            shared,
            days,
            callers_at,
            compiling: Turn::default(),
        }
    }

    /// What the one gateway that there is says of its providers.
    fn reports(&self) -> [Report; 1] {
        let runtime = self.shared.live.load();
        let report = health::report(&runtime.upstreams, &runtime.judges);
        [(ITSELF.to_owned(), report)]
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
        ready(Ok(is_it.then(|| Viewer::of_everything(OPERATOR))))
    }

    fn holder<'a>(&'a self, value: &'a str) -> Told<'a, Option<Holder>> {
        let runtime = self.shared.live.load();
        // From where somebody looks is not from where they call: keys that are bound to networks do not sign in.
        let found = runtime
            .keys
            .find(value.as_bytes(), clock::unix_seconds(), || None);
        let label = found.ok().map(|admitted| &admitted.context.label);
        ready(Ok(label.map(|label| Holder::of(label, value.as_bytes()))))
    }

    fn renew<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Option<Viewer>> {
        let Sees::Key(holder) = &viewer.sees else {
            // The token of a gateway is the same for as long as it runs.
            return ready(Ok(Some(viewer.clone())));
        };
        let runtime = self.shared.live.load();
        let now = clock::unix_seconds();
        let found = runtime.keys.find_digest(&holder.digest, now, || None);
        // Its value may have become another key's meanwhile.
        let is_good = found.is_ok_and(|admitted| *admitted.context.label == *holder.key);
        ready(Ok(is_good.then(|| viewer.clone())))
    }

    fn standing<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Standing> {
        ready(Ok(standing::told(self, viewer)))
    }

    fn providers<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Vec<ProviderView>> {
        ready(
            self.enforced()
                .map(|enforced| told::providers::told(&enforced.snapshot, &self.reports(), viewer)),
        )
    }

    fn rules<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Vec<RuleView>> {
        ready(self.enforced().map(|enforced| {
            let runtime = self.shared.live.load();
            let (snapshot, forms) = (&enforced.snapshot, &enforced.forms);
            told::rules::told(snapshot, &runtime.table, forms, viewer)
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

    fn content<'a>(&'a self, viewer: &'a Viewer, id: u64) -> Told<'a, Content> {
        async move {
            let by = format!("{}, in the console", viewer.name);
            let found = requests::read_content(&self.shared, id, &by).await;
            let found = found.map_err(|error| Trouble::Unavailable(error.to_string()))?;
            let contents = self.shared.observe.contents.as_ref();
            found.ok_or_else(|| Trouble::NotFound(requests::not_kept(contents)))
        }
        .boxed()
    }

    fn configuration<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Configuration> {
        ready(
            self.enforced()
                .map(|enforced| told::findings::told(&enforced.verdicts, viewer)),
        )
    }

    fn catalog(&self, query: CatalogQuery) -> Told<'_, CatalogPage> {
        ready(Ok(told::catalog::found(&query)))
    }

    fn build<'a>(&'a self, viewer: &'a Viewer, form: Form) -> Told<'a, Built> {
        build::told(self, viewer, form).boxed()
    }

    fn mine<'a>(&'a self, holder: &'a Holder) -> Told<'a, Mine> {
        keys::mine(self, holder).boxed()
    }
}
