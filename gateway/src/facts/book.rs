//! Where a provider's models are looked up, and what was found.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use fairlead_catalog::{Catalog, Feature, Vendor};
use fairlead_snapshot::{Addressing, Dialect, ModelPrice, Protocol, Provider};
use fairlead_translate::converse::Family;

use super::{Facts, Said};
use crate::govern::tariff::Tariff;

/// So many models are kept that no configuration of the provider names. The others are looked up each time, which takes a few microseconds.
const MOST_KEPT: usize = 256;

/// Vendors whose name in `gen_ai.provider.name` the catalog does not have, or has for somebody else: a server of one's own is nobody's.
const NAMES: [(&str, &str); 7] = [
    ("aws.bedrock", "amazon-bedrock"),
    ("azure.ai.openai", "azure"),
    ("gcp.vertex_ai", "google-vertex"),
    ("mistral_ai", "mistral"),
    ("nvidia_nim", "nvidia"),
    ("ollama", ""),
    ("x_ai", "xai"),
];

/// Vendors at whom a model may be called anything, so that what callers call it may tell more.
const FREELY_NAMED: [&str; 2] = ["azure", "amazon-bedrock"];

/// Whose models a provider's are.
#[derive(Debug, Clone, Copy)]
enum Whose {
    /// This vendor's.
    Of(&'static Vendor),
    /// Anybody's: a server of open models, or a proxy before somebody.
    Anybodys,
    /// The gateway's own, of which nothing is known.
    Nobodys,
}

/// The facts of one provider's models.
#[derive(Debug)]
pub(crate) struct Book {
    whose: Whose,
    /// Those that it offers, by the upstream's name: looked up once.
    offered: HashMap<Box<str>, Facts>,
    /// What they are called, by the upstream's name where that says nothing of whose the model is: an ARN of one's own.
    called: HashMap<Box<str>, Box<str>>,
    /// Whether it is asked by a version of Azure's API that knows no schemas.
    without_schemas: bool,
    /// What those cost that have a price of their own, by the upstream's name.
    prices: HashMap<Box<str>, ModelPrice>,
    /// What the others cost, if the provider says.
    price: Option<ModelPrice>,
    /// Others, as they come.
    others: ArcSwap<HashMap<Box<str>, Facts>>,
}

impl Book {
    /// The facts of what a provider offers.
    #[must_use]
    pub(crate) fn of(provider: &Provider) -> Self {
        let whose = whose(&provider.protocol);
        let mut offered: HashMap<Box<str>, Facts> = HashMap::new();
        let (mut prices, mut called) = (HashMap::new(), HashMap::new());
        for model in provider.models.iter().flatten() {
            let name = model.upstream_name.as_str().into();
            let facts = offered
                .entry(name)
                .or_insert_with(|| whose.facts(&model.upstream_name, Some(&model.name)));
            facts.said = facts.said.or(Said::of(&model.facts));
            if says_nothing(&model.upstream_name) {
                let name = model.upstream_name.as_str().into();
                called
                    .entry(name)
                    .or_insert_with(|| model.name.as_str().into());
            }
            if let Some(price) = &model.price {
                prices.insert(model.upstream_name.as_str().into(), *price);
            }
        }
        // The gateway answers by itself, and takes nothing for it.
        let simulated =
            matches!(provider.protocol, Protocol::Simulated(_)).then_some(ModelPrice::Free);
        Self {
            whose,
            offered,
            called,
            without_schemas: is_before_schemas(&provider.protocol),
            prices,
            price: provider.price.or(simulated),
            others: ArcSwap::default(),
        }
    }

    /// What a model costs, by the upstream's name: its own price, the provider's, the catalog's.
    #[must_use]
    pub(crate) fn tariff(&self, model: &str) -> Tariff {
        match self.prices.get(model).or(self.price.as_ref()) {
            Some(price) => Tariff::Own(*price),
            None => self
                .facts(model)
                .prices()
                .map_or(Tariff::Unknown, Tariff::Listed),
        }
    }

