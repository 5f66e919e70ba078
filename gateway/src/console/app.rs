//! Assembly: what is followed, the pages, the two ports.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use fairlead_admin_client::AdminClient;
use fairlead_console::{Console, Feed, Settings};
use http::{StatusCode, header};
use kube::{Client, Config};
use tokio::signal::unix::{SignalKind, signal};

use super::access::Access;
use super::apply::Writer;
use super::cluster::{Cluster, Parts};
use super::fleet::{Fleet, Places};
use super::log::Log;
use super::metrics::Metrics;
use super::objects::Objects;
use super::published::Published;
use super::serve::Door;
use crate::app::renew;
use crate::args;
use crate::args::console::ApplyMode;
use crate::peer::TrustedProxies;
use crate::serve::listen;
use crate::tasks::Tasks;
use crate::tls::ServedCertificate;

/// How long one answer of the API server may take; a watch may be silent for longer.
const ANSWER: Duration = Duration::from_secs(5);
const SILENCE: Duration = Duration::from_secs(300);
/// How often what is no longer good is forgotten.
const SWEEP: Duration = Duration::from_secs(60);
/// So many tabs of one session may follow the live view.
const TABS: usize = 4;

/// Shows an installation until a signal ends it.
///
/// # Errors
/// Anything that keeps it from starting; once it serves, nothing does.
pub(super) fn run(args: &args::console::Console) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(serve(args));
    // A look-up of a name may still block some thread; nobody waits for it.
    runtime.shutdown_background();
    outcome
}

async fn serve(args: &args::console::Console) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let certificate = match (&args.tls_cert, &args.tls_key) {
        (Some(certificate), Some(key)) => Some(ServedCertificate::load(certificate, key)?),
        _ => None,
    };
    let acceptor = certificate.as_ref().map(ServedCertificate::acceptor);
    let acceptor = acceptor.transpose()?;
    let bind = |address| {
        let listener = listen::bind(address);
        let listener = listener.with_context(|| format!("cannot listen on {address}"))?;
        anyhow::Ok(tokio::net::TcpListener::from_std(listener)?)
    };
    let (listener, admin) = (bind(args.listen)?, bind(args.admin)?);
    let feed = Arc::<Feed>::default();
    let (cluster, told) = cluster(args, &feed).await?;
    let cluster = Arc::new(cluster);
    let settings = Settings {
        hosts: args.console_host.clone(),
        viewers: usize::from(args.viewers),
        holders: !args.no_holders,
        most_streams_a_session: TABS,
    };
    let pages = Console::new(Arc::clone(&cluster) as _, feed, settings).router();
    tracing::info!(listen = %listener.local_addr()?, admin = %admin.local_addr()?, tls = acceptor.is_some(), gateway = args.gateway_name, namespace = args.gateway_namespace, "showing");
    let tasks = Tasks::default();
    follow(&cluster, &tasks);
    if let Some(certificate) = certificate {
        tasks.spawn(renew(certificate));
    }
    let proxies = TrustedProxies::new(&args.trusted_proxies);
    tasks.spawn(Door::new(pages, acceptor, proxies).serve(listener, tasks.clone()));
    let probes = Door::new(probes(&cluster, told), None, TrustedProxies::default());
    tasks.spawn(probes.serve(admin, tasks.clone()));
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    tracing::info!("shutting down");
    Ok(())
}

/// What knows how the gateways stand.
async fn cluster(
    args: &args::console::Console,
    feed: &Arc<Feed>,
) -> anyhow::Result<(Cluster, Arc<Metrics>)> {
    let config = config().await?;
    let unusable = "what says where the API server is cannot be used";
    let client = Client::try_from(config.clone()).context(unusable)?;
    let told = Arc::<Metrics>::default();
    let log = Log::open(args)?;
    let (namespace, name) = (&args.gateway_namespace, &args.gateway_name);
    let asker = AdminClient::new(&client, namespace, name, args.gateway_admin_port)?;
    let places = Places::new(&client, namespace, &args.gateway_service);
    let kept = (Arc::clone(feed), log.ring());
    let parts = Parts {
        access: Access::new(
            &client,
            (&args.audience, args.apply != ApplyMode::Off),
            &told,
        ),
        published: Published::new(&client, namespace, name, &told),
        objects: Objects::new(&client, name, scopes(args)),
        fleet: Fleet::new(asker, places, kept, &told),
        log,
        told: Arc::clone(&told),
        writer: Writer::new(args.apply, &config).context(unusable)?,
        compiling: Arc::default(),
        gateway_name: name.clone(),
        gateway_namespace: namespace.clone(),
        callers_at: args.callers_at.clone(),
        watched: (!args.watch_namespaces.is_empty()).then(|| watched(args)),
    };
    Ok((Cluster::new(parts), told))
}

/// The API server, as a service account or a kubeconfig says it.
async fn config() -> anyhow::Result<Config> {
    let mut config = Config::infer().await.context(
        "the console needs the service account of a pod, or a kubeconfig (KUBECONFIG or ~/.kube/config)",
    )?;
    config.connect_timeout = Some(ANSWER);
    config.read_timeout = Some(SILENCE);
    config.reset_reader_on_write = true;
    // Whoever asks does so again later, and shows meanwhile what is wrong.
    config.default_retry = false;
    Ok(config)
}

/// The namespaces to watch, each by itself; `None`: all at once.
fn scopes(args: &args::console::Console) -> Vec<Option<String>> {
    if args.watch_namespaces.is_empty() {
        return vec![None];
    }
    watched(args)
        .into_iter()
        .map(|name| Some(name.to_string()))
        .collect()
}

fn watched(args: &args::console::Console) -> BTreeSet<Arc<str>> {
    let all = args
        .watch_namespaces
        .iter()
        .chain([&args.gateway_namespace]);
    all.map(|name| name.as_str().into()).collect()
}

/// Follows everything that changes.
fn follow(cluster: &Arc<Cluster>, tasks: &Tasks) {
    let own = Arc::clone(cluster);
    tasks.spawn(async move { own.parts.published.run().await });
    let own = Arc::clone(cluster);
    tasks.spawn(async move { own.parts.objects.run().await });
    let own = Arc::clone(cluster);
    tasks.spawn(async move { own.parts.fleet.run().await });
    let own = Arc::clone(cluster);
    tasks.spawn(async move {
        loop {
            tokio::time::sleep(SWEEP).await;
            own.parts.access.sweep();
        }
    });
}

fn probes(cluster: &Arc<Cluster>, told: Arc<Metrics>) -> Router {
    let cluster = Arc::clone(cluster);
    let ready = move || {
        let unready = cluster.awaits();
        async move {
            match unready {
                None => "ok\n".into_response(),
                Some(words) => (StatusCode::SERVICE_UNAVAILABLE, words).into_response(),
            }
        }
    };
    let metrics = move || {
        let text = told.text();
        async move { exposition(text) }
    };
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
}

fn exposition(text: String) -> Response {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], text).into_response()
}
