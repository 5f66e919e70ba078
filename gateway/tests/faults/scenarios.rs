//! What takes minutes and many requests: an outage, a provider that is stuck, callers that hang up. In small with every test run, in full
//! with `make faults`.

mod hang_ups;
mod load;
mod outage;
mod stuck;