    /// The name of the model that is behind the upstream's name: what its owner calls it, where its own says nothing.
    #[must_use]
    pub(crate) fn behind<'a>(&'a self, model: &'a str) -> &'a str {
        self.called.get(model).map_or(model, AsRef::as_ref)
    }

    /// What is known of a model, by the upstream's name.
    #[must_use]
    pub(crate) fn facts(&self, model: &str) -> Facts {
        let mut facts = self.looked_up(model);
        if self.without_schemas {
            facts.said = facts.said.lacking(Feature::Schema);
        }
        facts
    }

    fn looked_up(&self, model: &str) -> Facts {
        if let Some(facts) = self.offered.get(model) {
            return *facts;
        }
        let others = self.others.load();
        if let Some(facts) = others.get(model) {
            return *facts;
        }
        let facts = self.whose.facts(model, None);
        if others.len() < MOST_KEPT {
            let mut more = HashMap::clone(&others);
            more.insert(model.into(), facts);
            // Of two at once one is lost, and is looked up once more.
            self.others.store(Arc::new(more));
        }
        facts
    }

    /// How many are kept that came by.
    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.others.load().len()
    }
}

impl Whose {
    fn facts(self, model: &str, called: Option<&str>) -> Facts {
        let catalog = Catalog::builtin();
        let own = match self {
            Self::Nobodys => None,
            Self::Anybodys => {
                return Facts {
                    model: catalog.find_any(model),
                    own: false,
                    said: Said::default(),
                };
            }
            Self::Of(vendor) => catalog.find(vendor.id(), model).or_else(|| {
                let called = called.filter(|_| FREELY_NAMED.contains(&vendor.id()))?;
                catalog.find(vendor.id(), called)
            }),
        };
        Facts {
            model: own,
            own: true,
            said: Said::default(),
        }
    }
}

/// Whether a name of a model is an ARN that says nothing of it, such as that of an application's inference profile.
fn says_nothing(upstream_name: &str) -> bool {
    upstream_name.starts_with("arn:") && Family::of(upstream_name) == Family::Other
}

/// Whether it is asked by a version of Azure's API before there were schemas of answers, which takes them for nothing or answers with an empty
/// object (source: Azure OpenAI, structured outputs: from 2024-08-01-preview on).
fn is_before_schemas(protocol: &Protocol) -> bool {
    let Protocol::Http {
        addressing: Addressing::Deployments { api_version },
        ..
    } = protocol
    else {
        return false;
    };
    api_version.as_str() < "2024-08-01"
}

/// Whose models are behind a protocol. A vendor is known wherever it is, behind a proxy of one's own, say; who only speaks a dialect is known by
/// the host, and who speaks one that only its maker speaks is taken for that.
fn whose(protocol: &Protocol) -> Whose {
    let Protocol::Http {
        vendor,
        base_url,
        dialect,
        ..
    } = protocol
    else {
        return Whose::Nobodys;
    };
    let catalog = Catalog::builtin();
    let found = if vendor.is_empty() {
        let maker = match dialect {
            Dialect::OpenAi => None,
            Dialect::Anthropic => Some("anthropic"),
            Dialect::Gemini => Some("google"),
            Dialect::Converse => Some("amazon-bedrock"),
        };
        at(base_url).or_else(|| catalog.vendor(maker?))
    } else {
        let name = NAMES.iter().find(|(name, _)| name == vendor);
        catalog.vendor(name.map_or(vendor.as_str(), |(_, id)| id))
    };
    found.map_or(Whose::Anybodys, Whose::Of)
}

/// The vendor whose API is at a base URL: at its host, or below one (`eu.api.openai.com`).
fn at(base_url: &str) -> Option<&'static Vendor> {
    let (_, rest) = base_url.split_once("://")?;
    let mut host = rest.split(['/', ':']).next()?;
    loop {
        if let Some(vendor) = Catalog::builtin().vendor_at(host) {
            return Some(vendor);
        }
        (_, host) = host.split_once('.')?;
    }
}
