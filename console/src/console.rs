//! The console as a whole: who is signed in, what has just ended, and whom to ask for the rest.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use http::Request;
use tokio::sync::Semaphore;

use crate::feed::Feed;
use crate::seats::{Seats, Turns};
use crate::session::Sessions;
use crate::source::Source;
use crate::tries::Tries;
use crate::{assets, guard, reply, route};

/// What an installation says of its console.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// The names, beside those of this machine itself, under which browsers may ask for it: without a port.
    pub hosts: Vec<String>,
    /// How many tabs may follow the live view; 0: a hundred.
    pub viewers: usize,
    /// And how many of one session; 0: four.
    pub most_streams_a_session: usize,
    /// Whether the holder of a virtual key may sign in with it.
    pub holders: bool,
}

/// The console.
pub struct Console {
    pub(crate) source: Arc<dyn Source>,
    pub(crate) feed: Arc<Feed>,
    pub(crate) settings: Settings,
    pub(crate) sessions: Sessions,
    pub(crate) tries: Tries,
    /// How many follow the live view.
    pub(crate) viewers: Arc<AtomicUsize>,
    /// And how many of each session.
    pub(crate) streams: Seats,
    /// How many questions of each session are being answered.
    pub(crate) questions: Seats,
    /// Whose rule is being tried.
    pub(crate) builds: Turns,
    /// Of how many questions more the bodies may be read: of those who are signed in, and of strangers.
    pub(crate) bodies: [Semaphore; 2],
    /// What tells this process from the one before: a place in the live view means nothing to another.
    pub(crate) boot: u64,
}

impl Console {
    /// A console that asks this source, and is told of finished requests by this feed.
    #[must_use]
    pub fn new(source: Arc<dyn Source>, feed: Arc<Feed>, settings: Settings) -> Arc<Self> {
        let mut boot = [0; 8];
        // Without random numbers nobody can sign in, and nothing is shown.
        let _ = getrandom::fill(&mut boot);
        Arc::new(Self {
            source,
            feed,
            settings,
            sessions: Sessions::default(),
            tries: Tries::default(),
            viewers: Arc::default(),
            streams: Seats::default(),
            questions: Seats::default(),
            builds: Turns::default(),
            bodies: route::BODIES.map(Semaphore::new),
            boot: u64::from_be_bytes(boot),
        })
    }

    /// Answers whatever nobody else does. The request has its [`crate::Client`] among its extensions, where it is known.
    pub fn router(self: &Arc<Self>) -> Router {
        Router::new().fallback(answer).with_state(Arc::clone(self))
    }
}

impl std::fmt::Debug for Console {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Console")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

async fn answer(State(console): State<Arc<Console>>, request: Request<Body>) -> Response {
    let answer = if let Some(refused) = guard::host(&console.settings.hosts, request.headers()) {
        refused
    } else if request.uri().path().starts_with(route::BELOW) {
        route::answer(console, request).await
    } else {
        assets::answer(request.method(), request.uri().path(), request.headers())
    };
    reply::sealed(answer)
}
