//! What befalls one stream of a connection befalls no other.

use std::sync::Arc;
use std::time::Duration;

use fairlead_faults::{Play, Provider};
use h2::Reason;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

use super::{MANY, hello, http2, serve};
use crate::harness::http2::{DATA, HEADERS, RST_STREAM, Shut, frame};
use crate::harness::http2_provider::{Http2Provider, Words};
use crate::harness::yaml::{ONCE, caller, chain, provider};
use crate::harness::{streamed, whole};

#[tokio::test]
async fn a_stream_that_is_reset_falls_back_before_its_content_and_is_told_after_it() {
    for reason in [Reason::INTERNAL_ERROR, Reason::CANCEL, Reason::NO_ERROR] {
        let a = Http2Provider::start(MANY, move |asked| async move {
            if asked.model() == "at-once" {
                return asked.reset(reason);
            }
            let late = asked.model() == "late";
            let mut words = asked.stream();
            if late {
                words.say("Hel");
                // What is reset at once is not sent at all.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            words.0.send_reset(reason);
        })
        .await;
        let spare = Provider::always(Play::chat("Spare.")).await;
        let gateway = serve([
            http2(&a.base_url()),
            provider("spare", &spare.base_url(), ONCE),
            caller(),
            chain("at-once", &["a", "spare"], ""),
            chain("early", &["a", "spare"], ""),
            chain("late", &["a", "spare"], ""),
        ])
        .await;
        for model in ["at-once", "early"] {
            let answer = gateway.ask(&streamed(model)).await;
            assert_eq!(answer.content(), "Spare.", "{reason:?} {model}");
            assert_eq!(answer.attempts(), "a=reset, spare=ok", "{reason:?} {model}");
        }
        let answer = gateway.ask(&streamed("late")).await;
        let last: serde_json::Value =
            serde_json::from_str(answer.events().last().unwrap()).unwrap();
        assert!(
            !answer.done() && last["error"]["message"].is_string(),
            "{reason:?} {}",
            answer.text()
        );
    }
}

#[tokio::test]
async fn a_caller_that_hangs_up_resets_its_own_stream_and_no_other() {
    let (reset, seen) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
    let (was_reset, is_seen) = (Arc::clone(&reset), Arc::clone(&seen));
    let a = Http2Provider::start(MANY, move |asked| {
        let (was_reset, is_seen) = (Arc::clone(&was_reset), Arc::clone(&is_seen));
        async move {
            let model = asked.model();
            if model == "any" {
                return hello(asked);
            }
            let mut words = asked.stream();
            words.say("Hel");
            if model == "leaves" {
                assert_eq!(words.until_reset().await, Reason::CANCEL);
                return was_reset.notify_one();
            }
            is_seen.notified().await;
            words.say("lo.");
            words.end();
        }
    })
    .await;
    let gateway = serve([http2(&a.base_url()), caller()]).await;
    let body = streamed("a/stays");
    let leaves = async {
        a.until(1).await;
        let post = gateway.post("/v1/chat/completions");
        let post = post.bearer_auth(crate::harness::KEY);
        let body = streamed("a/leaves").to_string();
        let mut answer = post.body(body).send().await.unwrap();
        assert!(answer.chunk().await.unwrap().is_some());
        drop(answer);
        reset.notified().await;
        seen.notify_one();
    };
    let (stays, ()) = tokio::join!(gateway.ask(&body), leaves);
    assert!(
        stays.done() && stays.content() == "Hello.",
        "{}",
        stays.text()
    );
    assert_eq!(gateway.ask(&whole("a/any")).await.content(), "Hello.");
    assert_eq!(a.connections(), 1, "it is used again");
}

/// As small as a chunk gets.
const CHUNK: &[u8] = b"data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n";

/// Says as much as is taken.
async fn fill(words: &mut Words) {
    let moment = Duration::from_millis(500);
    loop {
        while words.0.capacity() < CHUNK.len() {
            words.0.reserve_capacity(CHUNK.len());
            let more = std::future::poll_fn(|cx| words.0.poll_capacity(cx));
            match tokio::time::timeout(moment, more).await {
                Ok(more) => assert!(more.unwrap().is_ok(), "the stream was reset"),
                Err(_) => return,
            }
        }
        words.0.send_data(CHUNK.into(), false).unwrap();
    }
}

#[tokio::test]
async fn callers_that_take_nothing_keep_nothing_from_the_others() {
    const SLOW: u32 = 49;
    let full = Arc::new(Semaphore::new(0));
    let is_full = Arc::clone(&full);
    let a = Http2Provider::start(MANY, move |asked| {
        let is_full = Arc::clone(&is_full);
        async move {
            if asked.model() != "slow" {
                return hello(asked);
            }
            let mut words = asked.stream();
            fill(&mut words).await;
            is_full.add_permits(1);
            words.until_reset().await;
        }
    })
    .await;
    let gateway = serve([http2(&a.base_url()), caller()]).await;
    let mut callers = Shut::open(&gateway, 1).await;
    for _ in 0..SLOW {
        callers.ask(&streamed("a/slow").to_string()).await;
    }
    drop(full.acquire_many(SLOW).await.unwrap());
    for body in [whole, streamed] {
        let answer = gateway.ask(&body("a/fast")).await;
        assert_eq!(answer.content(), "Hello.", "{}", answer.text());
    }
    assert_eq!(a.connections(), 1);
}

#[tokio::test]
async fn a_connection_on_which_nothing_came_for_long_takes_no_more_requests_and_one_whose_caller_was_in_a_hurry_does()
 {
    tokio::join!(
        connections_after_a_late_answer("200ms", 1),
        connections_after_a_late_answer("11s", 2)
    );
}

async fn connections_after_a_late_answer(patience: &str, connections: usize) {
    let a = Http2Provider::start(MANY, |asked| async move {
        match asked.nth {
            0 => std::future::pending().await,
            _ => hello(asked),
        }
    })
    .await;
    let more = format!("httpVersion: HTTP2, timeouts: {{firstByte: {patience}}}, {ONCE}");
    let gateway = serve([provider("a", &a.base_url(), &more), caller()]).await;
    let late = gateway.ask(&whole("a/any")).await;
    assert_eq!(late.attempts(), "default/a=first_token_timeout");
    for _ in 0..2 {
        assert_eq!(gateway.ask(&whole("a/any")).await.content(), "Hello.");
    }
    assert_eq!((a.requests(), a.connections()), (3, connections));
}

#[tokio::test]
async fn a_caller_that_leaves_takes_the_connection_that_it_has_begun_to_open_from_nobody() {
    let a = Http2Provider::start(MANY, |asked| async move { hello(asked) }).await;
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let (url, _relay) = relay(&a, Arc::clone(&begun), Arc::clone(&go_on)).await;
    let gateway = serve([http2(&url), caller()]).await;
    let mut callers = Shut::open(&gateway, 65_535).await;
    let body = whole("a/any").to_string();
    callers.ask(&body).await;
    begun.notified().await;
    callers.ask(&body).await;
    // The core looks at one after the other: when the third is answered, the second waits.
    callers.ask(&whole("nobody/any").to_string()).await;
    callers.until(HEADERS).await;
    let cancel = u32::from(Reason::CANCEL).to_be_bytes();
    let reset = frame(RST_STREAM, 0, 1, &cancel);
    callers.try_send(&reset).await.unwrap();
    callers.until(DATA).await;
    go_on.add_permits(10);
    let answer = callers.until(DATA).await;
    assert_eq!(a.connections(), 1);
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("Hello."), "{answer}");
}

