//! Counters against the stores: the embedded one, and a Redis of the test's own.

#[path = "store/cost.rs"]
mod cost;
#[path = "store/crash.rs"]
mod crash;
#[path = "store/embedded.rs"]
mod embedded;
#[path = "store/support.rs"]
mod support;
#[path = "store/valkey.rs"]
mod valkey;
