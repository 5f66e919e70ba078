//! What the compiler is given: settings of the installation, custom resources, Secrets, and the labels of namespaces.
//!
//! The operator fills this from its watches, the standalone gateway from files through [`Inputs::from_documents`].

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::core_object;
use crate::document::Document;
use crate::envelope::Envelope;
use crate::finding::{Finding, Reason};
use crate::kinds;
use crate::path::Path;
use crate::secret::Secrets;
use crate::services::{Services, Slice};
use crate::suggest;
use crate::verdict::{InForce, Verdict};
use fairlead_snapshot::ObjectName;

/// What the installation says, apart from any object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Objects of another `spec.gatewayName` belong to another installation and are not looked at.
    pub gateway_name: String,
    /// The namespace of the gateway: what only a platform team may say is said there.
    pub gateway_namespace: String,
    /// Whose providers may connect to private addresses.
    pub private_networks: PrivateNetworks,
}

impl Settings {
    /// The settings of an installation that calls itself `default` and permits private addresses to its own namespace only.
    #[must_use]
    pub fn new(gateway_namespace: impl Into<String>) -> Self {
        Self {
            gateway_name: "default".to_owned(),
            gateway_namespace: gateway_namespace.into(),
            private_networks: PrivateNetworks::default(),
        }
    }

    /// Whether providers of `namespace` may connect to private, loopback and link-local addresses.
    #[must_use]
    pub fn permits_private_network(&self, namespace: &str) -> bool {
        self.is_gateway(namespace) || self.private_networks.namespaces.contains(namespace)
    }

    /// Whether `namespace` is the gateway's.
    pub(crate) fn is_gateway(&self, namespace: &str) -> bool {
        self.gateway_namespace == namespace
    }
}

/// The namespaces, beside the gateway's own, whose providers may connect to private, loopback and link-local addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PrivateNetworks {
    /// Their names.
    pub namespaces: BTreeSet<String>,
}

/// Everything the compiler looks at.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// What the installation says.
    pub settings: Settings,
    /// Custom resources.
    pub objects: Vec<Arc<Document>>,
    /// The Secrets they may name.
    pub secrets: Secrets,
    /// The endpoints of the Services that providers may name.
    pub services: Services,
    /// The labels of each namespace. A namespace that only an object mentions has just its name as a label.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
    /// The time, seconds since 1970. From it alone is known when the value that a key had before is refused, and when a generated one is old
    /// enough to be replaced.
    pub now: i64,
}

impl Inputs {
    /// Nothing yet, at the time 0.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            objects: Vec::new(),
            secrets: Secrets::new(),
            services: Services::default(),
            namespaces: BTreeMap::new(),
            now: 0,
        }
    }

    /// All documents, each as [`Self::add`] takes it.
    #[must_use]
    pub fn from_documents(settings: Settings, documents: Vec<Document>) -> (Self, Vec<Verdict>) {
        let mut inputs = Self::new(settings);
        let verdicts = documents.into_iter();
        let verdicts = verdicts
            .filter_map(|document| inputs.add(document))
            .collect();
        (inputs, verdicts)
    }

    /// Adds a document by its kind. The verdict is about one that is no custom resource: a Secret or a namespace that cannot be read, and a
    /// kind that Fairlead does not know - a fault in its own API group, a note elsewhere.
    pub fn add(&mut self, document: Document) -> Option<Verdict> {
        let envelope = Envelope::of(&document);
        match (envelope.api_version, envelope.kind) {
            (_, kind) if kinds::is_ours(&envelope) && kinds::NAMES.contains(&kind) => {
                self.objects.push(Arc::new(document));
                None
            }
            ("v1", "Secret") => {
                let faults = self.add_secret(&envelope, &document);
                core_verdict(&envelope, &document, faults)
            }
            ("v1", "Namespace") => {
                let (labels, faults) = core_object::labels(&document);
                self.namespaces
                    .entry(envelope.name().name)
                    .or_default()
                    .extend(labels);
                core_verdict(&envelope, &document, faults)
            }
            ("v1", "Service") => {
                self.services.declared.insert(envelope.name());
                None
            }
            ("inference.networking.k8s.io/v1", "InferencePool") => {
                let declared = &mut self.services.declared_inference_pools;
                declared.insert(envelope.name());
                None
            }
            ("discovery.k8s.io/v1", "EndpointSlice") => {
                let faults = self.add_slice(&envelope, &document);
                core_verdict(&envelope, &document, faults)
            }
            _ => Some(unknown(&envelope, &document)),
        }
    }

    /// A slice counts for the Service of its own namespace that its label names.
    fn add_slice(&mut self, envelope: &Envelope<'_>, document: &Document) -> Vec<Finding> {
        let slice = serde_json::from_value(document.value.clone());
        match slice.ok().as_ref().and_then(Slice::read) {
            Some(slice) => {
                let service = ObjectName::new(envelope.name().namespace, &slice.service);
                let slices = self.services.slices.entry(service).or_default();
                slices.push(Arc::new(slice));
                Vec::new()
            }
            None => {
                let message = "is no EndpointSlice with the label kubernetes.io/service-name";
                vec![Finding::new(
                    &Path::of("metadata"),
                    Reason::Invalid,
                    message,
                )]
            }
        }
    }

    /// Of two Secrets with one name, the first counts.
    fn add_secret(&mut self, envelope: &Envelope<'_>, document: &Document) -> Vec<Finding> {
        let (secret, mut faults) = core_object::secret(document);
        if let Entry::Vacant(place) = self.secrets.entry(envelope.name()) {
            place.insert(secret);
        } else {
            let message = "a Secret of this name was read before; this one does not count";
            let path = Path::of("metadata").field("name");
            faults.push(Finding::new(&path, Reason::Conflict, message));
        }
        faults
    }
}

