//! Two gateways that count on the chart's Valkey: budgets are used up to the cent, everybody is told the same, and nothing is lost with the
//! Valkey's pod.
//!
//! The image of Valkey cannot be pulled here; a Redis that this machine has takes its place.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::results::Figure;
use fairlead_e2e::{Caller, Completion, Connections, Image, Installation, Kubectl, Pod};
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use crate::support::{SOON, show, turn, until};

const NAME: &str = "limits";
/// So many requests fit into the budget.
const FIT: u64 = 40;
/// Callers at a time, while the Valkey is away.
const CALLERS: usize = 4;
/// Before and after the Valkey goes, so many are answered.
const ANSWERED: usize = 100;
/// In which time a status is to be right, in seconds: one minute for the pace of writes, and a bit for the question before it.
const TOLD: f64 = 80.0;
/// In which time requests are to be served again without a restart, in seconds: a pod has to start.
const BACK: f64 = 60.0;
/// Somebody who is told to come again waits this long.
const AGAIN: Duration = Duration::from_millis(100);

#[tokio::test]
async fn limits_hold_over_two_gateways_and_everybody_is_told_the_same() -> Result<()> {
    let fairlead = turn().await?;
    let redis = Image::installed("redis-server", "redis-server")?;
    fairlead.cluster.load(&redis).await?;
    let run = fairlead.cluster.with_temp_namespace(async |admin| {
        let site = Site::set(&fairlead, admin).await?;
        let spent = site.uses_up().await?;
        site.is_told(spent).await?;
        site.is_audited().await?;
        site.loses_its_store().await?;
        fairlead
            .cluster
            .helm()
            .uninstall(admin.namespace(), NAME)
            .await
    });
    run.await
}

/// An installation with a Valkey, and a tenant with limits in its namespace.
struct Site<'a> {
    fairlead: &'a Installation,
    admin: &'a Kubectl,
    tenant: Kubectl,
    /// Of the key whose budget is used up, through the Service.
    caller: Caller,
    /// The value of the key that has no budget of its own.
    other: String,
    /// What a request costs, in nano-USD.
    cost: u64,
}

/// What was used, in nano-USD.
#[derive(Debug, Clone, Copy)]
struct Spent {
    by_the_key: u64,
    by_the_team: u64,
}

impl<'a> Site<'a> {
    async fn set(fairlead: &'a Installation, admin: &'a Kubectl) -> Result<Self> {
        let namespace = admin.namespace();
        let address = free_service_address(admin).await?;
        let values = [
            "gatewayName=limits".to_owned(),
            "operator.replicas=1".to_owned(),
            "limits.store.type=Valkey".to_owned(),
            "limits.store.valkey.image.repository=redis-server".to_owned(),
            "limits.store.valkey.image.tag=e2e".to_owned(),
            "limits.store.valkey.image.pullPolicy=Never".to_owned(),
            // All that it is told goes with its pod, so that the gateways have to know.
            "limits.store.valkey.persistence.enabled=false".to_owned(),
            "limits.store.valkey.resources.requests.cpu=50m".to_owned(),
            format!("limits.store.valkey.service.clusterIP={address}"),
        ];
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        fairlead.release(NAME, namespace, &values).await?;
        let tenant = fairlead.tenant(namespace).await?;
        tenant
            .apply(&(files() + &key("caller") + &key("other")))
            .await?;
        programmed(&tenant).await?;
        let service = "limits-fairlead-gateway";
        let gateway = fairlead.cluster.service_address(namespace, service).await?;
        // Each connection goes to one gateway or the other.
        let secret = fairlead.secret(&tenant, "caller-key", "apiKey").await?;
        let caller = Caller::new(gateway, &secret, Connections::Fresh)?;
        let other = fairlead.secret(&tenant, "other-key", "apiKey").await?;
        let cost = ask(&caller.with_key(&other)).await?.cost_nanos;
        let cost = cost.context("an answer without its cost")?;
        let site = Self {
            fairlead,
            admin,
            tenant,
            caller,
            other,
            cost,
        };
        site.limit_the_key().await?;
        Ok(site)
    }

    /// A budget that a whole number of requests uses up.
    async fn limit_the_key(&self) -> Result<()> {
        let amount = usd(self.cost * FIT);
        let patch =
            json!({"spec": {"budgets": [{"name": "day", "amount": amount, "period": "Daily"}]}});
        let patch = patch.to_string();
        let words = ["patch", "vk/caller", "--type=merge", "-p", &patch];
        self.tenant.run(&words).await?;
        programmed(&self.tenant).await
    }

