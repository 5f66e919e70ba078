//! What a person wants to see when a test on a cluster has failed: pods, events, and the logs of everything that ran.

use std::fmt::Write as _;

use serde_json::Value;

use crate::kubectl::Kubectl;

/// The most lines of a container's log.
const TAIL: &str = "--tail=200";

/// The state of one namespace, or of all of them but Kubernetes' own. What cannot be had says why in its place.
pub async fn dump(kubectl: &Kubectl, namespace: Option<&str>) -> String {
    let mut text = String::new();
    let mut section = |title: &str, said: anyhow::Result<String>| {
        let said = said.unwrap_or_else(|error| format!("{error:#}"));
        // Writing to a string cannot fail.
        let _ = writeln!(text, "--- {title}\n{}\n", said.trim_end());
    };
    let scope = namespace.map_or(vec!["--all-namespaces"], |namespace| {
        vec!["--namespace", namespace]
    });
    let within = |words: &[&'static str]| [words, &scope].concat();
    section(
        "pods",
        kubectl.run(&within(&["get", "pods", "-o", "wide"])).await,
    );
    let events = within(&["get", "events", "--sort-by=.lastTimestamp"]);
    section("events", kubectl.run(&events).await);
    let pods = match kubectl.run(&within(&["get", "pods", "-o", "json"])).await {
        Ok(json) => serde_json::from_str(&json).unwrap_or_default(),
        Err(_) => Value::Null,
    };
    for pod in pods["items"].as_array().into_iter().flatten() {
        let [name, namespace] =
            ["name", "namespace"].map(|field| pod["metadata"][field].as_str().unwrap_or_default());
        let kubectl = kubectl.within(namespace);
        let title = format!("{namespace}/{name}");
        if !is_ready(pod) {
            section(&title, kubectl.run(&["describe", "pod", name]).await);
        }
        let logs = ["logs", name, "--all-containers", "--prefix", TAIL];
        section(&format!("{title}: log"), kubectl.run(&logs).await);
        if has_restarted(pod) {
            let logs = [logs.as_slice(), &["--previous"]].concat();
            section(&format!("{title}: log before"), kubectl.run(&logs).await);
        }
    }
    text
}

fn is_ready(pod: &Value) -> bool {
    let conditions = pod["status"]["conditions"].as_array();
    conditions
        .into_iter()
        .flatten()
        .any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

fn has_restarted(pod: &Value) -> bool {
    let containers = pod["status"]["containerStatuses"].as_array();
    containers
        .into_iter()
        .flatten()
        .any(|container| container["restartCount"].as_u64().unwrap_or_default() > 0)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn says_why_there_is_nothing_to_see() {
        let text = dump(&Kubectl::new("no-such-kubectl", "nowhere"), None).await;
        assert!(
            text.contains("--- pods\ncannot run no-such-kubectl"),
            "{text}"
        );
    }

    #[test]
    fn a_pod_that_is_not_ready_or_has_restarted_is_looked_at_closer() {
        let pod = json!({"status": {"conditions": [{"type": "Ready", "status": "False"}], "containerStatuses": [{"restartCount": 1}]}});
        assert!(!is_ready(&pod) && has_restarted(&pod));
    }
}
