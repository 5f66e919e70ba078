//! `examples/argocd` through the real Argo CD, with an operator and a gateway of the cluster that it syncs to: what is told as Healthy is
//! served, what is refused is Degraded in the operator's words, and nothing that anybody but git writes is drift.

mod world;

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::results::{self, Figure};
use fairlead_e2e::say;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use world::{RESOURCES, World, healthy_at, resource_health};

/// How long nothing may happen that nobody asked for.
const QUIET: Duration = Duration::from_secs(60);
/// Between two looks meanwhile.
const PAUSE: Duration = Duration::from_millis(500);
/// Longer than Argo CD waits between two comparisons here.
const SETTLED: Duration = Duration::from_secs(8);
/// The edits that have to be in force when they are told to be Healthy.
const EDITS: usize = 5;
/// A key whose value stands in a Secret that does not come with git.
const LATE_KEY: &str = r"apiVersion: fairlead.dev/v1alpha1
kind: VirtualKey
metadata:
  name: late
  namespace: fairlead-system
spec:
  key:
    type: SecretRef
    secretRef: {name: late-key}
";

#[tokio::test]
async fn the_example_is_healthy_when_it_is_served_and_drifts_only_by_edits_of_the_cluster()
-> Result<()> {
    let mut world = World::start().await?;
    world.becomes_healthy_only_with_a_gateway().await?;
    stays_as_it_is(&mut world).await?;
    an_edit_by_hand_is_undone_once(&mut world).await?;
    edits_are_in_force_when_healthy(&mut world).await?;
    a_bad_edit_is_degraded_in_the_operators_words(&mut world).await?;
    a_late_secret_fails_no_sync(&mut world).await?;
    world.stop().await
}

/// Writes figures down and fails if one is not as it has to be.
fn show(figures: &[Figure]) -> Result<()> {
    results::record_seeing(figures)?;
    for figure in figures {
        ensure!(figure.ok, "{figure:?}");
    }
    Ok(())
}

/// A minute in which the operator writes statuses, a key rotates and requests are counted.
async fn stays_as_it_is(world: &mut World) -> Result<()> {
    say("no drift in a minute");
    let before = world.operations().await?;
    let began = Instant::now();
    let (mut looks, mut out_of_sync, mut unhealthy) = (0, Vec::new(), 0);
    world.rotate_the_key().await?;
    while began.elapsed() < QUIET {
        for (name, status) in world.statuses().await? {
            looks += 1;
            if status["sync"]["status"] != "Synced" {
                out_of_sync.push(format!("{name}: {}", status["resources"]));
            }
            if name == RESOURCES && status["health"]["status"] != "Healthy" {
                unhealthy += 1;
            }
        }
        let answer = world.chat("from-git").await?;
        ensure!(answer.status == 200, "{answer:?}");
        sleep(PAUSE).await;
    }
    let after = world.operations().await?;
    show(&[
        Figure::no_fewer("Argo CD: looks in a quiet minute", looks, "looks", 100),
        Figure::no_more(
            "Argo CD: of these out of sync",
            out_of_sync.len(),
            "looks",
            0,
        ),
        Figure::no_more("Argo CD: of these not healthy", unhealthy, "looks", 0),
        Figure::no_more(
            "Argo CD: syncs in a quiet minute, of three Applications that heal themselves",
            before
                .iter()
                .zip(&after)
                .filter(|(before, after)| before != after)
                .count(),
            "syncs",
            0,
        ),
    ])?;
    ensure!(out_of_sync.is_empty(), "drift: {out_of_sync:#?}");
    ensure!(unhealthy == 0, "{unhealthy} looks were not Healthy");
    ensure!(
        before == after,
        "synced without cause: {before:?}, {after:?}"
    );
    Ok(())
}

async fn an_edit_by_hand_is_undone_once(world: &mut World) -> Result<()> {
    say("an edit by hand is undone");
    let started = |status: &Value| status["operationState"]["startedAt"].clone();
    let before = started(&world.argocd.read(RESOURCES).await?["status"]);
    let began = Instant::now();
    world
        .edit_rule_in_cluster(&json!({"models": ["by-hand"]}))
        .await?;
    let healed = world
        .argocd
        .until(RESOURCES, "healed", |status| {
            started(status) != before
                && status["operationState"]["phase"] == "Succeeded"
                && status["sync"]["status"] == "Synced"
                && status["health"]["status"] == "Healthy"
        })
        .await?;
    let took = began.elapsed();
    let answer = world.chat("from-git").await?;
    ensure!(answer.status == 200, "{answer:?}");
    sleep(SETTLED).await;
    let after = world.argocd.read(RESOURCES).await?;
    ensure!(
        started(&after["status"]) == started(&healed["status"]),
        "synced again: {}",
        after["status"]["operationState"]
    );
    show(&[Figure::within(
        "Argo CD: from an edit by hand to what git says, enforced and Healthy",
        took,
        30.0,
    )])
}

