//! What was decided of configurations, keys and limits: told in the log, and where the installation wants it in a file whose lines are chained.
//!
//! A thread of its own writes the file, for each line is on the disk before it is told. Who decides waits where its queue is full; who only
//! has seen something, such as that a key's budget is used up, does not, and what finds no room is counted.

mod limits;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use fairlead_audit::{AuditFile, Head};
use fairlead_process::log::AUDIT;
use jiff::Timestamp;
use parking_lot::Mutex;
use serde_json::{Value, json};

pub(crate) use limits::Refusing;

/// So many lines may wait.
const QUEUE: usize = 4_096;
/// How long the last ones may take.
const LAST: Duration = Duration::from_secs(3);

/// Where decisions are told.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    /// `None`: in the log alone.
    file: Option<Written>,
}

#[derive(Debug)]
struct Written {
    /// `None`: it has ended.
    queue: Mutex<Option<SyncSender<String>>>,
    told: Arc<Told>,
    ended: Mutex<Receiver<()>>,
}

/// What is told of the file.
#[derive(Debug, Default)]
struct Told {
    head: Mutex<Head>,
    /// Lines that are not in it.
    lost: AtomicU64,
}

impl Decisions {
    /// In the log, and in this file if there is one.
    ///
    /// # Errors
    /// The file cannot be written, is written by another process, or does not hold.
    pub(crate) fn open(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = file else {
            return Ok(Self::default());
        };
        let file = AuditFile::open(path)?;
        let head = file.head();
        tracing::info!(file = %path.display(), lines = head.lines, hash = %head.hash, "the audit goes on");
        let told = Arc::new(Told {
            head: Mutex::new(head),
            lost: AtomicU64::new(0),
        });
        let (queue, lines) = sync_channel(QUEUE);
        let (writing, ended) = sync_channel(0);
        let keeps = Arc::clone(&told);
        std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || {
                write(file, &lines, &keeps);
                drop(writing);
            })?;
        Ok(Self {
            file: Some(Written {
                queue: Mutex::new(Some(queue)),
                told,
                ended: Mutex::new(ended),
            }),
        })
    }

    /// Tells a decision, a JSON object. Waits where many others are still to be written.
    pub(crate) fn tell(&self, line: String) {
        let queue = self.queue();
        let unwritten = match (&self.file, queue) {
            (Some(file), Some(queue)) => {
                let unsent = queue.send(line).err().map(|error| error.0);
                if unsent.is_some() {
                    file.told.lost.fetch_add(1, Relaxed);
                }
                unsent
            }
            _ => Some(line),
        };
        if let Some(line) = unwritten {
            tracing::info!(target: AUDIT, "{line}");
        }
    }

    /// Tells what was seen, and never waits.
    fn mention(&self, line: String) {
        let unwritten = match (&self.file, self.queue()) {
            (Some(file), Some(queue)) => {
                let unsent = queue.try_send(line).err();
                if unsent.is_some() {
                    file.told.lost.fetch_add(1, Relaxed);
                }
                None
            }
            _ => Some(line),
        };
        if let Some(line) = unwritten {
            tracing::info!(target: AUDIT, "{line}");
        }
    }

    /// Waits until all is written; for a while only.
    pub(crate) fn end(&self) {
        if let Some(file) = &self.file {
            drop(file.queue.lock().take());
            // Nothing is ever sent: what is waited for is that the other end is dropped.
            let _ = file.ended.lock().recv_timeout(LAST);
        }
    }

    /// The end of the chain, for whoever wants to hold the file against it; `null`: there is no file.
    pub(crate) fn standing(&self) -> Value {
        let Some(file) = &self.file else {
            return Value::Null;
        };
        let head = *file.told.head.lock();
        json!({
            "lines": head.lines,
            "hash": head.hash.to_string(),
            "lost": file.told.lost.load(Relaxed),
        })
    }

    fn queue(&self) -> Option<SyncSender<String>> {
        self.file.as_ref()?.queue.lock().clone()
    }
}

/// A configuration that took effect here, as the audit tells it.
#[cfg(feature = "kubernetes")]
pub(crate) fn enforced(generation: u64, digest: &str, source: &str) -> String {
    json!({
        "time": now(),
        "generation": generation,
        "audit": "config.enforced",
        "digest": digest,
        "source": source,
    })
    .to_string()
}

/// RFC 3339, milliseconds.
fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

/// A line that cannot be written is in the log alone, and counted: the next one may be.
fn write(mut file: AuditFile, lines: &Receiver<String>, told: &Told) {
    for line in lines {
        match file.append(&line) {
            Ok(line) => {
                *told.head.lock() = file.head();
                tracing::info!(target: AUDIT, "{line}");
            }
            Err(error) => {
                told.lost.fetch_add(1, Relaxed);
                tracing::error!(
                    "a line of the audit is not in {}: {error}",
                    file.path().display()
                );
                tracing::info!(target: AUDIT, "{line}");
            }
        }
    }
    let head = file.head();
    tracing::info!(lines = head.lines, hash = %head.hash, "the audit rests");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decisions_are_chained_in_the_file_and_go_on_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        for turn in 1..=2 {
            let decisions = Decisions::open(Some(&path)).unwrap();
            for at in 0..100 {
                decisions.tell(json!({"audit": "key.made", "at": at}).to_string());
            }
            decisions.tell(enforced(7, "abc", "files"));
            decisions.end();
            assert_eq!(decisions.standing()["lines"], turn * 101);
            decisions.tell("{}".to_owned());
        }
        let text = std::fs::read(&path).unwrap();
        let verdict = fairlead_audit::verify(&*text, None).unwrap();
        assert_eq!((verdict.fault, verdict.head.lines), (None, 202));
    }

    #[test]
    fn without_a_file_there_is_the_log() {
        let decisions = Decisions::open(None).unwrap();
        decisions.tell("{}".to_owned());
        decisions.end();
        assert_eq!(decisions.standing(), Value::Null);
    }
}
