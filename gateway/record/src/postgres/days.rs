//! Partitions: made before they are needed, dropped when they are too old, by one replica at a time. What lies in no day's partition is in
//! the default one, from where it is moved once its day has one.

use jiff::civil::Date;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::connect::Fault;
use super::tables;
use crate::rollup::DAY;

/// They are made so many days ahead.
const AHEAD: i64 = 3;
/// Sums are kept so many days: 13 months.
const SUMS: i64 = 400;
/// More than so many astray are not counted.
const COUNTED: i64 = 100_000;
/// Who reads or writes for longer than this is not waited for, since everybody else would have to wait behind us.
const WAIT: &str = "SET LOCAL lock_timeout = '2s'";

/// A table that has a partition for each day.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parted {
    table: &'static str,
    /// What says the day, in microseconds since 1970.
    column: &'static str,
}

/// Finished requests.
const REQUESTS: Parted = Parted {
    table: "fairlead_requests",
    column: "started",
};
/// What was written in them.
const CONTENT: Parted = Parted {
    table: "fairlead_content",
    column: "ended",
};

/// Looks after the partitions of content, and removes what ended longer ago than `kept_us` microseconds.
///
/// # Errors
/// What the database says of the first step that failed.
pub(super) async fn look_after_content(
    client: &mut Client,
    now_us: i64,
    kept_us: i64,
) -> Result<(), Fault> {
    let (mut fault, today) = (None, now_us.div_euclid(DAY * 1_000_000));
    let there = noted(&mut fault, partitions(client, CONTENT).await);
    if let Some(there) = &there {
        for day in today - 1..=today + AHEAD {
            if !there.contains(&day) {
                noted(&mut fault, make(client, CONTENT, day).await);
            }
        }
    }
    if let Some(theirs) = noted(&mut fault, their_micros(client).await) {
        // A clock of ours that is ahead must not drop what the other replicas still keep.
        let oldest = theirs.min(now_us) - kept_us;
        let gone = |day: &i64| bounds(*day).1 <= oldest;
        for day in there.into_iter().flatten().filter(gone) {
            noted(&mut fault, remove(client, CONTENT, day).await);
        }
        let Parted { table, column } = CONTENT;
        let delete = format!("DELETE FROM {table} WHERE {column} < {oldest}");
        noted(
            &mut fault,
            client.batch_execute(&delete).await.map_err(Fault::from),
        );
    }
    fault.map_or(Ok(()), Err)
}

/// Looks after all partitions, unless another replica is at it. A step that fails keeps none of the others from being taken: a user who may make
/// no tables may well drop them.
///
/// # Errors
/// What the database says of the first step that failed.
pub(super) async fn look_after(client: &mut Client, today: i64, kept: u16) -> Result<(), Fault> {
    let kept = i64::from(kept.max(1));
    let mut fault = None;
    let there = noted(&mut fault, partitions(client, REQUESTS).await);
    if let Some(there) = &there {
        for day in (today - 1).max(today - kept + 1)..=today + AHEAD {
            if !there.contains(&day) {
                noted(&mut fault, make(client, REQUESTS, day).await);
            }
        }
    }
    // A clock of ours that is ahead must not drop what the other replicas still keep: without the server's nothing is.
    if let Some(theirs) = noted(&mut fault, their_today(client).await) {
        let today = today.min(theirs);
        let oldest = today - kept + 1;
        let old = there.into_iter().flatten().filter(|day| *day < oldest);
        for day in old {
            noted(&mut fault, remove(client, REQUESTS, day).await);
        }
        noted(&mut fault, forget(client, oldest, today).await);
    }
    fault.map_or(Ok(()), Err)
}

/// What a step gave; of faults the first is noted, for the others follow from it more often than not.
fn noted<T>(first: &mut Option<Fault>, step: Result<T, Fault>) -> Option<T> {
    match step {
        Ok(done) => return Some(done),
        Err(fault) if first.is_none() => *first = Some(fault),
        Err(_) => {}
    }
    None
}

/// The day by the server's clock.
async fn their_today(client: &Client) -> Result<i64, Fault> {
    let ask = format!("SELECT floor(extract(epoch FROM now()) / {DAY})::bigint");
    Ok(client.query_one(&ask, &[]).await?.get(0))
}

/// The time by the server's clock, in microseconds since 1970.
async fn their_micros(client: &Client) -> Result<i64, Fault> {
    let ask = "SELECT floor(extract(epoch FROM now()) * 1000000)::bigint";
    Ok(client.query_one(ask, &[]).await?.get(0))
}

/// How many rows lie in no day's partition.
///
/// # Errors
/// What the database says.
pub(super) async fn astray(client: &Client) -> Result<i64, Fault> {
    let ask = format!(
        "SELECT count(*) FROM (SELECT 1 FROM fairlead_requests_default LIMIT {COUNTED}) AS astray"
    );
    Ok(client.query_one(&ask, &[]).await?.get(0))
}

