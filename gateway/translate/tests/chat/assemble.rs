//! Streams put together again, so that they can be compared with whole answers.

use fairlead_translate::chat::answer;
use fairlead_translate::chat::stream::{Reader, Writer};
use fairlead_translate::{Malformed, Piece};
use serde_json::{Map, Value, json};

use crate::shared::HEAD;

/// A stream of events without names, one a line, as a list.
pub(crate) fn events(stream: &str) -> Vec<&str> {
    let lines = stream.lines().map(str::trim);
    lines.filter(|line| !line.is_empty()).collect()
}

/// What a reader and a writer make of a provider's events: the caller's stream.
pub(crate) fn through(events: &[&str]) -> Result<String, Malformed> {
    let (mut reader, mut writer) = (Reader::default(), Writer::new(&HEAD));
    let mut out = Vec::new();
    for data in events {
        reader.read(None, data.as_bytes(), &mut |piece| {
            writer.write(&piece, &mut out);
        })?;
    }
    writer.end(&mut out);
    writer.end(&mut out);
    Ok(String::from_utf8(out).unwrap())
}

/// The pieces of events, in the words of the debugger.
pub(crate) fn pieces(events: &[&str]) -> Result<Vec<String>, Malformed> {
    let mut reader = Reader::default();
    let mut pieces = Vec::new();
    for data in events {
        reader.read(None, data.as_bytes(), &mut |piece| {
            pieces.push(short(&piece));
        })?;
    }
    Ok(pieces)
}

/// A piece in few words.
pub(crate) fn short(piece: &Piece<'_>) -> String {
    let option = |text: &Option<fairlead_translate::Text<'_>>| {
        text.as_ref()
            .map_or("-".to_owned(), |text| text.unescaped().into_owned())
    };
    match piece {
        Piece::Begin { id, model } => format!("begin {} {}", option(id), option(model)),
        Piece::Text { choice, text } => format!("{choice} text {}", text.unescaped()),
        Piece::Refusal { choice, text } => format!("{choice} refusal {}", text.unescaped()),
        Piece::Reasoning { choice, text } => format!("{choice} thought {}", text.unescaped()),
        Piece::Signed { choice, signature } => {
            format!(
                "{choice} signed {} {}",
                signature.origin.as_str(),
                signature.value.unescaped()
            )
        }
        Piece::Redacted { choice, data } => {
            format!(
                "{choice} redacted {} {}",
                data.origin.as_str(),
                data.value.unescaped()
            )
        }
        Piece::Call {
            choice,
            call,
            id,
            name,
            signature,
        } => {
            let signed = signature.as_ref().map_or(String::new(), |signature| {
                format!(
                    " {} {}",
                    signature.origin.as_str(),
                    signature.value.unescaped()
                )
            });
            format!(
                "{choice} call {call} {} {}{signed}",
                option(id),
                name.unescaped()
            )
        }
        Piece::Arguments {
            choice,
            call,
            fragment,
        } => {
            format!("{choice} arguments {call} {}", fragment.unescaped())
        }
        Piece::Logprobs { choice, logprobs } => format!("{choice} logprobs {}", logprobs.text()),
        Piece::Finish { choice, stop } => format!("{choice} finish {stop:?}"),
        Piece::Usage(usage) => {
            let count =
                |count: Option<u64>| count.map_or("-".to_owned(), |count| count.to_string());
            format!(
                "usage {} {} {} {} {}",
                count(usage.input),
                count(usage.cache_read),
                count(usage.cache_write),
                count(usage.output),
                count(usage.reasoning)
            )
        }
        Piece::End => "end".to_owned(),
        Piece::Error(facts) => format!("error {:?} {:?}", facts.status, facts.message),
    }
}

/// The data of a stream's events; the framing is checked.
pub(crate) fn data(stream: &str) -> Vec<&str> {
    let rest = stream.strip_suffix("\n\n").unwrap_or(stream);
    let events: Vec<_> = rest.split("\n\n").collect();
    for event in &events {
        assert!(
            !event.contains('\n') && event.starts_with("data: "),
            "{event:?}"
        );
    }
    events
        .iter()
        .filter_map(|event| event.strip_prefix("data: "))
        .collect()
}

