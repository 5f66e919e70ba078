//! The console of a cluster against a real API server, with what the charts grant: who is let in, what two gateways come to, and what a viewer of one
//! namespace sees of another.

#![cfg(test)]

mod apply;
mod attempts;
mod browser;
mod world;

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::results::{self, Figure};
use fairlead_e2e::{NAMESPACE, PATIENCE};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use world::{AUDIENCE, MARK, PAUSE, World, binding, create};

/// A right that is taken away is gone within this many seconds: ten, and what asking takes.
const GONE: f64 = 15.0;
/// Requests of each key to each gateway.
const CALLS: usize = 6;

#[tokio::test]
async fn a_console_of_two_gateways_shows_each_viewer_what_is_theirs() -> Result<()> {
    let mut world = World::start().await?;
    let outcome = all(&mut world).await;
    if outcome.is_err() {
        fairlead_e2e::say(&world.console_log()?);
    }
    outcome?;
    world.stop().await
}

#[tokio::test]
async fn a_rule_is_written_with_the_viewers_own_rights_and_with_no_other() -> Result<()> {
    let mut world = World::start().await?;
    let outcome = apply::all(&mut world).await;
    if outcome.is_err() {
        fairlead_e2e::say(&world.console_log()?);
    }
    outcome?;
    world.stop().await
}

async fn all(world: &mut World) -> Result<()> {
    let [own, others] = [
        world.value("search", "app").await?,
        world.value("shop", "zebra-key").await?,
    ];
    world.call(&own, "chat", CALLS).await?;
    world.call(&others, "zebra-chat", CALLS).await?;
    strangers(world).await?;
    gateways_as_one(world).await?;
    attempts::all(world, (&own, &others)).await?;
    holder(world, &own).await?;
    rights_that_go(world).await?;
    gateways_come_and_go(world, &own).await?;
    restart(world).await?;
    no_secret_is_logged(world, &[&own, &others]).await
}

/// Who is not let in.
async fn strangers(world: &World) -> Result<()> {
    let client = world.server.client();
    let browser = world.browser()?.from("203.0.113.7");
    ensure!(browser.get("overview").await?.status == 401);
    let foreign = client.token_for("search", "lead", &["another"]).await?;
    let of_the_api_server = client.token("search", "lead").await?;
    let gone = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"namespace": "search", "name": "gone"}});
    create(&world.server, &gone).await?;
    let of_nobody = world.token("search", "gone").await?;
    client.delete(&gone).await?;
    for (why, token) in [
        ("of another audience", foreign),
        ("of the API server's own", of_the_api_server),
        ("of an account that is gone", of_nobody),
    ] {
        let (said, _) = browser.sign_in("token", &token).await?;
        ensure!(said.status == 401, "{why}: {said:?}");
    }
    // What is no token is not even shown to the API server.
    let before = world.metric("token_reviews_total").await?;
    let (said, _) = browser.sign_in("token", "no-token-at-all").await?;
    ensure!(said.status == 401, "{said:?}");
    ensure!(world.metric("token_reviews_total").await? <= before);
    // Who guesses on has to wait, and nobody else has to.
    let (said, _) = browser
        .sign_in("key", "sk-fairlead-nobody-has-this")
        .await?;
    ensure!(said.status == 401, "{said:?}");
    let (said, _) = browser
        .sign_in("key", "sk-fairlead-nobody-has-that")
        .await?;
    ensure!(said.status == 429, "{said:?}");
    let other = world.browser()?.from("203.0.113.8");
    let (said, _) = other.sign_in("key", "sk-fairlead-nobody-has-this").await?;
    ensure!(said.status == 401, "{said:?}");
    Ok(())
}

