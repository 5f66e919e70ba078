//! Whether gateways have a rule that was written: what the operator says of it, which asks them.

use fairlead_console::view::apply::{Applied, Awaited};
use fairlead_console::{Trouble, Viewer};
use fairlead_snapshot::ObjectName;
use serde_json::Value;

use crate::config::form::KIND;
use crate::console::cluster::Cluster;
use crate::console::objects::Object;

/// What is to be told of it now.
///
/// # Errors
/// There is no such rule that this viewer may see.
pub(in crate::console) fn awaited(
    cluster: &Cluster,
    viewer: &Viewer,
    awaited: &Awaited,
) -> Result<Applied, Trouble> {
    let unknown = || {
        Trouble::NotFound(format!(
            "there is no rule {:?} that you may see",
            awaited.name
        ))
    };
    let (namespace, name) = awaited.name.split_once('/').ok_or_else(unknown)?;
    if !viewer.rights.rules.sees(namespace) {
        return Err(unknown());
    }
    let object = cluster
        .parts
        .objects
        .get(KIND, &ObjectName::new(namespace, name));
    // One that was just made may not have come here yet.
    let (words, waits) = match &object {
        Some(object) => said(object, awaited.generation),
        None => (waiting(awaited.generation), true),
    };
    Ok(Applied {
        name: awaited.name.clone(),
        generation: awaited.generation,
        words,
        waits,
        ..Applied::default()
    })
}

fn waiting(generation: i64) -> String {
    format!("Written as generation {generation}; the operator has not seen it yet.")
}

/// What the operator says of this generation or a later one, and whether it will say more.
fn said(object: &Object, generation: i64) -> (String, bool) {
    let condition = |kind: &str| {
        let seen =
            |condition: &&Value| condition["observedGeneration"].as_i64() >= Some(generation);
        object.condition(kind).filter(seen)
    };
    let text =
        |condition: &Value, member: &str| condition[member].as_str().unwrap_or_default().to_owned();
    let Some(accepted) = condition("Accepted") else {
        return (waiting(generation), true);
    };
    for (refused, words) in [
        (Some(accepted), "is not accepted"),
        (condition("ResolvedRefs"), "names what is not there"),
    ] {
        if let Some(refused) = refused.filter(|condition| condition["status"] != "True") {
            let (reason, message) = (text(refused, "reason"), text(refused, "message"));
            return (
                format!("Written as generation {generation}, and it {words}: {reason}: {message}"),
                false,
            );
        }
    }
    let Some(programmed) = condition("Programmed") else {
        return (
            format!("Generation {generation} is accepted; gateways do not have it yet."),
            true,
        );
    };
    let (reason, message) = (text(programmed, "reason"), text(programmed, "message"));
    // As the operator counts: `1/2 replicas`.
    let counted = message
        .strip_suffix(" replicas")
        .and_then(|counted| counted.split_once('/'));
    match (counted, programmed["status"] == "True") {
        (Some((have, all)), true) => (
            format!("Generation {generation} is enforced by {have} of {all} gateways."),
            false,
        ),
        (Some((have, all)), false) => (
            format!("Generation {generation} is enforced by {have} of {all} gateways so far."),
            true,
        ),
        (None, true) => (format!("Generation {generation} is enforced."), false),
        (None, false) => (
            format!("Generation {generation} is not enforced everywhere: {reason}: {message}"),
            false,
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(conditions: &Value) -> (String, bool) {
        let value = json!({
            "apiVersion": "fairlead.dev/v1alpha1", "kind": "RoutingRule", "metadata": {"namespace": "search", "name": "chat", "generation": 2},
            "spec": {}, "status": {"conditions": conditions},
        });
        said(&Object::of(KIND, serde_json::from_value(value).unwrap()), 2)
    }

    #[test]
    fn it_is_told_until_all_gateways_have_it_or_never_will() {
        let one = |kind: &str, status: &str, message: &str, at: i64| json!({"type": kind, "status": status, "reason": "Why", "message": message, "observedGeneration": at});
        let good = one("Accepted", "True", "", 2);
        for (conditions, says, waits) in [
            (json!([]), "has not seen it", true),
            (
                json!([one("Accepted", "True", "", 1)]),
                "has not seen it",
                true,
            ),
            (json!([good]), "do not have it yet", true),
            (
                json!([good, one("Programmed", "True", "2/2 replicas", 1)]),
                "do not have it yet",
                true,
            ),
            (
                json!([good, one("Programmed", "False", "1/2 replicas", 2)]),
                "by 1 of 2 gateways so far",
                true,
            ),
            (
                json!([good, one("Programmed", "True", "2/2 replicas", 2)]),
                "is enforced by 2 of 2 gateways.",
                false,
            ),
            (
                json!([good, one("Programmed", "False", "no gateway is ready", 2)]),
                "no gateway is ready",
                false,
            ),
            (
                json!([one("Accepted", "False", "two of a name", 2)]),
                "two of a name",
                false,
            ),
            (
                json!([
                    good,
                    one("ResolvedRefs", "False", "no provider", 2),
                    one("Programmed", "False", "see ResolvedRefs", 2)
                ]),
                "no provider",
                false,
            ),
        ] {
            let (words, more) = of(&conditions);
            assert!(
                words.contains(says) && more == waits,
                "{conditions}: {words}"
            );
        }
    }
}
