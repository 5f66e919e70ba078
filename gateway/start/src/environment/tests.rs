//! What is made of variables, down to what the compiler says of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use fairlead_compile::{Inputs, Settings, Verdict, compile, documents, report};

use super::*;
use crate::greeting::greeting;
use crate::write::Shown;

const FRESH: &str = "sk-fairlead-0123456789abcdef0123456789abcdef";

fn own() -> SocketAddr {
    "127.0.0.1:8080".parse().unwrap()
}

fn found(set: &[(&str, &str)]) -> Result<Found, NothingSet> {
    let set: BTreeMap<&str, &str> = set.iter().copied().collect();
    let get = |name: &str| set.get(name).map(|&value| value.to_owned());
    variables(&get, own(), Some(FRESH.to_owned()))
}

/// Every file, and that the compiler has nothing to say against them.
fn accepted(found: &Found, shown: Shown) -> String {
    let files = found.resources.files(shown);
    let mut text = String::new();
    let mut all = Vec::new();
    for file in &files {
        let _ = writeln!(
            text,
            "=== {} {}",
            file.name,
            if file.private { "(private)" } else { "" }
        );
        text.push_str(&file.text);
        if file.name.ends_with(".yaml") {
            all.extend(documents(file.name, &file.text).unwrap());
        }
    }
    let (inputs, strays) = Inputs::from_documents(Settings::new("default"), all);
    let verdicts: Vec<Verdict> = strays
        .into_iter()
        .chain(compile(None, &inputs).verdicts)
        .collect();
    assert!(
        verdicts.iter().all(Verdict::is_good),
        "{}\n{text}",
        report(&verdicts)
    );
    text
}

const MANY: &[(&str, &str)] = &[
    ("OPENAI_API_KEY", "sk-openai-secret"),
    ("ANTHROPIC_API_KEY", "sk-ant-secret"),
    ("GOOGLE_API_KEY", "google-secret"),
    ("GROQ_API_KEY", "gsk-secret"),
    ("OPENROUTER_API_KEY", "or-secret"),
    ("AZURE_OPENAI_API_KEY", "azure-secret"),
    ("AZURE_OPENAI_ENDPOINT", "https://mine.openai.azure.com/"),
    ("AWS_BEARER_TOKEN_BEDROCK", "bedrock-secret"),
    ("AWS_REGION", "eu-central-1"),
    ("OLLAMA_HOST", "127.0.0.1:11434"),
    ("MISTRAL_API_KEY", ""),
    ("XAI_API_KEY", "two words"),
];

#[test]
fn every_provider_that_is_set_is_there_and_the_compiler_takes_it() {
    let found = found(MANY).unwrap();
    let greeted = greeting(&found, own(), false, None);
    insta::assert_snapshot!(
        "many",
        format!("{}\n=== greeting{greeted}", accepted(&found, Shown::Values))
    );
}

#[test]
fn no_secret_of_a_provider_is_told() {
    let found = found(MANY).unwrap();
    let told = format!(
        "{found:?}{}{}{:?}",
        greeting(&found, own(), false, None),
        accepted(&found, Shown::Nothing),
        found.resources.files(Shown::Values)
    );
    for (_, value) in MANY
        .iter()
        .filter(|(name, value)| name.ends_with("KEY") && !value.is_empty())
    {
        assert!(!told.contains(value), "{value} is told");
    }
    assert!(!told.contains("bedrock-secret"));
}

#[test]
fn one_provider_takes_every_name() {
    let found = found(&[("OPENAI_BASE_URL", "http://localhost:8000/v1")]).unwrap();
    insta::assert_snapshot!("one", accepted(&found, Shown::Values));
}

#[test]
fn answers_that_need_nobody_are_accepted() {
    let found = simulated(&|_| None, None).unwrap();
    insta::assert_snapshot!(
        "simulated",
        format!(
            "{}\n=== greeting{}",
            accepted(&found, Shown::Values),
            greeting(&found, own(), false, None)
        )
    );
}

#[test]
fn nothing_set_says_what_to_set() {
    let error = found(&[("HOME", "/root")]).unwrap_err().to_string();
    for wanted in [
        "OPENAI_API_KEY",
        "OLLAMA_HOST",
        "--simulated",
        "--config-dir",
    ] {
        assert!(error.contains(wanted), "{error}");
    }
}

#[test]
fn the_gateway_does_not_ask_itself() {
    let found = found(&[
        ("ANTHROPIC_API_KEY", "sk-ant"),
        ("ANTHROPIC_BASE_URL", "http://127.0.0.1:8080"),
    ])
    .unwrap();
    assert_eq!(found.resources.providers[0].base_url, None);
    assert!(found.notes[0].contains("ask itself"), "{:?}", found.notes);
}

#[test]
fn an_address_that_cannot_be_read_does_not_send_the_key_elsewhere() {
    let error = found(&[
        ("OPENAI_API_KEY", "sk"),
        ("OPENAI_BASE_URL", "my-proxy:8000"),
    ])
    .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("OPENAI_BASE_URL is set and not used"),
        "{error}"
    );
}

#[test]
fn half_of_what_a_vendor_wants_is_told() {
    for (name, missing) in [
        ("AZURE_OPENAI_API_KEY", "AZURE_OPENAI_ENDPOINT"),
        ("AWS_BEARER_TOKEN_BEDROCK", "AWS_REGION"),
    ] {
        let error = found(&[(name, "value")]).unwrap_err().to_string();
        assert!(
            error.contains(&format!("{name} is set and not used")) && error.contains(missing),
            "{error}"
        );
    }
}

#[test]
fn the_key_for_callers_can_be_given() {
    let key = "sk-mine-0123456789abcdef0123456789";
    let given = found(&[("GROQ_API_KEY", "gsk"), (KEY_VARIABLE, key)]).unwrap();
    assert_eq!(given.key, Key::InVariable);
    assert!(!greeting(&given, own(), false, None).contains(key));
    assert!(accepted(&given, Shown::Values).contains(key));
    assert_eq!(
        found(&[("GROQ_API_KEY", "gsk"), (KEY_VARIABLE, "short")]).unwrap_err(),
        NothingSet::BadKey
    );
}
