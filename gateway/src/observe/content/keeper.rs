//! The thread that makes of what was taken hold of what is kept.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use fairlead_record::content::{Content, ContentStore, Packed, Written};
use fairlead_redact::{Kept, Redactor};
use fairlead_snapshot::RedactPattern;
use prometheus_client::metrics::counter::Counter;

use super::Over;
use super::capture::{Answered, Capture, Said};
use super::joined;
use super::room::Held;

/// So many rules' patterns are kept compiled.
const COMPILED: usize = 256;

/// A request that is over.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) over: Over,
    pub(super) capture: Box<Capture>,
    pub(super) _held: Held,
}

/// What masks and keeps.
pub(super) struct Keeper {
    stores: Arc<Vec<Arc<dyn ContentStore>>>,
    dropped: Counter,
    /// By a rule's patterns; `None`: they do not compile.
    redactors: HashMap<Vec<RedactPattern>, Option<Arc<Redactor>>>,
}

impl Keeper {
    #[must_use]
    pub(super) fn new(stores: Arc<Vec<Arc<dyn ContentStore>>>, dropped: Counter) -> Self {
        Self {
            stores,
            dropped,
            redactors: HashMap::new(),
        }
    }

    /// Works until nobody has anything more.
    pub(super) fn run(mut self, finished: &Receiver<Box<Finished>>) {
        while let Ok(finished) = finished.recv() {
            let Some(redactor) = self.redactor(&finished.capture.logging.redact) else {
                self.dropped.inc();
                continue;
            };
            let packed = Arc::new(Packed::of(&content(&finished, &redactor)));
            for store in self.stores.iter() {
                store.keep(&packed);
            }
        }
    }

    fn redactor(&mut self, patterns: &[RedactPattern]) -> Option<Arc<Redactor>> {
        if let Some(known) = self.redactors.get(patterns) {
            return known.clone();
        }
        if self.redactors.len() >= COMPILED {
            self.redactors.clear();
        }
        let pairs = patterns
            .iter()
            .map(|one| (one.name.as_str(), one.pattern.as_str()));
        let made = Redactor::with(pairs);
        if let Err(error) = &made {
            tracing::warn!(
                "content is not kept, for a pattern of its rule cannot be used: {error}"
            );
        }
        let made = made.ok().map(Arc::new);
        self.redactors.insert(patterns.to_vec(), made.clone());
        made
    }
}

fn content(finished: &Finished, redactor: &Redactor) -> Content {
    let Finished { over, capture, .. } = finished;
    Content {
        id: over.id,
        ended_unix_us: over.ended_unix_us,
        key: over.key.clone(),
        rule: over.rule.clone(),
        request: written(redactor.keep(&capture.request, 0)),
        answer: capture
            .answer
            .as_ref()
            .map(|answer| answered(answer, redactor)),
    }
}

/// Whole answers as they are, streams as the words in them.
fn answered(answer: &Answered, redactor: &Redactor) -> Written {
    let bytes: &[u8] = match &answer.said {
        Said::Whole(bytes) => bytes,
        Said::Pieces(bytes) => bytes,
    };
    written(if joined::is_stream(bytes) {
        joined::keep(bytes, answer.more, redactor)
    } else {
        redactor.keep(bytes, answer.more)
    })
}

fn written(kept: Kept) -> Written {
    Written {
        text: kept.text,
        bytes: u64::try_from(kept.bytes).unwrap_or(u64::MAX),
        cut: kept.cut,
    }
}
