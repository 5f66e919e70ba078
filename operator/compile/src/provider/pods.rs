//! The pods behind a Service or an InferencePool: where they listen, and what is wrong where none do.
//!
//! Many providers may name one Service of many pods, so that what was looked up is kept for the others.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::rc::Rc;

use fairlead_snapshot::{ObjectName, ServicePort};

use crate::finding::Reason;
use crate::inference::InferencePool;
use crate::services::{Services, Slice};

/// So many servers make a pool, as many as may be written as addresses.
const MOST: usize = 256;

/// Where pods are found.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Source {
    /// By a Service of a namespace.
    Service(String, ServicePort),
    /// By an InferencePool.
    InferencePool(ObjectName),
}

impl Source {
    /// What is said where nothing is known of it.
    pub(crate) fn unknown(&self) -> (Reason, String) {
        match self {
            Self::Service(namespace, port) => (
                Reason::ServiceNotFound,
                format!(
                    "nothing is known of the Service {}: its EndpointSlices (discovery.k8s.io/v1) could not be read",
                    ObjectName::new(namespace, &port.name)
                ),
            ),
            Self::InferencePool(name) => (
                Reason::InferencePoolNotFound,
                format!(
                    "nothing is known of the InferencePool {name} (inference.networking.k8s.io/v1): it or its pods could not be read"
                ),
            ),
        }
    }
}

/// Where pods listen.
#[derive(Debug, Default)]
pub(crate) struct Pods {
    /// Address and port of each, sorted, none twice.
    pub(crate) addresses: Vec<String>,
    /// What is wrong, and how to mend it.
    pub(crate) wrong: Option<(Reason, String)>,
}

/// What was looked up.
#[derive(Debug, Default)]
pub(crate) struct LookedUp(RefCell<BTreeMap<Source, Option<Rc<Pods>>>>);

impl LookedUp {
    /// The pods of a source; `None`: nothing is known of it yet.
    pub(crate) fn pods(&self, source: &Source, services: &Services) -> Option<Rc<Pods>> {
        if let Some(known) = self.0.borrow().get(source) {
            return known.clone();
        }
        let found = match source {
            Source::Service(namespace, port) => of_service(namespace, port, services),
            Source::InferencePool(name) => of_inference_pool(name, services),
        };
        let found = found.map(Rc::new);
        self.0.borrow_mut().insert(source.clone(), found.clone());
        found
    }
}

impl Pods {
    fn none(reason: Reason, message: String) -> Self {
        Self {
            addresses: Vec::new(),
            wrong: Some((reason, message)),
        }
    }

    /// Those that are found, of something called `what`.
    fn of(what: &str, mut found: Vec<SocketAddr>) -> Self {
        found.sort_unstable();
        found.dedup();
        if found.iter().any(SocketAddr::is_ipv4) {
            // A Service of both families has each of its pods twice.
            found.retain(SocketAddr::is_ipv4);
        }
        let wrong = if found.is_empty() {
            let message = format!("no pod of {what} is ready: nobody can be asked");
            Some((Reason::NoReadyEndpoints, message))
        } else if found.len() > MOST {
            let message = format!(
                "{what} has {} ready servers, and the first {MOST} of them are asked; make several providers of it, each with pods of its own",
                found.len()
            );
            found.truncate(MOST);
            Some((Reason::TooLarge, message))
        } else {
            None
        };
        Self {
            addresses: found.iter().map(ToString::to_string).collect(),
            wrong,
        }
    }
}

fn of_service(namespace: &str, port: &ServicePort, services: &Services) -> Option<Pods> {
    let name = ObjectName::new(namespace, &port.name);
    if services.unwatched.contains(&name) {
        return Some(Pods::none(Reason::TooLarge, too_many("Services", &name)));
    }
    let slices = services.slices.get(&name)?;
    if slices.is_empty() {
        let message =
            format!("there is no Service {name}, or it has no EndpointSlices: nobody can be asked");
        return Some(Pods::none(Reason::ServiceNotFound, message));
    }
    Some(match addresses(port, slices.iter().map(AsRef::as_ref)) {
        Ok(found) => Pods::of(&format!("the Service {name}"), found),
        Err(message) => Pods::none(Reason::ServicePortNotFound, message),
    })
}

/// What is said where a namespace names more of something than are watched.
fn too_many(what: &str, name: &ObjectName) -> String {
    format!(
        "the providers of namespace {} name more {what} than are watched in one namespace, and {} is not among the first by name: nobody can be asked; move some of the providers to another namespace",
        name.namespace, name.name
    )
}

fn of_inference_pool(name: &ObjectName, services: &Services) -> Option<Pods> {
    let not_found = |message: String| Pods::none(Reason::InferencePoolNotFound, message);
    Some(match services.inference_pools.get(name)? {
        InferencePool::NotInstalled => not_found(
            "the cluster has no InferencePools: their definition (inferencepools.inference.networking.k8s.io, version v1) is not installed"
                .to_owned(),
        ),
        InferencePool::Missing => not_found(format!(
            "there is no InferencePool {name} (inference.networking.k8s.io/v1): nobody can be asked"
        )),
        InferencePool::Unwatched => {
            Pods::none(Reason::TooLarge, too_many("InferencePools", name))
        }
        InferencePool::Unreadable(fault) => {
            not_found(format!("the InferencePool {name} cannot be used: {fault}"))
        }
        InferencePool::Found { pods, ports } => {
            let servers = pods.iter().flat_map(|pod| {
                let at = |port: &u16| SocketAddr::new(*pod, *port);
                ports.iter().map(at)
            });
            Pods::of(&format!("the InferencePool {name}"), servers.collect())
        }
    })
}

/// Where the pods in the slices of a Service listen, or what is to be done to know.
fn addresses<'a>(
    service: &ServicePort,
    slices: impl Iterator<Item = &'a Slice> + Clone,
) -> Result<Vec<SocketAddr>, String> {
    let is_meant = |(name, number): &&(String, u16)| match (&service.port_name, service.port) {
        (Some(wanted), _) => name == wanted,
        (None, Some(wanted)) => *number == wanted,
        (None, None) => true,
    };
    let mut found = Vec::new();
    for slice in slices.clone() {
        let mut meant = slice.ports.iter().filter(is_meant);
        let (port, other) = (meant.next(), meant.next());
        if service.port.is_none() && service.port_name.is_none() && other.is_some() {
            return Err(format!(
                "its pods listen at several ports: {}; give port or portName",
                ports(slices)
            ));
        }
        if let Some((_, port)) = port {
            let all = slice.addresses.iter();
            found.extend(all.map(|address| SocketAddr::new(*address, *port)));
        }
    }
    let lacks =
        |slice: &Slice| !slice.ports.is_empty() && !slice.ports.iter().any(|port| is_meant(&port));
    if found.is_empty() && slices.clone().any(lacks) {
        return Err(format!(
            "its pods do not listen there; they listen at {} (port is the number that pods listen at, the Service's targetPort)",
            ports(slices)
        ));
    }
    Ok(found)
}

/// The ports that there are, for people.
fn ports<'a>(slices: impl Iterator<Item = &'a Slice>) -> String {
    let mut all: Vec<String> = slices
        .flat_map(|slice| &slice.ports)
        .map(|(name, number)| match name.as_str() {
            "" => number.to_string(),
            name => format!("{number} ({name})"),
        })
        .collect();
    all.sort();
    all.dedup();
    all.truncate(16);
    all.join(", ")
}
