//! A gateway within a test: one core, scripted providers and callers, all in one process without a socket. Under paused time (`#[tokio::test(start_paused = true)]`)
//! it takes an hour no longer than a second: time moves on when nobody has anything left to do, and only then.
//!
//! ```text
//! let a = Provider::in_process(|_| Play::silent());
//! let world = World::serve(&[provider("a", &a.base_url(), ""), caller(), chain("chat", &["a"], "")]);
//! let answer = world.ask(&whole("chat")).await;
//! assert_eq!((answer.attempts(), answer.took()), ("a=total_timeout", seconds(600)));
//! ```
//!
//! What callers send comes to the router as it does from a connection; TLS, HTTP framing towards callers and signals are for the tests of the
//! whole process (`tests/path`), whose YAML these tests share.

mod answer;
pub(crate) mod issuer;
#[path = "../tests/path/harness/yaml.rs"]
pub(crate) mod yaml;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use arc_swap::ArcSwap;
use bytes::Bytes;
use fairlead_auth::Http;
use fairlead_compile::{Compiled, Inputs, Settings, compile, documents};
use fairlead_faults::{Play, Provider, Reply};
use fairlead_health::Asker;
use fairlead_snapshot::Network;
use fairlead_store::{Counters, Options, Where};
use futures_util::FutureExt as _;
use http::{HeaderName, Request};
use http_body_util::Full;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::{Semaphore, watch};
use tokio::time::Instant;

pub(crate) use answer::{Answer, Hearing};
use yaml::KEY;

use crate::admin::health;
use crate::clock::Clock;
use crate::limits::Limits;
use crate::memory::{Memory, Permit};
use crate::observe::Observe;
use crate::observe::content::Contents;
use crate::observe::metrics::Metrics;
use crate::observe::record::Entry;
use crate::observe::recorder::Recorder;
use crate::observe::tags::Tags;
use crate::observe::trace::Tracing;
use crate::peer::TrustedProxies;
use crate::runtime::Runtime;
use crate::serve::edge;
use crate::status::Status;
use crate::tasks::Tasks;
use crate::upstream;
use crate::upstream::environment::Environment;
use crate::worker::{Phase, Shared, Worker};

/// Where chat completions are asked for.
const CHAT: &str = "/v1/chat/completions";

/// Bytes in flight, of which no test needs as many.
const MEMORY: usize = 256 * 1024 * 1024;

/// Places for copies of requests.
pub(crate) const COPIES: usize = 64;

/// The namespace of everything without one, and of the gateway.
const NAMESPACE: &str = "default";

/// So many seconds.
pub(crate) fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// So many milliseconds.
pub(crate) fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// A time as tests compare it: timers are a millisecond late at most, a few of them after each other a few.
pub(crate) fn rounded(time: Duration) -> Duration {
    millis(u64::try_from(time.as_millis() / 10 * 10).unwrap())
}

/// Lets everybody do what there is to do.
pub(crate) async fn settled() {
    tokio::time::sleep(millis(1)).await;
}

/// A chat request whose answer comes whole.
pub(crate) fn whole(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Hi."}]})
}

/// A chat request whose answer is streamed.
pub(crate) fn streamed(model: &str) -> Value {
    json!({"model": model, "messages": [{"role": "user", "content": "Hi."}], "stream": true})
}

/// A key beside the usual one.
pub(crate) const OTHER: &str = "sk-other-0123456789abcdef0123456789abc";

/// A thousandth of a dollar for each token of a prompt, and ten for each of an answer.
pub(crate) const PRICE: &str = r#"price: {inputPerMillion: "1000", outputPerMillion: "10000"}"#;

/// Ten tokens for a prompt and one for an answer: two cents at that price.
pub(crate) fn two_cents() -> Play {
    Play::from(Reply::words(["A."]).usage(10, 0, 1))
}

/// A provider that treats every request alike.
pub(crate) fn always(play: Play) -> Provider {
    Provider::in_process(move |_| play.clone())
}

/// Counters that end with the gateway.
pub(crate) fn counters(clock: Clock) -> Counters {
    let options = Options {
        place: Where::Embedded { dir: None },
        journal: None,
        started: clock.started(),
    };
    let opened = Counters::open(options).now_or_never();
    opened
        .expect("no file is opened")
        .expect("nothing can fail")
}

/// A gateway of one core.
pub(crate) struct World {
    worker: Arc<Worker>,
    compiled: Mutex<Compiled>,
    entries: Mutex<Receiver<Box<Entry>>>,
    _phase: watch::Sender<Phase>,
}

impl World {
    /// Serves these documents.
    pub(crate) fn serve(documents: &[String]) -> Self {
        Self::serve_behind(&[], None, documents)
    }

    /// The same, with traces that are exported.
    pub(crate) fn serve_traced(tracing: Tracing, documents: &[String]) -> Self {
        Self::serve_all(&[], None, (tracing, None), MEMORY, documents)
    }

