//! A pool of pods: one is killed under load, all of them go, and they come back.

use std::time::Duration;

use anyhow::{Context as _, Result};
use fairlead_e2e::results::Figure;
use fairlead_e2e::{Installation, Kubectl, Load, NAMESPACE, Pod, Rate, Signal};
use serde_json::Value;

use crate::support::{
    SOON, caller_of, everywhere, key, provider, show, turn, unharmed, until, wait_programmed,
};

const PODS: usize = 3;
/// From a pod that is ready, or gone, to requests that know it, in seconds. A pod that was deleted has a second to end.
const KNOWN: f64 = 10.0;
const PROGRAM: &str = "fairlead-e2e-upstream";

/// The pods of a Service, and somebody beside them.
const POOL: &str = "---
apiVersion: fairlead.dev/v1alpha1
kind: LLMProvider
metadata: {name: pool}
spec:
  type: OpenAI
  allowPrivateNetwork: true
  endpoints: {serviceRef: {name: pool, port: 8080}, affinity: None}
  models: [{name: large}]
  access: {namespaces: {from: All}}
";

fn rule() -> String {
    let target = |name: &str| {
        format!(
            "{{name: {name}, providerRef: {{name: {name}, namespace: {NAMESPACE}}}, model: large}}"
        )
    };
    format!(
        "---
apiVersion: fairlead.dev/v1alpha1
kind: RoutingRule
metadata: {{name: pooled}}
spec:
  match: {{models: [pooled]}}
  targets: [{}]
  fallbacks: [{}]
",
        target("pool"),
        target("first")
    )
}

struct Scene<'a> {
    fairlead: &'a Installation,
    secret: String,
}

impl<'a> Scene<'a> {
    async fn set(fairlead: &'a Installation, admin: &Kubectl) -> Result<Self> {
        fairlead.upstreams(&["pool", "first"]).await?;
        let beside = provider(fairlead, "first").await?;
        fairlead.platform().apply(&(beside + POOL)).await?;
        let tenant = fairlead.tenant(admin.namespace()).await?;
        tenant.apply(&(rule() + &key("app"))).await?;
        wait_programmed(&tenant).await?;
        let scene = Self {
            secret: fairlead.secret(&tenant, "app-key", "apiKey").await?,
            fairlead,
        };
        scene.scale(PODS).await?;
        scene.servers(PODS).await?;
        Ok(scene)
    }

    async fn scale(&self, pods: usize) -> Result<()> {
        let replicas = format!("--replicas={pods}");
        let platform = self.fairlead.platform();
        platform
            .run(&["scale", "deployment/pool", &replicas])
            .await?;
        Ok(())
    }

    async fn pods(&self) -> Result<Vec<Pod>> {
        let cluster = &self.fairlead.cluster;
        cluster.pods(NAMESPACE, "upstream=pool").await
    }

    /// Waits until every gateway knows so many servers.
    async fn servers(&self, count: usize) -> Result<Duration> {
        until("the servers are known", || async {
            for gateway in self.fairlead.gateways().await? {
                let told = self.fairlead.admin(&gateway, "/health").await?;
                let told: Value = serde_json::from_str(&told)?;
                let servers = &told["providers"][format!("{NAMESPACE}/pool")]["servers"];
                if servers.as_object().map(serde_json::Map::len) != Some(count) {
                    return Ok(false);
                }
            }
            Ok(true)
        })
        .await
    }

    /// Waits until all gateways have this answer.
    async fn answered_by(&self, who: &str) -> Result<Duration> {
        let began = tokio::time::Instant::now();
        let gateways = self.fairlead.gateways().await?;
        let callers: Result<Vec<_>> = gateways
            .iter()
            .map(|gateway| caller_of(gateway, &self.secret))
            .collect();
        everywhere(who, &callers?, "pooled", |answer| answer.text == who).await?;
        Ok(began.elapsed())
    }

    async fn load(&self) -> Result<Load> {
        let cluster = &self.fairlead.cluster;
        let gateway = cluster
            .service_address(NAMESPACE, "fairlead-gateway")
            .await?;
        let rate = Rate {
            per_second: 25,
            model: "pooled".to_owned(),
            streams: 4,
            stream_model: "first/slow".to_owned(),
        };
        Load::start(gateway, &self.secret, &rate)
    }
}

#[tokio::test]
async fn a_pod_of_a_pool_that_is_killed_fails_no_request_and_without_pods_the_fallback_answers()
-> Result<()> {
    let fairlead = turn().await?;
    let run = fairlead.cluster.with_temp_namespace(async |admin| {
        let scene = Scene::set(&fairlead, admin).await?;
        scene.answered_by("pool").await?;
        let load = scene.load().await?;
        let pods = scene.pods().await?;
        let [killed, deleted, ..] = pods.as_slice() else {
            anyhow::bail!("there are no two pods of the pool");
        };
        killed.signal(PROGRAM, Signal::Kill).await?;
        fairlead
            .platform()
            .delete(&format!("pod/{}", deleted.name))
            .await?;
        let platform = fairlead.platform();
        platform.rolled_out("deployment/pool", SOON).await?;
        scene.servers(PODS).await.context("both are back")?;

        scene.scale(0).await?;
        let gone = scene.answered_by("first").await?;
        scene.servers(0).await?;
        scene.scale(PODS).await?;
        platform.rolled_out("deployment/pool", SOON).await?;
        let back = scene.servers(PODS).await?;
        scene.answered_by("pool").await?;
        show(&[
            Figure::within(
                "pool scaled to nothing: the fallback answers after",
                gone,
                KNOWN,
            ),
            Figure::within("pool scaled up: its pods are known after", back, KNOWN),
        ])?;
        show(&unharmed(load, "pods of a pool killed, deleted, gone and back").await?)
    });
    run.await
}
