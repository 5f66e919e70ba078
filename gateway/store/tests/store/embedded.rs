//! One gateway by itself.

use std::time::Duration;

use fairlead_store::{Refused, Shape, Terms, Where, Window};

use crate::support::{Replica, crowd, folder, is_exhausted, terms};

const ID: &str = "budget/team/search/research/month";

async fn in_memory() -> Replica {
    Replica::start(Where::Embedded { dir: None }, None).await
}

async fn durable(folder: &std::path::Path) -> Replica {
    let dir = Some(folder.to_owned());
    let journal = Some(folder.join("leases.journal"));
    Replica::start(Where::Embedded { dir }, journal).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_budget_is_used_up_and_never_passed() {
    let replica = in_memory().await;
    let replicas = [replica];
    let terms = terms(10_000);
    let tally = crowd(&replicas, 32, ID, terms, Duration::from_secs(20)).await;
    let [replica] = replicas;
    assert!(
        (9_990..=10_000).contains(&tally.settled),
        "all but what fits no caller: {tally:?}"
    );
    assert_eq!(tally.unavailable, 0);
    replica.counters.drain().await;
    assert_eq!(replica.used(ID, &terms).await, tally.settled);
}

#[tokio::test(start_paused = true)]
async fn a_refused_caller_leaves_no_trace() {
    let replica = in_memory().await;
    let (counter, terms) = (replica.budget(ID), terms(10));
    let hold = replica.take(&counter, &terms, 8).await.unwrap();
    let refused = replica.take(&counter, &terms, 3).await.unwrap_err();
    assert!(matches!(refused, Refused::Busy { .. }), "{refused:?}");
    hold.settle(8);
    tokio::time::sleep(Duration::from_secs(2)).await;
    let refused = replica.take(&counter, &terms, 3).await.unwrap_err();
    let Refused::Exhausted { standing, .. } = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((standing.used, standing.limit), (8, 10));
    replica.take(&counter, &terms, 2).await.unwrap().settle(2);
    replica.counters.drain().await;
    assert_eq!(replica.used(ID, &terms).await, 10);
}

#[tokio::test(start_paused = true)]
async fn dropped_it_is_settled_at_what_is_held_and_cancelled_at_nothing() {
    let replica = in_memory().await;
    let (counter, terms) = (replica.budget(ID), terms(100));
    replica.take(&counter, &terms, 20).await.unwrap().cancel();
    let mut hold = replica.take(&counter, &terms, 10).await.unwrap();
    hold.raise(200);
    assert_eq!(hold.held(), 200, "a raise is never refused");
    drop(hold);
    replica.counters.drain().await;
    assert_eq!(replica.used(ID, &terms).await, 200);
}

#[tokio::test(start_paused = true)]
async fn whoever_stops_waiting_takes_nothing() {
    let replica = in_memory().await;
    let (counter, terms) = (replica.budget(ID), terms(100));
    {
        let taking = replica.take(&counter, &terms, 60);
        let mut taking = std::pin::pin!(taking);
        let polled = std::future::poll_fn(|context| {
            std::task::Poll::Ready(taking.as_mut().poll(context).is_pending())
        });
        assert!(polled.await, "it asks the store first");
    }
    tokio::time::sleep(Duration::from_millis(50)).await;
    let hold = replica.take(&counter, &terms, 100).await.unwrap();
    hold.settle(100);
}

#[tokio::test(start_paused = true)]
async fn the_charge_goes_to_the_window_it_was_taken_in() {
    let replica = in_memory().await;
    let counter = replica.budget(ID);
    let today = Terms {
        window: Some(Window { start: 0, end: 100 }),
        ..terms(50)
    };
    let tomorrow = Terms {
        window: Some(Window {
            start: 100,
            end: 200,
        }),
        ..terms(50)
    };
    let hold = replica.take(&counter, &today, 30).await.unwrap();
    replica
        .take(&counter, &tomorrow, 5)
        .await
        .unwrap()
        .settle(5);
    hold.settle(31);
    replica.counters.drain().await;
    assert_eq!(replica.used(ID, &today).await, 31);
    assert_eq!(replica.used(ID, &tomorrow).await, 5);
}

#[tokio::test(start_paused = true)]
async fn what_fell_into_a_window_that_nobody_has_charged_is_told_of_it() {
    let replica = in_memory().await;
    let counter = replica.budget(ID);
    let day = terms(10);
    replica.take_soon(&counter, &day, 4).await.settle(4);
    replica.comes_to(ID, &day, 4).await;
    let longer = Terms {
        window: Some(Window {
            start: 0,
            end: 1 << 51,
        }),
        ..day
    };
    assert_eq!(replica.used(ID, &longer).await, 4);
}

#[tokio::test(start_paused = true)]
async fn a_rate_comes_back_when_its_time_has_passed() {
    let replica = in_memory().await;
    let shape = Shape::Rate { per_ms: 60_000 };
    let counter = replica.counters.counter("rate/key/a/b/requests", shape);
    let terms = Terms {
        window: None,
        ..terms(100)
    };
    for _ in 0..100 {
        replica.take(&counter, &terms, 1).await.unwrap().settle(1);
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    let refused = replica.take(&counter, &terms, 1).await.unwrap_err();
    let Refused::Exhausted { retry_ms, .. } = refused else {
        panic!("{refused:?}");
    };
    assert!((50_000..=61_000).contains(&retry_ms), "{retry_ms}");
    tokio::time::sleep(Duration::from_millis(retry_ms)).await;
    replica.take(&counter, &terms, 1).await.unwrap().settle(1);
}

#[tokio::test(start_paused = true)]
async fn places_come_back() {
    let replica = in_memory().await;
    let counter = replica.counters.counter("slots/key/a/b", Shape::Slots);
    let terms = Terms {
        window: None,
        ..terms(2)
    };
    for _ in 0..3 {
        let first = replica.take(&counter, &terms, 1).await.unwrap();
        let second = replica.take(&counter, &terms, 1).await.unwrap();
        let refused = replica.take(&counter, &terms, 1).await.unwrap_err();
        assert!(!is_exhausted(&refused), "{refused:?}");
        first.settle(1);
        drop(second);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_view_is_a_second_old_at_most_and_knows_its_own_use() {
    let replica = in_memory().await;
    let (counter, terms) = (replica.budget(ID), terms(100));
    assert_eq!(counter.standing(&terms, replica.now()).used, 0);
    replica.take(&counter, &terms, 10).await.unwrap().settle(10);
    let standing = counter.standing(&terms, replica.now());
    assert_eq!((standing.used, standing.limit), (10, 100));
    tokio::time::sleep(Duration::from_secs(60)).await;
    // Looked at after a rest, it asks.
    let _ = counter.standing(&terms, replica.now());
    tokio::time::sleep(Duration::from_millis(50)).await;
    let standing = counter.standing(&terms, replica.now());
    let age = replica.now().mono - standing.as_of.unwrap();
    assert!(age < Duration::from_secs(1), "{age:?}");
    let lower = Terms {
        limit: 5,
        generation: 2,
        ..terms
    };
    assert_eq!(counter.standing(&lower, replica.now()).limit, 5);
}

#[tokio::test]
async fn what_was_used_survives_a_restart() {
    let folder = folder();
    let terms = terms(1_000);
    let mut settled = 0;
    for life in 1..=4 {
        let replica = durable(folder.path()).await;
        let counter = replica.budget(ID);
        for _ in 0..20 {
            let hold = replica.take(&counter, &terms, 10).await.unwrap();
            hold.settle(life);
            settled += life;
        }
        if life % 2 == 0 {
            replica.counters.drain().await;
        }
        // Else it ends before it has told the store or written anything: the journal has it.
        drop(counter);
        replica.stop().await;
    }
    let replica = durable(folder.path()).await;
    replica
        .until("all told", async |replica| {
            replica.used(ID, &terms).await == settled
        })
        .await;
    let counter = replica.budget(ID);
    let left = 1_000 - settled;
    let hold = replica.take(&counter, &terms, left).await.unwrap();
    hold.settle(left);
}

#[tokio::test]
async fn what_was_written_needs_no_journal() {
    let folder = folder();
    let terms = terms(1_000);
    for life in 1..=3 {
        let dir = Some(folder.path().to_owned());
        let replica = Replica::start(Where::Embedded { dir }, None).await;
        assert_eq!(replica.used(ID, &terms).await, (life - 1) * 100);
        let counter = replica.budget(ID);
        replica
            .take(&counter, &terms, 100)
            .await
            .unwrap()
            .settle(100);
        replica.counters.drain().await;
        drop(counter);
        replica.stop().await;
    }
}

#[tokio::test]
async fn two_gateways_do_not_share_a_folder() {
    let folder = folder();
    let _first = durable(folder.path()).await;
    let options = fairlead_store::Options {
        place: Where::Embedded {
            dir: Some(folder.path().to_owned()),
        },
        journal: None,
        started: tokio::time::Instant::now(),
    };
    assert!(fairlead_store::Counters::open(options).await.is_err());
}
