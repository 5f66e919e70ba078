//! A key's value: supplied in a Secret, or made by the installation. Only its digest goes on.

use std::collections::{BTreeMap, BTreeSet};

use fairlead_crds::SECRET_VIRTUAL_KEY;
use fairlead_crds::v1alpha1::{KeySource, KeySourceType};
use fairlead_snapshot::{Digest, KeyDigest, ObjectName};

use crate::credential::SECRET_KEY;
use crate::finding::{Finding, Reason};
use crate::path::Path;
use crate::secret::{Secrets, Wanted, labelled, token};

/// A supplied value has at least so many characters: shorter ones can be guessed.
const SHORTEST: usize = 32;
/// And at most so many, so that it fits a header with room to spare.
const LONGEST: usize = 512;

/// A value that is still to be made: the shell makes it, stores it in a Secret of its own, and compiles again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WantedKey {
    /// The virtual key.
    pub key: ObjectName,
    /// The Secret to create, labelled `fairlead.dev/secret: virtual-key`.
    pub secret: ObjectName,
    /// The key in the Secret under which the value goes.
    pub data_key: String,
}

/// The Secrets that are to be made, each for one virtual key.
#[derive(Debug, Default)]
pub(crate) struct Claims(BTreeMap<ObjectName, WantedKey>);

impl Claims {
    /// What is to be made, in the order of the Secrets' names.
    pub(crate) fn into_wanted(self) -> Vec<WantedKey> {
        self.0.into_values().collect()
    }

    /// Claims a Secret; whoever claimed it before keeps it.
    fn claim(&mut self, wanted: &WantedKey) -> Result<(), ObjectName> {
        let holder = self
            .0
            .entry(wanted.secret.clone())
            .or_insert_with(|| wanted.clone());
        if holder.key == wanted.key {
            Ok(())
        } else {
            Err(holder.key.clone())
        }
    }
}

/// The digest of a key's value; `None` while it is still to be made, and of a key that is presented by tokens.
pub(super) fn digest(
    key: &ObjectName,
    source: &KeySource,
    secrets: &Secrets,
    claims: &mut Claims,
) -> Result<Option<KeyDigest>, Finding> {
    let Some(reference) = &source.secret_ref else {
        return Ok(None);
    };
    let wanted = Wanted {
        namespace: &key.namespace,
        name: reference.name.as_str(),
        key: reference
            .key
            .as_ref()
            .map_or(SECRET_KEY, |key| key.as_str()),
        label: SECRET_VIRTUAL_KEY,
        path: Path::of("spec").field("key").field("secretRef"),
    };
    if source.kind == KeySourceType::Generate {
        let conflict = |message: String| Finding::new(&wanted.path, Reason::Conflict, message);
        let Some(secret) = secrets.get(&wanted.secret()) else {
            let claimed = claims.claim(&WantedKey {
                key: key.clone(),
                secret: wanted.secret(),
                data_key: wanted.key.to_owned(),
            });
            return claimed.map(|()| None).map_err(|holder| {
                conflict(format!(
                    "the Secret {} will be made for the VirtualKey {holder}; name another",
                    wanted.secret()
                ))
            });
        };
        if secret.generated_for.as_ref() != Some(key) {
            return Err(conflict(format!(
                "the Secret {} is there already and was not made for this key; name another, or use type: SecretRef",
                wanted.secret()
            )));
        }
    }
    let value = wanted.token(secrets)?;
    if !(SHORTEST..=LONGEST).contains(&value.len()) {
        return Err(wanted.invalid(&format!(
            "must have {SHORTEST} to {LONGEST} characters; make one with `openssl rand -hex 24`"
        )));
    }
    Ok(Some(Digest::of_bytes(value.as_bytes())))
}

/// The digests of all values that the Secrets of a namespace, labelled for it, hold.
pub(super) fn offered(namespace: &str, secrets: &Secrets) -> BTreeSet<KeyDigest> {
    labelled(secrets, namespace, SECRET_VIRTUAL_KEY)
        .flat_map(|secret| secret.data.values())
        .filter_map(token)
        .map(|value| Digest::of_bytes(value.as_bytes()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_for_one_key_only() {
        let wanted = |key: &str, data_key: &str| WantedKey {
            key: ObjectName::new("a", key),
            secret: ObjectName::new("a", "s"),
            data_key: data_key.to_owned(),
        };
        let mut claims = Claims::default();
        assert_eq!(claims.claim(&wanted("first", "apiKey")), Ok(()));
        assert_eq!(claims.claim(&wanted("first", "apiKey")), Ok(()));
        assert_eq!(
            claims.claim(&wanted("second", "other")),
            Err(ObjectName::new("a", "first"))
        );
        assert_eq!(claims.into_wanted(), [wanted("first", "apiKey")]);
    }
}
