//! The body for a provider, where the caller's will not do.

use std::sync::Arc;

use bytes::Bytes;
use fairlead_snapshot::OnUnsupported;
use fairlead_translate::chat::request::Host;
use fairlead_translate::embeddings::Form;
use fairlead_translate::responses::Echo;
use fairlead_translate::{Notes, Target, Unsupported, chat, gemini, messages, responses};
use fairlead_wire::openai::request::parse;

use super::Codec;
use crate::surface::{Format, Operation};

/// The output that an answer may have where the dialect demands a limit and the caller names none.
const DEFAULT_MAX_OUTPUT: u64 = 4096;

/// How much is told of what was left out, in bytes.
const MOST_TOLD: usize = 1000;

/// A body that was made for a provider.
#[derive(Debug, Clone)]
pub(crate) struct Made {
    /// The body.
    pub body: Bytes,
    /// What could not be said in it, for the caller.
    pub dropped: Option<Arc<str>>,
    /// What an answer has to know of the request.
    pub echo: Arc<Echo>,
    /// The same of embeddings.
    pub vectors: Form,
}

/// What is wished of a body that is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// The upstream's name of the model.
    pub model: &'a str,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// In what the provider departs from Chat Completions.
    pub host: Host,
    /// What becomes of what cannot be said.
    pub unsupported: OnUnsupported,
}

impl Made {
    fn of(body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            dropped: None,
            echo: Arc::default(),
            vectors: Form::default(),
        }
    }

    /// The same without the wish for a stream's usage; `None`: it holds none.
    #[must_use]
    pub(crate) fn without_usage(&self) -> Option<Bytes> {
        const WISH: &[u8] = b",\"stream_options\":{\"include_usage\":true}";
        let at = memchr::memmem::rfind(&self.body, WISH)?;
        let (before, after) = (self.body.get(..at)?, self.body.get(at + WISH.len()..)?);
        Some([before, after].concat().into())
    }
}

/// About how much memory the translation of a text takes, in bytes: the text that is made, and what is noted of each object in it.
#[must_use]
pub(crate) fn room(text: &[u8]) -> usize {
    const PER_OBJECT: usize = 640;
    let objects = memchr::memchr_iter(b'{', text).count();
    text.len()
        .saturating_mul(2)
        .saturating_add(objects.saturating_mul(PER_OBJECT))
}

impl Codec {
    /// Whether a body has to be made of the caller's.
    #[must_use]
    pub(crate) fn makes_body(self, body: &[u8]) -> bool {
        !self.is_identity()
            || self.sent == Operation::Messages && messages::request::may_hold_foreign(body)
            || self.sent == Operation::Responses && responses::request::may_hold_foreign(body)
            || self.sent.names_model_again() && gemini::may_name_model(body)
    }

    /// The body for a provider that speaks as the caller does, where it holds what only others can read.
    fn own(self, body: &[u8], wish: &Wish<'_>) -> Option<Made> {
        if self.sent.names_model_again() {
            return gemini::renamed(body, wish.model).map(Made::of);
        }
        let own = if self.sent == Operation::Messages {
            messages::request::own(body)?
        } else if self.sent == Operation::Responses {
            responses::request::own(body)?
        } else {
            return None;
        };
        let own = Bytes::from(own);
        let edits = parse(&own).ok()?.edits(false);
        let body = edits.upstream_body(&own, wish.model, false).to_bytes();
        Some(Made::of(body))
    }

    /// The body for a provider that speaks another dialect; `None`: the caller's will do.
    ///
    /// # Errors
    /// A sentence about what cannot be asked there.
    pub(crate) fn body(self, body: &[u8], wish: &Wish<'_>) -> Result<Option<Made>, String> {
        if self.embeds() {
            return self.embedding_body(body, wish).map(Some);
        }
        let Some((asked, sent)) = self.formats() else {
            return Ok(self.own(body, wish));
        };
        let conversation = match asked {
            Format::Chat => chat::request::read(body),
            Format::Messages => messages::request::read(body),
            Format::Responses => responses::request::read(body),
            Format::Gemini => gemini::request::read(body),
        };
        let mut conversation = conversation.map_err(|error| error.to_string())?;
        conversation.stream = wish.stream;
        let mut notes = Notes::default();
        let target = Target {
            model: wish.model,
            default_max_output: DEFAULT_MAX_OUTPUT,
        };
        let made = match sent {
            Format::Chat => {
                chat::request::write_for(&conversation, &target, &wish.host, &mut notes)
            }
            Format::Messages => messages::request::write(&conversation, &target, &mut notes),
            Format::Responses => responses::request::write(&conversation, &target, &mut notes),
            Format::Gemini => gemini::request::write(&conversation, &target, &mut notes),
        };
        let made = self::made(made, &notes, wish.unsupported)?;
        Ok(Some(Made {
            echo: Arc::new(self.echo(body)),
            ..made
        }))
    }

