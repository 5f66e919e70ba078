//! The names that callers and configurations use for a model, and which row each of them finds.

use proptest::prelude::*;

use fairlead_catalog::{Catalog, Feature, Support};

fn found(vendor: &str, model: &str) -> Option<&'static str> {
    Catalog::builtin()
        .find(vendor, model)
        .map(fairlead_catalog::Model::id)
}

#[test]
fn a_vendor_goes_by_its_other_names_and_in_any_case() {
    for vendor in ["amazon-bedrock", "Bedrock", "aws"] {
        assert_eq!(
            Catalog::builtin()
                .vendor(vendor)
                .map(fairlead_catalog::Vendor::id),
            Some("amazon-bedrock")
        );
    }
    // The types of an LLMProvider.
    for vendor in [
        "OpenAI",
        "AzureOpenAI",
        "Anthropic",
        "Gemini",
        "VertexAI",
        "Bedrock",
        "Cohere",
        "Groq",
        "Mistral",
    ] {
        assert!(Catalog::builtin().vendor(vendor).is_some(), "{vendor}");
    }
    assert_eq!(found("nobody", "gpt-4o"), None);
}

#[test]
fn a_vendor_is_known_by_the_host_of_its_api() {
    let at = |host| {
        Catalog::builtin()
            .vendor_at(host)
            .map(fairlead_catalog::Vendor::id)
    };
    assert_eq!(at("api.groq.com"), Some("groq"));
    assert_eq!(at("API.OpenAI.com"), Some("openai"));
    assert_eq!(at("llm.example.com"), None);
}

#[test]
fn a_snapshot_without_a_row_is_its_model_and_a_model_without_a_row_its_newest_snapshot() {
    assert_eq!(
        found("openai", "gpt-4o-2024-05-13"),
        Some("gpt-4o-2024-05-13"),
        "its own row: it costs more"
    );
    assert_eq!(found("openai", "gpt-4o-2031-01-01"), Some("gpt-4o"));
    assert_eq!(
        found("anthropic", "claude-opus-5-5-20311224"),
        Some("claude-opus-5-5")
    );
    assert_eq!(
        found("anthropic", "claude-opus-5-5-latest"),
        Some("claude-opus-5-5")
    );
    assert_eq!(
        found("anthropic", "claude-3-opus"),
        Some("claude-3-opus-latest")
    );
    assert_eq!(
        found("google", "gemini-2.5-pro-001"),
        Some("gemini-2.5-pro")
    );
}

#[test]
fn four_digits_are_no_date() {
    assert_eq!(
        found("mistral", "mistral-large-2411"),
        Some("mistral-large-2411")
    );
    assert_eq!(found("mistral", "mistral-large-9912"), None);
    assert_eq!(found("openai", "gpt-4-9999"), None);
}

#[test]
fn a_path_or_the_vendor_in_front_is_taken_off() {
    assert_eq!(
        found("Gemini", "models/gemini-2.5-pro"),
        Some("gemini-2.5-pro")
    );
    assert_eq!(
        found("VertexAI", "publishers/google/models/gemini-2.5-pro"),
        Some("gemini-2.5-pro")
    );
    assert_eq!(found("openai", "openai/gpt-5"), Some("gpt-5"));
    assert_eq!(found("xai", "x-ai/grok-4.7"), Some("grok-4.7"));
    assert_eq!(
        found("fireworks", "accounts/fireworks/models/deepseek-v3"),
        found("fireworks", "deepseek-v3")
    );
    assert_eq!(
        found("openai", "anthropic/claude-opus-5-5"),
        None,
        "another vendor's"
    );
}

#[test]
fn bedrock_ids_lose_region_and_version_only_as_far_as_they_must() {
    let id = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
    assert_eq!(
        found("bedrock", id),
        Some(id),
        "a region has prices of its own"
    );
    assert_eq!(
        found("bedrock", "ca.anthropic.claude-3-5-haiku-20241022-v1:0"),
        Some("anthropic.claude-3-5-haiku-20241022-v1:0")
    );
    assert_eq!(
        found("bedrock", "anthropic.claude-opus-4-7-v1:0"),
        Some("anthropic.claude-opus-4-7")
    );
    assert_eq!(
        found("bedrock", "amazon.nova-pro-v1:0:300k"),
        Some("amazon.nova-pro-v1:0")
    );
    let arn = "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-pro-v1:0";
    assert_eq!(found("bedrock", arn), Some("amazon.nova-pro-v1:0"));
    let profile =
        "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/a1b2c3d4e5f6";
    assert_eq!(
        found("bedrock", profile),
        None,
        "says nothing about its model"
    );
}

