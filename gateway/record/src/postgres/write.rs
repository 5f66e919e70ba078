//! What writes: gathers, connects, and tries until it can.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::PostgresOptions;
use super::connect::{Fault, Session};
use super::copy::{self, Batch};
use super::{days, tables};
use crate::Entry;
use crate::told::Told;

/// So many are written together.
const BATCH: usize = 1_000;
/// Those are written together that come within this time.
const WAIT: Duration = Duration::from_secs(1);
/// How long a batch may take.
const SLOW: Duration = Duration::from_secs(30);
/// How often partitions are looked after.
const LOOK_AFTER: Duration = Duration::from_secs(600);
/// After a failure, and at most after many.
const REST: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(15));
/// So often the last entries are tried to be written when the process ends.
const LAST_TRIES: u32 = 3;

/// What the thread has.
pub(super) struct Writer {
    options: PostgresOptions,
    told: Arc<Told>,
    end: watch::Receiver<()>,
    /// What this process calls itself.
    name: String,
    /// The number of the last batch.
    number: i64,
    /// What is to be written before anything new: one batch, or the parts of one that was refused as a whole.
    batches: VecDeque<Batch>,
    /// What has come for the next batch. Here, for whoever gathers is dropped where the connection ends meanwhile.
    gathered: Vec<Arc<Entry>>,
    looked: Option<(Instant, i64)>,
}

impl Writer {
    pub(super) fn new(options: PostgresOptions, told: Arc<Told>, end: watch::Receiver<()>) -> Self {
        Self {
            options,
            told,
            end,
            name: crate::hex::text(&unique()),
            number: 0,
            batches: VecDeque::new(),
            gathered: Vec::new(),
            looked: None,
        }
    }

    /// Writes until nobody offers entries any more.
    pub(super) async fn run(mut self, mut entries: mpsc::Receiver<Arc<Entry>>) {
        let (mut rest, mut tries) = (REST.0, 0);
        loop {
            let before = self.number;
            let fault = match self.connected(&mut entries).await {
                Ok(()) => return,
                Err(fault) => fault,
            };
            self.told.failed(fault.to_string());
            if self.number > before + 1 {
                rest = REST.0;
            }
            if self.ending() {
                tries += 1;
                if tries >= LAST_TRIES {
                    return;
                }
                rest = REST.0;
            }
            self.rest(rest).await;
            rest = (rest * 2).min(REST.1);
        }
    }

    fn ending(&self) -> bool {
        self.end.has_changed().is_err()
    }

    /// Rests, in full only while this is not the end.
    async fn rest(&mut self, rest: Duration) {
        if self.ending() {
            return sleep(rest).await;
        }
        tokio::select! {
            () = sleep(rest) => {}
            _ = self.end.changed() => {}
        }
    }

    /// Writes over one connection, until it fails or there is nothing more to come.
    async fn connected(&mut self, entries: &mut mpsc::Receiver<Arc<Entry>>) -> Result<(), Fault> {
        let mut session = in_time(Session::open(
            &self.options.url,
            self.options.authority.as_deref(),
        ))
        .await?;
        session
            .drive(async |client| {
                in_time(begin(client)).await?;
                loop {
                    self.look_after(client).await;
                    self.write(client).await?;
                    if !self.gather(entries).await {
                        return Ok(());
                    }
                }
            })
            .await
    }

    /// Gathers a batch, or nothing where nothing comes for long; `false`: nothing more will. Nothing is lost where this is dropped.
    async fn gather(&mut self, entries: &mut mpsc::Receiver<Arc<Entry>>) -> bool {
        if self.gathered.is_empty() {
            match timeout(LOOK_AFTER, entries.recv()).await {
                Ok(Some(entry)) => self.gathered.push(entry),
                Ok(None) => return false,
                Err(_) => return true,
            }
        }
        let until = Instant::now() + WAIT;
        while self.gathered.len() < BATCH {
            let room = BATCH - self.gathered.len();
            let more = entries.recv_many(&mut self.gathered, room);
            let left = until.saturating_duration_since(Instant::now());
            match timeout(left, more).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
        }
        let gathered = std::mem::take(&mut self.gathered);
        self.batch(gathered);
        true
    }

