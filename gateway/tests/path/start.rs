//! A start with nothing to configure: providers from the variables that people have set, and configurations of other gateways.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Output;

use fairlead_faults::{Play, Provider};
use serde_json::json;

use crate::harness::{Gateway, Setup, whole};

const CALLERS: &str = "sk-mine-0123456789abcdef0123456789abcdef";

/// OpenAI and Anthropic, the one played and the other not there.
fn two(openai: &Provider) -> Setup {
    Setup::bare()
        .variable("OPENAI_API_KEY", "sk-secret-of-openai")
        .variable("OPENAI_BASE_URL", &openai.base_url())
        .variable("ANTHROPIC_API_KEY", "sk-secret-of-anthropic")
        .variable("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
}

/// The key that the process has shown.
async fn shown(gateway: &Gateway) -> String {
    gateway
        .err
        .until(|line| line.contains("To go on") || line.contains("Written to"))
        .await;
    let lines = gateway.err.so_far();
    let keys: Vec<&str> = lines
        .iter()
        .map(|line| line.trim())
        .filter(|line| line.starts_with("sk-fairlead-"))
        .collect();
    assert_eq!(keys.len(), 1, "{lines:?}");
    keys[0].to_owned()
}

fn text(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    (text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn providers_of_the_environment_answer_by_bare_names_and_by_their_own() {
    let openai = Provider::always(Play::chat("Hello.")).await;
    let gateway = two(&openai).start().await;
    let key = shown(&gateway).await;
    for model in ["gpt-5", "o3-mini", "openai/anything"] {
        assert_eq!(
            gateway.ask_as(&key, &whole(model)).await.status,
            200,
            "{model}"
        );
    }
    // It goes to Anthropic, which is not there.
    assert_eq!(
        gateway.ask_as(&key, &whole("claude-sonnet-5")).await.status,
        502
    );
    assert_eq!(gateway.ask_as(&key, &whole("llama3.2")).await.status, 404);
    let told = gateway.err.so_far().join("\n");
    for wanted in [
        "curl http://127.0.0.1:",
        "export ANTHROPIC_BASE_URL=http://127.0.0.1:",
        &format!("export ANTHROPIC_AUTH_TOKEN={key}"),
    ] {
        assert!(told.contains(wanted), "{told}");
    }
    assert!(!told.contains("secret-of"), "{told}");
}

#[tokio::test]
async fn the_only_provider_takes_every_name_and_a_given_key_is_not_shown() {
    let openai = Provider::always(Play::chat("Hello.")).await;
    let gateway = Setup::bare()
        .variable("OPENAI_BASE_URL", &openai.base_url())
        .variable("FAIRLEAD_API_KEY", CALLERS)
        .start()
        .await;
    for model in ["llama3.2", "meta-llama/Llama-3", "openai/gpt-5"] {
        assert_eq!(
            gateway.ask_as(CALLERS, &whole(model)).await.status,
            200,
            "{model}"
        );
    }
    gateway.err.until(|line| line.contains("To go on")).await;
    assert!(!gateway.err.so_far().join("\n").contains(CALLERS));
}

#[tokio::test]
async fn what_is_found_can_be_written_edited_and_served_again_and_is_never_overwritten() {
    let openai = Provider::always(Play::chat("Hello.")).await;
    let gateway = two(&openai)
        .arguments(&["--write-config", "{}/written"])
        .start()
        .await;
    let key = shown(&gateway).await;
    let setup = gateway.setup.path("written");
    let mode = std::fs::metadata(setup.join("secrets.yaml"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(
        std::fs::read_to_string(setup.join(".gitignore")).unwrap(),
        "secrets.yaml\n"
    );
    let check = gateway.setup.command(&["check", "{}/written"]).await;
    assert!(check.status.success(), "{:?}", text(&check));
    // An edit takes effect.
    let before = gateway.err.count();
    let rules = std::fs::read_to_string(setup.join("rules.yaml")).unwrap();
    gateway.setup.write(
        "written/rules.yaml",
        &rules.replace("- \"gpt-*\"\n", "- \"gpt-*\"\n    - \"mine-*\"\n"),
    );
    gateway
        .err
        .after(before, |line| line.contains("configuration in force"))
        .await;
    assert_eq!(gateway.ask_as(&key, &whole("mine-1")).await.status, 200);
    // The second time it is there already.
    let again = gateway.setup.refused().await;
    let (_, told) = text(&again);
    assert_eq!(again.status.code(), Some(1), "{told}");
    assert!(told.contains("is there already"), "{told}");
    assert!(!told.contains("secret-of"), "{told}");
}

#[tokio::test]
async fn a_state_folder_keeps_the_key_over_a_restart() {
    let gateway = Setup::bare()
        .arguments(&["--simulated", "--state-dir", "{}/state"])
        .start()
        .await;
    gateway.err.until(|line| line.contains("To go on")).await;
    let lines = gateway.err.so_far();
    let key = lines
        .iter()
        .find_map(|line| line.split("it is shown this once: ").nth(1))
        .unwrap()
        .to_owned();
    assert_eq!(gateway.ask_as(&key, &whole("anything")).await.status, 200);
    let gateway = gateway.stop().await.start().await;
    assert_eq!(
        gateway.ask_as(&key, &whole("sim/anything")).await.status,
        200
    );
}

#[tokio::test]
async fn with_nothing_set_the_start_says_what_to_set() {
    let setup = Setup::bare().variable("MISTRAL_API_KEY", "two words");
    let output = setup.refused().await;
    let (_, told) = text(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    for wanted in [
        "OPENAI_API_KEY",
        "OLLAMA_HOST",
        "--simulated",
        "MISTRAL_API_KEY is set and not used",
    ] {
        assert!(told.contains(wanted), "{told}");
    }
    let output = setup.command(&["providers"]).await;
    assert_eq!(output.status.code(), Some(1));
    let output = setup
        .variable("GROQ_API_KEY", "gsk")
        .command(&["providers"])
        .await;
    let (found, _) = text(&output);
    assert!(
        output.status.success() && found.starts_with("groq: GROQ_API_KEY\n"),
        "{found}"
    );
}

#[tokio::test]
async fn a_configuration_of_another_gateway_is_imported_and_serves() {
    let upstream = Provider::always(Play::chat("Hello.")).await;
    let file = json!({
        "model_list": [{
            "model_name": "chat",
            "litellm_params": {"model": "openai/one", "api_base": upstream.base_url(), "api_key": "sk-secret-of-upstream"},
        }],
        "general_settings": {"master_key": CALLERS},
        "litellm_settings": {"cache": true},
    });
    let setup = Setup::bare().arguments(&["--config-dir", "{}/imported"]);
    setup.write("config.yaml", &file.to_string());
    let printed = setup.command(&["import", "{}/config.yaml"]).await;
    let (resources, told) = text(&printed);
    assert!(
        resources.contains("kind: RoutingRule") && !resources.contains("secret-of"),
        "{resources}"
    );
    assert!(
        told.contains("litellm_settings.cache: answers are not kept"),
        "{told}"
    );
    let written = setup
        .command(&["import", "{}/config.yaml", "--write-config", "{}/imported"])
        .await;
    assert!(written.status.success(), "{:?}", text(&written));
    let check = setup.command(&["check", "{}/imported"]).await;
    assert!(check.status.success(), "{:?}", text(&check));
    let gateway = setup.start().await;
    assert_eq!(gateway.ask_as(CALLERS, &whole("chat")).await.status, 200);
}

#[tokio::test]
async fn a_file_that_is_no_configuration_is_refused() {
    let setup = Setup::bare();
    setup.write("config.yaml", "a: 1\n");
    let output = setup.command(&["import", "{}/config.yaml"]).await;
    let (_, told) = text(&output);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("it is no configuration that is known"),
        "{told}"
    );
}
