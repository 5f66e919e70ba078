//! An upgrade of the definitions that makes objects invalid which were stored under looser ones: each is told by itself, its last accepted
//! version stays, and a thousand others move on.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::results::{self, Figure};
use fairlead_e2e::{
    ApiServer, Client, NAMESPACE, Operator, PATIENCE, Published, Write, condition, grant,
};
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

/// How many rules there are.
const RULES: usize = 1_000;
/// How many of them are edited after the upgrade.
const EDITED: usize = 20;
/// How many requests are on their way at once.
const AT_ONCE: usize = 16;
/// The longest that edits of others may take to be published, in seconds.
const PUBLISHED_WITHIN: f64 = 5.0;
/// The longest that the conditions of the invalid ones may take, in seconds.
const TOLD_WITHIN: f64 = 30.0;

/// A weight over the bound.
const TOO_HEAVY: u32 = 1_000_001;
/// A rule that the stricter definition does not take, for its weight.
const HEAVY: &str = "r0500";
/// One that cannot even be read: its priority is no number.
const GARBLED: &str = "r0700";
/// One that was never stored in any acceptable form.
const NEVER: &str = "never";
/// What is wrong with each, and which version of it counts.
const INVALID: [(&str, &str, &str); 3] = [
    (HEAVY, "spec.targets[0].weight", LAST),
    (GARBLED, "spec.priority", LAST),
    (
        NEVER,
        "spec.targets[0].weight",
        "No version of this object is in force",
    ),
];
const LAST: &str = "The last accepted version stays in force";

#[tokio::test]
async fn what_a_stricter_definition_makes_invalid_keeps_its_last_accepted_version_and_the_others_move_on()
-> Result<()> {
    let server = ApiServer::start().await?;
    let client = server.client();
    let account = prepare(&server).await?;
    let operator = Operator::start(&account, "before", &[]).await?;
    fill(client).await?;
    let before = Published::until(client, "every rule", |now| rules(now) == RULES).await?;
    for name in [HEAVY, GARBLED] {
        condition(client, &rule(name), "Accepted", "True").await?;
    }
    operator.kill().await;

    spoil(client).await?;
    tighten(client).await?;

    let (operator, began) = (
        Operator::start(&account, "after", &[]).await?,
        Instant::now(),
    );
    for (name, field, in_force) in INVALID {
        told(client, name, field, in_force).await?;
    }
    let told_in = began.elapsed();

    let published_in = others_move_on(client).await?;
    let after = Published::until(client, "all are there", |now| rules(now) == RULES).await?;
    for name in [HEAVY, GARBLED] {
        let name = format!("search/{name}");
        assert_eq!(
            after.entry("rules", &name),
            before.entry("rules", &name),
            "{name}"
        );
    }
    assert_eq!(after.entry("rules", "search/never"), None);
    record(told_in, published_in)?;

    for (name, ..) in INVALID {
        edit(client, name, |spec| *spec = rule(name)["spec"].take()).await?;
        condition(client, &rule(name), "Accepted", "True").await?;
    }
    operator.stop().await
}

fn record(told_in: Duration, published_in: Duration) -> Result<()> {
    results::record(&[
        Figure::at_most(
            "invalid: conditions of three invalid among a thousand, after a restart",
            told_in.as_secs_f64(),
            "s",
            TOLD_WITHIN,
        ),
        Figure::at_most(
            "invalid: 20 edits of others published, after the last",
            published_in.as_secs_f64(),
            "s",
            PUBLISHED_WITHIN,
        ),
    ])
}

/// Namespaces, loose definitions, and the account of the operator: what it may write its conditions with.
async fn prepare(server: &ApiServer) -> Result<std::path::PathBuf> {
    let client = server.client();
    for name in [NAMESPACE, "search"] {
        create(
            client,
            &json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}),
        )
        .await?;
    }
    for crd in fairlead_crds::all() {
        let mut crd = serde_json::to_value(&crd)?;
        if crd["spec"]["names"]["kind"] == "RoutingRule" {
            loosen(&mut crd)?;
        }
        create(client, &crd).await?;
    }
    grant(client, "fairlead", "fairlead", NAMESPACE, &[]).await?;
    let mut heavy = rule("probe");
    heavy["spec"]["targets"][0]["weight"] = TOO_HEAVY.into();
    until_judged(client, &heavy, true).await?;
    let provider = json!({"apiVersion": "fairlead.dev/v1alpha1", "kind": "LLMProvider", "metadata": {"namespace": "search", "name": "sim"}, "spec": {"type": "Simulated"}});
    until_judged(client, &provider, true).await?;
    create(client, &provider).await?;
    server.kubeconfig_of(NAMESPACE, "fairlead-operator").await
}

