//! The whole of it: inputs -> snapshot, credentials, verdicts. Read this first.
//!
//! Every object is read by itself, then linked to the others; one that is not acceptable is replaced by its last accepted version, if there is
//! one. Nothing here fails: what is wrong with an object is said in its verdict and harms only that object.

use std::cell::RefCell;
use std::collections::BTreeMap;

use fairlead_crds::v1alpha1::{LLMProvider, RoutingRule, VirtualKey};
use fairlead_snapshot::{Key, ObjectName, Provider, Rule, Snapshot};

use crate::allow;
use crate::bounds::Room;
use crate::inputs::Inputs;
use crate::kinds::Kind;
use crate::labels::{self, Selectors};
use crate::object::Object;
use crate::objects::Objects;
use crate::owner::Owners;
use crate::previous::Past;
use crate::provider;
use crate::rule;
use crate::verdict::Verdict;
use crate::virtual_key::{self, Claims, WantedKey, WantedRotation};
use crate::world::World;
use fairlead_snapshot::Credentials;
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
    /// What is to be done to the Secrets of generated keys that are there.
    pub rotations: Vec<WantedRotation>,
    /// When there will be more of that, seconds since 1970, if nothing else changes.
    pub next_rotation: Option<i64>,
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
    let mut room = Room::new(&inputs.settings);
    let owners = Owners::link(
        &mut objects.organizations,
        &mut objects.teams,
        &world,
        &mut room,
    );
    let (mut providers, credentials) = providers(&mut objects.providers, &world, &mut room);
    owners.look_up(&mut objects.organizations, &mut objects.teams, &providers);
    let (keys, claims) = keys(
        &mut objects.keys,
        &virtual_key::Linked {
            world: &world,
            owners: &owners,
            providers: &providers,
            offered: RefCell::default(),
        },
        &mut room,
    );
    let rules = rules(
        &mut objects.rules,
        &rule::Linked {
            providers: &providers,
            keys: &keys,
            owners: &owners,
        },
        &world,
        &mut room,
    );
    let gateway = &inputs.settings.gateway_namespace;
    let (teams, organizations) = owners.into_entries(gateway);
    let selectors = Selectors {
        rules: &rules,
        keys: &keys,
        teams: &teams,
        organizations: &organizations,
    };
    labels::give(&mut providers, &objects.providers, &selectors, &world);
    look_up(&mut objects, &selectors, &providers, gateway);
    let snapshot = Snapshot::new(gateway, providers, rules, keys);
    let snapshot = snapshot.with_owners(teams, organizations);
    Compiled {
        snapshot,
        credentials,
        wanted: claims.wanted.into_values().collect(),
        rotations: claims.rotations,
        next_rotation: claims.next_rotation,
        verdicts: objects.into_verdicts(),
    }
}

/// Says of every selector of providers that picks nobody what follows from that. The providers have their labels.
fn look_up(
    objects: &mut Objects<'_>,
    selectors: &Selectors<'_>,
    providers: &BTreeMap<ObjectName, Provider>,
    gateway: &str,
) {
    rule::constrain::look_up(&mut objects.rules, selectors.rules, providers, gateway);
    let picking = allow::Picking { providers, gateway };
    let (keys, teams) = (selectors.keys, selectors.teams);
    let organizations = selectors.organizations;
    picking.look_up(&mut objects.keys, |name| Some(&keys.get(name)?.allow));
    picking.look_up(&mut objects.teams, |name| Some(&teams.get(name)?.allow));
    picking.look_up(&mut objects.organizations, |name| {
        Some(&organizations.get(name)?.allow)
    });
}

