//! From `kubectl apply` to every replica, with thousands of other objects loaded.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::{Result, ensure};
use fairlead_e2e::results::Figure;
use fairlead_e2e::{Client, Completion, Installation, NAMESPACE, Write};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::support::{ENFORCED, Scene, everywhere, percentile, providers, show, turn, until};

const KEYS: usize = 5_000;
const RULES: usize = 1_000;
const CHANGES: usize = 100;
/// Requests to the API server at a time.
const AT_A_TIME: usize = 16;
/// The size that an API server refuses.
const MIB: u32 = 1_048_576;

#[tokio::test]
async fn a_change_is_enforced_within_a_second_among_thousands() -> Result<()> {
    let fairlead = turn().await?;
    providers(&fairlead).await?;
    let client = fairlead.platform_client().await?;
    let many: Vec<Value> = many().collect();
    store(&client, &many).await?;
    let run = fairlead.cluster.with_temp_namespace(async |admin| {
        loaded(&fairlead).await?;
        let scene = Scene::set(&fairlead, admin).await?;
        change_weights(&scene).await?;
        one_shard_is_rewritten(&client).await
    });
    let outcome = run.await;
    clear(&client, &many).await?;
    outcome
}

/// Waits until every gateway has all of them.
async fn loaded(fairlead: &Installation) -> Result<()> {
    let began = Instant::now();
    for gateway in fairlead.gateways().await? {
        until("all keys loaded", || async {
            let config = fairlead.admin(&gateway, "/config").await?;
            let config: Value = serde_json::from_str(&config)?;
            Ok(config["keys"].as_u64() >= Some(u64::try_from(KEYS)?))
        })
        .await?;
    }
    let name = "5,000 keys and 1,000 rules: enforced after the last was stored";
    show(&[Figure::within(name, began.elapsed(), 60.0)])
}

/// Everything to one provider and back again.
async fn change_weights(scene: &Scene<'_>) -> Result<()> {
    let callers = scene.callers().await?;
    ensure!(callers.len() == 2, "two gateways");
    let (mut from_start, mut from_stored) = (Vec::new(), Vec::new());
    for change in 0..CHANGES {
        let provider = ["second", "first"][change % 2];
        let began = Instant::now();
        scene.send_all_to(provider).await?;
        let stored = Instant::now();
        let wanted = |answer: &Completion| answer.text == provider;
        everywhere("new weights", &callers, "split", wanted).await?;
        from_start.push(began.elapsed());
        from_stored.push(stored.elapsed());
    }
    let figures = |what: &str, times: &[Duration]| {
        [50, 99].map(|share| {
            let name = format!("new weights enforced, from {what}, p{share} of {CHANGES}");
            Figure::at_most(&name, percentile(times, share), "s", ENFORCED)
        })
    };
    show(&figures("the start of kubectl apply", &from_start))?;
    show(&figures("the end of kubectl apply", &from_stored))
}

/// One key is suspended: what is published differs by one shard and the index.
async fn one_shard_is_rewritten(client: &Client) -> Result<()> {
    let before = published(client).await?;
    let largest = before.values().max().copied().unwrap_or_default();
    let mut suspended = many_key(0);
    suspended["metadata"] = client.get(&suspended).await?.body["metadata"].clone();
    suspended["spec"]["suspended"] = json!(true);
    let answer = client.replace(&suspended, Write::Stored).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    until("a new shard", || async {
        // One that nobody reads any more may be collected meanwhile.
        let now = published(client).await?;
        Ok(now.keys().any(|name| !before.contains_key(name)))
    })
    .await?;
    let after = published(client).await?;
    let names = |published: &BTreeMap<String, usize>| -> BTreeSet<String> {
        published.keys().cloned().collect()
    };
    let written = names(&after).difference(&names(&before)).count();
    show(&[
        Figure::no_more("shards written for one changed key", written, "shards", 1),
        Figure::no_more("largest ConfigMap", largest, "bytes", MIB),
    ])
}

/// The sizes of the shards and the index, by name.
async fn published(client: &Client) -> Result<BTreeMap<String, usize>> {
    let list = client.list("v1", "configmaps", NAMESPACE).await?;
    let published = list
        .into_iter()
        .filter(|map| !map["metadata"]["labels"]["fairlead.dev/part"].is_null());
    let name = |map: &Value| {
        map["metadata"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    Ok(published
        .map(|map| (name(&map), map.to_string().len()))
        .collect())
}

fn many() -> impl Iterator<Item = Value> {
    let rules = (0..RULES).map(|number| {
        json!({
            "apiVersion": "fairlead.dev/v1alpha1",
            "kind": "RoutingRule",
            "metadata": {"name": format!("many-{number}"), "namespace": NAMESPACE},
            "spec": {
                "match": {"models": [format!("many-{number}")]},
                "targets": [{"name": "first", "providerRef": {"name": "first"}, "model": "large"}],
            },
        })
    });
    rules.chain((0..KEYS).map(many_key))
}

fn many_key(number: usize) -> Value {
    json!({
        "apiVersion": "fairlead.dev/v1alpha1",
        "kind": "VirtualKey",
        "metadata": {"name": format!("many-{number}"), "namespace": NAMESPACE},
        "spec": {"key": {"type": "Generate", "secretRef": {"name": format!("many-{number}-key")}}},
    })
}

async fn store(client: &Client, objects: &[Value]) -> Result<()> {
    let all = stream::iter(objects).map(Ok);
    all.try_for_each_concurrent(AT_A_TIME, async |object| {
        let answer = client.create(object, Write::Stored).await?;
        // 409: an earlier run on this cluster was ended before it could clear up.
        ensure!(
            answer.is_success() || answer.status == 409,
            "{}",
            answer.message()
        );
        Ok(())
    })
    .await
}

async fn clear(client: &Client, objects: &[Value]) -> Result<()> {
    let all = stream::iter(objects).map(Ok);
    all.try_for_each_concurrent(AT_A_TIME, async |object| client.delete(object).await)
        .await
}
