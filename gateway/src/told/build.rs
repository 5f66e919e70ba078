//! A rule out of a form: its YAML, and what the compiler says of it among all others. Nothing is written, and nothing of it takes effect.

use std::sync::Arc;

use fairlead_compile::{Compiled, Document, Inputs, compile, documents};
use fairlead_console::Trouble;
use fairlead_console::view::build::{Built, Form};
use fairlead_snapshot::{ObjectName, Snapshot};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::findings::finding;
use crate::config::form::{KIND, ruled};

/// What comes of a form among all other objects, and what these compile to with it. `before`: what is in force.
///
/// # Errors
/// It makes no document.
pub(crate) fn built(
    mut inputs: Inputs,
    before: &Snapshot,
    form: &Form,
) -> Result<(Built, Compiled), Trouble> {
    let name = ObjectName::new(&form.namespace, &form.name);
    let is_it = |document: &Document| document.value["kind"] == KIND && document.name() == name;
    let live = inputs.objects.iter().find(|document| is_it(document));
    let live = live.map(|document| document.value.clone());
    let text = yaml(&ruled(live.as_ref(), form))?;
    let documents = documents("rule.yaml", &text);
    let documents = documents.map_err(|error| Trouble::Bad(error.to_string()))?;
    inputs.objects.retain(|document| !is_it(document));
    inputs.objects.extend(documents.into_iter().map(Arc::new));
    let compiled = compile(Some(before), &inputs);
    let verdict = compiled
        .verdicts
        .iter()
        .find(|verdict| verdict.kind == KIND && verdict.name == name);
    let findings = verdict.into_iter().flat_map(|verdict| {
        let all = verdict.faults.iter().chain(&verdict.unresolved);
        all.chain(&verdict.notes).map(finding)
    });
    let version = live
        .as_ref()
        .and_then(|live| live["metadata"]["resourceVersion"].as_str());
    let built = Built {
        seen: digest(&text),
        yaml: text,
        resource_version: version.map(str::to_owned),
        live: live.as_ref().map(yaml).transpose()?,
        findings: findings.collect(),
        ..Built::default()
    };
    Ok((built, compiled))
}

/// An object as people write it.
///
/// # Errors
/// It cannot be written so.
pub(crate) fn yaml(value: &Value) -> Result<String, Trouble> {
    serde_saphyr::to_string(value).map_err(|error| Trouble::Bad(error.to_string()))
}

/// The SHA-256 of a text, in hexadecimal.
#[must_use]
pub(crate) fn digest(text: &str) -> String {
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}