/// Every request of both gateways stands in one list, and once.
async fn gateways_as_one(world: &World) -> Result<()> {
    let auditor = world.viewer(NAMESPACE, "auditor").await?;
    let rows = rows(&auditor, 4 * CALLS).await?;
    let mut ids: Vec<&str> = rows.iter().filter_map(|row| row["id"].as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    ensure!(ids.len() == 4 * CALLS, "{} of {}", ids.len(), 4 * CALLS);
    let standing = auditor.get("overview").await?.json()?["standing"].clone();
    let gateways = standing["gateways"].as_array().context("no gateways")?;
    ensure!(
        gateways.len() == 2 && gateways.iter().all(|one| one["ready"] == true),
        "{standing}"
    );
    let generation = &standing["generation"];
    ensure!(
        gateways.iter().all(|one| one["generation"] == *generation),
        "{standing}"
    );
    ensure!(standing["readOnly"] == true, "{standing}");
    let providers = auditor.get("providers").await?.json()?;
    let sim = found(&providers, "search/sim")?;
    let health = sim["health"].as_array().context("no health")?;
    ensure!(health.len() == 2, "each gateway says for itself: {sim}");
    let spend = auditor.post("usage", &json!({"by": ["key"]})).await?;
    ensure!(
        spend.text.contains("search/app") && spend.text.contains("shop/zebra-key"),
        "{spend:?}"
    );
    let keys = auditor.get("keys").await?.json()?;
    ensure!(keys["total"] == 2, "{keys}");
    let rules = auditor.get("rules").await?.json()?;
    for rule in ["search/chat", "shop/zebra-rule", "fairlead-system/platform"] {
        found(&rules, rule)?;
    }
    // What the operator says of an object that is not as it should be.
    let configuration = auditor.get("configuration").await?;
    ensure!(
        configuration.text.contains("shop/zebra-broken"),
        "{configuration:?}"
    );
    let lead = world.viewer("search", "lead").await?;
    ensure!(lead.post("requests", &json!({})).await?.rows()?.len() == 2 * CALLS);
    let explained = json!({"key": "search/app", "body": {"model": "chat"}});
    let explained = lead.post("explain", &explained).await?.json()?;
    ensure!(explained["taken"] == "search/chat", "{explained}");
    builds(&lead).await?;
    let limits = explained["limits"].as_array().context("no limits")?;
    ensure!(
        limits.iter().any(|limit| limit["name"] == "rpm"),
        "{explained}"
    );
    let all = u32::try_from(4 * CALLS)?;
    seen(&Figure::no_fewer(
        "console: requests of two gateways in one list, once each",
        ids.len(),
        "requests",
        all,
    ))
}

/// A rule before one's own others is tried on one's own requests, all of which it would take.
async fn builds(lead: &browser::Browser) -> Result<()> {
    let target = json!({"name": "only", "provider": "sim", "model": "fast"});
    let form = json!({"namespace": "search", "name": "first", "priority": 1, "models": ["chat"], "targets": [target]});
    let built = lead.post("build", &form).await?.json()?;
    ensure!(built["findings"] == json!([]), "{built}");
    let yaml = built["yaml"].as_str().context("no yaml")?;
    ensure!(
        yaml.contains("kind: RoutingRule") && yaml.contains("priority: 1"),
        "{built}"
    );
    let effect = &built["effect"];
    ensure!(
        effect["lookedAt"] == 2 * CALLS && effect["moved"] == 2 * CALLS,
        "{built}"
    );
    Ok(())
}

/// Waits until there are so many requests.
async fn rows(browser: &browser::Browser, count: usize) -> Result<Vec<Value>> {
    let began = Instant::now();
    loop {
        let question = json!({"ask": {"limit": 500}});
        let rows = browser.post("requests", &question).await?.rows()?;
        if rows.len() >= count {
            return Ok(rows);
        }
        ensure!(began.elapsed() < PATIENCE, "{} of {count}", rows.len());
        sleep(PAUSE).await;
    }
}

fn found<'a>(all: &'a Value, name: &str) -> Result<&'a Value> {
    let mut all_of_them = all.as_array().context("no list")?.iter();
    let found = all_of_them.find(|one| one["name"] == name);
    found.with_context(|| format!("no {name}: {all}"))
}

/// Who holds a key sees what is of this key, by any gateway.
async fn holder(world: &World, key: &str) -> Result<()> {
    let (said, holder) = world.browser()?.sign_in("key", key).await?;
    ensure!(said.status == 200, "{said:?}");
    let mine = holder.get("mine").await?.json()?;
    ensure!(mine["key"]["name"] == "search/app", "{mine}");
    let limits = mine["limits"].as_array().context("no limits")?;
    let rpm = limits.iter().find(|limit| limit["name"] == "rpm");
    ensure!(rpm.is_some_and(|rpm| rpm["level"] == "key"), "{mine}");
    // Those of before, and one of each gateway while both tenants looked.
    ensure!(holder.post("requests", &json!({})).await?.rows()?.len() == 2 * CALLS + 2);
    ensure!(holder.get("keys").await?.status == 403);
    Ok(())
}

