//! An answer for a caller.

use crate::chat::{stop, thought, usage};
use crate::write::Json;
use crate::{Answer, Block, Choice, Content, Head, Stop, Text};

/// An answer in the surface's shape.
#[must_use]
pub fn write(answer: &Answer<'_>, head: &Head<'_>) -> Vec<u8> {
    let mut json = Json::with_capacity(1024);
    json.object(|json| {
        json.key("id").text(&id(answer.id.as_ref(), head));
        json.key("object").str("chat.completion");
        json.key("created").number(head.created);
        match answer.model.as_ref().filter(|model| !model.is_empty()) {
            Some(model) => json.key("model").text(model),
            None => json.key("model").str(head.model),
        }
        json.key("choices").array(|json| {
            for (choice, at) in answer.choices.iter().zip(0_u64..) {
                write_choice(json, choice, at, head);
            }
        });
        if let Some(tier) = answer.usage.as_ref().and_then(usage::tier) {
            json.key("service_tier").str(tier);
        }
        if let Some(used) = &answer.usage {
            usage::write(json.key("usage"), used);
        }
    });
    json.finish()
}

/// The provider's id, which may be any, or one of ours.
pub(in crate::chat) fn id(id: Option<&Text<'_>>, head: &Head<'_>) -> Text<'static> {
    match id.filter(|id| !id.is_empty()) {
        Some(id) => id.clone().into_owned(),
        None => Text::plain(&format!("chatcmpl-{}", head.id)).into_owned(),
    }
}

/// An id for a call that has none.
pub(in crate::chat) fn call_id(head_id: &str, choice: u64, call: u64) -> Text<'static> {
    Text::plain(&format!("call_{head_id}_{choice}_{call}")).into_owned()
}

fn write_choice(json: &mut Json, choice: &Choice<'_>, at: u64, head: &Head<'_>) {
    let calls = choice.blocks.iter().any(is_call);
    json.object(|json| {
        json.key("index").number(at);
        json.key("message").object(|json| {
            json.key("role").str("assistant");
            write_said(json, choice, calls);
            if calls {
                json.key("tool_calls").array(|json| {
                    let calls = choice.blocks.iter().filter(|block| is_call(block));
                    for (call, number) in calls.zip(0_u64..) {
                        let minted = call_id(head.id, at, number);
                        write_call(json, call, &minted);
                    }
                });
            }
        });
        let logprobs = json.key("logprobs");
        match &choice.logprobs {
            Some(value) => logprobs.value(value),
            None => logprobs.null(),
        }
        json.key("finish_reason")
            .str(stop::word(choice.stop.as_ref(), calls));
    });
}

fn is_call(block: &Block<'_>) -> bool {
    matches!(block.content, Content::Call { .. })
}

fn write_said(json: &mut Json, choice: &Choice<'_>, calls: bool) {
    let (mut texts, mut refusals) = (Vec::new(), Vec::new());
    for block in &choice.blocks {
        if let Content::Text(text) = &block.content {
            texts.push(text);
        } else if let Content::Refusal(text) = &block.content {
            refusals.push(text);
        }
    }
    // Why something was held back is what there is to say of it.
    if let (Some(Stop::Filtered(Some(why))), true) = (&choice.stop, refusals.is_empty()) {
        refusals.push(why);
    }
    let content = json.key("content");
    if texts.is_empty() && (calls || !refusals.is_empty()) {
        content.null();
    } else {
        content.texts(texts);
    }
    let refusal = json.key("refusal");
    if refusals.is_empty() {
        refusal.null();
    } else {
        refusal.texts(refusals);
    }
    let words = thought::words(&choice.blocks);
    if words.iter().any(|text| !text.is_empty()) {
        json.key("reasoning_content").texts(words);
    }
    if thought::has_details(&choice.blocks) {
        thought::write_details(json.key("reasoning_details"), &choice.blocks);
    }
}

fn write_call(json: &mut Json, block: &Block<'_>, minted: &Text<'_>) {
    let Content::Call {
        id,
        name,
        arguments,
        signature,
    } = &block.content
    else {
        return;
    };
    json.object(|json| {
        json.key("id").text(if id.is_empty() { minted } else { id });
        json.key("type").str("function");
        json.key("function").object(|json| {
            json.key("name").text(name);
            json.key("arguments").arguments_as_text(arguments);
        });
        if let Some(signature) = signature {
            thought::write_call_signature(json, signature);
        }
    });
}
