//! Bare model names: whose they are. `gpt-5` is OpenAI's wherever it is written; a name that nobody claims goes to somebody who serves models
//! of others. What is decided here becomes RoutingRules that one can read and change.

use crate::resources::{Rule, Target};
use crate::vendor::{Hosts, Vendor};

/// Rules for what nobody claims come after those of families, which have none.
const OTHERS: u64 = 100;
/// Names that look like OpenAI's and are models of open weights, which others serve.
const OPEN_WEIGHTS: &str = "gpt-oss";
/// Names that have one are those of marketplaces.
const SLASHED: &str = "request.model.contains(\"/\")";

/// How a vendor's own models are called (sources: the vendors' lists of models, as of 2026-11).
pub(crate) fn patterns(vendor: &Vendor) -> &'static [&'static str] {
    match vendor.name {
        "openai" | "azure" => &[
            "gpt-*",
            "chatgpt-*",
            "o1*",
            "o3*",
            "o4*",
            "codex-*",
            "computer-use-*",
            "text-embedding-3-*",
            "text-embedding-ada-*",
            "omni-moderation-*",
            "dall-e-*",
            "whisper-*",
            "tts-*",
        ],
        "anthropic" => &["claude-*"],
        "gemini" | "vertex" => &["gemini-*", "imagen-*"],
        "mistral" => &[
            "mistral-*",
            "ministral-*",
            "magistral-*",
            "codestral-*",
            "devstral-*",
            "pixtral-*",
            "voxtral-*",
            "open-mistral-*",
            "open-mixtral-*",
        ],
        "deepseek" => &["deepseek-*"],
        "xai" => &["grok-*"],
        "cohere" => &["command*", "embed-*", "rerank-*", "c4ai-*"],
        "perplexity" => &["sonar*"],
        "bedrock" => &[
            "us.*",
            "eu.*",
            "apac.*",
            "global.*",
            "amazon.*",
            "anthropic.*",
            "meta.*",
            "mistral.*",
            "cohere.*",
            "deepseek.*",
            "openai.*",
            "qwen.*",
            "arn:aws:bedrock:*",
        ],
        "fireworks" => &["accounts/*"],
        "cloudflare" => &["@cf/*"],
        "databricks" => &["databricks-*"],
        _ => &[],
    }
}

/// Where the bare names go that a provider gets, for the eyes.
pub(crate) fn told(rule: &Rule) -> String {
    let slashed = rule
        .when
        .as_ref()
        .is_some_and(|when| when.starts_with(SLASHED));
    if slashed {
        "other models whose names have a slash".to_owned()
    } else if rule.models.is_empty() {
        "every other model".to_owned()
    } else {
        rule.models.join(", ")
    }
}

/// The rules for bare names among these providers; the first of a family gets it. `provider/model` needs no rule.
pub(crate) fn rules(providers: &[(String, &'static Vendor)]) -> Vec<Rule> {
    if let [(only, _)] = providers {
        return vec![Rule {
            comment: "One provider: every name is for it.".to_owned(),
            ..others("every-model", only, not_by_name(providers))
        }];
    }
    let mut rules = Vec::new();
    let mut claimed: Vec<&str> = Vec::new();
    for (name, vendor) in providers {
        let models = patterns(vendor);
        if models.first().is_none_or(|first| claimed.contains(first)) {
            continue;
        }
        claimed.extend(models);
        let open = models.contains(&"gpt-*");
        rules.push(Rule {
            name: format!("{name}-models"),
            models: models.iter().map(|&model| model.to_owned()).collect(),
            when: open.then(|| format!("!request.model.startsWith(\"{OPEN_WEIGHTS}\")")),
            targets: vec![Target::of(name)],
            ..Rule::default()
        });
    }
    rules.extend(rest(providers));
    rules
}

/// Who gets the names that nobody claims.
fn rest(providers: &[(String, &'static Vendor)]) -> Vec<Rule> {
    let first = |hosts: Hosts| {
        let found = providers.iter().find(|(_, vendor)| vendor.hosts == hosts);
        found.map(|(name, _)| name.as_str())
    };
    let not_by_name = not_by_name(providers);
    match (first(Hosts::Slashed), first(Hosts::Bare)) {
        (Some(slashed), Some(bare)) => vec![
            others(
                "other-models-with-slash",
                slashed,
                format!("{SLASHED} && {not_by_name}"),
            ),
            others("other-models", bare, format!("!{SLASHED}")),
        ],
        (Some(host), None) | (None, Some(host)) => vec![others("other-models", host, not_by_name)],
        (None, None) => Vec::new(),
    }
}

/// A caller that names the provider gets it, whatever the rules for bare names say.
fn not_by_name(providers: &[(String, &'static Vendor)]) -> String {
    let names: Vec<&str> = providers.iter().map(|(name, _)| name.as_str()).collect();
    if let [only] = names.as_slice() {
        return format!("!request.model.startsWith(\"{only}/\")");
    }
    format!("!request.model.matches(\"^({})/\")", names.join("|"))
}

fn others(name: &str, provider: &str, when: String) -> Rule {
    Rule {
        name: name.to_owned(),
        comment: "What no other rule takes, unless the caller names a provider itself.".to_owned(),
        priority: Some(OTHERS),
        when: Some(when),
        targets: vec![Target::of(provider)],
        ..Rule::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vendor::vendor;

    fn told_of(names: &[&str]) -> Vec<(String, String)> {
        let providers: Vec<_> = names
            .iter()
            .map(|name| ((*name).to_owned(), vendor(name).unwrap()))
            .collect();
        let told = |rule: &Rule| (rule.name.clone(), rule.targets[0].provider.clone());
        rules(&providers).iter().map(told).collect()
    }

    fn pair(rule: &str, provider: &str) -> (String, String) {
        (rule.to_owned(), provider.to_owned())
    }

    #[test]
    fn a_single_provider_gets_every_name() {
        assert_eq!(told_of(&["groq"]), [pair("every-model", "groq")]);
    }

    #[test]
    fn families_go_to_their_own_and_the_rest_to_a_host() {
        assert_eq!(
            told_of(&["openai", "anthropic", "ollama"]),
            [
                pair("openai-models", "openai"),
                pair("anthropic-models", "anthropic"),
                pair("other-models", "ollama"),
            ]
        );
        assert_eq!(
            told_of(&["anthropic", "openrouter", "ollama"])[1..],
            [
                pair("other-models-with-slash", "openrouter"),
                pair("other-models", "ollama"),
            ]
        );
    }

    #[test]
    fn without_a_host_a_name_that_nobody_claims_is_unknown() {
        assert_eq!(told_of(&["openai", "gemini"]).len(), 2);
    }

    #[test]
    fn azure_serves_the_names_of_openai_where_openai_is_not_there() {
        assert_eq!(
            told_of(&["azure", "anthropic"])[0],
            pair("azure-models", "azure")
        );
        assert_eq!(
            told_of(&["openai", "azure"]),
            [pair("openai-models", "openai")]
        );
    }
}
