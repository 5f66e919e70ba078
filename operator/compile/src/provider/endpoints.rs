//! `spec.endpoints` -> the servers of a pool.
//!
//! The pods of a Service are looked up in its slices, those of an InferencePool by its labels. Where nothing is known of them, for they are not
//! listed yet, they stay as they were: a pool must not look empty because an operator has just begun.

use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::time::Duration;

use fairlead_crds::text::DurationText;
use fairlead_crds::v1alpha1::{
    EndpointAffinity as AffinitySpec, EndpointMetrics as MetricsSpec, Endpoints as EndpointsSpec,
    LLMProviderSpec, ProviderType,
};
use fairlead_snapshot::{
    EndpointAffinity, EndpointMetrics, Endpoints, ObjectName, ServicePort, is_never_an_endpoint,
};

use super::pods::Source;
use super::url;
use crate::finding::{Finding, Reason};
use crate::path::Path;
use crate::world::World;

/// Where servers tell their metrics, as they all do.
const METRICS_PATH: &str = "/metrics";
/// How often they are asked.
const METRICS_INTERVAL: Duration = Duration::from_secs(5);
/// How often they may be asked.
const METRICS_INTERVALS: RangeInclusive<Duration> =
    Duration::from_secs(1)..=Duration::from_secs(60);

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
    if is_at_one_address(spec.kind) {
        fault(
            path(),
            "a provider of this type is at one address, so endpoints does not apply; remove it",
        );
    }
    let given = [
        said.service_ref.is_some(),
        said.inference_pool_ref.is_some(),
        said.addresses.is_some(),
    ];
    if given.into_iter().filter(|given| *given).count() != 1 {
        fault(
            path(),
            "give serviceRef, inferencePoolRef or addresses, one of them",
        );
    }
    let service = said.service_ref.as_ref();
    if service.is_some_and(|service| service.port.is_some() && service.port_name.is_some()) {
        fault(
            path().field("serviceRef").field("portName"),
            "give port or portName, not both",
        );
    }
    if said.addresses.is_none() && spec.allow_private_network != Some(true) {
        fault(
            Path::of("spec").field("allowPrivateNetwork"),
            "pods have private addresses: endpoints.serviceRef and endpoints.inferencePoolRef need allowPrivateNetwork: true",
        );
    }
    if metrics_too_often_or_seldom(said) {
        fault(
            path().field("metrics").field("interval"),
            "must be from 1s to 1m",
        );
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

/// Whether providers of a type have one address, whoever runs them.
fn is_at_one_address(kind: ProviderType) -> bool {
    matches!(
        kind,
        ProviderType::VertexAI
            | ProviderType::Bedrock
            | ProviderType::AzureOpenAI
            | ProviderType::Simulated
    )
}

/// Whether servers would be asked for their metrics more often, or more seldom, than is of use.
fn metrics_too_often_or_seldom(said: &EndpointsSpec) -> bool {
    let interval = said.metrics.as_ref();
    let interval = interval.and_then(|metrics| metrics.interval.as_ref());
    let interval = interval.map(DurationText::to_duration);
    interval.is_some_and(|interval| !METRICS_INTERVALS.contains(&interval))
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
    if let Some(pool) = &said.inference_pool_ref {
        return format!("http://{}.{}.svc", pool.name, name.namespace);
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
    let metrics = said.metrics.as_ref().map(metrics);
    if said.addresses.is_none() {
        let mut endpoints = Endpoints {
            addresses: Vec::new(),
            service: said.service_ref.as_ref().map(|service| ServicePort {
                name: service.name.to_string(),
                port: service.port,
                port_name: service.port_name.as_ref().map(ToString::to_string),
            }),
            inference_pool: said
                .inference_pool_ref
                .as_ref()
                .map(|pool| pool.name.to_string()),
            affinity,
            own_hosts: false,
            metrics,
        };
        let last = world.past.provider(name);
        let last = last.and_then(|last| last.endpoints.as_ref());
        let source = source(name, &endpoints);
        let last = last.filter(|last| self::source(name, last) == source);
        let last = last.map(|last| last.addresses.as_slice());
        if let Some(source) = source {
            endpoints.addresses = pods(&source, last, world, unresolved);
        }
        return Some(endpoints);
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
        inference_pool: None,
        affinity,
        own_hosts: spec.base_url.is_none(),
        metrics,
    })
}

fn metrics(said: &MetricsSpec) -> EndpointMetrics {
    let path = said.path.as_ref();
    let interval = said.interval.as_ref();
    EndpointMetrics {
        path: path.map_or_else(|| METRICS_PATH.to_owned(), ToString::to_string),
        interval: interval.map_or(METRICS_INTERVAL, DurationText::to_duration),
    }
}

/// Where the pods of a provider are found; `None`: its servers are no pods.
fn source(provider: &ObjectName, endpoints: &Endpoints) -> Option<Source> {
    let namespace = &provider.namespace;
    let service = endpoints.service.as_ref();
    let service = service.map(|port| Source::Service(namespace.clone(), port.clone()));
    let pool = endpoints.inference_pool.as_ref();
    service.or_else(|| Some(Source::InferencePool(ObjectName::new(namespace, pool?))))
}

/// Looks the pods of a last accepted version up anew: those that are gone must not be asked for as long as something else is wrong.
pub(super) fn relink(
    name: &ObjectName,
    endpoints: &mut Endpoints,
    world: &World<'_>,
    unresolved: &mut Vec<Finding>,
) {
    if let Some(source) = source(name, endpoints) {
        let last = Some(endpoints.addresses.as_slice());
        endpoints.addresses = pods(&source, last, world, unresolved);
    }
}

/// The addresses of pods; where nothing is known of them yet, those that there were.
fn pods(
    source: &Source,
    last: Option<&[String]>,
    world: &World<'_>,
    unresolved: &mut Vec<Finding>,
) -> Vec<String> {
    let (field, declared) = match source {
        Source::Service(namespace, port) => {
            let name = ObjectName::new(namespace, &port.name);
            ("serviceRef", world.services.declared.contains(&name))
        }
        Source::InferencePool(name) => {
            let declared = &world.services.declared_inference_pools;
            ("inferencePoolRef", declared.contains(name))
        }
    };
    let mut tell = |reason, message: String| {
        unresolved.push(Finding::new(&path().field(field), reason, message));
    };
    if let Some(pods) = world.looked_up.pods(source, world.services) {
        if let Some((reason, message)) = &pods.wrong {
            tell(*reason, message.clone());
        }
        return pods.addresses.clone();
    }
    if let Some(last) = last {
        return last.to_vec();
    }
    if !declared {
        let (reason, message) = source.unknown();
        tell(reason, message);
    }
    Vec::new()
}
