//! HTTP/2 connections, each shared by several requests, from before it is open until its last stream has ended.
//!
//! A connection is opened by the requests that wait for it, together: it does not come about when all of them have gone.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use hyper::client::conn::http2;
use parking_lot::Mutex;
use tokio::time::Instant;

use super::body::RequestBody;
use super::endpoint::{Endpoint, Opened};
use super::http1;
use super::http2::{MAX_STREAMS, PING_TIMEOUT, Two};
use super::unconnected::ConnectError;
use crate::tasks::Tasks;

/// A connection of HTTP/1.1 that came about instead: it is for one request.
type Odd = Arc<Mutex<Option<Box<http1::Connection>>>>;
type Opening = Shared<BoxFuture<'static, Result<Came, Arc<ConnectError>>>>;

/// What came about.
#[derive(Clone)]
enum Came {
    Two(Two),
    One(Odd),
}

/// The connections of one core to one endpoint that are used again.
#[derive(Default)]
pub(crate) struct Connections(Vec<Arc<Connection>>);

struct Connection {
    /// While it is being opened.
    opening: Mutex<Option<Opening>>,
    /// Once it is open.
    open: OnceLock<Two>,
    /// How many streams it may have for all that is known before it is open.
    presumed: usize,
    streams: AtomicUsize,
    /// Takes no more streams.
    leaving: AtomicBool,
    idle_since: Mutex<Instant>,
}

/// A request's place on a connection. Dropping it makes room for another.
pub(crate) struct Place(Arc<Connection>);

/// A place on a connection that is open.
pub(crate) struct Stream {
    sender: http2::SendRequest<RequestBody>,
    place: Place,
    since: Instant,
}

/// A connection that a request is not to be sent over: it has been refused there.
#[derive(Clone)]
pub(crate) struct Refusing(Arc<Connection>);

/// What a place came to.
pub(crate) enum Joined {
    /// It can be sent over.
    Ready(Stream),
    /// The server allows fewer than were presumed.
    Full,
    /// The server speaks HTTP/1.1; the connection, if nobody else has taken it.
    Odd(Option<Box<http1::Connection>>),
}

/// What a request wants a stream for.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    /// Where to.
    pub endpoint: &'a Arc<Endpoint>,
    /// What drives a new connection.
    pub drivers: &'a Tasks,
    /// Until when its look-up may take.
    pub until: Instant,
    /// Whether it has to be a new connection.
    pub anew: bool,
    /// Where it has been refused.
    pub refusing: Option<&'a Refusing>,
}

impl Connections {
    /// A place on the connection that has most streams and room for one more, so that others fall idle and go; on a new one if there is none.
    pub(crate) fn place(&mut self, wanted: Wanted<'_>, idle: Duration) -> Place {
        let known = self.0.iter().map(|connection| connection.room());
        let presumed = known.min().unwrap_or(MAX_STREAMS);
        self.sweep(idle);
        let refused = |connection: &Arc<Connection>| {
            let refusing = wanted.refusing.map(|refusing| &refusing.0);
            refusing.is_some_and(|refusing| Arc::ptr_eq(refusing, connection))
        };
        let free = self.0.iter().filter(|connection| {
            connection.streams() < connection.room() && !wanted.anew && !refused(connection)
        });
        if let Some(found) = free.max_by_key(|connection| connection.streams()) {
            return Place::on(found);
        }
        let opening = opening(wanted.endpoint, wanted.drivers, wanted.until);
        self.add(Connection::new(Some(opening), OnceLock::new(), presumed))
    }

    /// A stream of a connection that came about for another reason.
    pub(crate) fn adopt(&mut self, two: Two) -> Stream {
        let sender = two.sender.clone();
        let place = self.add(Connection::new(None, OnceLock::from(two), MAX_STREAMS));
        Stream::new(sender, place)
    }

    /// Drops what will not be used again: what streams it still has go on.
    pub(crate) fn sweep(&mut self, idle: Duration) {
        self.0.retain(|connection| connection.is_usable(idle));
    }

    /// Whether there are none.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, connection: Connection) -> Place {
        let connection = Arc::new(connection);
        let place = Place::on(&connection);
        self.0.push(connection);
        place
    }
}

