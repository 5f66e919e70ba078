//! `kubectl fairlead` and the pods: ports that are forwarded and logs that are read, with the rights that its page names and no others.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::{Connections, Installation, Kubectl, NAMESPACE, in_repository};
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{key, provider, rule, turn, until, wait_programmed};

/// The account that has the Role of the page.
const OBSERVER: &str = "observer";

#[tokio::test]
async fn whoever_has_the_role_of_its_page_sees_all_gateways() -> Result<()> {
    let fairlead = turn().await?;
    let platform = fairlead.platform();
    let folder = TempDir::with_prefix("fairlead-observer-")?;
    let kubeconfig = observer(&fairlead.cluster.kubectl().within(NAMESPACE), folder.path()).await?;
    fairlead.upstreams(&["first", "second"]).await?;
    let both = provider(&fairlead, "first").await? + &provider(&fairlead, "second").await?;
    let files = both + &rule("seen", [("first", 1), ("second", 1)]) + &key("seen");
    platform.apply(&files).await?;
    wait_programmed(&platform).await?;
    let gateways = fairlead.gateways().await?.len();

    let ask = ask(&fairlead);
    let (told, asked) = tokio::join!(data(&kubeconfig, &["top", "--interval", "3"]), ask);
    asked?;
    let top = told?;
    ensure!(
        top["gateways"].as_array().map(Vec::len) == Some(gateways),
        "{top}"
    );
    let mut lines = top["lines"].as_array().into_iter().flatten();
    ensure!(
        lines.any(|line| line["model"] == "seen" && line["requestsPerSecond"].as_f64() > Some(1.0)),
        "{top}"
    );
    let health = data(&kubeconfig, &["health"]).await?;
    let first = &health["gateways"][0]["providers"][format!("{NAMESPACE}/first")];
    ensure!(
        health["gateways"].as_array().map(Vec::len) == Some(gateways)
            && first["connections"]["state"] == "closed",
        "{health}"
    );
    until("lines of every gateway", || async {
        let (_, text) = run(&kubeconfig, &["logs", "-n", NAMESPACE, "-k", "seen"]).await?;
        Ok(text.lines().count() == 1 + REQUESTS)
    })
    .await?;
    let error = run(&kubeconfig, &["keys", "list", "-n", NAMESPACE]).await;
    let error = error.err().context("it may list keys")?.to_string();
    ensure!(
        error.contains("`list` on `virtualkeys.fairlead.dev`"),
        "{error}"
    );
    Ok(())
}

const REQUESTS: usize = 40;

async fn ask(fairlead: &Installation) -> Result<()> {
    let secret = fairlead
        .secret(&fairlead.platform(), "seen-key", "apiKey")
        .await?;
    let cluster = &fairlead.cluster;
    let gateway = cluster
        .service_address(NAMESPACE, "fairlead-gateway")
        .await?;
    // Fresh connections, so that the Service spreads them.
    let caller = fairlead_e2e::Caller::new(gateway, &secret, Connections::Fresh)?;
    for _ in 0..REQUESTS {
        let answer = caller.chat("seen").await?;
        ensure!(answer.status == 200, "{answer:?}");
    }
    Ok(())
}

/// Makes an account with the Role as it stands on the page; its kubeconfig.
async fn observer(admin: &Kubectl, folder: &Path) -> Result<PathBuf> {
    let page = std::fs::read_to_string(in_repository("docs/kubectl.md"))?;
    let role = page
        .split("```yaml\n")
        .nth(1)
        .and_then(|rest| rest.split("```").next());
    let binding = format!(
        "---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: {OBSERVER}}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {{name: {OBSERVER}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: Role, name: fairlead-observer}}
subjects: [{{kind: ServiceAccount, name: {OBSERVER}, namespace: {NAMESPACE}}}]
"
    );
    admin
        .apply(&(role.context("no Role on the page")?.to_owned() + &binding))
        .await?;
    let token = admin.run(&["create", "token", OBSERVER]).await?;
    let config = admin
        .run(&["config", "view", "--raw", "--flatten", "-o", "json"])
        .await?;
    let mut config: Value = serde_json::from_str(&config)?;
    config["users"][0]["user"] = serde_json::json!({"token": token.trim()});
    let path = folder.join("kubeconfig");
    std::fs::write(&path, config.to_string())?;
    Ok(path)
}

async fn data(kubeconfig: &Path, words: &[&str]) -> Result<Value> {
    let (_, text) = run(kubeconfig, &[words, &["-o", "json"]].concat()).await?;
    Ok(serde_json::from_str(&text)?)
}

async fn run(kubeconfig: &Path, words: &[&str]) -> Result<(bool, String)> {
    let kubeconfig = kubeconfig.to_str().context("not text")?;
    let place = ["kubectl-fairlead", "--kubeconfig", kubeconfig];
    let args = fairlead_plugin::parse(place.iter().chain(words))?;
    let mut out = Vec::new();
    let good = fairlead_plugin::run(args, &mut out).await?;
    Ok((good, String::from_utf8(out)?))
}
