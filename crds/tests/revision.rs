//! A change of the schemas raises the revision: operators compare it with what is installed.
#![cfg(test)]

use sha2::{Digest as _, Sha256};

/// The revision, and the digest of all manifests at it.
const RECORDED: (u32, &str) = (4, "befa918f6334e22c");

#[test]
fn a_changed_schema_has_a_higher_revision() {
    let mut hash = Sha256::new();
    for (_, text) in fairlead_crds::manifests() {
        hash.update(text);
    }
    let digest: String = hash
        .finalize()
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(
        (fairlead_crds::REVISION, digest.as_str()),
        RECORDED,
        "the manifests changed: if a released chart carries the recorded ones, raise fairlead_crds::REVISION; then record both here"
    );
}
