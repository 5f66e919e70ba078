//! Two keys with one value, or for the same tokens: nobody could say who is calling, so only one of them may have it.
//!
//! The one that has it in the live snapshot keeps it: whoever learns a value cannot take its traffic over, neither with a new object nor with
//! one that is older than the holder. Where none of them has it yet, the older object wins, then the first by name. The value that a key had before
//! its present one is the key's as well, for as long as it is remembered.

mod tokens;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use fairlead_crds::v1alpha1::VirtualKey;
use fairlead_snapshot::order::age;
use fairlead_snapshot::{Key, KeyDigest, ObjectName, Refusal};

use crate::finding::{Finding, Reason};
use crate::object::Object;
use crate::path::Path;
use crate::previous::Past;

/// One value of one key.
struct Claim {
    /// Who comes first: whoever has the value already, then older objects, then the first by name.
    rank: (bool, i64, ObjectName),
    digest: KeyDigest,
    /// Whether it is the present value, rather than the one before.
    is_present: bool,
    /// The key's place among the objects.
    at: usize,
}

/// Takes the value, or the tokens, away from every key that is not the first to have them.
pub(crate) fn settle(
    keys: &mut BTreeMap<ObjectName, Key>,
    objects: &mut [Object<'_, VirtualKey>],
    past: &Past<'_>,
) {
    values(keys, objects, past);
    tokens::settle(keys, objects, past);
}

/// A value is a secret, so it is one over all namespaces.
fn values(
    keys: &mut BTreeMap<ObjectName, Key>,
    objects: &mut [Object<'_, VirtualKey>],
    past: &Past<'_>,
) {
    let mut taken: BTreeMap<KeyDigest, usize> = BTreeMap::new();
    for claim in claims(keys, objects, past) {
        let holder = match taken.entry(claim.digest) {
            Entry::Vacant(place) => {
                place.insert(claim.at);
                continue;
            }
            Entry::Occupied(place) => *place.get(),
        };
        let object = &mut objects[claim.at];
        let Some(key) = keys.get_mut(&object.name).filter(|_| holder != claim.at) else {
            continue;
        };
        let path = Path::of("spec").field("key").field("secretRef");
        key.previous = None;
        // Whose it is stays unsaid: it may be another tenant's.
        if claim.is_present {
            key.digest = None;
            key.refused = Some(Refusal::Conflict);
            let message =
                "another VirtualKey had the same value first; give this one a value of its own";
            object.fault(Finding::new(&path, Reason::Conflict, message));
        } else {
            let message = "the value that this key had before the present one is another VirtualKey's, so only the present one works";
            object.also(vec![Finding::new(&path, Reason::Conflict, message)]);
        }
    }
}

/// All values of all keys, in the order in which they are given.
fn claims(
    keys: &BTreeMap<ObjectName, Key>,
    objects: &[Object<'_, VirtualKey>],
    past: &Past<'_>,
) -> Vec<Claim> {
    let mut claims = Vec::new();
    for (at, object) in objects.iter().enumerate() {
        let before = past.key(&object.name);
        let of_key = keys.get(&object.name).into_iter().flat_map(values_of);
        claims.extend(of_key.map(|(is_present, digest)| {
            let mut held = before.into_iter().flat_map(values_of);
            let is_new = !held.any(|(_, held)| held == digest);
            Claim {
                rank: (is_new, age(object.created), object.name.clone()),
                digest: digest.clone(),
                is_present,
                at,
            }
        }));
    }
    claims.sort_by(|a, b| a.rank.cmp(&b.rank));
    claims
}

/// The present value, and the one before.
fn values_of(key: &Key) -> impl Iterator<Item = (bool, &KeyDigest)> {
    let before = key.previous.iter().map(|previous| &previous.digest);
    let present = key.digest.iter().map(|digest| (true, digest));
    present.chain(before.map(|digest| (false, digest)))
}
