//! One document -> one object of a kind: envelope, schema, types, then the kind's own parser. Every fault is collected.
//!
//! Nothing here looks at another object, so the outcome depends on the document and the settings alone.

use fairlead_snapshot::ObjectName;
use serde_json::Value;

use crate::document::Document;
use crate::envelope::Envelope;
use crate::finding::{Finding, Reason};
use crate::inputs::Settings;
use crate::inputs::located;
use crate::kinds::{About, Kind};
use crate::path::Path;
use crate::schema;
use crate::suggest;
use crate::verdict::{InForce, Verdict};

/// The members of an object; the API server takes no others.
const MEMBERS: [&str; 5] = ["apiVersion", "kind", "metadata", "spec", "status"];

/// An object of one kind.
pub(crate) struct Object<'d, K: Kind> {
    /// Its place among all objects: verdicts are told in this order.
    pub(crate) position: usize,
    /// Its name.
    pub(crate) name: ObjectName,
    /// When it was created, seconds since 1970, where that is known.
    pub(crate) created: Option<i64>,
    /// What it says; `None` when it is not acceptable.
    pub(crate) spec: Option<K::Spec>,
    /// The document it was read from.
    pub(crate) document: &'d Document,
    /// What is to be said about it, complete up to here.
    pub(crate) verdict: Verdict,
}

impl<'d, K: Kind> Object<'d, K> {
    /// Reads an object.
    pub(crate) fn read(position: usize, document: &'d Document, settings: &Settings) -> Self {
        let envelope = Envelope::of(document);
        let name = envelope.name();
        let (spec, faults) = parse::<K>(
            document,
            &About {
                name: &name,
                settings,
            },
        );
        let mut verdict = envelope.verdict(document);
        verdict.faults = located(faults, document);
        let spec = spec.filter(|_| verdict.faults.is_empty());
        verdict.in_force = if spec.is_some() {
            InForce::This
        } else {
            InForce::Nothing
        };
        Self {
            position,
            name,
            created: envelope.created(),
            spec,
            document,
            verdict,
        }
    }

    /// Notes what this version of the object names and cannot have.
    pub(crate) fn unresolved(&mut self, findings: Vec<Finding>) {
        self.verdict
            .unresolved
            .extend(located(findings, self.document));
    }

    /// Notes what is worth knowing of this version, and harmless.
    pub(crate) fn note(&mut self, findings: Vec<Finding>) {
        self.verdict.notes.extend(located(findings, self.document));
    }

    /// Notes that the last accepted version counts, and what that one names and cannot have; its fields stand on no line.
    pub(crate) fn previous(&mut self, findings: Vec<Finding>) {
        self.verdict.in_force = InForce::Previous;
        self.verdict.unresolved = findings;
    }

    /// Notes what the version in force names and cannot have, beside what was noted before; of an earlier version on no line.
    pub(crate) fn also(&mut self, findings: Vec<Finding>) {
        if self.verdict.in_force == InForce::Previous {
            self.verdict.unresolved.extend(findings);
        } else {
            self.unresolved(findings);
        }
    }

    /// Notes a fault for which this version cannot be in force.
    pub(crate) fn refuse(&mut self, finding: Finding) {
        self.fault(finding);
        self.verdict.in_force = InForce::Nothing;
    }

    /// Whether somebody deleted the object and a finalizer still holds it back.
    pub(crate) fn is_being_deleted(&self) -> bool {
        Envelope::of(self.document).is_being_deleted()
    }

    /// Its labels.
    pub(crate) fn labels(&self) -> impl Iterator<Item = (&'d str, &'d str)> {
        let labels = self.document.value["metadata"]["labels"].as_object();
        let labels = labels.into_iter().flatten();
        labels.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
    }

    /// Notes that no version of the object counts any more, because it is being deleted.
    pub(crate) fn gone(&mut self, message: &str) {
        let path = Path::of("metadata").field("deletionTimestamp");
        self.verdict.in_force = InForce::Nothing;
        self.verdict.unresolved.clear();
        self.fault(Finding::new(&path, Reason::Terminating, message));
    }

    /// Notes a fault that only shows beside other objects.
    pub(crate) fn fault(&mut self, finding: Finding) {
        self.verdict
            .faults
            .extend(located(vec![finding], self.document));
    }
}

/// The spec, where it can be read at all, and every fault.
fn parse<K: Kind>(document: &Document, about: &About<'_>) -> (Option<K::Spec>, Vec<Finding>) {
    let mut faults = Envelope::of(document).faults();
    faults.extend(unknown_members(&document.value));
    let path = Path::of("spec");
    let value = &document.value["spec"];
    if value.is_null() {
        faults.push(Finding::new(&path, Reason::Required, "is required"));
        return (None, faults);
    }
    let before = faults.len();
    if let Some(schema) = schema::spec_of(K::NAME) {
        schema.check(value, &path, &mut faults);
    }
    match serde_path_to_error::deserialize::<_, K::Spec>(value) {
        Ok(spec) => {
            faults.extend(K::faults(&spec, about));
            (Some(spec), faults)
        }
        Err(error) if faults.len() == before => {
            // The schema is made from the type, so this is not expected; the error's own text may hold the value.
            let path = format!("spec.{}", error.path());
            faults.push(Finding {
                path,
                line: None,
                reason: Reason::Invalid,
                message: "is not what the API defines".to_owned(),
            });
            (None, faults)
        }
        Err(_) => (None, faults),
    }
}

fn unknown_members(object: &Value) -> impl Iterator<Item = Finding> {
    object
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(name, _)| !MEMBERS.contains(&name.as_str()))
        .map(|(name, _)| {
            let hint = suggest::hint(name, MEMBERS.into_iter());
            Finding::new(
                &Path::of(name),
                Reason::UnknownField,
                format!("is not a field of the API{hint}"),
            )
        })
}
