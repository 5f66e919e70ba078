//! A server of a pool that is killed under load, over real sockets: no request fails. The pool gone: the fallback answers.

use std::time::Duration;

use fairlead_faults::{Play, Provider};
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::harness::yaml::{caller, chain, object, provider};
use crate::harness::{Gateway, serve, whole};

fn pool(servers: &[Provider; 3]) -> String {
    let addresses = servers
        .each_ref()
        .map(|server| format!("\"{}\"", server.address()));
    let spec = format!(
        "type: VLLM, allowPrivateNetwork: true, endpoints: {{addresses: [{}]}}",
        addresses.join(", ")
    );
    object("LLMProvider", "pool", &spec)
}

fn talk(conversation: usize, stream: bool) -> Value {
    let text = format!("Conversation {conversation}.");
    json!({"model": "chat", "messages": [{"role": "user", "content": text}], "stream": stream})
}

/// Callers who ask one request after the other, each in conversations of its own.
async fn load(gateway: &Gateway, callers: usize, requests: usize) -> Vec<String> {
    let caller = async |caller: usize| {
        let mut wrong = Vec::new();
        for request in 0..requests {
            let body = talk(caller * 1000 + request, request % 2 == 0);
            let answer = gateway.ask(&body).await;
            let whole = answer.whole && answer.text().contains("P.");
            if answer.status != 200 || !whole {
                wrong.push(format!("{} {}", answer.status, answer.attempts()));
            }
        }
        wrong
    };
    let asked = join_all((0..callers).map(caller)).await;
    asked.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_server_that_is_killed_under_load_fails_no_request_and_the_pool_gone_the_fallback_answers()
 {
    let server = || Provider::always(Play::chat("P.").after(Duration::from_millis(20)));
    let servers = [server().await, server().await, server().await];
    let fallback = Provider::always(Play::chat("F.")).await;
    let other = Provider::always(Play::chat("O.")).await;
    let gateway = serve([
        pool(&servers),
        provider("fallback", &fallback.base_url(), ""),
        provider("other", &other.base_url(), ""),
        caller(),
        chain("chat", &["pool", "fallback"], ""),
        chain("other", &["other"], ""),
    ])
    .await;
    let [first, second, third] = servers;
    let killed = async {
        first.until(|server| server.requests() > 100).await;
        first.stop().await;
    };
    let (wrong, ()) = tokio::join!(load(&gateway, 16, 60), killed);
    assert!(wrong.is_empty(), "{wrong:?}");
    assert_eq!(fallback.requests(), 0);
    let line = gateway
        .access(|line| {
            line["attempts"]
                .as_array()
                .is_some_and(|all| all.len() == 2)
        })
        .await;
    assert!(line["attempts"][1]["server"].is_string(), "{line}");

    second.stop().await;
    third.stop().await;
    for conversation in 0..20 {
        let answer = gateway.ask(&talk(conversation, false)).await;
        assert!(answer.text().contains("F."), "{}", answer.attempts());
    }
    let beside = gateway.ask(&whole("other")).await;
    assert_eq!(beside.attempts(), "other=ok");
}
