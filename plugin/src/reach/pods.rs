//! Gateways that are pods: which there are, their logs' names, and a port that is forwarded to each.

use fairlead_snapshot::names;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::Api;
use kube::api::{ListParams, Portforwarder};
use tokio::io::DuplexStream;

use crate::args::Place;
use crate::error::{Error, Need};
use crate::session::Session;

/// What the chart's gateways are labelled with.
const LABELS: &str = "app.kubernetes.io/name=fairlead,app.kubernetes.io/component=gateway";
/// The argument by which a gateway knows its installation.
const INSTALLATION: &str = "--gateway-name=";

/// The ready gateways of an installation.
pub(crate) struct Pods {
    pods: Api<Pod>,
    secrets: Api<Secret>,
    names: Vec<String>,
    namespace: String,
    installation: String,
    port: u16,
}

impl Pods {
    /// All gateways of an installation, those too that are not ready or are about to go: for their logs.
    ///
    /// # Errors
    /// The user may not list pods.
    pub(crate) async fn all(session: &Session, place: &Place) -> Result<Vec<Pod>, Error> {
        let namespace = &place.gateway_namespace;
        let pods: Api<Pod> = Api::namespaced(session.client.clone(), namespace);
        let labels = ListParams::default().labels(LABELS);
        let found = pods.list(&labels).await.map_err(|error| {
            Need::new("list", "pods", Some(namespace)).failed("finding the gateways", &error)
        })?;
        let of_it = found.items.into_iter();
        Ok(of_it
            .filter(|pod| belongs(pod, &place.gateway_name))
            .collect())
    }

    /// Finds them.
    ///
    /// # Errors
    /// The user may not list pods, or there is none.
    pub(crate) async fn find(session: &Session, place: &Place) -> Result<Self, Error> {
        let namespace = &place.gateway_namespace;
        let found = Self::all(session, place).await?;
        let (ready, others): (Vec<&Pod>, Vec<&Pod>) = found.iter().partition(|pod| is_ready(pod));
        let mut names: Vec<String> = ready
            .iter()
            .filter_map(|pod| pod.metadata.name.clone())
            .collect();
        names.sort();
        if names.is_empty() {
            return Err(Error::Other(format!(
                "no gateway of {} is ready in the namespace {namespace} ({} are not); is it another --gateway-namespace or --gateway-name? look with: \
                 kubectl -n {namespace} get pods -l {LABELS}",
                place.gateway_name,
                others.len()
            )));
        }
        Ok(Self {
            pods: Api::namespaced(session.client.clone(), namespace),
            secrets: Api::namespaced(session.client.clone(), namespace),
            names,
            namespace: namespace.clone(),
            installation: place.gateway_name.clone(),
            port: place.admin_port,
        })
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.names.clone()
    }

    /// The token of the admin ports.
    ///
    /// # Errors
    /// The user may not read its Secret, or there is none.
    pub(crate) async fn token(&self) -> Result<String, Error> {
        let name = names::admin(&self.installation);
        let secret = self.secrets.get(&name).await.map_err(|error| {
            let need = Need::new("get", &format!("secrets/{name}"), Some(&self.namespace));
            need.failed("reading the token of the gateways' admin ports, which is all that this Secret holds,", &error)
        })?;
        let token = secret
            .data
            .and_then(|mut data| data.remove(names::TOKEN_KEY));
        token
            .and_then(|token| String::from_utf8(token.0).ok())
            .ok_or_else(|| Error::Other(format!("the Secret {name} holds no {}", names::TOKEN_KEY)))
    }

    /// A connection to the admin port of a pod. It lasts as long as the forwarder.
    ///
    /// # Errors
    /// The user may not forward ports, or the pod has gone.
    pub(super) async fn connect(&self, pod: &str) -> Result<(DuplexStream, Portforwarder), Error> {
        let forwarder = self.pods.portforward(pod, &[self.port]).await;
        let mut forwarder = forwarder.map_err(|error| {
            // A web socket begins with GET; from Kubernetes 1.35 on `create` is asked for, too.
            let need = Need::new("create", "pods/portforward", Some(&self.namespace));
            need.failed(&format!("asking the gateway {pod}"), &upgraded(error))
        })?;
        let stream = forwarder
            .take_stream(self.port)
            .ok_or_else(|| Error::Gateway {
                gateway: pod.to_owned(),
                why: "its port is not forwarded".to_owned(),
            })?;
        Ok((stream, forwarder))
    }
}

/// The API server's refusal of a forwarded port comes as a status of HTTP alone.
fn upgraded(error: kube::Error) -> kube::Error {
    if let kube::Error::UpgradeConnection(kube::client::UpgradeConnectionError::ProtocolSwitch(
        status,
    )) = &error
    {
        let refused = kube::core::Status::failure(
            &format!("the API server does not forward the port ({status})"),
            "",
        );
        return kube::Error::Api(refused.with_code(status.as_u16()).boxed());
    }
    error
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod
        .status
        .as_ref()
        .and_then(|status| status.conditions.as_ref());
    let ready = conditions
        .into_iter()
        .flatten()
        .any(|condition| condition.type_ == "Ready" && condition.status == "True");
    ready && pod.metadata.deletion_timestamp.is_none()
}

/// Whether a gateway says that it is of this installation, or does not say.
fn belongs(pod: &Pod, installation: &str) -> bool {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut arguments = containers.flat_map(|container| container.args.iter().flatten());
    let said = arguments.find_map(|argument| argument.strip_prefix(INSTALLATION));
    said.is_none_or(|said| said == installation)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn pod(ready: &str, arguments: &[&str]) -> Pod {
        let pod = json!({
            "metadata": {"name": "gateway-1"},
            "spec": {"containers": [{"name": "gateway", "args": arguments}]},
            "status": {"conditions": [{"type": "Ready", "status": ready}]},
        });
        serde_json::from_value(pod).unwrap()
    }

    #[test]
    fn only_ready_gateways_of_the_installation_count() {
        let mut one = pod("True", &["serve", "--gateway-name=default"]);
        assert!(is_ready(&one) && belongs(&one, "default") && !belongs(&one, "other"));
        assert!(!is_ready(&pod("False", &[])) && belongs(&pod("True", &[]), "other"));
        one.metadata.deletion_timestamp =
            serde_json::from_value(json!("2026-01-01T00:00:00Z")).unwrap();
        assert!(!is_ready(&one));
    }
}
