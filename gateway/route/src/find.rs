//! The first rule that takes a request.

use std::cell::OnceCell;
use std::sync::Arc;

use fairlead_condition::Facts;

use crate::group::Group;
use crate::plan::NoRoute;
use crate::route::{Judgement, Route};

/// The facts of a request, made when a condition first asks for them, and once.
pub(crate) struct LazyFacts<'a> {
    make: &'a dyn Fn() -> Facts,
    made: OnceCell<Facts>,
}

/// What the search has found.
#[derive(Debug)]
pub(crate) struct Found<'a> {
    pub(crate) route: Option<&'a Arc<Route>>,
    /// How many conditions failed to evaluate on the way.
    pub(crate) condition_errors: u32,
}

impl<'a> LazyFacts<'a> {
    pub(crate) fn new(make: &'a dyn Fn() -> Facts) -> Self {
        Self {
            make,
            made: OnceCell::new(),
        }
    }

    pub(crate) fn get(&self) -> &Facts {
        self.made.get_or_init(self.make)
    }
}

/// Finds the first rule of a chain that takes a request for `model`.
///
/// # Errors
/// The condition of an Override rule failed to evaluate: whether the rule would have applied is unknown, and it must not be passed by. A
/// Default rule in that state is passed by, and counted.
pub(crate) fn first_match<'a>(
    chain: &'a [Arc<Group>],
    model: &str,
    facts: &LazyFacts<'_>,
) -> Result<Found<'a>, NoRoute> {
    let mut condition_errors = 0;
    for route in chain.iter().flat_map(|group| group.candidates(model)) {
        match route.judge(model, || facts.get()) {
            Judgement::Matched => {
                return Ok(Found {
                    route: Some(route),
                    condition_errors,
                });
            }
            Judgement::OtherModel | Judgement::ConditionFalse | Judgement::ConditionUnparsable => {}
            Judgement::ConditionError(_) => {
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
