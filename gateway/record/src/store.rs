//! A request log that is kept beyond the process.

use std::fmt::Debug;

use crate::log::RequestLog;
use crate::sink::Sink;
use crate::standing::Standing;

/// What keeps finished requests for days.
pub trait Store: RequestLog + Sink + Debug {
    /// What it is called in metrics.
    fn name(&self) -> &'static str;

    /// How it stands.
    fn standing(&self) -> Standing;

    /// Ends it: what was taken is written, if that takes no longer than some seconds.
    fn end(&self);
}

#[cfg(feature = "sqlite")]
impl Store for crate::Sqlite {
    fn name(&self) -> &'static str {
        "sqlite"
    }

    fn standing(&self) -> Standing {
        Self::standing(self)
    }

    fn end(&self) {
        Self::end(self);
    }
}

#[cfg(feature = "postgres")]
impl Store for crate::Postgres {
    fn name(&self) -> &'static str {
        "postgresql"
    }

    fn standing(&self) -> Standing {
        Self::standing(self)
    }

    fn end(&self) {
        Self::end(self);
    }
}
