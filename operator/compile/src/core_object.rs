//! `v1/Secret` and `v1/Namespace` documents, as the standalone gateway finds them beside the custom resources.
//!
//! Messages name keys, never values.

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::document::Document;
use crate::finding::{Finding, Reason};
use crate::path::Path;
use fairlead_snapshot::SecretBytes;

use crate::secret::Secret;

/// A Secret, without the values that cannot be read; `stringData` goes before `data`, as the API server merges them.
pub(crate) fn secret(document: &Document) -> (Secret, Vec<Finding>) {
    let (labels, mut faults) = labels(document);
    let mut data = BTreeMap::new();
    for (field, decode) in [
        ("data", from_base64 as Decode),
        ("stringData", from_text as Decode),
    ] {
        let path = Path::of(field);
        let value = &document.value[field];
        if !value.is_null() && !value.is_object() {
            faults.push(Finding::new(&path, Reason::Invalid, "must be an object"));
        }
        for (key, value) in value.as_object().into_iter().flatten() {
            if let Some(bytes) = value.as_str().and_then(decode) {
                data.insert(key.clone(), SecretBytes::new(bytes));
            } else {
                faults.push(Finding::new(
                    &path.field(key),
                    Reason::Invalid,
                    unreadable(field),
                ));
            }
        }
    }
    (
        Secret {
            labels,
            data: Arc::new(data),
            any_use: false,
            withheld: false,
            generated_for: None,
            rotation: crate::secret::RotationState::default(),
        },
        faults,
    )
}

/// The labels of any object; those that are no text are left out.
pub(crate) fn labels(document: &Document) -> (BTreeMap<String, String>, Vec<Finding>) {
    let faults = crate::envelope::Envelope::of(document).core_faults();
    let members = document.value["metadata"]["labels"]
        .as_object()
        .into_iter()
        .flatten();
    let labels = members
        .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
        .collect();
    (labels, faults)
}

type Decode = fn(&str) -> Option<Vec<u8>>;

fn from_base64(text: &str) -> Option<Vec<u8>> {
    // The API server's decoder skips line breaks, which `kubectl create secret` does not write but people do.
    let joined: String = text.chars().filter(|c| !matches!(c, '\r' | '\n')).collect();
    STANDARD.decode(joined).ok()
}

fn from_text(text: &str) -> Option<Vec<u8>> {
    Some(text.as_bytes().to_vec())
}

fn unreadable(field: &str) -> &'static str {
    if field == "data" {
        "must be base64; put plain text under stringData"
    } else {
        "must be a text; quote it"
    }
}
