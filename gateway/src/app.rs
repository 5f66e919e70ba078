//! Assembly: what `serve` is made of, and the order in which it starts and ends.

mod audit;
mod contents;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use axum::Router;
use fairlead_record::Sink;
use fairlead_snapshot::Credentials;
use fairlead_snapshot::Snapshot;
use fairlead_store::Counters;
use tokio::sync::{Semaphore, oneshot, watch};

#[cfg(feature = "console")]
use crate::admin::console::Seen;
use crate::admin::{self, Apart, Extra};
use crate::args::{AccessLogTo, Serve};
use crate::beside::Beside;
use crate::clock::Clock;
use crate::config::origin::Origin;
use crate::cors::Cors;
use crate::decisions::{Decisions, Refusing};
use crate::limits::Limits;
use crate::memory::Memory;
use crate::observe::Observe;
use crate::observe::access;
use crate::observe::metrics::Metrics;
use crate::observe::otlp::settings::Settings;
use crate::observe::otlp::{self, Push};
use crate::observe::recorder::{End, Recorder};
use crate::observe::requests::Requests;
use crate::observe::tags::Tags;
use crate::observe::trace::Tracing;
use crate::peer::TrustedProxies;
use crate::runtime::Runtime;
use crate::serve::crowd::{self, Crowd};
use crate::serve::listen::{self, Cores};
use crate::serve::shutdown::Signals;
use crate::status::Status;
use crate::tasks::Tasks;
use crate::tls::ServedCertificate;
use crate::upstream::environment::{Environment, Refreshers};
use crate::upstream::network::Network;
use crate::upstream::proxy::Proxy;
use crate::upstream::servers::ask;
use crate::worker::{Phase, Shared};

/// How often the served certificate is looked at.
const CERTIFICATE_LOOK: Duration = Duration::from_secs(1);

/// How long it may take to give back what was not used of limits.
const GIVING_BACK: Duration = Duration::from_secs(2);

/// How long it may take to push what was counted last.
const LAST_PUSH: Duration = Duration::from_secs(5);

/// Serves until a signal ends it.
///
/// # Errors
/// Anything that keeps the gateway from starting; once it serves, nothing does.
pub fn serve(args: &Serve) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let get = |name: &str| std::env::var(name).ok();
    let otlp = Settings::of(&get, args.otlp_usage.into(), args.trace_slow)?;
    let state_dir = args.settings.state_dir.as_ref();
    let kept = kept(args)?;
    #[cfg(feature = "console")]
    let console = Seen::of(args);
    #[cfg(not(feature = "console"))]
    let console = ();
    let (observe, ends) = observe(args, otlp.as_ref(), &kept, sinks(&console))?;
    let push = otlp.as_ref();
    let push = push.map(|otlp| Push::new(otlp, &observe.metrics.otlp));
    let push = push.transpose()?.flatten();
    let (phase, seen) = watch::channel(Phase::Serving);
    let clock = Clock::start();
    let options = args.store.options(state_dir, &installation(args), clock)?;
    let counters = runtime
        .block_on(Counters::open(options))
        .context("counters cannot be kept")?;
    let (environment, refreshers) = environment(counters.clone(), clock)?;
    let shared = shared(args, environment, observe, kept.clone(), seen.clone());
    let origin = runtime.block_on(Origin::open(args, &shared))?;
    let certificate = certificate(args)?;
    let acceptor = certificate.as_ref().map(ServedCertificate::acceptor);
    let acceptor = acceptor.transpose()?;
    let listener =
        listen::bind(args.listen).with_context(|| format!("cannot listen on {}", args.listen))?;
    let admin =
        listen::bind(args.admin).with_context(|| format!("cannot listen on {}", args.admin))?;
    let address = listener.local_addr()?;
    let cores = Cores::start(cores(args), &shared, acceptor.as_ref(), args.drain_timeout)?;
    let asking = ask_servers(&shared)?;
    let crowd = Crowd::of_this_process(args.max_connections, shared.memory.limit());
    let (end, ended) = oneshot::channel();
    let status = shared.status.subscribe();
    let thread = std::thread::Builder::new().name("accept".to_owned());
    let accepting = thread.spawn(move || accept(listener, cores, &crowd, status, seen, end))?;
    let extra = extra(args, others(console, args, &shared, address))?;
    let control = Control {
        extra,
        push,
        origin,
        shared,
        counters,
        refreshers,
        certificate,
        address,
        admin,
        ended,
    };
    control.run(runtime, args.drain_delay, &phase)?;
    join(accepting)?;
    join(asking)?;
    // Every record is finished by now, so the queues are closed; what is in them is still told.
    ends.iter().for_each(End::wait);
    kept.0.end();
    kept.1.end();
    Ok(())
}

