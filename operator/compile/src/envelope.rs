//! What every Kubernetes object has: `apiVersion`, `kind` and `metadata`, read without trusting any of it.

use fairlead_crds::text::Label;
use fairlead_snapshot::ObjectName;
use serde_json::Value;

use crate::document::Document;
use crate::finding::{Finding, Reason};
use crate::path::Path;
use crate::verdict::Verdict;

/// The namespace of an object that names none.
const DEFAULT_NAMESPACE: &str = "default";

/// The outside of an object; what is missing or of another type reads as empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Envelope<'d> {
    pub(crate) api_version: &'d str,
    pub(crate) kind: &'d str,
    metadata: &'d Value,
}

impl<'d> Envelope<'d> {
    pub(crate) fn of(document: &'d Document) -> Self {
        let text = |field: &str| document.value[field].as_str().unwrap_or_default();
        Self {
            api_version: text("apiVersion"),
            kind: text("kind"),
            metadata: &document.value["metadata"],
        }
    }

    /// The object's name; the namespace `default` where none is given.
    pub(crate) fn name(&self) -> ObjectName {
        let text = |field: &str| self.metadata[field].as_str();
        ObjectName::new(
            text("namespace").unwrap_or(DEFAULT_NAMESPACE),
            text("name").unwrap_or_default(),
        )
    }

    /// Counted up by the API server with every change of the spec.
    pub(crate) fn generation(&self) -> Option<i64> {
        self.metadata["generation"].as_i64()
    }

    /// When the object was created, seconds since 1970.
    pub(crate) fn created(&self) -> Option<i64> {
        let time: k8s_openapi::apimachinery::pkg::apis::meta::v1::Time =
            serde::Deserialize::deserialize(&self.metadata["creationTimestamp"]).ok()?;
        Some(time.0.as_second())
    }

    /// Whether the object is deleted and only held back by a finalizer.
    pub(crate) fn is_being_deleted(&self) -> bool {
        !self.metadata["deletionTimestamp"].is_null()
    }

    /// An empty verdict on the object.
    pub(crate) fn verdict(&self, document: &Document) -> Verdict {
        Verdict::new(self.kind, self.name(), self.generation(), &document.origin)
    }

    /// What is wrong with `metadata`: Kubernetes would refuse it, and nothing else would tell a reader of files.
    pub(crate) fn faults(&self) -> Vec<Finding> {
        let path = Path::of("metadata");
        if !self.metadata.is_object() {
            return vec![Finding::new(
                &path,
                Reason::Required,
                "is required; give at least a name",
            )];
        }
        let mut faults = vec![
            self.label_fault(&path, "name"),
            self.label_fault(&path, "namespace"),
        ];
        faults.extend(
            ["labels", "annotations"]
                .map(|field| map_fault(&self.metadata[field], &path.field(field))),
        );
        faults.into_iter().flatten().collect()
    }

    /// The same for kinds of Kubernetes itself, whose names follow other rules: there is a name, and labels are texts.
    pub(crate) fn core_faults(&self) -> Vec<Finding> {
        let path = Path::of("metadata");
        let name = path.field("name");
        let unnamed = self.metadata["name"]
            .as_str()
            .is_none_or(str::is_empty)
            .then(|| Finding::new(&name, Reason::Required, "is required and must be a text"));
        let labels = map_fault(&self.metadata["labels"], &path.field("labels"));
        [unnamed, labels].into_iter().flatten().collect()
    }

    fn label_fault(&self, metadata: &Path, field: &str) -> Option<Finding> {
        let path = metadata.field(field);
        match &self.metadata[field] {
            Value::Null if field == "namespace" => None,
            Value::Null => Some(Finding::new(&path, Reason::Required, "is required")),
            Value::String(text) if text.parse::<Label>().is_ok() => None,
            Value::String(_) => Some(Finding::new(
                &path,
                Reason::Invalid,
                "must be a DNS label: lower-case letters, digits and '-', at most 63 characters, no dots",
            )),
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(
                Finding::new(&path, Reason::Invalid, "must be a text; quote it"),
            ),
        }
    }
}

/// Labels and annotations map texts to texts; YAML's `true` and `1` are neither.
fn map_fault(value: &Value, path: &Path) -> Option<Finding> {
    match value {
        Value::Null => None,
        Value::Object(members) => {
            let (key, _) = members.iter().find(|(_, value)| !value.is_string())?;
            Some(Finding::new(
                &path.field(key),
                Reason::Invalid,
                "must be a text; quote it",
            ))
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Some(Finding::new(path, Reason::Invalid, "must be an object"))
        }
    }
}
