//! Limits over several gateways, on the Valkey that the chart installs: a budget is used up to the cent, whichever gateway is asked, and while
//! Valkey's pod is away each limit does as it says. Without a store that they share, what has limits says so.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::results::Figure;
use fairlead_e2e::{Caller, Completion, Connections, Image, Installation, Kubectl, Pod};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, sleep};

use crate::support::{SOON, condition, show, turn, until};

const NAME: &str = "metered";
const VALKEY: &str = "metered-fairlead-valkey";
/// An image that the node has, and gateways that are gone soon after they are told to go.
const VALUES: [&str; 9] = [
    "gatewayName=metered",
    "operator.replicas=1",
    "gateway.drain.delaySeconds=1",
    "gateway.drain.timeoutSeconds=5",
    "limits.store.type=Valkey",
    "limits.store.valkey.image.repository=redis-server",
    "limits.store.valkey.image.tag=e2e",
    "limits.store.valkey.image.pullPolicy=Never",
    "limits.store.valkey.resources.requests.cpu=50m",
];
/// A prompt has ten tokens and an answer one: a cent.
const CENT: u64 = 10_000_000;
/// Callers at a time.
const CALLERS: usize = 4;
/// What is left may be reserved for somebody else's request for a moment.
const BUSY: Duration = Duration::from_millis(100);
/// How often each key asks while Valkey is away.
const EACH: Duration = Duration::from_millis(50);
/// How long it asks before Valkey's pod goes, and after it is back.
const AROUND: Duration = Duration::from_secs(2);

#[tokio::test]
async fn a_budget_is_used_up_to_the_cent_and_stays_so_when_valkey_is_lost() -> Result<()> {
    let fairlead = turn().await?;
    let image = Image::installed("redis-server", "redis-server")?;
    fairlead.cluster.load(&image).await?;
    fairlead.upstreams(&["first"]).await?;
    let run = fairlead.cluster.with_temp_namespace(async |admin| {
        let volume = Volume::for_claims_of(admin).await?;
        install(&fairlead, admin, &volume).await?;
        let tenant = fairlead.tenant(admin.namespace()).await?;
        let scene = Scene::set(&fairlead, tenant).await?;
        let spent = use_up(&scene.caller("spent").await?).await?;
        lose_valkey(&scene, admin, spent).await?;
        let helm = fairlead.cluster.helm();
        helm.uninstall(admin.namespace(), NAME).await?;
        volume.remove(admin).await
    });
    run.await
}

#[tokio::test]
async fn what_has_limits_says_that_two_gateways_share_no_store() -> Result<()> {
    let fairlead = turn().await?;
    let run = fairlead.cluster.with_temp_namespace(async |admin| {
        let tenant = fairlead.tenant(admin.namespace()).await?;
        tenant
            .apply(&key("limited", "1.00", "Deny", "default"))
            .await?;
        until("StoreNotShared", || async {
            let key = tenant.get("vk/limited").await?.unwrap_or_default();
            Ok(condition(&key, "Programmed")["reason"] == "StoreNotShared")
        })
        .await?;
        Ok(())
    });
    run.await
}

/// Without a class that provides volumes, one in a folder of this machine, which the node shares.
struct Volume(Option<TempDir>);

impl Volume {
    async fn for_claims_of(admin: &Kubectl) -> Result<Self> {
        let classes = admin.run(&["get", "storageclass", "-o", "name"]).await?;
        if !classes.trim().is_empty() {
            return Ok(Self(None));
        }
        let folder = tempfile::tempdir()?;
        // A folder of the machine's is nobody's group, whatever the pod says.
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777))?;
        let claim = json!({"namespace": admin.namespace(), "name": format!("data-{VALKEY}-0")});
        let volume = json!({
            "apiVersion": "v1",
            "kind": "PersistentVolume",
            "metadata": {"name": admin.namespace()},
            "spec": {
                "capacity": {"storage": "1Gi"},
                "accessModes": ["ReadWriteOnce"],
                "persistentVolumeReclaimPolicy": "Retain",
                "claimRef": claim,
                "hostPath": {"path": folder.path(), "type": "Directory"},
            },
        });
        admin.apply(&volume.to_string()).await?;
        Ok(Self(Some(folder)))
    }

    fn values(&self) -> &[&'static str] {
        match self {
            Self(Some(_)) => &["limits.store.valkey.persistence.storageClassName="],
            Self(None) => &[],
        }
    }

    async fn remove(self, admin: &Kubectl) -> Result<()> {
        if self.0.is_some() {
            let volume = format!("pv/{}", admin.namespace());
            admin.run(&["delete", &volume, "--wait=false"]).await?;
        }
        Ok(())
    }
}

