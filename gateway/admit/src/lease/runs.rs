//! Which processes of the store a replica has heard of, and since when.

use parking_lot::Mutex;

use crate::exchange::RunId;

/// More than a cluster has nodes.
const MOST: usize = 1_024;

/// The processes of the store, in the order in which they were first heard of. One for all leases of a process.
#[derive(Debug, Default)]
pub struct Runs(Mutex<Vec<(RunId, u64)>>);

impl Runs {
    /// That of a store which no other process writes to: it is known as long as need be.
    #[must_use]
    pub fn own(run: RunId) -> Self {
        Self(Mutex::new(vec![(run, 0)]))
    }

    /// A process has answered, so many milliseconds after this one started.
    pub fn heard(&self, run: &RunId, now_ms: u64) {
        let mut all = self.0.lock();
        if all.iter().all(|(known, _)| known != run) {
            if all.len() == MOST {
                all.remove(0);
            }
            // 0 is kept for a store of one's own.
            all.push((run.clone(), now_ms.max(1)));
        }
    }

    /// The one heard of last.
    #[must_use]
    pub fn latest(&self) -> Option<RunId> {
        self.0.lock().last().map(|(run, _)| run.clone())
    }

    /// For how long a process is known, in milliseconds.
    #[must_use]
    pub fn met_ms(&self, run: &RunId, now_ms: u64) -> u64 {
        let all = self.0.lock();
        let since = all.iter().find(|(known, _)| known == run);
        since.map_or(0, |(_, since)| match since {
            0 => u64::from(u32::MAX),
            since => now_ms.saturating_sub(*since),
        })
    }
}

/// A hash of it, for a cell.
pub(super) fn hash(run: &RunId) -> u64 {
    run.0.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