/// Secrets and namespaces have no status, so only bad ones are worth a verdict.
fn core_verdict(
    envelope: &Envelope<'_>,
    document: &Document,
    faults: Vec<Finding>,
) -> Option<Verdict> {
    let mut verdict = envelope.verdict(document);
    verdict.faults = located(faults, document);
    (!verdict.faults.is_empty()).then_some(verdict)
}

pub(crate) fn unknown(envelope: &Envelope<'_>, document: &Document) -> Verdict {
    let mut verdict = Verdict {
        in_force: InForce::Nothing,
        ..envelope.verdict(document)
    };
    let finding = |path: &str, reason, message: String| {
        located(
            vec![Finding::new(&Path::of(path), reason, message)],
            document,
        )
    };
    if envelope.api_version.is_empty() || envelope.kind.is_empty() {
        let missing = if envelope.api_version.is_empty() {
            "apiVersion"
        } else {
            "kind"
        };
        verdict.faults = finding(
            missing,
            Reason::Required,
            format!(
                "is required and must be a text, for example apiVersion: {}, kind: RoutingRule",
                kinds::API_VERSION
            ),
        );
    } else if kinds::is_ours(envelope) {
        let hint = suggest::hint(envelope.kind, kinds::NAMES.into_iter());
        verdict.faults = finding(
            "kind",
            Reason::UnknownKind,
            format!(
                "{} has no kind {:?}{hint}; it has {}",
                kinds::API_VERSION,
                envelope.kind,
                kinds::NAMES.join(", ")
            ),
        );
    } else if envelope.api_version.starts_with(kinds::GROUP_PREFIX) {
        verdict.faults = finding(
            "apiVersion",
            Reason::UnknownKind,
            format!(
                "this version of the API is not known; use {}",
                kinds::API_VERSION
            ),
        );
    } else if kinds::NAMES.contains(&envelope.kind) {
        verdict.faults = finding("apiVersion", Reason::UnknownKind, stray(envelope.kind));
    } else {
        verdict.notes = finding(
            "kind",
            Reason::UnknownKind,
            "not a kind that Fairlead reads; skipped".to_owned(),
        );
    }
    verdict
}

fn stray(kind: &str) -> String {
    let ours = kinds::API_VERSION;
    format!(
        "{kind} is a kind of {ours}, and nothing of another API is read; if it is another one's {kind}, keep it elsewhere"
    )
}

/// Findings with the lines of their fields, in the order of the file; objects that came from no file keep the order of the checks.
pub(crate) fn located(findings: Vec<Finding>, document: &Document) -> Vec<Finding> {
    let lines = &document.origin.lines;
    let mut located: Vec<Finding> = findings
        .into_iter()
        .map(|finding| Finding {
            line: lines.of(&finding.path),
            ..finding
        })
        .collect();
    located.sort_by_key(|finding| finding.line);
    located
}
