//! Every file of `tests/import/`: what is made of it, what is told, and that the compiler takes it. Nothing that anybody may write makes it panic.
//!
//! `cargo insta review`, or `INSTA_UPDATE=always cargo test`, takes over what has changed; read the difference first.

#![expect(
    clippy::unwrap_used,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use fairlead_compile::{Inputs, Settings, Verdict, compile, documents, report};
use fairlead_start::{Import, ImportError, Shown, import};
use proptest::prelude::*;

/// Every variable is set but those of this name.
fn variable(name: &str) -> Option<String> {
    match name {
        "AZURE_API_BASE" | "AZURE_ENDPOINT_EAST" => {
            Some("https://east.openai.azure.com/".to_owned())
        }
        "AWS_REGION" => Some("eu-central-1".to_owned()),
        name if name.starts_with("UNSET") => None,
        name => Some(format!(
            "secret-of-{}-0123456789abcdef",
            name.to_lowercase()
        )),
    }
}

fn fixtures() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|end| end == "yaml" || end == "json")
        })
        .collect();
    files.sort();
    files
}

/// The files, and that the compiler has nothing to say against them.
fn accepted(import: &Import, shown: Shown) -> String {
    let mut text = String::new();
    let mut all = Vec::new();
    for file in import.resources.files(shown) {
        let _ = writeln!(text, "=== {}", file.name);
        text.push_str(&file.text);
        if file.name.ends_with(".yaml") {
            all.extend(documents(file.name, &file.text).unwrap());
        }
    }
    let (inputs, strays) = Inputs::from_documents(Settings::new("default"), all);
    let compiled = compile(None, &inputs);
    let verdicts: Vec<Verdict> = strays.into_iter().chain(compiled.verdicts).collect();
    assert!(
        verdicts.iter().all(Verdict::is_good),
        "{}\n{text}",
        report(&verdicts)
    );
    text
}

#[test]
fn every_fixture_becomes_what_it_did() {
    let fixtures = fixtures();
    assert!(fixtures.len() >= 4, "fixtures are missing");
    for path in fixtures {
        let import = import(&fs::read_to_string(&path).unwrap(), &variable).unwrap();
        let mut text = accepted(&import, Shown::Values);
        text.push_str("=== not carried over\n");
        for note in &import.notes {
            let _ = writeln!(text, "{note}");
        }
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        insta::with_settings!({snapshot_path => "import", prepend_module_to_snapshot => false, omit_expression => true}, {
            insta::assert_snapshot!(name, text);
        });
    }
}

#[test]
fn what_everybody_may_see_holds_no_secret_and_is_accepted() {
    for path in fixtures() {
        let import = import(&fs::read_to_string(&path).unwrap(), &variable).unwrap();
        let text = accepted(&import, Shown::Nothing) + &format!("{import:?}");
        assert!(
            !text.contains("secret-of-") && !text.contains("literal-secret"),
            "{}\n{text}",
            path.display()
        );
    }
}

#[test]
fn a_file_of_nobody_is_refused_without_being_quoted() {
    for text in ["", "[]", "a: 1", "model_list: {}", "providers: []"] {
        assert_eq!(
            import(text, &variable).unwrap_err(),
            ImportError::Unknown,
            "{text}"
        );
    }
    let error = import("model_list: [\nkey: sk-literal-secret", &variable).unwrap_err();
    assert!(matches!(error, ImportError::Unreadable { .. }), "{error}");
    assert!(!error.to_string().contains("literal-secret"));
}

#[test]
fn anchors_and_merge_keys_are_followed() {
    let text = "
base: &base {api_key: sk-literal-secret, api_base: 'https://one.example/v1'}
model_list:
- model_name: chat
  litellm_params: {<<: *base, model: openai/one}
";
    let import = import(text, &variable).unwrap();
    assert!(accepted(&import, Shown::Values).contains("https://one.example/v1"));
    assert_eq!(import.notes.len(), 1, "{:?}", import.notes);
}

