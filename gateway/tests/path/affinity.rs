//! Affinity: the turns of a conversation go to one target, as long as it is healthy.

use std::collections::BTreeSet;

use fairlead_faults::{Play, Provider};
use serde_json::{Value, json};

use crate::harness::yaml::{caller, provider, rule};
use crate::harness::{Answer, Gateway, KEY, serve, whole};

const CONVERSATIONS: usize = 40;

struct World {
    gateway: Gateway,
    _targets: [Provider; 2],
}

async fn world(affinity: &str) -> World {
    let targets = [
        Provider::always(Play::chat("A.")).await,
        Provider::start(|seen| {
            if seen.model() == "down" {
                Play::status(500)
            } else {
                Play::chat("B.")
            }
        })
        .await,
    ];
    let [a, b] = &targets;
    let rule = rule(
        "chat",
        &format!(
            "match: {{models: [chat, down]}}, affinity: {affinity}, targets: [{{name: a, providerRef: {{name: a}}}}, {{name: b, providerRef: {{name: b}}}}]"
        ),
    );
    let more = "retries: {maxRetries: 0}";
    let gateway = serve([
        provider("a", &a.base_url(), more),
        provider("b", &b.base_url(), more),
        caller(),
        rule,
    ])
    .await;
    World {
        gateway,
        _targets: targets,
    }
}

impl World {
    /// Who answers in a session.
    async fn in_session(&self, header: &str, session: &str, model: &str) -> String {
        let request = self.gateway.post("/v1/chat/completions").bearer_auth(KEY);
        let request = request
            .header(header, session)
            .body(whole(model).to_string());
        Answer::to(request).await.content()
    }

    async fn ask(&self, body: &Value) -> String {
        self.gateway.ask(body).await.content()
    }
}

#[tokio::test]
async fn a_session_stays_at_its_target_and_sessions_spread() {
    let world = world("{type: Header}").await;
    let mut answered = BTreeSet::new();
    for n in 0..CONVERSATIONS {
        let session = format!("session-{n}");
        let first = world.in_session("x-session-id", &session, "chat").await;
        for _ in 0..3 {
            assert_eq!(
                world.in_session("x-session-id", &session, "chat").await,
                first
            );
        }
        answered.insert(first);
    }
    assert_eq!(answered.len(), 2, "{answered:?}");
}

#[tokio::test]
async fn the_header_can_be_any() {
    let world = world("{type: Header, header: x-thread}").await;
    let mut answered = BTreeSet::new();
    for _ in 0..8 {
        answered.insert(world.in_session("x-thread", "one", "chat").await);
    }
    assert_eq!(answered.len(), 1);
    // Without it a request is placed as the strategy says.
    for _ in 0..8 {
        answered.insert(world.in_session("x-session-id", "one", "chat").await);
    }
    assert_eq!(answered.len(), 2);
}

#[tokio::test]
async fn the_turns_of_a_conversation_are_known_by_how_it_began() {
    let world = world("{type: Prefix}").await;
    let mut answered = BTreeSet::new();
    for n in 0..CONVERSATIONS {
        let mut messages = vec![
            json!({"role": "system", "content": "Be brief."}),
            json!({"role": "user", "content": format!("Question {n}.")}),
        ];
        let mut first = None;
        for turn in 0..3 {
            let answer = world
                .ask(&json!({"model": "chat", "messages": messages}))
                .await;
            assert_eq!(
                *first.get_or_insert(answer.clone()),
                answer,
                "turn {turn} of {n}"
            );
            messages.push(json!({"role": "assistant", "content": answer}));
            messages.push(json!({"role": "user", "content": format!("And {turn}?")}));
        }
        answered.extend(first);
    }
    assert_eq!(answered.len(), 2, "{answered:?}");
}

#[tokio::test]
async fn another_target_answers_while_the_own_one_fails() {
    let world = world("{type: Header}").await;
    let mut of_b = Vec::new();
    for n in 0..CONVERSATIONS {
        let session = format!("session-{n}");
        if world.in_session("x-session-id", &session, "chat").await == "B." {
            of_b.push(session);
        }
    }
    for session in of_b.iter().take(3) {
        assert_eq!(
            world.in_session("x-session-id", session, "down").await,
            "A."
        );
        assert_eq!(
            world.in_session("x-session-id", session, "chat").await,
            "B."
        );
    }
    assert!(!of_b.is_empty());
}
