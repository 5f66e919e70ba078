//! The status of one object: what it should say, and whether that differs from what it says. Pure.

use fairlead_compile::{ConditionValue, Verdict, conditions};
use fairlead_crds::v1alpha1::{PROGRAMMED, READY};
use jiff::Timestamp;
use serde_json::{Value, json};

/// A status to write.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Status {
    /// For a merge patch of the status.
    pub value: Value,
    /// Conditions whose status changed, beside those about the gateways: worth an event.
    pub turned: Vec<ConditionValue>,
}

/// What `old` should become, or `None` if it says so already. `programmed`: `None` leaves what is said of it.
#[must_use]
pub(crate) fn update(
    verdict: &Verdict,
    generation: i64,
    programmed: Option<(&'static str, &'static str, String)>,
    key: Option<Value>,
    old: &Value,
    now: Timestamp,
) -> Option<Status> {
    let mut wanted: Vec<ConditionValue> = conditions(verdict).into();
    if let Some((status, reason, message)) = programmed {
        // Tools that know nothing of our conditions know `Ready`.
        wanted.extend([PROGRAMMED, READY].map(|kind| ConditionValue {
            kind,
            status,
            reason,
            message: message.clone(),
        }));
    }
    let before = |kind: &str| {
        let conditions = old["conditions"].as_array();
        conditions
            .into_iter()
            .flatten()
            .find(|condition| condition["type"] == kind)
    };
    let changed = |wanted: &ConditionValue| {
        before(wanted.kind).is_none_or(|old| !says(old, wanted, generation))
    };
    let key_changed = key.as_ref().is_some_and(|key| old["key"] != *key);
    if !key_changed && !wanted.iter().any(changed) && old["observedGeneration"] == generation {
        return None;
    }
    let turned = wanted
        .iter()
        .filter(|wanted| {
            let old = before(wanted.kind).map(|old| &old["status"]);
            // Being well from the start is no news.
            !is_of_gateways(wanted)
                && old.map_or(wanted.status == "False", |old| *old != wanted.status)
        })
        .cloned()
        .collect();
    let mut list: Vec<Value> = wanted
        .iter()
        .map(|wanted| condition(wanted, generation, before(wanted.kind), now))
        .collect();
    // What is not known anew stays as it was.
    let kept = old["conditions"].as_array().into_iter().flatten();
    list.extend(
        kept.filter(|old| wanted.iter().all(|new| old["type"] != new.kind))
            .cloned(),
    );
    let mut value = json!({"observedGeneration": generation, "conditions": list});
    if let Some(key) = key {
        value["key"] = key;
    }
    Some(Status { value, turned })
}

/// Whether a condition is about the gateways rather than about the object.
fn is_of_gateways(condition: &ConditionValue) -> bool {
    [PROGRAMMED, READY].contains(&condition.kind)
}

/// The message of `Programmed` counts replicas: scaling is no news.
fn says(old: &Value, wanted: &ConditionValue, generation: i64) -> bool {
    old["status"] == wanted.status
        && old["reason"] == wanted.reason
        && old["observedGeneration"] == generation
        && (is_of_gateways(wanted) || old["message"] == wanted.message)
}

fn condition(
    wanted: &ConditionValue,
    generation: i64,
    before: Option<&Value>,
    now: Timestamp,
) -> Value {
    let since = before
        .filter(|old| old["status"] == wanted.status)
        .and_then(|old| old["lastTransitionTime"].as_str())
        .map(str::to_owned);
    json!({
        "type": wanted.kind,
        "status": wanted.status,
        "reason": wanted.reason,
        "message": wanted.message,
        "observedGeneration": generation,
        "lastTransitionTime": since.unwrap_or_else(|| format!("{now:.0}")),
    })
}

#[cfg(test)]
mod tests {
    use fairlead_compile::{Document, Inputs, Origin, Secrets, Settings, compile};

    use super::*;

