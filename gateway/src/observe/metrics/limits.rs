//! How limits stand, read at every scrape off what this replica last heard of them: no store is asked, and nothing is counted on the way of a
//! request. Every replica that counts a limit shows the same, a second apart; what none has counted for a while is not shown. Of what falls as
//! well as it rises the largest of several replicas would be the oldest: so of rates and of requests at a time only what is new is shown.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use fairlead_store::{Shape, Standing};
use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use tokio::time::Instant;

use crate::govern::Governor;
use crate::govern::bound::{Bound, Level, Measure};
use crate::govern::report::kind_and_unit;

/// The most limits that are shown: each would cost everyone who scrapes.
const MAX_LIMITS: usize = 2_000;
const NANOS: f64 = 1e9;
/// For how long what was read is shown again: who scrapes in a loop costs no more than one who does not.
const SAME: Duration = Duration::from_secs(1);
/// What is heard of a rate or of requests at a time is shown for so long; of one that is in use something is heard every second.
const NEW: Duration = Duration::from_secs(5);

type Amounts = Family<LimitLabels, Gauge<f64, AtomicU64>>;

/// Gauges of limits.
#[derive(Debug)]
pub(super) struct Limits {
    /// Theirs alone, so that their text can be kept.
    registry: Registry,
    /// What was shown last, and when.
    last: Mutex<Option<(Instant, Arc<str>)>>,
    limit: Amounts,
    used: Amounts,
    remaining: Amounts,
    unshown: Gauge,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct LimitLabels {
    level: &'static str,
    namespace: String,
    name: String,
    limit: Arc<str>,
    kind: &'static str,
    unit: &'static str,
}

/// A limit and how it stands, in its own unit: nano-USD of a budget.
#[derive(Debug)]
struct Known<'b> {
    bound: &'b Bound,
    limit: i64,
    used: i64,
}

impl Default for Limits {
    fn default() -> Self {
        let mut limits = Self {
            registry: Registry::default(),
            last: Mutex::default(),
            limit: Family::default(),
            used: Family::default(),
            remaining: Family::default(),
            unshown: Gauge::default(),
        };
        limits.register();
        limits
    }
}

impl Limits {
    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register(
            "fairlead_limit",
            "How much there is of a limit, in its unit",
            self.limit.clone(),
        );
        registry.register(
            "fairlead_limit_used",
            "How much of a limit is used over all replicas, in its unit, as this replica last heard",
            self.used.clone(),
        );
        registry.register(
            "fairlead_limit_remaining",
            "How much of a limit is left, in its unit; 0 where more was used than there is",
            self.remaining.clone(),
        );
        registry.register(
            "fairlead_limits_unshown",
            "Limits that are counted and not shown, because there are too many",
            self.unshown.clone(),
        );
    }

    /// How the limits stand that are counted here, as text without an end; a second old at most.
    #[must_use]
    pub(super) fn render(&self, governor: &Governor, holders: &[Arc<[Bound]>]) -> Arc<str> {
        let mut last = self.last.lock();
        if let Some((at, text)) = &*last
            && at.elapsed() < SAME
        {
            return Arc::clone(text);
        }
        self.read(governor, holders);
        let mut text = String::new();
        // Writing to a String cannot fail.
        let _ = prometheus_client::encoding::text::encode_registry(&mut text, &self.registry);
        let text: Arc<str> = text.into();
        *last = Some((Instant::now(), Arc::clone(&text)));
        text
    }

    /// Takes over how the limits stand that are counted here; of others nothing is left. Limits of end users are nobody else's to see.
    fn read(&self, governor: &Governor, holders: &[Arc<[Bound]>]) {
        let now = governor.now();
        let bounds = holders.iter().flat_map(|limits| limits.iter());
        let known = bounds
            .filter(|bound| !bound.is_per_user())
            .filter_map(|bound| {
                let standing = bound.known(&governor.counters, now)?;
                if !is_new(bound, &standing, now) {
                    return None;
                }
                Some(Known {
                    bound,
                    limit: bound.terms(now).limit,
                    used: used(bound, &standing, now),
                })
            });
        let (shown, unshown) = fair(known.collect(), MAX_LIMITS);
        for family in [&self.limit, &self.used, &self.remaining] {
            family.clear();
        }
        for known in shown {
            self.show(&known);
        }
        self.unshown.set(i64::try_from(unshown).unwrap_or(i64::MAX));
    }

    fn show(&self, known: &Known<'_>) {
        let (kind, unit) = kind_and_unit(known.bound);
        let (namespace, name) = known.bound.holder.name.split_once('/').unwrap_or_default();
        let labels = LimitLabels {
            level: known.bound.holder.level.as_str(),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            limit: Arc::clone(&known.bound.name),
            kind,
            unit,
        };
        let set = |family: &Amounts, amount: i64| {
            family
                .get_or_create(&labels)
                .set(shown(known.bound, amount));
        };
        set(&self.limit, known.limit);
        set(&self.used, known.used);
        set(
            &self.remaining,
            known.limit.saturating_sub(known.used).max(0),
        );
    }
}

