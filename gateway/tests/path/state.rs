//! What outlives a restart, and Secrets that come as files.

use fairlead_faults::{Play, Provider};
use serde_json::{Value, json};

use crate::harness::yaml::{KEY, caller, chain, key, object, provider};
use crate::harness::{Gateway, Setup, eventually, whole};

const GENERATED: &str = "key: {type: Generate, secretRef: {name: made}}";

fn generated(a: &Provider) -> Setup {
    let documents = [
        provider("a", &a.base_url(), ""),
        chain("chat", &["a"], ""),
        object("VirtualKey", "made", GENERATED),
    ];
    Setup::new().file("all.yaml", &documents.concat())
}

/// The rule lies in a file of its own, so that it can be edited alone.
fn with_a_rule_and_a_state(a: &Provider) -> Setup {
    let others = [provider("a", &a.base_url(), ""), caller()].concat();
    Setup::new()
        .file("others.yaml", &others)
        .file("rule.yaml", &chain("chat", &["a"], ""))
        .arguments(&["--state-dir", "{}/state"])
}

/// The generated keys that the process has shown.
fn shown(gateway: &Gateway) -> Vec<String> {
    let lines = gateway.err.so_far();
    lines
        .iter()
        .filter_map(|line| line.split("it is shown this once: ").nth(1))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn a_generated_key_is_shown_once_and_valid_after_a_restart() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = generated(&a)
        .arguments(&["--state-dir", "{}/state"])
        .start()
        .await;
    let keys = shown(&gateway);
    assert!(keys.len() == 1 && keys[0].len() >= 32, "{keys:?}");
    assert_eq!(gateway.ask_as(&keys[0], &whole("chat")).await.status, 200);
    let gateway = gateway.stop().await.start().await;
    assert_eq!(shown(&gateway), [""; 0]);
    assert_eq!(gateway.ask_as(&keys[0], &whole("chat")).await.status, 200);
    // A new VirtualKey of the same Secret does not inherit the value.
    assert_eq!(
        gateway
            .ask_as("sk-fairlead-guess-0123456789abcdef0123", &whole("chat"))
            .await
            .code(),
        "invalid_key"
    );
}

#[tokio::test]
async fn without_a_state_folder_a_generated_key_is_valid_until_the_end_and_the_gateway_says_so() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = generated(&a).start().await;
    let keys = shown(&gateway);
    assert_eq!(gateway.ask_as(&keys[0], &whole("chat")).await.status, 200);
    gateway
        .err
        .until(|line| line.contains("without --state-dir it is valid until the gateway stops"))
        .await;
    // Edits of other files do not make another one.
    gateway.edit("more.yaml", &chain("more", &["a"], "")).await;
    assert_eq!(gateway.ask_as(&keys[0], &whole("more")).await.status, 200);
    let gateway = gateway.stop().await.start().await;
    assert_eq!(gateway.ask_as(&keys[0], &whole("chat")).await.status, 401);
    assert_ne!(shown(&gateway), keys);
}

#[tokio::test]
async fn a_rotated_key_has_both_values_over_a_restart_and_the_new_one_is_shown_nowhere() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = generated(&a)
        .arguments(&["--state-dir", "{}/state"])
        .start()
        .await;
    let old = shown(&gateway).remove(0);
    let asked = object("VirtualKey", "made", GENERATED).replace(
        "metadata: {name: made}",
        "metadata: {name: made, annotations: {fairlead.dev/rotate: once}}",
    );
    let documents = [
        provider("a", &a.base_url(), ""),
        chain("chat", &["a"], ""),
        asked,
    ];
    gateway.edit("all.yaml", &documents.concat()).await;
    gateway
        .err
        .until(|line| line.contains("rotated a key"))
        .await;
    let lines = gateway.err.so_far();
    let setup = gateway.stop().await;
    let kept = std::fs::read_to_string(setup.path("state/generated-keys.json")).unwrap();
    let kept: Value = serde_json::from_str(&kept).unwrap();
    let kept = &kept["default/made"];
    let new = kept["value"].as_str().unwrap().to_owned();
    assert_eq!(kept["previous"], old);
    assert!(lines.iter().all(|line| !line.contains(&new)));
    let gateway = setup.start().await;
    for value in [&old, &new] {
        assert_eq!(gateway.ask_as(value, &whole("chat")).await.status, 200);
    }
    // The request was served.
    gateway.edit("more.yaml", &chain("more", &["a"], "")).await;
    assert_eq!(gateway.ask_as(&new, &whole("more")).await.status, 200);
    assert_eq!(gateway.ask_as(&old, &whole("more")).await.status, 200);
}

