//! The edits that make a case out of its file's base object: `unset`, then `set`, by paths such as `spec.targets[0].weight`.
//!
//! A value `{repeat: TEXT, times: N}` stands for the text N times over, `{each: ITEM, times: N}` for a list of N items in which every
//! `{n}` is the item's number: bounds can be tested without pages of YAML.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// `base` with the edits applied. An edit that meets nothing is an error: it is a typing mistake in the case.
pub(super) fn edited(
    base: &Value,
    unset: &[String],
    set: &BTreeMap<String, Value>,
) -> Result<Value, String> {
    let mut object = base.clone();
    for path in unset {
        remove(&mut object, path)?;
    }
    for (path, value) in set {
        *place(&mut object, path)? = expanded(value)?;
    }
    Ok(object)
}

fn remove(object: &mut Value, path: &str) -> Result<(), String> {
    let (parent, last) = path.rsplit_once('.').unwrap_or(("", path));
    let members = if parent.is_empty() {
        Some(object)
    } else {
        Some(place(object, parent)?)
    };
    let removed = members
        .and_then(Value::as_object_mut)
        .and_then(|members| members.remove(last));
    removed
        .map(drop)
        .ok_or_else(|| format!("{path} is not there to be unset"))
}

/// The place of a path; objects on the way are made, list items must be there.
fn place<'v>(object: &'v mut Value, path: &str) -> Result<&'v mut Value, String> {
    let mut at = object;
    for step in path.split('.') {
        let (name, indices) = step
            .split_once('[')
            .map_or((step, None), |(name, rest)| (name, Some(rest)));
        let members = at
            .as_object_mut()
            .ok_or_else(|| format!("{path}: there is no object to hold {name}"))?;
        at = members
            .entry(name)
            .or_insert_with(|| Value::Object(Map::new()));
        for index in indices
            .into_iter()
            .flat_map(|rest| rest.trim_end_matches(']').split("]["))
        {
            let missing = || format!("{path}: there is no item {index}");
            at = at
                .get_mut(index.parse::<usize>().map_err(|_| missing())?)
                .ok_or_else(missing)?;
        }
    }
    Ok(at)
}

fn expanded(value: &Value) -> Result<Value, String> {
    Ok(match value {
        Value::Object(members) => match (
            members.get("repeat"),
            members.get("each"),
            members.get("times"),
        ) {
            (Some(Value::String(text)), None, Some(times)) => {
                Value::String(text.repeat(count(times)?))
            }
            (None, Some(item), Some(times)) => {
                Value::Array((0..count(times)?).map(|n| numbered(item, n)).collect())
            }
            (None, None, None) => Value::Object(
                members
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), expanded(value)?)))
                    .collect::<Result<_, String>>()?,
            ),
            _ => {
                return Err(format!(
                    "{value} is neither {{repeat: TEXT, times: N}} nor {{each: ITEM, times: N}}"
                ));
            }
        },
        Value::Array(items) => Value::Array(items.iter().map(expanded).collect::<Result<_, _>>()?),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    })
}

fn count(times: &Value) -> Result<usize, String> {
    times
        .as_u64()
        .and_then(|times| usize::try_from(times).ok())
        .ok_or_else(|| format!("times must be a whole number, not {times}"))
}

fn numbered(item: &Value, n: usize) -> Value {
    let text = |text: &str| text.replace("{n}", &n.to_string());
    match item {
        Value::String(value) => Value::String(text(value)),
        Value::Array(items) => Value::Array(items.iter().map(|item| numbered(item, n)).collect()),
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| (text(name), numbered(value, n)))
                .collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => item.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn set(path: &str, value: Value) -> Value {
        let base = json!({"spec": {"targets": [{"name": "a"}]}});
        edited(&base, &[], &BTreeMap::from([(path.to_owned(), value)])).unwrap()
    }

    #[test]
    fn a_path_reaches_into_lists_and_makes_objects_on_its_way() {
        assert_eq!(
            set("spec.targets[0].weight", json!(0)),
            json!({"spec": {"targets": [{"name": "a", "weight": 0}]}})
        );
        assert_eq!(
            set("spec.match.when", json!("x"))["spec"]["match"],
            json!({"when": "x"})
        );
    }

    #[test]
    fn a_text_may_be_repeated_and_an_item_numbered() {
        assert_eq!(
            set("spec.x", json!({"repeat": "ab", "times": 3}))["spec"]["x"],
            json!("ababab")
        );
        assert_eq!(
            set("spec.x", json!({"each": {"name": "m{n}"}, "times": 2}))["spec"]["x"],
            json!([{"name": "m0"}, {"name": "m1"}])
        );
        assert_eq!(
            set("spec.x", json!([{"repeat": "a", "times": 2}]))["spec"]["x"],
            json!(["aa"])
        );
    }
}
