//! What people see of a gateway, by the programs that they see it with: a real OpenTelemetry Collector, and a real Prometheus over the dashboard
//! and the alerts of the chart; what it costs, beside a gateway of which nothing is seen; and that no key is among it.
//!
//! Figures go to `seeing/results.json` in the target folder. `make seeing` runs it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

mod collector;
mod cost;
mod export;
mod outage;
mod prometheus;
mod secrets;

#[path = "../path"]
#[expect(
    dead_code,
    reason = "this suite stands on a part of what the other one needs"
)]
mod shared {
    pub(crate) mod harness;
}

#[path = "../../record/tests/stores/postgres.rs"]
#[expect(
    dead_code,
    reason = "this suite stands on a part of what the other one needs"
)]
mod postgres;

use shared::harness;
