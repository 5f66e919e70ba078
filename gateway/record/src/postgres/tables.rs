//! The tables, made and changed under one lock, so that of several replicas one does it. Versions only add: an older gateway goes on writing to
//! tables of a newer one.

use tokio_postgres::Transaction;

use super::connect::Fault;
use crate::sql::usage_columns;

/// What is held while tables are made, changed or dropped: the letters of `fairlead`.
const LOCK: i64 = 0x6661_6972_6c65_6164;

/// Every version, in order: what has to be said to come to it from the one before.
fn versions() -> [String; 1] {
    [first()]
}

/// `api_key` and the like are compared by bytes and folded by ASCII letters, as in all other stores.
fn first() -> String {
    let usage = usage_columns("TEXT COLLATE \"C\"", "BIGINT");
    format!(
        "CREATE TABLE fairlead_requests (
            started BIGINT NOT NULL, id BIGINT NOT NULL, outcome SMALLINT NOT NULL, status INTEGER NOT NULL,
            duration BIGINT NOT NULL, cost BIGINT,
            api_key TEXT COLLATE \"C\", team TEXT COLLATE \"C\", model TEXT COLLATE \"C\", provider TEXT COLLATE \"C\",
            upstream_model TEXT COLLATE \"C\", rule TEXT COLLATE \"C\", error TEXT COLLATE \"C\",
            detail JSONB NOT NULL) PARTITION BY RANGE (started);
        CREATE INDEX fairlead_requests_by_start ON fairlead_requests (started, id);
        CREATE INDEX fairlead_requests_by_key ON fairlead_requests (api_key, started, id);
        CREATE INDEX fairlead_requests_by_id ON fairlead_requests (id);
        CREATE INDEX fairlead_requests_not_ok ON fairlead_requests (started, id) WHERE outcome > 0;
        CREATE TABLE fairlead_requests_default PARTITION OF fairlead_requests DEFAULT;
        CREATE TABLE fairlead_usage_hour ({usage});
        CREATE TABLE fairlead_writer (
            id TEXT NOT NULL PRIMARY KEY, batch BIGINT NOT NULL, at TIMESTAMPTZ NOT NULL DEFAULT now());
        CREATE VIEW fairlead_log AS SELECT
            to_timestamp(started / 1e6) AS time, lpad(to_hex(id), 16, '0') AS id,
            (ARRAY['ok', 'recovered', 'refused', 'failed', 'incomplete'])[outcome + 1] AS outcome,
            status, duration / 1e6 AS seconds, cost / 1e9 AS usd,
            api_key, team, model, provider, upstream_model, rule, error, detail
            FROM fairlead_requests;"
    )
}

/// Waits for the lock, until the transaction's end.
///
/// # Errors
/// What the database says.
pub(super) async fn lock(transaction: &Transaction<'_>) -> Result<(), Fault> {
    let wait = format!("SET LOCAL lock_timeout = '10s'; SELECT pg_advisory_xact_lock({LOCK});");
    Ok(transaction.batch_execute(&wait).await?)
}

/// Takes the lock until the transaction's end, unless another replica has it.
///
/// # Errors
/// What the database says.
pub(super) async fn try_lock(transaction: &Transaction<'_>) -> Result<bool, Fault> {
    let ask = format!("SELECT pg_try_advisory_xact_lock({LOCK})");
    Ok(transaction.query_one(&ask, &[]).await?.get(0))
}

/// Brings the tables to the newest version that is known here.
///
/// # Errors
/// What the database says, such as that this user may make no tables.
pub(super) async fn migrate(client: &mut tokio_postgres::Client) -> Result<(), Fault> {
    if version(client).await? >= newest() {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    lock(&transaction).await?;
    transaction
        .batch_execute("CREATE TABLE IF NOT EXISTS fairlead_schema (version INTEGER NOT NULL)")
        .await?;
    // Again, for another replica may have been quicker.
    let row = transaction
        .query_one("SELECT coalesce(max(version), 0) FROM fairlead_schema", &[])
        .await?;
    let found: i32 = row.get(0);
    for (number, text) in (1..).zip(versions()) {
        if number > found {
            transaction.batch_execute(&text).await?;
            transaction
                .execute(
                    "INSERT INTO fairlead_schema (version) VALUES ($1)",
                    &[&number],
                )
                .await?;
        }
    }
    Ok(transaction.commit().await?)
}

/// The table of audits, which only grows; it may lie in a database of its own, and is no part of the versions.
const AUDIT: &str = "CREATE TABLE fairlead_audit (
        chain TEXT COLLATE \"C\" NOT NULL, seq BIGINT NOT NULL, replica TEXT NOT NULL, time TIMESTAMPTZ,
        line TEXT NOT NULL, hash TEXT COLLATE \"C\" NOT NULL, PRIMARY KEY (chain, seq));
    CREATE INDEX fairlead_audit_by_time ON fairlead_audit (time);
    CREATE FUNCTION fairlead_audit_only_grows() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN RAISE EXCEPTION ''fairlead_audit only grows''; END';
    CREATE TRIGGER fairlead_audit_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON fairlead_audit
        FOR EACH STATEMENT EXECUTE FUNCTION fairlead_audit_only_grows();";

/// Makes the table of audits, where there is none.
///
/// # Errors
/// What the database says, such as that this user may make no tables.
pub(super) async fn audit(client: &mut tokio_postgres::Client) -> Result<(), Fault> {
    make(client, "fairlead_audit", AUDIT).await
}

/// Makes a table in these words, where there is none of this name.
async fn make(client: &mut tokio_postgres::Client, table: &str, words: &str) -> Result<(), Fault> {
    let is_there = format!("SELECT to_regclass('{table}') IS NOT NULL");
    if client.query_one(&is_there, &[]).await?.get(0) {
        return Ok(());
    }
    let transaction = client.transaction().await?;
    lock(&transaction).await?;
    // Again, for another replica may have been quicker.
    let there = transaction.query_one(&is_there, &[]).await?;
    if !there.get::<_, bool>(0) {
        transaction.batch_execute(words).await?;
    }
    Ok(transaction.commit().await?)
}

/// The table of contents, for those installations that keep any; it is no part of the versions.
const CONTENT: &str =
    "CREATE TABLE fairlead_content (ended BIGINT NOT NULL, id BIGINT NOT NULL, body BYTEA NOT NULL)
        PARTITION BY RANGE (ended);
    CREATE INDEX fairlead_content_by_id ON fairlead_content (id);
    CREATE INDEX fairlead_content_by_end ON fairlead_content (ended);
    CREATE TABLE fairlead_content_default PARTITION OF fairlead_content DEFAULT;";

/// Makes the table of contents, where there is none.
///
/// # Errors
/// What the database says, such as that this user may make no tables.
pub(super) async fn content(client: &mut tokio_postgres::Client) -> Result<(), Fault> {
    make(client, "fairlead_content", CONTENT).await
}

fn newest() -> i32 {
    i32::try_from(versions().len()).unwrap_or(i32::MAX)
}

/// The version of the tables; 0: there are none.
async fn version(client: &tokio_postgres::Client) -> Result<i32, Fault> {
    let there = client
        .query_one("SELECT to_regclass('fairlead_schema') IS NOT NULL", &[])
        .await?;
    if !there.get::<_, bool>(0) {
        return Ok(0);
    }
    let row = client
        .query_one("SELECT coalesce(max(version), 0) FROM fairlead_schema", &[])
        .await?;
    Ok(row.get(0))
}
