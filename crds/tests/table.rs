//! The table of YAML, as far as it can be judged by the CRDs alone: their CEL rules are run here, and what the table leaves out is named.
//!
//! The rest of a schema (types, bounds, patterns) is tried on the same cases by the compiler's validator, which reads these CRDs, and by a
//! real API server.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

use std::collections::{BTreeMap, BTreeSet};

use fairlead_crds::table::{self, Case, Outcome};
use kube::core::cel::{ValidationError, Validator};
use serde_json::Value;

fn cases() -> Vec<Case> {
    table::cases().unwrap()
}

/// The schema of each kind.
fn schemas() -> BTreeMap<String, Value> {
    let schema = |crd: &k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition| {
        let validation = crd.spec.versions[0].schema.as_ref().unwrap();
        serde_json::to_value(validation.open_api_v3_schema.as_ref().unwrap()).unwrap()
    };
    fairlead_crds::all()
        .iter()
        .map(|crd| (crd.spec.names.kind.clone(), schema(crd)))
        .collect()
}

/// The rules that an object breaks.
fn broken(
    schemas: &BTreeMap<String, Value>,
    object: &Value,
    before: Option<&Value>,
) -> Vec<ValidationError> {
    let schema = &schemas[kind_of(object)];
    let before = before.map(without_nulls);
    let checked = Validator::new().validate(schema, &without_nulls(object), before.as_ref());
    checked.map_or_else(|errors| errors.into_vec(), |()| Vec::new())
}

/// To the API server's rules a null is absent; to this engine it is there.
fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| (name.clone(), without_nulls(value)))
            .collect(),
        Value::Array(items) => items.iter().map(without_nulls).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    }
}

fn kind_of(object: &Value) -> &str {
    object["kind"].as_str().unwrap()
}

/// A schema and everything below it, by path: `spec.targets[].weight`.
fn each<'s>(schema: &'s Value, path: &str, found: &mut Vec<(String, &'s Value)>) {
    found.push((path.to_owned(), schema));
    for (name, field) in schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| *name != "status")
    {
        each(
            field,
            format!("{path}.{name}").trim_start_matches('.'),
            found,
        );
    }
    if schema["items"].is_object() {
        each(&schema["items"], &format!("{path}[]"), found);
    }
}

#[test]
fn what_the_table_says_is_stored_breaks_no_rule() {
    let schemas = schemas();
    for case in cases() {
        if let Some(before) = &case.before {
            assert!(
                broken(&schemas, before, None).is_empty(),
                "{}: {}: the object before the update",
                case.file,
                case.name
            );
        }
        if !matches!(case.outcome, Outcome::Refused { .. }) {
            let errors = broken(&schemas, &case.object, case.before.as_ref());
            assert!(
                errors.is_empty(),
                "{}: {}: {errors:?}",
                case.file,
                case.name
            );
        }
    }
    for object in table::world().unwrap() {
        if object["apiVersion"] == "fairlead.dev/v1alpha1" {
            assert!(
                broken(&schemas, &object, None).is_empty(),
                "world.yaml: {object}"
            );
        }
    }
}

#[test]
fn every_rule_refuses_a_case_of_its_kind_by_its_own_words_and_field() {
    let schemas = schemas();
    let mut silent = rules(&schemas);
    assert!(silent.len() > 20, "{silent:?}");
    for case in cases() {
        let Outcome::Refused { field, says, .. } = &case.outcome else {
            continue;
        };
        let (kind, file, name) = (kind_of(&case.object), case.file, &case.name);
        if !rules(&schemas)
            .iter()
            .any(|(of, message)| of == kind && message.contains(says.as_str()))
        {
            continue;
        }
        let errors = broken(&schemas, &case.object, case.before.as_ref());
        let blamed = errors.iter().find(|error| {
            error.message.contains(says.as_str())
                && (error.field_path == *field || error.message.starts_with(field.as_str()))
        });
        let blamed = blamed.unwrap_or_else(|| {
            panic!("{file}: {name}: no rule refuses it as it says, but: {errors:?}")
        });
        silent.remove(&(kind.to_owned(), blamed.message.clone()));
    }
    assert!(
        silent.is_empty(),
        "no case of the table breaks these rules: {silent:#?}"
    );
}

/// Kind and message of every rule.
fn rules(schemas: &BTreeMap<String, Value>) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (kind, schema) in schemas {
        let mut all = Vec::new();
        each(schema, "", &mut all);
        for (path, schema) in all {
            for rule in schema["x-kubernetes-validations"]
                .as_array()
                .into_iter()
                .flatten()
            {
                let message = rule["message"]
                    .as_str()
                    .unwrap_or_else(|| panic!("{kind}: {path}: a rule says nothing: {rule}"));
                found.insert((kind.clone(), message.to_owned()));
            }
        }
    }
    found
}

#[test]
fn every_field_is_written_by_an_accepted_case() {
    let mut written: BTreeSet<(String, String)> = BTreeSet::new();
    for case in cases()
        .iter()
        .filter(|case| case.outcome == Outcome::Accepted)
    {
        let mut found = Vec::new();
        paths(&case.object, "", &mut found);
        written.extend(
            found
                .into_iter()
                .map(|path| (kind_of(&case.object).to_owned(), path)),
        );
    }
    assert_eq!(
        fields(|_| true).difference(&written).collect::<Vec<_>>(),
        Vec::<&(String, String)>::new()
    );
}

#[test]
fn every_field_that_can_be_wrong_is_refused_once() {
    // Shapes that stand in several places (a provider's reference, a Secret's) are refused in one of them.
    let shape = |path: &str| {
        path.rsplitn(3, '.')
            .take(2)
            .collect::<Vec<_>>()
            .join(" of ")
            .replace("[]", "")
    };
    let blamed = |case: &Case| match &case.outcome {
        Outcome::Refused { field, .. } => Some(shape(&unnumbered(field))),
        Outcome::Condition { .. } | Outcome::Accepted => None,
    };
    let refused: BTreeSet<String> = cases().iter().filter_map(blamed).collect();
    let untried: Vec<String> = fields(|schema| schema["type"] != "object")
        .into_iter()
        .map(|(_, path)| path)
        .filter(|path| !refused.contains(&shape(path)))
        .collect();
    assert_eq!(untried, [""; 0]);
}

/// Kind and path of every field of a spec whose schema is of interest.
fn fields(of_interest: impl Fn(&Value) -> bool) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for (kind, schema) in &schemas() {
        let mut all = Vec::new();
        each(schema, "", &mut all);
        let named = all.into_iter().filter(|(path, schema)| {
            path.starts_with("spec") && !path.ends_with("[]") && of_interest(schema)
        });
        found.extend(named.map(|(path, _)| (kind.clone(), path)));
    }
    found
}

/// The path of every value in `value` that is not null, as [`each`] writes it.
fn paths(value: &Value, path: &str, found: &mut Vec<String>) {
    if value.is_null() {
        return;
    }
    for (name, member) in value.as_object().into_iter().flatten() {
        paths(
            member,
            format!("{path}.{name}").trim_start_matches('.'),
            found,
        );
    }
    for item in value.as_array().into_iter().flatten() {
        paths(item, &format!("{path}[]"), found);
    }
    found.push(path.to_owned());
}

/// `spec.targets[1].weight` -> `spec.targets[].weight`.
fn unnumbered(field: &str) -> String {
    field.chars().filter(|c| !c.is_ascii_digit()).collect()
}
