//! What a counter is asked under, and what it says.

use fairlead_admit::lease::Standing;
use fairlead_admit::window::Window;

/// What limits a counter, as the configuration says it now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// How much: nano-USD of a budget, else a count.
    pub limit: i64,
    /// How new that is. Must never fall. The newest that any replica knows counts for all.
    pub generation: u64,
    /// Of a budget, the window that is charged.
    pub window: Option<Window>,
    /// Whether the limit must not be passed even by what a dead store forgot.
    pub strict: bool,
    /// Whether requests pass while the store is away.
    pub allow_on_failure: bool,
}

/// Why this replica cannot grant it by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Short {
    /// The store would have to be asked.
    Ask,
    /// The store has been asked, a moment ago.
    Refused(Refused),
}

/// Why nothing was granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// What is spent leaves no room for it.
    Exhausted {
        /// How the counter stands.
        standing: Standing,
        /// When it would fit at the earliest, in milliseconds.
        retry_ms: u64,
    },
    /// It would fit once what is reserved or leased elsewhere comes back.
    Busy {
        /// How the counter stands.
        standing: Standing,
    },
    /// Nobody can say: the store is away, or has not known everybody for long enough.
    Unavailable,
}
