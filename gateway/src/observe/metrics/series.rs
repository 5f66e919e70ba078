//! What requests are counted in that have all labels alike. A request is counted in some ten series, of as many metrics: they are looked up together,
//! once, and not by name each.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, OnceLock};

use hashbrown::{Equivalent, HashMap};
use parking_lot::RwLock;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::histogram::Histogram;

use super::conventions::Traced;
use super::spend::Dollars;

/// So many are known together; when there are more, all are looked up anew. What is counted stays where it is.
const MOST: usize = 4096;

/// The labels of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Labels<'a> {
    /// The operation.
    pub(super) operation: &'static str,
    /// What the provider is, in the words of the conventions; empty where there was none.
    pub(super) system: &'a str,
    /// The provider; empty where there was none.
    pub(super) provider: &'a str,
    /// The model that was asked for.
    pub(super) model: &'a str,
    /// The team; empty where there is none.
    pub(super) team: &'a str,
    /// The error code; empty where there was none.
    pub(super) error: &'static str,
}

/// The same, kept.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) operation: &'static str,
    pub(super) system: Arc<str>,
    pub(super) provider: Arc<str>,
    pub(super) model: Arc<str>,
    pub(super) team: Arc<str>,
    pub(super) error: &'static str,
}

/// The series of requests with the same labels. Each is made when something is counted in it, for one that is there is shown.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) labels: Kept,
    pub(super) duration: OnceLock<Traced>,
    pub(super) first_token: OnceLock<Traced>,
    pub(super) per_token: OnceLock<Traced>,
    pub(super) input: OnceLock<Histogram>,
    pub(super) output: OnceLock<Histogram>,
    pub(super) requests: OnceLock<Counter>,
    /// By the place of the kind among [`super::spend::KINDS`].
    pub(super) tokens: [OnceLock<Counter>; 5],
    /// What was reported, and what was estimated.
    pub(super) usd: [OnceLock<Dollars>; 2],
}

/// All that are known.
#[derive(Debug, Default)]
pub(super) struct AllSeries(RwLock<HashMap<Kept, Arc<Series>>>);

impl AllSeries {
    /// Those of requests with these labels.
    pub(super) fn of(&self, labels: &Labels<'_>) -> Arc<Series> {
        if let Some(known) = self.0.read().get(labels) {
            return Arc::clone(known);
        }
        let kept = Kept {
            operation: labels.operation,
            system: labels.system.into(),
            provider: labels.provider.into(),
            model: labels.model.into(),
            team: labels.team.into(),
            error: labels.error,
        };
        let series = Arc::new(Series {
            labels: kept.clone(),
            duration: OnceLock::new(),
            first_token: OnceLock::new(),
            per_token: OnceLock::new(),
            input: OnceLock::new(),
            output: OnceLock::new(),
            requests: OnceLock::new(),
            tokens: Default::default(),
            usd: Default::default(),
        });
        let mut all = self.0.write();
        if all.len() >= MOST {
            all.clear();
        }
        all.insert(kept, Arc::clone(&series));
        series
    }
}

impl Kept {
    fn labels(&self) -> Labels<'_> {
        Labels {
            operation: self.operation,
            system: &self.system,
            provider: &self.provider,
            model: &self.model,
            team: &self.team,
            error: self.error,
        }
    }
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.labels() == other.labels()
    }
}

impl Eq for Kept {}

impl Hash for Kept {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.labels().hash(state);
    }
}

impl Equivalent<Kept> for Labels<'_> {
    fn equivalent(&self, kept: &Kept) -> bool {
        *self == kept.labels()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(model: &str) -> Labels<'_> {
        Labels {
            operation: "chat",
            system: "openai",
            provider: "default/primary",
            model,
            team: "",
            error: "",
        }
    }

    #[test]
    fn what_is_alike_is_counted_together() {
        let all = AllSeries::default();
        let one = all.of(&labels("a"));
        assert!(Arc::ptr_eq(&one, &all.of(&labels("a"))));
        assert!(!Arc::ptr_eq(&one, &all.of(&labels("b"))));
        assert_eq!(&*one.labels.model, "a");
    }

    #[test]
    fn no_more_are_known_than_there_is_room_for() {
        let all = AllSeries::default();
        for number in 0..=MOST {
            all.of(&labels(&number.to_string()));
        }
        assert_eq!(all.0.read().len(), 1);
    }
}
