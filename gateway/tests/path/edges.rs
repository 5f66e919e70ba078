//! The edge of the gateway against callers that get HTTP wrong, and against callers who mean no good: whoever comes beside them notices
//! nothing.

mod heads;
mod leaving;
mod memory;
mod refused;
mod strangers;
mod windows;

use fairlead_faults::Provider;

use crate::harness::Setup;
use crate::harness::yaml::{caller, chain, provider};

/// A gateway with one provider behind the model `chat`.
fn setup(a: &Provider, more: &str) -> Setup {
    let documents = [
        provider("a", &a.base_url(), more),
        caller(),
        chain("chat", &["a"], ""),
    ];
    Setup::new().file("all.yaml", &documents.concat())
}
