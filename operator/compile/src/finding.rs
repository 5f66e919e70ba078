//! One thing that is wrong with an object: where, why in one word that scripts can rely on, and how to mend it.
//!
//! Messages never repeat the value of a text field: what someone pasted into the wrong place may be a secret.

use std::fmt;

use crate::path::Path;

/// One thing that is wrong with an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The field, for example `spec.targets[1].providerRef`.
    pub path: String,
    /// The line of the field in the object's file, from 1; `None` where the object did not come from a file.
    pub line: Option<u32>,
    /// Why, in one stable word.
    pub reason: Reason,
    /// What is wrong and how to mend it.
    pub message: String,
}

impl Finding {
    /// A finding about a field; its line is added when the verdict is made.
    pub(crate) fn new(path: &Path, reason: Reason, message: impl Into<String>) -> Self {
        Self {
            path: path.as_str().to_owned(),
            line: None,
            reason,
            message: message.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

macro_rules! reasons {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {
        /// Why an object is not accepted, or a reference not resolved: the `reason` of conditions, stable across releases.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Reason { $($(#[$doc])* $name),+ }

        impl Reason {
            /// The reason as conditions and reports show it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),+ }
            }
        }
    };
}

reasons! {
    /// The document is of a kind that is not read.
    UnknownKind,
    /// The field is not part of the API.
    UnknownField,
    /// A field is missing.
    Required,
    /// A field's value is not what the API defines, or fields contradict each other.
    Invalid,
    /// An entry of a list that must be unique is there twice.
    Duplicate,
    /// The object's namespace may not ask for this, or the other side does not admit it.
    NotPermitted,
    /// It is larger than what can be published for one object, or for its namespace.
    TooLarge,
    /// Something else already holds the name or the value.
    Conflict,
    /// The object is being deleted.
    Terminating,
    /// The CEL expression does not compile, or is over a bound.
    ConditionInvalid,
    /// There is no such time zone.
    TimeZoneUnknown,
    /// There is no such provider, or it was never accepted.
    ProviderNotFound,
    /// The provider does not offer the model.
    ModelNotOffered,
    /// There is no such Secret.
    SecretNotFound,
    /// The Secret does not carry the label that says it may be used so.
    SecretNotLabelled,
    /// The Secret has no such key.
    SecretKeyNotFound,
    /// The Secret's value is not usable.
    SecretInvalid,
    /// There is no such Service, or nothing is known of it.
    ServiceNotFound,
    /// The Service's pods do not listen at the port.
    ServicePortNotFound,
    /// There is no such InferencePool, or nothing can be made of it.
    InferencePoolNotFound,
    /// No pod of the Service or InferencePool is ready.
    NoReadyEndpoints,
    /// There is no such team, or it was never accepted.
    TeamNotFound,
    /// There is no such organization, or it was never accepted.
    OrganizationNotFound,
    /// There is no such virtual key.
    VirtualKeyNotFound,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