    /// Asks through the Service until all of the budget is used, and is refused then.
    async fn uses_up(&self) -> Result<Spent> {
        let (began, all, mut used) = (Instant::now(), self.cost * FIT, 0);
        let refused = loop {
            let answer = ask(&self.caller).await?;
            match answer.cost_nanos {
                Some(cost) if answer.status == 200 => used += cost,
                _ if used == all => break answer,
                // What the other gateway holds comes back within a second or two.
                _ => sleep(AGAIN).await,
            }
            ensure!(used <= all, "the budget is passed: {used} of {all}");
            ensure!(began.elapsed() < SOON, "only {used} of {all} was usable");
        };
        ensure!(
            refused.status == 429 && refused.code.as_deref() == Some("budget_exhausted"),
            "{refused:?}"
        );
        let reset = refused.retry_after.context("no reset")?;
        ensure!((1..=86_400).contains(&reset), "a day ends in {reset} s");
        // Its team has the request by which the cost was learned, too.
        Ok(Spent {
            by_the_key: used,
            by_the_team: used + self.cost,
        })
    }

    /// `GET /v1/usage` and the statuses say the same, and so do the columns.
    async fn is_told(&self, spent: Spent) -> Result<()> {
        let began = Instant::now();
        for (level, name, used) in [
            ("key", "day", spent.by_the_key),
            ("team", "month", spent.by_the_team),
        ] {
            until("GET /v1/usage says what answers said", || async {
                Ok(self.counted(&self.caller, level, name).await? == Some(used))
            })
            .await?;
        }
        for (of, used) in [
            ("vk/caller", spent.by_the_key),
            ("team/research", spent.by_the_team),
        ] {
            told(|| async { Ok(self.said(of).await? == usd(used)) }).await?;
        }
        let took = began.elapsed();
        let usage = self.usage_of("vk/caller").await?;
        let (tightest, budget) = (&usage["tightest"], &usage["budgets"][0]);
        ensure!(
            tightest["usedPercent"] == 100 && tightest["limit"] == "day",
            "{usage}"
        );
        ensure!(budget["remaining"] == "0.00", "{usage}");
        let columns = self.tenant.run(&["get", "vk/caller"]).await?;
        let reset = tightest["resetsAt"].as_str().context("no reset")?;
        let line = columns.lines().nth(1).unwrap_or_default();
        ensure!(
            line.split_whitespace().any(|word| word == "100") && line.contains(reset),
            "{columns}"
        );
        let name = "a budget is used up: in the status, to the cent, after";
        show(&[Figure::within(name, took, TOLD)])
    }

    /// Its pod is deleted while callers ask, and all they were answered is counted.
    async fn loses_its_store(&self) -> Result<()> {
        let caller = self.caller.with_key(&self.other);
        let month = || async { self.counted(&caller, "team", "month").await };
        let before = month().await?.context("nothing is counted")?;
        let (stop, stopped) = watch::channel(false);
        let (count, mut answered) = watch::channel(0_usize);
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            callers.spawn(keep_asking(caller.clone(), stopped.clone(), count.clone()));
        }
        answered.wait_for(|answered| *answered >= ANSWERED).await?;
        let old = self.valkey().await?.context("there is no Valkey")?;
        let began = Instant::now();
        let delete = ["delete", "pod", &old.name, "--wait=false"];
        self.admin.run(&delete).await?;
        until("another Valkey runs", || async {
            Ok(self.valkey().await?.is_some_and(|now| now.uid != old.uid))
        })
        .await?;
        let most = *answered.borrow() + ANSWERED;
        timeout(SOON, answered.wait_for(|answered| *answered >= most)).await??;
        let back = began.elapsed();
        stop.send_replace(true);
        let mut spent = 0;
        while let Some(outcome) = callers.join_next().await {
            spent += outcome??;
        }
        until("all that was answered is counted, and no more", || async {
            Ok(month().await? == Some(before + spent))
        })
        .await?;
        let said = || async { self.said("team/research").await };
        let told = told(|| async { Ok(said().await? == usd(before + spent)) }).await?;
        let of = |what: &str| format!("Valkey's pod deleted: {what}");
        show(&[
            Figure::within(&of("requests served as before after"), back, BACK),
            Figure::within(&of("all of it in the status after"), told, TOLD),
        ])
    }

    /// The operator has told that the key was made and what it may spend, and not its value.
    async fn is_audited(&self) -> Result<()> {
        let log = ["logs", "deployment/limits-fairlead-operator"];
        let log = self.admin.run(&log).await?;
        let lines = log.lines().filter(|line| line.contains("\"audit\":"));
        let lines: Vec<Value> = lines.map(serde_json::from_str).collect::<Result<_, _>>()?;
        let has = |audit: &str, new: Value| {
            let of_caller = |line: &&Value| line["name"] == "caller" && line["audit"] == audit;
            lines
                .iter()
                .filter(of_caller)
                .any(|line| line["new"] == new)
        };
        let amount = usd(self.cost * FIT).into();
        ensure!(
            has("key.made", Value::Null) && has("limit.added", amount),
            "{lines:?}"
        );
        let secret = self.fairlead.secret(&self.tenant, "caller-key", "apiKey");
        ensure!(!log.contains(&secret.await?), "a key's value is logged");
        Ok(())
    }

    async fn valkey(&self) -> Result<Option<Pod>> {
        let selector =
            format!("app.kubernetes.io/instance={NAME},app.kubernetes.io/component=valkey");
        let cluster = &self.fairlead.cluster;
        let pods = cluster.pods(self.admin.namespace(), &selector).await?;
        Ok(pods.into_iter().next())
    }

    /// What the gateways say is used of a limit, in nano-USD; `None` while they cannot ask the store.
    async fn counted(&self, caller: &Caller, level: &str, name: &str) -> Result<Option<u64>> {
        let Ok(usage) = caller.usage().await else {
            return Ok(None);
        };
        let lines = usage["limits"].as_array().into_iter().flatten();
        let line = lines
            .filter(|line| line["level"] == level && line["name"] == name)
            .find_map(|line| line["used"].as_f64());
        Ok(line.map(nanos))
    }

    /// What the first budget of an object says in its status, in USD.
    async fn said(&self, of: &str) -> Result<String> {
        let status = self.usage_of(of).await?;
        let used = status["budgets"][0]["used"].as_str();
        Ok(used.unwrap_or_default().to_owned())
    }

    async fn usage_of(&self, of: &str) -> Result<Value> {
        let object = self.tenant.get(of).await?;
        Ok(object.with_context(|| format!("there is no {of}"))?["status"]["usage"].take())
    }
}

