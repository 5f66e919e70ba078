//! From the recorder to the collectors of traces and logs.

use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::time::Duration;

use fairlead_record::{Entry, Sink};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::logs::v1::{ResourceLogs, ScopeLogs};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use prost::Message;
use tokio::sync::mpsc::{Receiver, Sender, WeakSender, channel};
use tokio::sync::watch;

use super::client::Collector;
use super::resource::scope;
use super::settings::Settings;
use super::spans::Form;
use super::{Counts, Lost, Signal, logs, spans};
use crate::observe::recorder::End;

/// How many requests and decisions may wait for each signal.
const QUEUE: usize = 4096;
/// How many are sent together at most.
const BATCH: usize = 512;
/// After how long they are sent though they are fewer.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the last of them may take.
const LAST: Duration = Duration::from_secs(5);

/// What is exported of one thing that happened.
enum Item {
    /// A request that has ended.
    Request(Arc<Entry>),
    /// A line of the audit.
    Decision(String),
}

/// The near end of the queues.
struct Export {
    traces: Option<Sender<Item>>,
    logs: Option<Sender<Item>>,
    counts: Counts,
    /// Dropped when nothing more comes.
    _open: watch::Sender<()>,
}

/// What exports.
pub(crate) struct Started {
    /// What finished requests are given to.
    pub(crate) sink: Box<dyn Sink>,
    /// The end of it.
    pub(crate) end: End,
    /// What lines of the audit are given to, where logs are wanted.
    pub(crate) decided: Option<Decided>,
}

/// Takes lines of the audit, for as long as requests are exported.
pub(crate) struct Decided {
    logs: WeakSender<Item>,
    counts: Counts,
}

impl Decided {
    /// Takes a line; where there is no room it is dropped and counted. Never waits.
    pub(crate) fn take(&self, line: &str) {
        let Some(logs) = self.logs.upgrade() else {
            return;
        };
        if logs.try_send(Item::Decision(line.to_owned())).is_err() {
            self.counts.lost(Signal::Logs, Lost::QueueFull, 1);
        }
    }
}

/// What works one queue off.
struct Work {
    items: Receiver<Item>,
    collector: Collector,
    signal: Signal,
    resource: Resource,
    form: Form,
    open: watch::Receiver<()>,
}

/// Starts exporting finished requests, where traces or logs are wanted.
///
/// # Errors
/// No client can be made, or the thread could not be started.
pub(crate) fn start(settings: &Settings, counts: &Counts) -> anyhow::Result<Option<Started>> {
    let (open, still) = watch::channel(());
    let mut works = Vec::new();
    let mut queue = |signal, endpoint: Option<&super::settings::Endpoint>| {
        let Some(endpoint) = endpoint else {
            return anyhow::Ok(None);
        };
        let (sender, items) = channel(QUEUE);
        works.push(Work {
            items,
            collector: Collector::new(endpoint, signal, counts.clone())?,
            signal,
            resource: settings.resource.clone(),
            form: settings.form,
            open: still.clone(),
        });
        Ok(Some(sender))
    };
    let export = Export {
        traces: queue(Signal::Traces, settings.traces.as_ref())?,
        logs: queue(Signal::Logs, settings.logs.as_ref())?,
        counts: counts.clone(),
        _open: open,
    };
    if works.is_empty() {
        return Ok(None);
    }
    let decided = export.logs.as_ref().map(|logs| Decided {
        logs: logs.downgrade(),
        counts: counts.clone(),
    });
    let (working, over) = sync_channel(0);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    std::thread::Builder::new()
        .name("otlp".to_owned())
        .spawn(move || run(&runtime, works, working))?;
    Ok(Some(Started {
        sink: Box::new(export),
        end: End::new(over, LAST),
        decided,
    }))
}

fn run(runtime: &tokio::runtime::Runtime, works: Vec<Work>, working: SyncSender<()>) {
    runtime.block_on(async {
        futures_util::future::join_all(works.into_iter().map(Work::run)).await;
    });
    drop(working);
}

impl Sink for Export {
    fn take(&self, entry: &Arc<Entry>) {
        let kept = entry.trace.as_ref().is_some_and(|trace| trace.sampled);
        if let Some(traces) = self.traces.as_ref().filter(|_| kept)
            && traces.try_send(Item::Request(Arc::clone(entry))).is_err()
        {
            let items = spans::count(entry);
            self.counts.lost(Signal::Traces, Lost::QueueFull, items);
        }
        if let Some(logs) = &self.logs
            && logs.try_send(Item::Request(Arc::clone(entry))).is_err()
        {
            self.counts.lost(Signal::Logs, Lost::QueueFull, 1);
        }
    }
}

impl Work {
    /// Sends batches until nothing more comes.
    async fn run(mut self) {
        let mut batch = Vec::with_capacity(BATCH);
        while self.fill(&mut batch).await {
            match self.signal {
                Signal::Traces => {
                    let (message, items) = self.traces(&batch);
                    self.send(&message, items).await;
                }
                Signal::Logs | Signal::Metrics => {
                    let (message, items) = self.logs(&batch);
                    self.send(&message, items).await;
                }
            }
            batch.clear();
        }
    }

    async fn send(&mut self, message: &impl Message, items: usize) {
        let mut open = self.open.clone();
        let closing = async move { while open.changed().await.is_ok() {} };
        self.collector.export(message, items, closing).await;
    }

    /// Gathers a batch: as many as there may be, or what comes within the pause; whatever there is at the end. `false`: nothing more comes.
    async fn fill(&mut self, batch: &mut Vec<Item>) -> bool {
        if self.items.recv_many(batch, BATCH).await == 0 {
            return false;
        }
        let _ = tokio::time::timeout(PAUSE, async {
            while batch.len() < BATCH {
                let room = BATCH - batch.len();
                if self.items.recv_many(batch, room).await == 0 {
                    break;
                }
            }
        })
        .await;
        true
    }

    fn traces(&self, batch: &[Item]) -> (ExportTraceServiceRequest, usize) {
        let mut all = Vec::with_capacity(batch.len() * 3);
        for item in batch {
            if let Item::Request(entry) = item {
                spans::write(entry, self.form, &mut all);
            }
        }
        let items = all.len();
        let message = ExportTraceServiceRequest {
            resource_spans: vec![ResourceSpans {
                resource: Some(self.resource.clone()),
                scope_spans: vec![ScopeSpans {
                    scope: Some(scope()),
                    spans: all,
                    schema_url: self.form.names.schema().to_owned(),
                }],
                ..ResourceSpans::default()
            }],
        };
        (message, items)
    }

    fn logs(&self, batch: &[Item]) -> (ExportLogsServiceRequest, usize) {
        let records = batch.iter();
        let records = records.map(|item| match item {
            Item::Request(entry) => logs::write(entry, self.form.names),
            Item::Decision(line) => logs::decided(line, self.form.names),
        });
        let message = ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: Some(self.resource.clone()),
                scope_logs: vec![ScopeLogs {
                    scope: Some(scope()),
                    log_records: records.collect(),
                    schema_url: self.form.names.schema().to_owned(),
                }],
                ..ResourceLogs::default()
            }],
        };
        (message, batch.len())
    }
}
