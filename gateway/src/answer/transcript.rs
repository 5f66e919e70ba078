//! What a caller has had of a streamed answer, remembered so that another target can go on with it. Pure.

use bytes::Bytes;
use fairlead_wire::openai::continuation::{Identity, delta};
use fairlead_wire::openai::{Payload, Usage, payload};
use fairlead_wire::sse::{Event, framed};
use smallvec::SmallVec;

/// An answer with more text than this is not gone on with: all of it would have to be read and paid for once more.
const MAX_TEXT: usize = 1024 * 1024;

/// An answer so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Transcript {
    /// The text.
    pub text: String,
    /// In how many chunks it came.
    pub pieces: u64,
    /// What all chunks of the answer have in common.
    pub identity: Identity,
    /// Those who said it and broke off.
    cuts: SmallVec<[Cut; 1]>,
    /// Whether something came that is not text, or too much of it.
    other: bool,
}

/// An attempt that broke off.
#[derive(Debug, Clone)]
struct Cut {
    /// What it had reported by then.
    usage: Option<Usage>,
    /// How many chunks of text it brought.
    pieces: u64,
}

impl Transcript {
    /// Takes the data of an event that goes to the caller.
    pub(crate) fn take(&mut self, data: &[u8]) {
        let Ok(delta) = delta(data) else {
            self.other = true;
            return;
        };
        let identity = &mut self.identity;
        if identity.id.is_none() {
            identity.id = delta.id.map(Into::into);
        }
        identity.created = identity.created.or(delta.created);
        if !delta.text.is_empty() {
            self.pieces += 1;
            self.text.push_str(&delta.text);
        }
        self.other |= !delta.plain || self.text.len() > MAX_TEXT;
    }

    /// Whether another target can go on with it.
    #[must_use]
    pub(crate) fn can_be_continued(&self) -> bool {
        !self.other
    }

    /// The attempt that brought the last of it broke off, having reported `usage`.
    pub(crate) fn cut(&mut self, usage: Option<Usage>) {
        let before: u64 = self.cuts.iter().map(|cut| cut.pieces).sum();
        let pieces = self.pieces.saturating_sub(before);
        self.cuts.push(Cut { usage, pieces });
    }

    /// What all attempts used together, of which the last reported `last`.
    #[must_use]
    pub(crate) fn usage(&self, last: Option<Usage>) -> Option<Usage> {
        let mut input = last.and_then(|usage| usage.input_tokens);
        let mut sum = last;
        for cut in self.cuts.iter().rev() {
            // Nothing is made up for an attempt as long as nobody has counted anything.
            let told = || Some(Usage::before_the_rest(input?, cut.pieces));
            let used = cut.usage.or_else(told);
            input = used.and_then(|used| used.input_tokens);
            sum = match (sum, used) {
                (Some(sum), Some(used)) => Some(sum.plus(used)),
                (sum, used) => sum.or(used),
            };
        }
        sum
    }
}

/// An event of the rest of an answer as the caller of the whole sees it; `None` if nothing of it is for that caller: a role, which has been
/// said.
#[must_use]
pub(crate) fn rejoined(event: &Event, identity: &Identity) -> Option<Bytes> {
    let Some(data) = &event.data else {
        return Some(event.raw.clone());
    };
    if let Ok(Payload::Chunk(chunk)) = payload(data)
        && !chunk.content
        && chunk.finished.is_empty()
        && chunk.usage.is_none()
    {
        return None;
    }
    let pieces = identity.adopt(data).ok()?;
    Some(framed(pieces.into_iter()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(delta: &str) -> String {
        format!(r#"{{"id":"c1","created":7,"choices":[{{"index":0,"delta":{delta}}}]}}"#)
    }

    fn event(data: &str) -> Event {
        Event {
            raw: Bytes::from(format!("data: {data}\n\n")),
            data: Some(Bytes::copy_from_slice(data.as_bytes())),
            name: None,
        }
    }

    fn said(deltas: &[&str]) -> Transcript {
        let mut said = Transcript::default();
        for delta in deltas {
            said.take(chunk(delta).as_bytes());
        }
        said
    }

    #[test]
    fn text_is_put_together() {
        let said = said(&[
            r#"{"role":"assistant","content":""}"#,
            r#"{"content":"Hel"}"#,
            r#"{"content":"lo"}"#,
        ]);
        assert_eq!((said.text.as_str(), said.pieces), ("Hello", 2));
        assert_eq!(said.identity.id.as_deref(), Some("c1"));
        assert!(said.can_be_continued());
    }

    #[test]
    fn what_is_not_text_cannot_be_continued() {
        let too_much = format!(r#"{{"content":"{}"}}"#, "x".repeat(MAX_TEXT + 1));
        for other in [r#"{"tool_calls":[{}]}"#, r#"{"reasoning":"hm"}"#, &too_much] {
            assert!(!said(&[r#"{"content":"a"}"#, other]).can_be_continued());
        }
    }

    #[test]
    fn the_usage_of_every_attempt_counts() {
        let mut said = said(&[r#"{"content":"a"}"#, r#"{"content":"b"}"#]);
        said.cut(None);
        said.take(chunk(r#"{"content":"c"}"#).as_bytes());
        said.cut(None);
        let last = Usage {
            input_tokens: Some(13),
            output_tokens: Some(4),
            ..Usage::default()
        };
        // 10 in and 2 out, 12 in and 1 out, 13 in and 4 out.
        let sum = said.usage(Some(last)).unwrap();
        assert_eq!((sum.input_tokens, sum.output_tokens), (Some(35), Some(7)));
        assert_eq!(said.usage(None), None);
    }

    #[test]
    fn the_rest_says_no_role_and_has_the_first_id() {
        let identity = Identity {
            id: Some("first".into()),
            created: None,
        };
        assert_eq!(
            rejoined(&event(&chunk(r#"{"role":"assistant"}"#)), &identity),
            None
        );
        let text = rejoined(
            &event(&chunk("{\"role\":\"assistant\",\r\n\"content\":\"a\"}")),
            &identity,
        );
        assert_eq!(
            text.unwrap(),
            "data: {\"id\":\"first\",\"created\":7,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n"
        );
        let comment = Event {
            raw: Bytes::from_static(b": wait\n\n"),
            data: None,
            name: None,
        };
        assert_eq!(rejoined(&comment, &identity), Some(comment.raw));
    }
}
