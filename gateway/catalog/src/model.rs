//! A model at a vendor, and what is known of it.

use crate::{Date, Effort, Feature, Kind, Limits, Mode, Price, Prices, Quirk, Rate, Support, Unit};

/// What is known of a model as one vendor offers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Model {
    pub(crate) vendor: &'static str,
    pub(crate) id: &'static str,
    pub(crate) kind: Kind,
    pub(crate) limits: Limits,
    pub(crate) prices: &'static [Price],
    pub(crate) can: u32,
    pub(crate) cannot: u32,
    pub(crate) efforts: u32,
    pub(crate) no_efforts: u32,
    pub(crate) quirks: u32,
    pub(crate) retires: Option<Date>,
    pub(crate) sources: u32,
    pub(crate) price_source: Option<u8>,
    pub(crate) disputed: bool,
}

impl Model {
    /// The vendor's name in the catalog.
    #[must_use]
    pub const fn vendor(&self) -> &'static str {
        self.vendor
    }

    /// The name by which the vendor is asked for it. It may differ from what was looked up, by a date, a prefix or a region.
    #[must_use]
    pub const fn id(&self) -> &'static str {
        self.id
    }

    /// What it is asked for.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        self.kind
    }

    /// How many tokens it takes and gives.
    #[must_use]
    pub const fn limits(&self) -> Limits {
        self.limits
    }

    /// What to ask for where the vendor requires a limit and the caller named none: the longest answer.
    #[must_use]
    pub fn default_max_output(&self) -> Option<u32> {
        self.limits.output()
    }

    /// Whether it can do this.
    #[must_use]
    pub const fn supports(&self, feature: Feature) -> Support {
        Support::of(self.can, self.cannot, feature as u8)
    }

    /// Whether it takes this level of reasoning.
    #[must_use]
    pub const fn takes(&self, effort: Effort) -> Support {
        Support::of(self.efforts, self.no_efforts, effort as u8)
    }

    /// The levels that it is known to take, from none to the most.
    pub fn efforts(&self) -> impl Iterator<Item = Effort> + use<> {
        let (yes, no) = (self.efforts, self.no_efforts);
        let all = Effort::ALL.iter().copied();
        all.filter(move |effort| Support::of(yes, no, *effort as u8) == Support::Yes)
    }

    /// Whether it is to be asked in this odd way. `false` is also what nobody has told.
    #[must_use]
    pub const fn has(&self, quirk: Quirk) -> bool {
        self.quirks >> quirk as u8 & 1 == 1
    }

    /// Its quirks.
    pub fn quirks(&self) -> impl Iterator<Item = Quirk> + use<> {
        let quirks = self.quirks;
        Quirk::ALL
            .iter()
            .copied()
            .filter(move |quirk| quirks >> *quirk as u8 & 1 == 1)
    }

    /// The day from which the vendor no longer serves it.
    #[must_use]
    pub const fn retires(&self) -> Option<Date> {
        self.retires
    }

    /// What it costs.
    #[must_use]
    pub const fn prices(&self) -> Prices<'static> {
        Prices(self.prices)
    }

    /// The rate to charge by: [`Prices::charged`].
    #[must_use]
    pub fn price(&self, mode: Mode, unit: Unit, prompt: u64) -> Option<Rate> {
        self.prices().charged(mode, unit, prompt)
    }

    /// Whether another source has another price: the data beside the row says which.
    #[must_use]
    pub const fn is_disputed(&self) -> bool {
        self.disputed
    }
}
