//! From a presented value to the key it belongs to.
//!
//! Keys are found by the SHA-256 of their value; the values themselves are nowhere in the process. How long a lookup takes depends on the
//! digest of what was presented, never on the bytes of a stored value: who could steer a digest towards a stored one, to learn it by timing,
//! could invert SHA-256. So an ordinary hash map will do, and nothing has to be compared in constant time.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;

use fairlead_snapshot::{Key, KeyDigest, Network, ObjectName, Previous, Refusal};
use sha2::{Digest as _, Sha256};

/// The longest value looked at, in bytes; longer ones are not even hashed. No key is accepted with a longer value.
const MAX_VALUE: usize = 512;

/// Every key there is, by the digests of its values. `C` is what the gateway keeps beside each.
#[derive(Debug)]
pub struct Keys<C> {
    by_digest: HashMap<[u8; 32], Place>,
    held: Vec<Held<C>>,
}

/// What a digest leads to.
#[derive(Debug, Clone, Copy)]
struct Place {
    /// The key's place among those that are held.
    at: usize,
    /// The moment from which the value is refused because another has taken its place, seconds since 1970.
    until: Option<i64>,
}

/// A key that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Admitted<C> {
    /// Whose it is.
    pub name: ObjectName,
    /// What the gateway keeps beside it.
    pub context: C,
}

/// Why a presented value opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No key has this value, or none that is in force.
    #[error(
        "the key is not known here; check its value, and that its VirtualKey is Accepted and has its Secret"
    )]
    Unknown,
    /// Its time is over.
    #[error("the key has expired; ask its owner for a new one, or to raise spec.expiresAt")]
    Expired,
    /// Its owner suspended it.
    #[error("the key is suspended; ask its owner to set spec.suspended to false")]
    Suspended,
    /// Whom it belongs to is missing.
    #[error(
        "the team of the key, or the team's organization, is not there or does not take it, so that their limits would not hold; its owner sees in the condition ResolvedRefs of the VirtualKey what is missing"
    )]
    Ownerless,
    /// The caller connects from somewhere else than its callers do.
    #[error(
        "the key is not for callers from this address; ask its owner to add the network to spec.networks"
    )]
    Elsewhere,
    /// It has another value now, and the time of this one is over.
    #[error("the key was rotated and this value is no longer valid; use its new value")]
    Rotated,
}

/// A key, with what may stand against its use.
#[derive(Debug)]
pub(crate) struct Held<C> {
    admitted: Admitted<C>,
    refused: Option<Refused>,
    /// Seconds since 1970.
    expires_at: Option<i64>,
    /// Where its callers connect from; empty: anywhere.
    networks: Vec<Network>,
}

impl<C> Held<C> {
    pub(crate) fn new(name: ObjectName, key: &Key, context: C) -> Self {
        Self {
            admitted: Admitted { name, context },
            refused: key.refused.map(refused),
            expires_at: key.expires_at,
            networks: key.networks.clone(),
        }
    }

    /// Whose it is.
    pub(crate) fn name(&self) -> &ObjectName {
        &self.admitted.name
    }

    /// The key, if it may be used now, `now` being in seconds since 1970, by a caller from the address that `from` finds. From elsewhere nothing
    /// else is told of it: a value or token that was stolen does not say how the key does.
    pub(crate) fn admit(
        &self,
        now: i64,
        from: impl FnOnce() -> Option<IpAddr>,
    ) -> Result<&Admitted<C>, Refused> {
        let is_at = |address: IpAddr| {
            self.networks
                .iter()
                .any(|network| network.contains(address))
        };
        if !self.networks.is_empty() && !from().is_some_and(is_at) {
            return Err(Refused::Elsewhere);
        }
        match self.refused {
            Some(refused) => Err(refused),
            None if self.expires_at.is_some_and(|at| at <= now) => Err(Refused::Expired),
            None => Ok(&self.admitted),
        }
    }
}