#[test]
fn vertex_dates_stand_behind_an_at_sign() {
    assert_eq!(
        found("vertex", "claude-sonnet-4-5@20250929"),
        Some("claude-sonnet-4-5@20250929")
    );
    assert_eq!(
        found("vertex", "claude-opus-4-6@20311224"),
        found("vertex", "claude-opus-4-6")
    );
    assert!(found("vertex", "claude-opus-4-6").is_some());
}

#[test]
fn routers_put_vendor_and_variant_around_the_name() {
    assert_eq!(
        found("openrouter", "anthropic/claude-sonnet-4.5:nitro"),
        Some("anthropic/claude-sonnet-4.5")
    );
    assert_eq!(
        found("openrouter", "anthropic/claude-sonnet-4.5:free"),
        None,
        "another price"
    );
}

#[test]
fn a_fine_tuned_model_has_the_price_of_its_base() {
    assert_eq!(
        found("openai", "ft:gpt-4o-2024-08-06:acme:support:AbCd1234"),
        Some("ft:gpt-4o-2024-08-06")
    );
}

#[test]
fn an_azure_deployment_is_not_guessed() {
    assert_eq!(
        found("azure", "gpt-4o"),
        Some("gpt-4o"),
        "the name of a model"
    );
    assert_eq!(found("azure", "gpt-4o-latest"), None);
    assert_eq!(found("azure", "openai/gpt-4o"), None);
    assert_eq!(found("azure", "production"), None);
}

#[test]
fn compatible_servers_serve_models_of_known_makers() {
    let any = |name| Catalog::builtin().find_any(name);
    for name in [
        "meta-llama/Llama-3.3-70B-Instruct",
        "Qwen/Qwen3-8B",
        "qwen3:8b",
        "openai/gpt-oss-120b",
        "deepseek-ai/DeepSeek-R1",
    ] {
        let model = any(name).unwrap_or_else(|| panic!("{name}"));
        assert_ne!(
            model.supports(Feature::Tools),
            Support::No,
            "{name}: {} {}",
            model.vendor(),
            model.id()
        );
    }
    assert_eq!(
        any("gpt-4o-2031-01-01").map(|model| (model.vendor(), model.id())),
        Some(("openai", "gpt-4o"))
    );
    assert_eq!(
        any("claude-sonnet-4.5").map(fairlead_catalog::Model::vendor),
        Some("anthropic")
    );
    assert_eq!(any("").map(fairlead_catalog::Model::id), None);
    assert_eq!(any("my-own-model").map(fairlead_catalog::Model::id), None);
}

fn names() -> impl Strategy<Value = String> {
    let models = Catalog::builtin().models();
    let known = (0..models.len()).prop_map(move |place| {
        models
            .get(place)
            .map_or("", fairlead_catalog::Model::id)
            .to_owned()
    });
    let pieces = prop::sample::select(vec![
        "",
        "-",
        "@",
        ":",
        "/",
        "models/",
        "arn:",
        "us.",
        "-latest",
        "-2026-02-30",
        "-20260230",
        "-v1:0",
        "ft:",
        "é",
        "\0",
    ]);
    let mixed = (pieces.clone(), known.clone(), pieces)
        .prop_map(|(before, name, after)| format!("{before}{name}{after}"));
    prop_oneof![any::<String>(), known, mixed, "[-a-z0-9.:@/é]{0,40}"]
}

proptest! {
    #[test]
    fn looking_up_never_panics(vendor in names(), model in names(), known in 0..98_usize) {
        let catalog = Catalog::builtin();
        let _ = catalog.find(&vendor, &model);
        let _ = catalog.find_any(&model);
        let _ = catalog.vendor_at(&vendor);
        if let Some(vendor) = catalog.vendors().get(known) {
            let _ = catalog.find(vendor.id(), &model);
        }
    }

    #[test]
    fn case_does_not_matter(place in 0..6_000_usize) {
        let catalog = Catalog::builtin();
        if let Some(model) = catalog.models().get(place) {
            let found = catalog.find(&model.vendor().to_uppercase(), &model.id().to_uppercase());
            prop_assert_eq!(found.map(fairlead_catalog::Model::id), Some(model.id()));
        }
    }
}
