//! Who is told of a line: the log, and whoever asked to be told too.

use std::fmt;
use std::sync::OnceLock;

use fairlead_process::log::AUDIT;

type Whom = Box<dyn Fn(&str) + Send + Sync>;

/// Whoever asked.
#[derive(Default)]
pub(super) struct Told(OnceLock<Whom>);

impl Told {
    /// Tells them too, unless somebody is told already.
    pub(super) fn also(&self, whom: impl Fn(&str) + Send + Sync + 'static) {
        let _ = self.0.set(Box::new(whom));
    }

    /// Tells a line.
    pub(super) fn tell(&self, line: &str) {
        tracing::info!(target: AUDIT, "{line}");
        if let Some(whom) = self.0.get() {
            whom(line);
        }
    }
}

impl fmt::Debug for Told {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_tuple("Told")
            .field(&self.0.get().is_some())
            .finish()
    }
}
