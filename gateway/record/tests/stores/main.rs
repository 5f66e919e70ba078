//! The stores of the request log: that all of them answer alike, keep what they were given, and come back from what befalls them. PostgreSQL is a
//! real one, started for the test as a user of its own.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of a test fail by panicking, as the test itself does"
)]

mod audit;
mod conformance;
mod content;
mod outage;
mod postgres;
mod reader;
mod results;
mod retention;
mod rows;
mod throughput;
