//! A keeper while its server is well: ahead of expiry, one call at a time, and never in the way of a request.

use std::sync::Arc;
use std::time::Duration;

use fairlead_auth::{Keeper, NoToken};
use tokio::time::Instant;

use crate::entra::application;
use crate::script::{Server, bearer, spawn, start, token, unreachable};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_new_token_is_there_before_the_old_one_expires() {
    let server = Server::new(|number, _| token(&format!("t{number}"), 3600));
    let keeper = server.keep(application());
    assert_eq!(keeper.current(), None);
    assert_eq!(bearer(&keeper.token().await.unwrap()), "t0");
    tokio::time::sleep(SECOND * 2699).await;
    assert_eq!(bearer(&keeper.current().unwrap()), "t0");
    tokio::time::sleep(SECOND * 10).await;
    // A quarter of an hour before the end of the first.
    assert_eq!(bearer(&keeper.current().unwrap()), "t1");
    assert_eq!(server.times(), [0, 2700]);
    let status = keeper.status();
    assert!(status.ready && status.problem.is_none(), "{status:?}");
    let expires = status.expires.unwrap();
    assert_eq!(expires.duration_since(start()).unwrap().as_secs(), 6300);
}

#[tokio::test(start_paused = true)]
async fn over_a_day_nobody_is_ever_without_a_token() {
    let server = Server::new(|number, _| token(&format!("t{number}"), 3600));
    let keeper = server.keep(application());
    keeper.token().await.unwrap();
    for minute in 0..24 * 60 {
        assert!(keeper.current().is_some(), "at minute {minute}");
        tokio::time::sleep(SECOND * 60).await;
    }
    assert_eq!(server.asked(), 32);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_that_come_before_the_first_token_are_served_by_one_call() {
    let server = Server::slow(SECOND, |_, _| token("t", 3600));
    let keeper = server.keep(application());
    let waiting: Vec<_> = (0..1000)
        .map(|_| {
            let keeper = keeper.clone();
            spawn(async move { keeper.token().await })
        })
        .collect();
    for waits in waiting {
        assert_eq!(bearer(&waits.await.unwrap().unwrap()), "t");
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_refresh() {
    let server = Server::slow(SECOND * 9, |number, _| token(&format!("t{number}"), 3600));
    let keeper = server.keep(application());
    keeper.token().await.unwrap();
    // While the second call is under way.
    tokio::time::sleep(SECOND * 2695).await;
    assert_eq!(server.asked(), 2);
    let before = Instant::now();
    assert_eq!(bearer(&keeper.token().await.unwrap()), "t0");
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_keeps_its_token_to_the_last_is_not_asked_all_the_time() {
    // Google's metadata server gives the same token until less than five minutes of it are left.
    let mut ends = 0_u64;
    let clock = Arc::new(parking_lot::Mutex::new(None::<Instant>));
    let server = Server::new(move |_, _| {
        let began = *clock.lock().get_or_insert_with(Instant::now);
        let now = began.elapsed().as_secs();
        if ends < now + 300 {
            ends = now + 3600;
        }
        token(&format!("until {ends}").replace(' ', "-"), ends - now)
    });
    let keeper = server.keep(application());
    keeper.token().await.unwrap();
    for _ in 0..10 * 60 {
        assert!(keeper.current().is_some());
        tokio::time::sleep(SECOND * 60).await;
    }
    assert!(
        server.asked() < 45,
        "asked {} times in ten hours",
        server.asked()
    );
}

#[tokio::test(start_paused = true)]
async fn a_token_of_a_moment_is_not_asked_for_all_the_time() {
    let server = Server::new(|_, _| token("t", 1));
    let keeper = server.keep(application());
    keeper.token().await.unwrap();
    tokio::time::sleep(SECOND * 100).await;
    assert!(
        server.asked() <= 101,
        "asked {} times in 100 s",
        server.asked()
    );
}

#[tokio::test(start_paused = true)]
async fn after_a_leap_of_the_clock_a_new_token_is_fetched_and_waited_for() {
    let server = Server::new(|number, _| token(&format!("t{number}"), 3600));
    let keeper = server.keep(application());
    keeper.token().await.unwrap();
    tokio::time::sleep(SECOND * 61).await;
    server.clock().leap(SECOND * 7200);
    assert_eq!(keeper.current(), None);
    let before = Instant::now();
    assert_eq!(bearer(&keeper.token().await.unwrap()), "t1");
    assert!(before.elapsed() < SECOND, "only the call is waited for");
    assert_eq!(server.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_leap_that_leaves_little_is_noticed_within_a_minute() {
    let server = Server::new(|number, _| token(&format!("t{number}"), 3600));
    let keeper = server.keep(application());
    keeper.token().await.unwrap();
    server.clock().leap(SECOND * 3000);
    tokio::time::sleep(SECOND * 61).await;
    assert_eq!(bearer(&keeper.current().unwrap()), "t1");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_delays_nothing() {
    let server = Server::new(|number, _| token(&format!("t{number}"), 3600));
    let keeper = server.keep(application());
    keeper.token().await.unwrap();
    server.clock().set_back(SECOND * 7200);
    tokio::time::sleep(SECOND * 2701).await;
    assert_eq!(bearer(&keeper.current().unwrap()), "t1");
}

#[tokio::test(start_paused = true)]
async fn a_token_that_the_provider_refuses_is_replaced_but_once_a_minute() {
    let server = Server::new(|number, _| token(&format!("t{number}"), 3600));
    let keeper = server.keep(application());
    let first = keeper.token().await.unwrap();
    for _ in 0..100 {
        keeper.rejected(&first);
        tokio::time::sleep(SECOND / 10).await;
        assert_eq!(
            bearer(&keeper.current().unwrap()),
            "t0",
            "it is used meanwhile"
        );
    }
    tokio::time::sleep(SECOND * 51).await;
    let second = keeper.current().unwrap();
    assert_eq!(bearer(&second), "t1");
    // One of the old token comes late.
    keeper.rejected(&first);
    tokio::time::sleep(SECOND * 120).await;
    assert_eq!(server.asked(), 2);
    // Now enough time is over, and a refusal is heard at once.
    keeper.rejected(&second);
    tokio::time::sleep(SECOND / 10).await;
    assert_eq!(bearer(&keeper.current().unwrap()), "t2");
}

#[tokio::test(start_paused = true)]
async fn the_refresher_ends_with_the_last_keeper_whatever_it_does() {
    let hangs = Server::slow(SECOND * 9, |_, _| unreachable());
    let fails = Server::new(|_, _| unreachable());
    let gives = Server::new(|_, _| token("t", 3600));
    for server in [hangs, fails, gives] {
        let (keeper, refresher) = Keeper::new("a", application(), server.world());
        let runs = spawn(refresher.run());
        let other = keeper.clone();
        tokio::time::sleep(SECOND * 2).await;
        drop(keeper);
        tokio::time::sleep(SECOND * 2).await;
        assert!(!runs.is_finished());
        let before = Instant::now();
        drop(other);
        runs.await.unwrap();
        assert!(before.elapsed() < SECOND / 10, "{:?}", before.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_refresher_nobody_waits_for_ever() {
    let server = Server::slow(SECOND * 9, |_, _| token("t", 3600));
    let (keeper, refresher) = Keeper::new("a", application(), server.world());
    let runs = spawn(refresher.run());
    let waits = spawn(async move { keeper.token().await });
    tokio::time::sleep(SECOND).await;
    runs.abort();
    assert_eq!(waits.await.unwrap(), Err(NoToken::Stopped));
}

#[test]
fn keepers_of_equal_sources_may_be_carried_over() {
    assert_eq!(application(), application());
    assert_eq!(crate::google::account(), crate::google::account());
    assert_ne!(application(), crate::google::account());
}
