//! A provider of Bedrock's Converse, whose model is Claude.

use fairlead_wire::event_stream;
use serde_json::{Value, json};

use super::super::ask::{HELLO, LIMIT, PNG, RESULT, STOP, SYSTEM, With, parameters, schema};
use super::super::said::{SIGNATURE, Said, Stop};
use super::{Class, Members, Refusal, Words, halves};

/// What the model is called there.
pub(super) const MODEL: &str = "anthropic.claude-x";
/// Where the header with the type of a refusal is.
const KIND: &str = "x-amzn-errortype";

fn reason(said: &Said) -> &'static str {
    match said.stop {
        Some(Stop::Length) => "max_tokens",
        Some(Stop::Calls) => "tool_use",
        Some(Stop::Filtered) => "guardrail_intervened",
        Some(Stop::End) | None => "end_turn",
    }
}

/// What was thought is among the output, and how much is not told.
fn usage(said: &Said) -> Value {
    let used = said.used.unwrap();
    json!({
        "inputTokens": used.input - used.cached, "cacheReadInputTokens": used.cached, "outputTokens": used.output,
        "totalTokens": used.input + used.output,
    })
}

pub(super) fn whole(said: &Said) -> Value {
    let mut content = Vec::new();
    if let Some((_, proof)) = &said.signature {
        let thought = json!({"text": said.reasoning, "signature": proof});
        content.push(json!({"reasoningContent": {"reasoningText": thought}}));
    }
    if !said.text.is_empty() {
        content.push(json!({"text": said.text}));
    }
    for call in &said.calls {
        let call = json!({"toolUseId": call.id, "name": call.name, "input": call.arguments});
        content.push(json!({"toolUse": call}));
    }
    let message = json!({"role": "assistant", "content": content});
    json!({"output": {"message": message}, "stopReason": reason(said), "usage": usage(said), "metrics": {"latencyMs": 7}})
}

/// A block of a stream: what it begins with, if it does, and what fills it.
type Block = (Option<Value>, Vec<Value>);

fn blocks(said: &Said) -> Vec<Block> {
    let mut blocks = Vec::new();
    if let Some((_, proof)) = &said.signature {
        let texts = halves(&said.reasoning).map(|text| json!({"reasoningContent": {"text": text}}));
        let mut deltas = texts.to_vec();
        deltas.push(json!({"reasoningContent": {"signature": proof}}));
        blocks.push((None, deltas));
    }
    if !said.text.is_empty() {
        let deltas = halves(&said.text).map(|text| json!({"text": text}));
        blocks.push((None, deltas.to_vec()));
    }
    for call in &said.calls {
        let arguments = call.arguments.to_string();
        let deltas = halves(&arguments).map(|bit| json!({"toolUse": {"input": bit}}));
        let begun = json!({"toolUse": {"toolUseId": call.id, "name": call.name}});
        blocks.push((Some(begun), deltas.to_vec()));
    }
    blocks
}

pub(super) fn events(said: &Said) -> Vec<Vec<u8>> {
    let mut events = vec![("messageStart", json!({"role": "assistant"}))];
    for (index, (begun, deltas)) in blocks(said).into_iter().enumerate() {
        if let Some(start) = begun {
            let start = json!({"contentBlockIndex": index, "start": start});
            events.push(("contentBlockStart", start));
        }
        for delta in deltas {
            let delta = json!({"contentBlockIndex": index, "delta": delta});
            events.push(("contentBlockDelta", delta));
        }
        events.push(("contentBlockStop", json!({"contentBlockIndex": index})));
    }
    events.push(("messageStop", json!({"stopReason": reason(said)})));
    let metadata = json!({"usage": usage(said), "metrics": {"latencyMs": 7}});
    events.push(("metadata", metadata));
    let framed = |(name, payload): (&str, Value)| {
        event_stream::event(name, payload.to_string().as_bytes()).to_vec()
    };
    events.into_iter().map(framed).collect()
}

pub(super) fn refusal(class: Class) -> Refusal {
    let (status, kind, message) = match class {
        Class::BadRequest => (400, "ValidationException", "No such tool."),
        Class::TooLong => (
            400,
            "ValidationException",
            "Input is too long for requested model.",
        ),
        Class::Credential => (403, "UnrecognizedClientException", "Bad key."),
        Class::RateLimited => {
            // Amazon says no time; what stands before it may.
            let body = json!({"__type": "ThrottlingException", "message": "Too fast."});
            return (429, Some(("retry-after", "17")), body);
        }
        Class::Overloaded => (503, "ServiceUnavailableException", "Busy."),
        Class::ServerError => (500, "InternalServerException", "It broke."),
        Class::UnknownModel => (404, "ResourceNotFoundException", "No model."),
        Class::Filtered => return (200, None, whole(&Said::words("").stopped(Stop::Filtered))),
    };
    (status, Some((KIND, kind)), json!({"message": message}))
}

