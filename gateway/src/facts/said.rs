//! What a provider's owner says of a model: packed, for it is copied with every request.

use std::num::NonZeroU32;

use fairlead_catalog::{Feature, Support};
use fairlead_snapshot::ModelFacts;

/// What is said of one model. The default says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Said {
    window: Option<NonZeroU32>,
    max_output: Option<NonZeroU32>,
    /// Bits of features.
    can: u32,
    cannot: u32,
}

impl Said {
    pub(super) fn of(facts: &ModelFacts) -> Self {
        Self {
            window: facts.window.and_then(NonZeroU32::new),
            max_output: facts.max_output.and_then(NonZeroU32::new),
            can: bits(&facts.supports),
            cannot: bits(&facts.lacks),
        }
    }

    /// The same, and where nothing is said, what `other` says.
    pub(super) fn or(self, other: Self) -> Self {
        let unsaid = !(self.can | self.cannot);
        Self {
            window: self.window.or(other.window),
            max_output: self.max_output.or(other.max_output),
            can: self.can | other.can & unsaid,
            cannot: self.cannot | other.cannot & unsaid,
        }
    }

    /// The same, and that it cannot do this, unless its owner says otherwise.
    pub(super) fn lacking(self, feature: Feature) -> Self {
        Self {
            cannot: self.cannot | bit(feature) & !self.can,
            ..self
        }
    }

    pub(super) fn window(self) -> Option<u32> {
        self.window.map(NonZeroU32::get)
    }

    pub(super) fn max_output(self) -> Option<u32> {
        self.max_output.map(NonZeroU32::get)
    }

    /// `None`: nothing is said.
    pub(super) fn supports(self, feature: Feature) -> Option<Support> {
        let bit = bit(feature);
        if self.cannot & bit != 0 {
            return Some(Support::No);
        }
        (self.can & bit != 0).then_some(Support::Yes)
    }
}

fn bit(feature: Feature) -> u32 {
    1 << feature as u32
}

/// A name that this version does not know is of something that it does not act on.
fn bits(names: &[String]) -> u32 {
    let known = names.iter().filter_map(|name| Feature::from_name(name));
    known.fold(0, |bits, feature| bits | bit(feature))
}

const _: () = assert!(Feature::ALL.len() <= 32, "a bit for each feature");
