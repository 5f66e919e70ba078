//! Limits hold: across replicas, through crashes, on streams, to the nano-dollar; the whole gateway, several at a time, on a real Redis.
//!
//! Whatever is claimed is checked against three books that are kept apart: the access lines of all replicas, the store as `GET /v1/usage`
//! reads it, and the providers' own. Figures go to `governance/results.json` in the target folder. `make test` runs it shortened;
//! `FAIRLEAD_GOVERNANCE=full`, which `make governance` sets, is what docs/limits.md speaks of.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

mod books;
mod callers;
mod cost;
mod exactness;
mod fleet;
mod invoice;
mod kept;
mod rates;
mod results;
mod storms;
mod tenants;
mod vendor;

#[path = "../path"]
#[expect(
    dead_code,
    reason = "this suite stands on a part of what the other one needs"
)]
mod shared {
    pub(crate) mod harness;
}

#[path = "../../store/tests/store/valkey/server.rs"]
#[expect(
    dead_code,
    reason = "this suite stands on a part of what the other one needs"
)]
mod redis;

use shared::harness;

/// Whether everything is done at its full length.
fn full() -> bool {
    std::env::var("FAIRLEAD_GOVERNANCE").is_ok_and(|how| how == "full")
}

/// What the file of the Redis takes from where it stands.
mod support {
    /// A folder of the test's own, in memory where that is possible: a disk that is busy with something else holds a store up for seconds.
    pub(crate) fn folder() -> tempfile::TempDir {
        tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
    }
}
