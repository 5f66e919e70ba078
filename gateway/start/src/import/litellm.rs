//! LiteLLM's `config.yaml`. A model group becomes a RoutingRule whose targets are its deployments; deployments that share address, key and
//! times share an LLMProvider (source: LiteLLM's documentation of its proxy's configuration, as of 2026-11).

mod deployment;
mod fallbacks;
mod group;
mod provider;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use super::draft::Draft;
use super::section::{Reasons, Section};
use super::{Get, Import};
use crate::resources::Caller;
use deployment::Deployment;
use fallbacks::Fallbacks;

const MARK: &str = "os.environ/";

/// What is said once for all deployments.
#[derive(Debug, Default)]
struct Defaults {
    timeout: Option<Duration>,
    stream_timeout: Option<Duration>,
    retries: Option<u64>,
    drop_unsupported: bool,
}

pub(super) fn import(mut root: Section, get: Get<'_>) -> Import {
    let own = variables(&mut root);
    let get = |name: &str| own.get(name).cloned().or_else(|| get(name));
    let mut draft = Draft::new("LiteLLM", MARK, &get);
    let mut router = Part::of(&mut root, "router_settings");
    let mut module = Part::of(&mut root, "litellm_settings");
    let defaults = defaults(&mut router, &mut module, &mut draft);
    let fallbacks = Fallbacks::take([&mut router, &mut module], &mut draft.notes);
    let aliases = group::aliases(&mut router, &mut draft);
    let credentials = credentials(&mut root, &mut draft);
    let mut deployments = Vec::new();
    let entries = root.sections("model_list", &mut draft.notes);
    for entry in entries {
        deployments.extend(Deployment::read(entry, &credentials, &defaults, &mut draft));
    }
    group::rules(deployments, &aliases, &fallbacks, &defaults, &mut draft);
    caller(&mut root, &mut draft);
    router.rest(ROUTER, &mut draft);
    module.rest(MODULE, &mut draft);
    root.rest(ROOT, &mut draft.notes);
    draft.finish()
}

/// A section that may be missing.
struct Part(Option<Section>);

impl Part {
    fn of(root: &mut Section, name: &str) -> Self {
        Self(root.section(name))
    }

    fn take<T>(&mut self, take: impl FnOnce(&mut Section) -> Option<T>) -> Option<T> {
        self.0.as_mut().and_then(take)
    }

    fn rest(self, reasons: Reasons, draft: &mut Draft<'_>) {
        if let Some(section) = self.0 {
            section.rest(reasons, &mut draft.notes);
        }
    }
}

/// Variables that the file sets itself. Values that are no texts stay to be told.
fn variables(root: &mut Section) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    if let Some(mut section) = root.section("environment_variables") {
        for name in section.names() {
            if let Some(value) = section.text(&name) {
                found.insert(name, value);
            }
        }
    }
    found
}

/// Credentials by their names, as deployments refer to them.
type Credentials = BTreeMap<String, serde_json::Map<String, Value>>;

fn credentials(root: &mut Section, draft: &mut Draft<'_>) -> Credentials {
    let mut found = Credentials::new();
    for mut entry in root.sections("credential_list", &mut draft.notes) {
        let name = entry.text("credential_name");
        if let (Some(name), Some(Value::Object(values))) = (name, entry.take("credential_values")) {
            found.insert(name, values);
        }
        entry.pass_over(&["credential_info"]);
        entry.rest(&[], &mut draft.notes);
    }
    found
}

fn defaults(router: &mut Part, module: &mut Part, draft: &mut Draft<'_>) -> Defaults {
    let timeout = router.take(|router| router.seconds("timeout"));
    let request = module.take(|module| module.seconds("request_timeout"));
    let retries = |section: &mut Section, draft: &mut Draft<'_>| {
        let path = section.at("num_retries");
        let retries = section.whole("num_retries")?;
        Some(draft.retries(path, retries))
    };
    let first = router.take(|router| retries(router, draft));
    let second = module.take(|module| retries(module, draft));
    Defaults {
        timeout: timeout.or(request),
        stream_timeout: router.take(|router| router.seconds("stream_timeout")),
        retries: first.or(second),
        drop_unsupported: module.take(|module| module.truth("drop_params")) == Some(true),
    }
}

