//! The same question has the same answer everywhere.

use std::sync::Arc;

use fairlead_record::{
    Ask, By, Entry, Filter, Mirror, Outcome, Page, RequestLog, Ring, Scope, Trace, Usage, UsageAsk,
    sample,
};

use crate::postgres::Cluster;
use crate::rows::{self, NOW};

/// So many, over more than two days.
const ENTRIES: u64 = 2_000;

fn entries() -> Vec<Arc<Entry>> {
    let apart = 100 * 1_000_000;
    let at = |seed: u64| sample::BEGIN_US - 80_000_000_000 + (seed * apart).cast_signed();
    let mut entries: Vec<_> = (0..ENTRIES - 1)
        .map(|seed| sample::at(seed, at(seed)))
        .collect();
    // A copy that its caller is charged for: it is in no list.
    entries.push(Entry {
        id: 7,
        mirror: Some(Mirror {
            charged: true,
            ..Mirror::default()
        }),
        ..entries[5].clone()
    });
    entries.into_iter().map(Arc::new).collect()
}

fn all() -> Filter {
    Filter {
        scope: Scope::All,
        ..Filter::default()
    }
}

/// Who asked for what, and what became of it.
fn by_whom_and_what() -> Vec<Filter> {
    vec![
        all(),
        Filter::default(),
        Filter {
            scope: Scope::Namespaces(vec!["shop".into(), "ads".into()]),
            ..all()
        },
        Filter {
            scope: Scope::Key("shop/key3".into()),
            ..all()
        },
        Filter {
            key: Some("search/key1".into()),
            ..all()
        },
        Filter {
            key: Some("search/key".into()),
            ..all()
        },
        Filter {
            team: Some("ads/research".into()),
            ..all()
        },
        Filter {
            model: Some("größe".into()),
            ..all()
        },
        Filter {
            provider: Some("default/claude".into()),
            ..all()
        },
        Filter {
            upstream_model: Some("sim".into()),
            ..all()
        },
        Filter {
            rule: Some("shop/chat".into()),
            ..all()
        },
        Filter {
            class: Some("rate_limited".into()),
            ..all()
        },
        Filter {
            class: Some("overloaded".into()),
            ..all()
        },
        Filter {
            class: Some("\"},{\"outcome\":\"ok".into()),
            ..all()
        },
    ]
}

/// How much it was, which one it was, and what is written in it.
fn by_words_and_numbers(entries: &[Arc<Entry>], traced: &Trace) -> Vec<Filter> {
    vec![
        Filter {
            status: Some(401),
            ..all()
        },
        Filter {
            min_cost_nanos: Some(45_000_000),
            ..all()
        },
        Filter {
            min_duration_us: Some(3_500_000),
            ..all()
        },
        Filter {
            id: Some(entries[77].id),
            ..all()
        },
        Filter {
            id: Some(entries[77].id),
            scope: Scope::Namespaces(vec!["none".into()]),
            ..all()
        },
        Filter {
            trace: Some(traced.id),
            ..all()
        },
        Filter {
            text: Some("gpt-4O".into()),
            ..all()
        },
        Filter {
            text: Some("python".into()),
            ..all()
        },
        Filter {
            text: Some(" GRÖSSE ".into()),
            ..all()
        },
        Filter {
            text: Some("Größe".into()),
            ..all()
        },
        Filter {
            text: Some("100%_'; --".into()),
            ..all()
        },
        Filter {
            from_unix_us: Some(sample::BEGIN_US - 50_000_000_000),
            to_unix_us: Some(sample::BEGIN_US + 1),
            ..all()
        },
        Filter {
            key: Some("ads/key2".into()),
            outcome: Some(Outcome::Ok),
            from_unix_us: Some(sample::BEGIN_US),
            ..all()
        },
    ]
}

fn filters(entries: &[Arc<Entry>]) -> Vec<Filter> {
    let traced = entries
        .iter()
        .find_map(|entry| entry.trace.clone())
        .unwrap();
    let mut filters = by_whom_and_what();
    filters.extend(by_words_and_numbers(entries, &traced));
    filters.extend(Outcome::ALL.map(|outcome| Filter {
        outcome: Some(outcome),
        ..all()
    }));
    filters
}

/// Everything that a filter lets through, page by page.
async fn pages(log: &dyn RequestLog, filter: &Filter, limit: usize) -> Vec<Arc<Entry>> {
    let (mut found, mut after) = (Vec::new(), None);
    loop {
        let Page { entries, next } = log.search(filter, Ask { after, limit }).await.unwrap();
        assert!(entries.len() <= limit);
        found.extend(entries);
        after = next;
        if after.is_none() {
            return found;
        }
    }
}

