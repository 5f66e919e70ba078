//! A keeper whose server is out, refuses, or answers nonsense.

use std::time::Duration;

use fairlead_auth::{NoToken, Problem, Response};
use serde_json::json;
use tokio::time::Instant;

use crate::entra::application;
use crate::script::{Answer, Server, answer, bearer, json_answer, spawn, token, unreachable};

const SECOND: Duration = Duration::from_secs(1);

/// One good token, then trouble until so many requests have come.
fn out_until(requests: usize, trouble: fn() -> Answer) -> std::sync::Arc<Server> {
    Server::new(move |number, _| {
        if number == 0 || number >= requests {
            token(&format!("t{number}"), 3600)
        } else {
            trouble()
        }
    })
}

#[tokio::test(start_paused = true)]
async fn an_outage_with_a_token_in_hand_harms_nobody() {
    let server = out_until(20, unreachable);
    let keeper = server.keep(application());
    keeper.token().await.unwrap();
    for second in 0..3600 {
        let before = Instant::now();
        assert!(keeper.token().await.is_ok(), "at second {second}");
        assert_eq!(before.elapsed(), Duration::ZERO, "nobody waits");
        tokio::time::sleep(SECOND).await;
    }
    assert_eq!(bearer(&keeper.current().unwrap()), "t20");
    let times = server.times();
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(
        pauses[..7],
        [2700, 0, 1, 2, 4, 8, 15],
        "chance takes off half"
    );
    assert!(keeper.status().problem.is_none());
}

#[tokio::test(start_paused = true)]
async fn the_old_token_is_used_to_its_last_second_and_then_the_error_is_clear() {
    let server = out_until(usize::MAX, unreachable);
    let keeper = server.keep(application());
    keeper.token().await.unwrap();
    tokio::time::sleep(SECOND * 3599).await;
    assert_eq!(bearer(&keeper.token().await.unwrap()), "t0");
    let status = keeper.status();
    assert!(status.ready && status.problem.is_some(), "{status:?}");
    tokio::time::sleep(SECOND).await;
    let before = Instant::now();
    let error = keeper.token().await.unwrap_err();
    assert_eq!(before.elapsed(), Duration::ZERO, "nobody waits");
    assert!(matches!(error, NoToken::Expired(_)), "{error:?}");
    assert_eq!(
        error.to_string(),
        "the last token has expired and no new one could be had: login.microsoftonline.com cannot be reached (connection refused); \
         its address must resolve, and egress to it be allowed"
    );
    assert!(!keeper.status().ready);
}

#[tokio::test(start_paused = true)]
async fn after_an_outage_that_outlived_the_token_all_is_well_within_ten_seconds() {
    let server = out_until(150, unreachable);
    let keeper = server.keep(application());
    keeper.token().await.unwrap();
    while server.asked() <= 150 {
        tokio::time::sleep(SECOND).await;
    }
    let times = server.times();
    assert!(times[150] > 3600 + 300, "the token did not outlive it");
    let without: Vec<_> = times.iter().filter(|time| **time > 3630).collect();
    let longest = without.windows(2).map(|pair| pair[1] - pair[0]).max();
    assert!(longest <= Some(10), "{longest:?}");
    assert_eq!(bearer(&keeper.token().await.unwrap()), "t150");
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_for_the_first_token_are_told_as_soon_as_the_call_has_failed() {
    let server = Server::slow(SECOND, |_, _| unreachable());
    let keeper = server.keep(application());
    let waiting: Vec<_> = (0..100)
        .map(|_| {
            let keeper = keeper.clone();
            spawn(async move { keeper.token().await })
        })
        .collect();
    for waits in waiting {
        let error = waits.await.unwrap().unwrap_err();
        assert!(matches!(error, NoToken::Never(_)), "{error:?}");
    }
    assert_eq!(server.asked(), 1);
    // Who comes later is told at once, and does not make the next call come sooner.
    for _ in 0..1000 {
        assert!(keeper.token().await.is_err());
    }
    assert_eq!(server.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_is_given_up_after_ten_seconds() {
    let server = Server::slow(SECOND * 1_000_000, |_, _| unreachable());
    let keeper = server.keep(application());
    let before = Instant::now();
    let error = keeper.token().await.unwrap_err().to_string();
    assert_eq!(before.elapsed(), SECOND * 10);
    assert!(error.contains("no answer in 10 s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_tried_again_ever_more_rarely_and_mends_itself() {
    let server = Server::new(|number, _| {
        let body =
            json!({"error": "invalid_client", "error_description": "AADSTS7000222: expired"});
        if number < 12 {
            json_answer(401, &body)
        } else {
            token("t", 3600)
        }
    });
    let keeper = server.keep(application());
    let error = keeper.token().await.unwrap_err();
    assert!(error.to_string().contains("create a new one"), "{error}");
    tokio::time::sleep(SECOND * 300).await;
    assert_eq!(bearer(&keeper.token().await.unwrap()), "t");
    let times = server.times();
    let pauses: Vec<_> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(pauses[..9], [0, 1, 2, 4, 8, 16, 30, 30, 30]);
}

#[tokio::test(start_paused = true)]
async fn a_server_is_not_asked_before_it_wants_to_be() {
    let server = Server::new(|number, _| match number {
        0 => Ok(Response {
            status: 429,
            retry_after: Some(SECOND * 45),
            body: bytes::Bytes::new(),
        }),
        _ => token("t", 3600),
    });
    let keeper = server.keep(application());
    assert!(keeper.token().await.is_err());
    tokio::time::sleep(SECOND * 50).await;
    assert!(keeper.current().is_some());
    assert_eq!(server.times(), [0, 45]);
}

#[tokio::test(start_paused = true)]
async fn nonsense_does_not_replace_a_good_token() {
    let nonsense: [fn() -> Answer; 4] = [
        || answer(200, "<html>Sign in</html>"),
        || answer(200, r#"{"access_token":"a\nb","expires_in":60}"#),
        || answer(302, ""),
        || answer(500, "oops"),
    ];
    for trouble in nonsense {
        let server = out_until(usize::MAX, trouble);
        let keeper = server.keep(application());
        keeper.token().await.unwrap();
        tokio::time::sleep(SECOND * 3000).await;
        assert_eq!(bearer(&keeper.current().unwrap()), "t0");
        assert!(keeper.status().problem.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_that_has_expired_already_points_at_the_clock() {
    // It takes longer to get than it is good for.
    let slow = Server::slow(SECOND, |_, _| token("t", 1));
    let keeper = slow.keep(application());
    let error = keeper.token().await.unwrap_err();
    assert!(
        error.to_string().contains("the clock of this node"),
        "{error}"
    );
    let NoToken::Never(problem) = error else {
        panic!("{error:?}")
    };
    assert!(matches!(&*problem, Problem::Stale));
}
