//! The exchanges that are measured: their requests and their answers, byte by byte.

mod anthropic;
mod gemini;

use std::fmt::Write;

/// How an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// One body of 800 bytes.
    Whole,
    /// A stream of 64 events with content.
    Stream,
}

/// Whose words are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Speech {
    /// OpenAI's Chat Completions.
    OpenAi,
    /// Anthropic's Messages.
    Anthropic,
    /// Gemini's generateContent.
    Gemini,
}

/// The key the load presents: the gateway checks it, nginx passes it on.
pub(crate) const KEY: &str = "sk-fairlead-bench-0123456789abcdef0123";

/// What every request asks.
const QUESTION: &str = "How far is it from the harbour to the lighthouse, and which way does the wind blow there in autumn?";

/// Bytes of a whole answer's body.
const WHOLE_BYTES: usize = 800;

/// Content chunks of a stream.
const STREAM_CHUNKS: usize = 64;

/// What distinguishes the two requests, to the upstream.
const STREAM_MARK: &[u8] = b"\"stream\":true";

impl Speech {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::OpenAi, Self::Anthropic, Self::Gemini];

    /// What the tables call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }

    /// The model the load asks for to be answered by an upstream that speaks so; the gateway's rules give it its meaning.
    pub(crate) fn model(self) -> &'static str {
        match self {
            Self::OpenAi => "chat",
            Self::Anthropic => "anthropic-chat",
            Self::Gemini => "gemini-chat",
        }
    }

    /// A request in these words for a model, as the load sends it.
    pub(crate) fn request(self, kind: Kind, model: &str) -> Vec<u8> {
        let (path, body) = match self {
            Self::OpenAi => ("/v1/chat/completions".to_owned(), question(kind, model)),
            Self::Anthropic => ("/v1/messages".to_owned(), anthropic::question(kind, model)),
            Self::Gemini => (gemini::path(kind, model), gemini::question()),
        };
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {KEY}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        [head, body].concat().into_bytes()
    }

    /// What a request asks for, of whom.
    pub(crate) fn of(head: &[u8], body: &[u8]) -> (Self, Kind) {
        let has = |text: &[u8], mark: &[u8]| text.windows(mark.len()).any(|window| window == mark);
        let line = head.split(|byte| *byte == b'\r').next().unwrap_or_default();
        let speech = if has(line, b"/messages") {
            Self::Anthropic
        } else if has(line, b"GenerateContent") || has(line, b"generateContent") {
            Self::Gemini
        } else {
            Self::OpenAi
        };
        let streamed = has(body, STREAM_MARK) || has(line, b":streamGenerateContent");
        (speech, if streamed { Kind::Stream } else { Kind::Whole })
    }

    /// The answer, in the pieces in which the upstream writes it.
    pub(crate) fn answer(self, kind: Kind) -> Vec<Vec<u8>> {
        let texts = match (self, kind) {
            (Self::OpenAi, Kind::Whole) => vec![whole()],
            (Self::OpenAi, Kind::Stream) => stream(),
            (Self::Anthropic, Kind::Whole) => vec![anthropic::whole()],
            (Self::Anthropic, Kind::Stream) => anthropic::stream(),
            (Self::Gemini, Kind::Whole) => vec![gemini::whole()],
            (Self::Gemini, Kind::Stream) => gemini::stream(),
        };
        texts.into_iter().map(String::into_bytes).collect()
    }

    /// A text that only a complete answer ends with or contains.
    pub(crate) fn proof(self, kind: Kind) -> &'static str {
        match (self, kind) {
            (Self::OpenAi, Kind::Whole) => "\"total_tokens\":184",
            (Self::OpenAi, Kind::Stream) => "data: [DONE]",
            (Self::Anthropic, Kind::Whole) => "\"output_tokens\":160",
            (Self::Anthropic, Kind::Stream) => "event: message_stop",
            (Self::Gemini, _) => "\"totalTokenCount\":184",
        }
    }
}

