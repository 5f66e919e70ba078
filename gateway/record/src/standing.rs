//! How a store stands, as it tells of itself.

/// How a store stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize)]
pub struct Standing {
    /// Requests that were taken, since this process began.
    pub taken: u64,
    /// Of these, those that are kept.
    pub written: u64,
    /// Of these, those that the store will never take, such as one that began before the oldest day.
    pub refused: u64,
    /// Requests that were not taken, for the queue was full.
    pub dropped: u64,
    /// Rows that lie in no day's partition, so that no day's end removes them.
    pub astray: u64,
    /// What is wrong just now; `None`: nothing.
    pub problem: Option<String>,
}

impl Standing {
    /// Taken, and still to be written.
    #[must_use]
    pub fn waiting(&self) -> u64 {
        self.taken.saturating_sub(self.written + self.refused)
    }
}
