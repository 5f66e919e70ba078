//! LLMProvider -> [`Provider`].

mod endpoints;
pub(crate) mod pods;
pub(crate) mod url;
mod vendor;

use std::collections::BTreeSet;
use std::time::Duration;

use fairlead_crds::text::DurationText;
use fairlead_crds::v1alpha1::{
    Access as AccessSpec, From, HttpVersion as HttpVersionSpec, LLMProvider, LLMProviderSpec,
    OfferedModel, ProviderType, Simulated as SimulatedSpec, Tracing as TracingSpec,
};
use fairlead_snapshot::{
    Access, Dialect, HttpVersion, Labels, Model, ObjectName, Protocol, Provider, Simulated,
    Timeouts, Tracing,
};

use fairlead_snapshot::Credentials;
use serde::Deserialize as _;
use serde_json::Value;

use crate::adaptive;
use crate::amend;
use crate::certificates;
use crate::credential;
use crate::durations;
use crate::finding::{Finding, Reason};
use crate::kinds::{About, Kind};
use crate::limits::Said;
use crate::object::Object;
use crate::path::Path;
use crate::price;
use crate::resilience;
use crate::selector;
use crate::world::World;
use vendor::{Vendor, vendor};

/// The status a simulated failure gets, where none is named.
const SIMULATED_STATUS: u16 = 503;

impl Kind for LLMProvider {
    const NAME: &'static str = "LLMProvider";
    type Spec = LLMProviderSpec;

    fn faults(spec: &LLMProviderSpec, about: &About<'_>) -> Vec<Finding> {
        let path = Path::of("spec");
        let mut faults = match vendor(spec.kind) {
            Some(vendor) => http_faults(spec, &vendor, about, &path),
            None => simulated_faults(spec, &path),
        };
        faults.extend(kind_faults(spec, &path));
        faults.extend(endpoints::faults(spec));
        faults.extend(credential::faults(spec, about, &path.field("credentials")));
        faults.extend(amend::faults(
            spec.parameters.as_ref(),
            spec.headers.as_ref(),
            &path,
        ));
        faults.extend(durations::faults(
            spec.timeouts.as_ref(),
            &path.field("timeouts"),
        ));
        faults.extend(resilience::provider_faults(spec, &path));
        faults.extend(adaptive::credential_faults(spec, &path));
        faults.extend(price::faults(spec, &path));
        faults.extend(said(spec).faults(&path));
        faults.extend(access_faults(
            spec.access.as_ref(),
            &path.field("access").field("namespaces"),
        ));
        let weightless = spec.credentials.as_ref().is_some_and(|credentials| {
            credentials
                .iter()
                .all(|credential| credential.weight == Some(0))
        });
        if weightless {
            faults.push(Finding::new(
                &path.field("credentials"),
                Reason::Invalid,
                "at least one credential needs a weight above 0",
            ));
        }
        faults
    }
}

fn said(spec: &LLMProviderSpec) -> Said<'_> {
    Said::new(spec.budgets.as_ref(), spec.rate_limits.as_ref(), None)
}

/// What goes with one type only.
fn kind_faults(spec: &LLMProviderSpec, path: &Path) -> Vec<Finding> {
    let is = |kind| spec.kind == kind;
    let wrong = [
        (
            "bedrock",
            is(ProviderType::Bedrock) != spec.bedrock.is_some(),
            "bedrock goes with type Bedrock, which needs it",
        ),
        (
            "vertexAI",
            is(ProviderType::VertexAI) != spec.vertex_ai.is_some(),
            "vertexAI goes with type VertexAI, which needs it",
        ),
        (
            "azureOpenAI",
            spec.azure_open_ai.is_some() && !is(ProviderType::AzureOpenAI),
            "azureOpenAI goes with type AzureOpenAI only",
        ),
    ];
    let wrong = wrong.into_iter().filter(|(_, wrong, _)| *wrong);
    wrong
        .map(|(field, _, message)| Finding::new(&path.field(field), Reason::Invalid, message))
        .collect()
}

/// What is wrong with where it is.
fn address_faults(spec: &LLMProviderSpec, vendor: &Vendor, path: &Path) -> Vec<Finding> {
    let path = path.field("baseURL");
    let fault = |fault: &'static str| Finding::new(&path, Reason::Invalid, fault);
    let Some(base_url) = &spec.base_url else {
        let message = "a provider of this type has no public address; give its baseURL";
        let is_nowhere = spec.endpoints.is_none() && vendor.needs_base_url(spec.kind);
        let missing = is_nowhere.then(|| fault(message));
        return missing.into_iter().collect();
    };
    let of_azure = spec.kind == ProviderType::AzureOpenAI;
    let by_version = vendor::api_version(spec).is_some();
    let azures = (of_azure || spec.kind == ProviderType::OpenAI)
        .then(|| url::azure_fault(base_url.as_str(), of_azure, by_version));
    let found = [url::fault(base_url.as_str()), azures.flatten()];
    found.into_iter().flatten().map(fault).collect()
}

