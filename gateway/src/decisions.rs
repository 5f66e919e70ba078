//! What was decided of configurations, keys and limits: told in the log, and where the installation wants it in a file whose lines are chained.
//!
//! A thread of its own writes the file, for each line is on the disk before it is told. Nobody waits for it: there is room for some decisions and,
//! apart from it, for some of what was only seen, such as that a key's budget is used up; what finds none is in the log alone, and counted.

#[cfg(feature = "postgres")]
mod copy;
mod limits;
mod queue;
mod told;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::Duration;

use fairlead_audit::{AuditFile, Head};
use fairlead_record::content::Content;
use jiff::Timestamp;
use parking_lot::Mutex;
use prometheus_client::metrics::counter::Counter;
use serde_json::{Value, json};

pub(crate) use limits::Refusing;
use queue::{Queue, Room};
use told::Told;

/// How long the last ones may take.
const LAST: Duration = Duration::from_secs(3);

/// Where decisions are told.
#[derive(Debug, Default)]
pub(crate) struct Decisions {
    /// `None`: in the log alone.
    file: Option<Written>,
    /// Lines that are not in the file, though there is one.
    lost: Counter,
    /// Who is told beside the log.
    told: Arc<Told>,
    /// What copies the file to a database.
    #[cfg(feature = "postgres")]
    copy: Option<Arc<fairlead_record::AuditCopy>>,
}

/// How the copy of the file stands.
#[derive(Debug)]
pub(crate) struct CopyStands {
    /// Lines that it has not yet.
    pub(crate) behind: u64,
    /// How often it could not be written.
    pub(crate) failures: u64,
    /// What is wrong just now.
    pub(crate) problem: Option<String>,
}

