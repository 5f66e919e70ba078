//! Two keys for the same tokens. What a key says of tokens anybody can write down: it is compared within a namespace only, so that no tenant learns,
//! takes or blocks what another takes; whose a token is says the token (`gateway/admit/src/tokens.rs`).

use std::collections::{BTreeMap, BTreeSet};

use fairlead_crds::v1alpha1::VirtualKey;
use fairlead_snapshot::order::age;
use fairlead_snapshot::{Issuer, Key, ObjectName, Oidc, Refusal};

use crate::finding::{Finding, Reason};
use crate::object::Object;
use crate::path::Path;
use crate::previous::Past;

/// So many places of issuers' keys may the keys of a namespace name: each is asked again and again.
const MOST_ISSUERS: usize = 16;
/// So many keys of a namespace may take tokens of one issuer: each is looked at for a token that nobody has vouched for yet.
const MOST_KEYS: usize = 512;

/// Takes the tokens away from every key that is not the first to have them.
pub(super) fn settle(
    keys: &mut BTreeMap<ObjectName, Key>,
    objects: &mut [Object<'_, VirtualKey>],
    past: &Past<'_>,
) {
    let by_token = |key: &Key| key.oidc.is_some();
    let mut order: Vec<&mut Object<'_, VirtualKey>> = objects
        .iter_mut()
        .filter(|object| keys.get(&object.name).is_some_and(by_token))
        .collect();
    order.sort_by_cached_key(|object| {
        let before = past.key(&object.name);
        let is_new = !keys
            .get(&object.name)
            .zip(before)
            .is_some_and(|(now, before)| holds(now, before));
        (is_new, age(object.created), object.name.clone())
    });
    let mut taken = Taken::default();
    for object in order {
        let Some(key) = keys.get_mut(&object.name) else {
            continue;
        };
        if let Err((finding, refusal)) = taken.take(&object.name, key) {
            key.oidc = None;
            key.refused = Some(refusal);
            object.fault(finding);
        }
    }
}

/// Whether a key has taken before what it takes now.
fn holds(now: &Key, before: &Key) -> bool {
    let tokens = now.oidc.as_ref().zip(before.oidc.as_ref());
    tokens.is_some_and(|(now, before)| now.takes_the_same(before))
}

/// What keys take already.
#[derive(Default)]
struct Taken {
    /// By namespaces, and whose tokens.
    tokens: BTreeMap<(String, String), Vec<Oidc>>,
    issuers: BTreeMap<String, BTreeSet<Issuer>>,
}

impl Taken {
    fn take(&mut self, name: &ObjectName, key: &Key) -> Result<(), (Finding, Refusal)> {
        let Some(oidc) = &key.oidc else {
            return Ok(());
        };
        let path = Path::of("spec").field("key").field("oidc");
        let place = (name.namespace.clone(), oidc.issuer.name.clone());
        let tokens = self.tokens.entry(place).or_default();
        if tokens.iter().any(|taken| taken.takes_the_same(oidc)) {
            let message = "another VirtualKey of the namespace took the same tokens first: issuer, audiences and claims are the same; say more of the tokens of this one";
            let finding = Finding::new(&path, Reason::Conflict, message);
            return Err((finding, Refusal::Conflict));
        }
        if tokens.len() >= MOST_KEYS {
            let message = format!(
                "{MOST_KEYS} VirtualKeys of the namespace take tokens of this issuer already; let one take several callers"
            );
            let finding = Finding::new(&path, Reason::TooLarge, message);
            return Err((finding, Refusal::NoValue));
        }
        let issuers = self.issuers.entry(name.namespace.clone()).or_default();
        if issuers.len() >= MOST_ISSUERS && !issuers.contains(&oidc.issuer) {
            let message = format!(
                "the VirtualKeys of the namespace name {MOST_ISSUERS} issuers already; take one of these, or have the platform team keep a key in the gateway's namespace"
            );
            let finding = Finding::new(&path, Reason::TooLarge, message);
            return Err((finding, Refusal::NoValue));
        }
        tokens.push(oidc.clone());
        issuers.insert(oidc.issuer.clone());
        Ok(())
    }
}