/// What it says of its failure in a stream.
pub(super) fn failing(words: Words) -> Vec<u8> {
    let exception = match words {
        Words::ForTheCaller => "validationException",
        Words::OfOurAccount => "throttlingException",
    };
    let payload = json!({"message": words.text()}).to_string();
    event_stream::exception(exception, payload.as_bytes()).to_vec()
}

pub(super) fn asked() -> Vec<(&'static str, Value)> {
    vec![
        ("/model", Value::Null),
        ("/stream", Value::Null),
        ("/inferenceConfig/maxTokens", json!(LIMIT)),
        ("/messages/0/role", json!("user")),
        ("/messages/0/content/0/text", json!(HELLO)),
    ]
}

pub(super) fn asked_with(with: With) -> Vec<(&'static str, Value)> {
    match with {
        With::System => vec![
            ("/system/0/text", json!(SYSTEM)),
            ("/messages/1", Value::Null),
        ],
        With::Tools => vec![
            ("/toolConfig/tools/0/toolSpec/name", json!("find")),
            ("/toolConfig/tools/0/toolSpec/description", json!("Finds.")),
            (
                "/toolConfig/tools/0/toolSpec/inputSchema/json",
                parameters(),
            ),
        ],
        With::Image => {
            let source = json!({"bytes": PNG});
            let image = json!({"format": "png", "source": source});
            vec![("/messages/0/content/1/image", image)]
        }
        With::Schema => vec![
            ("/outputConfig/textFormat/type", json!("json_schema")),
            (
                "/outputConfig/textFormat/structure/jsonSchema/schema",
                json!(schema().to_string()),
            ),
        ],
        With::Effort => vec![
            (
                "/additionalModelRequestFields/thinking/type",
                json!("adaptive"),
            ),
            ("/outputConfig/effort", json!("high")),
        ],
        With::Stop => vec![("/inferenceConfig/stopSequences", json!([STOP]))],
        With::Sampling => vec![
            ("/inferenceConfig/temperature", json!(0.5)),
            ("/inferenceConfig/topP", json!(0.9)),
        ],
        With::AnyTool => vec![("/toolConfig/toolChoice/any", json!({}))],
        With::OneTool => vec![("/toolConfig/toolChoice/tool/name", json!("find"))],
        // It is said by leaving the tools out.
        With::NoTool => vec![("/toolConfig", Value::Null)],
        With::Serial => {
            let choice = json!({"type": "auto", "disable_parallel_tool_use": true});
            vec![("/additionalModelRequestFields/tool_choice", choice)]
        }
        With::TopK => vec![("/additionalModelRequestFields/top_k", json!(40))],
        // It has no such members.
        With::Seed | With::Penalties | With::ImageAtAddress => Vec::new(),
    }
}

/// All results of a turn stand in the very next message.
pub(super) fn called(at: usize, ids: &[&str]) -> Members {
    let (calls, results) = (format!("/messages/{at}"), format!("/messages/{}", at + 1));
    let mut members = vec![
        (format!("{calls}/role"), json!("assistant")),
        (format!("{calls}/content/{}", ids.len()), Value::Null),
        (format!("{results}/role"), json!("user")),
    ];
    for (nth, id) in ids.iter().enumerate() {
        let arguments = json!({"q": format!("of {id}")});
        let call = json!({"toolUseId": id, "name": "find", "input": arguments});
        let result = format!("{results}/content/{nth}/toolResult");
        members.extend([
            (format!("{calls}/content/{nth}/toolUse"), call),
            (format!("{result}/toolUseId"), json!(id)),
            (format!("{result}/content/0/text"), json!(RESULT)),
        ]);
    }
    members
}

/// Thoughts come first, and with what proves them.
pub(super) fn thought(said: &Said) -> Vec<(&'static str, Value)> {
    let thought = json!({"text": said.reasoning, "signature": SIGNATURE});
    let behind = match said.calls.first() {
        Some(call) => ("/messages/1/content/1/toolUse/toolUseId", json!(call.id)),
        None => ("/messages/1/content/1/text", json!(said.text)),
    };
    vec![
        (
            "/messages/1/content/0/reasoningContent/reasoningText",
            thought,
        ),
        behind,
        ("/messages/1/content/2", Value::Null),
    ]
}
