//! From what people write to a [`Source`](crate::Source): the keys of a Secret, or the environment that a cloud gives a pod.
//!
//! While a provider is built. What is missing or cannot be right is said here, before anything is sent; nothing is read or called yet. Who may
//! use the pod's own identity is for the caller to decide: it is the gateway's, not the provider's.

pub mod aws;
pub mod entra;
pub mod google;

use crate::Secret;

/// The values of a Secret, by key.
pub type Values<'a> = &'a dyn Fn(&str) -> Option<Secret>;
/// The variables of the process, by name.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why no source can be made. Says what to mend, and holds no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A key of the Secret is not there, or empty.
    #[error("the Secret needs a value under the key {key}")]
    MissingKey {
        /// Its name.
        key: &'static str,
    },
    /// Something is not what it should be.
    #[error("{what} {why}")]
    Bad {
        /// What: a key, a variable, a setting.
        what: &'static str,
        /// What it must be.
        why: &'static str,
    },
    /// A document is not what it should be.
    #[error("{what}: {why}")]
    Document {
        /// Which.
        what: &'static str,
        /// What is wrong, and how to mend it.
        why: String,
    },
    /// The environment holds nothing of the cloud's.
    #[error("this pod has no identity of {cloud}: {mend}")]
    NoIdentity {
        /// Whose.
        cloud: &'static str,
        /// How to give it one.
        mend: &'static str,
    },
}

/// A value of a Secret that must be there.
fn needed(values: Values<'_>, key: &'static str) -> Result<Secret, ConfigError> {
    given(values, key).ok_or(ConfigError::MissingKey { key })
}

/// A value of a Secret that may be there.
fn given(values: Values<'_>, key: &str) -> Option<Secret> {
    let value = values(key)?.trimmed();
    (!value.is_empty()).then_some(value)
}

/// A variable that is set to something.
fn variable(environment: Environment<'_>, name: &str) -> Option<String> {
    let value = environment(name)?.trim().to_owned();
    (!value.is_empty()).then_some(value)
}
