//! Assembly: watches, leader election, the rebuild loop, the reports, the admin port.

use std::future::Future;
use std::sync::Arc;

use anyhow::Context as _;
use fairlead_admin_client::AdminClient;
use fairlead_snapshot::names;
use kube::{Client, Config};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::admin::{self, Admin};
use crate::api::Clients;
use crate::apply::Publisher;
use crate::args::Args;
use crate::crds::{Crds, Problem};
use crate::leader::Contender;
use crate::metrics::Metrics;
use crate::rebuild::{Channels, Held, Rebuild};
use crate::replicas::{Asker, Told};
use crate::report::Writer;
use crate::usage;
use crate::watch::{self as watches, Watched};

/// Runs until a signal ends it, against the API server that the environment names.
///
/// # Errors
/// Anything that keeps the operator from starting, and a part of it that ended although it should not.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let config = Config::infer()
        .await
        .context("cannot find an API server: neither a service account nor a kubeconfig")?;
    let clients = Clients::of(&config).context("cannot use what says where the API server is")?;
    run_until(clients, args, signalled()).await
}

/// Runs until `end` is over.
///
/// # Errors
/// As [`run`], and what `end` says.
pub async fn run_until(
    clients: Clients,
    args: Args,
    end: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(args.admin)
        .await
        .with_context(|| format!("cannot listen on {}", args.admin))?;
    let metrics = Arc::new(Metrics::default());
    let watched = Arc::new(Watched::new(&args));
    let mut tasks = JoinSet::new();
    let client = clients.calls;
    let crds = Crds::new(client.clone());
    tasks.spawn(crds.clone().look());
    let (trouble, troubled) = watch::channel(None);
    let (hold, held) = watch::channel(None);
    let service = admin::router(Admin {
        metrics: Arc::clone(&metrics),
        watched: Arc::clone(&watched),
        crds: crds.problem(),
        trouble: troubled,
        held: held.clone(),
    });
    tasks.spawn(async move {
        // It ends with the process.
        let _ = axum::serve(listener, service).await;
    });
    watches::start(&mut tasks, &clients.watches, &args, &watched, &metrics);
    let (lead, leading) = watch::channel(false);
    let leader = Leader {
        args: &args,
        client: &client,
        watched: &watched,
        metrics: &metrics,
        crds: &crds,
    };
    let idle = Idle {
        trouble,
        held: hold,
    };
    leader.work(&mut tasks, leading, idle)?;
    let (stop, stopped) = watch::channel(false);
    let contender = contenders(&args, &client);
    let mut contending = JoinSet::new();
    contending.spawn(contend(contender, lead, crds.problem(), held, stopped));
    tracing::info!(
        gateway = args.gateway_name,
        namespace = args.namespace,
        identity = args.identity,
        "running"
    );
    let outcome = tokio::select! {
        outcome = end => outcome,
        // No part ends by itself, so one that did has panicked.
        ended = tasks.join_next() => Err(anyhow::anyhow!("a part of the operator ended: {ended:?}")),
    };
    stop.send_replace(true);
    // Gives the lease up, so that another replica need not wait for it to run out.
    while contending.join_next().await.is_some() {}
    outcome
}

/// Makes one contender after the other.
fn contenders(args: &Args, client: &Client) -> impl Fn() -> Contender + use<> {
    let (args, client) = (args.clone(), client.clone());
    move || {
        Contender::new(
            client.clone(),
            &args.namespace,
            names::lease(&args.gateway_name),
            args.identity.clone(),
            args.lease_seconds,
        )
    }
}

/// Contends once the CRDs are good: a replica that finds them older must neither publish from them nor hold the lease of one that can. Nor
/// does one that finds what a newer version has published.
async fn contend(
    contender: impl Fn() -> Contender,
    lead: watch::Sender<bool>,
    mut problem: watch::Receiver<Option<Problem>>,
    mut held: watch::Receiver<Option<Held>>,
    mut stopped: watch::Receiver<bool>,
) {
    let is_newer = |held: &Option<Held>| held.as_ref().is_some_and(|held| held.newer);
    tokio::select! {
        good = problem.wait_for(Option::is_none) => if good.is_err() { return },
        _ = stopped.wait_for(|stopped| *stopped) => return,
    }
    while !*stopped.borrow() {
        let (stop, over) = watch::channel(false);
        let until = async {
            tokio::select! {
                _ = held.wait_for(is_newer) => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
            stop.send_replace(true);
        };
        tokio::join!(contender().run(lead.clone(), over), until);
        tokio::select! {
            _ = held.wait_for(|held| !is_newer(held)) => {}
            _ = stopped.wait_for(|stopped| *stopped) => {}
        }
    }
}

/// What the parts that only a leader has are made of.
struct Leader<'a> {
    args: &'a Args,
    client: &'a Client,
    watched: &'a Arc<Watched>,
    metrics: &'a Arc<Metrics>,
    crds: &'a Crds,
}

/// Where a leader says why it publishes nothing.
struct Idle {
    trouble: watch::Sender<Option<String>>,
    held: watch::Sender<Option<Held>>,
}

impl Leader<'_> {
    /// Starts what the leader does.
    fn work(
        &self,
        tasks: &mut JoinSet<()>,
        leading: watch::Receiver<bool>,
        idle: Idle,
    ) -> anyhow::Result<()> {
        let (args, client) = (self.args, self.client);
        let (watched, metrics) = (self.watched, self.metrics);
        let (generation, live) = watch::channel(0);
        let (seen, replicas) = watch::channel(Arc::default());
        let (told_reads, reads) = watch::channel(None);
        let (reports, reported) = watch::channel(None);
        let (told_usages, usages) = watch::channel(Arc::default());
        let gateways = AdminClient::new(
            client,
            &args.namespace,
            &args.gateway_name,
            args.gateway_admin_port,
        )?;
        let publisher = Publisher {
            client: client.clone(),
            namespace: args.namespace.clone(),
            gateway_name: args.gateway_name.clone(),
        };
        let channels = Channels {
            leading,
            replicas: replicas.clone(),
            reads,
            generation,
            reports,
            trouble: idle.trouble,
            held: idle.held,
        };
        tasks.spawn(Rebuild::new(args, publisher, watched, metrics, self.crds, channels).run());
        let told = Told {
            replicas: seen,
            reads: told_reads,
        };
        let reader = usage::Reader::new(gateways.clone(), watched, metrics);
        tasks.spawn(reader.run(live.clone(), replicas.clone(), told_usages));
        tasks.spawn(Asker::new(gateways, watched, metrics).run(live, told));
        let writer = Writer::new(client, &args.identity, watched, metrics);
        tasks.spawn(writer.run(reported, replicas, usages));
        Ok(())
    }
}

/// Waits for the signal that ends the operator.
async fn signalled() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("shutting down");
    Ok(())
}