#[tokio::test]
async fn a_supplied_value_that_was_replaced_works_on_over_a_restart() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let new = "sk-caller-renewed-0123456789abcdef01";
    let rotated = |value: &str| key("caller", value, "rotation: {overlap: 1h}");
    let gateway = Setup::new()
        .file("others.yaml", &provider("a", &a.base_url(), ""))
        .file("rule.yaml", &chain("chat", &["a"], ""))
        .file("key.yaml", &rotated(KEY))
        .arguments(&["--state-dir", "{}/state"])
        .start()
        .await;
    gateway.edit("key.yaml", &rotated(new)).await;
    for value in [KEY, new] {
        assert_eq!(gateway.ask_as(value, &whole("chat")).await.status, 200);
    }
    let gateway = gateway.stop().await.start().await;
    for value in [KEY, new] {
        assert_eq!(gateway.ask_as(value, &whole("chat")).await.status, 200);
    }
    let setup = gateway.stop().await;
    let none = key("caller", new, "rotation: {overlap: 0s}");
    setup.write("config/key.yaml", &none);
    let gateway = setup.start().await;
    assert_eq!(gateway.ask_as(new, &whole("chat")).await.status, 200);
    let refused = gateway.ask_as(KEY, &whole("chat")).await;
    assert_eq!(
        (refused.status, refused.code().as_str()),
        (401, "key_rotated")
    );
}

#[tokio::test]
async fn the_last_accepted_version_of_an_object_is_kept_over_a_restart() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = with_a_rule_and_a_state(&a).start().await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    let setup = gateway.stop().await;
    setup.write("config/rule.yaml", &chain("chat", &["a"], "priority: -1"));
    let gateway = setup.start().await;
    gateway
        .err
        .until(|line| line.contains("the last accepted version stays in force"))
        .await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    // What was deleted meanwhile is not brought back.
    let setup = gateway.stop().await;
    std::fs::remove_file(setup.path("config/rule.yaml")).unwrap();
    assert_eq!(
        setup.start().await.ask(&whole("chat")).await.code(),
        "unknown_model"
    );
}

#[tokio::test]
async fn a_start_on_what_a_newer_version_kept_is_refused_only_where_something_may_be_in_it_that_is_nowhere_else()
 {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = with_a_rule_and_a_state(&a).start().await;
    let setup = gateway.stop().await;
    let newer = json!({"format": fairlead_snapshot::FORMAT + 1, "shape": "new"}).to_string();
    setup.write("config/rule.yaml", &chain("chat", &["a"], "priority: -1"));
    setup.write("state/last-good.json", &newer);
    let output = setup.refused().await;
    assert!(!output.status.success());
    let told = String::from_utf8(output.stderr).unwrap();
    assert!(told.contains("last-good.json has format"), "{told}");
    let kept = std::fs::read_to_string(setup.path("state/last-good.json")).unwrap();
    assert_eq!(kept, newer, "it is left for the version that wrote it");
    // Mended, everything that is to be in force is in the files.
    setup.write("config/rule.yaml", &chain("chat", &["a"], ""));
    assert_eq!(setup.start().await.ask(&whole("chat")).await.status, 200);
}