impl<C> Keys<C> {
    /// Indexes keys. Of two with one digest the first stays: the compiler has refused the other already.
    pub fn build<'a>(keys: impl IntoIterator<Item = (ObjectName, &'a Key, C)>) -> Self {
        let mut by_digest = HashMap::new();
        let mut held = Vec::new();
        let mut before: Vec<(&Previous, usize)> = Vec::new();
        for (name, key, context) in keys {
            // A key in conflict must not take the place of the one it is in conflict with.
            let in_conflict = key.refused == Some(Refusal::Conflict);
            let Some(digest) = key.digest.as_ref().filter(|_| !in_conflict).and_then(bytes) else {
                continue;
            };
            if let Entry::Vacant(entry) = by_digest.entry(digest) {
                let at = held.len();
                entry.insert(Place { at, until: None });
                before.extend(key.previous.iter().map(|previous| (previous, at)));
                held.push(Held::new(name, key, context));
            }
        }
        // Last, so that what was a key's value takes the place of none that is one.
        for (previous, at) in before {
            if let Some(digest) = bytes(&previous.digest) {
                let until = Some(previous.until);
                by_digest.entry(digest).or_insert(Place { at, until });
            }
        }
        Self { by_digest, held }
    }

    /// The key whose value was presented. `now` is in seconds since 1970; `from` says where the caller connects from, if that can be known, and is
    /// asked only where it matters.
    ///
    /// # Errors
    /// Says why there is none.
    pub fn find(
        &self,
        presented: &[u8],
        now: i64,
        from: impl FnOnce() -> Option<IpAddr>,
    ) -> Result<&Admitted<C>, Refused> {
        if presented.len() > MAX_VALUE {
            return Err(Refused::Unknown);
        }
        let digest: [u8; 32] = Sha256::digest(presented).into();
        self.find_digest(&digest, now, from)
    }

    /// The same by the SHA-256 of what was presented.
    ///
    /// # Errors
    /// Says why there is none.
    pub fn find_digest(
        &self,
        digest: &[u8; 32],
        now: i64,
        from: impl FnOnce() -> Option<IpAddr>,
    ) -> Result<&Admitted<C>, Refused> {
        let place = self.by_digest.get(digest).ok_or(Refused::Unknown)?;
        let held = self.held.get(place.at).ok_or(Refused::Unknown)?;
        let admitted = held.admit(now, from)?;
        if place.until.is_some_and(|end| end <= now) {
            return Err(Refused::Rotated);
        }
        Ok(admitted)
    }

    /// How many keys can be found, refused ones included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.held.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }
}

/// What a caller is told. Of the reasons that are no business of who merely holds a value, nothing.
fn refused(refusal: Refusal) -> Refused {
    match refusal {
        Refusal::Suspended => Refused::Suspended,
        Refusal::NoTeam | Refusal::NoOrganization => Refused::Ownerless,
        Refusal::NoValue | Refusal::Conflict => Refused::Unknown,
    }
}

