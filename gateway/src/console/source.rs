//! What the pages are told: of what is published, of gateways and of objects as much as the viewer may see.

use std::sync::Arc;

use fairlead_console::view::apply::{Applied, Apply, Awaited};
use fairlead_console::view::build::{Built, Form};
use fairlead_console::view::catalog::{CatalogPage, CatalogQuery};
use fairlead_console::view::configuration::Configuration;
use fairlead_console::view::explain::{Explained, Question};
use fairlead_console::view::key::{Keys, Mine};
use fairlead_console::view::provider::ProviderView;
use fairlead_console::view::rule::RuleView;
use fairlead_console::view::standing::Standing;
use fairlead_console::view::welcome::Welcome;
use fairlead_console::{Holder, Identity, Sees, Source, Told as Answer, Trouble, Viewer};
use fairlead_record::RequestLog;
use fairlead_record::content::Content;
use fairlead_snapshot::ObjectName;
use futures_util::FutureExt as _;

use super::cluster::Cluster;
use super::{apply, build, limits, standing, usage};
use crate::args::console::ApplyMode;
use crate::check::{Sketch, think};
use crate::clock;
use crate::decisions::content_read;
use crate::told::{catalog, explain, providers, rules};

impl Cluster {
    async fn admitted(&self, token: &str) -> Result<Option<Viewer>, Trouble> {
        match self.parts.access.admit(token).await? {
            Some(identity) => Ok(Some(self.viewer(identity).await?)),
            None => Ok(None),
        }
    }

    async fn viewer(&self, identity: Arc<Identity>) -> Result<Viewer, Trouble> {
        let access = &self.parts.access;
        let mut rights = access.rights(&identity, &self.namespaces()).await?;
        rights.apply = identity.acts;
        Ok(Viewer::with(
            &identity.user,
            rights,
            Some(Arc::clone(&identity)),
        ))
    }

    async fn renewed(&self, viewer: &Viewer) -> Result<Option<Viewer>, Trouble> {
        if let Sees::Key(holder) = &viewer.sees {
            let holds = self.live()?.still_holds(holder, clock::unix_seconds());
            return Ok(holds.then(|| viewer.clone()));
        }
        // Whoever no cluster knows is nobody here.
        let Some(identity) = &viewer.who else {
            return Ok(None);
        };
        match self.parts.access.renew(identity).await? {
            Some(identity) => Ok(Some(self.viewer(identity).await?)),
            None => Ok(None),
        }
    }

    async fn explained(&self, viewer: &Viewer, question: Question) -> Result<Explained, Trouble> {
        let unknown = || Trouble::NotFound(format!("no key {} is in force", question.key));
        let live = self.live()?;
        let name: ObjectName = question.key.parse().map_err(|_| unknown())?;
        let key = live.snapshot.keys.get(&name);
        let key = key.filter(|_| viewer.rights.rules.sees(&name.namespace));
        let key = key.ok_or_else(unknown)?;
        let mut note = None;
        let mut lines = Vec::new();
        // Who may not see what was spent is not told by which rule it is decided.
        if viewer.rights.usage.sees(&name.namespace) {
            let holders = limits::holders(&live.snapshot, &name, key);
            match self.parts.fleet.limits(&holders).await {
                Ok(read) => lines = read,
                Err(why) => note = Some(format!("limits are taken as unused: {why}")),
            }
        } else {
            note =
                Some("limits are taken as unused: how they stand is not for your eyes".to_owned());
        }
        let sketch = Sketch::live(
            name.clone(),
            question.operation,
            question.headers,
            question.body,
            &lines,
        );
        let thought = think(&live.table, &live.snapshot, &sketch);
        let thought = thought.map_err(|error| Trouble::Bad(format!("{error:#}")))?;
        let seen = self.parts.fleet.look().await;
        let mut told = explain::told(&thought, &live.table, &seen.reports, &lines, viewer);
        told.notes.extend(note);
        Ok(told)
    }
}

/// What is known at once.
fn ready<'a, T: Send + 'a>(told: Result<T, Trouble>) -> Answer<'a, T> {
    std::future::ready(told).boxed()
}

