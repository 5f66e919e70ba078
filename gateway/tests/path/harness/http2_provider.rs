//! A provider that speaks HTTP/2 and does with each request what a test says.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, SendStream};
use http::{Request, Response};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

use super::certificate::Certificate;

/// A request that has been read to its end.
pub(crate) struct Asked {
    /// It was the how manieth of all, from 0.
    pub(crate) nth: usize,
    /// Its head.
    pub(crate) head: http::request::Parts,
    /// Its body.
    pub(crate) body: Bytes,
    respond: SendResponse<Bytes>,
    leave: Arc<Notify>,
}

/// What has come so far.
#[derive(Default)]
pub(crate) struct Counts {
    connections: AtomicUsize,
    requests: AtomicUsize,
    most: AtomicUsize,
    changed: Notify,
}

/// A provider on a loopback port of its own. Dropping it stops it.
pub(crate) struct Http2Provider {
    address: SocketAddr,
    scheme: &'static str,
    counts: Arc<Counts>,
    accepting: JoinHandle<()>,
}

impl Http2Provider {
    /// One without TLS that allows `streams` of them at once on each connection.
    pub(crate) async fn start<F>(
        streams: u32,
        script: impl Fn(Asked) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::with(None, streams, script).await
    }

    /// One with TLS that selects HTTP/2.
    pub(crate) async fn start_tls<F>(
        certificate: &Certificate,
        script: impl Fn(Asked) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::with(Some(acceptor(certificate)), 100, script).await
    }

    async fn with<F>(
        tls: Option<TlsAcceptor>,
        streams: u32,
        script: impl Fn(Asked) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let (counts, script) = (Arc::<Counts>::default(), Arc::new(script));
        let counted = Arc::clone(&counts);
        let accepting = spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let (socket, _) = listener.accept().await.unwrap();
                counted.connections.fetch_add(1, Ordering::SeqCst);
                let (counts, script, tls) =
                    (Arc::clone(&counted), Arc::clone(&script), tls.clone());
                let serving = async move {
                    match tls {
                        None => serve(socket, streams, counts, script).await,
                        Some(tls) => {
                            if let Ok(socket) = tls.accept(socket).await {
                                serve(socket, streams, counts, script).await;
                            }
                        }
                    }
                };
                connections.spawn(serving);
            }
        });
        Self {
            address,
            scheme,
            counts,
            accepting,
        }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What the gateway is configured with.
    pub(crate) fn base_url(&self) -> String {
        format!("{}://{}/v1", self.scheme, self.address)
    }

    /// How many connections have been accepted.
    pub(crate) fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::SeqCst)
    }

    /// How many requests have been read.
    pub(crate) fn requests(&self) -> usize {
        self.counts.requests.load(Ordering::SeqCst)
    }

    /// The most streams that were open on one connection.
    pub(crate) fn most_streams(&self) -> usize {
        self.counts.most.load(Ordering::SeqCst)
    }

    /// Waits until so many requests have been read.
    pub(crate) async fn until(&self, requests: usize) {
        loop {
            let changed = self.counts.changed.notified();
            if self.requests() >= requests {
                return;
            }
            changed.await;
        }
    }
}

impl Drop for Http2Provider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Asked {
    /// The model that is asked for.
    pub(crate) fn model(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        body["model"].as_str().unwrap().to_owned()
    }

    /// Answers whole.
    pub(crate) fn answer(mut self, text: &str) {
        let body = serde_json::json!({"object": "chat.completion", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}]});
        let head = Response::builder().header("content-type", "application/json");
        let mut stream = self
            .respond
            .send_response(head.body(()).unwrap(), false)
            .unwrap();
        stream.send_data(body.to_string().into(), true).unwrap();
    }

    /// Begins a stream.
    pub(crate) fn stream(mut self) -> Words {
        let head = Response::builder().header("content-type", "text/event-stream");
        Words(
            self.respond
                .send_response(head.body(()).unwrap(), false)
                .unwrap(),
        )
    }

    /// Resets the stream before any answer.
    pub(crate) fn reset(mut self, reason: Reason) {
        self.respond.send_reset(reason);
    }

    /// What makes its connection go away once it is notified: what is in flight is finished.
    pub(crate) fn leave(&self) -> Arc<Notify> {
        Arc::clone(&self.leave)
    }
}

/// A streamed answer.
pub(crate) struct Words(pub(crate) SendStream<Bytes>);

impl Words {
    /// Sends a word.
    pub(crate) fn say(&mut self, word: &str) {
        let chunk = serde_json::json!({"choices": [
            {"index": 0, "delta": {"content": word}, "finish_reason": null}]});
        let data = format!("data: {chunk}\n\n");
        self.0.send_data(data.into(), false).unwrap();
    }

    /// Ends as the API says.
    pub(crate) fn end(&mut self) {
        let stop = r#"{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#;
        let data = format!("data: {stop}\n\ndata: [DONE]\n\n");
        self.0.send_data(data.into(), true).unwrap();
    }

    /// Waits until the gateway resets the stream.
    pub(crate) async fn until_reset(&mut self) -> Reason {
        std::future::poll_fn(|cx| self.0.poll_reset(cx))
            .await
            .unwrap()
    }
}

async fn serve<S, F>(
    socket: S,
    streams: u32,
    counts: Arc<Counts>,
    script: Arc<impl Fn(Asked) -> F + Send + Sync + 'static>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let mut builder = h2::server::Builder::new();
    builder.max_concurrent_streams(streams);
    let Ok(mut connection) = builder.handshake::<_, Bytes>(socket).await else {
        return;
    };
    let leave = Arc::new(Notify::new());
    let open = Arc::new(AtomicUsize::new(0));
    let mut plays = JoinSet::new();
    loop {
        let (request, respond) = tokio::select! {
            accepted = connection.accept() => match accepted {
                Some(Ok(accepted)) => accepted,
                Some(Err(_)) | None => break,
            },
            () = leave.notified() => {
                connection.graceful_shutdown();
                continue;
            }
        };
        let now = open.fetch_add(1, Ordering::SeqCst) + 1;
        counts.most.fetch_max(now, Ordering::SeqCst);
        let (counts, script, leave, open) = (
            Arc::clone(&counts),
            Arc::clone(&script),
            Arc::clone(&leave),
            Arc::clone(&open),
        );
        plays.spawn(async move {
            let (head, body) = read(request).await;
            let nth = counts.requests.fetch_add(1, Ordering::SeqCst);
            counts.changed.notify_waiters();
            script(Asked {
                nth,
                head,
                body,
                respond,
                leave,
            })
            .await;
            open.fetch_sub(1, Ordering::SeqCst);
        });
    }
    // What it has answered is sent before it goes.
    while plays.join_next().await.is_some() {}
}

async fn read(request: Request<h2::RecvStream>) -> (http::request::Parts, Bytes) {
    let (head, mut body) = request.into_parts();
    let mut whole = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece.expect("a request is cut");
        body.flow_control().release_capacity(piece.len()).unwrap();
        whole.extend_from_slice(&piece);
    }
    (head, whole.into())
}

fn acceptor(certificate: &Certificate) -> TlsAcceptor {
    let chain = CertificateDer::from_pem_slice(certificate.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(crypto)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsAcceptor::from(Arc::new(config))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test's provider is ended by dropping it"
)]
fn spawn(future: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    tokio::spawn(future)
}
