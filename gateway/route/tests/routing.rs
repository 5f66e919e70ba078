//! Which rule and which targets requests get, as scenarios.

#![cfg(test)]

#[path = "routing/world.rs"]
mod world;

#[path = "routing/constraint_properties.rs"]
mod constraint_properties;
#[path = "routing/constraints.rs"]
mod constraints;
#[path = "routing/continues.rs"]
mod continues;
#[path = "routing/costs.rs"]
mod costs;
#[path = "routing/credentials.rs"]
mod credentials;
#[path = "routing/explain.rs"]
mod explain;
#[path = "routing/mirrors.rs"]
mod mirrors;
#[path = "routing/names.rs"]
mod names;
#[path = "routing/owners.rs"]
mod owners;
#[path = "routing/properties.rs"]
mod properties;
#[path = "routing/reload.rs"]
mod reload;
#[path = "routing/rules.rs"]
mod rules;
#[path = "routing/scale.rs"]
mod scale;
#[path = "routing/sticky.rs"]
mod sticky;
#[path = "routing/targets.rs"]
mod targets;
#[path = "routing/tenancy.rs"]
mod tenancy;
