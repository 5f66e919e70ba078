//! Which rule and which targets a request gets. Pure.
//!
//! Between the snapshot and a request: [`Table::build`] turns a snapshot into something a request can be looked up in, once per
//! configuration; [`Table::caller`] says, once per key, which rules and providers that key sees; [`Table::plan`] then costs a request a few
//! comparisons and one atomic increment. Nothing here fails but with a [`NoRoute`], which says why a request has nowhere to go.

mod affinity;
mod caller;
mod constrain;
mod credit;
mod explain;
mod find;
mod group;
mod mirror;
mod names;
mod passed;
mod plan;
pub mod pool;
mod prospect;
mod resolve;
mod route;
mod sequence;
mod standing;
mod strategy;
mod table;
mod upstream;

pub use affinity::hash;
pub use caller::Caller;
pub use credit::{Credit, Paid};
pub use explain::{Considered, Explanation, Mirrored, Verdict};
pub use mirror::{Copied, MirrorHead, UnderWay};
pub use plan::{Amendments, Candidate, NoRoute, Plan, Refused, RuleHead, RuleRef, Step};
pub use prospect::Request;
pub use standing::{Chosen, Judge, Standing, Vitals, all_well};
pub use strategy::ChosenBy;
pub use table::Table;
pub use upstream::{CredentialChoice, ProviderIndex};
