//! What the scenarios share: a turn, the files they apply, and how enforcement is seen from outside.

use std::future::Future;
use std::time::Duration;

use anyhow::{Result, ensure};
use fairlead_e2e::results::{self, Figure};
use fairlead_e2e::{
    Caller, Completion, Connections, Installation, Kubectl, Load, NAMESPACE, Outcome, Pod, Rate,
    Turn,
};
use serde_json::Value;
use tokio::time::{Instant, sleep};

/// What takes a moment may take this long on a busy machine.
pub(crate) const SOON: Duration = Duration::from_secs(60);
/// The most that a change may take to be enforced, in seconds; 1 s is aimed at.
pub(crate) const ENFORCED: f64 = 5.0;
/// Between two looks.
const PAUSE: Duration = Duration::from_millis(5);

/// The other tests wait until it is dropped.
pub(crate) async fn turn() -> Result<Turn> {
    Installation::take().await
}

/// Writes figures down and fails if one is not as it has to be.
pub(crate) fn show(figures: &[Figure]) -> Result<()> {
    results::record(figures)?;
    for figure in figures {
        ensure!(figure.ok, "{figure:?}");
    }
    Ok(())
}

/// Waits until something holds; how long it took.
pub(crate) async fn until<F>(what: &str, mut holds: impl FnMut() -> F) -> Result<Duration>
where
    F: Future<Output = Result<bool>>,
{
    let began = Instant::now();
    while !holds().await? {
        ensure!(began.elapsed() < SOON, "{what}: not within {SOON:?}");
        sleep(PAUSE).await;
    }
    Ok(began.elapsed())
}

/// A provider in front of a scripted upstream, open to every namespace.
pub(crate) async fn provider(installation: &Installation, name: &str) -> Result<String> {
    let service = installation
        .platform()
        .get(&format!("service/{name}"))
        .await?;
    // The cluster may have no DNS.
    let address = service.unwrap_or_default()["spec"]["clusterIP"].take();
    Ok(format!(
        "---
apiVersion: fairlead.dev/v1alpha1
kind: LLMProvider
metadata: {{name: {name}}}
spec:
  type: OpenAI
  baseURL: http://{}/v1
  allowPrivateNetwork: true
  models: [{{name: large}}, {{name: slow}}]
  access: {{namespaces: {{from: All}}}}
",
        address.as_str().unwrap_or_default()
    ))
}

/// A rule that gives a virtual model to two providers, each the other's fallback.
pub(crate) fn rule(name: &str, [(first, share), (second, rest)]: [(&str, u32); 2]) -> String {
    let target = |provider: &str, weight: u32| {
        format!(
            "{{name: {provider}, providerRef: {{name: {provider}, namespace: {NAMESPACE}}}, model: large, weight: {weight}}}"
        )
    };
    format!(
        "---
apiVersion: fairlead.dev/v1alpha1
kind: RoutingRule
metadata: {{name: {name}}}
spec:
  match: {{models: [{name}]}}
  targets:
  - {}
  - {}
",
        target(first, share),
        target(second, rest)
    )
}

/// A key that the operator makes.
pub(crate) fn key(name: &str) -> String {
    format!(
        "---
apiVersion: fairlead.dev/v1alpha1
kind: VirtualKey
metadata: {{name: {name}}}
spec: {{key: {{type: Generate, secretRef: {{name: {name}-key}}}}}}
"
    )
}

/// A tenant whose rule `split` sends everything to `first`, enforced everywhere.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) fairlead: &'a Installation,
    /// As the tenant.
    pub(crate) tenant: Kubectl,
    /// The value of its key `app`.
    pub(crate) secret: String,
}

impl<'a> Scene<'a> {
    /// Sets it, in the namespace of `admin`.
    pub(crate) async fn set(fairlead: &'a Installation, admin: &Kubectl) -> Result<Self> {
        providers(fairlead).await?;
        let tenant = fairlead.tenant(admin.namespace()).await?;
        tenant.apply(&(all_to("first") + &key("app"))).await?;
        wait_programmed(&tenant).await?;
        Ok(Self {
            secret: fairlead.secret(&tenant, "app-key", "apiKey").await?,
            fairlead,
            tenant,
        })
    }

