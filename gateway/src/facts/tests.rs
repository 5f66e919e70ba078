use fairlead_catalog::{Feature, Quirk, Support};
use fairlead_snapshot::{
    Addressing, Authentication, Dialect, HttpVersion, Model, ModelFacts, Protocol, Provider,
};

use super::{Book, Facts};
use crate::upstream::ticket::tests::upstream;

fn provider(vendor: &str, dialect: Dialect, base_url: &str, models: Vec<Model>) -> Provider {
    Provider {
        protocol: Protocol::Http {
            dialect,
            vendor: vendor.to_owned(),
            authentication: Authentication::default(),
            addressing: Addressing::default(),
            base_url: base_url.to_owned(),
            private_network: false,
            ca_certificates: None,
            client_certificate: None,
            stream_usage: true,
            http_version: HttpVersion::default(),
        },
        models: Some(models),
        ..upstream().provider.clone()
    }
}

fn at(vendor: &str, dialect: Dialect, base_url: &str) -> Book {
    Book::of(&provider(vendor, dialect, base_url, Vec::new()))
}

#[test]
fn models_are_looked_up_at_whoever_serves_them() {
    use Dialect::{Anthropic, Converse, Gemini, OpenAi};
    for (vendor, dialect, url, model) in [
        ("", OpenAi, "https://api.openai.com/v1", "gpt-4o"),
        ("", OpenAi, "https://eu.api.openai.com:443/v1", "gpt-4o"),
        (
            "",
            Anthropic,
            "https://api.anthropic.com/v1",
            "claude-sonnet-4-5",
        ),
        (
            "",
            Anthropic,
            "http://10.0.0.1:8080/v1",
            "claude-sonnet-4-5",
        ),
        (
            "",
            Gemini,
            "https://generativelanguage.googleapis.com/v1beta",
            "gemini-2.5-pro",
        ),
        (
            "gcp.vertex_ai",
            Gemini,
            "https://aiplatform.googleapis.com/v1",
            "gemini-2.5-pro",
        ),
        (
            "aws.bedrock",
            Converse,
            "https://bedrock-runtime.eu-west-1.amazonaws.com",
            "eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
        ),
        (
            "azure.ai.openai",
            OpenAi,
            "https://acme.openai.azure.com/openai/v1",
            "gpt-4o",
        ),
        (
            "mistral_ai",
            OpenAi,
            "https://llm.example.com/v1",
            "mistral-large-latest",
        ),
        ("x_ai", OpenAi, "https://api.x.ai/v1", "grok-4"),
        (
            "deepseek",
            OpenAi,
            "https://api.deepseek.com/v1",
            "deepseek-chat",
        ),
    ] {
        let facts = at(vendor, dialect, url).facts(model);
        assert!(facts.window().is_some(), "{vendor} {url} {model}");
    }
}

#[test]
fn a_compatible_server_is_only_known_by_what_its_models_can_do() {
    for (vendor, url) in [
        ("vllm", "http://vllm:8000/v1"),
        ("", "https://api.openai.com.example/v1"),
    ] {
        let facts = at(vendor, Dialect::OpenAi, url).facts("o3-mini");
        assert_eq!((facts.window(), facts.max_output()), (None, None), "{url}");
        assert!(facts.supports(Feature::Images).is_no(), "{url}");
        assert!(facts.has(Quirk::MaxCompletionTokens), "{url}");
    }
}

#[test]
fn nothing_is_known_of_what_nobody_tells() {
    let book = at("", Dialect::Anthropic, "https://api.anthropic.com/v1");
    let simulated = Book::of(&upstream().provider);
    for facts in [book.facts("my-own"), simulated.facts("gpt-4o")] {
        assert_eq!(facts.supports(Feature::Images), Support::Unknown);
        assert_eq!(facts.default_max_output(1, 1), None);
    }
}

#[test]
fn a_deployment_is_known_by_what_callers_call_it() {
    let deployment = Model {
        name: "gpt-4o".to_owned(),
        upstream_name: "prod-7".to_owned(),
        price: None,
        facts: ModelFacts::default(),
    };
    let azure = |vendor| {
        let url = "https://acme.openai.azure.com/openai/v1";
        Book::of(&provider(
            vendor,
            Dialect::OpenAi,
            url,
            vec![deployment.clone()],
        ))
    };
    assert_eq!(
        azure("azure.ai.openai").facts("prod-7").window(),
        Some(128_000)
    );
    assert_eq!(azure("groq").facts("prod-7").window(), None);
}

#[test]
fn names_of_callers_fill_no_memory() {
    let book = at("", Dialect::Anthropic, "https://api.anthropic.com/v1");
    for number in 0..1000 {
        let _ = book.facts(&format!("claude-{number}"));
    }
    assert_eq!(book.kept(), 256);
    assert_eq!(book.facts("claude-sonnet-4-5").max_output(), Some(64_000));
}

#[test]
fn the_default_is_the_longest_answer_that_fits() {
    let facts: Facts =
        at("", Dialect::Anthropic, "https://api.anthropic.com/v1").facts("claude-sonnet-4-5");
    assert_eq!(facts.default_max_output(1_000, 4096), Some(64_000));
    assert_eq!(facts.default_max_output(100_000, 4096), Some(50_000));
    assert_eq!(facts.default_max_output(1_000_000, 4096), Some(4096));
}

