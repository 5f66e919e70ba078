//! Callers: many at a time, of two surfaces, some of whom hang up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use fastrand::Rng;
use parking_lot::Mutex;
use reqwest::Client;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::fleet::{Addresses, value};

/// How they call.
#[derive(Clone)]
pub(crate) struct Crowd {
    /// The key's name.
    pub(crate) key: &'static str,
    /// How many at a time.
    pub(crate) callers: usize,
    /// Which models they ask for.
    pub(crate) models: &'static [&'static str],
    /// How many of a hundred hang up, on streams only or on whole answers, too.
    pub(crate) hang_up: u8,
    pub(crate) on_streams_only: bool,
    /// When each of them stops.
    pub(crate) until: Until,
    /// Where they call: all gateways, or this one.
    pub(crate) only: Option<usize>,
}

/// When a caller stops.
#[derive(Clone)]
pub(crate) enum Until {
    /// Nothing is left: it was refused for so long, whenever it asked.
    Refused(Duration),
    /// It has called for so long.
    Passed(Duration),
    /// All together have called so often.
    Asked(u64),
    /// This says so.
    Stopped(Arc<AtomicBool>),
}

/// What became of a call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// The trace.
    pub(crate) trace: String,
    /// When it was sent, and when the head of its answer was there, since all began.
    pub(crate) sent: Duration,
    pub(crate) answered: Duration,
    /// The status; 0 where the caller has hung up, or nobody answered.
    pub(crate) status: u16,
    /// The code of the error.
    pub(crate) code: String,
    /// Whether the refusal says that it is over in a moment.
    pub(crate) busy: bool,
}

/// What those allow for an answer who say anything about it, as all must who speak Anthropic's API.
const MAX_TOKENS: u64 = 600;

/// The model of which a picture is asked.
const PICTURE: &str = "picture";

/// Names of traces, of all tests of a process.
static TRACES: AtomicU64 = AtomicU64::new(1);

/// A way to whoever answers, with connections that are kept.
fn client() -> Client {
    let client = Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(60));
    client.build().unwrap()
}

impl Crowd {
    /// Of so many, with everything mixed.
    pub(crate) fn mixed(key: &'static str, callers: usize, until: Until) -> Self {
        Self {
            key,
            callers,
            models: &["plain", "cross", "hedged", "finish", "gemini", "bedrock"],
            hang_up: 5,
            on_streams_only: false,
            until,
            only: None,
        }
    }

    /// Lets them call until all have stopped; what became of each call.
    pub(crate) async fn call(self, addresses: &Addresses) -> Vec<Call> {
        let calls = Arc::new(Mutex::new(Vec::new()));
        let asked = Arc::new(AtomicU64::new(0));
        let (began, client) = (Instant::now(), client());
        let mut crowd = JoinSet::new();
        for number in 0..self.callers {
            let one = One {
                crowd: self.clone(),
                addresses: Arc::clone(addresses),
                calls: Arc::clone(&calls),
                asked: Arc::clone(&asked),
                began,
                client: client.clone(),
                random: Rng::with_seed(u64::try_from(number).unwrap()),
            };
            crowd.spawn(one.go_on());
        }
        crowd.join_all().await;
        std::mem::take(&mut *calls.lock())
    }
}

/// One of them.
struct One {
    crowd: Crowd,
    addresses: Addresses,
    calls: Arc<Mutex<Vec<Call>>>,
    asked: Arc<AtomicU64>,
    began: Instant,
    client: Client,
    random: Rng,
}

impl One {
    async fn go_on(mut self) {
        let mut refused: Option<Instant> = None;
        loop {
            if self.is_over(refused) {
                return;
            }
            let call = self.ask().await;
            let again = call.status == 429 || call.status == 503 || call.status == 0;
            if call.status == 429 && !call.busy {
                refused.get_or_insert_with(Instant::now);
            } else if call.status == 200 {
                refused = None;
            }
            self.calls.lock().push(call);
            if again {
                tokio::time::sleep(Duration::from_millis(self.random.u64(100..400))).await;
            }
        }
    }

    fn is_over(&self, refused: Option<Instant>) -> bool {
        match &self.crowd.until {
            Until::Refused(time) => refused.is_some_and(|since| since.elapsed() > *time),
            Until::Passed(time) => self.began.elapsed() > *time,
            Until::Asked(most) => self.asked.fetch_add(1, Ordering::Relaxed) >= *most,
            Until::Stopped(stopped) => stopped.load(Ordering::Relaxed),
        }
    }

    async fn ask(&mut self) -> Call {
        let trace = format!("{:032x}", TRACES.fetch_add(1, Ordering::Relaxed));
        let model = self.crowd.models[self.random.usize(..self.crowd.models.len())];
        let picture = model == PICTURE;
        let anthropic = self.random.bool() && !picture;
        let streamed = self.random.bool() && !picture;
        let prompt = "lorem ".repeat(self.random.usize(20..400));
        let mut body = json!({"model": model, "messages": [{"role": "user", "content": prompt}], "stream": streamed});
        if picture {
            body = json!({"model": model, "prompt": prompt});
        } else if anthropic || self.random.bool() {
            body["max_tokens"] = MAX_TOKENS.into();
        }
        let path = if anthropic {
            "/v1/messages"
        } else if picture {
            "/v1/images/generations"
        } else {
            "/v1/chat/completions"
        };
        let address = {
            let addresses = self.addresses.read();
            let any = self.random.usize(..addresses.len());
            addresses[self.crowd.only.unwrap_or(any)]
        };
        let request = self
            .client
            .post(format!("http://{address}{path}"))
            .header("content-type", "application/json")
            .header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"))
            .bearer_auth(value(self.crowd.key))
            .body(body.to_string());
        let may_leave = streamed || !self.crowd.on_streams_only;
        let leaves = self.random.u8(..100) < self.crowd.hang_up && may_leave;
        let patience = if leaves {
            self.random.u64(1..30)
        } else {
            50_000
        };
        let mut call = Call {
            trace,
            sent: self.began.elapsed(),
            answered: Duration::ZERO,
            status: 0,
            code: String::new(),
            busy: false,
        };
        let began = self.began;
        // Who leaves takes what has come by then with it.
        let _ = tokio::time::timeout(
            Duration::from_millis(patience),
            listen(request, began, &mut call),
        )
        .await;
        call
    }
}

async fn listen(request: reqwest::RequestBuilder, began: Instant, call: &mut Call) {
    let Ok(response) = request.send().await else {
        call.answered = began.elapsed();
        return;
    };
    call.answered = began.elapsed();
    call.status = match response.status().as_u16() {
        // What Anthropic's API says for 503.
        529 => 503,
        status => status,
    };
    let busy = response.headers().get("retry-after");
    call.busy = busy.is_some_and(|seconds| seconds == "1");
    let body = response.bytes().await.unwrap_or_default();
    if call.status >= 400 {
        let told: Value = serde_json::from_slice(&body).unwrap_or_default();
        let code = told["error"]["code"]
            .as_str()
            .or_else(|| told["error"]["type"].as_str());
        call.code = code.unwrap_or_default().to_owned();
    }
}
