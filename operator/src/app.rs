//! Assembly: watches, leader election, the rebuild loop, the reports, the admin port.

use std::future::Future;
use std::sync::Arc;

use anyhow::Context as _;
use fairlead_snapshot::names;
use kube::Client;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::admin::{self, Admin};
use crate::apply::Publisher;
use crate::args::Args;
use crate::crds;
use crate::leader::Contender;
use crate::metrics::Metrics;
use crate::rebuild::{Channels, Rebuild};
use crate::replicas::Asker;
use crate::report::Writer;
use crate::watch::{self as watches, Watched};

/// Runs until a signal ends it, against the API server that the environment names.
///
/// # Errors
/// Anything that keeps the operator from starting, and a part of it that ended although it should not.
pub async fn run(args: Args) -> anyhow::Result<()> {
    let client = Client::try_default()
        .await
        .context("cannot find an API server: neither a service account nor a kubeconfig")?;
    run_until(client, args, signalled()).await
}

/// Runs until `end` is over.
///
/// # Errors
/// As [`run`], and what `end` says.
pub async fn run_until(
    client: Client,
    args: Args,
    end: impl Future<Output = anyhow::Result<()>>,
) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(args.admin)
        .await
        .with_context(|| format!("cannot listen on {}", args.admin))?;
    let metrics = Arc::new(Metrics::default());
    let watched = Arc::new(Watched::new(&args));
    let mut tasks = JoinSet::new();
    let (told, problem) = watch::channel(Some("not looked at the CRDs yet".to_owned()));
    tasks.spawn(crds::look(client.clone(), told));
    let service = admin::router(Admin {
        metrics: Arc::clone(&metrics),
        watched: Arc::clone(&watched),
        crds: problem.clone(),
    });
    tasks.spawn(async move {
        // It ends with the process.
        let _ = axum::serve(listener, service).await;
    });
    watches::start(&mut tasks, &client, &args, &watched, &metrics);
    let (lead, leading) = watch::channel(false);
    work(&mut tasks, &args, &client, &watched, &metrics, leading)?;
    let (stop, stopped) = watch::channel(false);
    let contender = Contender::new(
        client,
        &args.namespace,
        names::lease(&args.gateway_name),
        args.identity.clone(),
        args.lease_seconds,
    );
    let mut contending = JoinSet::new();
    contending.spawn(contend(contender, lead, problem, stopped));
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

/// Contends once the CRDs are good: a replica that finds them older must neither publish from them nor hold the lease of one that can.
async fn contend(
    contender: Contender,
    lead: watch::Sender<bool>,
    mut problem: watch::Receiver<Option<String>>,
    mut stopped: watch::Receiver<bool>,
) {
    tokio::select! {
        good = problem.wait_for(Option::is_none) => if good.is_err() { return },
        _ = stopped.wait_for(|stopped| *stopped) => return,
    }
    contender.run(lead, stopped).await;
}

/// What the leader does.
fn work(
    tasks: &mut JoinSet<()>,
    args: &Args,
    client: &Client,
    watched: &Arc<Watched>,
    metrics: &Arc<Metrics>,
    leading: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let (generation, live) = watch::channel(0);
    let (seen, replicas) = watch::channel(Arc::default());
    let (reports, reported) = watch::channel(None);
    let publisher = Publisher {
        client: client.clone(),
        namespace: args.namespace.clone(),
        gateway_name: args.gateway_name.clone(),
    };
    let channels = Channels {
        leading,
        replicas: replicas.clone(),
        generation,
        reports,
    };
    tasks.spawn(Rebuild::new(args, publisher, watched, metrics, channels).run());
    tasks.spawn(Asker::new(args, client, watched, metrics)?.run(live, seen));
    tasks.spawn(Writer::new(client, &args.identity, watched, metrics).run(reported, replicas));
    Ok(())
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
