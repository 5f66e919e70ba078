//! What every measurement stands on: the upstream, the collector, a certificate, the tools.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

use crate::helper::Helper;
use crate::plan::Plan;
use crate::tls::Certificate;
use crate::usage::Meter;

/// What every measurement stands on.
pub(crate) struct World {
    /// What to measure.
    pub(crate) plan: Plan,
    /// Reads CPU time.
    pub(crate) meter: Meter,
    /// What everything shows that speaks TLS.
    pub(crate) certificate: Certificate,
    /// Where traces go.
    pub(crate) sink: SocketAddr,
    plain: SocketAddr,
    secure: SocketAddr,
    _helpers: [Helper; 2],
}

impl World {
    /// Starts what is needed.
    pub(crate) fn start(plan: Plan) -> Result<Self> {
        let certificate = Certificate::new()?;
        let upstream = Helper::start(&[
            "upstream".as_ref(),
            certificate.certificate.as_os_str(),
            certificate.key.as_os_str(),
        ])?;
        let sink = Helper::start(&["sink".as_ref()])?;
        let (plain, secure) = upstream.line.split_once(' ').context("two addresses")?;
        Ok(Self {
            plan,
            meter: Meter::new()?,
            certificate,
            sink: sink.line.parse().context("the sink's address")?,
            plain: plain.parse().context("the upstream's address")?,
            secure: secure.parse().context("the upstream's address")?,
            _helpers: [upstream, sink],
        })
    }

    /// Where the upstream is, plainly or over TLS.
    pub(crate) fn upstream(&self, is_secure: bool) -> SocketAddr {
        if is_secure { self.secure } else { self.plain }
    }

    /// The gateway to measure.
    pub(crate) fn gateway(&self) -> Result<PathBuf> {
        let path = self
            .plan
            .gateway
            .as_deref()
            .context("--gateway is missing")?;
        ensure!(path.is_file(), "{} is not there", path.display());
        Ok(path.to_owned())
    }

    /// The tool that makes the load.
    pub(crate) fn oha(&self) -> &Path {
        &self.plan.oha
    }
}
