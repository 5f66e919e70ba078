//! Items and responses as JSON.

use std::borrow::Cow;

use super::super::names::{Echo, Named, custom_input};
use super::super::usage;
use super::{Call, Item, Part};
use crate::chat;
use crate::write::Json;
use crate::{Stop, Text, Usage};

/// What all of a response's parts are named by.
#[derive(Debug, Clone)]
pub(in super::super) struct Head {
    /// Ours, without a prefix: the items' ids are made of it.
    pub(in super::super) base: String,
    pub(in super::super) id: String,
    pub(in super::super) model: String,
    pub(in super::super) created: u64,
    pub(in super::super) names: Echo,
}

/// What an answer repeats of its request, and what holds without: clients that check an answer against the schema of Responses miss whatever is
/// not there, and take `null` for none of the numbers (source: `ResponseResource` of the Open Responses specification). Of a temperature that
/// nobody named it is OpenAI's default.
const REPEATED: [(&str, &str); 16] = [
    ("instructions", "null"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("metadata", "{}"),
    ("parallel_tool_calls", "true"),
    ("prompt_cache_key", "null"),
    ("reasoning", "null"),
    ("safety_identifier", "null"),
    ("service_tier", r#""default""#),
    ("temperature", "1.0"),
    ("text", r#"{"format":{"type":"text"}}"#),
    ("tool_choice", r#""auto""#),
    ("tools", "[]"),
    ("top_logprobs", "0"),
    ("top_p", "1.0"),
    ("truncation", r#""disabled""#),
];

/// What there is of an answer whatever was asked. When it was completed nobody here knows: there is no clock.
const FIXED: [(&str, &str); 6] = [
    ("background", "false"),
    ("completed_at", "null"),
    ("frequency_penalty", "0.0"),
    ("presence_penalty", "0.0"),
    ("previous_response_id", "null"),
    ("store", "false"),
];

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in super::super) enum Outcome {
    #[default]
    Completed,
    Incomplete(&'static str),
}

/// Where an item or a response stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Status<'s> {
    InProgress,
    Ended(Outcome),
    Failed { code: &'s str, message: &'s str },
}

impl Outcome {
    pub(in super::super) fn of(stop: Option<&Stop<'_>>) -> Self {
        match stop {
            None | Some(Stop::End | Stop::Sequence(_) | Stop::Calls | Stop::Other(_)) => {
                Self::Completed
            }
            Some(Stop::Length | Stop::ContextFull) => Self::Incomplete("max_output_tokens"),
            Some(Stop::Filtered(_)) => Self::Incomplete("content_filter"),
            Some(Stop::Paused) => Self::Incomplete("paused"),
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Incomplete(_) => "incomplete",
        }
    }
}

impl Status<'_> {
    fn word(self) -> &'static str {
        match self {
            Self::InProgress => "in_progress",
            Self::Ended(outcome) => outcome.word(),
            Self::Failed { .. } => "failed",
        }
    }
}

impl Head {
    pub(in super::super) fn new(head: &crate::Head<'_>, names: &Echo) -> Self {
        Self {
            base: head.id.to_owned(),
            id: format!("resp_{}", head.id),
            model: head.model.to_owned(),
            created: head.created,
            names: names.clone(),
        }
    }

    /// Takes what the provider calls the answer, as far as it is an id of a response, and its model.
    pub(in super::super) fn adopt(&mut self, id: Option<&Text<'_>>, model: Option<&Text<'_>>) {
        if let Some(id) = id.map(Text::unescaped)
            && let Some(rest) = id.strip_prefix("resp_")
            && !rest.is_empty()
            && id.len() <= 128
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        {
            self.id = id.into_owned();
        }
        if let Some(model) = model.filter(|model| !model.is_empty()) {
            self.model = model.unescaped().into_owned();
        }
    }

    /// How the caller knows a tool.
    pub(in super::super) fn named(&self, call: &Call) -> Option<&Named> {
        self.names.get(&Text::escaped(&*call.name))
    }

    /// The id of an item at a place of the output.
    pub(in super::super) fn item_id(&self, item: &Item, index: u64) -> String {
        let prefix = match item {
            Item::Message(_) => "msg",
            Item::Reasoning { .. } => "rs",
            Item::Call(call) if self.named(call).is_some_and(|named| named.custom) => "ctc",
            Item::Call(_) => "fc",
        };
        format!("{prefix}_{}_{index}", self.base)
    }

    /// Writes an item as the next value: without its content while it is in progress.
    pub(in super::super) fn item(
        &self,
        json: &mut Json,
        item: &Item,
        index: u64,
        status: Status<'_>,
    ) {
        let empty = status == Status::InProgress;
        json.object(|json| {
            json.key("id").str(&self.item_id(item, index));
            match item {
                Item::Message(parts) => {
                    json.key("type").str("message");
                    json.key("role").str("assistant");
                    json.key("status").str(status.word());
                    let shown = if empty { &[] } else { parts.as_slice() };
                    json.key("content").array(|json| {
                        for each in shown {
                            part(json, each, false);
                        }
                    });
                }
                Item::Reasoning { text, encrypted } => {
                    json.key("type").str("reasoning");
                    json.key("summary").array(|json| {
                        if !empty && !text.is_empty() {
                            json.object(|json| {
                                json.key("type").str("summary_text");
                                json.key("text").text(&Text::escaped(&**text));
                            });
                        }
                    });
                    match encrypted {
                        Some(encrypted) if !empty => {
                            json.key("encrypted_content")
                                .text(&Text::escaped(&**encrypted));
                        }
                        Some(_) | None => json.key("encrypted_content").null(),
                    }
                }
                Item::Call(call) => self.call(json, call, index, status),
            }
        });
    }

    fn call(&self, json: &mut Json, call: &Call, index: u64, status: Status<'_>) {
        let empty = status == Status::InProgress;
        let named = self.named(call);
        let custom = named.is_some_and(|named| named.custom);
        json.key("type").str(if custom {
            "custom_tool_call"
        } else {
            "function_call"
        });
        json.key("status").str(status.word());
        json.key("call_id")
            .text(&Text::escaped(self.call_id(call, index)));
        match named {
            Some(named) => {
                json.key("name").str(&named.name);
                if let Some(namespace) = &named.namespace {
                    json.key("namespace").str(namespace);
                }
            }
            None => json.key("name").text(&Text::escaped(&*call.name)),
        }
        match (custom, empty) {
            (true, true) => json.key("input").str(""),
            (true, false) => json
                .key("input")
                .text(&Text::escaped(custom_input(&call.arguments))),
            (false, true) => json.key("arguments").str(""),
            (false, false) => json.key("arguments").text(&Text::escaped(&*call.arguments)),
        }
    }

    /// What the call's output is to refer to; one of ours where the provider gave none.
    fn call_id<'c>(&self, call: &'c Call, index: u64) -> Cow<'c, str> {
        if call.id.is_empty() {
            Cow::Owned(format!("call_{}_{index}", self.base))
        } else {
            Cow::Borrowed(&call.id)
        }
    }
}

