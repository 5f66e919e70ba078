//! What a request needs of a model, as conditions ask for it: found by reading all of its conversation, once, and only when a condition asks.
//!
//! A condition may be what keeps a request where it has to stay, so that what cannot be told is told: a conversation that cannot be read, a part of
//! an unknown kind, a file that nobody says the type of. The words that `codec::needs` looks for first are not looked for here: JSON can spell
//! any word in many ways.

use std::cell::OnceCell;

use fairlead_condition::Need;
use fairlead_translate::{Block, Content, Conversation, Effort, Format as Form, Media};
use fairlead_wire::json::{Kind, Object};
use fairlead_wire::openai::request::Request;

use crate::codec::conversation;
use crate::surface::{Format, Operation};

/// What is needed, once somebody has asked.
#[derive(Debug, Default)]
pub(crate) struct Needed(OnceCell<Found>);

/// What was found: each need that is there, and those that may be.
#[derive(Debug, Default, Clone, Copy)]
struct Found {
    there: u8,
    unknown: u8,
}

impl Found {
    const UNKNOWN: Self = Self {
        there: 0,
        unknown: u8::MAX,
    };

    fn bit(need: Need) -> u8 {
        1 << need as u8
    }

    fn note(&mut self, need: Need, so: bool) {
        self.there |= if so { Self::bit(need) } else { 0 };
    }

    fn doubt(&mut self, needs: &[Need]) {
        self.unknown |= needs.iter().fold(0, |bits, need| bits | Self::bit(*need));
    }

    fn get(self, need: Need) -> Option<bool> {
        let is = |bits: u8| bits & Self::bit(need) != 0;
        if is(self.there) {
            return Some(true);
        }
        (!is(self.unknown)).then_some(false)
    }
}

impl Found {
    /// Adds what stands outside of what a conversation is read into, and goes to its target all the same.
    fn see_others(&mut self, object: &Object<'_>, asked: &Conversation<'_>) {
        // A search of the host's own, functions as they once were, and tools that the choice of a tool leaves out.
        let given = |name: &&str| {
            let text = object.get(name).map(|member| object.text(member).trim());
            text.is_some_and(|text| text != "null" && !is_empty_list(text))
        };
        self.note(Need::Tools, ["tools", "functions"].iter().any(given));
        for other in &asked.others {
            let name = &other.name;
            if name.starts_with("cachedContent") || name.starts_with("cached_content") {
                // What lies there nobody sees.
                self.unknown = u8::MAX;
            } else if name.to_ascii_lowercase().contains("modalities") {
                self.doubt(&MEDIA);
            }
        }
    }
}

fn is_empty_list(text: &str) -> bool {
    let inner = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    inner.is_some_and(|inner| inner.trim().is_empty())
}

impl Needed {
    /// Whether a request needs something; `None`: it cannot be told.
    pub(crate) fn get(
        &self,
        need: Need,
        operation: Operation,
        request: &Request<'_>,
    ) -> Option<bool> {
        self.0.get_or_init(|| look(operation, request)).get(need)
    }
}

/// Media, of which a part of an unknown kind may be one.
const MEDIA: [Need; 3] = [Need::Images, Need::Pdf, Need::Audio];

fn look(operation: Operation, request: &Request<'_>) -> Found {
    let mut found = Found::default();
    match operation {
        Operation::ImageEdits | Operation::ImageVariations => found.note(Need::Images, true),
        Operation::Transcriptions | Operation::Translations => found.note(Need::Audio, true),
        Operation::Chat
        | Operation::Messages
        | Operation::Responses
        | Operation::Generate
        | Operation::CountTokens
        | Operation::CountGemini => return of_conversation(operation, request),
        Operation::Completions
        | Operation::Embeddings
        | Operation::EmbedContent
        | Operation::BatchEmbedContents
        | Operation::Predict
        | Operation::ImageGenerations
        | Operation::Speech
        | Operation::Moderations
        | Operation::Rerank
        | Operation::Converse
        | Operation::Passthrough => {
            if !is_plain(operation, request) {
                return Found::UNKNOWN;
            }
        }
    }
    found
}

/// Whether what the caller wrote is text, or a list of texts or numbers.
fn is_plain(operation: Operation, request: &Request<'_>) -> bool {
    let object = &request.object;
    operation.content_members().iter().all(|name| {
        let Ok(member) = object.read(name) else {
            return false;
        };
        member.is_none_or(|raw| match raw.kind() {
            Kind::Object => false,
            // An object in a list is one with a brace; a brace in a text makes it unknown, which is no harm.
            Kind::Array => !raw.text().contains('{'),
            Kind::Null | Kind::Bool(_) | Kind::Number | Kind::String => true,
        })
    })
}

