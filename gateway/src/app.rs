//! Assembly: what `serve` is made of, and the order in which it starts and ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use fairlead_snapshot::Credentials;
use fairlead_snapshot::Snapshot;
use fairlead_store::Counters;
use tokio::sync::{oneshot, watch};

use crate::admin;
use crate::args::{AccessLogTo, Serve};
use crate::beside::Beside;
use crate::clock::Clock;
use crate::config::origin::Origin;
use crate::cors::Cors;
use crate::limits::Limits;
use crate::memory::Memory;
use crate::observe::Observe;
use crate::observe::access::{AccessLog, LogEnd};
use crate::observe::metrics::Metrics;
use crate::peer::TrustedProxies;
use crate::runtime::Runtime;
use crate::serve::crowd::Crowd;
use crate::serve::listen::{self, Cores};
use crate::serve::shutdown::Signals;
use crate::status::Status;
use crate::tasks::Tasks;
use crate::tls::ServedCertificate;
use crate::upstream::environment::{Environment, Refreshers};
use crate::upstream::network::Network;
use crate::upstream::proxy::Proxy;
use crate::worker::{Phase, Shared};

/// How often the served certificate is looked at.
const CERTIFICATE_LOOK: Duration = Duration::from_secs(1);

/// How long it may take to give back what was not used of limits.
const GIVING_BACK: Duration = Duration::from_secs(2);

/// Serves until a signal ends it.
///
/// # Errors
/// Anything that keeps the gateway from starting; once it serves, nothing does.
pub fn serve(args: &Serve) -> anyhow::Result<()> {
    let runtime = runtime()?;
    let (access, log) = access_log(args.access_log)?;
    let (phase, seen) = watch::channel(Phase::Serving);
    let clock = Clock::start();
    let state_dir = args.settings.state_dir.as_ref();
    let options = args.store.options(state_dir, &installation(args), clock)?;
    let counters = runtime
        .block_on(Counters::open(options))
        .context("counters cannot be kept")?;
    let (environment, refreshers) = environment(counters.clone(), clock)?;
    let shared = shared(args, environment, access, seen.clone());
    let origin = runtime.block_on(Origin::open(args, &shared))?;
    let certificate = certificate(args)?;
    let acceptor = certificate
        .as_ref()
        .map(ServedCertificate::acceptor)
        .transpose()?;
    let listener =
        listen::bind(args.listen).with_context(|| format!("cannot listen on {}", args.listen))?;
    let admin =
        listen::bind(args.admin).with_context(|| format!("cannot listen on {}", args.admin))?;
    let address = listener.local_addr()?;
    let cores = Cores::start(cores(args), &shared, acceptor.as_ref(), args.drain_timeout)?;
    let crowd = Crowd::of_this_process(args.max_connections, shared.memory.limit());
    let (end, ended) = oneshot::channel();
    let status = shared.status.subscribe();
    let accepting = std::thread::Builder::new()
        .name("accept".to_owned())
        .spawn(move || accept(listener, cores, &crowd, status, seen, end))?;
    let control = Control {
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
    // Every record is finished by now, so the queue is closed; what is in it is still written.
    if let Some(log) = log {
        log.wait();
    }
    Ok(())
}

fn access_log(to: AccessLogTo) -> anyhow::Result<(AccessLog, Option<LogEnd>)> {
    match to {
        AccessLogTo::Off => Ok((AccessLog::off(), None)),
        AccessLogTo::Stdout => {
            let (log, end) = AccessLog::to(std::io::stdout())?;
            Ok((log, Some(end)))
        }
    }
}

fn shared(
    args: &Serve,
    environment: Environment,
    access: AccessLog,
    phase: watch::Receiver<Phase>,
) -> Arc<Shared> {
    let empty = Snapshot::empty(&args.settings.gateway_namespace);
    let runtime = Runtime::first(&empty, &Credentials::default(), environment);
    Arc::new(Shared {
        live: ArcSwap::from_pointee(runtime),
        observe: Arc::new(Observe::new(Metrics::default(), access)),
        memory: args
            .max_memory_bytes
            .map_or_else(Memory::of_this_process, Memory::new),
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

/// The control thread: signals, the configuration, certificates, the admin port.
struct Control {
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
            let admin = tokio::net::TcpListener::from_std(self.admin)?;
            let tasks = Tasks::default();
            // It ends with the process.
            tasks.spawn(admin::serve(admin, Arc::clone(&self.shared), tasks.clone()));
            tasks.spawn(keep_fresh(self.refreshers, tasks.clone()));
            tasks.spawn(self.counters.clone().run());
            self.origin.follow(self.shared, &tasks);
            if let Some(certificate) = self.certificate {
                tasks.spawn(renew(certificate));
            }
            signals.conduct(phase, drain_delay, self.ended).await;
            // Every request is settled by now: what is left goes back to the others.
            let _ = tokio::time::timeout(GIVING_BACK, self.counters.drain()).await;
            Ok(())
        });
        // Its tasks end here, and let go of the access log. A look-up of a name may still block some thread; nobody waits for it.
        runtime.shutdown_background();
        outcome
    }
}

/// Runs whatever keeps tokens and keys fresh.
async fn keep_fresh(mut refreshers: Refreshers, tasks: Tasks) {
    while let Some(upkeep) = refreshers.recv().await {
        tasks.spawn(upkeep);
    }
}

/// Looks at the certificate's files and serves what they hold now; a pair that does not fit is told once and not served.
async fn renew(certificate: Arc<ServedCertificate>) {
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

fn join(accepting: JoinHandle<std::io::Result<()>>) -> anyhow::Result<()> {
    match accepting.join() {
        Ok(outcome) => Ok(outcome?),
        Err(_) => anyhow::bail!("the accepting thread panicked"),
    }
}
