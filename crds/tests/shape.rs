//! What holds for every schema: every field explained, everything bounded, no defaults.
//!
//! Bounds are what keeps CEL rules within the API server's cost limit; a default inside a list makes GitOps tools see drift for ever.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

use serde_json::Value;

/// Where in a schema, and of which kind.
type Place = (String, Value);

/// The items of `status.conditions` are Kubernetes' own `metav1.Condition`, whose Go type bounds no text either and says so only in
/// markers that its OpenAPI form has lost. Nobody but the operator writes them, and no rule reads them.
const FOREIGN: &str = "status.conditions[]";

/// Every schema below the root of every kind, ours only.
fn schemas() -> Vec<Place> {
    let mut found = Vec::new();
    for crd in fairlead_crds::all() {
        assert_eq!(
            crd.spec.versions.len(),
            1,
            "{}: one version",
            crd.spec.names.kind
        );
        let validation = crd.spec.versions[0].schema.as_ref().unwrap();
        let root = serde_json::to_value(validation.open_api_v3_schema.as_ref().unwrap()).unwrap();
        walk(&crd.spec.names.kind, "", &root, &mut found);
    }
    assert!(found.len() > 100, "only {} schemas were found", found.len());
    found
}

fn walk(kind: &str, path: &str, schema: &Value, found: &mut Vec<Place>) {
    if path == FOREIGN {
        return;
    }
    found.push((format!("{kind}: {path}"), schema.clone()));
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        walk(kind, &path, field, found);
    }
    for (keyword, suffix) in [("items", "[]"), ("additionalProperties", "{}")] {
        if schema[keyword].is_object() {
            walk(kind, &format!("{path}{suffix}"), &schema[keyword], found);
        }
    }
}

/// The places of the schemas that `wrong` picks.
fn places(wrong: impl Fn(&str, &Value) -> bool) -> Vec<String> {
    schemas()
        .into_iter()
        .filter(|(place, schema)| wrong(place, schema))
        .map(|(place, _)| place)
        .collect()
}

#[test]
fn every_field_is_described() {
    let is_item = |place: &str| place.ends_with("[]") || place.ends_with("{}");
    assert_eq!(
        places(|place, schema| !is_item(place)
            && schema["description"]
                .as_str()
                .is_none_or(|text| text.len() < 10)),
        [""; 0]
    );
}

#[test]
fn no_description_is_one_that_the_derive_made_up() {
    assert_eq!(
        places(|_, schema| schema["description"]
            .as_str()
            .is_some_and(|text| text.contains("Auto-generated"))),
        [""; 0]
    );
}

#[test]
fn every_text_is_bounded() {
    let bounded = |schema: &Value| {
        schema["maxLength"].is_u64() || schema["enum"].is_array() || schema["format"] == "date-time"
    };
    assert_eq!(
        places(|_, schema| schema["type"] == "string" && !bounded(schema)),
        [""; 0]
    );
}

#[test]
fn every_number_is_bounded() {
    // A generation only rises; there is no most.
    let bounded = |schema: &Value| {
        schema["minimum"].is_number()
            && (schema["maximum"].is_number() || schema["format"] == "int64")
    };
    assert_eq!(
        places(
            |_, schema| matches!(schema["type"].as_str(), Some("integer" | "number"))
                && !bounded(schema)
        ),
        [""; 0]
    );
}

#[test]
fn every_list_and_map_is_bounded() {
    assert_eq!(
        places(|_, schema| schema["type"] == "array" && !schema["maxItems"].is_u64()),
        [""; 0]
    );
    assert_eq!(
        places(|_, schema| schema["additionalProperties"].is_object()
            && !schema["maxProperties"].is_u64()),
        [""; 0]
    );
}

#[test]
fn every_list_says_how_it_is_merged() {
    assert_eq!(
        places(
            |_, schema| schema["type"] == "array" && !schema["x-kubernetes-list-type"].is_string()
        ),
        [""; 0]
    );
}

#[test]
fn every_schema_has_a_type_and_takes_no_unknown_fields() {
    // What is set in a provider's requests is the provider's to judge.
    let free = |path: &str| {
        path.ends_with("parameters.defaults") || path.ends_with("parameters.overrides")
    };
    assert_eq!(
        places(|path, schema| !schema["type"].is_string()
            || !schema["x-kubernetes-preserve-unknown-fields"].is_null() && !free(path)),
        [""; 0]
    );
}

#[test]
fn there_is_no_default() {
    assert_eq!(places(|_, schema| !schema["default"].is_null()), [""; 0]);
}

#[test]
fn only_fields_that_must_be_there_are_required() {
    // `Option` in Rust and `required` in the schema must not part ways, as they do where a field's schema is written by hand.
    assert_eq!(
        places(|_, schema| {
            let required = schema["required"].as_array();
            required
                .into_iter()
                .flatten()
                .any(|name| schema["properties"][name.as_str().unwrap()]["nullable"] == true)
        }),
        [""; 0]
    );
}

#[test]
fn every_kind_is_found_by_its_category_and_shows_whether_it_is_programmed() {
    for crd in fairlead_crds::all() {
        let kind = &crd.spec.names.kind;
        assert_eq!(
            crd.spec.names.categories.as_deref(),
            Some(&["fairlead".to_owned()][..]),
            "{kind}"
        );
        let columns: Vec<&str> = crd.spec.versions[0]
            .additional_printer_columns
            .iter()
            .flatten()
            .map(|column| column.name.as_str())
            .collect();
        for wanted in ["Programmed", "Reason", "Age"] {
            assert!(columns.contains(&wanted), "{kind} has no column {wanted}");
        }
    }
}
