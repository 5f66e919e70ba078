//! What a request needs of a model that not every model can do.
//!
//! Looked at only where a target of it is known to lack something: first for words without which there is no need, then by reading the request.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};

use fairlead_catalog::Feature;
use fairlead_translate::{Block, Content, Conversation, Format as Form, Media};
use fairlead_translate::{chat, gemini, messages, responses};
use memchr::memmem;

use crate::surface::Format;

/// What is looked for.
pub(crate) const ABILITIES: [Feature; 5] = [
    Feature::Images,
    Feature::Pdf,
    Feature::Audio,
    Feature::Tools,
    Feature::Schema,
];

/// What of the [`ABILITIES`] a request needs, or a model lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Needs(u8);

/// What a request was found to need, once somebody had to look. A byte, for every future of a request holds it.
#[derive(Debug, Default)]
pub(crate) struct Found(AtomicU8);

impl Found {
    const LOOKED: u8 = 1 << 7;

    /// What was found; `None`: nobody has looked.
    #[must_use]
    pub(crate) fn get(&self) -> Option<Needs> {
        let bits = self.0.load(Ordering::Relaxed);
        (bits & Self::LOOKED != 0).then_some(Needs(bits & !Self::LOOKED))
    }

    /// Keeps what was found.
    pub(crate) fn set(&self, needs: Needs) {
        self.0.store(needs.0 | Self::LOOKED, Ordering::Relaxed);
    }
}

impl Needs {
    /// Those of the abilities for which this holds.
    #[must_use]
    pub(crate) fn where_so(so: impl Fn(Feature) -> bool) -> Self {
        let bits = ABILITIES.iter().enumerate();
        Self(bits.fold(0, |bits, (at, feature)| bits | u8::from(so(*feature)) << at))
    }

    /// Whether there are none.
    #[must_use]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// What is in both.
    #[must_use]
    pub(crate) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// Whether a request may need any of them: it has the words.
    #[must_use]
    pub(crate) fn may_be_in(self, body: &[u8]) -> bool {
        let has = |word: &&str| memmem::find(body, word.as_bytes()).is_some();
        self.all().any(|feature| signs(feature).iter().any(has))
    }

    /// What a request needs. One that cannot be read needs nothing: its provider will say what is wrong with it.
    #[must_use]
    pub(crate) fn of(body: &[u8], format: Format) -> Self {
        conversation(body, format).map_or(Self::default(), |asked| {
            Self::where_so(|feature| needs(&asked, feature))
        })
    }

    fn all(self) -> impl Iterator<Item = Feature> {
        let all = ABILITIES.iter().enumerate();
        all.filter(move |(at, _)| self.0 >> at & 1 == 1)
            .map(|(_, feature)| *feature)
    }
}

/// What a request says; `None`: it cannot be read.
#[must_use]
pub(crate) fn conversation(body: &[u8], format: Format) -> Option<Conversation<'_>> {
    match format {
        Format::Chat => chat::request::read(body).ok(),
        Format::Messages => messages::request::read(body).ok(),
        Format::Responses => responses::request::read(body).ok(),
        Format::Gemini => gemini::request::read(body).ok(),
        // Nobody asks in the words of Converse.
        Format::Converse => None,
    }
}

/// By the names that `supports` and `lacks` of an LLMProvider's models have for them: `images, tools`.
impl fmt::Display for Needs {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.all().map(Feature::name).collect();
        to.write_str(&names.join(", "))
    }
}

/// Words one of which stands in every request that needs this, in whatever format.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not looked for has no words"
)]
fn signs(feature: Feature) -> &'static [&'static str] {
    match feature {
        Feature::Images => &["image"],
        Feature::Pdf => &["pdf"],
        Feature::Audio => &["audio"],
        Feature::Tools => &["\"tools\"", "\"functions\""],
        Feature::Schema => &["schema", "Schema"],
        _ => &[],
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all else that is looked for stands in what is said"
)]
fn needs(asked: &Conversation<'_>, feature: Feature) -> bool {
    match feature {
        Feature::Tools => !asked.tools.is_empty(),
        Feature::Schema => matches!(asked.format, Some(Form::Schema { .. })),
        _ => {
            let turns = asked.turns.iter().flat_map(|turn| &turn.blocks);
            asked
                .system
                .iter()
                .chain(turns)
                .any(|block| shows(block, feature))
        }
    }
}

/// Whether a block, or what is in it, is a medium of this kind.
fn shows(block: &Block<'_>, feature: Feature) -> bool {
    match &block.content {
        Content::Image(_) => feature == Feature::Images,
        Content::Audio(_) => feature == Feature::Audio,
        Content::File(media) => feature == Feature::Pdf && is_pdf(media),
        Content::Result { content, .. } => content.iter().any(|block| shows(block, feature)),
        Content::Text(_)
        | Content::Refusal(_)
        | Content::Reasoning { .. }
        | Content::Redacted(_)
        | Content::Call { .. }
        | Content::Other(_) => false,
    }
}

/// Of files only these need eyes; a text is read by every model.
fn is_pdf(media: &Media<'_>) -> bool {
    let said = media.media_type.as_ref();
    said.is_some_and(|said| &*said.unescaped() == "application/pdf")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(format: Format, body: &str) -> Vec<Feature> {
        Needs::of(body.as_bytes(), format).all().collect()
    }

    #[test]
    fn a_request_needs_what_is_in_it() {
        use Feature::{Audio, Images, Pdf, Schema, Tools};
        for (format, body, needs) in [
            (
                Format::Chat,
                r#"{"model":"m","messages":[{"role":"user","content":"An image_url, tools and audio."}]}"#,
                vec![],
            ),
            (
                Format::Chat,
                r#"{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"https://a/b.png"}},{"type":"input_audio","input_audio":{"data":"AAAA","format":"wav"}}]}]}"#,
                vec![Images, Audio],
            ),
            (
                Format::Chat,
                r#"{"model":"m","tools":[{"type":"function","function":{"name":"f"}}],"response_format":{"type":"json_schema","json_schema":{"name":"s","schema":{"type":"object"}}},"messages":[{"role":"user","content":"a"}]}"#,
                vec![Tools, Schema],
            ),
            (
                Format::Messages,
                r#"{"model":"m","max_tokens":1,"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}]},{"type":"document","source":{"type":"base64","media_type":"application/pdf","data":"AAAA"}}]}]}"#,
                vec![Images, Pdf],
            ),
            (
                Format::Responses,
                r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":"https://a/b.png"}]}]}"#,
                vec![Images],
            ),
            (
                Format::Gemini,
                r#"{"contents":[{"parts":[{"inlineData":{"mimeType":"image/png","data":"AAAA"}}]}]}"#,
                vec![Images],
            ),
            (Format::Chat, "image", vec![]),
        ] {
            assert_eq!(of(format, body), needs, "{body}");
            let found = Needs::of(body.as_bytes(), format);
            assert!(
                found.is_empty() || found.may_be_in(body.as_bytes()),
                "{body}"
            );
        }
    }

    #[test]
    fn they_are_named_as_in_resources() {
        let named = Needs::where_so(|_| true).to_string();
        assert_eq!(named, "images, pdf, audio, tools, schema");
    }

    #[test]
    fn nothing_is_read_without_a_sign_of_need() {
        let eyes = Needs::where_so(|feature| feature == Feature::Images);
        let body = br#"{"model":"m","tools":[],"messages":[{"role":"user","content":"A text."}]}"#;
        assert!(!eyes.may_be_in(body));
        assert!(Needs::where_so(|_| true).may_be_in(body));
        assert!(!Needs::default().may_be_in(body));
    }
}
