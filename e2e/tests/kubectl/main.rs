//! `kubectl fairlead` against a real API server with an operator, and a gateway that it asks by its address: there are no pods here to which ports
//! could be forwarded.

#![cfg(test)]

mod world;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::results::{self, Figure};
use fairlead_e2e::{PATIENCE, condition};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use world::{World, object};

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(50);
/// As soon as a suspension has to hold, in seconds.
const SOON: f64 = 5.0;

#[tokio::test]
async fn an_installation_is_told_of_as_it_is() -> Result<()> {
    let world = World::start().await?;
    status(&world).await?;
    traffic(&world).await?;
    explanation(&world).await?;
    world.stop().await
}

async fn status(world: &World) -> Result<()> {
    let (good, text) = world.tell(&["status", "-A", "--fail"]).await?;
    ensure!(
        good && text.starts_with("all namespaces: 4 objects, 0 not ok\n"),
        "{text}"
    );
    ensure!(text.contains("yes"), "the gateway is current: {text}");
    let rule = object("RoutingRule", "chat");
    world
        .edit(&rule, |spec| {
            spec["match"]["when"] = "request.headers[".into();
        })
        .await?;
    let words = condition(world.server.client(), &rule, "Accepted", "False").await?;
    // Programmed is written with it.
    condition(world.server.client(), &rule, "Programmed", "False").await?;
    let (good, data) = world
        .tell_data(&["status", "-n", "search", "--fail"])
        .await?;
    ensure!(!good, "{data}");
    let told = &data["notOk"];
    ensure!(
        told.as_array().is_some_and(|told| told.len() == 1)
            && told[0]["name"] == "search/chat"
            && told[0]["reason"] == "ConditionInvalid"
            && told[0]["message"] == words["message"],
        "{data}"
    );
    let (good, _) = world.tell(&["status", "-n", "search"]).await?;
    ensure!(good, "without --fail it only tells");
    world
        .edit(&rule, |spec| spec["match"]["when"] = Value::Null)
        .await?;
    condition(world.server.client(), &rule, "Programmed", "True").await?;
    Ok(())
}

/// What was asked of the gateway is told by its metrics, limits, health and log.
async fn traffic(world: &World) -> Result<()> {
    let key = world.value("app").await?;
    let before = world.caller(&key)?;
    let ask = async {
        for _ in 0..20 {
            let answer = before.chat("chat").await?;
            ensure!(answer.status == 200, "{answer:?}");
            sleep(PAUSE).await;
        }
        let answer = before.chat("nobody-has-this").await?;
        ensure!(answer.status >= 400, "{answer:?}");
        anyhow::Ok(())
    };
    let (told, asked) = tokio::join!(world.tell_data(&["top", "--interval", "3"]), ask);
    asked?;
    let (_, data) = told?;
    let line = &data["lines"][0];
    ensure!(
        line["provider"] == "search/sim"
            && line["model"] == "chat"
            && line["requestsPerSecond"].as_f64() > Some(1.0),
        "{data}"
    );
    let (good, text) = world.tell(&["health", "--fail-on", "not-closed"]).await?;
    ensure!(
        good && text.contains("search/sim") && text.contains("closed"),
        "{text}"
    );
    let error = world
        .tell(&["health", "search/none"])
        .await
        .unwrap_err()
        .to_string();
    ensure!(
        error.contains("no gateway has a provider search/none"),
        "{error}"
    );
    let (_, data) = world
        .tell_data(&["usage", "--live", "-n", "search", "--by", "key"])
        .await?;
    let limit = &data["limits"][0];
    ensure!(
        limit["holder"] == "search/app"
            && limit["limit"] == "rpm"
            && limit["used"].as_f64() >= Some(20.0),
        "{data}"
    );
    lines(world).await
}

async fn lines(world: &World) -> Result<()> {
    let log = world.log();
    let log = log.to_str().context("not text")?;
    // Lines wait for 20 ms to be written together.
    let began = Instant::now();
    let text = loop {
        let (_, text) = world
            .tell(&["logs", "--from", log, "-n", "search", "-k", "app"])
            .await?;
        if text.lines().count() > 21 {
            break text;
        }
        ensure!(began.elapsed() < PATIENCE, "{text}");
        sleep(PAUSE).await;
    };
    ensure!(
        text.contains("only=ok") && text.contains("search/app"),
        "{text}"
    );
    let (_, failed) = world.tell(&["logs", "--from", log, "--failed"]).await?;
    ensure!(
        failed.lines().count() == 2 && failed.contains("nobody-has-this"),
        "{failed}"
    );
    let id = failed.split_whitespace().last().context("no id")?;
    let (_, story) = world.tell(&["logs", "--from", log, id]).await?;
    ensure!(story.starts_with(&format!("request {id}")), "{story}");
    Ok(())
}

