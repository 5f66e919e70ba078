//! What is signed with.

use crate::Secret;

/// What AWS calls credentials. The id of the access key is no secret: it stands in every signed request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AwsCredentials {
    /// The id of the access key.
    pub access_key: String,
    /// The secret access key.
    pub secret_key: Secret,
    /// Sent along with keys that are good for a time only.
    pub session_token: Option<Secret>,
}
