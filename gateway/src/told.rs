//! What is told of a configuration and of gateways to somebody who looks: pure, filtered by their rights, and the same whether a gateway tells of
//! itself or a console of many.
//!
//! Of what a viewer may not see there is nothing; where something has to stand in its place, such as the rule that took a request, it is called a
//! rule of the platform. What stands in an object that the viewer may see is theirs to read, names of others' objects among it.

pub(crate) mod build;
pub(crate) mod catalog;
pub(crate) mod effect;
pub(crate) mod explain;
pub(crate) mod findings;
pub(crate) mod keys;
pub(crate) mod providers;
pub(crate) mod rules;

#[cfg(test)]
mod tests;

use fairlead_console::{Reach, Viewer};

/// In the place of a name that is not for the viewer.
pub(crate) const SOME_RULE: &str = "a rule of the platform";
const SOME_PROVIDER: &str = "a platform provider";
const SOME_TARGET: &str = "a target of the platform";
const SOME_MODEL: &str = "a model of the platform";

/// A rule as this viewer may call it, `namespace/name`.
#[must_use]
pub(crate) fn rule_name(name: &str, viewer: &Viewer) -> String {
    or(name, &viewer.rights.rules, SOME_RULE)
}

fn or(name: &str, reach: &Reach, unseen: &str) -> String {
    if reach.sees_object(name) {
        name
    } else {
        unseen
    }
    .to_owned()
}