fn of_conversation(operation: Operation, request: &Request<'_>) -> Found {
    let object = &request.object;
    // Some readers take a member in other letters for the one that is meant.
    let members = operation.content_members().iter();
    let ambiguous = members.clone().any(|name| object.read(name).is_err());
    let format = if operation == Operation::CountTokens {
        Some(Format::Messages)
    } else if operation == Operation::CountGemini {
        let whole = object.get("generateContentRequest").is_some();
        (!whole).then_some(Format::Gemini)
    } else {
        operation.format()
    };
    let read = format
        .filter(|_| !ambiguous)
        .and_then(|format| conversation(object.body(), format));
    read.map_or(Found::UNKNOWN, |asked| {
        let mut found = of(&asked);
        found.see_others(object, &asked);
        found
    })
}

fn of(asked: &Conversation<'_>) -> Found {
    let mut found = Found::default();
    found.note(Need::Tools, !asked.tools.is_empty());
    found.note(
        Need::Schema,
        matches!(asked.format, Some(Form::Schema { .. })),
    );
    found.note(
        Need::Reasoning,
        asked.reasoning.as_ref().is_some_and(|reasoning| {
            let some = reasoning
                .effort
                .is_some_and(|effort| effort != Effort::None);
            some || reasoning.adaptive || reasoning.budget.is_some_and(|budget| budget > 0)
        }),
    );
    let turns = asked.turns.iter().flat_map(|turn| &turn.blocks);
    for block in asked.system.iter().chain(turns) {
        see(block, &mut found);
    }
    found
}

fn see(block: &Block<'_>, found: &mut Found) {
    match &block.content {
        Content::Image(_) => found.note(Need::Images, true),
        Content::Audio(_) => found.note(Need::Audio, true),
        Content::File(media) => see_file(media, found),
        Content::Result { content, .. } => content.iter().for_each(|block| see(block, found)),
        Content::Other(_) => found.doubt(&MEDIA),
        Content::Text(_)
        | Content::Refusal(_)
        | Content::Reasoning { .. }
        | Content::Redacted(_)
        | Content::Call { .. } => {}
    }
}

/// A file is what it is said to be; where nothing is said it may be anything.
fn see_file(media: &Media<'_>, found: &mut Found) {
    let said = media.media_type.as_ref().map(|said| said.unescaped());
    match said.as_deref() {
        Some("application/pdf") => found.note(Need::Pdf, true),
        Some(said) if said.starts_with("image/") => found.note(Need::Images, true),
        Some(said) if said.starts_with("audio/") => found.note(Need::Audio, true),
        Some(said) if said.starts_with("text/") => {}
        Some(_) | None => found.doubt(&MEDIA),
    }
}

#[cfg(test)]
mod tests {
    use fairlead_wire::openai::request::parse;

    use super::*;

    /// The needs that are there, then those of which nobody can tell.
    fn needed(operation: Operation, body: &str) -> (String, String) {
        let request = parse(body.as_bytes()).unwrap();
        let needed = Needed::default();
        let that_are = |wanted: Option<bool>| {
            let all = Need::ALL.into_iter();
            let found = all.filter(|need| needed.get(*need, operation, &request) == wanted);
            found.map(Need::as_str).collect::<Vec<_>>().join(" ")
        };
        (that_are(Some(true)), that_are(None))
    }

    const EVERYTHING: &str = "images pdf audio tools schema reasoning";