impl Source for Cluster {
    fn welcome(&self) -> Welcome {
        let parts = &self.parts;
        let audience = parts.access.audience();
        let how = match parts.writer.mode {
            ApplyMode::Off => format!("kubectl create token NAME --audience {audience}"),
            ApplyMode::DryRun | ApplyMode::On => format!(
                "kubectl create token NAME --audience {audience}; without --audience, rules can be applied with it, too"
            ),
        };
        Welcome {
            token: "Token".to_owned(),
            hint: how,
        }
    }

    fn admit<'a>(&'a self, token: &'a str) -> Answer<'a, Option<Viewer>> {
        self.admitted(token).boxed()
    }

    fn holder<'a>(&'a self, value: &'a str) -> Answer<'a, Option<Holder>> {
        ready(
            self.live()
                .map(|live| live.holder(value, clock::unix_seconds())),
        )
    }

    fn renew<'a>(&'a self, viewer: &'a Viewer) -> Answer<'a, Option<Viewer>> {
        self.renewed(viewer).boxed()
    }

    fn standing<'a>(&'a self, viewer: &'a Viewer) -> Answer<'a, Standing> {
        standing::told(self, viewer).boxed()
    }

    fn providers<'a>(&'a self, viewer: &'a Viewer) -> Answer<'a, Vec<ProviderView>> {
        async move {
            let live = self.live()?;
            let seen = self.parts.fleet.look().await;
            Ok(providers::told(&live.snapshot, &seen.reports, viewer))
        }
        .boxed()
    }

    fn rules<'a>(&'a self, viewer: &'a Viewer) -> Answer<'a, Vec<RuleView>> {
        let live = self.live();
        let forms = self.parts.objects.forms();
        ready(live.map(|live| rules::told(&live.snapshot, &live.table, &forms, viewer)))
    }

    fn explain<'a>(&'a self, viewer: &'a Viewer, question: Question) -> Answer<'a, Explained> {
        self.explained(viewer, question).boxed()
    }

    fn keys<'a>(&'a self, viewer: &'a Viewer) -> Answer<'a, Keys> {
        ready(self.live().map(|live| usage::told(self, &live, viewer)))
    }

    fn log(&self) -> &dyn RequestLog {
        &self.parts.log
    }

    fn content<'a>(&'a self, viewer: &'a Viewer, id: u64) -> Answer<'a, Content> {
        async move {
            let found = self.parts.fleet.content(id).await;
            let content = found.map_err(Trouble::Unavailable)?.ok_or_else(|| {
                let words = "no gateway keeps content of this request: its rule or the installation does not ask for it, or it is too old";
                Trouble::NotFound(words.to_owned())
            })?;
            // It says itself whose it is; what is not for these eyes is not told, wherever it came from.
            if !viewer.rights.content.scope().shows_key(content.key.as_deref().unwrap_or_default()) {
                return Err(Trouble::NotFound("it is not for your eyes".to_owned()));
            }
            self.parts.writer.audit.tell(content_read(&content, &viewer.name));
            Ok(content)
        }
        .boxed()
    }

    fn configuration<'a>(&'a self, viewer: &'a Viewer) -> Answer<'a, Configuration> {
        let live = self.parts.published.live();
        let snapshot = live.as_ref().map(|live| &live.snapshot);
        ready(Ok(self
            .parts
            .objects
            .configuration(&viewer.rights.rules, snapshot)))
    }

    fn catalog(&self, query: CatalogQuery) -> Answer<'_, CatalogPage> {
        ready(Ok(catalog::found(&query)))
    }

    fn build<'a>(&'a self, viewer: &'a Viewer, form: Form) -> Answer<'a, Built> {
        build::told(self, viewer, form).boxed()
    }

    fn apply<'a>(&'a self, viewer: &'a Viewer, asked: Apply) -> Answer<'a, Applied> {
        apply::apply(self, viewer, asked).boxed()
    }

    fn awaited<'a>(&'a self, viewer: &'a Viewer, awaited: Awaited) -> Answer<'a, Applied> {
        ready(apply::awaited(self, viewer, &awaited))
    }

    fn mine<'a>(&'a self, holder: &'a Holder) -> Answer<'a, Mine> {
        usage::mine(self, holder).boxed()
    }
}
