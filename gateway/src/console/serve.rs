//! The console's listeners: browsers on one, over TLS where there is a certificate; probes and Prometheus on the other.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use fairlead_console::Client;
use http::{HeaderValue, Request, Response, header};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::admin::held::Held;
use crate::peer::TrustedProxies;
use crate::serve::crowd::{Crowd, Seat};
use crate::serve::link::{Link, Times};
use crate::serve::stall::WriteStall;
use crate::serve::watch::Watch;
use crate::tasks::Tasks;

/// The times of a connection.
const TIMES: Times = Times {
    head: Duration::from_secs(10),
    idle: Duration::from_secs(75),
};
/// How long an answer may be stuck.
const STALL: Duration = Duration::from_secs(10);
/// So many connections at once; the oldest idle one goes for the next.
const CONNECTIONS: usize = 1_024;
/// So many of them may have said nothing whole yet.
const STRANGERS: usize = 256;
/// Requests in flight on one HTTP/2 connection: a browser's tabs, each with its live view.
const STREAMS: u32 = 64;
/// How often a silent HTTP/2 browser is asked whether it is still there.
const PING: Duration = Duration::from_secs(30);
/// The longest head, in bytes: a token of 16 KiB and what a browser adds.
const HEAD: usize = 32 * 1024;
/// After a connection could not be accepted.
const PAUSE: Duration = Duration::from_millis(50);

type Pages = TowerToHyperService<Router>;

/// What a listener answers with.
#[derive(Clone)]
pub(super) struct Door {
    service: Pages,
    tls: Option<TlsAcceptor>,
    proxies: Arc<TrustedProxies>,
}

impl Door {
    /// One for these pages.
    #[must_use]
    pub(super) fn new(pages: Router, tls: Option<TlsAcceptor>, proxies: TrustedProxies) -> Self {
        Self {
            service: TowerToHyperService::new(pages),
            tls,
            proxies: Arc::new(proxies),
        }
    }

    /// Answers until the process ends.
    pub(super) async fn serve(self, listener: TcpListener, tasks: Tasks) {
        let crowd = Crowd::new(CONNECTIONS, STRANGERS);
        loop {
            let Ok((socket, peer)) = listener.accept().await else {
                tokio::time::sleep(PAUSE).await;
                continue;
            };
            let seat = crowd.seat().await;
            tasks.spawn(self.clone().connection(socket, peer, seat, tasks.clone()));
        }
    }

    async fn connection(self, socket: TcpStream, peer: SocketAddr, seat: Seat, tasks: Tasks) {
        let mut watch = Watch::new(&seat.link, TIMES);
        watch.begin().await;
        let _ = socket.set_nodelay(true);
        let Some(tls) = &self.tls else {
            return self.one(socket, peer, &seat.link, watch).await;
        };
        // A failed handshake concerns only the browser, which sees it.
        let stream = tokio::select! {
            biased;
            done = tls.accept(socket) => done,
            () = watch.over() => return,
        };
        let Ok(stream) = stream else { return };
        if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
            seat.link.share();
            self.two(stream, peer, &seat.link, watch, tasks).await;
        } else {
            self.one(stream, peer, &seat.link, watch).await;
        }
    }

    async fn one<S>(&self, stream: S, peer: SocketAddr, link: &Arc<Link>, mut watch: Watch)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(WriteStall::new(stream, STALL, link));
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(None);
        builder.max_buf_size(HEAD);
        let service = service_fn(|request| self.answer(request, peer, link));
        let mut connection = pin!(builder.serve_connection(io, service));
        tokio::select! {
            biased;
            _ = connection.as_mut() => {}
            () = watch.over() => {}
        }
    }

    async fn two<S>(
        &self,
        stream: S,
        peer: SocketAddr,
        link: &Arc<Link>,
        mut watch: Watch,
        tasks: Tasks,
    ) where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let io = TokioIo::new(WriteStall::new(stream, STALL, link));
        let mut builder = http2::Builder::new(tasks);
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(STREAMS)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        builder.max_header_list_size(u32::try_from(HEAD).unwrap_or(u32::MAX));
        let service = service_fn(|request| self.answer(request, peer, link));
        let mut connection = pin!(builder.serve_connection(io, service));
        tokio::select! {
            biased;
            _ = connection.as_mut() => {}
            () = watch.over() => {}
        }
    }

    /// The connection is busy until all of the answer has gone, which of the live view may be in hours.
    fn answer(
        &self,
        mut request: Request<Incoming>,
        peer: SocketAddr,
        link: &Arc<Link>,
    ) -> impl Future<Output = Result<Response<Held>, Infallible>> + use<> {
        let from = self
            .proxies
            .caller(peer.ip().to_canonical(), request.headers());
        // Where a trusted proxy does not know whom it serves, all whom it does not know are one.
        let from = from.unwrap_or_else(|| peer.ip().to_canonical());
        request.extensions_mut().insert(Client(from));
        // HTTP/2 says in another place under which name it is asked.
        let named = request.uri().authority();
        let named = named.and_then(|named| HeaderValue::from_str(named.as_str()).ok());
        if let Some(named) = named {
            request.headers_mut().insert(header::HOST, named);
        }
        let (flight, answer) = (link.begin(), self.service.call(request.map(Body::new)));
        async move {
            answer
                .await
                .map(|answer| answer.map(|body| Held::new(body, flight)))
        }
    }
}