fn http_faults(
    spec: &LLMProviderSpec,
    vendor: &Vendor,
    about: &About<'_>,
    path: &Path,
) -> Vec<Finding> {
    let mut faults = address_faults(spec, vendor, path);
    if spec.simulated.is_some() {
        faults.push(Finding::new(
            &path.field("simulated"),
            Reason::Invalid,
            "simulated goes with type Simulated only",
        ));
    }
    if spec.open_ai.is_some() && vendor.dialect != Dialect::OpenAi {
        faults.push(only_with_open_ai(path));
    }
    let plain = spec
        .base_url
        .as_ref()
        .is_some_and(|base_url| !base_url.as_str().starts_with("https://"));
    if spec.tls.is_some() && plain {
        faults.push(Finding::new(
            &path.field("tls"),
            Reason::Invalid,
            "tls needs a baseURL that starts with https://",
        ));
    }
    if spec.tls.as_ref().is_some_and(certificates::are_none) {
        faults.push(Finding::new(
            &path.field("tls"),
            Reason::Invalid,
            "tls says nothing; give caCertificateRef, clientCertificateRef or both",
        ));
    }
    if spec.allow_private_network == Some(true)
        && !about
            .settings
            .permits_private_network(&about.name.namespace)
    {
        let message = "this installation does not permit private addresses to providers of this namespace; remove the field, or have the platform team permit it";
        faults.push(Finding::new(
            &path.field("allowPrivateNetwork"),
            Reason::NotPermitted,
            message,
        ));
    }
    faults
}

fn simulated_faults(spec: &LLMProviderSpec, path: &Path) -> Vec<Finding> {
    let given = [
        ("baseURL", spec.base_url.is_some()),
        ("tls", spec.tls.is_some()),
        ("credentials", spec.credentials.is_some()),
        ("httpVersion", spec.http_version.is_some()),
        ("allowPrivateNetwork", spec.allow_private_network.is_some()),
        ("tracing", spec.tracing.is_some()),
        ("continuation", spec.continuation.is_some()),
        ("headers", spec.headers.is_some()),
        ("passthrough", spec.passthrough.is_some()),
    ];
    let options = spec.open_ai.is_some().then(|| only_with_open_ai(path));
    let wrong = given.into_iter().filter(|(_, given)| *given);
    wrong
        .map(|(field, _)| {
            Finding::new(
                &path.field(field),
                Reason::Invalid,
                "a Simulated provider opens no connection, so this does not apply; remove it",
            )
        })
        .chain(options)
        .collect()
}

fn only_with_open_ai(path: &Path) -> Finding {
    Finding::new(
        &path.field("openAI"),
        Reason::Invalid,
        "openAI goes with types that speak OpenAI's API only",
    )
}

fn access_faults(access: Option<&AccessSpec>, path: &Path) -> Vec<Finding> {
    let Some(namespaces) = access.map(|access| &access.namespaces) else {
        return Vec::new();
    };
    let path = path.field("selector");
    let mut faults = namespaces
        .selector
        .as_ref()
        .map(|selector| selector::faults(selector, &path))
        .unwrap_or_default();
    if (namespaces.from == From::Selector) != namespaces.selector.is_some() {
        faults.push(Finding::new(
            &path,
            Reason::Invalid,
            "selector goes with from: Selector, and only with it",
        ));
    }
    faults
}

