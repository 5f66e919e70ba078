//! Values that are never shown, and those of credentials, which travel beside the snapshot.

use std::collections::BTreeMap;
use std::fmt;

use crate::CredentialId;

/// Over how many Secrets the values are spread, because Kubernetes takes none above 1 MiB. Fixed, so that they can be granted by name.
pub const CREDENTIAL_PARTS: usize = 8;
/// The most that one of the Secrets holds, in bytes of ids and values.
pub const CREDENTIAL_PART_BYTES: usize = 896 * 1024;
/// The most that all values of a configuration may be, in bytes of ids and values: less than the Secrets hold, so that those which are being
/// replaced have room beside them.
pub const CREDENTIALS_BYTES: usize = 5 * 1024 * 1024;

/// The values of the credentials that a snapshot names. Printing shows how many there are.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Credentials(BTreeMap<CredentialId, SecretBytes>);

impl Credentials {
    /// The value to send.
    #[must_use]
    pub fn get(&self, id: &CredentialId) -> Option<&SecretBytes> {
        self.0.get(id)
    }

    /// All values, in the order of their ids.
    pub fn iter(&self) -> impl Iterator<Item = (&CredentialId, &SecretBytes)> {
        self.0.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How much room they take, their ids included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let bytes = |(id, value): (&CredentialId, &SecretBytes)| id.as_str().len() + value.len();
        self.0.iter().map(bytes).sum()
    }

    /// Takes others into keeping.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Takes a value into keeping, under its id.
    pub fn keep(&mut self, id: CredentialId, value: &str) -> CredentialId {
        self.0.insert(id.clone(), SecretBytes::new(value));
        id
    }
}

impl FromIterator<(CredentialId, SecretBytes)> for Credentials {
    fn from_iter<I: IntoIterator<Item = (CredentialId, SecretBytes)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({})", self.0.len())
    }
}

/// A value that is never shown: printing says how long it is, and there is no way to serialise it.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SecretBytes(Vec<u8>);

impl SecretBytes {
    /// Takes a value into keeping.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Self {
        Self(bytes.into())
    }

    /// How long it is, in bytes.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether it is of no length.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value itself. Every call is a place to look at.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for SecretBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretBytes({} bytes)", self.0.len())
    }
}
