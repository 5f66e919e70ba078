//! A provider of the file -> LLMProviders, one for each address that its keys have.

use std::time::Duration;

use super::keys::{self, Key};
use super::{Made, NAMES};
use crate::import::cloud;
use crate::import::draft::{Draft, is_pattern, weights};
use crate::import::hosts;
use crate::import::section::{Reasons, Section};
use crate::names::Names;
use crate::resources::{Credential, Provider, Rule, Target};
use crate::vendor::Vendor;

/// The most keys that a provider has (source: the schema of LLMProvider).
const MOST_KEYS: usize = 16;

pub(super) fn import(
    name: &str,
    mut section: Section,
    empty_is_all: bool,
    draft: &mut Draft<'_>,
) -> Option<Made> {
    let path = section.path().to_owned();
    let vendor = vendor(name, &mut section, draft);
    let Some(vendor) = vendor else {
        draft.note(path, "this kind of provider is not known; if it is compatible with OpenAI's API, write an LLMProvider of type OpenAI with its baseURL");
        return None;
    };
    let mut usual = Provider::new(name, vendor);
    network(&mut section, &mut usual, draft);
    if let Some(mut concurrency) = section.section("concurrency_and_buffer_size") {
        let most = concurrency.whole("concurrency");
        usual.max_in_flight = most.filter(|most| (1..=100_000).contains(most));
        concurrency.rest(
            &[(
                "buffer_size",
                "say spec.concurrency.queue.length of the LLMProvider",
            )],
            &mut draft.notes,
        );
    }
    let entries = section.sections("keys", &mut draft.notes);
    let keys: Vec<Key> = entries
        .into_iter()
        .filter_map(|entry| keys::read(entry, vendor, empty_is_all, draft))
        .collect();
    section.rest(PROVIDER, &mut draft.notes);
    let parts = parts(&path, &usual, keys, draft);
    if parts.is_empty() {
        return None;
    }
    rules(&path, name, &parts, draft);
    Some(Made {
        name: name.to_owned(),
        vendor,
        parts: parts.into_iter().map(|part| part.name).collect(),
    })
}

