//! `Programmed` means enforced: not before the last replica, and not shaken by what is none of the object's business.

use std::time::Duration;

use anyhow::{Result, ensure};
use fairlead_e2e::results::Figure;
use fairlead_e2e::{Signal, Watch};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::support::{
    SOON, Scene, condition, everywhere, is_programmed, key, rule, show, turn, until,
};

/// How long one replica stands still: less than its readiness probes forgive.
const DELAY: Duration = Duration::from_secs(6);
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(100);
const GATEWAYS: &str = "deployment/fairlead-gateway";

#[tokio::test]
async fn programmed_waits_for_the_last_replica_and_for_nothing_else() -> Result<()> {
    let fairlead = turn().await?;
    let run = fairlead.cluster.with_temp_namespace(async |admin| {
        let scene = Scene::set(&fairlead, admin).await?;
        waits_for_the_last(&scene).await?;
        is_not_shaken(&scene).await
    });
    run.await
}

/// One gateway stands still while a rule changes.
async fn waits_for_the_last(scene: &Scene<'_>) -> Result<()> {
    let gateways = scene.fairlead.gateways().await?;
    let [delayed, _] = gateways.as_slice() else {
        anyhow::bail!("there are no two gateways");
    };
    let watch = scene.tenant.watch("llmr/split")?;
    delayed.signal("fairlead-gateway", Signal::Stop).await?;
    let began = Instant::now();
    let outcome = one_is_delayed(scene).await;
    delayed.signal("fairlead-gateway", Signal::Continue).await?;
    outcome?;
    until("Programmed", || programmed(scene, "llmr/split")).await?;
    let waited = began.elapsed();
    // Said, so it is so: no waiting here.
    for caller in scene.callers().await? {
        let text = caller.chat("split").await?.text;
        ensure!(text == "second", "Programmed and not enforced");
    }
    let name = "one replica delayed by 6 s: Programmed after";
    show(&[
        Figure::at_least(name, waited.as_secs_f64(), "s", DELAY.as_secs_f64()),
        Figure::no_fewer(
            "states told to be pending meanwhile",
            pending(&watch),
            "states",
            1,
        ),
    ])
}

/// The other one enforces the change, and for as long as the first does not, nobody says so.
async fn one_is_delayed(scene: &Scene<'_>) -> Result<()> {
    let began = Instant::now();
    scene.send_all_to("second").await?;
    let callers = scene.callers().await?;
    everywhere("the other enforces it", &callers[1..], "split", |answer| {
        answer.text == "second"
    })
    .await?;
    while began.elapsed() < DELAY {
        let said = programmed(scene, "llmr/split").await?;
        ensure!(!said, "Programmed before the last replica");
        sleep(PAUSE).await;
    }
    Ok(())
}

/// Other objects are edited, gateways come and go; the condition stands.
async fn is_not_shaken(scene: &Scene<'_>) -> Result<()> {
    let (tenant, platform) = (&scene.tenant, scene.fairlead.platform());
    until("the key", || programmed(scene, "vk/app")).await?;
    let watches = [tenant.watch("llmr/split")?, tenant.watch("vk/app")?];
    until("the watches have begun", || async {
        Ok(watches.iter().all(|watch| !watch.seen().is_empty()))
    })
    .await?;
    for share in 1..=10 {
        let other = rule("other", [("first", share), ("second", 1)]);
        tenant.apply(&other).await?;
    }
    tenant.apply(&key("other")).await?;
    for replicas in ["--replicas=4", "--replicas=2"] {
        platform.run(&["scale", GATEWAYS, replicas]).await?;
        platform.rolled_out(GATEWAYS, SOON).await?;
    }
    platform.run(&["rollout", "restart", GATEWAYS]).await?;
    platform.rolled_out(GATEWAYS, SOON).await?;
    scene.fairlead.settled("gateway", 2).await?;
    let flips = watches.iter().map(flips).sum();
    let name = "Programmed moved by other edits, 2 -> 4 -> 2 and a rolling restart";
    show(&[Figure::no_more(name, flips, "times", 0)])
}

async fn programmed(scene: &Scene<'_>, what: &str) -> Result<bool> {
    let object = scene.tenant.get(what).await?;
    Ok(object.as_ref().is_some_and(is_programmed))
}

/// In how many states that a watch has seen of the latest version it was said not to be enforced.
fn pending(watch: &Watch) -> usize {
    let seen = watch.seen();
    let generation = |object: &Value| object["metadata"]["generation"].clone();
    let latest = seen.last().map(generation);
    let states = seen
        .iter()
        .filter(|object| Some(generation(object)) == latest);
    states
        .filter(|object| condition(object, "Programmed")["status"] != "True")
        .count()
}

/// In how many states that a watch has seen it was not Programmed.
fn flips(watch: &Watch) -> usize {
    let seen = watch.seen();
    seen.iter().filter(|object| !is_programmed(object)).count()
}