#[tokio::test]
async fn nobody_joins_those_who_wait_for_a_connection_that_is_late() {
    let a = Http2Provider::start(MANY, |asked| async move { hello(asked) }).await;
    let (begun, go_on) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
    let (url, _relay) = relay(&a, Arc::clone(&begun), Arc::clone(&go_on)).await;
    let gateway = serve([
        http2(&url),
        caller(),
        chain("patient", &["a"], "timeouts: {connect: 20s}"),
        chain("hasty", &["a"], "timeouts: {connect: 200ms}"),
    ])
    .await;
    let others = async {
        begun.notified().await;
        let late = gateway.ask(&whole("hasty")).await;
        assert_eq!(late.attempts(), "a=connect");
        let next = async {
            begun.notified().await;
            go_on.add_permits(2);
        };
        let patient = whole("patient");
        let (answer, ()) = tokio::join!(gateway.ask(&patient), next);
        assert_eq!(answer.content(), "Hello.");
    };
    let patient = whole("patient");
    let (first, ()) = tokio::join!(gateway.ask(&patient), others);
    assert_eq!(first.content(), "Hello.");
    assert_eq!(a.connections(), 2);
}

/// Leads to a provider, each connection as soon as it may, and tells of each that has begun.
async fn relay(
    to: &Http2Provider,
    begun: Arc<Notify>,
    may: Arc<Semaphore>,
) -> (String, JoinSet<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/v1", listener.local_addr().unwrap());
    let server = to.address();
    let mut accepting = JoinSet::new();
    accepting.spawn(async move {
        let mut relays = JoinSet::new();
        while let Ok((mut caller, _)) = listener.accept().await {
            begun.notify_one();
            let may = Arc::clone(&may);
            relays.spawn(async move {
                may.acquire().await.unwrap().forget();
                let mut server = TcpStream::connect(server).await.unwrap();
                // How it ends is the matter of the two ends.
                let _ = copy_bidirectional(&mut caller, &mut server).await;
            });
        }
    });
    (url, accepting)
}
