//! A batch in one transaction: its number, its rows by COPY, and what they add to the roll-ups (source: PostgreSQL manual, COPY, text format).

use std::sync::Arc;

use bytes::Bytes;
use futures_util::SinkExt as _;
use tokio_postgres::Client;

use super::connect::Fault;
use crate::rollup::{Place, Rollup};
use crate::row::{COLUMNS, Row};
use crate::sql::{usage_added, usage_names};
use crate::usage::Sums;
use crate::{Entry, Name};

/// Entries that are written together.
#[derive(Debug)]
pub(super) struct Batch {
    /// Greater than that of every batch before it.
    pub(super) number: i64,
    pub(super) entries: Vec<Arc<Entry>>,
}

/// Writes a batch, unless its number says that it has been written.
///
/// # Errors
/// What the database says; then nothing is written, unless the connection was lost with the answer to the last word.
pub(super) async fn write(client: &mut Client, writer: &str, batch: &Batch) -> Result<(), Fault> {
    let transaction = client.transaction().await?;
    let noted = transaction
        .execute(
            "INSERT INTO fairlead_writer AS w (id, batch) VALUES ($1, $2) \
             ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, at = now() WHERE w.batch < excluded.batch",
            &[&writer, &batch.number],
        )
        .await?;
    if noted == 0 {
        return Ok(());
    }
    let copy = format!("COPY fairlead_requests ({COLUMNS}) FROM STDIN");
    let sink = transaction.copy_in::<_, Bytes>(&copy).await?;
    let mut sink = std::pin::pin!(sink);
    sink.send(rows(&batch.entries)).await?;
    sink.finish().await?;
    add(
        &transaction,
        &Rollup::of(batch.entries.iter().map(AsRef::as_ref)),
    )
    .await?;
    Ok(transaction.commit().await?)
}

/// Every replica adds in the order of places, so that none waits for another that waits for it.
async fn add(transaction: &tokio_postgres::Transaction<'_>, rollup: &Rollup) -> Result<(), Fault> {
    let text = |name: fn(&Place) -> &Name| -> Vec<&str> {
        rollup.0.keys().map(|place| &**name(place)).collect()
    };
    let hours: Vec<i64> = rollup.0.keys().map(|place| place.hour).collect();
    let names = [
        text(|place| &place.team),
        text(|place| &place.key),
        text(|place| &place.provider),
        text(|place| &place.model),
    ];
    let sums: Vec<Vec<i64>> = (0..Sums::COLUMNS.len())
        .map(|at| rollup.0.values().map(|sums| sums.values()[at]).collect())
        .collect();
    let mut values: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> = vec![&hours];
    let mut holes = vec!["$1::bigint[]".to_owned()];
    for names in &names {
        values.push(names);
        holes.push(format!("${}::text[]", values.len()));
    }
    for sums in &sums {
        values.push(sums);
        holes.push(format!("${}::bigint[]", values.len()));
    }
    let text = format!(
        "INSERT INTO fairlead_usage_hour ({}) SELECT * FROM unnest({}) {}",
        usage_names(),
        holes.join(", "),
        usage_added("fairlead_usage_hour")
    );
    transaction.execute(&text, &values).await?;
    Ok(())
}

fn rows(entries: &[Arc<Entry>]) -> Bytes {
    let mut text = String::with_capacity(entries.len() * 1_024);
    // Copies are there for the sums alone.
    for entry in entries.iter().filter(|entry| entry.mirror.is_none()) {
        row(&mut text, &Row::of(entry));
    }
    text.into()
}

fn row(text: &mut String, row: &Row<'_>) {
    use std::fmt::Write as _;

    let Row {
        started,
        id,
        outcome,
        status,
        duration,
        cost,
        texts,
        detail,
    } = row;
    let _ = write!(text, "{started}\t{id}\t{outcome}\t{status}\t{duration}");
    match cost {
        Some(cost) => {
            let _ = write!(text, "\t{cost}");
        }
        None => text.push_str("\t\\N"),
    }
    for field in texts {
        text.push('\t');
        match field {
            Some(field) => escape(text, field),
            None => text.push_str("\\N"),
        }
    }
    text.push('\t');
    escape(text, detail);
    text.push('\n');
}

fn escape(text: &mut String, field: &str) {
    for letter in field.chars() {
        match letter {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_separates_fields_is_escaped_within_them() {
        let mut text = String::new();
        escape(&mut text, "a\tb\\N\nc\rd");
        assert_eq!(text, "a\\tb\\\\N\\nc\\rd");
        let entry = Entry {
            model: Some("a\tb".into()),
            ..Entry::default()
        };
        let mut line = String::new();
        row(&mut line, &Row::of(&entry));
        assert_eq!(
            line,
            "0\t0\t4\t0\t0\t\\N\t\\N\t\\N\ta\\tb\t\\N\t\\N\t\\N\t\\N\t{}\n"
        );
    }
}
