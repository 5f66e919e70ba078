//! A copy of an audit's file in PostgreSQL, where the collector of no log and no disk of a pod can lose it.
//!
//! The file is what waits: a thread reads on in it from the last line that the database has, so that nothing is held in memory, an outage loses
//! nothing, and whoever writes the file never waits. A line is there once: its key is the chain, by the hash of its first line, and its number.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};
use tokio_postgres::Client;

use super::connect::{Fault, Session, Url};
use super::{LAST, tables};

/// So many lines are sent together.
const BATCH: usize = 500;
/// How long one of these may take.
const SLOW: Duration = Duration::from_secs(30);
/// So often it is looked for lines that nobody has told of.
const LOOK: Duration = Duration::from_secs(10);
/// After a failure, and at most after many.
const REST: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));

/// A line of an audit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainLine {
    /// Its number, from 1.
    pub seq: i64,
    /// When it was written, RFC 3339; `None`: it does not say.
    pub time: Option<String>,
    /// All of it, without a line feed.
    pub line: String,
    /// Its hash, in hexadecimal.
    pub hash: String,
}

/// An audit that can be read.
pub trait Chain: Send + 'static {
    /// The lines after this number that will not be taken back, so many at most.
    ///
    /// # Errors
    /// They cannot be read just now.
    fn after(&mut self, seq: i64, most: usize) -> io::Result<Vec<ChainLine>>;
}

/// Where the copy is.
#[derive(Debug, Clone)]
pub struct AuditOptions {
    /// The connection string.
    pub url: Url,
    /// The certificates (PEM) that may vouch for the server. Absent: the system's.
    pub authority: Option<PathBuf>,
    /// Who writes the audit, as people call it.
    pub replica: String,
}

/// How the copy stands.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CopyStanding {
    /// The number of the last line that the database is known to have.
    pub lines: u64,
    /// How often it could not be written, since this process began.
    pub failures: u64,
    /// What is wrong just now; `None`: nothing.
    pub problem: Option<String>,
}

/// A copy that is being made. It ends when it is dropped; what is in the file is then copied, if that takes no longer than 5 s.
#[derive(Debug)]
pub struct AuditCopy {
    news: Arc<Notify>,
    told: Arc<Mutex<CopyStanding>>,
    ending: Mutex<Option<watch::Sender<()>>>,
    ended: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl AuditCopy {
    /// Begins to copy. What is wrong with the database is told by [`AuditCopy::standing`], for it may be right later.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn open(options: AuditOptions, chain: impl Chain) -> io::Result<Self> {
        let (news, told) = (Arc::<Notify>::default(), Arc::default());
        let (ending, end) = watch::channel(());
        let (copying, ended) = std::sync::mpsc::sync_channel(0);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let copier = Copier {
            options,
            chain,
            news: Arc::clone(&news),
            told: Arc::clone(&told),
            end,
        };
        std::thread::Builder::new()
            .name("audit-copy".to_owned())
            .spawn(move || {
                runtime.block_on(copier.run());
                drop(copying);
            })?;
        Ok(Self {
            news,
            told,
            ending: Mutex::new(Some(ending)),
            ended: Mutex::new(ended),
        })
    }

    /// Says that there are new lines. Never waits.
    pub fn wake(&self) {
        self.news.notify_one();
    }

    /// How it stands.
    #[must_use]
    pub fn standing(&self) -> CopyStanding {
        self.told.lock().clone()
    }

    /// Ends it: what is in the file is copied, if that takes no longer than 5 s.
    pub fn end(&self) {
        drop(self.ending.lock().take());
        // Nothing is ever sent: what is waited for is that the other end is dropped.
        let _ = self.ended.lock().recv_timeout(LAST);
    }
}

impl Drop for AuditCopy {
    fn drop(&mut self) {
        self.end();
    }
}

/// What the thread has.
struct Copier<C> {
    options: AuditOptions,
    chain: C,
    news: Arc<Notify>,
    told: Arc<Mutex<CopyStanding>>,
    end: watch::Receiver<()>,
}

