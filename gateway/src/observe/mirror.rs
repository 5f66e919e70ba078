//! A request and the copy of it: whichever ends last has both told, side by side. Nothing of what was said is kept.

use std::sync::Arc;
use std::time::Duration;

use fairlead_route::MirrorHead;
use fairlead_snapshot::FailureClass;
use fairlead_wire::openai::Usage;
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::Observe;
use super::record::Entry;
use crate::govern::reservation::Cost;

/// What a record has to do with mirrors.
#[derive(Debug)]
pub(crate) enum Mirroring {
    /// It is that of a request of which there are copies.
    Originals(Vec<Arc<Pair>>),
    /// It is that of a copy.
    Copy(Arc<Pair>),
}

/// A request and one copy of it.
#[derive(Debug)]
pub(crate) struct Pair {
    mirror: Arc<MirrorHead>,
    of: u64,
    ends: Mutex<Ends>,
    left: Notify,
}

/// What has ended of a pair.
#[derive(Debug, Default)]
struct Ends {
    original: Option<Original>,
    copy: Option<Box<Entry>>,
}

/// What became of the request that was copied.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Original {
    /// `ok`, or why its caller did not get all of an answer.
    pub outcome: &'static str,
    /// From the start to the first content.
    pub first_token: Option<Duration>,
    /// From the head of the request to the end of its answer.
    pub duration: Duration,
    /// What it has used.
    pub usage: Option<Usage>,
    /// What it has cost, over all its attempts.
    pub cost: Option<Cost>,
}

/// What an entry of a copy says that others do not.
#[derive(Debug)]
pub(crate) struct Mirrored {
    /// The mirror.
    pub mirror: Arc<MirrorHead>,
    /// The request that was copied.
    pub of: u64,
    /// What became of it.
    pub original: Original,
}

impl Mirroring {
    /// Tells what has ended.
    pub(super) fn finished(self, entry: Box<Entry>, observe: &Observe) {
        match self {
            Self::Copy(pair) => pair.copy_ended(entry, observe),
            Self::Originals(pairs) => {
                for pair in pairs {
                    pair.original_ended(&entry, observe);
                }
                observe.finished(entry);
            }
        }
    }
}

impl Pair {
    /// Of the request of this number.
    #[must_use]
    pub(crate) fn new(mirror: &Arc<MirrorHead>, of: u64) -> Self {
        Self {
            mirror: Arc::clone(mirror),
            of,
            ends: Mutex::default(),
            left: Notify::new(),
        }
    }

    /// Resolves when the caller of the original has hung up.
    pub(crate) async fn left(&self) {
        self.left.notified().await;
    }

    fn original_ended(&self, entry: &Entry, observe: &Observe) {
        let original = Original::of(entry);
        let copy = {
            let mut ends = self.ends.lock();
            ends.original = Some(original);
            ends.copy.take()
        };
        if entry.error == Some(FailureClass::ClientGone.as_str()) {
            self.left.notify_one();
        }
        if let Some(copy) = copy {
            self.tell(copy, original, observe);
        }
    }

    fn copy_ended(&self, entry: Box<Entry>, observe: &Observe) {
        let original = {
            let mut ends = self.ends.lock();
            let Some(original) = ends.original else {
                ends.copy = Some(entry);
                return;
            };
            original
        };
        self.tell(entry, original, observe);
    }

    fn tell(&self, mut copy: Box<Entry>, original: Original, observe: &Observe) {
        copy.mirrored = Some(Box::new(Mirrored {
            mirror: Arc::clone(&self.mirror),
            of: self.of,
            original,
        }));
        observe.copied(copy);
    }
}

impl Original {
    fn of(entry: &Entry) -> Self {
        Self {
            outcome: entry.error.unwrap_or("ok"),
            first_token: entry.first_token,
            duration: entry.duration,
            usage: entry.usage,
            cost: entry.cost,
        }
    }
}