fn providers(
    objects: &mut [Object<'_, LLMProvider>],
    world: &World<'_>,
    room: &mut Room<'_>,
) -> (BTreeMap<ObjectName, Provider>, Credentials) {
    let mut providers = BTreeMap::new();
    let mut credentials = Credentials::default();
    oldest_first(objects);
    for object in objects {
        if let Some((provider, values)) = provider(object, world, room) {
            credentials.extend(values);
            providers.insert(object.name.clone(), provider);
        }
    }
    (providers, credentials)
}

fn provider(
    object: &mut Object<'_, LLMProvider>,
    world: &World<'_>,
    room: &mut Room<'_>,
) -> Option<(Provider, Credentials)> {
    if let Some(spec) = &object.spec {
        let mut values = Credentials::default();
        let (provider, unresolved) = provider::build(&object.name, spec, world, &mut values);
        match room.take(&object.name, &provider, &values) {
            Ok(()) => {
                object.unresolved(unresolved);
                return Some((provider, values));
            }
            Err(finding) => object.refuse(finding),
        }
    }
    let last = world.past.provider(&object.name)?;
    let mut values = Credentials::default();
    let (provider, unresolved) = provider::relink(object, last, world, &mut values);
    room.take(&object.name, &provider, &values).ok()?;
    object.previous(unresolved);
    Some((provider, values))
}

fn keys(
    objects: &mut [Object<'_, VirtualKey>],
    to: &virtual_key::Linked<'_>,
    room: &mut Room<'_>,
) -> (BTreeMap<ObjectName, Key>, Claims) {
    let mut keys = BTreeMap::new();
    let mut claims = Claims::default();
    // Whoever has a value claims the Secrets to be made first - it may be its own that is gone -, then older objects.
    objects.sort_by_cached_key(|object| {
        let held = to.world.past.key(&object.name);
        let held = held.is_some_and(|key| key.digest.is_some());
        (!held, order::age(object.created), object.name.clone())
    });
    for object in objects.iter_mut() {
        if object.is_being_deleted() {
            // Deleting a key revokes it. Something may hold the object back for as long as it likes, but not the revocation.
            object.gone("the key is being deleted, so it is refused");
        } else if let Some(key) = key(object, to, &mut claims, room) {
            keys.insert(object.name.clone(), key);
        }
    }
    virtual_key::settle(&mut keys, objects, &to.world.past);
    (keys, claims)
}

fn key(
    object: &mut Object<'_, VirtualKey>,
    to: &virtual_key::Linked<'_>,
    claims: &mut Claims,
    room: &mut Room<'_>,
) -> Option<Key> {
    let none = Credentials::default();
    if let Some(spec) = &object.spec {
        let (key, unresolved) = virtual_key::build(object, spec, to, claims);
        let notes = virtual_key::notes(object, spec);
        match room.take(&object.name, &key, &none) {
            Ok(()) => {
                object.note(notes);
                object.unresolved(unresolved);
                return Some(key);
            }
            Err(finding) => object.refuse(finding),
        }
    }
    let last = to.world.past.key(&object.name)?;
    let (key, unresolved) = virtual_key::relink(object, last, to);
    room.take(&object.name, &key, &none).ok()?;
    object.previous(unresolved);
    Some(key)
}

fn rules(
    objects: &mut [Object<'_, RoutingRule>],
    to: &rule::Linked<'_>,
    world: &World<'_>,
    room: &mut Room<'_>,
) -> Vec<Rule> {
    oldest_first(objects);
    objects.sort_by_key(|object| !world.settings.is_gateway(&object.name.namespace));
    let mut aliases = rule::Aliases::default();
    let mut rules: Vec<Rule> = objects
        .iter_mut()
        .filter_map(|object| rule(object, to, world, room, &mut aliases))
        .collect();
    order::sort(&mut rules);
    rules
}

fn rule(
    object: &mut Object<'_, RoutingRule>,
    to: &rule::Linked<'_>,
    world: &World<'_>,
    room: &mut Room<'_>,
    aliases: &mut rule::Aliases,
) -> Option<Rule> {
    let none = Credentials::default();
    if let Some(spec) = &object.spec {
        let mut rule = rule::build(&object.name, object.created, spec, world.settings);
        let unresolved = rule::link(&mut rule, to);
        let open = aliases.look(&rule);
        match open.and_then(|()| room.take(&object.name, &rule, &none)) {
            Ok(()) => {
                aliases.take(&rule);
                object.unresolved(unresolved);
                return Some(rule);
            }
            Err(finding) => object.refuse(finding),
        }
    }
    let mut rule = world.past.rule(&object.name)?.clone();
    let unresolved = rule::link(&mut rule, to);
    room.take(&object.name, &rule, &none).ok()?;
    // It is in force whatever it closes.
    aliases.take(&rule);
    object.previous(unresolved);
    Some(rule)
}

/// Older objects come first where not all can have what they want.
fn oldest_first<K: Kind>(objects: &mut [Object<'_, K>]) {
    objects.sort_by(|a, b| (order::age(a.created), &a.name).cmp(&(order::age(b.created), &b.name)));
}