    fn batch(&mut self, entries: Vec<Arc<Entry>>) {
        self.number += 1;
        self.batches.push_back(Batch {
            number: self.number,
            entries,
        });
    }

    async fn write(&mut self, client: &mut Client) -> Result<(), Fault> {
        while let Some(batch) = self.batches.front() {
            match in_time(copy::write(client, &self.name, batch)).await {
                Ok(()) => self.told.written(batch.entries.len()),
                Err(Fault::Database(error)) if of_the_data(&error) => self.divide(&error.into()),
                Err(fault) => return Err(fault),
            }
            self.batches.pop_front();
        }
        Ok(())
    }

    /// Puts halves in the place after a batch that the database refuses for what is in it, so that one odd row takes no other with it.
    fn divide(&mut self, fault: &Fault) {
        let Some(batch) = self.batches.front_mut() else {
            return;
        };
        if batch.entries.len() < 2 {
            tracing::warn!("the request log does not take a request: {fault}");
            self.told.refused(1);
            return;
        }
        let first = std::mem::take(&mut batch.entries);
        let (left, right) = first.split_at(first.len() / 2);
        for half in [left.to_vec(), right.to_vec()] {
            self.batch(half);
        }
    }

    /// Partitions that cannot be looked after just now are told, and nothing waits for them: rows go to the default one.
    async fn look_after(&mut self, client: &mut Client) {
        let today = self.options.wall.today();
        let due = |(at, day): (Instant, i64)| day != today || at.elapsed() >= LOOK_AFTER;
        if self.looked.is_some_and(|looked| !due(looked)) {
            return;
        }
        let kept = self.options.days;
        if let Err(fault) = in_time(days::look_after(client, today, kept)).await {
            tracing::warn!("partitions of the request log are not looked after: {fault}");
        }
        match in_time(days::astray(client)).await {
            Ok(astray) => {
                self.told.astray(astray);
                if astray > 0 {
                    tracing::warn!(
                        "{astray} rows of the request log lie in no day's partition; may this user make tables?"
                    );
                }
            }
            Err(fault) => {
                tracing::warn!("rows of the request log astray are not counted: {fault}");
            }
        }
        self.looked = Some((Instant::now(), today));
    }
}

/// Whether the database refuses what is in the rows (source: PostgreSQL manual, appendix A: classes 22 and 23).
pub(super) fn of_the_data(error: &tokio_postgres::Error) -> bool {
    let code = error.code().map(SqlState::code);
    code.is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
}

/// Makes a new connection ready to be written over.
async fn begin(client: &mut Client) -> Result<(), Fault> {
    let timeouts = format!("SET statement_timeout = '{}s'", SLOW.as_secs());
    client.batch_execute(&timeouts).await?;
    tables::migrate(client).await
}

/// A server that takes what it is sent and says nothing must not be waited for without end.
async fn in_time<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    let done = timeout(SLOW, work).await;
    done.unwrap_or(Err(Fault::Silent(SLOW)))
}

/// A name that no other process has.
fn unique() -> [u8; 16] {
    let mut bytes = [0; 16];
    for half in bytes.chunks_exact_mut(8) {
        half.copy_from_slice(&fastrand::u64(..).to_be_bytes());
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::super::Url;
    use super::*;
    use crate::wall::Wall;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_takes_connections_and_says_nothing_is_told() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let options = PostgresOptions {
            url: Url::Text(format!("postgresql://u:p@{address}/d?sslmode=disable")),
            authority: None,
            days: 7,
            wall: Wall::default(),
        };
        let told = Arc::new(Told::default());
        let (_ending, end) = watch::channel(());
        let (_queue, entries) = mpsc::channel(1);
        let writer = Writer::new(options, Arc::clone(&told), end);
        let over = timeout(Duration::from_secs(60), writer.run(entries)).await;
        assert!(over.is_err(), "it tries for ever");
        let problem = told.standing().problem;
        assert_eq!(
            problem.as_deref(),
            Some("the database does not answer within 30 s")
        );
    }
}
