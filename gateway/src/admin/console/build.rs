//! A rule that is being written, tried among the files that are in force and on the last requests.

use std::sync::Arc;
use std::time::Duration;

use fairlead_console::view::build::{Built, Form};
use fairlead_console::{Trouble, Viewer};
use fairlead_record::filter::LARGEST_PAGE;
use fairlead_record::{Ask, Entry, Filter, RequestLog as _};
use tokio::time::{Instant, sleep_until};

use super::Local;
use crate::runtime::Runtime;
use crate::runtime::enforced::Enforced;
use crate::told::build::built;
use crate::told::effect::effect;

/// So many pages of the last requests are looked at.
const PAGES: usize = 2;
/// From the beginning of one to that of the next: whoever types asks many times a second, and each may take a core for as long.
const EVERY: Duration = Duration::from_secs(1);

/// What comes of it.
pub(super) async fn told(local: &Local, viewer: &Viewer, form: Form) -> Result<Built, Trouble> {
    if !viewer.rights.rules.sees(&form.namespace) {
        let words = format!(
            "there is no namespace {:?} that you may see",
            form.namespace
        );
        return Err(Trouble::NotFound(words));
    }
    // One configuration is compiled at a time; who waits and is gone meanwhile asks for nothing.
    let mut turn = Arc::clone(&local.compiling).lock_owned().await;
    if let Some(last) = *turn {
        sleep_until(last + EVERY).await;
    }
    *turn = Some(Instant::now());
    let (enforced, runtime) = (local.enforced()?, local.shared.live.load_full());
    let entries = last(local, viewer).await?;
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

/// The last requests that this viewer may see.
async fn last(local: &Local, viewer: &Viewer) -> Result<Vec<Arc<Entry>>, Trouble> {
    let filter = Filter {
        scope: viewer.scope(),
        ..Filter::default()
    };
    let mut ask = Ask {
        after: None,
        limit: LARGEST_PAGE,
    };
    let mut entries = Vec::new();
    for _ in 0..PAGES {
        let page = local.shared.requests.search(&filter, ask).await?;
        entries.extend(page.entries);
        ask.after = page.next;
        if ask.after.is_none() {
            break;
        }
    }
    Ok(entries)
}
