//! An entry of `model_list`: a model at a provider, under the name of a group.

use serde_json::Value;

use super::provider::provider;
use super::{Credentials, Defaults};
use crate::import::draft::{Draft, is_pattern};
use crate::import::hosts;
use crate::import::section::{Reasons, Section};
use crate::vendor::{Vendor, vendor};

/// A deployment.
#[derive(Debug)]
pub(super) struct Deployment {
    /// The name callers send.
    pub(super) group: String,
    /// Where it stands in the file.
    pub(super) path: String,
    /// Its provider.
    pub(super) provider: String,
    /// The model to ask for; `None`: whatever was sent.
    pub(super) model: Option<String>,
    /// Its share as it is said: by weight, by requests, by tokens.
    pub(super) shares: [Option<f64>; 3],
    /// What requests have where callers say nothing of it.
    pub(super) defaults: Vec<(String, Value)>,
    /// Groups are tried by this, lowest first.
    pub(super) order: Option<u64>,
}

impl Deployment {
    /// Reads an entry; `None`, and told, if nothing comes of it.
    pub(super) fn read(
        mut entry: Section,
        credentials: &Credentials,
        defaults: &Defaults,
        draft: &mut Draft<'_>,
    ) -> Option<Self> {
        let path = entry.path().to_owned();
        let group = entry.text("model_name");
        let params = entry.section("litellm_params");
        if let Some(mut info) = entry.section("model_info") {
            info.pass_over(DESCRIPTIONS);
            info.rest(INFO, &mut draft.notes);
        }
        entry.rest(&[], &mut draft.notes);
        let (Some(group), Some(mut params)) = (group, params) else {
            draft.note(path, "it has no model_name or no litellm_params");
            return None;
        };
        merge(&mut params, credentials, draft);
        let found = Self::of(group, path, &mut params, defaults, draft);
        params.rest(PARAMS, &mut draft.notes);
        found
    }

    fn of(
        group: String,
        path: String,
        params: &mut Section,
        defaults: &Defaults,
        draft: &mut Draft<'_>,
    ) -> Option<Self> {
        let place = params.at("model");
        let Some(text) = params.text("model") else {
            draft.note(place, "it has no model");
            return None;
        };
        let text = draft.resolved(&place, &text)?;
        let prefix = params.text("custom_llm_provider");
        let base = [params.text("api_base"), params.text("base_url")];
        let base = base.into_iter().flatten().next();
        let (vendor, model) = whose(&text, prefix.as_deref(), base.is_some(), &place, draft)?;
        let shares = ["weight", "rpm", "tpm"].map(|name| params.number(name));
        for (name, share) in ["rpm", "tpm"].into_iter().zip(&shares[1..]) {
            if share.is_some() {
                draft.note(
                    params.at(name),
                    "its rate is not limited here; its share of the group follows from it",
                );
            }
        }
        let order = params.whole("order");
        let model = match patterned(&group, &text, &model) {
            Model::Exact => Some(draft.model(&place, &model)?),
            Model::AsSent => None,
            Model::ByName | Model::Unclear if !is_pattern(&group) => {
                draft.note(path, "a pattern has one '*', at its end");
                return None;
            }
            // provider/model needs no rule, if the provider is called as the callers call it.
            Model::ByName => {
                let prefix = group.trim_end_matches("/*");
                let provider = provider(prefix, vendor, base, params, defaults, draft)?;
                if provider != prefix {
                    draft.note(
                        path,
                        format!("names are not rewritten; call these models {provider}/MODEL"),
                    );
                }
                return None;
            }
            Model::Unclear => {
                draft.note(path, "names are not rewritten by a pattern; write a RoutingRule for each model, or call them PROVIDER/MODEL");
                return None;
            }
        };
        if model.is_none() && !is_pattern(&group) {
            draft.note(path, "a pattern has one '*', at its end");
            return None;
        }
        let provider = provider(vendor.name, vendor, base, params, defaults, draft)?;
        let defaults = parameters(vendor, params);
        Some(Self {
            group,
            path,
            provider,
            model,
            shares,
            defaults,
            order,
        })
    }
}

/// Parameters of requests, in the words of the API that the vendor speaks; where those are not OpenAI's, few are called the same.
fn parameters(vendor: &Vendor, params: &mut Section) -> Vec<(String, Value)> {
    let known: &[&str] = match vendor.name {
        "anthropic" => &["temperature", "top_p", "top_k", "max_tokens"],
        "gemini" | "vertex" | "bedrock" | "sim" => &[],
        _ => PARAMETERS,
    };
    let mut found = Vec::new();
    for name in known {
        if let Some(value) = params.scalar(name) {
            found.push(((*name).to_owned(), value));
        }
    }
    found
}

