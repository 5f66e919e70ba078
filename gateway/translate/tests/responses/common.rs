//! What several tests need.

use fairlead_translate::responses::{Echo, answer, request, stream};
use fairlead_translate::{
    Answered, Arguments, Content, Conversation, Head, Notes, Piece, Stop, Target, Usage,
};
use serde_json::Value;

pub(crate) const HEAD: Head<'static> = Head {
    id: "abc",
    model: "m",
    created: 7,
    include_usage: false,
};

pub(crate) fn read(body: &str) -> Conversation<'_> {
    request::read(body.as_bytes()).unwrap()
}

/// What is wrong with a body.
pub(crate) fn wrong(body: &str) -> String {
    request::read(body.as_bytes()).unwrap_err().to_string()
}

pub(crate) fn write(conversation: &Conversation<'_>) -> (Value, Vec<String>, Vec<String>) {
    let mut notes = Notes::default();
    let target = Target {
        model: "m",
        default_max_output: 100,
    };
    let body = request::write(conversation, &target, &mut notes);
    let (essential, advice): (Vec<_>, Vec<_>) =
        notes.all().iter().partition(|note| note.changes_meaning);
    let names = |notes: Vec<&fairlead_translate::Unsupported>| {
        notes.iter().map(|note| note.what.to_string()).collect()
    };
    (
        serde_json::from_slice(&body).unwrap(),
        names(essential),
        names(advice),
    )
}

/// The body a provider gets for a caller's, without a word lost.
pub(crate) fn through(body: &str) -> Value {
    let (written, essential, _) = write(&read(body));
    assert_eq!(essential, Vec::<String>::new());
    written
}

/// What an answer says, in a form to compare.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) refusal: String,
    pub(crate) reasoning: String,
    pub(crate) signatures: Vec<String>,
    /// Id, name, arguments.
    pub(crate) calls: Vec<(String, String, String)>,
    pub(crate) stops: Vec<String>,
    pub(crate) usage: Option<Usage>,
    pub(crate) errors: usize,
    pub(crate) ends: usize,
}

impl Said {
    pub(crate) fn hear(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Text { text, .. } => self.text.push_str(&text.unescaped()),
            Piece::Refusal { text, .. } => self.refusal.push_str(&text.unescaped()),
            Piece::Reasoning { text, .. } => self.reasoning.push_str(&text.unescaped()),
            Piece::Signed { signature, .. }
            | Piece::Redacted {
                data: signature, ..
            } => {
                self.signatures.push(format!(
                    "{:?} {}",
                    signature.origin,
                    signature.value.unescaped()
                ));
            }
            Piece::Call { id, name, call, .. } => {
                assert_eq!(*call, self.calls.len() as u64);
                let id = id.as_ref().map(|id| id.unescaped().into_owned());
                self.calls.push((
                    id.unwrap_or_default(),
                    name.unescaped().into_owned(),
                    String::new(),
                ));
            }
            Piece::Arguments { call, fragment, .. } => {
                let call = usize::try_from(*call).unwrap();
                self.calls[call].2.push_str(&fragment.unescaped());
            }
            Piece::Finish { stop, .. } => self.stops.push(stop_word(stop)),
            Piece::Usage(usage) => self.usage = Some(*usage),
            Piece::Error(_) => self.errors += 1,
            Piece::End => self.ends += 1,
            Piece::Begin { .. } | Piece::Logprobs { .. } => {}
        }
    }
}

fn stop_word(stop: &Stop<'_>) -> String {
    if let Stop::Other(word) = stop {
        return format!("Other({})", word.unescaped());
    }
    format!("{stop:?}")
}

/// What a whole answer says.
pub(crate) fn whole(body: &str) -> Said {
    let answered = answer::read(body.as_bytes()).unwrap();
    let Answered::Answer(answer) = answered else {
        panic!("no answer: {answered:?}");
    };
    let mut said = Said {
        usage: answer.usage,
        ..Said::default()
    };
    for block in &answer.choices[0].blocks {
        match &block.content {
            Content::Text(text) => said.text.push_str(&text.unescaped()),
            Content::Refusal(text) => said.refusal.push_str(&text.unescaped()),
            Content::Reasoning { text, signature } => {
                said.reasoning.push_str(&text.unescaped());
                if let Some(signature) = signature {
                    said.signatures.push(format!(
                        "{:?} {}",
                        signature.origin,
                        signature.value.unescaped()
                    ));
                }
            }
            Content::Redacted(data) => {
                let told = format!("{:?} {}", data.origin, data.value.unescaped());
                said.signatures.push(told);
            }
            Content::Call {
                id,
                name,
                arguments,
                ..
            } => said.calls.push((
                id.unescaped().into_owned(),
                name.unescaped().into_owned(),
                match arguments {
                    Arguments::Text(text) => text.unescaped().into_owned(),
                    Arguments::Object(raw) => raw.text().to_owned(),
                },
            )),
            Content::Other(_) => {}
            Content::Image(_) | Content::File(_) | Content::Audio(_) | Content::Result { .. } => {
                panic!("no part of an answer")
            }
        }
    }
    said.stops
        .extend(answer.choices[0].stop.as_ref().map(stop_word));
    said
}

