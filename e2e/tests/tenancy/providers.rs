//! Providers that would post somebody's Secret to a server of the attacker's, or reach into the cluster's network. And owners of others'
//! budgets.

use crate::attack::{Attack, Refused, not_accepted, not_resolved, nothing};
use crate::world::Who::{self, Attacker, Chief, Lab, Platform, Victim};
use serde_json::Value;

const PRIVATE: &str =
    "spec.allowPrivateNetwork: this installation does not permit private addresses";

/// A provider without any value to send.
fn sends_nothing(provider: Option<&Value>) -> bool {
    provider.is_some_and(|provider| provider["credentials"][0]["value"].is_null())
}

const fn provider(
    what: &'static str,
    spec: &'static str,
    refused: Refused,
    leaves: fn(Option<&Value>) -> bool,
    rightly: &'static [(Who, &'static str)],
) -> Attack {
    Attack {
        what,
        by: Attacker,
        kind: "LLMProvider",
        spec,
        refused,
        leaves,
        rightly,
    }
}

pub(crate) const SECRETS: &[Attack] = &[
    provider(
        "any Secret of the namespace posted to a server of one's own",
        "{type: OpenAI, baseURL: 'https://attacker.example/v1', credentials: [{name: a, secretRef: {name: database}}]}",
        not_resolved(
            "SecretNotFound",
            "there is no Secret attacker/database; create it with the label fairlead.dev/secret: credential",
        ),
        sends_nothing,
        &[(
            Attacker,
            "{type: OpenAI, baseURL: 'https://attacker.example/v1', credentials: [{name: a, secretRef: {name: upstream}}]}",
        )],
    ),
    provider(
        "a caller's key posted to a server of one's own",
        "{type: OpenAI, baseURL: 'https://attacker.example/v1', credentials: [{name: a, secretRef: {name: caller}}]}",
        not_resolved(
            "SecretNotLabelled",
            "is not labelled fairlead.dev/secret: credential",
        ),
        sends_nothing,
        &[],
    ),
    provider(
        "the Secret of another namespace, named with its namespace",
        "{type: OpenAI, credentials: [{name: a, secretRef: {name: upstream, namespace: victim}}]}",
        Refused::AtOnce("unknown field \"spec.credentials[0].secretRef.namespace\""),
        nothing,
        &[(
            Victim,
            "{type: OpenAI, credentials: [{name: a, secretRef: {name: upstream}}]}",
        )],
    ),
    provider(
        "another's Secret as a certificate",
        "{type: OpenAI, tls: {caCertificateRef: {name: caller, key: apiKey}}}",
        not_resolved(
            "SecretNotLabelled",
            "is not labelled fairlead.dev/secret: ca",
        ),
        |provider| provider.is_some_and(|provider| !provider.to_string().contains("caller-of")),
        &[],
    ),
];

pub(crate) const ADDRESSES: &[Attack] = &[
    provider(
        "a link-local address",
        "{type: OpenAI, baseURL: 'http://169.254.169.254/v1', allowPrivateNetwork: true}",
        not_accepted("NotPermitted", PRIVATE),
        nothing,
        &[
            (
                Platform,
                "{type: OpenAI, baseURL: 'http://169.254.169.254/v1', allowPrivateNetwork: true}",
            ),
            (
                Lab,
                "{type: OpenAI, baseURL: 'http://169.254.169.254/v1', allowPrivateNetwork: true}",
            ),
        ],
    ),
    provider(
        "a private address",
        "{type: OpenAI, baseURL: 'http://10.0.0.1/v1', allowPrivateNetwork: true}",
        not_accepted("NotPermitted", PRIVATE),
        nothing,
        &[],
    ),
    provider(
        "a loopback address",
        "{type: OpenAI, baseURL: 'http://127.0.0.1:9090/v1', allowPrivateNetwork: true}",
        not_accepted("NotPermitted", PRIVATE),
        nothing,
        &[],
    ),
];

pub(crate) const OWNERS: &[Attack] = &[
    Attack {
        what: "an Organization, by somebody with the role edit",
        by: Attacker,
        kind: "Organization",
        spec: "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: victim}}}",
        refused: Refused::AtOnce("cannot create resource \"organizations\""),
        leaves: nothing,
        rightly: &[(
            Platform,
            "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: victim}}}",
        )],
    },
    Attack {
        what: "an Organization, by somebody with the role admin",
        by: Chief,
        kind: "Organization",
        spec: "{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: victim}}}",
        refused: not_accepted(
            "NotPermitted",
            "metadata.namespace: an Organization lives in the gateway's namespace, fairlead-system",
        ),
        leaves: nothing,
        rightly: &[],
    },
    Attack {
        what: "a team in an organization that does not choose its namespace",
        by: Attacker,
        kind: "Team",
        spec: "{organizationRef: {name: acme}}",
        refused: not_resolved(
            "NotPermitted",
            "the Organization acme does not select the namespace attacker",
        ),
        leaves: nothing,
        rightly: &[(Victim, "{organizationRef: {name: acme}}")],
    },
];