/// First without gateways: the cluster may have no DNS, so they are told the address.
async fn install(fairlead: &Installation, admin: &Kubectl, volume: &Volume) -> Result<()> {
    let namespace = admin.namespace();
    let values = [&VALUES, volume.values()].concat();
    let without = [values.as_slice(), &["gateway.replicas=0"]].concat();
    fairlead.release(NAME, namespace, &without).await?;
    let service = admin.get(&format!("service/{VALKEY}")).await?;
    let service = service.context("there is no Service of Valkey")?;
    let address = service["spec"]["clusterIP"].as_str().unwrap_or_default();
    let address = format!("limits.store.valkey.service.clusterIP={address}");
    let with = [values.as_slice(), &["gateway.replicas=2", &address]].concat();
    fairlead.release(NAME, namespace, &with).await
}

/// Three keys of a namespace, enforced by both gateways.
struct Scene<'a> {
    fairlead: &'a Installation,
    tenant: Kubectl,
}

impl<'a> Scene<'a> {
    async fn set(fairlead: &'a Installation, tenant: Kubectl) -> Result<Self> {
        let upstream = fairlead.platform().get("service/first").await?;
        let address = upstream.unwrap_or_default()["spec"]["clusterIP"].take();
        let provider = provider(address.as_str().unwrap_or_default());
        let keys = [
            ("spent", "1.00", "Deny"),
            ("closed", "1000", "Deny"),
            ("open", "1000", "Allow"),
        ];
        let keys = keys.map(|(name, amount, failure)| key(name, amount, failure, NAME));
        tenant.apply(&(provider + &keys.concat())).await?;
        let wait = [
            "wait",
            "--for=condition=Programmed",
            "--timeout=60s",
            "llmp,vk",
            "--all",
        ];
        tenant.run(&wait).await?;
        Ok(Self { fairlead, tenant })
    }

    /// Through the Service, which spreads connections.
    async fn caller(&self, key: &str) -> Result<Caller> {
        let secret = format!("{key}-key");
        let secret = self
            .fairlead
            .secret(&self.tenant, &secret, "apiKey")
            .await?;
        let cluster = &self.fairlead.cluster;
        let service = format!("{NAME}-fairlead-gateway");
        let gateway = cluster
            .service_address(self.tenant.namespace(), &service)
            .await?;
        Caller::new(gateway, &secret, Connections::Fresh)
    }
}

