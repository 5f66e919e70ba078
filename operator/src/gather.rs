//! Gather: what the watches hold -> what the compiler reads.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use fairlead_compile::{Inputs, PrivateNetworks, Secret, Secrets, Settings};
use fairlead_snapshot::ObjectName;

use crate::args::Args;
use crate::clock;
use crate::watch::Watched;

/// Everything the compiler reads. `taken` are Secrets that are in the way of generated keys and that no watch shows, because they are not
/// labelled.
#[must_use]
pub(crate) fn gather(args: &Args, watched: &Watched, taken: &BTreeSet<ObjectName>) -> Inputs {
    let namespaces: BTreeMap<String, BTreeMap<String, String>> = watched
        .namespaces
        .items()
        .into_iter()
        .map(|(name, labels)| (name.name, (*labels).clone()))
        .collect();
    let resources = watched
        .resources
        .values()
        .flat_map(|(_, shelf)| shelf.items());
    Inputs {
        settings: settings(args, &namespaces),
        objects: resources
            .map(|(_, resource)| Arc::clone(&resource.document))
            .collect(),
        secrets: secrets(watched, taken),
        services: watched.services(),
        namespaces,
        now: clock::unix_seconds(),
    }
}

fn settings(args: &Args, namespaces: &BTreeMap<String, BTreeMap<String, String>>) -> Settings {
    let permitted = namespaces
        .iter()
        .filter(|(_, labels)| args.permits_private_networks(labels));
    Settings {
        gateway_name: args.gateway_name.clone(),
        gateway_namespace: args.namespace.clone(),
        private_networks: PrivateNetworks {
            namespaces: permitted.map(|(name, _)| name.clone()).collect(),
        },
    }
}

/// A Secret was made for a key only if that very key, by its uid, controls it: a name alone could be claimed by anyone.
fn secrets(watched: &Watched, taken: &BTreeSet<ObjectName>) -> Secrets {
    let mut secrets: Secrets = taken
        .iter()
        .map(|name| (name.clone(), Secret::default()))
        .collect();
    let keys: BTreeMap<String, ObjectName> = watched
        .resources
        .get("VirtualKey")
        .map(|(_, shelf)| shelf.items())
        .unwrap_or_default()
        .into_iter()
        .map(|(name, key)| (key.uid.clone(), name))
        .collect();
    for (name, labelled) in watched.secrets.items() {
        let owner = labelled.controller.as_ref().and_then(|uid| keys.get(uid));
        let mut secret = Secret {
            generated_for: owner
                .filter(|owner| owner.namespace == name.namespace)
                .cloned(),
            ..labelled.secret.clone()
        };
        if labelled.is_being_deleted {
            // Deleting a Secret revokes its values, whatever holds it back.
            secret.data = Arc::default();
        }
        secrets.insert(name, secret);
    }
    secrets
}
