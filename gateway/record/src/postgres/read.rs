//! What reads: over connections of its own, each question in a transaction that cannot write and does not last.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

use super::PostgresOptions;
use super::connect::{Fault, Session};
use crate::Name;
use crate::filter::{Ask, Filter, Page};
use crate::log::ReadError;
use crate::row::Kept;
use crate::sql::{self, Dialect, Query};
use crate::usage::{Sums, Usage, UsageAsk};

/// Longer than this no question is worked at.
const PATIENCE: Duration = Duration::from_secs(5);
/// Longer than this nobody waits for an answer, a new connection included.
const WAIT: Duration = Duration::from_secs(8);

/// Where an answer goes.
pub(super) type Answered<T> = oneshot::Sender<Result<T, ReadError>>;

/// What is asked.
pub(super) enum Question {
    Search(Box<Filter>, Ask, Answered<Page>),
    Usage(Box<UsageAsk>, Answered<Vec<Usage>>),
}

/// Answers, two at a time, for ever.
pub(super) async fn answer(options: &PostgresOptions, asked: &Mutex<mpsc::Receiver<Question>>) {
    tokio::join!(one_by_one(options, asked), one_by_one(options, asked));
}

async fn one_by_one(options: &PostgresOptions, asked: &Mutex<mpsc::Receiver<Question>>) {
    let mut session = None;
    loop {
        let question = asked.lock().await.recv().await;
        match question {
            Some(Question::Search(filter, ask, answered)) => {
                let limit = ask.size() + 1;
                let table = "fairlead_requests";
                let query = sql::search(Dialect::Postgres, table, &filter, ask.after, limit);
                let rows = ask_database(options, &mut session, &query, entry).await;
                // Whoever has gone away wants no answer.
                let _ = answered.send(rows.map(|entries| Page::cut(entries, ask)));
            }
            Some(Question::Usage(ask, answered)) => {
                let query = sql::usage(Dialect::Postgres, "fairlead_usage_hour", &ask);
                let rows = ask_database(options, &mut session, &query, usage).await;
                let _ = answered.send(rows);
            }
            // Nobody can ask any more; the writer may still be at work.
            None => std::future::pending().await,
        }
    }
}

async fn ask_database<T>(
    options: &PostgresOptions,
    session: &mut Option<Session>,
    query: &Query,
    read: fn(&Row) -> Result<T, Fault>,
) -> Result<Vec<T>, ReadError> {
    let had = session.is_some();
    let asking = async {
        let mut outcome = once(options, session, query, read).await;
        // A connection that was idle may have ended meanwhile.
        if had && outcome.as_ref().is_err_and(|_| session.is_none()) {
            outcome = once(options, session, query, read).await;
        }
        outcome
    };
    match timeout(WAIT, asking).await {
        Ok(outcome) => outcome.map_err(|fault| told(&fault)),
        Err(_) => {
            *session = None;
            Err(told(&Fault::Silent(WAIT)))
        }
    }
}

/// Asks once; where the connection is at fault, there is none afterwards.
async fn once<T>(
    options: &PostgresOptions,
    session: &mut Option<Session>,
    query: &Query,
    read: fn(&Row) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let mut open = match session.take() {
        Some(open) => open,
        None => Session::open(&options.url, options.authority.as_deref()).await?,
    };
    let rows = open.drive(async |client| rows(client, query).await).await;
    let lost = |fault: &Fault| !matches!(fault, Fault::Database(error) if error.code().is_some());
    if !rows.as_ref().is_err_and(lost) {
        *session = Some(open);
    }
    rows?.iter().map(read).collect()
}

async fn rows(client: &mut Client, query: &Query) -> Result<Vec<Row>, Fault> {
    let transaction = client.build_transaction().read_only(true).start().await?;
    let patience = format!("SET LOCAL statement_timeout = {}", PATIENCE.as_millis());
    transaction.batch_execute(&patience).await?;
    let values: Vec<(&(dyn ToSql + Sync), Type)> = query
        .values
        .iter()
        .map(|value| (value as &(dyn ToSql + Sync), Type::TEXT))
        .collect();
    let rows = transaction.query_typed(&query.text, &values).await?;
    transaction.commit().await?;
    Ok(rows)
}

fn told(fault: &Fault) -> ReadError {
    if let Fault::Database(error) = fault
        && error.code() == Some(&SqlState::QUERY_CANCELED)
    {
        return ReadError::TooLong;
    }
    ReadError::Unavailable(fault.to_string())
}

fn entry(row: &Row) -> Result<Arc<crate::Entry>, Fault> {
    let kept = Kept {
        started: row.try_get(0)?,
        id: row.try_get(1)?,
        status: row.try_get(2)?,
        duration: row.try_get(3)?,
        key: row.try_get(4)?,
        team: row.try_get(5)?,
        model: row.try_get(6)?,
        rule: row.try_get(7)?,
        error: row.try_get(8)?,
        detail: row.try_get(9)?,
    };
    Ok(Arc::new(kept.entry()?))
}

fn usage(row: &Row) -> Result<Usage, Fault> {
    let name = |at: usize| {
        row.try_get::<_, Option<String>>(at)
            .map(|name| name.map(Name::from))
    };
    let mut values = [0; Sums::COLUMNS.len()];
    for (at, value) in values.iter_mut().enumerate() {
        *value = row.try_get(5 + at)?;
    }
    Ok(Usage {
        start_unix_s: row.try_get(0)?,
        team: name(1)?,
        key: name(2)?,
        provider: name(3)?,
        model: name(4)?,
        sums: Sums::from_values(values),
    })
}
