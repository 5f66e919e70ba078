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
mod tests;
