//! Limits that say everything that can be said, and the owners that have them.

use std::collections::BTreeMap;

use fairlead_snapshot::{
    Allow, Budget, ConcurrentLimit, Deny, FreeTargets, LimitScope, Limits, ModelPattern,
    ModelPrice, ObjectName, OnExceeded, OnStoreFailure, Owner, Period, Raise, RateLimit, Unit,
};

/// The name of the team and of the organization that limit their keys.
pub(crate) const OWNER: &str = "limited";

pub(crate) fn price() -> ModelPrice {
    let _ = |one: ModelPrice| match one {
        ModelPrice::Free | ModelPrice::Tokens { .. } => (),
    };
    ModelPrice::Tokens {
        input: 2_500_000,
        cached_input: Some(1_250_000),
        cache_write: Some(3_125_000),
        output: 10_000_000,
        reasoning: Some(10_000_000),
    }
}

pub(crate) fn deny() -> Deny {
    Deny {
        models: vec![ModelPattern("gpt-5*".to_owned())],
        providers: vec![ObjectName::new("search", "p1")],
    }
}

fn scope() -> LimitScope {
    LimitScope {
        models: Some(vec![ModelPattern("gpt-*".to_owned())]),
        providers: Some(vec![ObjectName::new("search", "p0")]),
    }
}

fn periods() -> [Period; 6] {
    let _ = |one: Period| match one {
        Period::Daily
        | Period::Weekly { .. }
        | Period::Monthly { .. }
        | Period::Quarterly { .. }
        | Period::Yearly { .. }
        | Period::Every { .. } => (),
    };
    [
        Period::Daily,
        Period::Weekly { starts: 7 },
        Period::Monthly { starts: 28 },
        Period::Quarterly { starts: 4 },
        Period::Yearly { starts: 12 },
        Period::Every { seconds: 18_000 },
    ]
}

pub(crate) fn all() -> Limits {
    let exceeded = every!(OnExceeded: Reject, Fallback);
    let free = every!(FreeTargets: Allow, Reject);
    let failures = every!(OnStoreFailure: Allow, Deny);
    let budget = |(at, period): (usize, Period)| Budget {
        name: format!("b{at}"),
        amount: 100_000_000_000,
        period,
        time_zone: "Europe/Berlin".to_owned(),
        on_exceeded: exceeded[at % 2],
        soft_at_percent: 90,
        strict: at % 2 == 1,
        raise: Some(Raise {
            amount: 150_000_000_000,
            until: 1_800_000_000,
        }),
        reset_at: Some(1_700_000_000),
        scope: scope(),
        free_targets: free[at % 2],
        on_store_failure: failures[at % 2],
    };
    let units = every!(Unit: Requests, Tokens, InputTokens, OutputTokens);
    let rate = |(at, unit): (usize, Unit)| RateLimit {
        name: format!("r{at}"),
        unit,
        limit: 100,
        per_ms: 60_000,
        per_user: at % 2 == 1,
        scope: scope(),
        on_store_failure: failures[at % 2],
    };
    Limits {
        budgets: periods().into_iter().enumerate().map(budget).collect(),
        rates: units.into_iter().enumerate().map(rate).collect(),
        concurrent: Some(ConcurrentLimit {
            limit: 20,
            on_store_failure: failures[0],
        }),
        max_cost: Some(50_000_000),
    }
}

/// Teams and organizations: some that limit, and a team that its organization does not take.
pub(crate) fn owners() -> (BTreeMap<ObjectName, Owner>, BTreeMap<ObjectName, Owner>) {
    let denying = Allow {
        deny: deny(),
        ..Allow::default()
    };
    let limited = Owner {
        limits: all(),
        allow: denying,
        organization: Some("company".to_owned()),
        apart: false,
    };
    let apart = Owner {
        organization: Some("elsewhere".to_owned()),
        apart: true,
        ..Owner::default()
    };
    let organization = Owner {
        organization: None,
        ..limited.clone()
    };
    let teams = [("limited", limited), ("apart", apart)];
    let teams = teams.map(|(name, owner)| (ObjectName::new("search", name), owner));
    let organization = (ObjectName::new("fairlead-system", OWNER), organization);
    (teams.into(), [organization].into())
}