/// As an older release might have had it: any weight, and a priority of any type.
fn loosen(crd: &mut Value) -> Result<()> {
    let spec = &mut crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["spec"];
    let weight = spec["properties"]["targets"]["items"]["properties"]["weight"]
        .as_object_mut()
        .context("no weight in the definition")?;
    ensure!(
        weight.remove("maximum").is_some(),
        "a weight has no bound that could be taken away"
    );
    let priority = &mut spec["properties"]["priority"];
    ensure!(priority["type"] == "integer", "{priority}");
    *priority = json!({"x-kubernetes-preserve-unknown-fields": true});
    // No rule can speak of a field that has no type.
    let rules = spec["x-kubernetes-validations"].as_array_mut();
    let speaks = |rule: &Value| {
        rule["rule"]
            .as_str()
            .is_some_and(|rule| rule.contains("self.priority"))
    };
    rules
        .context("no rules in the definition")?
        .retain(|rule| !speaks(rule));
    Ok(())
}

/// Stores what only the loose definitions take.
async fn spoil(client: &Client) -> Result<()> {
    edit(client, HEAVY, |spec| {
        spec["targets"][0]["weight"] = TOO_HEAVY.into();
    })
    .await?;
    edit(client, GARBLED, |spec| {
        spec["priority"] = json!({"first": true});
    })
    .await?;
    let mut never = rule(NEVER);
    never["spec"]["targets"][0]["weight"] = TOO_HEAVY.into();
    create(client, &never).await
}

/// Upgrades the definition, as `helm upgrade` does, and waits until the API server judges by it.
async fn tighten(client: &Client) -> Result<()> {
    let crd = fairlead_crds::all()
        .into_iter()
        .find(|crd| crd.spec.names.kind == "RoutingRule")
        .context("no definition")?;
    let mut crd = serde_json::to_value(&crd)?;
    let now = client.get(&crd).await?.body;
    crd["metadata"]["resourceVersion"] = now["metadata"]["resourceVersion"].clone();
    let answer = client.replace(&crd, Write::Stored).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    for (pointer, value) in [
        ("/spec/targets/0/weight", json!(TOO_HEAVY)),
        ("/spec/priority", json!({"first": true})),
    ] {
        let mut bad = rule("probe");
        bad["spec"]["priority"] = 0.into();
        *bad.pointer_mut(pointer).context("no such field")? = value;
        until_judged(client, &bad, false).await?;
    }
    Ok(())
}

/// Waits until the API server would take an object, or would not.
async fn until_judged(client: &Client, object: &Value, taken: bool) -> Result<()> {
    let began = Instant::now();
    loop {
        let answer = client.create(object, Write::DryRun).await;
        match &answer {
            Ok(answer) if answer.is_success() == taken && answer.status != 404 => return Ok(()),
            _ => ensure!(began.elapsed() < PATIENCE, "{object}: {answer:?}"),
        }
        sleep(Duration::from_millis(100)).await;
    }
}

async fn fill(client: &Client) -> Result<()> {
    let names = (0..RULES).map(|number| format!("r{number:04}"));
    stream::iter(names)
        .map(|name| async move { create(client, &rule(&name)).await })
        .buffer_unordered(AT_ONCE)
        .try_collect()
        .await
}

/// Edits others; how long after the last edit until all of them are published.
async fn others_move_on(client: &Client) -> Result<Duration> {
    let edited: Vec<String> = (0..EDITED).map(|number| format!("r{number:04}")).collect();
    for name in &edited {
        edit(client, name, |spec| spec["targets"][0]["weight"] = 2.into()).await?;
    }
    let began = Instant::now();
    Published::until(client, "the edits of others", |now| {
        edited.iter().all(|name| {
            now.entry("rules", &format!("search/{name}"))
                .is_some_and(|rule| rule["targets"][0]["weight"] == 2)
        })
    })
    .await?;
    let published_in = began.elapsed();
    for name in &edited {
        for kind in ["Accepted", "ResolvedRefs"] {
            condition(client, &rule(name), kind, "True").await?;
        }
    }
    Ok(published_in)
}

/// The object's own condition names the field and says which version counts.
async fn told(client: &Client, name: &str, field: &str, in_force: &str) -> Result<()> {
    let told = condition(client, &rule(name), "Accepted", "False").await?;
    let message = told["message"].as_str().unwrap_or_default();
    ensure!(
        told["reason"] == "Invalid" && message.starts_with(field) && message.ends_with(in_force),
        "{name}: {told}"
    );
    condition(client, &rule(name), "Programmed", "False").await?;
    Ok(())
}

/// How many rules are published.
fn rules(published: &Published) -> usize {
    let entries = published.entries();
    entries
        .keys()
        .filter(|(section, _)| section == "rules")
        .count()
}

fn rule(name: &str) -> Value {
    json!({
        "apiVersion": "fairlead.dev/v1alpha1",
        "kind": "RoutingRule",
        "metadata": {"namespace": "search", "name": name},
        "spec": {"match": {"models": [name]}, "targets": [{"name": "a", "providerRef": {"name": "sim"}, "weight": 1}]},
    })
}

async fn create(client: &Client, object: &Value) -> Result<()> {
    let answer = client.create(object, Write::Stored).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    Ok(())
}

async fn edit(client: &Client, name: &str, change: impl FnOnce(&mut Value)) -> Result<()> {
    let mut now = client.get(&rule(name)).await?.body;
    change(&mut now["spec"]);
    let answer = client.replace(&now, Write::Stored).await?;
    ensure!(answer.is_success(), "{name}: {}", answer.message());
    Ok(())
}