/// Without a database everybody calls with the master key.
fn caller(root: &mut Section, draft: &mut Draft<'_>) {
    let mut value = None;
    if let Some(mut general) = root.section("general_settings") {
        let path = general.at("master_key");
        if let Some(key) = general.text("master_key") {
            value = draft.caller_value(&path, &key);
            let kept = if value.is_some() {
                "callers may go on with it as the VirtualKey 'imported'"
            } else {
                "a new key is made for the VirtualKey 'imported'"
            };
            draft.note(
                path,
                format!("nothing is administered with a key here, but by resources; {kept}"),
            );
        }
        general.rest(GENERAL, &mut draft.notes);
    }
    draft.caller(Caller {
        name: "imported".to_owned(),
        value,
        ..Caller::default()
    });
}

const ROOT: Reasons = &[
    (
        "include",
        "files are not put together; import each, and keep one folder for all",
    ),
    ("guardrails", "no guardrails are carried over"),
    ("mcp_servers", "no MCP servers are carried over"),
    ("vector_store_registry", "no vector stores are carried over"),
    (
        "callback_settings",
        "what happens is told by metrics and the access log: docs/observability.md",
    ),
    ("files_settings", "no files are carried over"),
];

const GENERAL: Reasons = &[
    (
        "database_url",
        "there is no database; keys, teams and budgets that are in it are not in this file: write VirtualKeys and Teams",
    ),
    (
        "store_model_in_db",
        "there is no database; models that are in it are not in this file",
    ),
    (
        "alerting",
        "alerts are made from metrics: docs/observability.md",
    ),
    (
        "max_parallel_requests",
        "say spec.concurrency.maxInFlight of each LLMProvider",
    ),
    (
        "background_health_checks",
        "providers are judged by the requests they get: docs/resilience.md",
    ),
    (
        "health_check_interval",
        "providers are judged by the requests they get: docs/resilience.md",
    ),
    ("custom_auth", "callers are known by VirtualKeys"),
    ("enable_jwt_auth", "callers are known by VirtualKeys"),
];

const ROUTER: Reasons = &[
    (
        "routing_strategy",
        "targets are chosen by weight: spec.strategy of RoutingRule",
    ),
    (
        "allowed_fails",
        "a provider is judged by failures in a row and by their share: spec.health of LLMProvider",
    ),
    (
        "allowed_fails_policy",
        "a provider is judged by failures in a row and by their share: spec.health of LLMProvider",
    ),
    (
        "cooldown_time",
        "a provider that is down is tried every few seconds: spec.health.probeInterval of LLMProvider",
    ),
    (
        "retry_policy",
        "how often is said for all failures: spec.retries.maxRetries of RoutingRule",
    ),
    (
        "retry_after",
        "pauses grow from spec.retries.backoff of LLMProvider",
    ),
    ("redis_host", "gateways share nothing; no store is needed"),
    ("redis_port", "gateways share nothing; no store is needed"),
    (
        "redis_password",
        "gateways share nothing; no store is needed",
    ),
    ("redis_url", "gateways share nothing; no store is needed"),
    (
        "enable_pre_call_checks",
        "a request that is too long goes on to the next target when the first says so",
    ),
    (
        "enable_tag_filtering",
        "conditions on headers do this: spec.match.when of RoutingRule",
    ),
    ("provider_budget_config", "no budgets are carried over"),
];

const MODULE: Reasons = &[
    (
        "callbacks",
        "what happens is told by metrics and the access log: docs/observability.md",
    ),
    (
        "success_callback",
        "what happens is told by metrics and the access log: docs/observability.md",
    ),
    (
        "failure_callback",
        "what happens is told by metrics and the access log: docs/observability.md",
    ),
    ("cache", "answers are not kept"),
    ("cache_params", "answers are not kept"),
    (
        "allowed_fails",
        "a provider is judged by failures in a row and by their share: spec.health of LLMProvider",
    ),
    ("max_budget", "no budgets are carried over"),
    ("set_verbose", "RUST_LOG=debug does this"),
    ("json_logs", "the access log is JSON as it is"),
];
