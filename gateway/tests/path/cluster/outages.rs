//! What is not there: the API server, the index, the Secret. What was in force serves on, also after a restart.

use std::os::unix::fs::PermissionsExt as _;

use fairlead_faults::{Play, Provider};
use fairlead_snapshot::{Digest, FORMAT, names};

use super::operator::{GATEWAY, Operator};
use super::{
    CREDENTIAL, config, documents, error, in_force, readiness, running, setup, until_ready,
};
use crate::harness::{Gateway, KEY, Setup, eventually, whole};

async fn provider() -> Provider {
    Provider::always(Play::chat("Hello.")).await
}

/// The folders of a gateway that had a configuration, with little patience for the next start.
async fn had_one(operator: &Operator) -> Setup {
    let gateway = running(operator).await;
    in_force(&gateway, 1).await;
    let kept = gateway.setup.path("kept/last-good");
    eventually("it is kept", async || kept.exists().then_some(())).await;
    gateway
        .stop()
        .await
        .arguments(&["--api-server-patience", "0.5"])
}

async fn serves_the_copy(gateway: &Gateway, a: &Provider) {
    until_ready(gateway).await;
    let config = config(gateway, |config| config["source"] == "last-good").await;
    assert_eq!(config["generation"], 1, "{config}");
    assert!(config["error"].is_string(), "{config}");
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    let bearer = format!("Bearer {CREDENTIAL}");
    let last = a.seen().pop().unwrap();
    assert_eq!(last.header("authorization"), Some(bearer.as_str()));
    let metrics = gateway.metrics().await;
    assert!(
        metrics.contains("fairlead_config_from_last_good 1\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_restart_without_an_api_server_serves_the_last_good_configuration_until_the_live_one_is_back()
 {
    let a = provider().await;
    let mut operator = Operator::with(&documents(&a, &["chat"])).await;
    let setup = had_one(&operator).await;
    operator.api.down(true);
    let gateway = setup.start().await;
    assert_eq!(
        readiness(&gateway).await.0,
        503,
        "it does not wait for the live one"
    );
    serves_the_copy(&gateway, &a).await;
    operator.publish(&documents(&a, &["chat", "new"]));
    operator.api.down(false);
    in_force(&gateway, 2).await;
    assert_eq!(gateway.ask(&whole("new")).await.status, 200);
    let metrics = gateway.metrics().await;
    assert!(
        metrics.contains("fairlead_config_from_last_good 0\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_restart_with_a_live_configuration_does_not_use_the_copy() {
    let a = provider().await;
    let operator = Operator::with(&documents(&a, &["chat"])).await;
    let setup = had_one(&operator).await;
    let shards = operator.api.got("fairlead-default-rules-");
    let gateway = setup.start().await;
    until_ready(&gateway).await;
    in_force(&gateway, 1).await;
    // But the shards in it need not be fetched again.
    assert_eq!(operator.api.got("fairlead-default-rules-"), shards);
    let told = gateway.err.so_far();
    assert!(
        !told.iter().any(|line| line.contains("last-good")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_restart_without_an_index_serves_the_last_good_configuration() {
    let a = provider().await;
    let mut operator = Operator::with(&documents(&a, &["chat"])).await;
    let setup = had_one(&operator).await;
    operator.forget();
    let gateway = setup.start().await;
    serves_the_copy(&gateway, &a).await;
}

#[tokio::test]
async fn a_restart_on_an_index_that_cannot_be_used_serves_the_last_good_configuration() {
    let a = provider().await;
    let operator = Operator::with(&documents(&a, &["chat"])).await;
    let setup = had_one(&operator).await;
    operator.write_index_text("{\"format\": 99}");
    let gateway = setup.start().await;
    serves_the_copy(&gateway, &a).await;
}

#[tokio::test]
async fn the_copy_is_for_the_owner_only_and_follows_what_is_in_force() {
    let a = provider().await;
    let mut operator = Operator::with(&documents(&a, &["chat"])).await;
    let gateway = running(&operator).await;
    let path = gateway.setup.path("kept/last-good");
    let generation = operator.publish(&documents(&a, &["chat", "new"]));
    eventually("the copy is of the new one", async || {
        let text = std::fs::read_to_string(&path).ok()?;
        text.contains(&format!("\\\"generation\\\":{generation}"))
            .then_some(())
    })
    .await;
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Rewrites the copy as a newer version might have written it.
fn make_newer(path: &std::path::Path) {
    let text = std::fs::read_to_string(path).unwrap();
    let (_, json) = text.split_once('\n').unwrap();
    let newer = format!("\\\"format\\\":{}", FORMAT + 1);
    let json = json.replacen("\\\"format\\\":1", &newer, 1);
    assert!(json.contains(&newer), "{json}");
    let digest = Digest::of_bytes(json.as_bytes());
    std::fs::write(path, format!("{digest}\n{json}")).unwrap();
}

#[tokio::test]
async fn a_copy_that_a_newer_version_wrote_is_told_and_the_live_configuration_waited_for() {
    let a = provider().await;
    let operator = Operator::with(&documents(&a, &["chat"])).await;
    let setup = had_one(&operator).await;
    make_newer(&setup.path("kept/last-good"));
    operator.api.down(true);
    let gateway = setup.start().await;
    gateway
        .err
        .until(|line| {
            line.contains("the last good configuration cannot be used: the index has format")
        })
        .await;
    assert_eq!(readiness(&gateway).await.0, 503);
    operator.api.down(false);
    until_ready(&gateway).await;
    in_force(&gateway, 1).await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
}

/// A copy that the first version made; it is never changed.
const FIRST: &str = include_str!("../../old/format-1/last-good");

#[tokio::test]
async fn a_copy_that_the_first_version_made_serves_until_the_live_configuration_is_back() {
    let a = provider().await;
    let operator = Operator::with(&documents(&a, &["live"])).await;
    let setup = had_one(&operator).await;
    std::fs::write(setup.path("kept/last-good"), FIRST).unwrap();
    operator.api.down(true);
    let gateway = setup.start().await;
    until_ready(&gateway).await;
    config(&gateway, |config| config["source"] == "last-good").await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    assert_eq!(gateway.ask(&whole("live")).await.status, 404);
    operator.api.down(false);
    config(&gateway, |config| config["source"] == "live").await;
    assert_eq!(gateway.ask(&whole("live")).await.status, 200);
}

#[tokio::test]
async fn a_damaged_copy_is_told_and_not_used() {
    let a = provider().await;
    let operator = Operator::with(&documents(&a, &["chat"])).await;
    let setup = had_one(&operator).await;
    let path = setup.path("kept/last-good");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("default/a", "default/b")).unwrap();
    operator.api.down(true);
    let gateway = setup.start().await;
    gateway
        .err
        .until(|line| line.contains("the last good configuration cannot be used: it is damaged"))
        .await;
    assert_eq!(readiness(&gateway).await.0, 503);
    operator.api.down(false);
    until_ready(&gateway).await;
    in_force(&gateway, 1).await;
}

#[tokio::test]
async fn an_index_that_is_deleted_takes_nothing_with_it() {
    let a = provider().await;
    let mut operator = Operator::with(&documents(&a, &["chat"])).await;
    operator.publish(&documents(&a, &["chat"]));
    let gateway = running(&operator).await;
    in_force(&gateway, 2).await;
    operator.forget();
    operator.api.delete("Secret", &names::credentials(GATEWAY));
    let config = error(&gateway, "there is no ConfigMap").await;
    assert_eq!(config["generation"], 2, "{config}");
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    assert_eq!(readiness(&gateway).await.0, 200);
    // One that is made anew is another object, and may count from 1.
    operator.publish(&documents(&a, &["chat", "new"]));
    in_force(&gateway, 1).await;
    assert_eq!(gateway.ask(&whole("new")).await.status, 200);
}

#[tokio::test]
async fn an_api_server_that_goes_away_is_missed_only_by_edits() {
    let a = provider().await;
    let mut operator = Operator::with(&documents(&a, &["chat"])).await;
    let gateway = running(&operator).await;
    in_force(&gateway, 1).await;
    operator.api.down(true);
    gateway
        .err
        .until(|line| line.contains("cannot watch the ConfigMap fairlead-default-index"))
        .await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    assert_eq!(readiness(&gateway).await.0, 200);
    operator.publish(&documents(&a, &["chat", "new"]));
    operator.api.down(false);
    in_force(&gateway, 2).await;
}

#[tokio::test]
async fn no_secret_is_ever_logged_whatever_the_api_server_says() {
    let a = provider().await;
    let operator = Operator::with(&documents(&a, &["chat"])).await;
    // Half a list of a Secret whose data is not base64: neither the client nor the gateway may show what they cannot read.
    let leak = "{\"kind\": \"SecretList\", \"metadata\": {}, \"items\": [{\"data\": {\"k\": \"sk-leaked!\"}}]";
    let gateway = setup(&operator).variable("RUST_LOG", "trace").start().await;
    until_ready(&gateway).await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    let setup = gateway.stop().await;
    operator.api.script("Secret", leak);
    std::fs::remove_dir_all(setup.path("kept")).unwrap();
    let gateway = setup.start().await;
    gateway
        .err
        .until(|line| line.contains("the answer is not what an API server sends"))
        .await;
    let mut lines = gateway.err.so_far();
    lines.extend(gateway.out.so_far());
    for secret in ["sk-leaked", CREDENTIAL, KEY, super::operator::TOKEN] {
        let shown = lines.iter().find(|line| line.contains(secret));
        assert_eq!(shown, None, "{secret} is shown");
    }
}