/// What callers spend who ask until they are told to stop, in nano-USD. Refusals are waited out.
async fn keep_asking(
    caller: Caller,
    stopped: watch::Receiver<bool>,
    count: watch::Sender<usize>,
) -> Result<u64> {
    let mut spent = 0;
    while !*stopped.borrow() {
        let answer = caller.send(&body()).await?;
        match answer.cost_nanos {
            Some(cost) if answer.status == 200 => {
                spent += cost;
                count.send_modify(|answered| *answered += 1);
            }
            _ => sleep(AGAIN).await,
        }
    }
    Ok(spent)
}

/// An answer, or a refusal that stays one: who is told to come again in a moment does.
async fn ask(caller: &Caller) -> Result<Completion> {
    let began = Instant::now();
    loop {
        let answer = caller.send(&body()).await?;
        let later = answer.status == 503 || answer.retry_after == Some(1);
        if !later {
            return Ok(answer);
        }
        ensure!(began.elapsed() < SOON, "still refused: {answer:?}");
        sleep(AGAIN).await;
    }
}

fn body() -> Value {
    // What it may cost is known, so that little of the budget is held beyond what it does.
    json!({"model": "sim/fast", "max_tokens": 64, "messages": [{"role": "user", "content": "hello"}]})
}

/// Waits until a status says something; how long it took.
async fn told<F>(mut says: impl FnMut() -> F) -> Result<Duration>
where
    F: Future<Output = Result<bool>>,
{
    let began = Instant::now();
    while !says().await? {
        ensure!(
            began.elapsed().as_secs_f64() < 2.0 * TOLD,
            "it is not in the status"
        );
        sleep(AGAIN).await;
    }
    Ok(began.elapsed())
}

fn files() -> String {
    "---
apiVersion: fairlead.dev/v1alpha1
kind: LLMProvider
metadata: {name: sim}
spec:
  gatewayName: limits
  type: Simulated
  models: [{name: fast, price: {inputPerMillion: \"1000\", outputPerMillion: \"10000\"}}]
---
apiVersion: fairlead.dev/v1alpha1
kind: Team
metadata: {name: research}
spec:
  gatewayName: limits
  budgets: [{name: month, amount: \"100000\", period: Monthly}]
"
    .to_owned()
}

/// A key of the team.
fn key(name: &str) -> String {
    format!(
        "---
apiVersion: fairlead.dev/v1alpha1
kind: VirtualKey
metadata: {{name: {name}}}
spec:
  gatewayName: limits
  teamRef: {{name: research}}
  key: {{type: Generate, secretRef: {{name: {name}-key}}}}
"
    )
}

async fn programmed(tenant: &Kubectl) -> Result<()> {
    let wait = [
        "wait",
        "--for=condition=Programmed",
        "--timeout=60s",
        "llmp,team,vk",
        "--all",
    ];
    tenant.run(&wait).await?;
    Ok(())
}

/// An address for a Service, which the cluster may have no DNS for: one that it gave out and got back.
async fn free_service_address(admin: &Kubectl) -> Result<String> {
    let create = ["create", "service", "clusterip", "probe", "--tcp=6379"];
    admin.run(&create).await?;
    let service = admin.get("service/probe").await?.unwrap_or_default();
    admin.delete("service/probe").await?;
    let address = service["spec"]["clusterIP"].as_str();
    Ok(address.context("no address")?.to_owned())
}

/// As everywhere: as many digits as it takes, and two at least.
fn usd(nanos: u64) -> String {
    let part = format!("{:09}", nanos % 1_000_000_000);
    let kept = part.trim_end_matches('0').len().max(2);
    format!("{}.{}", nanos / 1_000_000_000, &part[..kept])
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "some thousand dollars at most"
)]
fn nanos(usd: f64) -> u64 {
    (usd * 1e9).round() as u64
}
