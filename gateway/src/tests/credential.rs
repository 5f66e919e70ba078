//! Credentials that rest or are benched: for how long, and who is sent with the others meanwhile.

use fairlead_faults::{Play, Provider};
use parking_lot::Mutex;
use std::sync::Arc;

use crate::harness::yaml::{caller, chain, provider, secret};
use crate::harness::{World, always, seconds, whole};

const TWO: &str = "credentials: [{name: one, weight: 1000, secretRef: {name: one}}, {name: two, weight: 1, secretRef: {name: two}}]";
const ONE: &str = "credentials: [{name: one, secretRef: {name: one}}]";

/// A provider that says this to the credential `one` while it is told to, and answers everybody else.
struct Choosy {
    provider: Provider,
    to_one: Arc<Mutex<Option<Play>>>,
}

impl Choosy {
    fn that_says(play: Play) -> Self {
        let to_one = Arc::new(Mutex::new(Some(play)));
        let says = Arc::clone(&to_one);
        let provider = Provider::in_process(move |seen| {
            let refused = seen.header("authorization") == Some("Bearer value-one");
            let play = says.lock().clone().filter(|_| refused);
            play.unwrap_or_else(|| Play::chat("A."))
        });
        Self { provider, to_one }
    }

    /// How often `one` was sent so far.
    fn asked_with_one(&self) -> usize {
        self.provider
            .count(|seen| seen.header("authorization") == Some("Bearer value-one"))
    }

    fn relents(&self) {
        *self.to_one.lock() = None;
    }
}

fn world(a: &Provider, credentials: &str) -> (World, Provider) {
    let b = always(Play::chat("B."));
    let secrets =
        ["one", "two"].map(|name| secret(name, "credential", &format!("apiKey: value-{name}")));
    let world = World::serve(&[
        provider("a", &a.base_url(), credentials),
        provider("b", &b.base_url(), ""),
        secrets.concat(),
        caller(),
        chain("chat", &["a", "b"], ""),
        chain("alone", &["a"], ""),
    ]);
    (world, b)
}

#[tokio::test(start_paused = true)]
async fn a_throttled_credential_rests_for_the_time_that_was_named_and_is_then_sent_again() {
    let a = Choosy::that_says(Play::status(429).header("retry-after", "30"));
    let (world, _b) = world(&a.provider, TWO);
    let answer = world.ask(&whole("alone")).await;
    assert_eq!(
        (answer.attempts().as_str(), answer.took()),
        ("a=rate_limited, a=ok", seconds(0)),
        "the other is another account"
    );
    a.relents();
    tokio::time::sleep(seconds(29)).await;
    for _ in 0..20 {
        assert_eq!(world.ask(&whole("alone")).await.attempts(), "a=ok");
    }
    assert_eq!(a.asked_with_one(), 1, "it rests");
    tokio::time::sleep(seconds(2)).await;
    for _ in 0..20 {
        world.ask(&whole("alone")).await;
    }
    assert!(a.asked_with_one() > 15, "it has rested");
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_must_rest_for_long_rests_for_a_minute() {
    let a = Choosy::that_says(Play::status(429).header("retry-after", "3600"));
    let (world, _b) = world(&a.provider, ONE);
    assert_eq!(
        world.ask(&whole("chat")).await.attempts(),
        "a=rate_limited, b=ok"
    );
    a.relents();
    tokio::time::sleep(seconds(59)).await;
    assert_eq!(
        world.ask(&whole("chat")).await.attempts(),
        "a=resting, b=ok"
    );
    tokio::time::sleep(seconds(2)).await;
    assert_eq!(world.ask(&whole("chat")).await.attempts(), "a=ok");
}

#[tokio::test(start_paused = true)]
async fn where_nobody_else_is_left_a_credential_that_rests_is_waited_for() {
    let a = Choosy::that_says(Play::status(429).header("retry-after", "4"));
    let (world, _b) = world(&a.provider, &format!("{ONE}, retries: {{maxRetries: 0}}"));
    assert_eq!(world.ask(&whole("alone")).await.status, 429);
    a.relents();
    let answer = world.ask(&whole("alone")).await;
    assert_eq!(
        (answer.status, answer.attempts().as_str(), answer.took()),
        (200, "a=resting, a=ok", seconds(4))
    );
}

#[tokio::test(start_paused = true)]
async fn a_credential_that_rests_too_long_to_wait_for_is_told_of() {
    let a = Choosy::that_says(Play::status(429).header("retry-after", "20"));
    let (world, _b) = world(&a.provider, ONE);
    world.ask(&whole("alone")).await;
    tokio::time::sleep(seconds(5)).await;
    let answer = world.ask(&whole("alone")).await;
    assert_eq!(
        (answer.status, answer.header("retry-after"), answer.took()),
        (429, "15", seconds(0))
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_credential_is_tried_once_after_pauses_that_double() {
    let a = Choosy::that_says(Play::status(401));
    let (world, _b) = world(&a.provider, ONE);
    assert_eq!(
        world.ask(&whole("chat")).await.attempts(),
        "a=bad_credential, b=ok"
    );
    for (number, pause) in [5, 10, 20, 40].into_iter().enumerate() {
        tokio::time::sleep(seconds(pause - 1)).await;
        assert_eq!(
            world.ask(&whole("chat")).await.attempts(),
            "a=benched, b=ok"
        );
        tokio::time::sleep(seconds(2)).await;
        let tried = world.ask(&whole("chat")).await.attempts();
        assert_eq!(tried, "a=bad_credential, b=ok", "trial {number}");
        let others = world.ask(&whole("chat")).await.attempts();
        assert_eq!(others, "a=benched, b=ok", "one request finds out");
    }
    a.relents();
    tokio::time::sleep(seconds(81)).await;
    for _ in 0..5 {
        assert_eq!(world.ask(&whole("chat")).await.attempts(), "a=ok");
    }
}