/// The moment an Application is Healthy at a commit, a request gets what the commit says.
async fn edits_are_in_force_when_healthy(world: &mut World) -> Result<()> {
    say("edits in git");
    let (mut slowest, mut early, mut last) = (Duration::ZERO, 0, "from-git".to_owned());
    for number in 0..EDITS {
        let next = format!("from-git-{number}");
        let (from, to) = (format!(r#"["{last}"]"#), format!(r#"["{next}"]"#));
        let began = Instant::now();
        let commit = world.push("rule.yaml", &from, &to).await?;
        world
            .argocd
            .until(RESOURCES, "healthy at the commit", |status| {
                healthy_at(status, &commit)
            })
            .await?;
        slowest = slowest.max(began.elapsed());
        let (new, old) = (world.chat(&next).await?, world.chat(&last).await?);
        if new.status != 200 || old.status == 200 {
            say(&format!("{next}: {new:?}, {last}: {old:?}"));
            early += 1;
        }
        last = next;
    }
    show(&[
        Figure::no_more(
            "Argo CD: Healthy before an edit was in force",
            early,
            "edits",
            0,
        ),
        Figure::within(
            "Argo CD: from a commit to Healthy, the slowest of five",
            slowest,
            30.0,
        ),
    ])?;
    ensure!(
        early == 0,
        "{early} of {EDITS} edits were Healthy before they were in force"
    );
    world.model = last;
    Ok(())
}

async fn a_bad_edit_is_degraded_in_the_operators_words(world: &mut World) -> Result<()> {
    say("a bad edit");
    let models = format!(r#"models: ["{}"]"#, world.model);
    let bad = format!("{models}\n    when: 'request.headers['");
    let commit = world.push("rule.yaml", &models, &bad).await?;
    let began = Instant::now();
    let now = world
        .argocd
        .until(RESOURCES, "degraded", |status| {
            status["sync"]["revision"] == *commit && status["health"]["status"] == "Degraded"
        })
        .await?;
    let took = began.elapsed();
    let told = resource_health(&now["status"], "RoutingRule", "from-git");
    let message = told["message"].as_str().context("no message")?.to_owned();
    let words = world.condition_of_rule("Accepted").await?;
    let words = words["message"].as_str().context("no words")?;
    ensure!(
        told["status"] == "Degraded" && message == format!("ConditionInvalid: {words}"),
        "{told}"
    );
    let model = world.model.clone();
    let answer = world.chat(&model).await?;
    ensure!(
        answer.status == 200,
        "the last accepted version: {answer:?}"
    );
    let commit = world.push("rule.yaml", &bad, &models).await?;
    world
        .argocd
        .until(RESOURCES, "mended", |status| healthy_at(status, &commit))
        .await?;
    show(&[Figure::within(
        "Argo CD: from a commit that is not acceptable to Degraded",
        took,
        30.0,
    )])
}

/// What External Secrets brings may come after what names it.
async fn a_late_secret_fails_no_sync(world: &mut World) -> Result<()> {
    say("a Secret that comes late");
    let commit = world.add("late.yaml", LATE_KEY).await?;
    let now = world
        .argocd
        .until(RESOURCES, "synced, and waiting", |status| {
            status["sync"]["revision"] == *commit
                // It ends by itself: it does not wait for the key to be healthy.
                && status["operationState"]["phase"] == "Succeeded"
                && resource_health(status, "VirtualKey", "late")["status"] == "Progressing"
                && resource_health(status, "VirtualKey", "late")["message"]
                    .as_str()
                    .is_some_and(|message| message.starts_with("SecretNotFound: "))
        })
        .await?;
    let before = now["status"]["operationState"].clone();
    let began = Instant::now();
    let labels = json!({"fairlead.dev/secret": "virtual-key"});
    let value = "sk-late-0123456789abcdef0123456789abcdef";
    world
        .create(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": "fairlead-system", "name": "late-key", "labels": labels},
            "stringData": {"apiKey": value},
        }))
        .await?;
    let now = world
        .argocd
        .until(RESOURCES, "healthy with the Secret", |status| {
            healthy_at(status, &commit)
        })
        .await?;
    let took = began.elapsed();
    let model = world.model.clone();
    let answer = world.caller(value)?.chat(&model).await?;
    ensure!(answer.status == 200, "{answer:?}");
    let synced = |operation: &Value| operation["startedAt"].clone();
    ensure!(
        synced(&now["status"]["operationState"]) == synced(&before),
        "another sync was needed: {}",
        now["status"]["operationState"]
    );
    show(&[Figure::within(
        "Argo CD: from a late Secret to Healthy, without another sync",
        took,
        30.0,
    )])
}