#[tokio::test]
async fn no_secret_is_kept_but_the_keys_that_were_made() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = generated(&a)
        .file("caller.yaml", &caller())
        .arguments(&["--state-dir", "{}/state"])
        .start()
        .await;
    let made = shown(&gateway).pop().unwrap();
    let kept = std::fs::read_to_string(gateway.setup.path("state/last-good.json")).unwrap();
    assert!(
        kept.contains("chat") && !kept.contains(crate::harness::KEY) && !kept.contains(&made),
        "{kept}"
    );
}

#[tokio::test]
async fn the_admin_token_opens_the_configuration_and_nothing_else_does() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let gateway = generated(&a)
        .arguments(&["--state-dir", "{}/state"])
        .start()
        .await;
    let token = std::fs::read_to_string(gateway.setup.path("state/admin-token")).unwrap();
    assert_eq!(gateway.admin("/config").send().await.unwrap().status(), 401);
    assert_eq!(
        gateway
            .admin("/config")
            .bearer_auth("x")
            .send()
            .await
            .unwrap()
            .status(),
        401
    );
    let config: Value = gateway
        .admin("/config")
        .bearer_auth(token.trim())
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    assert_eq!(
        (&config["providers"], &config["keys"], &config["generation"]),
        (&1.into(), &1.into(), &1.into()),
        "{config}"
    );
    assert_eq!(
        (&config["source"], &config["error"]),
        (&"files".into(), &Value::Null)
    );
}

#[tokio::test]
async fn the_admin_token_opens_how_all_limits_stand() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let budget = "budgets: [{name: day, amount: \"1.50\", period: Daily}]";
    let gateway = generated(&a)
        .file("team.yaml", &object("Team", "research", budget))
        .arguments(&["--state-dir", "{}/state"])
        .start()
        .await;
    let token = std::fs::read_to_string(gateway.setup.path("state/admin-token")).unwrap();
    let asked = |path: &'static str| gateway.admin(path).bearer_auth(token.trim()).send();
    assert_eq!(gateway.admin("/usage").send().await.unwrap().status(), 401);
    for bad in ["/usage?after=", "/usage?after=user/a/b", "/usage?page=2"] {
        assert_eq!(asked(bad).await.unwrap().status(), 400, "{bad}");
    }
    let text = asked("/usage").await.unwrap().text().await.unwrap();
    assert!(
        text.contains("\"limit\":1.50,\"used\":0.00,\"remaining\":1.50"),
        "{text}"
    );
    let told: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(told["limits"][0]["holder"], "default/research");
    assert_eq!(told["next"], Value::Null);
    let rest = asked("/usage?after=team/default/research").await.unwrap();
    let rest: Value = rest.json().await.unwrap();
    assert_eq!(rest["limits"].as_array().map(Vec::len), Some(0));
}

#[tokio::test]
async fn secrets_are_read_from_files_and_again_when_they_change() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let credential = "credentials: [{name: main, secretRef: {name: upstream, key: token}}]";
    let documents = [
        provider("a", &a.base_url(), credential),
        chain("chat", &["a"], ""),
        object(
            "VirtualKey",
            "caller",
            "key: {type: SecretRef, secretRef: {name: caller}}",
        ),
    ];
    let setup = Setup::new().file("all.yaml", &documents.concat());
    setup.write("secrets/default/upstream/token", "sk-first\n");
    setup.write("secrets/default/caller/apiKey", crate::harness::KEY);
    let gateway = setup
        .arguments(&["--secrets-dir", "{}/secrets"])
        .start()
        .await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    assert_eq!(a.seen()[0].header("authorization"), Some("Bearer sk-first"));
    gateway
        .setup
        .write("secrets/default/upstream/token", "sk-second");
    eventually("the new credential is sent", async || {
        assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
        (a.seen().pop()?.header("authorization") == Some("Bearer sk-second")).then_some(())
    })
    .await;
}
