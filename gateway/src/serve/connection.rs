//! One connection of a caller: TLS, HTTP/1.1 or HTTP/2, limits, and a polite end.

use std::convert::Infallible;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderValue, Request, header};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::peer::Peer;
use crate::serve::crowd::Seat;
use crate::serve::edge;
use crate::serve::half_close::HalfClose;
use crate::serve::link::{Link, Times};
use crate::serve::listen::Waits;
use crate::serve::outbound::{Outbound, Streams};
use crate::serve::stall::WriteStall;
use crate::serve::watch::Watch;
use crate::turns::Turns;
use crate::worker::{Phase, Worker};

/// Requests in flight on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// An HTTP/2 connection is asked to end after this long, so that load spreads over new replicas; plus up to a tenth, so that not all end at once.
const MAX_AGE: Duration = Duration::from_secs(300);
/// How often a silent HTTP/2 caller is asked whether it is still there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(30);
/// What every HTTP/2 client sends first (RFC 9113, 3.4); enough of it to tell it from HTTP/1.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";
/// What is looked at of the head of a request whose connection is asked to end.
const ORDINARY_HEAD: usize = 8 * 1024;
/// How long a connection that is over may take to say goodbye.
const GOODBYE: Duration = Duration::from_secs(1);

/// Serves a connection until it ends.
pub(super) async fn serve(
    socket: std::net::TcpStream,
    seat: Seat,
    waits: Waits,
    worker: Arc<Worker>,
    tls: Option<TlsAcceptor>,
) {
    drop(waits);
    // What has no other end any more has no request either.
    let Ok(peer) = socket.peer_addr() else {
        return;
    };
    let peer = Peer(peer.ip());
    let Ok(socket) = socket
        .set_nonblocking(true)
        .and_then(|()| TcpStream::from_std(socket))
    else {
        return;
    };
    // Latency matters more than packet count; a failure to set it costs only that.
    let _ = socket.set_nodelay(true);
    let link = &seat.link;
    let limits = &worker.shared.limits;
    let times = Times {
        head: limits.header_time,
        idle: limits.idle_time,
    };
    let mut watch = Watch::new(link, times);
    watch.begin().await;
    match tls {
        Some(tls) => {
            // A failed handshake concerns only the caller, who sees it.
            let Some(Ok(stream)) = before(&mut watch, tls.accept(socket)).await else {
                return;
            };
            let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            speak(stream, (link, peer), watch, &worker, two).await;
        }
        None => {
            let Some(two) = before(&mut watch, begins_http2(&socket)).await else {
                return;
            };
            // No buffers for who is asked to end before it has said anything whole.
            if link.is_spared() && !two && !head_is_there(&socket).await {
                return;
            }
            speak(
                HalfClose::new(socket, link),
                (link, peer),
                watch,
                &worker,
                two,
            )
            .await;
        }
    }
}

/// What `work` comes to, unless the connection has to end before.
async fn before<F: Future>(watch: &mut Watch, work: F) -> Option<F::Output> {
    tokio::select! {
        biased;
        done = work => Some(done),
        () = watch.over() => None,
    }
}

