//! What the charts grant, without what they run: an API server alone takes definitions, service accounts and roles, and has no use for the
//! rest.

use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use tokio::process::Command;

use crate::command;
use crate::{Client, Write, tools};

/// The kinds of the charts' objects that are taken.
const KINDS: [&str; 6] = [
    "CustomResourceDefinition",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "ClusterRole",
    "ClusterRoleBinding",
];

/// Creates what one of the charts (`fairlead-crds`, `fairlead`) grants, as a release of this name in a namespace. `values` as `--set` takes
/// them.
///
/// # Errors
/// When the chart cannot be rendered, or the API server refuses something.
pub async fn grant(
    client: &Client,
    chart: &str,
    release: &str,
    namespace: &str,
    values: &[&str],
) -> Result<()> {
    for object in rendered(chart, release, namespace, values).await? {
        if KINDS.iter().any(|&kind| object["kind"] == kind) {
            let answer = client.create(&object, Write::Stored).await?;
            ensure!(
                answer.is_success(),
                "{chart}: {} {} is refused: {}",
                object["kind"],
                object["metadata"]["name"],
                answer.message()
            );
        }
    }
    Ok(())
}

async fn rendered(
    chart: &str,
    release: &str,
    namespace: &str,
    values: &[&str],
) -> Result<Vec<Value>> {
    let helm: PathBuf = tools::kubernetes(&["helm"])?.join("helm");
    let mut command = Command::new(helm);
    command
        .args(["template", release, "--namespace", namespace])
        .arg(tools::workspace().join("charts").join(chart));
    for value in values {
        command.args(["--set", value]);
    }
    let text = command::output(&mut command).await?;
    let documents: Vec<Value> =
        serde_saphyr::from_multiple(&text).with_context(|| format!("{chart}: not YAML"))?;
    // A template that renders to nothing is an empty document.
    Ok(documents
        .into_iter()
        .filter(|document| !document.is_null())
        .collect())
}
