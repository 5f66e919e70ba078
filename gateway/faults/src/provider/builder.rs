//! A provider before it listens.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;

use super::connection::Host;
use super::greeting::Greeting;
use super::log::{Log, Played};
use super::{Listener, Provider};
use crate::wire::WireListener;
use crate::{Play, Seen};

/// What is decided before the first connection.
#[derive(Default)]
pub struct Builder {
    greeting: Greeting,
    reset_first: usize,
    accepts_after: Duration,
    early: Option<Early>,
    watch: Option<Watch>,
}

/// Decides from the head alone; `None`: the body is to be read first.
pub(super) type Early = Box<dyn Fn(&Seen) -> Option<Play> + Send + Sync>;
/// Is told of every play that has ended.
pub(super) type Watch = Box<dyn Fn(&Seen, &Played) + Send + Sync>;

impl Builder {
    /// Speaks TLS with this certificate chain and private key, both in PEM.
    #[must_use]
    pub fn tls(mut self, chain: &str, key: &str) -> Self {
        self.greeting = Greeting::tls(chain, key, None);
        self
    }

    /// The same, and only with clients that show a certificate that is signed by `clients`, or is it.
    #[must_use]
    pub fn mutual_tls(mut self, chain: &str, key: &str, clients: &str) -> Self {
        self.greeting = Greeting::tls(chain, key, Some(clients));
        self
    }

    /// Leaves every TLS handshake in the middle.
    #[must_use]
    pub fn cut_handshakes(mut self) -> Self {
        self.greeting = Greeting::CutHandshake;
        self
    }

    /// Resets the first so many connections before reading a byte from them.
    #[must_use]
    pub fn reset_first(mut self, connections: usize) -> Self {
        self.reset_first = connections;
        self
    }

    /// Lets each connection take so long to come about. Within the process only: elsewhere the system accepts.
    #[must_use]
    pub fn accepts_after(mut self, time: Duration) -> Self {
        self.accepts_after = time;
        self
    }

    /// Asks `early` once the head of a request is there, with an empty body, whether to answer at once.
    #[must_use]
    pub fn early(mut self, early: impl Fn(&Seen) -> Option<Play> + Send + Sync + 'static) -> Self {
        self.early = Some(Box::new(early));
        self
    }

    /// Tells `watch` of every play that has ended.
    #[must_use]
    pub fn watch(mut self, watch: impl Fn(&Seen, &Played) + Send + Sync + 'static) -> Self {
        self.watch = Some(Box::new(watch));
        self
    }

    /// Listens on a free loopback port.
    #[expect(
        clippy::expect_used,
        reason = "a test cannot go on without a loopback port"
    )]
    pub async fn start(self, script: impl Fn(&Seen) -> Play + Send + Sync + 'static) -> Provider {
        self.listen((Ipv4Addr::LOCALHOST, 0).into(), script)
            .await
            .expect("no free loopback port")
    }

    /// Listens there.
    ///
    /// # Errors
    /// The address cannot be had.
    pub async fn listen(
        self,
        address: SocketAddr,
        script: impl Fn(&Seen) -> Play + Send + Sync + 'static,
    ) -> io::Result<Provider> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let scheme = match self.greeting {
            Greeting::Plain => "http",
            Greeting::Tls(_) | Greeting::CutHandshake => "https",
        };
        let listener = Listener::Tcp(listener);
        Ok(Provider::serve(
            listener,
            address,
            scheme,
            self.host(script),
        ))
    }

    /// Starts it without a socket: it is reached by [`dial`](crate::dial) only, and speaks no TLS.
    #[must_use]
    pub fn in_process(self, script: impl Fn(&Seen) -> Play + Send + Sync + 'static) -> Provider {
        let listener = WireListener::bind(self.accepts_after);
        let address = listener.address;
        let listener = Listener::InProcess(listener);
        Provider::serve(listener, address, "http", self.host(script))
    }

    fn host(self, script: impl Fn(&Seen) -> Play + Send + Sync + 'static) -> Host {
        Host {
            script: Box::new(script),
            early: self.early,
            watch: self.watch,
            greeting: self.greeting,
            reset_first: self.reset_first,
            log: Arc::new(Log::new()),
        }
    }
}
