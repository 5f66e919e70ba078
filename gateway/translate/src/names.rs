//! Names of tools, where a provider's grammar is narrower than what they were made for.
//!
//! A name that does not fit is mapped by itself alone ([`Grammar::name`]), so that the tool, a choice of it and the calls of a history agree. A
//! caller has to be asked to run the tool that it knows: [`Names`] are made with the request, from its own tools, and whatever is read of
//! the answer goes through them on its way to whoever writes it. In the usual case they are empty, and nothing is looked up.

mod grammar;

use std::collections::BTreeMap;

use crate::{Answer, Answered, Block, Content, Conversation, Piece, Text};

pub use grammar::Grammar;
pub(crate) use grammar::{hash, marked};

/// What stands before the name of a tool that a result refers to: it was found, and is loaded (Anthropic's `tool_reference`).
pub(crate) const LOADED: &str = "Tool loaded: ";

/// What a caller calls those of its tools that its provider was told another name of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names {
    /// By what the provider was told.
    own: BTreeMap<String, Text<'static>>,
}

impl Names {
    /// Of a conversation's tools, for a provider with this grammar.
    #[must_use]
    pub fn of(conversation: &Conversation<'_>, grammar: &Grammar) -> Self {
        let mut own = BTreeMap::new();
        for tool in &conversation.tools {
            let told = grammar.name(&tool.name);
            if told.as_written() != tool.name.as_written() {
                let name = tool.name.clone().into_owned();
                own.insert(told.unescaped().into_owned(), name);
            }
        }
        Self { own }
    }

    /// Whether every tool has its own name.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.own.is_empty()
    }

    /// Has the references to tools in a history's results say the names that the provider was told: it knows no others.
    pub fn tell(&self, conversation: &mut Conversation<'_>) {
        if self.is_empty() {
            return;
        }
        let blocks = conversation
            .turns
            .iter_mut()
            .flat_map(|turn| &mut turn.blocks);
        for block in blocks {
            if let Content::Result { content, .. } = &mut block.content {
                content.iter_mut().for_each(|block| self.refer(block));
            }
        }
    }

    fn refer(&self, block: &mut Block<'_>) {
        let Content::Text(text) = &block.content else {
            return;
        };
        let said = text.unescaped();
        let Some(name) = said.strip_prefix(LOADED) else {
            return;
        };
        let told = self.own.iter().find(|(_, own)| **own == name);
        if let Some((told, _)) = told {
            let text = [LOADED, told].concat();
            block.content = Content::Text(Text::plain(&text).into_owned());
        }
    }

    /// A bit of an answer, its call under the caller's name.
    #[must_use]
    pub fn piece<'p>(&'p self, mut piece: Piece<'p>) -> Piece<'p> {
        if !self.is_empty()
            && let Piece::Call { name, .. } = &mut piece
        {
            self.restore(name);
        }
        piece
    }

    /// An answer, its calls under the caller's names.
    #[must_use]
    pub fn answer<'a>(&'a self, mut answer: Answer<'a>) -> Answer<'a> {
        if self.is_empty() {
            return answer;
        }
        let choices = answer.choices.iter_mut();
        for block in choices.flat_map(|choice| &mut choice.blocks) {
            if let Content::Call { name, .. } = &mut block.content {
                self.restore(name);
            }
        }
        answer
    }

    /// What a whole body is, calls under the caller's names.
    #[must_use]
    pub fn answered<'a>(&'a self, answered: Answered<'a>) -> Answered<'a> {
        match answered {
            Answered::Answer(answer) => Answered::Answer(self.answer(answer)),
            other @ (Answered::Error(_) | Answered::Nothing) => other,
        }
    }

    fn restore<'a>(&'a self, name: &mut Text<'a>) {
        if let Some(own) = self.own.get(&*name.unescaped()) {
            *name = own.borrowed();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Arguments, Block, Choice, Tool};

    fn tool(name: &str) -> Tool<'_> {
        Tool {
            name: Text::plain(name),
            description: None,
            parameters: None,
            strict: None,
            cache: None,
        }
    }

    fn call(name: &str) -> Block<'_> {
        let content = Content::Call {
            id: Text::plain("a"),
            name: Text::plain(name),
            arguments: Arguments::Text(Text::default()),
            signature: None,
        };
        content.into()
    }

    #[test]
    fn a_call_comes_back_under_the_name_that_its_caller_gave() {
        let long = "x".repeat(80);
        let conversation = Conversation {
            tools: vec![tool("fits"), tool("a.\"b"), tool(&long)],
            ..Conversation::default()
        };
        let names = Names::of(&conversation, &Grammar::OPENAI);
        for name in ["fits", "a.\"b", &long, "unknown"] {
            let told = Grammar::OPENAI.name(&Text::plain(name)).into_owned();
            let piece = Piece::Call {
                choice: 0,
                call: 0,
                id: None,
                name: told.borrowed(),
                signature: None,
            };
            assert!(matches!(names.piece(piece), Piece::Call { name: own, .. } if own == name));
            let choice = Choice {
                blocks: vec![call(told.as_written())],
                stop: None,
                logprobs: None,
            };
            let answer = names.answer(Answer {
                choices: vec![choice],
                ..Answer::default()
            });
            let block = &answer.choices[0].blocks[0];
            assert!(matches!(&block.content, Content::Call { name: own, .. } if *own == name));
        }
        assert!(!names.is_empty());
    }

    #[test]
    fn references_to_tools_in_a_history_have_the_name_that_the_provider_was_told() {
        let long = "x".repeat(80);
        let body = format!(
            r#"{{"messages":[{{"role":"user","content":[
              {{"type":"tool_result","tool_use_id":"a","content":[{{"type":"tool_reference","tool_name":"{long}"}},{{"type":"tool_reference","tool_name":"fits"}},{{"type":"text","text":"{long}"}}]}},
              {{"type":"text","text":"Tool loaded: {long}"}}]}}],
              "tools":[{{"name":"{long}","input_schema":{{}}}},{{"name":"fits","input_schema":{{}}}}]}}"#
        );
        let mut conversation = crate::messages::request::read(body.as_bytes()).unwrap();
        Names::of(&conversation, &Grammar::OPENAI).tell(&mut conversation);
        let told = Grammar::OPENAI.name(&Text::plain(&long)).into_owned();
        let blocks = &conversation.turns[0].blocks;
        let Content::Result { content, .. } = &blocks[0].content else {
            panic!("{blocks:?}");
        };
        let said = |block: &Block<'_>| {
            let Content::Text(text) = &block.content else {
                panic!("{block:?}");
            };
            text.unescaped().into_owned()
        };
        let told = format!("Tool loaded: {}", told.as_written());
        assert_eq!(said(&content[0]), told);
        assert_eq!(said(&content[1]), "Tool loaded: fits");
        // What else is said is the caller's own.
        assert_eq!(said(&content[2]), long);
        assert_eq!(said(&blocks[1]), format!("Tool loaded: {long}"));
    }

    #[test]
    fn names_that_fit_are_not_looked_up() {
        let conversation = Conversation {
            tools: vec![tool("find_1-a")],
            ..Conversation::default()
        };
        for grammar in [Grammar::OPENAI, Grammar::ANTHROPIC, Grammar::GEMINI] {
            assert!(Names::of(&conversation, &grammar).is_empty());
        }
    }
}
