//! Which server of a pool a request would go to, if all of them are well and have nothing else to do.

use fairlead_route::{Plan, Step, Table, hash, pool};
use fairlead_snapshot::{EndpointAffinity, Endpoints, Snapshot};
use fairlead_wire::json::{Limits, Object};

use crate::request::prefix;
use crate::surface::Operation;

/// What is said of the steps whose provider is a pool, a line each.
pub(super) fn told(
    plan: &Plan,
    (table, snapshot): (&Table, &Snapshot),
    body: &[u8],
    operation: Operation,
) -> String {
    let object = Object::parse(body, &Limits::default()).ok();
    let prefix = object.and_then(|object| prefix::of_prompt(&object, operation));
    let line = |step: &Step| {
        let (name, _) = table.providers().get(step.provider?.0)?;
        let endpoints = snapshot.providers.get(name)?.endpoints.as_ref()?;
        let key = step.conversation.or(prefix);
        Some(format!(
            "{} is a pool {}\n",
            step.target,
            of(endpoints, key)
        ))
    };
    plan.steps.iter().filter_map(line).collect()
}

fn of(endpoints: &Endpoints, key: Option<u64>) -> String {
    let count = endpoints.addresses.len();
    if count == 0 {
        let known = if endpoints.are_pods() {
            ", as far as is known here: pods are known in a cluster only"
        } else {
            ""
        };
        return format!("without servers{known}");
    }
    let servers = endpoints.addresses.iter().enumerate();
    let servers = servers.map(|(at, address)| pool::Server {
        at,
        name: hash(address),
        load: 0,
        others: 0,
        full: false,
    });
    let key = key.filter(|_| endpoints.affinity == EndpointAffinity::Prefix);
    let place = key.and_then(|key| pool::choose(servers, Some(key), 0));
    match place.and_then(|place| endpoints.addresses.get(place)) {
        Some(address) => format!(
            "of {count} servers: such a prompt goes to {address} as long as that is well and not much busier than the others"
        ),
        None => format!("of {count} servers: it goes to the less busy one of two drawn at random"),
    }
}
