//! The body for a provider, where the caller's will not do.

use std::sync::Arc;

use bytes::Bytes;
use fairlead_catalog::Feature;
use fairlead_snapshot::OnUnsupported;
use fairlead_translate::chat::request::Host;
use fairlead_translate::embeddings::Form;
use fairlead_translate::responses::Echo;
use fairlead_translate::{
    Conversation, Grammar, Names, Notes, Target, Unsupported, chat, converse, gemini, messages,
    responses,
};
use fairlead_wire::json::Raw;
use fairlead_wire::openai::request::parse;

use super::Codec;
use crate::facts::Facts;
use crate::surface::{Format, Operation};

/// The output that an answer may have where the dialect demands a limit, the caller names none and nothing is known of the model.
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
    /// What the caller calls the tools that the provider is told another name of.
    pub names: Arc<Names>,
    /// About how many tokens the prompt has; 0: nobody has counted.
    pub estimated_input: u64,
    /// The same of embeddings.
    pub vectors: Form,
}

/// What is wished of a body that is made.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wish<'a> {
    /// The upstream's name of the model.
    pub model: &'a str,
    /// The name of the model that is behind that one.
    pub behind: &'a str,
    /// Whether the answer is streamed.
    pub stream: bool,
    /// In what the provider departs from Chat Completions.
    pub host: Host,
    /// What is known of the model there.
    pub facts: Facts,
    /// What becomes of what cannot be said.
    pub unsupported: OnUnsupported,
}

impl Made {
    /// A body of which nothing is missing.
    pub(crate) fn of(body: impl Into<Bytes>) -> Self {
        Self {
            body: body.into(),
            dropped: None,
            echo: Arc::default(),
            names: Arc::default(),
            estimated_input: 0,
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
    pub(crate) fn makes_body(self, body: &[u8], host: &Host, model: &str) -> bool {
        if !self.is_identity() {
            return true;
        }
        let sent = self.sent;
        if sent == Operation::Chat {
            chat::request::may_hold_foreign(body, host)
        } else if matches!(sent, Operation::Messages | Operation::CountTokens) {
            messages::request::may_hold_foreign(body)
        } else if sent == Operation::Generate {
            gemini::request::may_hold_foreign(body, model)
        } else if sent == Operation::Responses {
            responses::request::may_hold_foreign(body)
        } else {
            sent.names_model_again() && gemini::may_name_model(body)
        }
    }

    /// The body for a provider that speaks as the caller does, where it holds what only others can read.
    fn own(self, body: &[u8], wish: &Wish<'_>) -> Option<Made> {
        let sent = self.sent;
        if sent.names_model_again() {
            return gemini::renamed(body, wish.model).map(Made::of);
        }
        let own = if sent == Operation::Chat {
            chat::request::own(body, &wish.host)
        } else if matches!(sent, Operation::Messages | Operation::CountTokens) {
            messages::request::own(body)
        } else if sent == Operation::Generate {
            gemini::request::own(body, wish.model)
        } else if sent == Operation::Responses {
            responses::request::own(body)
        } else {
            None
        };
        let own = Bytes::from(own?);
        // Of Gemini the path names the model.
        if self.sent == Operation::Generate {
            return Some(Made::of(own));
        }
        let edits = parse(&own).ok()?.edits(self.sent.asks_usage());
        let ask_usage = wish.host.stream_usage;
        let body = edits.upstream_body(&own, wish.model, ask_usage).to_bytes();
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
            // Nobody asks in the words of Converse.
            Format::Chat | Format::Converse => chat::request::read(body),
            Format::Messages => messages::request::read(body),
            Format::Responses => responses::request::read(body),
            Format::Gemini => gemini::request::read(body),
        };
        let mut conversation = conversation.map_err(|error| error.to_string())?;
        conversation.stream = wish.stream;
        let mut notes = Notes::default();
        leave_out(&mut conversation, &wish.facts, &mut notes);
        let estimated_input = conversation.estimated_input();
        let known = wish
            .facts
            .default_max_output(estimated_input, DEFAULT_MAX_OUTPUT);
        let target = Target {
            // Whose it is, not where: Bedrock's path names it.
            model: if sent == Format::Converse {
                wish.behind
            } else {
                wish.model
            },
            default_max_output: known.unwrap_or(DEFAULT_MAX_OUTPUT),
        };
        let names = Names::of(&conversation, grammar(sent));
        names.tell(&mut conversation);
        let made = match sent {
            Format::Chat => {
                chat::request::write_for(&conversation, &target, &wish.host, &mut notes)
            }
            Format::Messages => messages::request::write(&conversation, &target, &mut notes),
            Format::Responses => responses::request::write(&conversation, &target, &mut notes),
            Format::Gemini => gemini::request::write(&conversation, &target, &mut notes),
            Format::Converse => converse::request::write(&conversation, &target, &mut notes),
        };
        let made = self::made(made, &notes, wish.unsupported)?;
        Ok(Some(Made {
            echo: Arc::new(self.echo(body)),
            names: Arc::new(names),
            estimated_input,
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

/// Takes out what the model is known to refuse, so that a request that was meant for another gets an answer.
fn leave_out(conversation: &mut Conversation<'_>, facts: &Facts, notes: &mut Notes) {
    if !facts.supports(Feature::Sampling).is_no() {
        return;
    }
    let usual = |raw: &Raw<'_>| raw.text().parse() == Ok(1.0_f64);
    for (name, member) in [
        ("temperature", &mut conversation.temperature),
        ("top_p", &mut conversation.top_p),
    ] {
        // Who asks for what is so anyway asks for nothing.
        if member.take().is_some_and(|raw| !usual(&raw)) {
            notes.cannot(format!("{name} (this model takes none)"));
        }
    }
    if conversation.top_k.take().is_some() {
        notes.cannot("top_k (this model takes none)");
    }
}

/// What a provider takes as the name of a tool.
fn grammar(sent: Format) -> &'static Grammar {
    match sent {
        Format::Chat | Format::Responses | Format::Converse => &Grammar::OPENAI,
        Format::Messages => &Grammar::ANTHROPIC,
        Format::Gemini => &Grammar::GEMINI,
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
mod tests;