fn asks() -> Vec<UsageAsk> {
    let all = || UsageAsk {
        scope: Scope::All,
        ..UsageAsk::default()
    };
    let begin = sample::BEGIN_US / 1_000_000;
    vec![
        all(),
        UsageAsk::default(),
        UsageAsk {
            by: vec![By::Hour, By::Team, By::Key, By::Provider, By::Model],
            ..all()
        },
        UsageAsk {
            by: vec![By::Day, By::Team],
            ..all()
        },
        UsageAsk {
            by: vec![By::Model],
            from_unix_s: Some(begin + 1_000),
            ..all()
        },
        UsageAsk {
            by: vec![By::Key],
            to_unix_s: Some(begin),
            scope: Scope::Namespaces(vec!["shop".into()]),
            ..all()
        },
        UsageAsk {
            by: vec![By::Provider],
            team: Some("ads/research".into()),
            ..all()
        },
        UsageAsk {
            by: vec![By::Hour],
            scope: Scope::Key("search/key4".into()),
            ..all()
        },
        UsageAsk {
            by: vec![By::Day],
            provider: Some("shop/sim".into()),
            model: Some("sim".into()),
            key: Some("ads/key1".into()),
            ..all()
        },
        UsageAsk {
            key: Some("none/none".into()),
            ..all()
        },
    ]
}

async fn same(log: &dyn RequestLog, ring: &Ring, entries: &[Arc<Entry>]) {
    let mut found = 0;
    for filter in filters(entries) {
        let wanted = pages(ring, &filter, 500).await;
        for limit in [500, 7] {
            if limit == 7 && wanted.len() > 400 {
                continue;
            }
            assert_eq!(pages(log, &filter, limit).await, wanted, "{filter:?}");
        }
        found += usize::from(!wanted.is_empty());
    }
    assert!(found > 20, "most filters find something");
    for ask in asks() {
        let wanted: Vec<Usage> = ring.usage(&ask).await.unwrap();
        assert_eq!(log.usage(&ask).await.unwrap(), wanted, "{ask:?}");
    }
    let one = &entries[5];
    let scope = Scope::Namespaces(vec![one.namespace().unwrap_or("shop").into()]);
    assert_eq!(
        log.get(one.id, &scope).await.unwrap(),
        ring.get(one.id, &scope).await.unwrap()
    );
    for absent in [1, 7] {
        assert_eq!(log.get(absent, &Scope::All).await.unwrap(), None);
    }
}

fn ring(entries: &[Arc<Entry>]) -> Ring {
    let ring = Ring::default();
    for entry in entries {
        ring.push(Arc::clone(entry));
    }
    ring
}

#[tokio::test]
async fn sqlite_answers_as_memory_does() {
    let entries = entries();
    let folder = tempfile::tempdir().unwrap();
    let log = rows::sqlite(folder.path(), 9, u64::MAX);
    for entry in &entries {
        log.offer(Arc::clone(entry));
    }
    rows::written(|| log.standing(), ENTRIES).await;
    same(&log, &ring(&entries), &entries).await;
}

#[tokio::test]
async fn postgresql_answers_as_memory_does() {
    let entries = entries();
    let cluster = Cluster::start();
    let log = cluster.log(9, NOW);
    for entry in &entries {
        log.offer(Arc::clone(entry));
    }
    rows::written(|| log.standing(), ENTRIES).await;
    same(&log, &ring(&entries), &entries).await;
    assert_eq!(log.standing().astray, 0);
    let view = "SELECT count(*) FROM fairlead_log WHERE time < to_timestamp(1795996800) + interval '1 year' AND usd IS NOT NULL";
    let priced = |entry: &&Arc<Entry>| entry.cost.is_some() && entry.mirror.is_none();
    let priced = entries.iter().filter(priced).count();
    assert_eq!(cluster.number(view).await, priced as i64);
}

#[tokio::test]
async fn what_is_only_in_memory_is_there_at_once() {
    let entries = entries();
    let ring = ring(&entries);
    let all = Filter {
        scope: Scope::All,
        ..Filter::default()
    };
    let first = ring.search(&all, Ask::default());
    assert_eq!(first.await.unwrap().entries.len(), 50);
    same(&ring, &ring, &entries).await;
}