/// Whether a connection without TLS begins as HTTP/2 does; nothing is taken from it.
async fn begins_http2(socket: &TcpStream) -> bool {
    let mut seen = [0; PREFACE.len()];
    let mut pause = Duration::from_millis(1);
    loop {
        let Ok(length) = socket.peek(&mut seen).await else {
            return false;
        };
        if length == 0 || seen[..length] != PREFACE[..length] {
            return false;
        }
        if length == PREFACE.len() {
            return true;
        }
        // Part of the preface: the rest is on its way, and peek would return the same part at once.
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// Whether a whole head of an ordinary length lies in the socket; nothing is taken from it.
async fn head_is_there(socket: &TcpStream) -> bool {
    let mut seen = vec![0; ORDINARY_HEAD];
    let length = socket.peek(&mut seen).await.unwrap_or_default();
    seen[..length].windows(4).any(|end| end == b"\r\n\r\n")
}

async fn speak<S>(
    stream: S,
    (link, peer): (&Arc<Link>, Peer),
    watch: Watch,
    worker: &Arc<Worker>,
    two: bool,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &worker.shared.limits;
    let stream = Turns::new(stream);
    let io = |stream| TokioIo::new(WriteStall::new(stream, limits.write_stall, link));
    if two {
        link.share();
        speak_two(io(stream.with_client()), (link, peer), watch, worker).await;
    } else {
        speak_one(io(stream), (link, peer), watch, worker).await;
    }
}

/// Says with a request where it comes from, where that matters: it costs each request some memory.
fn say_where_from(worker: &Worker, request: &mut Request<Incoming>, peer: Peer) {
    if worker.shared.live.load().asks_for_origin {
        request.extensions_mut().insert(peer);
    }
}

async fn speak_one<S>(
    io: TokioIo<S>,
    (link, peer): (&Arc<Link>, Peer),
    watch: Watch,
    worker: &Arc<Worker>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (serving, known) = (Arc::clone(worker), Arc::clone(link));
    let service = service_fn(move |mut request: Request<Incoming>| {
        say_where_from(&serving, &mut request, peer);
        let (flight, link) = (known.begin(), Arc::clone(&known));
        let (serving, read) = (Arc::clone(&serving), known.read());
        let answer = placed(|| edge::serve(serving, request, read));
        async move {
            let mut response = answer.await;
            if link.is_spared() {
                let close = HeaderValue::from_static("close");
                response.headers_mut().insert(header::CONNECTION, close);
            }
            link.ends_by(response.body().end());
            Ok::<_, Infallible>(Outbound::of(response, flight, None))
        }
    });
    let limits = &worker.shared.limits;
    let mut builder = http1::Builder::new();
    // The watch has the times, and costs no timer a request.
    builder.timer(TokioTimer::new()).header_read_timeout(None);
    // At most 100 header fields: hyper's own limit, which is quicker left alone than set.
    builder
        .max_buf_size(limits.header_bytes)
        .max_header_size(limits.header_bytes);
    // A connection that waited in the queue until now is still answered, once.
    let late = *worker.shared.phase.borrow() >= Phase::Draining;
    builder.keep_alive(!late);
    let connection = pin!(builder.serve_connection(io, service));
    let leaving = async {
        if late {
            pending::<()>().await;
        } else {
            draining(worker).await;
        }
    };
    converse(connection, watch, leaving, |connection| {
        connection.graceful_shutdown();
    })
    .await;
}

/// Puts the answering of a request on the heap, and makes it there: hyper moves it about and keeps room for it as long as the connection lasts, and
/// it is some kilobytes long.
fn placed<F: Future>(make: impl FnOnce() -> F) -> Pin<Box<F>> {
    Box::into_pin(Box::write(Box::new_uninit(), make()))
}

async fn speak_two<S>(
    io: TokioIo<S>,
    (link, peer): (&Arc<Link>, Peer),
    watch: Watch,
    worker: &Arc<Worker>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &worker.shared.limits;
    let streams = Streams::new(&worker.tasks, limits.write_stall);
    let mut builder = http2::Builder::new(streams.clone());
    let (serving, known) = (Arc::clone(worker), Arc::clone(link));
    let service = service_fn(move |mut request: Request<Incoming>| {
        say_where_from(&serving, &mut request, peer);
        let (flight, stream) = (known.begin(), streams.begin());
        let answer = edge::serve(Arc::clone(&serving), request, known.read());
        async { Ok::<_, Infallible>(Outbound::of(answer.await, flight, Some(stream))) }
    });
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .keep_alive_interval(PING)
        .keep_alive_timeout(PING);
    builder.max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX));
    let connection = pin!(builder.serve_connection(io, service));
    let age = MAX_AGE + Duration::from_millis(fastrand::u64(..30_000));
    let leaving = async {
        tokio::select! { () = draining(worker) => {}, () = tokio::time::sleep(age) => {} }
    };
    converse(connection, watch, leaving, |connection| {
        connection.graceful_shutdown();
    })
    .await;
}

async fn draining(worker: &Worker) {
    let mut phase = worker.shared.phase.clone();
    // An error means that the sender is gone, and with it the process.
    let _ = phase.wait_for(|phase| *phase >= Phase::Draining).await;
}

/// Lets a connection go on until it ends, until it is asked to leave, or until its time is over. How it ends is told to the requests on it; the
/// connection itself has nobody to tell.
async fn converse<C: Future>(
    mut connection: Pin<&mut C>,
    mut watch: Watch,
    leaving: impl Future<Output = ()>,
    leave: impl Fn(Pin<&mut C>),
) {
    let over = tokio::select! {
        biased;
        _ = connection.as_mut() => return,
        () = watch.over() => true,
        () = leaving => false,
    };
    leave(connection.as_mut());
    // Over HTTP/2 the farewell waits for an answer, which nobody owes who has nothing left to hear.
    watch.idle_for(GOODBYE);
    if !over && before(&mut watch, connection.as_mut()).await.is_some() {
        return;
    }
    // A caller that takes nothing, or sends no more of a head, does not hear it; whoever is idle does.
    let _ = tokio::time::timeout(GOODBYE, connection).await;
}
