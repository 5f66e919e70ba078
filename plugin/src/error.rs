//! What can go wrong, in words that say what to do about it.

use std::path::PathBuf;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The kubeconfig cannot be used.
    #[error("the kubeconfig cannot be used: {0}; name another with --kubeconfig or --context")]
    Config(String),
    /// The user may not do what is needed.
    #[error("{said}\n{what} needs the verb `{}` on `{}`{}; look with: kubectl auth can-i {} {}{}", .need.verb, .need.resource, place(.need), .need.verb, asked(.need), flag(.need))]
    Forbidden {
        /// What was to be done, in words.
        what: String,
        /// Which right is missing.
        need: Need,
        /// What the API server said.
        said: String,
    },
    /// The API server refuses or does not answer.
    #[error("cannot {what}: {why}")]
    Api {
        /// What was to be done, in words.
        what: String,
        /// Why it was not.
        why: String,
    },
    /// A gateway does not answer.
    #[error("{gateway}: {why}")]
    Gateway {
        /// Which one.
        gateway: String,
        /// What is wrong.
        why: String,
    },
    /// A file cannot be read.
    #[error("cannot read {path}: {1}", path = .0.display())]
    File(PathBuf, std::io::Error),
    /// Nobody reads what is printed.
    #[error("cannot print: {0}")]
    Output(std::io::Error),
    /// What was asked for does not make sense, or is not there.
    #[error("{0}")]
    Other(String),
}

/// A right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Need {
    /// As RBAC names it.
    pub verb: &'static str,
    /// As RBAC names it, with its group.
    pub resource: String,
    /// `None`: in all namespaces.
    pub namespace: Option<String>,
}

impl Need {
    /// A right on a resource in a namespace.
    pub(crate) fn new(verb: &'static str, resource: &str, namespace: Option<&str>) -> Self {
        Self {
            verb,
            resource: resource.to_owned(),
            namespace: namespace.map(str::to_owned),
        }
    }

    /// What the API server's error means for somebody who wanted to do `what`.
    pub(crate) fn failed(self, what: &str, error: &kube::Error) -> Error {
        if let kube::Error::Api(status) = error {
            let said = status.message.clone();
            return match status.code {
                401 => api(
                    what,
                    "the API server does not know you (401); sign in to the cluster again"
                        .to_owned(),
                ),
                403 => Error::Forbidden {
                    what: what.to_owned(),
                    need: self,
                    said,
                },
                404 if status
                    .details
                    .as_ref()
                    .is_none_or(|details| details.name.is_empty()) =>
                {
                    api(
                        what,
                        format!(
                            "{said}; are the definitions installed? kubectl get crd llmproviders.fairlead.dev"
                        ),
                    )
                }
                code => api(what, format!("{said} ({code})")),
            };
        }
        api(what, chain(error))
    }
}

fn api(what: &str, why: String) -> Error {
    Error::Api {
        what: what.to_owned(),
        why,
    }
}

/// An error with what it comes from, each once.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let more = error.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        source = error.source();
    }
    text
}

fn place(need: &Need) -> String {
    match &need.namespace {
        Some(namespace) => format!(" in the namespace {namespace}"),
        None => " in all namespaces".to_owned(),
    }
}

/// kubectl takes what follows a slash for a name.
fn asked(need: &Need) -> String {
    match need.resource.strip_prefix("pods/") {
        Some(below) => format!("pods --subresource={below}"),
        None => need.resource.clone(),
    }
}

fn flag(need: &Need) -> String {
    match &need.namespace {
        Some(namespace) => format!(" -n {namespace}"),
        None => " -A".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_may_not_is_told_which_right_is_missing() {
        let status = kube::core::Status::failure("pods is forbidden", "Forbidden").with_code(403);
        let need = Need::new("create", "pods/portforward", Some("fairlead-system"));
        let error = need.failed("asking the gateways", &kube::Error::Api(status.boxed()));
        assert_eq!(
            error.to_string(),
            "pods is forbidden\nasking the gateways needs the verb `create` on `pods/portforward` in the namespace fairlead-system; \
             look with: kubectl auth can-i create pods --subresource=portforward -n fairlead-system"
        );
    }
}
