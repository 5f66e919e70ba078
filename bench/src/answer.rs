//! The two exchanges that are measured: their requests and their answers, byte by byte.

use std::fmt::Write;

/// How an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    /// One body of 800 bytes.
    Whole,
    /// A stream of 64 events with content.
    Stream,
}

/// The key the load presents: the gateway checks it, nginx passes it on.
pub(crate) const KEY: &str = "sk-fairlead-bench-0123456789abcdef0123";

/// The model the load asks for, which the gateway's rule gives meaning to.
pub(crate) const MODEL: &str = "chat";

/// Bytes of a whole answer's body.
const WHOLE_BYTES: usize = 800;

/// Content chunks of a stream.
const STREAM_CHUNKS: usize = 64;

/// What distinguishes the two requests, to the upstream.
const STREAM_MARK: &[u8] = b"\"stream\":true";

impl Kind {
    /// The request as the load sends it.
    pub(crate) fn request(self) -> Vec<u8> {
        let stream = match self {
            Self::Whole => "",
            Self::Stream => ",\"stream\":true,\"stream_options\":{\"include_usage\":true}",
        };
        let text = "How far is it from the harbour to the lighthouse, and which way does the wind blow there in autumn?";
        let body = format!(
            "{{\"model\":\"{MODEL}\",\"messages\":[{{\"role\":\"user\",\"content\":\"{text}\"}}]{stream}}}"
        );
        let length = body.len();
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: bench\r\nauthorization: Bearer {KEY}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
        );
        [head, body].concat().into_bytes()
    }

    /// Which of the two a request's body asks for.
    pub(crate) fn of(body: &[u8]) -> Self {
        let streamed = body
            .windows(STREAM_MARK.len())
            .any(|window| window == STREAM_MARK);
        if streamed { Self::Stream } else { Self::Whole }
    }

    /// The answer, in the pieces in which the upstream writes it.
    pub(crate) fn answer(self) -> Vec<Vec<u8>> {
        match self {
            Self::Whole => vec![whole().into_bytes()],
            Self::Stream => stream().into_iter().map(String::into_bytes).collect(),
        }
    }

    /// A text that only a complete answer ends with or contains.
    pub(crate) fn proof(self) -> &'static str {
        match self {
            Self::Whole => "\"total_tokens\":184",
            Self::Stream => "data: [DONE]",
        }
    }
}

const USAGE: &str =
    "\"usage\":{\"prompt_tokens\":24,\"completion_tokens\":160,\"total_tokens\":184}";

fn whole() -> String {
    let body = |text: &str| {
        format!(
            "{{\"id\":\"chatcmpl-0\",\"object\":\"chat.completion\",\"created\":1760000000,\"model\":\"fast\",\"choices\":[{{\"index\":0,\
             \"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"finish_reason\":\"stop\"}}],{USAGE}}}"
        )
    };
    let room = WHOLE_BYTES.saturating_sub(body("").len());
    let body = body(&"The wind blows. ".repeat(50)[..room]);
    let length = body.len();
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
}

fn stream() -> Vec<String> {
    let event = |rest: &str| {
        let data = format!(
            "data: {{\"id\":\"chatcmpl-0\",\"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"fast\",{rest}}}\n\n"
        );
        chunk(&data)
    };
    let delta = |delta: &str, finish: &str| {
        event(&format!(
            "\"choices\":[{{\"index\":0,\"delta\":{{{delta}}},\"finish_reason\":{finish}}}]"
        ))
    };
    // nginx obeys `x-accel-buffering`, so that both pass events on as they come.
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-accel-buffering: no\r\ntransfer-encoding: chunked\r\n\r\n";
    let mut pieces = vec![
        head.to_owned(),
        delta("\"role\":\"assistant\",\"content\":\"\"", "null"),
    ];
    pieces.extend(
        (0..STREAM_CHUNKS).map(|index| delta(&format!("\"content\":\" word{index}\""), "null")),
    );
    pieces.push(delta("", "\"stop\""));
    pieces.push(event(&format!("\"choices\":[],{USAGE}")));
    let mut last = chunk("data: [DONE]\n\n");
    last.push_str("0\r\n\r\n");
    pieces.push(last);
    pieces
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
        let answer = Kind::Whole.answer().concat();
        let text = String::from_utf8(answer).expect("text");
        let (head, body) = text.split_once("\r\n\r\n").expect("a body");
        assert_eq!(body.len(), 800);
        assert!(head.ends_with("content-length: 800"));
        serde_json::from_str::<serde_json::Value>(body).expect("JSON");
    }

    #[test]
    fn a_stream_is_64_contents_between_role_and_finish() {
        let pieces = Kind::Stream.answer();
        assert_eq!(pieces.len(), 1 + 1 + 64 + 1 + 1 + 1);
        assert!(pieces.concat().ends_with(b"0\r\n\r\n"));
    }

    #[test]
    fn a_request_says_which_answer_it_wants() {
        for kind in [Kind::Whole, Kind::Stream] {
            assert_eq!(Kind::of(&kind.request()), kind);
        }
    }
}
