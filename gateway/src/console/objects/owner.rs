//! Who keeps an object: what a tool of GitOps or Helm has marked as its own would be put back by it, sooner or later, whatever is written here.

use kube::api::ObjectMeta;

const TRACKED: &str = "argocd.argoproj.io/tracking-id";
const ARGO_INSTANCE: &str = "argocd.argoproj.io/instance";
/// Argo CD's own mark unless it is told otherwise, and others' word for something else: it counts only where Argo CD has written to the object.
const INSTANCE: &str = "app.kubernetes.io/instance";
const KUSTOMIZATION: &str = "kustomize.toolkit.fluxcd.io/name";
const HELM_RELEASE: &str = "helm.toolkit.fluxcd.io/name";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const RELEASE: &str = "meta.helm.sh/release-name";

/// What keeps this object, in words; `None`: nothing that marks what it keeps. `place`: its kind, namespace and name.
#[must_use]
pub(super) fn of(metadata: &ObjectMeta, place: (&str, &str, &str)) -> Option<String> {
    let label = |name: &str| metadata.labels.as_ref()?.get(name);
    let annotation = |name: &str| metadata.annotations.as_ref()?.get(name);
    let tracked = annotation(TRACKED).and_then(|id| application(id, place));
    let instance = || {
        let is_argo = |manager: &str| tool(manager) == Some("Argo CD");
        let managers = metadata.managed_fields.iter().flatten();
        let mut managers = managers.filter_map(|entry| entry.manager.as_deref());
        label(INSTANCE).filter(|_| managers.any(is_argo))
    };
    let argo = tracked.or_else(|| label(ARGO_INSTANCE).or_else(instance).map(String::as_str));
    if let Some(application) = argo {
        return Some(format!("the Application {application:?} of Argo CD"));
    }
    if let Some(name) = label(HELM_RELEASE) {
        return Some(format!("the HelmRelease {name:?} of Flux"));
    }
    if let Some(name) = label(KUSTOMIZATION) {
        return Some(format!("the Kustomization {name:?} of Flux"));
    }
    label(MANAGED_BY).filter(|by| *by == "Helm")?;
    Some(match annotation(RELEASE) {
        Some(release) => format!("the release {release:?} of Helm"),
        None => "Helm".to_owned(),
    })
}

/// The application in `APPLICATION:GROUP/KIND:NAMESPACE/NAME`; `None`: the mark is of another object, from which this one was copied, as Argo CD
/// itself takes it.
fn application<'a>(id: &'a str, (kind, namespace, name): (&str, &str, &str)) -> Option<&'a str> {
    let (application, of) = id.split_once(':')?;
    let (what, place) = of.split_once(':')?;
    let is_it =
        what.rsplit('/').next() == Some(kind) && place.split_once('/') == Some((namespace, name));
    is_it.then_some(application)
}

/// The tool that writes under this name of a field manager, where it is one that people know by another.
#[must_use]
pub(in crate::console) fn tool(manager: &str) -> Option<&'static str> {
    let known = [
        ("argocd", "Argo CD"),
        ("kustomize-controller", "Flux"),
        ("helm-controller", "Flux"),
        ("flux", "Flux"),
        ("kubectl", "kubectl"),
        ("helm", "Helm"),
    ];
    let found = known.iter().find(|(begins, _)| manager.starts_with(begins));
    found.map(|(_, tool)| *tool)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    const PLACE: (&str, &str, &str) = ("RoutingRule", "search", "chat");

    fn kept(metadata: &Value) -> Option<String> {
        of(&serde_json::from_value(metadata.clone()).unwrap(), PLACE)
    }

    #[test]
    fn what_a_tool_has_marked_as_its_own_is_its_own() {
        let id = "gateway:fairlead.dev/RoutingRule:search/chat";
        for (metadata, by) in [
            (
                json!({"annotations": {TRACKED: id}}),
                "the Application \"gateway\" of Argo CD",
            ),
            (
                json!({"labels": {ARGO_INSTANCE: "gateway"}}),
                "the Application \"gateway\" of Argo CD",
            ),
            (
                json!({"labels": {INSTANCE: "gateway"}, "managedFields": [{"manager": "argocd-controller"}]}),
                "the Application \"gateway\" of Argo CD",
            ),
            (
                json!({"labels": {KUSTOMIZATION: "apps"}}),
                "the Kustomization \"apps\" of Flux",
            ),
            (
                json!({"labels": {HELM_RELEASE: "rules", MANAGED_BY: "Helm"}}),
                "the HelmRelease \"rules\" of Flux",
            ),
            (
                json!({"labels": {MANAGED_BY: "Helm"}, "annotations": {RELEASE: "r"}}),
                "the release \"r\" of Helm",
            ),
            (json!({"labels": {MANAGED_BY: "Helm"}}), "Helm"),
        ] {
            assert_eq!(kept(&metadata).as_deref(), Some(by), "{metadata}");
        }
    }

    #[test]
    fn a_mark_that_says_something_else_keeps_nobody_out() {
        for metadata in [
            json!({}),
            json!({"labels": {INSTANCE: "gateway", MANAGED_BY: "us"}}),
            json!({"labels": {INSTANCE: "gateway"}, "managedFields": [{"manager": "kubectl-client-side-apply"}]}),
            // Argo CD does not take what was copied with its mark for its own.
            json!({"annotations": {TRACKED: "gateway:fairlead.dev/RoutingRule:search/other"}}),
            json!({"annotations": {TRACKED: "gateway:fairlead.dev/Team:search/chat"}}),
            json!({"annotations": {TRACKED: "gateway"}}),
            // A field alone: the API server says which, when it matters.
            json!({"managedFields": [{"manager": "argocd-controller"}]}),
        ] {
            assert_eq!(kept(&metadata), None, "{metadata}");
        }
    }

    #[test]
    fn managers_are_told_by_the_names_that_people_know() {
        for (manager, name) in [
            ("argocd-controller", Some("Argo CD")),
            ("argocd-application-controller", Some("Argo CD")),
            ("kustomize-controller", Some("Flux")),
            ("kubectl-client-side-apply", Some("kubectl")),
            ("helm", Some("Helm")),
            ("fairlead-console", None),
        ] {
            assert_eq!(tool(manager), name, "{manager}");
        }
    }
}