    /// The same, keeping content as this says.
    pub(crate) fn serve_keeping(contents: Contents, documents: &[String]) -> Self {
        let keeping = (Tracing::default(), Some(contents));
        Self::serve_all(&[], None, keeping, MEMORY, documents)
    }

    /// The same with so much memory for bodies, in bytes: a request takes 64 KiB of it at least until its answer begins.
    pub(crate) fn serve_within(memory: usize, documents: &[String]) -> Self {
        Self::serve_all(&[], None, Default::default(), memory, documents)
    }

    /// The same behind these proxies, to callers with tokens of these issuers.
    pub(crate) fn serve_behind(
        proxies: &[Network],
        issuers: Option<Arc<dyn Http>>,
        documents: &[String],
    ) -> Self {
        Self::serve_all(proxies, issuers, Default::default(), MEMORY, documents)
    }

    fn serve_all(
        proxies: &[Network],
        issuers: Option<Arc<dyn Http>>,
        (tracing, contents): (Tracing, Option<Contents>),
        memory: usize,
        documents: &[String],
    ) -> Self {
        let compiled = compiled(None, &documents.concat());
        let clock = Clock::start();
        let counters = counters(clock);
        let network = upstream::network::Network::InProcess;
        let (mut environment, mut upkeep) = Environment::new(network, counters.clone(), clock);
        // It ends with the test.
        Tasks::default().spawn(counters.run());
        if let Some(issuers) = issuers {
            environment = environment.with_issuers(issuers);
            let tasks = Tasks::default();
            Tasks::default().spawn(async move {
                while let Some(upkeep) = upkeep.recv().await {
                    tasks.spawn(upkeep);
                }
            });
        }
        let empty = fairlead_snapshot::Snapshot::empty(NAMESPACE);
        let nothing = Runtime::first(
            &empty,
            &fairlead_snapshot::Credentials::default(),
            environment,
        );
        let runtime = nothing.next(&compiled.snapshot, &compiled.credentials);
        let (phase, seen) = watch::channel(Phase::Serving);
        let (recorder, entries) = Recorder::kept();
        let shared = Shared {
            live: ArcSwap::from_pointee(runtime),
            #[cfg(feature = "console")]
            enforced: arc_swap::ArcSwapOption::empty(),
            observe: Arc::new(
                Observe::new(
                    Metrics::default(),
                    Arc::new(tracing),
                    Tags::listed(&[HeaderName::from_static("x-app")]),
                    recorder,
                )
                .with(contents),
            ),
            decisions: Arc::default(),
            requests: Arc::default(),
            memory: Memory::new(memory),
            copies: Arc::new(Semaphore::new(COPIES)),
            beside: crate::beside::Beside::cores(1),
            limits: Limits::default(),
            cors: crate::cors::Cors::default(),
            proxies: TrustedProxies::new(proxies),
            met_issuers: AtomicBool::default(),
            phase: seen,
            status: watch::Sender::new(Status::default()),
        };
        let worker = Worker::new(Arc::new(shared), Arc::default());
        Self {
            worker,
            compiled: Mutex::new(compiled),
            entries: Mutex::new(entries),
            _phase: phase,
        }
    }

    /// Puts other documents in force.
    pub(crate) fn edit(&self, documents: &[String]) {
        let mut current = self.compiled.lock();
        *current = compiled(Some(&current), &documents.concat());
        let live = &self.worker.shared.live;
        live.store(Arc::new(
            live.load().next(&current.snapshot, &current.credentials),
        ));
    }

    /// Asks for a chat completion with the usual key, and hears the answer to its end.
    pub(crate) async fn ask(&self, body: &Value) -> Answer {
        self.ask_with(&[], body).await
    }

    /// The same with further headers.
    pub(crate) async fn ask_with(&self, headers: &[(&str, &str)], body: &Value) -> Answer {
        self.send(CHAT, headers, body).await.rest().await
    }

    /// The same at another path.
    pub(crate) async fn ask_at(&self, path: &str, body: &Value) -> Answer {
        self.send(path, &[], body).await.rest().await
    }

    /// Asks for a chat completion with another key.
    pub(crate) async fn ask_as(&self, key: &str, body: &Value) -> Answer {
        self.send_as(key, CHAT, &[], body).await.rest().await
    }

    /// Asks, and hears no more than the head of the answer yet. Dropping what this returns, before or after the head, is how a caller hangs up.
    pub(crate) async fn begin(&self, body: &Value) -> Hearing {
        self.send(CHAT, &[], body).await
    }

    /// Asks, and hangs up after this time, head or no head.
    pub(crate) async fn ask_and_leave_after(&self, patience: Duration, body: &Value) {
        let left = tokio::time::timeout(patience, self.ask(body)).await;
        assert!(left.is_err(), "it was answered before: {left:?}");
        settled().await;
    }

