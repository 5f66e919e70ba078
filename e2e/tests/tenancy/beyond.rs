//! Attacks on more than an object of one's own: other people's objects, what is published, and Secrets under somebody else's name.

use anyhow::{Result, ensure};
use fairlead_e2e::{Answer, Published, Write, condition};
use serde_json::{Value, json};

use crate::world::Who::{Attacker, Lab, Platform, Victim};
use crate::world::{World, create, object};

/// A generated key that names a Secret of somebody else: it is never taken over.
pub(crate) async fn a_secret_that_is_there_is_not_taken_over(world: &World) -> Result<()> {
    let (client, secret) = (
        world.client(Attacker),
        object(Attacker, "Secret", "database"),
    );
    let before = client.get(&secret).await?.body;
    let told = generate(world, "database").await?;
    ensure!(told.contains("was not made for this key"), "{told}");
    let after = client.get(&secret).await?.body;
    ensure!(after == before, "it was touched: {after}");
    world.is_unharmed().await?;
    forget(world, "VirtualKey").await
}

/// A Secret that says it was made for another namespace's key.
pub(crate) async fn a_secret_does_not_pass_for_another_keys(world: &World) -> Result<()> {
    let victim = object(Victim, "VirtualKey", "made");
    let made = world.client(Victim).get(&victim).await?.body;
    let mut forged = object(Attacker, "Secret", "made-key");
    forged["metadata"]["labels"] = json!({"fairlead.dev/secret": "virtual-key"});
    forged["metadata"]["ownerReferences"] = json!([{"apiVersion": "fairlead.dev/v1alpha1", "kind": "VirtualKey", "name": "made", "uid": made["metadata"]["uid"], "controller": true}]);
    forged["stringData"] = json!({"apiKey": "known-to-the-attacker-0123456789abcdef"});
    create(world.client(Attacker), &forged).await?;
    let told = generate(world, "made-key").await?;
    ensure!(told.contains("was not made for this key"), "{told}");
    world.is_unharmed().await?;
    let hint = &world.client(Victim).get(&victim).await?.body["status"]["key"];
    ensure!(*hint == made["status"]["key"], "the hint is {hint} now");
    world.client(Attacker).delete(&forged).await?;
    forget(world, "VirtualKey").await
}

/// A name that nobody has is made at once, which shows that it is the Secret that was in the way.
pub(crate) async fn a_free_name_is_taken(world: &World) -> Result<()> {
    let key = generated("free");
    create(world.client(Attacker), &key).await?;
    condition(world.client(Attacker), &key, "ResolvedRefs", "True").await?;
    let secret = object(Attacker, "Secret", "free");
    let made = world.client(Attacker).get(&secret).await?.body;
    ensure!(
        made["metadata"]["ownerReferences"][0]["name"] == "x",
        "{made}"
    );
    world.client(Attacker).delete(&secret).await?;
    forget(world, "VirtualKey").await
}

/// An index and a shard of one's own making.
pub(crate) async fn nobody_else_publishes(world: &World) -> Result<()> {
    let published = world.published().await?;
    let shard = published.shards.keys().next().cloned().unwrap_or_default();
    let forged = |who, name: &str, key: &str| {
        let mut map = object(who, "ConfigMap", name);
        map["metadata"]["labels"] = json!({"fairlead.dev/gateway": "default", "fairlead.dev/part": if key == "index.json" { "index" } else { "shard" }});
        map["data"] =
            json!({key: json!({"format": 1, "generation": 1_000_000, "shards": {}}).to_string()});
        map
    };
    for (name, key) in [
        ("fairlead-default-index", "index.json"),
        (shard.as_str(), "shard.json"),
    ] {
        let client = world.client(Attacker);
        let there = forged(Platform, name, key);
        forbidden(&client.create(&there, Write::Stored).await?)?;
        forbidden(&client.replace(&there, Write::Stored).await?)?;
        ensure!(client.delete(&there).await.is_err(), "{name} was deleted");
        create(client, &forged(Attacker, name, key)).await?;
    }
    // What comes after builds on the true index.
    let rule = specified_rule();
    create(world.client(Attacker), &rule).await?;
    let after = Published::until(world.server.client(), "a rule after the forgery", |now| {
        now.entry("rules", "attacker/x").is_some()
    })
    .await?;
    ensure!(
        after.generation() == published.generation() + 1,
        "the generation went from {} to {}",
        published.generation(),
        after.generation()
    );
    world.is_unharmed().await?;
    forget(world, "RoutingRule").await
}

/// A status says what the operator says.
pub(crate) async fn nobody_else_writes_a_status(world: &World) -> Result<()> {
    let client = world.client(Attacker);
    let own = object(Attacker, "LLMProvider", "own");
    condition(client, &own, "Accepted", "True").await?;
    let mut lie = client.get(&own).await?.body;
    let said = lie["status"].clone();
    lie["status"]["conditions"][0]["message"] = "no".into();
    forbidden(&client.replace_status(&lie).await?)?;
    // What the object's own path says of it is not heard.
    let answer = client.replace(&lie, Write::Stored).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    ensure!(answer.body["status"] == said, "{}", answer.body);
    world.is_unharmed().await
}

