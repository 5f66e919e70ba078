//! The admin port: probes and metrics for everyone, the rest with a bearer token.

mod apart;
#[cfg(feature = "console")]
pub(crate) mod console;
pub(crate) mod health;
pub(crate) mod held;
mod live;
mod requests;
mod usage;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use http::{HeaderMap, Request, StatusCode, header};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde_json::{Value, json};
use tokio::net::{TcpListener, TcpStream};

pub(crate) use crate::admin::apart::Apart;
use crate::admin::held::Held;
use crate::serve::crowd::{Crowd, Seat};
use crate::serve::link::Times;
use crate::serve::stall::WriteStall;
use crate::serve::watch::Watch;
use crate::status::Source;
use crate::tasks::Tasks;
use crate::worker::{Phase, Shared};

/// The times of a connection: a scrape comes at least each half minute.
const TIMES: Times = Times {
    head: Duration::from_secs(10),
    idle: Duration::from_secs(75),
};
/// How long an answer may be stuck.
const STALL: Duration = Duration::from_secs(10);
/// So many connections at once; the oldest idle one goes for the next. Those that follow the console's live view are never idle, and less than
/// half of them.
const CONNECTIONS: usize = 64;
/// After a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(50);

/// What the port has beside what is its own.
#[derive(Debug)]
pub(crate) struct Extra {
    /// What answers whatever is asked for by no name of the port's own.
    pub others: Option<Router>,
    /// The names, beside those of this machine, under which browsers may ask.
    pub hosts: Vec<String>,
    /// Where everything but probes and metrics is answered.
    pub apart: Apart,
}

/// Answers until the process ends.
pub(crate) async fn serve(listener: TcpListener, shared: Arc<Shared>, extra: Extra, tasks: Tasks) {
    let known = Arc::new(Known {
        hosts: extra.hosts,
        shared: Arc::clone(&shared),
    });
    let questions = questions(&shared);
    let questions = match extra.others {
        Some(others) => questions.fallback_service(others),
        None => questions,
    };
    let all = probes(shared).fallback_service(extra.apart.of(questions));
    let service = TowerToHyperService::new(all);
    let crowd = Crowd::new(CONNECTIONS, CONNECTIONS);
    loop {
        let Ok((socket, peer)) = listener.accept().await else {
            tokio::time::sleep(PAUSE).await;
            continue;
        };
        let seat = crowd.seat().await;
        let known = Arc::clone(&known);
        tasks.spawn(connection((socket, peer), seat, service.clone(), known));
    }
}

/// What is known of whoever may ask.
struct Known {
    hosts: Vec<String>,
    shared: Arc<Shared>,
}

/// Tells the console where a request comes from, and refuses a browser that asks under a name that was made to mean this machine: metrics are open,
/// but to nobody's page elsewhere.
#[cfg(feature = "console")]
fn look(known: &Known, request: &mut Request<Incoming>, peer: SocketAddr) -> Option<Response> {
    let (from, headers) = (peer.ip().to_canonical(), request.headers());
    if fairlead_console::is_browser(headers) {
        let refused = fairlead_console::host(&known.hosts, headers);
        if refused.is_some() {
            return refused;
        }
    }
    let client = known.shared.proxies.caller(from, headers);
    if let Some(client) = client {
        let client = fairlead_console::Client(client);
        request.extensions_mut().insert(client);
    }
    None
}

#[cfg(not(feature = "console"))]
fn look(known: &Known, _: &mut Request<Incoming>, _: SocketAddr) -> Option<Response> {
    // There are no pages, and no names to show them under.
    let _ = (&known.hosts, &known.shared);
    None
}

