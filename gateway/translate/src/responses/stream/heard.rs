//! What a provider's stream has said so far, so that what comes again is not said twice.

use std::collections::{BTreeMap, BTreeSet};

use crate::Text;

/// Which list of an item a part is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum List {
    Content,
    Summary,
    Thoughts,
}

/// A call that has begun.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) number: u64,
    pub(super) id: String,
    /// Whether its arguments were told.
    pub(super) told: bool,
    /// Arguments that came with its beginning, for the case that they come at no other time.
    pub(super) first: String,
}

/// Everything that was heard.
#[derive(Debug, Clone, Default)]
pub(super) struct Heard {
    /// Items are known by their place, or else by their id.
    places: BTreeMap<String, u64>,
    parts: BTreeSet<(u64, List, u64)>,
    calls: BTreeMap<u64, Call>,
    /// Places of calls by what their outputs refer to.
    call_places: BTreeMap<String, u64>,
    count: u64,
    /// Arguments of calls that have not begun.
    early: BTreeMap<u64, String>,
    /// Whether something was said since the last item that was done: (messages, reasoning).
    pub(super) pending: (bool, bool),
    /// Whether anything was said at all: (messages, reasoning).
    pub(super) any: (bool, bool),
    /// The part of the reasoning that came last.
    pub(super) thought: Option<(u64, List, u64)>,
}

impl Heard {
    /// The place of an item. Servers leave out one or the other.
    pub(super) fn place(&mut self, index: Option<u64>, id: Option<&Text<'_>>) -> u64 {
        let Some(id) = id else {
            return index.unwrap_or(u64::MAX);
        };
        let id = id.as_written();
        if let Some(index) = index {
            if self.places.get(id) != Some(&index) {
                self.places.insert(id.to_owned(), index);
            }
            return index;
        }
        if let Some(known) = self.places.get(id) {
            return *known;
        }
        // From the end, where no place of a real output is.
        let place = u64::MAX - 1 - self.places.len() as u64;
        self.places.insert(id.to_owned(), place);
        place
    }

    /// Notes a part; whether it is new.
    pub(super) fn note(&mut self, place: u64, list: List, part: u64) -> bool {
        self.parts.insert((place, list, part))
    }

    /// Whether anything of an item was heard.
    pub(super) fn knows(&self, place: u64, list: List) -> bool {
        let range = (place, list, 0)..=(place, list, u64::MAX);
        self.parts.range(range).next().is_some()
    }

    pub(super) fn has_calls(&self) -> bool {
        self.count > 0
    }

    /// The call at a place; where that says nothing, the one with the id.
    pub(super) fn call(&mut self, place: u64, id: Option<&str>) -> Option<&mut Call> {
        let known = id.and_then(|id| self.call_places.get(id)).copied();
        let same =
            |call: &Call| id.is_none_or(|id| id.is_empty() || call.id.is_empty() || call.id == id);
        let place = match self.calls.get(&place) {
            Some(call) if same(call) => place,
            Some(_) | None => known?,
        };
        self.calls.get_mut(&place)
    }

    /// A call begins; its number, and the arguments that came before it.
    pub(super) fn begin(&mut self, place: u64, id: &str) -> (u64, Option<String>) {
        let number = self.count;
        self.count += 1;
        let early = self.early.remove(&place);
        let call = Call {
            number,
            id: id.to_owned(),
            told: early.is_some(),
            first: String::new(),
        };
        self.calls.insert(place, call);
        if !id.is_empty() {
            self.call_places.insert(id.to_owned(), place);
        }
        (number, early)
    }

    /// Keeps a fragment for a call that has not begun.
    pub(super) fn keep(&mut self, place: u64, fragment: &Text<'_>) {
        self.early
            .entry(place)
            .or_default()
            .push_str(fragment.as_written());
    }
}
