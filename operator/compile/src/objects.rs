//! All objects of this installation, read and sorted by kind, in the order of files and lines.

use std::collections::BTreeSet;

use fairlead_crds::text::Label;
use fairlead_crds::v1alpha1::{LLMProvider, Organization, RoutingRule, Team, VirtualKey};
use fairlead_snapshot::ObjectName;

use crate::document::Document;
use crate::envelope::Envelope;
use crate::finding::{Finding, Reason};
use crate::inputs::{self, Inputs, located};
use crate::kinds::{self, Kind};
use crate::object::Object;
use crate::path::Path;
use crate::verdict::{InForce, Verdict};

/// The gateway an object belongs to when it names none.
const DEFAULT_GATEWAY: &str = "default";

/// All objects of this installation.
#[derive(Default)]
pub(crate) struct Objects<'d> {
    pub(crate) providers: Vec<Object<'d, LLMProvider>>,
    pub(crate) rules: Vec<Object<'d, RoutingRule>>,
    pub(crate) keys: Vec<Object<'d, VirtualKey>>,
    pub(crate) teams: Vec<Object<'d, Team>>,
    pub(crate) organizations: Vec<Object<'d, Organization>>,
    /// Of objects that are none of these: of unknown kind, or there twice.
    others: Vec<(usize, Verdict)>,
}

impl<'d> Objects<'d> {
    /// Reads every object of this installation; of two with one name, the first counts.
    pub(crate) fn read(inputs: &'d Inputs) -> Self {
        let mut documents: Vec<&Document> = inputs
            .objects
            .iter()
            .map(|document| &**document)
            .filter(|document| is_of(document, &inputs.settings.gateway_name))
            .collect();
        documents.sort_by_key(|document| {
            (
                document.origin.file.as_deref(),
                document.origin.lines.of(""),
            )
        });
        let mut objects = Self::default();
        let mut names = BTreeSet::new();
        for (position, document) in documents.into_iter().enumerate() {
            let envelope = Envelope::of(document);
            if names.insert((envelope.kind, envelope.name())) {
                objects.add(position, document, inputs);
            } else {
                objects.others.push((position, twice(&envelope, document)));
            }
        }
        objects
    }

    fn add(&mut self, position: usize, document: &'d Document, inputs: &'d Inputs) {
        let settings = &inputs.settings;
        let envelope = Envelope::of(document);
        match envelope.kind {
            _ if !kinds::is_ours(&envelope) => self
                .others
                .push((position, inputs::unknown(&envelope, document))),
            LLMProvider::NAME => self
                .providers
                .push(Object::read(position, document, settings)),
            RoutingRule::NAME => self.rules.push(Object::read(position, document, settings)),
            VirtualKey::NAME => self.keys.push(Object::read(position, document, settings)),
            Team::NAME => self.teams.push(Object::read(position, document, settings)),
            Organization::NAME => self
                .organizations
                .push(Object::read(position, document, settings)),
            _ => self
                .others
                .push((position, inputs::unknown(&envelope, document))),
        }
    }

    /// All verdicts, in the order of files and lines.
    pub(crate) fn into_verdicts(self) -> Vec<Verdict> {
        fn of<K: Kind>(objects: Vec<Object<'_, K>>) -> impl Iterator<Item = (usize, Verdict)> {
            objects
                .into_iter()
                .map(|object| (object.position, object.verdict))
        }
        let mut verdicts: Vec<(usize, Verdict)> = of(self.providers)
            .chain(of(self.rules))
            .chain(of(self.keys))
            .chain(of(self.teams))
            .chain(of(self.organizations))
            .chain(self.others)
            .collect();
        verdicts.sort_by_key(|(position, _)| *position);
        verdicts.into_iter().map(|(_, verdict)| verdict).collect()
    }
}

/// Whether an object belongs to this installation. A name that no installation can have is a fault, which somebody must tell.
fn is_of(document: &Document, gateway_name: &str) -> bool {
    let name = &document.value["spec"]["gatewayName"];
    if name.is_null() {
        return gateway_name == DEFAULT_GATEWAY;
    }
    let label = name.as_str().and_then(|name| name.parse::<Label>().ok());
    label.is_none_or(|label| label.as_str() == gateway_name)
}

fn twice(envelope: &Envelope<'_>, document: &Document) -> Verdict {
    let name: ObjectName = envelope.name();
    let message = format!(
        "the {} {name} was read before; this one does not count",
        envelope.kind
    );
    let fault = Finding::new(
        &Path::of("metadata").field("name"),
        Reason::Conflict,
        message,
    );
    Verdict {
        faults: located(vec![fault], document),
        in_force: InForce::Nothing,
        ..envelope.verdict(document)
    }
}
