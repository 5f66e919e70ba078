//! What a format could not express of what was asked.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Something that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// What it is, as the caller's surface calls it: `logit_bias`, `messages[2].content[0]`.
    pub what: Cow<'static, str>,
    /// Whether leaving it out changes what is asked for; advice (cache hints, metadata, a user's id) does not.
    pub changes_meaning: bool,
}

/// What was left out on the way into a format. The order is that of the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notes {
    all: Vec<Unsupported>,
    /// Where in it each is: a request may hold thousands that have no form here.
    places: BTreeMap<Cow<'static, str>, usize>,
}

impl Notes {
    /// Without this, something else would be asked for.
    pub fn cannot(&mut self, what: impl Into<Cow<'static, str>>) {
        self.add(what.into(), true);
    }

    /// The same is asked for without this.
    pub fn drops(&mut self, what: impl Into<Cow<'static, str>>) {
        self.add(what.into(), false);
    }

    /// Everything that was left out, each once.
    #[must_use]
    pub fn all(&self) -> &[Unsupported] {
        &self.all
    }

    /// What cannot be left out without asking for something else.
    pub fn essential(&self) -> impl Iterator<Item = &Unsupported> {
        self.all.iter().filter(|each| each.changes_meaning)
    }

    fn add(&mut self, what: Cow<'static, str>, changes_meaning: bool) {
        if let Some(known) = self.places.get(&what)
            && let Some(known) = self.all.get_mut(*known)
        {
            known.changes_meaning |= changes_meaning;
            return;
        }
        self.places.insert(what.clone(), self.all.len());
        self.all.push(Unsupported {
            what,
            changes_meaning,
        });
    }
}