    #[test]
    fn what_is_needed_is_found_and_what_is_spelt_otherwise_is_not_taken_for_nothing() {
        let said = |part: &str| {
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":[{part}]}}]}}"#)
        };
        let more = |members: &str| {
            format!(r#"{{"model":"m","messages":[{{"role":"user","content":"a"}}],{members}}}"#)
        };
        for (body, there, unknown) in [
            (said(r#"{"type":"text","text":"An image, a pdf."}"#), "", ""),
            (
                said(r#"{"type":"image_url","image_url":{"url":"https://a/b"}}"#),
                "images",
                "",
            ),
            (
                said(r#"{"typ\u0065":"\u0069mage_url","image_url":{"url":"https://a/b"}}"#),
                "",
                "images pdf audio",
            ),
            (
                said(r#"{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}"#),
                "audio",
                "",
            ),
            (
                said(r#"{"type":"video_url","video_url":{"url":"https://a/b"}}"#),
                "",
                "images pdf audio",
            ),
            (
                said(r#"{"type":"file","file":{"file_id":"f"}}"#),
                "",
                "images pdf audio",
            ),
            (
                more(r#""tools":[{"type":"function","function":{"name":"f"}}]"#),
                "tools",
                "",
            ),
            (
                more(
                    r#""response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{"type":"object"}}}"#,
                ),
                "schema",
                "",
            ),
            (more(r#""reasoning_effort":"high""#), "reasoning", ""),
            (more(r#""reasoning_effort":"none""#), "", ""),
            (r#"{"model":"m","messages":5}"#.to_owned(), "", EVERYTHING),
        ] {
            let found = needed(Operation::Chat, &body);
            assert_eq!(
                (found.0.as_str(), found.1.as_str()),
                (there, unknown),
                "{body}"
            );
        }
    }

    #[test]
    fn what_a_conversation_has_no_word_for_is_needed_all_the_same() {
        use Operation as O;
        let chat = r#"{"model":"m","messages":[{"role":"user","content":"a"}]"#;
        let messages = r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"a"}]"#;
        let responses = r#"{"model":"m","input":"a""#;
        let gemini = r#"{"model":"m","contents":[{"parts":[{"text":"a"}]}]"#;
        let allowed = r#""tools":[{"type":"function","name":"f","parameters":{}}],"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"g"}]}"#;
        let search = r#""tools":[{"type":"web_search_20250305","name":"web_search"}]"#;
        for (operation, begun, members, there, unknown) in [
            (O::Chat, chat, r#""functions":[{"name":"f"}]"#, "tools", ""),
            (O::Chat, chat, r#""tools":[ ]"#, "", ""),
            (
                O::Chat,
                chat,
                r#""modalities":["text","audio"]"#,
                "",
                "images pdf audio",
            ),
            (O::Messages, messages, search, "tools", ""),
            (
                O::Responses,
                responses,
                r#""tools":[{"type":"web_search"}]"#,
                "tools",
                "",
            ),
            (O::Responses, responses, allowed, "tools", ""),
            (
                O::Generate,
                gemini,
                r#""tools":[{"googleSearch":{}}]"#,
                "tools",
                "",
            ),
            (
                O::Generate,
                gemini,
                r#""cachedContent":"cachedContents/1""#,
                "",
                EVERYTHING,
            ),
        ] {
            let body = format!("{begun},{members}}}");
            let found = needed(operation, &body);
            assert_eq!(
                (found.0.as_str(), found.1.as_str()),
                (there, unknown),
                "{body}"
            );
        }
    }

    #[test]
    fn every_operation_is_told_or_not_told() {
        let image = r#"[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]}]"#;
        let messages = format!(r#"{{"model":"m","messages":{image}}}"#);
        let thinking = r#"{"model":"m","max_tokens":9000,"thinking":{"type":"enabled","budget_tokens":2000},"messages":[{"role":"user","content":"a"}]}"#;
        let parts = r#"{"model":"m","contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}]}"#;
        for (operation, body, there, unknown) in [
            (Operation::Messages, messages.as_str(), "images", ""),
            (Operation::CountTokens, &messages, "images", ""),
            (Operation::Messages, thinking, "reasoning", ""),
            (Operation::Generate, parts, "images", ""),
            (Operation::CountGemini, parts, "images", ""),
            (
                Operation::CountGemini,
                r#"{"model":"m","generateContentRequest":{}}"#,
                "",
                EVERYTHING,
            ),
            (
                Operation::Responses,
                r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":"https://a/b"}]}],"reasoning":{"effort":"low"}}"#,
                "images reasoning",
                "",
            ),
            (
                Operation::Responses,
                r#"{"model":"m","input":"a {"}"#,
                "",
                "",
            ),
            (
                Operation::Embeddings,
                r#"{"model":"m","input":["a","b"]}"#,
                "",
                "",
            ),
            (
                Operation::Embeddings,
                r#"{"model":"m","input":[{"image":"A"}]}"#,
                "",
                EVERYTHING,
            ),
            (
                Operation::Embeddings,
                r#"{"model":"m","input":"a {"}"#,
                "",
                "",
            ),
            (Operation::ImageEdits, r#"{"model":"m"}"#, "images", ""),
            (Operation::Transcriptions, r#"{"model":"m"}"#, "audio", ""),
            (Operation::Speech, r#"{"model":"m","input":"a"}"#, "", ""),
        ] {
            let found = needed(operation, body);
            assert_eq!(
                (found.0.as_str(), found.1.as_str()),
                (there, unknown),
                "{operation:?} {body}"
            );
        }
    }
}
