//! What is said: the blocks of a message, of the system prompt, of a tool's result.

use std::borrow::Cow;

use fairlead_json::{JsonError, Kind, Limits, Raw, Scanner};

use super::{At, Reader};
use crate::messages::block::{Members, arguments, cache, words};
use crate::messages::signature::{Returned, returned};
use crate::names::LOADED;
use crate::{Block, Content, Media, Signature, Source, Text};

impl<'a> Reader<'a> {
    pub(super) fn system(&mut self, scanner: &mut Scanner<'a>) -> Result<(), JsonError> {
        match scanner.peek() {
            Some(b'"' | b'[') => {
                let mut at = 0;
                // The blocks of the system prompt stand in a list of their own.
                self.conversation.system = self.blocks(scanner, || {
                    at += 1;
                    At::new("system", at - 1)
                })?;
                Ok(())
            }
            Some(b'n') => scanner.skip(),
            _ => {
                self.wrong("system", "", "a string or an array of blocks");
                scanner.skip()
            }
        }
    }

    /// The content of a message or of a result.
    pub(super) fn content(
        &mut self,
        scanner: &mut Scanner<'a>,
        place: At,
    ) -> Result<Vec<Block<'a>>, JsonError> {
        if !matches!(scanner.peek(), Some(b'"' | b'[')) {
            self.wrong(place, ".content", "a string or an array of blocks");
            scanner.skip()?;
            return Ok(Vec::new());
        }
        let mut at = 0;
        self.blocks(scanner, || {
            at += 1;
            place.block(at - 1)
        })
    }

    /// A text, or blocks. The empty text is no block.
    fn blocks(
        &mut self,
        scanner: &mut Scanner<'a>,
        mut next: impl FnMut() -> At,
    ) -> Result<Vec<Block<'a>>, JsonError> {
        let mut blocks = Vec::new();
        if scanner.peek() == Some(b'"') {
            let value = scanner.value()?;
            let text = words(Some(scanner.found(&value)));
            blocks.extend(text.map(|text| Block::from(Content::Text(text))));
            return Ok(blocks);
        }
        let mut of_next_call = None;
        scanner.array(|scanner| {
            let at = next();
            match Members::scan(scanner)? {
                Some(members) => {
                    let content = self.block(&members, at, &mut of_next_call)?;
                    blocks.extend(content.map(|content| Block {
                        content,
                        cache: cache(members.cache_control),
                    }));
                }
                None => self.wrong(at, "", "an object"),
            }
            Ok(())
        })?;
        Ok(blocks)
    }

    /// A block. Nothing comes of one that only carries the signature of the call after it, and of one that is wrong.
    fn block(
        &mut self,
        members: &Members<'a>,
        at: At,
        of_next_call: &mut Option<Signature<'a>>,
    ) -> Result<Option<Content<'a>>, JsonError> {
        let Some(kind) = members.kind.and_then(Text::of) else {
            self.wrong(at, ".type", "a string");
            return Ok(None);
        };
        let kind = kind.unescaped();
        Ok(match &*kind {
            "text" => {
                if members
                    .citations
                    .is_some_and(|citations| citations.count() > 0)
                {
                    self.other_once("messages[].content[].citations", false);
                }
                self.needed(members.text, at, ".text").map(Content::Text)
            }
            "thinking" => {
                let text = self.needed(members.thinking, at, ".thinking");
                let signature = words(members.signature).map(|value| returned(&value));
                text.map(|text| Content::Reasoning {
                    text,
                    signature: match signature {
                        Some(Returned::Thought(signature)) => Some(signature),
                        Some(Returned::Call(_) | Returned::Unsigned) | None => None,
                    },
                })
            }
            "redacted_thinking" => {
                let data = self.needed(members.data, at, ".data");
                match data.map(|data| returned(&data)) {
                    Some(Returned::Thought(data)) => Some(Content::Redacted(data)),
                    Some(Returned::Call(signature)) => {
                        *of_next_call = Some(signature);
                        None
                    }
                    Some(Returned::Unsigned) | None => None,
                }
            }
            "tool_use" => self.call(members, at, of_next_call.take()),
            "tool_result" if at.inner.is_none() => self.result(members, at)?,
            // All tools are loaded where there is no search for them: what was found is said.
            "tool_reference" if at.inner.is_some() => {
                let name = self.needed(members.tool_name, at, ".tool_name");
                name.map(|name| {
                    let text = [LOADED, name.as_written()].concat();
                    Content::Text(Text::escaped(text))
                })
            }
            "image" => self.media(members, at).map(Content::Image),
            "document" => self.document(members, at),
            "search_result" => Some(self.found(members)),
            _ => Some(Content::Other(Cow::Owned(kind.into_owned()))),
        })
    }

    fn call(
        &mut self,
        members: &Members<'a>,
        at: At,
        signature: Option<Signature<'a>>,
    ) -> Option<Content<'a>> {
        let id = self.needed(members.id, at, ".id");
        let name = self.needed(members.name, at, ".name");
        let arguments = arguments(members.input);
        if arguments.is_none() {
            self.wrong(at, ".input", "an object");
        }
        Some(Content::Call {
            id: id?,
            name: name?,
            arguments: arguments?,
            signature,
        })
    }

    fn result(&mut self, members: &Members<'a>, at: At) -> Result<Option<Content<'a>>, JsonError> {
        let id = self.needed(members.tool_use_id, at, ".tool_use_id");
        let content = match members.content {
            None => Vec::new(),
            Some(raw) => {
                let mut scanner = Scanner::over(raw.text().as_bytes(), &Limits::default())?;
                self.content(&mut scanner, at)?
            }
        };
        let is_error = members
            .is_error
            .and_then(|value| self.flag(value, format_args!("{at}.is_error")))
            .unwrap_or_default();
        Ok(id.map(|id| Content::Result {
            id,
            content,
            is_error,
        }))
    }

    fn document(&mut self, members: &Members<'a>, at: At) -> Option<Content<'a>> {
        if members.context.is_some() {
            self.other_once("messages[].content[].context", true);
        }
        self.cited(members);
        let listed = |source: Raw<'a>| {
            let content = source.member("content").ok().flatten();
            content.filter(|content| content.kind() == Kind::Array)
        };
        if let Some(list) = members.source.and_then(listed) {
            return Some(match texts(list) {
                Some(texts) => Content::File(Media {
                    source: Source::Text(Text::joined(&texts, "\n")),
                    media_type: None,
                    name: words(members.title),
                    detail: None,
                }),
                None => Content::Other(Cow::Borrowed("document")),
            });
        }
        self.media(members, at).map(Content::File)
    }

    /// What a search has found, as a text: what it is called, where it is, and what it says.
    fn found(&mut self, members: &Members<'a>) -> Content<'a> {
        self.cited(members);
        let Some(said) = members.content.and_then(texts) else {
            return Content::Other(Cow::Borrowed("search_result"));
        };
        let head = [words(members.title), words(members.source)];
        let all: Vec<_> = head.into_iter().flatten().chain(said).collect();
        Content::Text(Text::joined(&all, "\n"))
    }

    /// That an answer is to say where it has something from is asked for in this format only.
    fn cited(&mut self, members: &Members<'a>) {
        let cites = members.citations.and_then(|citations| {
            let enabled = citations.member("enabled").ok().flatten();
            enabled.filter(|enabled| enabled.kind() == Kind::Bool(true))
        });
        if cites.is_some() {
            self.other_once("messages[].content[].citations.enabled", true);
        }
    }

    fn media(&mut self, members: &Members<'a>, at: At) -> Option<Media<'a>> {
        let (mut kind, mut media_type, mut what) = (None, None, None);
        if let Some(source) = members.source {
            source.each_member(|name, value| match &*name {
                "type" => kind = Text::of(value),
                "media_type" => media_type = words(Some(value)),
                "data" | "url" | "file_id" | "content" => what = Text::of(value),
                _ => {}
            });
        }
        let source = match (kind.as_ref().map(Text::unescaped).as_deref(), what) {
            (Some("base64"), Some(data)) => Source::Base64(data),
            (Some("text" | "content"), Some(text)) => Source::Text(text),
            (Some("url"), Some(url)) => Source::Url(url),
            (Some("file"), Some(id)) => Source::Id(id),
            _ => {
                self.wrong(at, ".source", "a source of type base64, url, text or file");
                return None;
            }
        };
        Some(Media {
            source,
            media_type,
            name: words(members.title),
            detail: None,
        })
    }

    /// A string without which a block is none; it may be empty.
    fn needed(&mut self, member: Option<Raw<'a>>, at: At, name: &str) -> Option<Text<'a>> {
        let text = member.and_then(Text::of);
        if text.is_none() {
            self.wrong(at, name, "a string");
        }
        text
    }
}

/// The texts of a list that holds nothing else, and not none.
fn texts(list: Raw<'_>) -> Option<Vec<Text<'_>>> {
    let mut texts = Some(Vec::new());
    list.each_element(|block| {
        let members = Members::of(block);
        let text = members.text.and_then(Text::of);
        match (&mut texts, text) {
            (Some(texts), Some(text)) => texts.push(text),
            _ => texts = None,
        }
    });
    texts.filter(|texts| !texts.is_empty())
}