/// A provider with its Secrets looked up; what they hold goes into `credentials`.
pub(crate) fn build(
    name: &ObjectName,
    spec: &LLMProviderSpec,
    world: &World<'_>,
    credentials: &mut Credentials,
) -> (Provider, Vec<Finding>) {
    let mut unresolved = Vec::new();
    let certificates = certificates::build(name, spec, world, credentials, &mut unresolved);
    let protocol = match vendor(spec.kind) {
        None => Protocol::Simulated(simulated(spec.simulated.as_ref())),
        Some(vendor) => Protocol::Http {
            dialect: vendor.dialect,
            vendor: vendor.name.to_owned(),
            authentication: vendor.authentication(spec),
            addressing: vendor.addressing(spec),
            base_url: match &spec.endpoints {
                Some(said) if spec.base_url.is_none() => vendor.below(&endpoints::base(name, said)),
                _ => vendor.base_url(spec),
            },
            private_network: spec.allow_private_network == Some(true),
            ca_certificates: certificates.trusted,
            client_certificate: certificates.shown,
            stream_usage: spec
                .open_ai
                .as_ref()
                .and_then(|options| options.stream_usage)
                != Some(false),
            http_version: match spec.http_version {
                None | Some(HttpVersionSpec::Http1) => HttpVersion::Http1,
                Some(HttpVersionSpec::Http2) => HttpVersion::Http2,
            },
        },
    };
    let provider = Provider {
        protocol,
        endpoints: endpoints::build(name, spec, world, &mut unresolved),
        credentials: credential::build(name, spec, world, credentials, &mut unresolved),
        credential_strategy: adaptive::credentials(spec.credential_strategy),
        models: spec
            .models
            .as_ref()
            .map(|models| models.iter().map(model).collect()),
        timeouts: durations::given(spec.timeouts.as_ref()).over(&Timeouts::default()),
        retries: resilience::retries(spec.retries.as_ref()),
        health: resilience::health(spec.health.as_ref()),
        concurrency: spec.concurrency.as_ref().map(resilience::concurrency),
        continuation: spec.continuation.map(resilience::continuation),
        parameters: amend::parameters(spec.parameters.as_ref()),
        headers: amend::headers(spec.headers.as_ref()),
        passthrough: spec
            .passthrough
            .iter()
            .flat_map(|passthrough| &passthrough.paths)
            .map(ToString::to_string)
            .collect(),
        tracing: tracing(spec),
        price: price::of_provider(spec),
        limits: said(spec).build(&name.namespace),
        labels: Labels::default(),
        access: access(&name.namespace, spec.access.as_ref(), world),
    };
    (provider, unresolved)
}

fn tracing(spec: &LLMProviderSpec) -> Tracing {
    match spec.tracing {
        Some(TracingSpec::Propagate) => Tracing::Propagate,
        Some(TracingSpec::None) => Tracing::None,
        None => Tracing::IfPrivate,
    }
}

fn model(offered: &OfferedModel) -> Model {
    let upstream = offered.upstream_name.as_ref().unwrap_or(&offered.name);
    Model {
        name: offered.name.to_string(),
        upstream_name: upstream.to_string(),
        price: offered.price.as_ref().map(price::price),
        facts: price::facts(offered),
    }
}

/// The last accepted version, with what must not outlive its permission looked at anew.
pub(crate) fn relink(
    object: &Object<'_, LLMProvider>,
    last: &Provider,
    world: &World<'_>,
    credentials: &mut Credentials,
) -> (Provider, Vec<Finding>) {
    let name = &object.name;
    let mut provider = last.clone();
    let said = &object.document.value["spec"]["access"];
    still_admitted(&mut provider.access, &name.namespace, said, world);
    let mut unresolved = credential::relink(name, &mut provider.credentials, world, credentials);
    if let Some(endpoints) = &mut provider.endpoints {
        endpoints::relink(name, endpoints, world, &mut unresolved);
    }
    if let Protocol::Http {
        private_network,
        ca_certificates,
        client_certificate,
        ..
    } = &mut provider.protocol
    {
        *private_network &= world.settings.permits_private_network(&name.namespace);
        unresolved.extend(certificates::relink(
            name,
            ca_certificates,
            client_certificate,
            world,
            credentials,
        ));
    }
    (provider, unresolved)
}

/// Takes away the namespaces that `said`, what this version says of access, does not admit: who was admitted for a label that is gone must not be
/// admitted for as long as something else is wrong. Where it cannot be told, all stay; none is added.
fn still_admitted(access: &mut Access, own: &str, said: &Value, world: &World<'_>) {
    let Access::Namespaces(admitted) = access else {
        return;
    };
    let Ok(said) = AccessSpec::deserialize(said) else {
        return;
    };
    if !access_faults(Some(&said), &Path::of("spec").field("access")).is_empty() {
        return;
    }
    if let Access::Namespaces(now) = self::access(own, Some(&said), world) {
        admitted.retain(|namespace| now.contains(namespace));
    }
}

fn access(own: &str, access: Option<&AccessSpec>, world: &World<'_>) -> Access {
    let mut namespaces = BTreeSet::from([own.to_owned()]);
    if let Some(AccessSpec { namespaces: given }) = access {
        match given.from {
            From::All => return Access::All,
            From::Same => {}
            From::Selector => namespaces.extend(
                given
                    .selector
                    .iter()
                    .flat_map(|selector| world.selected(selector))
                    .cloned(),
            ),
        }
    }
    Access::Namespaces(namespaces)
}

fn simulated(spec: Option<&SimulatedSpec>) -> Simulated {
    let spec = spec.cloned().unwrap_or_default();
    let length =
        |text: Option<DurationText>| text.map_or(Duration::ZERO, |text| text.to_duration());
    Simulated {
        text: spec.text,
        tokens: spec.tokens,
        first_token_latency: length(spec.first_token_latency),
        token_latency: length(spec.token_latency),
        error_percent: spec.error_percent.unwrap_or(0),
        error_status: spec.error_status.unwrap_or(SIMULATED_STATUS),
    }
}
