//! Asks the servers of pools how much they have to do, beside the requests: nobody waits for what comes of it.
//!
//! Whoever runs a server may have it never answer, answer slowly or without end, or lie. So a server is asked by one at a time, within two seconds,
//! for a page of some size; who has told nothing is asked less and less often; and only so many are asked at once, those of one pool only a part of
//! them, and pools take turns. What it fails for speaks against nobody: requests find out by themselves whether a server works.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fairlead_snapshot::EndpointMetrics;
use fairlead_wire::splice::Pieces;
use http::{HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use tokio::time::{Instant, timeout};

use super::reading::{Page, Reading};
use super::{Server, Servers};
use crate::tasks::Tasks;
use crate::upstream::Upstream;
use crate::upstream::body::RequestBody;
use crate::upstream::endpoint::Opened;

/// How often is looked who is to be asked.
const LOOK: Duration = Duration::from_millis(250);
/// How long a server may take for an answer, and no longer than it is asked again.
const WITHIN: Duration = Duration::from_secs(2);
/// The most that a page may have. Those of servers with many models and buckets have a tenth.
const PAGE_BYTES: usize = 512 * 1024;
/// So many of one pool are begun with at each look.
const OF_A_POOL: usize = 8;
/// So many of one pool are being asked at once: those that take their time must not be all that there is room for.
const OF_A_POOL_AT_ONCE: usize = 16;
/// So many are asked at once.
const AT_ONCE: usize = 64;
/// What was told counts for so many rounds: one may be lost.
const ROUNDS: u32 = 3;
/// Who has told nothing for long is asked once in this time.
const SELDOM: Duration = Duration::from_secs(60);

/// Asks for ever those that there are at each look.
pub(crate) async fn run(upstreams: impl Fn() -> Vec<Arc<Upstream>>) {
    let tasks = Tasks::default();
    let mut turn = 0_usize;
    loop {
        tokio::time::sleep(LOOK).await;
        let upstreams = upstreams();
        turn = turn.wrapping_add(1);
        let pools: Vec<_> = upstreams.iter().filter_map(asked).collect();
        // Another one is first each time.
        let (before, from) = pools.split_at(turn % pools.len().max(1));
        for (upstream, servers, metrics) in from.iter().chain(before) {
            ask_some(upstream, servers, metrics, &tasks);
        }
    }
}

/// A pool whose servers are to be asked.
fn asked(upstream: &Arc<Upstream>) -> Option<(&Arc<Upstream>, &Servers, &EndpointMetrics)> {
    let servers = upstream.servers()?;
    Some((upstream, servers, servers.metrics()?))
}

/// Begins to ask those of a pool that it is time for, who has waited longest first.
fn ask_some(upstream: &Arc<Upstream>, servers: &Servers, metrics: &EndpointMetrics, tasks: &Tasks) {
    let now = upstream.now();
    let all = servers.all();
    // A large pool takes longer than its interval.
    let looks = u32::try_from(all.len().div_ceil(OF_A_POOL)).unwrap_or(u32::MAX);
    let every = metrics.interval.max(LOOK.saturating_mul(looks));
    let mut due: Vec<&Arc<Server>> = all.iter().filter(|one| one.told.due() <= now).collect();
    due.sort_by_key(|server| server.told.due());
    let asked = all.iter().filter(|server| server.told.is_asked()).count();
    let room = OF_A_POOL_AT_ONCE.saturating_sub(asked).min(OF_A_POOL);
    for server in due.into_iter().take(room) {
        if tasks.running() >= AT_ONCE {
            return;
        }
        // Not all replicas at once.
        let next = every.mul_f64(0.9 + fastrand::f64() * 0.2);
        let Some(asking) = server.told.ask(now + next) else {
            continue;
        };
        let (upstream, server) = (Arc::clone(upstream), Arc::clone(server));
        let path = metrics.path.clone();
        tasks.spawn(async move {
            let within = WITHIN.min(every);
            let asked = Box::pin(ask(&server, &path, Instant::now() + within));
            let told = timeout(within, asked).await;
            let now = upstream.now();
            if let Ok(Some(reading)) = told {
                let until = now + every.saturating_mul(ROUNDS);
                server.told.tell(reading, server.in_flight(), until);
            } else {
                let more = 1_u32 << server.told.said_nothing().min(6);
                server
                    .told
                    .ask_at(now + every.saturating_mul(more).min(SELDOM.max(every)));
            }
            drop(asking);
        });
    }
}

/// What a server tells; `None`: nothing that can be used. Its connection ends with it.
async fn ask(server: &Server, path: &str, until: Instant) -> Option<Reading> {
    let drivers = Tasks::default();
    let endpoint = &server.endpoint;
    let opened = endpoint.connect(&drivers, until).await.ok()?;
    let request = |absolute| {
        let request = Request::builder()
            .method(Method::GET)
            .uri(endpoint.at_root(path, absolute)?)
            .header(header::ACCEPT, HeaderValue::from_static("text/plain"));
        let request = if absolute {
            request
        } else {
            request.header(header::HOST, endpoint.authority())
        };
        let nothing = Pieces::from(Bytes::new());
        request.body(RequestBody::new(nothing)).ok()
    };
    match opened {
        Opened::One(mut connection) => {
            let answered = connection.send(request(false)?).await.ok()?;
            let mut told = Told::of(answered.status)?;
            while let Some(data) = connection.chunk().await {
                told.push(&data.ok()?)?;
            }
            told.page.finish()
        }
        Opened::Two(mut two) => {
            let answer = two.sender.send_request(request(true)?).await.ok()?;
            let mut told = Told::of(answer.status())?;
            let mut body = answer.into_body();
            while let Some(frame) = body.frame().await {
                if let Ok(data) = frame.ok()?.into_data() {
                    told.push(&data)?;
                }
            }
            told.page.finish()
        }
    }
}

/// What has come of a page.
#[derive(Default)]
struct Told {
    page: Page,
    bytes: usize,
}

impl Told {
    /// Nothing yet; `None`: the status says that none will come.
    fn of(status: StatusCode) -> Option<Self> {
        (status == StatusCode::OK).then(Self::default)
    }

    /// The next piece; `None`: it is too large.
    fn push(&mut self, data: &[u8]) -> Option<()> {
        self.bytes += data.len();
        if self.bytes > PAGE_BYTES {
            return None;
        }
        self.page.push(data);
        Some(())
    }
}
