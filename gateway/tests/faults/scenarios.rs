//! What takes minutes and many requests: an outage, a provider that is stuck, callers that hang up, one caller who means no good. In small
//! with every test run, in full with `make faults`.

mod hang_ups;
mod hostile;
mod load;
mod outage;
mod stuck;
