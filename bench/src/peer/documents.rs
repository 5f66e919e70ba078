//! The gateway's configuration: everything on, and as many keys and rules beside those that are used as wanted.

use std::net::SocketAddr;

use crate::answer::Speech;
use crate::key;

/// How much there is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Amounts {
    /// Keys in all; a hundred of them are a team.
    pub(crate) keys: usize,
    /// Rules beside those that are used.
    pub(crate) rules: usize,
    /// Providers beside those that are used.
    pub(crate) providers: usize,
}

/// Keys of a namespace: none may hold more than 8 MiB.
const SPACE: usize = 5000;

/// Keys of a team.
const TEAM: usize = 100;

/// Objects of a file.
const FILE: usize = 1000;

/// Limits of one owner: dollars, requests and tokens, none of which is ever used up.
const LIMITS: &str = "budgets: [{name: month, amount: \"4000000\", period: Monthly}], \
rateLimits: [{name: requests, unit: Requests, limit: 1000000000, per: 1m}, {name: tokens, unit: Tokens, limit: 1000000000, per: 1m}]";

/// The files that say what is measured: who calls, which rule takes it, and who answers. The share of the second provider is 30 of 100;
/// beneath `flaky` it fails half the time.
pub(super) fn files(
    upstream: SocketAddr,
    certificate: Option<&str>,
    is_flaky: bool,
    amounts: Amounts,
) -> Vec<(String, String)> {
    let mut files = vec![
        (
            "providers.yaml".to_owned(),
            providers(upstream, certificate, is_flaky, amounts),
        ),
        ("rules.yaml".to_owned(), rules(30)),
        ("callers.yaml".to_owned(), callers()),
    ];
    let rules: Vec<_> = (0..amounts.rules).map(other_rule).collect();
    for (number, some) in rules.chunks(FILE).enumerate() {
        files.push((format!("rules-{number}.yaml"), some.concat()));
    }
    let keys: Vec<_> = (1..amounts.keys).map(other_key).collect();
    for (number, some) in keys.chunks(FILE).enumerate() {
        files.push((format!("keys-{number}.yaml"), some.concat()));
    }
    files
}

/// The rules that are used, with this share of the second provider.
pub(crate) fn rules(second: u8) -> String {
    let first = 100 - second;
    let rule = |speech: Speech| {
        let (name, model) = (speech.name(), speech.model());
        // The last of all rules.
        object(
            "RoutingRule",
            name,
            &format!(
                "scope: {{type: Global}}, priority: 10000, strategy: {{type: Weighted}}, \
                 match: {{models: [{model}], when: 'request.headers[\"x-tier\"] != \"batch\"'}}, targets: [\
                 {{name: first, providerRef: {{name: {name}-first}}, model: fast, weight: {first}}}, \
                 {{name: second, providerRef: {{name: {name}-second}}, model: fast, weight: {second}}}]"
            ),
        )
    };
    Speech::ALL.into_iter().map(rule).collect()
}

fn providers(
    upstream: SocketAddr,
    certificate: Option<&str>,
    is_flaky: bool,
    amounts: Amounts,
) -> String {
    let scheme = if certificate.is_some() {
        "https"
    } else {
        "http"
    };
    let tls = certificate.map_or("", |_| ", tls: {caCertificateRef: {name: upstream-ca}}");
    let provider = |name: &str, speech: Speech, below: &str| {
        let (kind, path) = match speech {
            Speech::OpenAi => ("OpenAI", "/v1"),
            Speech::Anthropic => ("Anthropic", "/v1"),
            Speech::Gemini => ("Gemini", "/v1beta"),
        };
        object(
            "LLMProvider",
            name,
            &format!(
                "type: {kind}, baseURL: \"{scheme}://{upstream}{below}{path}\", allowPrivateNetwork: true{tls}, \
                 credentials: [{{name: primary, secretRef: {{name: upstream-key, key: apiKey}}}}], access: {{namespaces: {{from: All}}}}, \
                 models: [{{name: fast, price: {{inputPerMillion: \"2.50\", outputPerMillion: \"10.00\"}}}}], {LIMITS}"
            ),
        )
    };
    let second = if is_flaky { "/flaky" } else { "" };
    let mut text = secret(
        "upstream-key",
        "credential",
        "apiKey: sk-upstream-0123456789abcdef",
    );
    if let Some(certificate) = certificate {
        let quoted = format!("ca.crt: \"{}\"", certificate.replace('\n', "\\n"));
        text += &secret("upstream-ca", "ca", &quoted);
    }
    for speech in Speech::ALL {
        text += &provider(&format!("{}-first", speech.name()), speech, "");
        text += &provider(&format!("{}-second", speech.name()), speech, second);
    }
    for number in 0..amounts.providers {
        text += &provider(&format!("other-{number}"), Speech::OpenAi, "");
    }
    text
}