/// The bytes of a digest; `None` if it is not 64 hexadecimal digits.
fn bytes(digest: &KeyDigest) -> Option<[u8; 32]> {
    let (pairs, rest) = digest.as_str().as_bytes().as_chunks::<2>();
    if pairs.len() != 32 || !rest.is_empty() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(pairs) {
        *byte = (nibble(pair[0])? << 4) | nibble(pair[1])?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use fairlead_snapshot::{Allow, Digest};

    const VALUE: &[u8] = b"sk-0123456789abcdef0123456789abcdef";

    fn key(value: &[u8]) -> Key {
        Key {
            digest: Some(Digest::of_bytes(value)),
            oidc: None,
            networks: Vec::new(),
            previous: None,
            refused: None,
            expires_at: None,
            team: None,
            organization: None,
            allow: Allow::default(),
            limits: fairlead_snapshot::Limits::default(),
        }
    }

    fn keys(named: &[(&str, &Key)]) -> Keys<usize> {
        Keys::build(
            named
                .iter()
                .enumerate()
                .map(|(at, (name, key))| (ObjectName::new("search", *name), *key, at)),
        )
    }

    fn found(keys: &Keys<usize>, value: &[u8]) -> Result<String, Refused> {
        keys.find(value, 0, || None)
            .map(|admitted| admitted.name.name.clone())
    }

    #[test]
    fn finds_each_key_by_its_value_and_brings_its_context() {
        let keys = keys(&[("one", &key(VALUE)), ("two", &key(b"other"))]);
        assert_eq!(found(&keys, VALUE), Ok("one".to_owned()));
        assert_eq!(keys.find(b"other", 0, || None).unwrap().context, 1);
        assert_eq!(keys.len(), 2);
    }

    #[test]
    fn refuses_a_value_that_no_key_has() {
        let keys = keys(&[("one", &key(VALUE))]);
        assert_eq!(found(&keys, b""), Err(Refused::Unknown));
        assert_eq!(found(&keys, &VALUE[1..]), Err(Refused::Unknown));
        assert_eq!(
            found(&keys, Digest::of_bytes(VALUE).as_str().as_bytes()),
            Err(Refused::Unknown)
        );
    }

    #[test]
    fn refuses_a_value_over_512_bytes_even_if_a_key_has_it() {
        let (longest, longer) = (vec![b'k'; 512], vec![b'k'; 513]);
        let keys = keys(&[("longest", &key(&longest)), ("longer", &key(&longer))]);
        assert_eq!(found(&keys, &longest), Ok("longest".to_owned()));
        assert_eq!(found(&keys, &longer), Err(Refused::Unknown));
    }

    #[test]
    fn refuses_an_expired_key_from_its_very_second_on() {
        let keys = keys(&[(
            "one",
            &Key {
                expires_at: Some(1_000),
                ..key(VALUE)
            },
        )]);
        assert!(keys.find(VALUE, 999, || None).is_ok());
        assert_eq!(
            keys.find(VALUE, 1_000, || None).unwrap_err(),
            Refused::Expired
        );
    }

    const BEFORE: &[u8] = b"sk-before-0123456789abcdef0123456789";

    /// A key whose value before is refused from second 1,000 on.
    fn rotated() -> Key {
        Key {
            previous: Some(Previous {
                digest: Digest::of_bytes(BEFORE),
                until: 1_000,
            }),
            ..key(VALUE)
        }
    }

    #[test]
    fn the_value_before_opens_the_same_key_until_its_very_second() {
        let keys = keys(&[("bystander", &key(b"other")), ("one", &rotated())]);
        for value in [VALUE, BEFORE] {
            let admitted = keys.find(value, 999, || None).unwrap();
            assert_eq!((admitted.name.name.as_str(), admitted.context), ("one", 1));
        }
        assert_eq!(
            keys.find(BEFORE, 1_000, || None).unwrap_err(),
            Refused::Rotated
        );
        assert!(keys.find(VALUE, 1_000, || None).is_ok());
        assert!(keys.find(b"other", 1_000, || None).is_ok());
        assert_eq!(keys.len(), 2, "it is one key");
    }

    #[test]
    fn what_refuses_a_key_refuses_the_value_before_too() {
        for (more, refused) in [
            (
                Key {
                    refused: Some(Refusal::Suspended),
                    ..rotated()
                },
                Refused::Suspended,
            ),
            (
                Key {
                    refused: Some(Refusal::Conflict),
                    ..rotated()
                },
                Refused::Unknown,
            ),
            (
                Key {
                    digest: None,
                    refused: Some(Refusal::NoValue),
                    ..rotated()
                },
                Refused::Unknown,
            ),
            (
                Key {
                    expires_at: Some(-1),
                    ..rotated()
                },
                Refused::Expired,
            ),
        ] {
            assert_eq!(found(&keys(&[("one", &more)]), BEFORE), Err(refused));
        }
    }

    #[test]
    fn a_value_before_takes_the_place_of_no_value() {
        for order in [["one", "two"], ["two", "one"]] {
            let (one, two) = (rotated(), key(BEFORE));
            let named = order.map(|name| (name, if name == "one" { &one } else { &two }));
            assert_eq!(found(&keys(&named), BEFORE), Ok("two".to_owned()));
        }
    }

    #[test]
    fn a_suspended_key_is_told_so_even_when_it_has_expired() {
        let keys = keys(&[(
            "one",
            &Key {
                refused: Some(Refusal::Suspended),
                expires_at: Some(-1),
                ..key(VALUE)
            },
        )]);
        assert_eq!(found(&keys, VALUE), Err(Refused::Suspended));
    }

    #[test]
    fn a_key_with_networks_is_good_from_there_alone_and_tells_nothing_elsewhere() {
        let narrow = Key {
            networks: vec![
                "10.1.0.0/16".parse().unwrap(),
                "2001:db8::/32".parse().unwrap(),
            ],
            ..key(VALUE)
        };
        let from = |key: &Key, address: &str| {
            let address = address.parse().ok();
            keys(&[("one", key)]).find(VALUE, 0, || address).map(|_| ())
        };
        for inside in ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::1"] {
            assert_eq!(from(&narrow, inside), Ok(()), "{inside}");
        }
        for outside in ["10.2.0.1", "::1", "2001:db9::1", "unknown"] {
            assert_eq!(from(&narrow, outside), Err(Refused::Elsewhere), "{outside}");
        }
        let suspended = Key {
            refused: Some(Refusal::Suspended),
            ..narrow
        };
        assert_eq!(from(&suspended, "10.2.0.1"), Err(Refused::Elsewhere));
        assert_eq!(from(&suspended, "10.1.2.3"), Err(Refused::Suspended));
        assert_eq!(from(&key(VALUE), "unknown"), Ok(()));
    }

    #[test]
    fn what_a_key_lacks_is_told_where_it_says_nothing_of_others() {
        for (refusal, told) in [
            (Refusal::NoValue, Refused::Unknown),
            (Refusal::Conflict, Refused::Unknown),
            (Refusal::NoTeam, Refused::Ownerless),
            (Refusal::NoOrganization, Refused::Ownerless),
        ] {
            let keys = keys(&[(
                "one",
                &Key {
                    refused: Some(refusal),
                    ..key(VALUE)
                },
            )]);
            assert_eq!(found(&keys, VALUE), Err(told), "{refusal:?}");
        }
    }

    #[test]
    fn of_two_keys_with_one_value_the_first_stays_unless_it_is_the_one_in_conflict() {
        let conflicting = Key {
            refused: Some(Refusal::Conflict),
            ..key(VALUE)
        };
        assert_eq!(
            found(&keys(&[("a", &conflicting), ("b", &key(VALUE))]), VALUE),
            Ok("b".to_owned())
        );
        assert_eq!(
            found(&keys(&[("a", &key(VALUE)), ("b", &key(VALUE))]), VALUE),
            Ok("a".to_owned())
        );
    }

    #[test]
    fn a_key_without_its_team_does_not_leave_its_value_to_another() {
        let teamless = Key {
            refused: Some(Refusal::NoTeam),
            ..key(VALUE)
        };
        assert_eq!(
            found(&keys(&[("a", &teamless), ("b", &key(VALUE))]), VALUE),
            Err(Refused::Ownerless)
        );
    }

    #[test]
    fn skips_a_key_whose_digest_is_missing_or_malformed() {
        for digest in [
            "",
            "ab",
            &"0".repeat(63),
            &"0".repeat(66),
            &"g".repeat(64),
            &"é".repeat(32),
        ] {
            let malformed: Digest =
                serde_json::from_value(serde_json::Value::String(digest.to_owned())).unwrap();
            assert!(
                keys(&[(
                    "one",
                    &Key {
                        digest: Some(malformed),
                        ..key(VALUE)
                    }
                )])
                .is_empty(),
                "{digest}"
            );
        }
        assert!(
            keys(&[(
                "one",
                &Key {
                    digest: None,
                    ..key(VALUE)
                }
            )])
            .is_empty()
        );
    }
}