/// Writes a part of a message as the next value, or its beginning.
pub(in super::super) fn part(json: &mut Json, part: &Part, empty: bool) {
    let text = if empty { "" } else { &*part.text };
    let text = Text::escaped(text);
    json.object(|json| {
        if part.refusal {
            json.key("type").str("refusal");
            json.key("refusal").text(&text);
            return;
        }
        json.key("type").str("output_text");
        json.key("text").text(&text);
        json.key("annotations").array(|_| {});
        json.key("logprobs").array(|json| {
            if !empty && !part.logprobs.is_empty() {
                json.verbatim(&part.logprobs);
            }
        });
    });
}

/// Writes a response as the next value.
pub(in super::super) fn response(
    json: &mut Json,
    head: &Head,
    status: Status<'_>,
    output: &str,
    usage: Option<&Usage>,
) {
    json.object(|json| {
        json.key("id").str(&head.id);
        json.key("object").str("response");
        json.key("created_at").number(head.created);
        json.key("status").str(status.word());
        match status {
            Status::Failed { code, message } => json.key("error").object(|json| {
                json.key("code").str(code);
                json.key("message").str(message);
            }),
            Status::InProgress | Status::Ended(_) => json.key("error").null(),
        }
        match status {
            Status::Ended(Outcome::Incomplete(reason)) => json
                .key("incomplete_details")
                .object(|json| json.key("reason").str(reason)),
            Status::InProgress | Status::Ended(Outcome::Completed) | Status::Failed { .. } => {
                json.key("incomplete_details").null();
            }
        }
        json.key("model").str(&head.model);
        json.key("output").array(|json| {
            if !output.is_empty() {
                json.verbatim(output);
            }
        });
        for (name, value) in FIXED {
            json.key(name).verbatim(value);
        }
        for (name, default) in REPEATED {
            let value = head.names.repeated(name).unwrap_or(default);
            let json = json.key(name);
            // Which tier was asked for gives way to which there was.
            match usage.and_then(chat::usage::tier) {
                Some(tier) if name == "service_tier" => json.str(tier),
                _ => json.verbatim(value),
            }
        }
        if let Some(user) = head.names.repeated("user") {
            json.key("user").verbatim(user);
        }
        json.key("usage");
        usage::write(json, usage);
    });
}
