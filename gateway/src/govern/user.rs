//! The end user that a request is for, as far as it says: a header, or the body's `user`.

use http::HeaderMap;
use sha2::{Digest as _, Sha256};

/// The header that names one. It goes before the body's member.
pub(crate) const HEADER: &str = "x-fairlead-user";

/// What a header says of the end user.
#[must_use]
pub(crate) fn of_header(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(HEADER)?.to_str().ok()?.trim();
    (!value.is_empty()).then_some(value)
}

/// A name that says nothing of who it is, and is as long for everybody.
#[must_use]
pub(crate) fn digest(user: &str) -> String {
    let digest = Sha256::digest(user.as_bytes());
    digest
        .iter()
        .take(12)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
