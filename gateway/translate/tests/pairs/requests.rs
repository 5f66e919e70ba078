//! Requests of every surface, for every dialect.

use fairlead_translate::{Arguments, Block, Content, Conversation, Role, Text, ToolChoice};
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::formats::ALL;
use crate::said::conversation;

/// What a conversation means: neighbours of one side are one turn, and texts that stand together are one.
fn meaning(conversation: &Conversation<'_>) -> Value {
    let texts = |blocks: &[Block<'_>]| -> String {
        let text = |block: &Block<'_>| match &block.content {
            Content::Text(text) => text.unescaped().into_owned(),
            other => panic!("{other:?}"),
        };
        blocks.iter().map(text).collect()
    };
    let mut turns: Vec<(Role, Vec<Value>)> = Vec::new();
    for turn in &conversation.turns {
        if turns.last().is_none_or(|(role, _)| *role != turn.role) {
            turns.push((turn.role, Vec::new()));
        }
        let (_, said) = turns.last_mut().unwrap();
        for block in &turn.blocks {
            said.push(match &block.content {
                Content::Text(text) => json!(text.unescaped()),
                Content::Call {
                    id,
                    name,
                    arguments,
                    ..
                } => json!({"call": id.unescaped(), "name": name.unescaped(), "with": value(arguments)}),
                Content::Result { id, content, .. } => {
                    json!({"result": id.unescaped(), "is": texts(content)})
                }
                other => panic!("{other:?}"),
            });
        }
    }
    let turns: Vec<_> = turns
        .into_iter()
        .map(|(role, said)| json!([format!("{role:?}"), said]))
        .collect();
    let tools: Vec<_> = conversation
        .tools
        .iter()
        .map(|tool| {
            let parameters = tool
                .parameters
                .as_ref()
                .map(fairlead_translate::Value::text);
            let parameters: Value = serde_json::from_str(parameters.unwrap()).unwrap();
            let description = tool.description.as_ref().map(Text::unescaped);
            json!([tool.name.unescaped(), description, parameters])
        })
        .collect();
    let choice = match &conversation.tool_choice {
        Some(ToolChoice::Tool(name)) => json!(name.unescaped()),
        // Of one tool that must be called it is the same.
        Some(ToolChoice::Any) => json!("find"),
        Some(ToolChoice::Auto) | None => json!(null),
        Some(ToolChoice::None) => json!("none"),
    };
    json!({"system": texts(&conversation.system), "turns": turns, "tools": tools, "choice": choice})
}

fn value(arguments: &Arguments<'_>) -> Value {
    let text = match arguments {
        Arguments::Object(raw) => raw.text().to_owned(),
        Arguments::Text(text) => text.unescaped().into_owned(),
    };
    serde_json::from_str(&text).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_conversation_means_the_same_wherever_it_came_from_and_goes_to(conversation in conversation()) {
        let expected = meaning(&conversation);
        for asked in ALL {
            let (body, notes) = asked.write(&conversation);
            prop_assert_eq!(notes.all(), &[]);
            let read = asked.read(&body).unwrap();
            prop_assert_eq!(meaning(&read), expected.clone(), "{:?}", asked);
            for sent in ALL {
                let (body, notes) = sent.write(&read);
                prop_assert_eq!(notes.all(), &[], "{:?} {:?}", asked, sent);
                let again = sent.read(&body).unwrap();
                prop_assert_eq!(meaning(&again), expected.clone(), "{:?} {:?}", asked, sent);
                // The provider's own default of a limit aside, the limit is the caller's.
                prop_assert!(read.max_output.is_none() || again.max_output == read.max_output);
            }
        }
    }

    #[test]
    fn what_comes_later_changes_nothing_before_it(conversation in conversation(), at in any::<prop::sample::Index>()) {
        // Up to a turn of the caller's, as it was asked then.
        let ends: Vec<_> = (0..conversation.turns.len()).filter(|at| conversation.turns[*at].role == Role::User).collect();
        let mut earlier = conversation.clone();
        earlier.turns.truncate(at.get(&ends) + 1);
        for sent in ALL {
            let list = |conversation: &Conversation<'_>| {
                let (body, _) = sent.write(conversation);
                let body: Value = serde_json::from_slice(&body).unwrap();
                let list = ["messages", "input", "contents"].iter().find_map(|name| body[name].as_array().cloned());
                list.unwrap()
            };
            let (before, after) = (list(&earlier), list(&conversation));
            prop_assert_eq!(&before[..], &after[..before.len()], "{:?}", sent);
        }
    }
}
