//! What the console shows comes from here, and only as much of it as the viewer may see.

use std::fmt;
use std::future::ready;

use fairlead_record::RequestLog;
use fairlead_record::content::Content;
use futures_util::future::BoxFuture;
use sha2::{Digest as _, Sha256};

use crate::view::apply::{Applied, Apply, Awaited};
use crate::view::build::{Built, Form};
use crate::view::catalog::{CatalogPage, CatalogQuery};
use crate::view::configuration::Configuration;
use crate::view::explain::{Explained, Question};
use crate::view::key::{Keys, Mine};
use crate::view::provider::ProviderView;
use crate::view::rule::RuleView;
use crate::view::standing::Standing;
use crate::view::welcome::Welcome;
use crate::viewer::Viewer;

/// What is told, or why not.
pub type Told<'a, T> = BoxFuture<'a, Result<T, Trouble>>;

/// Why something is not told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// There is none, or none that this viewer may know of.
    NotFound(String),
    /// What is asked for makes no sense; the words say how to mend it.
    Bad(String),
    /// It cannot be known just now; the words say why, and what to do.
    Unavailable(String),
    /// This viewer may not do it; the words say who may.
    Forbidden(String),
    /// Somebody else has written there; the words say who.
    Conflict(String),
    /// They have done it too often; it may be done again after so many seconds.
    TooOften(u64),
    /// A later question of the same viewer has taken its place.
    Superseded,
}

/// The holder of a virtual key, by the value that they have shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Holder {
    /// The key, `namespace/name`.
    pub key: String,
    /// The SHA-256 of the value: a session lasts no longer than the value is good.
    pub digest: [u8; 32],
}

impl Holder {
    /// Of the key that has this value.
    #[must_use]
    pub fn of(key: &str, value: &[u8]) -> Self {
        Self {
            key: key.to_owned(),
            digest: Sha256::digest(value).into(),
        }
    }
}

impl fmt::Debug for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Holder")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Who knows how gateways stand. Every call is told who looks, and answers with what these may see: of a namespace that they may not see there is
/// nothing, not even its name. Which of the viewer's rights decides stands at each.
pub trait Source: Send + Sync + 'static {
    /// How one signs in.
    fn welcome(&self) -> Welcome {
        Welcome::default()
    }

    /// Who this token lets in, if anybody.
    fn admit<'a>(&'a self, token: &'a str) -> Told<'a, Option<Viewer>>;

    /// Whose virtual key this is; `None`: nobody's, or one that is refused.
    fn holder<'a>(&'a self, value: &'a str) -> Told<'a, Option<Holder>>;

    /// What this viewer may see now: asked again each ten seconds of a session or a stream. `None`: nothing any more, and the session ends. If it
    /// is not known, what was known holds for a minute.
    fn renew<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Option<Viewer>>;

    /// Which configuration is in force, and how the gateways are.
    fn standing<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Standing>;

    /// The providers, and how they do: `health`.
    fn providers<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Vec<ProviderView>>;

    /// The rules, in the order in which they are tried: `rules`.
    fn rules<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Vec<RuleView>>;

    /// Why a request would go where it would go: `rules` of the key's namespace; breakers with `health`, limits with `usage`.
    fn explain<'a>(&'a self, viewer: &'a Viewer, question: Question) -> Told<'a, Explained>;

    /// Keys, teams and organizations, and how their limits stand: `usage`.
    fn keys<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Keys>;

    /// Requests that have ended. The console says itself, of each question, whose requests may be seen.
    fn log(&self) -> &dyn RequestLog;

    /// What was written in a request that this viewer may see: `content`, as was found out before. Whoever answers tells the audit who reads, first.
    fn content<'a>(&'a self, viewer: &'a Viewer, id: u64) -> Told<'a, Content>;

    /// What the compiler says of the objects: `rules`.
    fn configuration<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Configuration>;

    /// What is known of models.
    fn catalog(&self, query: CatalogQuery) -> Told<'_, CatalogPage>;

    /// A rule as YAML, what the compiler says of it, and what it would change: `rules`, and `requests` for the last. Nothing is written.
    fn build<'a>(&'a self, viewer: &'a Viewer, form: Form) -> Told<'a, Built>;

    /// Writes a rule that was built, as the viewer and with nobody else's rights: `rules`, `apply`, and whatever the API server asks for.
    fn apply<'a>(&'a self, _viewer: &'a Viewer, _apply: Apply) -> Told<'a, Applied> {
        Box::pin(ready(Err(nothing_is_written())))
    }

    /// Whether gateways have a rule that was written: `rules`.
    fn awaited<'a>(&'a self, _viewer: &'a Viewer, _awaited: Awaited) -> Told<'a, Applied> {
        Box::pin(ready(Err(nothing_is_written())))
    }

    /// What the holder of a key may know of it.
    fn mine<'a>(&'a self, holder: &'a Holder) -> Told<'a, Mine>;
}

fn nothing_is_written() -> Trouble {
    let words = "nothing is written from here: copy the YAML to where the configuration is kept";
    Trouble::Forbidden(words.to_owned())
}