    /// What an answer has to know of its request.
    fn echo(self, body: &[u8]) -> Echo {
        if self.asked == Operation::Responses {
            responses::request::echo(body)
        } else {
            Echo::default()
        }
    }
}

/// A body of which these notes tell what was left out.
///
/// # Errors
/// What is missing changes what is asked for, and that is not wanted.
pub(super) fn made(
    body: Vec<u8>,
    notes: &Notes,
    unsupported: OnUnsupported,
) -> Result<Made, String> {
    let essential = list(notes.essential());
    if !essential.is_empty() && unsupported == OnUnsupported::Refuse {
        return Err(essential);
    }
    let dropped = list(notes.all().iter());
    Ok(Made {
        dropped: (!dropped.is_empty()).then(|| dropped.into()),
        ..Made::of(body)
    })
}

/// The words for what was left out: as many as go into a header that every proxy takes, in letters that every reader does.
fn list<'a>(what: impl Iterator<Item = &'a Unsupported>) -> String {
    let plain = |letter: char| match letter {
        '"' | '\\' => '\'',
        ' '..='~' => letter,
        _ => '?',
    };
    let (mut list, mut more) = (String::new(), 0);
    for each in what {
        if list.len() + each.what.len() > MOST_TOLD {
            more += 1;
            continue;
        }
        if !list.is_empty() {
            list.push_str(", ");
        }
        list.extend(each.what.chars().map(plain));
    }
    if more > 0 {
        list.push_str(&format!(", and {more} more"));
    }
    list
}

#[cfg(test)]
mod tests {
    use fairlead_snapshot::Dialect;

    use super::*;

    fn chat_to_anthropic(body: &str, unsupported: OnUnsupported) -> Result<Option<Made>, String> {
        let codec = Codec::new(Operation::Chat, Dialect::Anthropic).unwrap();
        let wish = Wish {
            model: "m",
            stream: true,
            host: Host::STRICT,
            unsupported,
        };
        codec.body(body.as_bytes(), &wish)
    }

    #[test]
    fn what_is_told_of_what_was_left_out_fits_into_a_header() {
        let member = |at| format!(r#","ä\"{at}":{{"a":1}}"#);
        let members: String = (0..1000).map(member).collect();
        let body =
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":"Hi."}}]{members}}}"#);
        let told = chat_to_anthropic(&body, OnUnsupported::Refuse).unwrap_err();
        let made = chat_to_anthropic(&body, OnUnsupported::Drop)
            .unwrap()
            .unwrap();
        for told in [told.as_str(), &made.dropped.unwrap()] {
            assert!(told.len() < 1200, "{}", told.len());
            assert!(
                told.bytes()
                    .all(|byte| (0x20..0x7f).contains(&byte) && byte != b'"'),
                "{told}"
            );
            assert!(told.contains(" more"), "{told}");
        }
    }

    #[test]
    fn a_stream_is_asked_without_its_usage_where_that_is_refused() {
        let codec = Codec::new(Operation::Messages, Dialect::OpenAi).unwrap();
        let wish = Wish {
            model: "m",
            stream: true,
            host: Host::STRICT,
            unsupported: OnUnsupported::Refuse,
        };
        let body = br#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":",\"stream_options\":{\"include_usage\":true}"}]}"#;
        let made = codec.body(body, &wish).unwrap().unwrap();
        let without: serde_json::Value =
            serde_json::from_slice(&made.without_usage().unwrap()).unwrap();
        let with: serde_json::Value = serde_json::from_slice(&made.body).unwrap();
        assert_eq!(with["stream_options"]["include_usage"], true);
        assert_eq!(without.get("stream_options"), None);
        assert_eq!(with["messages"], without["messages"]);
        assert_eq!(without["stream"], true);
    }
}