/// A provider of a name of its own says whose API it speaks.
fn vendor(name: &str, section: &mut Section, draft: &mut Draft<'_>) -> Option<&'static Vendor> {
    let mut custom = section.section("custom_provider_config");
    let base = custom
        .as_mut()
        .and_then(|custom| custom.text("base_provider_type"));
    if let Some(custom) = custom {
        custom.rest(
            &[(
                "allowed_requests",
                "every request that the API has is served",
            )],
            &mut draft.notes,
        );
    }
    hosts::bifrost(base.as_deref().unwrap_or(name))
}

fn network(section: &mut Section, provider: &mut Provider, draft: &mut Draft<'_>) {
    let Some(mut network) = section.section("network_config") else {
        return;
    };
    let place = network.at("base_url");
    if let Some(text) = network.text("base_url") {
        // OpenAI's address stands there without its version.
        let vendor = provider.vendor;
        let text = draft.resolved(&place, &text);
        let versioned = text.map(|text| match vendor.version {
            "" => crate::address::base_url(&text, "/v1").unwrap_or(text),
            _ => text,
        });
        provider.base_url = versioned.and_then(|text| draft.address(&place, vendor, &text));
    }
    provider.timeouts.first_byte = network.seconds("default_request_timeout_in_seconds");
    provider.timeouts.idle = network.seconds("stream_idle_timeout_in_seconds");
    let place = network.at("max_retries");
    provider.max_retries = network
        .whole("max_retries")
        .map(|retries| draft.retries(place, retries));
    let mut millis = |names: [&str; 2]| {
        let found = names.into_iter().find_map(|name| network.whole(name));
        found
            .filter(|millis| *millis > 0)
            .map(Duration::from_millis)
    };
    provider.backoff = (
        millis(["retry_backoff_initial", "retry_backoff_initial_ms"]),
        millis(["retry_backoff_max", "retry_backoff_max_ms"]),
    );
    if let Some(extra) = network.section("extra_headers") {
        provider.headers = cloud::headers(extra, draft);
    }
    network.rest(NETWORK, &mut draft.notes);
}

/// A provider that was made of the keys of one address.
struct Part {
    name: String,
    weight: f64,
    keys: Vec<Key>,
}

/// Keys with the same address are credentials of one provider.
fn parts(path: &str, usual: &Provider, keys: Vec<Key>, draft: &mut Draft<'_>) -> Vec<Part> {
    let mut groups: Vec<Vec<Key>> = Vec::new();
    for key in keys {
        let same = |group: &&mut Vec<Key>| {
            group
                .first()
                .is_some_and(|first| (&first.base_url, &first.place) == (&key.base_url, &key.place))
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(key),
            None => groups.push(vec![key]),
        }
    }
    if groups.is_empty() {
        groups.push(Vec::new());
    }
    let mut parts = Vec::new();
    for mut group in groups {
        if group.len() > MOST_KEYS {
            draft.note(
                path,
                format!("a provider has at most {MOST_KEYS} keys; the others are left out"),
            );
            group.truncate(MOST_KEYS);
        }
        let first = group.first();
        let base_url = first.and_then(|key| key.base_url.clone());
        let place = first.map(|key| key.place.clone());
        let provider = Provider {
            base_url: base_url.or_else(|| usual.base_url.clone()),
            place: place.unwrap_or_default(),
            credentials: credentials(&group),
            ..usual.clone()
        };
        if let Some(name) = draft.provider(path, provider) {
            parts.push(Part {
                name,
                weight: group.iter().map(|key| key.weight).sum(),
                keys: group,
            });
        }
    }
    parts
}

/// Keys without a value are none to be chosen.
fn credentials(keys: &[Key]) -> Vec<Credential> {
    let shown = |key: &&Key| !key.secret.is_empty() || key.identity.is_some();
    let keys: Vec<&Key> = keys.iter().filter(shown).collect();
    let shares: Vec<f64> = keys.iter().map(|key| key.weight).collect();
    let mut weights = weights(&shares);
    if weights.iter().all(|weight| *weight == 0) {
        weights.fill(1);
    }
    let several = keys.len() > 1;
    let mut names = Names::default();
    let credential = |(key, weight): (&Key, u64)| Credential {
        name: names.give(&key.name),
        weight: several.then_some(weight),
        models: key.models(),
        secret: key.secret.clone(),
        identity: key.identity.clone(),
    };
    keys.into_iter().zip(weights).map(credential).collect()
}

/// What `provider/model` alone does not do: other names, and a choice among several addresses.
fn rules(path: &str, name: &str, parts: &[Part], draft: &mut Draft<'_>) {
    let mut models: Vec<(String, Vec<(Target, f64)>)> = Vec::new();
    let mut add = |sent: &str, part: &Part, model: &str| {
        let target = Target {
            model: Some(model.to_owned()),
            ..Target::of(&part.name)
        };
        match models.iter_mut().find(|(known, _)| known == sent) {
            Some((_, targets)) if targets.iter().any(|(known, _)| *known == target) => {}
            Some((_, targets)) => targets.push((target, part.weight)),
            None => models.push((sent.to_owned(), vec![(target, part.weight)])),
        }
    };
    // One provider of the name that it has in the file is found by that name.
    let found = matches!(parts, [part] if part.name == name);
    for part in parts {
        for key in &part.keys {
            for (alias, model) in &key.aliases {
                add(alias, part, model);
            }
            if !found {
                key.own_models().for_each(|model| add(model, part, model));
            }
        }
    }
    let open = |part: &Part| part.keys.is_empty() || part.keys.iter().any(Key::is_open);
    if !found && parts.iter().any(open) {
        let names: Vec<&str> = parts.iter().map(|part| part.name.as_str()).collect();
        draft.note(
            path,
            format!(
                "models that its keys do not list are to be called by the provider's name here: {}",
                names.join(", ")
            ),
        );
    }
    for (sent, targets) in models {
        let (mut targets, shares): (Vec<Target>, Vec<f64>) = targets.into_iter().unzip();
        if targets.len() > 1 {
            for (target, weight) in targets.iter_mut().zip(weights(&shares)) {
                target.weight = Some(weight);
            }
        }
        draft.rule(
            path,
            Rule {
                name: format!("{name}-{sent}"),
                priority: Some(NAMES),
                models: [format!("{name}/{sent}"), sent]
                    .into_iter()
                    .filter(|model| is_pattern(model))
                    .collect(),
                targets,
                ..Rule::default()
            },
        );
    }
}

const PROVIDER: Reasons = &[
    ("proxy_config", "HTTPS_PROXY is read: docs/standalone.md"),
    (
        "send_back_raw_response",
        "answers are those of the API that the caller speaks",
    ),
    (
        "prompt_cache",
        "requests are sent as they come; nothing is marked",
    ),
];

const NETWORK: Reasons = &[
    (
        "insecure_skip_verify",
        "certificates are always checked: spec.tls.caCertificateRef of the LLMProvider names those to trust",
    ),
    (
        "ca_cert_pem",
        "put it into a Secret, and name it in spec.tls.caCertificateRef of the LLMProvider",
    ),
    (
        "max_conns_per_host",
        "say spec.concurrency.maxInFlight of the LLMProvider",
    ),
];
