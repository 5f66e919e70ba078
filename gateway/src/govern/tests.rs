//! What is taken of several limits, where one of them has to be asked for.

use std::time::Duration;

use fairlead_snapshot::{LimitScope, Limits, ObjectName, OnStoreFailure, RateLimit, Unit};
use fairlead_store::{Options, Where};
use tokio::time::Instant;

use super::*;
use crate::govern::bound::Level;
use crate::govern::chain::holder;

fn rate(name: &str) -> RateLimit {
    RateLimit {
        name: name.into(),
        unit: Unit::Requests,
        limit: 100,
        per_ms: 60_000,
        per_user: false,
        scope: LimitScope::default(),
        on_store_failure: OnStoreFailure::Deny,
    }
}

fn asked() -> Governed {
    Governed::passed_through(&Arc::default(), 1, &Arc::default())
}

#[tokio::test(start_paused = true)]
async fn what_was_taken_goes_back_when_nobody_waits_any_more() {
    let limits = Limits {
        rates: vec![rate("granted"), rate("asked-for")],
        ..Limits::default()
    };
    let owner = holder(Level::Team, &ObjectName::new("search", "research"));
    let bounds = Bound::all(&owner, &limits, 1);
    let clock = Clock::start();
    let options = Options {
        place: Where::Embedded { dir: None },
        journal: None,
        started: Instant::now(),
    };
    let counters = Counters::open(options).await.unwrap();
    let mut store = tokio::task::JoinSet::new();
    store.spawn(counters.clone().run());
    let governor = Governor::new(counters, clock);
    let (amounts, asked) = (Amounts::default(), asked());
    let take = |bounds| governor.take(bounds, amounts, &asked, governor.now());
    let granted = take(bounds[..1].iter()).await.unwrap();
    granted.cancel();
    // From now on nobody answers.
    store.abort_all();
    let waited = tokio::time::timeout(Duration::from_millis(10), take(bounds.iter())).await;
    assert!(waited.is_err(), "it is waited for");
    let standing = bounds[0].standing(&governor.counters, None, governor.now());
    assert_eq!((standing.used, standing.leased), (0, 0), "{standing:?}");
    assert!(take(bounds[..1].iter()).await.is_ok(), "it was idle again");
}
