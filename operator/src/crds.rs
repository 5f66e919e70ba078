//! Whether the CRDs are there and not older than this operator.
//!
//! A CRD that is deleted takes every object of its kind along: first it is marked, then the objects go one by one, then it goes itself. To a watch
//! that looks as if somebody deleted them all, so whoever sees an object vanish looks here before it is published.

use std::time::Duration;

use fairlead_crds::{REVISION, REVISION_ANNOTATION};
use futures_util::future::join_all;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, Client, ResourceExt};
use tokio::sync::watch;

use crate::error::Chain;

/// How often is looked while something is wrong.
const WRONG: Duration = Duration::from_secs(5);
/// How often is looked while all is well.
const WELL: Duration = Duration::from_secs(60);
/// What mends it.
const COMMAND: &str = "helm upgrade --install fairlead-crds charts/fairlead-crds";

/// What is wrong with the CRDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// For people, with the command that mends it.
    pub text: String,
    /// One is missing or about to be, and with it every object of its kind.
    pub gone: bool,
}

/// Looks at the CRDs, and tells what is wrong.
#[derive(Clone)]
pub(crate) struct Crds {
    api: Api<CustomResourceDefinition>,
    told: watch::Sender<Option<Problem>>,
}

impl Crds {
    /// One that has not looked yet, which is a problem as well.
    #[must_use]
    pub(crate) fn new(client: Client) -> Self {
        let problem = Problem {
            text: "not looked at the CRDs yet".to_owned(),
            gone: false,
        };
        Self {
            api: Api::all(client),
            told: watch::Sender::new(Some(problem)),
        }
    }

    /// What was found last; `None`: all is well.
    #[must_use]
    pub(crate) fn problem(&self) -> watch::Receiver<Option<Problem>> {
        self.told.subscribe()
    }

    /// Looks for ever.
    pub(crate) async fn look(self) {
        let mut seen = self.told.subscribe();
        loop {
            let pause = if self.now().await.is_some() {
                WRONG
            } else {
                WELL
            };
            seen.mark_unchanged();
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                // Somebody else has looked, and what is wrong now is to be looked at more often.
                _ = seen.changed() => {}
            }
        }
    }

    /// Looks once, and tells everybody.
    pub(crate) async fn now(&self) -> Option<Problem> {
        let problem = self.find().await;
        self.told.send_if_modified(|old| {
            let changed = *old != problem;
            if changed && let Some(problem) = &problem {
                tracing::error!("{}", problem.text);
            }
            old.clone_from(&problem);
            changed
        });
        problem
    }

    async fn find(&self) -> Option<Problem> {
        let names: Vec<String> = fairlead_crds::all()
            .iter()
            .map(ResourceExt::name_any)
            .collect();
        let looks = names.iter().map(|name| self.api.get_opt(name));
        let found = join_all(looks).await;
        let problems = names
            .iter()
            .zip(found)
            .filter_map(|(name, found)| match found {
                Ok(found) => compare(name, found.as_ref()),
                Err(error) => Some(Problem {
                    text: format!("cannot look at the CRD {name}: {}", Chain(&error)),
                    gone: false,
                }),
            });
        // One that is gone is worse than any other.
        problems.max_by_key(|problem| problem.gone)
    }
}

/// CRDs without the annotation were not made by our charts; they count as the oldest.
fn compare(name: &str, found: Option<&CustomResourceDefinition>) -> Option<Problem> {
    let gone = |text: String| Some(Problem { text, gone: true });
    let Some(crd) = found else {
        return gone(format!("the CRD {name} is missing; install it: {COMMAND}"));
    };
    if crd.metadata.deletion_timestamp.is_some() {
        return gone(format!(
            "the CRD {name} is being deleted, and every object of its kind with it; what is published stays in force; when it is gone, install it: {COMMAND}"
        ));
    }
    let revision = crd.annotations().get(REVISION_ANNOTATION);
    let revision: u32 = revision
        .and_then(|text| text.parse().ok())
        .unwrap_or_default();
    (revision < REVISION).then(|| Problem {
        text: format!("the CRD {name} has revision {revision} and this operator needs {REVISION}; upgrade it: {COMMAND}"),
        gone: false,
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
            told.text.contains("revision 0") && told.text.contains(COMMAND) && !told.gone,
            "{told:?}"
        );
        let told = compare("x", None).unwrap();
        assert!(told.text.contains("missing") && told.gone);
        crd.metadata.deletion_timestamp = Some(
            k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(jiff::Timestamp::UNIX_EPOCH),
        );
        let told = compare("x", Some(&crd)).unwrap();
        assert!(told.text.contains("being deleted") && told.gone);
    }
}