fn provider(address: &str) -> String {
    format!(
        "---
apiVersion: fairlead.dev/v1alpha1
kind: LLMProvider
metadata: {{name: first}}
spec:
  gatewayName: {NAME}
  type: OpenAI
  baseURL: http://{address}/v1
  allowPrivateNetwork: true
  models: [{{name: large, price: {{inputPerMillion: \"500\", outputPerMillion: \"5000\"}}}}]
"
    )
}

fn key(name: &str, amount: &str, on_store_failure: &str, gateway_name: &str) -> String {
    format!(
        "---
apiVersion: fairlead.dev/v1alpha1
kind: VirtualKey
metadata: {{name: {name}}}
spec:
  gatewayName: {gateway_name}
  key: {{type: Generate, secretRef: {{name: {name}-key}}}}
  budgets: [{{name: year, amount: \"{amount}\", period: Yearly, onStoreFailure: {on_store_failure}}}]
"
    )
}

async fn ask(caller: &Caller) -> Result<Completion> {
    let body = json!({"model": "first/large", "max_tokens": 1, "messages": [{"role": "user", "content": "hello"}]});
    caller.send(&body).await
}

/// Several callers ask until the budget is used up; what they were told that their answers cost.
async fn use_up(caller: &Caller) -> Result<u64> {
    let began = Instant::now();
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        callers.spawn(until_refused(caller.clone(), began));
    }
    let mut told = 0;
    while let Some(one) = callers.join_next().await {
        told += one??;
    }
    counted(caller, told).await?;
    let cents = told / CENT;
    show(&[
        Figure::no_fewer(
            "a budget of 1.00 USD over two gateways: used",
            usize::try_from(cents)?,
            "cents",
            99,
        ),
        Figure::no_more(
            "a budget of 1.00 USD over two gateways: used at most",
            usize::try_from(told.div_ceil(CENT))?,
            "cents",
            100,
        ),
    ])?;
    Ok(told)
}

async fn until_refused(caller: Caller, began: Instant) -> Result<u64> {
    let mut told = 0;
    loop {
        ensure!(
            began.elapsed() < SOON,
            "the budget is not used up within {SOON:?}"
        );
        let answer = ask(&caller).await?;
        match (answer.status, answer.code.as_deref()) {
            (200, _) => told += answer.cost_nanos.context("an answer without its cost")?,
            (429, Some("budget_exhausted")) => return Ok(told),
            (429, Some("rate_limited")) => sleep(BUSY).await,
            _ => anyhow::bail!("{answer:?}"),
        }
    }
}

/// What the one limit of a key says was used.
fn used(usage: &Value) -> Option<u64> {
    let usd = usage["limits"][0]["used"].as_f64()?;
    // Amounts here are whole cents, of which a number with a point keeps millions.
    format!("{:.0}", usd * 1e9).parse().ok()
}

/// Valkey's pod is deleted while all three keys ask.
async fn lose_valkey(scene: &Scene<'_>, admin: &Kubectl, used_up: u64) -> Result<()> {
    let (spent, closed, open) = (
        scene.caller("spent").await?,
        scene.caller("closed").await?,
        scene.caller("open").await?,
    );
    let (stop, stopped) = watch::channel(false);
    let lost = async {
        let back = valkey_goes_and_comes(scene, admin, &closed).await;
        stop.send_replace(true);
        back
    };
    let (by_spent, by_closed, by_open, back) = tokio::try_join!(
        keep_asking(&spent, stopped.clone()),
        keep_asking(&closed, stopped.clone()),
        keep_asking(&open, stopped.clone()),
        lost
    )?;
    all_are(&by_spent, "used up", |answer| {
        is(answer, 429, "budget_exhausted") || is(answer, 503, "store_unavailable")
    })?;
    all_are(&by_closed, "Deny", |answer| {
        answer.status == 200 || is(answer, 503, "store_unavailable")
    })?;
    all_are(&by_open, "Allow", |answer| answer.status == 200)?;
    for (caller, told) in [
        (&spent, used_up),
        (&closed, told(&by_closed)?),
        (&open, told(&by_open)?),
    ] {
        counted(caller, told).await?;
    }
    show(&[
        Figure::no_fewer(
            "Valkey's pod deleted: answered where the budget allows it",
            by_open.len(),
            "answers",
            50,
        ),
        Figure::no_fewer(
            "Valkey's pod deleted: refused by a budget that was used up",
            by_spent.len(),
            "requests",
            50,
        ),
        Figure::within("Valkey's pod deleted: counted on again after", back, 60.0),
    ])
}

/// How long nobody could count on it.
async fn valkey_goes_and_comes(
    scene: &Scene<'_>,
    admin: &Kubectl,
    caller: &Caller,
) -> Result<Duration> {
    sleep(AROUND).await;
    let before = valkey(scene).await?.context("Valkey does not run")?;
    let pod = format!("pod/{}", before.name);
    let began = Instant::now();
    admin.run(&["delete", &pod, "--wait=false"]).await?;
    until("another pod of Valkey", || async {
        let now = valkey(scene).await?;
        Ok(now.is_some_and(|pod| pod.uid != before.uid))
    })
    .await?;
    until("the store answers", || async {
        Ok(caller.usage().await.is_ok())
    })
    .await?;
    let back = began.elapsed();
    sleep(AROUND).await;
    Ok(back)
}

async fn valkey(scene: &Scene<'_>) -> Result<Option<Pod>> {
    let selector = format!("app.kubernetes.io/instance={NAME},app.kubernetes.io/component=valkey");
    let cluster = &scene.fairlead.cluster;
    let pods = cluster.pods(scene.tenant.namespace(), &selector).await?;
    Ok(pods.into_iter().next())
}

/// Asks until it is told to stop; all that was answered.
async fn keep_asking(caller: &Caller, stopped: watch::Receiver<bool>) -> Result<Vec<Completion>> {
    let mut tick = interval(EACH);
    let mut answers = Vec::new();
    while !*stopped.borrow() {
        tick.tick().await;
        answers.push(ask(caller).await?);
    }
    Ok(answers)
}

fn is(answer: &Completion, status: u16, code: &str) -> bool {
    answer.status == status && answer.code.as_deref() == Some(code)
}

fn all_are(answers: &[Completion], what: &str, good: impl Fn(&Completion) -> bool) -> Result<()> {
    let wrong: Vec<_> = answers.iter().filter(|answer| !good(answer)).collect();
    ensure!(wrong.is_empty(), "{what}: {wrong:#?}");
    Ok(())
}

/// What these answers said that they cost.
fn told(answers: &[Completion]) -> Result<u64> {
    let answered = answers.iter().filter(|answer| answer.status == 200);
    let costs = answered.map(|answer| answer.cost_nanos.context("an answer without its cost"));
    costs.sum()
}

/// Waits until exactly this is counted.
async fn counted(caller: &Caller, told: u64) -> Result<()> {
    until("what was told is what is counted", || async {
        let usage = caller.usage().await?;
        Ok(used(&usage) == Some(told))
    })
    .await?;
    Ok(())
}