async fn partitions(client: &Client, parted: Parted) -> Result<Vec<i64>, Fault> {
    let rows = client
        .query(
            "SELECT c.relname::text FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid \
             WHERE i.inhparent = to_regclass($1) ORDER BY 1",
            &[&parted.table],
        )
        .await?;
    let names = rows.iter().map(|row| row.get::<_, &str>(0));
    Ok(names.filter_map(|name| day(parted, name)).collect())
}

/// The name of a day's partition.
fn name(parted: Parted, day: i64) -> String {
    let date = date(day);
    format!(
        "{}_{:04}{:02}{:02}",
        parted.table,
        date.year(),
        date.month(),
        date.day()
    )
}

fn date(day: i64) -> Date {
    let days = jiff::Span::new().try_days(day).unwrap_or_default();
    Date::constant(1970, 1, 1).saturating_add(days)
}

/// The day of a partition's name.
fn day(parted: Parted, name: &str) -> Option<i64> {
    let digits = name.strip_prefix(parted.table)?.strip_prefix('_')?;
    let (year, rest) = digits.split_at_checked(4)?;
    let (month, day) = rest.split_at_checked(2)?;
    let date = Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
    Some((date - Date::constant(1970, 1, 1)).get_days().into())
}

fn bounds(day: i64) -> (i64, i64) {
    let of = |day: i64| day.saturating_mul(DAY).saturating_mul(1_000_000);
    (of(day), of(day.saturating_add(1)))
}

async fn make(client: &mut Client, parted: Parted, day: i64) -> Result<(), Fault> {
    let ((from, to), name) = (bounds(day), name(parted, day));
    let Parted { table, .. } = parted;
    let transaction = client.transaction().await?;
    if !tables::try_lock(&transaction).await? {
        return Ok(());
    }
    let made = transaction
        .batch_execute(&format!(
            "{WAIT}; CREATE TABLE IF NOT EXISTS {name} PARTITION OF {table} FOR VALUES FROM ({from}) TO ({to})"
        ))
        .await;
    match made {
        // The default partition has rows of that day.
        Err(error) if error.code() == Some(&SqlState::CHECK_VIOLATION) => {
            drop(transaction);
            bring_home(client, parted, day).await
        }
        made => {
            made?;
            Ok(transaction.commit().await?)
        }
    }
}

/// Makes a partition of the rows that lie in the default one.
async fn bring_home(client: &mut Client, parted: Parted, day: i64) -> Result<(), Fault> {
    let ((from, to), name) = (bounds(day), name(parted, day));
    let Parted { table, column } = parted;
    let transaction = client.transaction().await?;
    if !tables::try_lock(&transaction).await? {
        return Ok(());
    }
    transaction
        .batch_execute(&format!(
            "{WAIT}; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE;
             CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS);
             WITH astray AS (DELETE FROM {table}_default WHERE {column} >= {from} AND {column} < {to} RETURNING *)
                 INSERT INTO {name} SELECT * FROM astray;
             ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ({from}) TO ({to})"
        ))
        .await?;
    Ok(transaction.commit().await?)
}

async fn remove(client: &mut Client, parted: Parted, day: i64) -> Result<(), Fault> {
    let transaction = client.transaction().await?;
    if !tables::try_lock(&transaction).await? {
        return Ok(());
    }
    let name = name(parted, day);
    transaction
        .batch_execute(&format!("{WAIT}; DROP TABLE IF EXISTS {name}"))
        .await?;
    transaction.commit().await?;
    tracing::info!("{name} is dropped, for it is old");
    Ok(())
}

/// What lies in no partition and is too old, sums that are, and writers that have ended.
async fn forget(client: &mut Client, oldest: i64, today: i64) -> Result<(), Fault> {
    let transaction = client.transaction().await?;
    if !tables::try_lock(&transaction).await? {
        return Ok(());
    }
    let (before, hour) = (bounds(oldest).0, (today - SUMS) * DAY);
    transaction
        .batch_execute(&format!(
            "DELETE FROM fairlead_requests_default WHERE started < {before};
             DELETE FROM fairlead_usage_hour WHERE hour < {hour};
             DELETE FROM fairlead_writer WHERE at < now() - interval '7 days'"
        ))
        .await?;
    Ok(transaction.commit().await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_a_partition_and_a_partition_a_day() {
        assert_eq!(name(REQUESTS, 20_787), "fairlead_requests_20261130");
        assert_eq!(day(REQUESTS, "fairlead_requests_20261130"), Some(20_787));
        assert_eq!(day(CONTENT, "fairlead_content_20261130"), Some(20_787));
        assert_eq!(day(CONTENT, "fairlead_requests_20261130"), None);
        assert_eq!(
            bounds(20_787),
            (1_795_996_800_000_000, 1_796_083_200_000_000)
        );
        for other in [
            "fairlead_requests_default",
            "fairlead_requests",
            "fairlead_requests_20261301",
            "fairlead_requests_2026é",
        ] {
            assert_eq!(day(REQUESTS, other), None, "{other}");
        }
    }
}
