//! What would stay though it was taken out. Of a field, or an entry of a list, that somebody else owns, a server-side apply without it only says "not
//! mine": it stays, and what is then there is not what was shown. The API server calls that no conflict; here it is one.

use fairlead_console::Trouble;
use serde_json::Value;

use super::answer::whose;

/// So many are told.
const MOST: usize = 8;

/// One step on the way to a field, as `managedFields` writes it and as people do.
type Step = (String, String);

/// Nothing, if all that was taken out is gone. `wanted`: what was sent; `live`: what is there; `made`: what the API server would make of it.
///
/// # Errors
/// Something would stay; the words say what, and whose it is.
pub(super) fn refused(wanted: &Value, live: &Value, made: &Value) -> Result<(), Trouble> {
    let mut found = Vec::new();
    let mut way = vec![("f:spec".to_owned(), "spec".to_owned())];
    left(
        (&wanted["spec"], &live["spec"], &made["spec"]),
        &mut way,
        &mut found,
    );
    let told = found.iter().take(MOST).map(|way| {
        let path: String = way.iter().map(|(_, word)| word.as_str()).collect();
        match owner(made, way) {
            Some(manager) => format!("{path} is {}", whose(&manager)),
            None => format!("{path} is there anyway"),
        }
    });
    let told: Vec<_> = told.collect();
    if told.is_empty() {
        return Ok(());
    }
    Err(Trouble::Conflict(format!(
        "nothing was written, for what was taken out would stay: {}; change it there, with this YAML",
        told.join(", ")
    )))
}

/// The ways to whatever is in the live object and in what would be made of it, and not in what is wanted.
fn left(
    (wanted, live, made): (&Value, &Value, &Value),
    way: &mut Vec<Step>,
    found: &mut Vec<Vec<Step>>,
) {
    match made {
        Value::Object(members) => {
            for (name, made) in members.iter().filter(|(name, _)| live.get(name).is_some()) {
                way.push((format!("f:{name}"), format!(".{name}")));
                match wanted.get(name) {
                    Some(wanted) => left((wanted, &live[name], made), way, found),
                    None => found.push(way.clone()),
                }
                way.pop();
            }
        }
        Value::Array(items) => {
            for made in items {
                let (step, same) = entry(made);
                let Some(live) = of(live, &same) else {
                    continue;
                };
                way.push(step);
                match of(wanted, &same) {
                    Some(wanted) => left((wanted, live, made), way, found),
                    None => found.push(way.clone()),
                }
                way.pop();
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// An entry of a list is known by its name, or else by all of itself.
fn entry(item: &Value) -> (Step, Value) {
    match item.get("name").and_then(Value::as_str) {
        Some(name) => {
            let key = serde_json::json!({"name": name});
            ((format!("k:{key}"), format!("[{name}]")), key)
        }
        None => ((format!("v:{item}"), format!("[{item}]")), item.clone()),
    }
}

fn of<'a>(list: &'a Value, same: &Value) -> Option<&'a Value> {
    let mut items = list.as_array()?.iter();
    match same.get("name") {
        Some(name) => items.find(|item| item.get("name") == Some(name)),
        None => items.find(|item| *item == same),
    }
}

/// Who beside the console owns what is there.
fn owner(made: &Value, way: &[Step]) -> Option<String> {
    let mut entries = made["metadata"]["managedFields"].as_array()?.iter();
    let owns = |entry: &&Value| {
        let mut at = Some(&entry["fieldsV1"]);
        for (step, _) in way {
            at = at.and_then(|fields| fields.get(step));
        }
        at.is_some() && entry["manager"] != "fairlead-console"
    };
    let entry = entries.find(owns)?;
    Some(entry["manager"].as_str().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of_spec(spec: &Value) -> Value {
        json!({"spec": spec})
    }

    #[test]
    fn what_was_taken_out_and_would_stay_is_told_with_whose_it_is() {
        let live = of_spec(
            &json!({"priority": 5, "match": {"models": ["a", "b"]}, "targets": [{"name": "one"}, {"name": "two", "model": "m"}]}),
        );
        let wanted = of_spec(&json!({"match": {"models": ["a"]}, "targets": [{"name": "two"}]}));
        let mut made = live.clone();
        let fields = json!({"f:spec": {"f:priority": {}, "f:match": {"f:models": {"v:\"b\"": {}}}, "f:targets": {"k:{\"name\":\"one\"}": {".": {}}}}});
        made["metadata"] = json!({"managedFields": [
            {"manager": "fairlead-console", "fieldsV1": fields}, {"manager": "kubectl-client-side-apply", "fieldsV1": fields},
        ]});
        let Err(Trouble::Conflict(words)) = refused(&wanted, &live, &made) else {
            panic!("it is taken");
        };
        for part in [
            "spec.priority is kubectl's (kubectl-client-side-apply)",
            "spec.match.models[\"b\"] is kubectl's",
            "spec.targets[one] is kubectl's",
            "spec.targets[two].model is there anyway",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
    }

    #[test]
    fn what_the_api_server_adds_by_itself_keeps_nothing_back() {
        let live = of_spec(&json!({"priority": 5}));
        let wanted = of_spec(&json!({"targets": [{"name": "one"}]}));
        let made = of_spec(
            &json!({"targets": [{"name": "one", "weight": 1}], "strategy": {"type": "Weighted"}}),
        );
        assert_eq!(refused(&wanted, &live, &made), Ok(()));
        assert_eq!(refused(&wanted, &Value::Null, &made), Ok(()));
    }
}