fn callers() -> String {
    let organization = object(
        "Organization",
        "company",
        &format!("namespaceSelector: {{}}, {LIMITS}"),
    );
    organization
        + &team("default", "research")
        + &virtual_key("default", "caller", "research", &key(0))
}

fn team(namespace: &str, name: &str) -> String {
    let owner = "organizationRef: {name: company}";
    object(
        "Team",
        &format!("{namespace}/{name}"),
        &format!("{owner}, {LIMITS}"),
    )
}

fn virtual_key(namespace: &str, name: &str, team: &str, value: &str) -> String {
    let reference = format!("secretRef: {{name: {name}-key, key: apiKey}}");
    let spec =
        format!("teamRef: {{name: {team}}}, key: {{type: SecretRef, {reference}}}, {LIMITS}");
    let mut text = object("VirtualKey", &format!("{namespace}/{name}"), &spec);
    text += &secret(
        &format!("{namespace}/{name}-key"),
        "virtual-key",
        &format!("apiKey: {value}"),
    );
    text
}

/// A key in a namespace of many, in a team of some; the first of a team brings it.
fn other_key(number: usize) -> String {
    let (space, group) = (number / SPACE, number / TEAM);
    let (namespace, team_name) = (format!("space-{space}"), format!("team-{group}"));
    let mut text = String::new();
    if number.is_multiple_of(TEAM) || number == 1 {
        text += &team(&namespace, &team_name);
    }
    text + &virtual_key(
        &namespace,
        &format!("caller-{number}"),
        &team_name,
        &key(number),
    )
}

/// A rule that is looked at before those that are used, and cannot match.
fn other_rule(number: usize) -> String {
    object(
        "RoutingRule",
        &format!("other-{number}"),
        &format!(
            "scope: {{type: Global}}, match: {{models: [other-{number}], when: 'request.headers[\"x-tier\"] == \"gold\"'}}, \
             targets: [{{name: only, providerRef: {{name: openai-first}}, model: fast}}]"
        ),
    )
}

fn object(kind: &str, name: &str, spec: &str) -> String {
    let metadata = metadata(name, "");
    format!(
        "apiVersion: fairlead.dev/v1alpha1\nkind: {kind}\nmetadata: {metadata}\nspec: {{{spec}}}\n---\n"
    )
}

fn secret(name: &str, usage: &str, data: &str) -> String {
    let metadata = metadata(name, &format!(", labels: {{fairlead.dev/secret: {usage}}}"));
    format!("apiVersion: v1\nkind: Secret\nmetadata: {metadata}\nstringData: {{{data}}}\n---\n")
}

fn metadata(name: &str, more: &str) -> String {
    let (namespace, name) = name.split_once('/').unwrap_or(("default", name));
    format!("{{namespace: {namespace}, name: {name}{more}}}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_as_much_as_wanted() {
        let amounts = Amounts {
            keys: 2500,
            rules: 1500,
            providers: 3,
        };
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        let all: String = files(address, None, false, amounts)
            .into_iter()
            .map(|(_, text)| text)
            .collect();
        let count = |kind: &str| all.matches(&format!("kind: {kind}\n")).count();
        assert_eq!(count("VirtualKey"), 2500);
        assert_eq!(count("RoutingRule"), 1503);
        assert_eq!(count("LLMProvider"), 9);
        assert_eq!(count("Team"), 26);
    }
}
