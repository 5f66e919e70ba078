//! Rules that would take other people's requests, or send requests to other people's providers.

use crate::attack::{Attack, Refused, not_accepted, not_resolved, nothing};
use crate::world::Who::{self, Attacker, Platform, Victim};
use serde_json::Value;

const ELSEWHERE: &str = "only rules of the gateway's namespace, fairlead-system, may name another";

/// The rule is there, with a target that nobody can be sent to.
fn target_is_barred(rule: Option<&Value>) -> bool {
    rule.is_some_and(|rule| rule["targets"][0]["problem"] == "notPermitted")
}

const fn rule(
    what: &'static str,
    spec: &'static str,
    refused: Refused,
    leaves: fn(Option<&Value>) -> bool,
    rightly: &'static [(Who, &'static str)],
) -> Attack {
    Attack {
        what,
        by: Attacker,
        kind: "RoutingRule",
        spec,
        refused,
        leaves,
        rightly,
    }
}

/// Other people's requests.
pub(crate) const REACHING: &[Attack] = &[
    rule(
        "a rule that goes before all others",
        "{precedence: Override, targets: [{name: a, providerRef: {name: own}}]}",
        not_accepted(
            "NotPermitted",
            "spec.precedence: Override is permitted only in the gateway's namespace, fairlead-system",
        ),
        nothing,
        &[(
            Platform,
            "{precedence: Override, match: {models: [none-of-theirs]}, targets: [{name: a, providerRef: {name: shared}}]}",
        )],
    ),
    rule(
        "a constraint, which would hold everybody to labels of the attacker's choice",
        "{precedence: Override, scope: {type: Global}, constrain: {providerSelector: {matchLabels: {of: attacker}}}}",
        not_accepted(
            "NotPermitted",
            "spec.precedence: Override is permitted only in the gateway's namespace, fairlead-system",
        ),
        nothing,
        &[(
            Platform,
            "{precedence: Override, match: {models: [none-of-theirs]}, constrain: {providerSelector: {matchExpressions: [{key: region, operator: NotIn, values: [none]}]}}}",
        )],
    ),
    rule(
        "a rule for everybody",
        "{scope: {type: Global}, targets: [{name: a, providerRef: {name: own}}]}",
        not_accepted(
            "NotPermitted",
            "spec.scope.type: Global is permitted only in",
        ),
        nothing,
        &[(
            Platform,
            "{scope: {type: Global}, targets: [{name: a, providerRef: {name: shared}}]}",
        )],
    ),
    rule(
        "a rule for another namespace",
        "{scope: {type: Namespace, namespace: victim}, targets: [{name: a, providerRef: {name: own}}]}",
        not_accepted("NotPermitted", ELSEWHERE),
        nothing,
        &[
            (
                Platform,
                "{scope: {type: Namespace, namespace: victim}, targets: [{name: a, providerRef: {name: shared}}]}",
            ),
            (
                Victim,
                "{scope: {type: Namespace, namespace: victim}, targets: [{name: a, providerRef: {name: own}}]}",
            ),
        ],
    ),
    rule(
        "a rule for the team of another namespace",
        "{scope: {type: Team, name: ranking, namespace: victim}, targets: [{name: a, providerRef: {name: own}}]}",
        not_accepted("NotPermitted", ELSEWHERE),
        nothing,
        &[(
            Platform,
            "{scope: {type: Team, name: ranking, namespace: victim}, targets: [{name: a, providerRef: {name: shared}}]}",
        )],
    ),
    rule(
        "a rule for the key of another namespace",
        "{scope: {type: VirtualKey, name: checkout, namespace: victim}, targets: [{name: a, providerRef: {name: own}}]}",
        not_accepted("NotPermitted", ELSEWHERE),
        nothing,
        &[(
            Platform,
            "{scope: {type: VirtualKey, name: checkout, namespace: victim}, targets: [{name: a, providerRef: {name: shared}}]}",
        )],
    ),
    rule(
        "a rule for the team of another namespace, by its name alone",
        "{scope: {type: Team, name: ranking}, targets: [{name: a, providerRef: {name: own}}]}",
        not_resolved("TeamNotFound", "there is no accepted Team attacker/ranking"),
        |rule| rule.is_some_and(|rule| rule["scope"]["team"] == "attacker/ranking"),
        &[(
            Victim,
            "{scope: {type: Team, name: ranking}, targets: [{name: a, providerRef: {name: own}}]}",
        )],
    ),
];

/// Other people's providers.
pub(crate) const SENDING: &[Attack] = &[
    rule(
        "requests to a provider that another namespace keeps to itself",
        "{targets: [{name: a, providerRef: {name: own, namespace: victim}}]}",
        not_resolved(
            "NotPermitted",
            "the LLMProvider victim/own does not admit the namespace attacker",
        ),
        target_is_barred,
        &[(
            Victim,
            "{targets: [{name: a, providerRef: {name: own, namespace: victim}}]}",
        )],
    ),
    rule(
        "requests to a provider of the platform that selects other namespaces",
        "{targets: [{name: a, providerRef: {name: shared, namespace: fairlead-system}}]}",
        not_resolved(
            "NotPermitted",
            "the LLMProvider fairlead-system/shared does not admit the namespace attacker",
        ),
        target_is_barred,
        &[(
            Victim,
            "{targets: [{name: a, providerRef: {name: shared, namespace: fairlead-system}}]}",
        )],
    ),
    rule(
        "a foreign provider as a fallback",
        "{targets: [{name: a, providerRef: {name: own}}], fallbacks: [{name: b, providerRef: {name: own, namespace: victim}}]}",
        not_resolved("NotPermitted", "spec.fallbacks[0].providerRef"),
        |rule| rule.is_some_and(|rule| rule["fallbacks"][0]["target"]["problem"] == "notPermitted"),
        &[(
            Victim,
            "{targets: [{name: a, providerRef: {name: shared, namespace: fairlead-system}}], fallbacks: [{name: b, providerRef: {name: own}}]}",
        )],
    ),
];
