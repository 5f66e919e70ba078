//! Seeing: metrics, counted by the core that served the request, and what is told of it beyond that, off the cores.

pub(crate) mod access;
pub(crate) mod content;
pub(crate) mod entry;
pub(crate) mod followed;
pub(crate) mod metrics;
pub(crate) mod mirror;
pub(crate) mod otlp;
pub(crate) mod record;
pub(crate) mod recorder;
pub(crate) mod requests;
pub(crate) mod tags;
pub(crate) mod trace;

use std::sync::Arc;

use crate::observe::record::Entry;
use content::Contents;
use metrics::Metrics;
use recorder::Recorder;
use tags::Tags;
use trace::Tracing;

/// Where finished requests are told.
#[derive(Debug)]
pub(crate) struct Observe {
    /// Counters and histograms.
    pub metrics: Metrics,
    /// Which traces are kept, if they are exported.
    pub tracing: Arc<Tracing>,
    /// Headers that are noted.
    pub tags: Tags,
    /// What is kept of content; `None`: nothing is.
    pub contents: Option<Contents>,
    recorder: Recorder,
}

impl Observe {
    /// Tells metrics, and the recorder if there is one.
    #[must_use]
    pub(crate) fn new(
        metrics: Metrics,
        tracing: Arc<Tracing>,
        tags: Tags,
        recorder: Recorder,
    ) -> Self {
        Self {
            metrics,
            tracing,
            tags,
            contents: None,
            recorder,
        }
    }

    /// The same, where content is kept.
    #[must_use]
    pub(crate) fn with(self, contents: Option<Contents>) -> Self {
        Self { contents, ..self }
    }

    /// Called once for every request, when it is over.
    pub(crate) fn finished(&self, entry: Box<Entry>) {
        self.metrics.finished(&entry);
        if !self.recorder.take(entry) {
            self.metrics.records_dropped.inc();
        }
    }

    /// Called once for every copy of a request, when it and the request are over. It is no request: only what is told of mirrors counts it.
    fn copied(&self, entry: Box<Entry>) {
        self.metrics.copied(&entry);
        if !self.recorder.take(entry) {
            self.metrics.records_dropped.inc();
        }
    }
}
