//! What the service accounts of the charts may: exactly what `docs/operations.md` says, beside what any account may.

#[path = "rbac/document.rs"]
mod document;

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use fairlead_e2e::results::{self, Figure};
use fairlead_e2e::{ApiServer, Kubectl, NAMESPACE, Write, grant};
use serde_json::json;

use self::document::{Documented, Grant, Grants, product};

/// An installation by the chart.
struct Installation {
    release: &'static str,
    /// What its accounts' names begin with.
    full_name: &'static str,
    gateway_name: &'static str,
    namespace: &'static str,
    /// `None`: all.
    watched: Option<&'static str>,
}

const INSTALLATIONS: [Installation; 2] = [
    Installation {
        release: "fairlead",
        full_name: "fairlead",
        gateway_name: "default",
        namespace: NAMESPACE,
        watched: None,
    },
    Installation {
        release: "eu",
        full_name: "eu-fairlead",
        gateway_name: "eu",
        namespace: "fairlead-eu",
        watched: Some("search"),
    },
];
/// Every namespace there is here.
const NAMESPACES: [&str; 4] = [NAMESPACE, "fairlead-eu", "search", "shop"];

#[tokio::test]
async fn service_accounts_may_what_the_document_says_and_nothing_else() -> Result<()> {
    let server = ApiServer::start().await?;
    for name in NAMESPACES {
        create(&server, "Namespace", name, name).await?;
    }
    let documented = Documented::read()?;
    let (mut compared, mut differences) = (0_u32, Vec::new());
    for installation in INSTALLATIONS {
        installation.install(&server).await?;
        let bare = server.kubeconfig_of(installation.namespace, "bare").await?;
        for (part, account) in [
            ("gateway", installation.account("gateway")),
            ("operator", installation.account("operator")),
        ] {
            let account_file = server
                .kubeconfig_of(installation.namespace, &account)
                .await?;
            for namespace in NAMESPACES {
                let mut expected = documented.of(part, &installation, namespace);
                expected.extend(may(&bare, namespace).await?);
                let found = may(&account_file, namespace).await?;
                compared += u32::try_from(found.len())?;
                let told = |what: &str, grants: Vec<&Grant>| {
                    (!grants.is_empty())
                        .then(|| format!("{account} in {namespace} {what} {grants:?}"))
                };
                differences.extend(told(
                    "may beyond the document",
                    found.difference(&expected).collect(),
                ));
                differences.extend(told(
                    "may not what the document says",
                    expected.difference(&found).collect(),
                ));
            }
        }
    }
    results::record(&[
        Figure::at_least(
            "rbac: grants compared with the document",
            f64::from(compared),
            "grants",
            100.0,
        ),
        Figure::at_most(
            "rbac: lists of grants that differ from the document",
            f64::from(u32::try_from(differences.len())?),
            "lists",
            0.0,
        ),
    ])?;
    assert!(differences.is_empty(), "\n{}", differences.join("\n"));
    Ok(())
}

impl Installation {
    fn account(&self, part: &str) -> String {
        format!("{}-{part}", self.full_name)
    }

    async fn install(&self, server: &ApiServer) -> Result<()> {
        create(server, "ServiceAccount", self.namespace, "bare").await?;
        let mut values = vec![format!("gatewayName={}", self.gateway_name)];
        values.extend(
            self.watched
                .map(|name| format!("watchNamespaces={{{name}}}")),
        );
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        grant(
            server.client(),
            "fairlead",
            self.release,
            self.namespace,
            &values,
        )
        .await
    }
}

async fn create(server: &ApiServer, kind: &str, namespace: &str, name: &str) -> Result<()> {
    let object = json!({"apiVersion": "v1", "kind": kind, "metadata": {"namespace": (kind != "Namespace").then_some(namespace), "name": name}});
    let answer = server.client().create(&object, Write::Stored).await?;
    ensure!(answer.is_success(), "{}", answer.message());
    Ok(())
}

/// What `kubectl auth can-i --list` says.
async fn may(kubeconfig: &Path, namespace: &str) -> Result<Grants> {
    let kubectl = Kubectl::pinned(kubeconfig)?.within(namespace);
    let text = kubectl.run(&["auth", "can-i", "--list"]).await?;
    let mut lines = text.lines();
    let header = lines.next().context("no header")?;
    let at = |column: &str| {
        header
            .find(column)
            .with_context(|| format!("no column {column}"))
    };
    let (urls, names, verbs) = (
        at("Non-Resource URLs")?,
        at("Resource Names")?,
        at("Verbs")?,
    );
    let mut grants = Grants::new();
    for line in lines {
        let resource = line[..urls].trim();
        let mut things = listed(&line[urls..names]);
        if !resource.is_empty() {
            things.push(resource.to_owned());
        }
        for thing in &things {
            grants.extend(product(
                thing,
                &listed(&line[names..verbs]),
                &listed(&line[verbs..]),
            ));
        }
    }
    ensure!(!grants.is_empty(), "nothing is listed:\n{text}");
    Ok(grants)
}

/// `[a b]`
fn listed(cell: &str) -> Vec<String> {
    let inner = cell.trim().trim_start_matches('[').trim_end_matches(']');
    inner.split_whitespace().map(str::to_owned).collect()
}
