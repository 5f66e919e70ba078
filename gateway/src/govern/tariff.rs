//! What a model costs, as a request keeps it.

use fairlead_admit::money::Price;
use fairlead_catalog::Prices;
use fairlead_snapshot::ModelPrice;

/// What a model costs, by whoever says so.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tariff {
    /// The configuration.
    Own(ModelPrice),
    /// The catalog.
    Listed(Prices<'static>),
    /// Nobody.
    Unknown,
}

impl Tariff {
    /// Nothing.
    pub(crate) const FREE: Self = Self::Own(ModelPrice::Free);

    /// The price, to reckon with.
    #[must_use]
    pub(crate) fn price(&self) -> Price<'_> {
        match self {
            Self::Own(price) => Price::Own(price),
            Self::Listed(prices) => Price::Listed(*prices),
            Self::Unknown => Price::Listed(Prices::UNKNOWN),
        }
    }

    /// Whether it is said to cost nothing.
    #[must_use]
    pub(crate) fn is_free(&self) -> bool {
        self.price().is_free()
    }

    /// Whether nobody has said what it costs.
    #[must_use]
    pub(crate) fn is_unknown(&self) -> bool {
        self.price().is_unknown()
    }
}