impl Connection {
    fn new(opening: Option<Opening>, open: OnceLock<Two>, presumed: usize) -> Self {
        Self {
            opening: Mutex::new(opening),
            open,
            presumed,
            streams: AtomicUsize::new(0),
            leaving: AtomicBool::new(false),
            idle_since: Mutex::new(Instant::now()),
        }
    }

    fn streams(&self) -> usize {
        self.streams.load(Ordering::Relaxed)
    }

    fn room(&self) -> usize {
        self.open.get().map_or(self.presumed, Two::room)
    }

    fn leave(&self) {
        self.leaving.store(true, Ordering::Relaxed);
    }

    fn is_usable(&self, idle: Duration) -> bool {
        if self.leaving.load(Ordering::Relaxed) {
            return false;
        }
        match self.open.get() {
            Some(two) => {
                let used = self.streams() > 0 || self.idle_since.lock().elapsed() < idle;
                used && !two.sender.is_closed()
            }
            None => self.opening.lock().is_some(),
        }
    }
}

/// The opening of a connection, for all who wait for it.
fn opening(endpoint: &Arc<Endpoint>, drivers: &Tasks, until: Instant) -> Opening {
    let (endpoint, drivers) = (Arc::clone(endpoint), drivers.clone());
    let opened = async move {
        match endpoint.connect(&drivers, until).await {
            Ok(Opened::Two(two)) => Ok(Came::Two(two)),
            Ok(Opened::One(sender)) => Ok(Came::One(Arc::new(Mutex::new(Some(sender))))),
            Err(error) => Err(Arc::new(error)),
        }
    };
    opened.boxed().shared()
}

impl Place {
    fn on(connection: &Arc<Connection>) -> Self {
        connection.streams.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(connection))
    }

    /// Its connection, to stay away from should it refuse.
    #[must_use]
    pub(crate) fn refusing(&self) -> Refusing {
        Refusing(Arc::clone(&self.0))
    }

    /// Waits until the connection is open.
    ///
    /// # Errors
    /// It does not come about, for any of those who wait.
    pub(crate) async fn ready(self) -> Result<Joined, Arc<ConnectError>> {
        if self.0.open.get().is_none() {
            let opening = self.0.opening.lock().clone();
            if let Some(opening) = opening {
                let came = opening.await;
                self.0.opening.lock().take();
                match came {
                    Ok(Came::Two(two)) => {
                        // Whoever else waited has set the same.
                        let _ = self.0.open.set(two);
                    }
                    Ok(Came::One(odd)) => {
                        self.0.leave();
                        return Ok(Joined::Odd(odd.lock().take()));
                    }
                    Err(error) => {
                        self.0.leave();
                        return Err(error);
                    }
                }
            }
        }
        let fits = self.0.streams() <= self.0.room();
        match self.0.open.get().filter(|_| fits) {
            Some(two) => Ok(Joined::Ready(Stream::new(two.sender.clone(), self))),
            None => Ok(Joined::Full),
        }
    }
}

impl Refusing {
    /// The connection did not come about in time: nobody else is to wait for it.
    pub(crate) fn leave(&self) {
        self.0.leave();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.0.streams.fetch_sub(1, Ordering::Relaxed) == 1 {
            *self.0.idle_since.lock() = Instant::now();
            // Nobody waits for it any more, so nobody opens it.
            self.0.opening.lock().take();
        }
    }
}

impl Stream {
    fn new(sender: http2::SendRequest<RequestBody>, place: Place) -> Self {
        Self {
            sender,
            place,
            since: Instant::now(),
        }
    }

    /// Nothing came in time. If that is long, the connection may be dead and takes no more streams; a caller that is in a hurry says nothing of it.
    pub(crate) fn doubt(&self) {
        if self.since.elapsed() >= PING_TIMEOUT {
            self.leave();
        }
    }

    /// Where its request goes in.
    pub(crate) fn sender(&mut self) -> &mut http2::SendRequest<RequestBody> {
        &mut self.sender
    }

    /// Its connection takes no more streams.
    pub(crate) fn leave(&self) {
        self.place.0.leave();
    }
}
