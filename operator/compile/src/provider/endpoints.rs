//! `spec.endpoints` -> the servers of a pool.
//!
//! The pods of a Service are looked up in its slices. Those of a Service of which nothing is known, for its slices are not listed yet, stay as
//! they were: a pool must not look empty because an operator has just begun.

use std::net::{IpAddr, SocketAddr};

use fairlead_crds::v1alpha1::{
    EndpointAffinity as AffinitySpec, Endpoints as EndpointsSpec, LLMProviderSpec, ProviderType,
};
use fairlead_snapshot::{
    EndpointAffinity, Endpoints, ObjectName, ServicePort, is_never_an_endpoint,
};

use super::url;
use crate::finding::{Finding, Reason};
use crate::path::Path;
use crate::services::Slice;
use crate::world::World;

/// So many servers make a pool, as many as may be written as addresses.
const MOST: usize = 256;

fn path() -> Path {
    Path::of("spec").field("endpoints")
}

/// What can be said of the field alone.
pub(super) fn faults(spec: &LLMProviderSpec) -> Vec<Finding> {
    let Some(said) = &spec.endpoints else {
        return Vec::new();
    };
    let mut faults = Vec::new();
    let mut fault = |path: Path, message: &str| {
        faults.push(Finding::new(&path, Reason::Invalid, message));
    };
    let elsewhere = matches!(
        spec.kind,
        ProviderType::VertexAI
            | ProviderType::Bedrock
            | ProviderType::AzureOpenAI
            | ProviderType::Simulated
    );
    if elsewhere {
        fault(
            path(),
            "a provider of this type is at one address, so endpoints does not apply; remove it",
        );
    }
    if said.service_ref.is_some() == said.addresses.is_some() {
        fault(path(), "give serviceRef or addresses, one of them");
    }
    if let Some(service) = &said.service_ref {
        if service.port.is_some() && service.port_name.is_some() {
            fault(
                path().field("serviceRef").field("portName"),
                "give port or portName, not both",
            );
        }
        if spec.allow_private_network != Some(true) {
            fault(
                Path::of("spec").field("allowPrivateNetwork"),
                "pods have private addresses: endpoints.serviceRef needs allowPrivateNetwork: true",
            );
        }
    }
    for (at, address) in said.addresses.iter().flatten().enumerate() {
        if let Some(message) = address_fault(address.as_str()) {
            fault(path().field("addresses").index(at), message);
        }
    }
    if spec.tls.is_some() && spec.base_url.is_none() {
        fault(
            Path::of("spec").field("tls"),
            "tls needs a baseURL that starts with https://",
        );
    }
    faults
}

/// What is wrong with an address that follows the pattern, if anything is.
fn address_fault(address: &str) -> Option<&'static str> {
    if let Some(fault) = url::address_fault(&["http://", address].concat()) {
        return Some(fault);
    }
    let (host, _) = address.rsplit_once(':')?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address: IpAddr = host.parse().ok()?;
    is_never_an_endpoint(address).then_some(
        "no server has this address: it is link-local, unspecified, multicast, or that of a cloud's metadata service",
    )
}

/// The scheme, host and port of a pool that has no base URL of its own: of servers that are given by their addresses the same whichever they are.
pub(super) fn base(name: &ObjectName, said: &EndpointsSpec) -> String {
    if let Some(service) = &said.service_ref {
        let host = format!("http://{}.{}.svc", service.name, name.namespace);
        return match service.port {
            Some(port) => format!("{host}:{port}"),
            None => host,
        };
    }
    format!("http://{}.{}", name.name, name.namespace)
}

/// The servers of a provider.
pub(super) fn build(
    name: &ObjectName,
    spec: &LLMProviderSpec,
    world: &World<'_>,
    unresolved: &mut Vec<Finding>,
) -> Option<Endpoints> {
    let said = spec.endpoints.as_ref()?;
    let affinity = match said.affinity {
        None | Some(AffinitySpec::Prefix) => EndpointAffinity::Prefix,
        Some(AffinitySpec::None) => EndpointAffinity::None,
    };
    if let Some(service) = &said.service_ref {
        let service = ServicePort {
            name: service.name.to_string(),
            port: service.port,
            port_name: service.port_name.as_ref().map(ToString::to_string),
        };
        let last = world.past.provider(name);
        let last = last.and_then(|last| last.endpoints.as_ref());
        let last = last.filter(|last| last.service.as_ref() == Some(&service));
        let last = last.map(|last| last.addresses.as_slice());
        return Some(Endpoints {
            addresses: pods(name, &service, last, world, unresolved),
            service: Some(service),
            affinity,
            own_hosts: false,
        });
    }
    let mut addresses: Vec<String> = said
        .addresses
        .iter()
        .flatten()
        .map(ToString::to_string)
        .collect();
    addresses.sort();
    addresses.dedup();
    Some(Endpoints {
        addresses,
        service: None,
        affinity,
        own_hosts: spec.base_url.is_none(),
    })
}

/// Looks the pods of a last accepted version up anew: those that are gone must not be asked for as long as something else is wrong.
pub(super) fn relink(
    name: &ObjectName,
    endpoints: &mut Endpoints,
    world: &World<'_>,
    unresolved: &mut Vec<Finding>,
) {
    if let Some(service) = &endpoints.service {
        let last = Some(endpoints.addresses.as_slice());
        endpoints.addresses = pods(name, service, last, world, unresolved);
    }
}

fn pods(
    provider: &ObjectName,
    service: &ServicePort,
    last: Option<&[String]>,
    world: &World<'_>,
    unresolved: &mut Vec<Finding>,
) -> Vec<String> {
    let mut tell = |reason, message: String| {
        unresolved.push(Finding::new(&path().field("serviceRef"), reason, message));
    };
    let name = ObjectName::new(&provider.namespace, &service.name);
    let Some(slices) = world.services.slices.get(&name) else {
        if let Some(last) = last {
            return last.to_vec();
        }
        if world.services.declared.contains(&name) {
            return Vec::new();
        }
        tell(
            Reason::ServiceNotFound,
            format!(
                "nothing is known of the Service {name}: its EndpointSlices (discovery.k8s.io/v1) could not be read"
            ),
        );
        return Vec::new();
    };
    if slices.is_empty() {
        let message =
            format!("there is no Service {name}, or it has no EndpointSlices: nobody can be asked");
        tell(Reason::ServiceNotFound, message);
        return Vec::new();
    }
    let mut found: Vec<SocketAddr> = match addresses(service, slices.iter().map(AsRef::as_ref)) {
        Ok(found) => found,
        Err(message) => {
            tell(Reason::ServicePortNotFound, message);
            return Vec::new();
        }
    };
    found.sort_unstable();
    found.dedup();
    if found.iter().any(SocketAddr::is_ipv4) {
        // A Service of both families has each of its pods twice.
        found.retain(SocketAddr::is_ipv4);
    }
    if found.is_empty() {
        let message = format!("no pod of the Service {name} is ready: nobody can be asked");
        tell(Reason::NoReadyEndpoints, message);
    } else if found.len() > MOST {
        let message = format!(
            "the Service {name} has {} ready pods, and the first {MOST} of them are asked; make several providers of it, each with a Service of its own",
            found.len()
        );
        tell(Reason::TooLarge, message);
        found.truncate(MOST);
    }
    found.iter().map(ToString::to_string).collect()
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
