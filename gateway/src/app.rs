//! Assembly: what `serve` is made of, and the order in which it starts and ends.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use arc_swap::ArcSwap;
use fairlead_compile::Credentials;
use fairlead_snapshot::Snapshot;
use tokio::sync::{oneshot, watch};

use crate::admin::{self, Admin};
use crate::args::{AccessLogTo, Serve};
use crate::folder::Folder;
use crate::limits::Limits;
use crate::listen::{self, Cores};
use crate::memory::Memory;
use crate::observe::Observe;
use crate::observe::access::AccessLog;
use crate::observe::metrics::Metrics;
use crate::runtime::Runtime;
use crate::shutdown::Signals;
use crate::standalone::Standalone;
use crate::state::State;
use crate::tasks::Tasks;
use crate::tls::ServedCertificate;
use crate::worker::{Phase, Shared};

/// How often the served certificate is looked at.
const CERTIFICATE_LOOK: Duration = Duration::from_secs(1);

/// Serves until a signal ends it.
///
/// # Errors
/// Anything that keeps the gateway from starting; once it serves, nothing does.
pub fn serve(args: &Serve) -> anyhow::Result<()> {
    let folder = Folder::new(&args.config_dir, &args.settings);
    let mut standalone =
        Standalone::start(folder, State::open(args.settings.state_dir.as_deref())?)?;
    let (access, log) = access_log(args.access_log)?;
    let (phase, seen) = watch::channel(Phase::Serving);
    let shared = shared(args, access, seen.clone());
    standalone.swap(&shared);
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
    let (end, ended) = oneshot::channel();
    let accepting = std::thread::Builder::new()
        .name("accept".to_owned())
        .spawn(move || accept(listener, cores, seen, end))?;
    let control = Control {
        standalone,
        shared,
        certificate,
        address,
        admin,
        ended,
    };
    control.run(args.drain_delay, &phase)?;
    join(accepting)?;
    join_log(log);
    Ok(())
}

fn access_log(to: AccessLogTo) -> anyhow::Result<(AccessLog, Option<JoinHandle<()>>)> {
    match to {
        AccessLogTo::Off => Ok((AccessLog::off(), None)),
        AccessLogTo::Stdout => {
            let (log, thread) = AccessLog::to(std::io::stdout())?;
            Ok((log, Some(thread)))
        }
    }
}

fn shared(args: &Serve, access: AccessLog, phase: watch::Receiver<Phase>) -> Arc<Shared> {
    let empty = Snapshot::empty(&args.settings.gateway_namespace);
    let runtime = Runtime::build(&empty, &Credentials::default(), None);
    Arc::new(Shared {
        live: ArcSwap::from_pointee(runtime),
        observe: Arc::new(Observe::new(Metrics::default(), access)),
        memory: Memory::of_this_process(),
        limits: Limits {
            body_bytes: args.max_request_bytes,
            ..Limits::default()
        },
        phase,
    })
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

/// The accepting thread: ends when shutdown drains and every core has ended, and says so.
fn accept(
    listener: std::net::TcpListener,
    cores: Cores,
    phase: watch::Receiver<Phase>,
    end: oneshot::Sender<()>,
) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(listen::accept(listener, &cores, phase));
    cores.join();
    drop(end);
    outcome
}

/// The control thread: signals, reloads, certificates, the admin port.
struct Control {
    standalone: Standalone,
    shared: Arc<Shared>,
    certificate: Option<Arc<ServedCertificate>>,
    /// Where callers connect.
    address: SocketAddr,
    admin: std::net::TcpListener,
    ended: oneshot::Receiver<()>,
}

impl Control {
    /// Runs until every core has ended: probes and metrics are answered to the last.
    fn run(self, drain_delay: Duration, phase: &watch::Sender<Phase>) -> anyhow::Result<()> {
        let token = self.standalone.admin_token()?.map(Into::into);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            let signals = Signals::listen()?;
            // Said only now: whoever reads it may send a signal at once.
            tracing::info!(listen = %self.address, admin = %self.admin.local_addr()?, tls = self.certificate.is_some(), "serving");
            let admin = tokio::net::TcpListener::from_std(self.admin)?;
            let service = admin::router(Admin {
                shared: Arc::clone(&self.shared),
                token,
            });
            let tasks = Tasks::default();
            tasks.spawn(async move {
                // It ends with the process.
                let _ = axum::serve(admin, service).await;
            });
            tasks.spawn(self.standalone.watch(self.shared));
            if let Some(certificate) = self.certificate {
                tasks.spawn(renew(certificate));
            }
            signals.conduct(phase, drain_delay, self.ended).await;
            Ok(())
        })
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

/// Every record is finished by now, so the queue is closed once the cores are gone; what is in it is still written.
fn join_log(log: Option<JoinHandle<()>>) {
    if let Some(thread) = log {
        let _ = thread.join();
    }
}