    /// Sends everything to this provider from now on.
    pub(crate) async fn send_all_to(&self, provider: &str) -> Result<()> {
        self.tenant.apply(&all_to(provider)).await?;
        Ok(())
    }

    /// Callers of all gateways, past the Service.
    pub(crate) async fn callers(&self) -> Result<Vec<Caller>> {
        let gateways = self.fairlead.gateways().await?;
        gateways
            .iter()
            .map(|gateway| caller_of(gateway, &self.secret))
            .collect()
    }

    /// Starts whole requests and streams of 20 s, through the Service or to one gateway.
    pub(crate) async fn load(&self, only: Option<&Pod>) -> Result<Load> {
        let gateway = match only {
            Some(pod) => (pod.address, 8080).into(),
            None => {
                let cluster = &self.fairlead.cluster;
                cluster
                    .service_address(NAMESPACE, "fairlead-gateway")
                    .await?
            }
        };
        let rate = Rate {
            per_second: 25,
            model: "split".to_owned(),
            streams: 4,
            stream_model: "first/slow".to_owned(),
        };
        Load::start(gateway, &self.secret, &rate)
    }
}

/// Two scripted upstreams and a provider for each.
pub(crate) async fn providers(fairlead: &Installation) -> Result<()> {
    fairlead.upstreams(&["first", "second"]).await?;
    let both = provider(fairlead, "first").await? + &provider(fairlead, "second").await?;
    fairlead.platform().apply(&both).await?;
    Ok(())
}

/// As users wait.
pub(crate) async fn wait_programmed(kubectl: &Kubectl) -> Result<()> {
    let wait = [
        "wait",
        "--for=condition=Programmed",
        "--timeout=60s",
        "llmr,vk",
        "--all",
    ];
    kubectl.run(&wait).await?;
    Ok(())
}

fn all_to(provider: &str) -> String {
    let share = |name: &str| u32::from(name == provider);
    rule(
        "split",
        [("first", share("first")), ("second", share("second"))],
    )
}

/// Ends a load of which nothing may have failed.
pub(crate) async fn unharmed(load: Load, what: &str) -> Result<[Figure; 3]> {
    let Outcome { whole, streamed } = load.stop().await;
    let failures = [whole.failures, streamed.failures].concat();
    ensure!(failures.is_empty(), "{what}: {failures:#?}");
    let name = |rest: &str| format!("{what}: {rest}");
    Ok([
        Figure::no_more(
            &name("requests and streams failed"),
            failures.len(),
            "requests",
            0,
        ),
        Figure::no_fewer(&name("requests answered"), whole.finished, "requests", 50),
        Figure::no_fewer(
            &name("streams of 20 s finished"),
            streamed.finished,
            "streams",
            4,
        ),
    ])
}

/// A caller of one gateway, past the Service.
pub(crate) fn caller_of(gateway: &Pod, key: &str) -> Result<Caller> {
    Caller::new((gateway.address, 8080).into(), key, Connections::Kept)
}

/// Waits until every gateway answers as it should.
pub(crate) async fn everywhere(
    what: &str,
    callers: &[Caller],
    model: &str,
    good: impl Fn(&Completion) -> bool,
) -> Result<()> {
    for caller in callers {
        until(what, || async { Ok(good(&caller.chat(model).await?)) }).await?;
    }
    Ok(())
}

/// The condition of this type.
pub(crate) fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let conditions = object["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .find(|condition| condition["type"] == kind)
        .unwrap_or(&Value::Null)
}

/// Whether an object says that its present version is enforced.
pub(crate) fn is_programmed(object: &Value) -> bool {
    let condition = condition(object, "Programmed");
    condition["status"] == "True"
        && condition["observedGeneration"] == object["metadata"]["generation"]
}

/// The value below which this share of them lies, in seconds; `share` from 0 to 100.
pub(crate) fn percentile(times: &[Duration], share: usize) -> f64 {
    let mut times = times.to_vec();
    times.sort_unstable();
    let position = (times.len() * share).div_ceil(100).saturating_sub(1);
    times.get(position).map_or(0.0, Duration::as_secs_f64)
}
