use serde_json::{Value, json};

use super::*;
use crate::finding::Finding;
use crate::path::Path;

fn faults(kind: &str, spec: &Value) -> Vec<String> {
    let mut faults: Vec<Finding> = Vec::new();
    spec_of(kind)
        .unwrap()
        .check(spec, &Path::of("spec"), &mut faults);
    faults
        .iter()
        .map(|fault| format!("{fault} [{}]", fault.reason))
        .collect()
}

fn rule(extra: &Value) -> Value {
    let mut spec = json!({"targets": [{"name": "a", "providerRef": {"name": "p"}}]});
    spec.as_object_mut()
        .unwrap()
        .extend(extra.as_object().unwrap().clone());
    spec
}

#[test]
fn accepts_what_the_schema_allows() {
    assert_eq!(
        faults(
            "RoutingRule",
            &rule(&json!({"priority": 10000, "match": {"models": ["gpt-*"]}, "scope": null}))
        ),
        Vec::<String>::new()
    );
}

#[test]
fn names_a_misspelt_field_and_the_one_that_was_meant() {
    assert_eq!(
        faults("RoutingRule", &rule(&json!({"target": []}))),
        ["spec.target: is not a field of the API (did you mean \"targets\"?) [UnknownField]"]
    );
}

#[test]
fn says_what_is_missing_even_where_it_is_null() {
    assert_eq!(
        faults("VirtualKey", &json!({"key": null})),
        ["spec.key: is required [Required]"]
    );
    assert_eq!(
        faults(
            "VirtualKey",
            &json!({"key": {"type": "SecretRef", "secretRef": {}}})
        ),
        ["spec.key.secretRef.name: is required [Required]"]
    );
}

#[test]
fn a_wrong_type_names_the_right_one() {
    assert_eq!(
        faults("VirtualKey", &json!("x")),
        ["spec: must be an object, not a text [Invalid]"]
    );
    assert_eq!(
        faults("RoutingRule", &rule(&json!({"priority": "1"}))),
        ["spec.priority: must be a whole number, not a text [Invalid]"]
    );
    assert_eq!(
        faults("RoutingRule", &rule(&json!({"priority": 1.5}))),
        ["spec.priority: must be a whole number, not a number with a fraction [Invalid]"]
    );
    assert_eq!(
        faults("RoutingRule", &json!({"targets": {}})),
        ["spec.targets: must be a list, not an object [Invalid]"]
    );
}

#[test]
fn bounds_are_told_with_what_was_found() {
    assert_eq!(
        faults("RoutingRule", &json!({"targets": []})),
        ["spec.targets: must have 1 to 16 items, not 0 [Invalid]"]
    );
    assert_eq!(
        faults("RoutingRule", &rule(&json!({"priority": -1}))),
        ["spec.priority: must be 0 to 10000 [Invalid]"]
    );
    assert_eq!(
        faults("RoutingRule", &rule(&json!({"match": {"when": ""}}))),
        ["spec.match.when: must have 1 to 1024 characters, not 0 [Invalid]"]
    );
    let labels: serde_json::Map<String, Value> =
        (0..17).map(|at| (format!("l{at}"), json!("x"))).collect();
    assert_eq!(
        faults(
            "Organization",
            &json!({"namespaceSelector": {"matchLabels": labels}})
        ),
        ["spec.namespaceSelector.matchLabels: must have at most 16 entries, not 17 [Invalid]"]
    );
}

#[test]
fn an_unknown_choice_lists_the_known_ones() {
    assert_eq!(
        faults("LLMProvider", &json!({"type": "OpenAi"})),
        [
            "spec.type: must be one of OpenAI, AzureOpenAI, Anthropic, Gemini, VertexAI, Bedrock, Cohere, Groq, Mistral, DeepSeek, XAI, Together, Fireworks, OpenRouter, Perplexity, Cerebras, Nebius, HuggingFace, NvidiaNIM, Cloudflare, Databricks, Ollama, VLLM, SGLang, LlamaCpp, LMStudio, Simulated (did you mean \"OpenAI\"?) [Invalid]"
        ]
    );
}

#[test]
fn a_text_that_does_not_fit_is_never_repeated() {
    let found = faults(
        "LLMProvider",
        &json!({"type": "OpenAI", "baseURL": "https://user:hunter2@example.com"}),
    );
    assert_eq!(
        found,
        [
            "spec.baseURL: must be an http:// or https:// URL: a host, a port from 1 to 65535 if any, a path, but no user, query or fragment [Invalid]"
        ]
    );
}

#[test]
fn what_must_be_unique_may_not_stand_twice() {
    let twice = json!({"targets": [{"name": "a", "providerRef": {"name": "p"}}, {"name": "a", "providerRef": {"name": "q"}}]});
    assert_eq!(
        faults("RoutingRule", &twice),
        ["spec.targets[1].name: this name stands twice; see the item 0 [Duplicate]"]
    );
    assert_eq!(
        faults(
            "RoutingRule",
            &rule(&json!({"match": {"models": ["a", "b", "a"]}}))
        ),
        ["spec.match.models[2]: this value stands twice; see the item 0 [Duplicate]"]
    );
}

#[test]
fn a_moment_is_written_as_in_rfc_3339() {
    let key = |at: &str| json!({"key": {"type": "Generate", "secretRef": {"name": "s"}}, "expiresAt": at});
    for good in ["2027-01-01T00:00:00Z", "2027-01-01T00:00:00.5+02:00"] {
        assert!(faults("VirtualKey", &key(good)).is_empty(), "{good}");
    }
    for bad in [
        "2027-01-01",
        "2027-01-01 00:00:00Z",
        "2027-01-01T00:00:00",
        "2027-13-01T00:00:00Z",
        "soon",
    ] {
        assert_eq!(faults("VirtualKey", &key(bad)).len(), 1, "{bad}");
    }
}

#[test]
fn reports_every_fault_at_once() {
    assert_eq!(
        faults(
            "RoutingRule",
            &json!({"targets": [{"name": "A"}], "nope": 1})
        )
        .len(),
        3
    );
}

/// A keyword that the validator does not know would go unchecked in standalone while the API server enforces it.
#[test]
fn knows_every_keyword_of_our_schemas() {
    const KNOWN: [&str; 21] = [
        "type",
        "properties",
        "required",
        "items",
        "enum",
        "pattern",
        "format",
        "minLength",
        "maxLength",
        "minimum",
        "maximum",
        "minItems",
        "maxItems",
        "maxProperties",
        "nullable",
        "additionalProperties",
        // Checked by `amend`.
        "x-kubernetes-preserve-unknown-fields",
        "x-kubernetes-list-type",
        "x-kubernetes-list-map-keys",
        // Checked by each kind's parser.
        "x-kubernetes-validations",
        "description",
    ];
    fn walk(schema: &Value, kind: &str) {
        for (keyword, value) in schema.as_object().unwrap() {
            assert!(KNOWN.contains(&keyword.as_str()), "{kind}: {keyword}");
            match keyword.as_str() {
                "properties" => value
                    .as_object()
                    .unwrap()
                    .values()
                    .for_each(|field| walk(field, kind)),
                "items" | "additionalProperties" => walk(value, kind),
                _ => {}
            }
        }
    }
    for crd in fairlead_crds::all() {
        walk(
            &serde_json::to_value(load::spec_props(&crd).unwrap()).unwrap(),
            &crd.spec.names.kind,
        );
    }
}