/// By what is published, with the limits as statuses have them.
async fn explanation(world: &World) -> Result<()> {
    let began = Instant::now();
    loop {
        let now = world
            .server
            .client()
            .get(&object("VirtualKey", "app"))
            .await?
            .body;
        if now["status"]["usage"]["rateLimits"].is_array() {
            break;
        }
        ensure!(began.elapsed() < PATIENCE * 2, "no usage: {now}");
        sleep(PAUSE).await;
    }
    let words = ["explain", "-n", "search", "-k", "app", "-m", "chat"];
    let (good, data) = world.tell_data(&words).await?;
    ensure!(
        good && data["rule"] == "search/chat" && data["attempts"][0]["provider"] == "search/sim",
        "{data}"
    );
    let text = data["text"].as_str().unwrap_or_default();
    ensure!(!text.contains("unused"), "the limits are known: {text}");
    let (_, text) = world.tell(&words).await?;
    ensure!(text.starts_with("by the live generation "), "{text}");
    Ok(())
}

#[tokio::test]
async fn keys_are_rotated_suspended_and_resumed_at_the_gateway() -> Result<()> {
    let world = World::start().await?;
    let old = world.value("app").await?;
    let (_, text) = world
        .tell(&["keys", "rotate", "-n", "search", "app", "--dry-run"])
        .await?;
    ensure!(
        text.contains("(dry run)") && world.value("app").await? == old,
        "{text}"
    );
    let (_, data) = world
        .tell_data(&["keys", "rotate", "search/app", "--overlap", "1h"])
        .await?;
    let new = data["value"].as_str().context("no value")?.to_owned();
    ensure!(
        new != old && new == world.value("app").await?,
        "the value that stands in the Secret"
    );
    ensure!(data["previousValidUntil"].is_string(), "{data}");
    for value in [&old, &new] {
        world.answers(value, 200).await?;
    }
    // A second one in the same second: the value between the two ends.
    let (_, text) = world
        .tell(&["keys", "rotate", "search/app", "--quiet"])
        .await?;
    let newest = world.value("app").await?;
    ensure!(newest != new && !text.contains(&newest), "{text}");
    world.answers(&old, 401).await?;

    world.tell(&["keys", "suspend", "search/app"]).await?;
    let began = Instant::now();
    world.answers(&newest, 401).await?;
    let figure = Figure::within(
        "kubectl fairlead: from keys suspend to the refusal",
        began.elapsed(),
        SOON,
    );
    results::record_seeing(std::slice::from_ref(&figure))?;
    ensure!(figure.ok, "{figure:?}");
    let (_, list) = world.tell(&["keys", "list", "-A"]).await?;
    ensure!(list.contains("suspended"), "{list}");
    world.tell(&["keys", "resume", "search/app"]).await?;
    world.answers(&newest, 200).await?;
    let error = world
        .tell(&["keys", "rotate", "search/none"])
        .await
        .unwrap_err()
        .to_string();
    ensure!(error.contains("\"none\" not found"), "{error}");
    world.stop().await
}

/// What somebody may not is told with the right that is missing, and takes away nothing else.
#[tokio::test]
async fn who_may_not_is_told_which_right_is_missing() -> Result<()> {
    let world = World::start().await?;
    let reader = world
        .account(
            "reader",
            &json!([{"apiGroups": ["fairlead.dev"], "resources": ["*"], "verbs": ["get", "list"]}]),
        )
        .await?;
    let told = world.tell_as(&reader, &["status", "-n", "search"]).await?;
    ensure!(
        told.1
            .starts_with("namespace search: 3 objects, 0 not ok\n"),
        "{}",
        told.1
    );
    ensure!(
        told.1.contains("needs the verb `get` on `configmaps/fairlead-default-index` in the namespace fairlead-system"),
        "{}",
        told.1
    );
    for (words, says) in [
        (
            &["keys", "suspend", "search/app"][..],
            "`patch` on `virtualkeys.fairlead.dev` in the namespace search",
        ),
        (
            &["top"],
            "`list` on `pods` in the namespace fairlead-system",
        ),
        (
            &["logs"],
            "`list` on `pods` in the namespace fairlead-system",
        ),
        (
            &["explain", "-k", "search/app", "-m", "chat"],
            "`get` on `configmaps` in the namespace fairlead-system",
        ),
        (
            &["usage", "-A"],
            "`list` on `organizations.fairlead.dev` in all namespaces",
        ),
    ] {
        let error = world.tell_as(&reader, words).await.unwrap_err().to_string();
        ensure!(error.contains(says), "{words:?}: {error}");
    }
    // May change keys, and not read Secrets.
    let rotator = world
        .account("rotator", &json!([{"apiGroups": ["fairlead.dev"], "resources": ["virtualkeys"], "verbs": ["get", "patch"]}]))
        .await?;
    let (_, text) = world
        .tell_as(&rotator, &["keys", "rotate", "search/app"])
        .await?;
    let value = world.value("app").await?;
    ensure!(
        text.contains("is not shown")
            && text.contains("`get` on `secrets/app`")
            && !text.contains(&value),
        "{text}"
    );
    world.stop().await
}
