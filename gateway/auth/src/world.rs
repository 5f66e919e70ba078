//! What comes from outside: the way to call out, the time, and chance. Given, so that tests decide all three.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::Http;

/// The wall's clock, by which tokens expire.
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> SystemTime;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }
}

/// What comes from outside.
#[derive(Clone)]
pub struct World {
    /// The way to call out.
    pub http: Arc<dyn Http>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Any number, each as likely as the others: it spreads what many gateways would do at the same instant.
    pub random: fn() -> u64,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("World")
    }
}
