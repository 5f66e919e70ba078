//! A gateway that runs: where it listens, what it writes, and how it is asked.

use std::fs::File;
use std::net::SocketAddr;
use std::process::ExitStatus;

use reqwest::RequestBuilder;
use serde_json::Value;
use tokio::process::{Child, Command};

use super::lines::Lines;
use super::{Answer, KEY, PATIENCE, Setup};

/// A running gateway. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Gateway {
    /// Where callers connect.
    pub(crate) address: SocketAddr,
    /// Where the admin port is.
    pub(crate) admin: SocketAddr,
    /// Standard output: the access log.
    pub(crate) out: Lines,
    /// Standard error: everything else.
    pub(crate) err: Lines,
    /// Its folders.
    pub(crate) setup: Setup,
    /// Opens a connection for each request, so that no request depends on the one before it.
    client: reqwest::Client,
    child: Child,
}

impl Gateway {
    /// Waits until the process says that it serves.
    pub(super) async fn of(mut child: Child, setup: Setup) -> Self {
        let out = File::from(child.stdout.take().unwrap().into_owned_fd().unwrap());
        Self::with(child, setup, Lines::collect(out)).await
    }

    /// The same, with an access log that stays in its pipe.
    pub(super) async fn unread(child: Child, setup: Setup) -> Self {
        Self::with(child, setup, Lines::none()).await
    }

    async fn with(mut child: Child, setup: Setup, out: Lines) -> Self {
        let err = File::from(child.stderr.take().unwrap().into_owned_fd().unwrap());
        let err = Lines::collect(err);
        let line = err.until(|line| line.contains(" serving ")).await;
        let address = |name: &str| {
            let found = line
                .split_whitespace()
                .find_map(|word| word.strip_prefix(name));
            found
                .and_then(|address| address.parse().ok())
                .unwrap_or_else(|| panic!("no {name} in {line}"))
        };
        let client = reqwest::Client::builder()
            .no_proxy()
            .pool_max_idle_per_host(0)
            .build()
            .unwrap();
        Self {
            address: address("listen="),
            admin: address("admin="),
            out,
            err,
            setup,
            client,
            child,
        }
    }

    /// Asks for a chat completion with the usual key.
    pub(crate) async fn ask(&self, body: &Value) -> Answer {
        self.ask_at("/v1/chat/completions", body).await
    }

    /// The same at another path.
    pub(crate) async fn ask_at(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.post(path).bearer_auth(KEY).body(body.to_string())).await
    }

    /// A POST without a key.
    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client
            .post(self.url(path))
            .header("content-type", "application/json")
    }

    /// A chat completion as another caller.
    pub(crate) async fn ask_as(&self, key: &str, body: &Value) -> Answer {
        Answer::to(
            self.post("/v1/chat/completions")
                .bearer_auth(key)
                .body(body.to_string()),
        )
        .await
    }

    /// A GET with a key.
    pub(crate) async fn get_as(&self, key: &str, path: &str) -> Answer {
        Answer::to(self.client.get(self.url(path)).bearer_auth(key)).await
    }

    /// A GET at the admin port.
    pub(crate) fn admin(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("http://{}{path}", self.admin))
    }

    /// Where a path is.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The text that Prometheus would get.
    pub(crate) async fn metrics(&self) -> String {
        self.admin("/metrics")
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
    }

    /// The first access line that is `wanted`.
    pub(crate) async fn access(&self, wanted: impl Fn(&Value) -> bool) -> Value {
        let parsed = |line: &str| serde_json::from_str::<Value>(line).unwrap_or_default();
        parsed(&self.out.until(|line| wanted(&parsed(line))).await)
    }

    /// Writes a file of the configuration and waits until another configuration is in force.
    pub(crate) async fn edit(&self, name: &str, text: &str) {
        let before = self.err.count();
        self.setup.write(&format!("config/{name}"), text);
        self.err
            .after(before, |line| line.contains("configuration in force"))
            .await;
    }

    /// The number of the process.
    pub(crate) fn id(&self) -> u32 {
        self.child.id().expect("it has ended")
    }

    /// The memory that it occupies, in bytes.
    pub(crate) fn resident(&self) -> usize {
        self.status_of("VmRSS:")
    }

    /// The most memory that it has ever occupied, in bytes.
    pub(crate) fn most_resident(&self) -> usize {
        self.status_of("VmHWM:")
    }

    /// A line of proc_pid_status(5) that is in KiB.
    fn status_of(&self, name: &str) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
        kib.unwrap() * 1024
    }

    /// Sends the process a signal by its name.
    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.id();
        let sent = Command::new("sh")
            .args(["-c", &format!("kill -{name} {pid}")])
            .status()
            .await;
        assert!(sent.unwrap().success());
    }

    /// Waits for the end of the process.
    pub(crate) async fn end(&mut self) -> ExitStatus {
        tokio::time::timeout(PATIENCE, self.child.wait())
            .await
            .expect("it does not end")
            .unwrap()
    }

    /// Ends the process as a terminal would, and gives its folders back for another start.
    pub(crate) async fn stop(mut self) -> Setup {
        self.signal("INT").await;
        let status = self.end().await;
        assert!(
            status.success(),
            "{status}: {}",
            self.err.so_far().join("\n")
        );
        self.setup
    }
}
