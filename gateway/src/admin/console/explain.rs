//! Why a request would go where it would go, asked of what is in force, with limits as they stand.

use fairlead_console::view::explain::{Explained, Question};
use fairlead_console::{Trouble, Viewer};
use fairlead_snapshot::ObjectName;

use super::Local;
use super::keys::lines;
use crate::check::{Sketch, think};
use crate::govern::chain::Owners;
use crate::told::explain;

/// What becomes of a request. Of what this viewer may not see there is nothing in it.
pub(super) async fn told(
    local: &Local,
    viewer: &Viewer,
    question: Question,
) -> Result<Explained, Trouble> {
    let unknown = || Trouble::NotFound(format!("no key {} is in force", question.key));
    let name: ObjectName = question.key.parse().map_err(|_| unknown())?;
    let enforced = local.enforced()?;
    let key = enforced.snapshot.keys.get(&name);
    let key = key
        .filter(|_| viewer.rights.rules.sees(&name.namespace))
        .ok_or_else(unknown)?;
    let chain = Owners::of(&enforced.snapshot, 0).chain(&name, key);
    let lines = lines(local, &chain).await?;
    let runtime = local.shared.live.load_full();
    let sketch = Sketch::live(
        name,
        question.operation,
        question.headers,
        question.body,
        &lines,
    );
    let thought = think(&runtime.table, &enforced.snapshot, &sketch);
    let thought = thought.map_err(|error| Trouble::Bad(format!("{error:#}")))?;
    let reports = local.reports();
    Ok(explain::told(
        &thought,
        &runtime.table,
        &reports,
        &lines,
        viewer,
    ))
}
