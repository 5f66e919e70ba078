//! One model behind which three vendors stand, each with an API of its own: a caller cannot tell who answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fairlead_faults::{Framing, Play, Provider, Seen, Step};
use fairlead_wire::event_stream;
use serde_json::{Value, json};

use super::{bedrock, keys};
use crate::harness::yaml::{ONCE, caller, object, provider, rule, secret};
use crate::harness::{Answer, Gateway, results, serve};

/// The targets, with their weights.
const TARGETS: [(&str, u32); 3] = [("openai", 50), ("anthropic", 30), ("bedrock", 20)];
const ASKED: usize = 200;
/// Nobody is down.
const NOBODY: usize = usize::MAX;

/// What the tool is called with, in two pieces.
const ARGUMENTS: [&str; 2] = ["{\"city\": \"Os", "lo\"}"];

fn of_openai() -> Vec<Vec<u8>> {
    let chunk = |delta: &Value, reason: Option<&str>| {
        let choice = json!({"index": 0, "delta": delta, "finish_reason": reason});
        let chunk = json!({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]});
        format!("data: {chunk}\n\n").into_bytes()
    };
    let function = json!({"name": "weather", "arguments": ""});
    let call = json!({"index": 0, "id": "call_1", "type": "function", "function": function});
    let mut events = vec![
        chunk(&json!({"role": "assistant", "content": null}), None),
        chunk(&json!({"tool_calls": [call]}), None),
    ];
    for piece in ARGUMENTS {
        let call = json!({"index": 0, "function": {"arguments": piece}});
        events.push(chunk(&json!({"tool_calls": [call]}), None));
    }
    events.push(chunk(&json!({}), Some("tool_calls")));
    events.push(b"data: [DONE]\n\n".to_vec());
    events
}

