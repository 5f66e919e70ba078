//! Whether a filter lets an entry through: what a store's query says, said of an entry in hand.

use crate::filter::Filter;
use crate::outcome::Outcome;
use crate::{Attempt, Entry, Name};

impl Filter {
    /// Whether all that is set holds for this entry.
    #[must_use]
    pub fn lets(&self, entry: &Entry) -> bool {
        let last = entry.asked_last();
        let provider = last.and_then(|attempt| attempt.provider.as_deref());
        let upstream = last.map(|attempt| &*attempt.model);
        self.scope.shows(entry)
            && self
                .from_unix_us
                .is_none_or(|from| entry.started_unix_us >= from)
            && self.to_unix_us.is_none_or(|to| entry.started_unix_us < to)
            && is(self.key.as_ref(), entry.key.as_deref())
            && is(self.team.as_ref(), entry.team.as_deref())
            && is(self.model.as_ref(), entry.model.as_deref())
            && is(self.provider.as_ref(), provider)
            && is(self.upstream_model.as_ref(), upstream)
            && is(self.rule.as_ref(), entry.rule.as_deref())
            && self
                .outcome
                .is_none_or(|outcome| Outcome::of(entry) == outcome)
            && self.status.is_none_or(|status| entry.status == status)
            && self
                .min_cost_nanos
                .is_none_or(|least| entry.cost.is_some_and(|cost| cost.nanos >= least))
            && self
                .min_duration_us
                .is_none_or(|least| entry.duration_us >= least)
            && self.id.is_none_or(|id| entry.id == id)
            && self
                .trace
                .is_none_or(|id| entry.trace.as_ref().is_some_and(|trace| trace.id == id))
            && self.class.as_ref().is_none_or(|class| failed(entry, class))
            && self.needle().is_none_or(|needle| {
                words(entry, provider, upstream).any(|word| stands_in(&needle, word))
            })
    }

    /// What is looked for in texts, in lower-case ASCII letters; `None`: nothing.
    pub(crate) fn needle(&self) -> Option<String> {
        let text = self.text.as_deref().map(str::trim)?;
        (!text.is_empty()).then(|| text.to_ascii_lowercase())
    }
}

impl Entry {
    /// The attempt that answered, or else the last one for which anything was sent.
    #[must_use]
    pub fn asked_last(&self) -> Option<&Attempt> {
        let sent = || self.attempts.iter().rev().find(|attempt| attempt.sent);
        self.answered().or_else(sent)
    }
}

fn is(wanted: Option<&Name>, found: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| found == Some(&**wanted))
}

fn failed(entry: &Entry, class: &str) -> bool {
    entry.error.as_deref() == Some(class)
        || entry
            .attempts
            .iter()
            .any(|attempt| attempt.outcome == *class)
}

fn words<'a>(
    entry: &'a Entry,
    provider: Option<&'a str>,
    upstream: Option<&'a str>,
) -> impl Iterator<Item = &'a str> {
    let own = [
        entry.key.as_deref(),
        entry.model.as_deref(),
        entry.rule.as_deref(),
        entry.error.as_deref(),
        entry.user_agent.as_deref(),
    ];
    own.into_iter().chain([provider, upstream]).flatten()
}

fn stands_in(needle: &str, text: &str) -> bool {
    let mut windows = text.as_bytes().windows(needle.len());
    windows.any(|window| window.eq_ignore_ascii_case(needle.as_bytes()))
}