/// Parameters of OpenAI's API that are scalars.
const PARAMETERS: &[&str] = &[
    "temperature",
    "top_p",
    "max_tokens",
    "max_completion_tokens",
    "seed",
    "stop",
    "n",
    "presence_penalty",
    "frequency_penalty",
    "reasoning_effort",
    "service_tier",
];

/// What a deployment of a pattern asks for.
enum Model {
    /// One model.
    Exact,
    /// The model that was sent.
    AsSent,
    /// The model behind the provider's name.
    ByName,
    /// Another name than the one that was sent.
    Unclear,
}

fn patterned(group: &str, text: &str, model: &str) -> Model {
    if !model.contains('*') {
        return Model::Exact;
    }
    if group == text && model == "*" && group.ends_with("/*") {
        return Model::ByName;
    }
    if group == model && text != "*" {
        return Model::AsSent;
    }
    Model::Unclear
}

/// The vendor of a model, and the name it knows it by.
fn whose(
    text: &str,
    prefix: Option<&str>,
    has_base: bool,
    path: &str,
    draft: &mut Draft<'_>,
) -> Option<(&'static Vendor, String)> {
    let (first, rest) = match (prefix, text.split_once('/')) {
        (Some(prefix), Some((first, rest))) if first == prefix => (Some(prefix), rest),
        (Some(prefix), _) => (Some(prefix), text),
        (None, Some((first, rest))) => (Some(first), rest),
        (None, None) => (None, text),
    };
    if let Some(known) = first.and_then(hosts::litellm) {
        let model = match known.name {
            "bedrock" => bedrock(rest),
            _ => rest,
        };
        return Some((known, model.to_owned()));
    }
    if let (None, Some(known)) = (first, hosts::by_model(text)) {
        return Some((known, text.to_owned()));
    }
    if has_base {
        draft.note(path, "whose model this is is not known; its address is taken for one that is compatible with OpenAI's");
        return Some((vendor("openai")?, rest.to_owned()));
    }
    draft.note(
        path,
        "whose model this is is not known; write an LLMProvider for it",
    );
    None
}

/// A model of Bedrock may say how it is asked, and in which region, before its name.
fn bedrock(text: &str) -> &str {
    let mut rest = text;
    while let Some((first, after)) = rest.split_once('/') {
        let region = first.split('-').count() >= 3 && !first.contains(['.', ':']);
        if !region && !["converse", "invoke", "converse_like"].contains(&first) {
            break;
        }
        rest = after;
    }
    rest
}

/// Puts the values of a named credential to the others, which go before.
fn merge(params: &mut Section, credentials: &Credentials, draft: &mut Draft<'_>) {
    let place = params.at("litellm_credential_name");
    let Some(name) = params.text("litellm_credential_name") else {
        return;
    };
    match credentials.get(&name) {
        Some(values) => params.fill(values),
        None => draft.note(place, "there is no such entry in credential_list"),
    }
}

/// What only describes a model.
const DESCRIPTIONS: &[&str] = &[
    "id",
    "mode",
    "base_model",
    "description",
    "version",
    "max_tokens",
    "max_input_tokens",
    "max_output_tokens",
    "litellm_provider",
    "supports_function_calling",
    "supports_vision",
    "supports_reasoning",
    "health_check_model",
];

const INFO: Reasons = &[
    ("input_cost_per_token", "no prices are carried over"),
    ("output_cost_per_token", "no prices are carried over"),
    (
        "access_groups",
        "name the models in spec.allow.models of the VirtualKeys",
    ),
];

const SAY_PARAMETERS: &str = "say spec.targets[].parameters of the RoutingRule, in the words of the API that the provider speaks";
const NO_ROLE: &str = "only a role by its ARN is taken on";

const PARAMS: Reasons = &[
    ("temperature", SAY_PARAMETERS),
    ("top_p", SAY_PARAMETERS),
    ("max_tokens", SAY_PARAMETERS),
    ("extra_body", SAY_PARAMETERS),
    ("logit_bias", SAY_PARAMETERS),
    ("thinking", SAY_PARAMETERS),
    (
        "drop_params",
        "say spec.onUnsupported: Drop in the RoutingRule",
    ),
    ("organization", "it is one of OpenAI's only"),
    ("headers", "say spec.headers of the LLMProvider"),
    (
        "azure_ad_token",
        "tokens end; name tenant_id, client_id and client_secret",
    ),
    (
        "tags",
        "conditions on headers do this: spec.match.when of RoutingRule",
    ),
    (
        "mock_response",
        "an LLMProvider of type Simulated does this",
    ),
    ("aws_profile_name", NO_ROLE),
    ("aws_web_identity_token", NO_ROLE),
    ("input_cost_per_token", "no prices are carried over"),
    ("output_cost_per_token", "no prices are carried over"),
    ("max_budget", "no budgets are carried over"),
    ("budget_duration", "no budgets are carried over"),
];
