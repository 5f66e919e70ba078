//! Counters against the stores: the embedded one, and a Redis of the test's own, which is killed, paused, failed over and cut off.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

mod cost;
mod crash;
mod embedded;
mod support;
mod valkey;
