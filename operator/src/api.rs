//! How the operator speaks to the API server: one client for calls and one for watches, which may be silent for longer.
//!
//! Neither repeats a call by itself. Whoever calls tries again with a pause of its own and knows what has changed meanwhile; a client that repeats
//! behind its back would hold everything up while the lease goes on being renewed.

use std::time::Duration;

use kube::runtime::watcher;
use kube::{Client, Config};

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the API server may be silent while something is asked or told.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a watch lasts before it is begun anew. A connection that died without a word is noticed after that.
const WATCH: Duration = Duration::from_secs(60);
/// How long a watch may be silent: a little more than one on which nothing happens.
const SILENCE: Duration = Duration::from_secs(70);
/// How many objects a page of a list has. Secrets come with up to 1 MiB each, so this is what a list needs of memory at a time.
const PAGE: u32 = 32;

/// The operator's clients.
#[derive(Clone)]
pub struct Clients {
    /// Everything that has an answer.
    pub(crate) calls: Client,
    /// Watches, and the lists they begin with.
    pub(crate) watches: Client,
}

impl Clients {
    /// Clients of one API server.
    ///
    /// # Errors
    /// What is configured cannot be used, such as a certificate that does not parse.
    pub fn of(config: &Config) -> kube::Result<Self> {
        Self::with_patience(config, ANSWER)
    }

    fn with_patience(config: &Config, answer: Duration) -> kube::Result<Self> {
        let silent_for = |silence: Duration| {
            let mut config = config.clone();
            config.connect_timeout = Some(CONNECT.min(answer));
            config.read_timeout = Some(silence);
            config.write_timeout = Some(answer);
            config.reset_reader_on_write = true;
            config.default_retry = false;
            Client::try_from(config)
        };
        Ok(Self {
            calls: silent_for(answer)?,
            watches: silent_for(SILENCE)?,
        })
    }
}

impl std::fmt::Debug for Clients {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Clients").finish_non_exhaustive()
    }
}

/// How objects are listed and watched.
pub(crate) fn watched() -> watcher::Config {
    watcher::Config::default().timeout(u32::try_from(WATCH.as_secs()).unwrap_or(u32::MAX))
}

/// The same for objects of which some are large.
pub(crate) fn watched_in_small_pages() -> watcher::Config {
    watched().page_size(PAGE)
}

#[cfg(test)]
mod tests {
    use k8s_openapi::api::core::v1::ConfigMap;
    use kube::Api;
    use tokio::net::TcpListener;
    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test]
    async fn a_call_that_is_never_answered_ends_once_and_soon() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let config = Config::new(url.parse().unwrap());
        let clients = Clients::with_patience(&config, Duration::from_millis(300)).unwrap();
        let mut accepts = tokio::task::JoinSet::new();
        accepts.spawn(async move {
            let mut held = Vec::new();
            while let Ok(connection) = listener.accept().await {
                held.push(connection);
            }
        });
        let maps: Api<ConfigMap> = Api::namespaced(clients.calls, "own");
        let began = Instant::now();
        let answer = timeout(Duration::from_secs(20), maps.get("index")).await;
        assert!(answer.is_ok_and(|answer| answer.is_err()));
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
    }

    /// Secrets come with up to 1 MiB each.
    #[tokio::test]
    async fn a_list_of_what_may_be_large_takes_a_few_megabytes_at_a_time() {
        use futures_util::TryStreamExt as _;
        use tokio::io::AsyncReadExt as _;

        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let clients = Clients::of(&Config::new(url.parse().unwrap())).unwrap();
        let maps: Api<ConfigMap> = Api::all(clients.watches);
        let mut events = std::pin::pin!(watcher::watcher(maps, watched_in_small_pages()));
        let asked = async {
            let (mut connection, _) = listener.accept().await.unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                head.push(connection.read_u8().await.unwrap());
            }
            String::from_utf8(head).unwrap()
        };
        let list = async { while events.try_next().await.is_ok() {} };
        let head = timeout(Duration::from_secs(20), async {
            tokio::select! { head = asked => head, () = list => unreachable!("it tries for ever") }
        });
        let head = head.await.unwrap();
        let limit = head.split_once("limit=").unwrap().1;
        let limit: usize = limit.split(['&', ' ']).next().unwrap().parse().unwrap();
        assert!((1..=64).contains(&limit), "{head}");
    }
}
