//! Bodies as the reference has them, and the ways of reading them.

use fairlead_translate::gemini::{answer, request, stream};
use fairlead_translate::{Answer, Answered, Conversation, Head, Notes, Piece, Target};
use serde_json::Value;

pub(crate) const HEAD: Head<'static> = Head {
    id: "ours",
    model: "asked",
    created: 1_700_000_000,
    include_usage: false,
};

/// Everything that a request can say and that Gemini itself takes back.
pub(crate) const RICH: &str = r#"{
 "systemInstruction": {"parts": [{"text": "Be \"brief\"."}, {"text": "Speak caf\u00e9."}]},
 "contents": [
  {"role": "user", "parts": [
   {"text": "What is this?"},
   {"inlineData": {"mimeType": "image/png", "data": "iVBORw0KGgo="}},
   {"inlineData": {"mimeType": "application/pdf", "data": "JVBERi0x"}},
   {"inlineData": {"mimeType": "audio/wav", "data": "AAAA"}},
   {"fileData": {"mimeType": "video/mp4", "fileUri": "gs://bucket/film.mp4"}}
  ]},
  {"role": "model", "parts": [
   {"text": "I will look."},
   {"functionCall": {"id": "fc1", "name": "find", "args": {"q": "x", "n": 12345678901234567890}}, "thoughtSignature": "c2ln"},
   {"functionCall": {"id": "fc2", "name": "look", "args": {}}}
  ]},
  {"role": "user", "parts": [
   {"functionResponse": {"id": "fc1", "name": "find", "response": {"hits": [1, 2.0]}}},
   {"functionResponse": {"id": "fc2", "name": "look", "response": {"error": "no eyes"}}}
  ]},
  {"role": "model", "parts": [{"text": "Two hits.", "thoughtSignature": "dGV4dA=="}]},
  {"role": "user", "parts": [{"text": "Thanks."}]}
 ],
 "tools": [{"functionDeclarations": [
  {"name": "find", "description": "Finds.", "parametersJsonSchema": {"type": "object", "properties": {"q": {"type": "string"}, "n": {"type": "integer"}}, "required": ["q"]}},
  {"name": "look"}
 ]}],
 "toolConfig": {"functionCallingConfig": {"mode": "ANY", "allowedFunctionNames": ["find"]}},
 "generationConfig": {
  "temperature": 0.70, "topP": 0.9, "topK": 40, "seed": 7, "presencePenalty": 0.1, "frequencyPenalty": -0.1,
  "maxOutputTokens": 2048, "stopSequences": ["END", "\n\n"], "responseLogprobs": true, "logprobs": 3,
  "responseMimeType": "application/json",
  "responseJsonSchema": {"type": "object", "properties": {"a": {"type": "string"}}},
  "thinkingConfig": {"includeThoughts": true, "thinkingLevel": "HIGH"}
 },
 "serviceTier": "flex",
 "store": false
}"#;

pub(crate) const WHOLE: &str = r#"{"candidates":[{"content":{"parts":[
 {"text":"Look it up.","thought":true},
 {"text":"I will "},{"text":"look."},
 {"functionCall":{"id":"fc1","name":"find","args":{"q":"x"}},"thoughtSignature":"c2ln"},
 {"functionCall":{"name":"find"}}
],"role":"model"},"finishReason":"STOP","index":0,"safetyRatings":[{"category":"x"}]}],
"usageMetadata":{"promptTokenCount":12,"cachedContentTokenCount":4,"candidatesTokenCount":11,"thoughtsTokenCount":20,"totalTokenCount":43},
"modelVersion":"gemini-3-pro","responseId":"r1"}"#;

/// The same answer bit by bit, as events.
pub(crate) const EVENTS: [&str; 6] = [
    r#"{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"Look it up.","thought":true}]}}],"usageMetadata":{"promptTokenCount":12,"totalTokenCount":12},"modelVersion":"gemini-3-pro","responseId":"r1"}"#,
    r#"{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":"I will "}]}}],"modelVersion":"gemini-3-pro","responseId":"r1"}"#,
    r#"{"candidates":[{"content":{"role":"model","parts":[{"text":"look."}]}}],"responseId":"r1"}"#,
    r#"{"candidates":[{"index":0,"content":{"role":"model","parts":[{"functionCall":{"id":"fc1","name":"find","args":{"q":"x"}},"thoughtSignature":"c2ln"},{"functionCall":{"name":"find"}}]}}]}"#,
    r#"{"candidates":[{"index":0,"content":{"role":"model","parts":[{"text":""}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":12,"candidatesTokenCount":9,"totalTokenCount":21}}"#,
    r#"{"usageMetadata":{"promptTokenCount":12,"cachedContentTokenCount":4,"candidatesTokenCount":11,"thoughtsTokenCount":20,"totalTokenCount":43}}"#,
];

pub(crate) fn json(text: impl AsRef<[u8]>) -> Value {
    let text = text.as_ref();
    serde_json::from_slice(text)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(text)))
}

pub(crate) fn read(body: &str) -> Conversation<'_> {
    request::read(body.as_bytes()).unwrap()
}

