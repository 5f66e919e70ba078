//! Custom resources -> [`Snapshot`] and a [`Verdict`] per object. Pure: no clock (the time is an input), no files, no cluster.
//!
//! ```text
//! text --documents--> Document --Inputs--> compile ----------------------------------> Snapshot, Credentials, Verdict
//!                                          read: envelope, schema, types, own parser
//!                                          link: Secrets, owners, providers, order
//! ```
//!
//! The operator calls [`compile()`] with what its watches hold, the standalone gateway and `check` with what [`documents`] read from files.
//! It never fails: an object that is not acceptable harms only itself, keeps its last accepted version in force, and its verdict says why.
//!
//! [`Snapshot`]: fairlead_snapshot::Snapshot

mod adaptive;
mod allow;
mod amend;
pub mod audit;
mod bounds;
mod certificates;
mod compile;
mod core_object;
mod credential;
mod document;
mod durations;
mod envelope;
mod finding;
mod inference;
mod inputs;
mod kinds;
mod labels;
mod limits;
mod object;
mod objects;
mod owner;
mod path;
mod previous;
mod price;
mod provider;
mod reference;
mod report;
mod resilience;
mod rule;
mod schema;
mod secret;
mod selector;
mod services;
mod suggest;
mod verdict;
mod virtual_key;
mod world;
mod zone;

pub use bounds::{
    CA_BYTES, CLIENT_CERTIFICATE_BYTES, CREDENTIAL_BYTES, ENTRY_BYTES, KEY_BYTES, NAMESPACE_BYTES,
};
pub use compile::{Compiled, compile};
pub use document::{Document, Lines, Origin, ParseError, documents};
pub use finding::{Finding, Reason};
pub use inference::{
    INFERENCE_GROUP, INFERENCE_VERSION, InferencePool, PoolSelector, ready_address,
};
pub use inputs::{Inputs, PrivateNetworks, Settings};
pub use report::report;
pub use secret::{RotationState, Secret, Secrets};
pub use services::{SERVICE_LABEL, Services, Slice};
pub use verdict::{ConditionValue, InForce, Verdict, conditions};
pub use virtual_key::{ROTATION_REQUEST_BYTES, RotationStep, WantedKey, WantedRotation};
