//! What the catalog knows of models.

use fairlead_catalog::{Catalog, Feature, Mode, Model, Support, Unit};
use fairlead_console::view::catalog::{CatalogPage, CatalogQuery, CatalogRow};

/// So many models are in an answer.
const PAGE: usize = 100;

/// The models that a question is about.
#[must_use]
pub(crate) fn found(query: &CatalogQuery) -> CatalogPage {
    let catalog = Catalog::builtin();
    let text = query.text.to_ascii_lowercase();
    let fits = |model: &&Model| {
        let named = |name: &str| name.to_ascii_lowercase().contains(&text);
        (text.is_empty() || named(model.id()) || named(model.vendor()))
            && query
                .vendor
                .as_deref()
                .is_none_or(|vendor| vendor == model.vendor())
            && query
                .kind
                .as_deref()
                .is_none_or(|kind| kind == model.kind().name())
    };
    let found: Vec<&Model> = catalog.models().iter().filter(fits).collect();
    CatalogPage {
        total: found.len(),
        models: found.into_iter().take(PAGE).map(row).collect(),
        vendors: catalog
            .vendors()
            .iter()
            .map(|vendor| vendor.id().to_owned())
            .collect(),
    }
}

fn row(model: &Model) -> CatalogRow {
    let price = |unit| model.price(Mode::Standard, unit, 0);
    let price = |unit| price(unit).map(|rate| rate.to_string());
    let can = Feature::ALL
        .iter()
        .filter(|feature| model.supports(**feature) == Support::Yes);
    CatalogRow {
        vendor: model.vendor().to_owned(),
        model: model.id().to_owned(),
        kind: model.kind().name().to_owned(),
        window: model.limits().window(),
        max_output: model.limits().output(),
        input: price(Unit::Input),
        cached: price(Unit::CacheRead),
        output: price(Unit::Output),
        can: can.map(|feature| feature.name().to_owned()).collect(),
        retires: model.retires().map(|date| date.to_string()),
    }
}
