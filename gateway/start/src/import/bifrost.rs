//! Bifrost's `config.json`. A provider becomes an LLMProvider with its keys as credentials - several, where its keys have addresses of their own -
//! a virtual key a VirtualKey, a routing rule a RoutingRule (source: the schema of Bifrost's configuration, as of 2026-11).

mod cloud;
mod governance;
mod keys;
mod provider;
mod rule;

use super::draft::Draft;
use super::section::{Reasons, Section};
use super::{Get, Import};
use crate::family;
use crate::resources::{Caller, Rule};
use crate::vendor::Vendor;

const MARK: &str = "env.";
/// Routing rules come first, by their own priorities below this one; then rules for names of models at providers.
const NAMES: u64 = 4000;
/// Then rules for bare names.
const BARE_NAMES: u64 = 5000;

/// What became of a provider of the file.
#[derive(Debug)]
struct Made {
    /// What the file calls it.
    name: String,
    /// What it is asked by.
    vendor: &'static Vendor,
    /// The providers it became.
    parts: Vec<String>,
}

pub(super) fn import(mut root: Section, get: Get<'_>) -> Import {
    let mut draft = Draft::new("Bifrost", MARK, get);
    // Before version 2 an empty list of models meant all of them.
    let empty_is_all = root.whole("version") == Some(1);
    root.pass_over(&["$schema", "source_of_truth", "env_label"]);
    let mut made = Vec::new();
    if let Some(mut providers) = root.section("providers") {
        for name in providers.names() {
            let Some(section) = providers.section(&name) else {
                continue;
            };
            made.extend(provider::import(&name, section, empty_is_all, &mut draft));
        }
        providers.rest(&[], &mut draft.notes);
    }
    let governance = root.section("governance");
    let has_keys = governance
        .is_some_and(|section| governance::import(section, &made, empty_is_all, &mut draft));
    if !has_keys {
        draft.note("governance.virtual_keys", "there are none, and without a key nobody is answered here; one is made for the VirtualKey 'imported'");
        draft.caller(Caller {
            name: "imported".to_owned(),
            ..Caller::default()
        });
    }
    bare_names(&made, &mut draft);
    root.rest(ROOT, &mut draft.notes);
    draft.finish()
}

/// Bare names are looked up in a catalog there; here they go by their looks.
fn bare_names(made: &[Made], draft: &mut Draft<'_>) {
    let mut named: Vec<(String, &'static Vendor)> = made
        .iter()
        .filter_map(|made| Some((made.parts.first()?.clone(), made.vendor)))
        .collect();
    // Of several who have a family, whose own it is comes first.
    named.sort_by_key(|(name, vendor)| (vendor.rank(), name != vendor.name));
    for rule in family::rules(&named) {
        let priority = Some(BARE_NAMES + rule.priority.unwrap_or(0));
        draft.rule("providers", Rule { priority, ..rule });
    }
}

const ROOT: Reasons = &[
    (
        "client",
        "sizes, logs and origins are arguments of the gateway: docs/standalone.md",
    ),
    (
        "config_store",
        "there is no database; what is in it is not in this file",
    ),
    (
        "logs_store",
        "what happens is told by metrics and the access log: docs/observability.md",
    ),
    ("vector_store", "answers are not kept"),
    ("plugins", "no plugins are carried over"),
    ("mcp", "no MCP servers are carried over"),
    ("framework", "no prices are carried over"),
    ("encryption_key", "there is no database to encrypt"),
    ("guardrails_config", "no guardrails are carried over"),
    (
        "auth_config",
        "nothing is administered with a password here, but by resources",
    ),
];
