//! What is in force, and what it was made from: for those who look, not for requests.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use fairlead_compile::{Inputs, Verdict};
use fairlead_console::view::build::Form;
use fairlead_snapshot::{ObjectName, Snapshot};

/// The configuration in force of a standalone gateway.
#[derive(Debug)]
pub(crate) struct Enforced {
    /// What requests are served by.
    pub snapshot: Arc<Snapshot>,
    /// What it was made from, as text.
    pub read: Read,
    /// The forms of its rules.
    pub forms: BTreeMap<ObjectName, Form>,
    /// What the compiler says of each object.
    pub verdicts: Arc<[Verdict]>,
}

/// What a configuration was made from. Parsed it would take several times the room of what serves requests, all the time, for somebody who builds
/// a rule now and then: it is read again for them.
pub(crate) struct Read(Box<Again>);

/// Reads inputs again, as they are now.
type Again = dyn Fn() -> Result<Inputs, Unreadable> + Send + Sync;

/// Why they cannot be.
pub(crate) type Unreadable = Box<dyn std::error::Error + Send + Sync>;

impl Read {
    /// From texts that are kept, by whoever has read them first.
    pub(crate) fn by(
        again: impl Fn() -> Result<Inputs, Unreadable> + Send + Sync + 'static,
    ) -> Self {
        Self(Box::new(again))
    }

    /// The inputs again, now.
    ///
    /// # Errors
    /// The folder of Secrets cannot be read.
    pub(crate) fn again(&self) -> Result<Inputs, Unreadable> {
        (self.0)()
    }
}

impl fmt::Debug for Read {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("Read")
    }
}
