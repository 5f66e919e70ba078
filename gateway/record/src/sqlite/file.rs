//! One file as a database: its tables, what is written into it, and what is read of it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{
    Connection, ErrorCode, OpenFlags, Statement, params, params_from_iter, types::Value,
};

use crate::rollup::Rollup;
use crate::row::{COLUMNS, Kept, Row};
use crate::sql::{usage_added, usage_columns, usage_names};
use crate::usage::Sums;
use crate::{Entry, Name, Usage};

/// What `user_version` says of tables as they are here.
const VERSION: i64 = 1;
/// So many pages a file may have at most (source: SQLite, limits).
pub(super) const PAGES: u32 = 4_294_967_294;
/// How long another process may hold the file.
const BUSY: Duration = Duration::from_secs(2);

/// Opens a part to be written, and makes its tables if there are none; `None`: its tables are of another version, such as one that was tried and
/// taken back, and are left to that.
///
/// # Errors
/// What [`rusqlite`] says; [`spoilt`] tells whether the file is to be put aside.
pub(super) fn open(path: &Path) -> rusqlite::Result<Option<Connection>> {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(BUSY)?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version != 0 && version != VERSION {
        return Ok(None);
    }
    prepare(&connection)?;
    if version == 0 {
        let made = connection.transaction()?;
        made.execute_batch(&format!(
            "CREATE TABLE requests (
                started INTEGER NOT NULL, id INTEGER NOT NULL, outcome INTEGER NOT NULL, status INTEGER NOT NULL,
                duration INTEGER NOT NULL, cost INTEGER, api_key TEXT, team TEXT, model TEXT, provider TEXT,
                upstream_model TEXT, rule TEXT, error TEXT, detail TEXT NOT NULL) STRICT;
            -- One of an id is found by this, too: it has the id, and a million are read through in some 80 ms. An index of their own of numbers
            -- that follow upon nothing took another page for nearly each row.
            CREATE INDEX by_start ON requests (started, id);
            CREATE INDEX by_key ON requests (api_key, started, id);
            CREATE INDEX not_ok ON requests (started, id) WHERE outcome > 0;
            CREATE TABLE usage_hour ({}) STRICT, WITHOUT ROWID;
            PRAGMA user_version = {VERSION};",
            usage_columns("TEXT", "INTEGER")
        ))?;
        made.commit()?;
    }
    Ok(Some(connection))
}

/// What is said to every file that is written.
///
/// # Errors
/// What [`rusqlite`] says.
pub(super) fn prepare(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // A machine that loses power may lose the last batches, and no more than these.
    connection.pragma_update(None, "synchronous", "NORMAL")
}

/// Says how many pages a file may have.
///
/// # Errors
/// What [`rusqlite`] says.
pub(super) fn limit(connection: &Connection, pages: u32) -> rusqlite::Result<()> {
    connection.pragma_update(None, "max_page_count", pages)
}

/// Opens a file to be read; it must be there.
///
/// # Errors
/// What [`rusqlite`] says.
pub(super) fn open_to_read(path: &Path) -> rusqlite::Result<Connection> {
    // A reader of a file with a journal of its own has to be able to write beside it.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// Whether the file is no database, or one no more.
pub(crate) fn spoilt(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
    )
}

/// Whether it is for what was to be written that it was not.
pub(super) fn of_the_data(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(ErrorCode::ConstraintViolation | ErrorCode::TypeMismatch | ErrorCode::TooBig)
    )
}

/// Writes entries and what they add to the roll-ups, all or nothing.
///
/// # Errors
/// What [`rusqlite`] says; then nothing is written.
pub(super) fn write(connection: &mut Connection, entries: &[Arc<Entry>]) -> rusqlite::Result<()> {
    let batch = connection.transaction()?;
    {
        let holes = vec!["?"; COLUMNS.split(',').count()].join(", ");
        let mut insert = batch.prepare(&format!(
            "INSERT INTO requests ({COLUMNS}) VALUES ({holes})"
        ))?;
        // Copies are there for the sums alone.
        for entry in entries.iter().filter(|entry| entry.mirror.is_none()) {
            put(&mut insert, &Row::of(entry))?;
        }
        add(&batch, &Rollup::of(entries.iter().map(AsRef::as_ref)))?;
    }
    batch.commit()
}

/// Adds sums to those that are there.
///
/// # Errors
/// What [`rusqlite`] says.
fn add(connection: &Connection, rollup: &Rollup) -> rusqlite::Result<()> {
    let holes = vec!["?"; 5 + Sums::COLUMNS.len()].join(", ");
    let mut insert = connection.prepare(&format!(
        "INSERT INTO usage_hour ({}) VALUES ({holes}) {}",
        usage_names(),
        usage_added("usage_hour")
    ))?;
    for (place, sums) in &rollup.0 {
        let names = [&place.team, &place.key, &place.provider, &place.model];
        let values = std::iter::once(Value::Integer(place.hour))
            .chain(names.map(|name| Value::Text(name.to_string())))
            .chain(sums.values().map(Value::Integer));
        insert.execute(params_from_iter(values))?;
    }
    Ok(())
}

/// Writes one row, in the order of [`COLUMNS`].
fn put(insert: &mut Statement<'_>, row: &Row<'_>) -> rusqlite::Result<()> {
    let [key, team, model, provider, upstream_model, rule, error] =
        row.texts.each_ref().map(Option::as_deref);
    insert.execute(params![
        row.started,
        row.id,
        row.outcome,
        row.status,
        row.duration,
        row.cost,
        key,
        team,
        model,
        provider,
        upstream_model,
        rule,
        error,
        row.detail,
    ])?;
    Ok(())
}

/// The entry of a row of [`crate::row::READ`].
///
/// # Errors
/// The row is not as it was written.
pub(super) fn entry(row: &rusqlite::Row<'_>) -> rusqlite::Result<Entry> {
    let kept = Kept {
        started: row.get(0)?,
        id: row.get(1)?,
        status: row.get(2)?,
        duration: row.get(3)?,
        key: row.get(4)?,
        team: row.get(5)?,
        model: row.get(6)?,
        rule: row.get(7)?,
        error: row.get(8)?,
        detail: row.get(9)?,
    };
    kept.entry().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(9, rusqlite::types::Type::Text, Box::new(error))
    })
}

/// A row of usage.
///
/// # Errors
/// The row is not as it was written.
pub(super) fn usage(row: &rusqlite::Row<'_>) -> rusqlite::Result<Usage> {
    let name = |at: usize| {
        row.get::<_, Option<String>>(at)
            .map(|name| name.map(Name::from))
    };
    let mut values = [0; Sums::COLUMNS.len()];
    for (at, value) in values.iter_mut().enumerate() {
        *value = row.get(5 + at)?;
    }
    Ok(Usage {
        start_unix_s: row.get(0)?,
        team: name(1)?,
        key: name(2)?,
        provider: name(3)?,
        model: name(4)?,
        sums: Sums::from_values(values),
    })
}
