//! Windows of budgets.

use serde::{Deserialize, Serialize};

/// One window: half open, unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Window {
    /// The first moment in it.
    pub start: i64,
    /// The first moment after it.
    pub end: i64,
}
