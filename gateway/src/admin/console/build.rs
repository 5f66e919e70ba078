//! A rule that is being written, tried among the files that are in force and on the last requests.

use std::sync::Arc;

use fairlead_console::view::build::{Built, Form};
use fairlead_console::{Trouble, Viewer};
use fairlead_record::Entry;

use super::Local;
use crate::runtime::Runtime;
use crate::runtime::enforced::Enforced;
use crate::told::build::{built, is_theirs, turn};
use crate::told::effect::{effect, last};

/// What comes of it.
pub(super) async fn told(local: &Local, viewer: &Viewer, form: Form) -> Result<Built, Trouble> {
    is_theirs(&form, viewer)?;
    let turn = turn(&local.compiling).await;
    let (enforced, runtime) = (local.enforced()?, local.shared.live.load_full());
    let entries = last(&*local.shared.requests, viewer).await?;
    let viewer = viewer.clone();
    let built = tokio::task::spawn_blocking(move || {
        let built = tried(&enforced, &runtime, &form, &entries, &viewer);
        drop(turn);
        built
    });
    let fault = |error| Trouble::Unavailable(format!("the compiler has a fault: {error}"));
    built.await.map_err(fault)?
}

fn tried(
    enforced: &Enforced,
    runtime: &Runtime,
    form: &Form,
    entries: &[Arc<Entry>],
    viewer: &Viewer,
) -> Result<Built, Trouble> {
    let inputs = enforced.read.again();
    let inputs = inputs.map_err(|error| Trouble::Unavailable(error.to_string()))?;
    let before = &enforced.snapshot;
    let (built, compiled) = built(inputs, before, form)?;
    let before = (&**before, &runtime.table);
    Ok(Built {
        effect: effect(before, &compiled.snapshot, entries, viewer),
        ..built
    })
}
