//! The copy of an audit in PostgreSQL: every line once, in its place, whatever happens to the database meanwhile; and nothing in it can be changed.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use fairlead_record::{AuditCopy, AuditOptions, Chain, ChainLine, Url};
use parking_lot::Mutex;

use crate::postgres::Cluster;

/// An audit in memory, whose lines belong to a chain of this name.
#[derive(Clone)]
struct Lines(&'static str, Arc<Mutex<i64>>);

impl Lines {
    fn of(chain: &'static str, count: i64) -> Self {
        Self(chain, Arc::new(Mutex::new(count)))
    }

    fn add(&self, count: i64) {
        *self.1.lock() += count;
    }
}

impl Chain for Lines {
    fn after(&mut self, seq: i64, most: usize) -> io::Result<Vec<ChainLine>> {
        let end = *self.1.lock();
        let numbers = (seq + 1..=end).take(most);
        let time = Some("2026-11-30T07:00:00.000Z".to_owned());
        Ok(numbers
            .map(|seq| ChainLine {
                seq,
                time: time.clone().filter(|_| seq != 2),
                line: format!("{{\"audit\":\"it's \\u0000\",\"seq\":{seq}}}"),
                hash: format!("{}-{seq}", self.0),
            })
            .collect())
    }
}

fn copy(url: &str, replica: &str, lines: &Lines) -> AuditCopy {
    let options = AuditOptions {
        url: Url::Text(url.to_owned()),
        authority: None,
        replica: replica.to_owned(),
    };
    AuditCopy::open(options, lines.clone()).unwrap()
}

/// Waits until it has so many lines.
async fn has(copy: &AuditCopy, lines: u64) {
    for _ in 0..600 {
        if copy.standing().lines == lines && copy.standing().problem.is_none() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{:?}", copy.standing());
}

async fn count(cluster: &Cluster, chain: &str) -> i64 {
    let ask = format!("SELECT count(*) FROM fairlead_audit WHERE chain = '{chain}-1'");
    cluster.number(&ask).await
}

#[tokio::test]
async fn every_line_of_every_chain_is_there_once_after_restarts_and_an_outage() {
    let cluster = Cluster::start();
    let (one, other) = (Lines::of("a", 1_234), Lines::of("b", 3));
    let (first, second) = (
        copy(&cluster.url(), "one", &one),
        copy(&cluster.url(), "two", &other),
    );
    has(&first, 1_234).await;
    has(&second, 3).await;
    one.add(1);
    first.wake();
    has(&first, 1_235).await;
    // A process that begins anew goes on where the database ends, and one that did not hear the answer leaves what is there.
    first.end();
    let again = copy(&cluster.url(), "one", &one);
    has(&again, 1_235).await;
    cluster.stop();
    one.add(700);
    again.wake();
    for _ in 0..600 {
        if again.standing().problem.is_some() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(again.standing().failures > 0, "{:?}", again.standing());
    cluster.begin();
    has(&again, 1_935).await;
    assert_eq!(
        (count(&cluster, "a").await, count(&cluster, "b").await),
        (1_935, 3)
    );
    let whole = "SELECT count(*) FROM fairlead_audit WHERE line::jsonb->>'seq' = seq::text AND replica = 'one' AND hash = 'a-' || seq";
    // A text with \u0000 is none that jsonb takes; as text it is what it was.
    let whole = whole.replace(
        "line::jsonb->>'seq' = seq::text",
        "line LIKE '%\\u0000\",\"seq\":' || seq || '}'",
    );
    assert_eq!(cluster.number(&whole).await, 1_935);
    let untold = "SELECT count(*) FROM fairlead_audit WHERE time IS NULL";
    assert_eq!(cluster.number(untold).await, 2);
    // What is written last is copied before it ends.
    one.add(5);
    again.end();
    assert_eq!(count(&cluster, "a").await, 1_940);
}

#[tokio::test]
async fn it_only_grows_and_a_role_that_may_insert_and_look_suffices() {
    let cluster = Cluster::start();
    let lines = Lines::of("a", 10);
    let first = copy(&cluster.url(), "one", &lines);
    has(&first, 10).await;
    first.end();
    cluster
        .say("CREATE ROLE writes LOGIN PASSWORD 's3cret'; GRANT SELECT, INSERT ON fairlead_audit TO writes")
        .await;
    lines.add(10);
    let second = copy(&cluster.url_of("writes"), "one", &lines);
    has(&second, 20).await;
    for change in [
        "UPDATE fairlead_audit SET line = 'x'",
        "DELETE FROM fairlead_audit",
        "TRUNCATE fairlead_audit",
    ] {
        let (client, connection) = tokio_postgres::connect(&cluster.url(), tokio_postgres::NoTls)
            .await
            .unwrap();
        let refused = async { client.batch_execute(change).await.unwrap_err() };
        tokio::select! {
            error = refused => {
                let words = error.as_db_error().map(|error| error.message().to_owned());
                assert_eq!(words.as_deref(), Some("fairlead_audit only grows"), "{change}");
            }
            ended = connection => panic!("{ended:?}"),
        }
    }
    assert_eq!(count(&cluster, "a").await, 20);
}
