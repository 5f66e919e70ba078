//! What is read: the newest day first, for as long as the page is not full.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, params_from_iter};
use tokio::time::Instant;

use super::file;
use super::files::{Files, Part};
use super::spent;
use crate::Entry;
use crate::cursor::Cursor;
use crate::filter::{Ask, Filter, Page};
use crate::log::ReadError;
use crate::rollup::{DAY, Grouped};
use crate::sql::{self, Dialect, Query};
use crate::usage::{Usage, UsageAsk};

/// Longer than this nobody waits for an answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// The clock is looked at after so many steps of the database's.
const STEPS: i32 = 10_000;

/// A page of the entries of a filter.
///
/// # Errors
/// It takes too long, or the folder cannot be read.
pub(super) fn search(files: &Files, filter: &Filter, ask: Ask) -> Result<Page, ReadError> {
    let until = Instant::now() + PATIENCE;
    let mut found: Vec<Arc<Entry>> = Vec::new();
    let parts = parts(files, filter, ask)?;
    for day in parts.chunk_by(|one, other| one.day == other.day).rev() {
        // Parts of a day overlap: who began first may end last.
        let before = found.len();
        for part in day {
            found.extend(
                rows(files, *part, filter, ask, until)?
                    .into_iter()
                    .map(Arc::new),
            );
        }
        found[before..].sort_unstable_by_key(|entry| std::cmp::Reverse(Cursor::of(entry)));
        // One of an id is all that there is.
        if found.len() > ask.size() || (filter.id.is_some() && !found.is_empty()) {
            break;
        }
    }
    Ok(Page::cut(found, ask))
}

/// The parts that may have what is asked for, the oldest first.
fn parts(files: &Files, filter: &Filter, ask: Ask) -> Result<Vec<Part>, ReadError> {
    let mut parts = files.parts().map_err(|error| unavailable(&error))?;
    let from = filter.from_unix_us.map(|from| Part::of(from).day);
    let to = filter.to_unix_us.map(|to| Part::of(to).day);
    let after = ask.after.map(|after| Part::of(after.started_unix_us).day);
    parts.retain(|part| {
        from.is_none_or(|from| part.day >= from)
            && to.is_none_or(|to| part.day <= to)
            && after.is_none_or(|after| part.day <= after)
    });
    Ok(parts)
}

fn rows(
    files: &Files,
    part: Part,
    filter: &Filter,
    ask: Ask,
    until: Instant,
) -> Result<Vec<Entry>, ReadError> {
    let query = sql::search(
        Dialect::Sqlite,
        "requests",
        filter,
        ask.after,
        ask.size() + 1,
    );
    let read = |connection: &Connection| all(connection, &query, file::entry);
    one(files, part, until, read)
}

/// What was used.
///
/// # Errors
/// It takes too long, or the folder cannot be read.
pub(super) fn usage(files: &Files, ask: &UsageAsk) -> Result<Vec<Usage>, ReadError> {
    let until = Instant::now() + PATIENCE;
    let query = sql::usage(Dialect::Sqlite, "usage_hour", ask);
    let read = |connection: &Connection| all(connection, &query, file::usage);
    let mut grouped = Grouped::default();
    let mut folded = Vec::new();
    if files.spent().exists() {
        let spent = file::open_to_read(&files.spent()).and_then(|mut connection| {
            patient(&mut connection, until)?;
            // In one view of the file: what is folded and its sums belong together.
            let view = connection.unchecked_transaction()?;
            Ok((spent::folded(&view)?, read(&view)?))
        });
        let (names, rows) = lenient(spent, "usage.db")?.unwrap_or_default();
        folded = names;
        grouped.extend(rows);
    }
    for part in files.parts().map_err(|error| unavailable(&error))? {
        let wanted = ask
            .from_unix_s
            .is_none_or(|from| part.day >= from.div_euclid(DAY))
            && ask
                .to_unix_s
                .is_none_or(|to| part.day <= to.div_euclid(DAY));
        if wanted && !folded.contains(&part.name()) {
            grouped.extend(one(files, part, until, read)?);
        }
    }
    Ok(grouped.rows())
}

fn all<T>(
    connection: &Connection,
    query: &Query,
    row: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare(&query.text)?;
    let rows = statement.query_map(params_from_iter(&query.values), row)?;
    rows.collect()
}

/// Reads one part. One that is no database hides none of the others.
fn one<T>(
    files: &Files,
    part: Part,
    until: Instant,
    read: impl FnOnce(&Connection) -> rusqlite::Result<Vec<T>>,
) -> Result<Vec<T>, ReadError> {
    let rows = file::open_to_read(&files.path(part)).and_then(|mut connection| {
        patient(&mut connection, until)?;
        read(&connection)
    });
    Ok(lenient(rows, &part.name())?.unwrap_or_default())
}

fn patient(connection: &mut Connection, until: Instant) -> rusqlite::Result<()> {
    connection.progress_handler(STEPS, Some(move || Instant::now() >= until))
}

fn lenient<T>(outcome: rusqlite::Result<T>, name: &str) -> Result<Option<T>, ReadError> {
    let error = match outcome {
        Ok(read) => return Ok(Some(read)),
        Err(error) => error,
    };
    if error.sqlite_error_code() == Some(ErrorCode::OperationInterrupted) {
        return Err(ReadError::TooLong);
    }
    // Removed between the look into the folder and now, or not yet made, or broken.
    tracing::warn!("{name} of the request log is passed over, for it cannot be read: {error}");
    Ok(None)
}

fn unavailable(error: &std::io::Error) -> ReadError {
    ReadError::Unavailable(error.to_string())
}
