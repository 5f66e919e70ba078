//! What a format could not express of what was asked.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// Something that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsupported {
    /// What it is, as the caller's surface calls it: `logit_bias`, `messages[2].content[0]`.
    pub what: Cow<'static, str>,
    /// Whether leaving it out changes what is asked for; advice (cache hints, metadata, a user's id, a seed, that
    /// tools are called one at a time) does not.
    pub changes_meaning: bool,
}

/// So many are told; more are counted together, as one.
const MOST: usize = 256;
/// The longest name of what is left out, in bytes: callers choose theirs.
const LONGEST: usize = 128;
/// What stands for all beyond.
const MORE: &str = "and more";

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
        let what = if self.all.len() >= MOST && !self.places.contains_key(&what) {
            Cow::Borrowed(MORE)
        } else {
            shortened(what)
        };
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

fn shortened(what: Cow<'static, str>) -> Cow<'static, str> {
    if what.len() <= LONGEST {
        return what;
    }
    let end = (0..=LONGEST).rev().find(|at| what.is_char_boundary(*at));
    let short = what.get(..end.unwrap_or(0)).unwrap_or_default();
    Cow::Owned(format!("{short}.."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_much_is_left_out_little_is_kept_of_it() {
        let mut notes = Notes::default();
        for at in 0..100_000 {
            notes.drops(format!("messages[{at}].{}", "ä".repeat(200)));
        }
        assert_eq!(notes.all().len(), MOST + 1);
        assert_eq!(notes.essential().count(), 0);
        assert!(
            notes
                .all()
                .iter()
                .all(|each| each.what.len() <= LONGEST + 2)
        );
        notes.cannot("logit_bias");
        let essential: Vec<_> = notes.essential().map(|each| &*each.what).collect();
        assert_eq!(essential, [MORE], "that something changes is not lost");
    }
}
