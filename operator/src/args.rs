//! The command line.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Parser;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use kube::core::{Selector, SelectorExt as _};

/// Compiles Fairlead's custom resources into what the gateways of one installation enforce.
#[derive(Debug, Clone, Parser)]
#[command(name = "fairlead-operator", version)]
pub struct Args {
    /// The installation: objects of another spec.gatewayName are not looked at.
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub gateway_name: String,
    /// The namespace of the operator and its gateways.
    #[arg(long, value_name = "NS", env = "POD_NAMESPACE")]
    pub namespace: String,
    /// What this replica calls itself when replicas elect a leader.
    #[arg(long, value_name = "NAME", env = "POD_NAME")]
    pub identity: String,
    /// The Service whose endpoints are the gateways.
    #[arg(long, value_name = "NAME", default_value = "fairlead-gateway")]
    pub gateway_service: String,
    /// The port on which gateways say what they enforce.
    #[arg(long, value_name = "PORT", default_value_t = 9090)]
    pub gateway_admin_port: u16,
    /// The namespaces to look at, beside the operator's own. Absent: all.
    #[arg(long, value_name = "NS,...", value_delimiter = ',')]
    pub watch_namespaces: Vec<String>,
    /// A label selector, as JSON ({"matchLabels": {...}, "matchExpressions": [...]}), of the namespaces, beside the operator's own, whose
    /// providers may connect to private addresses.
    #[arg(long, value_name = "JSON", value_parser = selector)]
    pub private_networks_from: Option<Selector>,
    /// Make the password of the store of counters that the chart installs, and keep it.
    #[arg(long)]
    pub store_password: bool,
    /// Where probes and Prometheus connect.
    #[arg(long, value_name = "ADDRESS", default_value = "0.0.0.0:9090")]
    pub admin: SocketAddr,
    /// How long a leader that says nothing stays leader.
    #[arg(long, value_name = "SECONDS", value_parser = seconds, default_value = "15")]
    pub lease_seconds: Duration,
}

impl Args {
    /// The namespaces to watch, each by itself; none: all at once.
    #[must_use]
    pub fn scopes(&self) -> Vec<Option<String>> {
        if self.watch_namespaces.is_empty() {
            return vec![None];
        }
        let mut named: Vec<String> = self.watch_namespaces.clone();
        named.push(self.namespace.clone());
        named.sort();
        named.dedup();
        named.into_iter().map(Some).collect()
    }

    /// Whether providers of a namespace with these labels may connect to private addresses.
    #[must_use]
    pub fn permits_private_networks(
        &self,
        labels: &std::collections::BTreeMap<String, String>,
    ) -> bool {
        self.private_networks_from
            .as_ref()
            .is_some_and(|selector| selector.matches(labels))
    }
}

fn selector(text: &str) -> Result<Selector, String> {
    let selector: LabelSelector =
        serde_json::from_str(text).map_err(|error| format!("is not a label selector: {error}"))?;
    Selector::try_from(selector).map_err(|error| format!("is not a label selector: {error}"))
}

/// Below three seconds a leader could not renew in time.
fn seconds(text: &str) -> Result<Duration, String> {
    match text.parse() {
        Ok(seconds) if seconds >= 3 => Ok(Duration::from_secs(seconds)),
        _ => Err(format!(
            "{text:?} is not a whole number of seconds from 3 on"
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn args(more: &[&str]) -> Args {
        let fixed = [
            "fairlead-operator",
            "--namespace",
            "own",
            "--identity",
            "me",
        ];
        Args::try_parse_from(fixed.iter().chain(more)).unwrap()
    }

    #[test]
    fn watches_its_own_namespace_beside_those_it_is_told() {
        assert_eq!(args(&[]).scopes(), [None]);
        let scopes = args(&["--watch-namespaces", "b,a,b"]).scopes();
        assert_eq!(scopes, ["a", "b", "own"].map(|name| Some(name.to_owned())));
    }

    #[test]
    fn permits_private_addresses_only_where_the_selector_says_so() {
        let labels = |value: &str| BTreeMap::from([("llm".to_owned(), value.to_owned())]);
        assert!(!args(&[]).permits_private_networks(&labels("true")));
        let selected = args(&[
            "--private-networks-from",
            r#"{"matchExpressions": [{"key": "llm", "operator": "In", "values": ["true", "yes"]}]}"#,
        ]);
        assert!(selected.permits_private_networks(&labels("yes")));
        assert!(!selected.permits_private_networks(&labels("no")));
        assert!(!selected.permits_private_networks(&BTreeMap::new()));
    }
}
