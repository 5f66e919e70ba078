//! Content in PostgreSQL, for many replicas: a partition a day, of which those that are over are dropped and of the others what is too old is deleted.
//!
//! One thread writes and answers. A database that is away or slow holds up nobody: what finds no room in the queue is dropped and counted. One batch that
//! cannot be written is tried until it can, or refused for what is in it.

use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::Client;

use super::connect::{Fault, Session};
use super::write::of_the_data;
use super::{LAST, PostgresOptions, days, tables};
use crate::content::{Content, ContentStore, Packed, QUEUE, Waiting, unpacked};
use crate::log::{Answer, ReadError};
use crate::standing::Standing;
use crate::told::Told;

/// So many are written together, or what comes within this time.
const BATCH: usize = 100;
const WAIT: Duration = Duration::from_millis(500);
/// How long a batch may take, and an answer.
const SLOW: Duration = Duration::from_secs(30);
const PATIENCE: Duration = Duration::from_secs(8);
/// How often it is looked for what is too old.
const LOOK_AFTER: Duration = Duration::from_secs(600);
/// After a failure, and at most after many.
const REST: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));
/// So often the last ones are tried to be written when the process ends.
const LAST_TRIES: u32 = 3;
/// So many questions may wait.
const QUESTIONS: usize = 32;
/// Microseconds of an hour.
const HOUR_US: i64 = 3_600_000_000;

/// Where an answer goes.
type Answered = oneshot::Sender<Result<Option<Content>, ReadError>>;

/// The store. It ends when it is dropped; what was taken is then written, if that takes no longer than 5 s.
#[derive(Debug)]
pub struct ContentPostgres {
    queue: Mutex<Option<mpsc::Sender<Arc<Packed>>>>,
    waiting: Arc<Waiting>,
    questions: mpsc::Sender<(u64, Answered)>,
    told: Arc<Told>,
    ending: Mutex<Option<watch::Sender<()>>>,
    ended: Mutex<std::sync::mpsc::Receiver<()>>,
}

impl ContentPostgres {
    /// Begins to write. `hours`: for how long content is kept. What is wrong with the database is told by its standing, for it may be right later.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn open(options: PostgresOptions, hours: u16) -> std::io::Result<Self> {
        let told = Arc::new(Told::of("content"));
        let waiting = Arc::<Waiting>::default();
        let (queue, contents) = mpsc::channel(QUEUE);
        let (questions, asked) = mpsc::channel(QUESTIONS);
        let (ending, end) = watch::channel(());
        let (writing, ended) = std::sync::mpsc::sync_channel(0);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let writer = Writer {
            options: options.clone(),
            hours,
            told: Arc::clone(&told),
            waiting: Arc::clone(&waiting),
            end,
            batch: Vec::new(),
            looked: None,
        };
        std::thread::Builder::new()
            .name("content-log".to_owned())
            .spawn(move || {
                runtime.block_on(async {
                    // Who asks goes on being answered until the last is written.
                    tokio::select! {
                        () = writer.run(contents) => {}
                        () = answer(&options, hours, asked) => {}
                    }
                });
                drop(writing);
            })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            waiting,
            questions,
            told,
            ending: Mutex::new(Some(ending)),
            ended: Mutex::new(ended),
        })
    }
}

impl ContentStore for ContentPostgres {
    fn name(&self) -> &'static str {
        "postgresql"
    }

    fn keep(&self, content: &Arc<Packed>) {
        let queue = self.queue.lock();
        self.waiting.offer(content, &self.told, |content| {
            let queue = queue.as_ref();
            queue.is_some_and(|queue| queue.try_send(content).is_ok())
        });
    }

    fn read(&self, id: u64) -> Answer<'_, Option<Content>> {
        let (answered, answer) = oneshot::channel();
        let asked = self.questions.try_send((id, answered));
        Box::pin(async move {
            let busy = || ReadError::Unavailable("too many are reading it; ask again".to_owned());
            asked.map_err(|_| busy())?;
            let ending = |_| ReadError::Unavailable("the gateway is ending".to_owned());
            answer.await.map_err(ending)?
        })
    }

    fn standing(&self) -> Standing {
        self.told.standing()
    }

    fn end(&self) {
        drop(self.queue.lock().take());
        drop(self.ending.lock().take());
        // Nothing is ever sent: what is waited for is that the other end is dropped.
        let _ = self.ended.lock().recv_timeout(LAST);
    }
}

impl Drop for ContentPostgres {
    fn drop(&mut self) {
        self.end();
    }
}

/// Answers, one at a time, for ever.
async fn answer(options: &PostgresOptions, hours: u16, mut asked: mpsc::Receiver<(u64, Answered)>) {
    let mut session = None;
    loop {
        let Some((id, answered)) = asked.recv().await else {
            // Nobody can ask any more; the writer may still be at work.
            return std::future::pending().await;
        };
        let had = session.is_some();
        let mut found = in_time(PATIENCE, find(options, &mut session, id)).await;
        // A connection that was idle may have ended meanwhile.
        if had && found.is_err() {
            found = in_time(PATIENCE, find(options, &mut session, id)).await;
        }
        let oldest = options.wall.micros() - i64::from(hours) * HOUR_US;
        let found = found.map(|content| content.filter(|content| content.ended_unix_us >= oldest));
        // Whoever has gone away wants no answer.
        let _ = answered.send(found.map_err(|fault| ReadError::Unavailable(fault.to_string())));
    }
}