pub(crate) fn write(conversation: &Conversation<'_>, model: &str) -> (Value, Notes) {
    let mut notes = Notes::default();
    let target = Target {
        model,
        default_max_output: 4096,
    };
    let body = request::write(conversation, &target, &mut notes);
    (json(body), notes)
}

/// Read and written again, for a new model.
pub(crate) fn again(body: &str) -> (Value, Notes) {
    write(&read(body), "gemini-3-pro")
}

pub(crate) fn contents(contents: &str) -> Value {
    let (body, _) = again(&format!(r#"{{"contents":{contents}}}"#));
    body["contents"].clone()
}

pub(crate) fn names(notes: &Notes) -> Vec<(String, bool)> {
    notes
        .all()
        .iter()
        .map(|note| (note.what.to_string(), note.changes_meaning))
        .collect()
}

pub(crate) fn answered(body: &str) -> Answer<'_> {
    match answer::read(body.as_bytes()).unwrap() {
        Answered::Answer(answer) => answer,
        other => panic!("no answer: {other:?}"),
    }
}

pub(crate) fn answer_again(body: &str) -> Value {
    json(answer::write(&answered(body), &HEAD))
}

/// What each piece says, in short.
pub(crate) fn pieces<S: AsRef<str>>(events: &[S]) -> Vec<String> {
    let (mut reader, mut said) = (stream::Reader::default(), Vec::new());
    for event in events {
        let read = reader.read(None, event.as_ref().as_bytes(), &mut |piece| {
            said.push(short(&piece));
        });
        read.unwrap();
    }
    said
}

pub(crate) fn short(piece: &Piece<'_>) -> String {
    match piece {
        Piece::Begin { id, model } => {
            let say = |text: &Option<fairlead_translate::Text<'_>>| {
                text.as_ref()
                    .map_or("-".into(), |text| text.unescaped().into_owned())
            };
            format!("begin {} {}", say(id), say(model))
        }
        Piece::Text { choice, text } => format!("text {choice} {}", text.unescaped()),
        Piece::Refusal { choice, text } => format!("refusal {choice} {}", text.unescaped()),
        Piece::Reasoning { choice, text } => format!("thought {choice} {}", text.unescaped()),
        Piece::Signed { choice, signature } => {
            format!("signed {choice} {}", signature.value.unescaped())
        }
        Piece::Redacted { choice, data } => format!("redacted {choice} {}", data.value.unescaped()),
        Piece::Call {
            choice,
            call,
            id,
            name,
            signature,
        } => format!(
            "call {choice}.{call} {} {} {}",
            id.as_ref().map_or("-".into(), |id| id.unescaped()),
            name.unescaped(),
            signature
                .as_ref()
                .map_or("-".into(), |proof| proof.value.unescaped())
        ),
        Piece::Arguments {
            choice,
            call,
            fragment,
        } => format!("arguments {choice}.{call} {}", fragment.unescaped()),
        Piece::Logprobs { logprobs, .. } => format!("logprobs {}", logprobs.text()),
        Piece::Finish { choice, stop } => format!("finish {choice} {stop:?}"),
        Piece::Usage(usage) => format!(
            "usage {:?} {:?} {:?} {:?}",
            usage.input, usage.cache_read, usage.output, usage.reasoning
        ),
        Piece::End => "end".to_owned(),
        Piece::Error(facts) => format!("error {}", facts.message.as_deref().unwrap_or("-")),
    }
}

/// The events that a caller gets, once the writer has seen what the reader has read.
pub(crate) fn relayed<S: AsRef<str>>(events: &[S]) -> Vec<Value> {
    let mut out = Vec::new();
    let (mut reader, mut writer) = (stream::Reader::default(), stream::Writer::new(&HEAD));
    for event in events {
        let read = reader.read(None, event.as_ref().as_bytes(), &mut |piece| {
            writer.write(&piece, &mut out);
        });
        read.unwrap();
    }
    writer.end(&mut out);
    writer.end(&mut out);
    sent(&out)
}

pub(crate) fn written(pieces: &[Piece<'_>]) -> Vec<Value> {
    let (mut out, mut writer) = (Vec::new(), stream::Writer::new(&HEAD));
    for piece in pieces {
        writer.write(piece, &mut out);
    }
    writer.end(&mut out);
    sent(&out)
}

/// The data of each event, which must have Gemini's framing.
pub(crate) fn sent(out: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(out).unwrap();
    assert!(text.is_empty() || text.ends_with("\n\n"), "{text}");
    text.split_terminator("\n\n")
        .map(|event| {
            json(
                event
                    .strip_prefix("data: ")
                    .expect("a space after the colon"),
            )
        })
        .collect()
}

/// All parts of a candidate, over all events.
pub(crate) fn parts(events: &[Value], index: u64) -> Vec<Value> {
    events
        .iter()
        .filter_map(|event| event["candidates"].as_array())
        .flatten()
        .filter(|candidate| candidate["index"].as_u64() == Some(index))
        .filter_map(|candidate| candidate["content"]["parts"].as_array())
        .flatten()
        .cloned()
        .collect()
}