    fn verdict(spec: &Value) -> Verdict {
        let object = json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": "Team", "metadata": {"namespace": "a", "name": "t", "generation": 3}, "spec": spec});
        let inputs = Inputs {
            settings: Settings::new("own"),
            objects: vec![std::sync::Arc::new(Document {
                value: object,
                origin: Origin::default(),
            })],
            secrets: Secrets::new(),
            services: fairlead_compile::Services::default(),
            namespaces: std::collections::BTreeMap::new(),
            now: 0,
        };
        compile(None, &inputs).verdicts.remove(0)
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn good() -> Option<(&'static str, &'static str, String)> {
        Some(("True", "Programmed", "2/2 replicas".to_owned()))
    }

    #[test]
    fn says_nothing_twice() {
        let verdict = verdict(&json!({}));
        let first = update(&verdict, 3, good(), None, &Value::Null, at(1)).unwrap();
        assert!(first.turned.is_empty());
        assert_eq!(update(&verdict, 3, good(), None, &first.value, at(2)), None);
        let scaled = Some(("True", "Programmed", "4/4 replicas".to_owned()));
        assert_eq!(update(&verdict, 3, scaled, None, &first.value, at(2)), None);
        assert_eq!(update(&verdict, 3, None, None, &first.value, at(2)), None);
    }

    #[test]
    fn a_new_generation_is_observed_and_times_stay_where_the_status_does() {
        let verdict = verdict(&json!({}));
        let first = update(&verdict, 3, good(), None, &Value::Null, at(1)).unwrap();
        let second = update(&verdict, 4, good(), None, &first.value, at(9)).unwrap();
        assert_eq!(second.value["observedGeneration"], 4);
        for condition in second.value["conditions"].as_array().unwrap() {
            assert_eq!(condition["lastTransitionTime"], "1970-01-01T00:00:01Z");
            assert_eq!(condition["observedGeneration"], 4);
        }
    }

    #[test]
    fn while_it_is_not_known_what_was_said_of_programmed_stands_for_its_own_generation() {
        let verdict = verdict(&json!({}));
        let first = update(&verdict, 3, good(), None, &Value::Null, at(1)).unwrap();
        let second = update(&verdict, 4, None, None, &first.value, at(2)).unwrap();
        let programmed = second.value["conditions"]
            .as_array()
            .unwrap()
            .iter()
            .find(|condition| condition["type"] == PROGRAMMED)
            .unwrap();
        assert_eq!(
            (&programmed["status"], &programmed["observedGeneration"]),
            (&json!("True"), &json!(3))
        );
    }

    #[test]
    fn a_fault_turns_accepted_and_is_worth_an_event() {
        let first = update(&verdict(&json!({})), 3, good(), None, &Value::Null, at(1)).unwrap();
        let bad = verdict(&json!({"nonsense": 1}));
        let second = update(
            &bad,
            4,
            Some(("False", "UnknownField", String::new())),
            None,
            &first.value,
            at(2),
        )
        .unwrap();
        let turned: Vec<&str> = second
            .turned
            .iter()
            .map(|condition| condition.kind)
            .collect();
        assert_eq!(turned, ["Accepted", "ResolvedRefs"]);
    }

    #[test]
    fn ready_says_what_programmed_says() {
        let find = |status: &Status, kind: &str| {
            let conditions = status.value["conditions"].as_array().unwrap();
            let mut found = conditions
                .iter()
                .find(|found| found["type"] == kind)
                .unwrap()
                .clone();
            found["type"] = Value::Null;
            found
        };
        let verdict = verdict(&json!({}));
        let pending = Some(("False", "Pending", "1/2 replicas".to_owned()));
        for programmed in [good(), pending] {
            let status = update(&verdict, 3, programmed, None, &Value::Null, at(1)).unwrap();
            assert_eq!(find(&status, "Ready"), find(&status, PROGRAMMED));
        }
    }

    #[test]
    fn a_keys_hint_is_told_as_it_changes() {
        let verdict = verdict(&json!({}));
        let key = |hint: &str| Some(json!({"hint": hint, "secretName": "s"}));
        let first = update(&verdict, 3, good(), key("...aaaa"), &Value::Null, at(1)).unwrap();
        assert_eq!(
            update(&verdict, 3, good(), key("...aaaa"), &first.value, at(2)),
            None
        );
        assert!(update(&verdict, 3, good(), key("...bbbb"), &first.value, at(2)).is_some());
    }
}