async fn find(
    options: &PostgresOptions,
    session: &mut Option<Session>,
    id: u64,
) -> Result<Option<Content>, Fault> {
    let mut open = match session.take() {
        Some(open) => open,
        None => Session::open(&options.url, options.authority.as_deref()).await?,
    };
    let row = open
        .drive(async |client| Ok(read(client, id).await?))
        .await?;
    *session = Some(open);
    Ok(row.and_then(|body| unpacked(&body)))
}

async fn read(client: &Client, id: u64) -> Result<Option<Vec<u8>>, tokio_postgres::Error> {
    // A replica may not have made the table yet.
    let there = "SELECT to_regclass('fairlead_content') IS NOT NULL";
    if !client.query_one(there, &[]).await?.get::<_, bool>(0) {
        return Ok(None);
    }
    let ask = "SELECT body FROM fairlead_content WHERE id = $1 ORDER BY ended DESC LIMIT 1";
    let row = client.query_opt(ask, &[&id.cast_signed()]).await?;
    Ok(row.map(|row| row.get(0)))
}

/// What the thread has.
struct Writer {
    options: PostgresOptions,
    hours: u16,
    told: Arc<Told>,
    waiting: Arc<Waiting>,
    end: watch::Receiver<()>,
    /// What is to be written before anything new. Here, for whoever writes is dropped where the connection ends.
    batch: Vec<Arc<Packed>>,
    looked: Option<Instant>,
}

impl Writer {
    async fn run(mut self, mut contents: mpsc::Receiver<Arc<Packed>>) {
        let (mut rest, mut tries) = (REST.0, 0);
        loop {
            let before = self.told.standing().written;
            let fault = match self.connected(&mut contents).await {
                Ok(()) => return,
                Err(fault) => fault,
            };
            self.told.failed(fault.to_string());
            if self.told.standing().written > before {
                rest = REST.0;
            }
            if self.end.has_changed().is_err() {
                tries += 1;
                if tries >= LAST_TRIES {
                    return;
                }
                rest = REST.0;
                sleep(rest).await;
            } else {
                tokio::select! {
                    () = sleep(rest) => {}
                    _ = self.end.changed() => {}
                }
            }
            rest = (rest * 2).min(REST.1);
        }
    }

    /// Writes over one connection, until it fails or there is nothing more to come.
    async fn connected(&mut self, contents: &mut mpsc::Receiver<Arc<Packed>>) -> Result<(), Fault> {
        let opening = Session::open(&self.options.url, self.options.authority.as_deref());
        let mut session = in_time(SLOW, opening).await?;
        session
            .drive(async |client| {
                in_time(SLOW, tables::content(client)).await?;
                loop {
                    self.look_after(client).await;
                    self.write(client).await?;
                    if !self.gather(contents).await {
                        return Ok(());
                    }
                }
            })
            .await
    }

    /// Gathers what is written together, or nothing where nothing comes for long; `false`: nothing more will.
    async fn gather(&mut self, contents: &mut mpsc::Receiver<Arc<Packed>>) -> bool {
        match timeout(LOOK_AFTER, contents.recv()).await {
            Ok(Some(content)) => self.batch.push(content),
            Ok(None) => return false,
            Err(_) => return true,
        }
        let until = Instant::now() + WAIT;
        while self.batch.len() < BATCH {
            let left = until.saturating_duration_since(Instant::now());
            let room = BATCH - self.batch.len();
            match timeout(left, contents.recv_many(&mut self.batch, room)).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        true
    }

    async fn write(&mut self, client: &mut Client) -> Result<(), Fault> {
        if self.batch.is_empty() {
            return Ok(());
        }
        match in_time(SLOW, insert(client, &self.batch)).await {
            Ok(()) => self.told.written(self.batch.len()),
            Err(Fault::Database(error)) if of_the_data(&error) => {
                tracing::warn!("content is not taken: {}", Fault::Database(error));
                self.told.refused(self.batch.len());
            }
            Err(fault) => return Err(fault),
        }
        self.waiting.done(&self.batch);
        self.batch.clear();
        Ok(())
    }

    /// What cannot be looked after just now is told, and nothing waits for it.
    async fn look_after(&mut self, client: &mut Client) {
        if self.looked.is_some_and(|at| at.elapsed() < LOOK_AFTER) {
            return;
        }
        let kept = i64::from(self.hours) * HOUR_US;
        let looking = days::look_after_content(client, self.options.wall.micros(), kept);
        if let Err(fault) = in_time(SLOW, looking).await {
            tracing::warn!("partitions of content are not looked after: {fault}");
        }
        self.looked = Some(Instant::now());
    }
}

async fn insert(client: &mut Client, contents: &[Arc<Packed>]) -> Result<(), Fault> {
    let batch = client.transaction().await?;
    let insert = batch
        .prepare("INSERT INTO fairlead_content (ended, id, body) VALUES ($1, $2, $3)")
        .await?;
    for content in contents {
        let id = content.id.cast_signed();
        batch
            .execute(&insert, &[&content.ended_unix_us, &id, &content.bytes])
            .await?;
    }
    Ok(batch.commit().await?)
}

/// A server that takes what it is sent and says nothing must not be waited for without end.
async fn in_time<T>(
    patience: Duration,
    work: impl Future<Output = Result<T, Fault>>,
) -> Result<T, Fault> {
    let done = timeout(patience, work).await;
    done.unwrap_or(Err(Fault::Silent(patience)))
}
