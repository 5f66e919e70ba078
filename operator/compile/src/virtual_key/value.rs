//! A key's value: supplied in a Secret, or made by the installation. Only its digest goes on, and that of the value before.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fairlead_crds::SECRET_VIRTUAL_KEY;
use fairlead_crds::v1alpha1::{KeySourceType, VirtualKeySpec};
use fairlead_snapshot::{Digest, KeyDigest, ObjectName, Previous};

use crate::credential::SECRET_KEY;
use crate::finding::{Finding, Reason};
use crate::path::Path;
use crate::secret::{Secret, Secrets, Wanted, labelled, token};

use super::rotation::{self, Asked, Known, Plan, WantedRotation, previous_key};

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
    /// The request to rotate that a new value serves: what the annotation `fairlead.dev/rotate` of the virtual key says.
    pub served: Option<String>,
}

/// What is to be done to Secrets.
#[derive(Debug, Default)]
pub(crate) struct Claims {
    /// Those that are to be made, each for one virtual key.
    pub(crate) wanted: BTreeMap<ObjectName, WantedKey>,
    /// What is to be done to those that are there.
    pub(crate) rotations: Vec<WantedRotation>,
    /// When there will be more of that, seconds since 1970.
    pub(crate) next_rotation: Option<i64>,
}

impl Claims {
    /// Claims a Secret; whoever claimed it before keeps it.
    fn claim(&mut self, wanted: &WantedKey) -> Result<(), ObjectName> {
        let holder = self
            .wanted
            .entry(wanted.secret.clone())
            .or_insert_with(|| wanted.clone());
        if holder.key == wanted.key {
            Ok(())
        } else {
            Err(holder.key.clone())
        }
    }
}

/// The digests of a key's values.
#[derive(Debug, Default)]
pub(super) struct Value {
    /// Of the present one; `None` while it is still to be made.
    pub(super) digest: Option<KeyDigest>,
    /// Of the one before.
    pub(super) previous: Option<Previous>,
}

/// What a key says of its value.
pub(super) struct Source<'a> {
    pub(super) name: &'a ObjectName,
    pub(super) spec: &'a VirtualKeySpec,
    /// See [`rotation::request`].
    pub(super) request: Option<&'a str>,
}

impl Source<'_> {
    /// The digests of the key's values. What is to be done to its Secret is noted in `claims`.
    ///
    /// # Errors
    /// There is no value that can be used, and why.
    pub(super) fn value(
        &self,
        known: &Known<'_>,
        secrets: &Secrets,
        claims: &mut Claims,
    ) -> Result<(Value, Option<Finding>), Finding> {
        // One that is presented by tokens has none.
        let Some(reference) = &self.spec.key.secret_ref else {
            return Ok((Value::default(), None));
        };
        let wanted = Wanted {
            namespace: &self.name.namespace,
            name: reference.name.as_str(),
            key: reference
                .key
                .as_ref()
                .map_or(SECRET_KEY, |key| key.as_str()),
            label: SECRET_VIRTUAL_KEY,
            path: Path::of("spec").field("key").field("secretRef"),
        };
        let generated = self.spec.key.kind == KeySourceType::Generate;
        if generated && !self.has_secret(&wanted, secrets, claims)? {
            return Ok((Value::default(), None));
        }
        let value = wanted.token(secrets)?;
        if !(SHORTEST..=LONGEST).contains(&value.len()) {
            return Err(wanted.invalid(&format!(
                "must have {SHORTEST} to {LONGEST} characters; make one with `openssl rand -hex 24`"
            )));
        }
        let digest = Digest::of_bytes(value.as_bytes());
        let secret = secrets.get(&wanted.secret()).filter(|_| generated);
        let (previous, finding) = match secret {
            Some(secret) => self.previous(&wanted, &digest, secret, known, claims),
            None => (known.of_supplied(&digest), None),
        };
        let digest = Some(digest);
        Ok((Value { digest, previous }, finding))
    }

    /// Whether the Secret of a generated key is there; it is claimed if not.
    fn has_secret(
        &self,
        wanted: &Wanted<'_>,
        secrets: &Secrets,
        claims: &mut Claims,
    ) -> Result<bool, Finding> {
        let conflict = |message: String| Finding::new(&wanted.path, Reason::Conflict, message);
        let Some(secret) = secrets.get(&wanted.secret()) else {
            let claimed = claims.claim(&WantedKey {
                key: self.name.clone(),
                secret: wanted.secret(),
                data_key: wanted.key.to_owned(),
                served: self.request.map(str::to_owned),
            });
            return claimed.map(|()| false).map_err(|holder| {
                conflict(format!(
                    "the Secret {} will be made for the VirtualKey {holder}; name another",
                    wanted.secret()
                ))
            });
        };
        if secret.generated_for.as_ref() != Some(self.name) {
            return Err(conflict(format!(
                "the Secret {} is there already and was not made for this key; name another, or use type: SecretRef",
                wanted.secret()
            )));
        }
        Ok(true)
    }

    /// The value before a generated one, and what is to be done to its Secret.
    fn previous(
        &self,
        wanted: &Wanted<'_>,
        digest: &KeyDigest,
        secret: &Secret,
        known: &Known<'_>,
        claims: &mut Claims,
    ) -> (Option<Previous>, Option<Finding>) {
        let seen = &secret.rotation;
        let beside = previous_key(wanted.key);
        let previous = known.of_generated(digest, held(secret, &beside), seen.rotated_at);
        let suspended = known.suspended;
        let asked = Asked {
            name: self.name,
            every: self
                .spec
                .rotation
                .as_ref()
                .and_then(|rotation| Some(rotation.every.as_ref()?.to_duration())),
            overlap: known.overlap.unwrap_or_default(),
            request: self.request,
        };
        let finding = match asked.plan(seen, previous.as_ref(), known.now) {
            Plan::Now(mut step) => {
                if let rotation::RotationStep::Replace { overlap, .. } = &mut step
                    && suspended
                {
                    *overlap = Duration::ZERO;
                }
                let room = rotation::room_beside(wanted.key);
                if room.is_ok() {
                    claims.rotations.push(WantedRotation {
                        key: self.name.clone(),
                        secret: wanted.secret(),
                        data_key: wanted.key.to_owned(),
                        seen: seen.clone(),
                        step,
                    });
                }
                room.err()
            }
            Plan::At(at) => {
                let next = claims.next_rotation.into_iter().chain(at).min();
                claims.next_rotation = next;
                None
            }
        };
        (previous, finding)
    }
}

