//! The first rule that takes a request.

use std::sync::Arc;

use fairlead_condition::Facts;

use crate::group::Group;
use crate::plan::{NoRoute, Planner};
use crate::route::{Judgement, Route};

/// What the search has found.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) route: Option<&'a Arc<Route>>,
    /// How many conditions failed to evaluate on the way.
    pub(crate) condition_errors: u32,
}

/// Finds the first rule of the caller's that takes a request.
///
/// # Errors
/// The condition of an Override rule failed to evaluate, or is none that this version knows: whether the rule would have applied is unknown,
/// and it must not be passed by. A Default rule in that state is passed by, and counted.
pub(crate) fn first_match<'a>(
    planner: &Planner<'a>,
    facts: &Facts<'_>,
) -> Result<Found<'a>, NoRoute> {
    let mut condition_errors = 0;
    let chain: &'a [Arc<Group>] = &planner.caller.chain;
    for route in chain
        .iter()
        .flat_map(|group| group.candidates(planner.model))
    {
        match planner.judge(route, facts) {
            Judgement::Matched => {
                return Ok(Found {
                    route: Some(route),
                    condition_errors,
                });
            }
            Judgement::OtherModel | Judgement::ConditionFalse => {}
            Judgement::ConditionError(_) | Judgement::ConditionUnparsable => {
                route.count_condition_error();
                condition_errors += 1;
                if route.overrides {
                    return Err(NoRoute::ConditionError {
                        rule: route.head.name.clone(),
                    });
                }
            }
        }
    }
    Ok(Found {
        route: None,
        condition_errors,
    })
}
