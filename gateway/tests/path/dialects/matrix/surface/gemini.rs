//! Gemini as its callers write and read it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::super::ask::{
    ADDRESS, Ask, HELLO, LIMIT, MORE, PNG, RESULT, STOP, SYSTEM, Turn, With, parameters, schema,
};
use super::super::said::{Call, Fault, Said, Stop, Tokens, Told, list, parsed, text, untagged};
use crate::harness::Answer;

pub(super) fn body(ask: &Ask) -> Value {
    let mut body = json!({"generationConfig": {"maxOutputTokens": LIMIT}});
    let mut contents = vec![json!({"role": "user", "parts": [{"text": HELLO}]})];
    for with in ask.with {
        add(&mut body, &mut contents[0], *with);
    }
    for turn in &ask.turns {
        match turn {
            Turn::Answered(items) => contents.extend(items.iter().cloned()),
            Turn::More => contents.push(json!({"role": "user", "parts": [{"text": MORE}]})),
            Turn::Results(ids) => {
                let result = |id: &String| json!({"functionResponse": {"id": id, "name": "find", "response": {"output": RESULT}}});
                let results: Vec<Value> = ids.iter().map(result).collect();
                contents.push(json!({"role": "user", "parts": results}));
            }
        }
    }
    body["contents"] = json!(contents);
    body
}

fn add(body: &mut Value, first: &mut Value, with: With) {
    let config = &mut body["generationConfig"];
    match with {
        With::System => body["systemInstruction"] = json!({"parts": [{"text": SYSTEM}]}),
        With::Tools => {
            body["tools"] = json!([{"functionDeclarations": [{"name": "find", "description": "Finds.", "parametersJsonSchema": parameters()}]}]);
        }
        With::Image => {
            let image = json!({"inlineData": {"mimeType": "image/png", "data": PNG}});
            first["parts"] = json!([{"text": HELLO}, image]);
        }
        With::ImageAtAddress => {
            let image = json!({"fileData": {"mimeType": "image/png", "fileUri": ADDRESS}});
            first["parts"] = json!([{"text": HELLO}, image]);
        }
        With::Schema => {
            config["responseMimeType"] = json!("application/json");
            config["responseJsonSchema"] = schema();
        }
        With::Effort => {
            config["thinkingConfig"] = json!({"includeThoughts": true, "thinkingLevel": "HIGH"});
        }
        With::Stop => config["stopSequences"] = json!([STOP]),
        With::Sampling => {
            config["temperature"] = json!(0.5);
            config["topP"] = json!(0.9);
        }
        With::AnyTool => body["toolConfig"] = calling(&json!({"mode": "ANY"})),
        With::OneTool => {
            body["toolConfig"] = calling(&json!({"mode": "ANY", "allowedFunctionNames": ["find"]}));
        }
        With::NoTool => body["toolConfig"] = calling(&json!({"mode": "NONE"})),
        // It has no such member; what is not known is not passed over.
        With::Serial => body["parallelToolCalls"] = json!(false),
        With::TopK => config["topK"] = json!(40),
        With::Seed => config["seed"] = json!(7),
        With::Penalties => {
            config["presencePenalty"] = json!(0.5);
            config["frequencyPenalty"] = json!(0.25);
        }
    }
}

fn calling(config: &Value) -> Value {
    json!({"functionCallingConfig": config})
}

/// Parts of a stream are added; the reason to finish comes once, and nothing but usage after it.
pub(super) fn assembled(answer: &Answer) -> Result<Told, String> {
    let mut told = Told::default();
    let (mut parts, mut finish): (Vec<Value>, Value) = (Vec::new(), Value::Null);
    for event in answer.events() {
        let chunk = parsed(&json!(event))?;
        if chunk["error"].is_object() {
            told.error = Some(chunk);
            continue;
        }
        for name in ["usageMetadata", "promptFeedback"] {
            if chunk[name].is_object() {
                told.body[name] = chunk[name].clone();
            }
        }
        let candidate = &chunk["candidates"][0];
        if finish.is_string() && candidate.is_object() {
            return Err(format!("after the end comes {chunk}"));
        }
        parts.extend_from_slice(list(&candidate["content"]["parts"]));
        if candidate["finishReason"].is_string() {
            finish = candidate["finishReason"].clone();
        }
    }
    told.ended = finish.is_string() || told.body["promptFeedback"].is_object();
    if finish.is_string() || !parts.is_empty() {
        told.body["candidates"] =
            json!([{"content": {"role": "model", "parts": parts}, "finishReason": finish}]);
    }
    Ok(told)
}

pub(super) fn given_back(body: &Value) -> Vec<Value> {
    vec![body["candidates"][0]["content"].clone()]
}

pub(super) fn said(body: &Value) -> Result<Said, String> {
    let candidate = &body["candidates"][0];
    let mut said = Said {
        used: tokens(&body["usageMetadata"]),
        ..Said::default()
    };
    for part in list(&candidate["content"]["parts"]) {
        let call = &part["functionCall"];
        if part["thought"] == true {
            said.reasoning += &text(&part["text"]);
        } else if call.is_object() {
            said.calls.push(Call {
                id: text(&call["id"]),
                name: text(&call["name"]),
                arguments: call["args"].clone(),
            });
        } else {
            said.text += &text(&part["text"]);
        }
        let proof = signature(&text(&part["thoughtSignature"]));
        said.signature = said.signature.or(proof);
    }
    said.stop = match candidate["finishReason"].as_str() {
        Some("STOP") if said.calls.is_empty() => Some(Stop::End),
        Some("STOP") => Some(Stop::Calls),
        Some("MAX_TOKENS") => Some(Stop::Length),
        Some("SAFETY") => Some(Stop::Filtered),
        None if body["promptFeedback"]["blockReason"].is_string() => Some(Stop::Filtered),
        _ => None,
    };
    Ok(said)
}

/// Those of others are in it as base64, tag and all.
fn signature(written: &str) -> Option<(String, String)> {
    let tagged = STANDARD.decode(written).ok();
    let tagged = tagged.and_then(|bytes| String::from_utf8(bytes).ok());
    match tagged.filter(|tagged| tagged.starts_with("fairlead:")) {
        Some(tagged) => untagged(&tagged, ""),
        None => untagged(written, "gemini"),
    }
}

fn tokens(usage: &Value) -> Option<Tokens> {
    let count = |name: &str| usage[name].as_u64();
    let (input, thoughts) = (
        count("promptTokenCount")?,
        count("thoughtsTokenCount").unwrap_or_default(),
    );
    let output = count("candidatesTokenCount")? + thoughts;
    if count("totalTokenCount") != Some(input + output) {
        return None;
    }
    Some(Tokens {
        input,
        cached: count("cachedContentTokenCount")?,
        output,
        reasoning: thoughts,
    })
}

pub(super) fn fault(body: &Value) -> Fault {
    let error = &body["error"];
    Fault {
        kind: text(&error["status"]),
        message: text(&error["message"]),
    }
}

/// The `status` that goes with a status of HTTP.
pub(super) fn kind(status: u16) -> &'static str {
    match status {
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        400..=499 => "INVALID_ARGUMENT",
        502 | 503 | 529 => "UNAVAILABLE",
        _ => "INTERNAL",
    }
}