#[derive(Debug)]
struct Written {
    queue: Arc<Queue>,
    head: Arc<Mutex<Head>>,
    ended: Mutex<Receiver<()>>,
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
        let head = Arc::new(Mutex::new(file.head()));
        Self::begin(file, head, || {})
    }

    /// In the log and in this file, of which a database has a copy.
    ///
    /// # Errors
    /// Those of [`Decisions::open`].
    #[cfg(feature = "postgres")]
    pub(crate) fn copied(
        path: &Path,
        options: fairlead_record::AuditOptions,
    ) -> anyhow::Result<Self> {
        let mut file = AuditFile::open(path)?;
        // Chains are told apart by their first line, so that no two may begin alike.
        if file.head().lines == 0 {
            let id = format!("{:032x}", fastrand::u128(..));
            let line = json!({"time": now(), "audit": "chain.begun", "replica": options.replica, "id": id});
            file.append(&line.to_string())?;
        }
        let head = Arc::new(Mutex::new(file.head()));
        let chain = copy::Copied::new(path, &head);
        let copy = Arc::new(fairlead_record::AuditCopy::open(options, chain)?);
        let news = Arc::clone(&copy);
        let decisions = Self::begin(file, head, move || news.wake())?;
        Ok(Self {
            copy: Some(copy),
            ..decisions
        })
    }

    /// Begins to write a file. `wake` is called when there is more on the disk.
    fn begin(
        file: AuditFile,
        head: Arc<Mutex<Head>>,
        wake: impl Fn() + Send + 'static,
    ) -> anyhow::Result<Self> {
        let end = file.head();
        tracing::info!(file = %file.path().display(), lines = end.lines, hash = %end.hash, "the audit goes on");
        let (queue, lost) = (Arc::new(Queue::default()), Counter::default());
        let (writing, ended) = sync_channel(0);
        let keeps = (Arc::clone(&queue), Arc::clone(&head), lost.clone());
        let told = Arc::<Told>::default();
        let tells = Arc::clone(&told);
        std::thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || {
                let (queue, head, lost) = keeps;
                write(file, &queue, &head, (&lost, &tells), &wake);
                drop(writing);
            })?;
        Ok(Self {
            file: Some(Written {
                queue,
                head,
                ended: Mutex::new(ended),
            }),
            lost,
            told,
            #[cfg(feature = "postgres")]
            copy: None,
        })
    }

    /// Tells somebody else too, from now on, each line that is told in the log; only the first who asks is. They must not wait.
    pub(crate) fn tell_also(&self, whom: impl Fn(&str) + Send + Sync + 'static) {
        self.told.also(whom);
    }

    /// Tells a decision, a JSON object. Never waits.
    pub(crate) fn tell(&self, line: String) {
        self.put(Room::Decisions, line);
    }

    /// Tells what was seen, a JSON object. Never waits.
    fn mention(&self, line: String) {
        self.put(Room::Mentions, line);
    }

    fn put(&self, room: Room, line: String) {
        let unwritten = match &self.file {
            None => Some(line),
            Some(file) => file.queue.put(room, line).err(),
        };
        let Some(line) = unwritten else { return };
        if self.file.is_some() {
            self.lost.inc();
        }
        self.told.tell(&line);
    }

    /// Waits until all is written; for a while only.
    pub(crate) fn end(&self) {
        if let Some(file) = &self.file {
            file.queue.end();
            // Nothing is ever sent: what is waited for is that the other end is dropped.
            let _ = file.ended.lock().recv_timeout(LAST);
        }
        #[cfg(feature = "postgres")]
        if let Some(copy) = &self.copy {
            copy.end();
        }
    }

    /// How the copy stands; `None`: there is none.
    #[cfg(feature = "postgres")]
    pub(crate) fn copy(&self) -> Option<CopyStands> {
        let (copy, file) = (self.copy.as_ref()?.standing(), self.file.as_ref()?);
        Some(CopyStands {
            behind: file.head.lock().lines.saturating_sub(copy.lines),
            failures: copy.failures,
            problem: copy.problem,
        })
    }

    /// How the copy stands; `None`: there is none.
    #[cfg(not(feature = "postgres"))]
    pub(crate) fn copy(&self) -> Option<CopyStands> {
        let _ = self;
        None
    }

    /// Counts lines that are not in the file, though there is one.
    #[must_use]
    pub(crate) fn lost(&self) -> &Counter {
        &self.lost
    }

    /// The end of the chain, for whoever wants to hold the file against it; `null`: there is no file.
    pub(crate) fn standing(&self) -> Value {
        let Some(file) = &self.file else {
            return Value::Null;
        };
        let head = *file.head.lock();
        json!({
            "lines": head.lines,
            "hash": head.hash.to_string(),
            "lost": self.lost.get(),
            "copy": self.copy().map(|copy| json!({"behind": copy.behind, "failures": copy.failures, "problem": copy.problem})),
        })
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

/// That somebody reads what was written in a request, as the audit tells it: of which, and not what.
#[must_use]
pub(crate) fn content_read(content: &Content, by: &str) -> String {
    json!({
        "time": now(),
        "audit": "content.read",
        "by": by,
        "request_id": fairlead_record::hex::text(&content.id.to_be_bytes()),
        "key": content.key,
        "rule": content.rule,
    })
    .to_string()
}

/// RFC 3339, milliseconds.
#[must_use]
pub(crate) fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

/// Lines that cannot be written are in the log alone, and counted: the next ones may be. All that waits is written at once, for each time the disk
/// is waited for.
fn write(
    mut file: AuditFile,
    queue: &Queue,
    end: &Mutex<Head>,
    (lost, told): (&Counter, &Told),
    wake: &dyn Fn(),
) {
    while let Some(objects) = queue.take() {
        let lines = file.append_all(&objects);
        *end.lock() = file.head();
        wake();
        let unwritten = |why: &dyn std::fmt::Display| {
            lost.inc();
            let path = file.path().display();
            tracing::error!("a line of the audit is not in {path}: {why}");
        };
        match lines {
            Ok(lines) => {
                for (line, object) in lines.into_iter().zip(objects) {
                    let line = line.unwrap_or_else(|error| {
                        unwritten(&error);
                        object
                    });
                    told.tell(&line);
                }
            }
            Err(error) => {
                for object in objects {
                    unwritten(&error);
                    told.tell(&object);
                }
            }
        }
    }
    let head = file.head();
    tracing::info!(lines = head.lines, hash = %head.hash, "the audit rests");
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

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

    /// The thread that writes is as good as stuck where nobody takes what waits.
    #[test]
    fn a_decision_waits_neither_for_mentions_nor_for_the_disk() {
        let (_writing, ended) = sync_channel(0);
        let decisions = Decisions {
            file: Some(Written {
                queue: Arc::default(),
                head: Arc::default(),
                ended: Mutex::new(ended),
            }),
            ..Decisions::default()
        };
        for _ in 0..10_000 {
            decisions.mention("{}".to_owned());
        }
        let lost = decisions.lost().get();
        assert!((1..10_000).contains(&lost), "{lost}");
        let began = Instant::now();
        decisions.tell(enforced(7, "abc", "live"));
        assert!(began.elapsed() < Duration::from_millis(100));
        assert_eq!(decisions.lost().get(), lost, "it has room of its own");
        for _ in 0..100_000 {
            decisions.tell("{}".to_owned());
        }
        assert!(decisions.lost().get() > lost);
    }

    #[test]
    fn whoever_asked_is_told_what_the_log_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        for file in [None, Some(path.as_path())] {
            let decisions = Decisions::open(file).unwrap();
            let told = Arc::new(Mutex::new(Vec::new()));
            let keeps = Arc::clone(&told);
            decisions.tell_also(move |line| keeps.lock().push(line.to_owned()));
            decisions.tell(r#"{"a":1}"#.to_owned());
            decisions.end();
            let told = told.lock().join("\n");
            assert!(told.starts_with(r#"{"a":1"#), "{told}");
            assert_eq!(told.contains("hash"), file.is_some(), "{told}");
        }
    }

    #[test]
    fn without_a_file_there_is_the_log() {
        let decisions = Decisions::open(None).unwrap();
        decisions.tell("{}".to_owned());
        decisions.end();
        assert_eq!(decisions.standing(), Value::Null);
    }
}
