//! LLMProvider -> [`Provider`].

mod url;

use std::collections::BTreeSet;
use std::time::Duration;

use fairlead_crds::SECRET_CA;
use fairlead_crds::text::DurationText;
use fairlead_crds::v1alpha1::{
    Access as AccessSpec, From, LLMProvider, LLMProviderSpec, ProviderType,
    Simulated as SimulatedSpec,
};
use fairlead_snapshot::{Access, Model, ObjectName, Protocol, Provider, Simulated, Timeouts};

use crate::credential::{self, Credentials};
use crate::durations;
use crate::finding::{Finding, Reason};
use crate::kinds::{About, Kind};
use crate::path::Path;
use crate::resilience;
use crate::secret::Wanted;
use crate::selector;
use crate::world::World;

/// Where OpenAI's own API begins.
const OPENAI: &str = "https://api.openai.com/v1";
/// The key in a Secret of CA certificates, where none is named.
const CA_KEY: &str = "ca.crt";
/// What a Secret of CA certificates must hold at least once.
const PEM_CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----";
/// The status a simulated failure gets, where none is named.
const SIMULATED_STATUS: u16 = 503;

impl Kind for LLMProvider {
    const NAME: &'static str = "LLMProvider";
    type Spec = LLMProviderSpec;

    fn faults(spec: &LLMProviderSpec, about: &About<'_>) -> Vec<Finding> {
        let path = Path::of("spec");
        let mut faults = match spec.kind {
            ProviderType::OpenAI => open_ai_faults(spec, about, &path),
            ProviderType::Simulated => simulated_faults(spec, &path),
        };
        faults.extend(durations::faults(
            spec.timeouts.as_ref(),
            &path.field("timeouts"),
        ));
        faults.extend(resilience::provider_faults(spec, &path));
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

fn open_ai_faults(spec: &LLMProviderSpec, about: &About<'_>, path: &Path) -> Vec<Finding> {
    let mut faults = Vec::new();
    if spec.simulated.is_some() {
        faults.push(Finding::new(
            &path.field("simulated"),
            Reason::Invalid,
            "simulated goes with type Simulated only",
        ));
    }
    if let Some(fault) = spec
        .base_url
        .as_ref()
        .and_then(|base_url| url::fault(base_url.as_str()))
    {
        faults.push(Finding::new(&path.field("baseURL"), Reason::Invalid, fault));
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
        ("allowPrivateNetwork", spec.allow_private_network.is_some()),
        ("continuation", spec.continuation.is_some()),
    ];
    let options = spec.open_ai.is_some().then(|| {
        Finding::new(
            &path.field("openAI"),
            Reason::Invalid,
            "openAI goes with type OpenAI only",
        )
    });
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
    let protocol = match spec.kind {
        ProviderType::OpenAI => Protocol::OpenAi {
            base_url: spec
                .base_url
                .as_ref()
                .map_or(OPENAI, |url| url.as_str().trim_end_matches('/'))
                .to_owned(),
            private_network: spec.allow_private_network == Some(true),
            ca_certificates: ca_certificates(&name.namespace, spec, world, &mut unresolved),
            stream_usage: spec
                .open_ai
                .as_ref()
                .and_then(|options| options.stream_usage)
                != Some(false),
        },
        ProviderType::Simulated => Protocol::Simulated(simulated(spec.simulated.as_ref())),
    };
    let provider = Provider {
        protocol,
        credentials: credential::build(
            name,
            spec.credentials.as_deref().unwrap_or_default(),
            world,
            credentials,
            &mut unresolved,
        ),
        models: spec.models.as_ref().map(|models| {
            let upstream = |model: &fairlead_crds::v1alpha1::OfferedModel| {
                model
                    .upstream_name
                    .as_ref()
                    .unwrap_or(&model.name)
                    .to_string()
            };
            models
                .iter()
                .map(|model| Model {
                    name: model.name.to_string(),
                    upstream_name: upstream(model),
                })
                .collect()
        }),
        timeouts: durations::given(spec.timeouts.as_ref()).over(&Timeouts::default()),
        retries: resilience::retries(spec.retries.as_ref()),
        health: resilience::health(spec.health.as_ref()),
        concurrency: spec.concurrency.as_ref().map(resilience::concurrency),
        continuation: spec.continuation.map(resilience::continuation),
        access: access(&name.namespace, spec.access.as_ref(), world),
    };
    (provider, unresolved)
}

/// The last accepted version, with what must not outlive its permission looked at anew.
pub(crate) fn relink(
    name: &ObjectName,
    last: &Provider,
    world: &World<'_>,
    credentials: &mut Credentials,
) -> (Provider, Vec<Finding>) {
    let mut provider = last.clone();
    if let Protocol::OpenAi {
        private_network, ..
    } = &mut provider.protocol
    {
        *private_network &= world.settings.permits_private_network(&name.namespace);
    }
    let unresolved = credential::relink(name, &mut provider.credentials, world, credentials);
    (provider, unresolved)
}

/// The certificates to trust. An empty text where they were asked for and cannot be had: it trusts nobody, so the provider is not used unverified.
fn ca_certificates(
    namespace: &str,
    spec: &LLMProviderSpec,
    world: &World<'_>,
    unresolved: &mut Vec<Finding>,
) -> Option<String> {
    let reference = &spec.tls.as_ref()?.ca_certificate_ref;
    let wanted = Wanted {
        namespace,
        name: reference.name.as_str(),
        key: reference.key.as_ref().map_or(CA_KEY, |key| key.as_str()),
        label: SECRET_CA,
        path: Path::of("spec").field("tls").field("caCertificateRef"),
    };
    let pem = wanted.bytes(world.secrets).and_then(|bytes| {
        let text = std::str::from_utf8(bytes.expose())
            .ok()
            .filter(|text| text.contains(PEM_CERTIFICATE));
        text.map(str::to_owned)
            .ok_or_else(|| wanted.invalid("is no PEM bundle of certificates"))
    });
    Some(pem.unwrap_or_else(|finding| {
        unresolved.push(finding);
        String::new()
    }))
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
