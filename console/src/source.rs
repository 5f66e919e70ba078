//! What the console shows comes from here, and only as much of it as the viewer may see.

use fairlead_record::RequestLog;
use futures_util::future::BoxFuture;

use crate::view::build::{Built, Form};
use crate::view::catalog::{CatalogPage, CatalogQuery};
use crate::view::configuration::Configuration;
use crate::view::explain::{Explained, Question};
use crate::view::key::{Keys, Mine};
use crate::view::provider::ProviderView;
use crate::view::rule::RuleView;
use crate::view::standing::Standing;
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
}

/// The holder of a virtual key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// The key, `namespace/name`.
    pub key: String,
}

/// Who knows how gateways stand. Every call is told who looks, and answers with what these may see: of a namespace that they may not see there is
/// nothing, not even its name.
pub trait Source: Send + Sync + 'static {
    /// Who this token lets in, if anybody.
    fn admit<'a>(&'a self, token: &'a str) -> Told<'a, Option<Viewer>>;

    /// Whose virtual key this is; `None`: nobody's, or one that is refused.
    fn holder<'a>(&'a self, value: &'a str) -> Told<'a, Option<Holder>>;

    /// Which configuration is in force, and how the gateways are.
    fn standing<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Standing>;

    /// The providers, and how they do.
    fn providers<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Vec<ProviderView>>;

    /// The rules, in the order in which they are tried.
    fn rules<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Vec<RuleView>>;

    /// Why a request would go where it would go.
    fn explain<'a>(&'a self, viewer: &'a Viewer, question: Question) -> Told<'a, Explained>;

    /// Keys, teams and organizations, and how their limits stand.
    fn keys<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Keys>;

    /// Requests that have ended. The console says itself, of each question, whose requests may be seen.
    fn log(&self) -> &dyn RequestLog;

    /// What the compiler says of the objects.
    fn configuration<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Configuration>;

    /// What is known of models.
    fn catalog(&self, query: CatalogQuery) -> Told<'_, CatalogPage>;

    /// A rule as YAML, what the compiler says of it, and what it would change. Nothing is written.
    fn build<'a>(&'a self, viewer: &'a Viewer, form: Form) -> Told<'a, Built>;

    /// What the holder of a key may know of it.
    fn mine<'a>(&'a self, holder: &'a Holder) -> Told<'a, Mine>;
}
