//! What was written in requests is kept alike by every store, for as long as it is said, and no longer.

use std::sync::Arc;
use std::time::Duration;

use fairlead_record::Wall;
use fairlead_record::content::{
    Content, ContentMemory, ContentPostgres, ContentSqlite, ContentSqliteOptions, ContentStore,
    Packed, Written,
};
use parking_lot::Mutex;
use tokio::time::Instant;

use crate::postgres::Cluster;
use crate::rows::NOW;

const HOUR: i64 = 3_600;

/// A clock that is set by hand, in seconds since 1970.
#[derive(Clone)]
struct Clock(Arc<Mutex<i64>>);

impl Clock {
    fn at(now: i64) -> Self {
        Self(Arc::new(Mutex::new(now)))
    }

    fn set(&self, now: i64) {
        *self.0.lock() = now;
    }

    fn wall(&self) -> Wall {
        let clock = self.clone();
        Wall::of(move || *clock.0.lock())
    }
}

fn content(id: u64, ended: i64) -> Content {
    let written = |text: &str| Written {
        text: text.to_owned(),
        bytes: 1 << 40,
        cut: true,
    };
    Content {
        id,
        ended_unix_us: ended * 1_000_000,
        key: Some("search/a".into()),
        rule: Some("search/größe".into()),
        request: written("{\"a\":\"\\u0000\u{0}\"}"),
        answer: Some(written("日本語")),
    }
}

fn keep(store: &dyn ContentStore, content: &Content) {
    store.keep(&Arc::new(Packed::of(content)));
}

async fn written(store: &dyn ContentStore, count: u64) {
    let end = Instant::now() + Duration::from_secs(20);
    while store.standing().written < count {
        assert!(Instant::now() < end, "{:?}", store.standing());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn every_store_keeps_content_for_its_hours() {
    let folder = tempfile::tempdir().unwrap();
    let cluster = Cluster::start();
    cluster.set_clock(NOW).await;
    let clock = Clock::at(NOW);
    let sqlite = ContentSqliteOptions {
        dir: folder.path().join("content"),
        hours: 24,
        bytes: 1 << 30,
        wall: clock.wall(),
    };
    let stores: Vec<Box<dyn ContentStore>> = vec![
        Box::new(ContentMemory::new(24, clock.wall())),
        Box::new(ContentSqlite::open(sqlite).unwrap()),
        Box::new(ContentPostgres::open(cluster.options(7, clock.wall()), 24).unwrap()),
    ];
    let all = [
        content(u64::MAX, NOW - 23 * HOUR),
        content(1, NOW - 60),
        content(2, NOW - 25 * HOUR),
    ];
    for store in &stores {
        clock.set(NOW);
        for content in &all {
            keep(&**store, content);
        }
        written(&**store, 3).await;
        let name = store.name();
        for content in &all[..2] {
            let read = store.read(content.id).await.unwrap();
            assert_eq!(read.as_ref(), Some(content), "{name}");
        }
        assert_eq!(store.read(2).await, Ok(None), "{name}: it is too old");
        assert_eq!(store.read(3).await, Ok(None), "{name}: there is none");
        clock.set(NOW + 2 * HOUR);
        assert_eq!(
            store.read(u64::MAX).await,
            Ok(None),
            "{name}: it has become too old"
        );
        assert!(store.read(1).await.unwrap().is_some(), "{name}");
        store.end();
    }
}

#[tokio::test]
async fn in_memory_the_oldest_gives_way() {
    let clock = Clock::at(NOW);
    let store = ContentMemory::of(10_000, 24, clock.wall());
    let mut noise = 7_u64;
    for id in 1..=20 {
        let mut content = content(id, NOW);
        // What cannot be packed.
        let letters = (0..1_000).map(|_| {
            noise = noise
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            char::from(b'!' + u8::try_from(noise >> 58).unwrap())
        });
        content.request.text = letters.collect();
        keep(&store, &content);
    }
    assert_eq!(store.read(1).await, Ok(None));
    assert!(store.read(20).await.unwrap().is_some());
    // The same one again takes the place of the first.
    keep(&store, &content(20, NOW - 1));
    assert_eq!(
        store.read(20).await.unwrap().unwrap().ended_unix_us,
        (NOW - 1) * 1_000_000
    );
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_told_and_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("content");
    std::fs::write(&dir, "in the way").unwrap();
    let clock = Clock::at(NOW);
    let store = ContentSqlite::open(ContentSqliteOptions {
        dir: dir.clone(),
        hours: 24,
        bytes: 1 << 30,
        wall: clock.wall(),
    });
    let store = store.unwrap();
    keep(&store, &content(1, NOW));
    let end = Instant::now() + Duration::from_secs(20);
    while store.standing().problem.is_none() {
        assert!(Instant::now() < end, "nothing is said to be wrong");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    std::fs::remove_file(&dir).unwrap();
    written(&store, 1).await;
    assert!(store.read(1).await.unwrap().is_some());
    assert_eq!(store.standing().problem, None);
}

/// Its hours are a promise that a disk that is full does not undo.
#[tokio::test]
async fn what_is_too_old_goes_also_while_nothing_can_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().to_owned();
    let clock = Clock::at(NOW);
    let store = ContentSqlite::open(ContentSqliteOptions {
        dir: dir.clone(),
        hours: 2,
        bytes: 1 << 30,
        wall: clock.wall(),
    });
    let store = store.unwrap();
    keep(&store, &content(1, NOW));
    written(&store, 1).await;
    let file = |at: i64| {
        let hour = jiff::Timestamp::from_second(at).unwrap();
        dir.join(hour.strftime("content-%Y-%m-%dT%H.db").to_string())
    };
    assert!(file(NOW).exists());
    let later = NOW + 10 * HOUR;
    clock.set(later);
    std::fs::create_dir(file(later)).unwrap();
    keep(&store, &content(2, later));
    let end = Instant::now() + Duration::from_secs(20);
    while file(NOW).exists() {
        assert!(Instant::now() < end, "what is too old is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(store.standing().problem.is_some());
}

/// What is too old is not only hidden.
#[tokio::test]
async fn postgresql_drops_days_and_deletes_what_is_too_old() {
    let cluster = Cluster::start();
    cluster.set_clock(NOW).await;
    let clock = Clock::at(NOW);
    let open = || ContentPostgres::open(cluster.options(7, clock.wall()), 24).unwrap();
    let store = open();
    for (id, ended) in [(1, NOW - 60), (2, NOW - 30 * HOUR), (3, NOW - 60 * HOUR)] {
        keep(&store, &content(id, ended));
    }
    written(&store, 3).await;
    drop(store);
    // Whoever begins looks after it first.
    let store = open();
    keep(&store, &content(4, NOW));
    written(&store, 1).await;
    let left = cluster
        .number("SELECT count(*) FROM fairlead_content")
        .await;
    assert_eq!(left, 2);
    let parts = "SELECT count(*) FROM pg_inherits WHERE inhparent = 'fairlead_content'::regclass";
    assert!(
        cluster.number(parts).await >= 5,
        "a day each, and the default one"
    );
}
