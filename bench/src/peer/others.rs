//! Other gateways, each in its plainest configuration: one model, one upstream, no keys of their own, no limits. They take part when they are
//! installed.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;

use super::{Plan, free_address};
use crate::helper::roomy;
use crate::key;
use crate::world::World;

/// A gateway that may be installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Other {
    /// `litellm` from PyPI (with `[proxy]`).
    LiteLlm,
    /// `smg` from PyPI.
    Smg,
    /// `@portkey-ai/gateway` from npm; its command is called `gateway`.
    Portkey,
}

impl Other {
    /// All that are known.
    pub(crate) const ALL: [Self; 3] = [Self::LiteLlm, Self::Smg, Self::Portkey];

    /// What the tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::LiteLlm => "litellm",
            Self::Smg => "smg",
            Self::Portkey => "portkey",
        }
    }

    fn program(self) -> &'static str {
        match self {
            Self::LiteLlm => "litellm",
            Self::Smg => "smg",
            Self::Portkey => "gateway",
        }
    }

    /// Whether its command is found on the path.
    pub(crate) fn is_installed(self) -> bool {
        let found = Command::new("sh")
            .args(["-c", "command -v \"$0\" >/dev/null", self.program()])
            .status();
        found.is_ok_and(|status| status.success())
    }

    /// The command, in front of the upstream.
    pub(crate) async fn plan(self, world: &World) -> Result<Plan> {
        let (home, address) = (TempDir::new()?, free_address().await?);
        let upstream = format!("http://{}", world.upstream(false));
        let port = address.port().to_string();
        let mut command = roomy(self.program());
        command.current_dir(home.path());
        let (mut headers, mut configuration) = (Vec::new(), String::new());
        match self {
            Self::LiteLlm => {
                configuration = format!(
                    "model_list:\n- model_name: chat\n  litellm_params: {{model: openai/fast, api_base: \"{upstream}/v1\", api_key: {}}}\n",
                    key(0)
                );
                let file = home.path().join("config.yaml");
                fs::write(&file, &configuration)?;
                command
                    .arg("--config")
                    .arg(file)
                    .args(["--host", "127.0.0.1", "--port", &port]);
            }
            Self::Smg => {
                command.args(["launch", "--host", "127.0.0.1", "--port", &port]);
                command.args(["--worker-urls", &upstream]);
            }
            Self::Portkey => {
                command.args([&format!("--port={port}"), "--headless"]);
                command.env("TRUSTED_CUSTOM_HOSTS", "127.0.0.1");
                headers = vec![
                    "x-portkey-provider: openai".to_owned(),
                    format!("x-portkey-custom-host: {upstream}/v1"),
                ];
            }
        }
        Ok(Plan {
            name: self.name().to_owned(),
            command,
            address,
            admin: None,
            is_secure: false,
            headers,
            configuration,
            home,
            patience: Duration::from_secs(90),
        })
    }
}