fn question(kind: Kind, model: &str) -> String {
    let stream = match kind {
        Kind::Whole => "",
        Kind::Stream => ",\"stream\":true,\"stream_options\":{\"include_usage\":true}",
    };
    format!(
        "{{\"model\":\"{model}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{QUESTION}\"}}]{stream}}}"
    )
}

/// A head and a body of as many bytes as every whole answer has.
fn whole_of(body: impl Fn(&str) -> String) -> String {
    let room = WHOLE_BYTES.saturating_sub(body("").len());
    let body = body(&"The wind blows. ".repeat(50)[..room]);
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

/// A stream of so many words between its beginning and its end; nginx obeys `x-accel-buffering`, so that both pass events on as they come.
fn stream_of(beginning: &[String], word: impl Fn(usize) -> String, end: &[String]) -> Vec<String> {
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-accel-buffering: no\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut pieces = vec![head.to_owned()];
    pieces.extend(beginning.iter().map(|event| chunk(event)));
    pieces.extend((0..STREAM_CHUNKS).map(|index| chunk(&word(index))));
    pieces.extend(end.iter().map(|event| chunk(event)));
    if let Some(last) = pieces.last_mut() {
        last.push_str("0\r\n\r\n");
    }
    pieces
}

const USAGE: &str =
    "\"usage\":{\"prompt_tokens\":24,\"completion_tokens\":160,\"total_tokens\":184}";

fn whole() -> String {
    whole_of(|text| {
        format!(
            "{{\"id\":\"chatcmpl-0\",\"object\":\"chat.completion\",\"created\":1760000000,\"model\":\"fast\",\"choices\":[{{\"index\":0,\
             \"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}],{USAGE}}}"
        )
    })
}

fn stream() -> Vec<String> {
    let event = |rest: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-0\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"fast\",{rest}}}\n\n"
        )
    };
    let delta = |delta: &str, finish: &str| {
        event(&format!(
            "\"choices\":[{{\"index\":0,\"delta\":{{{delta}}},\"finish_reason\":{finish}}}]"
        ))
    };
    stream_of(
        &[delta("\"role\":\"assistant\",\"content\":\"\"", "null")],
        |index| delta(&format!("\"content\":\" word{index}\""), "null"),
        &[
            delta("", "\"stop\""),
            event(&format!("\"choices\":[],{USAGE}")),
            "data: [DONE]\n\n".to_owned(),
        ],
    )
}

fn chunk(data: &str) -> String {
    let mut chunk = String::with_capacity(data.len() + 10);
    // Writing to a String cannot fail.
    let _ = write!(chunk, "{:x}\r\n{data}\r\n", data.len());
    chunk
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_whole_answer_has_800_bytes_of_json() {
        for speech in Speech::ALL {
            let answer = speech.answer(Kind::Whole).concat();
            let text = String::from_utf8(answer).expect("text");
            let (head, body) = text.split_once("\r\n\r\n").expect("a body");
            assert_eq!(body.len(), 800);
            assert!(head.ends_with("content-length: 800"));
            serde_json::from_str::<serde_json::Value>(body).expect("JSON");
        }
    }

    #[test]
    fn a_stream_has_64_contents() {
        for speech in Speech::ALL {
            let pieces = speech.answer(Kind::Stream);
            let words = pieces.iter().filter(|piece| {
                let text = String::from_utf8_lossy(piece);
                text.contains(" word")
            });
            assert_eq!(words.count(), 64);
            assert!(pieces.concat().ends_with(b"0\r\n\r\n"));
        }
    }

    #[test]
    fn a_request_says_which_answer_it_wants() {
        for speech in Speech::ALL {
            for kind in [Kind::Whole, Kind::Stream] {
                let request = speech.request(kind, "m");
                let at = request
                    .windows(4)
                    .position(|window| window == b"\r\n\r\n")
                    .expect("a body");
                let (head, body) = request.split_at(at + 4);
                assert_eq!(Speech::of(head, body), (speech, kind));
            }
        }
    }
}