/// A caller's stream as the whole answer that a client makes of it.
pub(crate) fn whole(stream: &str) -> Value {
    let mut whole = json!({"object": "chat.completion", "choices": []});
    let mut data = data(stream);
    assert_eq!(data.pop(), Some("[DONE]"));
    for event in data {
        let chunk: Value = serde_json::from_str(event).unwrap();
        assert_eq!(chunk["object"], "chat.completion.chunk");
        for name in ["id", "model", "created"] {
            assert!(
                whole[name].is_null() || whole[name] == chunk[name],
                "{name} changes"
            );
            whole[name] = chunk[name].clone();
        }
        if !chunk["usage"].is_null() {
            assert_eq!(chunk["choices"], json!([]));
            whole["usage"] = chunk["usage"].clone();
        }
        for choice in chunk["choices"].as_array().unwrap() {
            add_choice(&mut whole, choice);
        }
    }
    for choice in whole["choices"].as_array_mut().unwrap() {
        let message = &mut choice["message"];
        let silent = message["content"].is_null()
            && message["refusal"].is_null()
            && message.get("tool_calls").is_none();
        if silent {
            message["content"] = json!("");
        }
    }
    whole
}

fn add_choice(whole: &mut Value, choice: &Value) {
    let index = usize::try_from(choice["index"].as_u64().unwrap()).unwrap();
    let choices = whole["choices"].as_array_mut().unwrap();
    if choices.len() <= index {
        choices.push(json!({"index": index, "message": {"content": null, "refusal": null}, "logprobs": null, "finish_reason": null}));
    }
    let known = &mut choices[index];
    assert_eq!(
        known["finish_reason"],
        Value::Null,
        "something follows the end"
    );
    known["finish_reason"] = choice["finish_reason"].clone();
    if let Some(logprobs) = choice.get("logprobs") {
        known["logprobs"] = logprobs.clone();
    }
    let message = known["message"].as_object_mut().unwrap();
    for (name, value) in choice["delta"].as_object().unwrap() {
        match name.as_str() {
            "role" => assert_eq!(
                message.insert(name.clone(), value.clone()),
                None,
                "the role comes once"
            ),
            "reasoning_details" => {
                let list = message.entry(name).or_insert_with(|| json!([]));
                let entries = value.as_array().unwrap();
                assert_eq!(entries[0]["index"], list.as_array().unwrap().len());
                list.as_array_mut().unwrap().extend(entries.clone());
            }
            "tool_calls" => add_call(message, &value[0]),
            _ => append(message, name, value),
        }
    }
}

fn add_call(message: &mut Map<String, Value>, fragment: &Value) {
    let calls = message.entry("tool_calls").or_insert_with(|| json!([]));
    let calls = calls.as_array_mut().unwrap();
    let index = usize::try_from(fragment["index"].as_u64().unwrap()).unwrap();
    if fragment.get("id").is_some() {
        assert_eq!(calls.len(), index, "indexes rise without holes");
        let mut call = fragment.clone();
        call.as_object_mut().unwrap().remove("index");
        calls.push(call);
        return;
    }
    let function = calls[index]["function"].as_object_mut().unwrap();
    append(function, "arguments", &fragment["function"]["arguments"]);
}

fn append(object: &mut Map<String, Value>, name: &str, value: &Value) {
    let before = object.get(name).and_then(Value::as_str).unwrap_or_default();
    let joined = format!("{before}{}", value.as_str().unwrap());
    object.insert(name.to_owned(), json!(joined));
}

/// A provider's whole answer, read and written for a caller.
pub(crate) fn again(body: &Value) -> Value {
    let body = body.to_string();
    let Ok(fairlead_translate::Answered::Answer(read)) = answer::read(body.as_bytes()) else {
        panic!("no answer: {body}");
    };
    serde_json::from_slice(&answer::write(&read, &HEAD)).unwrap()
}
