//! What is published while the gateway serves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fairlead_faults::{Play, Provider};
use fairlead_snapshot::names;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::operator::{GATEWAY, Operator, TOKEN};
use super::{config_as, documents, in_force, running, with_credential};
use crate::harness::yaml::key;
use crate::harness::{KEY, eventually, results, whole};

#[tokio::test]
async fn a_new_index_is_in_force_within_a_second_and_no_request_notices() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let mut operator = Operator::with(&documents(&a, &["chat"])).await;
    let gateway = running(&operator).await;
    let over = Arc::new(AtomicBool::new(false));
    let request = gateway
        .post("/v1/chat/completions")
        .bearer_auth(KEY)
        .body(whole("chat").to_string());
    let mut asking = JoinSet::new();
    asking.spawn({
        let over = Arc::clone(&over);
        async move {
            let mut statuses = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let request = request.try_clone().unwrap();
                statuses.push(request.send().await.unwrap().status().as_u16());
            }
            statuses
        }
    });
    for number in 0..3 {
        let model = format!("new-{number}");
        let started = Instant::now();
        let generation = operator.publish(&documents(&a, &["chat", &model]));
        eventually("the new model answers", async || {
            (gateway.ask(&whole(&model)).await.status == 200).then_some(())
        })
        .await;
        let taken = started.elapsed().as_secs_f64();
        assert!(results::at_most(
            "from the index to the first answer",
            taken,
            "s",
            1.0
        ));
        in_force(&gateway, generation).await;
    }
    over.store(true, Ordering::Relaxed);
    let statuses = asking.join_next().await.unwrap().unwrap();
    assert!(
        statuses.len() > 3 && statuses.iter().all(|status| *status == 200),
        "{statuses:?}"
    );
}

#[tokio::test]
async fn only_shards_that_are_new_are_fetched() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let documents = documents(&a, &["chat"]);
    let mut operator = Operator::with(&documents).await;
    let gateway = running(&operator).await;
    let got = |section: &str| operator.api.got(&format!("fairlead-default-{section}-"));
    assert_eq!((got("providers"), got("rules"), got("keys")), (1, 1, 1));
    let another = documents + &key("another", "sk-another-0123456789abcdef0123456789", "");
    let generation = operator.publish(&another);
    in_force(&gateway, generation).await;
    let got = |section: &str| operator.api.got(&format!("fairlead-default-{section}-"));
    assert_eq!((got("providers"), got("rules"), got("keys")), (1, 1, 2));
}

#[tokio::test]
async fn a_rotated_credential_is_sent_from_the_index_on_that_names_it() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let mut operator = Operator::with(&documents(&a, &["chat"])).await;
    let gateway = running(&operator).await;
    let rotated = "sk-rotated-0123456789abcdef";
    let generation = operator.publish(&with_credential(&a, &["chat"], rotated));
    in_force(&gateway, generation).await;
    assert_eq!(gateway.ask(&whole("chat")).await.status, 200);
    let bearer = format!("Bearer {rotated}");
    let last = a.seen().pop().unwrap();
    assert_eq!(last.header("authorization"), Some(bearer.as_str()));
}

#[tokio::test]
async fn the_admin_token_follows_the_secret_without_another_configuration() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let mut operator = Operator::with(&documents(&a, &["chat"])).await;
    let gateway = running(&operator).await;
    in_force(&gateway, 1).await;
    let lines = |text: &str| {
        let lines = gateway.err.so_far();
        lines.iter().filter(|line| line.contains(text)).count()
    };
    let before = lines("configuration in force");
    operator.write_token(Some("another-token"));
    eventually("the new token is taken", async || {
        config_as(&gateway, "another-token").await
    })
    .await;
    assert_eq!(config_as(&gateway, TOKEN).await, None);
    assert_eq!(lines("configuration in force"), before);
    // Without a token the admin port tells nobody.
    operator.write_token(None);
    eventually("no token is taken", async || {
        (config_as(&gateway, "another-token").await.is_none()).then_some(())
    })
    .await;
    assert_eq!(config_as(&gateway, "").await, None);
    operator.write_token(Some(TOKEN));
    operator.publish(&documents(&a, &["chat"]));
    in_force(&gateway, 2).await;
}

#[tokio::test]
async fn the_admin_token_is_read_from_where_an_older_operator_keeps_it_until_it_has_a_secret_of_its_own()
 {
    let a = Provider::always(Play::chat("Hello.")).await;
    let mut operator = Operator::with(&documents(&a, &["chat"])).await;
    operator.api.delete("Secret", &names::admin(GATEWAY));
    let mut secret = operator.draft(&documents(&a, &["chat"])).secret;
    let old = json!(STANDARD.encode("the-old-place"));
    secret.insert(names::OLD_TOKEN_KEY.to_owned(), old);
    operator.write_secret(&secret);
    let gateway = running(&operator).await;
    eventually("the old place is read", async || {
        config_as(&gateway, "the-old-place").await
    })
    .await;
    operator.write_token(Some("the-new-place"));
    eventually("the new place goes before", async || {
        config_as(&gateway, "the-new-place").await
    })
    .await;
    assert_eq!(config_as(&gateway, "the-old-place").await, None);
    // The new place is lost for a while: neither that nor what still stands in the old one changes who is let in.
    operator.api.delete("Secret", &names::admin(GATEWAY));
    let draft = operator.draft(&documents(&a, &["chat", "new"]));
    operator.write_shards(&draft.shards);
    operator.write_index(&draft.index);
    let reached = async |generation: u64| {
        let config = config_as(&gateway, "the-new-place").await?;
        (config["generation"] == generation).then_some(())
    };
    eventually("the configuration is in force", async || reached(2).await).await;
    assert_eq!(config_as(&gateway, "the-old-place").await, None);
    // Nor that the old one is emptied.
    operator.publish(&documents(&a, &["chat", "newer"]));
    eventually("the next one is in force", async || reached(3).await).await;
}

#[tokio::test]
async fn an_index_that_says_the_same_counts_as_the_newer_one() {
    let a = Provider::always(Play::chat("Hello.")).await;
    let mut operator = Operator::with(&documents(&a, &["chat"])).await;
    let gateway = running(&operator).await;
    let digest = in_force(&gateway, 1).await["digest"].clone();
    operator.publish(&documents(&a, &["chat"]));
    let config = tokio::time::timeout(Duration::from_secs(5), in_force(&gateway, 2)).await;
    assert_eq!(config.unwrap()["digest"], digest);
}
