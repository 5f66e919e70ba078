//! The first rule that takes a request, by way of those after which matching goes on.
//!
//! A rule that continues changes the request and chooses nothing. Where it gives it another name, matching begins anew with that name, so that
//! neither a rule of the platform's nor a constraint is got round by an alias, whatever stands before it. No rule is passed twice, and no more than
//! [`MOST`] are: what names go round in comes to an end.

use std::sync::Arc;

use fairlead_condition::Facts;
use smallvec::SmallVec;

use crate::group::Group;
use crate::plan::{NoRoute, Planner};
use crate::route::{Judgement, Route};

/// So many rules that continue hold for one request at most.
const MOST: usize = 10;

/// What the search has found.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) route: Option<&'a Arc<Route>>,
    /// How many conditions failed to evaluate on the way.
    pub(crate) condition_errors: u32,
}

/// How a search through all rules has ended.
enum Searched<'a> {
    Found(Option<&'a Arc<Route>>),
    /// A rule has given the request another name.
    Renamed,
}

/// Rules whose conditions failed to evaluate; each counts once for a request.
type Failed<'a> = SmallVec<[&'a Arc<Route>; 2]>;

/// Finds the first rule of the caller's that takes a request and chooses; those that were passed on the way hold for it.
///
/// # Errors
/// The condition of an Override rule failed to evaluate, or is none that this version knows: whether the rule would have applied is unknown,
/// and it must not be passed by. A Default rule in that state is passed by, and counted. And where more rules continue than may.
pub(crate) fn first_match<'a>(planner: &mut Planner<'a>) -> Result<Found<'a>, NoRoute> {
    let facts = Facts::new(planner.request, planner.caller.facts());
    let mut failed = Failed::new();
    let mut searched = search(planner, &facts, &mut failed)?;
    let route = loop {
        match searched {
            Searched::Found(route) => break route,
            Searched::Renamed => {
                let model = planner.model;
                let facts = facts.renamed(model);
                planner.hold_to(&facts)?;
                searched = search(planner, &facts, &mut failed)?;
            }
        }
    };
    Ok(Found {
        route,
        condition_errors: u32::try_from(failed.len()).unwrap_or(u32::MAX),
    })
}

fn search<'a>(
    planner: &mut Planner<'a>,
    facts: &Facts<'_>,
    failed: &mut Failed<'a>,
) -> Result<Searched<'a>, NoRoute> {
    let chain: &'a [Arc<Group>] = &planner.caller.chain;
    let model: &'a str = planner.model;
    let routes = chain.iter().flat_map(|group| group.candidates(model));
    for route in routes {
        if planner.has_passed(route) {
            continue;
        }
        match planner.judge(route, facts) {
            Judgement::Matched => match &route.passes {
                None => return Ok(Searched::Found(Some(route))),
                Some(passes) => {
                    if planner.passed.len() >= MOST {
                        let rule = route.head.name.clone();
                        return Err(NoRoute::TooManyRules { rule });
                    }
                    planner.passed.push(route);
                    if let Some(name) = passes.model.as_deref().filter(|name| *name != model) {
                        planner.model = name;
                        return Ok(Searched::Renamed);
                    }
                }
            },
            Judgement::OtherModel | Judgement::ConditionFalse => {}
            Judgement::ConditionError(_) | Judgement::ConditionUnparsable => {
                if !failed.iter().any(|known| Arc::ptr_eq(known, route)) {
                    failed.push(route);
                    planner.count_error(route);
                }
                if route.overrides {
                    return Err(NoRoute::ConditionError {
                        rule: route.head.name.clone(),
                    });
                }
            }
        }
    }
    Ok(Searched::Found(None))
}
