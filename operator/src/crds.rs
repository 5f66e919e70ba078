//! Whether the CRDs are there and not older than this operator.

use std::time::Duration;

use fairlead_crds::{REVISION, REVISION_ANNOTATION};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, Client, ResourceExt as _};
use tokio::sync::watch;

use crate::error::Chain;

/// How often is looked while something is wrong.
const WRONG: Duration = Duration::from_secs(5);
/// How often is looked while all is well.
const WELL: Duration = Duration::from_secs(60);
/// What mends it.
const COMMAND: &str = "helm upgrade --install fairlead-crds charts/fairlead-crds";

/// Looks for ever and tells what is wrong; `None`: nothing.
pub async fn look(client: Client, told: watch::Sender<Option<String>>) {
    let api: Api<CustomResourceDefinition> = Api::all(client);
    loop {
        let problem = problem(&api).await;
        let pause = if problem.is_some() { WRONG } else { WELL };
        told.send_if_modified(|old| {
            let changed = *old != problem;
            if changed && let Some(problem) = &problem {
                tracing::error!("{problem}");
            }
            *old = problem;
            changed
        });
        tokio::time::sleep(pause).await;
    }
}

async fn problem(api: &Api<CustomResourceDefinition>) -> Option<String> {
    for wanted in fairlead_crds::all() {
        let name = wanted.name_any();
        match api.get_opt(&name).await {
            Ok(found) => {
                if let Some(problem) = compare(&name, found.as_ref()) {
                    return Some(problem);
                }
            }
            Err(error) => return Some(format!("cannot look at the CRD {name}: {}", Chain(&error))),
        }
    }
    None
}

/// CRDs without the annotation were not made by our charts; they count as the oldest.
fn compare(name: &str, found: Option<&CustomResourceDefinition>) -> Option<String> {
    let Some(crd) = found else {
        return Some(format!("the CRD {name} is missing; install it: {COMMAND}"));
    };
    let revision = crd.annotations().get(REVISION_ANNOTATION);
    let revision: u32 = revision
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    (revision < REVISION).then(|| {
        format!("the CRD {name} has revision {revision} and this operator needs {REVISION}; upgrade it: {COMMAND}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_and_older_crds_are_named_with_the_command_that_mends_them() {
        let mut crd = fairlead_crds::all().remove(0);
        assert_eq!(compare("x", Some(&crd)), None);
        crd.metadata.annotations = None;
        let told = compare("x", Some(&crd)).unwrap();
        assert!(
            told.contains("revision 0") && told.contains(COMMAND),
            "{told}"
        );
        assert!(compare("x", None).unwrap().contains("missing"));
    }
}
