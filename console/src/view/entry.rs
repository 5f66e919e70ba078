//! A request as it is shown to somebody.

use std::sync::Arc;

use fairlead_record::{Attempt, Cursor, Entry, Page};
use serde::Serialize;

use crate::viewer::Viewer;

/// A request, without what is not for the viewer. The names of its rule and provider are in it: its caller got them as headers.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct EntryView(Arc<Entry>);

impl EntryView {
    /// What this viewer may see of a request that they may see. How a provider is reached, and with what, is for those who may see how it does;
    /// which other rules have held, for those who may see these.
    #[must_use]
    pub fn of(entry: &Arc<Entry>, viewer: &Viewer) -> Self {
        let (health, rules) = (&viewer.rights.health, &viewer.rights.rules);
        let is_open = |attempt: &Attempt| {
            let provider = attempt.provider.as_deref();
            health.sees_object(provider.unwrap_or_default())
        };
        let mut held = entry.constraints.iter().chain(&entry.through);
        if entry.attempts.iter().all(is_open) && held.all(|rule| rules.sees_object(rule)) {
            return Self(Arc::clone(entry));
        }
        let mut entry = Entry::clone(entry);
        for attempt in &mut entry.attempts {
            if !is_open(attempt) {
                (attempt.credential, attempt.server, attempt.address) = (None, None, None);
            }
        }
        entry.constraints.retain(|rule| rules.sees_object(rule));
        entry.through.retain(|rule| rules.sees_object(rule));
        Self(Arc::new(entry))
    }
}

/// Some requests.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EntryPage {
    /// The newest first.
    pub entries: Vec<EntryView>,
    /// Where to go on.
    pub next: Option<Cursor>,
}

impl EntryPage {
    /// What this viewer may see of a page of requests that they may see.
    #[must_use]
    pub fn of(page: &Page, viewer: &Viewer) -> Self {
        let entries = page.entries.iter();
        Self {
            entries: entries.map(|entry| EntryView::of(entry, viewer)).collect(),
            next: page.next,
        }
    }
}
