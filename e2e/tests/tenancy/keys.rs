//! Keys that would spend in another's name, or with another's value.

use crate::attack::{Attack, Refused, not_accepted, not_resolved};
use crate::world::Who::{self, Attacker, Victim};
use serde_json::Value;

/// A key that nobody can call with, for this reason.
fn refused(key: Option<&Value>, why: &str) -> bool {
    key.is_some_and(|key| key["refused"] == why)
}

const fn key(
    what: &'static str,
    spec: &'static str,
    refused: Refused,
    leaves: fn(Option<&Value>) -> bool,
    rightly: &'static [(Who, &'static str)],
) -> Attack {
    Attack {
        what,
        by: Attacker,
        kind: "VirtualKey",
        spec,
        refused,
        leaves,
        rightly,
    }
}

pub(crate) const ATTACKS: &[Attack] = &[
    key(
        "a key of another namespace's team, by its name alone",
        "{teamRef: {name: ranking}, key: {type: SecretRef, secretRef: {name: caller}}}",
        not_resolved("TeamNotFound", "there is no accepted Team attacker/ranking"),
        |key| refused(key, "noTeam") && key.is_some_and(|key| key["organization"].is_null()),
        &[(
            Victim,
            "{teamRef: {name: ranking}, key: {type: Generate, secretRef: {name: x}}}",
        )],
    ),
    key(
        "a key of another namespace's team, named with its namespace",
        "{teamRef: {name: ranking, namespace: victim}, key: {type: SecretRef, secretRef: {name: caller}}}",
        Refused::AtOnce("unknown field \"spec.teamRef.namespace\""),
        |key| key.is_none(),
        &[],
    ),
    key(
        "a value from another namespace's Secret, named with its namespace",
        "{key: {type: SecretRef, secretRef: {name: caller, namespace: victim}}}",
        Refused::AtOnce("unknown field \"spec.key.secretRef.namespace\""),
        |key| key.is_none(),
        &[(
            Attacker,
            "{key: {type: SecretRef, secretRef: {name: caller}}}",
        )],
    ),
    key(
        "a value from another namespace's Secret, by its name alone",
        "{key: {type: SecretRef, secretRef: {name: made-key}}}",
        not_resolved("SecretNotFound", "there is no Secret attacker/made-key"),
        |key| refused(key, "noValue"),
        &[],
    ),
    key(
        "a copy of another key's value",
        "{key: {type: SecretRef, secretRef: {name: caller, key: copied}}}",
        not_accepted("Conflict", "another VirtualKey had the same value first"),
        |key| refused(key, "conflict") && key.is_some_and(|key| key["digest"].is_null()),
        &[(
            Attacker,
            "{key: {type: SecretRef, secretRef: {name: caller}}}",
        )],
    ),
    key(
        "a value that can be guessed",
        "{key: {type: SecretRef, secretRef: {name: caller, key: short}}}",
        not_resolved("SecretInvalid", "must have 32 to 512 characters"),
        |key| refused(key, "noValue"),
        &[(
            Attacker,
            "{key: {type: SecretRef, secretRef: {name: caller}}}",
        )],
    ),
    key(
        "a credential of one's providers as a key",
        "{key: {type: SecretRef, secretRef: {name: upstream}}}",
        not_resolved(
            "SecretNotLabelled",
            "is not labelled fairlead.dev/secret: virtual-key",
        ),
        |key| refused(key, "noValue"),
        &[],
    ),
    key(
        "the permission to use another namespace's provider",
        "{key: {type: SecretRef, secretRef: {name: caller}}, allow: {providers: [{name: own, namespace: victim}]}}",
        not_resolved(
            "NotPermitted",
            "spec.allow.providers[0]: the LLMProvider victim/own does not admit the namespace attacker",
        ),
        // The list does not vanish: a key that may use nothing else would otherwise be one that may use everything.
        |key| {
            key.is_some_and(|key| {
                key["allow"]["providers"]
                    .as_array()
                    .is_some_and(|list| list.len() == 1)
            })
        },
        &[(
            Victim,
            "{key: {type: Generate, secretRef: {name: made-x}}, allow: {providers: [{name: own}, {name: shared, namespace: fairlead-system}]}}",
        )],
    ),
];
