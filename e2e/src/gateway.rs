//! A gateway of its own process beside an API server alone: what a cluster's controller would make of its pod is made here.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::{Client, NAMESPACE, PATIENCE, Program, Write, own_address};

/// Between two looks whether it is ready.
const PAUSE: Duration = Duration::from_millis(50);

/// A running gateway, as `cargo build --profile quick` has built it. It ends when the value is dropped.
#[derive(Debug)]
pub struct Gateway {
    program: Program,
    address: SocketAddr,
    admin: SocketAddr,
}

impl Gateway {
    /// Starts one of the installation `default` in [`NAMESPACE`], as whoever the kubeconfig names, waits until it is ready, and tells the API server
    /// that it is an endpoint of the chart's Service. The operator has to ask at the same admin port. Its log, access lines among others, is
    /// `fairlead-gateway.log` in `folder`.
    ///
    /// # Errors
    /// When it has not been built, is not ready within [`PATIENCE`], or the API server refuses.
    pub async fn start(
        client: &Client,
        kubeconfig: &Path,
        folder: &Path,
        admin_port: u16,
    ) -> Result<Self> {
        let place = ("gateway-1", own_address()?.ip());
        Self::start_as(client, kubeconfig, folder, place, admin_port, &[]).await
    }

    /// The same under a name of its own and at an address of its own: of several that an operator asks at the same port. `more` goes behind its other
    /// arguments.
    ///
    /// # Errors
    /// As of [`Gateway::start`].
    pub async fn start_as(
        client: &Client,
        kubeconfig: &Path,
        folder: &Path,
        (name, ip): (&str, IpAddr),
        admin_port: u16,
        more: &[&str],
    ) -> Result<Self> {
        let address = SocketAddr::new(ip, free_port()?);
        let admin = SocketAddr::new(ip, admin_port);
        #[rustfmt::skip]
        let arguments = [
            "serve", "--kubernetes", "--gateway-namespace", NAMESPACE, "--listen", &address.to_string(), "--admin", &admin.to_string(),
            "--drain-delay", "0",
        ]
        .map(str::to_owned);
        let more = more.iter().map(|&one| one.to_owned());
        let arguments: Vec<String> = arguments.into_iter().chain(more).collect();
        let program = Program::start("fairlead-gateway", &arguments, kubeconfig, folder)?;
        let mut gateway = Self {
            program,
            address,
            admin,
        };
        gateway.until_ready().await?;
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": {"namespace": NAMESPACE, "name": name, "labels": {"kubernetes.io/service-name": "fairlead-gateway"}},
            "endpoints": [{"addresses": [ip], "conditions": {"ready": true}, "targetRef": {"kind": "Pod", "name": name, "namespace": NAMESPACE}}],
        });
        let answer = client.create(&slice, Write::Stored).await?;
        ensure!(answer.is_success(), "{}", answer.message());
        Ok(gateway)
    }

    async fn until_ready(&mut self) -> Result<()> {
        let url = format!("http://{}/readyz", self.admin);
        let began = Instant::now();
        while !reqwest::get(&url)
            .await
            .is_ok_and(|answer| answer.status().is_success())
        {
            self.program.must_run()?;
            ensure!(
                began.elapsed() < PATIENCE,
                "the gateway is not ready; its log ends with:\n{}",
                self.program.log_end()
            );
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Where callers connect.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where operators connect.
    #[must_use]
    pub fn admin(&self) -> SocketAddr {
        self.admin
    }
}

/// A port that was free a moment ago, for programs that have to be told one.
///
/// # Errors
/// When there is none.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind("127.0.0.1:0").context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr()?.port())
}
