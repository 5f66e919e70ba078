//! What callers may use of models and providers, as a key, a team or an organization says it.

use std::collections::BTreeMap;

use fairlead_crds::text::ModelPattern as ModelPatternSpec;
use fairlead_crds::v1alpha1::{
    Allow as AllowSpec, AllowedProvider as AllowedSpec, Deny as DenySpec,
};
use fairlead_snapshot::{
    Allow, AllowedProvider, Deny, ModelPattern, ObjectName, Provider, Selector,
};

use crate::finding::{Finding, Reason};
use crate::kinds::Kind;
use crate::object::Object;
use crate::path::Path;
use crate::reference;
use crate::rule;
use crate::selector;
use crate::verdict::InForce;

/// What CEL refuses, said again for those without an API server.
pub(crate) fn faults(allow: Option<&AllowSpec>, deny: Option<&DenySpec>) -> Vec<Finding> {
    let spec = Path::of("spec");
    let silent = deny.filter(|deny| deny.models.is_none() && deny.providers.is_none());
    let mut faults: Vec<Finding> = silent
        .map(|_| {
            Finding::new(
                &spec.field("deny"),
                Reason::Invalid,
                "deny says nothing; give models or providers",
            )
        })
        .into_iter()
        .collect();
    let path = spec.field("allow");
    let picked = allow.and_then(|allow| allow.provider_selector.as_ref());
    faults.extend(
        picked
            .into_iter()
            .flat_map(|picked| selector::provider_faults(picked, &path.field("providerSelector"))),
    );
    let path = path.field("providers");
    let Some(providers) = allow.and_then(|allow| allow.providers.as_deref()) else {
        return faults;
    };
    faults.extend(twice(providers).map(|at| {
        Finding::new(
            &path.index(at),
            Reason::Invalid,
            "a provider is listed twice",
        )
    }));
    if !providers.is_empty() && providers.iter().all(|provider| provider.weight == Some(0)) {
        faults.push(Finding::new(
            &path,
            Reason::Invalid,
            "at least one provider needs a weight above 0",
        ));
    }
    faults
}

/// The entries that are written like an earlier one.
fn twice(providers: &[AllowedSpec]) -> impl Iterator<Item = usize> {
    let same = |a: &AllowedSpec, b: &AllowedSpec| a.name == b.name && a.namespace == b.namespace;
    let earlier = move |at: &usize| {
        providers[..*at]
            .iter()
            .any(|earlier| same(earlier, &providers[*at]))
    };
    (0..providers.len()).filter(earlier)
}

/// Every provider is kept by name: one that is missing offers nothing, and if all are missing nothing may be used, rather than everything. One that
/// is listed with its namespace and again without has both shares.
pub(crate) fn build(own: &str, allow: Option<&AllowSpec>, deny: Option<&DenySpec>) -> Allow {
    let allow = allow.cloned().unwrap_or_default();
    let patterns = |patterns: &[ModelPatternSpec]| -> Vec<ModelPattern> {
        let pattern = |pattern: &ModelPatternSpec| ModelPattern(pattern.to_string());
        patterns.iter().map(pattern).collect()
    };
    let denied = |listed: &Vec<_>| -> Vec<ObjectName> {
        let resolve = |provider| reference::resolve(own, provider);
        listed.iter().map(resolve).collect()
    };
    Allow {
        models: allow.models.as_deref().map(patterns),
        providers: allow.providers.map(|listed| shares(own, &listed)),
        selector: allow.provider_selector.as_ref().map(selector::build),
        deny: deny.map_or_else(Deny::default, |deny| Deny {
            models: deny.models.as_deref().map(patterns).unwrap_or_default(),
            providers: deny.providers.as_ref().map(denied).unwrap_or_default(),
        }),
    }
}

fn shares(own: &str, listed: &[AllowedSpec]) -> Vec<AllowedProvider> {
    let mut providers: Vec<AllowedProvider> = Vec::with_capacity(listed.len());
    for entry in listed {
        let (provider, weight) = (resolve(own, entry), entry.weight.unwrap_or(1));
        match providers
            .iter_mut()
            .find(|known| known.provider == provider)
        {
            Some(known) => known.weight = known.weight.saturating_add(weight),
            None => providers.push(AllowedProvider { provider, weight }),
        }
    }
    providers
}

fn resolve(own: &str, provider: &AllowedSpec) -> ObjectName {
    ObjectName::new(
        provider
            .namespace
            .as_ref()
            .map_or(own, |namespace| namespace.as_str()),
        provider.name.as_str(),
    )
}

/// The names that a spec allows, in its order.
pub(crate) fn listed(own: &str, allow: Option<&AllowSpec>) -> Vec<ObjectName> {
    let listed = allow
        .iter()
        .flat_map(|allow| allow.providers.iter().flatten());
    listed.map(|provider| resolve(own, provider)).collect()
}

/// What is allowed and cannot be had: by keys of `namespace`, or, where that is `None`, by anybody.
pub(crate) fn unresolved(
    namespace: Option<&str>,
    listed: impl IntoIterator<Item = ObjectName>,
    providers: &BTreeMap<ObjectName, Provider>,
) -> Vec<Finding> {
    let path = Path::of("spec").field("allow").field("providers");
    let finding = |(at, name): (usize, ObjectName)| {
        let path = path.index(at);
        let Some(provider) = providers.get(&name) else {
            return Some(reference::not_found(&path, &name));
        };
        let namespace = namespace.filter(|namespace| !provider.access.permits(namespace))?;
        let message = rule::not_permitted(&name, namespace);
        Some(Finding::new(&path, Reason::NotPermitted, message))
    };
    listed.into_iter().enumerate().filter_map(finding).collect()
}

/// The providers that are denied, each with its place.
pub(crate) fn denied(deny: &Deny) -> impl Iterator<Item = (Path, &ObjectName)> {
    let path = Path::of("spec").field("deny").field("providers");
    let listed = deny.providers.iter().enumerate();
    listed.map(move |(at, provider)| (path.index(at), provider))
}

/// What `allow.providerSelector` picks from.
pub(crate) struct Picking<'a> {
    pub(crate) providers: &'a BTreeMap<ObjectName, Provider>,
    pub(crate) gateway: &'a str,
}

impl Picking<'_> {
    /// Says of each object whose selector picks nobody that its keys may use no provider. The providers have their labels.
    pub(crate) fn look_up<'s, K: Kind>(
        &self,
        objects: &mut [Object<'_, K>],
        said: impl Fn(&ObjectName) -> Option<&'s Allow>,
    ) {
        for object in objects {
            let selector = said(&object.name).and_then(|allow| allow.selector.as_ref());
            if object.verdict.in_force != InForce::Nothing
                && selector.is_some_and(|selector| self.picks_nobody(&object.name, selector))
            {
                let path = Path::of("spec").field("allow").field("providerSelector");
                let message = self.nobody(&object.name.namespace);
                object.also(vec![Finding::new(&path, Reason::ProviderNotFound, message)]);
            }
        }
    }

    fn picks_nobody(&self, object: &ObjectName, selector: &Selector) -> bool {
        let picks = |(name, provider): (&ObjectName, &Provider)| {
            selector.picks(&object.namespace, self.gateway, name, provider)
        };
        !self.providers.iter().any(picks)
    }

    fn nobody(&self, own: &str) -> String {
        let gateway = self.gateway;
        let whose = if own == gateway {
            format!("of the gateway's namespace, {gateway},")
        } else {
            format!("of this namespace or of the gateway's, {gateway},")
        };
        format!(
            "no accepted LLMProvider {whose} has these labels; until one has, the keys that this is for may use no provider"
        )
    }
}
