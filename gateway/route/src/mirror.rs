//! Who gets copies of requests: targets that nobody waits for.
//!
//! Which requests are copied is as even as the spread over targets, and has nothing to do with it: the points of a second sequence, of the multiples
//! of the square root of three. (1, the golden ratio and the square root of three are linearly independent over the rationals, so that both together fill
//! the unit square evenly: H. Weyl, "Über die Gleichverteilung von Zahlen mod. Eins", 1916.)

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use fairlead_snapshot::{Charge, Mirror, Rule};

use crate::plan::Step;
use crate::route::BoundTarget;
use crate::table::Providers;

/// A mirror, bound to its provider.
#[derive(Debug)]
pub(crate) struct BoundMirror {
    pub(crate) target: BoundTarget,
    /// How many of a hundred requests are copied.
    pub(crate) percent: u32,
    pub(crate) head: Arc<MirrorHead>,
}

/// What outlives a table of a mirror, for as long as a copy needs it.
#[derive(Debug)]
pub struct MirrorHead {
    /// Its rule, `namespace/name`.
    pub rule: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// Whether its rule is the platform's.
    pub platform: bool,
    /// Whose limits copies count towards.
    pub charge: Charge,
    /// How many copies may be under way at a time.
    most: u32,
    /// How many are; outlives a table of the mirror.
    under_way: Arc<AtomicU32>,
}

/// A copy of a request that is to be sent.
#[derive(Debug, Clone)]
pub struct Copied {
    /// To whom.
    pub step: Step,
    /// By which mirror.
    pub mirror: Arc<MirrorHead>,
}

/// A copy that is under way, counted for as long as this lives.
#[derive(Debug)]
pub struct UnderWay(Arc<AtomicU32>);

impl BoundMirror {
    /// Of a rule; `before` are those that the same rule had.
    pub(crate) fn new(
        rule: &Rule,
        mirror: &Mirror,
        providers: &Providers,
        gateway_namespace: &str,
        before: &[Self],
    ) -> Self {
        let known = before
            .iter()
            .find(|before| *before.head.name == *mirror.target.name);
        let under_way = known.map(|before| Arc::clone(&before.head.under_way));
        Self {
            target: BoundTarget::new(&mirror.target, providers),
            percent: mirror.percent,
            head: Arc::new(MirrorHead {
                rule: rule.name.to_string().into(),
                name: mirror.target.name.as_str().into(),
                platform: rule.name.namespace == gateway_namespace,
                charge: mirror.charge,
                most: mirror.max_in_flight,
                under_way: under_way.unwrap_or_default(),
            }),
        }
    }
}

impl MirrorHead {
    /// A place for one more copy; `None`: there are as many as there may be.
    #[must_use]
    pub fn begin(&self) -> Option<UnderWay> {
        let more = |count: u32| (count < self.most).then_some(count + 1);
        self.under_way
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, more)
            .ok()?;
        Some(UnderWay(Arc::clone(&self.under_way)))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// How many are under way says where a mirror stands, not what it is: plans are compared without it.
impl PartialEq for Copied {
    fn eq(&self, other: &Self) -> bool {
        let head = |copied: &Self| {
            (
                Arc::clone(&copied.mirror.rule),
                Arc::clone(&copied.mirror.name),
            )
        };
        self.step == other.step && head(self) == head(other)
    }
}
