//! Where facts come from.

use crate::Date;

/// A package or a page that facts were read from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Source {
    pub(crate) key: &'static str,
    pub(crate) date: Date,
    pub(crate) what: &'static str,
    pub(crate) licence: &'static str,
    pub(crate) address: &'static str,
}

impl Source {
    /// Its key in the data.
    #[must_use]
    pub const fn key(&self) -> &'static str {
        self.key
    }

    /// The day it was read.
    #[must_use]
    pub const fn date(&self) -> Date {
        self.date
    }

    /// What it is; of a package its version.
    #[must_use]
    pub const fn what(&self) -> &'static str {
        self.what
    }

    /// The licence of a package; `facts` of a page from which nothing but facts were taken.
    #[must_use]
    pub const fn licence(&self) -> &'static str {
        self.licence
    }

    /// Where to read it.
    #[must_use]
    pub const fn address(&self) -> &'static str {
        self.address
    }
}
