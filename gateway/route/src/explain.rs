//! Why a request goes where it goes: every rule with its reason, then the plan. Takes no turn of any spread.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use fairlead_snapshot::{ObjectName, Problem};

use smallvec::SmallVec;

use crate::constrain::Constraint;
use crate::plan::{Look, NoRoute, Plan, Planner, Step};
use crate::prospect::Request;
use crate::route::{Judgement, Route};
use crate::sequence::Sequence;
use crate::standing::all_well;
use crate::strategy::ChosenBy;
use crate::{Caller, Table};

/// Why a request goes where it goes.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// Every rule: first those that constrain and apply to the key, then those that choose, in the order in which they are tried, then all others.
    pub rules: Vec<Considered>,
    /// What would be tried now.
    pub outcome: Result<Plan, NoRoute>,
    /// Who would get copies of such requests.
    pub mirrors: Vec<Mirrored>,
}

/// A mirror that gets copies of some requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirrored {
    /// Its name.
    pub name: String,
    /// The rule whose mirror it is.
    pub rule: ObjectName,
    /// Of a hundred requests so many.
    pub percent: u32,
}

/// A rule, and what it said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Considered {
    /// The rule.
    pub rule: ObjectName,
    /// What it said.
    pub verdict: Verdict,
}

/// What a rule said to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It constrains the request to these providers.
    Constrains(Vec<ObjectName>),
    /// It takes the request.
    Matched,
    /// It holds for the request, and matching goes on, with this name if it gives another one.
    Continues(Option<String>),
    /// It would, but one before it has taken it.
    Outranked,
    /// It is for other keys.
    OtherScope,
    /// It is for other models.
    OtherModel,
    /// Its condition is not true.
    ConditionFalse,
    /// Its condition cannot be evaluated: passed by, or, if it is an Override, the end.
    ConditionError(String),
    /// Its condition does not parse: passed by, or, if it is an Override, the end.
    ConditionUnparsable,
}

impl Table {
    /// What would be tried for a request now. Takes no turn of any spread.
    ///
    /// # Errors
    /// The request has nowhere to go.
    pub fn foresee(
        &self,
        caller: &Caller,
        model: &str,
        request: &dyn Request,
    ) -> Result<Plan, NoRoute> {
        self.onlooker(caller, model, request).plan()
    }

    /// One that takes no turn of any spread.
    fn onlooker<'a>(
        &'a self,
        caller: &'a Caller,
        model: &'a str,
        request: &'a dyn Request,
    ) -> Planner<'a> {
        Planner {
            table: self,
            caller,
            sent: model,
            model,
            passed: SmallVec::new(),
            request,
            standing: &all_well,
            draw: Sequence::peek,
            within: crate::constrain::Within::default(),
            look: Look::Onlooker,
        }
    }

    /// Says of every rule whether it takes the request and why not, and what would be tried.
    #[must_use]
    pub fn explain(&self, caller: &Caller, model: &str, request: &dyn Request) -> Explanation {
        let mut planner = self.onlooker(caller, model, request);
        // From here on it has the name that rules have given the request.
        let outcome = planner.plan();
        let mut rules = Vec::with_capacity(self.routes.len());
        let mut seen = HashSet::new();
        let mut decided = false;
        for route in caller.constraints.iter().flat_map(|group| group.routes()) {
            seen.insert(&route.head.name);
            rules.push(Considered {
                rule: route.head.name.clone(),
                verdict: self.constrains(&planner, route, &mut decided),
            });
        }
        for route in caller.chain.iter().flat_map(|group| group.routes()) {
            seen.insert(&route.head.name);
            rules.push(Considered {
                rule: route.head.name.clone(),
                verdict: verdict(&planner, route, &mut decided),
            });
        }
        let mirrors = mirrors(&planner, outcome.as_ref().ok());
        let others = self
            .routes
            .iter()
            .filter(|route| !seen.contains(&route.head.name));
        rules.extend(others.map(|route| Considered {
            rule: route.head.name.clone(),
            verdict: Verdict::OtherScope,
        }));
        Explanation {
            rules,
            outcome,
            mirrors,
        }
    }

    /// What a constraint says.
    fn constrains(&self, planner: &Planner<'_>, route: &Route, decided: &mut bool) -> Verdict {
        // It holds by whichever name the request has had. Where none was planned for, it is judged here, by the first of them and the last.
        let constraint = route.constrain.as_ref();
        if !constraint.is_some_and(|constraint| planner.within.has(constraint)) {
            let facts = planner.facts();
            let mut judgement = route.judge_constraint(Some(planner.sent), &facts);
            if judgement != Judgement::Matched && planner.is_renamed() {
                let facts = facts.renamed(planner.model);
                judgement = route.judge_constraint(Some(planner.model), &facts);
            }
            if judgement != Judgement::Matched {
                return said(judgement, route, decided);
            }
        }
        let among = |constraint: &Constraint| -> Vec<ObjectName> {
            let all = self.providers.named();
            let of_them = all.filter(|(index, ..)| constraint.permits.contains(*index));
            of_them.map(|(_, name, _)| name.clone()).collect()
        };
        Verdict::Constrains(constraint.map(among).unwrap_or_default())
    }
}

