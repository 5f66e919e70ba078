//! The console of a cluster: one for all gateways of an installation, which shows each viewer what the cluster lets them see. By itself it
//! writes nothing.
//!
//! ```text
//! browser -> fairlead-console -> Cluster (source) -> access:    who it is, what they may see: TokenReview, SubjectAccessReview
//!                                                    published: what is enforced: index and shards
//!                                                    objects:   what the operator says of them
//!                                                    fleet:     how gateways do, and requests as they end
//!                                                    log:       requests that have ended
//!                                                    apply:     a rule, with the viewer's own token
//! ```
//!
//! Whatever is not known is said to be so, and what nobody clearly allows is not shown.

mod access;
mod app;
mod apply;
mod build;
mod cluster;
mod fleet;
mod kept;
mod limits;
mod log;
mod metrics;
mod objects;
mod published;
mod serve;
mod source;
mod standing;
mod usage;

use crate::args;

/// Shows an installation until a signal ends it.
///
/// # Errors
/// Anything that keeps it from starting; once it serves, nothing does.
pub fn run(args: &args::console::Console) -> anyhow::Result<()> {
    app::run(args)
}
