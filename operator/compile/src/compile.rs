//! The whole of it: inputs -> snapshot, credentials, verdicts. Read this first.
//!
//! Every object is read by itself, then linked to the others; one that is not acceptable is replaced by its last accepted version, if there is
//! one. Nothing here fails: what is wrong with an object is said in its verdict and harms only that object.

use std::collections::BTreeMap;

use fairlead_crds::v1alpha1::{LLMProvider, RoutingRule, VirtualKey};
use fairlead_snapshot::{FORMAT, Key, ObjectName, Provider, Rule, Snapshot};

use crate::credential::Credentials;
use crate::inputs::Inputs;
use crate::object::Object;
use crate::objects::Objects;
use crate::owner::Owners;
use crate::previous::Past;
use crate::provider;
use crate::rule;
use crate::verdict::Verdict;
use crate::virtual_key::{self, Claims, WantedKey};
use crate::world::World;
use fairlead_snapshot::order;

/// What the compiler makes of its inputs.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// What the gateway is to enforce; no secret is in it.
    pub snapshot: Snapshot,
    /// The values of the credentials that the snapshot names.
    pub credentials: Credentials,
    /// Virtual keys whose values are still to be made.
    pub wanted: Vec<WantedKey>,
    /// One for each object of this installation, in the order of files and lines.
    pub verdicts: Vec<Verdict>,
}

/// Compiles everything anew. `previous` is the snapshot that is live, or none at the first start.
#[must_use]
pub fn compile(previous: Option<&Snapshot>, inputs: &Inputs) -> Compiled {
    let world = World::new(
        inputs,
        Past::of(previous, &inputs.settings.gateway_namespace),
    );
    let mut objects = Objects::read(inputs);
    let owners = Owners::link(&mut objects.organizations, &mut objects.teams, &world);
    let (providers, credentials) = providers(&mut objects.providers, &world);
    let (keys, wanted) = keys(
        &mut objects.keys,
        &virtual_key::Linked {
            world: &world,
            owners: &owners,
            providers: &providers,
        },
    );
    let rules = rules(
        &mut objects.rules,
        &rule::Linked {
            providers: &providers,
            keys: &keys,
            owners: &owners,
        },
        &world,
    );
    let snapshot = Snapshot {
        format: FORMAT,
        gateway_namespace: inputs.settings.gateway_namespace.clone(),
        providers,
        rules,
        keys,
    };
    Compiled {
        snapshot,
        credentials,
        wanted,
        verdicts: objects.into_verdicts(),
    }
}

fn providers(
    objects: &mut [Object<'_, LLMProvider>],
    world: &World<'_>,
) -> (BTreeMap<ObjectName, Provider>, Credentials) {
    let mut providers = BTreeMap::new();
    let mut credentials = Credentials::default();
    for object in objects {
        let provider = if let Some(spec) = &object.spec {
            let (provider, unresolved) =
                provider::build(&object.name, spec, world, &mut credentials);
            object.unresolved(unresolved);
            provider
        } else if let Some(last) = world.past.provider(&object.name) {
            let (provider, unresolved) =
                provider::relink(&object.name, last, world, &mut credentials);
            object.previous(unresolved);
            provider
        } else {
            continue;
        };
        providers.insert(object.name.clone(), provider);
    }
    (providers, credentials)
}

fn keys(
    objects: &mut [Object<'_, VirtualKey>],
    to: &virtual_key::Linked<'_>,
) -> (BTreeMap<ObjectName, Key>, Vec<WantedKey>) {
    let mut keys = BTreeMap::new();
    let mut claims = Claims::default();
    // Older objects claim the Secrets to be made first.
    objects.sort_by(|a, b| (order::age(a.created), &a.name).cmp(&(order::age(b.created), &b.name)));
    for object in objects.iter_mut() {
        let key = if let Some(spec) = &object.spec {
            let (key, unresolved) = virtual_key::build(&object.name, spec, to, &mut claims);
            object.unresolved(unresolved);
            key
        } else if let Some(last) = to.world.past.key(&object.name) {
            let (key, unresolved) = virtual_key::relink(object, last, to);
            object.previous(unresolved);
            key
        } else {
            continue;
        };
        keys.insert(object.name.clone(), key);
    }
    virtual_key::settle(&mut keys, objects, &to.world.past);
    (keys, claims.into_wanted())
}

fn rules(
    objects: &mut [Object<'_, RoutingRule>],
    to: &rule::Linked<'_>,
    world: &World<'_>,
) -> Vec<Rule> {
    let mut rules = Vec::with_capacity(objects.len());
    for object in objects {
        if let Some(spec) = &object.spec {
            let mut rule = rule::build(&object.name, object.created, spec, world.settings);
            object.unresolved(rule::link(&mut rule, to));
            rules.push(rule);
        } else if let Some(last) = world.past.rule(&object.name) {
            let mut rule = last.clone();
            object.previous(rule::link(&mut rule, to));
            rules.push(rule);
        }
    }
    order::sort(&mut rules);
    rules
}