/// Whether it may be shown beside what other replicas have heard: what is used of a budget only rises within its window.
fn is_new(bound: &Bound, standing: &Standing, now: fairlead_store::Now) -> bool {
    let age = standing.as_of.map(|as_of| now.mono.saturating_sub(as_of));
    match bound.measure {
        Measure::Money(_) => true,
        Measure::Rate(_) | Measure::Places(_) => age.is_some_and(|age| age <= NEW),
    }
}

/// Of places nothing is ever spent: they are taken or free.
fn used(bound: &Bound, standing: &Standing, now: fairlead_store::Now) -> i64 {
    match bound.shape() {
        Shape::Slots => standing.leased,
        Shape::Budget | Shape::Rate { .. } => bound.used(standing, now),
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a gauge has no more than 53 bits"
)]
fn shown(bound: &Bound, amount: i64) -> f64 {
    match bound.measure {
        Measure::Money(_) => amount as f64 / NANOS,
        Measure::Rate(_) | Measure::Places(_) => amount as f64,
    }
}

/// No more than so many: of each namespace as many as of the others, those of keys last, so that one who has thousands hides nobody else's. And
/// how many are left out.
fn fair(known: Vec<Known<'_>>, most: usize) -> (Vec<Known<'_>>, usize) {
    if known.len() <= most {
        return (known, 0);
    }
    let unshown = known.len() - most;
    let mut namespaces: BTreeMap<&str, Vec<Known<'_>>> = BTreeMap::new();
    for known in known {
        let (namespace, _) = known.bound.holder.name.split_once('/').unwrap_or_default();
        namespaces.entry(namespace).or_default().push(known);
    }
    let mut queues: Vec<_> = namespaces
        .into_values()
        .map(|mut known| {
            known.sort_by_key(|known| known.bound.holder.level == Level::Key);
            known.into_iter()
        })
        .collect();
    let mut shown = Vec::with_capacity(most);
    while shown.len() < most {
        let room = most - shown.len();
        shown.extend(queues.iter_mut().filter_map(Iterator::next).take(room));
    }
    (shown, unshown)
}

#[cfg(test)]
mod tests {
    use fairlead_snapshot::{ConcurrentLimit, ObjectName, OnStoreFailure};

    use super::*;
    use crate::govern::chain::holder;

    fn limits(level: Level, namespace: &str, name: &str) -> Arc<[Bound]> {
        let limits = fairlead_snapshot::Limits {
            concurrent: Some(ConcurrentLimit {
                limit: 1,
                on_store_failure: OnStoreFailure::Allow,
            }),
            ..fairlead_snapshot::Limits::default()
        };
        let holder = holder(level, &ObjectName::new(namespace, name));
        Bound::all(&holder, &limits, 1)
    }

    #[test]
    fn of_what_falls_again_nothing_old_is_shown() {
        let places = limits(Level::Team, "a", "t");
        let now = |seconds| fairlead_store::Now {
            mono: Duration::from_secs(seconds),
            unix_ms: 0,
        };
        let heard = Standing {
            as_of: Some(Duration::from_secs(10)),
            ..Standing::default()
        };
        assert!(is_new(&places[0], &heard, now(14)));
        assert!(!is_new(&places[0], &heard, now(16)));
    }

    #[test]
    fn one_namespace_with_thousands_hides_nobody_elses() {
        let mut all: Vec<_> = (0..5_000)
            .map(|at| limits(Level::Key, "hostile", &format!("k{at}")))
            .collect();
        all.push(limits(Level::Team, "hostile", "team"));
        all.push(limits(Level::Key, "victim", "k"));
        all.push(limits(Level::Provider, "victim", "p"));
        let known = all.iter().flat_map(|limits| limits.iter());
        let known = known.map(|bound| Known {
            bound,
            limit: 1,
            used: 0,
        });
        let (shown, unshown) = fair(known.collect(), 100);
        assert_eq!((shown.len(), unshown), (100, 4_903));
        let names: Vec<&str> = shown
            .iter()
            .map(|known| &*known.bound.holder.name)
            .collect();
        assert_eq!(
            names[..4],
            ["hostile/team", "victim/p", "hostile/k0", "victim/k"]
        );
    }
}
