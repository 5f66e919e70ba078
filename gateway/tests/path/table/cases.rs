//! Reads the table by the rules of its README: each case is its file's base object with a few edits.

use std::path::Path;

use fairlead_compile::documents;
use serde_json::{Map, Value};

/// The namespace of the gateway in the table.
pub(super) const GATEWAY_NAMESPACE: &str = "fairlead-system";

/// One case.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) file: String,
    pub(super) name: String,
    pub(super) also: Vec<Value>,
    pub(super) object: Value,
    pub(super) is_update: bool,
    pub(super) outcome: Outcome,
}

/// What becomes of the object, as far as a compiler can tell.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Something is wrong with it or with what it names.
    Bad { field: String, reason: String },
    /// Nothing is.
    Good,
}

/// The objects that every case finds in place.
pub(super) fn world() -> Vec<Value> {
    read("world.yaml")
}

/// Every case of every file.
pub(super) fn cases() -> Vec<Case> {
    let files = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut files: Vec<String> = files
        .filter(|name| name.ends_with(".yaml") && name != "world.yaml")
        .collect();
    files.sort();
    files.iter().flat_map(|file| cases_of(file)).collect()
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crds/tests/table"))
}

fn read(file: &str) -> Vec<Value> {
    let text = std::fs::read_to_string(folder().join(file)).unwrap();
    documents(file, &text)
        .unwrap()
        .into_iter()
        .map(|document| document.value)
        .collect()
}

fn cases_of(file: &str) -> Vec<Case> {
    let table = read(file).swap_remove(0);
    let rows = table["cases"].as_array().expect("a table has cases");
    rows.iter()
        .map(|row| case(file, &table["base"], row))
        .collect()
}

fn case(file: &str, base: &Value, row: &Value) -> Case {
    let mut object = base.clone();
    edit(&mut object, row);
    edit(&mut object, &row["then"]);
    let text = |name: &str| row[name].as_str().map(str::to_owned);
    let outcome = match row["outcome"].as_str() {
        Some("Accepted") => Outcome::Good,
        Some("Refused" | "Condition") => Outcome::Bad {
            field: text("field").expect("what is wrong has a field"),
            reason: text("reason").unwrap_or_else(|| "Invalid".to_owned()),
        },
        other => panic!("{file}: {row}: the outcome is {other:?}"),
    };
    Case {
        file: file.to_owned(),
        name: text("name").expect("a case has a name"),
        also: row["also"].as_array().cloned().unwrap_or_default(),
        object,
        is_update: row.get("then").is_some(),
        outcome,
    }
}

/// `unset`, then `set`.
fn edit(object: &mut Value, edits: &Value) {
    for path in edits["unset"].as_array().into_iter().flatten() {
        let path = path.as_str().unwrap();
        let (parent, last) = path.rsplit_once('.').unwrap_or(("", path));
        place(object, parent).as_object_mut().unwrap().remove(last);
    }
    for (path, value) in edits["set"].as_object().into_iter().flatten() {
        *place(object, path) = expanded(value);
    }
}

/// The place of a path such as `spec.targets[0].weight`; objects on the way are made.
fn place<'v>(object: &'v mut Value, path: &str) -> &'v mut Value {
    let steps = path.split(['.', '[']).filter(|step| !step.is_empty());
    steps.fold(object, |at, step| match step.strip_suffix(']') {
        Some(index) => at
            .get_mut(index.parse::<usize>().unwrap())
            .expect("the list has the item"),
        None => at
            .as_object_mut()
            .expect("a field lies in an object")
            .entry(step)
            .or_insert_with(|| Value::Object(Map::new())),
    })
}

/// `{repeat: TEXT, times: N}` and `{each: ITEM, times: N}` written out.
fn expanded(value: &Value) -> Value {
    let times = || usize::try_from(value["times"].as_u64().unwrap()).unwrap();
    match value {
        Value::Object(members) if members.contains_key("repeat") => {
            value["repeat"].as_str().unwrap().repeat(times()).into()
        }
        Value::Object(members) if members.contains_key("each") => {
            let item = value["each"].to_string();
            (0..times())
                .map(|n| {
                    serde_json::from_str::<Value>(&item.replace("{n}", &n.to_string())).unwrap()
                })
                .collect()
        }
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| (name.clone(), expanded(value)))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(expanded).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}