/// Those of the rules that hold, as far as they may be asked.
fn mirrors(planner: &Planner<'_>, plan: Option<&Plan>) -> Vec<Mirrored> {
    let Some(plan) = plan else { return Vec::new() };
    let chosen = plan.rule.as_ref().map(|rule| &rule.name);
    let groups = planner.caller.chain.iter();
    let routes = groups.flat_map(|group| group.routes()).filter(|route| {
        planner.has_passed(route) || (route.passes.is_none() && Some(&route.head.name) == chosen)
    });
    let mirrors = routes.flat_map(|route| route.mirrors.iter().map(move |mirror| (route, mirror)));
    let may = mirrors.filter(|(_, mirror)| planner.may_ask(&mirror.target));
    may.map(|(route, mirror)| Mirrored {
        name: mirror.head.name.to_string(),
        rule: route.head.name.clone(),
        percent: mirror.percent,
    })
    .collect()
}

fn verdict(planner: &Planner<'_>, route: &Arc<Route>, decided: &mut bool) -> Verdict {
    if planner.has_passed(route) {
        let passes = route.passes.as_ref();
        let model = passes.and_then(|passes| passes.model.as_deref());
        return Verdict::Continues(model.map(str::to_owned));
    }
    // What one rule looks through is not missing for the next: all are asked here, not only those up to the first that matches.
    let facts = planner.facts();
    let judgement = if planner.is_renamed() {
        planner.judge(route, &facts.renamed(planner.model))
    } else {
        planner.judge(route, &facts)
    };
    said(judgement, route, decided)
}

fn said(judgement: Judgement, route: &Route, decided: &mut bool) -> Verdict {
    match judgement {
        Judgement::Matched if std::mem::replace(decided, true) => Verdict::Outranked,
        Judgement::Matched => Verdict::Matched,
        Judgement::OtherModel => Verdict::OtherModel,
        Judgement::ConditionFalse => Verdict::ConditionFalse,
        Judgement::ConditionUnparsable => {
            *decided |= route.overrides;
            Verdict::ConditionUnparsable
        }
        Judgement::ConditionError(error) => {
            *decided |= route.overrides;
            Verdict::ConditionError(error.to_string())
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for Considered { rule, verdict } in &self.rules {
            writeln!(f, "rule {rule}: {verdict}")?;
        }
        match &self.outcome {
            Err(reason) => writeln!(f, "refused: {reason}"),
            Ok(plan) => {
                match &plan.rule {
                    Some(rule) => {
                        writeln!(f, "taken by rule {}{}", rule.name, measured(plan.chosen_by))?;
                    }
                    None => writeln!(f, "taken by no rule; the model name itself says where")?,
                }
                plan.steps
                    .iter()
                    .enumerate()
                    .try_for_each(|(position, step)| describe(f, position + 1, step))?;
                self.mirrors.iter().try_for_each(|mirror| {
                    let Mirrored {
                        name,
                        rule,
                        percent,
                    } = mirror;
                    writeln!(f, "{percent} % are copied to {name} of rule {rule}")
                })
            }
        }
    }
}

/// What is said of an order that follows measurements.
fn measured(by: ChosenBy) -> &'static str {
    match by {
        ChosenBy::LowestCost => {
            ", the cheapest first, as far as prices tell; those that cost the same as they do when asked"
        }
        ChosenBy::LowestLatency
        | ChosenBy::Exploration
        | ChosenBy::LeastBusy
        | ChosenBy::Adaptive => ", in an order that depends on how its targets do when asked",
        ChosenBy::Only
        | ChosenBy::Weighted
        | ChosenBy::RoundRobin
        | ChosenBy::Priority
        | ChosenBy::Conversation
        | ChosenBy::Sticky
        | ChosenBy::Budget => "",
    }
}

/// One line for one attempt.
fn describe(f: &mut fmt::Formatter<'_>, number: usize, step: &Step) -> fmt::Result {
    write!(f, "{number}. {} asks for {}", step.target, step.model)?;
    if step.fallback {
        f.write_str(", as a fallback")?;
    }
    if let Some(on) = &step.on {
        let classes = on.classes.iter().map(|class| class.as_str().to_owned());
        let conditions: Vec<String> = classes
            .chain(on.status_codes.iter().map(u16::to_string))
            .collect();
        write!(f, " on {}", conditions.join(", "))?;
    }
    let reason = match step.problem {
        None => return writeln!(f),
        Some(Problem::NotFound) => "its provider does not exist",
        Some(Problem::NotPermitted) => "its provider does not admit the rule's namespace",
        Some(Problem::ModelNotOffered) => "its provider does not offer the model",
    };
    writeln!(f, ": cannot be tried, {reason}")
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constrains(providers) if providers.is_empty() => f.write_str(
                "constrains it to no provider: none of those whose labels count has them",
            ),
            Self::Constrains(providers) => {
                let names: Vec<String> = providers.iter().map(ToString::to_string).collect();
                write!(f, "constrains it to {}", names.join(", "))
            }
            Self::Matched => f.write_str("matched"),
            Self::Continues(None) => f.write_str("matched, and matching goes on"),
            Self::Continues(Some(model)) => {
                write!(f, "matched, and matching goes on with the name {model}")
            }
            Self::Outranked => {
                f.write_str("would match, but an earlier rule has taken the request")
            }
            Self::OtherScope => f.write_str("no: its scope does not include the key"),
            Self::OtherModel => f.write_str("no: match.models does not include the model"),
            Self::ConditionFalse => f.write_str("no: match.when is not true"),
            Self::ConditionError(error) => write!(f, "no: match.when cannot be evaluated: {error}"),
            Self::ConditionUnparsable => f.write_str("no: match.when does not parse"),
        }
    }
}
