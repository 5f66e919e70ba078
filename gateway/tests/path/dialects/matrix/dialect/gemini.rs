//! A provider of Gemini's API.

use serde_json::{Value, json};

use super::super::ask::{
    ADDRESS, HELLO, LIMIT, PNG, RESULT, STOP, SYSTEM, With, parameters, schema,
};
use super::super::said::{SIGNATURE, Said, Stop};
use super::{Class, Members, Refusal, Words, halves};

/// Whether tools are called.
const MODE: &str = "/toolConfig/functionCallingConfig/mode";
/// Which of them.
const NAMES: &str = "/toolConfig/functionCallingConfig/allowedFunctionNames";

fn reason(said: &Said) -> &'static str {
    match said.stop {
        Some(Stop::Length) => "MAX_TOKENS",
        Some(Stop::Filtered) => "SAFETY",
        Some(Stop::End | Stop::Calls) | None => "STOP",
    }
}

fn usage(said: &Said) -> Value {
    let used = said.used.unwrap();
    json!({
        "promptTokenCount": used.input, "cachedContentTokenCount": used.cached, "candidatesTokenCount": used.output - used.reasoning,
        "thoughtsTokenCount": used.reasoning, "totalTokenCount": used.input + used.output,
    })
}

/// The first of the calls bears the signature.
fn calls(said: &Said) -> Vec<Value> {
    let call = |(at, call): (usize, &super::super::said::Call)| {
        let mut part =
            json!({"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}});
        if let Some((_, proof)) = said.signature.as_ref().filter(|_| at == 0) {
            part["thoughtSignature"] = json!(proof);
        }
        part
    };
    said.calls.iter().enumerate().map(call).collect()
}

/// Without a call, the last part of the text bears it.
fn sign(part: &mut Value, said: &Said) {
    if let Some((_, proof)) = said.signature.as_ref().filter(|_| said.calls.is_empty()) {
        part["thoughtSignature"] = json!(proof);
    }
}

pub(super) fn whole(said: &Said) -> Value {
    let mut parts = Vec::new();
    if !said.reasoning.is_empty() {
        parts.push(json!({"text": said.reasoning, "thought": true}));
    }
    if !said.text.is_empty() {
        let mut text = json!({"text": said.text});
        sign(&mut text, said);
        parts.push(text);
    }
    parts.extend(calls(said));
    let candidate = json!({"index": 0, "content": {"role": "model", "parts": parts}, "finishReason": reason(said)});
    json!({"candidates": [candidate], "usageMetadata": usage(said), "modelVersion": "upstream", "responseId": "r1"})
}

pub(super) fn events(said: &Said) -> Vec<String> {
    let mut parts = Vec::new();
    if !said.reasoning.is_empty() {
        parts.extend(halves(&said.reasoning).map(|text| json!([{"text": text, "thought": true}])));
    }
    if !said.text.is_empty() {
        parts.extend(halves(&said.text).map(|text| json!([{"text": text}])));
    }
    if !said.calls.is_empty() {
        parts.push(json!(calls(said)));
    }
    let chunk = |parts: Value| json!({"candidates": [{"index": 0, "content": {"role": "model", "parts": parts}}], "usageMetadata": {"promptTokenCount": 12}, "modelVersion": "upstream", "responseId": "r1"});
    let mut chunks: Vec<Value> = parts.into_iter().map(chunk).collect();
    let mut empty = json!({"text": ""});
    sign(&mut empty, said);
    let mut last = chunk(json!([empty]));
    last["candidates"][0]["finishReason"] = json!(reason(said));
    last["usageMetadata"] = usage(said);
    chunks.push(last);
    let framed = |chunk: &Value| format!("data: {chunk}\n\n");
    chunks.iter().map(framed).collect()
}

pub(super) fn refusal(class: Class) -> Refusal {
    let (code, status, message) = match class {
        Class::BadRequest => (400, "INVALID_ARGUMENT", "No such tool."),
        Class::TooLong => (
            400,
            "INVALID_ARGUMENT",
            "The input token count (9) exceeds the maximum number of tokens allowed (8).",
        ),
        Class::Credential => (
            400,
            "INVALID_ARGUMENT",
            "API key not valid. Please pass a valid API key.",
        ),
        Class::RateLimited => (429, "RESOURCE_EXHAUSTED", "Too fast."),
        Class::Overloaded => (503, "UNAVAILABLE", "The model is overloaded."),
        Class::ServerError => (500, "INTERNAL", "It broke."),
        Class::UnknownModel => (404, "NOT_FOUND", "No model."),
        Class::Filtered => {
            let usage = usage(&Said::words(""));
            let answer = json!({"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": usage, "modelVersion": "upstream", "responseId": "r1"});
            return (200, None, answer);
        }
    };
    let mut error = json!({"code": code, "message": message, "status": status});
    if class == Class::RateLimited {
        error["details"] =
            json!([{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "17s"}]);
    }
    if class == Class::Credential {
        error["details"] = json!([{"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}]);
    }
    (code, None, json!({"error": error}))
}

/// What it says of its failure in a stream.
pub(super) fn failing(words: Words) -> String {
    let (code, status) = match words {
        Words::ForTheCaller => (400, "INVALID_ARGUMENT"),
        Words::OfOurAccount => (429, "RESOURCE_EXHAUSTED"),
    };
    let error = json!({"error": {"code": code, "message": words.text(), "status": status}});
    format!("data: {error}\n\n")
}

pub(super) fn asked() -> Vec<(&'static str, Value)> {
    vec![
        ("/model", Value::Null),
        ("/stream", Value::Null),
        ("/generationConfig/maxOutputTokens", json!(LIMIT)),
        ("/contents/0/role", json!("user")),
        ("/contents/0/parts/0/text", json!(HELLO)),
    ]
}

pub(super) fn asked_with(with: With) -> Vec<(&'static str, Value)> {
    match with {
        With::System => vec![
            ("/systemInstruction/parts/0/text", json!(SYSTEM)),
            ("/contents/1", Value::Null),
        ],
        With::Tools => vec![
            ("/tools/0/functionDeclarations/0/name", json!("find")),
            (
                "/tools/0/functionDeclarations/0/description",
                json!("Finds."),
            ),
            (
                "/tools/0/functionDeclarations/0/parametersJsonSchema",
                parameters(),
            ),
        ],
        With::Image => vec![(
            "/contents/0/parts/1/inlineData",
            json!({"mimeType": "image/png", "data": PNG}),
        )],
        With::ImageAtAddress => vec![("/contents/0/parts/1/fileData/fileUri", json!(ADDRESS))],
        With::Schema => vec![
            (
                "/generationConfig/responseMimeType",
                json!("application/json"),
            ),
            ("/generationConfig/responseJsonSchema", schema()),
        ],
        With::Effort => vec![(
            "/generationConfig/thinkingConfig/thinkingLevel",
            json!("HIGH"),
        )],
        With::Stop => vec![("/generationConfig/stopSequences", json!([STOP]))],
        With::Sampling => vec![
            ("/generationConfig/temperature", json!(0.5)),
            ("/generationConfig/topP", json!(0.9)),
        ],
        With::AnyTool => vec![(MODE, json!("ANY"))],
        With::OneTool => vec![(MODE, json!("ANY")), (NAMES, json!(["find"]))],
        With::NoTool => vec![(MODE, json!("NONE"))],
        // It has no such member.
        With::Serial => Vec::new(),
        With::TopK => vec![("/generationConfig/topK", json!(40))],
        With::Seed => vec![("/generationConfig/seed", json!(7))],
        With::Penalties => vec![
            ("/generationConfig/presencePenalty", json!(0.5)),
            ("/generationConfig/frequencyPenalty", json!(0.25)),
        ],
    }
}

/// All results of a turn stand in the very next one.
pub(super) fn called(at: usize, ids: &[&str]) -> Members {
    let (calls, results) = (format!("/contents/{at}"), format!("/contents/{}", at + 1));
    let mut members = vec![
        (format!("{calls}/role"), json!("model")),
        (format!("{calls}/parts/{}", ids.len()), Value::Null),
        (format!("{results}/role"), json!("user")),
    ];
    for (nth, id) in ids.iter().enumerate() {
        let call = json!({"id": id, "name": "find", "args": {"q": format!("of {id}")}});
        let result = format!("{results}/parts/{nth}/functionResponse");
        members.extend([
            (format!("{calls}/parts/{nth}/functionCall"), call),
            (format!("{result}/id"), json!(id)),
            (format!("{result}/name"), json!("find")),
            (format!("{result}/response/result"), json!(RESULT)),
        ]);
    }
    members
}

/// The proof is on the last part, which bore it; whether the thoughts themselves are before it is the same to Gemini.
pub(super) fn thought(said: &Said) -> Vec<(&'static str, Value)> {
    let bearer = match said.calls.first() {
        Some(call) => ("/contents/1/parts/-/functionCall/id", json!(call.id)),
        None => ("/contents/1/parts/-/text", json!(said.text)),
    };
    vec![
        bearer,
        ("/contents/1/parts/-/thoughtSignature", json!(SIGNATURE)),
    ]
}
