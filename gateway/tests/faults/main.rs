//! No fault of a provider reaches the caller: the whole gateway between real callers and providers that fail in every way there is a name
//! for (`docs/faults.md`).
//!
//! Every case says what the caller sees, how often the provider was asked and how long it took; figures and cases go to
//! `faults/results.json` in the target folder. The scenarios take minutes; `make faults`, a part of `make test`, runs them.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

mod blame;
mod cases;
mod connect;
mod expected;
mod in_order;
mod results;
mod scenarios;

#[path = "../path"]
#[expect(
    dead_code,
    reason = "this suite stands on a part of what the other one needs"
)]
mod shared {
    pub(crate) mod harness;
}

use shared::harness;
