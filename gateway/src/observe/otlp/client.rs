//! One place that a signal is sent to, and how often it is asked again.

use std::io::Write as _;
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;
use reqwest::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Certificate, Client, Url};
use tokio::time::Instant;

use super::settings::Endpoint;
use super::{Counts, Lost, Signal};

/// The first pause before a batch is sent again; each is twice the one before.
const PAUSE: Duration = Duration::from_secs(1);
/// The longest of them.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// For so long a batch is kept that is not taken; meanwhile the queue behind it fills.
const PATIENCE: Duration = Duration::from_secs(60);
/// For no longer than this it is left alone, whatever it asks for.
const LONGEST_REST: Duration = Duration::from_secs(3_600);
/// An answer is read up to this size; it says little.
const ANSWER: usize = 64 * 1024;

/// A place that a signal is sent to.
#[derive(Debug)]
pub(super) struct Collector {
    client: Client,
    url: Url,
    headers: HeaderMap,
    timeout: Duration,
    gzip: bool,
    signal: Signal,
    counts: Counts,
    /// Whether the last batch was not taken: that is said once, until one is.
    troubled: bool,
    /// When it wants to be asked again, where a batch could not be kept for so long.
    not_before: Option<Instant>,
}

/// What became of one request to it.
enum Answer {
    /// It was taken, but for so many items.
    Taken(usize),
    /// It may be taken later, not before this time.
    Later(Option<Duration>, String),
    /// It will not be taken.
    Never(String),
}

/// The common part of the answers of all signals: field 1 says what of a request was not taken, in its field 1 how many (source: OTLP,
/// `ExportTraceServiceResponse` and its like).
#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected: i64,
    #[prost(string, tag = "2")]
    error_message: String,
}

impl Collector {
    /// A place.
    ///
    /// # Errors
    /// No client can be made with its certificates.
    pub(super) fn new(endpoint: &Endpoint, signal: Signal, counts: Counts) -> anyhow::Result<Self> {
        let mut client = Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(endpoint.timeout);
        if let Some(pem) = &endpoint.certificates {
            client = client.tls_certs_only(Certificate::from_pem_bundle(pem)?);
        }
        Ok(Self {
            client: client.build()?,
            url: endpoint.url.clone(),
            headers: endpoint.headers.clone(),
            timeout: endpoint.timeout,
            gzip: endpoint.gzip,
            signal,
            counts,
            troubled: false,
            not_before: None,
        })
    }

    /// Sends a message of so many items, again and again until it is taken, refused, or too old; not before the time that the collector has named.
    /// Once `closing` resolves it is sent once more at most.
    pub(super) async fn export(
        &mut self,
        message: &impl Message,
        items: usize,
        closing: impl Future<Output = ()>,
    ) {
        let (since, mut pause, mut last) = (Instant::now(), PAUSE, false);
        tokio::pin!(closing);
        if let Some(at) = self.not_before.filter(|at| *at > since) {
            if at > since + PATIENCE {
                return self.lost(Lost::Unreachable, items, "it wants to be left alone");
            }
            tokio::select! {
                biased;
                () = &mut closing => last = true,
                () = tokio::time::sleep_until(at) => {}
            }
        }
        let body = self.body(message);
        loop {
            let (wait, why) = match self.send(body.clone()).await {
                Answer::Taken(rejected) => return self.taken(items, rejected),
                Answer::Never(why) => return self.lost(Lost::Refused, items, &why),
                Answer::Later(wait, why) => (wait, why),
            };
            // A quarter more or less, so that many gateways do not come back together.
            let jitter = pause.mul_f64(fastrand::f64().mul_add(0.5, 0.75));
            let named = wait.map(|wait| wait.min(LONGEST_REST));
            let wait = named.unwrap_or(jitter);
            if last || since.elapsed() + wait > PATIENCE {
                self.not_before = named.map(|wait| Instant::now() + wait);
                return self.lost(Lost::Unreachable, items, &why);
            }
            tokio::select! {
                biased;
                () = &mut closing, if !last => last = true,
                () = tokio::time::sleep(wait) => {}
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn body(&self, message: &impl Message) -> Bytes {
        let plain = message.encode_to_vec();
        if !self.gzip {
            return plain.into();
        }
        let mut zipped = GzEncoder::new(Vec::with_capacity(plain.len() / 4), Compression::fast());
        // Writing to a Vec cannot fail.
        let _ = zipped.write_all(&plain);
        zipped.finish().map_or_else(|_| plain.into(), Bytes::from)
    }

    async fn send(&self, body: Bytes) -> Answer {
        let mut call = self
            .client
            .post(self.url.clone())
            .headers(self.headers.clone())
            .header(CONTENT_TYPE, "application/x-protobuf")
            .timeout(self.timeout);
        if self.gzip {
            call = call.header(CONTENT_ENCODING, "gzip");
        }
        let mut answer = match call.body(body).send().await {
            Ok(answer) => answer,
            // Its address is left out: it may hold a password.
            Err(error) => return Answer::Later(None, said(error)),
        };
        let status = answer.status();
        let wait = answer.headers().get(RETRY_AFTER).and_then(after);
        let mut read = Vec::new();
        while let Ok(Some(piece)) = answer.chunk().await {
            if read.len() + piece.len() > ANSWER {
                break;
            }
            read.extend_from_slice(&piece);
        }
        // (source: OTLP/HTTP, retryable response codes)
        match status.as_u16() {
            200..=299 => Answer::Taken(rejected(&read)),
            429 | 502 | 503 | 504 => Answer::Later(wait, format!("it answers {status}")),
            _ => Answer::Never(format!("it answers {status}")),
        }
    }

    fn taken(&mut self, items: usize, rejected: usize) {
        let rejected = rejected.min(items);
        self.counts.exported(self.signal, items - rejected);
        if rejected > 0 {
            self.counts.lost(self.signal, Lost::Rejected, rejected);
        }
        if std::mem::take(&mut self.troubled) {
            tracing::info!(
                signal = self.signal.as_str(),
                "the collector takes what it is sent again"
            );
        }
    }

    fn lost(&mut self, why: Lost, items: usize, said: &str) {
        self.counts.lost(self.signal, why, items);
        if !std::mem::replace(&mut self.troubled, true) {
            let host = self.url.host_str().unwrap_or_default();
            tracing::warn!(
                signal = self.signal.as_str(),
                collector = host,
                "the collector does not take what it is sent: {said}; it is dropped and counted (fairlead_otlp_dropped_total)"
            );
        }
    }
}

/// Why nothing came back, without the address.
fn said(error: reqwest::Error) -> String {
    let error = error.without_url();
    let cause = std::error::Error::source(&error).map(ToString::to_string);
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}

fn after(value: &HeaderValue) -> Option<Duration> {
    let seconds = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// How many items were not taken, as an answer says it.
fn rejected(answer: &[u8]) -> usize {
    let answer = Response::decode(answer).unwrap_or_default();
    let told = answer.partial_success.unwrap_or_default();
    if told.rejected > 0 {
        tracing::debug!(
            rejected = told.rejected,
            why = told.error_message,
            "a collector took only a part"
        );
    }
    usize::try_from(told.rejected).unwrap_or(0)
}