/// What a stream says, its events given by their data.
pub(crate) fn streamed(events: &[String]) -> Said {
    let (mut reader, mut said, mut begun) = (stream::Reader::default(), Said::default(), 0);
    for data in events {
        reader
            .read(None, data.as_bytes(), &mut |piece| {
                if matches!(piece, Piece::Begin { .. }) {
                    begun += 1;
                    assert_eq!(said, Said::default(), "the beginning comes first");
                }
                said.hear(&piece);
            })
            .unwrap();
    }
    assert!(begun <= 1);
    said
}

/// The events a writer has written, their framing and numbers checked.
pub(crate) fn events(out: &[u8]) -> Vec<Value> {
    let text = std::str::from_utf8(out).unwrap();
    let mut events = Vec::new();
    for block in text.split_terminator("\n\n") {
        let (name, data) = block.split_once('\n').unwrap();
        let name = name.strip_prefix("event: ").unwrap();
        let data = data.strip_prefix("data: ").unwrap();
        assert!(!data.contains('\n'));
        let event: Value = serde_json::from_str(data).unwrap();
        assert_eq!(event["type"], name);
        assert_eq!(event["sequence_number"], events.len());
        events.push(event);
    }
    events
}

/// The events for pieces, their order checked.
pub(crate) fn written(pieces: &[Piece<'_>], names: &Echo) -> Vec<Value> {
    let mut writer = stream::Writer::with_tools(&HEAD, names);
    let mut out = Vec::new();
    for piece in pieces {
        writer.write(piece, &mut out);
    }
    writer.end(&mut out);
    let length = out.len();
    writer.end(&mut out);
    writer.fail("x", "y", &mut out);
    assert_eq!(out.len(), length, "nothing is written twice");
    let events = events(&out);
    lifecycle(&events);
    events
}

/// Checks that events keep to the order that clients rely on.
pub(crate) fn lifecycle(events: &[Value]) {
    assert_eq!(events[0]["type"], "response.created");
    assert_eq!(events[1]["type"], "response.in_progress");
    let last = events.last().unwrap();
    let mut open: Option<Value> = None;
    let mut done: Vec<Value> = Vec::new();
    let mut deltas = String::new();
    for event in &events[2..events.len() - 1] {
        let kind = event["type"].as_str().unwrap();
        assert_eq!(event["output_index"], done.len(), "{event}");
        match kind {
            "response.output_item.added" => {
                assert!(open.is_none(), "one item at a time");
                open = Some(event["item"].clone());
            }
            "response.output_item.done" => {
                let added = open.take().unwrap();
                for key in ["id", "type", "call_id", "name", "namespace"] {
                    assert_eq!(added[key], event["item"][key]);
                }
                assert!(deltas.is_empty());
                done.push(event["item"].clone());
            }
            _ => {
                assert_eq!(event["item_id"], open.as_ref().unwrap()["id"]);
                if kind.ends_with(".delta") {
                    deltas.push_str(event["delta"].as_str().unwrap());
                } else if kind.ends_with(".done") && event.get("part").is_none() {
                    let keys = ["text", "refusal", "arguments", "input"];
                    let whole = keys.iter().find_map(|key| event.get(key)).unwrap();
                    assert_eq!(whole.as_str().unwrap(), deltas, "{event}");
                    deltas.clear();
                }
            }
        }
    }
    assert!(open.is_none());
    assert_eq!(last["response"]["output"], Value::Array(done));
    assert_eq!(last["response"]["id"], events[0]["response"]["id"]);
}

/// The types of events, deltas of one kind in a row told once.
pub(crate) fn kinds(events: &[Value]) -> Vec<&str> {
    let mut kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    kinds.dedup();
    kinds
}
