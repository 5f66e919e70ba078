//! Sums over days whose files are gone: `usage.db`. A file's sums are added before it is removed, and what was added is noted in the same
//! transaction, so that a process that dies in between adds nothing twice.

use rusqlite::{Connection, ErrorCode};

use super::file;
use super::files::{Files, Part};
use crate::sql::{usage_added, usage_columns, usage_names};

/// How long sums are kept, in seconds: 13 months, so that a month can be held against the same one of the year before.
const KEPT: i64 = 400 * crate::rollup::DAY;

/// Opens the file to be written, and makes its tables if there are none. One that is no database is put aside.
///
/// # Errors
/// What [`rusqlite`] says.
fn open(files: &Files) -> rusqlite::Result<Connection> {
    match make(files) {
        Err(error) if file::spoilt(&error) && files.put_spent_aside().is_ok() => {
            tracing::warn!("usage.db is put aside, and its sums are lost: {error}");
            make(files)
        }
        outcome => outcome,
    }
}

fn make(files: &Files) -> rusqlite::Result<Connection> {
    let connection = Connection::open(files.spent())?;
    file::prepare(&connection)?;
    connection.execute_batch(&format!(
        "CREATE TABLE IF NOT EXISTS usage_hour ({}) STRICT, WITHOUT ROWID;
         CREATE TABLE IF NOT EXISTS folded (file TEXT NOT NULL PRIMARY KEY) STRICT;",
        usage_columns("TEXT", "INTEGER")
    ))?;
    Ok(connection)
}

/// Adds the sums of parts that are about to be removed. One that cannot be read adds nothing.
///
/// # Errors
/// What [`rusqlite`] says of the file of sums; then the parts have to stay.
pub(super) fn fold(files: &Files, parts: &[Part], today: i64) -> rusqlite::Result<()> {
    let connection = open(files)?;
    for part in parts {
        let path = files.path(*part);
        let path = path.to_string_lossy();
        if connection
            .execute("ATTACH DATABASE ? AS part", [&*path])
            .is_err()
        {
            continue;
        }
        let folded = fold_one(&connection, *part);
        connection.execute_batch("DETACH DATABASE part")?;
        match folded {
            Err(error) if !of_the_disk(&error) => {
                tracing::warn!("{} cannot be read; its sums are lost: {error}", part.name());
            }
            folded => folded?,
        }
    }
    let oldest = today * crate::rollup::DAY - KEPT;
    connection.execute("DELETE FROM usage_hour WHERE hour < ?", [oldest])?;
    Ok(())
}

/// Whether it is for want of a place to write to: it may be there later.
fn of_the_disk(error: &rusqlite::Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::DiskFull
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseBusy
                | ErrorCode::CannotOpen
        )
    )
}

fn fold_one(connection: &Connection, part: Part) -> rusqlite::Result<()> {
    let adding = connection.unchecked_transaction()?;
    let noted = adding.execute(
        "INSERT OR IGNORE INTO main.folded (file) VALUES (?)",
        [part.name()],
    )?;
    if noted > 0 {
        let names = usage_names();
        // Without a condition the parser would take what follows for one of a join.
        adding.execute(
            &format!(
                "INSERT INTO main.usage_hour ({names}) SELECT {names} FROM part.usage_hour WHERE true {}",
                usage_added("usage_hour")
            ),
            [],
        )?;
    }
    adding.commit()
}

/// Forgets that a part was added, after it has been removed: another of its name may come.
///
/// # Errors
/// What [`rusqlite`] says.
pub(super) fn removed(files: &Files, part: Part) -> rusqlite::Result<()> {
    let connection = open(files)?;
    connection.execute("DELETE FROM folded WHERE file = ?", [part.name()])?;
    Ok(())
}

/// The names of parts whose sums are here already.
///
/// # Errors
/// What [`rusqlite`] says.
pub(super) fn folded(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    let mut query = connection.prepare("SELECT file FROM folded")?;
    let names = query.query_map([], |row| row.get(0))?;
    names.collect()
}