/// Values of every shape under the names that are looked for, so that more than the first step is reached.
fn odd(depth: u32) -> BoxedStrategy<serde_json::Value> {
    let text = prop_oneof![
        prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned),
        any::<String>(),
        "[a-z/*.:-]{0,12}",
    ];
    let leaf = prop_oneof![
        4 => text.prop_map(serde_json::Value::from),
        1 => any::<f64>().prop_map(serde_json::Value::from),
        1 => any::<i64>().prop_map(serde_json::Value::from),
        1 => any::<bool>().prop_map(serde_json::Value::from),
        1 => Just(serde_json::Value::Null),
    ];
    leaf.prop_recursive(depth, 64, 6, |inner| {
        let name = prop_oneof![8 => prop::sample::select(WORDS.to_vec()).prop_map(str::to_owned), 1 => any::<String>()];
        let fields = prop::collection::vec((name, inner.clone()), 0..6);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(serde_json::Value::from),
            fields.prop_map(|fields| serde_json::Value::Object(fields.into_iter().collect())),
        ]
    })
    .boxed()
}

const WORDS: &[&str] = &[
    "model_name",
    "litellm_params",
    "model",
    "api_key",
    "api_base",
    "weight",
    "rpm",
    "order",
    "timeout",
    "stream_timeout",
    "num_retries",
    "fallbacks",
    "default_fallbacks",
    "model_group_alias",
    "master_key",
    "credential_list",
    "credential_name",
    "credential_values",
    "litellm_credential_name",
    "aws_region_name",
    "aws_access_key_id",
    "os.environ/A",
    "os.environ/UNSET",
    "env.A",
    "env.UNSET",
    "openai/gpt-5",
    "azure/x",
    "bedrock/converse/us-east-1/anthropic.claude",
    "*",
    "openai/*",
    "claude-*",
    "anthropic/claude-*",
    "gpt-4o",
    "keys",
    "value",
    "models",
    "aliases",
    "name",
    "id",
    "network_config",
    "base_url",
    "max_retries",
    "azure_key_config",
    "endpoint",
    "bedrock_key_config",
    "region",
    "virtual_keys",
    "provider_configs",
    "provider",
    "allowed_models",
    "routing_rules",
    "cel_expression",
    "targets",
    "scope",
    "scope_id",
    "virtual_key",
    "team",
    "teams",
    "team_id",
    "expires_at",
    "openai",
    "azure",
    "bedrock",
    "ollama",
    "http://localhost:11434",
    "https://a.example/v1",
    "true",
    "model == 'a'",
    "custom_provider_config",
    "base_provider_type",
    "2030-01-01T00:00:00Z",
    "concurrency_and_buffer_size",
    "concurrency",
    "max_parallel_requests",
    "drop_params",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn nothing_that_anybody_writes_makes_it_panic(text in any::<String>()) {
        let _ = import(&text, &variable);
    }

    #[test]
    fn what_is_made_of_odd_files_is_accepted(
        list in prop::collection::vec(odd(3), 0..4),
        deployments in prop::collection::vec((odd(1), odd(1), odd(2)), 0..4),
        settings in odd(4),
    ) {
        let entry = |(group, model, params): (serde_json::Value, serde_json::Value, serde_json::Value)| {
            let mut params = params.as_object().cloned().unwrap_or_default();
            params.insert("model".to_owned(), model);
            serde_json::json!({"model_name": group, "litellm_params": params})
        };
        let mut model_list = list;
        model_list.extend(deployments.into_iter().map(entry));
        let file = serde_json::json!({"model_list": model_list, "router_settings": settings, "general_settings": settings, "litellm_settings": settings});
        accepted(&import(&file.to_string(), &variable).unwrap(), Shown::Values);
    }

    #[test]
    fn what_is_made_of_other_odd_files_is_accepted(
        keys in prop::collection::vec(odd(3), 0..4),
        provider in odd(4),
        governance in odd(5),
        callers in prop::collection::vec(odd(3), 0..3),
        rules in prop::collection::vec(odd(3), 0..3),
    ) {
        let file = serde_json::json!({
            "providers": {"openai": {"keys": keys}, "azure": provider, "mine": provider},
            "governance": {"virtual_keys": callers, "routing_rules": rules, "teams": governance},
        });
        accepted(&import(&file.to_string(), &variable).unwrap(), Shown::Values);
    }
}