/// Credentials go to gateways only.
pub(crate) async fn nobody_else_reads_the_credentials(world: &World) -> Result<()> {
    let client = world.client(Attacker);
    let credentials = object(Platform, "Secret", "fairlead-default-credentials");
    forbidden(&client.get(&credentials).await?)?;
    ensure!(
        client
            .list("v1", "secrets", "fairlead-system")
            .await
            .is_err(),
        "the Secrets of the gateway's namespace can be listed"
    );
    ensure!(
        world.client(Platform).get(&credentials).await?.is_success(),
        "whoever has the gateway's namespace has its Secrets"
    );
    let (unlabelled, labelled) = (
        object(Attacker, "Secret", "database"),
        object(Victim, "Secret", "upstream"),
    );
    ensure!(
        !world.is_handed_out(&unlabelled).await? && world.is_handed_out(&labelled).await?,
        "exactly what is labelled and named is handed out"
    );
    Ok(())
}

/// An object does not move to another installation, which may be another platform's.
pub(crate) async fn an_object_stays_with_its_installation(world: &World) -> Result<()> {
    let client = world.client(Attacker);
    let rule = specified_rule();
    create(client, &rule).await?;
    let mut moved = client.get(&rule).await?.body;
    moved["spec"]["gatewayName"] = "other".into();
    let answer = client.replace(&moved, Write::Stored).await?;
    ensure!(
        answer.status == 422
            && answer
                .message()
                .contains("spec.gatewayName cannot be changed"),
        "{} {}",
        answer.status,
        answer.message()
    );
    moved["spec"] = specified_rule()["spec"].clone();
    moved["spec"]["priority"] = 7.into();
    let answer = client.replace(&moved, Write::Stored).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    Published::until(world.server.client(), "another edit", |now| {
        now.entry("rules", "attacker/x")
            .is_some_and(|rule| rule["priority"] == 7)
    })
    .await?;
    forget(world, "RoutingRule").await
}

/// A provider admits whom its owner says, and a selector sees the labels that the cluster's administrator gave.
pub(crate) async fn nobody_admits_themselves(world: &World) -> Result<()> {
    let client = world.client(Attacker);
    for (who, name) in [(Platform, "shared"), (Victim, "own")] {
        let provider = object(who, "LLMProvider", name);
        let mut open = world.client(who).get(&provider).await?.body;
        open["spec"]["access"] = json!({"namespaces": {"from": "All"}});
        forbidden(&client.replace(&open, Write::Stored).await?)?;
        forbidden(&client.get(&provider).await?)?;
        ensure!(
            world
                .client(who)
                .replace(&open, Write::DryRun)
                .await?
                .is_success(),
            "its owner may"
        );
    }
    for who in [Attacker, Lab] {
        let namespace =
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": who.namespace()}});
        let mut labelled = world.server.client().get(&namespace).await?.body;
        labelled["metadata"]["labels"]["org"] = "acme".into();
        forbidden(&world.client(who).replace(&labelled, Write::Stored).await?)?;
    }
    world.is_unharmed().await
}

fn forbidden(answer: &Answer) -> Result<()> {
    ensure!(
        answer.status == 403,
        "should be forbidden: {} {}",
        answer.status,
        answer.message()
    );
    Ok(())
}

fn specified_rule() -> Value {
    let mut rule = object(Attacker, "RoutingRule", "x");
    rule["spec"] = json!({"targets": [{"name": "a", "providerRef": {"name": "own"}}]});
    rule
}

fn generated(secret: &str) -> Value {
    let mut key = object(Attacker, "VirtualKey", "x");
    key["spec"] = json!({"key": {"type": "Generate", "secretRef": {"name": secret}}});
    key
}

/// Asks for a key in a Secret that is there; what the key is told.
async fn generate(world: &World, secret: &str) -> Result<String> {
    let (client, key) = (world.client(Attacker), generated(secret));
    create(client, &key).await?;
    let told = condition(client, &key, "ResolvedRefs", "False").await?;
    ensure!(told["reason"] == "Conflict", "{told}");
    let now = world.published().await?;
    let left = now.entry("keys", "attacker/x");
    ensure!(
        left.is_some_and(|key| key["refused"] == "noValue"),
        "it leaves {left:?}"
    );
    Ok(told["message"].to_string())
}

/// Takes away the attacker's object `x` and waits until nothing is left of it.
async fn forget(world: &World, kind: &str) -> Result<()> {
    world
        .client(Attacker)
        .delete(&object(Attacker, kind, "x"))
        .await?;
    world.is_restored().await
}
