//! About how long a prompt is, for callers who are told before the provider does.
//!
//! Clients of Anthropic's show, and compact by, the input that the start of a stream tells; most others tell it at the end.

use crate::{Arguments, Block, Content, Conversation, Text, Value};

/// English prose, code and JSON have about so many bytes a token, whoever cuts them.
const BYTES_PER_TOKEN: usize = 4;
/// What an image, a file or a sound may come to, for its bytes say nothing of its tokens.
const PER_MEDIUM: usize = 1000 * BYTES_PER_TOKEN;

impl Conversation<'_> {
    /// About how many tokens its prompt has: never none.
    #[must_use]
    pub fn estimated_input(&self) -> u64 {
        let turns = self.turns.iter().flat_map(|turn| &turn.blocks);
        let said: usize = self.system.iter().chain(turns).map(length).sum();
        let tools: usize = self
            .tools
            .iter()
            .map(|tool| {
                let described = tool.description.as_ref().map_or(0, of);
                let parameters = tool.parameters.as_ref().map_or("", Value::text);
                of(&tool.name) + described + parameters.len()
            })
            .sum();
        u64::try_from((said + tools).div_ceil(BYTES_PER_TOKEN).max(1)).unwrap_or(u64::MAX)
    }
}

fn of(text: &Text<'_>) -> usize {
    text.as_written().len()
}

fn length(block: &Block<'_>) -> usize {
    match &block.content {
        Content::Text(text) | Content::Refusal(text) | Content::Reasoning { text, .. } => of(text),
        Content::Image(_) | Content::File(_) | Content::Audio(_) => PER_MEDIUM,
        Content::Call {
            name, arguments, ..
        } => {
            let arguments = match arguments {
                Arguments::Object(raw) => raw.text().len(),
                Arguments::Text(text) => of(text),
            };
            of(name) + arguments
        }
        Content::Result { content, .. } => content.iter().map(length).sum(),
        Content::Redacted(_) | Content::Other(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use crate::messages::request::read;

    #[test]
    fn a_prompt_is_about_as_long_as_its_texts() {
        let estimate = |body: String| read(body.as_bytes()).unwrap().estimated_input();
        let words = "word ".repeat(800);
        let text = format!(r#"{{"messages":[{{"role":"user","content":"{words}"}}]}}"#);
        assert_eq!(estimate(text), 1000);
        let image =
            r#"{"type":"image","source":{"type":"base64","media_type":"image/png","data":"AAAA"}}"#;
        let image = format!(r#"{{"messages":[{{"role":"user","content":[{image}]}}]}}"#);
        assert_eq!(estimate(image), 1000);
        assert_eq!(estimate(r#"{"messages":[]}"#.to_owned()), 1);
    }
}