fn offered(name: &str, upstream_name: &str, facts: ModelFacts) -> Model {
    Model {
        name: name.to_owned(),
        upstream_name: upstream_name.to_owned(),
        price: None,
        facts,
    }
}

#[test]
fn what_the_owner_says_goes_before_the_catalog() {
    let facts = ModelFacts {
        window: Some(1_000_000),
        max_output: None,
        supports: vec!["video".to_owned(), "of-a-later-version".to_owned()],
        lacks: vec!["images".to_owned()],
    };
    let models = vec![offered("large", "claude-sonnet-4-5", facts)];
    let url = "https://api.anthropic.com/v1";
    let facts = Book::of(&provider("", Dialect::Anthropic, url, models)).facts("claude-sonnet-4-5");
    assert_eq!(facts.window(), Some(1_000_000));
    assert_eq!(facts.max_output(), Some(64_000), "nothing was said of it");
    assert_eq!(facts.supports(Feature::Video), Support::Yes);
    assert_eq!(facts.supports(Feature::Images), Support::No);
    assert_eq!(facts.supports(Feature::Tools), Support::Yes);
}

#[test]
fn the_large_window_is_had_by_itself_where_the_catalog_says_so() {
    let url = "https://api.anthropic.com/v1";
    let by_flag = ModelFacts {
        window: Some(1_000_000),
        ..ModelFacts::default()
    };
    let models = vec![offered("large", "claude-sonnet-4-5", by_flag)];
    let book = Book::of(&provider("", Dialect::Anthropic, url, models));
    for (model, large) in [
        ("claude-sonnet-4-6", true),
        ("claude-sonnet-latest", true),
        ("claude-sonnet-4-20250514", false),
        ("claude-sonnet-4-5", false),
        ("nobody-knows-it", false),
    ] {
        assert_eq!(book.facts(model).has_large_window(), large, "{model}");
    }
}

#[test]
fn what_the_owner_says_is_known_where_the_catalog_knows_nothing() {
    let facts = ModelFacts {
        window: Some(32_768),
        max_output: Some(8_192),
        ..ModelFacts::default()
    };
    let models = vec![offered("home", "our-own-7b", facts)];
    let book = Book::of(&provider(
        "vllm",
        Dialect::OpenAi,
        "http://vllm:8000/v1",
        models,
    ));
    assert_eq!(
        book.facts("our-own-7b").default_max_output(1_000, 1),
        Some(8_192)
    );
    assert_eq!(book.facts("another").window(), None);
}

#[test]
fn of_two_offers_of_one_model_the_first_that_says_something_counts() {
    let says = |window, lacks: &[&str], supports: &[&str]| ModelFacts {
        window,
        lacks: lacks.iter().map(|&name| name.to_owned()).collect(),
        supports: supports.iter().map(|&name| name.to_owned()).collect(),
        max_output: None,
    };
    let models = vec![
        offered("a", "m", says(None, &["images"], &[])),
        offered("b", "m", says(Some(4_096), &["tools"], &["images"])),
        offered("c", "m", says(Some(8_192), &[], &["tools"])),
    ];
    let url = "http://vllm:8000/v1";
    let facts = Book::of(&provider("vllm", Dialect::OpenAi, url, models)).facts("m");
    assert_eq!(facts.window(), Some(4_096));
    assert!(facts.supports(Feature::Images).is_no());
    assert!(facts.supports(Feature::Tools).is_no());
}

#[test]
fn whose_a_model_is_follows_from_what_it_is_called_where_its_arn_says_nothing() {
    let profile = "arn:aws:bedrock:eu-west-1:1:application-inference-profile/ab12cd";
    let named = "arn:aws:bedrock:eu-west-1:1:inference-profile/eu.amazon.nova-pro-v1:0";
    let model = |name, upstream_name| offered(name, upstream_name, ModelFacts::default());
    let book = Book::of(&provider(
        "aws.bedrock",
        Dialect::Converse,
        "https://bedrock-runtime.eu-west-1.amazonaws.com",
        vec![
            model("claude-sonnet-4-5", profile),
            model("claude-of-old", named),
            model("claude-of-nobody", "meta.llama3-3-70b-instruct-v1:0"),
        ],
    ));
    for (upstream_name, behind) in [
        (profile, "claude-sonnet-4-5"),
        (named, named),
        (
            "meta.llama3-3-70b-instruct-v1:0",
            "meta.llama3-3-70b-instruct-v1:0",
        ),
        ("unknown", "unknown"),
    ] {
        assert_eq!(book.behind(upstream_name), behind);
    }
}

#[test]
fn a_version_of_azures_api_before_schemas_has_none() {
    for (api_version, supports) in [
        ("2024-06-01", Support::No),
        ("2024-07-01-preview", Support::No),
        ("2024-08-01-preview", Support::Yes),
        ("2025-04-01-preview", Support::Yes),
    ] {
        let mut azure = provider("azure.ai.openai", Dialect::OpenAi, "https://h", Vec::new());
        if let Protocol::Http { addressing, .. } = &mut azure.protocol {
            *addressing = Addressing::Deployments {
                api_version: api_version.to_owned(),
            };
        }
        let facts = Book::of(&azure).facts("gpt-4o");
        assert_eq!(facts.supports(Feature::Schema), supports, "{api_version}");
    }
}