/// The console, where there is one.
#[cfg(feature = "console")]
fn others(
    console: Option<Seen>,
    args: &Serve,
    shared: &Arc<Shared>,
    callers: SocketAddr,
) -> Option<Router> {
    console.map(|seen| seen.router(args, shared, callers))
}

#[cfg(not(feature = "console"))]
fn others((): (), _: &Serve, _: &Arc<Shared>, _: SocketAddr) -> Option<Router> {
    None
}

/// What the admin port has beside what is its own.
#[cfg_attr(
    not(feature = "console"),
    expect(unused_variables, reason = "names are for browsers")
)]
fn extra(args: &Serve, others: Option<Router>) -> std::io::Result<Extra> {
    Ok(Extra {
        others,
        #[cfg(feature = "console")]
        hosts: args.console_host.clone(),
        #[cfg(not(feature = "console"))]
        hosts: Vec::new(),
        apart: Apart::start()?,
    })
}

/// What is kept of requests, and of decisions.
fn kept(args: &Serve) -> anyhow::Result<(Arc<Requests>, Arc<Decisions>)> {
    let requests = Requests::open(&args.request_log, args.settings.state_dir.as_ref())?;
    let decisions = audit::decisions(&args.audit)?;
    Ok((Arc::new(requests), Arc::new(decisions)))
}

/// Where finished requests are told, and the ends of the threads that do so, in the order in which they end.
fn observe(
    args: &Serve,
    otlp: Option<&Settings>,
    (requests, decisions): &(Arc<Requests>, Arc<Decisions>),
    mut sinks: Vec<Box<dyn Sink>>,
) -> anyhow::Result<(Arc<Observe>, Vec<End>)> {
    let mut metrics = Metrics::default();
    metrics.show(requests, decisions);
    let mut tracing = Tracing::default();
    let mut ends = Vec::new();
    if let Some(settings) = otlp {
        if settings.traces() {
            tracing = Tracing::on(settings.sampler);
        }
        if let Some(started) = otlp::start(settings, &metrics.otlp)? {
            sinks.push(started.sink);
            ends.push(started.end);
            if let Some(decided) = started.decided {
                decisions.tell_also(move |line| decided.take(line));
            }
        }
    }
    let tracing = Arc::new(tracing);
    if args.access_log == AccessLogTo::Stdout {
        let dropped = metrics.access_lines_dropped.clone();
        let (queue, end) = access::to(std::io::stdout(), dropped)?;
        sinks.push(Box::new(queue));
        ends.push(end);
    }
    sinks.extend(requests.sinks());
    sinks.push(Box::new(Refusing::new(decisions)));
    let (recorder, end) = Recorder::to(sinks, Arc::clone(&tracing))?;
    ends.insert(0, end);
    let contents = contents::kept(args, &mut metrics, &mut ends)?;
    let tags = Tags::listed(&args.log_header);
    let observe = Observe::new(metrics, tracing, tags, recorder).with(contents);
    Ok((Arc::new(observe), ends))
}

/// What the console has to be told of finished requests.
#[cfg(feature = "console")]
fn sinks(console: &Option<Seen>) -> Vec<Box<dyn Sink>> {
    console.iter().map(Seen::sink).collect()
}

#[cfg(not(feature = "console"))]
fn sinks((): &()) -> Vec<Box<dyn Sink>> {
    Vec::new()
}