impl<C: Chain> Copier<C> {
    /// Copies until this is the end.
    async fn run(mut self) {
        let mut rest = REST.0;
        loop {
            let before = self.told.lock().lines;
            let Err(fault) = self.connected().await else {
                return;
            };
            let copied = {
                let mut told = self.told.lock();
                told.failures += 1;
                if told.problem.is_none() {
                    tracing::warn!(
                        "the audit cannot be copied to PostgreSQL: {fault}; its file has what waits"
                    );
                }
                told.problem = Some(fault.to_string());
                told.lines > before
            };
            // The end is not waited for: all of it is in the file, and is copied when it is opened again.
            if self.is_ending() {
                return;
            }
            if copied {
                rest = REST.0;
            }
            tokio::select! {
                () = sleep(rest) => {}
                _ = self.end.changed() => {}
            }
            rest = (rest * 2).min(REST.1);
        }
    }

    fn is_ending(&self) -> bool {
        self.end.has_changed().is_err()
    }

    /// Copies over one connection, until it fails or this is the end.
    async fn connected(&mut self) -> Result<(), Fault> {
        let (url, authority) = (&self.options.url, self.options.authority.as_deref());
        let mut session = in_time(Session::open(url, authority)).await?;
        session
            .drive(async |client| {
                let timeouts = format!("SET statement_timeout = '{}s'", SLOW.as_secs());
                in_time(async { Ok(client.batch_execute(&timeouts).await?) }).await?;
                in_time(tables::audit(client)).await?;
                self.copy(client).await
            })
            .await
    }

    async fn copy(&mut self, client: &mut Client) -> Result<(), Fault> {
        let mut chain: Option<String> = None;
        let mut at = 0;
        loop {
            let ending = self.is_ending();
            let lines = self.chain.after(at, BATCH)?;
            if chain.is_none()
                && let Some(first) = lines.first()
            {
                // The first line of all tells one chain from another; on a new connection it is looked where this one goes on.
                let name = first.hash.clone();
                at = in_time(last(client, &name)).await?;
                chain = Some(name);
                self.copied(at);
                continue;
            }
            if let (Some(chain), Some(end)) = (&chain, lines.last()) {
                in_time(insert(client, chain, &self.options.replica, &lines)).await?;
                at = end.seq;
                self.copied(at);
            } else if ending {
                return Ok(());
            } else {
                tokio::select! {
                    () = self.news.notified() => {}
                    () = sleep(LOOK) => {}
                    _ = self.end.changed() => {}
                }
            }
        }
    }

    fn copied(&self, at: i64) {
        let mut told = self.told.lock();
        told.lines = at.unsigned_abs();
        if told.problem.take().is_some() {
            tracing::info!("the audit is copied to PostgreSQL again");
        }
    }
}

/// The number of the last line that the database has of a chain.
async fn last(client: &Client, chain: &str) -> Result<i64, Fault> {
    let ask = "SELECT coalesce(max(seq), 0) FROM fairlead_audit WHERE chain = $1";
    Ok(client.query_one(ask, &[&chain]).await?.get(0))
}

/// Lines that are there already, for the answer to the last try was not heard, are left as they are.
async fn insert(
    client: &Client,
    chain: &str,
    replica: &str,
    lines: &[ChainLine],
) -> Result<(), Fault> {
    let numbers: Vec<i64> = lines.iter().map(|line| line.seq).collect();
    let times: Vec<Option<&str>> = lines.iter().map(|line| line.time.as_deref()).collect();
    let texts: Vec<&str> = lines.iter().map(|line| line.line.as_str()).collect();
    let hashes: Vec<&str> = lines.iter().map(|line| line.hash.as_str()).collect();
    let say = "INSERT INTO fairlead_audit (chain, seq, replica, time, line, hash)
        SELECT $1, of.seq, $2, of.time::timestamptz, of.line, of.hash
        FROM unnest($3::bigint[], $4::text[], $5::text[], $6::text[]) AS of (seq, time, line, hash)
        ON CONFLICT DO NOTHING";
    client
        .execute(say, &[&chain, &replica, &numbers, &times, &texts, &hashes])
        .await?;
    Ok(())
}

async fn in_time<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let done = timeout(SLOW, work).await;
    done.unwrap_or(Err(Fault::Silent(SLOW)))
}
