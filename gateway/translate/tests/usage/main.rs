//! Usage of every dialect: the same parts whether it is told whole or streamed, and written again for every surface.

// `cfg(test)` tells clippy that helpers, too, may unwrap.
#[cfg(test)]
mod read;
#[cfg(test)]
mod written;

#[cfg(test)]
use fairlead_translate::{Answered, Head, Usage, chat, converse, gemini, messages, responses};
#[cfg(test)]
use serde_json::{Value, json};

#[cfg(test)]
const HEAD: Head<'static> = Head {
    id: "1",
    model: "m",
    created: 7,
    include_usage: true,
};

#[cfg(test)]
#[derive(Debug, Clone, Copy, PartialEq)]
enum Dialect {
    Chat,
    Responses,
    Messages,
    Gemini,
    Converse,
}

/// What a whole answer with this usage, and these members beside it, is read to have used.
#[cfg(test)]
fn whole(dialect: Dialect, usage: &Value, beside: &Value) -> Option<Usage> {
    let mut body = match dialect {
        Dialect::Chat => {
            json!({"choices": [{"message": {"content": "x"}, "finish_reason": "stop"}], "usage": usage})
        }
        Dialect::Responses => {
            json!({"object": "response", "status": "completed", "output": [{"type": "message", "content": [{"type": "output_text", "text": "x"}]}], "usage": usage})
        }
        Dialect::Messages => {
            json!({"type": "message", "role": "assistant", "content": [{"type": "text", "text": "x"}], "stop_reason": "end_turn", "usage": usage})
        }
        Dialect::Gemini => {
            json!({"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}], "usageMetadata": usage})
        }
        Dialect::Converse => {
            json!({"output": {"message": {"content": [{"text": "x"}]}}, "stopReason": "end_turn", "usage": usage})
        }
    };
    add(&mut body, beside);
    let body = body.to_string();
    let body = body.as_bytes();
    let answered = match dialect {
        Dialect::Chat => chat::answer::read(body),
        Dialect::Responses => responses::answer::read(body),
        Dialect::Messages => messages::answer::read(body),
        Dialect::Gemini => gemini::answer::read(body),
        Dialect::Converse => converse::answer::read(body, converse::Family::of("anthropic.x")),
    };
    match answered.expect("well-formed") {
        Answered::Answer(answer) => answer.usage,
        other @ (Answered::Error(_) | Answered::Nothing) => panic!("no answer: {other:?}"),
    }
}

/// The same of a stream.
#[cfg(test)]
fn streamed(dialect: Dialect, usage: &Value, beside: &Value) -> Option<Usage> {
    let (mut told, name) = match dialect {
        Dialect::Chat => (json!({"choices": [], "usage": usage}), None),
        Dialect::Responses => (
            json!({"type": "response.completed", "response": {"status": "completed", "output": [{"type": "message", "content": [{"type": "output_text", "text": "x"}]}], "usage": usage}}),
            Some("response.completed"),
        ),
        Dialect::Messages => (
            json!({"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": usage}),
            Some("message_delta"),
        ),
        Dialect::Gemini => (
            json!({"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}], "usageMetadata": usage}),
            None,
        ),
        Dialect::Converse => (json!({"usage": usage}), Some("metadata")),
    };
    if dialect == Dialect::Responses {
        add(&mut told["response"], beside);
    } else {
        add(&mut told, beside);
    }
    let mut used: Option<Usage> = None;
    let mut take = |piece: fairlead_translate::Piece<'_>| {
        if let fairlead_translate::Piece::Usage(newer) = piece {
            used.get_or_insert_default().update(&newer);
        }
    };
    let data = told.to_string();
    let (name, data) = (name.map(str::as_bytes), data.as_bytes());
    let read = match dialect {
        Dialect::Chat => chat::stream::Reader::default().read(name, data, &mut take),
        Dialect::Responses => responses::stream::Reader::default().read(name, data, &mut take),
        Dialect::Messages => messages::stream::Reader::default().read(name, data, &mut take),
        Dialect::Gemini => gemini::stream::Reader::default().read(name, data, &mut take),
        Dialect::Converse => {
            let family = converse::Family::of("anthropic.x");
            converse::stream::Reader::new(family).read(name, data, &mut take)
        }
    };
    read.expect("well-formed");
    used
}

#[cfg(test)]
fn add(body: &mut Value, beside: &Value) {
    for (name, value) in beside.as_object().expect("members") {
        body[name] = value.clone();
    }
}
