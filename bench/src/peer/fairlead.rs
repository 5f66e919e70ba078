//! The gateway, doing what it always does: check a key, find the rule, change the model, forward, read the usage.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

use crate::answer::{KEY, Speech};

/// Starts the gateway on a folder with a provider, a rule and a key.
pub(super) fn start(
    binary: &Path,
    home: &Path,
    listen: SocketAddr,
    admin: SocketAddr,
    upstream: SocketAddr,
) -> Result<Child> {
    let config = home.join("config");
    fs::create_dir(&config)?;
    fs::write(config.join("bench.yaml"), configuration(upstream))?;
    Command::new(binary)
        .arg("serve")
        .arg("--config-dir")
        .arg(&config)
        .args([
            "--listen",
            &listen.to_string(),
            "--admin",
            &admin.to_string(),
        ])
        .stdin(Stdio::null())
        // One access line per request is part of the price; where it goes is not.
        .stdout(Stdio::null())
        .stderr(fs::File::create(home.join("log"))?)
        .spawn()
        .with_context(|| format!("{} does not start", binary.display()))
}

fn configuration(upstream: SocketAddr) -> String {
    let way = |speech: Speech| {
        let (name, model) = (speech.name(), speech.model());
        let (kind, path) = match speech {
            Speech::OpenAi => ("OpenAI", "/v1"),
            Speech::Anthropic => ("Anthropic", "/v1"),
            Speech::Gemini => ("Gemini", "/v1beta"),
        };
        format!(
            "apiVersion: fairlead.dev/v1alpha1
kind: LLMProvider
metadata: {{name: {name}}}
spec:
  type: {kind}
  baseURL: http://{upstream}{path}
  allowPrivateNetwork: true
---
apiVersion: fairlead.dev/v1alpha1
kind: RoutingRule
metadata: {{name: {name}}}
spec:
  match: {{models: [{model}]}}
  strategy: {{type: Weighted}}
  targets:
  - {{name: upstream, providerRef: {{name: {name}}}, model: fast}}
---
"
        )
    };
    let ways: String = Speech::ALL.into_iter().map(way).collect();
    format!(
        "{ways}apiVersion: fairlead.dev/v1alpha1
kind: VirtualKey
metadata: {{name: bench}}
spec:
  key: {{type: SecretRef, secretRef: {{name: bench-key, key: apiKey}}}}
---
apiVersion: v1
kind: Secret
metadata: {{name: bench-key, labels: {{fairlead.dev/secret: virtual-key}}}}
stringData: {{apiKey: {KEY}}}
"
    )
}
