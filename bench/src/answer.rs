//! The answers that the upstream gives, byte by byte.

pub(crate) mod anthropic;
pub(crate) mod gemini;
pub(crate) mod openai;

use std::fmt::Write;
use std::time::SystemTime;

/// How an answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// One body of 800 bytes.
    Whole,
    /// A stream of 64 events with content.
    Stream,
}

/// Whose words are spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speech {
    /// OpenAI's Chat Completions.
    OpenAi,
    /// Anthropic's Messages.
    Anthropic,
    /// Gemini's generateContent.
    Gemini,
}

/// Bytes of a whole answer's body.
const WHOLE_BYTES: usize = 800;

/// Content chunks of a stream.
pub(crate) const STREAM_CHUNKS: usize = 64;

/// Stands in every chunk of content; a paced stream has the time in its place.
const STAMP: &str = "@0000000000000000000";

/// What a request for a stream says, to the upstream.
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

    /// What a request asks for, of whom.
    pub(crate) fn of(line: &[u8], body: &[u8]) -> (Self, Kind) {
        let has = |text: &[u8], mark: &[u8]| memchr::memmem::find(text, mark).is_some();
        let speech = if has(line, b"/messages") {
            Self::Anthropic
        } else if has(line, b"enerateContent") {
            Self::Gemini
        } else {
            Self::OpenAi
        };
        let streamed = has(line, b":streamGenerateContent") || has(body, STREAM_MARK);
        (speech, if streamed { Kind::Stream } else { Kind::Whole })
    }

    /// The answer, in the pieces in which the upstream writes it.
    pub(crate) fn answer(self, kind: Kind) -> Vec<Vec<u8>> {
        let texts = match (self, kind) {
            (Self::OpenAi, Kind::Whole) => vec![openai::whole()],
            (Self::OpenAi, Kind::Stream) => openai::stream(),
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

/// Nanoseconds since 1970: a clock that all processes of a machine share.
pub(crate) fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since
        .ok()
        .and_then(|since| u64::try_from(since.as_nanos()).ok())
        .unwrap_or_default()
}

/// Where the stamp of a piece is, after its `@`.
fn stamp_in(piece: &[u8]) -> Option<std::ops::Range<usize>> {
    let at = memchr::memchr(b'@', piece)? + 1;
    let range = at..at + STAMP.len() - 1;
    piece.get(range.clone()).map(|_| range)
}

/// The piece with the time in the place of its stamp; none if it has no stamp.
pub(crate) fn stamped(piece: &[u8], now: u64) -> Option<Vec<u8>> {
    let range = stamp_in(piece)?;
    let mut piece = piece.to_vec();
    piece[range].copy_from_slice(format!("{now:019}").as_bytes());
    Some(piece)
}

/// The first stamp in these bytes and where the next may begin; none if it is not there, or not yet in full.
pub(crate) fn stamp_of(bytes: &[u8]) -> Option<(u64, usize)> {
    let range = stamp_in(bytes)?;
    let text = std::str::from_utf8(&bytes[range.clone()]).ok()?;
    Some((text.parse().ok()?, range.end))
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

fn chunk(data: &str) -> String {
    let mut chunk = String::with_capacity(data.len() + 10);
    // Writing to a String cannot fail.
    let _ = write!(chunk, "{:x}\r\n{data}\r\n", data.len());
    chunk
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ask::Ask;

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
    fn a_stream_has_64_contents_each_with_a_stamp() {
        for speech in Speech::ALL {
            let pieces = speech.answer(Kind::Stream);
            let stamped: Vec<_> = pieces
                .iter()
                .filter_map(|piece| stamped(piece, 1_760_000_000_123_456_789))
                .collect();
            assert_eq!(stamped.len(), 64);
            for piece in &stamped {
                assert!(String::from_utf8_lossy(piece).contains(" word"));
                let (stamp, _) = stamp_of(piece).expect("a stamp");
                assert_eq!(stamp, 1_760_000_000_123_456_789);
            }
            assert!(pieces.concat().ends_with(b"0\r\n\r\n"));
        }
    }

    #[test]
    fn a_stamp_that_has_not_come_in_full_is_none() {
        assert_eq!(stamp_of(b"x @12345678"), None);
        assert_eq!(stamp_of(b"x @0000000000000000042 y"), Some((42, 22)));
    }

    #[test]
    fn a_request_says_which_answer_it_wants() {
        for speech in Speech::ALL {
            for kind in [Kind::Whole, Kind::Stream] {
                let mut ask = Ask::plain(kind);
                (ask.surface, ask.dialect) = (speech, speech);
                let asked = Speech::of(ask.path().as_bytes(), ask.body().as_bytes());
                assert_eq!(asked, (speech, kind));
            }
        }
    }
}
