//! A source of two namespaces, one of which not everybody may see. It answers as a real one must: it filters by who looks.

use std::future::ready;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};

use fairlead_record::content::Content;
use fairlead_record::{
    Answer, Ask, Attempt, Entry, Filter, Page, RequestLog, Scope, Sums, Usage, UsageAsk,
};
use futures_util::FutureExt as _;
use parking_lot::Mutex;

use crate::source::{Holder, Source, Told, Trouble};
use crate::view::build::{Built, Form};
use crate::view::catalog::{CatalogPage, CatalogQuery};
use crate::view::configuration::Configuration;
use crate::view::explain::{Explained, Question};
use crate::view::key::{KeyView, Keys, Mine};
use crate::view::provider::ProviderView;
use crate::view::rule::RuleView;
use crate::view::standing::Standing;
use crate::viewer::{Reach, Rights, Sees, Viewer};

/// Who sees everything.
pub(super) const TOKEN: &str = "the-token";
/// Who sees the namespace `search`.
pub(super) const LEAD: &str = "the-lead";
/// Who sees nothing.
pub(super) const NOBODY: &str = "the-one-without-rights";
/// Who sees the requests of `search` and not what was written in them.
pub(super) const CLERK: &str = "the-clerk";
/// A virtual key, of `search/checkout`.
pub(super) const KEY: &str = "sk-fairlead-made-up";

pub(super) const NAMES: [&str; 2] = ["search/checkout", "shop/<img src=x onerror=alert(1)>"];

#[derive(Default)]
pub(super) struct MadeUp {
    log: Log,
    /// What becomes of whoever is asked about again: 0: nothing, 1: they may see nothing any more, 2: nobody knows.
    pub(super) renews: AtomicU8,
    /// Who has read what was written in which requests.
    pub(super) read: Mutex<Vec<(String, u64)>>,
}

struct Log(Vec<Arc<Entry>>);

impl Default for Log {
    fn default() -> Self {
        let entry = |id: u64, key: &str| {
            Arc::new(Entry {
                id,
                key: Some(key.into()),
                model: Some("<script>\u{202e}".into()),
                status: 502,
                constraints: vec!["platform/only-eu".into()],
                through: vec!["platform/canary".into()],
                attempts: vec![Attempt {
                    provider: Some("platform/openai".into()),
                    credential: Some("inner-credential".into()),
                    server: Some("inner-server".into()),
                    address: Some("inner-address:443".into()),
                    ..Attempt::default()
                }],
                ..Entry::default()
            })
        };
        Self(vec![entry(1, NAMES[0]), entry(2, NAMES[1])])
    }
}

impl RequestLog for Log {
    fn search<'a>(&'a self, filter: &'a Filter, _: Ask) -> Answer<'a, Page> {
        let seen = self.0.iter().filter(|entry| filter.scope.shows(entry));
        let page = Page {
            entries: seen.cloned().collect(),
            next: None,
        };
        Box::pin(ready(Ok(page)))
    }

    fn get<'a>(&'a self, id: u64, scope: &'a Scope) -> Answer<'a, Option<Arc<Entry>>> {
        let mut all = self.0.iter();
        let found = all.find(|entry| entry.id == id && scope.shows(entry));
        Box::pin(ready(Ok(found.cloned())))
    }

    fn usage<'a>(&'a self, ask: &'a UsageAsk) -> Answer<'a, Vec<Usage>> {
        let seen = self.0.iter().filter(|entry| ask.scope.shows(entry));
        let requests = i64::try_from(seen.count()).unwrap();
        let sums = Sums {
            requests,
            ..Sums::default()
        };
        Box::pin(ready(Ok(vec![Usage {
            sums,
            ..Usage::default()
        }])))
    }
}

fn told<'a, T: Send + 'a>(value: T) -> Told<'a, T> {
    ready(Ok(value)).boxed()
}

/// Those in a namespace that they may see. Every right of the viewers here has the same reach.
fn seen(viewer: &Viewer) -> impl Iterator<Item = String> {
    let names = NAMES.into_iter();
    names
        .filter(|name| viewer.rights.rules.sees_object(name))
        .map(str::to_owned)
}

impl Source for MadeUp {
    fn admit<'a>(&'a self, token: &'a str) -> Told<'a, Option<Viewer>> {
        told(match token {
            TOKEN => Some(Viewer::of_everything("someone")),
            LEAD => {
                let reach = Reach::Namespaces(["search".to_owned()].into());
                Some(Viewer::with("someone", Rights::to_see(&reach), None))
            }
            CLERK => {
                let mut rights = Rights::to_see(&Reach::Namespaces(["search".to_owned()].into()));
                rights.content = Reach::default();
                Some(Viewer::with("clerk", rights, None))
            }
            NOBODY => Some(Viewer::with("nobody", Rights::default(), None)),
            _ => None,
        })
    }

    fn holder<'a>(&'a self, value: &'a str) -> Told<'a, Option<Holder>> {
        told((value == KEY).then(|| Holder::of(NAMES[0], KEY.as_bytes())))
    }

    fn renew<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Option<Viewer>> {
        let gone = match &viewer.sees {
            Sees::Key(holder) => *holder != Holder::of(NAMES[0], KEY.as_bytes()),
            Sees::Everything | Sees::Namespaces(_) => false,
        };
        match self.renews.load(Relaxed) {
            2 => ready(Err(Trouble::Unavailable("nobody knows".to_owned()))).boxed(),
            now => told((now == 0 && !gone).then(|| viewer.clone())),
        }
    }

    fn standing<'a>(&'a self, _: &'a Viewer) -> Told<'a, Standing> {
        told(Standing::default())
    }

    fn providers<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Vec<ProviderView>> {
        let named = seen(viewer).map(|name| ProviderView {
            name,
            ..ProviderView::default()
        });
        told(named.collect())
    }

    fn rules<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Vec<RuleView>> {
        let named = seen(viewer).map(|name| RuleView {
            name,
            ..RuleView::default()
        });
        told(named.collect())
    }

    fn explain<'a>(&'a self, viewer: &'a Viewer, question: Question) -> Told<'a, Explained> {
        let known = seen(viewer).any(|name| name == question.key);
        let gone = Trouble::NotFound("there is no such key".to_owned());
        ready(known.then(Explained::default).ok_or(gone)).boxed()
    }

    fn keys<'a>(&'a self, viewer: &'a Viewer) -> Told<'a, Keys> {
        let keys = seen(viewer).map(|name| KeyView {
            name,
            ..KeyView::default()
        });
        told(Keys {
            keys: keys.collect(),
            ..Keys::default()
        })
    }

    fn log(&self) -> &dyn RequestLog {
        &self.log
    }

    fn content<'a>(&'a self, viewer: &'a Viewer, id: u64) -> Told<'a, Content> {
        self.read.lock().push((viewer.name.clone(), id));
        told(Content {
            id,
            ..Content::default()
        })
    }

    fn configuration<'a>(&'a self, _: &'a Viewer) -> Told<'a, Configuration> {
        told(Configuration::default())
    }

    fn catalog(&self, _: CatalogQuery) -> Told<'_, CatalogPage> {
        told(CatalogPage::default())
    }

    fn build<'a>(&'a self, _: &'a Viewer, _: Form) -> Told<'a, Built> {
        told(Built::default())
    }

    fn mine<'a>(&'a self, _: &'a Holder) -> Told<'a, Mine> {
        told(Mine::default())
    }
}
