//! The providers of the configuration in force, each with what `GET /health` of each gateway says of it.

use fairlead_console::Viewer;
use fairlead_console::view::provider::{CredentialView, HealthView, ProviderView};
use fairlead_snapshot::{Credential, Protocol, Provider, Rule, Snapshot};
use serde_json::Value;

use crate::upstream::system;

/// What a gateway says: its name, and its answer to `GET /health`.
pub(crate) type Report = (String, Value);

/// Those that this viewer may see.
#[must_use]
pub(crate) fn told(snapshot: &Snapshot, reports: &[Report], viewer: &Viewer) -> Vec<ProviderView> {
    let seen = snapshot
        .providers
        .iter()
        .filter(|(name, _)| viewer.rights.health.sees(&name.namespace));
    seen.map(|(name, provider)| {
        let is_named = |rule: &&Rule| {
            let fallbacks = rule.fallbacks.iter().map(|fallback| &fallback.target);
            let mut all = rule.targets.iter().chain(fallbacks);
            viewer.rights.rules.sees(&rule.name.namespace)
                && all.any(|target| target.provider == *name)
        };
        let rules = snapshot.rules.iter().filter(is_named);
        let name = name.to_string();
        ProviderView {
            vendor: system(&provider.protocol).to_owned(),
            address: address(provider),
            models: provider
                .models
                .as_ref()
                .map(|models| models.iter().map(|model| model.name.clone()).collect()),
            credentials: provider.credentials.iter().map(credential).collect(),
            rules: rules.map(|rule| rule.name.to_string()).collect(),
            health: reports.iter().map(|report| health(report, &name)).collect(),
            name,
        }
    })
    .collect()
}

fn health((gateway, report): &Report, provider: &str) -> HealthView {
    HealthView {
        gateway: gateway.clone(),
        report: report["providers"][provider].clone(),
    }
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
