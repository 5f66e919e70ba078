//! What is known of a model as a provider serves it: how much it takes and gives, what it can do, and how it wants to be asked.
//!
//! What the provider's owner says of a model goes before the catalog that is compiled in, which is asked by whose API the provider's is. What is
//! not known is unknown, and no target is passed over for it; nothing here fails.

mod book;
mod said;

use fairlead_catalog::{Feature, Model, Prices, Quirk, Support};

pub(crate) use book::Book;
use said::Said;

/// What is called the large window, in tokens.
const LARGE_WINDOW: u32 = 1_000_000;

/// What is known of one model at one provider. Cheap to copy.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Facts {
    /// The catalog's row, if it has one.
    model: Option<&'static Model>,
    /// Whether that row is of this very vendor: limits are those of whoever serves the model, abilities the model's own.
    own: bool,
    /// What the provider's owner says.
    said: Said,
}

impl Facts {
    /// The window: prompt and answer together, in tokens.
    #[must_use]
    pub(crate) fn window(&self) -> Option<u32> {
        let served = || self.served()?.limits().window();
        self.said.window().or_else(served)
    }

    /// Whether it is known to have the window of a million tokens for everybody. What the owner says of the window does not tell: it may be
    /// had by a flag.
    #[must_use]
    pub(crate) fn has_large_window(&self) -> bool {
        let prompt = self.served().and_then(|model| model.limits().prompt());
        prompt.is_some_and(|prompt| prompt >= LARGE_WINDOW)
    }

    /// The longest answer, in tokens.
    #[must_use]
    pub(crate) fn max_output(&self) -> Option<u32> {
        let served = || self.served()?.limits().output();
        self.said.max_output().or_else(served)
    }

    /// The limit of an answer to a prompt of about so many tokens, where one has to be named and the caller has not: the longest answer, as far as
    /// the window has room for it, for a vendor may refuse what could not fit. `least` is given although it might not.
    #[must_use]
    pub(crate) fn default_max_output(&self, prompt: u64, least: u64) -> Option<u64> {
        let longest = u64::from(self.max_output()?);
        let Some(window) = self.window() else {
            return Some(longest);
        };
        // The estimate may be short by a half: text that is no English has more tokens.
        let taken = prompt.saturating_add(prompt / 2);
        let left = u64::from(window).saturating_sub(taken);
        Some(longest.min(left.max(least)))
    }

    /// What whoever serves it takes for it, if that is known.
    #[must_use]
    pub(crate) fn prices(&self) -> Option<Prices<'static>> {
        let prices = self.served()?.prices();
        (!prices.is_unknown()).then_some(prices)
    }

    /// Whether it can do this.
    #[must_use]
    pub(crate) fn supports(&self, feature: Feature) -> Support {
        let known = || {
            self.model
                .map_or(Support::Unknown, |model| model.supports(feature))
        };
        self.said.supports(feature).unwrap_or_else(known)
    }

    /// Whether it is to be asked in this odd way.
    #[must_use]
    pub(crate) fn has(&self, quirk: Quirk) -> bool {
        self.model.is_some_and(|model| model.has(quirk))
    }

    /// The row, if it is of whoever serves it.
    fn served(&self) -> Option<&'static Model> {
        self.model.filter(|_| self.own)
    }
}

#[cfg(test)]
mod tests;