fn shared(
    args: &Serve,
    environment: Environment,
    observe: Arc<Observe>,
    (requests, decisions): (Arc<Requests>, Arc<Decisions>),
    phase: watch::Receiver<Phase>,
) -> Arc<Shared> {
    let empty = Snapshot::empty(&args.settings.gateway_namespace);
    let runtime = Runtime::first(&empty, &Credentials::default(), environment);
    Arc::new(Shared {
        live: ArcSwap::from_pointee(runtime),
        #[cfg(feature = "console")]
        enforced: arc_swap::ArcSwapOption::empty(),
        observe,
        decisions,
        requests,
        memory: args
            .max_memory_bytes
            .map_or_else(Memory::of_this_process, Memory::new),
        copies: Arc::new(Semaphore::new(crowd::copies())),
        beside: Beside::cores(cores(args)),
        limits: Limits {
            body_bytes: args.max_request_bytes,
            header_time: args.head_time,
            idle_time: args.idle_time,
            write_stall: args.write_stall,
            ..Limits::default()
        },
        cors: Cors::new(&args.cors_allow_origin),
        proxies: TrustedProxies::new(&args.trusted_proxies),
        met_issuers: AtomicBool::default(),
        phase,
        status: watch::Sender::new(Status::default()),
    })
}

/// What tells this installation from others that count on the same store.
fn installation(args: &Serve) -> String {
    let settings = &args.settings;
    format!("{}/{}", settings.gateway_namespace, settings.gateway_name)
}

fn environment(counters: Counters, clock: Clock) -> anyhow::Result<(Environment, Refreshers)> {
    let proxy = Proxy::from_environment()?.map(Arc::new);
    Ok(Environment::new(Network::Tcp(proxy), counters, clock))
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

fn certificate(args: &Serve) -> anyhow::Result<Option<Arc<ServedCertificate>>> {
    match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => Ok(Some(ServedCertificate::load(certificate, key)?)),
        _ => Ok(None),
    }
}

fn cores(args: &Serve) -> usize {
    let available = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    args.cores.map_or(available, usize::from)
}

/// The accepting thread: ends when shutdown drains and every core has ended, and says so. Nobody is accepted before the first configuration:
/// who comes too early waits in the queue, rather than being told that there is no such key.
fn accept(
    listener: std::net::TcpListener,
    cores: Cores,
    crowd: &Arc<Crowd>,
    mut status: watch::Receiver<Status>,
    mut phase: watch::Receiver<Phase>,
    end: oneshot::Sender<()>,
) -> std::io::Result<()> {
    let outcome = runtime()?.block_on(async {
        tokio::select! {
            biased;
            Ok(_) = status.wait_for(|status| status.source.is_some()) => {}
            _ = phase.wait_for(|phase| *phase >= Phase::Draining) => return Ok(()),
        }
        listen::accept(listener, &cores, crowd, phase.clone()).await
    });
    cores.join();
    drop(end);
    outcome
}

/// A thread for what servers of pools tell of themselves: whatever they send, it costs neither requests nor the control thread their time. It ends
/// when shutdown drains.
fn ask_servers(shared: &Arc<Shared>) -> std::io::Result<JoinHandle<std::io::Result<()>>> {
    let (shared, mut phase) = (Arc::clone(shared), shared.phase.clone());
    let thread = std::thread::Builder::new().name("pools".to_owned());
    thread.spawn(move || {
        let runtime = runtime()?;
        runtime.block_on(async {
            tokio::select! {
                () = ask::run(move || shared.live.load().upstreams.clone()) => {}
                _ = phase.wait_for(|phase| *phase >= Phase::Draining) => {}
            }
        });
        // A look-up of a name may still block some thread; nobody waits for it.
        runtime.shutdown_background();
        Ok(())
    })
}

/// The control thread: signals, the configuration, certificates, the admin port.
struct Control {
    /// What the admin port has beside what is its own.
    extra: Extra,
    /// Pushes metrics, where that is wanted.
    push: Option<Push>,
    origin: Origin,
    shared: Arc<Shared>,
    counters: Counters,
    refreshers: Refreshers,
    certificate: Option<Arc<ServedCertificate>>,
    /// Where callers connect.
    address: SocketAddr,
    admin: std::net::TcpListener,
    ended: oneshot::Receiver<()>,
}

