//! The operator dies, the API server goes away: traffic goes on.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::results::Figure;
use fairlead_e2e::{Pod, Signal};
use tokio::time::Instant;

use crate::support::{Scene, caller_of, everywhere, show, turn, unharmed, until};

/// The chart's lease, and what may come on top of it, in seconds.
const TAKEOVER: f64 = 15.0 + 5.0;
/// A killed container starts anew, after the kubelet's pause if it was not the first time, and then takes over as above.
const COMEBACK: f64 = TAKEOVER + 40.0;
/// A container's start, and how long a gateway waits for the API server before it serves its last good copy; both generously.
const LAST_GOOD: f64 = 35.0;

#[tokio::test]
async fn an_operator_that_hangs_is_succeeded_and_one_that_dies_comes_back() -> Result<()> {
    let fairlead = turn().await?;
    let run = fairlead.cluster.with_temp_namespace(async |admin| {
        let scene = Scene::set(&fairlead, admin).await?;
        let load = scene.load(None).await?;
        show(&hung(&scene).await?)?;
        let back = killed(&scene).await?;
        let name = "all operators killed: change enforced after";
        show(&[Figure::within(name, back, COMEBACK)])?;
        show(&unharmed(load, "operators hung and killed").await?)
    });
    run.await
}

/// The leader stands still: it cannot give the lease back, so the other has to wait for its end.
async fn hung(scene: &Scene<'_>) -> Result<[Figure; 2]> {
    let fairlead = scene.fairlead;
    let leader = fairlead.leader().await?;
    let operators = fairlead.operators().await?;
    let hung = operators.iter().find(|pod| pod.name == leader);
    let hung = hung.context("the leader is no pod")?;
    hung.signal("fairlead-operator", Signal::Stop).await?;
    let began = Instant::now();
    scene.send_all_to("second").await?;
    until("another leads", || async {
        Ok(fairlead.leader().await? != leader)
    })
    .await?;
    let succeeded = began.elapsed();
    enforced(scene, "second").await?;
    let enforced = began.elapsed();
    hung.signal("fairlead-operator", Signal::Continue).await?;
    Ok([
        Figure::within("leader hung: another leads after", succeeded, TAKEOVER),
        Figure::within(
            "leader hung: change enforced after",
            enforced,
            TAKEOVER + 5.0,
        ),
    ])
}

/// All of them at once.
async fn killed(scene: &Scene<'_>) -> Result<Duration> {
    for operator in scene.fairlead.operators().await? {
        operator.signal("fairlead-operator", Signal::Kill).await?;
    }
    let began = Instant::now();
    scene.send_all_to("first").await?;
    enforced(scene, "first").await?;
    Ok(began.elapsed())
}

#[tokio::test]
async fn without_an_api_server_traffic_stays_and_a_restarted_gateway_serves() -> Result<()> {
    let fairlead = turn().await?;
    let run = fairlead.cluster.with_temp_namespace(async |admin| {
        let scene = Scene::set(&fairlead, admin).await?;
        let gateways = fairlead.gateways().await?;
        let [restarted, steady] = gateways.as_slice() else {
            anyhow::bail!("there are no two gateways");
        };
        // Straight to the one that stays: without an API server nobody takes the other out of the Service.
        let load = scene.load(Some(steady)).await?;
        let cluster = &fairlead.cluster;
        let restart = async || serves_again(&scene, restarted).await;
        let after = cluster.without_api_server(restart).await?;
        scene.send_all_to("second").await?;
        enforced(&scene, "second").await?;
        let name = "API server down: a killed gateway serves its last good copy after";
        show(&[Figure::within(name, after, LAST_GOOD)])?;
        show(&unharmed(load, "API server down").await?)
    });
    run.await
}

/// Kills a gateway and waits until it serves what it served before.
async fn serves_again(scene: &Scene<'_>, gateway: &Pod) -> Result<Duration> {
    let caller = caller_of(gateway, &scene.secret)?;
    ensure!(caller.chat("split").await?.text == "first", "before");
    gateway.signal("fairlead-gateway", Signal::Kill).await?;
    until("served from the last good copy", || async {
        // While its container starts, it refuses connections.
        let answer = caller.chat("split").await;
        Ok(answer.is_ok_and(|answer| answer.status == 200 && answer.text == "first"))
    })
    .await
}

async fn enforced(scene: &Scene<'_>, provider: &str) -> Result<()> {
    let callers = scene.callers().await?;
    everywhere("enforced", &callers, "split", |answer| {
        answer.text == provider
    })
    .await
}