/// A right that is taken away is gone while its holder looks; the right to see requests is nothing without the right to see what they cost.
async fn rights_that_go(world: &World) -> Result<()> {
    for (account, sees) in [("half", "requests alone"), ("nobody", "nothing")] {
        let viewer = world.viewer("search", account).await?;
        let rows = viewer.post("requests", &json!({})).await?.rows()?;
        ensure!(rows.is_empty(), "{account} may see {sees}: {rows:?}");
        for path in ["providers", "rules"] {
            let said = viewer.get(path).await?;
            ensure!(
                said.status == 403 || said.text == "[]",
                "{account}: {said:?}"
            );
        }
    }
    let lead = world.viewer("search", "lead").await?;
    let spend = json!({"by": ["key"]});
    ensure!(!lead.post("requests", &json!({})).await?.rows()?.is_empty());
    ensure!(
        lead.post("usage", &spend)
            .await?
            .text
            .contains("search/app")
    );
    world.server.client().delete(&binding()).await?;
    let began = Instant::now();
    loop {
        let rows = lead.post("requests", &json!({})).await?;
        let usage = lead.post("usage", &spend).await?;
        let is_gone =
            |said: &browser::Said| said.status == 403 || !said.text.contains("search/app");
        if is_gone(&rows) && is_gone(&usage) {
            break;
        }
        ensure!(began.elapsed() < PATIENCE, "{rows:?} {usage:?}");
        sleep(PAUSE).await;
    }
    let seconds = began.elapsed().as_secs_f64();
    seen(&Figure::at_most(
        "console: a right that was taken away is gone",
        seconds,
        "s",
        GONE,
    ))?;
    create(&world.server, &binding()).await
}

/// One that is gone is named and takes nothing with it; one that comes is followed.
async fn gateways_come_and_go(world: &mut World, own: &str) -> Result<()> {
    let auditor = world.viewer(NAMESPACE, "auditor").await?;
    let before = rows(&auditor, 4 * CALLS).await?.len();
    let at = world
        .gateways
        .iter()
        .position(|(name, _)| name == "gateway-2");
    drop(world.gateways.remove(at.context("no gateway-2")?));
    let began = Instant::now();
    let silent = |standing: &Value| {
        let gateways = standing["gateways"].as_array().into_iter().flatten();
        let names: Vec<_> = gateways
            .filter(|one| one["ready"] == false)
            .filter_map(|one| one["name"].as_str().map(str::to_owned))
            .collect();
        names
    };
    loop {
        let standing = auditor.get("overview").await?.json()?["standing"].clone();
        if silent(&standing) == ["gateway-2"] {
            break;
        }
        ensure!(began.elapsed() < PATIENCE, "{standing}");
        sleep(PAUSE).await;
    }
    seen(&Figure::within(
        "console: a gateway that was killed is named",
        began.elapsed(),
        15.0,
    ))?;
    ensure!(rows(&auditor, before).await?.len() == before);
    ensure!(auditor.get("rules").await?.status == 200);
    world.lend_and_add("gateway-3").await?;
    world.call(own, "chat", 1).await?;
    let began = Instant::now();
    rows(&auditor, before + 2).await?;
    seen(&Figure::within(
        "console: requests of a new gateway are shown",
        began.elapsed(),
        20.0,
    ))
}

/// A console that begins anew has forgotten who was signed in, and knows the last requests of every gateway that is there.
async fn restart(world: &mut World) -> Result<()> {
    let auditor = world.viewer(NAMESPACE, "auditor").await?;
    world.restart_console("Off").await?;
    ensure!(auditor.get("overview").await?.status == 401);
    let auditor = world.viewer(NAMESPACE, "auditor").await?;
    // Of the gateway that is gone nobody tells any more.
    let rows = rows(&auditor, 2 * CALLS + 2).await?;
    ensure!(
        rows.iter()
            .all(|row| row["key"] == "search/app" || row["key"] == format!("shop/{MARK}-key"))
    );
    Ok(())
}

/// Neither a token nor a key stands in what it logs.
async fn no_secret_is_logged(world: &World, keys: &[&str]) -> Result<()> {
    let token = world.token("search", "lead").await?;
    let _ = world.browser()?.sign_in("token", &token).await?;
    let log = world.console_log()?;
    let signature = token.rsplit_once('.').context("no token")?.1;
    for secret in keys.iter().chain([&signature]) {
        ensure!(
            !log.contains(*secret),
            "a secret of {} bytes stands in the log",
            secret.len()
        );
    }
    ensure!(
        !log.contains("eyJ"),
        "what looks like a token stands in the log for {AUDIENCE}"
    );
    Ok(())
}

/// Keeps a figure, which has to be as it was wanted.
fn seen(figure: &Figure) -> Result<()> {
    results::record_seeing(std::slice::from_ref(figure))?;
    ensure!(figure.ok, "{figure:?}");
    Ok(())
}
