//! What many tests do.

use fairlead_translate::converse::stream::Reader;
use fairlead_translate::converse::{Family, request};
use fairlead_translate::{
    Block, Content, Conversation, Malformed, Notes, Piece, Role, Target, Text, Turn, messages,
};
use fairlead_wire::event_stream::{self, Decoder};
use fairlead_wire::sse::Event;
use serde_json::Value;

pub(crate) const CLAUDE: &str = "us.anthropic.claude-sonnet-4-5-20250929-v1:0";
pub(crate) const NOVA: &str = "amazon.nova-pro-v1:0";
pub(crate) const LLAMA: &str = "us.meta.llama3-3-70b-instruct-v1:0";
pub(crate) const GPT: &str = "us.openai.gpt-5.2";
pub(crate) const GPT_OSS: &str = "openai.gpt-oss-120b-1:0";

pub(crate) fn json(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes)
        .unwrap_or_else(|why| panic!("{why}: {}", String::from_utf8_lossy(bytes)))
}

/// The body for a model, and what was left out; `!` stands before what changes the meaning.
pub(crate) fn written_for(model: &str, conversation: &Conversation<'_>) -> (Value, Vec<String>) {
    let mut notes = Notes::default();
    let target = Target {
        model,
        default_max_output: 4096,
    };
    let body = request::write(conversation, &target, &mut notes);
    let notes = notes.all().iter().map(|note| {
        let mark = if note.changes_meaning { "!" } else { "" };
        format!("{mark}{}", note.what)
    });
    (json(&body), notes.collect())
}

/// The body for Claude.
pub(crate) fn written(conversation: &Conversation<'_>) -> (Value, Vec<String>) {
    written_for(CLAUDE, conversation)
}

/// The body for Claude that comes of a body of Anthropic's.
pub(crate) fn round(body: &str) -> (Value, Vec<String>) {
    written(&messages::request::read(body.as_bytes()).unwrap())
}

/// A turn with these blocks.
pub(crate) fn turn<'a>(role: Role, at: usize, blocks: Vec<Content<'a>>) -> Turn<'a> {
    Turn {
        role,
        blocks: blocks.into_iter().map(Block::from).collect(),
        name: None,
        at,
    }
}

pub(crate) fn text(text: &str) -> Content<'_> {
    Content::Text(Text::plain(text))
}

/// A conversation of these turns.
pub(crate) fn of(turns: Vec<Turn<'_>>) -> Conversation<'_> {
    Conversation {
        turns,
        ..Conversation::default()
    }
}

/// Lines of `name payload` as frames.
pub(crate) fn frames(events: &str) -> Vec<u8> {
    let lines = events.lines().map(str::trim);
    let frames = lines.filter(|line| !line.is_empty()).map(|line| {
        let (name, payload) = line.split_once(' ').unwrap();
        if name.ends_with("Exception") {
            event_stream::exception(name, payload.as_bytes())
        } else {
            event_stream::event(name, payload.as_bytes())
        }
    });
    frames.collect::<Vec<_>>().concat()
}

/// Reads the frames of a stream that comes in chunks of `size`.
pub(crate) fn read(
    stream: &[u8],
    size: usize,
    family: Family,
    piece: &mut dyn FnMut(Piece<'_>),
) -> Result<(), Malformed> {
    let (mut decoder, mut reader) = (Decoder::new(1 << 20), Reader::new(family));
    for chunk in stream.chunks(size) {
        decoder.push(bytes_of(chunk));
        while let Some(message) = decoder.next().unwrap() {
            let event = Event::from(message);
            reader.read(event.name.as_deref(), &event.data.unwrap(), piece)?;
        }
    }
    Ok(())
}

pub(crate) fn bytes_of(chunk: &[u8]) -> bytes::Bytes {
    bytes::Bytes::copy_from_slice(chunk)
}

/// The pieces of events, in few words.
pub(crate) fn pieces(events: &str) -> Vec<String> {
    pieces_for(Family::Claude, events).unwrap()
}

pub(crate) fn pieces_for(family: Family, events: &str) -> Result<Vec<String>, Malformed> {
    let stream = frames(events);
    let mut pieces = Vec::new();
    read(&stream, stream.len().max(1), family, &mut |piece| {
        pieces.push(short(&piece));
    })?;
    Ok(pieces)
}

fn short(piece: &Piece<'_>) -> String {
    match piece {
        Piece::Begin { .. } => "begin".to_owned(),
        Piece::Text { text, .. } => format!("text {}", text.unescaped()),
        Piece::Reasoning { text, .. } => format!("thought {}", text.unescaped()),
        Piece::Signed { signature, .. } => format!(
            "signed {} {}",
            signature.origin.as_str(),
            signature.value.unescaped()
        ),
        Piece::Redacted { data, .. } => {
            format!(
                "redacted {} {}",
                data.origin.as_str(),
                data.value.unescaped()
            )
        }
        Piece::Call { call, id, name, .. } => {
            let id = id.as_ref().map_or("-".into(), Text::unescaped);
            format!("call {call} {id} {}", name.unescaped())
        }
        Piece::Arguments { call, fragment, .. } => {
            format!("arguments {call} {}", fragment.unescaped())
        }
        Piece::Finish { stop, .. } => format!("finish {stop:?}"),
        Piece::Usage(usage) => format!(
            "usage {:?} {:?} {:?} {:?}",
            usage.input, usage.cache_read, usage.cache_write, usage.output
        ),
        Piece::Error(facts) => format!(
            "error {:?} {:?} {:?}",
            facts.kind, facts.status, facts.message
        ),
        other => format!("{other:?}"),
    }
}