async fn connection(
    (socket, peer): (TcpStream, SocketAddr),
    seat: Seat,
    service: TowerToHyperService<Router>,
    known: Arc<Known>,
) {
    let link = Arc::clone(&seat.link);
    let io = TokioIo::new(WriteStall::new(socket, STALL, &link));
    let mut watch = Watch::new(&link, TIMES);
    watch.begin().await;
    let service = service_fn(move |mut request: Request<Incoming>| {
        let refused = look(&known, &mut request, peer);
        let (request, answer) = (link.begin(), service.call(request));
        // The connection is busy until all of the answer has gone, which of the live view may be in hours.
        async move {
            let answer = match refused {
                Some(refused) => Ok(refused),
                None => answer.await,
            };
            answer.map(|answer| answer.map(|body| Held::new(body, request)))
        }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(None);
    let connection = builder.serve_connection(io, service);
    // How it ends concerns only whoever asked.
    tokio::select! {
        biased;
        _ = connection => {}
        () = watch.over() => {}
    }
}

/// What an orchestrator and a scraper ask for.
fn probes(shared: Arc<Shared>) -> Router {
    Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(scrape))
        .with_state(shared)
}

/// What is asked with the admin token.
fn questions(shared: &Arc<Shared>) -> Router {
    let readers = live::Readers::default();
    Router::new()
        .route("/config", get(config))
        .route("/health", get(health))
        .route("/usage", get(usage::usage))
        .route("/requests", get(requests::search))
        .route("/requests/usage", get(requests::usage))
        .route(
            "/requests/live",
            get(move |shared, headers| live::live(readers.clone(), shared, headers)),
        )
        .route("/requests/{id}", get(requests::one))
        .route("/requests/{id}/content", get(requests::content))
        .with_state(Arc::clone(shared))
}

async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let unready = if *shared.phase.borrow() != Phase::Serving {
        "shutting down\n"
    } else if shared.status.borrow().source.is_none() {
        "waiting for the first configuration\n"
    } else if !shared.live.load().governor().counters.state().ready {
        "getting to know the store of counters\n"
    } else if awaits_issuers(&shared) {
        "asking the issuers of callers' tokens for their keys\n"
    } else {
        return "ok\n".into_response();
    };
    (StatusCode::SERVICE_UNAVAILABLE, unready).into_response()
}

/// Whether whoever calls with a token would be refused only because this process has just begun.
fn awaits_issuers(shared: &Shared) -> bool {
    let met = &shared.met_issuers;
    let awaits = !met.load(Relaxed) && shared.live.load().tokens.await_issuers();
    if !awaits {
        met.store(true, Relaxed);
    }
    awaits
}

async fn scrape(State(shared): State<Arc<Shared>>) -> Response {
    let kind = [(
        header::CONTENT_TYPE,
        "application/openmetrics-text; version=1.0.0; charset=utf-8",
    )];
    (kind, metrics(&shared)).into_response()
}

/// The text that a scrape gets.
#[must_use]
pub(crate) fn metrics(shared: &Shared) -> String {
    let runtime = shared.live.load();
    let errors = runtime.table.condition_errors();
    let limits = (runtime.governor(), &*runtime.holders);
    let metrics = &shared.observe.metrics;
    metrics.render(&runtime.upstreams, &runtime.judges, errors, limits)
}

/// Which configuration is in force.
async fn config(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !admitted(&shared, &headers) {
        return stranger();
    }
    let status = shared.status.borrow().clone();
    let runtime = shared.live.load();
    let store = runtime.governor().counters.state();
    let issuers = runtime.tokens.issuers();
    let issuers: Vec<Value> = issuers
        .map(|(issuer, keys)| json!({"issuer": issuer, "keys": keys}))
        .collect();
    let body = json!({
        "requests": requests::standing(&shared),
        // To be written down elsewhere: the file has to have it.
        "audit": shared.decisions.standing(),
        "store": {"reachable": store.reachable, "problem": store.problem},
        "digest": runtime.digest,
        "generation": runtime.generation,
        "formats": fairlead_snapshot::FORMATS,
        // The operator takes the token out of its old place once every gateway reads it from the new one.
        "readsAdminSecret": true,
        // With several replicas that do, no limit is what it says.
        "countsAlone": runtime.governor().counters.count_alone(),
        "providers": runtime.upstreams.len(),
        "keys": runtime.keys.len() + runtime.tokens.len(),
        "issuers": issuers,
        "source": status.source.map(Source::as_str),
        "error": status.error,
    });
    answer(&body)
}

/// How the providers do.
async fn health(State(shared): State<Arc<Shared>>, headers: HeaderMap) -> Response {
    if !admitted(&shared, &headers) {
        return stranger();
    }
    let runtime = shared.live.load();
    answer(&health::report(&runtime.upstreams, &runtime.judges))
}

fn answer(body: &Value) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

fn stranger() -> Response {
    (StatusCode::UNAUTHORIZED, "send the admin token as 'Authorization: Bearer TOKEN'; it stands in --state-dir/admin-token, in a cluster under token in the Secret fairlead-GATEWAYNAME-admin\n").into_response()
}

fn admitted(shared: &Shared, headers: &HeaderMap) -> bool {
    let presented = headers
        .get(header::AUTHORIZATION)
        .and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    match (&shared.status.borrow().token, presented) {
        (Some(token), Some(presented)) => token.is(presented),
        _ => false,
    }
}
