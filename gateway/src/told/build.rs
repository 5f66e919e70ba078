//! A rule out of a form: its YAML, and what the compiler says of it among all others. Nothing is written, and nothing of it takes effect.

use std::sync::Arc;
use std::time::Duration;

use fairlead_compile::{Compiled, Document, Inputs, compile, documents};
use fairlead_console::view::build::{Built, Form};
use fairlead_console::{Trouble, Viewer};
use fairlead_snapshot::{ObjectName, Snapshot};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::time::{Instant, sleep_until};

use super::findings::finding;
use crate::config::form::{KIND, ruled};

/// From the beginning of one to that of the next: whoever types asks many times a second, and each may take a core for as long.
const EVERY: Duration = Duration::from_secs(1);

/// Whose turn it is to compile, and when that of the last one began.
pub(crate) type Turn = Arc<Mutex<Option<Instant>>>;

/// Waits for a turn. One configuration is compiled at a time; who waits and is gone meanwhile asks for nothing.
pub(crate) async fn turn(of: &Turn) -> OwnedMutexGuard<Option<Instant>> {
    let mut turn = Arc::clone(of).lock_owned().await;
    if let Some(last) = *turn {
        sleep_until(last + EVERY).await;
    }
    *turn = Some(Instant::now());
    turn
}

/// Whether this viewer may write rules for the namespace of the form.
///
/// # Errors
/// They may not see it.
pub(crate) fn is_theirs(form: &Form, viewer: &Viewer) -> Result<(), Trouble> {
    if viewer.rights.rules.sees(&form.namespace) {
        return Ok(());
    }
    Err(Trouble::NotFound(format!(
        "there is no namespace {:?} that you may see",
        form.namespace
    )))
}

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
    let text = yaml(&ruled(live.as_ref(), form, &inputs.settings.gateway_name))?;
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
    let built = Built {
        seen: digest(&text),
        yaml: text,
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