    async fn send(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Hearing {
        self.send_as(KEY, path, headers, body).await
    }

    async fn send_as(
        &self,
        key: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Value,
    ) -> Hearing {
        let began = Instant::now();
        let request = Request::post(path)
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json");
        let request = headers.iter().fold(request, |request, (name, value)| {
            request.header(*name, *value)
        });
        let request = request.header("host", "gateway");
        let body = Full::new(Bytes::from(body.to_string()));
        self.begin_request(request.body(body).unwrap(), began).await
    }

    /// Sends any request, and hears the answer to its end.
    pub(crate) async fn ask_request(&self, request: Request<Full<Bytes>>) -> Answer {
        self.begin_request(request, Instant::now())
            .await
            .rest()
            .await
    }

    async fn begin_request(&self, request: Request<Full<Bytes>>, began: Instant) -> Hearing {
        // Apart, so that no test is as large as a request.
        let served = Box::pin(edge::serve(
            Arc::clone(&self.worker),
            request,
            Arc::default(),
        ));
        Hearing::of(served.await, began)
    }

    /// Asks the servers of pools for their metrics from now on, as a gateway does; it ends with the test.
    pub(crate) fn ask_servers(&self) {
        let shared = Arc::clone(&self.worker.shared);
        let upstreams = move || shared.live.load().upstreams.clone();
        Tasks::default().spawn(upstream::servers::ask::run(upstreams));
    }

    /// `GET /health` of a provider.
    pub(crate) fn health(&self, provider: &str) -> Value {
        let runtime = self.worker.shared.live.load();
        health::report(&runtime.upstreams, &runtime.judges)["providers"]
            [format!("default/{provider}")]
        .clone()
    }

    /// How the target of a rule is judged, as `GET /health` says.
    pub(crate) fn judged(&self, rule: &str, target: &str) -> Value {
        let runtime = self.worker.shared.live.load();
        let report = health::report(&runtime.upstreams, &runtime.judges);
        report["rules"][format!("default/{rule}")]["targets"][target].clone()
    }

    /// The state of the breaker of a model at a provider.
    pub(crate) fn breaker(&self, provider: &str, model: &str) -> String {
        self.health(provider)["models"][model]["state"]
            .as_str()
            .unwrap_or("closed")
            .to_owned()
    }

    /// The text that Prometheus would get.
    pub(crate) fn metrics(&self) -> String {
        let shared = &self.worker.shared;
        let runtime = shared.live.load();
        let errors = runtime.table.condition_errors();
        let limits = (runtime.governor(), &*runtime.holders);
        let metrics = &shared.observe.metrics;
        metrics.render(&runtime.upstreams, &runtime.judges, errors, limits)
    }

    /// What the sinks would be told of the request that ended first of those that nobody has looked at.
    pub(crate) fn told(&self) -> Option<fairlead_record::Entry> {
        let ended = self.ended()?;
        let tracing = &self.worker.shared.observe.tracing;
        Some(crate::observe::entry::made(*ended, tracing))
    }

    /// The record of the request that ended first of those that nobody has looked at.
    pub(crate) fn ended(&self) -> Option<Box<Entry>> {
        self.entries.lock().try_recv().ok()
    }

    /// All the memory for bodies but so much, as others hold it.
    pub(crate) fn memory_but(&self, left: usize) -> Vec<Permit> {
        let memory = &self.worker.shared.memory;
        let mut held = Vec::new();
        for other in 0..64 {
            let share = memory.of(Asker::new(other));
            while MEMORY - memory.taken() > left
                && let Ok(permit) = share.permit(64 * 1024)
            {
                held.push(permit);
            }
        }
        held
    }

    /// What requests have of the gateway now: the requests themselves, tasks, bytes, places at providers and places in line. Nothing when
    /// all are over.
    pub(crate) fn held(&self) -> Held {
        let runtime = self.worker.shared.live.load();
        let at = |count: fn(&crate::upstream::gate::Gate) -> u32| {
            runtime
                .upstreams
                .iter()
                .map(|upstream| count(&upstream.gate))
                .sum()
        };
        Held {
            requests: self.worker.active.load(Ordering::Relaxed),
            tasks: self.worker.tasks.running(),
            bytes: self.worker.shared.memory.taken(),
            places: at(|gate| gate.in_flight()),
            queued: at(|gate| gate.queued()),
        }
    }
}

/// What requests have of the gateway.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Held {
    pub(crate) requests: usize,
    pub(crate) tasks: usize,
    pub(crate) bytes: usize,
    pub(crate) places: u32,
    pub(crate) queued: u32,
}

/// Documents that nothing is wrong with, compiled.
fn compiled(before: Option<&Compiled>, text: &str) -> Compiled {
    let documents = documents("all.yaml", text).unwrap();
    let (mut inputs, mut verdicts) = Inputs::from_documents(Settings::new(NAMESPACE), documents);
    inputs.now = crate::clock::unix_seconds();
    let compiled = compile(before.map(|before| &before.snapshot), &inputs);
    verdicts.extend(compiled.verdicts.iter().cloned());
    for verdict in verdicts {
        assert!(verdict.is_good(), "{verdict:#?}");
    }
    compiled
}