fn of_anthropic() -> Vec<Vec<u8>> {
    let message = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 3, "output_tokens": 1}});
    let block = json!({"type": "tool_use", "id": "toolu_1", "name": "weather", "input": {}});
    let mut events = vec![
        json!({"type": "message_start", "message": message}),
        json!({"type": "content_block_start", "index": 0, "content_block": block}),
    ];
    for piece in ARGUMENTS {
        let delta = json!({"type": "input_json_delta", "partial_json": piece});
        events.push(json!({"type": "content_block_delta", "index": 0, "delta": delta}));
    }
    let delta = json!({"stop_reason": "tool_use", "stop_sequence": null});
    events.extend([
        json!({"type": "content_block_stop", "index": 0}),
        json!({"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9}}),
        json!({"type": "message_stop"}),
    ]);
    let framed = |event: &Value| {
        let name = event["type"].as_str().unwrap();
        format!("event: {name}\ndata: {event}\n\n").into_bytes()
    };
    events.iter().map(framed).collect()
}

fn of_bedrock() -> Vec<Vec<u8>> {
    let call = json!({"toolUse": {"toolUseId": "tooluse_1", "name": "weather"}});
    let mut events = vec![
        ("messageStart", json!({"role": "assistant"})),
        (
            "contentBlockStart",
            json!({"contentBlockIndex": 0, "start": call}),
        ),
    ];
    for piece in ARGUMENTS {
        let delta = json!({"toolUse": {"input": piece}});
        events.push((
            "contentBlockDelta",
            json!({"contentBlockIndex": 0, "delta": delta}),
        ));
    }
    let usage = json!({"inputTokens": 3, "outputTokens": 9, "totalTokens": 12});
    events.extend([
        ("contentBlockStop", json!({"contentBlockIndex": 0})),
        ("messageStop", json!({"stopReason": "tool_use"})),
        ("metadata", json!({"usage": usage})),
    ]);
    let framed = |(name, payload): (&str, Value)| {
        let frame = event_stream::event(name, payload.to_string().as_bytes());
        frame.to_vec()
    };
    events.into_iter().map(framed).collect()
}

/// The same call of a tool as each vendor streams it; where the vendor is down, its beginning and then nothing of the connection.
fn calls(seen: &Seen, is_down: bool) -> Play {
    let lines = "text/event-stream";
    let (kind, pieces) = if seen.path.ends_with("/converse-stream") {
        (event_stream::CONTENT_TYPE, of_bedrock())
    } else if seen.path.ends_with("/messages") {
        (lines, of_anthropic())
    } else {
        (lines, of_openai())
    };
    let head = Step::head(200, &[("content-type", kind)], Framing::Chunked);
    let bodies = pieces.into_iter().map(|piece| Step::Body(piece.into()));
    let mut steps = vec![head];
    if is_down {
        // The role alone: no token yet.
        steps.extend(bodies.take(1));
        steps.push(Step::Reset);
    } else {
        steps.extend(bodies);
        steps.push(Step::End);
    }
    Play::steps(steps)
}

/// Three vendors, of which one may be down, and a gateway before them.
struct Stage {
    providers: Vec<Provider>,
    down: Arc<AtomicUsize>,
    gateway: Gateway,
}

impl Stage {
    async fn new() -> Self {
        let down = Arc::new(AtomicUsize::new(NOBODY));
        let mut providers = Vec::new();
        for at in 0..TARGETS.len() {
            let down = Arc::clone(&down);
            let script = move |seen: &Seen| calls(seen, down.load(Ordering::Relaxed) == at);
            providers.push(Provider::start(script).await);
        }
        let anthropic = format!(
            "type: Anthropic, baseURL: \"{}\", allowPrivateNetwork: true, {ONCE}",
            providers[1].base_url()
        );
        let targets = TARGETS.map(|(name, weight)| {
            format!("{{name: {name}, providerRef: {{name: {name}}}, model: m, weight: {weight}}}")
        });
        let targets = format!(
            "match: {{models: [chat]}}, targets: [{}]",
            targets.join(", ")
        );
        let gateway = serve([
            provider("openai", &providers[0].base_url(), ONCE),
            object("LLMProvider", "anthropic", &anthropic),
            bedrock("bedrock", &providers[2], "secretRef: {name: aws}"),
            secret("aws", "credential", &keys(None)),
            rule("chat", &targets),
            caller(),
        ])
        .await;
        Self {
            providers,
            down,
            gateway,
        }
    }

    fn asked(&self) -> [usize; 3] {
        [0, 1, 2].map(|at: usize| self.providers[at].requests())
    }

    async fn ask(&self) -> Answer {
        let parameters = json!({"type": "object", "properties": {"city": {"type": "string"}}});
        let function = json!({"name": "weather", "parameters": parameters});
        let body = json!({
            "model": "chat", "stream": true, "messages": [{"role": "user", "content": "Oslo?"}],
            "tools": [{"type": "function", "function": function}],
        });
        self.gateway.ask(&body).await
    }
}

/// What a caller makes of a stream: the status, which tool is called with what, why it ended, and whether it is whole.
fn heard(answer: &Answer) -> (u16, String, String, String, bool) {
    let (mut name, mut arguments, mut reason) = (String::new(), String::new(), String::new());
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    for event in answer.events() {
        let chunk: Value = serde_json::from_str(&event).unwrap_or_default();
        let choice = &chunk["choices"][0];
        let call = &choice["delta"]["tool_calls"][0];
        name += &text(&call["function"]["name"]);
        arguments += &text(&call["function"]["arguments"]);
        reason += &text(&choice["finish_reason"]);
    }
    (answer.status, name, arguments, reason, answer.done())
}

fn wanted() -> (u16, String, String, String, bool) {
    let arguments = ARGUMENTS.concat();
    let (name, reason) = ("weather".to_owned(), "tool_calls".to_owned());
    (200, name, arguments, reason, true)
}

#[tokio::test]
async fn three_vendors_split_50_30_20_and_callers_see_one_behaviour() {
    let stage = Stage::new().await;
    for _ in 0..ASKED {
        let answer = stage.ask().await;
        assert_eq!(heard(&answer), wanted(), "{}", answer.text());
    }
    let asked = stage.asked();
    println!("split over {ASKED} streamed calls of a tool: {asked:?}");
    assert_eq!(asked.iter().sum::<usize>(), ASKED);
    for ((name, weight), asked) in TARGETS.into_iter().zip(asked) {
        let share = results::count(asked) * 100.0 / results::count(ASKED);
        let off = (share - f64::from(weight)).abs();
        let figure = format!("three vendors split 50/30/20: {name} off by");
        assert!(results::at_most(&figure, off, "points", 2.0), "{off}");
    }
}

#[tokio::test]
async fn each_of_three_vendors_may_die_before_the_first_token_and_nobody_notices() {
    for (at, (name, _)) in TARGETS.into_iter().enumerate() {
        let stage = Stage::new().await;
        stage.down.store(at, Ordering::Relaxed);
        let mut answered = 0;
        for _ in 0..ASKED {
            let answer = stage.ask().await;
            assert_eq!(heard(&answer), wanted(), "{}", answer.text());
            answered += 1;
        }
        let asked = stage.asked();
        println!(
            "{name} dies before the first token: {answered} of {ASKED} answered; asked {asked:?}"
        );
        let figure = format!("three vendors, {name} down before the first token: answered");
        let all = results::count(ASKED);
        assert!(results::at_least(
            &figure,
            results::count(answered),
            "requests",
            all
        ));
        assert!(asked[at] > 0, "{asked:?}");
    }
}
