//! What is published and cannot be used: what was in force stays, and the reason is told.

use fairlead_faults::{Play, Provider};
use fairlead_snapshot::{FORMAT, Index, names};
use serde_json::{Value, json};

use super::operator::{GATEWAY, Operator, shard_map};
use super::{documents, error, in_force, readiness, running};
use crate::harness::{Gateway, whole};

async fn published() -> (Provider, Operator, Gateway) {
    let a = Provider::always(Play::chat("Hello.")).await;
    let operator = Operator::with(&documents(&a, &["chat"])).await;
    let gateway = running(&operator).await;
    in_force(&gateway, 1).await;
    (a, operator, gateway)
}

/// The first generation serves as if nothing had happened.
async fn stays(gateway: &Gateway, config: &Value) {
    assert_eq!(config["generation"], 1, "{config}");
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    assert_eq!(gateway.ask(&whole("new")).await.code(), "unknown_model");
    assert_eq!(readiness(gateway).await.0, 200);
    let metrics = gateway.metrics().await;
    assert!(
        !metrics.contains("fairlead_config_failures_total 0\n"),
        "{metrics}"
    );
}

#[tokio::test]
async fn a_shard_with_other_bytes_than_its_name_says() {
    let (a, mut operator, gateway) = published().await;
    let draft = operator.draft(&documents(&a, &["chat", "new"]));
    operator.write_secret(&draft.secret);
    for shard in &draft.shards {
        // Still good JSON, and still good rules.
        operator.write_shard(shard, &shard.text.replace("\"new\"", "\"evil\""));
    }
    operator.write_index(&draft.index);
    let config = error(&gateway, "holds a text with the digest").await;
    stays(&gateway, &config).await;
    assert_eq!(gateway.ask(&whole("evil")).await.code(), "unknown_model");
    // The reason is told once, however often it is tried again.
    let told = gateway.err.so_far();
    let told = told
        .iter()
        .filter(|line| line.contains("holds a text with the digest"));
    assert_eq!(told.count(), 1);
    operator.write_shards(&draft.shards);
    in_force(&gateway, 2).await;
    assert_eq!(gateway.ask(&whole("new")).await.status, 200);
}

#[tokio::test]
async fn a_shard_that_has_gone_makes_it_read_the_index_again() {
    let (a, mut operator, gateway) = published().await;
    let second = operator.draft(&documents(&a, &["chat", "new"]));
    // When the first missing shard is asked for, the operator has long published the next generation.
    let mut third = operator.draft(&documents(&a, &["chat", "newest"]));
    third.index.generation = 3;
    let write = operator.api.writer();
    let (index, shards) = (third.index.text().unwrap(), third.shards);
    operator.api.on_missing(move || {
        for shard in &shards {
            let (name, data) = shard_map(shard, &shard.text);
            write("ConfigMap", &name, &data);
        }
        write(
            "ConfigMap",
            &names::index(GATEWAY),
            &json!({ names::INDEX_KEY: index }),
        );
    });
    operator.write_secret(&second.secret);
    assert_eq!(operator.api.got("fairlead-default-index"), 0);
    operator.write_index(&second.index);
    in_force(&gateway, 3).await;
    assert_eq!(gateway.ask(&whole("newest")).await.status, 200);
    assert_eq!(operator.api.got("fairlead-default-index"), 1);
    let told = gateway.err.so_far();
    assert!(
        !told.iter().any(|line| line.contains("is missing")),
        "{told:?}"
    );
}

#[tokio::test]
async fn a_shard_that_is_missing_for_good() {
    let (a, mut operator, gateway) = published().await;
    let draft = operator.draft(&documents(&a, &["chat", "new"]));
    operator.write_secret(&draft.secret);
    operator.write_index(&draft.index);
    let config = error(&gateway, "is missing").await;
    stays(&gateway, &config).await;
    operator.write_shards(&draft.shards);
    in_force(&gateway, 2).await;
}

#[tokio::test]
async fn an_index_of_a_newer_format() {
    let (a, mut operator, gateway) = published().await;
    let mut draft = operator.draft(&documents(&a, &["chat", "new"]));
    operator.write_secret(&draft.secret);
    operator.write_shards(&draft.shards);
    draft.index.format = FORMAT + 1;
    operator.write_index(&draft.index);
    let config = error(&gateway, "upgrade the gateway").await;
    stays(&gateway, &config).await;
    draft.index.format = FORMAT;
    operator.write_index(&draft.index);
    in_force(&gateway, 2).await;
}

#[tokio::test]
async fn an_index_that_is_none() {
    let (a, mut operator, gateway) = published().await;
    for text in ["", "{", "{\"format\": 1}"] {
        operator.write_index_text(text);
        let config = error(&gateway, "the index cannot be read").await;
        stays(&gateway, &config).await;
    }
    operator.publish(&documents(&a, &["chat", "new"]));
    in_force(&gateway, 2).await;
}

#[tokio::test]
async fn an_index_that_is_older_than_the_one_in_force() {
    let (a, mut operator, gateway) = published().await;
    let draft = operator.draft(&documents(&a, &["chat", "new"]));
    operator.write_shards(&draft.shards);
    let older = Index {
        generation: 0,
        ..draft.index
    };
    operator.write_index_text(&older.text().unwrap());
    let config = error(&gateway, "the index has generation 0 after 1").await;
    stays(&gateway, &config).await;
    operator.publish(&documents(&a, &["chat", "new"]));
    in_force(&gateway, 2).await;
}

#[tokio::test]
async fn a_credential_that_is_not_in_the_secret_is_waited_for() {
    let (a, mut operator, gateway) = published().await;
    let draft = operator.draft(&super::with_credential(&a, &["chat", "new"], "sk-later"));
    operator.write_shards(&draft.shards);
    operator.write_index(&draft.index);
    let config = error(
        &gateway,
        "\"main\" of the provider default/a is not in the credentials Secret",
    )
    .await;
    stays(&gateway, &config).await;
    // It was looked for once more, for the watch might have been behind.
    assert!(operator.api.got("fairlead-default-credentials") > 0);
    operator.write_secret(&draft.secret);
    in_force(&gateway, 2).await;
    assert_eq!(gateway.ask(&whole("new")).await.status, 200);
    let last = a.seen().pop().unwrap();
    assert_eq!(last.header("authorization"), Some("Bearer sk-later"));
}
