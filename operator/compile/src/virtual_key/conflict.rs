//! Two keys with one value, or for the same tokens: nobody could say who is calling, so only one of them may have it.
//!
//! The one that has it in the live snapshot keeps it: whoever learns a value cannot take its traffic over, neither with a new object nor with
//! one that is older than the holder. Where none of them has it yet, the older object wins, then the first by name.
//!
//! A value is a secret, so it is one over all namespaces. What a key says of tokens anybody can write down: it is compared within a namespace
//! only, so that no tenant learns, takes or blocks what another takes; whose a token is says the token (`gateway/admit/src/tokens.rs`).

use std::collections::{BTreeMap, BTreeSet};

use fairlead_crds::v1alpha1::VirtualKey;
use fairlead_snapshot::{Issuer, Key, KeyDigest, ObjectName, Oidc, Refusal};

use crate::finding::{Finding, Reason};
use crate::object::Object;
use crate::path::Path;
use crate::previous::Past;
use fairlead_snapshot::order::age;

/// So many places of issuers' keys may the keys of a namespace name: each is asked again and again.
const MOST_ISSUERS: usize = 16;

/// Takes the value, or the tokens, away from every key that is not the first to have them.
pub(crate) fn settle(
    keys: &mut BTreeMap<ObjectName, Key>,
    objects: &mut [Object<'_, VirtualKey>],
    past: &Past<'_>,
) {
    let mut order: Vec<&mut Object<'_, VirtualKey>> = objects.iter_mut().collect();
    order.sort_by_key(|object| {
        let held_before = keys
            .get(&object.name)
            .zip(past.key(&object.name))
            .is_some_and(|(now, before)| holds(now, before));
        (!held_before, age(object.created), object.name.clone())
    });
    let mut taken = Taken::default();
    for object in order {
        let Some(key) = keys.get_mut(&object.name) else {
            continue;
        };
        if let Err((finding, refusal)) = taken.take(&object.name, key) {
            (key.digest, key.oidc) = (None, None);
            key.refused = Some(refusal);
            object.fault(finding);
        }
    }
}

/// Whether a key has had before what it has now.
fn holds(now: &Key, before: &Key) -> bool {
    let value = now.digest.is_some() && now.digest == before.digest;
    let tokens = now.oidc.as_ref().zip(before.oidc.as_ref());
    value || tokens.is_some_and(|(now, before)| now.takes_the_same(before))
}

/// What keys have already.
#[derive(Default)]
struct Taken {
    values: BTreeSet<KeyDigest>,
    /// By namespaces, and whose tokens.
    tokens: BTreeMap<(String, String), Vec<Oidc>>,
    issuers: BTreeMap<String, BTreeSet<Issuer>>,
}

impl Taken {
    fn take(&mut self, name: &ObjectName, key: &Key) -> Result<(), (Finding, Refusal)> {
        if let Some(digest) = &key.digest
            && !self.values.insert(digest.clone())
        {
            // Whose it is stays unsaid: it may be another tenant's.
            let message =
                "another VirtualKey had the same value first; give this one a value of its own";
            return Err(conflict("secretRef", message));
        }
        let Some(oidc) = &key.oidc else {
            return Ok(());
        };
        let place = (name.namespace.clone(), oidc.issuer.name.clone());
        let tokens = self.tokens.entry(place).or_default();
        if tokens.iter().any(|taken| taken.takes_the_same(oidc)) {
            let message = "another VirtualKey of the namespace took the same tokens first: issuer, audiences and claims are the same; say more of the tokens of this one";
            return Err(conflict("oidc", message));
        }
        let issuers = self.issuers.entry(name.namespace.clone()).or_default();
        if issuers.len() >= MOST_ISSUERS && !issuers.contains(&oidc.issuer) {
            let message = format!(
                "the VirtualKeys of the namespace name {MOST_ISSUERS} issuers already; take one of these, or have the platform team keep a key in the gateway's namespace"
            );
            let finding = Finding::new(&field("oidc"), Reason::TooLarge, message);
            return Err((finding, Refusal::NoValue));
        }
        tokens.push(oidc.clone());
        issuers.insert(oidc.issuer.clone());
        Ok(())
    }
}

fn field(name: &str) -> Path {
    Path::of("spec").field("key").field(name)
}

fn conflict(name: &str, message: &str) -> (Finding, Refusal) {
    let finding = Finding::new(&field(name), Reason::Conflict, message);
    (finding, Refusal::Conflict)
}
