//! One connection of a caller: TLS, HTTP/1.1 or HTTP/2, limits, and a polite end.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::stall::WriteStall;
use crate::worker::{Phase, Worker};

/// Requests in flight on one HTTP/2 connection.
const MAX_STREAMS: u32 = 128;
/// An HTTP/2 connection is asked to end after this long, so that load spreads over new replicas; plus up to a tenth, so that not all end at once.
const MAX_AGE: Duration = Duration::from_secs(300);
/// How often a silent HTTP/2 caller is asked whether it is still there, and how long it may take to say so.
const PING: Duration = Duration::from_secs(30);
/// What every HTTP/2 client sends first (RFC 9113, 3.4); enough of it to tell it from HTTP/1.
const PREFACE: &[u8] = b"PRI * HTTP/2.0";

/// Serves a connection until it ends.
pub async fn serve(
    socket: std::net::TcpStream,
    worker: Arc<Worker>,
    service: Router,
    tls: Option<TlsAcceptor>,
) {
    let Ok(socket) = socket
        .set_nonblocking(true)
        .and_then(|()| TcpStream::from_std(socket))
    else {
        return;
    };
    // Latency matters more than packet count; a failure to set it costs only that.
    let _ = socket.set_nodelay(true);
    let time = worker.shared.limits.header_time;
    match tls {
        Some(tls) => {
            // A failed handshake concerns only the caller, who sees it.
            let Ok(Ok(stream)) = tokio::time::timeout(time, tls.accept(socket)).await else {
                return;
            };
            let two = stream.get_ref().1.alpn_protocol() == Some(b"h2");
            speak(stream, &worker, service, two).await;
        }
        None => {
            let Ok(two) = tokio::time::timeout(time, begins_http2(&socket)).await else {
                return;
            };
            speak(socket, &worker, service, two).await;
        }
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

async fn speak<S>(stream: S, worker: &Arc<Worker>, service: Router, two: bool)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let limits = &worker.shared.limits;
    let io = TokioIo::new(WriteStall::new(stream, limits.write_stall));
    let service = TowerToHyperService::new(service);
    let mut phase = worker.shared.phase.clone();
    let draining = async move {
        // An error means that the sender is gone, and with it the process.
        let _ = phase.wait_for(|phase| *phase >= Phase::Draining).await;
    };
    // How a connection ends is told to the requests on it; the connection itself has nobody to tell.
    if two {
        let age = MAX_AGE + Duration::from_millis(fastrand::u64(..30_000));
        let mut builder = http2::Builder::new(worker.tasks.clone());
        builder
            .timer(TokioTimer::new())
            .max_concurrent_streams(MAX_STREAMS)
            .keep_alive_interval(PING)
            .keep_alive_timeout(PING);
        builder.max_header_list_size(u32::try_from(limits.header_bytes).unwrap_or(u32::MAX));
        let mut connection = pin!(builder.serve_connection(io, service));
        let asked_to_end = async {
            tokio::select! { () = draining => {}, () = tokio::time::sleep(age) => {} }
        };
        tokio::select! {
            biased;
            _ = connection.as_mut() => return,
            () = asked_to_end => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    } else {
        let mut builder = http1::Builder::new();
        builder
            .timer(TokioTimer::new())
            .header_read_timeout(limits.idle_time);
        // At most 100 header fields: hyper's own limit, which is quicker left alone than set.
        builder
            .max_buf_size(limits.header_bytes)
            .max_header_size(limits.header_bytes);
        // A connection that waited in the queue until now is still answered, once.
        let late = *worker.shared.phase.borrow() >= Phase::Draining;
        builder.keep_alive(!late);
        let mut connection = pin!(builder.serve_connection(io, service));
        tokio::select! {
            biased;
            _ = connection.as_mut() => return,
            () = draining, if !late => connection.as_mut().graceful_shutdown(),
        }
        let _ = connection.await;
    }
}
