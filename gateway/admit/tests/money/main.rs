//! What is charged: by the list, by the configuration, rounded once; what is unknown; and what a request costs at most.

// `cfg(test)` tells clippy that helpers, too, may unwrap.
#[cfg(test)]
mod bound;
#[cfg(test)]
mod cost;

#[cfg(test)]
use fairlead_admit::money::Price;
#[cfg(test)]
use fairlead_catalog::Catalog;

/// What the catalog says of a model.
#[cfg(test)]
fn listed(vendor: &str, model: &str) -> Price<'static> {
    let model = Catalog::builtin().find(vendor, model).expect(model);
    Price::Listed(model.prices())
}
