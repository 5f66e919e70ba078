//! A server whose answers a test writes down, and a clock that goes with tokio's.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use fairlead_auth::{
    Clock, Http, Keeper, Problem, Request, Response, SendError, Sending, Source, Token, Value,
    World,
};
use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use tokio::time::Instant;

/// What the server answers a request with.
pub(crate) type Answer = Result<Response, SendError>;
type Play = Box<dyn FnMut(usize, &Request) -> Answer + Send>;

/// A server.
pub(crate) struct Server {
    play: Mutex<Play>,
    seen: Mutex<Vec<(SystemTime, Request)>>,
    clock: TestClock,
    /// How long it takes.
    pub(crate) takes: Duration,
}

/// The wall's clock as far as tests go: it starts at the end of November 2026 and goes with tokio's.
#[derive(Clone)]
pub(crate) struct TestClock {
    began: Instant,
    leapt: Arc<Mutex<Duration>>,
    back: Arc<Mutex<Duration>>,
}

impl TestClock {
    /// Sets it forward.
    pub(crate) fn leap(&self, by: Duration) {
        *self.leapt.lock() += by;
    }

    /// Sets it back.
    pub(crate) fn set_back(&self, by: Duration) {
        *self.back.lock() += by;
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        start() + self.began.elapsed() + *self.leapt.lock() - *self.back.lock()
    }
}

pub(crate) fn start() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_796_000_000)
}

impl Http for Server {
    fn send(&self, request: Request) -> Sending<'_> {
        Box::pin(async move {
            let number = {
                let mut seen = self.seen.lock();
                seen.push((self.clock.now(), request.clone()));
                seen.len() - 1
            };
            tokio::time::sleep(self.takes).await;
            (self.play.lock())(number, &request)
        })
    }
}

impl Server {
    /// A server that plays this, given the number of the request, from 0, and the request.
    pub(crate) fn new(play: impl FnMut(usize, &Request) -> Answer + Send + 'static) -> Arc<Self> {
        Self::slow(Duration::from_millis(20), play)
    }

    /// One that takes its time.
    pub(crate) fn slow(
        takes: Duration,
        play: impl FnMut(usize, &Request) -> Answer + Send + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            play: Mutex::new(Box::new(play)),
            seen: Mutex::default(),
            clock: TestClock {
                began: Instant::now(),
                leapt: Arc::default(),
                back: Arc::default(),
            },
            takes,
        })
    }

    /// The world with this server in it.
    pub(crate) fn world(self: &Arc<Self>) -> World {
        World {
            http: Arc::<Self>::clone(self),
            clock: Arc::new(self.clock.clone()),
            random: || 0,
        }
    }

    pub(crate) fn clock(&self) -> &TestClock {
        &self.clock
    }

    /// How often it was asked.
    pub(crate) fn asked(&self) -> usize {
        self.seen.lock().len()
    }

    /// What it was asked.
    pub(crate) fn request(&self, number: usize) -> Request {
        self.seen.lock()[number].1.clone()
    }

    /// When it was asked, in seconds since the start.
    pub(crate) fn times(&self) -> Vec<u64> {
        let since = |time: &SystemTime| time.duration_since(start()).unwrap().as_secs();
        self.seen
            .lock()
            .iter()
            .map(|(time, _)| since(time))
            .collect()
    }

    /// Fetches once.
    pub(crate) async fn fetch(self: &Arc<Self>, source: &Source) -> Result<Token, Problem> {
        source.fetch(&self.world()).await
    }

    /// A keeper of a source, whose refresher runs.
    pub(crate) fn keep(self: &Arc<Self>, source: Source) -> Keeper {
        let (keeper, refresher) = Keeper::new("default/openai", source, self.world());
        spawn(refresher.run());
        keeper
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the gateway's tasks are not known here"
)]
pub(crate) fn spawn<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    tokio::spawn(future)
}

/// An answer with a body.
#[expect(clippy::unnecessary_wraps, reason = "a play may also fail")]
pub(crate) fn answer(status: u16, body: impl Into<Bytes>) -> Answer {
    Ok(Response {
        status,
        retry_after: None,
        body: body.into(),
    })
}

/// An answer in JSON.
pub(crate) fn json_answer(status: u16, body: &Json) -> Answer {
    answer(status, body.to_string())
}

/// A good answer of OAuth.
pub(crate) fn token(value: &str, seconds: u64) -> Answer {
    json_answer(
        200,
        &json!({"token_type": "Bearer", "expires_in": seconds, "access_token": value}),
    )
}

/// No answer.
pub(crate) fn unreachable() -> Answer {
    Err(SendError("connection refused".to_owned()))
}

/// The text of a token that is a bearer's.
pub(crate) fn bearer(token: &Token) -> &str {
    match &token.value {
        Value::Bearer(secret) => secret.expose(),
        Value::Aws(_) => panic!("keys of AWS"),
    }
}

/// The fields of a form, decoded.
pub(crate) fn form(request: &Request) -> Vec<(String, String)> {
    let text = std::str::from_utf8(&request.body).unwrap();
    let field = |field: &str| {
        let (name, value) = field.split_once('=').unwrap();
        (name.to_owned(), decode(value))
    };
    text.split('&').map(field).collect()
}

pub(crate) fn field(request: &Request, name: &str) -> String {
    let found = form(request).into_iter().find(|(other, _)| other == name);
    found.unwrap_or_else(|| panic!("no field {name}")).1
}

fn decode(text: &str) -> String {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        let (code, rest) = part.split_at(2);
        bytes.push(u8::from_str_radix(code, 16).unwrap());
        bytes.extend(rest.as_bytes());
    }
    String::from_utf8(bytes).unwrap()
}

/// A header's value.
pub(crate) fn header<'r>(request: &'r Request, name: &str) -> Option<&'r str> {
    let found = request.headers.iter().find(|(other, _)| *other == name);
    found.map(|(_, value)| value.expose())
}

/// Values by name, as a Secret or an environment gives them.
pub(crate) fn of<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
    move |name| {
        let found = pairs.iter().find(|(other, _)| *other == name);
        found.map(|(_, value)| (*value).to_owned())
    }
}

/// [`of`], for Secrets.
pub(crate) fn secret<'a>(
    pairs: &'a [(&'a str, &'a str)],
) -> impl Fn(&str) -> Option<fairlead_auth::Secret> + 'a {
    move |name| of(pairs)(name).map(fairlead_auth::Secret::new)
}
