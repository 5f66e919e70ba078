//! A Valkey or Redis that all replicas share: one connection, many exchanges in a pipeline, tried again for as long as it is away.
//!
//! Every failure is one of three: this call (the rest goes on), this connection (a new one is tried, after 20 ms, then twice that, to a
//! second), or a server that cannot be counted on (tried again as well: its operator may mend it). None needs a restart of ours.

mod connect;
mod examine;
mod exchange;
mod options;

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use fairlead_admit::exchange::{Account, Reply, Totals};
use tokio::time::Instant;

pub use options::{Address, Password, Servers, Tls, ValkeyOptions};

use crate::clock::Clock;
use crate::link::Link;
use crate::place::{Call, Fault};
use connect::{ConnectError, Connection};

/// So many calls go in one pipeline: some milliseconds of the server's time.
const PIPELINE: usize = 128;
/// What a first try is preceded by once a connection was lost.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A server that answers is asked this often whether it can still be counted on.
const CHECK: Duration = Duration::from_secs(10);
/// A cluster this often, since a node that was restarted is seen by nothing else.
const CHECK_CLUSTER: Duration = Duration::from_secs(1);
/// A check that fails counts for nothing if something was answered so shortly before.
const LATELY: Duration = Duration::from_secs(3);
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);
/// Without any answer for this long, while asked, it is away. Longer than a request waits, so that a moment without a turn of the
/// processor costs those who wait in it, and nobody else.
const SILENCE: Duration = Duration::from_millis(750);

type Work = Pin<Box<dyn Future<Output = Result<(Connection, Vec<String>), ConnectError>> + Send>>;

/// The connection, or what is being done about it.
pub(crate) struct Valkey {
    options: Arc<ValkeyOptions>,
    connection: Option<Connection>,
    work: Option<Work>,
    pause: Duration,
    connected: Instant,
    /// When something was last answered.
    heard: Option<Instant>,
    silent_since: Option<Instant>,
}

impl std::fmt::Debug for Valkey {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Valkey")
            .field("options", &self.options)
            .field("connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}

impl Valkey {
    /// Not yet connected.
    pub(crate) fn new(options: ValkeyOptions) -> Self {
        Self {
            options: Arc::new(options),
            connection: None,
            work: None,
            pause: Duration::ZERO,
            connected: Instant::now(),
            heard: None,
            silent_since: None,
        }
    }

    /// Whether there is something to ask.
    pub(crate) fn is_connected(&self) -> bool {
        self.connection.is_some()
    }

    /// Connects, or looks whether what is connected is as it was; until something is known of it. `true`: it is another process than
    /// before. Nothing is lost when this is dropped and called again.
    pub(crate) async fn changed(&mut self, link: &Link, clock: Clock) -> bool {
        let work = match &mut self.work {
            Some(work) => work,
            None => {
                let next = self.next();
                self.work.insert(next)
            }
        };
        let done = work.await;
        self.work = None;
        match done {
            Ok((connection, runs)) => {
                if self.connection.replace(connection).is_none() {
                    self.connected = Instant::now();
                }
                self.pause = FIRST_PAUSE;
                link.reached(runs, clock.now())
            }
            Err(error) => {
                self.give_up(link, error.to_string());
                self.pause = (self.pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                false
            }
        }
    }

    /// How many calls go together. Of a cluster each goes by itself, so that a node that is away holds up nobody else's.
    pub(crate) fn together(&self) -> usize {
        if self.is_cluster() { 1 } else { PIPELINE }
    }

    fn is_cluster(&self) -> bool {
        matches!(self.options.servers, Servers::Cluster(_))
    }

    fn next(&self) -> Work {
        let options = self.options.clone();
        match self.connection.clone() {
            Some(connection) => {
                let pause = if self.is_cluster() {
                    CHECK_CLUSTER
                } else {
                    CHECK
                };
                let lately =
                    self.is_cluster() && self.heard.is_some_and(|heard| heard.elapsed() < LATELY);
                Box::pin(async move {
                    tokio::time::sleep(pause).await;
                    let runs = match checked(&connection).await {
                        // A node is away while others answer: those who ask it will notice.
                        Err(ConnectError::Server(_) | ConnectError::Silent) if lately => Vec::new(),
                        checked => checked?,
                    };
                    Ok((connection, runs))
                })
            }
            None => {
                let pause = self.pause.mul_f64(0.5 + fastrand::f64());
                Box::pin(async move {
                    tokio::time::sleep(pause).await;
                    let connection = connect::connect(&options).await?;
                    let runs = match (checked(&connection).await, &connection) {
                        // One that leads to some of the nodes is better than none.
                        (
                            Err(ConnectError::Server(_) | ConnectError::Silent),
                            Connection::Cluster(_),
                        ) => Vec::new(),
                        (checked, _) => checked?,
                    };
                    Ok((connection, runs))
                })
            }
        }
    }

    /// Something was answered.
    pub(crate) fn heard(&mut self) {
        self.heard = Some(Instant::now());
        self.silent_since = None;
    }

    /// Something that was asked then was not answered in time.
    pub(crate) fn unheard(&mut self, link: &Link, asked: Instant) {
        if asked < self.connected {
            return;
        }
        let since = *self.silent_since.get_or_insert(asked);
        if since.elapsed() >= SILENCE && self.is_connected() {
            self.give_up(link, "no answer".to_owned());
        }
    }

    /// Something that was asked then found that the connection leads nowhere.
    pub(crate) fn broke(&mut self, link: &Link, asked: Instant, problem: String) {
        if asked >= self.connected && self.is_connected() {
            self.give_up(link, problem);
        }
    }

    /// A new connection is needed.
    fn give_up(&mut self, link: &Link, problem: String) {
        if self.connection.take().is_some() {
            self.work = None;
            self.pause = FIRST_PAUSE;
        }
        self.silent_since = None;
        link.away(problem);
    }

    /// Makes these exchanges; nothing, where there is no connection.
    pub(crate) fn exchange(
        &self,
        calls: Vec<Call>,
    ) -> impl Future<Output = Vec<Result<Reply, Fault>>> + Send + 'static {
        let connection = self.connection.clone();
        let options = self.options.clone();
        async move {
            match connection {
                Some(connection) => exchange::exchange(&connection, &options.prefix, &calls).await,
                None => calls.iter().map(|_| Err(no_connection())).collect(),
            }
        }
    }

    /// Reads these accounts.
    pub(crate) fn look(
        &self,
        accounts: Vec<Account>,
    ) -> impl Future<Output = Vec<Result<Totals, Fault>>> + Send + 'static {
        let connection = self.connection.clone();
        let options = self.options.clone();
        async move {
            match connection {
                Some(connection) => exchange::look(&connection, &options.prefix, &accounts).await,
                None => accounts.iter().map(|_| Err(no_connection())).collect(),
            }
        }
    }
}

fn no_connection() -> Fault {
    Fault::Link("not connected".to_owned())
}

async fn checked(connection: &Connection) -> Result<Vec<String>, ConnectError> {
    let examined = tokio::time::timeout(CHECK_TIMEOUT, examine::examine(connection)).await;
    examined.map_err(|_| ConnectError::Silent)?
}