impl Control {
    /// Runs until every core has ended: probes and metrics are answered to the last.
    fn run(
        self,
        runtime: tokio::runtime::Runtime,
        drain_delay: Duration,
        phase: &watch::Sender<Phase>,
    ) -> anyhow::Result<()> {
        let outcome = runtime.block_on(async {
            let signals = Signals::listen()?;
            // Said only now: whoever reads it may send a signal at once.
            tracing::info!(listen = %self.address, admin = %self.admin.local_addr()?, tls = self.certificate.is_some(), "serving");
            self.origin.greet(self.address, self.certificate.is_some());
            #[cfg(feature = "console")]
            if self.extra.others.is_some() {
                self.origin.greet_operator(self.admin.local_addr()?);
            }
            let admin = tokio::net::TcpListener::from_std(self.admin)?;
            let tasks = Tasks::default();
            // It ends with the process.
            tasks.spawn(admin::serve(admin, Arc::clone(&self.shared), self.extra, tasks.clone()));
            tasks.spawn(keep_fresh(self.refreshers, tasks.clone()));
            tasks.spawn(self.counters.clone().run());
            let (last, closing) = watch::channel(());
            let pushing = self.push.map(|push| {
                let (done, pushed) = oneshot::channel();
                let shared = Arc::clone(&self.shared);
                tasks.spawn(keep_pushing(push, shared, closing, done));
                pushed
            });
            self.origin.follow(self.shared, &tasks);
            if let Some(certificate) = self.certificate {
                tasks.spawn(renew(certificate));
            }
            signals.conduct(phase, drain_delay, self.ended).await;
            // Every request is settled by now: what is left goes back to the others.
            let _ = tokio::time::timeout(GIVING_BACK, self.counters.drain()).await;
            drop(last);
            if let Some(pushed) = pushing {
                let _ = tokio::time::timeout(LAST_PUSH, pushed).await;
            }
            Ok(())
        });
        // Its tasks end here, and let go of the access log. A look-up of a name may still block some thread; nobody waits for it.
        runtime.shutdown_background();
        outcome
    }
}

/// Pushes metrics from time to time, and once more when `closing` says so; `done` is dropped then.
async fn keep_pushing(
    mut push: Push,
    shared: Arc<Shared>,
    mut closing: watch::Receiver<()>,
    done: oneshot::Sender<()>,
) {
    let mut is_last = false;
    while !is_last {
        is_last = tokio::time::timeout(push.interval(), closing.changed())
            .await
            .is_ok();
        let text = admin::metrics(&shared);
        let mut closing = closing.clone();
        let hurry = async move { while closing.changed().await.is_ok() {} };
        push.push(&text, hurry).await;
    }
    drop(done);
}

/// Runs whatever keeps tokens and keys fresh.
async fn keep_fresh(mut refreshers: Refreshers, tasks: Tasks) {
    while let Some(upkeep) = refreshers.recv().await {
        tasks.spawn(upkeep);
    }
}

/// Looks at the certificate's files and serves what they hold now; a pair that does not fit is told once and not served.
pub(crate) async fn renew(certificate: Arc<ServedCertificate>) {
    let mut told = String::new();
    loop {
        tokio::time::sleep(CERTIFICATE_LOOK).await;
        match certificate.reload() {
            Ok(true) => tracing::info!("serving a new certificate"),
            Ok(false) => told.clear(),
            Err(error) if error.to_string() != told => {
                told = error.to_string();
                tracing::error!("{told}; the last good certificate is served");
            }
            Err(_) => {}
        }
    }
}

fn join(thread: JoinHandle<std::io::Result<()>>) -> anyhow::Result<()> {
    let name = thread.thread().name().unwrap_or_default().to_owned();
    match thread.join() {
        Ok(outcome) => Ok(outcome?),
        Err(_) => anyhow::bail!("the thread {name:?} panicked"),
    }
}
