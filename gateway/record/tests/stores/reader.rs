//! One who only reads: what gateways have written is there, and nothing else may be needed of the database.

use std::sync::Arc;

use fairlead_record::{
    Ask, Filter, Postgres, PostgresOptions, RequestLog as _, Scope, Url, UsageAsk, Wall, sample,
};

use crate::postgres::Cluster;
use crate::rows::{self, NOW};

fn reader(cluster: &Cluster, user: &str) -> Postgres {
    let options = PostgresOptions {
        url: Url::Text(cluster.url_of(user)),
        authority: None,
        days: 0,
        wall: Wall::default(),
    };
    Postgres::reader(options).unwrap()
}

#[tokio::test]
async fn a_role_that_may_select_reads_all_and_changes_nothing() {
    let cluster = Cluster::start();
    // Before there are tables it says so, and finds them once they are there.
    cluster
        .say("CREATE ROLE looks LOGIN PASSWORD 's3cret'")
        .await;
    let looks = reader(&cluster, "looks");
    let all = Filter {
        scope: Scope::All,
        ..Filter::default()
    };
    assert!(looks.search(&all, Ask::default()).await.is_err());
    let log = cluster.log(7, NOW);
    let entry = Arc::new(sample::at(1, NOW * 1_000_000));
    log.offer(Arc::clone(&entry));
    rows::written(|| log.standing(), 1).await;
    log.end();
    cluster
        .say("GRANT SELECT ON fairlead_requests, fairlead_usage_hour TO looks")
        .await;
    let page = looks.search(&all, Ask::default()).await.unwrap();
    assert_eq!(page.entries, [Arc::clone(&entry)]);
    let found = looks.get(entry.id, &Scope::All).await.unwrap();
    assert_eq!(found, Some(Arc::clone(&entry)));
    let others = Scope::Namespaces(vec!["nobodys".into()]);
    assert_eq!(looks.get(entry.id, &others).await.unwrap(), None);
    let ask = UsageAsk {
        scope: Scope::All,
        ..UsageAsk::default()
    };
    assert_eq!(looks.usage(&ask).await.unwrap()[0].sums.requests, 1);
    // What it is offered it does not take.
    looks.offer(entry);
    assert_eq!(looks.standing().dropped, 1);
    assert_eq!(
        cluster
            .number("SELECT count(*) FROM fairlead_requests")
            .await,
        1
    );
    assert_eq!(
        cluster.number("SELECT count(*) FROM fairlead_writer").await,
        1,
        "one has ever written"
    );
    let began = tokio::time::Instant::now();
    drop(looks);
    assert!(began.elapsed().as_secs() < 5, "it ends at once");
}
