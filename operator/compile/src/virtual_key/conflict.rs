//! Two keys with one value: nobody could say who is calling, so only one of them may have it.
//!
//! The one that has it in the live snapshot keeps it: whoever learns a value cannot take its traffic over, neither with a new object nor with
//! one that is older than the holder. Where none of them has it yet, the older object wins, then the first by name.

use std::collections::{BTreeMap, BTreeSet};

use fairlead_crds::v1alpha1::VirtualKey;
use fairlead_snapshot::{Key, KeyDigest, ObjectName, Refusal};

use crate::finding::{Finding, Reason};
use crate::object::Object;
use crate::path::Path;
use crate::previous::Past;
use fairlead_snapshot::order::age;

/// Takes the value away from every key that is not the first to have it.
pub(crate) fn settle(
    keys: &mut BTreeMap<ObjectName, Key>,
    objects: &mut [Object<'_, VirtualKey>],
    past: &Past<'_>,
) {
    let mut order: Vec<&mut Object<'_, VirtualKey>> = objects.iter_mut().collect();
    order.sort_by_key(|object| {
        let now = keys.get(&object.name).and_then(|key| key.digest.as_ref());
        let held_before =
            now.is_some() && past.key(&object.name).and_then(|key| key.digest.as_ref()) == now;
        (!held_before, age(object.created), object.name.clone())
    });
    let mut taken: BTreeSet<KeyDigest> = BTreeSet::new();
    for object in order {
        let Some(key) = keys.get_mut(&object.name) else {
            continue;
        };
        let Some(digest) = key.digest.clone() else {
            continue;
        };
        if taken.contains(&digest) {
            key.digest = None;
            key.refused = Some(Refusal::Conflict);
            // Whose it is stays unsaid: it may be another tenant's.
            let message =
                "another VirtualKey had the same value first; give this one a value of its own";
            object.fault(Finding::new(
                &Path::of("spec").field("key").field("secretRef"),
                Reason::Conflict,
                message,
            ));
        } else {
            taken.insert(digest);
        }
    }
}