/// The value before, as it stands in the Secret of a generated key.
fn held(secret: &Secret, beside: &str) -> Option<Previous> {
    let until = secret.rotation.previous_until?;
    let value = token(secret.data.get(beside)?)?;
    let fits = (SHORTEST..=LONGEST).contains(&value.len());
    fits.then(|| Previous {
        digest: Digest::of_bytes(value.as_bytes()),
        until,
    })
}

/// What the Secrets of a namespace, labelled for it, hold.
#[derive(Debug, Default)]
pub(crate) struct Offered {
    /// The digests of all values.
    digests: BTreeSet<KeyDigest>,
    /// What took the place of generated values, by the key and the digest of the value before.
    successors: BTreeMap<(ObjectName, KeyDigest), (KeyDigest, i64)>,
}

impl Offered {
    /// Goes through them.
    pub(super) fn by(namespace: &str, secrets: &Secrets) -> Self {
        let mut offered = Self::default();
        for secret in labelled(secrets, namespace, SECRET_VIRTUAL_KEY) {
            let digest = |value| Some(Digest::of_bytes(token(value)?.as_bytes()));
            offered
                .digests
                .extend(secret.data.values().filter_map(digest));
            let Some(key) = &secret.generated_for else {
                continue;
            };
            for (data_key, value) in secret.data.iter() {
                if let (Some(before), Some(digest)) =
                    (held(secret, &previous_key(data_key)), digest(value))
                {
                    let at = (key.clone(), before.digest);
                    offered.successors.insert(at, (digest, before.until));
                }
            }
        }
        offered
    }

    /// Whether one of them still holds the value of this digest.
    pub(super) fn holds(&self, digest: &KeyDigest) -> bool {
        self.digests.contains(digest)
    }

    /// What took the place of this value of a generated key, and until when the value works beside it.
    pub(super) fn successor(
        &self,
        key: &ObjectName,
        digest: &KeyDigest,
    ) -> Option<&(KeyDigest, i64)> {
        self.successors.get(&(key.clone(), digest.clone()))
    }
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
            served: None,
        };
        let mut claims = Claims::default();
        assert_eq!(claims.claim(&wanted("first", "apiKey")), Ok(()));
        assert_eq!(claims.claim(&wanted("first", "apiKey")), Ok(()));
        assert_eq!(
            claims.claim(&wanted("second", "other")),
            Err(ObjectName::new("a", "first"))
        );
        let made: Vec<_> = claims.wanted.into_values().collect();
        assert_eq!(made, [wanted("first", "apiKey")]);
    }
}
