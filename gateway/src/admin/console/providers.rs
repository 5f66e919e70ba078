//! The providers of the configuration in force, each with what `GET /health` says of it.

use std::sync::Arc;

use fairlead_console::Viewer;
use fairlead_console::view::provider::{CredentialView, HealthView, ProviderView};
use fairlead_snapshot::{Credential, Protocol, Provider, Snapshot};

use super::ITSELF;
use crate::admin::health;
use crate::judges::Judges;
use crate::upstream::Upstream;

/// Those that this viewer may see.
pub(super) fn told(
    snapshot: &Snapshot,
    (upstreams, judges): (&[Arc<Upstream>], &Judges),
    viewer: &Viewer,
) -> Vec<ProviderView> {
    let mut health = health::report(upstreams, judges);
    let seen = snapshot
        .providers
        .iter()
        .filter(|(name, _)| viewer.sees(&name.namespace));
    seen.map(|(name, provider)| {
        let targets = |rule: &&fairlead_snapshot::Rule| {
            let fallbacks = rule.fallbacks.iter().map(|fallback| &fallback.target);
            let mut all = rule.targets.iter().chain(fallbacks);
            viewer.sees(&rule.name.namespace) && all.any(|target| target.provider == *name)
        };
        let rules = snapshot.rules.iter().filter(targets);
        let name = name.to_string();
        ProviderView {
            vendor: upstreams
                .iter()
                .find(|upstream| *upstream.label == *name)
                .map(|upstream| upstream.system.to_string())
                .unwrap_or_default(),
            address: address(provider),
            models: provider
                .models
                .as_ref()
                .map(|models| models.iter().map(|model| model.name.clone()).collect()),
            credentials: provider.credentials.iter().map(credential).collect(),
            rules: rules.map(|rule| rule.name.to_string()).collect(),
            health: vec![HealthView {
                gateway: ITSELF.to_owned(),
                report: health["providers"][name.as_str()].take(),
            }],
            name,
        }
    })
    .collect()
}

fn address(provider: &Provider) -> Option<String> {
    match &provider.protocol {
        Protocol::Http { base_url, .. } => Some(base_url.clone()),
        Protocol::Simulated(_) => None,
    }
}

fn credential(credential: &Credential) -> CredentialView {
    CredentialView {
        name: credential.name.clone(),
        usable: credential.value.is_some() || credential.identity.is_some(),
    }
}
